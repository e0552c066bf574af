//! Deep scans after fast ones: what was pushed is scanned fast, so that there is a verdict soon; releases, and what a nightly look finds to
//! be known from fast scans only, are scanned deeply when there is nothing more urgent.
//!
//! A deep report is never replaced by a fast one, and a new vulnerability database is matched against its inventory, so one deep scan of
//! a digest is enough.

use crate::scanner::Scanner;
use crate::worker::{ATTEMPTS, Clock, DEEP_SCAN};
use assay_model::Digest;
use assay_store::{Depth, Job, Moment, NewJob, Place, Store, StoreError, Work};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// After everything that somebody waits for.
const PRIORITY: i64 = -20;
/// Jobs that may be queued when a deep scan is asked for: half of what makes the server send registries away.
const MAX_QUEUED: i64 = 5000;
/// Images that one look asks for.
const MAX_ASKED: i64 = 1000;
/// What was not seen for so long is not looked at.
const RECENT: Duration = Duration::from_secs(30 * 86_400);
/// How often is looked whether it is time to look.
const CHECK: Duration = Duration::from_secs(60);
/// What a look is called in the database, by which all servers know when the last was.
const LOOKED: &str = "deep";

/// Asks for a deep scan, unless too much is to be done already; the nightly look finds what was left out.
pub(crate) async fn ask(
    work: &mut Work,
    digest: &Digest,
    place: &Place,
    now: Moment,
) -> Result<(), StoreError> {
    let job = NewJob {
        kind: DEEP_SCAN.to_owned(),
        name: digest.to_string(),
        registry: place.registry.clone(),
        payload: place.repository.clone(),
        priority: PRIORITY,
        max_attempts: ATTEMPTS,
    };
    work.enqueue_below(&job, MAX_QUEUED, now).await.map(|_| ())
}

/// Says whether a job asks for a deep scan that there is.
pub(crate) async fn is_done(store: &Store, job: &Job) -> Result<bool, StoreError> {
    let Some(digest) = job.name.parse().ok().filter(|_| job.kind == DEEP_SCAN) else { return Ok(false) };
    Ok(store.report_status(&digest).await?.is_some_and(|report| report.depth == Depth::Deep))
}

/// Asks for deep scans of what was never looked at so, if the last look is long enough ago; says how many, or that it is not time.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn deepen(
    store: &Store,
    scanner: &Scanner,
    every: Duration,
    now: Moment,
) -> Result<Option<usize>, StoreError> {
    let mut work = store.begin().await?;
    if scanner.deep || !work.take_turn(LOOKED, now.minus(every), now).await? {
        return Ok(None);
    }
    let mut shallow = store.shallow(now.minus(RECENT), MAX_ASKED).await?;
    shallow.retain(|(_, place)| scanner.registries.contains(&place.registry));
    for (digest, place) in &shallow {
        ask(&mut work, digest, place, now).await?;
    }
    work.commit().await?;
    Ok(Some(shallow.len()))
}

/// Looks at intervals until `stop` is raised.
pub(crate) async fn keep_deepening(
    store: Store,
    scanner: Arc<Scanner>,
    every: Duration,
    clock: Clock,
    stop: Arc<AtomicBool>,
) {
    while !stop.load(Ordering::Relaxed) && !every.is_zero() {
        // A database that is away is back at the next look.
        let _ = deepen(&store, &scanner, every, clock()).await;
        tokio::time::sleep(CHECK.min(every)).await;
    }
}
