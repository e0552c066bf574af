//! Reads the tables of an SQLite 3 file by walking their b-trees ([file format]).
//!
//! Only what reading whole tables needs: no SQL, no indexes, no journal. A write-ahead log beside the file is not
//! looked at; in an image it has been merged when the writer closed the database.
//!
//! Surprising things: the column that is `INTEGER PRIMARY KEY` is stored as `Null`, its value is the row's number.
//! Every page is read at most once for a walk, overflow pages too, so that a page which is linked twice is damage
//! and the walk always ends. A damaged page or row is an error in its place, and the rows after it still come.
//!
//! [file format]: https://www.sqlite.org/fileformat2.html

use std::io;

use crate::bytes::Endian::Big;
use crate::pages::SeenPages;
use crate::read_at::ReadAt;

/// Bytes of one row; the largest rpm headers (kernels, texlive) have some megabytes.
const MAX_PAYLOAD: u64 = 64 * 1024 * 1024;
/// Columns of one row, SQLite's own default limit.
const MAX_COLUMNS: usize = 2000;
/// Levels of a b-tree; SQLite's own limit, which 2^64 rows do not reach.
const MAX_DEPTH: usize = 20;

/// Why a database, or a part of it, cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// The source failed, or the file is shorter than it says.
    #[error("cannot read page `{page}` of the SQLite file")]
    Io {
        /// The page's number, from 1.
        page: u64,
        /// What the source said.
        source: io::Error,
    },
    /// The header is not that of an SQLite 3 file.
    #[error("not an SQLite 3 file")]
    NotSqlite,
    /// The texts are UTF-16, which is not supported.
    #[error("SQLite file has UTF-16 text")]
    Encoding,
    /// A page is not what the b-tree needs there, or is linked twice.
    #[error("malformed page `{page}` of the SQLite file")]
    Page {
        /// The page's number, from 1.
        page: u64,
    },
    /// A row of a page is malformed or too large.
    #[error("malformed row in page `{page}` of the SQLite file")]
    Row {
        /// The page's number, from 1.
        page: u64,
    },
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value, or the number of the row (see the module).
    Null,
    /// An integer.
    Integer(i64),
    /// A floating point number.
    Real(f64),
    /// UTF-8 text, unchecked.
    Text(Vec<u8>),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// Returns the bytes of a text or blob.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(bytes) | Self::Blob(bytes) => Some(bytes),
            Self::Null | Self::Integer(_) | Self::Real(_) => None,
        }
    }
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The row's number.
    pub rowid: i64,
    /// The values; fewer than columns when the table was altered after the row was written.
    pub columns: Vec<Value>,
}

/// An SQLite file whose header has been read.
#[derive(Clone, Copy)]
pub struct Sqlite<'a> {
    source: &'a dyn ReadAt,
    page_size: u64,
    /// Bytes of a page without the reserved ones at its end.
    usable: u64,
    pages: u64,
}

impl std::fmt::Debug for Sqlite<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite")
            .field("page_size", &self.page_size)
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

/// A table found in the schema.
#[derive(Clone, Debug)]
pub struct Table<'a> {
    file: Sqlite<'a>,
    root: u64,
    /// The `CREATE TABLE` statement.
    pub sql: String,
}

impl<'a> Table<'a> {
    /// Returns the rows in order of their numbers.
    pub fn rows(&self) -> Rows<'a> {
        Rows::new(self.file, self.root)
    }
}

impl<'a> Sqlite<'a> {
    /// Reads the header of `source`.
    ///
    /// # Errors
    /// Fails when it is no SQLite 3 file with UTF-8 text.
    pub fn open(source: &'a dyn ReadAt) -> Result<Self, SqliteError> {
        let header = source.read_range(0, 100, 100).map_err(|_| SqliteError::NotSqlite)?;
        if !header.starts_with(b"SQLite format 3\0") {
            return Err(SqliteError::NotSqlite);
        }
        let page_size = match Big.u16(&header, 16) {
            Some(1) => 65_536,
            Some(size) if size >= 512 && size.is_power_of_two() => u64::from(size),
            _ => return Err(SqliteError::NotSqlite),
        };
        let reserved = u64::from(header.get(20).copied().unwrap_or(0));
        let usable = page_size.saturating_sub(reserved);
        // The format asks for at least 480; all the sums below depend on it.
        if usable < 480 {
            return Err(SqliteError::NotSqlite);
        }
        // Zero is written before the first table is made.
        if !matches!(Big.u32(&header, 56), Some(0 | 1)) {
            return Err(SqliteError::Encoding);
        }
        let pages = source.len().checked_div(page_size).unwrap_or(0);
        Ok(Self { source, page_size, usable, pages })
    }

