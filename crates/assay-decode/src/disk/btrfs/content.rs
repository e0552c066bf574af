//! The bytes of a file of Btrfs: inside its item, in extents, or in extents that are compressed.

use super::tree::{Key, Trees};
use super::{EXTENT_DATA, WHAT};
use crate::bytes::Endian::Little;
use crate::disk::cache::{BlockCache, at_most, copy};
use crate::disk::packed::{Packing, unpack};
use crate::disk::{DiskError, size};
use crate::read_at::ReadAt;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Extents of one file.
const MAX_EXTENTS: usize = 1 << 20;
/// Bytes of a compressed extent, before and after: Linux makes none above 128 KiB.
const MAX_PACKED: u64 = 1 << 20;
const CACHE: usize = 1 << 20;

/// An extent of a file.
struct Extent {
    at: u64,
    len: u64,
    data: Data,
}

enum Data {
    Zeros,
    /// Bytes that are there already.
    Inside(Vec<u8>),
    /// At a logical address.
    Plain(u64),
    /// Compressed at a logical address: how many bytes, how many they become, and at which of these the extent begins.
    Packed {
        method: u8,
        logical: u64,
        stored: u64,
        unpacked: u64,
        skip: u64,
    },
}

/// The bytes of a file.
pub(super) struct Content {
    trees: Arc<Trees>,
    extents: Vec<Extent>,
    len: u64,
    unpacked: BlockCache,
}

/// Finds the extents of the file of that number.
pub(super) fn open(trees: &Arc<Trees>, tree: u64, number: u64, len: u64) -> Result<Content, DiskError> {
    let mut extents = Vec::new();
    trees.visit(tree, Key::new(number, EXTENT_DATA, 0), &mut |key, data| {
        if (key.object, key.kind) != (number, EXTENT_DATA) {
            return Ok(ControlFlow::Break(()));
        }
        if extents.len() >= MAX_EXTENTS {
            let limit = u64::try_from(MAX_EXTENTS).unwrap_or(u64::MAX);
            return Err(DiskError::TooMuch { what: "a file of btrfs", of: "extents", limit });
        }
        extents.push(extent(key.offset, data)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Content { trees: Arc::clone(trees), extents, len, unpacked: BlockCache::new(CACHE) })
}

fn extent(at: u64, data: &[u8]) -> Result<Extent, DiskError> {
    let damaged = || DiskError::damaged("a file of btrfs", "an extent of it makes no sense");
    let byte = |at: usize| data.get(at).copied().ok_or_else(damaged);
    let u64_at = |at| Little.u64(data, at).ok_or_else(damaged);
    let (unpacked, method, kind) = (u64_at(8)?, byte(16)?, byte(20)?);
    if byte(17)? != 0 {
        return Err(DiskError::unsupported("a file of btrfs", "it is encrypted"));
    }
    if kind == 0 {
        let stored = data.get(21..).ok_or_else(damaged)?;
        let bytes = if method == 0 { stored.to_vec() } else { undo(method, stored, unpacked)? };
        return Ok(Extent { at, len: unpacked, data: Data::Inside(bytes) });
    }
    let (logical, stored, skip, len) = (u64_at(21)?, u64_at(29)?, u64_at(37)?, u64_at(45)?);
    let data = if logical == 0 || kind == 2 {
        Data::Zeros
    } else if method == 0 {
        Data::Plain(logical.checked_add(skip).ok_or_else(damaged)?)
    } else {
        Data::Packed { method, logical, stored, unpacked, skip }
    };
    Ok(Extent { at, len, data })
}

fn undo(method: u8, stored: &[u8], unpacked: u64) -> Result<Vec<u8>, DiskError> {
    let limit = size(unpacked.min(MAX_PACKED));
    let bytes = match method {
        1 => unpack(Packing::Zlib, stored, limit),
        2 => lzo(stored, limit),
        3 => unpack(Packing::Zstd, stored, limit),
        other => {
            let why = format!("its compression is number {other}");
            return Err(DiskError::unsupported("a file of btrfs", why));
        }
    };
    bytes.map_err(DiskError::reading("a compressed extent of btrfs"))
}

/// Undoes LZO as Btrfs cuts it: a length of all, then pieces of a sector each with its own length, which never crosses the end of
/// a sector.
fn lzo(stored: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    const SECTOR: usize = 4096;
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a compressed extent is damaged");
    let total = size(u64::from(Little.u32(stored, 0).ok_or_else(damaged)?)).min(stored.len());
    let (mut at, mut out) = (4_usize, Vec::new());
    while at < total && out.len() < limit {
        let left = SECTOR.saturating_sub(at % SECTOR);
        if left < 4 {
            at = at.saturating_add(left);
            continue;
        }
        let len = size(u64::from(Little.u32(stored, at).ok_or_else(damaged)?));
        at = at.saturating_add(4);
        let piece = stored.get(at..).and_then(|rest| rest.get(..len)).ok_or_else(damaged)?;
        let room = limit.saturating_sub(out.len()).min(SECTOR);
        out.extend_from_slice(&unpack(Packing::Lzo, piece, room)?);
        at = at.saturating_add(len);
    }
    Ok(out)
}

impl ReadAt for Content {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let buf = at_most(buf, self.len.saturating_sub(offset));
        if buf.is_empty() {
            return Ok(0);
        }
        let next = self.extents.partition_point(|extent| extent.at <= offset);
        let until_next = self.extents.get(next).map_or(u64::MAX, |extent| extent.at.saturating_sub(offset));
        let buf = at_most(buf, until_next);
        let current = next.checked_sub(1).and_then(|at| self.extents.get(at));
        let inside = current.and_then(|extent| {
            let within = offset.checked_sub(extent.at)?;
            (within < extent.len).then_some((extent, within))
        });
        let Some((extent, within)) = inside else {
            buf.fill(0);
            return Ok(buf.len());
        };
        let buf = at_most(buf, extent.len.saturating_sub(within));
        let short = || io::Error::from(DiskError::damaged(WHAT, "an extent of a file is too short"));
        let read = match &extent.data {
            Data::Zeros => {
                buf.fill(0);
                buf.len()
            }
            Data::Inside(bytes) => copy(bytes.get(size(within)..).unwrap_or_default(), buf),
            Data::Plain(logical) => {
                let (at, left) = self.trees.physical(logical.saturating_add(within))?;
                self.trees.source.read_at(at, at_most(buf, left))?
            }
            Data::Packed { method, logical, stored, unpacked, skip } => {
                let block = self.unpacked.get(*logical, || {
                    let (at, left) = self.trees.physical(*logical)?;
                    let bytes = self.trees.source.read_range(at, (*stored).min(left), size(MAX_PACKED))?;
                    Ok(undo(*method, &bytes, *unpacked)?)
                })?;
                copy(block.get(size(skip.saturating_add(within))..).unwrap_or_default(), buf)
            }
        };
        if read == 0 { Err(short()) } else { Ok(read) }
    }
}
