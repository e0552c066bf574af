//! The audit log from outside the server: what `assay audit` does, and checkpoints that are signed.
//!
//! What is signed is a text of four lines: the name of the form, the number of the last entry, its hash, and the time. Whoever keeps one where the
//! server cannot reach can prove later that the log was cut or rewritten since, and that it was this server that said otherwise.

use crate::api::audit::Checkpoint as Document;
use crate::run::{RunError, runtime};
use crate::worker::Clock;
use assay_model::Timestamp;
use assay_sign::Base64;
use assay_sign::key::{PrivateKey, PublicKey};
use assay_sign::signer::{Signer, usual_scheme};
use assay_store::{Address, AuditFault, Checkpoint, Moment, Store};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a checkpoint says that it is.
pub(crate) const SCHEMA: &str = "assay.audit-checkpoint/v1";

/// Goes through the whole audit log of a database, and returns its end, or what is wrong with it. The log must contain the checkpoints. The
/// database is not changed, and the server may run meanwhile.
///
/// # Errors
/// Fails when the database cannot be read.
pub fn verify_audit(
    address: &Address,
    checkpoints: &[Checkpoint],
) -> Result<Result<Checkpoint, AuditFault>, RunError> {
    runtime()?.block_on(async {
        let store = Store::open_as_it_is(address).await?;
        let verified = store.verify_audit_against(checkpoints).await;
        store.close().await;
        Ok(verified?)
    })
}

fn text(sequence: i64, hash: &str, at: &str) -> String {
    format!("{SCHEMA}\n{sequence}\n{hash}\n{at}\n")
}

/// Makes the document of a checkpoint, signed if there is a key.
pub(crate) fn document(end: Checkpoint, now: Moment, key: Option<&PrivateKey>) -> Option<Document> {
    let at = now.timestamp().to_string();
    let signed = match key {
        Some(key) => {
            let message = text(end.sequence, &end.hash, &at);
            let signature = key.sign(key.scheme(), message.as_bytes()).ok()?;
            Some((key.public_key().fingerprint_hex(), STANDARD.encode(signature)))
        }
        None => None,
    };
    let (key, signature) = signed.unzip();
    Some(Document {
        schema: SCHEMA.to_owned(),
        sequence: end.sequence,
        hash: end.hash,
        at: Some(at),
        key,
        signature,
    })
}

/// Why a checkpoint is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCheckpoint {
    /// It cannot be read.
    #[error("it is no checkpoint in JSON")]
    Form,
    /// It is another document.
    #[error("its schema is `{0}`, expected `{SCHEMA}`")]
    Schema(String),
    /// Its hash or its time is none.
    #[error("its hash or its time is none")]
    Value,
    /// There is no signature.
    #[error("the checkpoint of entry {0} is not signed")]
    Unsigned(i64),
    /// The signature is not by that key.
    #[error("the checkpoint of entry {0} is not signed by that key")]
    Signature(i64),
}

/// Reads a checkpoint, which must be signed if there is a key.
///
/// # Errors
/// Fails when it is none, or not signed by the key.
pub fn read_checkpoint(json: &[u8], key: Option<&PublicKey>) -> Result<Checkpoint, InvalidCheckpoint> {
    let document: Document = serde_json::from_slice(json).map_err(|_| InvalidCheckpoint::Form)?;
    let Document { schema, sequence, hash, at, signature, .. } = document;
    if schema != SCHEMA {
        return Err(InvalidCheckpoint::Schema(schema.chars().take(80).collect()));
    }
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_time = at.as_ref().is_none_or(|at| at.parse::<Timestamp>().is_ok() && !at.contains('\n'));
    if !is_hash || !is_time {
        return Err(InvalidCheckpoint::Value);
    }
    if let Some(key) = key {
        let (Some(at), Some(signature)) = (&at, &signature) else {
            return Err(InvalidCheckpoint::Unsigned(sequence));
        };
        let wrong = || InvalidCheckpoint::Signature(sequence);
        let signature = Base64::decoded(signature).map_err(|_| wrong())?;
        let message = text(sequence, &hash, at);
        key.verify(usual_scheme(key), message.as_bytes(), &signature.0).map_err(|_| wrong())?;
    }
    Ok(Checkpoint { sequence, hash })
}

/// Takes a line with a checkpoint to where it is kept.
pub type KeepCheckpoint = Arc<dyn Fn(&str) -> std::io::Result<()> + Send + Sync>;

/// Signed checkpoints at intervals.
#[derive(Clone)]
pub struct CheckpointExport {
    /// How often.
    pub every: Duration,
    /// Where they go.
    pub keep: KeepCheckpoint,
}

/// Hands checkpoints over, until `stop` is raised: one at the beginning, and then one at each interval in which something happened.
pub(crate) async fn export(
    store: Store,
    key: Arc<PrivateKey>,
    export: CheckpointExport,
    clock: Clock,
    note: Arc<dyn Fn(&str) + Send + Sync>,
    stop: Arc<AtomicBool>,
) {
    let mut kept = None;
    while !stop.load(Ordering::Relaxed) {
        // A database that is away is back at the next interval.
        if let Ok(end) = store.audit_end().await
            && kept.as_ref() != Some(&end)
        {
            let line =
                document(end.clone(), clock(), Some(&key)).and_then(|one| serde_json::to_string(&one).ok());
            let keep = export.keep.clone();
            let written = tokio::task::spawn_blocking(move || match line {
                Some(line) => keep(&format!("{line}\n")),
                None => Err(std::io::Error::other("the checkpoint cannot be signed")),
            });
            match written.await {
                Ok(Ok(())) => kept = Some(end),
                Ok(Err(error)) => note(&format!("a checkpoint of the audit log was not kept: {error}")),
                Err(error) => note(&format!("a checkpoint was not kept: {}", crate::worker::fault(error))),
            }
        }
        tokio::time::sleep(export.every).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_sign::key::NewKey;
    use proptest::prelude::*;

    #[test]
    fn a_signature_holds_for_what_was_signed_and_for_nothing_else() {
        for kind in NewKey::ALL.into_iter().take(3) {
            let (key, other) = (PrivateKey::generate(kind).unwrap(), PrivateKey::generate(kind).unwrap());
            let end = Checkpoint { sequence: 3, hash: "a".repeat(64) };
            let made = document(end.clone(), Moment(1_700_000_000_000), Some(&key)).unwrap();
            let json = serde_json::to_string(&made).unwrap();
            let read =
                |json: &str, key: &PrivateKey| read_checkpoint(json.as_bytes(), Some(key.public_key()));
            assert_eq!(read(&json, &key), Ok(end.clone()));
            assert_eq!(read(&json, &other), Err(InvalidCheckpoint::Signature(3)));
            for (from, to) in [("\"sequence\":3", "\"sequence\":2"), ("aaaa", "aaab"), ("2023-11", "2023-12")]
            {
                let changed = json.replacen(from, to, 1);
                assert_ne!(changed, json);
                assert!(matches!(read(&changed, &key), Err(InvalidCheckpoint::Signature(_))), "{changed}");
            }
            let unsigned = document(end.clone(), Moment(0), None).unwrap();
            let json = serde_json::to_vec(&unsigned).unwrap();
            assert_eq!(read_checkpoint(&json, Some(key.public_key())), Err(InvalidCheckpoint::Unsigned(3)));
            assert_eq!(read_checkpoint(&json, None), Ok(end));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = read_checkpoint(&bytes, None);
        }
    }
}
