//! Small files are looked at by a second thread while the layer is read on: inflating, hashing and walking a layer takes one core about as
//! long as looking at what is in it (measured on an image of 20,000 small JavaScript files: 0.41 s and 0.49 s).
//!
//! Files are handed over in batches. What was said comes back in the order of the archive and is kept at points that depend on the layer
//! alone, so that nothing depends on which thread was faster; where the second thread is behind, the first looks at a batch itself. Whatever
//! needs to know what was said of an earlier file waits for it.
//!
//! For the same reason nothing is taken from the budgets of the scan while a batch is looked at: it has some memory and expansion aside, and
//! what was said is paid for when its turn comes. A file for which either does not suffice is looked at again then, within the budgets.

use super::look::{Said, look};
use super::{Pass, each_part};
use crate::analyzer::{File, Node};
use crate::limits::{Drawn, Expansion, Limits, MemoryBudget};
use crate::matcher::Matcher;
use assay_model::Warning;
use std::collections::{HashSet, VecDeque};
use std::io::BufRead;
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};

/// The largest file that is handed over, in bytes: it is in memory together with those of [`KEPT`] batches, and to parse two
/// hostile documents of a megabyte at once takes more than half a gigabyte.
const FILE: u64 = 256 << 10;
/// Bytes from which on a batch is handed over.
const BYTES: usize = 512 << 10;
/// Files from which on a batch is handed over.
const FILES: usize = 256;
/// Batches that are waiting, being looked at, or to be kept.
const KEPT: usize = 4;
/// Batches that wait for the second thread.
const WAITING: usize = 1;
/// The memory for what is found in one batch until it is paid for, in bytes: two thousand packages.
const ASIDE: u64 = 2 << 20;
/// What may come out of the archives of one batch until it is paid for, in bytes; once a layer has given too much, none is handed over.
const EXPANDED_ASIDE: u64 = 32 << 20;
/// The memory for what is found that must be left, in bytes, for what is not paid for yet: else files would be looked at twice.
const ROOM: u64 = 6 * ASIDE;
/// Paths that are remembered.
const PATHS: usize = 1 << 16;

/// A file that waits to be looked at.
struct Waiting {
    path: String,
    node: Node,
    /// Where its bytes are in those of the batch.
    content: Range<usize>,
    analyzers: Vec<usize>,
    said: Option<Aside>,
}

/// What was said about a file and is not paid for yet.
struct Aside {
    said: Vec<Said>,
    /// Bytes that came out of archives in it.
    expanded: u64,
}

/// Files that are handed over together.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    files: Vec<Waiting>,
}

impl Batch {
    /// Has every file looked at, until the time is up.
    pub(super) fn look(&mut self, matcher: &Matcher<'_>, limits: &Limits) {
        let aside = Limits {
            facts: MemoryBudget::new(ASIDE),
            file_list: MemoryBudget::new(ASIDE),
            free_expansion: EXPANDED_ASIDE,
            drawn: Drawn::default(),
            ..limits.clone()
        };
        let expansion = Expansion::default();
        for waiting in self.files.iter_mut().take_while(|_| !limits.stop.is_raised()) {
            let content = self.bytes.get(waiting.content.clone()).unwrap_or_default();
            let file = File { path: &waiting.path, node: waiting.node, content: &content };
            let before = expansion.expanded();
            let said = look(&file, &waiting.analyzers, matcher, &aside, &expansion);
            let expanded = expansion.expanded().saturating_sub(before);
            if said.iter().any(|said| said.left_out.any()) {
                said.iter().for_each(|said| aside.memory(said.listing).give_back(said.cost));
            } else {
                waiting.said = Some(Aside { said, expanded });
            }
        }
    }
}

/// The other end of an [`Ahead`].
pub(super) struct Work {
    batches: Receiver<Batch>,
    done: Sender<Batch>,
}

/// Looks at batches until there are no more.
pub(super) fn worker(work: &Work, mut look: impl FnMut(&mut Batch)) {
    for mut batch in &work.batches {
        look(&mut batch);
        if work.done.send(batch).is_err() {
            return;
        }
    }
}

