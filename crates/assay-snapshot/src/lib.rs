#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

/// The compressed database, as `assay_advisories::Database::from_snapshot` reads it.
pub const SNAPSHOT: &[u8] = include_bytes!("../snapshot.zst");
