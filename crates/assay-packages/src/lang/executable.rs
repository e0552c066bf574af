//! What Go's and Rust's analyzers need of an executable, whatever its format: a section's content, and memory by address.
//!
//! Only headers are read before that; a program that is neither Go nor Rust costs a few kilobytes of reading. Windows and
//! macOS programs are looked at too: images ship installers and command-line tools for other systems.

use assay_analyze::Select;
use assay_decode::ReadAt;
use assay_decode::elf::Elf;
use assay_decode::macho::MachO;
use assay_decode::pe::Pe;
use std::borrow::Cow;

/// The executables that are looked at.
pub(super) const SELECT: &[Select] = &[
    Select::Magic(b"\x7fELF"),
    Select::Magic(b"MZ"),
    Select::Magic(b"\xcf\xfa\xed\xfe"),
    Select::Magic(b"\xce\xfa\xed\xfe"),
    Select::Magic(b"\xca\xfe\xba\xbe\0\0\0"),
];

/// Bytes of a writable section or segment that are read to search them.
const SEARCH_LIMIT: u64 = 4 << 20;

/// An executable whose headers have been read.
pub(super) struct Executable<'a> {
    content: &'a dyn ReadAt,
    format: Format<'a>,
}

enum Format<'a> {
    Elf(Elf<'a>),
    Pe(Pe<'a>),
    MachO(MachO<'a>),
}

/// A section's name in each format.
pub(super) struct Name {
    pub(super) elf: &'static str,
    pub(super) pe: &'static str,
    pub(super) macho: &'static str,
}

impl<'a> Executable<'a> {
    /// Reads the headers; `None` if they are of no known format.
    pub(super) fn open(content: &'a dyn ReadAt) -> Option<Self> {
        let mut start = [0; 4];
        content.read_exact_at(0, &mut start).ok()?;
        let format = match &start {
            b"\x7fELF" => Format::Elf(Elf::parse(content).ok()?),
            [b'M', b'Z', ..] => Format::Pe(Pe::parse(content).ok()?),
            _ => Format::MachO(MachO::parse(content).ok()?),
        };
        Some(Self { content, format })
    }

    /// Returns whether there is a section of this name.
    pub(super) fn has(&self, name: &Name) -> bool {
        match &self.format {
            Format::Elf(elf) => elf.section(name.elf).is_some(),
            Format::Pe(pe) => pe.sections().iter().any(|section| section.name == name.pe),
            Format::MachO(macho) => macho.sections().iter().any(|section| section.name == name.macho),
        }
    }

    /// Returns the content of a section; `None` if there is none, it has more than `max` bytes or lies outside the file.
    pub(super) fn section(&self, name: &Name, max: usize) -> Option<Cow<'a, [u8]>> {
        match &self.format {
            Format::Elf(elf) => elf.section_data(name.elf, max),
            Format::Pe(pe) => pe.section_data(name.pe, max),
            Format::MachO(macho) => macho.section_data(name.macho, max),
        }
        .ok()
        .flatten()
    }

    /// Returns the start of the writable data of a file whose sections have no telling names: of Windows, or stripped of
    /// its section headers.
    pub(super) fn nameless_data(&self) -> Option<Cow<'a, [u8]>> {
        let (offset, len) = match &self.format {
            Format::Elf(elf) if elf.sections().is_empty() => {
                let segment =
                    elf.segments().iter().find(|segment| segment.is_load() && segment.is_writable())?;
                (segment.offset, segment.file_size)
            }
            Format::Pe(pe) => {
                let section = pe.sections().iter().find(|section| section.is_writable_data())?;
                (section.offset, section.file_size)
            }
            Format::Elf(_) | Format::MachO(_) => return None,
        };
        let len = len.min(self.content.len().checked_sub(offset)?).min(SEARCH_LIMIT);
        self.content.read_range(offset, len, usize::try_from(SEARCH_LIMIT).unwrap_or(usize::MAX)).ok()
    }

    /// Returns `len` bytes of memory at `address`, if they are in the file and no more than `max`.
    pub(super) fn at_address(&self, address: u64, len: u64, max: usize) -> Option<Cow<'a, [u8]>> {
        match &self.format {
            Format::Elf(elf) => elf.read_address(address, len, max),
            Format::Pe(pe) => pe.read_address(address, len, max),
            Format::MachO(macho) => macho.read_address(address, len, max),
        }
        .ok()
    }
}
