//! Notary Project signatures: an envelope, as JWS or COSE, around the descriptor of the signed image.
//!
//! <https://github.com/notaryproject/specifications/blob/main/specs/signature-specification.md>. Both envelopes are read into one
//! [`NotationEnvelope`]; what is signed stays the bytes as they came. The algorithm is dictated by the key of the first
//! certificate, and what an envelope marks as critical and is not known here makes it invalid.

mod cbor;
pub(crate) mod chain;
mod cose;
mod jws;
mod payload;
mod write;

pub use payload::{Descriptor, InvalidNotationPayload, NotationPayload};
pub use write::{EnvelopeFormat, NewEnvelope, NotationSignError, check, sign};

use crate::certificate::{Certificate, InvalidCertificate};
use crate::key::{Hash, KeyAlgorithm, PublicKey, Scheme};
use assay_model::Timestamp;

/// The media type of an envelope as JWS.
pub const JWS_MEDIA_TYPE: &str = "application/jose+json";
/// The media type of an envelope as COSE.
pub const COSE_MEDIA_TYPE: &str = "application/cose";
/// The artifact type of a manifest that holds an envelope.
pub const ARTIFACT_TYPE: &str = "application/vnd.cncf.notary.signature";
/// The type of the payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";

/// The largest envelope that is read.
const MAX_BYTES: usize = 1 << 20;
/// The most certificates of a chain.
const MAX_CERTIFICATES: usize = 16;

const SIGNING_SCHEME: &str = "io.cncf.notary.signingScheme";
const SIGNING_TIME: &str = "io.cncf.notary.signingTime";
const AUTHENTIC_SIGNING_TIME: &str = "io.cncf.notary.authenticSigningTime";
const EXPIRY: &str = "io.cncf.notary.expiry";
const SIGNING_AGENT: &str = "io.cncf.notary.signingAgent";
const TIMESTAMP_SIGNATURE: &str = "io.cncf.notary.timestampSignature";

/// Whose time an envelope carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningScheme {
    /// The signer's own, which proves nothing.
    X509,
    /// That of an authority that signs for others and is trusted with the time.
    SigningAuthority,
}

/// A signed envelope, read and not verified.
#[derive(Debug, Clone)]
pub struct NotationEnvelope {
    /// What was signed.
    pub payload: Vec<u8>,
    /// What kind of payload it is.
    pub content_type: String,
    /// How it was signed.
    pub scheme: Scheme,
    /// Whose time it carries.
    pub signing_scheme: SigningScheme,
    /// When it was signed, as far as the scheme vouches for that.
    pub signing_time: Option<Timestamp>,
    /// Until when it counts.
    pub expiry: Option<Timestamp>,
    /// The signer's certificate and its issuers, the root last.
    pub chain: Vec<Certificate>,
    /// A timestamp of the signature, as a `TimeStampToken`.
    pub timestamp: Option<Vec<u8>>,
    /// Which program signed; proves nothing.
    pub agent: Option<String>,
    /// What is marked as critical and is not known here.
    pub unknown_critical: Vec<String>,
    /// The bytes that were signed.
    pub(crate) signed: Vec<u8>,
    /// The signature.
    pub(crate) signature: Vec<u8>,
}

