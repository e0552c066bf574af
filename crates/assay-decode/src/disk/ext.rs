//! Reads ext2, ext3 and ext4 ([kernel documentation]).
//!
//! Surprising things:
//! - Folders with an index are read like those without: the index hides in entries that name nothing.
//! - A small file, folder or link may lie inside its inode, its tail among the inode's extended attributes.
//! - A disk copied while its machine ran has changes that are only in the journal. They are read from there: blocks whose
//!   transaction was completed are taken from the journal (see the module `journal`).
//!
//! [kernel documentation]: https://docs.kernel.org/filesystems/ext4/

mod inode;
mod journal;

use crate::bytes::{Endian::Little, array, until_nul};
use crate::disk::cache::Cached;
use crate::disk::file_system::{FileSystem, FileSystemKind, MAX_TARGET, Node, NodeId, permitted};
use crate::disk::{DiskError, Shared, length, size, uuid_text};
use crate::read_at::ReadAt;
use inode::Inode;
use std::sync::Arc;

const WHAT: &str = "the ext file system";
const SUPERBLOCK: u64 = 1024;
const MAGIC: u16 = 0xef53;
const ROOT: u64 = 2;
/// Bytes of inode tables and folders held.
const CACHE: usize = 2 << 20;
/// Bytes of one folder; Linux makes none larger than 2 GiB, and one of a million names has 40 MB.
const MAX_FOLDER: u64 = 1 << 30;

const INCOMPAT_COMPRESSION: u32 = 0x1;
const INCOMPAT_RECOVER: u32 = 0x4;
const INCOMPAT_JOURNAL_DEVICE: u32 = 0x8;
const INCOMPAT_META_BG: u32 = 0x10;
const INCOMPAT_64BIT: u32 = 0x80;
const INCOMPAT_DIRDATA: u32 = 0x1000;
const COMPAT_SPARSE_SUPER2: u32 = 0x200;
const RO_COMPAT_SPARSE_SUPER: u32 = 0x1;

/// An opened file system.
pub(crate) struct Ext {
    volume: Volume,
    label: String,
    uuid: String,
    caution: Option<&'static str>,
}

/// What is needed to find inodes and blocks.
struct Volume {
    /// The blocks, those of the journal in place.
    source: Shared,
    tables: Cached,
    block_size: u64,
    first_block: u64,
    blocks_per_group: u64,
    inodes_per_group: u64,
    inodes: u64,
    inode_size: u64,
    descriptor_size: u64,
    incompat: u32,
    compat: u32,
    ro_compat: u32,
    first_meta_group: u64,
    backup_groups: [u64; 2],
}

/// Returns whether `source` has a superblock of ext that makes sense.
pub(crate) fn is_ext(source: &dyn ReadAt) -> bool {
    let Ok(block) = source.read_range(SUPERBLOCK, 128, 128) else { return false };
    Little.u16(&block, 56) == Some(MAGIC)
        && Little.u32(&block, 24).is_some_and(|log| log <= 6)
        && Little.u32(&block, 40).is_some_and(|inodes| inodes > 0)
        && Little.u32(&block, 32).is_some_and(|blocks| blocks > 0)
}

impl Ext {
    pub(crate) fn open(source: &Shared) -> Result<Self, DiskError> {
        let damaged = || DiskError::damaged(WHAT, "its superblock makes no sense");
        let block = source.read_range(SUPERBLOCK, 1024, 1024).map_err(DiskError::reading(WHAT))?;
        let u32_at = |at| Little.u32(&block, at).ok_or_else(damaged);
        let incompat = u32_at(96)?;
        let refused = INCOMPAT_COMPRESSION | INCOMPAT_JOURNAL_DEVICE | INCOMPAT_DIRDATA;
        if incompat & refused != 0 {
            return Err(DiskError::unsupported(WHAT, format!("it has features of the set {incompat:#x}")));
        }
        let block_size =
            1024_u64.checked_shl(u32_at(24)?).filter(|size| *size <= 65536).ok_or_else(damaged)?;
        // Revision 0 has neither a size of inodes nor features.
        let inode_size =
            if u32_at(76)? == 0 { 128 } else { u64::from(Little.u16(&block, 88).ok_or_else(damaged)?) };
        let descriptor_size = if incompat & INCOMPAT_64BIT != 0 {
            u64::from(Little.u16(&block, 254).ok_or_else(damaged)?)
        } else {
            32
        };
        if !(128..=block_size).contains(&inode_size) || !(32..=1024).contains(&descriptor_size) {
            return Err(damaged());
        }
        let per_group = (u64::from(u32_at(32)?), u64::from(u32_at(40)?));
        if per_group.0 == 0 || per_group.1 == 0 {
            return Err(damaged());
        }
        let label = until_nul(block.get(120..136).unwrap_or_default());
        let volume = |source: Shared| {
            Ok::<_, DiskError>(Volume {
                tables: Cached::new(Shared::clone(&source), CACHE),
                source,
                block_size,
                first_block: u64::from(u32_at(20)?),
                blocks_per_group: per_group.0,
                inodes_per_group: per_group.1,
                inodes: u64::from(u32_at(0)?),
                inode_size,
                descriptor_size,
                incompat,
                compat: u32_at(92)?,
                ro_compat: u32_at(100)?,
                first_meta_group: u64::from(u32_at(260)?),
                backup_groups: [u64::from(u32_at(588)?), u64::from(u32_at(592)?)],
            })
        };
        let mut caution = None;
        let mut replayed = volume(Shared::clone(source))?;
        if incompat & INCOMPAT_RECOVER != 0 {
            match journal::replay(&replayed, u64::from(u32_at(224)?)) {
                Ok(Some(blocks)) => replayed = volume(blocks)?,
                Ok(None) => {}
                Err(_) => {
                    caution = Some(
                        "it was in use when the disk was copied and its journal cannot be read: the last changes are missing",
                    );
                }
            }
        }
        Ok(Self {
            label: String::from_utf8_lossy(label).into_owned(),
            uuid: array(&block, 104).map(|bytes| uuid_text(&bytes)).unwrap_or_default(),
            caution,
            volume: replayed,
        })
    }

