//! How old and how thorough the scan is, and whether all of the image was looked at.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;
use crate::words::count;
use assay_model::FindingKind;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::or("complete", Kind::Truth, "true", "Whether nothing may have been left unscanned."),
    Field::or("depth", Kind::Word(&["fast", "deep"]), "fast", "How thorough it must be."),
    Field::optional(
        "maxAge",
        Kind::Duration,
        "How old it may be; a report is as old as the database it was made with.",
    ),
    Field::or(
        "scanners",
        Kind::List(&Kind::Word(&["vulnerability", "secret", "malware", "misconfiguration", "license"])),
        "[vulnerability]",
        "The kinds of findings it must have looked for.",
    ),
    Field::optional(
        "by",
        Kind::List(&Kind::Trust),
        "Trust roots, one of which signed the report, where it was not scanned just now.",
    ),
];

/// The rule.
pub(super) struct Scan;

impl Rule for Scan {
    fn id(&self) -> &'static str {
        "scan"
    }

    fn about(&self) -> &'static str {
        "All of the image was scanned, thoroughly and lately enough. It holds in every policy, with its defaults."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn implied(&self) -> bool {
        true
    }

    fn needs_deep_scan(&self, params: &Params) -> bool {
        params.text("depth") == Some("deep")
    }

    fn stale_after(&self, params: &Params) -> Option<i64> {
        params.duration("maxAge")
    }

    fn evaluate(&self, params: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let now = out.now();
        for (image, report) in out.reports() {
            if params.truth("complete") && !report.complete() {
                let left: Vec<String> = report
                    .inventory
                    .warnings
                    .iter()
                    .filter(|warning| warning.incomplete)
                    .map(ToString::to_string)
                    .collect();
                let message = format!(
                    "the scan is not complete: {} left unscanned",
                    count(left.len(), ("part", "parts"))
                );
                out.missing_with(
                    Some(image),
                    message,
                    left,
                    "mend what the warnings name, and scan again without `--lazy`",
                );
            }
            if params.text("depth") == Some("deep") && !report.inventory.deep {
                out.stale(image, "the scan is not deep", "scan again with `--deep`");
            }
            for wanted in params.texts("scanners") {
                let looked = wanted.parse::<FindingKind>().is_ok_and(|kind| report.scanners.contains(&kind));
                if !looked {
                    out.missing(
                        Some(image),
                        format!("the scan did not look for findings of the kind `{wanted}`"),
                        "scan again without `--scanners`",
                    );
                }
            }
            if let Some(limit) = params.duration("maxAge") {
                match image.scanned_at.or(report.database.built_at) {
                    None => {
                        out.missing(Some(image), "when the image was scanned is not known", "scan it again");
                    }
                    Some(at) if now.0.saturating_sub(at.0) > limit => out.stale(
                        image,
                        format!("the scan is stale: it is from {}", at.date_text()),
                        "scan it again with a current database: `assay db update`",
                    ),
                    Some(_) => {}
                }
            }
            let by = params.texts("by");
            // What was scanned just now needs no signature.
            if !by.is_empty()
                && image.scanned_at.is_none()
                && !image.scanned_by.iter().any(|signer| by.contains(&signer.as_str()))
            {
                out.missing(
                    Some(image),
                    format!("the report is not signed (wanted by `{}`)", by.join("`, `")),
                    "let the gate scan the image itself, or sign the report with `assay sign-blob` and name its bundle with `--report-signature FILE`",
                );
            }
        }
    }
}
