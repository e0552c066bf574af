//! Findings that are about no package: secrets, malware, misconfigurations, licences.

use super::{Column, ID_SHOWN, MEDIUM, View};
use crate::summary;
use assay_escape::{shorten, terminal};
use assay_model::{Finding, FindingKind, Place};
use std::io::{self, Write};

/// How many places of a finding are named.
const PLACES_SHOWN: usize = 3;

/// How many details of a finding are shown.
const DETAILS_SHOWN: usize = 4;

impl View<'_> {
    /// Writes a table for each kind of which there is anything.
    pub(super) fn detected(&self, out: &mut dyn Write) -> io::Result<()> {
        for kind in FindingKind::ALL {
            let mut findings = self
                .report
                .findings
                .iter()
                .filter(|one| one.kind == kind && one.package.is_none())
                .peekable();
            if findings.peek().is_none() {
                continue;
            }
            writeln!(out, "{}", self.bold(heading(kind)))?;
            let mut columns = self.urgency_columns();
            columns.extend([Column::share("RULE", 30), Column::share("WHERE", 40), Column::text("WHAT")]);
            let mut grid = self.grid(&columns, 2);
            for finding in findings {
                let mut row = self.urgency_cells(finding);
                row.extend([
                    self.cell(&shorten(&finding.rule, ID_SHOWN)),
                    self.lines(&self.places_of(finding)),
                    self.lines(&what(finding)),
                ]);
                grid.add_row(row);
            }
            self.print(&grid, "  ", out)?;
            writeln!(out)?;
        }
        Ok(())
    }

    /// A cell of several lines, each escaped for itself.
    fn lines(&self, lines: &[String]) -> comfy_table::Cell {
        let lines: Vec<String> = lines.iter().map(|line| terminal(line).into_owned()).collect();
        comfy_table::Cell::new(lines.join("\n"))
    }

    fn places_of(&self, finding: &Finding) -> Vec<String> {
        let mut lines: Vec<String> =
            finding.locations.iter().take(PLACES_SHOWN).map(|place| self.place(place)).collect();
        if let Some(more) = finding.locations.len().checked_sub(PLACES_SHOWN).filter(|more| *more > 0) {
            lines.push(format!("and {}", summary::count(more as u64, "more place")));
        }
        lines
    }

    fn place(&self, place: &Place) -> String {
        let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
        let layer = self.layer(place.layer, self.width >= MEDIUM).map(|layer| format!(" in {layer}"));
        format!("{}{line}{}", shorten(&place.path, 120), shorten(&layer.unwrap_or_default(), 80))
    }
}

/// What was found and what to do, a line each.
fn what(finding: &Finding) -> Vec<String> {
    let mut lines = vec![shorten(&finding.title, 160)];
    for detail in finding.details.iter().take(DETAILS_SHOWN) {
        lines.push(shorten(&format!("{}: {}", detail.name, detail.value), 160));
    }
    if !finding.remediation.is_empty() {
        lines.push(format!("do: {}", shorten(&finding.remediation, 240)));
    }
    lines
}

fn heading(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Vulnerability => "vulnerabilities",
        FindingKind::Secret => "secrets",
        FindingKind::Malware => "malware",
        FindingKind::Misconfiguration => "misconfigurations",
        FindingKind::License => "licences",
    }
}
