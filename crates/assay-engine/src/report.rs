//! From an inventory to a report.

use assay_advisories::Database;
use assay_advisories::database::CorruptDatabase;
use assay_match::priority::of_image;
use assay_match::{advise_removal, database_status, end_of_life, match_inventory, prioritise, removable};
use assay_model::context::Statements;
use assay_model::report::SourceKind;
use assay_model::{Image, Inventory, Report};

/// Judges an inventory by a database, and says how urgent each finding is where it runs, by what operators state of that.
///
/// # Errors
/// Fails when a record of the database is damaged.
pub fn assess(
    source: SourceKind,
    image: Image,
    mut inventory: Inventory,
    database: &Database,
    built_in: bool,
    statements: &Statements,
) -> Result<Report, CorruptDatabase> {
    if let Some(os) = &mut inventory.os {
        os.end_of_life = end_of_life(os, database)?;
    }
    let (context, warnings) = of_image(statements, &image);
    inventory.warnings.extend(warnings);
    let mut matched = match_inventory(&inventory, database)?;
    prioritise(&mut matched.findings, &inventory, &context);
    let removable = removable(&inventory, &matched.findings);
    advise_removal(&mut matched.findings, &removable);
    Ok(Report {
        source,
        image,
        inventory,
        database: database_status(database, built_in)?,
        context,
        coverage: matched.coverage,
        findings: matched.findings,
        removable,
    })
}
