//! Blocks that file systems compress: one call, all of the input in memory, the output bounded by the caller.
//!
//! LZ4 and LZO are so small that they are written here; so is xz, of which squashfs uses the plainest part (see [`xz`]).

mod lz4;
mod lzo;
pub(crate) mod xz;

use std::io::{self, Read};

/// How a block is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Deflate with zlib's header.
    Zlib,
    /// Zstandard, one frame.
    Zstd,
    /// LZ4, one block without a frame.
    Lz4,
    /// LZO1X.
    Lzo,
    /// xz, one stream.
    Xz,
}

/// Returns what `input` was, at most `limit` bytes.
pub(crate) fn unpack(packing: Packing, input: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a compressed block is damaged");
    let mut out = Vec::new();
    match packing {
        Packing::Zlib => {
            flate2::bufread::ZlibDecoder::new(input).take(most).read_to_end(&mut out)?;
        }
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?.single_frame();
            // A window is memory, and blocks have at most a mebibyte.
            decoder.window_log_max(23)?;
            decoder.take(most).read_to_end(&mut out)?;
        }
        Packing::Lz4 => out = lz4::unpack(input, limit).ok_or_else(damaged)?,
        Packing::Lzo => out = lzo::unpack(input, limit).ok_or_else(damaged)?,
        Packing::Xz => out = xz::unpack(input, limit).ok_or_else(damaged)?,
    }
    if out.len() > limit { Err(damaged()) } else { Ok(out) }
}

/// Appends `count` bytes from `distance` before the end, which may overlap what they make; `None` when there are not so many,
/// or the output would be over `limit`.
fn repeat(out: &mut Vec<u8>, distance: usize, count: usize, limit: usize) -> Option<()> {
    let mut from = out.len().checked_sub(distance).filter(|_| distance > 0)?;
    if out.len().checked_add(count)? > limit {
        return None;
    }
    if distance >= count {
        out.extend_from_within(from..from.checked_add(count)?);
        return Some(());
    }
    for _ in 0..count {
        let byte = *out.get(from)?;
        out.push(byte);
        from = from.checked_add(1)?;
    }
    Some(())
}

/// Appends the first `count` bytes of `input`, and returns the rest.
fn literals<'a>(out: &mut Vec<u8>, input: &'a [u8], count: usize, limit: usize) -> Option<&'a [u8]> {
    let (bytes, rest) = input.split_at_checked(count)?;
    if out.len().checked_add(count)? > limit {
        return None;
    }
    out.extend_from_slice(bytes);
    Some(rest)
}
