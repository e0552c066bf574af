//! What is attached to an image: signatures, attestations, bills of materials and anything else.
//!
//! Artifacts are found in all places where clients put them: the registry's list of referrers, the list under the fallback tag
//! (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#unavailable-referrers-api>), cosign's tags
//! (<https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>), and beside the image in its index, where BuildKit puts
//! its attestations. Surprising: a registry that has the list may still hold artifacts under tags only, so all places are looked
//! at; and entries of the fallback list may say nothing, or something wrong, of what they point to, so that what matters is read
//! from the manifests. Nothing here is believed because of where it was found: whoever can push can attach.

pub(crate) mod attach;
pub(crate) mod document;
pub(crate) mod kind;
mod tag;
mod update;

use crate::descriptor::Descriptor;
use crate::registry::RegistryError;
use crate::registry::referrers::MAX_REFERRERS;
use crate::repository::{Repository, RepositoryError, StoredManifest};
use crate::source::Selector;
use assay_model::Digest;
use document::ManifestDocument;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

pub use attach::{Attached, NewArtifact, NewLayer};
pub use document::{EMPTY, EMPTY_TYPE};
pub use kind::{ArtifactKind, SIGN_PREDICATE};
pub use tag::{TagScheme, fallback_tag, subject_of_tag};

/// The media type of a manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an index.
pub const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// Bytes of all manifests of an image's artifacts; each has about a kilobyte.
const MAX_MANIFESTS: u64 = 64 << 20;

/// Where an artifact was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Found {
    /// In the list that the registry, or the layout, keeps.
    Referrers,
    /// In the list under the fallback tag.
    FallbackTag,
    /// Under one of cosign's tags.
    Tag(TagScheme),
    /// In the index of the image.
    Index,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Referrers => f.write_str("referrers"),
            Self::FallbackTag => f.write_str("fallback tag"),
            Self::Tag(scheme) => write!(f, "tag {}", scheme.suffix()),
            Self::Index => f.write_str("index"),
        }
    }
}

/// Something that is attached to an image.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Its manifest's type, digest and size.
    pub descriptor: Descriptor,
    /// The manifest that it is about, as asked for.
    pub subject: Digest,
    /// All places where it was found.
    pub found: Vec<Found>,
    /// What it is for.
    pub kind: ArtifactKind,
    /// What its manifest says it is, wherever it says so.
    pub artifact_type: String,
    /// What the list in which it was found says it is, if that is something else.
    pub listed_type: Option<String>,
    /// What a statement is about, by its annotations.
    pub predicate_type: Option<String>,
    /// The annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// What it consists of; read them with [`Repository::blob`].
    pub layers: Vec<Descriptor>,
    /// The manifest.
    pub manifest: Vec<u8>,
}

impl Artifact {
    /// Returns how many bytes it has, as its manifest says.
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).fold(0, u64::saturating_add)
    }
}

/// One place that was looked at, and what was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Which place.
    pub at: Found,
    /// What it is called: `referrers API`, or the tag.
    pub name: String,
    /// What was there.
    pub outcome: LookOutcome,
}

impl Look {
    /// Tells whether there is more than was taken.
    pub fn is_truncated(&self) -> bool {
        matches!(self.outcome, LookOutcome::Truncated(_))
    }
}

/// What was at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookOutcome {
    /// So many entries.
    Listed(usize),
    /// More entries than are taken.
    Truncated(usize),
    /// There is no such tag, or the registry keeps no such list.
    Absent,
}

/// Something that is listed and cannot be used.
#[derive(Debug)]
pub struct ArtifactProblem {
    /// Its manifest.
    pub digest: Digest,
    /// Where it is listed.
    pub found: Found,
    /// What is wrong.
    pub reason: String,
}

/// What is attached to an image.
#[derive(Debug)]
pub struct Artifacts {
    /// The image's manifest or index.
    pub subject: Digest,
    /// What was found, in the order of the places, then of the digests.
    pub artifacts: Vec<Artifact>,
    /// Where it was looked for.
    pub looked: Vec<Look>,
    /// What is listed and cannot be used.
    pub problems: Vec<ArtifactProblem>,
}

