#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod deep;
pub mod detector;
mod finding;
pub mod secret;

pub use detector::{DETECTORS, Description, Detector, Grouping, analyzers, of_image};
pub use finding::findings;
