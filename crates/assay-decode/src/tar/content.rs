//! The content of an entry as a reader, with the holes of sparse files filled by zeros.

use std::io::{self, BufRead, Read};

use super::header::BLOCK;
use crate::peek::Peek;

/// What a hole is read from.
static ZEROS: [u8; 4096] = [0; 4096];

/// A piece of data in a sparse file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Segment {
    fn end(self) -> u64 {
        self.offset.saturating_add(self.len)
    }
}

/// How far the content of the current entry is read.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Bytes of content still in the archive.
    stored: u64,
    /// Bytes after them up to a whole block.
    padding: u64,
    /// Bytes the reader gives in all.
    size: u64,
    /// Bytes it has given.
    position: u64,
    sparse: bool,
    pub(super) segments: Vec<Segment>,
    segment: usize,
}

impl State {
    /// Begins content of `stored` bytes.
    pub(super) fn store(&mut self, stored: u64) {
        self.stored = stored;
        let block = u64::try_from(BLOCK).unwrap_or(512);
        self.padding = stored.checked_next_multiple_of(block).unwrap_or(stored).saturating_sub(stored);
        self.size = stored;
        self.position = 0;
        self.sparse = false;
    }

    /// Ends the content and returns how many bytes, and how many of padding, are left in the archive.
    pub(super) fn finish(&mut self) -> (u64, u64) {
        let left = (self.stored, self.padding);
        self.store(0);
        left
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Counts `count` stored bytes as used; false if there are fewer.
    pub(super) fn take_stored(&mut self, count: usize) -> bool {
        match u64::try_from(count).ok().and_then(|count| self.stored.checked_sub(count)) {
            Some(left) => {
                self.stored = left;
                true
            }
            None => false,
        }
    }

    /// Makes the content that of a sparse file of `real_size` bytes; false if the map does not fit.
    ///
    /// The rules are Go's: pieces in order, none overlapping, all within the size, their sum what is stored.
    pub(super) fn make_sparse(&mut self, real_size: u64) -> bool {
        let mut end = 0_u64;
        let mut data = 0_u64;
        for segment in &self.segments {
            let Some(next) = segment.offset.checked_add(segment.len) else { return false };
            if segment.offset < end || next > real_size {
                return false;
            }
            end = next;
            data = data.saturating_add(segment.len);
        }
        if data > self.stored || i64::try_from(real_size).is_err() {
            return false;
        }
        self.sparse = true;
        self.segment = 0;
        self.size = real_size;
        true
    }
}

/// What stands at the current position.
enum Run {
    Data(u64),
    Hole(u64),
}

/// Reads the content of the current entry.
pub struct Content<'a, R> {
    input: &'a mut Peek<R>,
    state: &'a mut State,
}

impl<R> std::fmt::Debug for Content<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<'a, R: Read> Content<'a, R> {
    pub(super) fn new(input: &'a mut Peek<R>, state: &'a mut State) -> Self {
        Self { input, state }
    }

    /// Returns the length of the run of data or zeros at the position.
    fn run(&mut self) -> Run {
        let state = &mut *self.state;
        let left = state.size.saturating_sub(state.position);
        if !state.sparse {
            return Run::Data(left);
        }
        loop {
            match state.segments.get(state.segment) {
                Some(segment) if segment.end() <= state.position => {
                    state.segment = state.segment.saturating_add(1);
                }
                Some(segment) if segment.offset <= state.position => {
                    return Run::Data(segment.end().saturating_sub(state.position));
                }
                Some(segment) => return Run::Hole(segment.offset.saturating_sub(state.position)),
                None => return Run::Hole(left),
            }
        }
    }
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let read = available.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Content<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let run = self.run();
        let (available, limit) = match run {
            Run::Data(0) => return Ok(&[]),
            Run::Hole(limit) => (ZEROS.as_slice(), limit),
            Run::Data(limit) => {
                let available = self.input.peek(1)?;
                if available.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                (available, limit.min(self.state.stored))
            }
        };
        let count = available.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(available.get(..count).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        if let Run::Data(_) = self.run() {
            self.state.take_stored(count);
            self.input.advance(count);
        }
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.state.position = self.state.position.saturating_add(count);
    }
}
