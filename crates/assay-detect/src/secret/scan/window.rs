//! The bytes of a file, a window at a time.

use assay_decode::ReadAt;
use std::io;

/// Bytes of a file that are looked at at a time.
pub(super) const WINDOW: usize = 1 << 20;
/// Bytes before those that are read along: more than stands before any literal in a match, or between a name and its value.
pub(super) const LEAD: usize = 8 << 10;
/// Bytes behind them: more than the longest secret (a private key of 16,384 bits has 12,800 characters).
pub(super) const OVERLAP: usize = 16 << 10;
/// The largest text in UTF-16 that is read.
const UTF_16_LIMIT: u64 = 1 << 20;

/// Returns the text of a small file in UTF-16, as Windows writes settings, as bytes of which ASCII is right.
pub(super) fn utf16(start: &[u8], content: &dyn ReadAt) -> io::Result<Option<Vec<u8>>> {
    let little = match start {
        [0xff, 0xfe, ..] => true,
        [0xfe, 0xff, ..] => false,
        _ => return Ok(None),
    };
    if content.len() > UTF_16_LIMIT {
        return Ok(None);
    }
    let bytes = content.read_range(0, content.len(), WINDOW)?;
    let text = bytes.chunks_exact(2).skip(1).map(|pair| match (pair, little) {
        ([ascii, 0], true) | ([0, ascii], false) => *ascii,
        _ => b'?',
    });
    Ok(Some(text.collect()))
}

/// Returns the bytes from `offset` on, one window and the overlap of them or up to the end.
pub(super) fn window_at<'b>(
    content: &'b dyn ReadAt,
    offset: u64,
    buffer: &'b mut Vec<u8>,
) -> io::Result<&'b [u8]> {
    if let Some(all) = content.as_slice() {
        let rest = usize::try_from(offset).ok().and_then(|start| all.get(start..)).unwrap_or_default();
        return Ok(rest.get(..WINDOW + LEAD + OVERLAP).unwrap_or(rest));
    }
    buffer.resize(WINDOW + LEAD + OVERLAP, 0);
    let mut filled = 0;
    while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
        match content.read_at(offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX)), free) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buffer.get(..filled).unwrap_or_default())
}
