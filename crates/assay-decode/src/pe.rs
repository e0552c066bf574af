//! Reads the parts of a Windows executable that identify it: sections, and the version resource ([PE]).
//!
//! What is surprising: .NET assemblies are PE files on every system, and their `FileVersion` and `ProductVersion`
//! stand in a Windows resource, a tree of three levels (type, name, language) whose leaves have virtual addresses.
//!
//! [PE]: https://learn.microsoft.com/en-us/windows/win32/debug/pe-format

use std::borrow::Cow;
use std::io;

use crate::bytes::Endian::Little;
use crate::bytes::until_nul;
use crate::read_at::ReadAt;

/// Bytes of the section with the resources that are read; icons can be large, the version is not.
const MAX_RESOURCES: u64 = 16 * 1024 * 1024;
/// Bytes of the version resource.
const MAX_VERSION: usize = 256 * 1024;
/// Strings in the version resource; a dozen is usual.
const MAX_STRINGS: usize = 256;
/// Children looked at in each directory of the resource tree.
const MAX_CHILDREN: usize = 64;

const RESOURCE_TYPE_VERSION: u32 = 16;

/// Why a file is no PE file that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeError {
    /// The source failed, or the file is shorter than its headers say.
    #[error("cannot read the PE file")]
    Io(#[from] io::Error),
    /// A signature is missing or a header is malformed.
    #[error("not a PE file")]
    NotPe,
}

/// A section header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The name, such as `.data` or `.dep-v0`.
    pub name: String,
    /// The address in memory, from the image's base.
    pub address: u64,
    /// Bytes in memory, as claimed.
    pub memory_size: u64,
    /// The offset in the file.
    pub offset: u64,
    /// Bytes in the file, as claimed; padded to the file's alignment.
    pub file_size: u64,
    /// The characteristics.
    pub flags: u32,
}

impl Section {
    /// Tells whether the section holds initialised, writable data, where Go's build information is.
    pub fn is_writable_data(&self) -> bool {
        self.flags & 0x8000_0040 == 0x8000_0040
    }
}

/// A PE file whose headers have been read.
#[derive(Clone)]
pub struct Pe<'a> {
    source: &'a dyn ReadAt,
    machine: u16,
    is_64: bool,
    image_base: u64,
    sections: Vec<Section>,
    /// Address and size of the resources and of the .NET header.
    resources: Option<(u32, u32)>,
    clr: Option<(u32, u32)>,
}

impl std::fmt::Debug for Pe<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pe")
            .field("machine", &self.machine)
            .field("sections", &self.sections)
            .finish_non_exhaustive()
    }
}

/// Tells whether `start` may begin a PE file.
pub fn is_pe(start: &[u8]) -> bool {
    start.starts_with(b"MZ")
}

impl<'a> Pe<'a> {
    /// Reads the headers of `source`.
    ///
    /// # Errors
    /// Fails with `NotPe` when they are malformed.
    pub fn parse(source: &'a dyn ReadAt) -> Result<Self, PeError> {
        let dos = source.read_range(0, 64, 64).map_err(|_| PeError::NotPe)?;
        let at = if is_pe(&dos) { Little.u32(&dos, 60).map(u64::from) } else { None };
        let at = at.ok_or(PeError::NotPe)?;
        let coff = source.read_range(at, 24, 24).map_err(|_| PeError::NotPe)?;
        if !coff.starts_with(b"PE\0\0") {
            return Err(PeError::NotPe);
        }
        let field = |at| Little.u16(&coff, at).ok_or(PeError::NotPe);
        let (machine, count, optional_size) = (field(4)?, field(6)?, field(20)?);
        let optional_at = at.saturating_add(24);
        let optional = source.read_range(optional_at, u64::from(optional_size), usize::MAX)?;
        let (is_64, image_base, directories) = match Little.u16(&optional, 0) {
            Some(0x10b) => (false, Little.u32(&optional, 28).map(u64::from), 92),
            Some(0x20b) => (true, Little.u64(&optional, 24), 108),
            _ => return Err(PeError::NotPe),
        };
        let directory = |index: usize| {
            let number = usize::try_from(Little.u32(&optional, directories)?).ok()?;
            let at = index.checked_mul(8)?.checked_add(directories)?.checked_add(4)?;
            let (address, size) = (Little.u32(&optional, at)?, Little.u32(&optional, at.checked_add(4)?)?);
            (index < number && address != 0 && size != 0).then_some((address, size))
        };
        let table_at = optional_at.saturating_add(u64::from(optional_size));
        let table_size = u64::from(count).saturating_mul(40);
        let table = source.read_range(table_at, table_size, usize::MAX)?;
        Ok(Self {
            source,
            machine,
            is_64,
            image_base: image_base.ok_or(PeError::NotPe)?,
            sections: table.chunks_exact(40).filter_map(section).collect(),
            resources: directory(2),
            clr: directory(14),
        })
    }

    /// Returns the machine: 0x8664 is x86-64, 0xaa64 is AArch64.
    pub fn machine(&self) -> u16 {
        self.machine
    }

    /// Tells whether addresses have 64 bits.
    pub fn is_64(&self) -> bool {
        self.is_64
    }

    /// Returns the address in memory that section addresses count from.
    pub fn image_base(&self) -> u64 {
        self.image_base
    }

    /// Returns the sections in file order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Tells whether this is a .NET assembly.
    pub fn is_dotnet(&self) -> bool {
        self.clr.is_some()
    }

