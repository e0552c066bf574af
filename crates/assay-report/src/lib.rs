#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod diff;
pub mod filter;
pub mod format;
pub mod page;
pub mod summary;
pub mod words;

pub use assay_escape as escape;
pub use filter::Filter;
pub use format::{FORMATS, Format, Group, Options};
