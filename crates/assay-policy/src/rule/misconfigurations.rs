//! How an image is set up.

use super::Rule;
use crate::define::{COUNTS_BY_SEVERITY, Field, Kind, Params};
use crate::facts::Facts;
use crate::pattern;
use crate::reasons::Reasons;
use crate::threshold;
use crate::words::{FINDINGS, count};
use assay_model::FindingKind;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::optional("max", Kind::Record(COUNTS_BY_SEVERITY), "How many are accepted."),
    Field::optional(
        "forbid",
        Kind::List(&Kind::Pattern),
        "Checks that must not fail, by id or alias: `image-ssh-*`.",
    ),
];

/// The rule.
pub(super) struct Misconfigurations;

impl Rule for Misconfigurations {
    fn id(&self) -> &'static str {
        "misconfigurations"
    }

    fn about(&self) -> &'static str {
        "No more misconfigurations than this of each severity, and none of those that are named."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, params: &Params) -> Result<(), String> {
        if params.by_severity("max").is_empty() && params.list("forbid").is_empty() {
            return Err("asks for nothing: give `max` or `forbid`".to_owned());
        }
        Ok(())
    }

    fn evaluate(&self, params: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let limits = params.by_severity("max");
        let forbidden = params.texts("forbid");
        for (image, report) in out.reports_of(FindingKind::Misconfiguration) {
            let named = out.counted(image, report, FindingKind::Misconfiguration, |finding| {
                pattern::any(&forbidden, &finding.rule)
                    || finding.aliases.iter().any(|alias| pattern::any(&forbidden, alias))
            });
            if !named.is_empty() {
                let message = format!("{} of a check that must not fail", count(named.len(), FINDINGS));
                out.findings(image, report, message, &named);
            }
            let findings = out.counted(image, report, FindingKind::Misconfiguration, |finding| {
                threshold::limited(finding.severity, &limits).is_some()
            });
            threshold::check(
                image,
                report,
                &findings,
                &limits,
                ("misconfiguration", "misconfigurations"),
                out,
            );
        }
    }
}
