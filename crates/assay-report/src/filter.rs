//! Which findings are shown. A filter changes the view, never the verdict.

use assay_model::{Finding, FixState, Priority, Report, Severity};

/// What to show.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only these severities; empty means all.
    pub severities: Vec<Severity>,
    /// Only these priorities; empty means all.
    pub priorities: Vec<Priority>,
    /// Only findings with a fix.
    pub only_fixed: bool,
    /// Only findings that the base image does not bring, as far as is known.
    pub exclude_base: bool,
}

impl Filter {
    /// Returns whether a finding is shown.
    pub fn shows(&self, finding: &Finding) -> bool {
        (self.severities.is_empty() || self.severities.contains(&finding.severity))
            && (self.priorities.is_empty()
                // What nobody has decided is shown: hiding it would be a decision.
                || finding.priority.is_none_or(|priority| self.priorities.contains(&priority)))
            && (!self.only_fixed || finding.fix == FixState::Fixed)
            && (!self.exclude_base || finding.in_base != Some(true))
    }

    /// Returns the report with only the findings that are shown, and how many were left out.
    pub fn apply(&self, mut report: Report) -> (Report, u64) {
        let before = report.findings.len();
        report.findings.retain(|finding| self.shows(finding));
        let hidden = before - report.findings.len();
        (report, hidden as u64)
    }
}
