//! One pass over a layer: every file is seen once, by all analyzers that want it, and nothing is unpacked.
//!
//! A selected file is held in memory up to [`Limits::memory_per_file`](crate::Limits::memory_per_file) and beyond it in one unlinked spool file, so that
//! analyzers can read at random; everything else is hashed and skipped in the reader's own buffer.

mod ahead;
mod lazy;
mod room;
mod source;

pub use lazy::{Fetch, analyze_table};

use crate::analyzer::{Analyzer, File, LeftOut, Node, NodeKind, Sink};
use crate::cover::{self, Mark};
use crate::facts::{FileAnalysis, LayerAnalysis, LayerFacts, PathFacts};
use crate::limits::{self, Budget, Expansion, Limits, PathCost};
use crate::matcher::{MAGIC_LEN, Matcher};
use ahead::{Ahead, worker};
use assay_decode::compression::{Limited, decompress};
use assay_decode::read_at::{FileSpool, ReadAt};
use assay_decode::tar::{EntryKind, TarError, TarLimits, TarReader};
use assay_model::{DiffId, Digest, Warning};
use room::Warned;
use sha2::{Digest as _, Sha256};
use source::{Checked, Hashing, over_budget, with_causes};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
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

/// Hard links to files that were not kept, whose names ask for an analysis that the target's name did not.
///
/// The layer has to be read again for these; that never happens in images made by ordinary tools.
#[derive(Debug, Default)]
pub struct UnresolvedLinks {
    by_path: BTreeMap<String, UnresolvedLink>,
}

#[derive(Debug)]
struct UnresolvedLink {
    target: String,
    /// The analyzers that want the link and have not seen the target.
    analyzers: Vec<usize>,
    /// The number of the link's entry: the target is what had its name before.
    entry: u64,
}

impl UnresolvedLinks {
    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_path.is_empty()
    }
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

/// Reads a layer a second time, for hard links left over from the first.
///
/// # Errors
/// Fails as [`analyze_layer`] does.
pub fn resolve_links(
    reader: impl Read + Send,
    links: &UnresolvedLinks,
    analysis: &mut LayerAnalysis,
    matcher: &Matcher<'_>,
    limits: &Limits,
) -> Result<(), AnalyzeLayerError> {
    let mut by_target: LinksByTarget<'_> = HashMap::new();
    for (path, link) in &links.by_path {
        by_target.entry(&link.target).or_default().push((path, link));
    }
    let mut pass = Pass::new(matcher, limits);
    pass.walk(reader, Some(&by_target))?;
    let given_up = pass.full || pass.list_full || limits.stop.is_raised();
    for (path, link) in &links.by_path {
        if !given_up && !pass.out.files.contains_key(path) {
            let message = format!("it is a hard link to `{}`, which this layer does not have", link.target);
            pass.warn(Warning::unscanned("unresolved-link", Some(path), message));
        }
    }
    let hindered = pass.is_hindered();
    let found = pass.finish().0;
    analysis.repeatable &= !hindered;
    for (path, said) in found.files {
        analysis.files.entry(path).or_default().extend(said);
    }
    // The second reading says again what the first said about the layer itself.
    let new: Vec<Warning> =
        found.warnings.into_iter().filter(|warning| !analysis.warnings.contains(warning)).collect();
    analysis.warnings.extend(new);
    Ok(())
}

type LinksByTarget<'a> = HashMap<&'a str, Vec<(&'a str, &'a UnresolvedLink)>>;

/// Analyses files that are not in a tar, one after the other: those of a folder, a disk or a zip.
pub struct FolderPass<'a> {
    pass: Pass<'a>,
    /// Whether files are inside something that is stored in fewer bytes than they may come to.
    inside: bool,
}

impl<'a> FolderPass<'a> {
    /// Starts with nothing seen.
    pub fn new(matcher: &'a Matcher<'a>, limits: &'a Limits) -> Self {
        Self { pass: Pass::new(matcher, limits), inside: false }
    }

    /// Starts with nothing seen of something that is stored in `stored` bytes: files that are looked at count as expanded.
    ///
    /// A disk's tables, or a zip's, can give the same bytes to any number of files.
    pub fn inside(matcher: &'a Matcher<'a>, limits: &'a Limits, stored: u64) -> Self {
        let pass = Pass::new(matcher, limits);
        pass.expansion.add_stored(stored);
        Self { pass, inside: true }
    }

