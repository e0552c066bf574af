//! Operating systems: their identity, and the databases of their package managers.

use assay_analyze::Analyzer;

/// The analyzers, in the order in which they are linked.
pub const ANALYZERS: &[&dyn Analyzer] = &[];
