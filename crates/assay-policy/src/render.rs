//! A verdict for one kind of reader: one file per form, and the list of them all.
//!
//! Text from images and policies is escaped for the medium it goes to.

use crate::verdict::Verdict;
use std::io::{self, Write};

mod github;
mod json;
mod junit;
mod markdown;
mod sarif;
mod table;
mod words;

/// How a verdict is written.
#[derive(Clone, Copy)]
pub struct Form {
    /// The name given to `--format`.
    pub name: &'static str,
    /// Writes it; fails only as the writer does.
    pub write: fn(&Verdict, &Options, &mut dyn Write) -> io::Result<()>,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What does not change what is true.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether colours may be used.
    pub color: bool,
    /// Whether all findings are listed, rather than the worst of each rule.
    pub all: bool,
}

/// Every form, the default first.
pub const FORMS: &[Form] = &[
    Form { name: "table", write: table::write },
    Form { name: "json", write: json::write },
    Form { name: "sarif", write: sarif::write },
    Form { name: "junit", write: junit::write },
    Form { name: "github", write: github::write },
    Form { name: "markdown", write: markdown::write },
];

/// Returns the form of this name.
pub fn by_name(name: &str) -> Option<Form> {
    FORMS.iter().find(|form| form.name == name).copied()
}
