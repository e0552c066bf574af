//! Makes envelopes: as JWS (<https://github.com/notaryproject/specifications/blob/main/specs/signature-envelope-jws.md>) and as COSE
//! (<https://github.com/notaryproject/specifications/blob/main/specs/signature-envelope-cose.md>).
//!
//! A chain that verifiers of the Notary Project would refuse is refused before anything is signed, and what was made is read again and
//! verified: keys in services and plug-ins are not trusted to sign what they are told.

use super::{
    EXPIRY, NotationEnvelope, NotationPayload, PAYLOAD_TYPE, SIGNING_AGENT, SIGNING_SCHEME, SIGNING_TIME,
    SigningScheme, cbor, chain, scheme_of,
};
use crate::certificate::Certificate;
use crate::certificate::chain::NoPath;
use crate::encoding::base64_encode;
use crate::key::{Hash, PublicKey, Scheme};
use crate::signer::{SignError, Signer};
use assay_model::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// The signing scheme of whoever signs for themselves.
const X509: &str = "notary.x509";

/// How an envelope is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EnvelopeFormat {
    /// JSON Web Signature.
    #[default]
    Jws,
    /// CBOR Object Signing and Encryption.
    Cose,
}

impl EnvelopeFormat {
    /// Returns the media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jws => super::JWS_MEDIA_TYPE,
            Self::Cose => super::COSE_MEDIA_TYPE,
        }
    }
}

/// What is signed, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct NewEnvelope<'a> {
    /// The image.
    pub payload: &'a NotationPayload,
    /// The signer's certificate and its issuers, the root last.
    pub chain: &'a [Certificate],
    /// When it is signed.
    pub time: Timestamp,
    /// Until when it counts, if not for ever.
    pub expiry: Option<Timestamp>,
    /// Which program signs.
    pub agent: &'a str,
}

