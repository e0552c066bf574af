//! Where the bytes of a file of XFS are: a list of extents in its inode, or a tree of them.

use super::{Inode, Volume};
use crate::bytes::Endian::Big;
use crate::disk::pieces::{Piece, Pieces, Place};
use crate::disk::{DiskError, Shared, length, size};
use crate::read_at::ReadAt;

const WHAT: &str = "a file of the xfs file system";
/// Runs of one file: a database of 4 GiB in the worst order.
const MAX_PIECES: u64 = 1 << 20;
/// Blocks of a tree that are read for one file.
const MAX_NODES: u32 = 1 << 14;
/// Levels of a tree; nine of the smallest blocks hold all extents there can be.
const MAX_LEVEL: u16 = 9;

const FORMAT_EXTENTS: u8 = 2;
const FORMAT_TREE: u8 = 3;

/// Returns the bytes of a file as far as they are in blocks.
pub(super) fn content(inode: &Inode, volume: &Volume) -> Result<Pieces, DiskError> {
    let damaged = || DiskError::damaged(WHAT, "what says where it lies makes no sense");
    let mut map = Map { volume, pieces: Vec::new(), nodes: MAX_NODES };
    match inode.format {
        FORMAT_EXTENTS => {
            let count = size(inode.extents.min(MAX_PIECES));
            map.records(inode.fork.chunks_exact(16).take(count))?;
        }
        FORMAT_TREE => {
            let (level, count) = (Big.u16(&inode.fork, 0), Big.u16(&inode.fork, 2));
            let level = level.filter(|level| (1..=MAX_LEVEL).contains(level)).ok_or_else(damaged)?;
            let count = usize::from(count.ok_or_else(damaged)?);
            // Keys and pointers have equal room, whether it is used or not.
            let room = inode.fork.len().saturating_sub(4) / 16;
            let pointers =
                inode.fork.get(4_usize.saturating_add(room.saturating_mul(8))..).unwrap_or_default();
            map.children(pointers, count.min(room), level)?;
        }
        _ => return Err(damaged()),
    }
    let sources = vec![Shared::clone(&volume.source)];
    // Blocks of a folder's index lie beyond its length; what is asked for is bounded by that.
    Ok(Pieces::new(WHAT, sources, map.pieces, inode.node.size))
}

struct Map<'a> {
    volume: &'a Volume,
    pieces: Vec<Piece>,
    /// Blocks that may still be read.
    nodes: u32,
}

impl Map<'_> {
    fn records<'b>(&mut self, records: impl Iterator<Item = &'b [u8]>) -> Result<(), DiskError> {
        for record in records {
            if length(self.pieces.len()) >= MAX_PIECES {
                return Err(DiskError::TooMuch { what: WHAT, of: "runs", limit: MAX_PIECES });
            }
            let (Some(high), Some(low)) = (Big.u64(record, 0), Big.u64(record, 8)) else { continue };
            // One bit "not written", 54 of the place in the file, 52 of the block, 21 of the length.
            let unwritten = high >> 63 == 1;
            let at = (high & 0x7fff_ffff_ffff_ffff) >> 9;
            let block = (high & 0x1ff) << 43 | low >> 21;
            let count = low & 0x1f_ffff;
            let from = if unwritten {
                Place::Zeros
            } else {
                let offset = self.volume.offset(block);
                Place::Source(0, offset.ok_or_else(|| DiskError::damaged(WHAT, "it lies outside"))?)
            };
            let bytes = |blocks: u64| blocks.saturating_mul(self.volume.block_size);
            Pieces::push(&mut self.pieces, Piece { at: bytes(at), len: bytes(count), from });
        }
        Ok(())
    }

    /// Reads the blocks that `count` pointers name, which are of the level below `level`.
    fn children(&mut self, pointers: &[u8], count: usize, level: u16) -> Result<(), DiskError> {
        let damaged = || DiskError::damaged(WHAT, "its tree of extents makes no sense");
        let below = level.checked_sub(1).ok_or_else(damaged)?;
        for pointer in pointers.chunks_exact(8).take(count) {
            self.nodes = self.nodes.checked_sub(1).ok_or(DiskError::TooMuch {
                what: WHAT,
                of: "blocks of a tree",
                limit: u64::from(MAX_NODES),
            })?;
            let at = Big.u64(pointer, 0).and_then(|block| self.volume.offset(block)).ok_or_else(damaged)?;
            let len = self.volume.block_size;
            let block = self
                .volume
                .source
                .read_range(at, len, size(len))
                .map_err(DiskError::reading("the extents of a file"))?
                .into_owned();
            let header = match block.get(..4) {
                Some(b"BMA3") => 72_usize,
                Some(b"BMAP") => 24,
                _ => return Err(damaged()),
            };
            let (here, count) = (Big.u16(&block, 4), usize::from(Big.u16(&block, 6).unwrap_or(0)));
            if here != Some(below) {
                return Err(damaged());
            }
            let body = block.get(header..).unwrap_or_default();
            if below == 0 {
                self.records(body.chunks_exact(16).take(count))?;
            } else {
                let room = body.len() / 16;
                let pointers = body.get(room.saturating_mul(8)..).unwrap_or_default();
                self.children(pointers, count.min(room), below)?;
            }
        }
        Ok(())
    }
}
