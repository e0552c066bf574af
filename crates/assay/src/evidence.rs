//! What there is beside an image that may prove who signed it, from wherever clients put it.

use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::source::{self, NetworkArgs};
use crate::terminal;
use assay_model::Digest;
use assay_oci::artifact::LookOutcome;
use assay_oci::descriptor::Descriptor;
use assay_oci::source::{Selector, Source, recognise};
use assay_oci::{
    Access, Artifact, ArtifactKind, Found as Place, ManifestDocument, Repository, RepositoryError,
    SpoolOptions, StoredManifest, without_password,
};
use assay_sign::bundle::MAX_BYTES;
use assay_sign::verify::{Candidate, Format, Found, MAX_CANDIDATES};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Bytes of all evidence for one manifest that are held at once.
const MAX_EVIDENCE: usize = 128 << 20;

/// An image whose evidence is looked for.
pub(crate) struct Subject {
    /// What the user wrote, without a password.
    pub(crate) shown: String,
    /// Its manifest or index.
    pub(crate) image: StoredManifest,
    repository: Repository,
}

/// What was found for one manifest.
pub(crate) struct Evidence {
    /// What may prove something.
    pub(crate) candidates: Vec<Candidate>,
    /// What is listed and cannot be read.
    pub(crate) problems: Vec<String>,
}

/// Finds an image.
pub(crate) fn open(text: &str, network: &NetworkArgs, global: &Global) -> Result<Subject, CommandError> {
    let shown = without_password(text).into_owned();
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot find `{shown}`"), error).with_hints_of_cause()
    };
    let source = Source::parse(text, &|path| recognise(path)).map_err(|error| failed(error.into()))?;
    let network = source::network(network, global, Arc::new(AtomicBool::new(false)))?;
    let spool = SpoolOptions::in_folder(environment::scratch_folder());
    let (repository, wanted) = Repository::of_source(&source, Access::Read, &network, &spool)
        .map_err(|error| failed(error.into()))?;
    let image = repository.resolve(wanted.as_ref()).map_err(|error| failed(error.into()))?;
    // A tag may be moved at any time, so people see what it stood for.
    if !matches!(wanted, Some(Selector::Digest(_))) {
        terminal::note(global, &format!("`{shown}` is {}", image.descriptor.digest));
    }
    Ok(Subject { shown, image, repository })
}

/// Returns the images of an index that can run, none for an image; `shown` is what the user wrote.
pub(crate) fn runnable(image: &StoredManifest, shown: &str) -> Result<Vec<Descriptor>, CommandError> {
    let document = ManifestDocument::parse(&image.bytes).map_err(|error| {
        CommandError::work(format!("cannot read what is in `{shown}`"), error).with_hints_of_cause()
    })?;
    if !document.is_index() {
        return Ok(Vec::new());
    }
    // BuildKit puts its attestations into the index, as images for an unknown platform. Its annotation does not count: runtimes
    // choose by the platform, and an image that carries the annotation would run without having been looked at.
    let runs = |entry: &Descriptor| {
        entry
            .platform
            .as_ref()
            .is_none_or(|platform| platform.os != "unknown" || platform.architecture != "unknown")
    };
    Ok(document.manifests.into_iter().filter(runs).collect())
}

impl Subject {
    /// Returns the images of an index that can run, none for an image.
    pub(crate) fn runnable(&self) -> Result<Vec<Descriptor>, CommandError> {
        runnable(&self.image, &self.shown)
    }

    /// Returns the manifest with that digest.
    pub(crate) fn manifest(&self, digest: Digest) -> Result<StoredManifest, CommandError> {
        self.repository.manifest(digest).map_err(|error| self.failed(error))
    }

    /// Finds what there is for a manifest.
    pub(crate) fn evidence(&self, subject: Digest) -> Result<Evidence, CommandError> {
        let wanted = [ArtifactKind::Signature, ArtifactKind::Attestation];
        let found = self.repository.artifacts(subject, &wanted).map_err(|error| self.failed(error))?;
        let mut evidence = Evidence { candidates: Vec::new(), problems: Vec::new() };
        for problem in &found.problems {
            evidence.problems.push(format!(
                "{} {}: {}",
                problem.found,
                problem.digest.short(),
                problem.reason
            ));
        }
        for look in &found.looked {
            if let LookOutcome::Truncated(count) = look.outcome {
                evidence
                    .problems
                    .push(format!("{}: only the first {count} entries were looked at", look.name));
            }
        }
        let mut bytes = 0;
        for artifact in &found.artifacts {
            for layer in &artifact.layers {
                // What is not signed at all, such as BuildKit's attestations, is no evidence.
                if Format::of(&layer.media_type) == Format::Unknown
                    && artifact.kind != ArtifactKind::Signature
                {
                    continue;
                }
                if evidence.candidates.len() > MAX_CANDIDATES || bytes > MAX_EVIDENCE {
                    evidence.problems.push(format!(
                        "layer {} and more were not read: too much evidence",
                        layer.digest.short()
                    ));
                    return Ok(evidence);
                }
                match self.repository.blob(layer, MAX_BYTES as u64) {
                    Ok(content) => {
                        bytes += content.len();
                        evidence.candidates.push(candidate(artifact, layer, content));
                    }
                    Err(error) => evidence.problems.push(format!("layer {}: {error}", layer.digest.short())),
                }
            }
        }
        Ok(evidence)
    }

    fn failed(&self, error: RepositoryError) -> CommandError {
        CommandError::work(format!("cannot look at what is attached to `{}`", self.shown), error)
            .with_hints_of_cause()
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