    fn inode(&self, id: NodeId) -> Result<Inode, DiskError> {
        self.volume.inode(id.number)
    }
}

impl Volume {
    /// Returns the block in which a group's descriptor lies, and where in it.
    fn descriptor(&self, group: u64) -> u64 {
        let per_block = self.block_size.checked_div(self.descriptor_size).unwrap_or(1).max(1);
        let meta_group = group.checked_div(per_block).unwrap_or(0);
        let within = group.checked_rem(per_block).unwrap_or(0).saturating_mul(self.descriptor_size);
        let block = if self.incompat & INCOMPAT_META_BG == 0 || meta_group < self.first_meta_group {
            self.superblock_block().saturating_add(1).saturating_add(meta_group)
        } else {
            // Every set of groups begins with the block of its own descriptors, behind a copy of the superblock if there is one.
            let first = meta_group.saturating_mul(per_block);
            let start = self.first_block.saturating_add(first.saturating_mul(self.blocks_per_group));
            // In blocks of 1 KiB the superblock is the second one, also where groups begin with the first (bigalloc).
            let shifted = first == 0 && self.superblock_block() > self.first_block;
            let before = u64::from(self.has_superblock(first)).saturating_add(u64::from(shifted));
            start.saturating_add(before)
        };
        block.saturating_mul(self.block_size).saturating_add(within)
    }

    /// Returns the block that the superblock is in: it always is 1 KiB behind the beginning.
    fn superblock_block(&self) -> u64 {
        SUPERBLOCK.checked_div(self.block_size).unwrap_or(0)
    }

    fn has_superblock(&self, group: u64) -> bool {
        if group == 0 {
            return true;
        }
        if self.compat & COMPAT_SPARSE_SUPER2 != 0 {
            return self.backup_groups.contains(&group);
        }
        if self.ro_compat & RO_COMPAT_SPARSE_SUPER == 0 || group == 1 {
            return true;
        }
        let is_power = |base: u64| {
            let mut power = base;
            while power < group {
                power = power.saturating_mul(base);
            }
            power == group
        };
        is_power(3) || is_power(5) || is_power(7)
    }

    fn inode(&self, number: u64) -> Result<Inode, DiskError> {
        let index = number
            .checked_sub(1)
            .filter(|_| number <= self.inodes)
            .ok_or_else(|| DiskError::damaged(WHAT, format!("there is no inode {number}")))?;
        let group = index.checked_div(self.inodes_per_group).unwrap_or(0);
        let within = index.checked_rem(self.inodes_per_group).unwrap_or(0);
        let reading = DiskError::reading("an inode");
        let at = self.descriptor(group);
        let descriptor = self.tables.read_range(at, self.descriptor_size, 1024).map_err(&reading)?;
        let low = u64::from(Little.u32(&descriptor, 8).unwrap_or_default());
        let high = u64::from(Little.u32(&descriptor, 40).unwrap_or_default());
        let table = (high << 32 | low).saturating_mul(self.block_size);
        let at = table.saturating_add(within.saturating_mul(self.inode_size));
        let bytes = self.tables.read_range(at, self.inode_size, 65536).map_err(reading)?;
        Inode::parse(bytes.into_owned())
    }
}

impl FileSystem for Ext {
    fn kind(&self) -> FileSystemKind {
        FileSystemKind::Ext
    }

    fn label(&self) -> &str {
        &self.label
    }

    fn uuid(&self) -> &str {
        &self.uuid
    }

    fn root(&self) -> NodeId {
        NodeId::of(ROOT)
    }

