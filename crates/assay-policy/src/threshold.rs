//! Limits by severity, as several rules have them.

use crate::facts::ImageFacts;
use crate::reasons::Reasons;
use assay_model::{Finding, Report, Severity};
use std::collections::BTreeMap;

/// Returns the severity under whose limit a finding falls: its own, or else the nearest limited one below it, so that a limit on
/// high findings is one on critical ones, too. One of unknown severity could be the worst.
pub(crate) fn limited<T>(severity: Severity, limits: &BTreeMap<Severity, T>) -> Option<Severity> {
    if limits.contains_key(&severity) {
        return Some(severity);
    }
    let known = |limit: &&Severity| **limit != Severity::Unknown;
    if severity == Severity::Unknown {
        return limits.keys().filter(known).max().copied();
    }
    limits.keys().filter(known).filter(|limit| **limit < severity).max().copied()
}

/// Adds a reason for each limit that findings exceed.
pub(crate) fn check(
    image: &ImageFacts<'_>,
    report: &Report,
    findings: &[&Finding],
    limits: &BTreeMap<Severity, u64>,
    (singular, plural): (&str, &str),
    out: &mut Reasons<'_, '_>,
) {
    for (limit, accepted) in limits.iter().rev() {
        let over: Vec<&Finding> = findings
            .iter()
            .copied()
            .filter(|finding| limited(finding.severity, limits) == Some(*limit))
            .collect();
        let count = over.len() as u64;
        if count > *accepted {
            let noun = if count == 1 { singular } else { plural };
            let worse = over.iter().any(|finding| finding.severity > *limit);
            let unknown = *limit != Severity::Unknown
                && over.iter().any(|finding| finding.severity == Severity::Unknown);
            let or_worse = match (worse, unknown) {
                (true, true) => " or worse or unknown",
                (true, false) => " or worse",
                (false, true) => " or unknown",
                (false, false) => "",
            };
            let message =
                format!("{count} {}{or_worse} {noun}, accepted {}", limit.name(), accepted_text(*accepted));
            out.findings(image, report, message, &over);
        }
    }
}

fn accepted_text(accepted: u64) -> String {
    if accepted == 0 { "none".to_owned() } else { format!("at most {accepted}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_for_what_is_worse() {
        let limits = BTreeMap::from([(Severity::High, 0u64), (Severity::Low, 3)]);
        assert_eq!(limited(Severity::Critical, &limits), Some(Severity::High));
        assert_eq!(limited(Severity::Medium, &limits), Some(Severity::Low));
        assert_eq!(limited(Severity::Negligible, &limits), None);
        assert_eq!(limited(Severity::Unknown, &limits), Some(Severity::High));
    }
}
