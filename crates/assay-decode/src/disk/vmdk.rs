//! Reads VMDK, VMware's disk format ([Virtual Disk Format 5.0]).
//!
//! A disk is described by a text, the descriptor: a file of its own that names extents, or inside the one sparse extent it
//! has. A sparse extent is cut into grains; a directory of tables says where each one is. Surprising things:
//! - In a stream-optimised extent (what an OVA and cloud exports carry) every grain is compressed, with a header of its own, and
//!   the directory is at the end: the header at the front says so and a copy at the back says where.
//! - `monolithicFlat` and VMFS extents are raw bytes: only the descriptor makes a VMDK of them.
//! - An extent's name is the image's word; see [`Siblings`](crate::disk::Siblings).
//!
//! [Virtual Disk Format 5.0]: https://www.vmware.com/app/vmdk/?src=vmdk

use crate::bytes::Endian::Little;
use crate::disk::cache::{BlockCache, Cached, at_most, copy};
use crate::disk::image::{Backing, Opening, SiblingRole};
use crate::disk::pieces::{Piece, Pieces, Place};
use crate::disk::{DiskError, Shared, size};
use crate::read_at::ReadAt;
use std::io::{self, Read};
use std::sync::Arc;

const WHAT: &str = "the vmdk image";
const SECTOR: u64 = 512;
/// Bytes of a descriptor; they have one or two kilobytes, and a line for each 2 GB of split disks.
const MAX_DESCRIPTOR: u64 = 1 << 20;
/// Extents of one disk: of 2 GB each in split disks.
const MAX_EXTENTS: u64 = 512;
/// Bytes of a grain: 64 KiB everywhere, and no more than this anywhere.
const MAX_GRAIN: u64 = 2 << 20;
/// Bytes of tables and of decompressed grains held by each extent: enough for 1 GiB, and two grains. A disk of many extents, which are
/// not compressed, must not hold much more than another.
const TABLE_CACHE: usize = 128 << 10;
const GRAIN_CACHE: usize = 128 << 10;
/// Bytes of decompressed grains held by a disk that is one extent.
const SINGLE_GRAIN_CACHE: usize = 8 << 20;

const FLAG_ZERO_GRAINS: u32 = 1 << 2;
const FLAG_COMPRESSED: u32 = 1 << 16;
/// What the header says instead of the directory's place when that is at the end.
const DIRECTORY_AT_END: u64 = u64::MAX;

/// Returns whether a file that begins so is a descriptor.
pub(crate) fn is_descriptor(start: &[u8]) -> bool {
    let text = start.trim_ascii_start();
    const SIGNATURE: &[u8] = b"# disk descriptorfile";
    text.get(..SIGNATURE.len()).is_some_and(|start| start.eq_ignore_ascii_case(SIGNATURE))
}

/// Opens a sparse extent or a descriptor, with the image it stands on.
pub(crate) fn open(file: Shared, opening: &mut Opening<'_>) -> Result<Shared, DiskError> {
    let mut start = [0; 512];
    let read = file.read_at(0, &mut start).map_err(DiskError::reading(WHAT))?;
    if start.starts_with(b"KDMV") {
        let header = Header::read(&file)?;
        let descriptor = header.descriptor(&file);
        let backing = parent(&descriptor, opening)?;
        return Ok(Arc::new(Sparse::new(file, &header, backing, SINGLE_GRAIN_CACHE)?));
    }
    debug_assert!(is_descriptor(start.get(..read).unwrap_or_default()));
    let len = file.len().min(MAX_DESCRIPTOR);
    let text = file.read_range(0, len, size(len)).map_err(DiskError::reading(WHAT))?;
    described(&String::from_utf8_lossy(&text), opening)
}

/// Puts together the extents that a descriptor names.
fn described(text: &str, opening: &mut Opening<'_>) -> Result<Shared, DiskError> {
    let backing = parent(text, opening)?;
    let (mut sources, mut pieces, mut at) = (Vec::new(), Vec::new(), 0_u64);
    for line in text.lines() {
        let Some(extent) = Extent::parse(line) else { continue };
        if pieces.len() >= size(MAX_EXTENTS) {
            return Err(DiskError::TooMuch { what: WHAT, of: "extents", limit: MAX_EXTENTS });
        }
        let len = extent.sectors.saturating_mul(SECTOR);
        let from = match extent.kind {
            "ZERO" => Place::Zeros,
            "FLAT" | "VMFS" => match opening.sibling(extent.name, SiblingRole::Extent) {
                Some(file) => {
                    sources.push(file);
                    Place::Source(sources.len().saturating_sub(1), extent.offset.saturating_mul(SECTOR))
                }
                None => Place::Missing,
            },
            "SPARSE" => match opening.sibling(extent.name, SiblingRole::Extent) {
                Some(file) => {
                    let header = Header::read(&file)?;
                    let backing = match &backing {
                        Backing::Image(image) => Backing::Image(Arc::new(Pieces::part(WHAT, image, at, len))),
                        Backing::Missing => Backing::Missing,
                        Backing::None => Backing::None,
                    };
                    sources.push(Arc::new(Sparse::new(file, &header, backing, GRAIN_CACHE)?));
                    Place::Source(sources.len().saturating_sub(1), 0)
                }
                None => Place::Missing,
            },
            other => {
                return Err(DiskError::unsupported(WHAT, format!("it has extents of the kind `{other}`")));
            }
        };
        pieces.push(Piece { at, len, from });
        at = at.checked_add(len).ok_or_else(|| DiskError::damaged(WHAT, "its extents are too long"))?;
    }
    if pieces.is_empty() {
        return Err(DiskError::damaged(WHAT, "its descriptor names no extent"));
    }
    Ok(Arc::new(Pieces::new(WHAT, sources, pieces, at)))
}