    fn caution(&self) -> Option<&'static str> {
        self.caution
    }

    fn node(&self, id: NodeId) -> Result<Node, DiskError> {
        Ok(self.inode(id)?.node)
    }

    fn capabilities(&self, id: NodeId) -> Result<u64, DiskError> {
        let value = self.inode(id)?.capability(&self.volume)?;
        value.as_deref().map_or(Ok(0), permitted)
    }

    fn entries(&self, folder: NodeId, each: &mut dyn FnMut(&[u8], NodeId) -> bool) -> Result<(), DiskError> {
        let inode = self.inode(folder)?;
        inode.readable()?;
        if let Some(inline) = inode.inline() {
            // The number of the parent comes first; names go on in the second part.
            let _ = names(inline.first.get(4..).unwrap_or_default(), each)? && names(&inline.rest, each)?;
            return Ok(());
        }
        let content = inode.content(&self.volume)?;
        let len = content.len();
        if len > MAX_FOLDER {
            return Err(DiskError::TooMuch { what: "a folder", of: "bytes", limit: MAX_FOLDER });
        }
        let mut at = 0_u64;
        let mut block = vec![0; size(self.volume.block_size)];
        while at < len {
            // A folder has no holes, but for a length that is not true.
            if let Some(place) = content.place(at, self.volume.block_size) {
                let read = self.volume.source.read_exact_at(place, &mut block);
                read.map_err(DiskError::reading("a folder"))?;
                if !names(&block, each)? {
                    return Ok(());
                }
            }
            at = at.saturating_add(self.volume.block_size);
        }
        Ok(())
    }

    fn link_target(&self, id: NodeId) -> Result<Vec<u8>, DiskError> {
        let inode = self.inode(id)?;
        inode.readable()?;
        if let Some(target) = inode.fast_link() {
            return Ok(target);
        }
        let content = inode.content(&self.volume)?;
        let target = content.read_range(0, content.len(), size(MAX_TARGET));
        Ok(target.map_err(DiskError::reading("a symbolic link"))?.into_owned())
    }

    fn open(&self, id: NodeId) -> Result<Box<dyn ReadAt>, DiskError> {
        let inode = self.inode(id)?;
        inode.readable()?;
        Ok(Box::new(inode.content(&self.volume)?))
    }
}

/// Gives the names in a block of a folder; false when `each` wants no more.
fn names(mut block: &[u8], each: &mut dyn FnMut(&[u8], NodeId) -> bool) -> Result<bool, DiskError> {
    let block_len = block.len();
    while block.len() >= 8 {
        let damaged = || DiskError::damaged("a folder", "an entry of it makes no sense");
        let number = Little.u32(block, 0).ok_or_else(damaged)?;
        let len = match Little.u16(block, 4).ok_or_else(damaged)? {
            // The only entry of a block of 64 KiB.
            0 | 0xffff if block_len == 65536 => block_len,
            // Without names: the rest of a folder inside an inode, or a hole.
            0 if number == 0 => return Ok(true),
            len => usize::from(len),
        };
        let name_len = usize::from(block.get(6).copied().ok_or_else(damaged)?);
        if len < 8 || len > block.len() || length(name_len.saturating_add(8)) > length(len) && number != 0 {
            return Err(damaged());
        }
        if number != 0 {
            let name = block.get(8..).and_then(|rest| rest.get(..name_len)).ok_or_else(damaged)?;
            if !matches!(name, b"." | b"..") && !each(name, NodeId::of(u64::from(number))) {
                return Ok(false);
            }
        }
        block = block.get(len..).unwrap_or_default();
    }
    Ok(true)
}

/// Blocks of a file system some of which are replaced by others.
struct Patched {
    source: Shared,
    block_size: u64,
    /// By block: the one that holds its newer content, and whether its first four bytes were changed for the journal.
    newer: std::collections::HashMap<u64, journal::Newer>,
}

impl ReadAt for Patched {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        let block = offset.checked_div(self.block_size).unwrap_or(0);
        let within = offset.checked_rem(self.block_size).unwrap_or(0);
        let buf = crate::disk::cache::at_most(buf, self.block_size.saturating_sub(within));
        let Some(newer) = self.newer.get(&block) else { return self.source.read_at(offset, buf) };
        let at = newer.block.saturating_mul(self.block_size).saturating_add(within);
        let read = self.source.read_at(at, buf)?;
        if newer.escaped {
            for (byte, value) in (within..4).zip(buf.iter_mut().take(read)) {
                let magic = journal::MAGIC.to_be_bytes();
                *value = magic.get(size(byte)).copied().unwrap_or(*value);
            }
        }
        Ok(read)
    }
}

impl Patched {
    fn shared(volume: &Volume, newer: std::collections::HashMap<u64, journal::Newer>) -> Shared {
        Arc::new(Self { source: Shared::clone(&volume.source), block_size: volume.block_size, newer })
    }
}
