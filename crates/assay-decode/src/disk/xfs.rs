//! Reads XFS, versions 4 and 5 ([XFS Algorithms & Data Structures]).
//!
//! All numbers are big-endian. Surprising things:
//! - The number of an inode *is* its place: allocation group, block and slot in its bits. So are the numbers of blocks.
//! - A folder is small (inside its inode), or made of blocks of its own size; its index lies in the same file beyond 32 GiB and
//!   is not needed to list it.
//! - The log is not replayed: of a disk copied while in use, what was changed last may be missing. That is said.
//!
//! [XFS Algorithms & Data Structures]: https://mirrors.edge.kernel.org/pub/linux/utils/fs/xfs/docs/xfs_filesystem_structure.pdf

mod attributes;
mod extents;
mod folder;
mod log;

use crate::bytes::{Endian::Big, array, until_nul};
use crate::disk::cache::Cached;
use crate::disk::file_system::{FileSystem, FileSystemKind, MAX_TARGET, Node, NodeId, permitted};
use crate::disk::pieces::Pieces;
use crate::disk::{DiskError, Shared, length, size, uuid_text};
use crate::read_at::ReadAt;

const WHAT: &str = "the xfs file system";
const CACHE: usize = 2 << 20;

/// Features that change where things are, all of which are known: file types in folders, sparse inodes, a second identity,
/// times, "needs repair", large counters, exchanging ranges, parent pointers, a folder of metadata.
const INCOMPAT_KNOWN: u32 = 0x1ff;
const INCOMPAT_FILE_TYPE: u32 = 1;
/// The same in version 4.
const FEATURES2_FILE_TYPE: u32 = 0x200;
const FLAG_REALTIME: u16 = 1;
const FLAG2_LARGE_COUNTERS: u64 = 1 << 4;

/// An opened file system.
pub(crate) struct Xfs {
    volume: Volume,
    label: String,
    uuid: String,
    root: u64,
    caution: Option<&'static str>,
}

/// What is needed to find inodes and blocks.
pub(super) struct Volume {
    source: Shared,
    tables: Cached,
    block_size: u64,
    /// Bytes of a block of a folder.
    folder_block: u64,
    group_blocks: u64,
    groups: u64,
    inode_size: u64,
    per_block_log: u32,
    group_log: u32,
    version5: bool,
    file_type: bool,
}

/// An inode.
pub(super) struct Inode {
    node: Node,
    format: u8,
    /// The data fork: small contents, extents, or the root of a tree of these.
    fork: Vec<u8>,
    extents: u64,
    realtime: bool,
    /// The format of the fork of attributes, and its bytes; empty when there is none.
    attribute_format: u8,
    attributes: Vec<u8>,
    attribute_extents: u64,
}

pub(crate) fn is_xfs(source: &dyn ReadAt) -> bool {
    source.read_range(0, 128, 128).is_ok_and(|block| {
        block.starts_with(b"XFSB")
            && Big.u32(&block, 4).is_some_and(|size| size.is_power_of_two() && size <= 65536)
            && Big.u32(&block, 84).is_some_and(|blocks| blocks > 0)
    })
}

