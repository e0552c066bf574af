//! Reads zip archives in place: jars, wheels, nested ones from memory ([APPNOTE]).
//!
//! Surprising things:
//! - The central directory, at the end, is what counts, as for the JVM; local headers only say where data begins.
//! - Bytes may stand before the archive (a shell script that starts the jar); offsets are then off by their number,
//!   which is found by where the central directory really ends.
//! - Every size is a claim. Inflating stops at the caller's maximum, whatever the directory says.
//! - The same name may occur twice, and entries may overlap (a zip bomb's trick): names are all reported, and
//!   [`Zip::overlaps`] tells about the data.
//!
//! Cheap for jars of tens of thousands of classes: [`Zip::select`] asks about the raw name before anything is built.
//!
//! [APPNOTE]: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

use std::io::{self, Read};

use crate::bytes::Endian::Little;
use crate::read_at::ReadAt;

/// The end record is 22 bytes and a comment of at most 65,535.
const END_SEARCH: u64 = 22 + 65_535;
/// Entries looked at; the largest jars have about 100,000.
const MAX_ENTRIES: u64 = 1_000_000;
/// Bytes of central directory read at a time; more than one entry can have (46 + 3 × 65,535).
const CHUNK: usize = 256 * 1024;

/// Why a zip archive or an entry of it cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ZipError {
    /// The source failed, or the archive is shorter than its directory says.
    #[error("cannot read the zip archive")]
    Io(#[from] io::Error),
    /// There is no end-of-central-directory record.
    #[error("not a zip archive")]
    NotZip,
    /// The central directory is malformed at an entry.
    #[error("malformed zip directory at entry `{index}`")]
    Directory {
        /// The entry's number, from zero.
        index: u64,
    },
    /// There are more entries than are looked at.
    #[error("zip archive has more than `{limit}` entries")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// The local header of an entry is malformed.
    #[error("malformed local header of zip entry `{name}`")]
    LocalHeader {
        /// The entry's name.
        name: String,
    },
    /// The entry is encrypted or compressed in another way than deflate.
    #[error("zip entry `{name}` uses the unsupported method `{method}`")]
    Method {
        /// The entry's name.
        name: String,
        /// The method's number; encrypted entries have the one of what is encrypted.
        method: u16,
    },
    /// The entry has more bytes than the caller allows.
    #[error("zip entry `{name}` has more than `{max}` bytes")]
    TooLarge {
        /// The entry's name.
        name: String,
        /// The maximum.
        max: usize,
    },
    /// The checksum of the data is not the directory's.
    #[error("wrong checksum of zip entry `{name}`")]
    Checksum {
        /// The entry's name.
        name: String,
    },
}

/// An entry of the central directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZipEntry {
    /// The name as written, bytes that are not UTF-8 replaced; it may be absolute or have `..`.
    pub name: String,
    /// Bytes in the archive, as claimed.
    pub compressed_size: u64,
    /// Bytes when inflated, as claimed.
    pub uncompressed_size: u64,
    /// 0 is stored, 8 is deflated.
    pub method: u16,
    /// Where the local header begins in the source.
    pub offset: u64,
    /// CRC-32 of the inflated data.
    pub crc: u32,
    /// Whether the data is encrypted.
    pub encrypted: bool,
    /// What it is and its permission bits as `stat(2)` gives them, when it was written on a Unix.
    pub mode: Option<u32>,
}

impl ZipEntry {
    /// Tells whether the entry is a directory.
    pub fn is_directory(&self) -> bool {
        self.name.ends_with('/')
    }

    /// Tells whether the entry is a regular file, as far as its mode says.
    pub fn is_file(&self) -> bool {
        !self.is_directory() && self.mode.is_none_or(|mode| matches!(mode & 0o170_000, 0 | 0o100_000))
    }
}

/// A zip archive whose end record has been found.
#[derive(Clone, Copy)]
pub struct Zip<'a> {
    source: &'a dyn ReadAt,
    directory: u64,
    directory_size: u64,
    entries: u64,
    /// Bytes before the archive, to be added to every offset in it.
    prepended: u64,
}

impl std::fmt::Debug for Zip<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zip")
            .field("directory", &self.directory)
            .field("entries", &self.entries)
            .field("prepended", &self.prepended)
            .finish_non_exhaustive()
    }
}

