//! Counts over a report. Suppressed findings are counted apart.

use assay_model::{Finding, FindingKind, Priority, Report, Severity};

/// Returns the findings that count.
pub fn open(report: &Report) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(|finding| finding.suppression.is_none())
}

/// Returns how many findings a statement takes out of the count.
pub fn suppressed(report: &Report) -> u64 {
    report.findings.iter().filter(|finding| finding.suppression.is_some()).count() as u64
}

/// Returns how many findings have each severity, worst first, without those that none has.
pub fn by_severity(report: &Report) -> Vec<(Severity, u64)> {
    Severity::ALL
        .into_iter()
        .map(|severity| {
            let count = open(report).filter(|finding| finding.severity == severity).count();
            (severity, count as u64)
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Returns how many findings are of a kind.
pub fn of_kind(report: &Report, kind: FindingKind) -> u64 {
    open(report).filter(|finding| finding.kind == kind).count() as u64
}

/// Returns how many findings have each priority, most urgent first, without those that none has.
pub fn by_priority(report: &Report) -> Vec<(Priority, u64)> {
    Priority::ALL
        .into_iter()
        .map(|priority| {
            let count = open(report).filter(|finding| finding.priority == Some(priority)).count();
            (priority, count as u64)
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Writes `2 act, 10 track`; nothing when no finding has a priority.
pub fn priorities(report: &Report) -> String {
    let parts: Vec<String> =
        by_priority(report).into_iter().map(|(priority, count)| format!("{count} {priority}")).collect();
    parts.join(", ")
}

/// Writes `12 findings: 2 critical, 10 high`.
pub fn headline(report: &Report) -> String {
    let total = open(report).count();
    let parts: Vec<String> =
        by_severity(report).into_iter().map(|(severity, count)| format!("{count} {severity}")).collect();
    match total {
        0 => "no findings".to_owned(),
        1 => format!("1 finding: {}", parts.join(", ")),
        _ => format!("{total} findings: {}", parts.join(", ")),
    }
}

/// Writes a number with its noun: `1 package`, `2 packages`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