/// Why there is no envelope.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotationSignError {
    /// Nobody would accept the certificates.
    #[error("the certificates are not fit for Notary signatures")]
    Chain(#[from] NoPath),
    /// There are no certificates.
    #[error("a Notary signature needs the signer's certificate and its issuers")]
    NoChain,
    /// The first certificate is another key's.
    #[error("the first certificate is not that of the key that signs")]
    OtherKey,
    /// It would be over before it began.
    #[error("the signature would expire at {0}, which is over")]
    Expired(Timestamp),
    /// The signer did not sign.
    #[error("cannot sign the envelope")]
    Sign(#[from] SignError),
    /// What was made does not verify.
    #[error("the envelope that was made does not verify")]
    Wrong,
}

/// What has to hold before a key signs anything: whoever signs several images asks before the first.
///
/// # Errors
/// Fails when no verifier would accept signatures by this key with these certificates at that time.
pub fn check(
    key: &PublicKey,
    certificates: &[Certificate],
    time: Timestamp,
    expiry: Option<Timestamp>,
) -> Result<(), NotationSignError> {
    let leaf = certificates.first().ok_or(NotationSignError::NoChain)?;
    if leaf.key().ok() != Some(key) {
        return Err(NotationSignError::OtherKey);
    }
    chain::check(certificates)?;
    chain::check_time(certificates, time)?;
    scheme_of(key).ok_or(SignError::NotInNotary(key.algorithm()))?;
    match expiry.filter(|expiry| *expiry <= time) {
        Some(expiry) => Err(NotationSignError::Expired(expiry)),
        None => Ok(()),
    }
}

impl NotationEnvelope {
    /// Returns whether this is the signature that `new` would be, but for its time: nothing is gained by another.
    pub fn says(&self, new: &NewEnvelope<'_>) -> bool {
        let counts = self.expiry.is_none_or(|expiry| expiry > new.time);
        let payload = NotationPayload::parse(&self.payload).ok();
        counts
            && self.expiry == new.expiry
            && self.chain == new.chain
            && self.signing_scheme == SigningScheme::X509
            && self.content_type == PAYLOAD_TYPE
            && self.unknown_critical.is_empty()
            && payload.as_ref() == Some(new.payload)
            && new
                .chain
                .first()
                .and_then(|leaf| leaf.key().ok())
                .is_some_and(|key| self.verify_signature(key).is_ok())
    }
}

/// Signs an image.
///
/// # Errors
/// Fails when the certificates are not fit, or the signer does not sign.
pub fn sign(
    signer: &dyn Signer,
    new: &NewEnvelope<'_>,
    format: EnvelopeFormat,
) -> Result<Vec<u8>, NotationSignError> {
    let key = signer.public_key();
    check(key, new.chain, new.time, new.expiry)?;
    let scheme = scheme_of(key).ok_or(SignError::NotInNotary(key.algorithm()))?;
    let (bytes, read) = match format {
        EnvelopeFormat::Jws => {
            let bytes = jws(signer, new, scheme)?;
            let read = NotationEnvelope::from_jws(&bytes);
            (bytes, read)
        }
        EnvelopeFormat::Cose => {
            let bytes = cose(signer, new, scheme)?;
            let read = NotationEnvelope::from_cose(&bytes);
            (bytes, read)
        }
    };
    let verifies = read.is_ok_and(|envelope| envelope.verify_signature(key).is_ok());
    if verifies { Ok(bytes) } else { Err(NotationSignError::Wrong) }
}

fn jws(signer: &dyn Signer, new: &NewEnvelope<'_>, scheme: Scheme) -> Result<Vec<u8>, SignError> {
    let name = match scheme {
        Scheme::EcdsaFixed(Hash::Sha256) => "ES256",
        Scheme::EcdsaFixed(Hash::Sha384) => "ES384",
        Scheme::EcdsaFixed(Hash::Sha512) => "ES512",
        Scheme::RsaPss(Hash::Sha256) => "PS256",
        Scheme::RsaPss(Hash::Sha384) => "PS384",
        Scheme::RsaPss(Hash::Sha512) => "PS512",
        _ => return Err(SignError::Scheme),
    };
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    put("alg", json!(name));
    put("cty", json!(PAYLOAD_TYPE));
    put("crit", json!(critical(new)));
    put(SIGNING_SCHEME, json!(X509));
    put(SIGNING_TIME, json!(new.time.to_string()));
    if let Some(expiry) = new.expiry {
        put(EXPIRY, json!(expiry.to_string()));
    }
    let protected = URL_SAFE_NO_PAD.encode(Value::Object(fields).to_string());
    let payload = URL_SAFE_NO_PAD.encode(new.payload.to_json());
    let signature = signer.sign(scheme, format!("{protected}.{payload}").as_bytes())?;
    let chain: Vec<String> =
        new.chain.iter().map(|certificate| base64_encode(certificate.to_der())).collect();
    let envelope = json!({
        "payload": payload,
        "protected": protected,
        "header": { "x5c": chain, SIGNING_AGENT: new.agent },
        "signature": URL_SAFE_NO_PAD.encode(signature),
    });
    Ok(envelope.to_string().into_bytes())
}

fn cose(signer: &dyn Signer, new: &NewEnvelope<'_>, scheme: Scheme) -> Result<Vec<u8>, SignError> {
    let number = match scheme {
        Scheme::EcdsaFixed(Hash::Sha256) => -7,
        Scheme::EcdsaFixed(Hash::Sha384) => -35,
        Scheme::EcdsaFixed(Hash::Sha512) => -36,
        Scheme::RsaPss(Hash::Sha256) => -37,
        Scheme::RsaPss(Hash::Sha384) => -38,
        Scheme::RsaPss(Hash::Sha512) => -39,
        _ => return Err(SignError::Scheme),
    };
    // In the order of RFC 8949, section 4.2.1: shorter names come first.
    let mut pairs = vec![
        (integer(1), integer(number)),
        (integer(2), array(critical(new).into_iter().map(text))),
        (integer(3), text(PAYLOAD_TYPE)),
    ];
    pairs.extend(new.expiry.map(|expiry| (text(EXPIRY), epoch(expiry))));
    pairs.push((text(SIGNING_TIME), epoch(new.time)));
    pairs.push((text(SIGNING_SCHEME), text(X509)));
    let protected = map(&pairs);
    let payload = new.payload.to_json();
    let signature = signer.sign(scheme, &cbor::signature_structure(&protected, &payload))?;
    let chain = array(new.chain.iter().map(|certificate| bytes(certificate.to_der())));
    let unprotected = map(&[(integer(33), chain), (text(SIGNING_AGENT), text(new.agent))]);
    let parts = array([bytes(&protected), unprotected, bytes(&payload), bytes(&signature)].into_iter());
    Ok([head(TAG, 18), parts].concat())
}

fn critical(new: &NewEnvelope<'_>) -> Vec<&'static str> {
    let mut names = vec![SIGNING_SCHEME];
    names.extend(new.expiry.map(|_| EXPIRY));
    names
}

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// Returns the head of an item of CBOR (<https://www.rfc-editor.org/rfc/rfc8949#section-3>), in its shortest form.
fn head(major: u8, argument: u64) -> Vec<u8> {
    let first = major << 5;
    if let Ok(byte) = u8::try_from(argument) {
        if byte < 24 { vec![first | byte] } else { vec![first | 24, byte] }
    } else if let Ok(short) = u16::try_from(argument) {
        [&[first | 25][..], &short.to_be_bytes()].concat()
    } else if let Ok(word) = u32::try_from(argument) {
        [&[first | 26][..], &word.to_be_bytes()].concat()
    } else {
        [&[first | 27][..], &argument.to_be_bytes()].concat()
    }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn integer(number: i64) -> Vec<u8> {
    match u64::try_from(number) {
        Ok(number) => head(UNSIGNED, number),
        Err(_) => head(NEGATIVE, number.unsigned_abs() - 1),
    }
}

fn bytes(content: &[u8]) -> Vec<u8> {
    [&head(BYTES, length(content.len())), content].concat()
}

fn text(content: &str) -> Vec<u8> {
    [&head(TEXT, length(content.len())), content.as_bytes()].concat()
}

fn array(items: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let items: Vec<Vec<u8>> = items.collect();
    [head(ARRAY, length(items.len())), items.concat()].concat()
}

fn map(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = head(MAP, length(pairs.len()));
    for (key, value) in pairs {
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    out
}

fn epoch(time: Timestamp) -> Vec<u8> {
    [head(TAG, 1), integer(time.0)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 8949, appendix A.
    #[test]
    fn items_are_those_of_the_examples() {
        for (made, want) in [
            (integer(0), &[0x00][..]),
            (integer(23), &[0x17]),
            (integer(24), &[0x18, 0x18]),
            (integer(1000), &[0x19, 0x03, 0xe8]),
            (integer(1_000_000), &[0x1a, 0x00, 0x0f, 0x42, 0x40]),
            (integer(1_000_000_000_000), &[0x1b, 0x00, 0x00, 0x00, 0xe8, 0xd4, 0xa5, 0x10, 0x00]),
            (integer(-1), &[0x20]),
            (integer(-1000), &[0x39, 0x03, 0xe7]),
            (bytes(&[1, 2, 3, 4]), &[0x44, 1, 2, 3, 4]),
            (text("IETF"), &[0x64, 0x49, 0x45, 0x54, 0x46]),
            (array([integer(1), integer(2)].into_iter()), &[0x82, 1, 2]),
            (map(&[(integer(1), integer(2)), (integer(3), integer(4))]), &[0xa2, 1, 2, 3, 4]),
            (epoch(Timestamp(1_363_896_240)), &[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0]),
        ] {
            assert_eq!(made, want);
        }
    }
}
