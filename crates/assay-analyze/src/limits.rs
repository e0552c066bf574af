//! What one scan may cost: bytes, entries, depth, path length, ratio, memory of what was found, and time.
//!
//! An image is written by whoever wants it to run, so that each of these will be tried. Exceeding one is a warning with a
//! code of its own that names the option which raises it; what was found before stays, and everything else is still looked
//! at. Nothing here reads a clock: whoever has one raises [`Stop`].

use crate::facts::{Cover, Fact, LayerAnalysis};
use assay_model::{Package, Warning};
use std::io;
use std::mem::size_of;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bounds on what one scan may cost.
///
/// A clone shares [`Limits::facts`] and [`Limits::stop`]: one value serves all layers of one scan, and only one scan.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a selected file held in memory; larger ones are spooled.
    ///
    /// Two layers are read at once and inner archives are inflated in memory besides, all within 256 MiB.
    pub memory_per_file: u64,
    /// Bytes of a selected file that are looked at, in memory or spooled.
    pub bytes_per_file: u64,
    /// Bytes of an uncompressed layer.
    pub bytes_per_layer: u64,
    /// Entries of a layer.
    pub entries_per_layer: u64,
    /// Bytes of a path.
    pub path_length: usize,
    /// Folders within folders.
    pub depth: usize,
    /// Archives within archives.
    pub archive_depth: usize,
    /// Bytes that may come out of one stored byte, once a layer's [`Limits::free_expansion`] is used up.
    pub ratio: u64,
    /// Bytes that may come out of a layer whatever its ratio: honest layers hold empty database files and swap files, of
    /// which a kilobyte is stored as a byte.
    pub free_expansion: u64,
    /// Symbolic links of a layer that are kept; ordinary images have a few ten thousand in all.
    pub symlinks_per_layer: usize,
    /// Warnings kept of one kind and layer; a damaged layer could otherwise fill the memory with them.
    pub warnings_per_layer: usize,
    /// The memory for what is found, in all layers together.
    pub facts: FactsBudget,
    /// Raised when the time is up.
    pub stop: Stop,
    /// The folder for the spool file.
    pub scratch: PathBuf,
}

impl Limits {
    /// Returns the published budget, spooling to `scratch`.
    pub fn new(scratch: PathBuf) -> Self {
        Self {
            memory_per_file: 16 << 20,
            bytes_per_file: 4 << 30,
            // Above the largest machine-learning images.
            bytes_per_layer: 64 << 30,
            // Ten times the largest public images; at 512 bytes each it is 5 GB of headers.
            entries_per_layer: 10_000_000,
            // PATH_MAX of Linux: what is longer cannot be opened by its path in the container either.
            path_length: 4096,
            // The deepest trees of nested `node_modules` have about 100.
            depth: 512,
            // An ear holds wars that hold fat jars: three.
            archive_depth: 8,
            // Whole layers of real images have 2 to 10; deflate's own maximum is 1032.
            ratio: 200,
            free_expansion: 4 << 30,
            symlinks_per_layer: 250_000,
            warnings_per_layer: 200,
            // What is done with it afterwards takes about as much again, and all has to fit in 512 MB (measured: a
            // database of 700,000 packages did not with 256 MiB).
            facts: FactsBudget::new(128 << 20),
            stop: Stop::default(),
            scratch,
        }
    }
}

/// One budget of a scan, as users know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The code of the warning that says it was exceeded.
    pub code: &'static str,
    /// The option that changes it.
    pub flag: &'static str,
}

impl Budget {
    /// The size of an uncompressed layer.
    pub const LAYER: Self = Self { code: "layer-too-large", flag: "--max-layer-size" };
    /// The size of a file that is looked at.
    pub const FILE: Self = Self { code: "file-too-large", flag: "--max-file-size" };
    /// The number of entries of a layer or folder.
    pub const ENTRIES: Self = Self { code: "too-many-entries", flag: "--max-entries" };
    /// The length of a path.
    pub const PATH: Self = Self { code: "path-too-long", flag: "--max-path-length" };
    /// Folders within folders.
    pub const DEPTH: Self = Self { code: "path-too-deep", flag: "--max-depth" };
    /// Archives within archives.
    pub const ARCHIVES: Self = Self { code: "archive-too-deep", flag: "--max-archive-depth" };
    /// What comes out of stored bytes.
    pub const RATIO: Self = Self { code: "ratio-too-high", flag: "--max-ratio" };
    /// Memory for what is found.
    pub const FACTS: Self = Self { code: "too-many-facts", flag: "--max-facts" };
    /// Time.
    pub const TIME: Self = Self { code: "timed-out", flag: "--timeout" };

