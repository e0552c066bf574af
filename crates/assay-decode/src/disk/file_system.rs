//! What every file system looks like from outside: nodes with numbers, folders of names, files read at any offset.

use crate::capability;
use crate::disk::{DiskError, Shared, btrfs, ext, fat, squashfs, xfs};
use crate::read_at::ReadAt;
use std::fmt;

/// The kind of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileSystemKind {
    /// ext2, ext3 or ext4.
    Ext,
    /// XFS, versions 4 and 5.
    Xfs,
    /// Btrfs on one device.
    Btrfs,
    /// Squashfs, version 4.
    Squashfs,
    /// FAT12, FAT16 or FAT32.
    Fat,
}

impl fmt::Display for FileSystemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ext => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
            Self::Squashfs => "squashfs",
            Self::Fat => "fat",
        })
    }
}

/// Names a node of one file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId {
    /// The tree, where a file system has several (subvolumes); otherwise 0.
    pub tree: u64,
    /// Its number there.
    pub number: u64,
}

impl NodeId {
    pub(crate) fn of(number: u64) -> Self {
        Self { tree: 0, number }
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink,
    /// A device, pipe or socket.
    Other,
}

/// What is known of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The permission bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Its length in bytes, as claimed.
    pub size: u64,
}

impl Node {
    /// Makes a node of a mode as `stat(2)` gives it.
    pub(crate) fn from_mode(mode: u32, uid: u32, gid: u32, size: u64) -> Self {
        let kind = match mode & 0o170_000 {
            0o100_000 => NodeKind::File,
            0o040_000 => NodeKind::Folder,
            0o120_000 => NodeKind::Symlink,
            _ => NodeKind::Other,
        };
        Self { kind, mode: mode & 0o7777, uid, gid, size }
    }
}

/// Returns the capabilities that the value of a file's attribute permits. One that says nothing is no proof that there are none: Linux does
/// not execute such a file.
pub(crate) fn permitted(value: impl AsRef<[u8]>) -> Result<u64, DiskError> {
    let damaged = || DiskError::damaged("the attribute `security.capability` of a file", "it is cut off");
    capability::permitted(value.as_ref()).ok_or_else(damaged)
}

/// A file system that can be read, from several threads at once.
///
/// Nothing is remembered of where a caller has been: one that walks must bound how deep and how much, and notice folders that
/// contain themselves. Names are the disk's word; they may be `..` or hold slashes.
pub trait FileSystem: Send + Sync {
    /// Returns its kind.
    fn kind(&self) -> FileSystemKind;

    /// Returns its label, empty when it has none.
    fn label(&self) -> &str;

    /// Returns its identity as `UUID=` in fstab(5) names it, in lower case; empty when it has none.
    fn uuid(&self) -> &str;

    /// Returns the root folder.
    fn root(&self) -> NodeId;

    /// Returns what may be wrong with all that is read: that it was not unmounted cleanly.
    fn caution(&self) -> Option<&'static str> {
        None
    }

    /// Returns the root of a part that can be mounted by itself: Btrfs's `subvol=` or `subvolid=`.
    fn part(&self, _name: &str) -> Option<NodeId> {
        None
    }

    /// Looks at a node.
    ///
    /// # Errors
    /// Fails when there is none of that number, or it is damaged.
    fn node(&self, id: NodeId) -> Result<Node, DiskError>;

    /// Returns the capabilities that executing a file permits, a bit each (capabilities(7)); 0 where it has none, and where file systems of
    /// this kind keep none.
    ///
    /// # Errors
    /// Fails when the attributes of the file are damaged, or too many to be read: what capabilities it has is then not known.
    fn capabilities(&self, _id: NodeId) -> Result<u64, DiskError> {
        Ok(0)
    }

    /// Calls `each` for every name in a folder, but for `.` and `..`, in the order of the disk, until it returns false.
    ///
    /// # Errors
    /// Fails when it is no folder, or at the first damage; the names before it have been given.
    fn entries(&self, folder: NodeId, each: &mut dyn FnMut(&[u8], NodeId) -> bool) -> Result<(), DiskError>;

    /// Returns the target of a symbolic link.
    ///
    /// # Errors
    /// Fails when it is none, or is damaged.
    fn link_target(&self, id: NodeId) -> Result<Vec<u8>, DiskError>;

    /// Opens a regular file. Its holes read as zeros.
    ///
    /// # Errors
    /// Fails when it is none, or what says where its bytes are is damaged.
    fn open(&self, id: NodeId) -> Result<Box<dyn ReadAt>, DiskError>;
}

/// The longest target of a symbolic link that is followed, in bytes (`PATH_MAX`).
pub(crate) const MAX_TARGET: u64 = 4096;

/// Says which file system `source` begins with, by its signature and the plausibility of what follows.
pub fn recognise_file_system(source: &dyn ReadAt) -> Option<FileSystemKind> {
    if xfs::is_xfs(source) {
        Some(FileSystemKind::Xfs)
    } else if squashfs::is_squashfs(source) {
        Some(FileSystemKind::Squashfs)
    } else if btrfs::is_btrfs(source) {
        Some(FileSystemKind::Btrfs)
    } else if ext::is_ext(source) {
        Some(FileSystemKind::Ext)
    } else if fat::is_fat(source) {
        Some(FileSystemKind::Fat)
    } else {
        None
    }
}

/// Opens the file system in `source`.
///
/// # Errors
/// Fails when there is none that is known, or its superblock is damaged or asks for something that is not known.
pub fn open_file_system(source: &Shared) -> Result<Box<dyn FileSystem>, DiskError> {
    Ok(match recognise_file_system(source) {
        Some(FileSystemKind::Ext) => Box::new(ext::Ext::open(source)?),
        Some(FileSystemKind::Xfs) => Box::new(xfs::Xfs::open(source)?),
        Some(FileSystemKind::Btrfs) => Box::new(btrfs::Btrfs::open(source)?),
        Some(FileSystemKind::Squashfs) => Box::new(squashfs::Squashfs::open(source)?),
        Some(FileSystemKind::Fat) => Box::new(fat::Fat::open(source)?),
        None => return Err(DiskError::unsupported("the file system", "it is of no known kind")),
    })
}
