//! Retention: images that were not seen for long are forgotten, builds of them too, and objects that nothing refers to any more.
//!
//! Nothing is forgotten unless the operator says after how many days: what is not seen any more may still run somewhere that nobody told
//! of, and what was known of it cannot be had back. What stays however old it is, [`assay_store::Work::prune`] says.

use crate::worker::Clock;
use assay_store::{Moment, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest time that can be asked for: a hundred years.
pub const MAX_DAYS: u32 = 36_500;
/// How often is looked.
const EVERY: Duration = Duration::from_secs(3600);
/// How often is looked whether the process ends.
const GLANCE: Duration = Duration::from_secs(1);
/// What one transaction forgets: others wait for it.
const BATCH: i64 = 100;
/// Images whose names the audit log has; events have all.
const MAX_TOLD: usize = 20;

/// Returns a number of days as a time.
pub fn days(number: u32) -> Duration {
    Duration::from_secs(u64::from(number).saturating_mul(86_400))
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Images.
    pub images: u64,
    /// Builds.
    pub builds: u64,
    /// Objects.
    pub objects: u64,
}

/// Forgets what was not seen for as long as `keep`, if anything is to be forgotten, and removes objects that nothing refers to. What was
/// forgotten is in the audit log, and every image in the events, in the transaction that forgets it.
///
/// # Errors
/// Fails when the database or the object storage does not answer. What was forgotten until then is.
pub async fn forget(store: &Store, keep: Option<Duration>, now: Moment) -> Result<Forgotten, StoreError> {
    let mut forgotten = Forgotten::default();
    if let Some(keep) = keep {
        let before = now.minus(keep);
        while batch(store, before, now, &mut forgotten).await? {}
    }
    loop {
        let removed = store.sweep(now, BATCH).await?;
        forgotten.objects = forgotten.objects.saturating_add(removed);
        if removed == 0 {
            return Ok(forgotten);
        }
    }
}

/// Forgets some; says whether there were any.
async fn batch(
    store: &Store,
    before: Moment,
    now: Moment,
    forgotten: &mut Forgotten,
) -> Result<bool, StoreError> {
    let mut work = store.begin().await?;
    let images = work.prune(before, BATCH).await?;
    for image in &images {
        let detail = serde_json::json!({
            "registry": image.registry, "repository": image.repository,
            "lastSeen": image.last_seen.timestamp().to_string(),
        });
        work.record("forgotten", Some(&image.digest), &detail, now).await?;
    }
    let builds = work.forget_builds(before, BATCH).await?;
    if images.is_empty() && builds == 0 {
        return Ok(false);
    }
    let told: Vec<String> = images.iter().take(MAX_TOLD).map(|image| image.digest.to_string()).collect();
    let detail = serde_json::json!({ "images": images.len(), "builds": builds, "first": told });
    let subject = format!("not seen since {}", before.timestamp());
    work.audit("assay serve", "retention.forget", &subject, &detail, now).await?;
    work.commit().await?;
    forgotten.images = forgotten.images.saturating_add(u64::try_from(images.len()).unwrap_or(u64::MAX));
    forgotten.builds = forgotten.builds.saturating_add(builds);
    Ok(true)
}

/// Forgets at intervals, from the start on, until the process ends.
pub(crate) async fn keep_forgetting(
    store: Store,
    keep: Option<Duration>,
    clock: Clock,
    note: Arc<dyn Fn(&str) + Send + Sync>,
    stop: Arc<AtomicBool>,
) {
    let mut last = None;
    while !stop.load(Ordering::Relaxed) {
        let now = clock();
        if last.is_none_or(|last| now.since(last) >= EVERY) {
            last = Some(now);
            match forget(&store, keep, now).await {
                Ok(done) if done == Forgotten::default() => {}
                Ok(done) => note(&format!(
                    "{} images and {} builds were forgotten, and {} objects removed",
                    done.images, done.builds, done.objects
                )),
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                    note(&format!(
                        "not everything was forgotten that is old: {error}{}",
                        cause.unwrap_or_default()
                    ));
                }
            }
        }
        tokio::time::sleep(GLANCE).await;
    }
}
