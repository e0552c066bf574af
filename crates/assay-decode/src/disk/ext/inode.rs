//! An inode of ext: what the node is, and where its bytes are.

use super::Volume;
use crate::bytes::Endian::Little;
use crate::disk::file_system::Node;
use crate::disk::pieces::{Piece, Pieces, Place};
use crate::disk::{DiskError, Shared, length, size};
use crate::read_at::ReadAt;
use std::io;

const WHAT: &str = "a file of the ext file system";
/// Runs of one file: a database of 4 GiB in the worst order.
const MAX_PIECES: usize = 1 << 20;
/// Blocks of addresses that are read for one file: those of 64 GiB without extents.
const MAX_NODES: u32 = 1 << 14;
/// Trees of extents have at most this many levels (kernel documentation, "Extent Tree").
const MAX_DEPTH: u16 = 5;

const FLAG_ENCRYPTED: u32 = 0x800;
const FLAG_EXTENTS: u32 = 0x8_0000;
const FLAG_INLINE: u32 = 0x1000_0000;

/// What attributes begin with, in an inode and in a block of their own.
const ATTRIBUTES: u32 = 0xea02_0000;
/// What stands for the beginning of a name.
const SECURITY: u8 = 6;
const SYSTEM: u8 = 7;

/// An inode.
pub(super) struct Inode {
    bytes: Vec<u8>,
    flags: u32,
    pub(super) node: Node,
}

/// What lies inside an inode.
pub(super) struct Inline {
    pub(super) first: Vec<u8>,
    pub(super) rest: Vec<u8>,
}

/// The bytes of a file.
pub(super) enum Content {
    Inside(Vec<u8>),
    Pieces(Pieces),
}

impl Content {
    /// Returns where in the volume `len` bytes from `offset` on are, when they are there in one run.
    pub(super) fn place(&self, offset: u64, len: u64) -> Option<u64> {
        match self {
            Self::Inside(_) => None,
            Self::Pieces(pieces) => pieces.place(offset, len),
        }
    }
}

impl ReadAt for Content {
    fn len(&self) -> u64 {
        match self {
            Self::Inside(bytes) => length(bytes.len()),
            Self::Pieces(pieces) => pieces.len(),
        }
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Inside(bytes) => bytes.read_at(offset, buf),
            Self::Pieces(pieces) => pieces.read_at(offset, buf),
        }
    }
}

impl Inode {
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, DiskError> {
        let parsed = (|| {
            let u16_at = |at| Little.u16(&bytes, at).map(u32::from);
            let u32_at = |at| Little.u32(&bytes, at);
            let uid = u16_at(2)? | u16_at(120)? << 16;
            let gid = u16_at(24)? | u16_at(122)? << 16;
            let size = u64::from(u32_at(4)?) | u64::from(u32_at(108)?) << 32;
            Some((Node::from_mode(u16_at(0)?, uid, gid, size), u32_at(32)?))
        })();
        let (node, flags) = parsed.ok_or_else(|| DiskError::damaged(WHAT, "its inode is cut off"))?;
        Ok(Self { bytes, flags, node })
    }

    /// Fails when what is in it cannot be understood.
    pub(super) fn readable(&self) -> Result<(), DiskError> {
        if self.flags & FLAG_ENCRYPTED != 0 {
            return Err(DiskError::unsupported(WHAT, "it is encrypted"));
        }
        Ok(())
    }

    /// Returns the 60 bytes in which addresses, or small contents, are.
    fn block(&self) -> &[u8] {
        self.bytes.get(40..100).unwrap_or_default()
    }

    /// Returns the target of a link that is short enough to lie where addresses would.
    pub(super) fn fast_link(&self) -> Option<Vec<u8>> {
        if self.node.size >= 60 || self.flags & (FLAG_EXTENTS | FLAG_INLINE) != 0 {
            return None;
        }
        self.block().get(..size(self.node.size)).map(<[u8]>::to_vec)
    }

    /// Returns the content if it lies inside the inode.
    pub(super) fn inline(&self) -> Option<Inline> {
        if self.flags & FLAG_INLINE == 0 {
            return None;
        }
        Some(Inline { first: self.block().to_vec(), rest: self.inline_rest().unwrap_or_default() })
    }

    /// Finds the attribute `system.data`, which goes on where the 60 bytes end.
    fn inline_rest(&self) -> Option<Vec<u8>> {
        let entries = self.attributes().ok()??;
        attribute(entries, entries, SYSTEM, b"data").ok()?.map(<[u8]>::to_vec)
    }

    /// Returns the attributes that lie inside the inode.
    fn attributes(&self) -> Result<Option<&[u8]>, DiskError> {
        // The smallest inodes have no room for any.
        let Some(extra) = Little.u16(&self.bytes, 128) else { return Ok(None) };
        let area = self.bytes.get(128_usize.saturating_add(usize::from(extra))..).ok_or_else(senseless)?;
        Ok(area.get(4..).filter(|_| Little.u32(area, 0) == Some(ATTRIBUTES)))
    }

