//! A configuration file as a tree whose every key and value knows its line.
//!
//! Settings are read from this tree and not by derived deserialisation, so that all mistakes of a file are told at once, each with
//! its line, and a key nobody knows can be answered with the nearest one that there is.

use assay_detect::lint::yaml;

pub(super) use assay_detect::lint::yaml::{Node, Value};

/// Deeper than this no setting is.
const MAX_DEPTH: usize = 16;

/// A thousand image patterns with all their keys have fewer.
const MAX_NODES: usize = 50_000;

/// What is wrong with a file, where, and what may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The line, from 1; 0 when it is not known.
    pub(crate) line: u32,
    /// What is wrong.
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) hint: Option<String>,
}

/// Reads YAML.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    // A file of nothing but comments states nothing.
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Node { line: 1, value: Value::Nothing });
    }
    yaml::parse(text, MAX_DEPTH, MAX_NODES).map_err(|(line, message)| Problem { line, message, hint: None })
}
