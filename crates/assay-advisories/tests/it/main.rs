//! Builds the database of the shared feeds once and asks it; without those feeds the tests that need them say so and stop.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test's own helpers may fail the test"
)]

mod alias;
mod corrupt;
mod counts;
mod fetch;
mod spot_checks;

use assay_advisories::{BuildOptions, BuildSummary, Database, build_bytes};
use assay_model::Timestamp;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Returns the folder of the shared feeds.
fn feeds() -> Option<PathBuf> {
    let folder = option_env!("ASSAY_FEEDS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/feeds")),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(option_env!("CI").is_none(), "`{}` is missing", folder.display());
    eprintln!("skipped: there are no feeds at `{}`", folder.display());
    None
}

/// Returns the database of all shared feeds.
fn database() -> Option<&'static (Database, BuildSummary)> {
    static DATABASE: OnceLock<Option<(Database, BuildSummary)>> = OnceLock::new();
    DATABASE
        .get_or_init(|| {
            let (bytes, summary) =
                build_bytes(&[feeds()?], &BuildOptions { built_at: Timestamp(0), ..BuildOptions::default() })
                    .unwrap();
            Some((Database::from_bytes(bytes).unwrap(), summary))
        })
        .as_ref()
}

/// Builds a database from OSV records.
fn database_of(records: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    for (index, record) in records.iter().enumerate() {
        std::fs::write(own.join(format!("{index}.json")), record).unwrap();
    }
    build_bytes(&[own], &BuildOptions::default()).unwrap().0
}
