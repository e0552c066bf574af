//! Bytes put together from pieces of other sources: a partition, a logical volume, a file of a file system.

use crate::disk::cache::at_most;
use crate::disk::{DiskError, Shared, size};
use crate::read_at::ReadAt;
use std::io;

/// One run of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where it begins in what is put together.
    pub(crate) at: u64,
    /// Its length.
    pub(crate) len: u64,
    /// Where its bytes are.
    pub(crate) from: Place,
}

/// Where the bytes of a piece are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// At an offset of the source of that number.
    Source(usize, u64),
    /// Nowhere: they are zeros.
    Zeros,
    /// In something that is not there: reading them is an error.
    Missing,
}

/// The whole. What no piece covers is zeros.
pub(crate) struct Pieces {
    sources: Vec<Shared>,
    /// Sorted, without overlap.
    pieces: Vec<Piece>,
    len: u64,
    what: &'static str,
}

impl Pieces {
    /// Puts pieces together; where two cover the same bytes, the one that begins later counts from there on.
    pub(crate) fn new(what: &'static str, sources: Vec<Shared>, mut pieces: Vec<Piece>, len: u64) -> Self {
        pieces.retain(|piece| piece.len > 0);
        // Trees of extents are in order already.
        if !pieces.is_sorted_by_key(|piece| piece.at) {
            pieces.sort_by_key(|piece| piece.at);
        }
        Self { sources, pieces, len, what }
    }

    /// Returns `len` bytes of `source` from `offset` on.
    pub(crate) fn part(what: &'static str, source: &Shared, offset: u64, len: u64) -> Self {
        let piece = Piece { at: 0, len, from: Place::Source(0, offset) };
        Self::new(what, vec![Shared::clone(source)], vec![piece], len)
    }

    /// Fills `buf` from `offset`, with zeros behind the end: for blocks that are read whole.
    pub(crate) fn read_exact_at_or_zero(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let left = size(self.len.saturating_sub(offset)).min(buf.len());
        let (there, behind) = buf.split_at_mut_checked(left).unwrap_or_default();
        behind.fill(0);
        self.read_exact_at(offset, there)
    }

    /// Returns at which offset of the first source `len` bytes from `offset` on are, when they are there in one run.
    pub(crate) fn place(&self, offset: u64, len: u64) -> Option<u64> {
        let index = self.pieces.partition_point(|piece| piece.at <= offset).checked_sub(1)?;
        let piece = self.pieces.get(index)?;
        let skipped = offset.checked_sub(piece.at)?;
        match piece.from {
            Place::Source(0, from) if skipped.checked_add(len)? <= piece.len => from.checked_add(skipped),
            _ => None,
        }
    }

    /// Adds a piece to a list, to the last one where they join.
    pub(crate) fn push(pieces: &mut Vec<Piece>, piece: Piece) {
        if let Some(last) = pieces.last_mut()
            && last.at.checked_add(last.len) == Some(piece.at)
            && let (Place::Source(a, from), Place::Source(b, next)) = (last.from, piece.from)
            && a == b
            && from.checked_add(last.len) == Some(next)
        {
            last.len = last.len.saturating_add(piece.len);
            return;
        }
        pieces.push(piece);
    }
}

impl ReadAt for Pieces {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(offset);
        let buf = at_most(buf, left);
        if buf.is_empty() {
            return Ok(0);
        }
        let next = self.pieces.partition_point(|piece| piece.at <= offset);
        let until_next = self.pieces.get(next).map_or(u64::MAX, |piece| piece.at.saturating_sub(offset));
        let buf = at_most(buf, until_next);
        let current = next.checked_sub(1).and_then(|at| self.pieces.get(at));
        let within = current.and_then(|piece| Some((piece, offset.checked_sub(piece.at)?)));
        let (from, skipped, buf) = match within {
            Some((piece, skipped)) if skipped < piece.len => {
                (piece.from, skipped, at_most(buf, piece.len.saturating_sub(skipped)))
            }
            _ => (Place::Zeros, 0, buf),
        };
        match from {
            Place::Zeros => {
                buf.fill(0);
                Ok(buf.len())
            }
            Place::Missing => {
                Err(DiskError::damaged(self.what, "a part of it lies on a disk that is not there").into())
            }
            Place::Source(number, start) => {
                let source = self.sources.get(number);
                let at = start.checked_add(skipped);
                match source.zip(at).map(|(source, at)| source.read_at(at, buf)) {
                    Some(Ok(read)) if read > 0 => Ok(read),
                    Some(Err(error)) => Err(error),
                    _ => {
                        Err(DiskError::damaged(self.what, "a part of it lies behind the end of the disk")
                            .into())
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn pieces_gaps_and_what_is_missing() {
        let (a, b): (Shared, Shared) = (Arc::new(b"abcdef".to_vec()), Arc::new(b"XYZ".to_vec()));
        let piece = |at, len, from| Piece { at, len, from };
        let pieces = vec![
            piece(5, 2, Place::Source(1, 1)),
            piece(0, 3, Place::Source(0, 2)),
            piece(8, 1, Place::Missing),
            piece(9, 9, Place::Source(1, 0)),
        ];
        let whole = Pieces::new("the test", vec![a, b], pieces, 14);
        assert_eq!(&*whole.read_range(0, 8, 99).unwrap(), b"cde\0\0YZ\0");
        assert!(whole.read_range(8, 1, 99).unwrap_err().to_string().contains("not there"));
        assert_eq!(&*whole.read_range(9, 3, 99).unwrap(), b"XYZ");
        assert!(whole.read_range(12, 1, 99).unwrap_err().to_string().contains("behind the end"));
        assert_eq!(whole.read_at(14, &mut [0]).unwrap(), 0);
    }

    #[test]
    fn pieces_that_join_become_one() {
        let mut pieces = Vec::new();
        for (at, offset) in [(0, 100), (10, 110), (20, 200)] {
            Pieces::push(&mut pieces, Piece { at, len: 10, from: Place::Source(0, offset) });
        }
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[0].len, 20);
    }
}