/// Why bytes are not an envelope.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidNotationEnvelope {
    /// It is not JSON of the right shape.
    #[error("not a JWS envelope")]
    Json(#[from] serde_json::Error),
    /// It is not CBOR of the right shape.
    #[error("not a COSE envelope")]
    Cbor,
    /// A field is missing or malformed.
    #[error("the envelope's `{0}` is missing or malformed")]
    Field(&'static str),
    /// What must be marked as critical is not.
    #[error("the envelope does not mark `{0}` as critical")]
    NotCritical(&'static str),
    /// A certificate cannot be read.
    #[error("a certificate of the envelope cannot be read")]
    Certificate(#[from] InvalidCertificate),
    /// It is too large.
    #[error("the envelope is larger than {MAX_BYTES} bytes")]
    TooLarge,
}

impl NotationEnvelope {
    /// Reads an envelope as JWS.
    pub fn from_jws(bytes: &[u8]) -> Result<Self, InvalidNotationEnvelope> {
        bounded(bytes)?;
        jws::read(bytes)
    }

    /// Reads an envelope as COSE.
    pub fn from_cose(bytes: &[u8]) -> Result<Self, InvalidNotationEnvelope> {
        bounded(bytes)?;
        cose::read(bytes)
    }

    /// Verifies the signature with a key, which must be one that the algorithm goes with.
    pub fn verify_signature(&self, key: &PublicKey) -> Result<(), crate::key::BadSignature> {
        if scheme_of(key) != Some(self.scheme) {
            return Err(crate::key::BadSignature);
        }
        key.verify(self.scheme, &self.signed, &self.signature)
    }
}

/// Returns the one algorithm that a key may sign with; `None` where the Notary Project has none.
///
/// <https://github.com/notaryproject/specifications/blob/main/specs/signature-specification.md#algorithm-selection>
pub fn scheme_of(key: &PublicKey) -> Option<Scheme> {
    Some(match (key.algorithm(), key.bits()) {
        (KeyAlgorithm::EcdsaP256, _) => Scheme::EcdsaFixed(Hash::Sha256),
        (KeyAlgorithm::EcdsaP384, _) => Scheme::EcdsaFixed(Hash::Sha384),
        (KeyAlgorithm::EcdsaP521, _) => Scheme::EcdsaFixed(Hash::Sha512),
        (KeyAlgorithm::Rsa, 2048) => Scheme::RsaPss(Hash::Sha256),
        (KeyAlgorithm::Rsa, 3072) => Scheme::RsaPss(Hash::Sha384),
        (KeyAlgorithm::Rsa, 4096) => Scheme::RsaPss(Hash::Sha512),
        (KeyAlgorithm::Rsa | KeyAlgorithm::Ed25519, _) => return None,
    })
}

fn bounded(bytes: &[u8]) -> Result<(), InvalidNotationEnvelope> {
    if bytes.len() > MAX_BYTES { Err(InvalidNotationEnvelope::TooLarge) } else { Ok(()) }
}

/// What the signed headers of both envelopes say, before it is judged.
#[derive(Debug, Default)]
struct Headers {
    scheme: Option<Scheme>,
    content_type: Option<String>,
    critical: Vec<String>,
    signing_scheme: Option<String>,
    signing_time: Option<Timestamp>,
    authentic_signing_time: Option<Timestamp>,
    expiry: Option<Timestamp>,
}

/// What else an envelope consists of.
struct Rest {
    payload: Vec<u8>,
    chain: Vec<Certificate>,
    timestamp: Option<Vec<u8>>,
    agent: Option<String>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Headers {
    fn finish(self, rest: Rest) -> Result<NotationEnvelope, InvalidNotationEnvelope> {
        use InvalidNotationEnvelope::{Field, NotCritical};
        let is_critical = |name: &str| self.critical.iter().any(|critical| critical == name);
        if !is_critical(SIGNING_SCHEME) {
            return Err(NotCritical(SIGNING_SCHEME));
        }
        if self.expiry.is_some() && !is_critical(EXPIRY) {
            return Err(NotCritical(EXPIRY));
        }
        let (signing_scheme, signing_time) = match self.signing_scheme.as_deref() {
            Some("notary.x509") => {
                if self.authentic_signing_time.is_some() {
                    return Err(Field(AUTHENTIC_SIGNING_TIME));
                }
                (SigningScheme::X509, self.signing_time)
            }
            Some("notary.x509.signingAuthority") => {
                if self.signing_time.is_some() || self.authentic_signing_time.is_none() {
                    return Err(Field(AUTHENTIC_SIGNING_TIME));
                }
                if !is_critical(AUTHENTIC_SIGNING_TIME) {
                    return Err(NotCritical(AUTHENTIC_SIGNING_TIME));
                }
                (SigningScheme::SigningAuthority, self.authentic_signing_time)
            }
            _ => return Err(Field(SIGNING_SCHEME)),
        };
        const KNOWN: &[&str] = &[SIGNING_SCHEME, EXPIRY, AUTHENTIC_SIGNING_TIME];
        let unknown_critical =
            self.critical.into_iter().filter(|name| !KNOWN.contains(&name.as_str())).collect();
        Ok(NotationEnvelope {
            payload: rest.payload,
            content_type: self.content_type.ok_or(Field("cty"))?,
            scheme: self.scheme.ok_or(Field("alg"))?,
            signing_scheme,
            signing_time,
            expiry: self.expiry,
            chain: rest.chain,
            timestamp: rest.timestamp,
            agent: rest.agent,
            unknown_critical,
            signed: rest.signed,
            signature: rest.signature,
        })
    }
}

fn chain(certificates: &[&[u8]]) -> Result<Vec<Certificate>, InvalidNotationEnvelope> {
    if certificates.len() > MAX_CERTIFICATES {
        return Err(InvalidNotationEnvelope::Field("x5chain"));
    }
    Ok(certificates.iter().map(|der| Certificate::from_der(der)).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = NotationEnvelope::from_jws(&bytes);
            let _ = NotationEnvelope::from_cose(&bytes);
            let tagged = [&[0xd2, 0x84], bytes.as_slice()].concat();
            let _ = NotationEnvelope::from_cose(&tagged);
        }
    }
}
