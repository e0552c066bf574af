//! Advisories: what a source says about a vulnerability, in one shape for all feeds.
//!
//! The shape follows OSV (<https://ossf.github.io/osv-schema/>) where it can, and adds what distributions say besides: a fix
//! state and severity per package, and errata that fix several vulnerabilities at once.

use crate::ecosystem::Ecosystem;
use crate::severity::Severity;
use crate::timestamp::Timestamp;

/// One record of one feed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Advisory {
    /// The source's identifier: `GHSA-…`, `DSA-5103-1`, `CVE-…`.
    pub id: String,
    /// Other identifiers of *the same* vulnerability.
    pub aliases: Vec<String>,
    /// Vulnerabilities an erratum fixes, each of them a vulnerability of its own (a DSA's or ALSA's CVEs).
    ///
    /// Empty when the advisory is about one vulnerability: itself.
    pub fixes: Vec<String>,
    /// One line for people.
    pub title: String,
    /// The source's description.
    pub details: String,
    /// The severity the source gives to the vulnerability as a whole.
    pub severity: Option<Severity>,
    /// CVSS vectors with their sources.
    pub cvss: Vec<Cvss>,
    /// Weaknesses (`CWE-79`).
    pub weaknesses: Vec<String>,
    /// Addresses of further reading.
    pub references: Vec<String>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// When it was withdrawn; a withdrawn advisory matches nothing.
    pub withdrawn: Option<Timestamp>,
    /// What it affects.
    pub affected: Vec<Affected>,
}

/// A CVSS vector and who computed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cvss {
    /// The vector, with its `CVSS:3.1/` prefix where the version has one.
    pub vector: String,
    /// The base score, computed from the vector.
    pub score: f64,
    /// Who computed it: a feed's name, or the vendor it names.
    pub source: String,
}

/// One package that an advisory speaks about.
#[derive(Debug, Clone, PartialEq)]
pub struct Affected {
    /// Where the name and the versions mean something.
    pub ecosystem: Ecosystem,
    /// The package's name, spelled by [`Ecosystem::canonical_name`].
    pub package: String,
    /// Whether `package` is a source package, whose binary packages are all affected.
    pub of_source: bool,
    /// The affected intervals, in no order; a version in any of them is affected.
    pub ranges: Vec<Range>,
    /// Affected versions listed one by one.
    pub versions: Vec<String>,
    /// What the source says about a fix.
    pub fix: Fix,
    /// The severity the source gives to this package.
    pub severity: Option<Severity>,
    /// The architectures concerned, as the package manager writes them; empty means all.
    pub architectures: Vec<String>,
    /// The RPM module and stream concerned (`nodejs:18`); a package outside it is not.
    pub module: Option<String>,
}

impl Affected {
    /// Returns a statement about all versions of a package, to be narrowed.
    pub fn new(ecosystem: Ecosystem, package: &str) -> Self {
        let package = ecosystem.canonical_name(package);
        Self {
            ecosystem,
            package,
            of_source: false,
            ranges: Vec::new(),
            versions: Vec::new(),
            fix: Fix::Unknown,
            severity: None,
            architectures: Vec::new(),
            module: None,
        }
    }
}

/// An interval of affected versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Range {
    /// The first affected version, inclusive; `None` is the beginning (OSV's `introduced: "0"`).
    pub introduced: Option<String>,
    /// Where it ends.
    pub end: RangeEnd,
}

/// The end of an interval of affected versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RangeEnd {
    /// No end is known.
    Open,
    /// The first version that is not affected, exclusive.
    Fixed(String),
    /// The last affected version, inclusive.
    LastAffected(String),
    /// The first version that is not affected although no fix was made there (OSV's `limit`), exclusive.
    Limit(String),
}

impl Range {
    /// Returns the interval of everything before `version`, where the fix is.
    pub fn until_fixed(version: impl Into<String>) -> Self {
        Self { introduced: None, end: RangeEnd::Fixed(version.into()) }
    }

    /// Returns the interval of all versions.
    pub fn all() -> Self {
        Self { introduced: None, end: RangeEnd::Open }
    }
}

/// What a source says about the fix of one affected package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fix {
    /// The ranges say it: fixed where one ends in a fix, unknown otherwise.
    Unknown,
    /// The package is affected and no fix has been released.
    NotFixed,
    /// The vendor decided not to fix it (Debian `no-dsa`/`ignored`, Red Hat "will not fix").
    WontFix,
    /// The release or package no longer gets fixes.
    EndOfLife,
    /// The package is stated not to be affected: it overrides other sources for this package.
    NotAffected,
}
