//! How long a vulnerability may stay after its fix is out.

use super::Rule;
use crate::define::{Field, Kind, Params, TIMES_BY_SEVERITY};
use crate::facts::Facts;
use crate::reasons::Reasons;
use crate::threshold::limited;
use crate::words::{VULNERABILITIES, count};
use assay_model::timestamp::DAY;
use assay_model::{FindingKind, FixState};

/// What it takes.
const FIELDS: &[Field] =
    &[Field::required("max", Kind::Record(TIMES_BY_SEVERITY), "How long each severity may stay.")];

/// The rule.
pub(super) struct FixAge;

impl Rule for FixAge {
    fn id(&self) -> &'static str {
        "fixAge"
    }

    fn about(&self) -> &'static str {
        "Vulnerabilities are gone so long after their fix came out; that is counted from the first report that named the fix."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, params: &Params) -> Result<(), String> {
        if params.times_by_severity("max").is_empty() {
            Err("has no limit in `max`".to_owned())
        } else {
            Ok(())
        }
    }

    fn counts_vulnerabilities(&self) -> bool {
        true
    }

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let limits = params.times_by_severity("max");
        let now = out.now();
        for (image, report) in out.reports_of(FindingKind::Vulnerability) {
            let fixed = out.counted(image, report, FindingKind::Vulnerability, |finding| {
                finding.fix == FixState::Fixed && limited(finding.severity, &limits).is_some()
            });
            let (mut old, mut undated, mut days) = (Vec::new(), Vec::new(), 0);
            for finding in fixed {
                let limit = limited(finding.severity, &limits).and_then(|limit| limits.get(&limit)).copied();
                let seen = facts.history.as_ref().and_then(|history| history.seen.get(&finding.id));
                // A limit of nothing needs no date.
                match (seen.and_then(|seen| seen.fixable), limit.unwrap_or_default()) {
                    (_, 0) => old.push(finding),
                    (None, _) => undated.push(finding),
                    (Some(since), limit) => {
                        let age = now.0.saturating_sub(since.0);
                        if age > limit {
                            days = days.max(age / DAY);
                            old.push(finding);
                        }
                    }
                }
            }
            if !old.is_empty() {
                let message = format!(
                    "{} kept longer than accepted after a fix was out, up to {days} days",
                    count(old.len(), VULNERABILITIES)
                );
                out.findings(image, report, message, &old);
            }
            if !undated.is_empty() {
                out.missing(
                    Some(image),
                    format!(
                        "since when a fix is out is not known of {}",
                        count(undated.len(), VULNERABILITIES)
                    ),
                    "give earlier reports of the image with `--history FILE`",
                );
            }
        }
    }
}
