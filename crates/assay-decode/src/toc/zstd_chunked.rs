//! Where the table of a [zstd:chunked] layer is: the annotation [`POSITION`] of the layer's descriptor says it, and
//! [`CHECKSUM`] is the digest of the table as it is stored: compressed, inside a skippable frame.
//!
//! The blob's last frame says the position, too; containers/storage never reads it, since nothing vouches for it.
//!
//! [zstd:chunked]: https://github.com/containers/storage/blob/main/docs/containers-storage-zstd-chunked.md

use super::{MAX_TABLE, Position, TableError};
use crate::compression::{LimitExceeded, Limited, decompress};
use std::io::{self, Read};

/// The annotation with offset, length, length when inflated, and type of the table.
pub const POSITION: &str = "io.github.containers.zstd-chunked.manifest-position";

/// The annotation with the digest of the compressed table.
pub const CHECKSUM: &str = "io.github.containers.zstd-chunked.manifest-checksum";

/// The same annotations as skopeo 1.9 and other tools of its time still name them.
pub const OLD_POSITION: &str = "io.containers.zstd-chunked.manifest-position";

/// See [`OLD_POSITION`].
pub const OLD_CHECKSUM: &str = "io.containers.zstd-chunked.manifest-checksum";

/// The only type there is: a table like that of CRFS.
const CRFS: u64 = 1;

/// Reads the annotation of a blob of `size` bytes.
///
/// # Errors
/// Fails when it is not of the known form, or the table does not lie in the blob.
pub fn position(text: &str, size: u64) -> Result<Position, TableError> {
    let numbers: Option<Vec<u64>> = text.split(':').map(|number| number.parse().ok()).collect();
    match numbers.as_deref() {
        Some([offset, len, inflated, CRFS]) if *inflated <= MAX_TABLE => {
            Position::checked(*offset, *len, size)
        }
        Some([_, _, _, CRFS]) => Err(TableError::TooLarge),
        _ => Err(TableError::Position("annotation")),
    }
}

/// Returns the JSON from the stored bytes of the table.
///
/// # Errors
/// Fails when they are damaged, or too many come out.
pub fn json(stored: &[u8]) -> Result<Vec<u8>, TableError> {
    let failed = |error: io::Error| match LimitExceeded::find(&error) {
        Some(_) => TableError::TooLarge,
        None => TableError::Inflate(error),
    };
    let (_, plain) = decompress(stored).map_err(failed)?;
    let mut json = Vec::new();
    Limited::new(plain, MAX_TABLE).read_to_end(&mut json).map_err(failed)?;
    Ok(json)
}
