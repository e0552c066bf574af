//! Which files answer what code asks for: one resolver per language.

mod java;
mod javascript;
pub(crate) mod native;
mod perl;
mod php;
mod python;
mod ruby;
#[cfg(test)]
pub(crate) mod testing;

use crate::tree::Tree;
use assay_analyze::{Ask, CodeFile, Language};
use assay_model::image::ImageConfig;
use assay_model::path::file_name;
use std::cell::OnceCell;
use std::collections::HashMap;

/// What may answer, and where the search starts.
pub(crate) struct Context<'a> {
    /// Everything that is visible in the image.
    pub(crate) files: &'a Tree<'a>,
    /// How the image is started: its environment holds search paths.
    pub(crate) config: &'a ImageConfig,
    /// The paths of the programs and scripts that are started, in the order in which they were found: the first folder of
    /// many languages' search paths is the script's.
    pub(crate) started: &'a [String],
    /// What resolvers work out once per image; stays the same while `started` grows.
    pub(crate) memo: &'a Memo<'a>,
}

/// What is worked out once per image, when first asked for.
#[derive(Default)]
pub(crate) struct Memo<'a> {
    names: OnceCell<HashMap<&'a str, Vec<&'a str>>>,
    java: java::Known<'a>,
    perl: perl::Known,
    php: php::Known,
    python: python::Known,
    ruby: ruby::Known,
}

impl<'a> Context<'a> {
    /// Returns the paths of all code whose last component is `name`, wherever it lies: what a search path that is changed at
    /// run time could lead to.
    pub(crate) fn named(&self, name: &str) -> &[&'a str] {
        let names = self.memo.names.get_or_init(|| {
            let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
            for path in self.files.code.keys() {
                names.entry(file_name(path)).or_default().push(path);
            }
            names
        });
        names.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

/// What an [`Ask`] leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// These files are loaded; paths are real, as [`Tree::real_path`] gives them.
    Files(Vec<String>),
    /// These files may be loaded, but need not be, for this reason: what a folder of plug-ins holds, or what a name that is
    /// only known in part may mean.
    Maybe(Vec<String>, String),
    /// The runtime answers it itself: nothing else is loaded.
    BuiltIn,
    /// There is no such thing in the image: code often asks for what it can do without.
    Absent,
    /// What is meant cannot be told, for this reason: any module of the language may be.
    Unknown(String),
}

/// Finds what the code of one language asks for.
///
/// Called once per file and ask, after everything is squashed; it sees all files and changes nothing.
pub(crate) trait Resolver: Sync {
    /// Returns the language whose asks it answers.
    fn language(&self) -> Language;

    /// Finds what `ask`, made by the file `from`, means. `Interpreter`, `Run` and `Dynamic` are answered by the closure.
    fn resolve(&self, context: &Context<'_>, from: (&str, &CodeFile), ask: &Ask) -> Answer;

    /// Says what the interpreter loads first when it is started with these words, its own name or path the first of them:
    /// `python3 -m app`, `java -cp lib/* Main`, `/opt/venv/bin/python /opt/venv/bin/gunicorn app:app`. A script is among
    /// the answers.
    fn start(&self, _context: &Context<'_>, _words: &[String]) -> Vec<(Ask, Answer)> {
        Vec::new()
    }

    /// Returns whether a file belongs to the language's runtime (its standard library): names computed there lead only
    /// into the runtime itself, or to what its caller asked for, so they leave nothing unknown.
    fn is_runtime(&self, _context: &Context<'_>, _path: &str) -> bool {
        false
    }
}

/// The resolvers; languages without one are followed by no name.
pub(crate) const RESOLVERS: &[&dyn Resolver] = &[
    &python::PythonModules,
    &javascript::NodeModules,
    &java::ClassPath,
    &ruby::RubyFiles,
    &php::PhpFiles,
    &perl::PerlModules,
];
