//! Makes what is stored beside an artifact: bundles with a signature or an attestation, and the payloads of cosign 2.

use crate::bundle::{Bundle, Content, KeyMaterial, MessageDigest, MessageSignature, Version};
use crate::dsse::{self, Envelope, Signature};
use crate::encoding::{Base64, base64_encode};
use crate::key::{Hash, PublicKey, Scheme};
use crate::signer::{SignError, Signer, usual_scheme};
use crate::simple_signing::Payload;
use crate::statement::{self, Statement, Subject};
use assay_model::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// The largest file that is signed by a key that wants to see all of it (Ed25519, plug-ins): it is held in memory.
pub const MAX_MESSAGE: u64 = 1 << 30;

/// Why a file is not signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignFileError {
    /// It cannot be read.
    #[error("cannot read what is to be signed")]
    Read(#[from] io::Error),
    /// It cannot be signed.
    #[error("cannot sign it")]
    Sign(#[from] SignError),
}

/// Returns the hint that cosign writes for a key: the base64 of its fingerprint.
pub fn hint(key: &PublicKey) -> String {
    base64_encode(&key.fingerprint())
}

/// Signs a file of any size.
///
/// Returns the bundle and the file's SHA-256.
///
/// # Errors
/// Fails when the file cannot be read, or the signer does not sign.
pub fn sign_file(signer: &dyn Signer, file: &mut dyn Read) -> Result<(Bundle, Digest), SignFileError> {
    let key = signer.public_key();
    let scheme = usual_scheme(key);
    let read = hashes(file, scheme)?;
    let signature = match read.message {
        Some(message) => signer.sign(scheme, &message)?,
        None => signer.sign_digest(scheme, &read.digest)?,
    };
    let (algorithm, digest) = match hash_of(scheme) {
        Some(Hash::Sha384) => ("SHA2_384", read.digest),
        Some(Hash::Sha512) => ("SHA2_512", read.digest),
        // Ed25519 has no hash of its own to tell; cosign wants one nevertheless.
        Some(Hash::Sha256) | None => ("SHA2_256", read.sha256.to_vec()),
    };
    let message = MessageSignature {
        message_digest: Some(MessageDigest { algorithm: algorithm.to_owned(), digest: Base64(digest) }),
        signature: Base64(signature),
    };
    Ok((bundle(key, Content::Message(message)), Digest::Sha256(read.sha256)))
}

/// Signs a statement.
///
/// # Errors
/// Fails when the signer does not sign.
pub fn sign_statement(signer: &dyn Signer, statement: &Statement) -> Result<Bundle, SignError> {
    let key = signer.public_key();
    let payload = statement.to_json();
    let signature = signer.sign(usual_scheme(key), &dsse::pae(dsse::IN_TOTO, &payload))?;
    let envelope = Envelope {
        payload: Base64(payload),
        payload_type: dsse::IN_TOTO.to_owned(),
        // A bundle's envelope has no key identifier: where there is one, it must equal the hint, which older verifiers do not expect.
        signatures: vec![Signature { sig: Base64(signature), keyid: String::new() }],
    };
    Ok(bundle(key, Content::Dsse(envelope)))
}

/// Returns the statement that says no more than "I sign this".
pub fn signature_statement(digest: &Digest, annotations: &BTreeMap<String, String>) -> Statement {
    let mut subject = Subject::new("", digest);
    subject.annotations =
        annotations.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect();
    Statement::new(vec![subject], statement::SIGN, json!({}))
}

/// A signature as cosign 2 keeps it: a payload, and a signature of it beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleSignature {
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// The signature in base64.
    pub signature: String,
}

/// Returns what cosign 2 signs for an image: a line of JSON with its digest.
pub fn simple_payload(name: &str, digest: &Digest, annotations: &BTreeMap<String, String>) -> Vec<u8> {
    Payload::new(name, *digest, annotations.clone()).to_json()
}

/// Signs a payload of [`simple_payload`].
///
/// # Errors
/// Fails when the signer does not sign.
pub fn sign_simple(signer: &dyn Signer, payload: Vec<u8>) -> Result<SimpleSignature, SignError> {
    let signature = signer.sign(usual_scheme(signer.public_key()), &payload)?;
    Ok(SimpleSignature { signature: base64_encode(&signature), payload })
}