impl<'a> Zip<'a> {
    /// Finds the end record of the archive in `source`.
    ///
    /// # Errors
    /// Fails with `NotZip` when there is none.
    pub fn open(source: &'a dyn ReadAt) -> Result<Self, ZipError> {
        let len = source.len();
        let tail_at = len.saturating_sub(END_SEARCH);
        let tail_size = len.saturating_sub(tail_at);
        let tail =
            source.read_range(tail_at, tail_size, usize::try_from(END_SEARCH).unwrap_or(usize::MAX))?;
        // From the back; the comment may contain the signature, so the comment's length must fit.
        for at in (0..=tail.len().saturating_sub(22)).rev() {
            let Some(record) = tail.get(at..).filter(|rest| rest.starts_with(b"PK\x05\x06")) else {
                continue;
            };
            let comment = usize::from(Little.u16(record, 20).unwrap_or(u16::MAX));
            if comment > record.len().saturating_sub(22) {
                continue;
            }
            let end_at = tail_at.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
            if let Some(zip) = Self::from_end(source, record, end_at)? {
                return Ok(zip);
            }
        }
        Err(ZipError::NotZip)
    }

    fn from_end(source: &'a dyn ReadAt, record: &[u8], end_at: u64) -> Result<Option<Self>, ZipError> {
        let (Some(entries), Some(size), Some(offset)) =
            (Little.u16(record, 10), Little.u32(record, 12), Little.u32(record, 16))
        else {
            return Ok(None);
        };
        let (mut entries, mut size, mut offset) = (u64::from(entries), u64::from(size), u64::from(offset));
        let mut directory_end = end_at;
        if (entries == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff)
            && let Some((at, record)) = zip64_end(source, end_at)?
        {
            let (Some(entries64), Some(size64), Some(offset64)) =
                (Little.u64(&record, 32), Little.u64(&record, 40), Little.u64(&record, 48))
            else {
                return Ok(None);
            };
            (entries, size, offset, directory_end) = (entries64, size64, offset64, at);
        }
        let Some(directory) = directory_end.checked_sub(size) else { return Ok(None) };
        let Some(prepended) = directory.checked_sub(offset) else { return Ok(None) };
        Ok(Some(Self { source, directory, directory_size: size, entries, prepended }))
    }

    /// Returns how many entries the archive claims to have.
    pub fn claimed_entries(&self) -> u64 {
        self.entries
    }

    /// Calls `each` for every entry whose raw name `wanted` accepts, in the directory's order.
    ///
    /// # Errors
    /// Fails at the first malformed entry; those before it have been given.
    pub fn select(
        &self,
        mut wanted: impl FnMut(&[u8]) -> bool,
        mut each: impl FnMut(ZipEntry),
    ) -> Result<(), ZipError> {
        self.walk(|raw| {
            if wanted(raw.name) {
                each(raw.entry(self.prepended));
            }
        })
    }

    /// Returns the entries whose raw name `wanted` accepts.
    ///
    /// # Errors
    /// Fails when an entry is malformed; use [`Zip::select`] to keep those before.
    pub fn entries(&self, wanted: impl FnMut(&[u8]) -> bool) -> Result<Vec<ZipEntry>, ZipError> {
        let mut found = Vec::new();
        self.select(wanted, |entry| found.push(entry))?;
        Ok(found)
    }

    /// Tells whether the data of two entries shares bytes, which no honest tool writes.
    ///
    /// # Errors
    /// Fails when an entry is malformed.
    pub fn overlaps(&self) -> Result<bool, ZipError> {
        let mut spans = Vec::new();
        self.walk(|raw| {
            // The local header is at least 30 bytes and repeats the name.
            let name = u64::try_from(raw.name.len()).unwrap_or(0);
            let len = raw.compressed_size.saturating_add(30).saturating_add(name);
            spans.push((raw.offset, raw.offset.saturating_add(len)));
        })?;
        spans.sort_unstable();
        Ok(spans.iter().zip(spans.iter().skip(1)).any(|(first, second)| second.0 < first.1))
    }

