//! The report of one scan: what every output format is rendered from.

use crate::context::Context;
use crate::ecosystem::Ecosystem;
use crate::finding::{Finding, FindingKind};
use crate::image::Image;
use crate::inventory::Inventory;
use crate::removable::Removable;
use crate::timestamp::Timestamp;
use std::fmt;

/// What kind of source was scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceKind {
    /// A registry.
    Registry,
    /// A `docker save` archive.
    DockerArchive,
    /// An OCI layout in a tar.
    OciArchive,
    /// An OCI layout folder.
    Oci,
    /// A folder.
    Dir,
    /// A single file.
    File,
    /// A Docker engine.
    Docker,
    /// Podman.
    Podman,
    /// A bill of materials.
    Sbom,
    /// The disk of a virtual machine.
    Vm,
    /// The zip of a serverless function.
    Function,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl SourceKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Registry,
        Self::DockerArchive,
        Self::OciArchive,
        Self::Oci,
        Self::Dir,
        Self::File,
        Self::Docker,
        Self::Podman,
        Self::Sbom,
        Self::Vm,
        Self::Function,
    ];

    /// Returns the name used in reports and as a prefix of sources.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::DockerArchive => "docker-archive",
            Self::OciArchive => "oci-archive",
            Self::Oci => "oci",
            Self::Dir => "dir",
            Self::File => "file",
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Sbom => "sbom",
            Self::Vm => "vm",
            Self::Function => "function",
        }
    }
}

/// One feed in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedStatus {
    /// The feed's name.
    pub name: String,
    /// The time of its data: when the publisher last changed it, as far as that is known.
    pub synced_at: Option<Timestamp>,
    /// How many records were used.
    pub records: u64,
    /// How many records could not be read.
    pub rejected: u64,
    /// The licence of its data.
    pub license: String,
}

/// The database a report was made with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseStatus {
    /// When it was built.
    pub built_at: Option<Timestamp>,
    /// Whether it is the snapshot built into the binary.
    pub built_in: bool,
    /// Its feeds, by name.
    pub feeds: Vec<FeedStatus>,
}

/// Whether a feed speaks about an ecosystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoverageState {
    /// Yes.
    Covered,
    /// Yes, but its data is old against the rest of the database.
    Stale,
    /// No feed does: packages of this ecosystem are unassessed, never clean.
    None,
}

impl CoverageState {
    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Stale => "stale",
            Self::None => "none",
        }
    }
}

/// How far the packages of one ecosystem could be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The ecosystem, or `None` for packages that belong to none (an unknown distribution).
    pub ecosystem: Option<Ecosystem>,
    /// What the packages are, when there is no ecosystem: a purl type.
    pub label: String,
    /// Whether a feed covers it.
    pub state: CoverageState,
    /// The feeds that do.
    pub feeds: Vec<String>,
    /// The time of the newest of their data.
    pub synced_at: Option<Timestamp>,
    /// How many packages were found.
    pub packages: u64,
}

/// The result of a scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Where the image came from.
    pub source: SourceKind,
    /// The image; for a folder only `reference` is set.
    pub image: Image,
    /// What kinds of findings were looked for, in their order.
    pub scanners: Vec<FindingKind>,
    /// What is in it, with all warnings.
    pub inventory: Inventory,
    /// The database used.
    pub database: DatabaseStatus,
    /// Where it runs and what depends on it, which priorities were decided by.
    pub context: Context,
    /// Which packages could be judged.
    pub coverage: Vec<Coverage>,
    /// What is wrong, most urgent first.
    pub findings: Vec<Finding>,
    /// What the image could do without.
    pub removable: Vec<Removable>,
}

impl Report {
    /// Returns whether everything that should be scanned was.
    pub fn complete(&self) -> bool {
        !self.inventory.warnings.iter().any(|warning| warning.incomplete)
    }

    /// Returns how many packages no feed speaks about.
    pub fn unassessed(&self) -> u64 {
        self.coverage.iter().filter(|one| one.state == CoverageState::None).map(|one| one.packages).sum()
    }
}
