//! Resolving and scanning images of registries, by the engine.
//!
//! Everything here blocks, and is called on threads for that. Only registries that the operator named are ever asked: what a webhook or a
//! pod names is a hint, and must not make the server connect to hosts of an attacker's choice.

use crate::{index, report};
use assay_advisories::Database;
use assay_analyze::Limits;
use assay_engine::{LayerCache, Progress, Settings, assess, image_inventory};
use assay_model::context::Statements;
use assay_model::{Digest, FindingKind, Report};
use assay_oci::artifact::subject_of_tag;
use assay_oci::{
    Access, Descriptor, ManifestDocument, Network, NetworkOptions, OpenOptions, Reference, Repository,
    Selector, Source, SpoolOptions,
};
use assay_policy::pattern;
use assay_sign::verify::Format;
use assay_store::{Child, Depth, IndexEntry, Scan};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

/// Images of one index that are judged; one with more cannot be. The largest public ones have some twenty platforms.
const MAX_CHILDREN: usize = 64;

/// How many times a scan is judged again because the database was replaced meanwhile.
const MAX_JUDGED: usize = 3;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Opens the vulnerability database that is in use now; says whether it is the snapshot built into the program.
pub type OpenDatabase = dyn Fn() -> Result<(Database, bool), Failure> + Send + Sync;

/// Returns the cache of layer analyses, if there is one.
pub type OpenCache = dyn Fn() -> Option<LayerCache> + Send + Sync;

/// How images are scanned.
pub struct Scanner {
    /// The registries that may be asked, by host.
    pub registries: BTreeSet<String>,
    /// How they are reached.
    pub network: NetworkOptions,
    /// Where archives are unpacked.
    pub scratch: PathBuf,
    /// Threads of one scan.
    pub threads: NonZeroUsize,
    /// Whether scans are deep.
    pub deep: bool,
    /// Patterns of tags whose images are scanned again, deeply, when there is nothing more urgent.
    pub deep_tags: Vec<String>,
    /// The vulnerability database.
    pub database: Arc<OpenDatabase>,
    /// The cache.
    pub cache: Arc<OpenCache>,
}

/// Why an image could not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// Nobody said that this registry may be asked.
    #[error("the registry `{0}` is not one of those that the server was told to ask")]
    UnknownRegistry(String),
    /// The name is none of an image.
    #[error("`{0}` is no image of a registry")]
    Reference(String),
    /// The registry or the image failed.
    #[error("cannot {doing} `{image}`")]
    Failed {
        /// What was done.
        doing: &'static str,
        /// The image.
        image: String,
        /// Why.
        source: Failure,
    },
}

/// What stands behind a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Its digest, of the bytes that the registry gave.
    pub digest: Digest,
    /// What it is.
    pub content: Content,
    /// The manifest that it says it belongs to, as signatures do. It may be an image all the same.
    pub subject: Option<Digest>,
    /// Whether it is a list of what belongs to another manifest, under the tag that stands for that.
    pub is_list: bool,
    /// Whether it was asked for by a name of its own. A signature names its subject and goes by its digest; an image may name one as
    /// well, but then somebody gave it a tag.
    pub named: bool,
}

impl Resolved {
    /// Says whether somebody who pushed it pushed an image. What somebody wants to run is looked at in any case.
    pub fn is_image(&self) -> bool {
        self.content != Content::Artifact && (self.subject.is_none() || self.named) && !self.is_list
    }
}

/// What a manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An image.
    Image,
    /// An index of images; those that can run.
    Index(Vec<Child>),
    /// An index of which not every image can be judged, and why.
    Unjudgeable(String),
    /// A signature, a chart or something else that is not run.
    Artifact,
}

/// What a scan came to, ready to be stored.
pub struct Scanned {
    /// The report.
    pub report: Report,
    /// The same as JSON.
    pub json: Vec<u8>,
    /// The names of its packages.
    pub index: Vec<IndexEntry>,
    /// How closely it was looked at.
    pub depth: Depth,
}

impl Scanned {
    /// Returns what is to be stored of this image.
    pub(crate) fn scan<'a>(&'a self, digest: &'a Digest) -> Scan<'a> {
        Scan { digest, depth: self.depth, report: &self.report, json: &self.json, index: &self.index }
    }
}

impl Scanner {
    /// Reads an image's name, if it is in a registry that may be asked.
    ///
    /// # Errors
    /// Fails when it is no name, or names another registry.
    pub fn reference(&self, text: &str) -> Result<Reference, ScanError> {
        let reference: Reference =
            text.parse().map_err(|_| ScanError::Reference(text.chars().take(200).collect()))?;
        if !self.registries.contains(reference.registry()) {
            return Err(ScanError::UnknownRegistry(reference.registry().to_owned()));
        }
        Ok(reference)
    }

