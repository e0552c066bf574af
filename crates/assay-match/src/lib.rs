#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod coverage;
mod explain;
mod finding;
mod judge;
mod placeholder;
pub mod priority;
mod rematch;
mod remedy;
mod removable;
mod vex;

pub use coverage::{Assessment, coverage_state, database_status, end_of_life};
pub use explain::{Explanation, PackageVerdict, explain};
pub use judge::{Judgement, Subject, judge};
pub use priority::prioritise;
pub use rematch::{FindingChange, Outcome, Rematched, rematch, what_changes};
pub use removable::{advise_removal, removable};
pub use vex::{Trust, VexDocument, apply_vex};

use assay_advisories::Database;
use assay_advisories::database::CorruptDatabase;
use assay_model::{Finding, Inventory};

/// What matching an inventory gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matched {
    /// Findings, the most severe first; [`prioritise`] puts the most urgent first.
    pub findings: Vec<Finding>,
    /// Which packages could be judged.
    pub coverage: Vec<assay_model::report::Coverage>,
}

/// Matches an inventory against a database.
///
/// The result depends on nothing else: the same inventory and database give the same findings in the same order.
///
/// # Errors
/// Fails when a record of the database is damaged: a scan that silently lost findings would be worse than none.
pub fn match_inventory(inventory: &Inventory, database: &Database) -> Result<Matched, CorruptDatabase> {
    let feeds = database.feeds()?;
    let mut assessment = Assessment::new(database)?;
    let mut findings = Vec::new();
    for (index, package) in (0..).zip(&inventory.packages) {
        let subject = Subject::new(package, inventory.os.as_ref());
        assessment.add(&subject);
        // Also where no feed covers the ecosystem as a whole: a team's own advisory about one package of it still holds.
        finding::of(index, &subject, database, &feeds, &mut findings)?;
    }
    let mut findings = finding::finish(findings, inventory);
    findings.sort_by(|a, b| finding::order(a).cmp(&finding::order(b)));
    Ok(Matched { findings, coverage: assessment.finish() })
}