    /// Looks at one file; returns whether any analyzer wanted it.
    pub fn file(&mut self, path: &str, node: Node, content: &dyn ReadAt) -> bool {
        let pass = &mut self.pass;
        pass.out.entries += 1;
        if !self.inside {
            pass.expansion.add_stored(content.len());
        }
        pass.out.unpacked_size = pass.out.unpacked_size.saturating_add(content.len());
        let mut found = std::mem::take(&mut pass.found);
        pass.matcher.by_path(path, &mut found);
        let mut start = [0; MAGIC_LEN];
        let len = content.read_at(0, &mut start).unwrap_or_default();
        pass.matcher.by_magic(start.get(..len).unwrap_or_default(), &mut found);
        if !content.is_empty() {
            pass.matcher.by_being(&mut found);
        }
        pass.matcher.by_node(&node, &mut found);
        let wanted = !found.is_empty();
        pass.without_lists(&mut found);
        if wanted && content.len() > pass.limits.bytes_per_file {
            pass.too_large(path, content.len());
        } else if found.is_empty() || !self.inside || pass.look_into(path, content.len(), &found) {
            pass.run(path, node, content, &found);
        }
        pass.found = found;
        wanted
    }

    /// Looks at one file of `size` bytes that can only be read from its beginning.
    ///
    /// What was said of an earlier file of the same path is forgotten.
    pub fn stream(&mut self, path: &str, node: Node, size: u64, reader: &mut dyn BufRead) {
        let pass = &mut self.pass;
        pass.out.entries += 1;
        pass.out.unpacked_size = pass.out.unpacked_size.saturating_add(size);
        pass.forget(path);
        let mut found = std::mem::take(&mut pass.found);
        pass.matcher.by_path(path, &mut found);
        let start = match reader.fill_buf() {
            Ok(start) => start,
            Err(error) => {
                pass.warn(Warning::unscanned("damaged-file", Some(path), error.to_string()));
                &[]
            }
        };
        pass.matcher.by_magic(start.get(..start.len().min(MAGIC_LEN)).unwrap_or_default(), &mut found);
        if size > 0 {
            pass.matcher.by_being(&mut found);
        }
        pass.matcher.by_node(&node, &mut found);
        pass.without_lists(&mut found);
        if !found.is_empty()
            && pass.look_into(path, size, &found)
            && let Some(content) = pass.content(path, size, &mut { reader }, &found)
        {
            pass.run_content(path, node, &content, &found);
        }
        pass.found = found;
    }

    /// Looks at one folder, of which only what it is counts.
    pub fn folder(&mut self, path: &str, node: Node) {
        self.pass.folder(path, node);
    }

    /// Returns whether anybody wants a symbolic link of this path; then it is worth while to read its target.
    pub fn wants_link(&self, path: &str) -> bool {
        let mut found = Vec::new();
        self.pass.matcher.by_link(path, &mut found);
        !found.is_empty()
    }

    /// Looks at one symbolic link.
    pub fn link(&mut self, path: &str, node: Node, target: &str) {
        self.pass.link(path, node, target);
    }

    /// Records what could not be looked at.
    pub fn warn(&mut self, warning: Warning) {
        self.pass.warn(warning);
    }

    /// Returns whether nothing more can be kept or the time is up, so that looking on is of no use.
    pub fn is_over(&self) -> bool {
        self.pass.full || self.pass.limits.stop.is_raised()
    }

    /// Returns what was found.
    pub fn finish(self) -> LayerAnalysis {
        self.pass.finish().0
    }
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

/// Facts that a file says that says little.
const FEW_FACTS: usize = 8;

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

