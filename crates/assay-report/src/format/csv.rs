//! Comma-separated values (RFC 4180), one line per finding, for spreadsheets.
//!
//! Spreadsheets run what looks like a formula; such cells begin with an apostrophe, which they show as text.

use super::{Format, Options};
use crate::words;
use assay_escape::spreadsheet;
use assay_model::{Finding, Package, Priority, Report};
use std::io::{self, Write};

/// Writes CSV.
pub(super) struct Csv;

/// The columns, in their order.
const COLUMNS: [&str; 16] = [
    "id",
    "kind",
    "rule",
    "aliases",
    "severity",
    "priority",
    "status",
    "package",
    "version",
    "purl",
    "fix_state",
    "fixed_versions",
    "location",
    "layer",
    "title",
    "remediation",
];

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn write(&self, report: &Report, _: &Options, out: &mut dyn Write) -> io::Result<()> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        writer.write_record(COLUMNS)?;
        for finding in &report.findings {
            writer.write_record(row(report, finding).map(|cell| spreadsheet(&cell).into_owned()))?;
        }
        writer.flush()
    }
}

fn row(report: &Report, finding: &Finding) -> [String; 16] {
    let package = words::package(report, finding);
    let first = finding.locations.first();
    [
        finding.id.clone(),
        finding.kind.name().to_owned(),
        finding.rule.clone(),
        finding.aliases.join(" "),
        finding.severity.name().to_owned(),
        finding.priority.map_or("", Priority::name).to_owned(),
        if finding.suppression.is_some() { "suppressed" } else { "open" }.to_owned(),
        package.map(Package::full_name).unwrap_or_default(),
        package.map(|package| package.version.clone()).unwrap_or_default(),
        package.map(|package| package.purl(report.inventory.os.as_ref()).to_string()).unwrap_or_default(),
        if package.is_some() { finding.fix.name() } else { "" }.to_owned(),
        finding.fixed_versions.join(" "),
        first.map(words::place).unwrap_or_default(),
        first
            .and_then(|place| report.image.layers.get(place.layer? as usize))
            .and_then(|layer| layer.diff_id)
            .map(|diff_id| diff_id.to_string())
            .unwrap_or_default(),
        finding.title.clone(),
        finding.remediation.clone(),
    ]
}
