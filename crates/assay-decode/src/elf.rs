//! Reads the parts of an ELF executable that identify it: sections, segments, dynamic table, notes ([ELF]).
//!
//! Nothing but headers is read until asked for, so that a Go binary of 100 MB costs a few kilobytes.
//! What is surprising: sections are optional at run time. A static Go binary may have lost them (`sstrip`), and
//! then the program headers are all there is; everything the loader itself needs is read through those.
//!
//! [ELF]: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html

use std::borrow::Cow;
use std::io;

mod hardening;

pub use crate::bytes::Endian;
use crate::bytes::until_nul;
use crate::read_at::ReadAt;
pub use hardening::{Hardening, Relro};

/// Sections looked at; linked executables have fewer than a hundred.
const MAX_SECTIONS: usize = 16_384;
/// Program headers looked at; executables have about a dozen, core dumps thousands.
const MAX_SEGMENTS: usize = 4096;
/// Bytes of the section name table read.
const MAX_NAME_TABLE: u64 = 1024 * 1024;
/// Bytes of a section's name, a library's name or a search path.
const MAX_STRING: usize = 4096;
/// Entries of the dynamic table looked at; large desktop programs have a few hundred.
const MAX_DYNAMIC: u64 = 16_384;
/// Imported symbols looked at; the largest libraries import some ten thousand.
const MAX_IMPORTS: u64 = 1 << 18;
/// Bytes of the dynamic symbols' names; Chromium has about four million.
const MAX_NAMES: u64 = 64 << 20;
/// Bytes of one note section or segment.
const MAX_NOTES: usize = 1024 * 1024;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const PT_NOTE: u32 = 4;
const SHT_SYMTAB: u32 = 2;
const SHT_NOTE: u32 = 7;
const SHT_NOBITS: u32 = 8;

/// Why a file is no ELF file that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ElfError {
    /// The source failed, or the file is shorter than its headers say.
    #[error("cannot read the ELF file")]
    Io(#[from] io::Error),
    /// The magic number or the identification is wrong.
    #[error("not an ELF file")]
    NotElf,
}

/// A section header with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The name, such as `.go.buildinfo`; empty when the name table is unusable.
    pub name: String,
    /// The type, `sh_type`.
    pub kind: u32,
    /// The flags, `sh_flags`.
    pub flags: u64,
    /// The address in memory.
    pub address: u64,
    /// The offset in the file.
    pub offset: u64,
    /// The size in bytes, as claimed.
    pub size: u64,
}

/// A program header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The type, `p_type`.
    pub kind: u32,
    /// The flags, `p_flags`: 1 executable, 2 writable, 4 readable.
    pub flags: u32,
    /// The offset in the file.
    pub offset: u64,
    /// The address in memory.
    pub address: u64,
    /// Bytes in the file, as claimed.
    pub file_size: u64,
    /// Bytes in memory, as claimed.
    pub memory_size: u64,
}

impl Segment {
    /// Tells whether the segment is mapped into memory.
    pub fn is_load(&self) -> bool {
        self.kind == PT_LOAD
    }

    /// Tells whether the segment is mapped writable, as Go's build information is.
    pub fn is_writable(&self) -> bool {
        self.flags & 2 != 0
    }
}

/// What the dynamic table says about libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// Libraries needed, `DT_NEEDED`, in order.
    pub needed: Vec<String>,
    /// The library's own name, `DT_SONAME`.
    pub soname: Option<String>,
    /// Search path before `LD_LIBRARY_PATH`, `DT_RPATH`.
    pub rpath: Option<String>,
    /// Search path after it, `DT_RUNPATH`.
    pub runpath: Option<String>,
    /// Whether it says that it is a program, not a library (`DF_1_PIE`).
    pub is_pie: bool,
    /// Whether all functions are bound at the start (`DT_BIND_NOW`, `DF_BIND_NOW`, `DF_1_NOW`).
    pub binds_now: bool,
}

/// A note: who defines it, its type there, and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The owner, such as `GNU`, `FDO` or `Go`.
    pub owner: String,
    /// The type, defined by the owner.
    pub kind: u32,
    /// The content.
    pub content: Vec<u8>,
}

