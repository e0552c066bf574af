//! What gets no security fixes any more.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;
use crate::words::{VULNERABILITIES, count};
use assay_model::{FindingKind, FixState, Os};

/// What it takes.
const FIELDS: &[Field] = &[
    Field::or("within", Kind::Duration, "0d", "For how long from now it must get fixes."),
    Field::or(
        "packages",
        Kind::Truth,
        "true",
        "Whether vulnerable packages at their end of life count, too.",
    ),
];

/// The rule.
pub(super) struct EndOfLife;

impl Rule for EndOfLife {
    fn id(&self) -> &'static str {
        "endOfLife"
    }

    fn about(&self) -> &'static str {
        "The distribution gets security fixes now and for some time, and so do packages with vulnerabilities."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn evaluate(&self, params: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let now = out.now();
        let within = params.duration("within").unwrap_or_default();
        for (image, report) in out.reports() {
            match report.inventory.os.as_ref().map(|os| (os, os.end_of_life)) {
                Some((os, Some(end))) if end.0 <= now.0.saturating_add(within) => {
                    let name = if os.name.is_empty() { &os.id } else { &os.name };
                    let when = if end <= now {
                        "got its last security fixes"
                    } else {
                        "gets its last security fixes"
                    };
                    out.violation(
                        Some(image),
                        format!("{name} {when} on {}", end.date_text()),
                        format!("build on a newer release of {}", os.id),
                    );
                }
                // What has no releases has none that ends.
                Some((os, None)) if rolls(os) => {}
                Some((os, None)) => out.missing(
                    Some(image),
                    format!("until when {} {} gets security fixes is not known", os.id, os.version),
                    "fetch a database that knows it: `assay db update`",
                ),
                // An image that does not say what it is made of has not left its distribution behind.
                None if report.inventory.packages.iter().any(|package| package.kind.is_os()) => out.missing(
                    Some(image),
                    "of which distribution its packages are is not known, nor until when they get security fixes",
                    "keep `/etc/os-release` in the image",
                ),
                // Without a distribution there is nothing that ends.
                Some(_) | None => {}
            }
            if !params.truth("packages") {
                continue;
            }
            let findings = out.counted(image, report, FindingKind::Vulnerability, |finding| {
                finding.fix == FixState::EndOfLife
            });
            if !findings.is_empty() {
                let message = format!(
                    "{} in packages that get no fixes any more",
                    count(findings.len(), VULNERABILITIES)
                );
                out.findings(image, report, message, &findings);
            }
        }
    }
}

/// Returns whether a distribution is the same whatever version it names.
fn rolls(os: &Os) -> bool {
    os.distro.is_some_and(|distro| (distro.release)("1") == (distro.release)("2"))
}
