//! Undoes LZ4, the block without its frame ([LZ4 block format]).
//!
//! [LZ4 block format]: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md

use super::{literals, repeat};

/// Returns what `input` was; `None` when it is damaged or more than `limit` bytes.
pub(super) fn unpack(mut input: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let (token, rest) = input.split_first()?;
        input = rest;
        let mut count = usize::from(token >> 4);
        if count == 15 {
            input = more(input, &mut count)?;
        }
        input = literals(&mut out, input, count, limit)?;
        if input.is_empty() {
            return Some(out);
        }
        let (distance, rest) = input.split_first_chunk::<2>()?;
        input = rest;
        let mut count = usize::from(token & 15);
        if count == 15 {
            input = more(input, &mut count)?;
        }
        repeat(&mut out, usize::from(u16::from_le_bytes(*distance)), count.checked_add(4)?, limit)?;
    }
}

/// Adds bytes to a count until one is below 255.
fn more<'a>(mut input: &'a [u8], count: &mut usize) -> Option<&'a [u8]> {
    loop {
        let (byte, rest) = input.split_first()?;
        input = rest;
        *count = count.checked_add(usize::from(*byte))?;
        if *byte != 255 {
            return Some(input);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_overlapping_matches() {
        // "ab", then six bytes from two before, then "c".
        let packed = [0x22, b'a', b'b', 2, 0, 0x10, b'c'];
        assert_eq!(unpack(&packed, 100).unwrap(), b"ababababc");
        assert_eq!(unpack(&packed, 8), None);
        assert_eq!(unpack(&[0x22, b'a', b'b', 3, 0, 0x10, b'c'], 100), None, "from before the beginning");
        for len in 0..packed.len() {
            // The block may end behind any literals.
            let _ = unpack(&packed[..len], 100);
        }
    }
}
