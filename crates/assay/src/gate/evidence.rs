//! What is attached to an image, and how each trust root of the policy sees it.

use crate::evidence::Subject;
use assay_model::{Digest, Timestamp};
use assay_policy::facts::Evidence;
use assay_sign::verify::TrustRoot;

/// Adds what there is about one manifest to the evidence; what cannot be listed is noted, and denies.
pub(super) fn add(
    evidence: &mut Evidence,
    subject: &Subject,
    digest: Digest,
    roots: &[TrustRoot],
    now: Timestamp,
) {
    if evidence.listed.contains(&digest) || evidence.failed.contains_key(&digest) {
        return;
    }
    match subject.manifest(digest).and_then(|manifest| subject.evidence(&manifest)) {
        Ok(found) => {
            evidence.listed.insert(digest);
            evidence.candidates.extend(found.judge(roots, now));
        }
        Err(error) => {
            evidence.failed.insert(digest, error.told());
        }
    }
}
