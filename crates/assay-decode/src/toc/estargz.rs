//! Where the table of an [eStargz] layer is: the blob ends in 51 bytes that are an empty gzip member, whose extra field says at
//! which byte another member begins that holds a tar archive with one file, the table.
//!
//! The annotation [`DIGEST`] of the layer's descriptor is the digest of that file.
//!
//! [eStargz]: https://github.com/containerd/stargz-snapshotter/blob/main/docs/estargz.md#footer

use super::{MAX_TABLE, Position, TableError};
use crate::compression::{LimitExceeded, Limited};
use crate::tar::{EntryKind, TarError, TarLimits, TarReader};
use flate2::bufread::GzDecoder;
use std::io::{self, Read};

/// The annotation with the digest of the table's JSON.
pub const DIGEST: &str = "containerd.io/snapshot/stargz/toc.digest";

/// The name of the table in its archive.
pub const NAME: &str = "stargz.index.json";

/// The number of bytes of the footer.
pub const FOOTER_LEN: u64 = 51;

/// Bytes of an archive besides the content of its one file: headers, padding and two empty blocks.
const ARCHIVE: u64 = 64 << 10;

/// Reads the footer of a blob of `size` bytes.
///
/// # Errors
/// Fails when it is none, or the table does not lie before it.
pub fn footer(footer: &[u8], size: u64) -> Result<Position, TableError> {
    let no_footer = TableError::Position("footer");
    // Magic number, deflate, an extra field and nothing else; time, flags and system may differ by writer.
    let Some((head, rest)) = footer.split_at_checked(10) else { return Err(no_footer) };
    let extra = rest.strip_prefix(&[26, 0, b'S', b'G', 22, 0]);
    let (Some([0x1f, 0x8b, 8, 4]), Some(extra)) = (head.get(..4), extra) else { return Err(no_footer) };
    let Some((digits, rest)) = extra.split_at_checked(16) else { return Err(no_footer) };
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
    let offset = digits.and_then(|text| u64::from_str_radix(text, 16).ok());
    let (Some(offset), true) = (offset, rest.starts_with(b"STARGZ")) else { return Err(no_footer) };
    let end = size.checked_sub(FOOTER_LEN).ok_or(TableError::Outside)?;
    Position::checked(offset, end.checked_sub(offset).ok_or(TableError::Outside)?, end)
}

/// Returns the JSON from the stored bytes of the table.
///
/// # Errors
/// Fails when they are damaged, too many come out, or there is something else.
pub fn json(stored: &[u8]) -> Result<Vec<u8>, TableError> {
    let failed = |error: io::Error| match LimitExceeded::find(&error) {
        Some(_) => TableError::TooLarge,
        None => TableError::Inflate(error),
    };
    let plain = Limited::new(GzDecoder::new(stored), MAX_TABLE.saturating_add(ARCHIVE));
    let mut archive = TarReader::new(plain, TarLimits::default());
    let mut entry = match archive.next_entry() {
        Ok(Some(entry)) => entry,
        Err(TarError::Io { source, .. }) => return Err(failed(source)),
        Ok(None) | Err(_) => return Err(TableError::Missing),
    };
    if entry.path() != NAME || entry.kind() != EntryKind::File || entry.is_sparse() {
        return Err(TableError::Missing);
    }
    if entry.size() > MAX_TABLE {
        return Err(TableError::TooLarge);
    }
    let mut json = Vec::new();
    entry.reader().read_to_end(&mut json).map_err(failed)?;
    Ok(json)
}
