//! A pass over a layer's table of contents instead of its bytes: only files that are wanted by their path are fetched.
//!
//! What it cannot see: what analyzers know by its first bytes (programs, mostly), and whatever the archive holds that its table
//! does not name. The analysis says so with a warning, is incomplete by it, and is never kept.
//!
//! Nothing that was fetched reaches an analyzer before its digest has been compared with the one in the table.

use super::{AnalyzeLayerError, Content, Pass, Unread};
use crate::analyzer::Node;
use crate::facts::LayerAnalysis;
use crate::limits::{Budget, GivenUp, Limits};
use crate::matcher::{MAGIC_LEN, Matcher};
use assay_decode::compression::decompress;
use assay_decode::read_at::{FileSpool, ReadAt as _};
use assay_decode::tar::EntryKind;
use assay_decode::toc::{Chunk, Entry, Sha256 as Sum, Table};
use assay_model::{DiffId, Warning};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Write};
use std::ops::Range;

/// Gives a number of stored bytes of the layer from an offset on.
pub type Fetch<'a> = dyn FnMut(u64, u64) -> io::Result<Vec<u8>> + Send + 'a;

/// Unwanted bytes between two wanted parts that are fetched along, in bytes: a request of its own costs a round trip, in which
/// as much arrives.
const GAP: u64 = 256 << 10;

/// The most bytes of one request; they are in memory, once per layer that is read at a time.
const REQUEST: u64 = 8 << 20;

/// Looks at the files of a layer that are wanted by their path, as its table of contents gives them.
///
/// `size` is that of the blob; no more than that is fetched. `expected` is taken over unverified.
///
/// # Errors
/// Fails when parts cannot be fetched: then the layer has to be read whole.
pub fn analyze_table(
    table: &Table,
    size: u64,
    expected: Option<DiffId>,
    fetch: &mut Fetch<'_>,
    matcher: &Matcher<'_>,
    limits: &Limits,
) -> Result<LayerAnalysis, AnalyzeLayerError> {
    let mut pass = Pass::new(matcher, limits);
    let plan = pass.plan(table);
    let mut window = Window { plan, fetch, piece: Vec::new(), start: 0, fetched: 0, most: size };
    let (files, read) = pass.walk_table(table, &mut window).map_err(AnalyzeLayerError::Read)?;
    let message = format!(
        "read by its table of contents: {read} of {files} files, {} of {size} bytes; programs and other files that are known \
         by their content were not looked at, nor what the table does not name",
        window.fetched
    );
    // Not counted: of all warnings this one must not be left out.
    pass.out.warnings.push(Warning::unscanned("lazy-scan", None, message));
    pass.out.diff_id = expected;
    pass.out.repeatable = false;
    Ok(pass.finish().0)
}

