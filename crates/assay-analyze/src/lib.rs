#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod analyzer;
pub mod facts;

pub use analyzer::{Analyzer, AnalyzerId, File, Select, Sink, TEXT_LIMIT};
pub use facts::{Cover, Fact, LayerFacts, PathFacts};
