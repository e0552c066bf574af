//! Reads Btrfs that lies on one device ([on-disk format]).
//!
//! All is in trees of one kind, addressed by logical addresses that a tree of chunks translates. Surprising things:
//! - A folder may hold another subvolume; walking goes on in that one's tree.
//! - Which subvolume is mounted at `/` is a setting: the default subvolume, unless fstab(5) says `subvol=`.
//! - Files may be compressed piece by piece, each with its own method.
//! - The log tree (what was synced since the last commit) is not read.
//!
//! [on-disk format]: https://btrfs.readthedocs.io/en/latest/dev/On-disk-format.html

mod content;
mod tree;

use crate::bytes::{Endian::Little, array, until_nul};
use crate::disk::file_system::{FileSystem, FileSystemKind, Node, NodeId, permitted};
use crate::disk::{DiskError, Shared, uuid_text};
use crate::read_at::ReadAt;
use std::ops::ControlFlow;
use std::sync::Arc;
use tree::{Chunk, Key, Trees};

const WHAT: &str = "the btrfs file system";
const SUPERBLOCK: u64 = 65536;
const SUPERBLOCK_LEN: u64 = 4096;

/// Objects and types of keys (on-disk format, "Keys").
const ROOT_TREE_FOLDER: u64 = 6;
const FILE_TREE: u64 = 5;
const FIRST_NUMBER: u64 = 256;
const INODE_ITEM: u8 = 1;
const XATTR_ITEM: u8 = 24;
const DIR_ITEM: u8 = 84;
const DIR_INDEX: u8 = 96;
const EXTENT_DATA: u8 = 108;
const ROOT_ITEM: u8 = 132;
const CHUNK_ITEM: u8 = 228;

/// Features of which all that is here understood: mixed references, default subvolume, mixed groups, LZO, Zstandard, large
/// metadata, wide references, RAID over many devices, skinny metadata, no holes, metadata UUID.
const INCOMPAT_KNOWN: u64 = 0x7ff;
/// An older tree of extents; nothing of it is read.
const INCOMPAT_EXTENT_TREE_2: u64 = 1 << 13;
const INCOMPAT_IGNORED: u64 = 1 << 12 | 1 << 14 | 1 << 16;

/// Bytes before the name in an entry of a folder, and likewise in an extended attribute.
const ENTRY_LEN: usize = 30;

/// An opened file system.
pub(crate) struct Btrfs {
    trees: Arc<Trees>,
    root: NodeId,
    label: String,
    uuid: String,
}

pub(crate) fn is_btrfs(source: &dyn ReadAt) -> bool {
    source.read_range(SUPERBLOCK + 64, 8, 8).is_ok_and(|magic| *magic == b"_BHRfS_M"[..])
}

