//! What was signed: the bytes, or only their digests.

use super::{Code, Refusal};
use crate::encoding::hex_decode;
use crate::key::{Hash, PublicKey};
use crate::predicate::VERDICT;
use crate::predicate::verdict::check_summary;
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
            let verified = match (&self.0, scheme.hash()) {
                (Known::Bytes { bytes, .. }, None) => key.verify(scheme, bytes, signature),
                (Known::Digests(_), None) => {
                    skipped = true;
                    continue;
                }
                // Hashed once, however many keys and signatures are tried: whoever can push decides how many, and how large it is.
                (_, Some(hash)) => match self.digest(hash) {
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

    /// Checks that a statement is about the artifact; a verdict of Assay's, that it was given on the artifact, too.
    pub(crate) fn subject_of(&self, statement: &Statement) -> Result<(), Refusal> {
        if statement.subject.iter().any(|subject| self.is(subject)) {
            return if statement.predicate_type == VERDICT { self.judged(statement) } else { Ok(()) };
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

    fn judged(&self, statement: &Statement) -> Result<(), Refusal> {
        let sha256 = self.digest(Hash::Sha256).and_then(|bytes| bytes.try_into().ok()).map(Digest::Sha256);
        let sha512 = self.digest(Hash::Sha512).and_then(|bytes| bytes.try_into().ok()).map(Digest::Sha512);
        let mut why = "a verdict is about images, and no digest of one is known here".to_owned();
        for digest in sha256.into_iter().chain(sha512) {
            match check_summary(&statement.predicate, &digest) {
                Ok(()) => return Ok(()),
                Err(error) => why = error.to_string(),
            }
        }
        Err(Refusal::new(Code::DigestMismatch, why))
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
