#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod check;
pub mod deep;
pub mod detector;
mod finding;
pub mod license;
pub mod lint;
pub mod malware;
pub mod secret;

pub use detector::{DETECTORS, Description, Detector, Grouping, Options, analyzers, of_image};
pub use finding::{findings, fingerprint};
