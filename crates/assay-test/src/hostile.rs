//! Images that want to make their scanner fall over, each with something healthy in it that must still be found.
//!
//! One [`Case`] says how a hostile source is built, what must be found in it all the same, and which warnings must say what
//! was not looked at. [`run`] scans it with the real program, whose memory the system limits. Every case has the package
//! [`HEALTHY`] in a layer of its own, below the hostile one; most have [`BESIDE`] in the hostile layer, behind what is hostile.
//!
//! The cases follow what scanners have fallen over: decompression bombs, counts and sizes that lie, links without end, nesting
//! without end, parsers whose time is the square of a line's length, and registries that never finish.

mod archives;
mod binaries;
mod compression;
mod databases;
mod documents;
mod layouts;
mod raw;
mod registries;
mod run;
mod tar;

pub use run::{Outcome, run};

use crate::http::Server;
use std::path::Path;

/// The package in the layer below the hostile one.
pub const HEALTHY: &str = "healthy";
/// The package in the hostile layer itself.
pub const BESIDE: &str = "beside";

/// How much a case takes to build and scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Well under a second.
    Light,
    /// Seconds, or hundreds of megabytes on disk.
    Heavy,
}

/// How the scan of a case ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// With a report in which these packages are found, and warnings of these codes, at least.
    Report {
        /// Names of packages.
        found: &'static [&'static str],
        /// Codes of warnings.
        codes: &'static [&'static str],
    },
    /// With an error that says this: there is no image to report on.
    Refused(&'static str),
}

/// A source that was built.
pub struct Subject {
    /// What to scan.
    pub source: String,
    /// Keeps the registry, where there is one.
    pub server: Option<Server>,
}

/// One hostile source.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// How much it takes.
    pub weight: Weight,
    /// Options of the scan besides the usual ones.
    pub args: &'static [&'static str],
    /// Builds it in an empty folder.
    pub build: fn(&Path) -> Subject,
    /// What must come out.
    pub ends: Ends,
}

const BOTH: &[&str] = &[HEALTHY, BESIDE];
const BELOW: &[&str] = &[HEALTHY];

/// A light case that ends with a report.
const fn light(
    name: &'static str,
    build: fn(&Path) -> Subject,
    found: &'static [&'static str],
    codes: &'static [&'static str],
) -> Case {
    Case { name, weight: Weight::Light, args: &[], build, ends: Ends::Report { found, codes } }
}

/// A heavy case that ends with a report.
const fn heavy(
    name: &'static str,
    build: fn(&Path) -> Subject,
    found: &'static [&'static str],
    codes: &'static [&'static str],
) -> Case {
    Case { name, weight: Weight::Heavy, args: &[], build, ends: Ends::Report { found, codes } }
}

/// A light case that is refused.
const fn refused(name: &'static str, build: fn(&Path) -> Subject, says: &'static str) -> Case {
    Case { name, weight: Weight::Light, args: &[], build, ends: Ends::Refused(says) }
}

/// Returns every case.
pub fn cases() -> impl Iterator<Item = Case> {
    [
        tar::CASES,
        compression::CASES,
        archives::CASES,
        documents::CASES,
        databases::CASES,
        binaries::CASES,
        layouts::CASES,
        registries::CASES,
    ]
    .into_iter()
    .flatten()
    .copied()
}