impl Pass<'_> {
    /// Goes through the table; returns how many files it has and how many were read.
    fn walk_table(&mut self, table: &Table, window: &mut Window<'_, '_>) -> io::Result<(u64, u64)> {
        let (mut files, mut read) = (0, 0);
        if table.skipped > 0 {
            let message = format!(
                "{} entries of its table of contents have a path that leads out of the root or is none, and were skipped",
                table.skipped
            );
            self.warn(Warning::unscanned("skipped-entry", None, message));
        }
        for entry in &table.entries {
            if self.full && self.marks_full {
                break;
            }
            if self.limits.stop.is_raised() {
                self.out.warnings.push(Budget::TIME.exceeded(None, GivenUp::Time));
                break;
            }
            if self.out.entries >= self.limits.entries_per_layer {
                let what = format!("its table of contents has more than {} entries", self.out.entries);
                self.out.warnings.push(Budget::ENTRIES.exceeded(None, what));
                break;
            }
            self.out.entries += 1;
            if entry.path.len() > self.limits.path_length {
                let most = self.limits.path_length;
                let what = format!("an entry with a path of more than {most} bytes was skipped");
                self.warn(Budget::PATH.exceeded(None, what));
                continue;
            }
            files += u64::from(entry.kind == EntryKind::File);
            self.out.unpacked_size = self.out.unpacked_size.saturating_add(entry.size);
            if !self.place(&entry.path, entry.kind) {
                continue;
            }
            match entry.kind {
                EntryKind::File => {
                    let mut found = std::mem::take(&mut self.found);
                    self.matcher.by_path(&entry.path, &mut found);
                    self.without_lists(&mut found);
                    if !found.is_empty() && !self.matcher.reads(&found) {
                        let content = Content::Unread(Unread { len: entry.size });
                        self.run_content(&entry.path, Node::file(entry.mode), &content, &found);
                    } else if !found.is_empty()
                        && self.has_room(&entry.path, &found)
                        && let Some(content) = self.fetch(table, entry, window)?
                    {
                        read += 1;
                        // As it is here, those who know it by its content may see it, too.
                        self.add_by_magic(&content, &mut found);
                        self.run_content(&entry.path, Node::file(entry.mode), &content, &found);
                    }
                    self.found = found;
                }
                EntryKind::HardLink => self.hard_link(&entry.path, &entry.link_target),
                EntryKind::Symlink => {
                    self.symlink(&entry.path, &entry.link_target);
                    self.link(&entry.path, Node::file(entry.mode), &entry.link_target);
                }
                EntryKind::Directory
                | EntryKind::CharDevice
                | EntryKind::BlockDevice
                | EntryKind::Fifo
                | EntryKind::Other(_) => {}
            }
        }
        read += self.follow_links(table, window)?;
        Ok((files, read))
    }

    /// Looks at what hard links name whose own names ask for more than their targets' did; returns how many were read.
    fn follow_links(&mut self, table: &Table, window: &mut Window<'_, '_>) -> io::Result<u64> {
        let links = std::mem::take(&mut self.links.by_path);
        let wanted: HashSet<&str> = links.values().map(|link| link.target.as_str()).collect();
        // The files of a name, with the numbers of their entries.
        let mut targets: HashMap<&str, Vec<(u64, &Entry)>> = HashMap::new();
        for (number, entry) in (1_u64..).zip(&table.entries) {
            if entry.kind == EntryKind::File && wanted.contains(entry.path.as_str()) {
                targets.entry(&entry.path).or_default().push((number, entry));
            }
        }
        let mut read = 0;
        for (path, link) in &links {
            if self.full || self.limits.stop.is_raised() {
                break;
            }
            let target = targets.get(link.target.as_str()).and_then(|files| {
                let after = files.partition_point(|(number, _)| *number < link.entry);
                files.get(after.checked_sub(1)?).map(|(_, entry)| *entry)
            });
            let Some(target) = target else {
                let message =
                    format!("it is a hard link to `{}`, which this layer does not have", link.target);
                self.warn(Warning::unscanned("unresolved-link", Some(path), message));
                continue;
            };
            let content = if self.matcher.reads(&link.analyzers) {
                let Some(content) = self.fetch(table, target, window)? else { continue };
                read += 1;
                content
            } else {
                Content::Unread(Unread { len: target.size })
            };
            let before = self.out.files.remove(path);
            self.run_content(path, Node::file(target.mode), &content, &link.analyzers);
            if let Some(before) = before {
                self.out.files.entry(path.clone()).or_default().extend(before);
            }
        }
        Ok(read)
    }

    /// Returns which parts of the blob to fetch, so that everything wanted is in them and each is one request.
    fn plan(&self, table: &Table) -> Vec<Range<u64>> {
        let mut found = Vec::new();
        let mut wants = |path: &str| {
            self.matcher.by_path(path, &mut found);
            !found.is_empty() && self.matcher.reads(&found)
        };
        let links = table.entries.iter().filter(|entry| entry.kind == EntryKind::HardLink);
        let targets: HashSet<&str> =
            links.filter(|link| wants(&link.path)).map(|link| link.link_target.as_str()).collect();
        let files = table.entries.iter().filter(|entry| {
            entry.kind == EntryKind::File
                && entry.size <= self.limits.bytes_per_file
                && (wants(&entry.path) || targets.contains(entry.path.as_str()))
        });
        pieces(files.flat_map(|file| table.chunks(file)).map(|chunk| chunk.stored.clone()).collect())
    }

    /// Takes a file's content into memory or the spool. What is not what the table promised gives a warning and nothing.
    fn fetch(
        &mut self,
        table: &Table,
        entry: &Entry,
        window: &mut Window<'_, '_>,
    ) -> io::Result<Option<Content>> {
        let path = entry.path.as_str();
        if entry.size > self.limits.bytes_per_file {
            self.too_large(path, entry.size);
            return Ok(None);
        }
        let chunks = table.chunks(entry);
        // What lies before a chunk in what comes out has to be inflated, too.
        let inflated = chunks.iter().map(|chunk| chunk.skip.saturating_add(chunk.size));
        let before = window.fetched;
        if !self.expand(path, inflated.fold(0, u64::saturating_add)) {
            return Ok(None);
        }
        let taken = if entry.size <= self.limits.memory_per_file {
            self.buffer.clear();
            copy(chunks, entry.digest, window, &mut self.buffer).map(|()| Content::Memory)
        } else {
            self.spool_chunks(chunks, entry.digest, window).map(Content::Spool)
        };
        self.expansion.add_stored(window.fetched.saturating_sub(before));
        match taken {
            Ok(content) => Ok(Some(content)),
            Err(Failure::Fetch(error)) => Err(error),
            Err(Failure::Content(what)) => {
                let message = format!("it was not looked at: {what}");
                self.warn(Warning::unscanned("unverified-file", Some(path), message));
                Ok(None)
            }
            Err(Failure::Spool(error)) => {
                self.hindered = true;
                let message = format!(
                    "it has {} bytes and cannot be spooled to the scratch folder: {error}",
                    entry.size
                );
                self.warn(Warning::unscanned("unspooled-file", Some(path), message));
                Ok(None)
            }
        }
    }

    fn spool_chunks(
        &self,
        chunks: &[Chunk],
        whole: Option<Sum>,
        window: &mut Window<'_, '_>,
    ) -> Result<FileSpool, Failure> {
        // Unlinked from the start: nothing is left behind, however the process ends.
        let mut file = tempfile::tempfile_in(&self.limits.scratch).map_err(Failure::Spool)?;
        copy(chunks, whole, window, &mut file)?;
        file.flush().and_then(|()| FileSpool::new(file)).map_err(Failure::Spool)
    }

    fn add_by_magic(&self, content: &Content, found: &mut Vec<usize>) {
        let mut start = [0; MAGIC_LEN];
        let len = match content {
            Content::Memory => self.buffer.as_slice().read_at(0, &mut start),
            Content::Spool(spool) => spool.read_at(0, &mut start),
            Content::Unread(_) => return,
        };
        self.matcher.by_magic(start.get(..len.unwrap_or_default()).unwrap_or_default(), found);
    }
}

