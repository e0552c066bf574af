//! What is attached to an image, read as evidence: statements on vulnerabilities and bills of materials, plain or inside of
//! attestations.
//!
//! Whoever can push to the repository can attach, so nothing is believed here: statements are shown and not applied. The gate, which
//! has verified who signed what, applies those of the signers that its policy believes.

use assay_match::{Trust, VexDocument};
use assay_model::{Digest, Warning};
use assay_oci::{Artifact, ArtifactKind, Descriptor, Repository, RepositoryError};
use assay_sbom::{Kind, vex, wrapped};

/// The largest document that is read, in bytes.
const MAX_DOCUMENT: u64 = 64 << 20;
/// Bytes of all documents of an image.
const MAX_BYTES: u64 = 256 << 20;
/// Documents of an image that are read.
const MAX_DOCUMENTS: usize = 200;

/// A bill of materials that is attached to an image.
#[derive(Debug, Clone)]
pub struct AttachedSbom {
    /// What it is part of.
    pub artifact: Artifact,
    /// Its format.
    pub kind: Kind,
    /// The document.
    pub bytes: Vec<u8>,
}

/// What is attached to an image.
#[derive(Debug, Default)]
pub struct AttachedStatements {
    /// The documents with statements on vulnerabilities.
    pub documents: Vec<VexDocument>,
    /// What is there besides, and what could not be read.
    pub notices: Vec<Warning>,
}

/// Reads the statements on vulnerabilities that are attached to `subjects`: an image's manifest, and the index it is in.
///
/// # Errors
/// Fails when the repository does not answer. A document that cannot be read is one of the notices.
pub fn attached_statements(
    repository: &Repository,
    subjects: &[Digest],
) -> Result<AttachedStatements, RepositoryError> {
    let kinds = [ArtifactKind::Vex, ArtifactKind::Attestation, ArtifactKind::Sbom];
    let mut read = AttachedStatements::default();
    let artifacts = find(repository, subjects, &kinds, &mut read.notices)?;
    let mut budget = Budget::default();
    for artifact in &artifacts {
        if artifact.kind == ArtifactKind::Sbom {
            let digest = artifact.descriptor.digest;
            let message = format!("a bill of materials is attached (`{}`, {digest})", artifact.artifact_type);
            read.notices.push(Warning::notice("attached-sbom", None, message));
            continue;
        }
        for layer in &artifact.layers {
            if !may_hold_statements(artifact, layer) {
                continue;
            }
            let Some(found) = document(repository, artifact, layer, &mut budget, &mut read.notices)? else {
                continue;
            };
            let Ok((statements, _)) = vex::read(&found) else {
                if artifact.kind == ArtifactKind::Vex {
                    read.notices.push(unreadable(artifact, "it is no VEX document of a known form"));
                }
                continue;
            };
            if statements.is_empty() {
                continue;
            }
            read.documents.push(VexDocument {
                source: format!("artifact {}", artifact.descriptor.digest),
                trust: Trust::Subject,
                statements,
            });
        }
    }
    Ok(read)
}

/// Reads the bills of materials that are attached to `subjects`, the best first: those of the earlier
/// subject, then the newest.
///
/// # Errors
/// Fails when the repository does not answer.
pub fn attached_sboms(
    repository: &Repository,
    subjects: &[Digest],
    notices: &mut Vec<Warning>,
) -> Result<Vec<AttachedSbom>, RepositoryError> {
    let artifacts = find(repository, subjects, &[ArtifactKind::Sbom, ArtifactKind::Attestation], notices)?;
    let mut budget = Budget::default();
    let mut sboms = Vec::new();
    for artifact in &artifacts {
        for layer in &artifact.layers {
            let is_other = predicate(artifact, layer).is_some_and(|name| {
                !name.contains("cyclonedx") && !name.contains("spdx") && !name.contains("syft")
            });
            if artifact.kind == ArtifactKind::Attestation && is_other {
                continue;
            }
            let Some(found) = document(repository, artifact, layer, &mut budget, notices)? else { continue };
            let Some(kind) = assay_sbom::recognise(&found) else {
                if artifact.kind == ArtifactKind::Sbom {
                    notices.push(unreadable(artifact, "it is no bill of materials of a known form"));
                }
                continue;
            };
            sboms.push(AttachedSbom { artifact: artifact.clone(), kind, bytes: found });
        }
    }
    let place = |sbom: &AttachedSbom| subjects.iter().position(|subject| *subject == sbom.artifact.subject);
    let created = |sbom: &AttachedSbom| {
        sbom.artifact.annotations.get("org.opencontainers.image.created").cloned().unwrap_or_default()
    };
    sboms.sort_by(|a, b| {
        place(a)
            .cmp(&place(b))
            .then_with(|| created(b).cmp(&created(a)))
            .then_with(|| a.artifact.descriptor.digest.cmp(&b.artifact.descriptor.digest))
    });
    Ok(sboms)
}