/// An ELF file whose headers have been read.
#[derive(Clone)]
pub struct Elf<'a> {
    source: &'a dyn ReadAt,
    is_64: bool,
    endian: Endian,
    machine: u16,
    kind: u16,
    sections: Vec<Section>,
    segments: Vec<Segment>,
}

impl std::fmt::Debug for Elf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Elf")
            .field("is_64", &self.is_64)
            .field("endian", &self.endian)
            .field("machine", &self.machine)
            .field("sections", &self.sections)
            .field("segments", &self.segments)
            .finish_non_exhaustive()
    }
}

/// Tells whether `start` begins an ELF file.
pub fn is_elf(start: &[u8]) -> bool {
    start.starts_with(b"\x7fELF")
}

/// Where a table of headers is.
struct Table {
    offset: u64,
    entry_size: u16,
    count: usize,
}

impl<'a> Elf<'a> {
    /// Reads the headers of `source`.
    ///
    /// Section or program headers that lie outside the file count as absent: the kernel runs such files too.
    ///
    /// # Errors
    /// Fails with `NotElf` when the identification is wrong.
    pub fn parse(source: &'a dyn ReadAt) -> Result<Self, ElfError> {
        let size = source.len().min(64);
        let header = source.read_range(0, size, 64)?;
        if !is_elf(&header) {
            return Err(ElfError::NotElf);
        }
        let is_64 = match header.get(4) {
            Some(1) => false,
            Some(2) => true,
            _ => return Err(ElfError::NotElf),
        };
        let endian = match header.get(5) {
            Some(1) => Endian::Little,
            Some(2) => Endian::Big,
            _ => return Err(ElfError::NotElf),
        };
        let mut elf =
            Self { source, is_64, endian, machine: 0, kind: 0, sections: Vec::new(), segments: Vec::new() };
        elf.headers(&header).ok_or(ElfError::NotElf)?;
        Ok(elf)
    }

    fn headers(&mut self, header: &[u8]) -> Option<()> {
        let endian = self.endian;
        self.kind = endian.u16(header, 16)?;
        self.machine = endian.u16(header, 18)?;
        let word = self.is_64;
        let half = |at_32, at_64| endian.u16(header, if word { at_64 } else { at_32 });
        let segments = Table {
            offset: self.word(header, 28, 32)?,
            entry_size: half(42, 54)?,
            count: usize::from(half(44, 56)?).min(MAX_SEGMENTS),
        };
        let mut sections = Table {
            offset: self.word(header, 32, 40)?,
            entry_size: half(46, 58)?,
            count: usize::from(half(48, 60)?).min(MAX_SECTIONS),
        };
        let mut names = u32::from(half(50, 62)?);
        // Numbers that do not fit in 16 bits are in the first section header.
        if sections.offset != 0 && (sections.count == 0 || names == 0xffff) {
            let first = self.table(&Table { count: 1, ..sections }, 40, 64, |raw| {
                Some((self.word(raw, 20, 32)?, endian.u32(raw, if word { 40 } else { 24 })?))
            });
            if let Some(&(count, link)) = first.first() {
                if sections.count == 0 {
                    sections.count = usize::try_from(count).unwrap_or(MAX_SECTIONS).min(MAX_SECTIONS);
                }
                if names == 0xffff {
                    names = link;
                }
            }
        }
        self.segments = self.table(&segments, 32, 56, |raw| self.segment(raw));
        let with_names = self.table(&sections, 40, 64, |raw| self.section_header(raw));
        let table = usize::try_from(names).ok().and_then(|index| with_names.get(index));
        let table = table.and_then(|(_, section)| {
            let size = section.size.min(MAX_NAME_TABLE);
            self.source.read_range(section.offset, size, usize::MAX).ok()
        });
        self.sections = with_names
            .iter()
            .map(|(name, section)| {
                let at = usize::try_from(*name).unwrap_or(usize::MAX);
                let rest = table.as_ref().and_then(|table| table.get(at..)).unwrap_or_default();
                let rest = rest.get(..MAX_STRING).unwrap_or(rest);
                let name = String::from_utf8_lossy(until_nul(rest)).into_owned();
                Section { name, ..section.clone() }
            })
            .collect();
        Some(())
    }

