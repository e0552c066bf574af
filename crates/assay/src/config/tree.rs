//! A configuration file as a tree whose every key and value knows its line.
//!
//! Settings are read from this tree and not by derived deserialisation, so that all mistakes of a file are told at once, each with
//! its line, and a key nobody knows can be answered with the nearest one that there is.

pub(super) use assay_decode::yaml::{Node, Value};

use assay_decode::yaml::{self, Bounds};

/// Deeper than this no setting is, and a thousand image patterns with all their keys have fewer nodes.
const BOUNDS: Bounds = Bounds { depth: 16, nodes: 50_000 };

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
    yaml::parse(text, BOUNDS).map_err(|damage| Problem {
        line: damage.place.line,
        message: damage.message,
        hint: None,
    })
}