    /// Gives a hard link what was said about its target, by the analyzers that want the link, too.
    fn hard_link(&mut self, path: &str, target: &str) {
        self.catch_up_with(target);
        let mut found = std::mem::take(&mut self.found);
        self.matcher.by_path(path, &mut found);
        self.without_lists(&mut found);
        // A link to a link that waits for the second reading waits for the same file.
        let waiting = self.links.by_path.get(target).map(|link| link.target.clone());
        let said = self.out.files.get(target).map(Vec::as_slice).unwrap_or_default();
        let index_of =
            |name: &str| self.matcher.analyzers().iter().position(|analyzer| analyzer.id().name == name);
        let mut copies = Vec::new();
        let mut cost = PathCost::default();
        let mut full = false;
        let mut list_full = self.list_full;
        for analysis in said {
            let Some(index) = index_of(analysis.analyzer) else { continue };
            let listed = analysis.is_file_list();
            // Where there was no room for one, adding up what each of a million links would cost takes too long.
            if self.full && !listed && analysis.said.facts.len() > FEW_FACTS {
                full = true;
                break;
            }
            let wanted = found.contains(&index) || self.matcher.selects_by_magic(index);
            found.retain(|wanted| *wanted != index);
            if !wanted || (listed && list_full) {
                continue;
            }
            let memory = self.limits.memory(listed);
            let before = if listed { cost.file_list } else { cost.facts };
            let mut more = 0_u64;
            let fits = analysis.said.facts.iter().map(limits::cost).all(|one| {
                let fits = memory.spend(one, before.saturating_add(more));
                more = more.saturating_add(if fits { one } else { 0 });
                fits
            });
            *(if listed { &mut cost.file_list } else { &mut cost.facts }) = before.saturating_add(more);
            if !fits && !listed {
                full = true;
                break;
            }
            if !fits {
                memory.give_back(more);
                cost.file_list = before;
                list_full = true;
                continue;
            }
            let mut copy = analysis.clone();
            relocate(&mut copy.said, target, path);
            copies.push(copy);
        }
        let mut of_path = self.cost_of_waiting(path, &found);
        if !copies.is_empty() {
            of_path = of_path.or(self::path_cost(path, &copies));
        }
        full |= of_path.facts > 0 && !self.limits.facts.spend(of_path.facts, cost.facts);
        if !full && of_path.file_list > 0 && !self.limits.file_list.spend(of_path.file_list, cost.file_list) {
            list_full = true;
            self.limits.file_list.give_back(cost.file_list);
            copies.retain(|copy| !copy.is_file_list());
            found.retain(|index| !self.matcher.lists_files(*index));
        }
        if full {
            // A layer may have a million links to what there is no room for.
            copies.clear();
            self.limits.give_back(cost);
            self.no_room();
        } else if !found.is_empty() {
            let link = UnresolvedLink {
                target: waiting.unwrap_or_else(|| target.to_owned()),
                analyzers: found.clone(),
                entry: self.out.entries,
            };
            self.links.by_path.insert(path.to_owned(), link);
        }
        if list_full {
            self.no_room_in_list();
        }
        if !copies.is_empty() {
            self.out.files.insert(path.to_owned(), copies);
        }
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

/// What one analyzer said about a file.
struct Said {
    /// Its number.
    analyzer: usize,
    said: PathFacts,
    /// What the facts have taken, and of which memory.
    cost: u64,
    listing: bool,
    /// What is missing in it.
    left_out: LeftOut,
    /// How many warnings of which code were not kept, and whether they leave something unscanned.
    unsaid: Vec<(&'static str, u64, bool)>,
}

/// Has analyzers look at a file.
fn look(
    file: &File<'_>,
    analyzers: &[usize],
    matcher: &Matcher<'_>,
    limits: &Limits,
    expansion: &Expansion,
) -> Vec<Said> {
    let wanted = analyzers.iter().filter_map(|index| Some((*index, *matcher.analyzers().get(*index)?)));
    wanted.map(|(index, analyzer)| said_by(index, analyzer, file, limits, expansion)).collect()
}

/// Runs one analyzer. That it panics would be a bug; it must not take the rest of the scan with it.
fn said_by(
    index: usize,
    analyzer: &dyn Analyzer,
    file: &File<'_>,
    limits: &Limits,
    expansion: &Expansion,
) -> Said {
    let mut facts = LayerFacts::default();
    let listing = analyzer.lists_files();
    let mut sink = Sink::within(file.path, &mut facts, limits, expansion, listing);
    let ended = catch_unwind(AssertUnwindSafe(|| analyzer.analyze(file, &mut sink)));
    let (cost, left_out, unsaid) = (sink.cost, sink.left_out, sink.unsaid().collect());
    let mut said = facts.paths.remove(file.path).unwrap_or_default();
    if ended.is_err() {
        let message = format!("the analyzer `{}` failed on it; please report this", analyzer.id().name);
        said.warnings.push(Warning::unscanned("analyzer-failed", Some(file.path), message));
    }
    Said { analyzer: index, said, cost, listing, left_out, unsaid }
}

/// Makes facts about `from` be about `to`.
fn relocate(said: &mut PathFacts, from: &str, to: &str) {
    for fact in &mut said.facts {
        if let crate::facts::Fact::Package(package) = fact {
            for location in &mut package.locations {
                if let Some(rest) = location.path.strip_prefix(from) {
                    location.path = format!("{to}{rest}");
                }
            }
        }
    }
    for warning in &mut said.warnings {
        if warning.path.as_deref() == Some(from) {
            warning.path = Some(to.to_owned());
        }
    }
}
