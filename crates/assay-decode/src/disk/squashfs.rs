//! Reads squashfs, version 4 ([format]).
//!
//! Everything is compressed, metadata in blocks of 8 KiB, files in blocks of up to 1 MiB, the ends of small files together in
//! fragments. Surprising: a number of an inode is the place of its block among the compressed ones and an offset in that block once it
//! is decompressed.
//!
//! [format]: https://docs.kernel.org/filesystems/squashfs.html

use crate::bytes::Endian::Little;
use crate::disk::cache::{BlockCache, at_most, copy};
use crate::disk::file_system::{FileSystem, FileSystemKind, MAX_TARGET, Node, NodeId, NodeKind, permitted};
use crate::disk::packed::{Packing, unpack};
use crate::disk::{DiskError, Shared, length, size};
use crate::read_at::ReadAt;
use std::io;
use std::sync::Arc;

const WHAT: &str = "the squashfs file system";
const METADATA: u64 = 8192;
const METADATA_CACHE: usize = 1 << 20;
const DATA_CACHE: usize = 4 << 20;
/// Blocks of one file: 4 GiB in the smallest blocks.
const MAX_BLOCKS: u64 = 1 << 20;
/// Bytes of one folder's names; a million have 30 MB.
const MAX_FOLDER: u64 = 512 << 20;
const NO_FRAGMENT: u32 = u32::MAX;
const NO_ATTRIBUTES: u32 = u32::MAX;
/// Attributes of one file that are looked at; a file has a handful. Where there are more, it is not known what is among them.
const MAX_ATTRIBUTES: u32 = 64;
/// The longest value that is read: one of a capability has at most 24 bytes.
const MAX_VALUE: u32 = 64 << 10;
const STORED: u32 = 1 << 24;
/// The attributes that begin with `security.`, and the flag of those whose value is kept once for several.
const SECURITY: u16 = 2;
const ELSEWHERE: u16 = 0x100;

/// An opened file system.
pub(crate) struct Squashfs {
    volume: Arc<Volume>,
    root: u64,
}

struct Volume {
    source: Shared,
    packing: Packing,
    block_size: u64,
    ids: u64,
    inodes: u64,
    folders: u64,
    fragments: u64,
    attributes: u64,
    metadata: BlockCache,
    data: BlockCache,
}

pub(crate) fn is_squashfs(source: &dyn ReadAt) -> bool {
    source.read_range(0, 96, 96).is_ok_and(|block| {
        block.starts_with(b"hsqs")
            && Little.u16(&block, 28) == Some(4)
            && Little.u32(&block, 12).is_some_and(u32::is_power_of_two)
    })
}

impl Squashfs {
    pub(crate) fn open(source: &Shared) -> Result<Self, DiskError> {
        let block = source.read_range(0, 96, 96).map_err(DiskError::reading(WHAT))?;
        let damaged = || DiskError::damaged(WHAT, "its superblock makes no sense");
        let packing = match Little.u16(&block, 20) {
            Some(1) => Packing::Zlib,
            Some(3) => Packing::Lzo,
            Some(4) => Packing::Xz,
            Some(5) => Packing::Lz4,
            Some(6) => Packing::Zstd,
            other => {
                let why = format!("its compression is number {}", other.unwrap_or_default());
                return Err(DiskError::unsupported(WHAT, why));
            }
        };
        let u64_at = |at| Little.u64(&block, at).ok_or_else(damaged);
        let block_size = Little.u32(&block, 12).map(u64::from).ok_or_else(damaged)?;
        if !(4096..=1 << 20).contains(&block_size) {
            return Err(damaged());
        }
        let root = u64_at(32)?;
        let volume = Volume {
            packing,
            block_size,
            ids: u64_at(48)?,
            inodes: u64_at(64)?,
            folders: u64_at(72)?,
            fragments: u64_at(80)?,
            attributes: u64_at(56)?,
            metadata: BlockCache::new(METADATA_CACHE),
            data: BlockCache::new(DATA_CACHE),
            source: Shared::clone(source),
        };
        Ok(Self { volume: Arc::new(volume), root })
    }
}

