//! The PAX extended header: `length key=value\n` records, of which the ones that matter here are kept.
//!
//! Sparse files hide here too: GNU versions 0.0 (repeated `offset`/`numbytes` records) and 0.1 (one `map`) have
//! their map in this header, version 1.0 has it at the start of the content.

use crate::capability;
use std::ops::Range;

use super::content::Segment;

/// Where a PAX sparse file keeps its map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SparseVersion {
    /// Versions 0.0 and 0.1.
    InHeader,
    /// Version 1.0.
    InContent,
}

/// The records of the extended header before an entry; its buffers are used again for the next.
#[derive(Debug, Default)]
pub(super) struct Pax {
    raw: Vec<u8>,
    path: Option<Range<usize>>,
    link_path: Option<Range<usize>>,
    sparse_name: Option<Range<usize>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<i64>,
    /// What `security.capability` permits.
    pub(super) capabilities: Option<u64>,
    pub(super) real_size: Option<u64>,
    major: Option<u64>,
    minor: Option<u64>,
    segments: Vec<Segment>,
    has_map: bool,
    /// The `offset` record of version 0.0 that waits for its `numbytes`.
    open_offset: Option<u64>,
}

impl Pax {
    /// Forgets all records.
    pub(super) fn clear(&mut self) {
        let (mut raw, mut segments) = (std::mem::take(&mut self.raw), std::mem::take(&mut self.segments));
        raw.clear();
        segments.clear();
        *self = Self { raw, segments, ..Self::default() };
    }

    /// Returns the buffer to read the header's content into, emptied.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        self.clear();
        &mut self.raw
    }

    pub(super) fn path(&self) -> Option<&[u8]> {
        self.raw.get(self.path.clone()?)
    }

    pub(super) fn link_path(&self) -> Option<&[u8]> {
        self.raw.get(self.link_path.clone()?)
    }

    pub(super) fn sparse_name(&self) -> Option<&[u8]> {
        self.sparse_version()?;
        self.raw.get(self.sparse_name.clone()?)
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub(super) fn sparse_version(&self) -> Option<SparseVersion> {
        match (self.major, self.minor) {
            (Some(1), Some(0)) => Some(SparseVersion::InContent),
            (Some(0), Some(0 | 1)) => Some(SparseVersion::InHeader),
            (None, None) if self.has_map => Some(SparseVersion::InHeader),
            _ => None,
        }
    }

    /// Reads the records in the buffer; false if they are malformed.
    pub(super) fn parse(&mut self, max_segments: usize) -> bool {
        let raw = std::mem::take(&mut self.raw);
        let ok = self.records(&raw, max_segments).is_some();
        self.raw = raw;
        ok
    }

    fn records(&mut self, raw: &[u8], max_segments: usize) -> Option<()> {
        let mut start = 0_usize;
        while let Some(rest) = raw.get(start..).filter(|rest| !rest.is_empty()) {
            // A usize has at most 20 digits.
            let space = rest.iter().take(21).position(|&byte| byte == b' ')?;
            let len = usize::try_from(decimal(rest.get(..space)?)?).ok()?;
            let record = rest.get(..len)?;
            let body_at = space.checked_add(1)?;
            let body = record.get(body_at..)?.strip_suffix(b"\n")?;
            let equals = body.iter().position(|&byte| byte == b'=')?;
            let (key, value) = (body.get(..equals)?, body.get(equals.checked_add(1)?..)?);
            let value_end = start.checked_add(len)?.checked_sub(1)?;
            let value_at = value_end.checked_sub(value.len())?..value_end;
            self.record(key, value, value_at, max_segments)?;
            start = start.checked_add(len)?;
        }
        Some(())
    }

    fn record(&mut self, key: &[u8], value: &[u8], at: Range<usize>, max_segments: usize) -> Option<()> {
        // An empty value takes an earlier one back (POSIX).
        let number = || if value.is_empty() { Some(None) } else { decimal(value).map(Some) };
        let text = if value.is_empty() { None } else { Some(at) };
        match key {
            b"path" => self.path = text,
            b"linkpath" => self.link_path = text,
            b"size" => self.size = number()?.filter(|&size| i64::try_from(size).is_ok()),
            b"uid" => self.uid = number()?,
            b"gid" => self.gid = number()?,
            b"mtime" => self.mtime = seconds(value),
            // GNU tar, Docker, containerd and BuildKit write extended attributes so (star's keyword).
            b"SCHILY.xattr.security.capability" => self.capabilities = capability::permitted(value),
            b"GNU.sparse.name" => self.sparse_name = text,
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.real_size = number()?,
            b"GNU.sparse.major" => self.major = number()?,
            b"GNU.sparse.minor" => self.minor = number()?,
            b"GNU.sparse.offset" => self.open_offset = Some(decimal(value)?),
            b"GNU.sparse.numbytes" => {
                let segment = Segment { offset: self.open_offset.take()?, len: decimal(value)? };
                self.push_segment(segment, max_segments)?;
            }
            b"GNU.sparse.map" => {
                let mut numbers = value.split(|&byte| byte == b',').filter(|text| !text.is_empty());
                while let Some(offset) = numbers.next() {
                    let segment = Segment { offset: decimal(offset)?, len: decimal(numbers.next()?)? };
                    self.push_segment(segment, max_segments)?;
                }
                self.has_map = true;
            }
            // A sparse file without data has no other record of its map.
            b"GNU.sparse.numblocks" => self.has_map = true,
            _ => {}
        }
        Some(())
    }

    fn push_segment(&mut self, segment: Segment, max: usize) -> Option<()> {
        self.has_map = true;
        self.segments.push(segment);
        (self.segments.len() <= max).then_some(())
    }
}

/// Reads an unsigned decimal number that is nothing but digits.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, &byte| match byte {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(byte & 15)),
        _ => None,
    })
}

/// Reads the whole seconds of a time such as `-12.5`, rounded down.
fn seconds(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let value: i64 = whole.parse().ok()?;
    let down = whole.starts_with('-') && fraction.bytes().any(|byte| byte != b'0');
    value.checked_sub(i64::from(down))
}
