//! How many vulnerabilities of each severity are accepted.

use super::Rule;
use crate::define::{COUNTS_BY_SEVERITY, Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;
use crate::threshold;
use assay_model::{Base, Finding, FindingKind, FixState, Report, Timestamp, Usage};

/// What it takes.
const FIELDS: &[Field] = &[
    Field::required("max", Kind::Record(COUNTS_BY_SEVERITY), "How many are accepted."),
    Field::or(
        "fix",
        Kind::Word(&["any", "fixed", "unfixed"]),
        "any",
        "Which count: all, those with a fix, or those without.",
    ),
    Field::optional(
        "grace",
        Kind::Duration,
        "Those with a fix count only once it has been known for so long; without earlier reports at once.",
    ),
    Field::optional(
        "ignoreUnfixedFor",
        Kind::Duration,
        "Those without a fix count only once they have been known for so long; without earlier reports at once.",
    ),
    Field::or(
        "ownOnly",
        Kind::Truth,
        "false",
        "Leaves out what the base image brings, where its layers are those of an image named with `--base` or `--base-repository`.",
    ),
    Field::or("usedOnly", Kind::Truth, "false", "Leaves out packages that are shown not to be used."),
];

/// The rule.
pub(super) struct Vulnerabilities;

impl Rule for Vulnerabilities {
    fn id(&self) -> &'static str {
        "vulnerabilities"
    }

    fn about(&self) -> &'static str {
        "No more vulnerabilities than this of each severity; a limit holds for what is worse, too."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, params: &Params) -> Result<(), String> {
        if params.by_severity("max").is_empty() { Err("has no limit in `max`".to_owned()) } else { Ok(()) }
    }

    fn counts_vulnerabilities(&self) -> bool {
        true
    }

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let limits = params.by_severity("max");
        let now = out.now();
        for (image, report) in out.reports_of(FindingKind::Vulnerability) {
            let findings = out.counted(image, report, FindingKind::Vulnerability, |finding| {
                threshold::limited(finding.severity, &limits).is_some()
                    && concerned(params, report, finding)
                    && !young(params, facts, finding, now)
            });
            let which = match params.text("fix") {
                Some("fixed") => ("vulnerability with a fix", "vulnerabilities with a fix"),
                Some("unfixed") => ("vulnerability without a fix", "vulnerabilities without a fix"),
                _ => ("vulnerability", "vulnerabilities"),
            };
            threshold::check(image, report, &findings, &limits, which, out);
        }
    }
}

fn concerned(params: &Params, report: &Report, finding: &Finding) -> bool {
    let fixed = finding.fix == FixState::Fixed;
    let by_fix = match params.text("fix") {
        Some("fixed") => fixed,
        Some("unfixed") => !fixed,
        _ => true,
    };
    // What an image says of its own base may not take findings out of the count; nor may an image that happened to be scanned
    // before, which may be this one with a layer less.
    let sure = report.image.base.as_ref().is_some_and(Base::is_sure);
    let base = params.truth("ownOnly") && sure && finding.in_base == Some(true);
    let package = finding
        .package
        .and_then(|index| usize::try_from(index).ok())
        .and_then(|index| report.inventory.packages.get(index));
    let unused = params.truth("usedOnly") && package.is_some_and(|package| package.usage == Usage::Unused);
    by_fix && !base && !unused
}

/// Returns whether a finding is within a time of grace; what is not known to be young is old.
fn young(params: &Params, facts: &Facts<'_>, finding: &Finding, now: Timestamp) -> bool {
    let seen = facts.history.as_ref().and_then(|history| history.seen.get(&finding.id));
    let (since, grace) = if finding.fix == FixState::Fixed {
        (seen.and_then(|seen| seen.fixable), params.duration("grace"))
    } else {
        (seen.map(|seen| seen.first), params.duration("ignoreUnfixedFor"))
    };
    match (since, grace) {
        (Some(since), Some(grace)) => now.0.saturating_sub(since.0) < grace,
        _ => false,
    }
}
