//! Maps of sparse files that are not in a PAX header: old GNU (type `S`), and PAX version 1.0 in the content.
//!
//! <https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html>

use std::io::{self, Read};

use super::content::{Segment, State};
use super::header::{BLOCK, Block, number};
use crate::peek::Peek;

/// Length of an offset and a size in an old GNU map.
const PAIR: usize = 24;

/// Reads the old GNU map from the header and the blocks that continue it; returns the expanded size.
///
/// All continuation blocks are passed over even when the map is bad, so that the content is found behind them.
pub(super) fn old_gnu<R: Read>(
    block: &Block,
    input: &mut Peek<R>,
    max_segments: usize,
    segments: &mut Vec<Segment>,
) -> Option<u64> {
    segments.clear();
    let mut good = pairs(block.field(386, 4 * PAIR), max_segments, segments);
    let mut more = block.field(482, 1) != [0];
    while more {
        // A failing source is noticed again, and reported, by whoever reads next.
        let next = input.peek(BLOCK).ok().and_then(|bytes| bytes.first_chunk()).map(Block::new)?;
        input.advance(BLOCK);
        good = good && pairs(next.field(0, 21 * PAIR), max_segments, segments);
        more = next.field(504, 1) != [0];
    }
    let real_size = number(block.field(483, 12)).and_then(|size| u64::try_from(size).ok());
    real_size.filter(|_| good)
}

fn pairs(field: &[u8], max_segments: usize, segments: &mut Vec<Segment>) -> bool {
    for pair in field.chunks_exact(PAIR) {
        let Some((offset, len)) = pair.split_at_checked(PAIR / 2) else { return false };
        if offset.first() == Some(&0) {
            break;
        }
        let read = |field| number(field).and_then(|value| u64::try_from(value).ok());
        let (Some(offset), Some(len)) = (read(offset), read(len)) else { return false };
        if segments.len() >= max_segments {
            return false;
        }
        segments.push(Segment { offset, len });
    }
    true
}

/// Reads the map of version 1.0: decimal numbers, each on a line, padded to whole blocks; false if it is bad.
pub(super) fn in_content<R: Read>(
    input: &mut Peek<R>,
    state: &mut State,
    max_segments: usize,
) -> io::Result<bool> {
    let mut segments = std::mem::take(&mut state.segments);
    segments.clear();
    let good = in_content_numbers(input, state, max_segments, &mut segments);
    state.segments = segments;
    good
}

fn in_content_numbers<R: Read>(
    input: &mut Peek<R>,
    state: &mut State,
    max_segments: usize,
    segments: &mut Vec<Segment>,
) -> io::Result<bool> {
    let mut value: Option<u64> = None;
    let mut count: Option<u64> = None;
    let mut offset: Option<u64> = None;
    loop {
        let Some(block) = input.peek(BLOCK)?.first_chunk().map(Block::new) else { return Ok(false) };
        if !state.take_stored(BLOCK) {
            return Ok(false);
        }
        input.advance(BLOCK);
        for &byte in block.field(0, BLOCK) {
            match byte {
                b'0'..=b'9' => {
                    let digit = u64::from(byte & 15);
                    value = value.unwrap_or(0).checked_mul(10).and_then(|value| value.checked_add(digit));
                    if value.is_none() {
                        return Ok(false);
                    }
                }
                b'\n' => {
                    let Some(number) = value.take() else { return Ok(false) };
                    match (count, offset.take()) {
                        (None, _) => {
                            if usize::try_from(number).map_or(true, |number| number > max_segments) {
                                return Ok(false);
                            }
                            count = Some(number);
                        }
                        (Some(_), None) => offset = Some(number),
                        (Some(left), Some(offset)) => {
                            segments.push(Segment { offset, len: number });
                            count = left.checked_sub(1);
                        }
                    }
                    if count == Some(0) && offset.is_none() {
                        return Ok(true);
                    }
                }
                _ => return Ok(false),
            }
        }
    }
}