    /// Returns the attribute `security.capability`, from the inode or the block of its attributes.
    pub(super) fn capability(&self, volume: &Volume) -> Result<Option<Vec<u8>>, DiskError> {
        if let Some(entries) = self.attributes()?
            && let Some(value) = attribute(entries, entries, SECURITY, b"capability")?
        {
            return Ok(Some(value.to_vec()));
        }
        let low = u64::from(Little.u32(&self.bytes, 104).unwrap_or_default());
        let high = u64::from(Little.u16(&self.bytes, 118).unwrap_or_default());
        let block = high << 32 | low;
        if block == 0 {
            return Ok(None);
        }
        let len = volume.block_size;
        let bytes = volume.tables.read_range(block.saturating_mul(len), len, size(len));
        let bytes = bytes.map_err(DiskError::reading("the attributes of a file"))?;
        if Little.u32(&bytes, 0) != Some(ATTRIBUTES) {
            return Err(DiskError::damaged(WHAT, "what should hold its attributes holds something else"));
        }
        let entries = bytes.get(32..).unwrap_or_default();
        Ok(attribute(entries, &bytes, SECURITY, b"capability")?.map(<[u8]>::to_vec))
    }

    /// Returns the bytes of the file, folder or long link.
    pub(super) fn content(&self, volume: &Volume) -> Result<Content, DiskError> {
        if let Some(inline) = self.inline() {
            let mut bytes = inline.first;
            bytes.extend_from_slice(&inline.rest);
            bytes.truncate(size(self.node.size));
            if length(bytes.len()) < self.node.size {
                return Err(DiskError::damaged(WHAT, "a part of what lies in its inode is missing"));
            }
            return Ok(Content::Inside(bytes));
        }
        let mut map = Map { volume, pieces: Vec::new(), nodes: MAX_NODES };
        if self.flags & FLAG_EXTENTS != 0 {
            map.extents(self.block(), None)?;
        } else {
            map.addresses(self.block(), self.node.size)?;
        }
        let sources = vec![Shared::clone(&volume.source)];
        Ok(Content::Pieces(Pieces::new(WHAT, sources, map.pieces, self.node.size)))
    }
}

fn senseless() -> DiskError {
    DiskError::damaged(WHAT, "its attributes make no sense")
}

/// Returns the value of the attribute of this name; `values` is what the places of values are counted from.
///
/// Fails when it may be among what is damaged, or lies where it is not read from: that is not as if it were not there.
fn attribute<'a>(
    entries: &'a [u8],
    values: &'a [u8],
    prefix: u8,
    wanted: &[u8],
) -> Result<Option<&'a [u8]>, DiskError> {
    let mut entry = entries;
    // Four zeros end the list.
    while Little.u32(entry, 0).ok_or_else(senseless)? != 0 {
        let name_len = usize::from(*entry.first().ok_or_else(senseless)?);
        let name = entry.get(16..).and_then(|rest| rest.get(..name_len)).ok_or_else(senseless)?;
        if entry.get(1) == Some(&prefix) && name == wanted {
            if Little.u32(entry, 4) != Some(0) {
                return Err(DiskError::unsupported(WHAT, "an attribute of it lies in an inode of its own"));
            }
            let value = Little
                .u16(entry, 2)
                .zip(Little.u32(entry, 8))
                .and_then(|(value, len)| values.get(usize::from(value)..)?.get(..size(u64::from(len))));
            return value.ok_or_else(senseless).map(Some);
        }
        // Names are padded to four bytes.
        let len = 16_usize.saturating_add(name_len).next_multiple_of(4);
        entry = entry.get(len..).ok_or_else(senseless)?;
    }
    Ok(None)
}

/// Where a file's bytes are, being found out.
struct Map<'a> {
    volume: &'a Volume,
    pieces: Vec<Piece>,
    /// Blocks of addresses that may still be read.
    nodes: u32,
}

