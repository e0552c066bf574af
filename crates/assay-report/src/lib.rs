#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod diff;
pub mod escape;
pub mod filter;
pub mod format;
pub mod summary;

pub use filter::Filter;
pub use format::{FORMATS, Format, Group, Options};
