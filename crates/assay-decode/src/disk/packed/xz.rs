//! Undoes xz as squashfs uses it: one stream, one block, LZMA2 alone or behind nothing ([xz file format]; for LZMA, the
//! [LZMA specification]).
//!
//! Checksums and the index are not looked at: a block of a file system is used as far as it goes. The output is the dictionary,
//! so that nothing else is allocated but the probabilities, 28 KiB in the usual setting. Surprising: a chunk of LZMA2 may keep the
//! dictionary and the probabilities of the one before it, or only the first.
//!
//! [xz file format]: https://tukaani.org/xz/xz-file-format.txt
//! [LZMA specification]: https://7-zip.org/sdk.html

use super::{literals, repeat};

const FILTER_LZMA2: u64 = 0x21;

/// Returns what `input` was; `None` when it is damaged, uses another filter, or is more than `limit` bytes.
pub(crate) fn unpack(input: &[u8], limit: usize) -> Option<Vec<u8>> {
    let rest = input.strip_prefix(b"\xfd7zXZ\0")?.get(6..)?;
    let header_len = usize::from(*rest.first()?).checked_add(1)?.checked_mul(4)?;
    let (header, data) = rest.split_at_checked(header_len)?;
    let flags = *header.get(1)?;
    // One filter; sizes may be given, and are not needed.
    if flags & 3 != 0 {
        return None;
    }
    let mut fields = header.get(2..)?;
    for present in [flags & 0x40 != 0, flags & 0x80 != 0] {
        if present {
            number(&mut fields)?;
        }
    }
    if number(&mut fields)? != FILTER_LZMA2 {
        return None;
    }
    lzma2(data, limit)
}

/// Takes a number of seven bits for each byte.
fn number(fields: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..63_u32).step_by(7) {
        let (byte, rest) = fields.split_first()?;
        *fields = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn lzma2(mut input: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut lzma: Option<Lzma> = None;
    let mut dictionary = 0;
    loop {
        let (control, rest) = input.split_first()?;
        input = rest;
        match *control {
            0 => return Some(out),
            1 | 2 => {
                if *control == 1 {
                    dictionary = out.len();
                }
                let (len, rest) = input.split_first_chunk::<2>()?;
                input =
                    literals(&mut out, rest, usize::from(u16::from_be_bytes(*len)).checked_add(1)?, limit)?;
            }
            3..=0x7f => return None,
            control => {
                let (sizes, rest) = input.split_first_chunk::<4>()?;
                let [a, b, c, d] = sizes.map(usize::from);
                let unpacked = (usize::from(control & 0x1f) << 16 | a << 8 | b).checked_add(1)?;
                let packed = (c << 8 | d).checked_add(1)?;
                input = rest;
                let reset = control >> 5 & 3;
                if reset == 3 {
                    dictionary = out.len();
                }
                if reset >= 2 {
                    let (properties, rest) = input.split_first()?;
                    input = rest;
                    lzma = Some(Lzma::new(*properties)?);
                } else if reset == 1 {
                    let old = lzma.as_ref()?;
                    lzma = Some(Lzma::with(old.literal_context, old.literal_position, old.position));
                }
                let (chunk, rest) = input.split_at_checked(packed)?;
                input = rest;
                let end = out.len().checked_add(unpacked).filter(|end| *end <= limit)?;
                lzma.as_mut()?.chunk(chunk, &mut out, dictionary, end)?;
            }
        }
    }
}

/// The range decoder: bits whose probability is learnt.
struct Range<'a> {
    range: u32,
    code: u32,
    input: &'a [u8],
}

/// Half of what a probability may be: nothing is known.
const EVEN: u16 = 1024;

impl<'a> Range<'a> {
    fn new(input: &'a [u8]) -> Option<Self> {
        let (start, input) = input.split_first_chunk::<5>()?;
        let [_, code @ ..] = *start;
        Some(Self { range: u32::MAX, code: u32::from_be_bytes(code), input })
    }

    fn normalise(&mut self) -> Option<()> {
        if self.range < 1 << 24 {
            let (byte, rest) = self.input.split_first()?;
            self.input = rest;
            self.range <<= 8;
            self.code = self.code << 8 | u32::from(*byte);
        }
        Some(())
    }

