#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod analyzer;
pub mod code;
mod cover;
pub mod facts;
pub mod files;
pub mod limits;
pub mod matcher;
mod overlay;
pub mod pass;
pub mod squash;

pub use analyzer::{Analyzer, AnalyzerId, File, Node, NodeKind, Select, Sink, TEXT_LIMIT};
pub use code::{Ask, Code, Dynamic, Language};
pub use facts::{Cover, Fact, FileAnalysis, LayerAnalysis, LayerFacts, PathFacts};
pub use files::{CodeFile, Files, Owned};
pub use limits::{Budget, Drawn, Limits, MemoryBudget, Stop};
pub use matcher::Matcher;
pub use pass::{
    AnalyzeLayerError, Fetch, FolderPass, UnresolvedLinks, analyze_layer, analyze_table, resolve_links,
};
pub use squash::{Lockfiles, Squashed, squash};