/// Joins parts that lie near each other, and cuts what is too large for one request.
fn pieces(mut parts: Vec<Range<u64>>) -> Vec<Range<u64>> {
    parts.sort_unstable_by_key(|part| (part.start, part.end));
    let mut joined: Vec<Range<u64>> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(last)
                if part.start <= last.end
                    || (part.start.saturating_sub(last.end) <= GAP
                        && part.end.saturating_sub(last.start) <= REQUEST) =>
            {
                last.end = last.end.max(part.end);
            }
            _ => joined.push(part),
        }
    }
    let cut = |part: Range<u64>| {
        let count = part.end.saturating_sub(part.start).div_ceil(REQUEST);
        (0..count).map(move |number| {
            let start = part.start.saturating_add(number.saturating_mul(REQUEST));
            start..start.saturating_add(REQUEST).min(part.end)
        })
    };
    joined.into_iter().flat_map(cut).collect()
}

/// The piece of the blob that was fetched last, and those to come.
struct Window<'a, 'f> {
    /// In order, without overlaps.
    plan: Vec<Range<u64>>,
    fetch: &'a mut Fetch<'f>,
    piece: Vec<u8>,
    start: u64,
    fetched: u64,
    /// A table that jumps to and fro would have the same pieces fetched again and again.
    most: u64,
}

