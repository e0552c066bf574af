//! From what the user typed to a place with an image and its artifacts: what the commands about artifacts need.

use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::source::{self, NetworkArgs};
use crate::terminal;
use assay_model::Platform;
use assay_oci::artifact::{ArtifactProblem, Look};
use assay_oci::source::{Selector, Source, recognise};
use assay_oci::{
    Access, Artifact, ArtifactKind, Artifacts, Descriptor, Found, Network, Repository, RepositoryError,
    SpoolOptions, StoredManifest, image_for, without_password,
};
use std::collections::HashSet;
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

/// An image that was found, to be verified or signed.
pub(crate) struct Located {
    /// What the user wrote, without a password.
    pub(crate) shown: String,
    /// Where it is.
    pub(crate) repository: Repository,
    /// Its manifest or index.
    pub(crate) image: StoredManifest,
}

/// Finds an image, and says which digest it has unless that was said.
pub(crate) fn locate(
    text: &str,
    access: Access,
    args: &NetworkArgs,
    global: &Global,
) -> Result<Located, CommandError> {
    let opened = open("find", text, access, &network(args, global)?)?;
    let image =
        opened.repository.resolve(opened.wanted.as_ref()).map_err(|error| failed("find", text, error))?;
    let shown = without_password(text).into_owned();
    // A tag may be moved at any time, so people see what it stood for.
    if !matches!(opened.wanted, Some(Selector::Digest(_))) {
        terminal::note(global, &format!("`{shown}` is {}", image.descriptor.digest));
    }
    Ok(Located { shown, repository: opened.repository, image })
}

/// Images of an index that are looked at; the largest public ones have some dozens, and each costs half a dozen requests.
const MAX_CHILDREN: usize = 500;

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
        let images = root.images()?;
        let chosen: Vec<Descriptor> = match platform {
            Some(wanted) => image_for(&images, wanted).into_iter().cloned().collect(),
            None => images,
        };
        let left_out = chosen.len().saturating_sub(MAX_CHILDREN);
        let member = |descriptor: Descriptor| -> Result<Member, RepositoryError> {
            let mut artifacts = repository.artifacts(descriptor.digest, kinds)?;
            let beside = of_index.artifacts.iter().filter(|artifact| {
                artifact.subject == descriptor.digest && (kinds.is_empty() || kinds.contains(&artifact.kind))
            });
            artifacts.artifacts.extend(beside.cloned());
            Ok(Member { platform: descriptor.platform(), descriptor, artifacts })
        };
        let mut children = Vec::new();
        for entry in chosen.into_iter().take(MAX_CHILDREN) {
            children.push(member(entry)?);
        }
        let mut root = member(root.descriptor)?;
        root.artifacts.problems.extend(of_index.problems);
        root.artifacts.looked.extend(of_index.looked.into_iter().filter(Look::is_truncated));
        if left_out > 0 {
            let reason = format!("{left_out} of its images were not looked at");
            let digest = root.descriptor.digest;
            root.artifacts.problems.push(ArtifactProblem { digest, found: Found::Index, reason });
        }
        Ok(Self { root, children })
    }

    /// Returns all manifests, the index first.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.root).chain(&self.children)
    }

    /// Returns everything that is attached, each artifact once.
    pub(crate) fn artifacts(&self) -> Vec<&Artifact> {
        let mut seen = HashSet::new();
        let all = self.members().flat_map(|member| &member.artifacts.artifacts);
        all.filter(|artifact| seen.insert(artifact.descriptor.digest)).collect()
    }

    /// Returns the lists that were not read to their end.
    pub(crate) fn truncated(&self) -> impl Iterator<Item = &Look> {
        self.members().flat_map(|member| &member.artifacts.looked).filter(|look| look.is_truncated())
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
