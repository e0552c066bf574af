#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod build;
pub mod compile;
pub mod cvss;
pub mod database;
pub mod feed;
pub mod fetch;
mod map;
pub mod sink;
pub mod snapshot;

pub use build::{BuildDatabaseError, BuildOptions, BuildSummary, build, build_bytes};
pub use compile::Compiler;
pub use database::Database;
pub use feed::{FEEDS, Feed, FeedFile};
pub use sink::AdvisorySink;
