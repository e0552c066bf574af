//! Signed certificate timestamps (RFC 6962, sections 3.2 and 3.3): a transparency log's promise to publish a certificate.
//!
//! The log signs the certificate as it was before the timestamp was added, together with the hash of the issuer's key. That issuer
//! must be the one of the verified path.

use super::Certificate;
use crate::der::{self, tag};
use crate::key::{Hash, KeyAlgorithm, Scheme};
use crate::trust::Log;
use assay_model::Timestamp;
use sha2::{Digest as _, Sha256};

const SCT_LIST: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02];
/// The most timestamps of one certificate that are verified.
const MAX_TIMESTAMPS: usize = 16;

/// Why no log vouches for a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSct {
    /// It has none.
    #[error("the certificate has no signed certificate timestamp")]
    Missing,
    /// They cannot be read.
    #[error("the certificate's signed certificate timestamps are malformed")]
    Malformed,
    /// None is by a log that is trusted.
    #[error("no signed certificate timestamp is by a trusted log")]
    UnknownLog,
    /// The log was not trusted when it made it.
    #[error("the signed certificate timestamp is of {0}, when its log was not trusted")]
    OutsideValidity(Timestamp),
    /// The signature does not fit.
    #[error("the signature of a certificate timestamp does not verify")]
    BadSignature,
}

/// Returns whether a log promised to publish the certificate, as far as it says itself.
pub(crate) fn is_logged(leaf: &Certificate) -> bool {
    leaf.extension(SCT_LIST).is_some()
}

/// Verifies that a log of `logs` promised to publish `leaf`, which `issuer` issued.
pub(crate) fn verify(leaf: &Certificate, issuer: &Certificate, logs: &[Log]) -> Result<(), NoSct> {
    let extension = leaf.extension(SCT_LIST).ok_or(NoSct::Missing)?;
    let mut value = der::Reader::new(&extension.value);
    // Inside the octet string is not DER but a structure of TLS.
    let mut list = Tls(value.read(tag::OCTET_STRING).map_err(|_| NoSct::Malformed)?.content);
    value.end().map_err(|_| NoSct::Malformed)?;
    let mut items = Tls(list.vector(2)?);
    list.end()?;
    let tbs = leaf.tbs_without(SCT_LIST).map_err(|_| NoSct::Malformed)?;
    let mut problem = NoSct::Missing;
    let mut count = 0;
    while !items.0.is_empty() && count < MAX_TIMESTAMPS {
        count += 1;
        match verify_one(items.vector(2)?, &tbs, issuer, logs) {
            Ok(()) => return Ok(()),
            // The first problem tells more than that a later one is by an unknown log.
            Err(found) if problem == NoSct::Missing || problem == NoSct::UnknownLog => problem = found,
            Err(_) => {}
        }
    }
    Err(problem)
}

fn verify_one(item: &[u8], tbs: &[u8], issuer: &Certificate, logs: &[Log]) -> Result<(), NoSct> {
    let mut fields = Tls(item);
    let version = fields.take(1)?;
    let log_id = fields.take(32)?;
    let time_bytes = fields.take(8)?;
    let extensions = fields.vector(2)?;
    let algorithm = fields.take(2)?;
    let signature = fields.vector(2)?;
    fields.end()?;
    if version != [0] {
        return Err(NoSct::Malformed);
    }
    let milliseconds = time_bytes.iter().fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
    let time = Timestamp(i64::try_from(milliseconds / 1000).map_err(|_| NoSct::Malformed)?);

    // Version 1, type "certificate timestamp", time, entry of type "precertificate".
    let mut signed = vec![0, 0];
    signed.extend_from_slice(time_bytes);
    signed.extend([0, 1]);
    signed.extend_from_slice(&Sha256::digest(issuer.spki()));
    let length = u32::try_from(tbs.len()).map_err(|_| NoSct::Malformed)?.to_be_bytes();
    signed.extend_from_slice(length.get(1..).unwrap_or_default());
    signed.extend_from_slice(tbs);
    let length = u16::try_from(extensions.len()).map_err(|_| NoSct::Malformed)?.to_be_bytes();
    signed.extend(length);
    signed.extend_from_slice(extensions);

    let mut problem = NoSct::UnknownLog;
    for log in logs.iter().filter(|log| log.id == log_id) {
        if !log.valid.contains(time) {
            problem = NoSct::OutsideValidity(time);
            continue;
        }
        let scheme = match (algorithm, log.key.algorithm()) {
            ([4, 3], KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384) => Scheme::EcdsaDer(Hash::Sha256),
            ([5, 3], KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384) => Scheme::EcdsaDer(Hash::Sha384),
            ([4, 1], KeyAlgorithm::Rsa) => Scheme::RsaPkcs1(Hash::Sha256),
            ([5, 1], KeyAlgorithm::Rsa) => Scheme::RsaPkcs1(Hash::Sha384),
            ([6, 1], KeyAlgorithm::Rsa) => Scheme::RsaPkcs1(Hash::Sha512),
            ([8, 7], KeyAlgorithm::Ed25519) => Scheme::Ed25519,
            _ => {
                problem = NoSct::BadSignature;
                continue;
            }
        };
        match log.key.verify(scheme, &signed, signature) {
            Ok(()) => return Ok(()),
            Err(_) => problem = NoSct::BadSignature,
        }
    }
    Err(problem)
}

/// A reader of TLS's presentation language (RFC 8446, section 3).
struct Tls<'a>(&'a [u8]);

impl<'a> Tls<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], NoSct> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(NoSct::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Reads a vector whose length has `width` bytes.
    fn vector(&mut self, width: usize) -> Result<&'a [u8], NoSct> {
        let length = self.take(width)?.iter().fold(0_usize, |value, &byte| value << 8 | usize::from(byte));
        self.take(length)
    }

    fn end(&self) -> Result<(), NoSct> {
        if self.0.is_empty() { Ok(()) } else { Err(NoSct::Malformed) }
    }
}
