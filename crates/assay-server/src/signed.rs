//! How much of what runs is signed by whom the policy trusts. A signature is what says that it is one: another attestation of the same
//! signer does not pass for it. One of an index counts for its images, and so does one of every image for their index.
//!
//! It is worked out beside the requests, since verifying the signatures of a fleet takes its time; what was verified is verified again when
//! the registry was asked anew, and after an hour, as keys begin and end.

use crate::admission::Admission;
use crate::evidence::{Known, known};
use crate::http::App;
use assay_engine::AttachedEvidence;
use assay_model::Digest;
use assay_policy::facts::Claim;
use assay_store::{Moment, Place, StoreError};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often it is worked out.
const EVERY: Duration = Duration::from_secs(60);
/// How often is looked whether the process ends.
const GLANCE: Duration = Duration::from_secs(1);
/// How long what was verified holds.
const HOLDS: Duration = Duration::from_secs(3600);
/// What a cluster admitted longer ago runs no more, or is told of by deployments.
const ADMITTED: Duration = Duration::from_secs(30 * 86_400);
/// Images whose signatures are remembered.
const MAX_KEPT: usize = 200_000;

/// How many there are, and how many of them are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Share {
    pub(crate) all: i64,
    pub(crate) signed: i64,
}

/// What is signed, as it was last worked out; nothing where no policy says whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SignedShares {
    /// Services that run, by environment.
    pub(crate) deployments: BTreeMap<String, Share>,
    /// Images that were admitted, by cluster.
    pub(crate) admitted: BTreeMap<String, Share>,
}

/// What was verified of an image in a repository: when the registry had been asked, when it was verified, and whether it is signed.
type Verified = BTreeMap<(Digest, Place), (Moment, Moment, bool)>;

/// What was worked out, and what it was worked out from.
#[derive(Debug, Default)]
pub(crate) struct SignedKept {
    shares: Mutex<SignedShares>,
    verified: tokio::sync::Mutex<Verified>,
}

impl SignedKept {
    /// Returns what was last worked out.
    pub(crate) fn read(&self) -> SignedShares {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Works out how much of what runs is signed.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn count_signed(app: &App) -> Result<(), StoreError> {
    let Some(admission) = app.admission.as_ref().filter(|one| !one.judge.roots().is_empty()) else {
        return Ok(());
    };
    let kept = app.indicators.signed();
    let mut verified = kept.verified.lock().await;
    let now = (app.clock)();
    verified.retain(|_, (_, at, _)| now.since(*at) < HOLDS);
    if verified.len() > MAX_KEPT {
        verified.clear();
    }
    let mut shares = SignedShares::default();
    for (environment, digest) in app.store.what_runs().await? {
        let share = shares.deployments.entry(environment).or_default();
        share.all += 1;
        // A deployment does not say where it pulls from.
        for place in app.store.places(&digest).await? {
            if is_signed(app, admission, &digest, &place, &mut verified).await? {
                share.signed += 1;
                break;
            }
        }
    }
    for (cluster, digest, place) in app.store.what_is_admitted(now.minus(ADMITTED)).await? {
        let share = shares.admitted.entry(cluster).or_default();
        share.all += 1;
        share.signed += i64::from(is_signed(app, admission, &digest, &place, &mut verified).await?);
    }
    *kept.shares.lock().unwrap_or_else(PoisonError::into_inner) = shares;
    Ok(())
}

/// Says whether an image is signed in a repository, by itself, or as an index by all of its images.
async fn is_signed(
    app: &App,
    admission: &Admission,
    digest: &Digest,
    place: &Place,
    verified: &mut Verified,
) -> Result<bool, StoreError> {
    if has_signature(app, admission, digest, place, verified).await? {
        return Ok(true);
    }
    let children = app.store.children(digest).await?;
    for child in &children {
        if !has_signature(app, admission, &child.digest, place, verified).await? {
            return Ok(false);
        }
    }
    Ok(!children.is_empty())
}

async fn has_signature(
    app: &App,
    admission: &Admission,
    digest: &Digest,
    place: &Place,
    verified: &mut Verified,
) -> Result<bool, StoreError> {
    let (now, key) = ((app.clock)(), (*digest, place.clone()));
    // One after the other: each may hold as much as a verdict may.
    let seat = admission.flights.seat().await;
    let Known::Found { body, asked, .. } = known(&app.store, digest, place, now).await? else {
        return Ok(false);
    };
    if let Some((of, at, signed)) = verified.get(&key)
        && *of == asked
        && now.since(*at) < HOLDS
    {
        return Ok(*signed);
    }
    let (judge, subject) = (admission.judge.clone(), *digest);
    let verifying = tokio::task::spawn_blocking(move || {
        let _seat = seat;
        let Ok(found) = AttachedEvidence::from_bytes(&body) else { return false };
        let candidates = found.judge(judge.roots(), now.timestamp());
        let counts = |by: &Result<String, String>| by.is_ok();
        candidates.iter().any(|one| {
            one.claim == Claim::Signature && one.subject == subject && one.checks.values().any(counts)
        })
    });
    let damaged = |_| StoreError::Damaged { what: "evidence", name: digest.to_string() };
    let signed = verifying.await.map_err(damaged)?;
    verified.insert(key, (asked, now, signed));
    Ok(signed)
}

/// Works it out at intervals until the process ends.
pub(crate) async fn keep_counting(app: Arc<App>, stop: Arc<AtomicBool>) {
    let mut last: Option<Moment> = None;
    while !stop.load(Ordering::Relaxed) {
        let now = (app.clock)();
        if last.is_none_or(|last| now.since(last) >= EVERY) {
            last = Some(now);
            if count_signed(&app).await.is_err() {
                app.metrics.store_errors.add(1);
            }
        }
        tokio::time::sleep(GLANCE).await;
    }
}