fn bundle(key: &PublicKey, content: Content) -> Bundle {
    Bundle {
        version: Version::V0_3,
        key: KeyMaterial::PublicKey { hint: hint(key) },
        entries: Vec::new(),
        timestamps: Vec::new(),
        content,
    }
}

fn hash_of(scheme: Scheme) -> Option<Hash> {
    match scheme {
        Scheme::EcdsaDer(hash) | Scheme::EcdsaFixed(hash) | Scheme::RsaPkcs1(hash) | Scheme::RsaPss(hash) => {
            Some(hash)
        }
        Scheme::Ed25519 | Scheme::Ed25519ph => None,
    }
}

struct Hashed {
    sha256: [u8; 32],
    /// The hash that the scheme asks for.
    digest: Vec<u8>,
    /// The whole file, where it is small or the scheme wants it.
    message: Option<Vec<u8>>,
}

/// Files up to this size are handed to the signer whole, because not every one signs hashes.
const SMALL: u64 = 16 << 20;

fn hashes(file: &mut dyn Read, scheme: Scheme) -> Result<Hashed, SignFileError> {
    use sha2::Digest as _;
    let mut sha256 = sha2::Sha256::new();
    let mut sha384 = sha2::Sha384::new();
    let mut sha512 = sha2::Sha512::new();
    let hash = hash_of(scheme);
    let limit = if hash.is_some() { SMALL } else { MAX_MESSAGE };
    let mut message = Some(Vec::new());
    let mut size: u64 = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        size = size.saturating_add(u64::try_from(read.len()).unwrap_or(u64::MAX));
        sha256.update(read);
        match hash {
            Some(Hash::Sha384) => sha384.update(read),
            Some(Hash::Sha512) => sha512.update(read),
            Some(Hash::Sha256) | None => {}
        }
        if size > limit {
            if hash.is_none() {
                return Err(SignError::NeedsMessage.into());
            }
            message = None;
        }
        if let Some(message) = &mut message {
            message.extend_from_slice(read);
        }
    }
    let sha256: [u8; 32] = sha256.finalize().into();
    let digest = match hash {
        Some(Hash::Sha384) => sha384.finalize().to_vec(),
        Some(Hash::Sha512) => sha512.finalize().to_vec(),
        Some(Hash::Sha256) | None => sha256.to_vec(),
    };
    Ok(Hashed { sha256, digest, message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{NewKey, PrivateKey};

    #[test]
    fn large_files_are_signed_by_their_hash() {
        let signer = PrivateKey::generate(NewKey::EcdsaP384).unwrap();
        let size = SMALL + 1;
        let (bundle, digest) = sign_file(&signer, &mut io::repeat(7).take(size)).unwrap();
        let whole = vec![7; usize::try_from(size).unwrap()];
        let Content::Message(message) = &bundle.content else { panic!("not a message") };
        let scheme = usual_scheme(signer.public_key());
        assert!(signer.public_key().verify(scheme, &whole, &message.signature.0).is_ok());
        assert_eq!(message.message_digest.as_ref().unwrap().algorithm, "SHA2_384");
        assert_eq!(digest.bytes(), Hash::Sha256.of(&whole));
    }

    #[test]
    fn statements_and_payloads_verify() {
        for kind in NewKey::ALL {
            let signer = PrivateKey::generate(kind).unwrap();
            let key = signer.public_key();
            let digest = Digest::Sha256([7; 32]);
            let annotations = BTreeMap::from([("build".to_owned(), "7".to_owned())]);
            let bundle = sign_statement(&signer, &signature_statement(&digest, &annotations)).unwrap();
            let again = Bundle::parse(&bundle.to_json()).unwrap();
            let Content::Dsse(envelope) = &again.content else { panic!("not an envelope") };
            let signature = &envelope.signatures[0].sig.0;
            assert!(key.verify(usual_scheme(key), &envelope.pae(), signature).is_ok());
            assert_eq!(again.key, KeyMaterial::PublicKey { hint: hint(key) });
            let simple =
                sign_simple(&signer, simple_payload("registry.test/app", &digest, &annotations)).unwrap();
            let signature = crate::encoding::base64_decode(&simple.signature).unwrap();
            assert!(key.verify(usual_scheme(key), &simple.payload, &signature).is_ok());
        }
    }
}
