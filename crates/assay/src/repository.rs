//! From what the user typed to a place with an image and its artifacts: what the commands about artifacts need.

use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::source::{self, NetworkArgs};
use assay_model::Platform;
use assay_oci::source::{Selector, Source, recognise};
use assay_oci::{
    Access, Artifact, ArtifactKind, Artifacts, Descriptor, Network, Repository, RepositoryError,
    SpoolOptions, StoredManifest, without_password,
};
use std::sync::Arc;

/// A place, and which of its images is meant.
pub(crate) struct Opened {
    pub(crate) repository: Repository,
    pub(crate) wanted: Option<Selector>,
    pub(crate) source: Source,
}

/// Prepares the way to the network.
pub(crate) fn network(args: &NetworkArgs, global: &Global) -> Result<Network, CommandError> {
    source::network(args, global, Arc::default())
}

/// Returns where compressed archives are unpacked.
pub(crate) fn spool() -> SpoolOptions {
    SpoolOptions::in_folder(environment::scratch_folder())
}

/// Makes the error of a command that could not `verb` what the user named `text`.
pub(crate) fn failed(
    verb: &str,
    text: &str,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> CommandError {
    CommandError::work(format!("cannot {verb} `{}`", without_password(text)), error).with_hints_of_cause()
}

/// Understands what the user typed as an image that may have artifacts.
pub(crate) fn parse(verb: &str, text: &str) -> Result<Source, CommandError> {
    Source::parse(text, &|path| recognise(path)).map_err(|error| failed(verb, text, error))
}

/// Opens the place of an image.
pub(crate) fn open(
    verb: &str,
    text: &str,
    access: Access,
    network: &Network,
) -> Result<Opened, CommandError> {
    let source = parse(verb, text)?;
    let (repository, wanted) = Repository::of_source(&source, access, network, &spool())
        .map_err(|error| failed(verb, text, error))?;
    Ok(Opened { repository, wanted, source })
}

/// An image, or an index with its images, each with what is attached to it.
pub(crate) struct Family {
    pub(crate) root: Member,
    /// The images of an index.
    pub(crate) children: Vec<Member>,
}

/// One manifest or index, with what is attached to it.
pub(crate) struct Member {
    pub(crate) descriptor: Descriptor,
    pub(crate) platform: Option<Platform>,
    pub(crate) artifacts: Artifacts,
}

impl Family {
    /// Looks for what is attached to an image and, if it is an index, to each of its images; or only to that of `platform`.
    pub(crate) fn find(
        repository: &Repository,
        wanted: Option<&Selector>,
        platform: Option<&Platform>,
        kinds: &[ArtifactKind],
    ) -> Result<Self, RepositoryError> {
        let root = repository.resolve(wanted)?;
        let of_index = repository.artifacts_of_index(&root)?;
        let member = |descriptor: Descriptor| -> Result<Member, RepositoryError> {
            let mut artifacts = repository.artifacts(descriptor.digest, kinds)?;
            let beside = of_index.artifacts.iter().filter(|artifact| {
                artifact.subject == descriptor.digest && (kinds.is_empty() || kinds.contains(&artifact.kind))
            });
            artifacts.artifacts.extend(beside.cloned());
            Ok(Member { platform: descriptor.platform(), descriptor, artifacts })
        };
        let mut children = Vec::new();
        for entry in root.images()? {
            let fits = platform.is_none_or(|wanted| {
                entry.platform().is_some_and(|have| have == *wanted || have.satisfies(wanted))
            });
            if fits {
                children.push(member(entry)?);
            }
        }
        let mut root = member(root.descriptor)?;
        root.artifacts.problems.extend(of_index.problems);
        Ok(Self { root, children })
    }

    /// Returns all manifests, the index first.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.root).chain(&self.children)
    }

    /// Returns everything that is attached, each artifact once.
    pub(crate) fn artifacts(&self) -> Vec<&Artifact> {
        let mut all: Vec<&Artifact> = Vec::new();
        for artifact in self.members().flat_map(|member| &member.artifacts.artifacts) {
            if !all.iter().any(|have| have.descriptor.digest == artifact.descriptor.digest) {
                all.push(artifact);
            }
        }
        all
    }
}

/// Chooses the manifest that something is to be attached to: the image itself, or that of `platform` in an index.
pub(crate) fn choose(
    repository: &Repository,
    wanted: Option<&Selector>,
    platform: Option<&Platform>,
) -> Result<StoredManifest, RepositoryError> {
    let root = repository.resolve(wanted)?;
    let Some(platform) = platform else { return Ok(root) };
    let images = root.images()?;
    if images.is_empty() {
        return Ok(root);
    }
    let exact = images.iter().find(|entry| entry.platform().as_ref() == Some(platform));
    let fitting =
        || images.iter().find(|entry| entry.platform().is_some_and(|have| have.satisfies(platform)));
    match exact.or_else(fitting) {
        Some(entry) => repository.manifest(entry.digest),
        None => Err(assay_oci::OpenError::UnknownPlatform {
            place: repository.place(),
            wanted: platform.clone(),
            available: images.iter().filter_map(Descriptor::platform).collect(),
        }
        .into()),
    }
}

/// Returns the image as it is written with its digest: `registry/repository:tag@digest`, or a path.
pub(crate) fn with_digest(source: &Source, descriptor: &Descriptor) -> String {
    match source {
        Source::Registry(reference) if reference.digest().is_none() => {
            format!("{reference}@{}", descriptor.digest)
        }
        other => other.to_string(),
    }
}

/// Writes a number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, "B");
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}
