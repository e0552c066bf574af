//! One pass over a layer: every file is seen once, by all analyzers that want it, and nothing is unpacked.
//!
//! A selected file is held in memory up to [`Limits::memory_per_file`](crate::Limits::memory_per_file) and beyond it in one unlinked spool file, so that
//! analyzers can read at random; everything else is hashed and skipped in the reader's own buffer.

mod ahead;
mod folder;
mod lazy;
mod links;
mod look;
mod room;
mod source;

pub use folder::FolderPass;
pub use lazy::{Fetch, analyze_table};
pub use links::{UnresolvedLinks, resolve_links};

use crate::analyzer::{File, Node, NodeKind};
use crate::cover::{self, Mark};
use crate::facts::{FileAnalysis, LayerAnalysis};
use crate::limits::{self, Budget, Expansion, Limits, PathCost};
use crate::matcher::{MAGIC_LEN, Matcher};
use ahead::{Ahead, worker};
use assay_decode::compression::{Limited, decompress};
use assay_decode::read_at::{FileSpool, ReadAt};
use assay_decode::tar::{EntryKind, TarError, TarLimits, TarReader};
use assay_model::{DiffId, Digest, Warning};
use links::LinksByTarget;
use look::{Said, look};
use room::Warned;
use sha2::{Digest as _, Sha256};
use source::{Checked, Hashing, over_budget, with_causes};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

/// Why a layer's analysis cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalyzeLayerError {
    /// The layer's bytes cannot be had, or are not the bytes they should be.
    #[error("cannot read the layer")]
    Read(#[source] io::Error),
    /// The layer is not the one the image's configuration names.
    #[error("layer has diff-id `{actual}`, but the image's configuration says `{expected}`")]
    DiffIdMismatch {
        /// What the configuration says.
        expected: DiffId,
        /// What was computed.
        actual: DiffId,
    },
}

/// Reads a layer, compressed or not, once and to its end.
///
/// # Errors
/// Fails when the bytes cannot be read or are not those of `expected`. A layer that is damaged, but is what its digests
/// say, is analysed up to the damage, with a warning.
pub fn analyze_layer(
    reader: impl Read + Send,
    expected: Option<DiffId>,
    matcher: &Matcher<'_>,
    limits: &Limits,
) -> Result<(LayerAnalysis, UnresolvedLinks), AnalyzeLayerError> {
    let (walked, mut pass) = std::thread::scope(|scope| {
        // Of this closure: where reading panics, unwinding drops the end for which the thread waits, and the scope for it.
        let mut pass = Pass::new(matcher, limits);
        let (ahead, work) = ahead::pair();
        let started = std::thread::Builder::new()
            .spawn_scoped(scope, move || worker(&work, |batch| batch.look(matcher, limits)));
        // Where no thread is to be had, the files are looked at one after the other.
        pass.ahead = started.is_ok().then_some(ahead);
        let walked = pass.walk(reader, None);
        pass.catch_up();
        // Without its other end the thread ends.
        pass.ahead = None;
        if started.is_ok_and(|thread| thread.join().is_err()) {
            pass.lost_files();
        }
        if limits.stop.is_raised() {
            pass.say_time_is_up();
        }
        (walked, pass)
    });
    let (actual, intact) = walked?;
    // A layer that could not be inflated to its end has no diff-id to compare; that it is damaged has been said.
    if intact && let Some(expected) = expected.filter(|expected| *expected != actual) {
        return Err(AnalyzeLayerError::DiffIdMismatch { expected, actual });
    }
    pass.out.diff_id = expected.or(intact.then_some(actual));
    pass.out.repeatable = intact && !pass.is_hindered();
    Ok(pass.finish())
}

struct Pass<'a> {
    matcher: &'a Matcher<'a>,
    limits: &'a Limits,
    out: LayerAnalysis,
    links: UnresolvedLinks,
    /// The buffer of the file being looked at, reused and kept: giving memory back after each of the larger files means a page fault
    /// for each 4 KiB of the next. It has at most [`Limits::memory_per_file`](crate::Limits::memory_per_file) bytes.
    buffer: Vec<u8>,
    found: Vec<usize>,
    /// A folder's path with its slash, reused.
    below: String,
    warned: BTreeMap<Cow<'static, str>, Warned>,
    /// Whether something that is not of the layer, such as a full disk, kept a file from being looked at.
    hindered: bool,
    expansion: Arc<Expansion>,
    /// There was no memory left to look at a file.
    full: bool,
    /// Bytes of the files that were looked at inside something else.
    looked_at: u64,
    /// That something was left out for want of memory has been said.
    full_said: bool,
    /// There is no memory left for the list of files, which has been said.
    list_full: bool,
    /// There is no memory left for marks.
    marks_full: bool,
    /// How many marks there were when those that were there twice were dropped.
    thinned: usize,
    /// What archives hold has come to too much: from now on each waits for the one before, so that no more is inflated than may be.
    swollen: bool,
    /// The thread that looks at small files while the layer is read on.
    ahead: Option<Ahead>,
}

