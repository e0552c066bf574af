#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod analyzer;
mod compose;
mod cyclonedx;
pub mod document;
mod identity;
mod inventory;
mod json;
mod license;
mod package;
mod property;
mod read;
pub mod score;
mod spdx2;
mod spdx3;
mod syft;
pub mod vex;
pub mod wrapped;
mod write;
mod xml;

pub use analyzer::EmbeddedSbom;
pub use compose::{Origin, compose};
pub use cyclonedx::Version as CycloneDxVersion;
pub use document::Document;
pub use read::{Kind, MAX_DOCUMENT, ReadSbomError, read, recognise};
pub use score::{Score, score};
pub use write::{Format, UnknownFormat, write};