/// One line of a descriptor that names an extent: `RW 4192256 SPARSE "disk-s001.vmdk"`.
#[derive(Debug, PartialEq, Eq)]
struct Extent<'a> {
    sectors: u64,
    kind: &'a str,
    name: &'a str,
    offset: u64,
}

impl<'a> Extent<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim();
        let (access, rest) = line.split_once(char::is_whitespace)?;
        if !matches!(access, "RW" | "RDONLY" | "NOACCESS") {
            return None;
        }
        let (sectors, rest) = rest.trim_start().split_once(char::is_whitespace)?;
        let rest = rest.trim_start();
        let (kind, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let (name, behind) =
            rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"')).unwrap_or(("", ""));
        let offset = behind.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0);
        Some(Self { sectors: sectors.parse().ok()?, kind, name, offset })
    }
}

/// Returns the value of `key="value"` or `key=value` in a descriptor.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case(key).then(|| value.trim().trim_matches('"'))
    })
}

/// Returns the name of the image that this one stands on; `Some(None)` when it does not say which.
fn parent_name(descriptor: &str) -> Option<Option<&str>> {
    let id = value(descriptor, "parentCID")?;
    if id.eq_ignore_ascii_case("ffffffff") {
        return None;
    }
    Some(value(descriptor, "parentFileNameHint"))
}

fn parent(descriptor: &str, opening: &mut Opening<'_>) -> Result<Backing, DiskError> {
    match parent_name(descriptor) {
        None => Ok(Backing::None),
        Some(Some(name)) => opening.backing(name, false),
        Some(None) => Err(DiskError::damaged(WHAT, "it does not name the image it stands on")),
    }
}

/// The header of a sparse extent.
struct Header {
    flags: u32,
    capacity: u64,
    grain: u64,
    descriptor: u64,
    descriptor_len: u64,
    per_table: u64,
    directory: u64,
    compression: u16,
}

impl Header {
    fn read(file: &Shared) -> Result<Self, DiskError> {
        let header = Self::read_at(file, 0)?;
        if header.directory != DIRECTORY_AT_END {
            return Ok(header);
        }
        // The copy stands before the marker of the stream's end, both of one sector.
        let at = file.len().checked_sub(2 * SECTOR);
        let last = Self::read_at(file, at.ok_or_else(|| DiskError::damaged(WHAT, "it ends too early"))?)?;
        if last.directory == DIRECTORY_AT_END {
            return Err(DiskError::damaged(WHAT, "it does not say where its directory is"));
        }
        Ok(last)
    }

    fn read_at(file: &Shared, at: u64) -> Result<Self, DiskError> {
        let bytes = file.read_range(at, SECTOR, size(SECTOR)).map_err(DiskError::reading(WHAT))?;
        let header = (|| {
            Some(Self {
                flags: Little.u32(&bytes, 8)?,
                capacity: Little.u64(&bytes, 12)?,
                grain: Little.u64(&bytes, 20)?,
                descriptor: Little.u64(&bytes, 28)?,
                descriptor_len: Little.u64(&bytes, 36)?,
                per_table: u64::from(Little.u32(&bytes, 44)?),
                directory: Little.u64(&bytes, 56)?,
                compression: Little.u16(&bytes, 77)?,
            })
        })();
        header
            .filter(|_| bytes.starts_with(b"KDMV"))
            .ok_or_else(|| DiskError::damaged(WHAT, "a header of it is missing"))
    }

    /// Returns the text inside the extent, empty when there is none.
    fn descriptor(&self, file: &Shared) -> String {
        let len = self.descriptor_len.saturating_mul(SECTOR);
        if self.descriptor == 0 || len > MAX_DESCRIPTOR {
            return String::new();
        }
        let bytes = file.read_range(self.descriptor.saturating_mul(SECTOR), len, size(MAX_DESCRIPTOR));
        let bytes = bytes.unwrap_or_default();
        String::from_utf8_lossy(crate::bytes::until_nul(&bytes)).into_owned()
    }
}

