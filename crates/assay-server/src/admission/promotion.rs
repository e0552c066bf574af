//! The verdict about an image that is to be promoted: the one that admission would give, of a workload that nothing is known of.

use super::decide::{Admission, Said};
use super::review::Review;
use assay_model::Digest;
use assay_oci::Reference;
use assay_store::StoreError;

/// Whether an image may be promoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may, perhaps with warnings.
    Admitted(Vec<String>),
    /// It may not, and why.
    Denied(String),
    /// It cannot be judged yet.
    Pending,
}

impl Admission {
    /// Judges an image under the name that it has in its incoming repository.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub(crate) async fn promotable(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Standing, StoreError> {
        // Nobody asks to run it anywhere yet.
        Ok(match self.known(&Review::default(), reference, digest).await? {
            Said::Admit(warnings) => Standing::Admitted(warnings),
            // Never: no cluster asks, so that what is stale is denied here as what is new.
            Said::Stays { why, .. } => Standing::Denied(why),
            Said::Deny(why) | Said::Busy(why) => Standing::Denied(why),
            Said::Pending(_) => Standing::Pending,
        })
    }
}
