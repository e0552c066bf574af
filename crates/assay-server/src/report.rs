//! A report as it is stored: `assay.report/v1`, written and read.

use assay_advisories::Database;
use assay_advisories::database::CorruptDatabase;
use assay_match::priority::sort_by_urgency;
use assay_match::{Matched, advise_removal, database_status, prioritise, removable};
use assay_model::{FindingKind, Inventory, Report};

/// Writes a report.
pub(crate) fn write(report: &Report) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let format = assay_report::format::by_name("json").ok_or(std::io::ErrorKind::Unsupported)?;
    format.write(report, &assay_report::Options::default(), &mut bytes)?;
    Ok(bytes)
}

/// Puts what a newer database says about the packages into a report; what content gave away stays.
///
/// The report was read back, so it has no inventory of its own that could be matched: `inventory` is the stored one.
pub(crate) fn renew(
    mut report: Report,
    inventory: Inventory,
    matched: Matched,
    database: &Database,
    built_in: bool,
) -> Result<Report, CorruptDatabase> {
    let of_packages = |kind| matches!(kind, FindingKind::Vulnerability | FindingKind::Malware);
    let mut findings = matched.findings;
    // Malware is also found in content, and is then about no package.
    findings.retain(|finding| report.scanners.contains(&finding.kind));
    prioritise(&mut findings, &inventory, &report.context);
    report.findings.retain(|finding| !(of_packages(finding.kind) && finding.package.is_some()));
    report.findings.append(&mut findings);
    sort_by_urgency(&mut report.findings);
    report.removable = removable(&inventory, &report.findings);
    advise_removal(&mut report.findings, &report.removable);
    report.inventory = inventory;
    report.database = database_status(database, built_in)?;
    report.coverage = matched.coverage;
    Ok(report)
}