/// A sparse extent.
struct Sparse {
    file: Cached,
    len: u64,
    /// Bytes of a grain.
    grain: u64,
    per_table: u64,
    directory: u64,
    zero_grains: bool,
    compressed: bool,
    backing: Backing,
    grains: BlockCache,
}

impl Sparse {
    fn new(file: Shared, header: &Header, backing: Backing, cache: usize) -> Result<Self, DiskError> {
        let grain = header.grain.saturating_mul(SECTOR);
        if grain == 0 || grain > MAX_GRAIN || header.per_table == 0 {
            return Err(DiskError::damaged(WHAT, format!("its grains have {grain} bytes")));
        }
        let compressed = header.flags & FLAG_COMPRESSED != 0;
        if compressed && header.compression != 1 {
            let why = format!("its compression is number {}", header.compression);
            return Err(DiskError::unsupported(WHAT, why));
        }
        Ok(Self {
            file: Cached::new(file, TABLE_CACHE),
            len: header.capacity.saturating_mul(SECTOR),
            grain,
            per_table: header.per_table,
            directory: header.directory.saturating_mul(SECTOR),
            zero_grains: header.flags & FLAG_ZERO_GRAINS != 0,
            compressed,
            backing,
            grains: BlockCache::new(cache),
        })
    }

    fn number(&self, at: u64) -> io::Result<u64> {
        let mut bytes = [0; 4];
        self.file.read_exact_at(at, &mut bytes)?;
        Ok(u64::from(u32::from_le_bytes(bytes)))
    }

    /// Returns the sector at which a grain is: 0 is nowhere, 1 may mean zeros.
    fn find(&self, grain: u64) -> io::Result<u64> {
        let (table, index) =
            (grain.checked_div(self.per_table).unwrap_or(0), grain.checked_rem(self.per_table).unwrap_or(0));
        let table = self.number(self.directory.saturating_add(table.saturating_mul(4)))?;
        if table == 0 {
            return Ok(0);
        }
        self.number(table.saturating_mul(SECTOR).saturating_add(index.saturating_mul(4)))
    }

    fn inflate(&self, at: u64) -> io::Result<Vec<u8>> {
        let file = self.file.source();
        let head = file.read_range(at, 12, 12)?;
        let len = u64::from(Little.u32(&head, 8).unwrap_or_default());
        // What does not shrink grows by a few bytes.
        let stored = file.read_range(at.saturating_add(12), len, size(self.grain.saturating_mul(2)))?;
        let mut grain = Vec::new();
        flate2::bufread::ZlibDecoder::new(&*stored).take(self.grain).read_to_end(&mut grain)?;
        // The last grain of a disk may be shorter.
        grain.resize(size(self.grain), 0);
        Ok(grain)
    }
}

impl ReadAt for Sparse {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let buf = at_most(buf, self.len.saturating_sub(offset));
        if buf.is_empty() {
            return Ok(0);
        }
        let (grain, within) =
            (offset.checked_div(self.grain).unwrap_or(0), offset.checked_rem(self.grain).unwrap_or(0));
        let buf = at_most(buf, self.grain.saturating_sub(within));
        match self.find(grain)? {
            0 => self.backing.read(WHAT, offset, buf),
            1 if self.zero_grains => {
                buf.fill(0);
                Ok(buf.len())
            }
            sector if self.compressed => {
                let at = sector.saturating_mul(SECTOR);
                let grain = self.grains.get(at, || self.inflate(at))?;
                Ok(copy(grain.get(size(within)..).unwrap_or_default(), buf))
            }
            sector => {
                let at = sector.saturating_mul(SECTOR).saturating_add(within);
                match self.file.source().read_at(at, buf)? {
                    0 => Err(DiskError::damaged(WHAT, "a grain lies behind the end of the file").into()),
                    read => Ok(read),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_name_extents() {
        let flat = Extent { sectors: 4192256, kind: "FLAT", name: "my disk-f001.vmdk", offset: 128 };
        assert_eq!(Extent::parse("RW 4192256 FLAT \"my disk-f001.vmdk\" 128"), Some(flat));
        let zero = Extent { sectors: 63, kind: "ZERO", name: "", offset: 0 };
        assert_eq!(Extent::parse("  RDONLY 63 ZERO"), Some(zero));
        for other in ["", "RW", "RW x FLAT", "# RW 1 ZERO", "createType=\"x\""] {
            assert_eq!(Extent::parse(other), None, "{other}");
        }
    }

    #[test]
    fn values_of_a_descriptor() {
        let text = "# Disk DescriptorFile\nCID=1\nparentCID=0000000a\n parentFileNameHint = \"base.vmdk\"\n";
        assert_eq!(parent_name(text), Some(Some("base.vmdk")));
        assert_eq!(parent_name("parentCID=FFFFFFFF\n"), None);
        assert!(is_descriptor(b"\n# Disk DescriptorFile\n"));
        assert!(!is_descriptor(b"# Disk"));
    }
}
