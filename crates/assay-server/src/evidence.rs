//! What is attached to images: asked of their registries, and kept as it was found, so that admission can judge it without them.
//!
//! A repository is asked when an image or something attached to it is pushed, when a pod names an image of which nothing is known yet, and
//! at intervals, since nobody tells when something is taken away. Evidence belongs to the repository that it was found in, as for `assay
//! gate`. That a registry does not answer is never "nothing is attached": what it said before holds for an hour, and then nothing does.

mod known;
mod refresh;
mod shown;

pub(crate) use known::{Known, known};
pub(crate) use refresh::schedule;
pub use refresh::{Refresh, ask_for_stale};
pub(crate) use shown::{Shown, shown};

use crate::scanner::{ScanError, Scanner};
use crate::worker::ATTEMPTS;
use assay_engine::{AttachedEvidence, attached_evidence};
use assay_model::{Digest, Timestamp};
use assay_oci::{Access, Network, NetworkOptions, Repository};
use assay_policy::facts::Claim;
use assay_store::{EvidenceSeen, Job, Moment, NewJob, Place, Saved, Store, StoreError, Work};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

/// The job that asks a repository what is attached to an image.
pub(crate) const EVIDENCE: &str = "evidence";
/// How long a registry may take for all that is attached to one image. One that drips must not hold a worker for ever.
const MAX_TIME: Duration = Duration::from_secs(300);
/// Pieces that one event names.
const MAX_TOLD: usize = 20;

/// Returns the job that asks a repository what is attached to a manifest. What came after another was taken must not count as known
/// by that, so that `why` tells them apart.
pub(crate) fn evidence_job(
    digest: &Digest,
    registry: &str,
    repository: &str,
    (why, priority): (&str, i64),
) -> NewJob {
    NewJob {
        kind: EVIDENCE.to_owned(),
        name: format!("{digest} {registry}/{repository} {why}"),
        registry: registry.to_owned(),
        payload: repository.to_owned(),
        priority,
        max_attempts: ATTEMPTS,
    }
}

/// Returns what a job is about.
fn subject(job: &Job) -> Result<(Digest, Place), StoreError> {
    let digest = job.name.split(' ').next().unwrap_or_default();
    let digest = digest.parse().map_err(|_| StoreError::Damaged { what: "job", name: job.name.clone() })?;
    Ok((digest, Place { registry: job.registry.clone(), repository: job.payload.clone(), tag: None }))
}

/// What a repository answered, ready to be stored.
pub(crate) struct Answer {
    body: Vec<u8>,
    seen: Vec<EvidenceSeen>,
    asked: Moment,
}

/// Asks the registry. Blocks.
pub(crate) fn gather(scanner: &Scanner, job: &Job, asked: Moment) -> Result<Answer, ScanError> {
    let image =
        format!("{}/{}@{}", job.registry, job.payload, job.name.split(' ').next().unwrap_or_default());
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| ScanError::Failed {
        doing: "look at what is attached to",
        image: image.clone(),
        source,
    };
    let reference = scanner.reference(&image)?;
    let digest = reference.digest().ok_or_else(|| ScanError::Reference(image.clone()))?;
    let stop = Arc::new(AtomicBool::new(false));
    let _watch = watch(&stop);
    let network = Network::new(NetworkOptions { stop: stop.clone(), ..scanner.network.clone() });
    let repository =
        Repository::registry(&reference, Access::Read, &network).map_err(|error| failed(error.into()))?;
    let manifest = repository.manifest(digest).map_err(|error| failed(error.into()))?;
    let found = attached_evidence(&repository, &manifest).map_err(|error| failed(error.into()))?;
    // A part that may come at the next attempt is waited for: until then the rest would look like all there is.
    if let Some(part) = &found.passing {
        return Err(failed(part.clone().into()));
    }
    let body = found.to_bytes().map_err(|error| failed(error.into()))?;
    Ok(Answer { seen: pieces(&found), body, asked })
}

/// Raises the flag when the time is up, unless what is returned is dropped before.
fn watch(stop: &Arc<AtomicBool>) -> Sender<()> {
    let (sender, receiver) = mpsc::channel();
    let stop = stop.clone();
    std::thread::spawn(move || {
        if receiver.recv_timeout(MAX_TIME) == Err(RecvTimeoutError::Timeout) {
            stop.store(true, Ordering::Relaxed);
        }
    });
    sender
}

/// Returns what tells the pieces apart and what each claims to be, by nobody's word but its own.
fn pieces(found: &AttachedEvidence) -> Vec<EvidenceSeen> {
    let (judged, _) = found.pieces(&[], Timestamp(0));
    let all = found.candidates.iter().zip(&found.carriers).zip(judged);
    all.filter_map(|((candidate, carrier), judged)| {
        let judged = judged?;
        let kind = match judged.claim {
            Claim::Attestation { predicate_type, .. } => predicate_type,
            Claim::Signature | Claim::Unreadable(_) => judged.format,
        };
        Some(EvidenceSeen { digest: found.identity(candidate), carrier: *carrier, kind })
    })
    .collect()
}

/// Writes what a repository answered, and forgets the verdicts that rested on what it answered before.
pub(crate) async fn save(work: &mut Work, job: &Job, answer: &Answer, now: Moment) -> Result<(), StoreError> {
    let (digest, place) = subject(job)?;
    // It may have been pruned meanwhile.
    if !work.is_known(&digest).await? {
        return Ok(());
    }
    if work.save_gathered(&digest, &place, &answer.body, answer.asked).await? != Saved::Changed {
        return Ok(());
    }
    work.forget_verdicts(&digest).await?;
    let change = work.see_evidence(&digest, &place, &answer.seen, now).await?;
    for (kind, pieces) in [("evidence-added", &change.added), ("evidence-gone", &change.gone)] {
        if pieces.is_empty() {
            continue;
        }
        let told: Vec<serde_json::Value> = pieces
            .iter()
            .take(MAX_TOLD)
            .map(|piece| {
                serde_json::json!({
                    "digest": piece.digest.to_string(), "kind": piece.kind, "carrier": piece.carrier.to_string() })
            })
            .collect();
        let detail = serde_json::json!({
            "registry": place.registry, "repository": place.repository, "count": pieces.len(), "pieces": told });
        work.record(kind, Some(&digest), &detail, now).await?;
    }
    Ok(())
}

/// Writes that a repository did not answer what it was asked at `asked`.
pub(crate) async fn failed(
    store: &Store,
    job: &Job,
    error: &str,
    (asked, now): (Moment, Moment),
) -> Result<(), StoreError> {
    let (digest, place) = subject(job)?;
    let mut work = store.begin().await?;
    if work.is_known(&digest).await? && work.fail_gathering(&digest, &place, error, asked).await? {
        // Verdicts say why nothing is known; from now on that is another reason.
        work.forget_verdicts(&digest).await?;
        let detail = serde_json::json!({
            "registry": place.registry, "repository": place.repository, "error": error });
        work.record("evidence-failing", Some(&digest), &detail, now).await?;
    }
    work.commit().await
}