impl Btrfs {
    pub(crate) fn open(source: &Shared) -> Result<Self, DiskError> {
        let damaged = || DiskError::damaged(WHAT, "its superblock makes no sense");
        let block = source.read_range(SUPERBLOCK, SUPERBLOCK_LEN, 4096).map_err(DiskError::reading(WHAT))?;
        let u64_at = |at| Little.u64(&block, at).ok_or_else(damaged);
        let u32_at = |at| Little.u32(&block, at).ok_or_else(damaged);
        let incompat = u64_at(188)?;
        if incompat & INCOMPAT_EXTENT_TREE_2 != 0 || incompat & !(INCOMPAT_KNOWN | INCOMPAT_IGNORED) != 0 {
            return Err(DiskError::unsupported(WHAT, format!("it has unknown features ({incompat:#x})")));
        }
        let (node_size, sector) = (u64::from(u32_at(148)?), u64::from(u32_at(144)?));
        if !node_size.is_power_of_two() || !(4096..=65536).contains(&node_size) || sector == 0 {
            return Err(damaged());
        }
        let array_len = usize::try_from(u32_at(160)?).unwrap_or(usize::MAX).min(2048);
        let array_of_chunks = block.get(811..).and_then(|rest| rest.get(..array_len)).ok_or_else(damaged)?;
        let device = u64_at(201)?;
        let mut trees = Trees::new(Shared::clone(source), node_size, device);
        trees.chunks = tree::system_chunks(array_of_chunks, device).ok_or_else(damaged)?;
        let chunk_root = u64_at(88)?;
        let mut chunks = Vec::new();
        trees.visit(chunk_root, Key::new(0, 0, 0), &mut |key, data| {
            if key.kind == CHUNK_ITEM {
                chunks.extend(Chunk::parse(key.offset, data, device));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        chunks.sort_by_key(|chunk| chunk.logical);
        trees.chunks = chunks;
        trees.root_tree = u64_at(80)?;
        let trees = Arc::new(trees);
        let label = until_nul(block.get(299..555).unwrap_or_default());
        let mut file_system = Self {
            trees,
            root: NodeId { tree: FILE_TREE, number: FIRST_NUMBER },
            label: String::from_utf8_lossy(label).into_owned(),
            uuid: array(&block, 32).map(|bytes| uuid_text(&bytes)).unwrap_or_default(),
        };
        file_system.root = NodeId { tree: file_system.default_tree()?, number: FIRST_NUMBER };
        Ok(file_system)
    }

    /// Returns the subvolume that is mounted when none is named.
    fn default_tree(&self) -> Result<u64, DiskError> {
        let mut found = FILE_TREE;
        let first = Key::new(ROOT_TREE_FOLDER, DIR_ITEM, 0);
        self.trees.visit(self.trees.root_tree, first, &mut |key, data| {
            if (key.object, key.kind) > (ROOT_TREE_FOLDER, DIR_ITEM) {
                return Ok(ControlFlow::Break(()));
            }
            for entry in folder_entries(data) {
                if entry.name == b"default" {
                    found = entry.location.object;
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Returns the logical address of a subvolume's tree.
    fn tree(&self, tree: u64) -> Result<u64, DiskError> {
        self.trees.tree(tree)
    }
}

/// A name in a folder.
struct Entry<'a> {
    location: Key,
    name: &'a [u8],
    /// The value, of an extended attribute.
    data: &'a [u8],
}

/// Returns the entries of one item, of a folder or of extended attributes: several when their names have the same hash.
fn folder_entries(mut data: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    std::iter::from_fn(move || {
        let location = Key::parse(data)?;
        let data_len = usize::from(Little.u16(data, 25)?);
        let name_len = usize::from(Little.u16(data, 27)?);
        let (name, rest) = data.get(ENTRY_LEN..)?.split_at_checked(name_len)?;
        let (value, rest) = rest.split_at_checked(data_len).unwrap_or_default();
        data = rest;
        Some(Entry { location, name, data: value })
    })
}

impl FileSystem for Btrfs {
    fn kind(&self) -> FileSystemKind {
        FileSystemKind::Btrfs
    }

    fn label(&self) -> &str {
        &self.label
    }

    fn uuid(&self) -> &str {
        &self.uuid
    }

    fn root(&self) -> NodeId {
        self.root
    }

    fn part(&self, name: &str) -> Option<NodeId> {
        if let Ok(tree) = name.parse::<u64>() {
            self.tree(tree).ok()?;
            return Some(NodeId { tree, number: FIRST_NUMBER });
        }
        // Paths of subvolumes count from the top, whatever the default is.
        let mut at = NodeId { tree: FILE_TREE, number: FIRST_NUMBER };
        for part in name.split('/').filter(|part| !part.is_empty()) {
            let mut found = None;
            self.entries(at, &mut |name, id| {
                found = (name == part.as_bytes()).then_some(id);
                found.is_none()
            })
            .ok()?;
            at = found?;
        }
        Some(at)
    }

    fn node(&self, id: NodeId) -> Result<Node, DiskError> {
        let wanted = Key::new(id.number, INODE_ITEM, 0);
        let mut found = None;
        self.trees.visit(self.tree(id.tree)?, wanted, &mut |key, data| {
            if key == wanted {
                found = (|| {
                    let (uid, gid) = (Little.u32(data, 44)?, Little.u32(data, 48)?);
                    Some(Node::from_mode(Little.u32(data, 52)?, uid, gid, Little.u64(data, 16)?))
                })();
            }
            Ok(ControlFlow::Break(()))
        })?;
        found.ok_or_else(|| DiskError::damaged(WHAT, format!("there is no inode {}", id.number)))
    }

    fn capabilities(&self, id: NodeId) -> Result<u64, DiskError> {
        let mut found = 0;
        let first = Key::new(id.number, XATTR_ITEM, 0);
        self.trees.visit(self.tree(id.tree)?, first, &mut |key, data| {
            if (key.object, key.kind) != (id.number, XATTR_ITEM) {
                return Ok(ControlFlow::Break(()));
            }
            let mut len = 0_usize;
            for entry in folder_entries(data) {
                let entry_len = ENTRY_LEN.saturating_add(entry.name.len()).saturating_add(entry.data.len());
                len = len.saturating_add(entry_len);
                if entry.name == b"security.capability" {
                    found |= permitted(entry.data)?;
                }
            }
            if len != data.len() {
                return Err(DiskError::damaged(
                    "the attributes of a file of btrfs",
                    "one of them is cut off",
                ));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    fn entries(&self, folder: NodeId, each: &mut dyn FnMut(&[u8], NodeId) -> bool) -> Result<(), DiskError> {
        let first = Key::new(folder.number, DIR_INDEX, 0);
        self.trees.visit(self.tree(folder.tree)?, first, &mut |key, data| {
            if (key.object, key.kind) != (folder.number, DIR_INDEX) {
                return Ok(ControlFlow::Break(()));
            }
            for entry in folder_entries(data) {
                let id = if entry.location.kind == ROOT_ITEM {
                    NodeId { tree: entry.location.object, number: FIRST_NUMBER }
                } else {
                    NodeId { tree: folder.tree, number: entry.location.object }
                };
                if !each(entry.name, id) {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn link_target(&self, id: NodeId) -> Result<Vec<u8>, DiskError> {
        let content = self.open(id)?;
        let target = content.read_range(0, content.len(), 4096);
        Ok(target.map_err(DiskError::reading("a symbolic link"))?.into_owned())
    }

    fn open(&self, id: NodeId) -> Result<Box<dyn ReadAt>, DiskError> {
        let len = self.node(id)?.size;
        Ok(Box::new(content::open(&self.trees, self.tree(id.tree)?, id.number, len)?))
    }
}
