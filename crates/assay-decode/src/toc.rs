//! Tables of contents of layers that can be read in parts: [eStargz] and [zstd:chunked].
//!
//! Both compress each file apart, so that a range of the blob is enough to have it, and both describe the files in the same
//! JSON, which once came from [CRFS]. They differ in where that JSON is (see [`estargz`] and [`zstd_chunked`]) and in who
//! vouches for it: an annotation of the layer's descriptor, in the manifest. Comparing digests is the caller's part.
//!
//! What is surprising:
//! - The table is a second statement of what the layer holds, beside its tar archive, and may say something else. Runtimes
//!   that pull in parts believe the table, all others the archive.
//! - A large file is a `reg` entry for its first chunk, followed by a `chunk` entry for each other. A chunk's size of zero
//!   means that it goes to the end of the file.
//! - Where the compressed chunk ends need not be said: at the next offset anybody names. What comes out of it may go on behind
//!   the chunk, with the next entry's tar header.
//! - With `innerOffset`, several chunks share one compressed member.
//!
//! [eStargz]: https://github.com/containerd/stargz-snapshotter/blob/main/docs/estargz.md
//! [zstd:chunked]: https://github.com/containers/storage/blob/main/docs/containers-storage-zstd-chunked.md
//! [CRFS]: https://github.com/google/crfs

mod build;
pub mod estargz;
pub mod zstd_chunked;

use crate::tar::EntryKind;
use std::fmt;
use std::ops::Range;

/// The largest table, as stored and inflated, in bytes: one of a hundred thousand files has about 25 MB.
pub const MAX_TABLE: u64 = 64 << 20;

/// The most entries and chunks of a table. Real ones take over 150 bytes of JSON each, so that none of [`MAX_TABLE`] bytes has
/// more; made of empty objects it would have twenty million, and each takes memory.
pub const MAX_ENTRIES: usize = 500_000;

/// What a layer holds, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Everything but chunks, in the table's order.
    pub entries: Vec<Entry>,
    /// How many entries were left out because their name, or a hard link's target, leads out of the root or is none.
    pub skipped: u64,
    chunks: Vec<Chunk>,
}

/// One file, folder or link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path, as the tar reader would give it.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// A symbolic link's target as written, or a hard link's target normalised as a path; else nothing.
    pub link_target: String,
    /// The permission bits.
    pub mode: u32,
    /// The size of a file.
    pub size: u64,
    /// The SHA-256 digest of a file's content, where the table has it.
    pub digest: Option<Sha256>,
    chunks: Range<usize>,
}

/// Part of a file, or the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where its compressed bytes lie in the blob.
    pub stored: Range<u64>,
    /// How many bytes of what comes out lie before it.
    pub skip: u64,
    /// How many bytes it has.
    pub size: u64,
    /// Their SHA-256 digest, where the table has it.
    pub digest: Option<Sha256>,
}

/// A SHA-256 digest.
pub type Sha256 = [u8; 32];

/// A table cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// What says where the table lies is not of the known form.
    #[error("the {0} does not say where the table lies")]
    Position(&'static str),
    /// The table does not lie inside the blob.
    #[error("the table lies outside the blob")]
    Outside,
    /// The table is larger than any real one.
    #[error("the table has more than {MAX_TABLE} bytes")]
    TooLarge,
    /// The table cannot be inflated.
    #[error("the table cannot be inflated")]
    Inflate(#[source] std::io::Error),
    /// The archive in which the table lies has something else in it.
    #[error("there is no `{}` where the table should lie", estargz::NAME)]
    Missing,
    /// The table is not what the specification says.
    #[error("the table is malformed")]
    Malformed(#[source] serde_json::Error),
    /// The table is of a version that is not known.
    #[error("the table is of the unknown version {0}")]
    Version(u64),
    /// A chunk lies outside of the files' part of the blob.
    #[error("a chunk lies outside the part of the blob that holds files")]
    ChunkOutside,
}

impl Table {
    /// Reads the JSON of a table that lies in the blob at `position`: all files lie before it.
    ///
    /// # Errors
    /// Fails when the table contradicts itself: then nothing in it can be relied on.
    pub fn parse(json: &[u8], position: u64) -> Result<Self, TableError> {
        build::parse(json, position)
    }

    /// Returns the parts of one of its files, without gaps, in order; an empty file has none.
    pub fn chunks(&self, entry: &Entry) -> &[Chunk] {
        self.chunks.get(entry.chunks.clone()).unwrap_or_default()
    }
}

/// Where a table lies in the blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The first byte.
    pub offset: u64,
    /// The number of bytes as stored.
    pub len: u64,
}

impl Position {
    /// Returns the position if it lies before `end` and is not too large.
    fn checked(offset: u64, len: u64, end: u64) -> Result<Self, TableError> {
        if offset == 0 || len == 0 || offset.checked_add(len).is_none_or(|after| after > end) {
            return Err(TableError::Outside);
        }
        if len > MAX_TABLE {
            return Err(TableError::TooLarge);
        }
        Ok(Self { offset, len })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes at {}", self.len, self.offset)
    }
}

#[cfg(test)]
mod tests;
