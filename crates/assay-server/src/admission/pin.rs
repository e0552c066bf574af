//! Names of a pod's images get the digest that they stand for, so that what was judged is what runs.

use super::decide::{Admission, Asked, POLL, changes, place, suffix};
use super::images::{MAX_IMAGES, image_uses};
use super::review::{Answer, Review};
use assay_oci::Reference;
use assay_store::{StoreError, TagPeriod};
use std::time::Duration;
use tokio::time::Instant;

/// How long the resolution of a tag is waited for, so that other webhooks get their time.
const RESOLVE_WAIT: Duration = Duration::from_secs(3);
/// For how long a tag is believed to stand for what it stood for when it was last seen, so that a roll-out does not ask a thousand times.
const TAG_KEPT: Duration = Duration::from_secs(60);

impl Admission {
    /// Answers a mutating request before `deadline`: names of a pod's images get the digest that they stand for. It never denies.
    pub async fn mutate(&self, review: &Review, deadline: Instant) -> Answer {
        let pinned = self.pin(review, deadline.min(Instant::now() + RESOLVE_WAIT));
        // What could not be pinned is for the validating webhook to judge.
        tokio::time::timeout_at(deadline, pinned).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    async fn pin(&self, review: &Review, until: Instant) -> Result<Answer, StoreError> {
        let mut answer = Answer::default();
        // Controllers keep what the user wrote: a pinned template would never see a new push, and jobs cannot be changed.
        if review.kind != "Pod" || !changes(review) {
            return Ok(answer);
        }
        let uses = image_uses(review, &[], &|_| false).unwrap_or_default();
        if uses.len() > MAX_IMAGES {
            return Ok(answer);
        }
        for one in uses {
            let Ok(reference) = one.image.parse::<Reference>() else { continue };
            if reference.digest().is_some() {
                continue;
            }
            let place = place(&reference);
            let mut known = self.store.tagged(&place).await?;
            // It may have moved since without an event; and where the registry does not answer in time, what is known is judged.
            let oldest = (self.clock)().minus(TAG_KEPT);
            let is_old = |known: &Option<TagPeriod>| known.as_ref().is_none_or(|tag| tag.last_seen < oldest);
            if is_old(&known) && self.ask(review, &reference).await? == Asked::Yes {
                while is_old(&known) && Instant::now() + POLL < until {
                    tokio::time::sleep(POLL).await;
                    known = self.store.tagged(&place).await?;
                }
            }
            if let Some(known) = known {
                let tag = if reference.tag().is_some() && one.image.ends_with(&suffix(&reference)) {
                    String::new()
                } else {
                    suffix(&reference)
                };
                answer
                    .audit
                    .push((format!("pinned-{}", answer.replacements.len()), known.digest.to_string()));
                answer.replacements.push((one.path, format!("{}{tag}@{}", one.image, known.digest)));
            }
        }
        Ok(answer)
    }
}
