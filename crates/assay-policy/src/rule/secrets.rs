//! No credentials that anybody who has the image can read.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;
use assay_model::{FindingKind, Severity};

/// What it takes.
const FIELDS: &[Field] = &[
    Field::or("max", Kind::Count, "0", "How many are accepted."),
    Field::optional(
        "severity",
        Kind::Severity,
        "The severity from which on they count; unknown always does.",
    ),
];

/// The rule.
pub(super) struct Secrets;

impl Rule for Secrets {
    fn id(&self) -> &'static str {
        "secrets"
    }

    fn about(&self) -> &'static str {
        "No more secrets than this, of any severity or from one on."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn evaluate(&self, params: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let accepted = params.count("max").unwrap_or_default();
        for (image, report) in out.reports_of(FindingKind::Secret) {
            let findings = out.counted(image, report, FindingKind::Secret, |finding| {
                finding.severity == Severity::Unknown
                    || params.severity("severity").is_none_or(|from| finding.severity >= from)
            });
            if findings.len() as u64 > accepted {
                let noun = if findings.len() == 1 { "secret" } else { "secrets" };
                let message = format!("{} {noun} in the image, accepted at most {accepted}", findings.len());
                out.findings(image, report, message, &findings);
            }
        }
    }
}
