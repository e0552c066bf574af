//! Deterministic damage: the same seed gives the same inputs on every machine, so that a failing test stays failing.
//!
//! This is what `cargo test` does with the targets; `cargo xtask fuzz` lets libFuzzer do it, which sees what the code does.

/// A small generator of numbers (`SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>): good enough to choose places.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Starts with a seed, such as a target's name.
    pub fn new(seed: &str) -> Self {
        Self(
            seed.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
            }),
        )
    }

    /// Returns a number below `end`; 0 when that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (end.max(1) as u64)).unwrap_or(0)
    }
}

/// Numbers on the edge of what a size, count or offset may be, in either byte order.
const EDGES: [&[u8]; 8] = [
    &[0xff; 4],
    &[0xff; 8],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0x7f],
    &[0, 0, 0, 0],
    &[0x80, 0, 0, 0],
    b"99999999999",
    b"-1",
];

/// Text that ends, nests or escapes something in one of the formats.
const WORDS: [&str; 12] = ["\"", "{", "[", "}", "]", "<", "\n", "\0", "\u{1b}[2J", "..", "/", "&x;"];

/// Damages `input` in one to four places.
pub fn damage(input: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len());
        match dice.below(9) {
            0 => bytes.truncate(at),
            1 => splice(&mut bytes, at, 0, WORDS[dice.below(WORDS.len())].as_bytes()),
            2 => splice(&mut bytes, at, 4, EDGES[dice.below(EDGES.len())]),
            3 => {
                let len = dice.below(64);
                splice(&mut bytes, at, len, &[]);
            }
            4 => {
                let len = dice.below(64).min(bytes.len() - at);
                let copy = bytes[at..at + len].repeat(1 + dice.below(20));
                let to = dice.below(bytes.len());
                splice(&mut bytes, to, 0, &copy);
            }
            5 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
            6 => splice(&mut bytes, at, 1, &WORDS[dice.below(WORDS.len())].as_bytes().repeat(200)),
            _ if !bytes.is_empty() => bytes[at] = u8::try_from(dice.below(256)).unwrap_or(0),
            _ => bytes.push(0),
        }
    }
    bytes
}

fn splice(bytes: &mut Vec<u8>, at: usize, len: usize, with: &[u8]) {
    let end = at.saturating_add(len).min(bytes.len());
    bytes.splice(at.min(end)..end, with.iter().copied());
}