/// What has been handed over and not yet been kept.
enum Handed {
    /// To the second thread, which gives back in the same order.
    Over,
    /// To nobody: it was looked at here.
    Here(Batch),
}

/// The first thread's end.
pub(super) struct Ahead {
    batches: SyncSender<Batch>,
    done: Receiver<Batch>,
    filling: Batch,
    handed: VecDeque<Handed>,
    /// Emptied batches: their memory is used again.
    spare: Vec<Batch>,
    /// The digests of paths and of the folders above them, of all that was handed over; one that is there by chance costs some waiting.
    paths: HashSet<u64>,
    folders: HashSet<u64>,
}

/// Returns the two ends.
pub(super) fn pair() -> (Ahead, Work) {
    let (batches, received) = sync_channel(WAITING);
    let (done, given_back) = channel();
    let ahead = Ahead {
        batches,
        done: given_back,
        filling: Batch::default(),
        handed: VecDeque::new(),
        spare: Vec::new(),
        paths: HashSet::new(),
        folders: HashSet::new(),
    };
    (ahead, Work { batches: received, done })
}

impl Ahead {
    fn is_idle(&self) -> bool {
        self.handed.is_empty() && self.filling.files.is_empty()
    }

    fn remember(&mut self, path: &str) {
        let mut hash = Fnv::default();
        for byte in path.bytes() {
            if byte == b'/' {
                self.folders.insert(hash.0);
            }
            hash.add(byte);
        }
        self.paths.insert(hash.0);
    }

    /// Gives the oldest batch back that was handed over.
    fn next(&mut self) -> Option<Batch> {
        match self.handed.pop_front()? {
            Handed::Here(batch) => Some(batch),
            // An analyzer that panics does not end the thread.
            Handed::Over => self.done.recv().ok(),
        }
    }
}