impl Volume {
    /// Returns the metadata block at `at`, and where the next one is.
    fn metadata(&self, at: u64) -> Result<(Arc<[u8]>, u64), DiskError> {
        let reading = DiskError::reading("the metadata of squashfs");
        let mut header = [0; 2];
        self.source.read_exact_at(at, &mut header).map_err(&reading)?;
        let header = u16::from_le_bytes(header);
        let (len, stored) = (u64::from(header & 0x7fff), header & 0x8000 != 0);
        let start = at.saturating_add(2);
        let block = self.metadata.get(at, || {
            let bytes = self.source.read_range(start, len, size(METADATA))?;
            if stored { Ok(bytes.into_owned()) } else { unpack(self.packing, &bytes, size(METADATA)) }
        });
        Ok((block.map_err(reading)?, start.saturating_add(len)))
    }

    /// Reads on from a place in metadata.
    fn cursor(&self, block: u64, offset: u64) -> Cursor<'_> {
        Cursor { volume: self, next: block, block: Arc::from([]), at: 0, skip: size(offset) }
    }

    /// Returns the eight bytes of a table's list of metadata blocks, and reads `len` bytes of the entry of that number.
    fn entry(&self, table: u64, number: u64, len: u64) -> Result<Vec<u8>, DiskError> {
        let per_block = METADATA.checked_div(len).unwrap_or(1);
        let index = number.checked_div(per_block).unwrap_or(0);
        let within = number.checked_rem(per_block).unwrap_or(0).saturating_mul(len);
        let mut place = [0; 8];
        let at = table.saturating_add(index.saturating_mul(8));
        self.source.read_exact_at(at, &mut place).map_err(DiskError::reading("a table of squashfs"))?;
        self.cursor(u64::from_le_bytes(place), within).take(size(len))
    }

    fn id(&self, number: u16) -> u32 {
        self.entry(self.ids, u64::from(number), 4).ok().and_then(|id| Little.u32(&id, 0)).unwrap_or_default()
    }

    fn inode(&self, id: NodeId) -> Result<Inode, DiskError> {
        let damaged = || DiskError::damaged("an inode of squashfs", "it makes no sense");
        let start = self.inodes.checked_add(id.number >> 16).ok_or_else(damaged)?;
        let mut cursor = self.cursor(start, id.number & 0xffff);
        let head = cursor.take(16)?;
        let fields = (|| {
            Some((Little.u16(&head, 0)?, Little.u16(&head, 2)?, Little.u16(&head, 4)?, Little.u16(&head, 6)?))
        })();
        let (kind, mode, uid, gid) = fields.ok_or_else(damaged)?;
        let node = |kind, size| Node {
            kind,
            mode: u32::from(mode) & 0o7777,
            uid: self.id(uid),
            gid: self.id(gid),
            size,
        };
        let mut inode =
            Inode { node: node(NodeKind::Other, 0), body: Body::Other, attributes: NO_ATTRIBUTES };
        match kind {
            1 | 8 => {
                let body = cursor.take(if kind == 1 { 16 } else { 24 })?;
                let fields = (|| {
                    Some(if kind == 1 {
                        (Little.u32(&body, 0)?, u32::from(Little.u16(&body, 8)?), Little.u16(&body, 10)?)
                    } else {
                        (Little.u32(&body, 8)?, Little.u32(&body, 4)?, Little.u16(&body, 18)?)
                    })
                })();
                let (block, len, offset) = fields.ok_or_else(damaged)?;
                // Three bytes stand for `.` and `..`.
                let len = u64::from(len).saturating_sub(3);
                inode.node = node(NodeKind::Folder, len);
                inode.body = Body::Folder { block: u64::from(block), offset: u64::from(offset) };
            }
            2 | 9 => {
                let body = cursor.take(if kind == 2 { 16 } else { 40 })?;
                let fields = (|| {
                    Some(if kind == 2 {
                        let start = u64::from(Little.u32(&body, 0)?);
                        let len = u64::from(Little.u32(&body, 12)?);
                        (start, len, Little.u32(&body, 4)?, Little.u32(&body, 8)?)
                    } else {
                        let (start, len) = (Little.u64(&body, 0)?, Little.u64(&body, 8)?);
                        (start, len, Little.u32(&body, 28)?, Little.u32(&body, 32)?)
                    })
                })();
                let (start, len, fragment, offset) = fields.ok_or_else(damaged)?;
                inode.node = node(NodeKind::File, len);
                // Only the longer form can have some.
                inode.attributes = Little.u32(&body, 36).unwrap_or(NO_ATTRIBUTES);
                inode.body = Body::File { start, fragment, offset, sizes: cursor.position() };
            }
            3 | 10 => {
                let body = cursor.take(8)?;
                let len = u64::from(Little.u32(&body, 4).ok_or_else(damaged)?);
                if len > MAX_TARGET {
                    return Err(DiskError::TooMuch { what: "a link", of: "bytes", limit: MAX_TARGET });
                }
                inode.node = node(NodeKind::Symlink, len);
                inode.body = Body::Symlink(cursor.take(size(len))?);
            }
            4..=7 | 11..=14 => {}
            _ => return Err(damaged()),
        }
        Ok(inode)
    }

    /// Returns the value of an extended attribute. Their table begins with the place of the attributes and how many there are.
    fn attribute(&self, number: u32, prefix: u16, wanted: &[u8]) -> Result<Option<Vec<u8>>, DiskError> {
        let damaged = || DiskError::damaged("the attributes of squashfs", "they make no sense");
        let mut start = [0; 8];
        let reading = DiskError::reading("the attributes of squashfs");
        self.source.read_exact_at(self.attributes, &mut start).map_err(reading)?;
        let start = u64::from_le_bytes(start);
        let entry = self.entry(self.attributes.saturating_add(16), u64::from(number), 16)?;
        let place = Little.u64(&entry, 0).ok_or_else(damaged)?;
        let count = Little.u32(&entry, 8).ok_or_else(damaged)?;
        let at = |place: u64| Some((start.checked_add(place >> 16)?, place & 0xffff));
        let (block, offset) = at(place).ok_or_else(damaged)?;
        let mut cursor = self.cursor(block, offset);
        for _ in 0..count.min(MAX_ATTRIBUTES) {
            let head = cursor.take(4)?;
            let kind = Little.u16(&head, 0).ok_or_else(damaged)?;
            let name = cursor.take(usize::from(Little.u16(&head, 2).ok_or_else(damaged)?))?;
            let value = cursor.value().ok_or_else(damaged)?;
            if kind & 0xff != prefix || name != wanted {
                continue;
            }
            if kind & ELSEWHERE == 0 {
                return Ok(Some(value));
            }
            let place = Little.u64(&value, 0).and_then(at).ok_or_else(damaged)?;
            return self.cursor(place.0, place.1).value().ok_or_else(damaged).map(Some);
        }
        if count > MAX_ATTRIBUTES {
            let limit = u64::from(MAX_ATTRIBUTES);
            return Err(DiskError::TooMuch { what: "a file of squashfs", of: "attributes", limit });
        }
        Ok(None)
    }

    /// Returns a block of data that lies at `at` in `stored` bytes, as an inode or the table of fragments says.
    fn block(&self, at: u64, stored: u32) -> io::Result<Arc<[u8]>> {
        let len = u64::from(stored & STORED.wrapping_sub(1));
        self.data.get(at, || {
            let bytes = self.source.read_range(at, len, size(self.block_size))?;
            if stored & STORED != 0 {
                Ok(bytes.into_owned())
            } else {
                unpack(self.packing, &bytes, size(self.block_size))
            }
        })
    }
}

