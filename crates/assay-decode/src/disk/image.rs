//! Recognises the format of a disk image by its content, and opens it with all files it consists of.
//!
//! What is surprising: the format of a raw disk is the absence of every other; it is recognised by what lies on it. And a disk
//! may name other files (the backing file of an overlay, the extents of a VMDK): the names are the image's, so a hostile
//! image could name any file. They are only handed to [`Siblings`], and what that refuses stays unread.

use crate::bytes::Endian::{Big, Little};
use crate::disk::{DiskError, Shared, partition, qcow2, vhd, vhdx, vmdk};
use crate::disk::{lvm, recognise_file_system};
use crate::read_at::ReadAt;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Images on images that are followed; qemu's own tools make chains of a few.
const MAX_CHAIN: usize = 16;

/// How a disk is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// Byte by byte.
    Raw,
    /// qemu's format, versions 2 and 3.
    Qcow2,
    /// VMware's format: one sparse file, stream-optimised or not, or a text that names its extents.
    Vmdk,
    /// Microsoft's older format: fixed, dynamic or differencing.
    Vhd,
    /// Microsoft's newer format.
    Vhdx,
}

impl ImageFormat {
    /// Returns the format's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
        }
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What another file is to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SiblingRole {
    /// What the image does not hold itself is in this one.
    Backing,
    /// A part of the image itself.
    Extent,
}

/// Another file that an image names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sibling<'a> {
    /// The name as written in the image, which may be any path.
    pub name: &'a str,
    /// What it is to the image.
    pub role: SiblingRole,
}

/// Opens the other files of an image, if it wants to: their names come from the image and are as hostile as that.
pub trait Siblings {
    /// Opens one.
    ///
    /// # Errors
    /// Says, for the user, why it is not opened.
    fn open(&mut self, sibling: &Sibling<'_>) -> Result<Shared, String>;
}

/// Refuses every other file.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSiblings;

impl Siblings for NoSiblings {
    fn open(&mut self, _: &Sibling<'_>) -> Result<Shared, String> {
        Err("only the image itself is read".to_owned())
    }
}

/// A disk, whatever it is stored in.
pub struct OpenedImage {
    /// How it is stored.
    pub format: ImageFormat,
    /// The disk's bytes.
    pub content: Shared,
    /// Which parts are not there, in words for the user.
    pub missing: Vec<String>,
}

impl fmt::Debug for OpenedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedImage")
            .field("format", &self.format)
            .field("len", &self.content.len())
            .field("missing", &self.missing)
            .finish_non_exhaustive()
    }
}

/// Says how the disk in `file` is stored; `None` when it does not look like one.
pub fn recognise(file: &dyn ReadAt) -> Option<ImageFormat> {
    container(file).or_else(|| is_raw_disk(file).then_some(ImageFormat::Raw))
}

/// Recognises every format that has a signature of its own.
fn container(file: &dyn ReadAt) -> Option<ImageFormat> {
    let mut start = [0; 512];
    let read = file.read_at(0, &mut start).ok()?;
    let start = start.get(..read)?;
    if start.starts_with(b"QFI\xfb") && matches!(Big.u32(start, 4), Some(2 | 3)) {
        return Some(ImageFormat::Qcow2);
    }
    if start.starts_with(b"KDMV") && matches!(Little.u32(start, 4), Some(1..=3)) || vmdk::is_descriptor(start)
    {
        return Some(ImageFormat::Vmdk);
    }
    if start.starts_with(b"vhdxfile") {
        return Some(ImageFormat::Vhdx);
    }
    // A fixed VHD is a raw disk with a footer.
    let footer = file.len().checked_sub(512).and_then(|at| file.read_range(at, 512, 512).ok());
    let is_vhd = |bytes: &[u8]| bytes.starts_with(b"conectix");
    (is_vhd(start) || footer.is_some_and(|footer| is_vhd(&footer))).then_some(ImageFormat::Vhd)
}

fn is_raw_disk(file: &dyn ReadAt) -> bool {
    partition::has_table(file) || recognise_file_system(file).is_some() || lvm::is_physical_volume(file)
}

/// Opens the disk in `file`, raw when it has no signature of another format.
///
/// # Errors
/// Fails when its header or tables are damaged or of an unknown kind. Other files that are not there are no failure: see
/// [`OpenedImage::missing`]; reading what lies in them is.
pub fn open_image(file: Shared, siblings: &mut dyn Siblings) -> Result<OpenedImage, DiskError> {
    let mut opening = Opening { siblings, missing: Vec::new(), depth: 0 };
    let (format, content) = opening.open(file)?;
    Ok(OpenedImage { format, content, missing: opening.missing })
}

/// An image being opened, with those it stands on.
pub(crate) struct Opening<'a> {
    siblings: &'a mut dyn Siblings,
    missing: Vec<String>,
    depth: usize,
}

/// What an image does not hold itself.
pub(crate) enum Backing {
    /// Nothing: it is zeros.
    None,
    /// In another image.
    Image(Shared),
    /// In another image that is not there.
    Missing,
}

impl Opening<'_> {
    /// Opens a file by its content, and what it stands on.
    pub(crate) fn open(&mut self, file: Shared) -> Result<(ImageFormat, Shared), DiskError> {
        let format = container(&file).unwrap_or(ImageFormat::Raw);
        let content: Shared = match format {
            ImageFormat::Raw => file,
            ImageFormat::Qcow2 => Arc::new(qcow2::Qcow2::open(file, self)?),
            ImageFormat::Vmdk => vmdk::open(file, self)?,
            ImageFormat::Vhd => vhd::open(file, self)?,
            ImageFormat::Vhdx => Arc::new(vhdx::Vhdx::open(file)?),
        };
        Ok((format, content))
    }

    /// Opens the image that another stands on. `raw` says that its bytes are not to be interpreted.
    pub(crate) fn backing(&mut self, name: &str, raw: bool) -> Result<Backing, DiskError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_CHAIN {
            return Err(DiskError::TooMuch {
                what: "the chain of backing files",
                of: "images",
                limit: u64::try_from(MAX_CHAIN).unwrap_or(u64::MAX),
            });
        }
        let Some(file) = self.sibling(name, SiblingRole::Backing) else { return Ok(Backing::Missing) };
        let content = if raw { file } else { self.open(file)?.1 };
        Ok(Backing::Image(content))
    }

    /// Opens another file; notes it when it is not there.
    pub(crate) fn sibling(&mut self, name: &str, role: SiblingRole) -> Option<Shared> {
        match self.siblings.open(&Sibling { name, role }) {
            Ok(file) => Some(file),
            Err(why) => {
                let kind = match role {
                    SiblingRole::Backing => "the backing file",
                    SiblingRole::Extent => "the extent",
                };
                self.missing.push(format!("{kind} `{name}` was not read: {why}"));
                None
            }
        }
    }
}

impl Backing {
    /// Reads what an image does not hold itself. Behind the end of a shorter backing file are zeros.
    pub(crate) fn read(&self, what: &'static str, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Missing => Err(DiskError::damaged(what, "its backing file is not there").into()),
            Self::Image(image) => match image.read_at(offset, buf)? {
                0 => {
                    buf.fill(0);
                    Ok(buf.len())
                }
                read => Ok(read),
            },
            Self::None => {
                buf.fill(0);
                Ok(buf.len())
            }
        }
    }
}
