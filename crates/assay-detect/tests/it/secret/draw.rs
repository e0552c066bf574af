//! Draws samples: replaces the pieces that [`super::samples`] explains by random text, the same for the same seed.

/// Random numbers, the same for the same seed (xorshift; nothing here is a secret).
pub(super) struct Draw {
    state: u64,
    /// What was drawn, piece by piece.
    pub(super) pieces: Vec<Vec<u8>>,
}

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, pieces: Vec::new() }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap() % limit
    }

    fn of(&mut self, alphabet: &str, len: usize) -> String {
        (0..len).map(|_| char::from(alphabet.as_bytes()[self.below(alphabet.len())])).collect()
    }

    /// Replaces the pieces of a sample.
    pub(super) fn sample(&mut self, sample: &str) -> Vec<u8> {
        let mut out: Vec<u8> = Vec::new();
        let mut rest = sample;
        while let Some((before, piece, after)) = next_piece(rest) {
            out.extend(before.as_bytes());
            let drawn = self.piece(piece, &out);
            out.extend(&drawn);
            // Of an identity in bech32 the prefix is everybody's.
            let public = if piece.starts_with("bech32:") { piece.len() - "bech32:".len() + 1 } else { 0 };
            self.pieces.push(drawn[public..].to_vec());
            rest = after;
        }
        out.extend(rest.as_bytes());
        out
    }

    fn piece(&mut self, piece: &str, before: &[u8]) -> Vec<u8> {
        const DIGITS: &str = "0123456789";
        const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
        const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let (kind, argument) = piece.split_once(':').unwrap_or((piece, ""));
        let len = argument.parse().unwrap_or(0);
        let text = match kind {
            "a" => self.of(&[DIGITS, LOWER, UPPER].concat(), len),
            "A" => self.of(&[LOWER, UPPER].concat(), len),
            "l" => self.of(&[LOWER, DIGITS].concat(), len),
            "u" => self.of(&[UPPER, DIGITS].concat(), len),
            "h" => self.of("0123456789abcdef", len),
            "X" => self.of("0123456789ABCDEF", len),
            "d" => self.of(DIGITS, len),
            "n" => self.of("123456789", 1) + &self.of(DIGITS, len - 1),
            // A token never ends in a separator here: what follows could not be told from it.
            "w" => self.of(&[DIGITS, LOWER, UPPER, "_-"].concat(), len - 1) + &self.of(LOWER, 1),
            "b" => self.of(&[DIGITS, LOWER, UPPER, "+/"].concat(), len),
            "k" => self.of("EFGHQRST", 1) + &self.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", len - 1),
            "q" => self.of("abcdefghijklmnopqrstuvwxyz234567", len),
            "b64" => base64(self.of(&[DIGITS, LOWER, UPPER].concat(), len).as_bytes()),
            "uuid" => [8, 4, 4, 4, 12].map(|len| self.of("0123456789abcdef", len)).join("-"),
            "crc62" => {
                let token = before.rsplit(|byte| *byte == b'_').next().unwrap();
                in_base(crc32fast::hash(token), &[DIGITS, UPPER, LOWER].concat(), 6)
            }
            "crc36" => {
                let token = before.rsplit(|byte| b" =\"'\n".contains(byte)).next().unwrap();
                in_base(crc32fast::hash(token), &[DIGITS, LOWER].concat(), 7)
            }
            "bech32" => self.bech32(argument),
            "basic" => {
                base64(format!("deploy:q7{}", self.of(&[DIGITS, LOWER, UPPER].concat(), 12)).as_bytes())
            }
            "jwt" => {
                let subject = self.of(DIGITS, 12);
                let parts = [
                    r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(),
                    format!(r#"{{"sub":"u{subject}","iat":1516239022}}"#),
                ];
                let parts = parts.map(|part| base64(part.as_bytes()).replace('=', ""));
                parts.join(".") + "." + &self.piece_text("w:43")
            }
            "openssh" => {
                let mut key = b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none\0\0\0\0\0\0\0\x01".to_vec();
                key.extend(self.of(LOWER, 120).bytes());
                base64(&key)
            }
            "hex" => {
                return argument
                    .as_bytes()
                    .chunks(2)
                    .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                    .collect();
            }
            _ => panic!("`{piece}` is no piece of a sample"),
        };
        text.into_bytes()
    }

    fn piece_text(&mut self, piece: &str) -> String {
        String::from_utf8(self.piece(piece, b"")).unwrap()
    }

    fn bech32(&mut self, prefix: &str) -> String {
        const ALPHABET: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
        let prefix = prefix.to_ascii_lowercase();
        let mut data: Vec<u32> = (0..52).map(|_| u32::try_from(self.below(32)).unwrap()).collect();
        let mut values: Vec<u32> = prefix.bytes().map(|byte| u32::from(byte >> 5)).collect();
        values.push(0);
        values.extend(prefix.bytes().map(|byte| u32::from(byte & 31)));
        values.extend(&data);
        values.extend([0; 6]);
        let mut sum = 1_u32;
        for value in values {
            let top = sum >> 25;
            sum = ((sum & 0x01ff_ffff) << 5) ^ value;
            for (bit, term) in
                [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3].into_iter().enumerate()
            {
                if (top >> bit) & 1 == 1 {
                    sum ^= term;
                }
            }
        }
        sum ^= 1;
        data.extend((0..6).rev().map(|place| (sum >> (5 * place)) & 31));
        let data: String =
            data.iter().map(|value| char::from(ALPHABET[usize::try_from(*value).unwrap()])).collect();
        format!("{prefix}1{data}").to_ascii_uppercase()
    }
}

/// Splits at the first `<kind:argument>` that is a piece; other angle brackets are text.
fn next_piece(text: &str) -> Option<(&str, &str, &str)> {
    const KINDS: &[&str] = &[
        "a", "A", "l", "u", "h", "X", "d", "n", "w", "b", "k", "q", "b64", "uuid", "crc62", "crc36",
        "bech32", "basic", "jwt", "openssh", "hex",
    ];
    text.match_indices('<').find_map(|(at, _)| {
        let inner = &text[at + 1..];
        let end = inner.find('>')?;
        let piece = &inner[..end];
        let kind = piece.split(':').next()?;
        let bare = matches!(kind, "uuid" | "crc62" | "crc36" | "basic" | "jwt" | "openssh");
        (KINDS.contains(&kind) && (bare || piece.contains(':')))
            .then(|| (&text[..at], piece, &inner[end + 1..]))
    })
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_usize, |bits, byte| (bits << 8) | usize::from(*byte))
            << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = char::from(ALPHABET[(bits >> (18 - 6 * place)) & 63]);
            out.push(if place <= group.len() { digit } else { '=' });
        }
    }
    out
}

fn in_base(mut number: u32, digits: &str, width: usize) -> String {
    let mut text = Vec::new();
    let base = u32::try_from(digits.len()).unwrap();
    while number > 0 || text.len() < width {
        text.push(digits.as_bytes()[usize::try_from(number % base).unwrap()]);
        number /= base;
    }
    text.reverse();
    String::from_utf8(text).unwrap()
}
