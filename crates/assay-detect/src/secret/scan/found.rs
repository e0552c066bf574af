//! What was found: hits for those who asked, and the state of one file while it is looked at.

use crate::secret::rule::SecretRule;
use assay_model::Severity;
use std::collections::HashSet;
use std::ops::Range;

/// Findings kept of one file: nobody reads more, and a file could be made of nothing else.
pub(super) const HITS_PER_FILE: usize = 50;

/// A secret that was found, and nothing of it that could be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The rule that found it.
    pub rule: &'static SecretRule,
    /// The rule's severity, or `low` among tests and examples.
    pub severity: Severity,
    /// The line it begins on, from 1; `None` in binary files.
    pub line: Option<u32>,
    /// Its public prefix and its length.
    pub shown: String,
    /// The name it is assigned to, where that is how it was found.
    pub name: Option<String>,
    /// Whether it is written in base64.
    pub encoded: bool,
    /// The member of the archive it is in.
    pub member: Option<String>,
}

/// What was found in one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hits {
    /// The secrets in the order of the file, each once.
    pub hits: Vec<Hit>,
    /// Whether there are more than are kept.
    pub more: bool,
    /// Why not everything in an archive was looked at.
    pub left_out: Option<String>,
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Found {
    pub(super) all: Vec<(u64, Hit)>,
    /// Spans taken in the current window.
    pub(super) spans: Vec<Range<usize>>,
    /// What was found already; kept only while the file is looked at.
    pub(super) seen: HashSet<(usize, Vec<u8>)>,
    pub(super) more: bool,
    /// Where the window begins: its offset, and its line from 1.
    pub(super) offset: u64,
    pub(super) line: u32,
    /// Whether what is being looked at was written in base64.
    pub(super) encoded: bool,
}

impl Found {
    pub(super) fn overlaps(&self, span: &Range<usize>) -> bool {
        self.spans.iter().any(|taken| taken.start < span.end && span.start < taken.end)
    }

    pub(super) fn line_of(&self, window: &[u8], at: usize) -> u32 {
        let lines = memchr::memchr_iter(b'\n', window.get(..at).unwrap_or_default()).count();
        self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX))
    }

    pub(super) fn offset_of(&self, at: usize) -> u64 {
        self.offset.saturating_add(u64::try_from(at).unwrap_or(u64::MAX))
    }

    /// Goes on by `step` bytes of `window`.
    pub(super) fn advance(&mut self, window: &[u8], step: usize, binary: bool) {
        if !binary {
            self.line = self.line_of(window, step);
        }
        self.offset = self.offset_of(step);
        self.spans.retain(|span| span.end > step);
        for span in &mut self.spans {
            *span = span.start.saturating_sub(step)..span.end - step;
        }
    }

    pub(super) fn add(&mut self, offset: u64, hit: Hit) {
        if self.all.len() < HITS_PER_FILE {
            self.all.push((offset, hit));
        } else {
            self.more = true;
        }
    }

    pub(super) fn finish(mut self) -> Hits {
        self.all.sort_by_key(|(offset, _)| *offset);
        Hits { hits: self.all.into_iter().map(|(_, hit)| hit).collect(), more: self.more, left_out: None }
    }
}
