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
mod update;

pub use cache::{CacheError, CacheStatus, LayerCache};
pub use disk::{ScanDiskError, disk_inventory};
pub use folder::{ScanFolderError, folder_inventory};
pub use function::{ScanFunctionError, function_inventory};
pub use image::{ScanImageError, image_inventory};
pub use lineage::{Knowledge, KnownImage, attribute, find_base, newer_base};
pub use progress::Progress;
pub use report::assess;
pub use update::{UpdateDatabaseError, build_fetched, fetch_feeds};

use assay_analyze::{Limits, Matcher};
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
    /// Returns the settings with every analyzer and the published bounds.
    pub fn new(limits: Limits, workers: NonZeroUsize) -> Self {
        Self { matcher: Matcher::new(analyzers()), limits, workers, cache: None, lazy: false }
    }
}

/// Returns every analyzer there is.
pub fn analyzers() -> impl Iterator<Item = &'static dyn assay_analyze::Analyzer> {
    assay_packages::analyzers().chain(assay_usage::analyzers())
}