    fn bit(&mut self, probability: &mut u16) -> Option<usize> {
        self.normalise()?;
        let bound = (self.range >> 11).wrapping_mul(u32::from(*probability));
        if self.code < bound {
            self.range = bound;
            *probability = probability.wrapping_add(2048_u16.wrapping_sub(*probability) >> 5);
            Some(0)
        } else {
            self.range = self.range.wrapping_sub(bound);
            self.code = self.code.wrapping_sub(bound);
            *probability = probability.wrapping_sub(*probability >> 5);
            Some(1)
        }
    }

    fn direct(&mut self, count: u32) -> Option<usize> {
        let mut value = 0;
        for _ in 0..count {
            self.normalise()?;
            self.range >>= 1;
            let bit = self.code >= self.range;
            if bit {
                self.code = self.code.wrapping_sub(self.range);
            }
            value = value << 1 | usize::from(bit);
        }
        Some(value)
    }

    /// Reads a number of `bits` bits, the highest first, each with a probability of its own.
    fn tree(&mut self, probabilities: &mut [u16], bits: u32) -> Option<usize> {
        let mut node = 1_usize;
        for _ in 0..bits {
            node = node << 1 | self.bit(probabilities.get_mut(node)?)?;
        }
        node.checked_sub(1_usize.checked_shl(bits)?)
    }

    /// Reads a number of `bits` bits, the lowest first.
    fn reverse_tree(&mut self, probabilities: &mut [u16], bits: u32) -> Option<usize> {
        let (mut node, mut value) = (1_usize, 0_usize);
        for shift in 0..bits {
            let bit = self.bit(probabilities.get_mut(node)?)?;
            node = node << 1 | bit;
            value |= bit.checked_shl(shift)?;
        }
        Some(value)
    }
}

/// The lengths of matches.
struct Lengths {
    choice: [u16; 2],
    low: Vec<u16>,
    middle: Vec<u16>,
    high: Vec<u16>,
}

impl Lengths {
    fn new() -> Self {
        Self { choice: [EVEN; 2], low: vec![EVEN; 128], middle: vec![EVEN; 128], high: vec![EVEN; 256] }
    }

    fn read(&mut self, range: &mut Range<'_>, position: usize) -> Option<usize> {
        let [first, second] = &mut self.choice;
        let at = position.checked_mul(8)?;
        if range.bit(first)? == 0 {
            range.tree(self.low.get_mut(at..)?, 3)?.checked_add(2)
        } else if range.bit(second)? == 0 {
            range.tree(self.middle.get_mut(at..)?, 3)?.checked_add(10)
        } else {
            range.tree(&mut self.high, 8)?.checked_add(18)
        }
    }
}

struct Lzma {
    literal_context: u32,
    literal_position: u32,
    position: u32,
    state: usize,
    /// The last four distances, less one.
    repeats: [usize; 4],
    literal: Vec<u16>,
    is_match: Vec<u16>,
    is_repeat: Vec<u16>,
    is_repeat_first: Vec<u16>,
    is_repeat_second: Vec<u16>,
    is_repeat_third: Vec<u16>,
    is_repeat_long: Vec<u16>,
    slots: Vec<u16>,
    special: Vec<u16>,
    align: Vec<u16>,
    lengths: Lengths,
    repeat_lengths: Lengths,
}

const STATES: usize = 12;

impl Lzma {
    fn new(properties: u8) -> Option<Self> {
        let properties = u32::from(properties);
        let (context, rest) = (properties % 9, properties / 9);
        let (position_of_literal, position) = (rest % 5, rest / 5);
        if position > 4 || context.checked_add(position_of_literal)? > 4 {
            return None;
        }
        Some(Self::with(context, position_of_literal, position))
    }

    fn with(literal_context: u32, literal_position: u32, position: u32) -> Self {
        // At most 4 together, by `new`.
        let literals = 0x300_usize.checked_shl(literal_context.saturating_add(literal_position)).unwrap_or(0);
        Self {
            literal_context,
            literal_position,
            position,
            state: 0,
            repeats: [0; 4],
            literal: vec![EVEN; literals],
            is_match: vec![EVEN; STATES << 4],
            is_repeat: vec![EVEN; STATES],
            is_repeat_first: vec![EVEN; STATES],
            is_repeat_second: vec![EVEN; STATES],
            is_repeat_third: vec![EVEN; STATES],
            is_repeat_long: vec![EVEN; STATES << 4],
            slots: vec![EVEN; 4 * 64],
            special: vec![EVEN; 128],
            align: vec![EVEN; 16],
            lengths: Lengths::new(),
            repeat_lengths: Lengths::new(),
        }
    }

