//! Programming languages: installed packages and lockfiles.

use assay_analyze::Analyzer;

mod executable;
mod go_binary;
mod java_archive;
mod java_pom;

/// The analyzers, in the order in which they are linked.
pub const ANALYZERS: &[&dyn Analyzer] = &[
    &go_binary::GoBinary,
    &java_archive::JavaArchive,
    &java_pom::JavaPom,
];
