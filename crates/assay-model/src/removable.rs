//! What an image could do without.

use std::borrow::Cow;

/// Why something can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RemovalReason {
    /// Evidence shows that nothing the image starts reaches it.
    Unused,
    /// Something else does the same.
    Redundant,
    /// The same library is there in another version.
    Duplicate,
    /// It is for building, debugging or administering, not for running.
    Unnecessary,
}

impl RemovalReason {
    /// All reasons, the surest first.
    pub const ALL: [Self; 4] = [Self::Unused, Self::Redundant, Self::Duplicate, Self::Unnecessary];

    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Redundant => "redundant",
            Self::Duplicate => "duplicate",
            Self::Unnecessary => "unnecessary",
        }
    }
}

/// A package that an image could do without, and what that would save.
///
/// Whatever depends on it can be removed, too; what is used, or essential to the distribution, is never among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removable {
    /// The index of the package in the report.
    pub package: u32,
    /// Why it can be removed.
    pub reason: RemovalReason,
    /// What it is for, where Assay knows: `http-client`, `compiler` …
    pub function: Option<Cow<'static, str>>,
    /// The packages that do the same, or are the same in another version.
    pub beside: Vec<u32>,
    /// The layer that brought it, if that is a later one than brought most packages of its kind.
    pub later_layer: Option<u32>,
    /// The bytes it takes when installed, where its package manager says.
    pub bytes: Option<u64>,
    /// How many findings are about it.
    pub findings: u64,
    /// What to do, as one instruction.
    pub instruction: String,
}