impl Artifacts {
    /// Says what may be there and was not seen: what is listed and cannot be used, and lists that were not read to their end.
    pub fn unseen(&self) -> Vec<String> {
        let problems = self
            .problems
            .iter()
            .map(|problem| format!("{} {}: {}", problem.found, problem.digest.short(), problem.reason));
        let cut = self.looked.iter().filter_map(|look| match look.outcome {
            LookOutcome::Truncated(count) => {
                Some(format!("{}: only the first {count} entries were looked at", look.name))
            }
            LookOutcome::Listed(_) | LookOutcome::Absent => None,
        });
        problems.chain(cut).collect()
    }
}

/// What is wrong with an artifact that is listed and not there.
const MISSING: &str = "its manifest is missing";

/// What was listed, before its manifest is read.
struct Candidate {
    entry: Descriptor,
    found: Vec<Found>,
}

impl Repository {
    /// Finds what is attached to the manifest or index `subject`, of the kinds in `wanted`; of all kinds if there are none in it.
    ///
    /// # Errors
    /// Fails when the registry does not answer: what could not be looked for is not called absent. A single artifact that cannot
    /// be read is one of the problems.
    pub fn artifacts(&self, subject: Digest, wanted: &[ArtifactKind]) -> Result<Artifacts, RepositoryError> {
        let mut result =
            Artifacts { subject, artifacts: Vec::new(), looked: Vec::new(), problems: Vec::new() };
        let mut candidates: Vec<Candidate> = Vec::new();
        let listed = self.referrers(&subject)?;
        let outcome = match &listed {
            Some(listed) if listed.truncated => LookOutcome::Truncated(listed.entries.len()),
            Some(listed) => LookOutcome::Listed(listed.entries.len()),
            None => LookOutcome::Absent,
        };
        result.looked.push(Look { at: Found::Referrers, name: "referrers API".to_owned(), outcome });
        let listed = listed.unwrap_or_default();
        result.note_malformed(listed.malformed, subject, Found::Referrers);
        add(&mut candidates, listed.entries, Found::Referrers);
        self.look_at_fallback(subject, &mut candidates, &mut result)?;

        let mut bytes = 0_u64;
        for Candidate { entry, found } in candidates {
            if !may_be(&entry, wanted) {
                continue;
            }
            let Some(first) = found.first().copied() else { continue };
            let problem = |reason: String| ArtifactProblem { digest: entry.digest, found: first, reason };
            let artifact = self
                .listed(&Selector::Digest(entry.digest), &mut bytes)?
                .and_then(|stored| stored.ok_or_else(|| MISSING.to_owned()))
                .and_then(|stored| read(stored, &entry, subject, found));
            match artifact {
                Ok(artifact) if wanted.is_empty() || wanted.contains(&artifact.kind) => {
                    result.artifacts.push(artifact);
                }
                Ok(_) => {}
                Err(reason) => result.problems.push(problem(reason)),
            }
        }
        for scheme in TagScheme::ALL {
            if wanted.is_empty() || wanted.contains(&scheme.kind()) {
                self.look_at_tag(scheme, &mut result, &mut bytes)?;
            }
        }
        Ok(result)
    }