impl Window<'_, '_> {
    /// Returns stored bytes from `offset` on, at least one.
    fn at(&mut self, offset: u64) -> io::Result<&[u8]> {
        let end = self.start.saturating_add(len(&self.piece));
        if !(self.start..end).contains(&offset) {
            let next = self.plan.partition_point(|piece| piece.end <= offset);
            let piece = self.plan.get(next).filter(|piece| piece.contains(&offset)).cloned();
            let piece = piece.ok_or_else(|| io::Error::other("a part was not planned to be fetched"))?;
            let wanted = piece.end.saturating_sub(piece.start);
            self.fetched = self.fetched.saturating_add(wanted);
            if self.fetched > self.most {
                return Err(io::Error::other("its parts come to more bytes than the whole"));
            }
            // The old piece goes first: there must not be two in memory.
            self.piece = Vec::new();
            self.piece = (self.fetch)(piece.start, wanted)?;
            self.start = piece.start;
            if len(&self.piece) != wanted {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let at = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        Ok(self.piece.get(at..).unwrap_or_default())
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Why a file could not be had.
enum Failure {
    /// Its bytes could not be fetched.
    Fetch(io::Error),
    /// They are not what the table promised.
    Content(String),
    /// They could not be put into the spool.
    Spool(io::Error),
}

/// The stored bytes of one chunk.
struct Stored<'w, 'a, 'f> {
    window: &'w mut Window<'a, 'f>,
    range: Range<u64>,
    error: &'w mut Option<io::Error>,
}

impl Read for Stored<'_, '_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.range.is_empty() || buf.is_empty() {
            return Ok(0);
        }
        let left = usize::try_from(self.range.end.saturating_sub(self.range.start)).unwrap_or(usize::MAX);
        match self.window.at(self.range.start) {
            Ok(bytes) => {
                let count = bytes.len().min(buf.len()).min(left);
                if let (Some(to), Some(from)) = (buf.get_mut(..count), bytes.get(..count)) {
                    to.copy_from_slice(from);
                }
                self.range.start = self.range.start.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                Ok(count)
            }
            Err(error) => {
                // The inflater in between may swallow or rename it.
                let shown = io::Error::new(error.kind(), error.to_string());
                *self.error = Some(error);
                Err(shown)
            }
        }
    }
}

/// Writes a file's content to `out`; what is there is of use only if it succeeds.
fn copy(
    chunks: &[Chunk],
    whole: Option<Sum>,
    window: &mut Window<'_, '_>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut buffer = vec![0; 64 << 10];
    let mut all = Sha256::new();
    for chunk in chunks {
        let mut error = None;
        let mut hash = Sha256::new();
        let stored = Stored { window: &mut *window, range: chunk.stored.clone(), error: &mut error };
        let inflated = inflate(stored, chunk, &mut buffer, &mut |bytes| {
            hash.update(bytes);
            all.update(bytes);
            out.write_all(bytes).map_err(Failure::Spool)
        });
        match (error, inflated) {
            (Some(error), _) => return Err(Failure::Fetch(error)),
            (None, inflated) => inflated?,
        }
        let actual: Sum = hash.finalize().into();
        if chunk.digest.is_some_and(|digest| digest != actual) {
            return Err(Failure::Content(
                "its digest is not the one in the layer's table of contents".to_owned(),
            ));
        }
    }
    let actual: Sum = all.finalize().into();
    // A chunk without a digest is checked with the whole; the table has one of the two.
    if chunks.iter().any(|chunk| chunk.digest.is_none()) && whole != Some(actual) {
        return Err(Failure::Content(
            "its digest is not the one in the layer's table of contents".to_owned(),
        ));
    }
    Ok(())
}

/// Inflates a chunk, buffer by buffer; what comes before and after it is dropped.
fn inflate(
    stored: Stored<'_, '_, '_>,
    chunk: &Chunk,
    buffer: &mut [u8],
    take: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let damaged = |error: &dyn std::fmt::Display| Failure::Content(format!("it cannot be inflated: {error}"));
    let (_, mut plain) = decompress(stored).map_err(|error| damaged(&error))?;
    let (mut skip, mut left) = (chunk.skip, chunk.size);
    while left > 0 {
        let count = match plain.read(buffer) {
            Ok(0) => return Err(damaged(&"it is shorter than the layer's table of contents says")),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(damaged(&error)),
        };
        let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(count);
        let bytes = buffer.get(skipped..count).unwrap_or_default();
        let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        take(bytes.get(..taken).unwrap_or_default())?;
        skip = skip.saturating_sub(u64::try_from(skipped).unwrap_or(u64::MAX));
        left = left.saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_near_each_other_are_one_request() {
        let check = |parts: &[(u64, u64)], want: &[(u64, u64)]| {
            let parts = parts.iter().map(|(start, end)| *start..*end).collect();
            let got: Vec<_> = pieces(parts).into_iter().map(|piece| (piece.start, piece.end)).collect();
            assert_eq!(got, want);
        };
        check(&[], &[]);
        check(&[(10, 20), (5, 8)], &[(5, 20)]);
        check(&[(5, 100), (10, 20)], &[(5, 100)]);
        check(&[(1, 2), (2 + GAP, 9 + GAP)], &[(1, 9 + GAP)]);
        check(&[(1, 2), (3 + GAP, 9 + GAP)], &[(1, 2), (3 + GAP, 9 + GAP)]);
        // Neither joining nor a large file makes a request larger than allowed.
        let apart = [(1, REQUEST - 5), (REQUEST, REQUEST + 9)];
        check(&apart, &apart);
        let cut = [(7, 7 + REQUEST), (7 + REQUEST, 7 + 2 * REQUEST), (7 + 2 * REQUEST, 8 + 2 * REQUEST)];
        check(&[(7, 8 + 2 * REQUEST)], &cut);
    }
}