    /// Decodes until `out` has `end` bytes; the dictionary begins at `dictionary`.
    fn chunk(&mut self, input: &[u8], out: &mut Vec<u8>, dictionary: usize, end: usize) -> Option<()> {
        let mut range = Range::new(input)?;
        while out.len() < end {
            // Positions count from the beginning of the dictionary.
            let at = out.len().checked_sub(dictionary)?;
            let position = at & 1_usize.checked_shl(self.position)?.wrapping_sub(1);
            let here = self.state << 4 | position;
            if range.bit(self.is_match.get_mut(here)?)? == 0 {
                self.literal(&mut range, out, at)?;
                continue;
            }
            let count = if range.bit(self.is_repeat.get_mut(self.state)?)? == 0 {
                self.match_(&mut range, position)?
            } else {
                self.repeated(&mut range, here, position)?
            };
            let [distance, ..] = self.repeats;
            if distance >= at {
                return None;
            }
            repeat(out, distance.checked_add(1)?, count, end)?;
        }
        Some(())
    }

    fn literal(&mut self, range: &mut Range<'_>, out: &mut Vec<u8>, at: usize) -> Option<()> {
        let before = if at == 0 { 0 } else { usize::from(*out.last()?) };
        let position = at & 1_usize.checked_shl(self.literal_position)?.wrapping_sub(1);
        let context = position.checked_shl(self.literal_context)?
            | before.checked_shr(8_u32.checked_sub(self.literal_context)?)?;
        let probabilities = self.literal.get_mut(context.checked_mul(0x300)?..)?.get_mut(..0x300)?;
        let mut symbol = 1_usize;
        if self.state >= 7 {
            // Behind a match, the byte that would have gone on with it is a hint.
            let [distance, ..] = self.repeats;
            let mut hint = usize::from(*out.get(out.len().checked_sub(distance.checked_add(1)?)?)?);
            while symbol < 0x100 {
                let expected = hint >> 7 & 1;
                hint <<= 1;
                let index = (expected.checked_add(1)? << 8).checked_add(symbol)?;
                let bit = range.bit(probabilities.get_mut(index)?)?;
                symbol = symbol << 1 | bit;
                if bit != expected {
                    break;
                }
            }
        }
        while symbol < 0x100 {
            symbol = symbol << 1 | range.bit(probabilities.get_mut(symbol)?)?;
        }
        out.push(u8::try_from(symbol & 0xff).ok()?);
        self.state = match self.state {
            0..=3 => 0,
            4..=9 => self.state.wrapping_sub(3),
            _ => self.state.wrapping_sub(6),
        };
        Some(())
    }

    fn match_(&mut self, range: &mut Range<'_>, position: usize) -> Option<usize> {
        let [a, b, c, _] = self.repeats;
        let count = self.lengths.read(range, position)?;
        self.state = if self.state < 7 { 7 } else { 10 };
        let by_length = count.checked_sub(2)?.min(3);
        let slot = range.tree(self.slots.get_mut(by_length << 6..)?, 6)?;
        let distance = if slot < 4 {
            slot
        } else {
            let bits = u32::try_from(slot >> 1).ok()?.checked_sub(1)?;
            let base = (2 | slot & 1).checked_shl(bits)?;
            if slot < 14 {
                let probabilities = self.special.get_mut(base.checked_sub(slot)?..)?;
                base.checked_add(range.reverse_tree(probabilities, bits)?)?
            } else {
                let high = range.direct(bits.checked_sub(4)?)? << 4;
                base.checked_add(high)?.checked_add(range.reverse_tree(&mut self.align, 4)?)?
            }
        };
        self.repeats = [distance, a, b, c];
        Some(count)
    }

    fn repeated(&mut self, range: &mut Range<'_>, here: usize, position: usize) -> Option<usize> {
        let [a, b, c, d] = self.repeats;
        if range.bit(self.is_repeat_first.get_mut(self.state)?)? == 0 {
            if range.bit(self.is_repeat_long.get_mut(here)?)? == 0 {
                self.state = if self.state < 7 { 9 } else { 11 };
                return Some(1);
            }
        } else if range.bit(self.is_repeat_second.get_mut(self.state)?)? == 0 {
            self.repeats = [b, a, c, d];
        } else if range.bit(self.is_repeat_third.get_mut(self.state)?)? == 0 {
            self.repeats = [c, a, b, d];
        } else {
            self.repeats = [d, a, b, c];
        }
        self.state = if self.state < 7 { 8 } else { 11 };
        self.repeat_lengths.read(range, position)
    }
}