    /// Finds a table by name, in any case of letters.
    ///
    /// # Errors
    /// Fails when the schema is damaged and the table is not in the part that can be read.
    pub fn table(&self, name: &str) -> Result<Option<Table<'a>>, SqliteError> {
        let mut damage = None;
        for row in Rows::new(*self, 1) {
            match row {
                // type, name, tbl_name, rootpage, sql
                Ok(row) => {
                    if let [Value::Text(kind), Value::Text(found), _, Value::Integer(root), sql, ..] =
                        row.columns.as_slice()
                        && kind == b"table"
                        && found.eq_ignore_ascii_case(name.as_bytes())
                        && let Ok(root) = u64::try_from(*root)
                    {
                        let sql = String::from_utf8_lossy(sql.bytes().unwrap_or_default()).into_owned();
                        return Ok(Some(Table { file: *self, root, sql }));
                    }
                }
                Err(error) => {
                    damage.get_or_insert(error);
                }
            }
        }
        damage.map_or(Ok(None), Err)
    }

    fn page(&self, number: u64) -> Result<Vec<u8>, SqliteError> {
        let bad = |source| SqliteError::Io { page: number, source };
        let offset = number.checked_sub(1).and_then(|index| index.checked_mul(self.page_size));
        let offset = offset.ok_or(SqliteError::Page { page: number })?;
        let max = usize::try_from(self.page_size).unwrap_or(0);
        self.source.read_range(offset, self.page_size, max).map(std::borrow::Cow::into_owned).map_err(bad)
    }
}

/// A page on the way from the root to the current row.
#[derive(Debug)]
struct Level {
    number: u64,
    page: Vec<u8>,
    /// Where the page's header begins: 100 in the first page, which the file's header shares.
    header: usize,
    is_leaf: bool,
    cells: usize,
    next: usize,
}

/// Iterates over the rows of a table.
#[derive(Debug)]
pub struct Rows<'a> {
    file: Sqlite<'a>,
    seen: SeenPages,
    path: Vec<Level>,
    /// The page to go down to next.
    child: Option<u64>,
}

impl<'a> Rows<'a> {
    fn new(file: Sqlite<'a>, root: u64) -> Self {
        Self { seen: SeenPages::new(file.pages.saturating_add(1)), file, path: Vec::new(), child: Some(root) }
    }

    fn descend(&mut self, number: u64) -> Result<(), SqliteError> {
        let bad = || SqliteError::Page { page: number };
        if number == 0 || self.path.len() >= MAX_DEPTH || !self.seen.insert(number) {
            return Err(bad());
        }
        let page = self.file.page(number)?;
        let header = if number == 1 { 100 } else { 0 };
        let is_leaf = match page.get(header) {
            Some(13) => true,
            Some(5) => false,
            _ => return Err(bad()),
        };
        let cells = usize::from(Big.u16(&page, header.saturating_add(3)).ok_or_else(bad)?);
        // A cell has at least four bytes, its pointer two: more cannot be in a page.
        if cells > page.len() / 6 {
            return Err(bad());
        }
        self.path.push(Level { number, page, header, is_leaf, cells, next: 0 });
        Ok(())
    }