impl Map<'_> {
    fn push(&mut self, block: u64, count: u64, from: Option<u64>) -> Result<(), DiskError> {
        if self.pieces.len() >= MAX_PIECES {
            return Err(DiskError::TooMuch { what: WHAT, of: "runs", limit: length(MAX_PIECES) });
        }
        let bytes = |blocks: u64| blocks.saturating_mul(self.volume.block_size);
        let from = from.map_or(Place::Zeros, |from| Place::Source(0, bytes(from)));
        Pieces::push(&mut self.pieces, Piece { at: bytes(block), len: bytes(count), from });
        Ok(())
    }

    fn read(&mut self, block: u64) -> Result<Vec<u8>, DiskError> {
        self.nodes = self.nodes.checked_sub(1).ok_or(DiskError::TooMuch {
            what: WHAT,
            of: "blocks of addresses",
            limit: u64::from(MAX_NODES),
        })?;
        let len = self.volume.block_size;
        let bytes = self.volume.source.read_range(block.saturating_mul(len), len, size(len));
        Ok(bytes.map_err(DiskError::reading("the addresses of a file"))?.into_owned())
    }

    /// Reads a node of a tree of extents; `depth` is what it must be, but for the root.
    fn extents(&mut self, node: &[u8], depth: Option<u16>) -> Result<(), DiskError> {
        let damaged = || DiskError::damaged(WHAT, "its tree of extents makes no sense");
        let header = (Little.u16(node, 0), Little.u16(node, 2), Little.u16(node, 6));
        let (Some(0xf30a), Some(count), Some(here)) = header else { return Err(damaged()) };
        if depth.is_some_and(|depth| depth != here) || here > MAX_DEPTH {
            return Err(damaged());
        }
        let entries = node.get(12..).unwrap_or_default().chunks_exact(12).take(usize::from(count));
        for entry in entries {
            let block = Little.u32(entry, 0).ok_or_else(damaged)?;
            if let Some(below) = here.checked_sub(1) {
                let low = u64::from(Little.u32(entry, 4).ok_or_else(damaged)?);
                let high = u64::from(Little.u16(entry, 8).ok_or_else(damaged)?);
                let child = self.read(high << 32 | low)?;
                self.extents(&child, Some(below))?;
            } else {
                let len = Little.u16(entry, 4).ok_or_else(damaged)?;
                let high = u64::from(Little.u16(entry, 6).ok_or_else(damaged)?);
                let low = u64::from(Little.u32(entry, 8).ok_or_else(damaged)?);
                // Longer ones are reserved and not written: they read as zeros.
                let (count, from) = if len > 32768 {
                    (len.saturating_sub(32768), None)
                } else {
                    (len, Some(high << 32 | low))
                };
                self.push(u64::from(block), u64::from(count), from)?;
            }
        }
        Ok(())
    }

    /// Reads the addresses of ext2 and ext3: twelve blocks, then blocks of addresses one, two and three levels deep.
    fn addresses(&mut self, block: &[u8], len: u64) -> Result<(), DiskError> {
        let blocks = len.div_ceil(self.volume.block_size);
        let mut next = 0_u64;
        for (index, address) in block.chunks_exact(4).enumerate() {
            let level = u32::try_from(index.saturating_sub(11)).unwrap_or(0);
            let address = u64::from(Little.u32(address, 0).unwrap_or_default());
            self.level(address, level, &mut next, blocks)?;
        }
        Ok(())
    }

    fn level(&mut self, address: u64, level: u32, next: &mut u64, blocks: u64) -> Result<(), DiskError> {
        if *next >= blocks {
            return Ok(());
        }
        let per_block = self.volume.block_size / 4;
        if address == 0 {
            *next = next.saturating_add(per_block.saturating_pow(level));
            return Ok(());
        }
        let Some(below) = level.checked_sub(1) else {
            self.push(*next, 1, Some(address))?;
            *next = next.saturating_add(1);
            return Ok(());
        };
        let node = self.read(address)?;
        for address in node.chunks_exact(4) {
            self.level(u64::from(Little.u32(address, 0).unwrap_or_default()), below, next, blocks)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry as it lies before the values, of which its own is `len` bytes at `at`.
    fn entry(prefix: u8, name: &[u8], at: u16, inode: u32, len: u32) -> Vec<u8> {
        let mut entry = vec![u8::try_from(name.len()).unwrap(), prefix];
        entry.extend(at.to_le_bytes());
        entry.extend(inode.to_le_bytes());
        entry.extend(len.to_le_bytes());
        entry.extend([0; 4]);
        entry.extend(name);
        entry.resize(entry.len().next_multiple_of(4), 0);
        entry
    }

    /// Checks what is found of the capability in these entries, 200 bytes with the value `xy` at their end.
    #[track_caller]
    fn check(entries: &[Vec<u8>], want: Result<Option<&[u8]>, &str>) {
        let mut bytes = entries.concat();
        bytes.resize(200, 0);
        bytes[198..].copy_from_slice(b"xy");
        let found = attribute(&bytes, &bytes, SECURITY, b"capability").map_err(|error| error.to_string());
        match (&found, want) {
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (found, want) => assert_eq!(found.as_ref().ok().copied(), want.ok(), "{found:?}"),
        }
    }

    #[test]
    fn an_attribute_that_cannot_be_read_is_not_taken_for_none() {
        let capability = |at, inode, len| entry(SECURITY, b"capability", at, inode, len);
        check(&[entry(1, b"a", 0, 0, 0), capability(198, 0, 2)], Ok(Some(b"xy")));
        check(&[entry(1, b"capability", 0, 0, 0)], Ok(None));
        check(&[capability(198, 0, 3)], Err("make no sense"));
        check(&[capability(0, 12, 20)], Err("inode of its own"));
        // A name that reaches over the end, and a list without one.
        let mut long = entry(1, b"a", 0, 0, 0);
        long[0] = 250;
        check(&[long], Err("make no sense"));
        check(&[vec![1; 200]], Err("make no sense"));
        let full = [entry(1, b"abcd", 0, 0, 0)].concat();
        assert!(attribute(&full, &full, SECURITY, b"capability").is_err());
    }
}