    /// Every budget, in the order of the manual.
    pub const ALL: [Self; 9] = [
        Self::LAYER,
        Self::FILE,
        Self::ENTRIES,
        Self::PATH,
        Self::DEPTH,
        Self::ARCHIVES,
        Self::RATIO,
        Self::FACTS,
        Self::TIME,
    ];

    /// Returns the warning that it was exceeded; `what` says by what.
    pub fn exceeded(self, path: Option<&str>, what: impl std::fmt::Display) -> Warning {
        Warning::unscanned(self.code, path, format!("{what}; `{}` sets the limit", self.flag))
    }
}

/// Tells those who work that the time is up.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the work: what was found so far is the result.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether the time is up.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns the flag itself, for those who know nothing of budgets.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

/// The memory that what was found may take, shared by all layers of a scan.
#[derive(Debug, Clone)]
pub struct FactsBudget {
    limit: u64,
    left: Arc<AtomicU64>,
}

impl FactsBudget {
    /// Allows `limit` bytes, as [`cost`] and the marks of a layer count them.
    pub fn new(limit: u64) -> Self {
        Self { limit, left: Arc::new(AtomicU64::new(limit)) }
    }

    /// Returns the number of bytes allowed.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Takes `bytes` of what is left; false when that is not enough.
    pub fn spend(&self, bytes: u64) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    /// Returns the warning that it is used up.
    pub fn exceeded(&self, path: Option<&str>) -> Warning {
        let what =
            format!("what was found takes more than {} bytes of memory; the rest is left out", self.limit);
        Budget::FACTS.exceeded(path, what)
    }
}

/// What a map's entry and its allocation cost besides the text.
pub(crate) const ENTRY: u64 = 64;

/// What a file costs about which something was said, besides the facts: its entries here and in the overlay, and lists that
/// allocate for four where they hold one (measured: 3.6 KB in all for each of a million `package.json` files).
pub(crate) const FILE: u64 = 832;

fn bytes(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Returns about how many bytes of memory a text of that length takes with what refers to it.
pub(crate) fn text_cost(text: &str) -> u64 {
    bytes(size_of::<String>()).saturating_add(bytes(text.len()))
}

/// Returns about how many bytes of memory a fact takes.
pub fn cost(fact: &Fact) -> u64 {
    let list = |texts: &[String]| texts.iter().map(|text| text_cost(text)).sum::<u64>();
    let own = match fact {
        Fact::Package(package) => package_cost(package),
        Fact::Os { os, .. } => text_cost(&os.id).saturating_add(text_cost(&os.name)),
        Fact::OwnedFiles { package, files, .. } => text_cost(package)
            .saturating_add(files.iter().map(|path| bytes(path.len().saturating_add(4))).sum()),
        Fact::Licenses { package, licenses, .. } => text_cost(package).saturating_add(list(licenses)),
        Fact::Leftover { .. } => 0,
        Fact::Detection(detection) => {
            let details = detection.details.iter().map(|detail| text_cost(&detail.value));
            let texts = [&detection.path, &detection.subject].map(|text| text_cost(text));
            details.chain(texts).fold(bytes(size_of::<assay_model::Detection>()), u64::saturating_add)
        }
        Fact::Code(code) => {
            let asks = bytes(code.asks.len().saturating_mul(size_of::<crate::code::Ask>()));
            asks.saturating_add(code.asks.iter().map(ask_text).sum()).saturating_add(ENTRY)
        }
    };
    own.saturating_add(bytes(size_of::<Fact>()))
}

fn ask_text(ask: &crate::code::Ask) -> u64 {
    use crate::code::Ask;
    match ask {
        Ask::Interpreter(text, words) => {
            bytes(text.len()).saturating_add(words.iter().map(|word| text_cost(word)).sum())
        }
        Ask::Library(text)
        | Ask::Rpath(text)
        | Ask::Runpath(text)
        | Ask::SearchPath(text)
        | Ask::Import(text)
        | Ask::Entry(text)
        | Ask::Include(text)
        | Ask::Run(text)
        | Ask::Maybe(_, text) => bytes(text.len()),
        Ask::Command(words) => words.iter().map(|word| text_cost(word)).sum(),
        Ask::Dynamic(_) | Ask::Processor(..) => 0,
    }
}

/// What a package takes later, besides what it is: its names as keys while packages are connected and judged, its place in
/// the report (measured: 280,000 packages took 480 MB).
const PACKAGE: u64 = 1024;

fn package_cost(package: &Package) -> u64 {
    let texts = [&package.licenses, &package.provides, &package.requires, &package.contains];
    let lists: u64 = texts.into_iter().flatten().map(|text| text_cost(text)).sum();
    let options = [&package.namespace, &package.architecture, &package.module, &package.vendor];
    let options: u64 = options.into_iter().flatten().map(|text| bytes(text.len())).sum();
    let source = package.source.as_ref().map_or(0, |source| bytes(source.name.len() + source.version.len()));
    let places: u64 = package.locations.iter().map(|place| text_cost(&place.path)).sum();
    let names = bytes(package.name.len() + package.version.len());
    bytes(size_of::<Package>()) + PACKAGE + lists + options + source + places + names
}

/// Returns about how many bytes of memory one more mark of a layer takes.
pub(crate) fn mark_cost(path: Option<&str>) -> u64 {
    path.map_or(bytes(size_of::<u128>()), text_cost)
}

impl Cover {
    /// Returns about how many bytes of memory it takes.
    pub fn cost(&self) -> u64 {
        let texts = self.whiteouts.iter().chain(&self.opaque).map(|text| text_cost(text)).sum::<u64>();
        let keys = self.replaced.len().saturating_add(self.folders.len());
        texts.saturating_add(bytes(keys).saturating_mul(mark_cost(None)))
    }
}

impl LayerAnalysis {
    /// Returns about how many bytes of memory it takes: what reading the layer would have taken of the budget.
    pub fn cost(&self) -> u64 {
        let facts = self.files.values().flatten().flat_map(|analysis| &analysis.said.facts);
        let paths = self.files.keys().map(|path| text_cost(path).saturating_add(FILE));
        let links = self.symlinks.iter().map(|(path, target)| text_cost(path) + text_cost(target) + ENTRY);
        let marks = std::iter::once(self.cover.cost());
        facts.map(cost).chain(paths).chain(links).chain(marks).fold(0, u64::saturating_add)
    }
}

/// Why reading a layer was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GivenUp {
    #[error("the time is up")]
    Time,
    #[error("more than {ratio} bytes come out of each stored byte, and more than {free} in all")]
    Ratio { ratio: u64, free: u64 },
}

