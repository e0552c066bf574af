//! What Go's and Rust's analyzers need of an executable, whatever its format: a named section, and where an address is.
//!
//! Only headers are read; a program that is neither Go nor Rust costs a few kilobytes of reading.

use assay_analyze::Select;
use assay_decode::ReadAt;
use assay_decode::elf::Elf;

/// The executables that are looked at.
pub(super) const SELECT: &[Select] = &[Select::Magic(b"\x7fELF")];

/// `SHT_NOBITS`, a section without content in the file.
const NO_BITS: u32 = 8;

/// A part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Where it starts.
    pub(super) offset: u64,
    /// How many bytes it has, as far as they are in the file.
    pub(super) len: u64,
}

/// An executable whose headers have been read.
pub(super) struct Executable<'a> {
    content: &'a dyn ReadAt,
    format: Format<'a>,
}

enum Format<'a> {
    Elf(Elf<'a>),
}

impl<'a> Executable<'a> {
    /// Reads the headers; `None` if they are of no known format.
    pub(super) fn open(content: &'a dyn ReadAt) -> Option<Self> {
        let format = Format::Elf(Elf::parse(content).ok()?);
        Some(Self { content, format })
    }

    /// Returns the section of this name that has content.
    pub(super) fn section(&self, name: &str) -> Option<Span> {
        match &self.format {
            Format::Elf(elf) => {
                let section = elf.section(name).filter(|section| section.kind != NO_BITS)?;
                self.clamp(section.offset, section.size)
            }
        }
    }

    /// Returns the first writable data segment of a file that has lost its section headers.
    pub(super) fn data_without_sections(&self) -> Option<Span> {
        match &self.format {
            Format::Elf(elf) if elf.sections().is_empty() => {
                let segment =
                    elf.segments().iter().find(|segment| segment.is_load() && segment.is_writable())?;
                self.clamp(segment.offset, segment.file_size)
            }
            Format::Elf(_) => None,
        }
    }

    /// Returns the bytes of the file from the one that is at `address` in memory to the end of its segment.
    pub(super) fn at_address(&self, address: u64) -> Option<Span> {
        match &self.format {
            Format::Elf(elf) => elf.locate(address).and_then(|(offset, len)| self.clamp(offset, len)),
        }
    }

    /// Returns the bytes at the start of `span`, at most `max`.
    pub(super) fn read(&self, span: Span, max: u64) -> Option<std::borrow::Cow<'a, [u8]>> {
        let len = span.len.min(max);
        self.content.read_range(span.offset, len, usize::try_from(max).unwrap_or(usize::MAX)).ok()
    }

    fn clamp(&self, offset: u64, len: u64) -> Option<Span> {
        let left = self.content.len().checked_sub(offset)?;
        Some(Span { offset, len: len.min(left) }).filter(|span| span.len > 0)
    }
}