    fn leaf_row(&mut self, cell: usize) -> Result<Row, SqliteError> {
        let Some(level) = self.path.last() else { return Err(SqliteError::Page { page: 0 }) };
        let page = level.number;
        let bad = || SqliteError::Row { page };
        let bytes = level.page.get(cell..).ok_or_else(bad)?;
        let (size, bytes) = varint(bytes).ok_or_else(bad)?;
        let (rowid, bytes) = varint(bytes).ok_or_else(bad)?;
        let size = u64::try_from(size).ok().filter(|&size| size <= MAX_PAYLOAD).ok_or_else(bad)?;
        let local = local_size(size, self.file.usable);
        let local = usize::try_from(local).map_err(|_| bad())?;
        let (start, rest) = bytes.split_at_checked(local).ok_or_else(bad)?;
        let total = usize::try_from(size).map_err(|_| bad())?;
        if total == local {
            return record(start).map(|columns| Row { rowid, columns }).ok_or_else(bad);
        }
        if size > self.file.source.len() {
            return Err(bad());
        }
        let mut payload = start.to_vec();
        let mut next = u64::from(Big.u32(rest, 0).ok_or_else(bad)?);
        let share = usize::try_from(self.file.usable.saturating_sub(4)).map_err(|_| bad())?;
        while payload.len() < total {
            if !self.seen.insert(next) {
                return Err(bad());
            }
            let overflow = self.file.page(next)?;
            let wanted = total.saturating_sub(payload.len()).min(share);
            payload.extend_from_slice(overflow.get(4..).and_then(|data| data.get(..wanted)).ok_or_else(bad)?);
            next = u64::from(Big.u32(&overflow, 0).ok_or_else(bad)?);
        }
        record(&payload).map(|columns| Row { rowid, columns }).ok_or_else(bad)
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, SqliteError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(child) = self.child.take()
                && let Err(error) = self.descend(child)
            {
                return Some(Err(error));
            }
            let level = self.path.last_mut()?;
            let index = level.next;
            level.next = index.saturating_add(1);
            if index >= level.cells {
                if !level.is_leaf && index == level.cells {
                    // The children right of the last key.
                    self.child = Big.u32(&level.page, level.header.saturating_add(8)).map(u64::from);
                } else {
                    self.path.pop();
                }
                continue;
            }
            let array = level.header.saturating_add(if level.is_leaf { 8 } else { 12 });
            let pointer = array.saturating_add(index.saturating_mul(2));
            let Some(cell) = Big.u16(&level.page, pointer).map(usize::from) else {
                return Some(Err(SqliteError::Page { page: level.number }));
            };
            if level.is_leaf {
                return Some(self.leaf_row(cell));
            }
            match Big.u32(&level.page, cell) {
                Some(child) => self.child = Some(u64::from(child)),
                None => return Some(Err(SqliteError::Page { page: level.number })),
            }
        }
    }
}

/// Returns how much of a row of `size` bytes is in its leaf page ("B-tree Cell Format").
fn local_size(size: u64, usable: u64) -> u64 {
    let max = usable.saturating_sub(35);
    if size <= max {
        return size;
    }
    let min = (usable.saturating_sub(12).saturating_mul(32) / 255).saturating_sub(23);
    let share = usable.saturating_sub(4);
    let local = min.saturating_add(size.saturating_sub(min).checked_rem(share).unwrap_or(0));
    if local <= max { local } else { min }
}

/// Reads a big-endian base-128 integer of one to nine bytes.
fn varint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().take(9).enumerate() {
        let last = index == 8;
        value = if last { value << 8 | u64::from(byte) } else { value << 7 | u64::from(byte & 0x7f) };
        if last || byte & 0x80 == 0 {
            return Some((value.cast_signed(), bytes.get(index.saturating_add(1)..)?));
        }
    }
    None
}

/// Reads the columns of a record ("Record Format").
fn record(payload: &[u8]) -> Option<Vec<Value>> {
    let (header_size, after) = varint(payload)?;
    let size_len = payload.len().saturating_sub(after.len());
    let (header, mut body) = payload.split_at_checked(usize::try_from(header_size).ok()?)?;
    let mut types = header.get(size_len..)?;
    let mut columns = Vec::new();
    while !types.is_empty() {
        let (kind, rest) = varint(types)?;
        types = rest;
        let (value, rest) = column(kind, body)?;
        body = rest;
        if columns.len() >= MAX_COLUMNS {
            return None;
        }
        columns.push(value);
    }
    Some(columns)
}

fn column(kind: i64, body: &[u8]) -> Option<(Value, &[u8])> {
    let len = match kind {
        0 | 8 | 9 => 0,
        1..=4 => usize::try_from(kind).ok()?,
        5 => 6,
        6 | 7 => 8,
        12.. => usize::try_from(kind.saturating_sub(12) / 2).ok()?,
        _ => return None,
    };
    let (bytes, rest) = body.split_at_checked(len)?;
    let value = match kind {
        0 => Value::Null,
        8 => Value::Integer(0),
        9 => Value::Integer(1),
        7 => Value::Real(f64::from_bits(Big.u64(bytes, 0)?)),
        1..=6 => {
            let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
            Value::Integer(bytes.iter().fold(sign, |value, &byte| value << 8 | i64::from(byte)))
        }
        kind if kind % 2 == 0 => Value::Blob(bytes.to_vec()),
        _ => Value::Text(bytes.to_vec()),
    };
    Some((value, rest))
}
