//! A buffered reader that can look several bytes ahead.
//!
//! `std::io::BufReader::fill_buf` may give a single byte; recognising a magic number or a tar header needs a
//! minimum. This one refills behind what is already buffered until the minimum or the end is reached.

use std::io::{self, BufRead, Read};

/// Reads from `inner` through one buffer that is allocated once.
#[derive(Debug)]
pub(crate) struct Peek<R> {
    inner: R,
    buf: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes consumed so far.
    position: u64,
}

impl<R: Read> Peek<R> {
    pub(crate) fn new(inner: R, capacity: usize) -> Self {
        Self { inner, buf: vec![0; capacity].into_boxed_slice(), start: 0, end: 0, position: 0 }
    }

    /// Gives the source back; what is buffered is lost.
    pub(crate) fn into_inner(self) -> R {
        self.inner
    }

    /// Returns how many bytes were consumed since the beginning.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Returns the buffered bytes, at least `min` of them unless the input ends before.
    pub(crate) fn peek(&mut self, min: usize) -> io::Result<&[u8]> {
        if self.end.saturating_sub(self.start) < min {
            self.buf.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
            while self.end < min.min(self.buf.len()) {
                match self.inner.read(self.buf.get_mut(self.end..).unwrap_or_default()) {
                    Ok(0) => break,
                    Ok(read) => self.end = self.end.saturating_add(read).min(self.buf.len()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(self.buf.get(self.start..self.end).unwrap_or_default())
    }

    /// Marks `count` buffered bytes as used.
    pub(crate) fn advance(&mut self, count: usize) {
        let count = count.min(self.end.saturating_sub(self.start));
        self.start = self.start.saturating_add(count);
        self.position = self.position.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Passes over `count` bytes and returns how many there were.
    pub(crate) fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            let available = self.peek(1)?.len();
            if available == 0 {
                break;
            }
            let step = available.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.advance(step);
            left = left.saturating_sub(u64::try_from(step).unwrap_or(u64::MAX));
        }
        Ok(count.saturating_sub(left))
    }
}

impl<R: Read> Read for Peek<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // A reader with a large buffer of its own gets its bytes without the detour.
        if self.start == self.end && out.len() >= self.buf.len() {
            let read = self.inner.read(out)?;
            self.position = self.position.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            return Ok(read);
        }
        let mut available = self.peek(1)?;
        let read = available.read(out)?;
        self.advance(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Peek<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, count: usize) {
        self.advance(count);
    }
}