    /// Returns the inflated data of `entry`, at most `max` bytes.
    ///
    /// # Errors
    /// Fails when the data is larger, damaged, encrypted, or compressed by an unsupported method.
    pub fn read(&self, entry: &ZipEntry, max: usize) -> Result<Vec<u8>, ZipError> {
        let name = || entry.name.clone();
        let stored = self.stored(entry)?;
        // The claim only sizes the first allocation, and only so far.
        let claimed = usize::try_from(entry.uncompressed_size).unwrap_or(usize::MAX);
        let mut data = Vec::with_capacity(claimed.min(max).min(1024 * 1024));
        let allowed = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
        if entry.method == 8 {
            let input = io::BufReader::with_capacity(32 * 1024, stored);
            flate2::bufread::DeflateDecoder::new(input).take(allowed).read_to_end(&mut data)?;
        } else {
            stored.take(allowed).read_to_end(&mut data)?;
        }
        if data.len() > max {
            return Err(ZipError::TooLarge { name: name(), max });
        }
        let mut crc = flate2::Crc::new();
        crc.update(&data);
        if crc.sum() != entry.crc {
            return Err(ZipError::Checksum { name: name() });
        }
        Ok(data)
    }

    /// Returns a reader of the inflated data of `entry`, which fails when there is more or less of it than the directory says, or
    /// its checksum is wrong: for data that is too large to be held in memory.
    ///
    /// # Errors
    /// Fails when the data is encrypted or compressed by an unsupported method.
    pub fn reader(&self, entry: &ZipEntry) -> Result<Box<dyn Read + 'a>, ZipError> {
        let stored = self.stored(entry)?;
        let inner: Box<dyn Read + 'a> = if entry.method == 8 {
            let input = io::BufReader::with_capacity(32 * 1024, stored);
            Box::new(flate2::bufread::DeflateDecoder::new(input))
        } else {
            Box::new(stored)
        };
        let crc = flate2::Crc::new();
        Ok(Box::new(Checked { inner, crc, left: entry.uncompressed_size, wanted: entry.crc }))
    }

    /// Finds the stored bytes of an entry whose method is known.
    fn stored(&self, entry: &ZipEntry) -> Result<Span<'a>, ZipError> {
        let name = || entry.name.clone();
        if entry.encrypted || !matches!(entry.method, 0 | 8) {
            return Err(ZipError::Method { name: name(), method: entry.method });
        }
        let header = self.source.read_range(entry.offset, 30, 30)?;
        let (true, Some(name_len), Some(extra_len)) =
            (header.starts_with(b"PK\x03\x04"), Little.u16(&header, 26), Little.u16(&header, 28))
        else {
            return Err(ZipError::LocalHeader { name: name() });
        };
        let data_at = entry
            .offset
            .checked_add(30)
            .and_then(|at| at.checked_add(u64::from(name_len)))
            .and_then(|at| at.checked_add(u64::from(extra_len)))
            .ok_or_else(|| ZipError::LocalHeader { name: name() })?;
        Ok(Span { source: self.source, at: data_at, left: entry.compressed_size })
    }

    fn walk(&self, mut each: impl FnMut(&Raw<'_>)) -> Result<(), ZipError> {
        let mut at = self.directory;
        let end = self.directory.saturating_add(self.directory_size);
        let mut index = 0_u64;
        while at < end {
            let size = end.saturating_sub(at).min(u64::try_from(CHUNK).unwrap_or(u64::MAX));
            let chunk = self.source.read_range(at, size, CHUNK)?;
            let mut rest = &*chunk;
            while let Some((raw, behind)) = Raw::parse(rest) {
                if index >= MAX_ENTRIES {
                    return Err(ZipError::TooManyEntries { limit: MAX_ENTRIES });
                }
                each(&raw);
                rest = behind;
                index = index.saturating_add(1);
            }
            let used = u64::try_from(chunk.len().saturating_sub(rest.len())).unwrap_or(u64::MAX);
            if used == 0 {
                // A digital signature may follow the entries; anything else is damage.
                if rest.starts_with(b"PK\x05\x05") {
                    break;
                }
                return Err(ZipError::Directory { index });
            }
            at = at.saturating_add(used);
        }
        Ok(())
    }
}

