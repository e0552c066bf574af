//! Reads the records of a Berkeley DB file, hash or b-tree, such as `/var/lib/rpm/Packages` of rpm before 4.16.
//!
//! There is no document of the format; the facts are those of the structures in Berkeley DB's `dbinc/db_page.h`.
//!
//! What is surprising: the structure of the tree or table does not matter when all records are wanted. Pages say
//! what they are, so the file is read page by page, and only values too large for a page are followed through
//! their chain of overflow pages. Every overflow page is used once at most, so that this ends, in time linear in
//! the file's size. The file is in the byte order of the machine that wrote it.

use std::borrow::Cow;
use std::io;

use crate::bytes::Endian;
use crate::pages::SeenPages;
use crate::read_at::ReadAt;

const HASH_MAGIC: u32 = 0x0006_1561;
const BTREE_MAGIC: u32 = 0x0005_3162;
/// Length of the header of a page.
const PAGE_HEADER: usize = 26;
/// Bytes of one value; the largest rpm headers have some megabytes.
const MAX_VALUE: u64 = 64 * 1024 * 1024;

const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_BTREE_LEAF: u8 = 5;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_HASH: u8 = 13;

/// Why a database, or a part of it, cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BdbError {
    /// The source failed.
    #[error("cannot read page `{page}` of the Berkeley DB file")]
    Io {
        /// The page's number, from 0.
        page: u64,
        /// What the source said.
        source: io::Error,
    },
    /// The first page is not that of a Berkeley DB hash or b-tree.
    #[error("not a Berkeley DB hash or b-tree file")]
    NotBdb,
    /// The pages are encrypted or carry checksums, which rpm never asks for.
    #[error("Berkeley DB file has encrypted or checksummed pages")]
    Unsupported,
    /// A page is malformed.
    #[error("malformed page `{page}` of the Berkeley DB file")]
    Page {
        /// The page's number, from 0.
        page: u64,
    },
    /// The overflow pages of a value are malformed, or shared with another.
    #[error("malformed overflow value in page `{page}` of the Berkeley DB file")]
    Overflow {
        /// The number of the page that names the value, from 0.
        page: u64,
    },
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key; in `Packages` a number in the file's byte order, 0 for the one record that is no package.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

/// A Berkeley DB file whose first page has been read.
#[derive(Clone, Copy)]
pub struct Bdb<'a> {
    source: &'a dyn ReadAt,
    endian: Endian,
    page_size: u64,
    pages: u64,
}

impl std::fmt::Debug for Bdb<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bdb")
            .field("endian", &self.endian)
            .field("page_size", &self.page_size)
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

impl<'a> Bdb<'a> {
    /// Reads the first page of `source`.
    ///
    /// # Errors
    /// Fails when it is no hash or b-tree file of Berkeley DB.
    pub fn open(source: &'a dyn ReadAt) -> Result<Self, BdbError> {
        let meta = source.read_range(0, 72, 72).map_err(|_| BdbError::NotBdb)?;
        let endian = [Endian::Little, Endian::Big]
            .into_iter()
            .find(|endian| matches!(endian.u32(&meta, 12), Some(HASH_MAGIC | BTREE_MAGIC)))
            .ok_or(BdbError::NotBdb)?;
        let page_size = endian.u32(&meta, 20).unwrap_or(0);
        if !(512..=65_536).contains(&page_size) || !page_size.is_power_of_two() {
            return Err(BdbError::NotBdb);
        }
        // encrypt_alg, and the flag for checksums in metaflags.
        if meta.get(24) != Some(&0) || meta.get(26).is_none_or(|flags| flags & 1 != 0) {
            return Err(BdbError::Unsupported);
        }
        let page_size = u64::from(page_size);
        let pages = source.len().checked_div(page_size).unwrap_or(0);
        Ok(Self { source, endian, page_size, pages })
    }

    /// Returns the byte order of the file.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// Returns all records, in the order of the pages.
    pub fn records(&self) -> Records<'a> {
        Records {
            file: *self,
            seen: SeenPages::new(self.pages),
            number: 0,
            page: Cow::Borrowed(&[]),
            kind: 0,
            entries: 0,
            index: 0,
        }
    }

    fn page(&self, number: u64) -> Result<Cow<'a, [u8]>, BdbError> {
        let offset = number.saturating_mul(self.page_size);
        let max = usize::try_from(self.page_size).unwrap_or(0);
        let page = self.source.read_range(offset, self.page_size, max);
        page.map_err(|source| BdbError::Io { page: number, source })
    }
}

