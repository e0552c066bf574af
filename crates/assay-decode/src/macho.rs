//! Reads the sections of a macOS executable, also of one for several processors ([Mach-O]).
//!
//! What is surprising: a file for several processors begins with the same four bytes as a Java class. A class has
//! its version, 45 or more, where the other has its number of parts, so a small number decides.
//!
//! [Mach-O]: https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/loader.h

use std::borrow::Cow;
use std::io;

use crate::bytes::{Endian, until_nul};
use crate::read_at::ReadAt;

/// Bytes of load commands read; large applications have about 10 kB.
const MAX_COMMANDS: usize = 1024 * 1024;
/// Sections looked at.
const MAX_SECTIONS: usize = 4096;
/// Processors in one file; Apple has had seven.
const MAX_PARTS: u32 = 20;

const LC_SEGMENT: u32 = 1;
const LC_SEGMENT_64: u32 = 0x19;

/// Why a file is no Mach-O file that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MachOError {
    /// The source failed, or the file is shorter than its headers say.
    #[error("cannot read the Mach-O file")]
    Io(#[from] io::Error),
    /// The magic number is wrong.
    #[error("not a Mach-O file")]
    NotMachO,
}

/// A section of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The segment's name, such as `__DATA`.
    pub segment: String,
    /// The section's name, such as `__go_buildinfo`.
    pub name: String,
    /// The address in memory.
    pub address: u64,
    /// The offset in the file.
    pub offset: u64,
    /// The size in bytes, as claimed.
    pub size: u64,
}

/// A segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    address: u64,
    offset: u64,
    file_size: u64,
}

/// A Mach-O file, or the first part of one for several processors, whose headers have been read.
#[derive(Clone)]
pub struct MachO<'a> {
    source: &'a dyn ReadAt,
    /// Where the part begins, which all its offsets count from.
    base: u64,
    cpu: u32,
    sections: Vec<Section>,
    segments: Vec<Segment>,
}

impl std::fmt::Debug for MachO<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MachO")
            .field("cpu", &self.cpu)
            .field("sections", &self.sections)
            .finish_non_exhaustive()
    }
}

/// Tells whether `start`, eight or more bytes, begins a Mach-O file.
pub fn is_macho(start: &[u8]) -> bool {
    magic(start).is_some() || parts(start).is_some()
}

/// Returns byte order and whether addresses have 64 bits.
fn magic(start: &[u8]) -> Option<(Endian, bool)> {
    match start.first_chunk()? {
        [0xce, 0xfa, 0xed, 0xfe] => Some((Endian::Little, false)),
        [0xcf, 0xfa, 0xed, 0xfe] => Some((Endian::Little, true)),
        [0xfe, 0xed, 0xfa, 0xce] => Some((Endian::Big, false)),
        [0xfe, 0xed, 0xfa, 0xcf] => Some((Endian::Big, true)),
        _ => None,
    }
}

/// Returns the number of parts of a file for several processors, and whether their offsets have 64 bits.
fn parts(start: &[u8]) -> Option<(u32, bool)> {
    let wide = match start.first_chunk()? {
        [0xca, 0xfe, 0xba, 0xbe] => false,
        [0xca, 0xfe, 0xba, 0xbf] => true,
        _ => return None,
    };
    Endian::Big.u32(start, 4).filter(|count| (1..=MAX_PARTS).contains(count)).map(|count| (count, wide))
}

impl<'a> MachO<'a> {
    /// Reads the headers of `source`; of a file for several processors, those of the first.
    ///
    /// # Errors
    /// Fails with `NotMachO` when the magic number is wrong.
    pub fn parse(source: &'a dyn ReadAt) -> Result<Self, MachOError> {
        let start = source.read_range(0, source.len().min(32), 32)?;
        let base = match parts(&start) {
            Some((_, true)) => Endian::Big.u64(&start, 16).ok_or(MachOError::NotMachO)?,
            Some((_, false)) => Endian::Big.u32(&start, 16).map(u64::from).ok_or(MachOError::NotMachO)?,
            None => 0,
        };
        let header = source.read_range(base, 28, 28).map_err(|_| MachOError::NotMachO)?;
        let (endian, is_64) = magic(&header).ok_or(MachOError::NotMachO)?;
        let field = |at| endian.u32(&header, at).ok_or(MachOError::NotMachO);
        let (cpu, size) = (field(4)?, field(20)?);
        let commands_at = base.saturating_add(if is_64 { 32 } else { 28 });
        let commands = source.read_range(commands_at, u64::from(size), MAX_COMMANDS)?;
        let mut file = Self { source, base, cpu, sections: Vec::new(), segments: Vec::new() };
        let mut rest = &*commands;
        while let (Some(kind), Some(len)) = (endian.u32(rest, 0), endian.u32(rest, 4)) {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let Some((command, behind)) = rest.split_at_checked(len).filter(|_| len >= 8) else { break };
            match kind {
                LC_SEGMENT => file.segment(command, endian, false),
                LC_SEGMENT_64 => file.segment(command, endian, true),
                _ => None,
            };
            rest = behind;
        }
        Ok(file)
    }

    fn segment(&mut self, raw: &[u8], endian: Endian, wide: bool) -> Option<()> {
        let word = |raw: &[u8], at_32, at_64| {
            if wide { endian.u64(raw, at_64) } else { endian.u32(raw, at_32).map(u64::from) }
        };
        self.segments.push(Segment {
            address: word(raw, 24, 24)?,
            offset: word(raw, 32, 40)?,
            file_size: word(raw, 36, 48)?,
        });
        let (start, size) = if wide { (72, 80) } else { (56, 68) };
        let room = MAX_SECTIONS.saturating_sub(self.sections.len());
        let sections = raw.get(start..)?.chunks_exact(size).take(room).filter_map(|raw| {
            let name = |at: usize| {
                let raw = raw.get(at..)?.get(..16)?;
                Some(String::from_utf8_lossy(until_nul(raw)).into_owned())
            };
            Some(Section {
                name: name(0)?,
                segment: name(16)?,
                address: word(raw, 32, 32)?,
                size: word(raw, 36, 40)?,
                offset: u64::from(endian.u32(raw, if wide { 48 } else { 40 })?),
            })
        });
        self.sections.extend(sections);
        Some(())
    }

    /// Returns the processor: 0x0100_0007 is x86-64, 0x0100_000c is AArch64.
    pub fn cpu(&self) -> u32 {
        self.cpu
    }

    /// Returns the sections in file order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Returns the content of the first section of a name.
    ///
    /// # Errors
    /// Fails when it is larger than `max` or not wholly in the file.
    pub fn section_data(&self, name: &str, max: usize) -> io::Result<Option<Cow<'a, [u8]>>> {
        match self.sections.iter().find(|section| section.name == name) {
            Some(section) => {
                self.source.read_range(self.base.saturating_add(section.offset), section.size, max).map(Some)
            }
            None => Ok(None),
        }
    }

    /// Returns `len` bytes of memory at `address`, as far as they are in the file.
    ///
    /// # Errors
    /// Fails when `len` is above `max`, or the bytes are in no segment.
    pub fn read_address(&self, address: u64, len: u64, max: usize) -> io::Result<Cow<'a, [u8]>> {
        let found = self.segments.iter().find_map(|segment| {
            let delta = address.checked_sub(segment.address)?;
            let left = segment.file_size.checked_sub(delta)?;
            (len <= left).then(|| self.base.checked_add(segment.offset)?.checked_add(delta)).flatten()
        });
        self.source.read_range(found.ok_or(io::ErrorKind::UnexpectedEof)?, len, max)
    }
}
