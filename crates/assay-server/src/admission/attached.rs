//! What admission knows of signatures and attestations, and that it asks for what it does not.
//!
//! Evidence is that of the repository which the pod names, as `assay gate` would look there. Nothing is fetched while the cluster waits:
//! what is not known is asked for, and rules that need it deny meanwhile with the reason.

use super::decide::{Admission, PRIORITY};
use super::review::Review;
use crate::evidence::{Known, base_places, evidence_job, known};
use crate::worker::MAX_QUEUED;
use assay_model::{Digest, Report};
use assay_oci::Reference;
use assay_store::{Place, StoreError, StoredReport};
use std::collections::BTreeMap;

impl Admission {
    /// Returns what is known of what is attached to an image, to each image of an index and to their bases, as far as the policy looks
    /// at that.
    pub(super) async fn evidence(
        &self,
        review: &Review,
        reference: &Reference,
        digest: &Digest,
        reports: &[(Digest, StoredReport)],
    ) -> Result<BTreeMap<Digest, Known>, StoreError> {
        let mut all = BTreeMap::new();
        let policy = self.judge.policy();
        if policy.needs_evidence() {
            let place = Place {
                registry: reference.registry().to_owned(),
                repository: reference.repository().to_owned(),
                tag: None,
            };
            for subject in reports.iter().map(|(image, _)| image).chain([digest]) {
                if !all.contains_key(subject) {
                    all.insert(*subject, self.look(review, subject, &place).await?);
                }
            }
        }
        if policy.needs_base_evidence() {
            for (base, place) in bases(digest, reports).await? {
                let known = match place {
                    Some(place) => {
                        // Before it is read: whatever changes from here on drops the verdict.
                        let mut work = self.store.begin().await?;
                        work.rely(digest, &base).await?;
                        work.commit().await?;
                        self.look(review, &base, &place).await?
                    }
                    None => Known::Unknown { why: "the base image is in no registry".to_owned(), new: false },
                };
                all.entry(base).or_insert(known);
            }
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

/// Reads from the reports which bases the images have, on a thread for that.
async fn bases(
    digest: &Digest,
    reports: &[(Digest, StoredReport)],
) -> Result<BTreeMap<Digest, Option<Place>>, StoreError> {
    let damaged = || StoreError::Damaged { what: "report", name: digest.to_string() };
    let stored: Vec<Vec<u8>> = reports.iter().map(|(_, report)| report.json.clone()).collect();
    let reading = tokio::task::spawn_blocking(move || {
        let read: Result<Vec<Report>, _> =
            stored.iter().map(|json| assay_report::format::read(json).map(|(report, _)| report)).collect();
        read.map(|reports| base_places(reports.iter()))
    });
    reading.await.map_err(|_| damaged())?.map_err(|_| damaged())
}
