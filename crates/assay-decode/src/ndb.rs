//! Reads the blobs of `Packages.db`, the file of rpm's own "ndb" back end, the default of SUSE.
//!
//! There is no document of the format; the facts are those of rpm's `lib/backend/ndb/rpmpkg.c`: a header of 32
//! bytes, pages of 4096 bytes with slots of 16, and blobs in blocks of 16 bytes with head, tail and Adler-32. All
//! numbers are little-endian.
//!
//! What is surprising: nothing is linked, so nothing can turn in circles; but slots may name the same blob, and
//! therefore the bytes read in all are bounded by twice the file's size.

use std::io;

use crate::bytes::Endian::Little;
use crate::read_at::ReadAt;

const PAGE: u64 = 4096;
const SLOT: usize = 16;
const BLOCK: u64 = 16;
const HEAD: usize = 16;
const TAIL: usize = 12;
/// Pages of slots read: 16 million packages.
const MAX_SLOT_PAGES: u64 = 65_536;
/// Bytes of one blob; the largest rpm headers have some megabytes.
const MAX_BLOB: u64 = 64 * 1024 * 1024;

/// Why a database, or a part of it, cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NdbError {
    /// The source failed, or the file is shorter than it says.
    #[error("cannot read the ndb file at byte `{offset}`")]
    Io {
        /// Where.
        offset: u64,
        /// What the source said.
        source: io::Error,
    },
    /// The header is not that of an ndb file of version 0.
    #[error("not an ndb file")]
    NotNdb,
    /// A slot is malformed.
    #[error("malformed slot of the ndb file at byte `{offset}`")]
    Slot {
        /// Where the slot is.
        offset: u64,
    },
    /// The blob of a package is malformed.
    #[error("malformed blob of package `{package}` in the ndb file")]
    Blob {
        /// The package's number.
        package: u32,
    },
    /// The slots name more bytes than the file has.
    #[error("slots of the ndb file name more bytes than it has")]
    TooMuch,
}

/// A blob with the number of its package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// The package's number.
    pub package: u32,
    /// The blob, an rpm header.
    pub bytes: Vec<u8>,
    /// Whether the checksum is right. rpm checks it only before it changes a blob, and reads one with a wrong
    /// checksum all the same; so must who wants to see what rpm sees.
    pub checksum_matches: bool,
}

/// An ndb file whose header has been read.
#[derive(Clone, Copy)]
pub struct Ndb<'a> {
    source: &'a dyn ReadAt,
    slot_pages: u64,
}

impl std::fmt::Debug for Ndb<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ndb").field("slot_pages", &self.slot_pages).finish_non_exhaustive()
    }
}

impl<'a> Ndb<'a> {
    /// Reads the header of `source`.
    ///
    /// # Errors
    /// Fails when it is no ndb file of version 0.
    pub fn open(source: &'a dyn ReadAt) -> Result<Self, NdbError> {
        let header = source.read_range(0, 32, 32).map_err(|_| NdbError::NotNdb)?;
        if !header.starts_with(b"RpmP") || Little.u32(&header, 4) != Some(0) {
            return Err(NdbError::NotNdb);
        }
        let slot_pages = u64::from(Little.u32(&header, 12).unwrap_or(0));
        Ok(Self { source, slot_pages: slot_pages.min(MAX_SLOT_PAGES) })
    }

    /// Returns all blobs, in the order of the slots.
    pub fn blobs(&self) -> Blobs<'a> {
        Blobs {
            file: *self,
            page: 0,
            slots: Vec::new(),
            // The first two slots of the first page are the header.
            index: 2,
            budget: self.source.len().saturating_mul(2),
        }
    }
}

/// Iterates over the blobs; a damaged one is an error in its place.
#[derive(Debug)]
pub struct Blobs<'a> {
    file: Ndb<'a>,
    /// The number of the page after the current one.
    page: u64,
    slots: Vec<u8>,
    index: usize,
    budget: u64,
}

impl Blobs<'_> {
    fn blob(&mut self, package: u32, block: u32, blocks: u32) -> Result<Blob, NdbError> {
        let offset = u64::from(block).saturating_mul(BLOCK);
        let size = u64::from(blocks).saturating_mul(BLOCK);
        self.budget = self.budget.checked_sub(size).ok_or(NdbError::TooMuch)?;
        let max = usize::try_from(MAX_BLOB).unwrap_or(usize::MAX);
        let raw = self.file.source.read_range(offset, size, max);
        let raw = raw.map_err(|source| NdbError::Io { offset, source })?;
        parse_blob(&raw, package).ok_or(NdbError::Blob { package })
    }
}

fn parse_blob(raw: &[u8], package: u32) -> Option<Blob> {
    let (covered, tail) = raw.split_at_checked(raw.len().checked_sub(TAIL)?)?;
    let (head, body) = covered.split_at_checked(HEAD)?;
    let len = Little.u32(head, 12)?;
    if !head.starts_with(b"BlbS") || !tail.ends_with(b"BlbE") {
        return None;
    }
    if Little.u32(head, 4)? != package || Little.u32(tail, 4)? != len {
        return None;
    }
    let bytes = body.get(..usize::try_from(len).ok()?)?;
    // The checksum covers the head and the padding too.
    let checksum_matches = Little.u32(tail, 0)? == adler32(covered);
    Some(Blob { package, bytes: bytes.to_vec(), checksum_matches })
}

/// Returns the checksum of RFC 1950.
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut low, mut high) = (1_u32, 0_u32);
    // 5552 is the longest run for which the sums fit in 32 bits (zlib's `NMAX`).
    for run in bytes.chunks(5552) {
        for &byte in run {
            low = low.wrapping_add(u32::from(byte));
            high = high.wrapping_add(low);
        }
        low %= MODULUS;
        high %= MODULUS;
    }
    high << 16 | low
}

impl Iterator for Blobs<'_> {
    type Item = Result<Blob, NdbError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let at = self.index.saturating_mul(SLOT);
            let Some(slot) = self.slots.get(at..).and_then(|rest| rest.get(..SLOT)) else {
                if self.page >= self.file.slot_pages {
                    return None;
                }
                let offset = self.page.saturating_mul(PAGE);
                if self.page > 0 {
                    self.index = 0;
                }
                self.page = self.page.saturating_add(1);
                match self.file.source.read_range(offset, PAGE, usize::MAX) {
                    Ok(page) => self.slots = page.into_owned(),
                    Err(source) => {
                        // What is behind the end of the file is not read page by page.
                        self.slots.clear();
                        self.page = self.file.slot_pages;
                        return Some(Err(NdbError::Io { offset, source }));
                    }
                }
                continue;
            };
            self.index = self.index.saturating_add(1);
            let (true, Some(package), Some(block), Some(blocks)) =
                (slot.starts_with(b"Slot"), Little.u32(slot, 4), Little.u32(slot, 8), Little.u32(slot, 12))
            else {
                let in_page = u64::try_from(at).unwrap_or(u64::MAX);
                let page = self.page.saturating_sub(1).saturating_mul(PAGE);
                return Some(Err(NdbError::Slot { offset: page.saturating_add(in_page) }));
            };
            if package == 0 || block == 0 {
                continue;
            }
            return Some(self.blob(package, block, blocks));
        }
    }
}
