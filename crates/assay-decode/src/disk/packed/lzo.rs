//! Undoes LZO1X, as the Linux kernel does ([LZO stream format]).
//!
//! Surprising: what a byte below 16 means depends on how many literals came before it.
//!
//! [LZO stream format]: https://docs.kernel.org/staging/lzo.html

use super::{literals, repeat};

/// Returns what `input` was; `None` when it is damaged or more than `limit` bytes.
pub(super) fn unpack(mut input: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    // Literals before the next instruction: 0 to 3 by the last instruction, 4 for a longer run.
    let mut state = 0_usize;
    let first = usize::from(*input.first()?);
    if first > 17 {
        input = literals(&mut out, input.get(1..)?, first.checked_sub(17)?, limit)?;
        state = first.checked_sub(17)?.min(4);
    }
    loop {
        let (byte, rest) = input.split_first()?;
        input = rest;
        let instruction = usize::from(*byte);
        let (distance, count, next) = if instruction >= 64 {
            let (high, rest) = input.split_first()?;
            input = rest;
            let distance = (usize::from(*high) << 3 | (instruction >> 2 & 7)).checked_add(1)?;
            (distance, (instruction >> 5).checked_add(1)?, instruction & 3)
        } else if instruction >= 32 {
            let mut count = (instruction & 31).checked_add(2)?;
            if count == 2 {
                input = more(input, 31, &mut count)?;
            }
            let (low, rest) = input.split_first_chunk::<2>()?;
            input = rest;
            let low = usize::from(u16::from_le_bytes(*low));
            ((low >> 2).checked_add(1)?, count, low & 3)
        } else if instruction >= 16 {
            let mut count = (instruction & 7).checked_add(2)?;
            if count == 2 {
                input = more(input, 7, &mut count)?;
            }
            let (low, rest) = input.split_first_chunk::<2>()?;
            input = rest;
            let low = usize::from(u16::from_le_bytes(*low));
            let distance = ((instruction & 8) << 11).checked_add(low >> 2)?;
            if distance == 0 {
                return Some(out);
            }
            (distance.checked_add(0x4000)?, count, low & 3)
        } else if state == 0 {
            let mut count = instruction.checked_add(3)?;
            if count == 3 {
                input = more(input, 15, &mut count)?;
            }
            input = literals(&mut out, input, count, limit)?;
            state = 4;
            continue;
        } else {
            let (high, rest) = input.split_first()?;
            input = rest;
            let near = (usize::from(*high) << 2 | instruction >> 2).checked_add(1)?;
            let (distance, count) = if state == 4 { (near.checked_add(0x800)?, 3) } else { (near, 2) };
            (distance, count, instruction & 3)
        };
        repeat(&mut out, distance, count, limit)?;
        input = literals(&mut out, input, next, limit)?;
        state = next;
    }
}

/// Adds to a count: `first` and 255 for each zero byte, then the byte that is not zero.
fn more<'a>(mut input: &'a [u8], first: usize, count: &mut usize) -> Option<&'a [u8]> {
    *count = count.checked_add(first)?;
    loop {
        let (byte, rest) = input.split_first()?;
        input = rest;
        if *byte != 0 {
            *count = count.checked_add(usize::from(*byte))?;
            return Some(input);
        }
        *count = count.checked_add(255)?;
    }
}
