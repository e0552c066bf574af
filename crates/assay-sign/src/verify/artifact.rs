//! What was signed: the bytes, or only their digests.

use super::{Code, Refusal};
use crate::encoding::hex_decode;
use crate::key::{Hash, PublicKey, Scheme};
use crate::statement::{Statement, Subject};
use assay_model::Digest;
use std::sync::OnceLock;

/// An artifact whose signature is verified.
#[derive(Debug, Clone)]
pub struct Artifact<'a>(Known<'a>);

/// What is known of it.
#[derive(Debug, Clone)]
enum Known<'a> {
    /// The bytes, and their digests where somebody asked for them: most evidence needs one of the three, or none.
    Bytes { bytes: &'a [u8], sha256: OnceLock<Vec<u8>>, sha384: OnceLock<Vec<u8>>, sha512: OnceLock<Vec<u8>> },
    /// Some digests.
    Digests(Vec<(Hash, Vec<u8>)>),
}

impl<'a> Artifact<'a> {
    /// Returns an artifact whose bytes are at hand.
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(Known::Bytes {
            bytes,
            sha256: OnceLock::new(),
            sha384: OnceLock::new(),
            sha512: OnceLock::new(),
        })
    }
}

impl Artifact<'_> {
    /// Returns an artifact of which only the digest is known.
    pub fn from_digest(digest: &Digest) -> Self {
        let hash = match digest {
            Digest::Sha256(_) => Hash::Sha256,
            Digest::Sha512(_) => Hash::Sha512,
        };
        Self::from_digests(vec![(hash, digest.bytes().to_vec())])
    }

    /// Returns an artifact of which several digests are known, such as of a file too large to hold.
    pub fn from_digests(digests: Vec<(Hash, Vec<u8>)>) -> Self {
        Self(Known::Digests(digests))
    }

    /// Returns the digest by one hash function, where it is known.
    pub(crate) fn digest(&self, hash: Hash) -> Option<&[u8]> {
        match &self.0 {
            Known::Bytes { bytes, sha256, sha384, sha512 } => {
                let digest = match hash {
                    Hash::Sha256 => sha256,
                    Hash::Sha384 => sha384,
                    Hash::Sha512 => sha512,
                };
                Some(digest.get_or_init(|| hash.of(bytes)))
            }
            Known::Digests(digests) => {
                digests.iter().find(|(known, _)| *known == hash).map(|(_, digest)| digest.as_slice())
            }
        }
    }

    /// Verifies a signature of the artifact, made the way that Sigstore's tools use such a key.
    pub(crate) fn verify(&self, key: &PublicKey, signature: &[u8]) -> Result<(), Refusal> {
        let (mut tried, mut skipped) = (false, false);
        for &scheme in key.sigstore_schemes() {
            let verified = match (&self.0, scheme) {
                (Known::Bytes { bytes, .. }, Scheme::Ed25519) => key.verify(scheme, bytes, signature),
                (Known::Digests(_), Scheme::Ed25519) => {
                    skipped = true;
                    continue;
                }
                // Hashed once, however many keys and signatures are tried: whoever can push decides how many, and how large it is.
                _ => match self.digest(hash_of(scheme)) {
                    Some(digest) => key.verify_digest(scheme, digest, signature),
                    None => {
                        skipped = true;
                        continue;
                    }
                },
            };
            tried = true;
            if verified.is_ok() {
                return Ok(());
            }
        }
        if tried && skipped {
            let message = "the signature does not verify with this digest; it may be of another, which the artifact itself would give";
            Err(Refusal::new(Code::BadSignature, message))
        } else if tried {
            Err(Refusal::new(Code::BadSignature, "the signature does not verify"))
        } else {
            let message = format!(
                "a signature by a key of kind `{}` needs the artifact itself, not its digest",
                key.algorithm()
            );
            Err(Refusal::new(Code::Unsupported, message))
        }
    }

    /// Checks that a statement is about the artifact.
    pub(crate) fn subject_of(&self, statement: &Statement) -> Result<(), Refusal> {
        if statement.subject.iter().any(|subject| self.is(subject)) {
            return Ok(());
        }
        let names: Vec<String> = statement
            .subject
            .iter()
            .flat_map(|subject| &subject.digest)
            .take(4)
            .map(|(algorithm, hex)| format!("`{algorithm}:{hex}`"))
            .collect();
        let message = format!("the statement is about {}, not this artifact", names.join(", "));
        Err(Refusal::new(Code::DigestMismatch, message.chars().take(600).collect::<String>()))
    }

    /// Returns whether a subject names the artifact: at least one digest is known and none that is known differs.
    fn is(&self, subject: &Subject) -> bool {
        let mut same = false;
        for (hash, name) in [(Hash::Sha256, "sha256"), (Hash::Sha384, "sha384"), (Hash::Sha512, "sha512")] {
            let Some(theirs) = subject.digest.get(name) else { continue };
            let Some(ours) = self.digest(hash) else { continue };
            if hex_decode(theirs).as_deref() != Some(ours) {
                return false;
            }
            same = true;
        }
        same
    }
}

fn hash_of(scheme: Scheme) -> Hash {
    match scheme {
        Scheme::EcdsaDer(hash) | Scheme::EcdsaFixed(hash) | Scheme::RsaPkcs1(hash) | Scheme::RsaPss(hash) => {
            hash
        }
        Scheme::Ed25519 | Scheme::Ed25519ph => Hash::Sha512,
    }
}