/// Finds the zip64 end record by its locator, which stands before the ordinary end record.
fn zip64_end(source: &dyn ReadAt, end_at: u64) -> Result<Option<(u64, Vec<u8>)>, ZipError> {
    let Some(locator_at) = end_at.checked_sub(20) else { return Ok(None) };
    let locator = source.read_range(locator_at, 20, 20)?;
    let (true, Some(offset)) = (locator.starts_with(b"PK\x06\x07"), Little.u64(&locator, 8)) else {
        return Ok(None);
    };
    // With prepended bytes the offset is too small; the record then stands right before its locator.
    for at in [Some(offset), locator_at.checked_sub(56)].into_iter().flatten() {
        if let Ok(record) = source.read_range(at, 56, 56)
            && record.starts_with(b"PK\x06\x06")
        {
            return Ok(Some((at, record.into_owned())));
        }
    }
    Ok(None)
}

/// A directory entry before its name is made a `String`.
struct Raw<'a> {
    name: &'a [u8],
    compressed_size: u64,
    uncompressed_size: u64,
    method: u16,
    flags: u16,
    offset: u64,
    crc: u32,
    mode: Option<u32>,
}

impl<'a> Raw<'a> {
    /// Reads the entry that `bytes` begin with, and returns what is behind it.
    fn parse(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (header, rest) = bytes.split_at_checked(46)?;
        if !header.starts_with(b"PK\x01\x02") {
            return None;
        }
        let (name, rest) = rest.split_at_checked(usize::from(Little.u16(header, 28)?))?;
        let (extra, rest) = rest.split_at_checked(usize::from(Little.u16(header, 30)?))?;
        let (_, rest) = rest.split_at_checked(usize::from(Little.u16(header, 32)?))?;
        let mut raw = Self {
            name,
            compressed_size: u64::from(Little.u32(header, 20)?),
            uncompressed_size: u64::from(Little.u32(header, 24)?),
            method: Little.u16(header, 10)?,
            flags: Little.u16(header, 8)?,
            offset: u64::from(Little.u32(header, 42)?),
            crc: Little.u32(header, 16)?,
            // The upper half of the attributes is the mode when the maker's system is Unix or macOS.
            mode: match header.get(5)? {
                3 | 19 => Some(Little.u32(header, 38)? >> 16),
                _ => None,
            },
        };
        raw.zip64(extra);
        Some((raw, rest))
    }

    /// Takes the 64-bit values, which are present in this order for each field that is all ones.
    fn zip64(&mut self, mut extra: &[u8]) {
        while let (Some(id), Some(len)) = (Little.u16(extra, 0), Little.u16(extra, 2)) {
            let Some((body, rest)) = extra.get(4..).and_then(|rest| rest.split_at_checked(usize::from(len)))
            else {
                return;
            };
            if id == 1 {
                let mut values = body.chunks_exact(8).map(|chunk| Little.u64(chunk, 0));
                for field in [&mut self.uncompressed_size, &mut self.compressed_size, &mut self.offset] {
                    if *field == 0xffff_ffff
                        && let Some(Some(value)) = values.next()
                    {
                        *field = value;
                    }
                }
            }
            extra = rest;
        }
    }

    fn entry(&self, prepended: u64) -> ZipEntry {
        ZipEntry {
            name: String::from_utf8_lossy(self.name).into_owned(),
            compressed_size: self.compressed_size,
            uncompressed_size: self.uncompressed_size,
            method: self.method,
            offset: self.offset.saturating_add(prepended),
            crc: self.crc,
            encrypted: self.flags & 1 != 0,
            mode: self.mode,
        }
    }
}

/// A part of the source as a reader.
struct Span<'a> {
    source: &'a dyn ReadAt,
    at: u64,
    left: u64,
}

impl Read for Span<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let wanted = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.source.read_at(self.at, buf.get_mut(..wanted).unwrap_or_default())?;
        let count = u64::try_from(read).unwrap_or(u64::MAX);
        self.at = self.at.saturating_add(count);
        self.left = self.left.saturating_sub(count);
        Ok(read)
    }
}

/// Holds what is read against what the directory says.
struct Checked<R> {
    inner: R,
    crc: flate2::Crc,
    left: u64,
    wanted: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let damaged = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if buf.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(buf)?;
        self.crc.update(buf.get(..read).unwrap_or_default());
        let count = u64::try_from(read).unwrap_or(u64::MAX);
        match self.left.checked_sub(count) {
            None => return damaged("it has more bytes than the directory says"),
            Some(left) => self.left = left,
        }
        if read == 0 && self.left > 0 {
            return damaged("it has fewer bytes than the directory says");
        }
        if read == 0 && self.crc.sum() != self.wanted {
            return damaged("its checksum is wrong");
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