impl Xfs {
    pub(crate) fn open(source: &Shared) -> Result<Self, DiskError> {
        let damaged = || DiskError::damaged(WHAT, "its superblock makes no sense");
        let block = source.read_range(0, 512, 512).map_err(DiskError::reading(WHAT))?;
        let u32_at = |at| Big.u32(&block, at).ok_or_else(damaged);
        let u16_at = |at| Big.u16(&block, at).ok_or_else(damaged);
        let log_at = |at: usize| block.get(at).copied().map(u32::from).ok_or_else(damaged);
        let version5 = match u16_at(100)? & 0xf {
            4 => false,
            5 => true,
            other => return Err(DiskError::unsupported(WHAT, format!("it is of version {other}"))),
        };
        let incompat = if version5 { u32_at(216)? } else { 0 };
        if incompat & !INCOMPAT_KNOWN != 0 {
            return Err(DiskError::unsupported(WHAT, format!("it has unknown features ({incompat:#x})")));
        }
        let block_size = u64::from(u32_at(4)?);
        let inode_size = u64::from(u16_at(104)?);
        let (per_block_log, group_log, folder_log) = (log_at(123)?, log_at(124)?, log_at(192)?);
        let folder_block = block_size.checked_shl(folder_log).ok_or_else(damaged)?;
        if !block_size.is_power_of_two()
            || !(512..=65536).contains(&block_size)
            || !(256..=2048).contains(&inode_size)
            || inode_size > block_size
            || per_block_log > 8
            || group_log > 32
            || folder_log > 7
            || folder_block > 65536
        {
            return Err(damaged());
        }
        let label = until_nul(block.get(108..120).unwrap_or_default());
        let volume = Volume {
            tables: Cached::new(Shared::clone(source), CACHE),
            source: Shared::clone(source),
            block_size,
            folder_block,
            group_blocks: u64::from(u32_at(84)?),
            groups: u64::from(u32_at(88)?),
            inode_size,
            per_block_log,
            group_log,
            version5,
            file_type: if version5 {
                incompat & INCOMPAT_FILE_TYPE != 0
            } else {
                u32_at(200)? & FEATURES2_FILE_TYPE != 0
            },
        };
        let log_at = Big.u64(&block, 48).ok_or_else(damaged)?;
        let log_len = u64::from(u32_at(96)?).saturating_mul(block_size);
        let caution = volume.offset(log_at).filter(|_| log_at != 0).and_then(|at| {
            log::is_dirty(&volume.source, at, log_len).then_some(
                "it was in use when the disk was copied; its log is not replayed, and the last changes may be missing",
            )
        });
        Ok(Self {
            label: String::from_utf8_lossy(label).into_owned(),
            uuid: array(&block, 32).map(|bytes| uuid_text(&bytes)).unwrap_or_default(),
            root: Big.u64(&block, 56).ok_or_else(damaged)?,
            volume,
            caution,
        })
    }
}

impl Volume {
    /// Returns where a block is, by the number that extents use; `None` when there is no such block.
    fn offset(&self, block: u64) -> Option<u64> {
        let group = block.checked_shr(self.group_log)?;
        let within = block & 1_u64.checked_shl(self.group_log)?.wrapping_sub(1);
        if group >= self.groups || within >= self.group_blocks {
            return None;
        }
        group.checked_mul(self.group_blocks)?.checked_add(within)?.checked_mul(self.block_size)
    }

    fn inode(&self, number: u64) -> Result<Inode, DiskError> {
        let damaged = |why: String| DiskError::damaged("an inode of the xfs file system", why);
        let slot_mask = 1_u64.checked_shl(self.per_block_log).unwrap_or(1).wrapping_sub(1);
        let block = number.checked_shr(self.per_block_log).unwrap_or(0);
        let slot = (number & slot_mask).saturating_mul(self.inode_size);
        let at = self.offset(block).filter(|_| slot < self.block_size);
        let at = at.ok_or_else(|| damaged(format!("there is no inode {number}")))?.saturating_add(slot);
        let bytes = self
            .tables
            .read_range(at, self.inode_size, 2048)
            .map_err(DiskError::reading("an inode of the xfs file system"))?;
        Inode::parse(&bytes).ok_or_else(|| damaged(format!("number {number} makes no sense")))
    }
}

