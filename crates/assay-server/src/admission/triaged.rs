//! What people decided about findings, as exceptions to the policy: only of the states that the policy honours, only for the image and the
//! repository that is asked for, and only for the very findings that a decision is about.
//!
//! They are exceptions like the policy's own: they end on their day, a limit of the policy on how long exceptions may run holds for them
//! as well, and a verdict names each that it used.

use assay_model::Digest;
use assay_oci::Reference;
use assay_policy::Policy;
use assay_policy::exception::Exception;
use assay_policy::selector::Selector;
use assay_store::{Store, StoreError, StoredReport};

/// Returns the exceptions that follow from triage for the images that a name may stand for.
pub(super) async fn triaged(
    store: &Store,
    policy: &Policy,
    reference: &Reference,
    images: &[(Digest, StoredReport)],
) -> Result<Vec<Exception>, StoreError> {
    let mut exceptions = Vec::new();
    if policy.triage.is_empty() {
        return Ok(exceptions);
    }
    for (digest, _) in images {
        let decided = store.decided_in(digest, reference.registry(), reference.repository()).await?;
        for (triage, findings) in decided {
            let decision = triage.decision;
            if !policy.triage.iter().any(|state| state == decision.state.name()) {
                continue;
            }
            exceptions.push(Exception {
                id: format!("triage {}", triage.id),
                rules: Vec::new(),
                advisories: Vec::new(),
                packages: Vec::new(),
                findings,
                paths: Vec::new(),
                // A fingerprint says nothing of the image, and an index has several.
                digests: vec![*digest],
                selector: Selector::default(),
                owner: decision.owner,
                reason: decision.reason,
                approved_by: decision.decided_by,
                approved_on: Some(triage.decided.timestamp()),
                expires: decision.expires.map(assay_store::Moment::timestamp),
                until_fixed: false,
                not_affected: false,
                justification: None,
            });
        }
    }
    Ok(exceptions)
}
