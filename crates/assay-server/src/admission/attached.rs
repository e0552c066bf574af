//! What admission knows of signatures and attestations, and that it asks for what it does not.
//!
//! Evidence is that of the repository which the pod names, as `assay gate` would look there. Nothing is fetched while the cluster waits:
//! what is not known is asked for, and rules that need it deny meanwhile with the reason.

use super::base::Bases;
use super::decide::{Admission, PRIORITY};
use super::review::Review;
use crate::evidence::{Known, evidence_job, known};
use crate::worker::MAX_QUEUED;
use assay_model::Digest;
use assay_oci::Reference;
use assay_store::{Place, StoreError, StoredReport};
use std::collections::BTreeMap;

/// Bytes of evidence that one verdict holds: of an index each image may have as much as one manifest.
const MAX_HELD: usize = 192 << 20;

impl Admission {
    /// Returns what is known of what is attached to an image, and to each image of an index, if the policy looks at that; and to what they
    /// may be built on, if it looks at that.
    pub(super) async fn evidence(
        &self,
        review: &Review,
        reference: &Reference,
        digest: &Digest,
        reports: &[(Digest, StoredReport)],
        bases: &BTreeMap<Digest, Bases>,
    ) -> Result<BTreeMap<Digest, Known>, StoreError> {
        let mut subjects = Vec::new();
        if self.judge.policy().needs_evidence() {
            let place = Place {
                registry: reference.registry().to_owned(),
                repository: reference.repository().to_owned(),
                tag: None,
            };
            let images = reports.iter().map(|(image, _)| image).chain([digest]);
            subjects.extend(images.map(|image| (*image, place.clone())));
        }
        if self.judge.policy().needs_base_evidence() {
            subjects.extend(bases.values().flat_map(Bases::places));
        }
        let (mut all, mut held) = (BTreeMap::new(), 0_usize);
        for (subject, place) in subjects {
            if all.contains_key(&subject) {
                continue;
            }
            let mut known = self.look(review, &subject, &place).await?;
            if let Known::Found { body, .. } = &known {
                held = held.saturating_add(body.len());
                if held > MAX_HELD {
                    let why = format!(
                        "more than {} MiB are attached to the image, its parts and its bases",
                        MAX_HELD >> 20
                    );
                    known = Known::Unknown { why, new: false };
                }
            }
            all.insert(subject, known);
        }
        Ok(all)
    }

    async fn look(&self, review: &Review, digest: &Digest, place: &Place) -> Result<Known, StoreError> {
        if !self.scanner.registries.contains(&place.registry) {
            let why = format!(
                "the server was not told to ask the registry `{}`: start it with `--registry {}`",
                place.registry, place.registry
            );
            return Ok(Known::Unknown { why, new: false });
        }
        let now = (self.clock)();
        let known = known(&self.store, digest, place, now).await?;
        if matches!(known, Known::Unknown { .. }) && !review.dry_run {
            let job = evidence_job(digest, &place.registry, &place.repository, ("pod", PRIORITY));
            let mut work = self.store.begin().await?;
            work.enqueue_below(&job, MAX_QUEUED, now).await?;
            work.commit().await?;
        }
        Ok(known)
    }
}