impl GivenUp {
    /// Returns the reason if that is what `error` says.
    pub(crate) fn find(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
    }

    pub(crate) fn budget(self) -> Budget {
        match self {
            Self::Time => Budget::TIME,
            Self::Ratio { .. } => Budget::RATIO,
        }
    }
}

/// What undoing compression has brought forth in one layer, held against what the layer has stored.
#[derive(Debug, Default)]
pub(crate) struct Expansion {
    stored: AtomicU64,
    expanded: AtomicU64,
}

impl Expansion {
    pub(crate) fn add_stored(&self, bytes: u64) {
        self.stored.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes that came out.
    pub(crate) fn add_expanded(&self, bytes: u64, limits: &Limits) -> Result<(), GivenUp> {
        let stored = self.stored.load(Ordering::Relaxed);
        let allowed = stored.saturating_mul(limits.ratio).saturating_add(limits.free_expansion);
        // What is refused is not counted: one file that claims an exbibyte must not be the end of all that follow.
        let more = |before: u64| before.checked_add(bytes).filter(|sum| *sum <= allowed);
        match self.expanded.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(()),
            Err(_) => Err(GivenUp::Ratio { ratio: limits.ratio, free: limits.free_expansion }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::PackageKind;

    #[test]
    fn the_ratio_counts_once_the_free_bytes_are_used_up() {
        let limits = Limits { ratio: 10, free_expansion: 1000, ..Limits::new(PathBuf::new()) };
        let expansion = Expansion::default();
        expansion.add_stored(5);
        assert_eq!(expansion.add_expanded(1050, &limits), Ok(()));
        assert_eq!(expansion.add_expanded(1, &limits), Err(GivenUp::Ratio { ratio: 10, free: 1000 }));
        assert!(expansion.add_expanded(u64::MAX, &limits).is_err());
        expansion.add_stored(1);
        assert_eq!(expansion.add_expanded(10, &limits), Ok(()), "what was refused is not counted");
    }

    #[test]
    fn facts_are_counted_by_all_clones() {
        let budget = FactsBudget::new(100);
        assert!(budget.clone().spend(60));
        assert!(!budget.spend(41));
        assert!(budget.spend(40));
    }

    #[test]
    fn what_is_long_costs_more() {
        let package = |name: &str| Fact::Package(Box::new(Package::new(PackageKind::Npm, name, "1")));
        let (short, long) = (cost(&package("a")), cost(&package(&"a".repeat(10_000))));
        assert!(short >= bytes(size_of::<Package>()) && long >= short + 9_999);
    }

    #[test]
    fn every_budget_has_its_own_code_and_flag() {
        let mut codes: Vec<_> = Budget::ALL.iter().map(|budget| budget.code).collect();
        let mut flags: Vec<_> = Budget::ALL.iter().map(|budget| budget.flag).collect();
        codes.sort_unstable();
        codes.dedup();
        flags.sort_unstable();
        flags.dedup();
        assert_eq!((codes.len(), flags.len()), (Budget::ALL.len(), Budget::ALL.len()));
    }
}
