//! Programming languages: installed packages and lockfiles.

use assay_analyze::Analyzer;

/// The analyzers, in the order in which they are linked.
pub const ANALYZERS: &[&dyn Analyzer] = &[];
