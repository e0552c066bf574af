//! Rekor, Sigstore's transparency log: that an entry is in a log, and that it is about this signature.
//!
//! Version 1 (<https://github.com/sigstore/rekor>) promises inclusion with a signature and says when; version 2
//! (<https://github.com/sigstore/rekor-tiles>) proves inclusion only, and the time must come from elsewhere. An entry counts when
//! every proof it carries holds and its body names exactly the key, the signature and the content at hand: a log is full of
//! entries that are valid for something else (CVE-2022-36056).

pub(crate) mod body;
mod checkpoint;
mod merkle;
pub(crate) mod promise;

use crate::bundle::LogEntry;
use crate::trust::{Log, TrustedRoot};
use assay_model::Timestamp;
use body::{BodyMismatch, Expected};

/// Why an entry of a log proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEntry {
    /// The log is not in the trust root.
    #[error("the transparency log `{0}` is not trusted")]
    UnknownLog(String),
    /// The log was not trusted at that time.
    #[error("the log entry is of {0}, when its log was not trusted")]
    OutsideValidity(Timestamp),
    /// It carries no proof.
    #[error("the log entry carries neither a promise nor a proof of inclusion")]
    NoProof,
    /// The promise does not fit.
    #[error("the log's promise of inclusion does not verify")]
    Promise,
    /// The proof does not fit.
    #[error("the proof of inclusion does not lead to the log's root")]
    Inclusion,
    /// The checkpoint is not one.
    #[error("the log's checkpoint is malformed")]
    MalformedCheckpoint,
    /// The checkpoint is not by the log.
    #[error("the checkpoint has no valid signature of the log")]
    Checkpoint,
    /// The checkpoint is of another tree.
    #[error("the checkpoint is of another tree than the proof of inclusion")]
    OtherTree,
    /// The entry is of something else.
    #[error(transparent)]
    Body(#[from] BodyMismatch),
}

/// Verifies everything that an entry carries, and that it is about the expected signature. Returns when the log says it took the
/// entry in, which only a promise proves.
pub(crate) fn verify(
    entry: &LogEntry,
    expected: &Expected<'_>,
    root: &TrustedRoot,
    // What timestamp authorities prove.
    times: &[Timestamp],
    now: Timestamp,
) -> Result<Option<Timestamp>, InvalidEntry> {
    let id = &entry.log_id.key_id.0;
    let mut problem = InvalidEntry::UnknownLog(crate::encoding::base64_encode(id).chars().take(64).collect());
    // One log may stand in the trust root several times, with several windows.
    for log in root.logs.iter().filter(|log| log.id == *id) {
        match verify_in(entry, log, times, now) {
            Ok(time) => {
                body::verify(entry, expected)?;
                return Ok(time);
            }
            Err(found) => problem = found,
        }
    }
    Err(problem)
}

fn verify_in(
    entry: &LogEntry,
    log: &Log,
    times: &[Timestamp],
    now: Timestamp,
) -> Result<Option<Timestamp>, InvalidEntry> {
    let mut integrated = None;
    if let Some(promise) = &entry.inclusion_promise {
        promise::verify(entry, &promise.signed_entry_timestamp.0, log)?;
        integrated = Some(Timestamp(entry.integrated_time));
    }
    let mut proven = entry.inclusion_promise.is_some();
    if let Some(proof) = &entry.inclusion_proof {
        // Bundles of version 0.1 carry roots that nobody signed; the promise stands for them.
        if let Some(note) = &proof.checkpoint {
            merkle::verify(proof, &entry.canonicalized_body.0)?;
            checkpoint::verify(&note.envelope, proof, log, is_second_version(entry))?;
            proven = true;
        }
    }
    if !proven {
        return Err(InvalidEntry::NoProof);
    }
    let mut moments: Vec<Timestamp> = times.iter().copied().chain(integrated).collect();
    // Whoever has the key of a log that is no longer trusted can write any time into an entry: what is not proven moves nothing
    // back into the log's window.
    if moments.is_empty() {
        moments.push(now);
    }
    // It still must not contradict the window.
    moments.extend((entry.integrated_time > 0).then_some(Timestamp(entry.integrated_time)));
    match moments.into_iter().find(|time| !log.valid.contains(*time)) {
        Some(time) => Err(InvalidEntry::OutsideValidity(time)),
        None => Ok(integrated),
    }
}

fn is_second_version(entry: &LogEntry) -> bool {
    entry.kind_version.version == "0.0.2" && entry.kind_version.kind == "hashedrekord"
}