/// A selected file's content.
enum Content {
    Memory,
    Spool(FileSpool),
    /// Nobody looks into it.
    Unread(Unread),
}

/// A file of which only the size counts.
struct Unread {
    len: u64,
}

impl ReadAt for Unread {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl<'a> Pass<'a> {
    fn new(matcher: &'a Matcher<'a>, limits: &'a Limits) -> Self {
        Self {
            matcher,
            limits,
            out: LayerAnalysis::default(),
            links: UnresolvedLinks::default(),
            buffer: Vec::new(),
            found: Vec::new(),
            below: String::new(),
            warned: BTreeMap::new(),
            hindered: false,
            expansion: Arc::default(),
            full: false,
            looked_at: 0,
            full_said: false,
            list_full: false,
            marks_full: false,
            thinned: 0,
            swollen: false,
            ahead: None,
        }
    }

    /// Reads the whole layer; returns its diff-id and whether it could be read to its end.
    fn walk(
        &mut self,
        mut reader: impl Read + Send,
        only: Option<&LinksByTarget<'_>>,
    ) -> Result<(DiffId, bool), AnalyzeLayerError> {
        let mut source = Checked::new(&mut reader, Arc::clone(&self.expansion), self.limits.stop.clone());
        let mut intact = true;
        let walked = 'walk: {
            let plain = match decompress(&mut source) {
                Ok((_, plain)) => plain,
                Err(error) if over_budget(&error).is_some() || error.kind() == io::ErrorKind::Unsupported => {
                    intact = false;
                    self.give_up(&error);
                    break 'walk Ok((Sha256::new(), 0));
                }
                Err(error) => break 'walk Err(error),
            };
            let hashing = Hashing {
                inner: Limited::new(plain, self.limits.bytes_per_layer),
                expansion: Arc::clone(&self.expansion),
                limits: self.limits,
                hash: Sha256::new(),
                bytes: 0,
            };
            let tar_limits = TarLimits {
                max_headers: self.limits.entries_per_layer,
                max_path: self.limits.path_length,
                ..TarLimits::default()
            };
            let mut tar = TarReader::new(hashing, tar_limits);
            loop {
                if self.full && (self.marks_full || only.is_some()) {
                    break;
                }
                match tar.next_entry() {
                    Ok(Some(mut entry)) => self.entry(&mut entry, only),
                    Ok(None) => break,
                    Err(TarError::LongPath { offset }) => {
                        let what = format!(
                            "the entry at byte {offset} has a path of more than {} bytes and was skipped",
                            self.limits.path_length
                        );
                        self.warn(Budget::PATH.exceeded(None, what));
                    }
                    Err(error) if error.is_recoverable() => {
                        self.warn(Warning::unscanned("skipped-entry", None, with_causes(&error)));
                    }
                    Err(error) => {
                        self.give_up(&error);
                        break;
                    }
                }
            }
            // The digests cover what follows the archive's end, too.
            if let Err(error) = tar.drain() {
                intact = false;
                self.give_up(&error);
            }
            let hashing = tar.into_inner();
            Ok((hashing.hash, hashing.bytes))
        };
        let (hash, bytes) = match walked {
            Ok(walked) => walked,
            // The error as the source gave it: callers look into it.
            Err(error) => return Err(AnalyzeLayerError::Read(source.error.take().unwrap_or(error))),
        };
        // What the source itself says (a wrong digest, a broken connection) counts more than how the inflater saw it.
        source.finish().map_err(AnalyzeLayerError::Read)?;
        self.out.unpacked_size = bytes;
        Ok((DiffId(Digest::Sha256(hash.finalize().into())), intact))
    }

    /// Returns whether the same layer could give more another time: with more time, memory or room on the disk.
    fn is_hindered(&self) -> bool {
        self.hindered || self.full || self.list_full || self.marks_full || self.limits.stop.is_raised()
    }