    /// Reads the entries of `table`; none if it does not lie in the file or its entries are too small.
    fn table<T>(
        &self,
        table: &Table,
        size_32: u16,
        size_64: u16,
        entry: impl Fn(&[u8]) -> Option<T>,
    ) -> Vec<T> {
        let least = if self.is_64 { size_64 } else { size_32 };
        let entry_size = usize::from(table.entry_size);
        if table.entry_size < least || table.offset == 0 {
            return Vec::new();
        }
        let Some(size) = entry_size.checked_mul(table.count) else { return Vec::new() };
        let len = u64::try_from(size).unwrap_or(u64::MAX);
        let Ok(bytes) = self.source.read_range(table.offset, len, size) else { return Vec::new() };
        bytes.chunks_exact(entry_size).filter_map(entry).collect()
    }

    fn segment(&self, raw: &[u8]) -> Option<Segment> {
        Some(Segment {
            kind: self.endian.u32(raw, 0)?,
            flags: self.endian.u32(raw, if self.is_64 { 4 } else { 24 })?,
            offset: self.word(raw, 4, 8)?,
            address: self.word(raw, 8, 16)?,
            file_size: self.word(raw, 16, 32)?,
            memory_size: self.word(raw, 20, 40)?,
        })
    }

    fn section_header(&self, raw: &[u8]) -> Option<(u32, Section)> {
        let section = Section {
            name: String::new(),
            kind: self.endian.u32(raw, 4)?,
            flags: self.word(raw, 8, 8)?,
            address: self.word(raw, 12, 16)?,
            offset: self.word(raw, 16, 24)?,
            size: self.word(raw, 20, 32)?,
        };
        Some((self.endian.u32(raw, 0)?, section))
    }

    /// Returns the address-sized integer at the offset of the file's class.
    fn word(&self, bytes: &[u8], at_32: usize, at_64: usize) -> Option<u64> {
        if self.is_64 { self.endian.u64(bytes, at_64) } else { self.endian.u32(bytes, at_32).map(u64::from) }
    }

    /// Tells whether addresses have 64 bits.
    pub fn is_64(&self) -> bool {
        self.is_64
    }

    /// Returns the byte order.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// Returns the machine, `e_machine`: 62 is x86-64, 183 is AArch64.
    pub fn machine(&self) -> u16 {
        self.machine
    }

    /// Returns the type, `e_type`: 2 is an executable, 3 a shared object or position-independent executable.
    pub fn kind(&self) -> u16 {
        self.kind
    }