    /// Reads what is listed, up to a limit for all of it: `Ok(Err(…))` says what is wrong with this one, which says nothing of the
    /// others; when nothing answers, there is no result.
    fn listed(
        &self,
        wanted: &Selector,
        bytes: &mut u64,
    ) -> Result<Result<Option<StoredManifest>, String>, RepositoryError> {
        if *bytes > MAX_MANIFESTS {
            return Ok(Err(format!("all manifests have more than {MAX_MANIFESTS} bytes")));
        }
        match self.find(Some(wanted)) {
            Ok(stored) => {
                *bytes = bytes.saturating_add(stored.as_ref().map_or(0, |stored| stored.descriptor.size));
                Ok(Ok(stored))
            }
            Err(RepositoryError::Open(error)) if !is_about_the_way(&error) => Ok(Err(error.to_string())),
            Err(RepositoryError::Registry(error @ RegistryError::TooLarge { .. })) => {
                Ok(Err(error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    fn look_at_fallback(
        &self,
        subject: Digest,
        candidates: &mut Vec<Candidate>,
        result: &mut Artifacts,
    ) -> Result<(), RepositoryError> {
        let name = fallback_tag(&subject);
        let at = Found::FallbackTag;
        let Some(stored) = self.tagged(at, &name, result, &mut 0)? else { return Ok(()) };
        let entries = match ManifestDocument::parse(&stored.bytes) {
            Ok(index) if index.is_index() => {
                result.note_malformed(index.malformed(), stored.descriptor.digest, at);
                index.manifests
            }
            Ok(_) | Err(_) => {
                let reason = format!("what is tagged `{name}` is no index");
                result.problems.push(ArtifactProblem { digest: stored.descriptor.digest, found: at, reason });
                Vec::new()
            }
        };
        let count = entries.len();
        let outcome = if count > MAX_REFERRERS {
            LookOutcome::Truncated(MAX_REFERRERS)
        } else {
            LookOutcome::Listed(count)
        };
        result.looked.push(Look { at, name, outcome });
        add(candidates, entries.into_iter().take(MAX_REFERRERS).collect(), at);
        Ok(())
    }

    /// Returns what has a tag; notes that nothing has it, or that it cannot be read.
    fn tagged(
        &self,
        at: Found,
        name: &str,
        result: &mut Artifacts,
        bytes: &mut u64,
    ) -> Result<Option<StoredManifest>, RepositoryError> {
        match self.listed(&Selector::Name(name.to_owned()), bytes)? {
            Ok(Some(stored)) => return Ok(Some(stored)),
            Ok(None) => {
                result.looked.push(Look { at, name: name.to_owned(), outcome: LookOutcome::Absent });
            }
            Err(reason) => result.unreadable(at, name.to_owned(), &reason),
        }
        Ok(None)
    }

    fn look_at_tag(
        &self,
        scheme: TagScheme,
        result: &mut Artifacts,
        bytes: &mut u64,
    ) -> Result<(), RepositoryError> {
        let name = scheme.tag(&result.subject);
        let at = Found::Tag(scheme);
        let Some(stored) = self.tagged(at, &name, result, bytes)? else { return Ok(()) };
        let digest = stored.descriptor.digest;
        if let Some(have) = result.artifacts.iter_mut().find(|have| have.descriptor.digest == digest) {
            have.found.push(at);
            result.looked.push(Look { at, name, outcome: LookOutcome::Listed(have.layers.len()) });
            return Ok(());
        }
        let entry = stored.descriptor.clone();
        match read(stored, &entry, result.subject, vec![at]) {
            Ok(mut artifact) => {
                // The tag says what it is for, whatever types an old client wrote.
                if artifact.kind == ArtifactKind::Other {
                    artifact.kind = scheme.kind();
                }
                let outcome = LookOutcome::Listed(artifact.layers.len());
                result.looked.push(Look { at, name, outcome });
                result.artifacts.push(artifact);
            }
            Err(reason) => {
                result.looked.push(Look { at, name, outcome: LookOutcome::Listed(0) });
                result.problems.push(ArtifactProblem { digest, found: at, reason });
            }
        }
        Ok(())
    }

    /// Finds what BuildKit put into `index` beside its images: attestations, each with the digest of its image.
    ///
    /// # Errors
    /// Fails when the registry does not answer. A single attestation that cannot be read is one of the problems.
    pub fn artifacts_of_index(&self, index: &StoredManifest) -> Result<Artifacts, RepositoryError> {
        let document = ManifestDocument::parse(&index.bytes)?;
        let mut result = Artifacts {
            subject: index.descriptor.digest,
            artifacts: Vec::new(),
            looked: Vec::new(),
            problems: Vec::new(),
        };
        let entries = document.manifests.iter().filter_map(|entry| Some((entry, entry.attests()?)));
        let (mut bytes, mut seen, mut truncated) = (0_u64, HashSet::new(), false);
        for (entry, subject) in entries {
            if !seen.insert((entry.digest, subject)) {
                continue;
            }
            if seen.len() > MAX_REFERRERS {
                truncated = true;
                break;
            }
            let artifact = self
                .listed(&Selector::Digest(entry.digest), &mut bytes)?
                .and_then(|stored| stored.ok_or_else(|| MISSING.to_owned()))
                .and_then(|stored| read(stored, entry, subject, vec![Found::Index]));
            match artifact {
                Ok(mut artifact) => {
                    artifact.kind = ArtifactKind::Attestation;
                    result.artifacts.push(artifact);
                }
                Err(reason) => {
                    let found = Found::Index;
                    result.problems.push(ArtifactProblem { digest: entry.digest, found, reason });
                }
            }
        }
        let count = result.artifacts.len();
        let outcome = if truncated { LookOutcome::Truncated(count) } else { LookOutcome::Listed(count) };
        result.looked.push(Look { at: Found::Index, name: "index".to_owned(), outcome });
        result.note_malformed(document.malformed(), index.descriptor.digest, Found::Index);
        Ok(result)
    }
}

impl Artifacts {
    /// Remembers a list or tag that is there and cannot be read.
    fn unreadable(&mut self, at: Found, name: String, reason: &str) {
        let reason = format!("what is tagged `{name}` cannot be read: {reason}");
        self.problems.push(ArtifactProblem { digest: self.subject, found: at, reason });
        self.looked.push(Look { at, name, outcome: LookOutcome::Listed(0) });
    }
}

impl StoredManifest {
    /// Returns the images that an index lists, without attestations and other artifacts; nothing of a manifest.
    ///
    /// # Errors
    /// Fails when it is not the JSON of either.
    pub fn images(&self) -> Result<Vec<Descriptor>, RepositoryError> {
        let document = ManifestDocument::parse(&self.bytes)?;
        Ok(document.manifests.into_iter().filter(|entry| !entry.is_no_image()).collect())
    }
}

impl Artifacts {
    /// Notes entries of a list that cannot be understood: any of them may say something of the image.
    fn note_malformed(&mut self, count: usize, digest: Digest, found: Found) {
        if count > 0 {
            let reason = format!("{count} entries of the list cannot be understood");
            self.problems.push(ArtifactProblem { digest, found, reason });
        }
    }
}

/// Tells whether an error is about reaching the place, not about what is there.
fn is_about_the_way(error: &crate::OpenError) -> bool {
    matches!(
        error,
        crate::OpenError::Registry(_) | crate::OpenError::TimedOut(_) | crate::OpenError::Engine(_)
    )
}

fn add(candidates: &mut Vec<Candidate>, entries: Vec<Descriptor>, at: Found) {
    let mut places: HashMap<Digest, usize> =
        candidates.iter().enumerate().map(|(place, have)| (have.entry.digest, place)).collect();
    for entry in entries {
        match places.get(&entry.digest).and_then(|place| candidates.get_mut(*place)) {
            Some(have) if have.found.contains(&at) => {}
            Some(have) => have.found.push(at),
            None => {
                places.insert(entry.digest, candidates.len());
                candidates.push(Candidate { entry, found: vec![at] });
            }
        }
    }
}

/// Tells whether what is listed so may be of a kind that is wanted, so that its manifest has to be read.
fn may_be(entry: &Descriptor, wanted: &[ArtifactKind]) -> bool {
    let predicate = entry.annotation("dev.sigstore.bundle.predicateType");
    let is_bundle = entry.artifact_type.starts_with("application/vnd.dev.sigstore.bundle");
    let kind = ArtifactKind::of_type(&entry.artifact_type, predicate);
    wanted.is_empty()
        || wanted.contains(&kind)
        // Lists that old clients write lack the annotations, or say `application/vnd.oci.empty.v1+json`.
        || (is_bundle && predicate.is_none())
        || kind == ArtifactKind::Other
}

/// Reads the manifest of an artifact.
fn read(
    stored: StoredManifest,
    entry: &Descriptor,
    subject: Digest,
    found: Vec<Found>,
) -> Result<Artifact, String> {
    let document = ManifestDocument::parse(&stored.bytes).map_err(|error| error.to_string())?;
    if document.is_index() {
        // An index may refer to another, but there is nothing in it to be read.
        return Err("it is an index".to_owned());
    }
    if let Some(named) = document.subject.as_ref().filter(|named| named.digest != subject) {
        return Err(format!("it is about `{}`", named.digest));
    }
    let artifact_type = document.decided_type().to_owned();
    let listed_type = Some(&entry.artifact_type).filter(|listed| **listed != artifact_type);
    let is_list = found.iter().any(|at| matches!(at, Found::Referrers | Found::FallbackTag));
    Ok(Artifact {
        kind: ArtifactKind::of(&document),
        predicate_type: kind::predicate_type(&document).map(str::to_owned),
        listed_type: listed_type.filter(|_| is_list).cloned(),
        descriptor: stored.descriptor,
        subject,
        found,
        artifact_type,
        annotations: document.annotations,
        layers: document.layers,
        manifest: stored.bytes,
    })
}
