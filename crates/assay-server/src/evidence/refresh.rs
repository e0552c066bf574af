//! Asking again at intervals: no registry tells when a signature is taken away, and events get lost.

use super::evidence_job;
use crate::scanner::Scanner;
use crate::worker::Clock;
use assay_store::{Enqueued, Moment, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Jobs that may be queued when this asks for more: half of what makes the server send registries away, as for crawls.
const MAX_QUEUED: i64 = 5000;
/// Images that are asked for at a time.
const MAX_ASKED: i64 = 500;
/// How long a repository that never answered is asked by itself. Whoever names it once more has it asked again.
const UNANSWERED: Duration = Duration::from_secs(86_400);
/// How often is looked whether any are due.
const CHECK: Duration = Duration::from_secs(30);

/// How often registries are asked again what is attached to images.
#[derive(Debug, Clone, Copy, Default)]
pub struct Refresh {
    /// After how long; never if nothing is said.
    pub every: Option<Duration>,
}

/// Asks again for what is due, until `stop` is raised.
pub(crate) async fn schedule(
    store: Store,
    scanner: Arc<Scanner>,
    refresh: Refresh,
    clock: Clock,
    stop: Arc<AtomicBool>,
) {
    let Some(every) = refresh.every else { return };
    while !stop.load(Ordering::Relaxed) {
        // A database that is away is back at the next look.
        let _ = ask_for_stale(&store, &scanner, every, clock()).await;
        tokio::time::sleep(CHECK.min(every)).await;
    }
}

/// Asks for what was last asked for longer ago than `every`, what waits longest first; then for what never was. Returns how much. Of
/// several servers on one database one does: there is one open job for each.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn ask_for_stale(
    store: &Store,
    scanner: &Scanner,
    every: Duration,
    now: Moment,
) -> Result<u64, StoreError> {
    store.forget_unanswered(now.minus(UNANSWERED)).await?;
    let before = now.minus(every);
    let registries = &scanner.registries;
    let mut due = store.gathered_before(registries, before, MAX_ASKED).await?;
    due.extend(store.never_gathered(registries, before, MAX_ASKED).await?);
    let mut asked = 0;
    if due.is_empty() {
        return Ok(asked);
    }
    let mut work = store.begin().await?;
    for (digest, place) in due {
        // After everything that somebody waits for.
        let job = evidence_job(&digest, &place.registry, &place.repository, ("refresh", -7));
        match work.enqueue_below(&job, MAX_QUEUED, now).await? {
            Enqueued::New => asked += 1,
            Enqueued::Known => {}
            Enqueued::Full => break,
        }
    }
    work.commit().await?;
    Ok(asked)
}