    /// Returns the sections in file order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Returns the program headers in file order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns the first section of a name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Returns the content of the first section of a name, `None` if there is none with content.
    ///
    /// # Errors
    /// Fails when it is larger than `max` or not wholly in the file.
    pub fn section_data(&self, name: &str, max: usize) -> io::Result<Option<Cow<'a, [u8]>>> {
        match self.section(name) {
            Some(section) if section.kind != SHT_NOBITS => {
                self.source.read_range(section.offset, section.size, max).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Returns where in the file the byte at `address` is, and how many bytes of its segment follow.
    pub fn locate(&self, address: u64) -> Option<(u64, u64)> {
        self.segments.iter().filter(|segment| segment.is_load()).find_map(|segment| {
            let delta = address.checked_sub(segment.address)?;
            let left = segment.file_size.checked_sub(delta).filter(|&left| left > 0)?;
            Some((segment.offset.checked_add(delta)?, left))
        })
    }

    /// Returns `len` bytes of memory at `address`, as far as they are in the file.
    ///
    /// # Errors
    /// Fails when `len` is above `max`, or the bytes are in no segment.
    pub fn read_address(&self, address: u64, len: u64, max: usize) -> io::Result<Cow<'a, [u8]>> {
        match self.locate(address) {
            Some((offset, left)) if len <= left => self.source.read_range(offset, len, max),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Returns the program that interprets this one, such as `/lib64/ld-linux-x86-64.so.2`; static ones have none.
    pub fn interpreter(&self) -> Option<String> {
        let segment = self.segments.iter().find(|segment| segment.kind == PT_INTERP)?;
        let raw = self.source.read_range(segment.offset, segment.file_size, MAX_STRING).ok()?;
        Some(String::from_utf8_lossy(until_nul(&raw)).into_owned())
    }

    /// Returns what the dynamic table says; nothing for a static executable.
    pub fn dynamic(&self) -> Dynamic {
        self.read_dynamic().unwrap_or_default()
    }

    fn read_dynamic(&self) -> Option<Dynamic> {
        let segment = self.segments.iter().find(|segment| segment.kind == PT_DYNAMIC)?;
        let entry_size: u64 = if self.is_64 { 16 } else { 8 };
        let size = segment.file_size.min(MAX_DYNAMIC.saturating_mul(entry_size));
        let raw = self.source.read_range(segment.offset, size, usize::MAX).ok()?;
        let entries = || {
            raw.chunks_exact(if self.is_64 { 16 } else { 8 })
                .map_while(|entry| Some((self.word(entry, 0, 0)?, self.word(entry, 4, 8)?)))
                .take_while(|&(tag, _)| tag != 0)
        };
        let strings = entries().find(|&(tag, _)| tag == 5).map(|(_, address)| address)?;
        let string = |offset| {
            let (at, left) = self.locate(strings.checked_add(offset)?)?;
            let len = left.min(self.source.len().checked_sub(at)?);
            let len = len.min(u64::try_from(MAX_STRING).unwrap_or(u64::MAX));
            let raw = self.source.read_range(at, len, MAX_STRING).ok()?;
            Some(String::from_utf8_lossy(until_nul(&raw)).into_owned())
        };
        let mut dynamic = Dynamic::default();
        for (tag, value) in entries() {
            match tag {
                1 => dynamic.needed.extend(string(value)),
                14 => dynamic.soname = string(value),
                15 => dynamic.rpath = string(value),
                29 => dynamic.runpath = string(value),
                24 => dynamic.binds_now = true,
                30 => dynamic.binds_now |= value & 8 != 0,
                0x6fff_fffb => {
                    dynamic.is_pie = value & 0x0800_0000 != 0;
                    dynamic.binds_now |= value & 1 != 0;
                }
                _ => {}
            }
        }
        Some(dynamic)
    }

    /// Calls `visit` with the name of each symbol that another file has to define, such as `dlopen`.
    ///
    /// They are at the start of the dynamic symbol table, before those that the hash table finds, so little is read.
    pub fn imports(&self, mut visit: impl FnMut(&[u8])) {
        let _ = self.read_imports(&mut visit);
    }

    fn read_imports(&self, visit: &mut dyn FnMut(&[u8])) -> Option<()> {
        let segment = self.segments.iter().find(|segment| segment.kind == PT_DYNAMIC)?;
        let size = segment.file_size.min(MAX_DYNAMIC.saturating_mul(if self.is_64 { 16 } else { 8 }));
        let raw = self.source.read_range(segment.offset, size, usize::MAX).ok()?;
        let entry = |wanted: u64| {
            raw.chunks_exact(if self.is_64 { 16 } else { 8 })
                .map_while(|entry| Some((self.word(entry, 0, 0)?, self.word(entry, 4, 8)?)))
                .take_while(|&(tag, _)| tag != 0)
                .find(|&(tag, _)| tag == wanted)
                .map(|(_, value)| value)
        };
        let (names, names_size, symbols) = (entry(5)?, entry(10)?, entry(6)?);
        let word_at = |address: u64, index: u64| {
            let raw = self.read_address(address.checked_add(index.checked_mul(4)?)?, 4, 4).ok()?;
            self.endian.u32(&raw, 0).map(u64::from)
        };
        // The first symbol the hash table knows, or the number of all symbols; or as many as fit before the names, which
        // linkers put after the symbols. A table that knows no symbol at all says 1, whatever is imported (GNU ld).
        let symbol_size: u64 = if self.is_64 { 24 } else { 16 };
        let count = entry(0x6fff_fef5)
            .and_then(|hash| word_at(hash, 1))
            .filter(|first| *first > 1)
            .or_else(|| entry(4).and_then(|hash| word_at(hash, 1)))
            .or_else(|| names.checked_sub(symbols)?.checked_div(symbol_size))?
            .min(MAX_IMPORTS);
        let (offset, left) = self.locate(symbols)?;
        let table =
            self.source.read_range(offset, count.checked_mul(symbol_size)?.min(left), usize::MAX).ok()?;
        let (offset, left) = self.locate(names)?;
        let names = self.source.read_range(offset, names_size.min(left).min(MAX_NAMES), usize::MAX).ok()?;
        for symbol in table.chunks_exact(usize::try_from(symbol_size).ok()?) {
            let section = self.endian.u16(symbol, if self.is_64 { 6 } else { 14 })?;
            let name = usize::try_from(self.endian.u32(symbol, 0)?).ok()?;
            if section == 0
                && name != 0
                && let Some(rest) = names.get(name..)
            {
                visit(until_nul(rest.get(..MAX_STRING).unwrap_or(rest)));
            }
        }
        Some(())
    }

    /// Returns the notes of all note segments, or of note sections when there is no such segment.
    pub fn notes(&self) -> Vec<Note> {
        let segments = self.segments.iter().filter(|segment| segment.kind == PT_NOTE);
        let mut spans: Vec<_> = segments.map(|segment| (segment.offset, segment.file_size)).collect();
        if spans.is_empty() {
            let sections = self.sections.iter().filter(|section| section.kind == SHT_NOTE);
            spans = sections.map(|section| (section.offset, section.size)).collect();
        }
        // Many headers may name the same bytes; real files have fewer than ten.
        spans.sort_unstable();
        spans.dedup();
        spans.truncate(64);
        let mut notes = Vec::new();
        for (offset, size) in spans {
            if let Ok(bytes) = self.source.read_range(offset, size, MAX_NOTES) {
                self.notes_in(&bytes, &mut notes);
            }
        }
        notes
    }

    fn notes_in(&self, mut bytes: &[u8], notes: &mut Vec<Note>) {
        loop {
            let (Some(name_size), Some(size), Some(kind)) =
                (self.endian.u32(bytes, 0), self.endian.u32(bytes, 4), self.endian.u32(bytes, 8))
            else {
                return;
            };
            // Name and content are padded to four bytes. (`.note.gnu.property` pads to eight; its one note is
            // the last of its section.)
            let padded = |size: u32| usize::try_from(size).ok()?.checked_next_multiple_of(4);
            let (Some(name_len), Some(len)) = (padded(name_size), padded(size)) else { return };
            let Some((name, rest)) = bytes.get(12..).and_then(|rest| rest.split_at_checked(name_len)) else {
                return;
            };
            let content = rest.get(..usize::try_from(size).unwrap_or(usize::MAX));
            let Some(content) = content else { return };
            notes.push(Note {
                owner: String::from_utf8_lossy(until_nul(name)).into_owned(),
                kind,
                content: content.to_vec(),
            });
            bytes = rest.get(len..).unwrap_or_default();
        }
    }

    /// Returns the build identifier the linker made, note `GNU` of type 3.
    pub fn build_id(&self) -> Option<Vec<u8>> {
        self.notes().into_iter().find(|note| note.owner == "GNU" && note.kind == 3).map(|note| note.content)
    }

    /// Returns the JSON text of `.note.package`, which says what distribution package a binary is from.
    ///
    /// <https://uapi-group.org/specifications/specs/package_metadata_for_executable_files/>
    pub fn package_note(&self) -> Option<String> {
        let note = self.notes().into_iter().find(|note| note.owner == "FDO" && note.kind == 0xcafe_1a7e)?;
        Some(String::from_utf8_lossy(until_nul(&note.content)).into_owned())
    }

    /// Tells whether the symbol table has been removed.
    pub fn is_stripped(&self) -> bool {
        !self.sections.iter().any(|section| section.kind == SHT_SYMTAB)
    }
}
