//! How many findings of each priority are accepted.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;
use crate::words::{FINDINGS, count};
use assay_model::{FindingKind, Priority};

const COUNTS: &[Field] = &[
    Field::optional("act", Kind::Count, "How many to act on now are accepted."),
    Field::optional("attend", Kind::Count, "How many to attend to."),
    Field::optional("track-closely", Kind::Count, "How many to track closely."),
    Field::optional("track", Kind::Count, "How many to track."),
];

/// What it takes.
const FIELDS: &[Field] = &[Field::required("max", Kind::Record(COUNTS), "How many are accepted.")];

/// The rule.
pub(super) struct Priorities;

impl Rule for Priorities {
    fn id(&self) -> &'static str {
        "priority"
    }

    fn about(&self) -> &'static str {
        "No more findings than this of each priority; a limit holds for what is more urgent, too."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, params: &Params) -> Result<(), String> {
        match params.record("max") {
            Some(max) if max.iter().next().is_none() => Err("has no limit in `max`".to_owned()),
            _ => Ok(()),
        }
    }

    fn counts_vulnerabilities(&self) -> bool {
        true
    }

    fn evaluate(&self, params: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let Some(max) = params.record("max") else { return };
        // The nearest limit at or below a priority; one that is not decided is no reason to pass.
        let limit = |priority: Option<Priority>| {
            let priority = priority.unwrap_or(Priority::Act);
            Priority::ALL
                .into_iter()
                .filter(|limit| *limit <= priority)
                .find(|limit| max.count(limit.name()).is_some())
        };
        for (image, report) in out.reports_of(FindingKind::Vulnerability) {
            for priority in Priority::ALL {
                let Some(accepted) = max.count(priority.name()) else { continue };
                let mut over = Vec::new();
                for finding in &report.findings {
                    if limit(finding.priority) == Some(priority) && out.open(image, report, finding) {
                        over.push(finding);
                    }
                }
                if over.len() as u64 > accepted {
                    let message = format!(
                        "{} of priority {} or more urgent, accepted at most {accepted}",
                        count(over.len(), FINDINGS),
                        priority.name()
                    );
                    out.findings(image, report, message, &over);
                }
            }
        }
    }
}
