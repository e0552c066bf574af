//! Disks of virtual machines: image formats, partition tables, logical volumes and file systems, all read in place.
//!
//! Three steps, each over [`ReadAt`], so that they stack and nothing is unpacked:
//! [`open_image`] makes a plain disk of a qcow2, VMDK, VHD or VHDX file; [`volumes`] finds the partitions and logical
//! volumes on it; [`open_file_system`] reads what lies in one of them.
//!
//! What is surprising: a disk is addressed by its own tables, so every table can name every byte any number of times. The
//! readers therefore hold no table in memory whole, follow trees only downwards (a level that does not fall is damage), and
//! count what they follow; who reads files bounds what all files together may come to. No file but the one given is
//! opened here: what an image names (a backing file, an extent) is asked for through [`Siblings`], whose owner decides.

mod btrfs;
mod cache;
mod ext;
mod fat;
mod file_system;
mod image;
mod lvm;
mod packed;
mod partition;
mod pieces;
mod qcow2;
mod squashfs;
mod vhd;
mod vhdx;
mod vmdk;
mod volumes;
mod xfs;

pub use file_system::{
    FileSystem, FileSystemKind, Node, NodeId, NodeKind, open_file_system, recognise_file_system,
};
pub use image::{
    ImageFormat, NoSiblings, OpenedImage, Sibling, SiblingRole, Siblings, open_image, recognise,
};
pub use volumes::{Purpose, Unread, Volume, Volumes, volumes};

use crate::read_at::ReadAt;
use std::io;
use std::sync::Arc;

/// Bytes that several readers share.
pub type Shared = Arc<dyn ReadAt>;

/// Why a disk, or a part of it, cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// The source failed, or ends before what its tables name.
    #[error("cannot read {what}")]
    Io {
        /// What was being read.
        what: &'static str,
        /// What the source said.
        source: io::Error,
    },
    /// Its bytes contradict the format or each other.
    #[error("{what} is damaged: {why}")]
    Damaged {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// It is whole, and of a kind that is not read here.
    #[error("{what} cannot be read: {why}")]
    Unsupported {
        /// What was being read.
        what: &'static str,
        /// What is not known about it.
        why: String,
    },
    /// It has more of something than is followed.
    #[error("{what} has more than {limit} {of}")]
    TooMuch {
        /// What was being read.
        what: &'static str,
        /// What it has too many of.
        of: &'static str,
        /// The bound.
        limit: u64,
    },
}

impl DiskError {
    pub(crate) fn damaged(what: &'static str, why: impl Into<String>) -> Self {
        Self::Damaged { what, why: why.into() }
    }

    pub(crate) fn unsupported(what: &'static str, why: impl Into<String>) -> Self {
        Self::Unsupported { what, why: why.into() }
    }

    /// Returns how `what` is named when the source fails.
    pub(crate) fn reading(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

impl From<DiskError> for io::Error {
    fn from(error: DiskError) -> Self {
        match error {
            DiskError::Io { source, .. } => source,
            error => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

/// Returns a length as the size of something in memory; what does not fit is refused later, by whoever bounds it.
pub(crate) fn size(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

/// Returns the size of something in memory as a length.
pub(crate) fn length(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// Writes a GUID as Microsoft's formats order its bytes, in lower case.
pub(crate) fn guid_text(bytes: &[u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *bytes;
    let mut text = uuid_text(&{
        let mut ordered = [0; 16];
        ordered.copy_from_slice(&[&[d, c, b, a, f, e, h, g], rest.as_slice()].concat());
        ordered
    });
    text.make_ascii_lowercase();
    text
}

/// Writes a UUID whose bytes are in order, in lower case.
pub(crate) fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests;
