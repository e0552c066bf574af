//! What the server knows of images, for who prunes a registry: what `assay registry prune` asks.

use crate::run::{RunError, runtime};
use assay_model::Digest;
use assay_store::{Address, Store, Used};
use std::collections::BTreeSet;

/// Returns what is deployed or last known good, and what is known of the images of each repository (registry and name). The database
/// is not changed, and the server may run meanwhile.
///
/// # Errors
/// Fails when the database cannot be read, or is that of an older program.
pub fn known_images(
    address: &Address,
    repositories: &[(String, String)],
) -> Result<(BTreeSet<Digest>, Vec<Vec<Used>>), RunError> {
    runtime()?.block_on(async {
        let store = Store::open_as_it_is(address).await?;
        let deployed = store.deployed().await?;
        let mut known = Vec::new();
        for (registry, repository) in repositories {
            known.push(store.used(registry, repository).await?);
        }
        store.close().await;
        Ok((deployed, known))
    })
}
