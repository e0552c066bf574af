//! What one scan may cost: bytes, entries, depth, path length, ratio, memory of what was found, and time.
//!
//! An image is written by whoever wants it to run, so that each of these will be tried. Exceeding one is a warning with a
//! code of its own that names the option which raises it; what was found before stays, and everything else is still looked
//! at. Nothing here reads a clock: whoever has one raises [`Stop`].

mod expansion;
mod memory;

pub use expansion::Drawn;
pub(crate) use expansion::{Expansion, GivenUp};
pub(crate) use memory::{MARK, PathCost, path_cost, symlink_cost};
pub use memory::{MemoryBudget, cost};

use assay_model::Warning;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bounds on what one scan may cost.
///
/// A clone shares [`Limits::facts`], [`Limits::file_list`], [`Limits::marks`], [`Limits::drawn`] and [`Limits::stop`]: one value
/// serves all layers of one scan, and only one scan.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a selected file held in memory; larger ones are spooled.
    ///
    /// Two layers are read at once, beside each of them wait some MiB of small files that a second thread looks at, and inner archives
    /// are inflated in memory: all within 256 MiB.
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
    /// Bytes that may come out of one stored byte of a layer, once [`Limits::free_expansion`] is used up.
    pub ratio: u64,
    /// Bytes that may come out of all layers together whatever the ratio: honest layers hold empty database files and swap
    /// files, of which a kilobyte is stored as a byte.
    pub free_expansion: u64,
    /// How many of those have come.
    pub drawn: Drawn,
    /// Symbolic links of a layer that are kept; ordinary images have a few ten thousand in all.
    pub symlinks_per_layer: usize,
    /// Warnings of one code that are kept of a layer, and of one file; a damaged layer could otherwise fill the memory with
    /// them. The others are counted.
    pub warnings_per_code: usize,
    /// The memory for what is found, in all layers together.
    pub facts: MemoryBudget,
    /// The memory for the list of every file, where somebody wants one, in all layers together. It is apart from that for what is found,
    /// so that a list of very many files costs no package.
    pub file_list: MemoryBudget,
    /// The memory for the marks by which layers hide what lies below, in all layers together.
    pub marks: MemoryBudget,
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
            drawn: Drawn::default(),
            symlinks_per_layer: 250_000,
            warnings_per_code: 100,
            // What is done with it afterwards takes about as much again, and all has to fit in 512 MB (measured: a
            // database of 700,000 packages did not with 256 MiB).
            facts: MemoryBudget::new(144 << 20),
            // Some 130,000 files; with what is found, and a document of it all, it fits in 512 MB, too.
            file_list: MemoryBudget::new(96 << 20),
            // Four million paths; the largest public images have a million.
            marks: MemoryBudget::new(64 << 20),
            stop: Stop::default(),
            scratch,
        }
    }

    /// Returns the limits of a number of layers: of what all share each has a part that the others cannot use up.
    pub fn among(&self, layers: usize) -> Vec<Self> {
        let budgets =
            self.facts.among(layers).zip(self.file_list.among(layers)).zip(self.marks.among(layers));
        budgets.map(|((facts, file_list), marks)| Self { facts, file_list, marks, ..self.clone() }).collect()
    }

    /// Returns the warning that the memory for what is found is used up.
    pub fn too_many_facts(&self, path: Option<&str>) -> Warning {
        let limit = self.facts.limit();
        let what =
            format!("what was found takes more than {limit} bytes of memory in all; some of it is left out");
        Budget::FACTS.exceeded(path, what)
    }

    /// Returns the warning that the memory for the list of files is used up.
    pub fn too_many_files(&self) -> Warning {
        let what = format!(
            "the list of files takes more than {} bytes of memory in all; some files are not in it, and none is compared with what was \
             installed",
            self.file_list.limit()
        );
        Budget::FILE_LIST.exceeded(None, what)
    }

    /// Returns the warning that the memory for marks is used up.
    pub fn too_many_marks(&self) -> Warning {
        let what = format!(
            "the marks of what lies where take more than {} bytes of memory in all; what is removed or replaced here may be \
             shown all the same",
            self.marks.limit()
        );
        Budget::MARKS.exceeded(None, what)
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
    /// Memory for the list of files.
    pub const FILE_LIST: Self = Self { code: "too-many-files", flag: "--max-file-list" };
    /// Memory for the marks of layers.
    pub const MARKS: Self = Self { code: "too-many-marks", flag: "--max-marks" };
    /// Time.
    pub const TIME: Self = Self { code: "timed-out", flag: "--timeout" };

    /// Every budget, in the order of the manual.
    pub const ALL: [Self; 11] = [
        Self::LAYER,
        Self::FILE,
        Self::ENTRIES,
        Self::PATH,
        Self::DEPTH,
        Self::ARCHIVES,
        Self::RATIO,
        Self::FACTS,
        Self::FILE_LIST,
        Self::MARKS,
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

#[cfg(test)]
mod tests {
    use super::*;

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
