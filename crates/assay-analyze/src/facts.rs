//! What one layer tells: facts by the path they were found at, and the marks that hide what lies below.

use crate::code::Code;
use assay_model::contents::{Content, Sum};
use assay_model::{Detection, DiffId, Observation, Os, Package, PathList, Warning};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One statement about one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// The file is, or describes, a package.
    Package(Box<Package>),
    /// The file is an `os-release`, or stands in for one; of several, the highest rank wins.
    Os {
        /// What it says.
        os: Box<Os>,
        /// Its trustworthiness: 3 for `os-release`, 2 for a distribution's own file such as `etc/alpine-release`, 1 for one
        /// that several distributions share, such as `etc/redhat-release`.
        rank: u8,
    },
    /// The file lists what a package owns.
    OwnedFiles {
        /// The package manager: `dpkg`, `rpm` or `apk`.
        manager: Cow<'static, str>,
        /// The package's name, with `:architecture` where there can be several.
        package: String,
        /// The files.
        files: PathList,
    },
    /// The file gives the licences of a package that another file describes (Debian's `copyright`).
    Licenses {
        /// The package manager: `dpkg`, `rpm` or `apk`.
        manager: Cow<'static, str>,
        /// The package's name.
        package: String,
        /// The licences.
        licenses: Vec<String>,
    },
    /// The file is a package manager's leftover, of no use to what runs: a download or an index.
    Leftover {
        /// The folder whose content is left over.
        folder: Cow<'static, str>,
        /// The file's size in bytes.
        bytes: u64,
    },
    /// The file is code: a program, library, script or module.
    Code(Box<Code>),
    /// The file gives something away.
    Detection(Box<Detection>),
    /// What a deep scan observed.
    Observation(Box<Observation>),
    /// What the file is, and the digests of its content.
    Content(Box<Content>),
    /// The file says what files were when a package was installed.
    Installed {
        /// The package manager: `dpkg`, `rpm` or `apk`.
        manager: Cow<'static, str>,
        /// The package's name, with `:architecture` where there can be several; empty where it says so of any package's files.
        package: String,
        /// Paths, without a leading `/`, with the digests of their content; none for a file that may be changed.
        files: Vec<(String, Option<Sum>)>,
    },
}

/// What is known of one path.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PathFacts {
    /// What was said.
    pub facts: Vec<Fact>,
    /// What could not be read.
    pub warnings: Vec<Warning>,
}

/// Facts by path, as analyzers report them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerFacts {
    /// Facts by path.
    pub paths: BTreeMap<String, PathFacts>,
}

/// What one analyzer said about one file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileAnalysis {
    /// The analyzer's name.
    pub analyzer: &'static str,
    /// What it said.
    pub said: PathFacts,
}

/// What one layer tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerAnalysis {
    /// The digest of the uncompressed layer; `None` for a folder.
    pub diff_id: Option<DiffId>,
    /// Whether `diff_id` was computed from all the bytes, and the same bytes would give the same analysis again: only then
    /// may it be kept. A layer that breaks off has no digest of its own, a full disk is no property of a layer.
    pub repeatable: bool,
    /// What was said, by path; only files about which something was said.
    pub files: BTreeMap<String, Vec<FileAnalysis>>,
    /// Symbolic links, with their targets as written; at most [`Limits::symlinks_per_layer`](crate::Limits::symlinks_per_layer).
    pub symlinks: BTreeMap<String, String>,
    /// Whether there were more symbolic links than are kept.
    pub symlinks_left_out: bool,
    /// What it hides of the layers below.
    pub cover: Cover,
    /// Warnings about the layer itself.
    pub warnings: Vec<Warning>,
    /// How many entries it has.
    pub entries: u64,
    /// How many bytes it has when uncompressed.
    pub unpacked_size: u64,
}

/// What a layer hides of the layers below it
/// (<https://github.com/opencontainers/image-spec/blob/main/layer.md#representing-changes>).
///
/// Paths are kept by their keys: a hostile layer may remove millions of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cover {
    /// Keys, sorted, of removed paths.
    pub whiteouts: Vec<u128>,
    /// Keys, sorted, of folders whose lower content is hidden; that of the empty path is the root's.
    pub opaque: Vec<u128>,
    /// Keys, sorted, of every path at which this layer has something that is not a folder: it replaces what was there,
    /// including a whole folder.
    pub replaced: Vec<u128>,
    /// Keys, sorted, of every path at which this layer has a folder: it replaces a file that was there.
    pub folders: Vec<u128>,
}

impl LayerFacts {
    /// Adds a fact about a path.
    pub fn add(&mut self, path: &str, fact: Fact) {
        let facts = &mut self.at(path).facts;
        if facts.is_empty() {
            // Of most files there is one; a list grows to four at its first.
            facts.reserve_exact(1);
        }
        facts.push(fact);
    }

    /// Adds a warning about a path.
    pub fn warn(&mut self, path: &str, warning: Warning) {
        self.at(path).warnings.push(warning);
    }

    fn at(&mut self, path: &str) -> &mut PathFacts {
        // Not `entry`, which would allocate the key for each of a database's thousands of packages.
        if !self.paths.contains_key(path) {
            self.paths.insert(path.to_owned(), PathFacts::default());
        }
        self.paths.entry(path.to_owned()).or_default()
    }
}