struct Inode {
    node: Node,
    body: Body,
    /// The number of its extended attributes.
    attributes: u32,
}

enum Body {
    Folder { block: u64, offset: u64 },
    File { start: u64, fragment: u32, offset: u32, sizes: (u64, u64) },
    Symlink(Vec<u8>),
    Other,
}

/// A place in metadata, from which bytes are taken across blocks.
struct Cursor<'a> {
    volume: &'a Volume,
    /// Where the block after this one is.
    next: u64,
    block: Arc<[u8]>,
    /// Where the current block is.
    at: u64,
    /// Bytes of the block that are behind, or to be skipped once it is read.
    skip: usize,
}

impl Cursor<'_> {
    fn take(&mut self, count: usize) -> Result<Vec<u8>, DiskError> {
        let mut taken = Vec::new();
        while taken.len() < count {
            if self.skip >= self.block.len() {
                let behind = self.skip.saturating_sub(self.block.len());
                self.at = self.next;
                (self.block, self.next) = self.volume.metadata(self.at)?;
                self.skip = behind;
                if self.block.is_empty() {
                    return Err(DiskError::damaged(WHAT, "a block of metadata is empty"));
                }
                continue;
            }
            let rest = self.block.get(self.skip..).unwrap_or_default();
            let part = rest.get(..count.saturating_sub(taken.len())).unwrap_or(rest);
            taken.extend_from_slice(part);
            self.skip = self.skip.saturating_add(part.len());
        }
        Ok(taken)
    }

    /// Takes a value with its length before it; `None` when it is damaged or longer than any that is asked for.
    fn value(&mut self) -> Option<Vec<u8>> {
        let len = Little.u32(&self.take(4).ok()?, 0).filter(|len| *len <= MAX_VALUE)?;
        self.take(usize::try_from(len).ok()?).ok()
    }

    /// Returns block and offset at which the next byte is.
    fn position(&self) -> (u64, u64) {
        (self.at, length(self.skip))
    }
}

