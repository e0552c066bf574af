//! The names under which advisories would find the packages of an image: what the reverse index is made of.

use assay_match::Subject;
use assay_model::Inventory;
use assay_store::IndexEntry;
use std::collections::BTreeSet;

/// Returns every ecosystem and name under which a database is asked about a package of the inventory.
///
/// They are those that matching itself looks up, so that an advisory that could concern an image is never missed.
pub fn entries(inventory: &Inventory) -> Vec<IndexEntry> {
    let mut entries = BTreeSet::new();
    for package in &inventory.packages {
        let subject = Subject::new(package, inventory.os.as_ref());
        for (ecosystem, names) in subject.lookups() {
            let ecosystem = ecosystem.to_string();
            for name in names {
                entries.insert(IndexEntry {
                    ecosystem: ecosystem.clone(),
                    name: name.to_owned(),
                    version: package.version.clone(),
                });
            }
        }
    }
    entries.into_iter().collect()
}
