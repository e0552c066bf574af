//! Checksums and encodings that tokens carry, so that one can be told from what only looks like it, without asking anybody.

/// The digits of base 62 as GitHub and npm use it.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The digits of base 36 as Ruby writes it.
const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Returns a number in the base of `digits`, with leading zeros up to `width`.
fn in_base(mut number: u32, digits: &[u8], width: usize) -> Vec<u8> {
    let base = u32::try_from(digits.len()).unwrap_or(1).max(2);
    let mut text = Vec::with_capacity(width);
    while number > 0 || text.len() < width {
        let digit = usize::try_from(number % base).unwrap_or_default();
        text.push(digits.get(digit).copied().unwrap_or_default());
        number /= base;
    }
    text.reverse();
    text
}

/// Returns whether the last six characters are the CRC-32, in base 62, of those between the last `_` and them.
///
/// GitHub's format of 2021 (<https://github.blog/engineering/behind-githubs-new-authentication-token-formats/>), which npm shares.
pub(in crate::secret) fn crc32_base62(token: &[u8]) -> bool {
    let Some(start) = memchr::memrchr(b'_', token) else { return false };
    let body = token.get(start.saturating_add(1)..).unwrap_or_default();
    let Some((payload, sum)) = body.split_last_chunk::<6>() else { return false };
    in_base(crc32fast::hash(payload), BASE62, 6) == sum
}

/// Returns whether the last seven characters are the CRC-32, in base 36, of all before them: GitLab's routable tokens
/// (<https://handbook.gitlab.com/handbook/engineering/architecture/design-documents/cells/routable_tokens/>).
pub(in crate::secret) fn crc32_base36(token: &[u8]) -> bool {
    let Some((payload, sum)) = token.split_last_chunk::<7>() else { return false };
    in_base(crc32fast::hash(payload), BASE36, 7) == sum
}

/// The alphabet of bech32.
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Returns whether a text is bech32 with a right checksum (BIP 173), in any case.
pub(in crate::secret) fn bech32(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let Some(separator) = memchr::memrchr(b'1', &lower) else { return false };
    let (prefix, data) = lower.split_at(separator);
    let data = data.get(1..).unwrap_or_default();
    let mut values: Vec<u32> = prefix.iter().map(|byte| u32::from(byte >> 5)).collect();
    values.push(0);
    values.extend(prefix.iter().map(|byte| u32::from(byte & 31)));
    for byte in data {
        match BECH32.iter().position(|digit| digit == byte).and_then(|value| u32::try_from(value).ok()) {
            Some(value) => values.push(value),
            None => return false,
        }
    }
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let polymod = values.iter().fold(1_u32, |sum, value| {
        let top = sum >> 25;
        let next = ((sum & 0x01ff_ffff) << 5) ^ value;
        (0..).zip(GENERATOR).filter(|(bit, _)| (top >> bit) & 1 == 1).fold(next, |sum, (_, term)| sum ^ term)
    });
    data.len() >= 6 && polymod == 1
}

/// Decodes base64, standard or URL-safe, with or without padding; `None` when it is not that.
pub(in crate::secret) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let text =
        text.iter().rposition(|byte| *byte != b'=').and_then(|last| text.get(..=last)).unwrap_or_default();
    if text.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    for group in text.chunks(4) {
        let mut bits = 0_u32;
        for byte in group {
            bits = (bits << 6) | six_bits(*byte)?;
        }
        bits <<= 6 * (4 - u32::try_from(group.len()).ok()?);
        out.extend(bits.to_be_bytes().iter().skip(1).take(group.len() - 1));
    }
    Some(out)
}

fn six_bits(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base62_checksums_are_githubs_and_npms() {
        // A token that npm's format was explained with, and GitHub's; both are void.
        assert!(crc32_base62(concat!("npm", "_qkJaB6MffYVzZXWqmcoF49yrUxP3wf0LsakP").as_bytes()));
        assert!(crc32_base62(concat!("ghp", "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17").as_bytes()));
        assert!(!crc32_base62(concat!("ghp", "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18").as_bytes()));
        assert!(!crc32_base62(b""));
        assert!(!crc32_base62(b"a_b"));
    }

    #[test]
    fn bech32_is_that_of_bip_173() {
        assert!(bech32(b"A12UEL5L"));
        assert!(bech32(b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"));
        assert!(!bech32(b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxx"));
        assert!(!bech32(b"1"));
        assert!(!bech32(b""));
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, want) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg", "foob"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(base64(text.as_bytes()), Some(want.as_bytes().to_vec()), "{text}");
        }
        assert_eq!(base64(b"-_-_"), base64(b"+/+/"));
        assert_eq!(base64(b"a"), None);
        assert_eq!(base64(b"a b="), None);
    }
}
