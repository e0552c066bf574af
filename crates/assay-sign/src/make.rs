//! Makes what is stored beside an artifact: bundles with a signature or an attestation, and the payloads of cosign 2.

use crate::bundle::{Bundle, Content, KeyMaterial, MessageDigest, MessageSignature, Version};
use crate::dsse::{self, Envelope, Signature};
use crate::encoding::{Base64, base64_encode};
use crate::key::{Hash, PublicKey};
use crate::signer::{SignError, Signer};
use crate::simple_signing::Payload;
use crate::statement::{self, Statement, Subject};
use assay_model::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// The largest file that is signed by a key of Ed25519, which wants to see all of it: it is held in memory.
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
    let scheme = signer.scheme();
    let read = hashes(file, scheme.hash(), signer.signs_digests())?;
    let signature = match read.message {
        Some(message) => signer.sign(scheme, &message)?,
        None => signer.sign_digest(scheme, &read.digest)?,
    };
    let (algorithm, digest) = match scheme.hash() {
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
    let signature = signer.sign(signer.scheme(), &dsse::pae(dsse::IN_TOTO, &payload))?;
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
    let signature = signer.sign(signer.scheme(), &payload)?;
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

struct Hashed {
    sha256: [u8; 32],
    /// The hash that the scheme asks for.
    digest: Vec<u8>,
    /// The whole file, where the signer wants it.
    message: Option<Vec<u8>>,
}

/// Files up to this size are handed whole to signers that hash by themselves: plug-ins, by a pipe and in base64.
const SMALL: u64 = 16 << 20;

/// Reads a file once. It is kept only for a signer that has no use for hashes.
fn hashes(file: &mut dyn Read, hash: Option<Hash>, digests: bool) -> Result<Hashed, SignFileError> {
    use sha2::Digest as _;
    let mut sha256 = sha2::Sha256::new();
    let mut sha384 = sha2::Sha384::new();
    let mut sha512 = sha2::Sha512::new();
    let limit = if hash.is_some() { SMALL } else { MAX_MESSAGE };
    let mut message = (hash.is_none() || !digests).then(Vec::new);
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
        if let Some(message) = &mut message {
            if size > limit {
                return Err(SignError::NeedsMessage.into());
            }
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
    use crate::key::{NewKey, PrivateKey, Scheme};
    use crate::signer::usual_scheme;

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

    /// As plug-ins of Notation are: they want to see the message.
    struct Hasher(PrivateKey);

    impl Signer for Hasher {
        fn public_key(&self) -> &PublicKey {
            self.0.public_key()
        }

        fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, SignError> {
            self.0.sign(scheme, message)
        }
    }

    #[test]
    fn who_hashes_by_themselves_get_small_files_whole() {
        let signer = Hasher(PrivateKey::generate(NewKey::EcdsaP256).unwrap());
        assert!(sign_file(&signer, &mut io::repeat(7).take(SMALL)).is_ok());
        let large = sign_file(&signer, &mut io::repeat(7).take(SMALL + 1));
        assert!(matches!(large, Err(SignFileError::Sign(SignError::NeedsMessage))));
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
