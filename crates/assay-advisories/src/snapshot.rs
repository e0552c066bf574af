//! The built-in snapshot: a database of facts only, compressed, small enough to be part of the binary.
//!
//! Facts are identifiers, aliases, packages, ranges, fixed versions, scores and dates; there is no prose in it. What does
//! not fit of [`OPTIONAL`] is left out, and the feed table says so.

use crate::build::{BuildDatabaseError, BuildOptions, build_bytes_without, replace};
use crate::database::{CorruptDatabase, Database, FeedRecord, OpenDatabaseError};
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of the compressed snapshot at most, as it is part of the repository and of the binary.
pub const MAX_SNAPSHOT: usize = 4_000_000;
/// Bytes it may unpack to; a forged one must not fill the memory.
const MAX_UNPACKED: u64 = 512 * 1024 * 1024;
/// zstd's best level that needs no unusual memory to unpack.
const LEVEL: i32 = 19;

/// Ecosystems that are in the snapshot only if they fit, the most wanted first. All others are always in it.
pub const OPTIONAL: &[&[&str]] = &[
    &["AlmaLinux:9"],
    &["AlmaLinux:10"],
    &["AlmaLinux:8"],
    &["Wolfi"],
    &["Alpine:v3.9", "Debian:9"],
    &["Azure Linux:3.0", "CBL-Mariner:1.0"],
    &["Bitnami", "ConanCenter"],
    &["Alpine:v3.3", "Alpine:v3.4", "Alpine:v3.5", "Alpine:v3.6", "Alpine:v3.7", "Alpine:v3.8"],
    &["Debian:3", "Debian:4", "Debian:5", "Debian:6", "Debian:7", "Debian:8"],
];

/// Why no snapshot was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteSnapshotError {
    /// The database cannot be built.
    #[error("cannot build the snapshot's database")]
    Build(#[from] BuildDatabaseError),
    /// The database that was built cannot be read back.
    #[error("cannot read the snapshot's database back")]
    Open(#[from] OpenDatabaseError),
    /// It cannot be compressed or written.
    #[error("cannot write the snapshot to `{}`", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is too large whatever may be left out.
    #[error("the snapshot has `{bytes}` bytes, above `{MAX_SNAPSHOT}`")]
    TooLarge {
        /// Its bytes.
        bytes: usize,
    },
}

/// What is in a snapshot.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Its bytes, compressed.
    pub bytes: usize,
    /// The feeds in it, for the table of sources and licences.
    pub feeds: Vec<FeedRecord>,
    /// Ecosystems that were left out.
    pub left_out: Vec<String>,
}

/// Builds the snapshot of the feeds in `inputs` and puts it at `target`.
///
/// # Errors
/// Fails as building does, or when the snapshot does not fit; the target is then as before.
pub fn write(
    inputs: &[PathBuf],
    target: &Path,
    built_at: assay_model::Timestamp,
) -> Result<Snapshot, WriteSnapshotError> {
    let failed = |source| WriteSnapshotError::Output { path: target.to_owned(), source };
    let build = |left_out: &[&str]| {
        let options = BuildOptions { built_at, facts_only: true, ..BuildOptions::default() };
        let (database, _) = build_bytes_without(inputs, &options, left_out)?;
        let compressed = zstd::bulk::compress(&database, LEVEL).map_err(failed)?;
        Ok::<_, WriteSnapshotError>((database, compressed))
    };
    let mut left_out: Vec<&str> = OPTIONAL.iter().copied().flatten().copied().collect();
    let (mut database, mut compressed) = build(&left_out)?;
    if compressed.len() > MAX_SNAPSHOT {
        return Err(WriteSnapshotError::TooLarge { bytes: compressed.len() });
    }
    for group in OPTIONAL {
        let fewer: Vec<&str> =
            left_out.iter().copied().filter(|ecosystem| !group.contains(ecosystem)).collect();
        let larger = build(&fewer)?;
        if larger.1.len() <= MAX_SNAPSHOT {
            (database, compressed) = larger;
            left_out = fewer;
        }
    }
    let bytes = compressed.len();
    let feeds = Database::from_bytes(database)?.contributing_feeds().unwrap_or_default();
    replace(target, &compressed).map_err(failed)?;
    Ok(Snapshot { bytes, feeds, left_out: left_out.into_iter().map(str::to_owned).collect() })
}

impl Database {
    /// Returns the feeds of which something is in the database: not those of which all was left out for size.
    ///
    /// # Errors
    /// Fails when the database is damaged.
    pub fn contributing_feeds(&self) -> Result<Vec<FeedRecord>, CorruptDatabase> {
        let covering: BTreeSet<String> =
            self.coverages()?.into_iter().flat_map(|(_, coverage)| coverage.feeds).collect();
        // Feeds that enrich (KEV, EPSS) cover no ecosystem, and have no note.
        Ok(self
            .feeds()?
            .into_iter()
            .filter(|feed| feed.note.is_empty() || covering.contains(&feed.id))
            .collect())
    }

    /// Unpacks a snapshot into memory and opens it.
    ///
    /// # Errors
    /// Fails when it cannot be unpacked, or as [`Database::from_bytes`] does.
    pub fn from_snapshot(compressed: &[u8]) -> Result<Self, OpenDatabaseError> {
        let unpack = || {
            let mut bytes = Vec::new();
            zstd::stream::read::Decoder::new(compressed)?.take(MAX_UNPACKED).read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        Self::from_bytes(unpack().map_err(|_| OpenDatabaseError::Compression)?)
    }
}
