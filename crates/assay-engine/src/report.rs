//! From an inventory to a report.

use assay_advisories::Database;
use assay_advisories::database::CorruptDatabase;
use assay_match::{database_status, end_of_life, match_inventory};
use assay_model::report::SourceKind;
use assay_model::{Image, Inventory, Report};

/// Judges an inventory by a database.
///
/// # Errors
/// Fails when a record of the database is damaged.
pub fn assess(
    source: SourceKind,
    image: Image,
    mut inventory: Inventory,
    database: &Database,
    built_in: bool,
) -> Result<Report, CorruptDatabase> {
    if let Some(os) = &mut inventory.os {
        os.end_of_life = end_of_life(os, database)?;
    }
    let matched = match_inventory(&inventory, database)?;
    Ok(Report {
        source,
        image,
        inventory,
        database: database_status(database, built_in)?,
        coverage: matched.coverage,
        findings: matched.findings,
    })
}
