//! What is stated of findings: those that a statement takes out of the count, and statements that change nothing.

use super::View;
use crate::summary;
use assay_escape::terminal;
use assay_model::{Finding, Report};
use std::io::{self, Write};

/// How many statements are shown without being asked for.
const SHOWN: usize = 10;

impl View<'_> {
    /// Writes them; `report` is the whole one.
    pub(super) fn statements(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let name = |finding: &Finding| {
            let package = finding.package.and_then(|index| self.package(index));
            let package = package.map(|it| format!(" in {} {}", it.full_name(), it.version));
            format!("{}{}", finding.rule, package.unwrap_or_default())
        };
        let mut stated: Vec<String> = Vec::new();
        for finding in &self.report.findings {
            for detail in finding.details.iter().filter(|detail| detail.name == "vex") {
                stated.push(format!("{}: {}", name(finding), detail.value));
            }
        }
        if !stated.is_empty() {
            writeln!(out, "{}", self.bold("stated, without effect"))?;
            let shown = if self.options.suppressed { stated.len() } else { SHOWN };
            for line in stated.iter().take(shown) {
                self.sentence(&terminal(line), out)?;
            }
            if let Some(more) = stated.len().checked_sub(shown).filter(|more| *more > 0) {
                writeln!(out, "and {more} more; `--show-suppressed` lists them")?;
            }
            writeln!(out)?;
        }
        let count = summary::suppressed(report);
        if count == 0 {
            return Ok(());
        }
        if !self.options.suppressed {
            let count = summary::count(count, "finding");
            writeln!(out, "{count} suppressed by statements; `--show-suppressed` lists them\n")?;
            return Ok(());
        }
        writeln!(out, "{}", self.bold("suppressed"))?;
        for finding in &report.findings {
            let Some(suppression) = &finding.suppression else { continue };
            let by = if suppression.author.is_empty() { &suppression.source } else { &suppression.author };
            let date = suppression.issued.map(|time| format!(" on {}", time.date_text())).unwrap_or_default();
            let source = if by == &suppression.source {
                String::new()
            } else {
                format!(" in `{}`", suppression.source)
            };
            let reason = match suppression.reason.as_str() {
                "" => String::new(),
                reason => format!(": {reason}"),
            };
            let stale = finding.details.iter().any(|detail| detail.name == "vex-stale");
            let stale = if stale { " (older than the advisory)" } else { "" };
            let state = suppression.state.name();
            let line = format!("{}: {state} by {by}{date}{source}{reason}{stale}", name(finding));
            self.sentence(&terminal(&line), out)?;
        }
        writeln!(out)
    }
}
