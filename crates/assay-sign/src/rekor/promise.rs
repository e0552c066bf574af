//! Rekor's signed entry timestamp: the promise to add an entry, and when it was taken.
//!
//! Signed is RFC 8785's canonical JSON of four fields, which for these is JSON without spaces and with sorted keys.

use super::InvalidEntry;
use crate::bundle::LogEntry;
use crate::encoding::{base64_encode, hex};
use crate::key::{Hash, KeyAlgorithm, PublicKey, Scheme};
use crate::trust::Log;

/// Verifies the promise of an entry.
pub(super) fn verify(entry: &LogEntry, signature: &[u8], log: &Log) -> Result<(), InvalidEntry> {
    let signed = format!(
        r#"{{"body":"{}","integratedTime":{},"logID":"{}","logIndex":{}}}"#,
        base64_encode(&entry.canonicalized_body.0),
        entry.integrated_time,
        hex(&entry.log_id.key_id.0),
        entry.log_index
    );
    log.key.verify(scheme(&log.key), signed.as_bytes(), signature).map_err(|_| InvalidEntry::Promise)
}

/// Returns how a log signs with its key.
pub(crate) fn scheme(key: &PublicKey) -> Scheme {
    match key.algorithm() {
        KeyAlgorithm::EcdsaP256 => Scheme::EcdsaDer(Hash::Sha256),
        KeyAlgorithm::EcdsaP384 => Scheme::EcdsaDer(Hash::Sha384),
        KeyAlgorithm::EcdsaP521 => Scheme::EcdsaDer(Hash::Sha512),
        KeyAlgorithm::Ed25519 => Scheme::Ed25519,
        KeyAlgorithm::Rsa => Scheme::RsaPkcs1(Hash::Sha256),
    }
}
