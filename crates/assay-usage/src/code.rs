//! What single files of code ask for: one analyzer per language.

use assay_analyze::Analyzer;

/// The analyzers, in their order.
pub(crate) const ANALYZERS: &[&dyn Analyzer] = &[];
