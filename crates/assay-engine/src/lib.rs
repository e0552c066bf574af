#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod cache;
mod disk;
mod folder;
mod function;
mod identity;
mod image;
mod lazy;
mod lineage;
mod progress;
mod report;
mod sbom;
mod update;

pub use cache::{CacheError, CacheStatus, LayerCache};
pub use disk::{ScanDiskError, disk_inventory};
pub use folder::{ScanFolderError, folder_inventory};
pub use function::{ScanFunctionError, function_inventory};
pub use image::{ScanImageError, image_inventory};
pub use lineage::{Knowledge, KnownImage, attribute, find_base, newer_base};
pub use progress::Progress;
pub use report::assess;
pub use sbom::{OpenSbomError, is_sbom, open_sbom};
pub use update::{UpdateDatabaseError, build_fetched, fetch_feeds};

use assay_analyze::{Limits, Matcher};
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

impl Settings<'_> {
    /// Returns the settings with the published bounds, to make an inventory and to look for these kinds of findings.
    pub fn new(limits: Limits, workers: NonZeroUsize, kinds: &[FindingKind]) -> Self {
        Self { matcher: Matcher::new(analyzers(kinds)), limits, workers, cache: None, lazy: false }
    }
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
