//! What was not scanned yet, where its tier admits it so: not for ever.

use super::decide::{Admission, Said, asking, name, placement, suffix};
use super::review::Review;
use crate::worker::{RESOLVE, SCAN};
use assay_model::Digest;
use assay_oci::Reference;
use assay_policy::evaluate::select;
use assay_policy::facts::Facts;
use assay_policy::policy::Pending;
use assay_store::StoreError;
use std::time::Duration;

impl Admission {
    /// Admits what was not scanned yet, but not for ever: what can never be scanned would never be judged.
    pub(super) async fn watch(
        &self,
        review: &Review,
        reference: &Reference,
        digest: Option<&Digest>,
        limit: Duration,
    ) -> Result<Said, StoreError> {
        // With its tag, which need not be written: by that name it is known afterwards.
        let tagged = || format!("{}/{}{}", reference.registry(), reference.repository(), suffix(reference));
        let name = digest.map_or_else(tagged, ToString::to_string);
        let now = (self.clock)();
        let detail = serde_json::json!({
            "image": reference.to_string(), "namespace": review.namespace, "user": review.user });
        let since = self.store.watched_since(&name).await?.unwrap_or(now);
        if now.since(since) >= limit {
            if !review.dry_run {
                let mut work = self.store.begin().await?;
                if work.end_watch(&name, now).await? {
                    work.record("watch-ended", digest, &detail, now).await?;
                    self.metrics.watches_ended.add(1);
                }
                work.commit().await?;
            }
            let state = match digest {
                Some(digest) => self.store.job_state(SCAN, &digest.to_string()).await?,
                None => self.store.job_state(RESOLVE, &asking(reference)).await?,
            };
            let last =
                state.and_then(|(_, error)| error).map(|error| format!(": {error}")).unwrap_or_default();
            return Ok(Said::Deny(format!(
                "`{reference}` has been admitted unscanned since {}, which is as long as its tier allows{last}",
                since.timestamp()
            )));
        }
        if !review.dry_run {
            let mut work = self.store.begin().await?;
            work.watch(&name, now).await?;
            work.record("admitted-unseen", digest, &detail, now).await?;
            work.commit().await?;
            self.metrics.watched.add(1);
        }
        Ok(Said::Admit(vec![format!("`{reference}` was admitted before it was scanned, as its tier allows")]))
    }

    /// Returns what the strictest of the tiers does with what was not scanned yet, and for how long.
    pub(super) fn pending(&self, review: &Review, reference: &Reference) -> (Pending, Duration) {
        let facts = Facts {
            reference: Some(name(reference)),
            source: reference.to_string(),
            placement: placement(review),
            ..Facts::default()
        };
        let tiers = select(&self.judge.policy, None, &facts);
        let has = |pending| tiers.iter().any(|tier| tier.on_pending == pending);
        let limit = tiers.iter().map(|tier| tier.watch_for).min().unwrap_or_default();
        let limit = Duration::from_secs(u64::try_from(limit).unwrap_or_default());
        let pending = if tiers.is_empty() || has(Pending::Deny) {
            Pending::Deny
        } else if has(Pending::Wait) {
            Pending::Wait
        } else {
            Pending::AdmitAndWatch
        };
        (pending, limit)
    }
}
