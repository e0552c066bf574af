#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod advisory;
pub mod context;
pub mod detection;
pub mod digest;
pub mod distro;
pub mod ecosystem;
pub mod finding;
pub mod holds;
pub mod image;
pub mod inventory;
pub mod lineage;
pub mod observation;
pub mod package;
pub mod path;
pub mod platform;
pub mod purl;
pub mod removable;
pub mod report;
pub mod scheme;
pub mod severity;
pub mod software;
pub mod timestamp;
pub mod warning;

pub use advisory::{Advisory, Affected, Cvss, Fix, Range, RangeEnd};
pub use context::Context;
pub use detection::{Detail, Detection};
pub use digest::{DiffId, Digest};
pub use distro::Distro;
pub use ecosystem::Ecosystem;
pub use finding::{Evidence, Finding, FindingKind, FixState, Place, Suppression};
pub use image::{HistoryEntry, Image, Layer};
pub use inventory::{Inventory, Leftover, Os};
pub use lineage::{Base, BaseEvidence, NewerBase};
pub use observation::Observation;
pub use package::{Location, Origin, Package, PackageKind, SourcePackage, Usage, UsageStep};
pub use path::PathList;
pub use platform::Platform;
pub use purl::Purl;
pub use removable::Removable;
pub use report::Report;
pub use scheme::Scheme;
pub use severity::{Priority, Severity};
pub use software::Software;
pub use timestamp::Timestamp;
pub use warning::Warning;
