//! From an inventory to a report.

use assay_advisories::Database;
use assay_advisories::database::CorruptDatabase;
use assay_match::priority::{of_image, sort_by_urgency};
use assay_match::{
    Matched, advise_removal, database_status, end_of_life, match_inventory, prioritise, removable,
};
use assay_model::context::Statements;
use assay_model::report::SourceKind;
use assay_model::{FindingKind, Image, Inventory, Report};

/// Judges an inventory by a database, joins what content gives away, both as far as `kinds` asks for it, and says how urgent
/// each finding is where it runs, by what operators state of that.
///
/// # Errors
/// Fails when a record of the database is damaged.
pub fn assess(
    source: SourceKind,
    mut image: Image,
    mut inventory: Inventory,
    database: &Database,
    built_in: bool,
    statements: &Statements,
    kinds: &[FindingKind],
) -> Result<Report, CorruptDatabase> {
    if let Some(os) = &mut inventory.os {
        os.end_of_life = end_of_life(os, database)?;
    }
    let (context, warnings) = of_image(statements, &image);
    inventory.warnings.extend(warnings);
    let mut matched = if kinds.contains(&FindingKind::Vulnerability) {
        match_inventory(&inventory, database)?
    } else {
        Matched::default()
    };
    prioritise(&mut matched.findings, &inventory, &context);
    inventory.detections.extend(assay_detect::of_image(kinds, &image, &inventory));
    // From here on nothing that is said of the image repeats a secret in its configuration.
    assay_detect::secret::redact(&mut image);
    inventory.detections.sort();
    inventory.detections.dedup();
    matched.findings.extend(assay_detect::findings(kinds, &inventory.detections, &image));
    sort_by_urgency(&mut matched.findings);
    let removable = removable(&inventory, &matched.findings);
    advise_removal(&mut matched.findings, &removable);
    Ok(Report {
        source,
        image,
        scanners: FindingKind::ALL.into_iter().filter(|kind| kinds.contains(kind)).collect(),
        inventory,
        database: database_status(database, built_in)?,
        context,
        coverage: matched.coverage,
        findings: matched.findings,
        removable,
    })
}
