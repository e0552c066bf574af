#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod attached;
pub mod cache;
mod disk;
mod evidence;
mod folder;
mod function;
mod identity;
mod image;
mod lazy;
mod lineage;
mod progress;
mod report;
pub mod reproduce;
mod sbom;
mod update;

pub use attached::{AttachedSbom, AttachedStatements, attached_sboms, attached_statements};
pub use cache::{CacheError, CacheStatus, LayerCache};
pub use disk::{ScanDiskError, disk_inventory};
pub use evidence::{AttachedEvidence, DamagedEvidence, attached_evidence, attested_vex};
pub use folder::{ScanFolderError, folder_inventory};
pub use function::{ScanFunctionError, function_inventory};
pub use image::{ScanImageError, image_inventory};
pub use lineage::{
    Knowledge, KnownImage, Looked, attribute, find_base, find_base_among, is_newest, is_newest_among,
    newer_base,
};
pub use progress::Progress;
pub use report::assess;
pub use sbom::{OpenSbomError, is_sbom, open_sbom};
pub use update::{UpdateDatabaseError, build_fetched, fetch_feeds};

use assay_analyze::{Analyzer, LayerAnalysis, Limits, Lockfiles, Matcher, Squashed};
use assay_model::FindingKind;
use std::num::NonZeroUsize;

/// How the bytes of a source are looked at.
pub struct Settings<'a> {
    /// The analyzers.
    pub matcher: Matcher<'a>,
    /// The bounds.
    pub limits: Limits,
    /// How many layers are read at once.
    pub workers: NonZeroUsize,
    /// Where analyses of layers are kept, if they are.
    pub cache: Option<LayerCache>,
    /// Whether layers with a table of contents are read by it: only the files that are wanted by name. Such a result is partial.
    pub lazy: bool,
}

impl<'a> Settings<'a> {
    /// Returns the settings with the published bounds, to make an inventory and to look for these kinds of findings.
    pub fn new(limits: Limits, workers: NonZeroUsize, kinds: &[FindingKind]) -> Self {
        Self { matcher: Matcher::new(analyzers(kinds)), limits, workers, cache: None, lazy: false }
    }

    /// Returns the settings for a deep scan, which observes what is in an image besides packages.
    #[must_use]
    pub fn deep(self) -> Self {
        self.and(deep_analyzers())
    }

    /// Returns the settings for an inventory that lists every file.
    #[must_use]
    pub fn files(self) -> Self {
        self.and(assay_packages::of_files())
    }

    /// Adds analyzers, each once.
    fn and(self, more: impl Iterator<Item = &'static dyn Analyzer>) -> Self {
        let mut analyzers: Vec<&'a dyn Analyzer> = self.matcher.analyzers().to_vec();
        for analyzer in more {
            if analyzers.iter().all(|known| known.id() != analyzer.id()) {
                analyzers.push(analyzer);
            }
        }
        Self { matcher: Matcher::new(analyzers), ..self }
    }

    /// Returns whether the scan is a deep one.
    fn is_deep(&self) -> bool {
        let deep = |analyzer: &&dyn Analyzer| {
            assay_detect::deep::ANALYZERS.iter().any(|deep| deep.id() == analyzer.id())
        };
        self.matcher.analyzers().iter().any(deep)
    }
}

/// Lays layers over each other, by the analyzers of the settings.
fn squash(
    layers: Vec<LayerAnalysis>,
    of_image: bool,
    lockfiles: Lockfiles,
    settings: &Settings<'_>,
) -> Squashed {
    let mut squashed = assay_analyze::squash(layers, of_image, lockfiles, &settings.matcher);
    squashed.inventory.deep = settings.is_deep();
    squashed
}

/// Returns every analyzer that a deep scan needs besides.
pub fn deep_analyzers() -> impl Iterator<Item = &'static dyn Analyzer> {
    let deep = assay_packages::binary::DEEP.iter().chain(assay_detect::deep::ANALYZERS);
    assay_packages::of_files().chain(deep.copied())
}

/// Returns every analyzer that an inventory and these kinds of findings need.
pub fn analyzers(kinds: &[FindingKind]) -> impl Iterator<Item = &'static dyn assay_analyze::Analyzer> {
    // First, as it removes packages before others have connected them.
    let sbom: &'static dyn assay_analyze::Analyzer = &assay_sbom::EmbeddedSbom;
    std::iter::once(sbom)
        .chain(assay_packages::analyzers())
        .chain(assay_usage::analyzers())
        .chain(assay_detect::analyzers(kinds))
}
