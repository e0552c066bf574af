//! What is attached to an image and may prove who signed it: found wherever clients put it, kept as bytes, and judged by trust roots.
//!
//! Finding and judging are apart, so that what was found can be kept and judged later, by other trust roots and at another time: the
//! command line does both at once, the server does not. What could not be read is part of what was found; it never counts as absent.

mod judged;
mod kept;

pub use judged::attested_vex;
pub use kept::DamagedEvidence;

use assay_model::Digest;
use assay_oci::{
    Artifact, ArtifactKind, BlobMismatch, Descriptor, Found as Place, OpenError, RegistryError,
    RegistryErrorKind, Repository, RepositoryError, StoredManifest,
};
use assay_sign::bundle::MAX_BYTES;
use assay_sign::verify::{Candidate, Format, Found, MAX_CANDIDATES};
use sha2::{Digest as _, Sha256};
use std::error::Error;
use std::io;

/// Bytes of all evidence for one manifest that are held at once.
const MAX_EVIDENCE: usize = 128 << 20;

/// What was found for one manifest.
#[derive(Debug, Clone)]
pub struct AttachedEvidence {
    /// The manifest or index that it is about.
    pub subject: Digest,
    /// Its media type, or nothing where the registry does not say; Notary Project signatures name it.
    pub media_type: String,
    /// Its size.
    pub size: u64,
    /// What may prove something.
    pub candidates: Vec<Candidate>,
    /// Of each candidate, the manifest that carries it.
    pub carriers: Vec<Digest>,
    /// What is listed and cannot be read.
    pub problems: Vec<String>,
    /// The first of the problems that may be over at the next attempt: something was not fetched, rather than not there.
    pub passing: Option<String>,
}

/// Finds what is attached to a manifest and may prove something.
///
/// # Errors
/// Fails when the repository does not answer. A single piece that cannot be read is one of the problems.
pub fn attached_evidence(
    repository: &Repository,
    manifest: &StoredManifest,
) -> Result<AttachedEvidence, RepositoryError> {
    let subject = manifest.descriptor.digest;
    let wanted = [ArtifactKind::Signature, ArtifactKind::Attestation];
    let found = repository.artifacts(subject, &wanted)?;
    let mut evidence = AttachedEvidence {
        subject,
        media_type: manifest.descriptor.media_type.clone(),
        size: manifest.bytes.len() as u64,
        candidates: Vec::new(),
        carriers: Vec::new(),
        problems: found.unseen(),
        passing: None,
    };
    let mut bytes = 0;
    for artifact in &found.artifacts {
        for layer in &artifact.layers {
            // What is not signed at all, such as BuildKit's attestations, is no evidence.
            if Format::of(&layer.media_type) == Format::Unknown && artifact.kind != ArtifactKind::Signature {
                continue;
            }
            if evidence.candidates.len() > MAX_CANDIDATES || bytes > MAX_EVIDENCE {
                evidence.problems.push(format!(
                    "layer {} and more were not read: too much evidence",
                    layer.digest.short()
                ));
                return Ok(evidence);
            }
            match repository.blob(layer, MAX_BYTES as u64) {
                Ok(content) => {
                    bytes += content.len();
                    evidence.candidates.push(candidate(artifact, layer, content));
                    evidence.carriers.push(artifact.descriptor.digest);
                }
                Err(error) => {
                    let problem = format!("layer {}: {error}", layer.digest.short());
                    if may_pass(&error) {
                        evidence.passing.get_or_insert_with(|| problem.clone());
                    }
                    evidence.problems.push(problem);
                }
            }
        }
    }
    Ok(evidence)
}

impl AttachedEvidence {
    /// Returns what tells a piece from others, whatever carries it: the SHA-256 over its media type, annotations and bytes. Signatures
    /// of cosign differ in their annotations only, and move to another manifest with each one that is added.
    pub fn identity(&self, candidate: &Candidate) -> Digest {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        add(candidate.media_type.as_bytes());
        add(&(candidate.annotations.len() as u64).to_be_bytes());
        for (name, value) in &candidate.annotations {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        add(&candidate.bytes);
        Digest::Sha256(hash.finalize().into())
    }
}

fn candidate(artifact: &Artifact, layer: &Descriptor, bytes: Vec<u8>) -> Candidate {
    let digest = artifact.descriptor.digest;
    let found = match artifact.found.first() {
        Some(Place::FallbackTag) => Found::FallbackTag { digest },
        Some(Place::Tag(scheme)) => Found::Tag { tag: scheme.tag(&artifact.subject) },
        Some(Place::Index) => Found::Index { digest },
        Some(Place::Referrers) | None => Found::Referrer { digest },
    };
    Candidate { found, media_type: layer.media_type.clone(), annotations: layer.annotations.clone(), bytes }
}

/// Tells whether another attempt may succeed: not where the answer was clear, as that there is no such blob or that it is another.
fn may_pass(error: &RepositoryError) -> bool {
    match error {
        RepositoryError::Open(OpenError::TooLarge { .. }) => false,
        error => cause_may_pass(error),
    }
}

fn cause_may_pass(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<RegistryError>() {
        return error.kind() != RegistryErrorKind::NotFound
            && !matches!(error, RegistryError::TooLarge { .. });
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // What `source` of such an error gives is the cause of its cause.
        return BlobMismatch::find(error).is_none()
            && error.get_ref().is_none_or(|inner| cause_may_pass(inner));
    }
    error.source().is_none_or(cause_may_pass)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn only_what_was_answered_clearly_does_not_pass() {
        let digest: Digest = format!("sha256:{}", "1".repeat(64)).parse().unwrap();
        let blob = |source: io::Error| RepositoryError::Blob { digest, source: Box::new(source) };
        let mismatch = BlobMismatch::Size { expected: 1, actual: 2 };
        assert!(!may_pass(&blob(io::Error::new(io::ErrorKind::InvalidData, mismatch))));
        assert!(may_pass(&blob(io::ErrorKind::UnexpectedEof.into())));
        assert!(may_pass(&blob(io::Error::other("the connection was reset"))));
        let what = "blob".to_owned();
        assert!(!may_pass(&RepositoryError::Open(OpenError::TooLarge { what, limit: 1 })));
    }

    #[test]
    fn a_piece_is_told_by_what_is_in_it_and_not_by_where_it_is() {
        let piece = |tag: &str, annotation: &str, bytes: &str| Candidate {
            found: Found::Tag { tag: tag.to_owned() },
            media_type: "application/x".to_owned(),
            annotations: BTreeMap::from([("signature".to_owned(), annotation.to_owned())]),
            bytes: bytes.as_bytes().to_vec(),
        };
        let all = kept::tests::evidence();
        let one = all.identity(&piece("a", "s", "b"));
        assert_eq!(one, all.identity(&piece("other", "s", "b")));
        assert_ne!(one, all.identity(&piece("a", "t", "b")));
        assert_ne!(one, all.identity(&piece("a", "sb", "")));
    }
}