fn find(
    repository: &Repository,
    subjects: &[Digest],
    kinds: &[ArtifactKind],
    notices: &mut Vec<Warning>,
) -> Result<Vec<Artifact>, RepositoryError> {
    let mut artifacts: Vec<Artifact> = Vec::new();
    let mut add = |found: Vec<Artifact>| {
        for artifact in found {
            if !artifacts.iter().any(|have| have.descriptor.digest == artifact.descriptor.digest) {
                artifacts.push(artifact);
            }
        }
    };
    for subject in subjects {
        let found = repository.artifacts(*subject, kinds)?;
        // Of an index, BuildKit's attestations about the images that were asked for.
        let stored = repository.manifest(*subject)?;
        let beside = repository.artifacts_of_index(&stored)?;
        for problem in found.problems.into_iter().chain(beside.problems) {
            let message = format!(
                "artifact `{}` ({}) cannot be read: {}",
                problem.digest, problem.found, problem.reason
            );
            notices.push(Warning::notice("attached-unreadable", None, message));
        }
        add(found.artifacts);
        add(beside.artifacts.into_iter().filter(|artifact| subjects.contains(&artifact.subject)).collect());
    }
    Ok(artifacts)
}

/// Returns what a layer says it is about; of several layers each says it for itself.
fn predicate<'a>(artifact: &'a Artifact, layer: &'a Descriptor) -> Option<&'a str> {
    layer
        .annotation("predicateType")
        .or_else(|| layer.annotation("in-toto.io/predicate-type"))
        .or(artifact.predicate_type.as_deref())
}

/// Tells whether a layer is worth to be read for statements on vulnerabilities.
fn may_hold_statements(artifact: &Artifact, layer: &Descriptor) -> bool {
    // A bill of materials of CycloneDX may hold statements, too.
    artifact.kind != ArtifactKind::Attestation
        || predicate(artifact, layer).is_none_or(|name| {
            ["vex", "csaf", "cyclonedx", "cosign.sigstore.dev/attestation/v1"]
                .iter()
                .any(|part| name.contains(part))
        })
}

#[derive(Debug, Default)]
struct Budget {
    documents: usize,
    bytes: u64,
}

/// Reads a layer, and takes the document out of the statement around it.
fn document(
    repository: &Repository,
    artifact: &Artifact,
    layer: &Descriptor,
    budget: &mut Budget,
    notices: &mut Vec<Warning>,
) -> Result<Option<Vec<u8>>, RepositoryError> {
    budget.documents = budget.documents.saturating_add(1);
    budget.bytes = budget.bytes.saturating_add(layer.size);
    if budget.documents > MAX_DOCUMENTS || budget.bytes > MAX_BYTES || layer.size > MAX_DOCUMENT {
        notices.push(unreadable(artifact, "there is more than is read"));
        return Ok(None);
    }
    let bytes = match repository.blob(layer, MAX_DOCUMENT) {
        Ok(bytes) => bytes,
        Err(error @ RepositoryError::Blob { .. }) => {
            notices.push(unreadable(artifact, &error.to_string()));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    // A descriptor may keep the size to itself.
    let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    budget.bytes = budget.bytes.saturating_add(read.saturating_sub(layer.size));
    if artifact.kind != ArtifactKind::Attestation {
        return Ok(Some(bytes));
    }
    let Some(wrapped) = wrapped::unwrap(&bytes) else {
        notices.push(unreadable(artifact, "it is no statement of in-toto"));
        return Ok(None);
    };
    if !wrapped.subjects.contains(&artifact.subject) {
        notices.push(unreadable(artifact, "its statement is about something else"));
        return Ok(None);
    }
    Ok(Some(wrapped.document))
}

fn unreadable(artifact: &Artifact, reason: &str) -> Warning {
    let message = format!("artifact `{}` is not used: {reason}", artifact.descriptor.digest);
    Warning::notice("attached-unreadable", None, message)
}
