//! The audit log from outside the server: what `assay audit` does.

use crate::run::{RunError, runtime};
use assay_store::{Address, AuditFault, Checkpoint, Store};

/// Goes through the whole audit log of a database, and returns its end, or what is wrong with it. The database is not changed, and
/// the server may run meanwhile.
///
/// # Errors
/// Fails when the database cannot be read.
pub fn verify_audit(
    address: &Address,
    checkpoint: Option<&Checkpoint>,
) -> Result<Result<Checkpoint, AuditFault>, RunError> {
    runtime()?.block_on(async {
        let store = Store::open_as_it_is(address).await?;
        let verified = store.verify_audit(checkpoint).await;
        store.close().await;
        Ok(verified?)
    })
}