    /// Says why a layer is not read on; once, as its end cannot be reached for the same reason.
    fn give_up(&mut self, error: &(dyn std::error::Error + 'static)) {
        let warning = match over_budget(error) {
            Some(budget) => budget.exceeded(None, with_causes(error)),
            None => Warning::unscanned("damaged-layer", None, with_causes(error)),
        };
        if self.out.warnings.iter().all(|have| have.code != warning.code) {
            // Not counted: of all warnings this one must not be left out.
            self.out.warnings.push(warning);
        }
    }

    fn too_large(&mut self, path: &str, size: u64) {
        let most = self.limits.bytes_per_file;
        let what = format!("it has {size} bytes, more than the {most} that are looked at");
        self.warn(Budget::FILE.exceeded(Some(path), what));
    }

    fn entry<R: Read>(
        &mut self,
        entry: &mut assay_decode::tar::Entry<'_, R>,
        only: Option<&LinksByTarget<'_>>,
    ) {
        self.out.entries += 1;
        let path = entry.path();
        if let Some(links) = only {
            let number = self.out.entries;
            let links = links.get(path).map(Vec::as_slice).unwrap_or_default();
            let mut links = links.iter().filter(|(_, link)| number < link.entry).peekable();
            if entry.kind() == EntryKind::File && links.peek().is_some() {
                if entry.is_sparse() && !self.expand(path, entry.size()) {
                    return;
                }
                let Some(content) = self.take(path, entry.size(), entry.reader()) else { return };
                for (path, link) in links {
                    // Each link may have the file looked at once more.
                    if self.full || self.limits.stop.is_raised() || !self.expand(path, entry.size()) {
                        break;
                    }
                    self.run_content(path, node(entry), &content, &link.analyzers);
                }
            }
            return;
        }
        if !self.place(path, entry.kind()) {
            if entry.kind() == EntryKind::Directory && !path.is_empty() && cover::mark(path) == Mark::Content
            {
                self.folder(path, node(entry));
            }
            return;
        }
        match entry.kind() {
            EntryKind::File => {
                let mut found = std::mem::take(&mut self.found);
                self.matcher.by_path(path, &mut found);
                if entry.size() > 0 {
                    match entry.reader().fill_buf() {
                        Ok(start) => self.matcher.by_magic(
                            start.get(..start.len().min(MAGIC_LEN)).unwrap_or_default(),
                            &mut found,
                        ),
                        // The reader says the same again on the next header, where it is reported.
                        Err(_) => found.clear(),
                    }
                    self.matcher.by_being(&mut found);
                }
                self.matcher.by_node(&node(entry), &mut found);
                self.without_lists(&mut found);
                if !found.is_empty()
                    && self.has_room(path, &found)
                    && (!entry.is_sparse() || self.expand(path, entry.size()))
                {
                    if self.may_hand_over(entry.size(), &found) {
                        self.hand_over(path, node(entry), entry.reader(), &found);
                    } else if let Some(content) = self.content(path, entry.size(), entry.reader(), &found) {
                        self.run_content(path, node(entry), &content, &found);
                    }
                }
                self.found = found;
            }
            EntryKind::HardLink => self.hard_link(path, entry.link_target()),
            EntryKind::Symlink => {
                self.symlink(path, entry.link_target());
                self.link(path, node(entry), entry.link_target());
            }
            EntryKind::Directory
            | EntryKind::CharDevice
            | EntryKind::BlockDevice
            | EntryKind::Fifo
            | EntryKind::Other(_) => {}
        }
    }

    fn folder(&mut self, path: &str, node: Node) {
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        self.matcher.by_node(&node, &mut found);
        self.run(path, node, &Unread { len: 0 }, &found);
        self.found = found;
    }

    /// Notes what an entry hides; returns whether it is something to look at.
    fn place(&mut self, path: &str, kind: EntryKind) -> bool {
        if path.bytes().filter(|byte| *byte == b'/').count() > self.limits.depth {
            let what = format!("it lies more than {} folders deep", self.limits.depth);
            self.warn(Budget::DEPTH.exceeded(Some(path), what));
            return false;
        }
        match cover::mark(path) {
            Mark::Content => {}
            Mark::Whiteout(hidden) => {
                self.mark(|cover| &mut cover.whiteouts, &hidden);
                return false;
            }
            Mark::Opaque(folder) => {
                self.mark(|cover| &mut cover.opaque, &folder);
                return false;
            }
            Mark::Ignored => return false,
        }
        if path.is_empty() {
            return false;
        }
        if kind == EntryKind::Directory {
            self.mark(|cover| &mut cover.folders, path);
            self.forget(path);
            return false;
        }
        self.mark(|cover| &mut cover.replaced, path);
        self.forget(path);
        self.forget_below(path);
        true
    }

    /// Looks at one symbolic link.
    fn link(&mut self, path: &str, node: Node, target: &str) {
        let mut found = std::mem::take(&mut self.found);
        self.matcher.by_link(path, &mut found);
        self.run(path, Node { kind: NodeKind::Link, ..node }, &target.as_bytes(), &found);
        self.found = found;
    }

    /// Takes a selected file's content if anybody looks into it.
    fn content(
        &mut self,
        path: &str,
        size: u64,
        reader: &mut impl BufRead,
        analyzers: &[usize],
    ) -> Option<Content> {
        if self.matcher.reads(analyzers) {
            self.take(path, size, reader)
        } else {
            Some(Content::Unread(Unread { len: size }))
        }
    }

    /// Takes a selected file's content into memory or the spool.
    fn take(&mut self, path: &str, size: u64, reader: &mut impl BufRead) -> Option<Content> {
        if size > self.limits.bytes_per_file {
            self.too_large(path, size);
            return None;
        }
        self.buffer.clear();
        if size <= self.limits.memory_per_file {
            // A truncated archive gives less than it promised; what there is, is looked at.
            self.buffer.reserve(usize::try_from(size).unwrap_or_default());
            let buffer = &mut self.buffer;
            if let Err(error) = each_part(reader, |part| {
                buffer.extend_from_slice(part);
                Ok(())
            }) {
                self.warn(Warning::unscanned("damaged-file", Some(path), error.to_string()));
            }
            return Some(Content::Memory);
        }
        match self.spool(reader) {
            Ok(spool) => Some(Content::Spool(spool)),
            Err(error) => {
                self.hindered = true;
                let message =
                    format!("it has {size} bytes and cannot be spooled to the scratch folder: {error}");
                self.warn(Warning::unscanned("unspooled-file", Some(path), message));
                None
            }
        }
    }

    /// Counts the bytes of a file that the layer holds in fewer; false, with a warning, when that is too many.
    fn expand(&mut self, path: &str, size: u64) -> bool {
        if size > self.limits.bytes_per_file {
            self.too_large(path, size);
            return false;
        }
        match self.expansion.add_expanded(size, self.limits) {
            Ok(()) => true,
            Err(reason) => {
                // How much may still come out depends on the other layers.
                self.hindered = true;
                // Not counted, and said once: a thousand other warnings must not hide it.
                let warning = reason.budget().exceeded(Some(path), reason);
                if self.out.warnings.iter().all(|have| have.code != warning.code) {
                    self.out.warnings.push(warning);
                }
                false
            }
        }
    }

    /// Counts a file that is inside something else, when anybody looks into it; false, with a warning, when that is too much.
    fn look_into(&mut self, path: &str, size: u64, analyzers: &[usize]) -> bool {
        if !self.matcher.reads(analyzers) {
            return true;
        }
        if !self.expand(path, size) {
            return false;
        }
        self.looked_at = self.looked_at.saturating_add(size);
        let over = self.looked_at > self.limits.bytes_per_layer;
        if over && self.out.warnings.iter().all(|have| have.code != Budget::LAYER.code) {
            let most = self.limits.bytes_per_layer;
            let what = format!("the files that were to be looked at have more than {most} bytes");
            self.out.warnings.push(Budget::LAYER.exceeded(Some(path), what));
        }
        !over
    }

    fn spool(&self, reader: &mut impl BufRead) -> io::Result<FileSpool> {
        // Unlinked from the start: nothing is left behind, however the process ends.
        let mut file = tempfile::tempfile_in(&self.limits.scratch)?;
        let mut len = 0_u64;
        each_part(reader, |part| {
            len = len.saturating_add(part.len() as u64);
            // Zeros become holes: a bomb of them must not be a bomb for the disk.
            if part.chunks(ZEROS.len()).all(|chunk| ZEROS.get(..chunk.len()) == Some(chunk)) {
                file.seek(SeekFrom::Start(len)).map(|_| ())
            } else {
                file.write_all(part)
            }
        })?;
        // A hole at the end is none until the file is as long.
        file.set_len(len)?;
        FileSpool::new(file)
    }

    fn run_content(&mut self, path: &str, node: Node, content: &Content, analyzers: &[usize]) {
        match content {
            Content::Memory => {
                let buffer = std::mem::take(&mut self.buffer);
                self.run(path, node, &buffer, analyzers);
                self.buffer = buffer;
            }
            Content::Spool(spool) => self.run(path, node, spool, analyzers),
            Content::Unread(unread) => self.run(path, node, unread, analyzers),
        }
    }

    fn run(&mut self, path: &str, node: Node, content: &dyn ReadAt, analyzers: &[usize]) {
        if analyzers.is_empty() || !self.pay_for(path, analyzers) {
            return;
        }
        let file = File { path, node, content };
        let said = look(&file, analyzers, self.matcher, self.limits, &self.expansion);
        self.keep(path, said, analyzers);
    }

    /// Returns whether any of these analyzers looks for more than what every file is looked at or listed for.
    ///
    /// What every file is looked at for, mostly in vain, takes memory only where it says something.
    fn is_lasting(&self, analyzers: &[usize]) -> bool {
        analyzers.iter().any(|index| !self.matcher.selects_any(*index) && !self.matcher.lists_files(*index))
    }

    /// Takes the memory for a path that will be kept whatever is said about it; false when there is none.
    fn pay_for(&mut self, path: &str, analyzers: &[usize]) -> bool {
        let paid = !self.is_lasting(analyzers) || self.limits.facts.spend(limits::path_cost(path), 0);
        if !paid {
            self.no_room();
        }
        paid
    }

    /// Keeps what was said about a file.
    fn keep(&mut self, path: &str, said: Vec<Said>, analyzers: &[usize]) {
        let mut all = Vec::with_capacity(said.len());
        for Said { analyzer, mut said, left_out, unsaid, .. } in said {
            let Some(id) = self.matcher.analyzers().get(analyzer).map(|analyzer| analyzer.id()) else {
                continue;
            };
            self.note(left_out);
            said.warnings.retain(|warning| self.may_say(warning));
            for (code, count, unscanned) in unsaid {
                self.count(Cow::Borrowed(code), count, unscanned);
            }
            // No hard link asks again for what every file is looked at for, nor for what there was no memory to list.
            if said.facts.is_empty()
                && said.warnings.is_empty()
                && (self.matcher.selects_any(analyzer) || left_out.file_list)
            {
                continue;
            }
            all.push(FileAnalysis { analyzer: id.name, said });
        }
        let cost = self::path_cost(path, &all);
        if cost.file_list > 0 && !self.limits.file_list.spend(cost.file_list, 0) {
            let kept = PathCost::of_file(path, &all).file_list;
            self.limits.file_list.give_back(kept.saturating_sub(cost.file_list));
            all.retain(|one| !one.is_file_list());
            self.no_room_in_list();
        }
        if cost.facts > 0 && !self.is_lasting(analyzers) && !self.limits.facts.spend(cost.facts, 0) {
            let kept = PathCost::of_file(path, &all).facts;
            self.limits.facts.give_back(kept.saturating_sub(cost.facts));
            all.retain(FileAnalysis::is_file_list);
            self.no_room();
        }
        if !all.is_empty() {
            self.out.files.insert(path.to_owned(), all);
        }
    }

    fn finish(mut self) -> (LayerAnalysis, UnresolvedLinks) {
        self.tidy();
        (self.out, self.links)
    }
}

/// Returns what a path costs of which this is said, besides the facts.
fn path_cost(path: &str, said: &[FileAnalysis]) -> PathCost {
    PathCost::of_path(
        path,
        !said.iter().all(FileAnalysis::is_file_list),
        said.iter().any(FileAnalysis::is_file_list),
    )
}

/// Returns what an entry is besides its content.
fn node<R: Read>(entry: &assay_decode::tar::Entry<'_, R>) -> Node {
    Node {
        kind: if entry.kind() == EntryKind::Directory { NodeKind::Folder } else { NodeKind::File },
        mode: entry.mode(),
        uid: entry.uid(),
        gid: entry.gid(),
        capabilities: entry.capabilities(),
    }
}

/// What parts of a spooled file are compared with.
static ZEROS: [u8; 4096] = [0; 4096];

/// Hands on what a reader gives as it lies in its buffer: nothing is zeroed first, and it is copied once.
fn each_part(reader: &mut impl BufRead, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    loop {
        let part = match reader.fill_buf() {
            Ok([]) => return Ok(()),
            Ok(part) => part,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        take(part)?;
        let len = part.len();
        reader.consume(len);
    }
}
