#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod analyzer;
mod cover;
pub mod facts;
pub mod matcher;
pub mod pass;
pub mod squash;

pub use analyzer::{Analyzer, AnalyzerId, File, Select, Sink, TEXT_LIMIT};
pub use facts::{Cover, Fact, FileAnalysis, LayerAnalysis, LayerFacts, PathFacts};
pub use matcher::Matcher;
pub use pass::{AnalyzeLayerError, FolderPass, Limits, UnresolvedLinks, analyze_layer, resolve_links};
pub use squash::{Lockfiles, squash};