/// Iterates over the records; a damaged one is an error in its place.
#[derive(Debug)]
pub struct Records<'a> {
    file: Bdb<'a>,
    seen: SeenPages,
    /// The number of the page after the current one.
    number: u64,
    page: Cow<'a, [u8]>,
    kind: u8,
    entries: usize,
    index: usize,
}

/// An item as the page has it.
enum Item {
    Here(Vec<u8>),
    Overflow {
        first: u64,
        len: u64,
    },
    /// Deleted, or one of several values of a key, which rpm has not.
    Other,
}

impl Records<'_> {
    /// Returns the `index`th item of the page.
    fn item(&self, index: usize) -> Option<Item> {
        let endian = self.file.endian;
        let slot = |index: usize| {
            let at = index.checked_mul(2)?.checked_add(PAGE_HEADER)?;
            endian.u16(&self.page, at).map(usize::from)
        };
        let start = slot(index)?;
        let item = self.page.get(start..)?;
        let overflow = || {
            Some(Item::Overflow {
                first: u64::from(endian.u32(item, 4)?),
                len: u64::from(endian.u32(item, 8)?),
            })
        };
        if self.kind == PAGE_BTREE_LEAF {
            let len = usize::from(endian.u16(item, 0)?);
            return match item.get(2)? {
                1 => Some(Item::Here(item.get(3..)?.get(..len)?.to_vec())),
                3 => overflow(),
                _ => Some(Item::Other),
            };
        }
        // Items fill the page from its end, so each ends where the one before begins.
        let end = match index.checked_sub(1) {
            Some(before) => slot(before)?,
            None => self.page.len(),
        };
        match item.first()? {
            1 => Some(Item::Here(self.page.get(start.checked_add(1)?..end)?.to_vec())),
            3 => overflow(),
            _ => Some(Item::Other),
        }
    }

    fn bytes(&mut self, item: Item) -> Result<Option<Vec<u8>>, BdbError> {
        let named_in = self.number.saturating_sub(1);
        let (mut next, len) = match item {
            Item::Here(bytes) => return Ok(Some(bytes)),
            Item::Other => return Ok(None),
            Item::Overflow { first, len } => (first, len),
        };
        let bad = || BdbError::Overflow { page: named_in };
        if len > MAX_VALUE || len > self.file.source.len() {
            return Err(bad());
        }
        let total = usize::try_from(len).map_err(|_| bad())?;
        let mut value = Vec::new();
        while value.len() < total {
            if !self.seen.insert(next) {
                return Err(bad());
            }
            let page = self.file.page(next)?;
            let endian = self.file.endian;
            if page.get(25) != Some(&PAGE_OVERFLOW) {
                return Err(bad());
            }
            // The field for the start of free space has the number of bytes in an overflow page.
            let used = usize::from(endian.u16(&page, 22).ok_or_else(bad)?);
            let data = page.get(PAGE_HEADER..).and_then(|data| data.get(..used)).ok_or_else(bad)?;
            value.extend_from_slice(data);
            next = u64::from(endian.u32(&page, 16).ok_or_else(bad)?);
        }
        if value.len() == total { Ok(Some(value)) } else { Err(bad()) }
    }

    /// Goes to the next page that has records; false after the last.
    fn next_page(&mut self) -> Result<bool, BdbError> {
        while self.number < self.file.pages {
            let number = self.number;
            self.number = number.saturating_add(1);
            (self.entries, self.index) = (0, 0);
            self.page = self.file.page(number)?;
            self.kind = self.page.get(25).copied().unwrap_or(0);
            if !matches!(self.kind, PAGE_HASH | PAGE_HASH_UNSORTED | PAGE_BTREE_LEAF) {
                continue;
            }
            let entries = self.file.endian.u16(&self.page, 20).map_or(0, usize::from);
            // An item has at least a byte, and two for its place.
            if entries > self.page.len() / 3 {
                return Err(BdbError::Page { page: number });
            }
            self.entries = entries;
            return Ok(true);
        }
        Ok(false)
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, BdbError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (key_at, value_at) = (self.index, self.index.saturating_add(1));
            if value_at >= self.entries {
                match self.next_page() {
                    Ok(true) => continue,
                    Ok(false) => return None,
                    Err(error) => return Some(Err(error)),
                }
            }
            self.index = value_at.saturating_add(1);
            let (Some(key), Some(value)) = (self.item(key_at), self.item(value_at)) else {
                return Some(Err(BdbError::Page { page: self.number.saturating_sub(1) }));
            };
            match self.bytes(key).and_then(|key| Ok((key, self.bytes(value)?))) {
                Ok((Some(key), Some(value))) => return Some(Ok(Record { key, value })),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
