//! Which files answer what code asks for: one resolver per language.

use assay_analyze::{Ask, CodeFile, Files, Language};
use assay_model::image::ImageConfig;

/// What may answer, and where the search starts.
pub(crate) struct Context<'a> {
    /// Everything that is visible in the image.
    pub(crate) files: &'a Files,
    /// How the image is started: its environment holds search paths.
    pub(crate) config: &'a ImageConfig,
    /// The paths of the programs and scripts that are started, in the order in which they were found: the first folder of
    /// many languages' search paths is the script's.
    pub(crate) started: &'a [String],
}

/// What an [`Ask`] leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// These files are loaded; paths are real, as [`Files::real_path`] gives them.
    Files(Vec<String>),
    /// The runtime answers it itself: nothing else is loaded.
    BuiltIn,
    /// There is no such thing in the image: code often asks for what it can do without.
    Absent,
    /// What is meant cannot be told, for this reason.
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
}

/// The resolvers; languages without one are followed by no name.
pub(crate) const RESOLVERS: &[&dyn Resolver] = &[];
