//! Reads a table's JSON, an entry at a time, so that the table is never in memory twice.

use super::{Chunk, Entry, MAX_ENTRIES, Sha256, Table, TableError};
use crate::tar::{EntryKind, normalise};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

pub(super) fn parse(json: &[u8], position: u64) -> Result<Table, TableError> {
    let raw: RawTable = serde_json::from_slice(json).map_err(TableError::Malformed)?;
    if raw.version != 1 {
        return Err(TableError::Version(raw.version));
    }
    raw.entries.0.finish(position)
}

#[derive(Deserialize)]
struct RawTable {
    version: u64,
    entries: Entries,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEntry<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    link_name: Cow<'a, str>,
    #[serde(default)]
    mode: i64,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    end_offset: u64,
    #[serde(default)]
    inner_offset: u64,
    #[serde(default)]
    chunk_offset: u64,
    #[serde(default)]
    chunk_size: u64,
    #[serde(borrow, default)]
    digest: Cow<'a, str>,
    #[serde(borrow, default)]
    chunk_digest: Cow<'a, str>,
}

/// The table as far as it has been read.
#[derive(Default)]
struct Builder {
    table: Table,
    /// The file whose chunks may follow.
    open: Option<Open>,
}

/// A file whose chunks are being collected.
struct Open {
    name: String,
    /// `None` for a file whose name cannot be used, and with it its chunks.
    entry: Option<Entry>,
    /// Up to where chunks have been named.
    covered: u64,
    end_offset: u64,
}

struct Entries(Builder);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Builder;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of entries")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Builder, A::Error> {
                let mut builder = Builder::default();
                let mut count = 0_usize;
                while let Some(raw) = list.next_element::<RawEntry<'de>>()? {
                    count = count.saturating_add(1);
                    if count > MAX_ENTRIES {
                        return Err(Error::custom(format_args!("more than {MAX_ENTRIES} entries")));
                    }
                    builder.push(&raw).map_err(Error::custom)?;
                }
                builder.close().map_err(Error::custom)?;
                Ok(builder)
            }
        }
        deserializer.deserialize_seq(Reader).map(Self)
    }
}

impl Builder {
    fn push(&mut self, raw: &RawEntry<'_>) -> Result<(), String> {
        if raw.kind == "chunk" {
            return self.chunk(raw);
        }
        self.close()?;
        let kind = match raw.kind.as_ref() {
            "reg" => EntryKind::File,
            "dir" => EntryKind::Directory,
            "symlink" => EntryKind::Symlink,
            "hardlink" => EntryKind::HardLink,
            "char" => EntryKind::CharDevice,
            "block" => EntryKind::BlockDevice,
            "fifo" => EntryKind::Fifo,
            _ => return Err(format!("`{}` is of an unknown type", raw.name.escape_debug())),
        };
        let link_target = match kind {
            EntryKind::HardLink => normalise(&raw.link_name),
            EntryKind::Symlink => Some(raw.link_name.clone().into_owned()),
            _ => Some(String::new()),
        };
        let entry = normalise(&raw.name).zip(link_target).map(|(path, link_target)| Entry {
            path,
            kind,
            link_target,
            mode: u32::try_from(raw.mode & 0o7777).unwrap_or_default(),
            size: if kind == EntryKind::File { raw.size } else { 0 },
            digest: sha256(&raw.digest),
            chunks: self.table.chunks.len()..self.table.chunks.len(),
        });
        if entry.is_none() {
            self.table.skipped = self.table.skipped.saturating_add(1);
        }
        if kind != EntryKind::File {
            self.table.entries.extend(entry);
            return Ok(());
        }
        let name = raw.name.clone().into_owned();
        let size = raw.size;
        self.open = Some(Open { name, entry, covered: 0, end_offset: raw.end_offset });
        if size > 0 { self.chunk(raw) } else { Ok(()) }
    }

    /// Adds a part to the open file.
    fn chunk(&mut self, raw: &RawEntry<'_>) -> Result<(), String> {
        let Some(open) = self.open.as_mut() else {
            return Err("a chunk belongs to no file".to_owned());
        };
        let wrong = |what: &str| Err(format!("`{}` {what}", open.name.escape_debug()));
        // The older form leaves the name of further chunks out.
        if !raw.name.is_empty() && raw.name != open.name.as_str() {
            return wrong("is followed by a chunk of another file");
        }
        let Some(entry) = &mut open.entry else { return Ok(()) };
        if raw.chunk_offset != open.covered {
            return wrong("has chunks that overlap, or leave a gap");
        }
        let left = entry.size.saturating_sub(open.covered);
        let size = if raw.chunk_size == 0 { left } else { raw.chunk_size };
        if size == 0 || size > left {
            return wrong("has chunks beyond its size");
        }
        open.covered = open.covered.saturating_add(size);
        // Where it ends is known once all offsets are.
        let stored = raw.offset..0;
        let digest = sha256(&raw.chunk_digest);
        self.table.chunks.push(Chunk { stored, skip: raw.inner_offset, size, digest });
        entry.chunks.end = self.table.chunks.len();
        Ok(())
    }

    /// Ends the open file.
    fn close(&mut self) -> Result<(), String> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let Some(entry) = open.entry else { return Ok(()) };
        let wrong = |what: &str| Err(format!("`{}` {what}", open.name.escape_debug()));
        if open.covered != entry.size {
            return wrong("has fewer bytes in its chunks than its size says");
        }
        let chunks = self.table.chunks.get_mut(entry.chunks.clone()).unwrap_or_default();
        if entry.digest.is_none() && chunks.iter().any(|chunk| chunk.digest.is_none()) {
            return wrong("has no digest by which it could be checked");
        }
        if let Some(last) = chunks.last_mut() {
            last.stored.end = open.end_offset;
        }
        self.table.entries.push(entry);
        Ok(())
    }

    /// Finds out where each chunk ends: where the next begins, or the table.
    fn finish(mut self, position: u64) -> Result<Table, TableError> {
        let mut offsets: Vec<u64> = self.table.chunks.iter().map(|chunk| chunk.stored.start).collect();
        offsets.sort_unstable();
        offsets.dedup();
        for chunk in &mut self.table.chunks {
            let start = chunk.stored.start;
            // Before the first file there is a tar header.
            if start == 0 || start >= position {
                return Err(TableError::ChunkOutside);
            }
            let after = offsets.partition_point(|offset| *offset <= start);
            let next = offsets.get(after).copied().unwrap_or(position);
            let said = chunk.stored.end;
            chunk.stored.end = if said > start { said.min(next) } else { next };
        }
        Ok(self.table)
    }
}

/// Reads `sha256:` and 64 digits; anything else is no digest that could be checked.
fn sha256(text: &str) -> Option<Sha256> {
    let digits = text.strip_prefix("sha256:")?.as_bytes();
    let mut digest = [0; 32];
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(pairs) {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let [high, low] = *pair;
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(digest)
}