impl FileSystem for Squashfs {
    fn kind(&self) -> FileSystemKind {
        FileSystemKind::Squashfs
    }

    fn label(&self) -> &str {
        ""
    }

    fn uuid(&self) -> &str {
        ""
    }

    fn root(&self) -> NodeId {
        NodeId::of(self.root)
    }

    fn node(&self, id: NodeId) -> Result<Node, DiskError> {
        Ok(self.volume.inode(id)?.node)
    }

    fn capabilities(&self, id: NodeId) -> Result<u64, DiskError> {
        let number = self.volume.inode(id)?.attributes;
        if number == NO_ATTRIBUTES || self.volume.attributes == u64::MAX {
            return Ok(0);
        }
        let value = self.volume.attribute(number, SECURITY, b"capability")?;
        value.as_deref().map_or(Ok(0), permitted)
    }

    fn entries(&self, folder: NodeId, each: &mut dyn FnMut(&[u8], NodeId) -> bool) -> Result<(), DiskError> {
        let damaged = || DiskError::damaged("a folder of squashfs", "an entry of it makes no sense");
        let inode = self.volume.inode(folder)?;
        let Body::Folder { block, offset } = inode.body else { return Err(damaged()) };
        if inode.node.size > MAX_FOLDER {
            return Err(DiskError::TooMuch { what: "a folder of squashfs", of: "bytes", limit: MAX_FOLDER });
        }
        let mut left = size(inode.node.size);
        let mut cursor = self.volume.cursor(self.volume.folders.saturating_add(block), offset);
        while left > 0 {
            let head = cursor.take(12)?;
            left = left.checked_sub(12).ok_or_else(damaged)?;
            let count = Little.u32(&head, 0).filter(|count| *count < 256).ok_or_else(damaged)?;
            let block = u64::from(Little.u32(&head, 4).ok_or_else(damaged)?);
            for _ in 0..=count {
                let entry = cursor.take(8)?;
                let offset = u64::from(Little.u16(&entry, 0).ok_or_else(damaged)?);
                let name_len = usize::from(Little.u16(&entry, 6).ok_or_else(damaged)?).saturating_add(1);
                let name = cursor.take(name_len)?;
                left = left.checked_sub(name_len.saturating_add(8)).ok_or_else(damaged)?;
                if !each(&name, NodeId::of(block << 16 | offset)) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn link_target(&self, id: NodeId) -> Result<Vec<u8>, DiskError> {
        match self.volume.inode(id)?.body {
            Body::Symlink(target) => Ok(target),
            _ => Err(DiskError::damaged(WHAT, "what should be a symbolic link is none")),
        }
    }

    fn open(&self, id: NodeId) -> Result<Box<dyn ReadAt>, DiskError> {
        let inode = self.volume.inode(id)?;
        let Body::File { start, fragment, offset, sizes } = inode.body else {
            return Err(DiskError::damaged(WHAT, "what should be a file is none"));
        };
        let (len, block_size) = (inode.node.size, self.volume.block_size);
        let whole = len.checked_div(block_size).unwrap_or(0);
        let count = if fragment == NO_FRAGMENT { len.div_ceil(block_size) } else { whole };
        if count > MAX_BLOCKS {
            return Err(DiskError::TooMuch { what: "a file of squashfs", of: "blocks", limit: MAX_BLOCKS });
        }
        let sizes = self.volume.cursor(sizes.0, sizes.1).take(size(count.saturating_mul(4)))?;
        let (mut blocks, mut at) = (Vec::new(), start);
        for stored in sizes.chunks_exact(4) {
            let stored = Little.u32(stored, 0).unwrap_or_default();
            blocks.push((at, stored));
            at = at.saturating_add(u64::from(stored & STORED.wrapping_sub(1)));
        }
        let tail = if fragment == NO_FRAGMENT {
            None
        } else {
            let entry = self.volume.entry(self.volume.fragments, u64::from(fragment), 16)?;
            let (at, stored) = (Little.u64(&entry, 0), Little.u32(&entry, 8));
            Some((at.unwrap_or_default(), stored.unwrap_or_default(), u64::from(offset)))
        };
        Ok(Box::new(Content { volume: Arc::clone(&self.volume), len, blocks, tail }))
    }
}

/// The bytes of a file.
struct Content {
    volume: Arc<Volume>,
    len: u64,
    /// Where each block is, and how long as stored.
    blocks: Vec<(u64, u32)>,
    /// The fragment, and where in it the end of the file is.
    tail: Option<(u64, u32, u64)>,
}

impl ReadAt for Content {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let block_size = self.volume.block_size;
        let within = offset.checked_rem(block_size).unwrap_or(0);
        let buf = at_most(buf, self.len.saturating_sub(offset));
        let buf = at_most(buf, block_size.saturating_sub(within));
        if buf.is_empty() {
            return Ok(0);
        }
        let damaged =
            || io::Error::from(DiskError::damaged("a file of squashfs", "a block of it is too short"));
        let index = size(offset.checked_div(block_size).unwrap_or(0));
        let copied = match (self.blocks.get(index), self.tail) {
            (Some((_, 0)), _) => {
                buf.fill(0);
                buf.len()
            }
            (Some((at, stored)), _) => {
                let block = self.volume.block(*at, *stored)?;
                copy(block.get(size(within)..).unwrap_or_default(), buf)
            }
            (None, Some((at, stored, start))) => {
                let block = self.volume.block(at, stored)?;
                copy(block.get(size(start.saturating_add(within))..).unwrap_or_default(), buf)
            }
            (None, None) => 0,
        };
        if copied == 0 { Err(damaged()) } else { Ok(copied) }
    }
}
