//! What policies are read from: YAML whose every key and value knows its place, and problems that say theirs.
//!
//! All mistakes of a file are told at once, and a key nobody knows is answered with the nearest one that there is.

pub use assay_decode::yaml::{Node, Number, Place, Value};

use assay_decode::yaml::{self, Bounds, Damage};
use std::fmt;

/// Deeper than this no policy is, and thousands of exceptions with all their keys have fewer nodes.
const BOUNDS: Bounds = Bounds { depth: 24, nodes: 200_000 };

/// No policy is larger; more than this is something else.
pub const MAX_BYTES: usize = 4 << 20;

/// What is wrong with a file, where, and what may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Problem {
    /// Returns a problem without a suggestion.
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), hint: None }
    }

    /// Adds what to write instead.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.line > 0 {
            write!(f, "line {}, column {}: ", self.place.line, self.place.column)?;
        }
        f.write_str(&self.message)
    }
}

impl From<Damage> for Problem {
    fn from(damage: Damage) -> Self {
        Self::new(damage.place, damage.message)
    }
}

/// Reads one document.
///
/// # Errors
/// Fails with what is wrong with the YAML, and where.
pub fn parse(text: &str) -> Result<Node, Problem> {
    bounded(text)?;
    Ok(yaml::parse(text, BOUNDS)?)
}

/// Reads a stream of several documents; those that state nothing are left out.
///
/// # Errors
/// Fails with the first document that is damaged.
pub fn documents(text: &str) -> Result<Vec<Node>, Problem> {
    bounded(text)?;
    let read =
        yaml::documents(text).iter().map(|document| document.parse(BOUNDS)).collect::<Result<Vec<_>, _>>()?;
    Ok(read.into_iter().filter(|node| node.value != Value::Nothing).collect())
}

fn bounded(text: &str) -> Result<(), Problem> {
    if text.len() > MAX_BYTES {
        return Err(Problem::new(Place::default(), format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(())
}