    /// Asks the registry what a name stands for now.
    ///
    /// # Errors
    /// Fails when the registry may not be asked or does not answer, or there is no such image.
    pub fn resolve(&self, text: &str) -> Result<Resolved, ScanError> {
        let reference = self.reference(text)?;
        let failed = |source: Failure| ScanError::Failed { doing: "resolve", image: text.to_owned(), source };
        let network = Network::new(self.network.clone());
        let wanted = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => Selector::Digest(digest),
            (None, tag) => Selector::Name(tag.unwrap_or("latest").to_owned()),
        };
        let repository =
            Repository::registry(&reference, Access::Read, &network).map_err(|error| failed(error.into()))?;
        let manifest = repository.resolve(Some(&wanted)).map_err(|error| failed(error.into()))?;
        let document = ManifestDocument::parse(&manifest.bytes).map_err(|error| failed(error.into()))?;
        let content = if document.is_index() {
            children(&document, &manifest.bytes).map_or_else(Content::Unjudgeable, Content::Index)
        } else if is_image(&document) {
            Content::Image
        } else {
            Content::Artifact
        };
        let is_list = reference.digest().is_none()
            && reference.tag().is_some_and(|tag| subject_of_tag(tag).is_some())
            && document.manifests.iter().all(|entry| !entry.artifact_type.is_empty());
        Ok(Resolved {
            digest: manifest.descriptor.digest,
            is_list: is_list && document.is_index(),
            named: reference.digest().is_none(),
            content,
            subject: document.subject.map(|subject| subject.digest),
        })
    }

    /// Says whether what has a tag is to be looked at deeply after the first scan.
    pub(crate) fn wants_deep(&self, tag: Option<&str>) -> bool {
        !self.deep && tag.is_some_and(|tag| pattern::any(&self.deep_tags, tag))
    }

    /// Scans an image by its digest.
    ///
    /// # Errors
    /// Fails when the registry may not be asked, or the image cannot be read.
    pub fn scan(&self, text: &str, depth: Depth) -> Result<Scanned, ScanError> {
        let reference = self.reference(text)?;
        let failed = |source: Failure| ScanError::Failed { doing: "scan", image: text.to_owned(), source };
        let limits = Limits::new(self.scratch.clone());
        let network = Network::new(NetworkOptions { stop: limits.stop.flag(), ..self.network.clone() });
        let spool = SpoolOptions {
            folder: limits.scratch.clone(),
            limit: limits.bytes_per_layer,
            ratio: limits.ratio,
            free: limits.free_expansion,
            stop: limits.stop.flag(),
        };
        let kinds = [
            FindingKind::Vulnerability,
            FindingKind::Secret,
            FindingKind::Malware,
            FindingKind::Misconfiguration,
            FindingKind::License,
        ];
        let mut settings = Settings::new(limits, self.threads, &kinds);
        settings.cache = (self.cache)();
        if depth == Depth::Deep {
            settings = settings.deep();
        }
        let source = Source::Registry(reference);
        let opened = source
            .open(&OpenOptions { platform: None, spool }, &network)
            .map_err(|error| failed(error.into()))?;
        let mut image = opened.image().clone();
        let inventory = image_inventory(&*opened, &mut image, &settings, &Arc::new(Progress::default()))
            .map_err(|error| failed(error.into()))?;
        let options = assay_detect::Options { kinds: kinds.to_vec(), ..assay_detect::Options::default() };
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (database, built_in) = (self.database)().map_err(failed)?;
            let mut report = assess(
                opened.kind(),
                image.clone(),
                inventory.clone(),
                &database,
                built_in,
                &Statements::default(),
                &options,
            )
            .map_err(|error| failed(error.into()))?;
            assay_engine::attribute(&mut report);
            // A database that came while this was judged has been matched against what was stored, which this is not yet.
            let (now, _) = (self.database)().map_err(failed)?;
            if now.built_at() != database.built_at() && attempt < MAX_JUDGED {
                continue;
            }
            let json = report::write(&report).map_err(|error| failed(error.into()))?;
            let index = index::entries(&report.inventory);
            return Ok(Scanned { report, json, index, depth });
        }
    }
}

/// The entries of an index as its author wrote them, readable or not.
#[derive(serde::Deserialize)]
struct Entries {
    manifests: Vec<serde::de::IgnoredAny>,
}

/// Returns the images of an index, or why not all of them can be judged.
///
/// Whether an entry is an image is not for its author to say: nodes choose by the platform and look at no annotation. Only what is for
/// the platform `unknown/unknown`, as BuildKit's attestations are, runs nowhere.
fn children(document: &ManifestDocument, bytes: &[u8]) -> Result<Vec<Child>, String> {
    let entries = serde_json::from_slice::<Entries>(bytes).map_or(0, |entries| entries.manifests.len());
    if entries != document.manifests.len() {
        return Err("it is an index with an entry that cannot be read".to_owned());
    }
    let runs_nowhere = |entry: &&Descriptor| {
        entry.platform.as_ref().is_some_and(|told| told.os == "unknown" && told.architecture == "unknown")
    };
    let mut children: BTreeMap<Digest, Child> = BTreeMap::new();
    for entry in document.manifests.iter().filter(|entry| !runs_nowhere(entry)) {
        let platform = entry.platform().map(|platform| platform.to_string()).unwrap_or_default();
        children.entry(entry.digest).or_insert(Child { digest: entry.digest, platform });
    }
    match children.len() {
        0 => Err("it is an index without any image".to_owned()),
        count if count > MAX_CHILDREN => {
            Err(format!("it is an index of {count} images, and {MAX_CHILDREN} is the most that are judged"))
        }
        _ => Ok(children.into_values().collect()),
    }
}

/// Tells an image from other artifacts: by the type of its configuration, which the image specification fixes. That it says it
/// belongs to another manifest keeps nobody from running it. Surprising: signatures in cosign's older form call themselves images, and
/// none of their layers can be unpacked.
fn is_image(document: &ManifestDocument) -> bool {
    let configuration = document.config.as_ref().map_or("", |config| config.media_type.as_str());
    let of_evidence = |layer: &Descriptor| Format::of(&layer.media_type) != Format::Unknown;
    if !document.layers.is_empty() && document.layers.iter().all(of_evidence) {
        return false;
    }
    matches!(
        configuration,
        "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
    )
}
