//! Words and sentences that several rules and forms share.

use crate::verdict::{ExceptionState, ExceptionUse, Reason, ReasonFinding, Verdict};

/// Returns a number of things.
pub(crate) fn count(number: usize, (one, many): (&str, &str)) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// What is counted.
pub(crate) const FINDINGS: (&str, &str) = ("finding", "findings");
/// What is counted.
pub(crate) const VULNERABILITIES: (&str, &str) = ("vulnerability", "vulnerabilities");

/// Returns the verdict in one line.
pub(crate) fn headline(verdict: &Verdict) -> String {
    let digest = verdict.index.or_else(|| verdict.digests.first().copied());
    let digest = digest.map(|digest| format!(" ({digest})")).unwrap_or_default();
    // A reference by digest has said it already.
    let digest = if verdict.source.contains('@') { String::new() } else { digest };
    format!("{}: {}{digest}", verdict.decision.name(), verdict.source)
}

/// Returns by what it was judged.
pub(crate) fn basis(verdict: &Verdict) -> String {
    match verdict.tiers.as_slice() {
        [] => format!("policy {}", verdict.policy),
        [tier] => format!("policy {}, tier {tier}", verdict.policy),
        tiers => format!("policy {}, tiers {}", verdict.policy, tiers.join(", ")),
    }
}

/// Returns a finding in one line.
pub(crate) fn finding(finding: &ReasonFinding) -> String {
    let mut parts = vec![finding.severity.to_owned(), finding.rule.clone()];
    match (&finding.package_name, &finding.path) {
        (Some(package), _) => parts.push(package.clone()),
        (None, Some(path)) => parts.push(path.clone()),
        (None, None) => {}
    }
    if finding.kind == "vulnerability" {
        parts.push(if finding.fixed_versions.is_empty() {
            format!("fix: {}", finding.fix)
        } else {
            format!("fixed in {}", finding.fixed_versions.join(", "))
        });
    } else if !finding.title.is_empty() {
        parts.push(finding.title.clone());
    }
    if finding.base == Some(true) {
        parts.push("from the base image".to_owned());
    }
    parts.join("  ")
}

/// Returns a reason as a sentence, with the image it is about where there are several.
pub(crate) fn sentence(verdict: &Verdict, reason: &Reason) -> String {
    match reason.digest.filter(|_| verdict.digests.len() > 1) {
        Some(digest) => format!("{} ({digest})", reason.message),
        None => reason.message.clone(),
    }
}

/// Returns what an exception did, in one line.
pub(crate) fn exception(used: &ExceptionUse) -> String {
    let what = match used.state {
        ExceptionState::Used => {
            let findings = used.findings.len();
            let rules = used.rules.len();
            match (findings, rules) {
                (0, _) => format!("used for {}", used.rules.join(", ")),
                (1, 0) => "used for 1 finding".to_owned(),
                (_, 0) => format!("used for {findings} findings"),
                _ => format!("used for {findings} findings and {}", used.rules.join(", ")),
            }
        }
        ExceptionState::Unused => "unused: there is nothing that it takes out; remove it".to_owned(),
        ExceptionState::Expired => "expired: it has no effect any more".to_owned(),
        ExceptionState::Ended => "ended: a fix is out".to_owned(),
        ExceptionState::TooLong => "without effect: it runs longer than the policy allows".to_owned(),
    };
    let expiry = used.expires.as_ref().map(|date| format!(", expires {date}")).unwrap_or_default();
    let soon = if used.expiring { " (soon)" } else { "" };
    format!("{} {what}{expiry}{soon}, owner {}", used.id, used.owner)
}