impl Inode {
    fn parse(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(b"IN") {
            return None;
        }
        let core = if *bytes.get(4)? >= 3 { 176_usize } else { 100 };
        let flags2 = if core == 176 { Big.u64(bytes, 120)? } else { 0 };
        let (extents, attribute_extents) = if flags2 & FLAG2_LARGE_COUNTERS != 0 {
            (Big.u64(bytes, 24)?, Big.u32(bytes, 76)?)
        } else {
            (u64::from(Big.u32(bytes, 76)?), u32::from(Big.u16(bytes, 80)?))
        };
        let fork = bytes.get(core..)?;
        // Behind it come extended attributes, where there are some.
        let (fork, attributes) = match usize::from(*bytes.get(82)?).checked_mul(8)? {
            0 => (fork, &[][..]),
            len => fork.split_at_checked(len)?,
        };
        let mode = u32::from(Big.u16(bytes, 2)?);
        Some(Self {
            node: Node::from_mode(mode, Big.u32(bytes, 8)?, Big.u32(bytes, 12)?, Big.u64(bytes, 56)?),
            format: *bytes.get(5)?,
            fork: fork.to_vec(),
            extents,
            realtime: Big.u16(bytes, 90)? & FLAG_REALTIME != 0,
            attribute_format: *bytes.get(83)?,
            attributes: attributes.to_vec(),
            attribute_extents: u64::from(attribute_extents),
        })
    }

    /// Returns what lies inside the inode.
    fn inside(&self) -> Option<&[u8]> {
        let len = size(self.node.size);
        (self.format == 1).then(|| self.fork.get(..len)).flatten()
    }

    /// Returns the bytes of a file, folder or link that do not lie inside.
    fn content(&self, volume: &Volume) -> Result<Pieces, DiskError> {
        if self.realtime {
            return Err(DiskError::unsupported(
                "a file of the xfs file system",
                "it is on a realtime device",
            ));
        }
        extents::content(self, volume)
    }
}

impl FileSystem for Xfs {
    fn kind(&self) -> FileSystemKind {
        FileSystemKind::Xfs
    }

    fn label(&self) -> &str {
        &self.label
    }

    fn uuid(&self) -> &str {
        &self.uuid
    }

    fn root(&self) -> NodeId {
        NodeId::of(self.root)
    }

    fn caution(&self) -> Option<&'static str> {
        self.caution
    }

    fn node(&self, id: NodeId) -> Result<Node, DiskError> {
        Ok(self.volume.inode(id.number)?.node)
    }

    fn capabilities(&self, id: NodeId) -> Result<u64, DiskError> {
        let values = attributes::capability(&self.volume.inode(id.number)?, &self.volume)?;
        values.iter().try_fold(0, |all, value| Ok(all | permitted(value)?))
    }

    fn entries(&self, folder: NodeId, each: &mut dyn FnMut(&[u8], NodeId) -> bool) -> Result<(), DiskError> {
        folder::entries(&self.volume.inode(folder.number)?, &self.volume, each)
    }

    fn link_target(&self, id: NodeId) -> Result<Vec<u8>, DiskError> {
        let inode = self.volume.inode(id.number)?;
        if let Some(inside) = inode.inside() {
            return Ok(inside.to_vec());
        }
        let reading = DiskError::reading("a symbolic link");
        let content = inode.content(&self.volume)?;
        let len = inode.node.size.min(MAX_TARGET);
        if !self.volume.version5 {
            return Ok(content.read_range(0, len, size(MAX_TARGET)).map_err(reading)?.into_owned());
        }
        // In version 5 every block of a target has a header of 56 bytes.
        let (mut target, mut at) = (Vec::new(), 0_u64);
        while length(target.len()) < len {
            let block_size = self.volume.block_size;
            let damaged = || DiskError::damaged("a symbolic link", "a block of it is missing");
            let place = content.place(at, block_size).ok_or_else(damaged)?;
            let block =
                self.volume.source.read_range(place, block_size, size(block_size)).map_err(&reading)?;
            let part = block.get(56..).filter(|_| block.starts_with(b"XSLM"));
            let part = part.ok_or_else(|| DiskError::damaged("a symbolic link", "its block is another's"))?;
            target.extend_from_slice(part);
            at = at.saturating_add(block_size);
        }
        target.truncate(size(len));
        Ok(target)
    }

    fn open(&self, id: NodeId) -> Result<Box<dyn ReadAt>, DiskError> {
        let inode = self.volume.inode(id.number)?;
        match inode.inside() {
            Some(inside) => Ok(Box::new(inside.to_vec())),
            None => Ok(Box::new(inode.content(&self.volume)?)),
        }
    }
}
