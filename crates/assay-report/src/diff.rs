//! What changed between two images, bills of materials or reports: packages, findings, layers, files, configuration.
//!
//! Packages of one name that differ only in their version are paired, so that an upgrade is one change and not two. Findings
//! are the same when their fingerprints are. Only what both sides know is compared: a bill of materials says nothing of the
//! environment, a report nothing of the entry point. Files are compared one by one where both sides list them, else by layer.

mod compare;
mod files;
mod json;
mod markdown;
mod table;

pub use files::{ChangedFile, FileChange, FileState, Files, Total};
pub use json::SCHEMA as DIFF_SCHEMA;

use assay_model::{Finding, FindingKind, Image, Priority, Report, Severity};
use std::io::{self, Write};
use std::str::FromStr;

/// What kind of thing a side is; decides which settings are known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideKind {
    /// An image whose configuration was read.
    Image,
    /// A bill of materials: labels, user and ports are known.
    Sbom,
    /// A report: labels are known.
    Report,
    /// A folder or file, which has no configuration.
    Folder,
}

/// One side of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What it is.
    pub kind: SideKind,
    /// The report about it.
    pub report: &'a Report,
}

impl<'a> Side<'a> {
    fn image(&self) -> &'a Image {
        &self.report.image
    }
}

/// How a package changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PackageChange {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its version is higher.
    Upgraded,
    /// Its version is lower.
    Downgraded,
    /// Its version is another, and which is higher cannot be told.
    Changed,
}

impl PackageChange {
    /// Every change, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Added, Self::Removed, Self::Upgraded, Self::Downgraded, Self::Changed];

    /// Returns the name used in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Upgraded => "upgraded",
            Self::Downgraded => "downgraded",
            Self::Changed => "changed",
        }
    }
}

/// A package that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedPackage {
    /// How.
    pub change: PackageChange,
    /// Its purl type.
    pub kind: &'static str,
    /// Its full name.
    pub name: String,
    /// Its architecture.
    pub architecture: Option<String>,
    /// Its version before.
    pub old: Option<String>,
    /// Its version now.
    pub new: Option<String>,
}

/// How a finding changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingChange {
    /// It was not there before.
    New,
    /// It is gone.
    Fixed,
    /// Something about it is different.
    Changed,
}

impl FindingChange {
    /// Every change, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::New, Self::Fixed, Self::Changed];

    /// Returns the name used in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Fixed => "fixed",
            Self::Changed => "changed",
        }
    }
}

/// A finding that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedFinding {
    /// How.
    pub change: FindingChange,
    /// Its fingerprint.
    pub id: String,
    /// What kind it is.
    pub kind: FindingKind,
    /// The rule or vulnerability.
    pub rule: String,
    /// The package, or the place where it is about none.
    pub subject: String,
    /// Its severity, the present one where there is one.
    pub severity: Severity,
    /// Its priority.
    pub priority: Option<Priority>,
    /// What is different, in words: `severity: low to high`; for what is gone, why as far as packages tell.
    pub details: Vec<String>,
}

/// A setting of the image that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedSetting {
    /// Its name: `user`, `env PATH`, `label maintainer`.
    pub name: String,
    /// Its value before.
    pub old: Option<String>,
    /// Its value now.
    pub new: Option<String>,
}

/// Layers and sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layers {
    /// Layers that both have.
    pub shared: u64,
    /// Layers that only the old side has.
    pub removed: u64,
    /// Layers that only the new side has.
    pub added: u64,
    /// Bytes of all layers as stored, before; `None` when not known.
    pub old_bytes: Option<u64>,
    /// Bytes of all layers as stored, now.
    pub new_bytes: Option<u64>,
    /// Bytes of the layers that only the new side has.
    pub added_bytes: Option<u64>,
}

/// All that changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Difference {
    /// What the old side is called.
    pub old: String,
    /// What the new side is called.
    pub new: String,
    /// Packages, by change and name.
    pub packages: Vec<ChangedPackage>,
    /// Findings, by change and urgency.
    pub findings: Vec<ChangedFinding>,
    /// Layers, where both sides have some.
    pub layers: Option<Layers>,
    /// Files, where both sides list theirs.
    pub files: Option<Files>,
    /// Settings, where both sides know some.
    pub settings: Vec<ChangedSetting>,
    /// What could not be compared, in words.
    pub notes: Vec<String>,
}

/// Compares two sides.
pub fn diff(old: Side<'_>, new: Side<'_>) -> Difference {
    compare::compare(old, new)
}

/// How a difference is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DiffFormat {
    /// For people at a terminal.
    #[default]
    Table,
    /// `assay.diff/v1`.
    Json,
    /// For a comment on a change.
    Markdown,
}

/// A text names no format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDiffFormat;

impl std::fmt::Display for UnknownDiffFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("expected table, json or markdown")
    }
}

impl std::error::Error for UnknownDiffFormat {}

impl FromStr for DiffFormat {
    type Err = UnknownDiffFormat;
    fn from_str(text: &str) -> Result<Self, UnknownDiffFormat> {
        match text {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "markdown" => Ok(Self::Markdown),
            _ => Err(UnknownDiffFormat),
        }
    }
}

/// Writes a difference.
///
/// # Errors
/// Fails only as `out` does.
pub fn write_diff(difference: &Difference, format: DiffFormat, out: &mut dyn Write) -> io::Result<()> {
    match format {
        DiffFormat::Table => table::write(difference, out),
        DiffFormat::Json => json::write(difference, out),
        DiffFormat::Markdown => markdown::write(difference, out),
    }
}

/// Returns the name of what a finding is about.
fn subject(report: &Report, finding: &Finding) -> String {
    let package = finding.package.and_then(|index| report.inventory.packages.get(index as usize));
    match (package, finding.locations.first()) {
        (Some(package), _) => package.full_name(),
        (None, Some(place)) => match place.line {
            Some(line) => format!("{}:{line}", place.path),
            None => place.path.clone(),
        },
        (None, None) => String::new(),
    }
}

/// Writes bytes for people: `12.3 MB`.
fn bytes(count: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in units {
        if count >= unit {
            let tenths = count.saturating_mul(10) / unit;
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{count} bytes")
}
