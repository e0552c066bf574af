//! What single files of code ask for: one analyzer per language.

mod python;
mod text;

use assay_analyze::{Analyzer, Ask};

/// The analyzers, in their order.
pub(crate) const ANALYZERS: &[&dyn Analyzer] = &[&python::PythonImports];

/// Returns what a Python text, as given after `-c`, asks for.
pub(crate) fn python_text(text: &str) -> Vec<Ask> {
    text::read(python::scan, text)
}