impl Pass<'_> {
    /// Returns whether a file of this size, which these analyzers want, can be handed over. Where it cannot because there is little memory
    /// left for what is found, everything before it is kept first.
    pub(super) fn may_hand_over(&mut self, size: u64, analyzers: &[usize]) -> bool {
        let limits = self.limits;
        if self.ahead.is_none()
            || self.swollen
            || size > FILE.min(limits.memory_per_file).min(limits.bytes_per_file)
            || !self.matcher.reads(analyzers)
        {
            return false;
        }
        let room = limits.facts.has_common(ROOM);
        if !room {
            self.catch_up();
        }
        room
    }

    /// Hands a file over to be looked at soon.
    pub(super) fn hand_over(
        &mut self,
        path: &str,
        node: Node,
        reader: &mut impl BufRead,
        analyzers: &[usize],
    ) {
        if !self.pay_for(path, analyzers) {
            return;
        }
        let Some(ahead) = &mut self.ahead else { return };
        let bytes = &mut ahead.filling.bytes;
        let start = bytes.len();
        let read = each_part(reader, |part| {
            bytes.extend_from_slice(part);
            Ok(())
        });
        let content = start..bytes.len();
        let waiting =
            Waiting { path: path.to_owned(), node, content, analyzers: analyzers.to_vec(), said: None };
        ahead.filling.files.push(waiting);
        ahead.remember(path);
        let full = ahead.filling.bytes.len() >= BYTES || ahead.filling.files.len() >= FILES;
        let many = ahead.paths.len() >= PATHS || ahead.folders.len() >= PATHS;
        if let Err(error) = read {
            self.warn(Warning::unscanned("damaged-file", Some(path), error.to_string()));
        }
        if many {
            self.catch_up();
        } else if full {
            self.submit();
            self.keep_until(KEPT);
        }
    }

    /// Keeps what was said of everything that was handed over.
    pub(super) fn catch_up(&mut self) {
        self.submit();
        self.keep_until(0);
        if let Some(ahead) = &mut self.ahead {
            ahead.paths.clear();
            ahead.folders.clear();
        }
    }

    /// Keeps what was said of the file at `path`, if it was handed over.
    pub(super) fn catch_up_with(&mut self, path: &str) {
        let waits = |ahead: &Ahead| !ahead.is_idle() && ahead.paths.contains(&Fnv::of(path));
        if self.ahead.as_ref().is_some_and(waits) {
            self.catch_up();
        }
    }

    /// Keeps what was said of the files in the folder at `path`, if any was handed over.
    pub(super) fn catch_up_below(&mut self, path: &str) {
        let waits = |ahead: &Ahead| !ahead.is_idle() && ahead.folders.contains(&Fnv::of(path));
        if self.ahead.as_ref().is_some_and(waits) {
            self.catch_up();
        }
    }

    /// Says that the second thread panicked, which costs the files that it had.
    pub(super) fn lost_files(&mut self) {
        self.hindered = true;
        let message = "the thread that looks at files has failed; please report this";
        self.out.warnings.push(Warning::unscanned("analyzer-failed", None, message));
    }

    fn submit(&mut self) {
        let Some(ahead) = &mut self.ahead else { return };
        if ahead.filling.files.is_empty() {
            return;
        }
        let empty = ahead.spare.pop().unwrap_or_default();
        let batch = std::mem::replace(&mut ahead.filling, empty);
        let handed = match ahead.batches.try_send(batch) {
            Ok(()) => Handed::Over,
            Err(TrySendError::Full(mut batch) | TrySendError::Disconnected(mut batch)) => {
                batch.look(self.matcher, self.limits);
                Handed::Here(batch)
            }
        };
        ahead.handed.push_back(handed);
    }

    /// Keeps what was said, the oldest first, until so many batches are left.
    fn keep_until(&mut self, left: usize) {
        while let Some(ahead) = self.ahead.as_mut().filter(|ahead| ahead.handed.len() > left) {
            // One that is lost with the thread is reported when that is joined.
            let Some(mut batch) = ahead.next() else { continue };
            for waiting in batch.files.drain(..) {
                self.keep_waiting(waiting, &batch.bytes);
            }
            batch.bytes.clear();
            if let Some(ahead) = &mut self.ahead {
                ahead.spare.push(batch);
            }
        }
    }

    /// Keeps what was said about a file whose turn has come; looks at it where that is still to be done.
    fn keep_waiting(&mut self, waiting: Waiting, bytes: &[u8]) {
        let Waiting { path, node, content, analyzers, said } = waiting;
        let said = match said.filter(|aside| self.pay_for_said(aside)) {
            Some(aside) => aside.said,
            // That the time is up is said at the end of the layer.
            None if self.limits.stop.is_raised() => return,
            None => {
                let content = bytes.get(content).unwrap_or_default();
                let file = File { path: &path, node, content: &content };
                look(&file, &analyzers, self.matcher, self.limits, &self.expansion)
            }
        };
        self.keep(&path, said, &analyzers);
    }

    /// Takes from the budgets what looking at the file here would have taken; false, with nothing taken, where that would not have been
    /// within them to the end.
    fn pay_for_said(&self, aside: &Aside) -> bool {
        let cost = |listing| -> u64 {
            aside.said.iter().filter(|said| said.listing == listing).map(|said| said.cost).sum()
        };
        let (facts, file_list) = (cost(false), cost(true));
        if !self.limits.facts.spend_common(facts) {
            return false;
        }
        if !self.limits.file_list.spend_common(file_list) {
            self.limits.facts.give_back(facts);
            return false;
        }
        let paid = aside.expanded == 0 || self.expansion.add_expanded(aside.expanded, self.limits).is_ok();
        if !paid {
            self.limits.facts.give_back(facts);
            self.limits.file_list.give_back(file_list);
        }
        paid
    }
}

/// The 64-bit Fowler-Noll-Vo hash (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>), which a path and all folders above it have
/// in one go. What an attacker can do with its collisions is to have the two threads work in turns.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }

    fn of(text: &str) -> u64 {
        let mut hash = Self::default();
        text.bytes().for_each(|byte| hash.add(byte));
        hash.0
    }
}
