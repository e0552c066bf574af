//! What could not be read, looked at or relied on. A warning is part of the result.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Something in the input was damaged, unsupported or over a bound; the rest was still scanned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// A stable, machine-readable name, such as `damaged-package-database`.
    pub code: Cow<'static, str>,
    /// The path inside the image, where there is one.
    pub path: Option<String>,
    /// One sentence for people.
    pub message: String,
    /// Whether something that should have been scanned was not, which makes the report incomplete.
    pub incomplete: bool,
}

impl Warning {
    /// Returns a warning that something was left unscanned.
    pub fn unscanned(code: &'static str, path: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            path: path.map(Into::into),
            message: message.into(),
            incomplete: true,
        }
    }

    /// Returns a warning that does not make the result incomplete.
    pub fn notice(code: &'static str, path: Option<&str>, message: impl Into<String>) -> Self {
        Self { incomplete: false, ..Self::unscanned(code, path, message) }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "`{path}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