    /// Returns the content of the first section of a name, without its padding.
    ///
    /// # Errors
    /// Fails when it is larger than `max` or not wholly in the file.
    pub fn section_data(&self, name: &str, max: usize) -> io::Result<Option<Cow<'a, [u8]>>> {
        let Some(section) = self.sections.iter().find(|section| section.name == name) else {
            return Ok(None);
        };
        let size = match section.memory_size {
            0 => section.file_size,
            size => size.min(section.file_size),
        };
        self.source.read_range(section.offset, size, max).map(Some)
    }

    /// Returns where in the file the byte at `address`, counted from the image's base, is, and how many bytes of its
    /// section follow.
    pub fn locate(&self, address: u64) -> Option<(u64, u64)> {
        self.sections.iter().find_map(|section| {
            let delta = address.checked_sub(section.address)?;
            let left = section.file_size.checked_sub(delta).filter(|&left| left > 0)?;
            Some((section.offset.checked_add(delta)?, left))
        })
    }

    /// Returns `len` bytes at an absolute address in memory, as far as they are in the file.
    ///
    /// # Errors
    /// Fails when `len` is above `max`, or the bytes are in no section.
    pub fn read_address(&self, address: u64, len: u64, max: usize) -> io::Result<Cow<'a, [u8]>> {
        match address.checked_sub(self.image_base).and_then(|address| self.locate(address)) {
            Some((offset, left)) if len <= left => self.source.read_range(offset, len, max),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Returns the strings of the version resource, such as `("FileVersion", "6.0.36")`, in order; empty without one.
    pub fn version_strings(&self) -> Vec<(String, String)> {
        let mut strings = Vec::new();
        if let Some(resource) = self.version_resource() {
            version_block(&resource, 0, &mut strings);
        }
        strings
    }

    fn version_resource(&self) -> Option<Vec<u8>> {
        let (address, size) = self.resources?;
        let (offset, left) = self.locate(u64::from(address))?;
        let size = u64::from(size).min(left).min(MAX_RESOURCES);
        let tree = self.source.read_range(offset, size, usize::MAX).ok()?;
        let names = children(&tree, 0).find(|&(id, _)| id == RESOURCE_TYPE_VERSION)?.1;
        let languages = children(&tree, subdirectory(names)?).next()?.1;
        let leaf = children(&tree, subdirectory(languages)?).next()?.1;
        let leaf = usize::try_from(leaf).ok()?;
        let (address, size) = (Little.u32(&tree, leaf)?, Little.u32(&tree, leaf.checked_add(4)?)?);
        let (offset, left) = self.locate(u64::from(address))?;
        let size = u64::from(size).min(left);
        self.source.read_range(offset, size, MAX_VERSION).ok().map(Cow::into_owned)
    }
}

fn section(raw: &[u8]) -> Option<Section> {
    Some(Section {
        name: String::from_utf8_lossy(until_nul(raw.get(..8)?)).into_owned(),
        memory_size: u64::from(Little.u32(raw, 8)?),
        address: u64::from(Little.u32(raw, 12)?),
        file_size: u64::from(Little.u32(raw, 16)?),
        offset: u64::from(Little.u32(raw, 20)?),
        flags: Little.u32(raw, 36)?,
    })
}

/// Returns number and offset of what a directory of the resource tree holds.
fn children(tree: &[u8], at: usize) -> impl Iterator<Item = (u32, u32)> + '_ {
    let directory = tree.get(at..).unwrap_or_default();
    let named = Little.u16(directory, 12).map_or(0, usize::from);
    let numbered = Little.u16(directory, 14).map_or(0, usize::from);
    let entries = directory.get(16..).unwrap_or_default().chunks_exact(8);
    entries
        .take(named.saturating_add(numbered).min(MAX_CHILDREN))
        .filter_map(|entry| Some((Little.u32(entry, 0)?, Little.u32(entry, 4)?)))
}

/// Returns the offset of a directory, `None` if the child is a leaf.
fn subdirectory(child: u32) -> Option<usize> {
    if child & 0x8000_0000 == 0 { None } else { usize::try_from(child & 0x7fff_ffff).ok() }
}

/// Collects the strings below one block of [VS_VERSIONINFO]: length, value length, type, key, value, children.
///
/// [VS_VERSIONINFO]: https://learn.microsoft.com/en-us/windows/win32/menurc/vs-versioninfo
fn version_block(block: &[u8], depth: u8, strings: &mut Vec<(String, String)>) -> Option<()> {
    let value_len = usize::from(Little.u16(block, 2)?);
    let kind = Little.u16(block, 4)?;
    let (key, key_units) = utf16(block.get(6..)?);
    // The value, and every child, begins at a multiple of four bytes.
    let value_at = key_units.checked_mul(2)?.checked_add(6 + 2)?.checked_next_multiple_of(4)?;
    if depth == 3 {
        let (value, _) = utf16(block.get(value_at..).unwrap_or_default());
        strings.push((key, value.trim().to_owned()));
        return Some(());
    }
    // Root, string tables, table. `VarFileInfo` lists languages only.
    if depth == 1 && key != "StringFileInfo" {
        return Some(());
    }
    let value_bytes = if kind == 1 { value_len.checked_mul(2)? } else { value_len };
    let mut at = value_at.checked_add(value_bytes)?.checked_next_multiple_of(4)?;
    while strings.len() < MAX_STRINGS {
        let rest = block.get(at..)?;
        let len = usize::from(Little.u16(rest, 0)?);
        if len < 6 {
            break;
        }
        version_block(rest.get(..len)?, depth.saturating_add(1), strings);
        at = at.checked_add(len)?.checked_next_multiple_of(4)?;
    }
    Some(())
}

/// Returns the text before the first NUL and how many 16-bit units it has.
fn utf16(bytes: &[u8]) -> (String, usize) {
    let units: Vec<u16> =
        bytes.chunks_exact(2).filter_map(|pair| Little.u16(pair, 0)).take_while(|&unit| unit != 0).collect();
    (String::from_utf16_lossy(&units), units.len())
}
