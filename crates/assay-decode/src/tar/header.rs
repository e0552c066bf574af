//! The 512-byte header block: fields at fixed offsets, numbers in octal text or base 256.
//!
//! Checksums: the standard sums unsigned bytes; some old writers summed signed ones. Both are accepted, as all
//! readers do.

use crate::bytes::until_nul;

/// Tar's unit: headers are one block, content is padded to blocks.
pub(super) const BLOCK: usize = 512;

/// A copy of a header block.
#[derive(Clone, Copy)]
pub(super) struct Block([u8; BLOCK]);

impl Block {
    pub(super) fn new(raw: &[u8; BLOCK]) -> Self {
        Self(*raw)
    }

    pub(super) fn field(&self, at: usize, len: usize) -> &[u8] {
        self.0.get(at..).and_then(|rest| rest.get(..len)).unwrap_or_default()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    pub(super) fn has_valid_checksum(&self) -> bool {
        let Some(stored) = number(self.field(148, 8)) else { return false };
        // The checksum's own field counts as eight spaces.
        let unsigned: u32 = self.0.iter().map(|&byte| u32::from(byte)).sum();
        let own: u32 = self.field(148, 8).iter().map(|&byte| u32::from(byte)).sum();
        let unsigned = unsigned.saturating_sub(own).saturating_add(8 * 32);
        if i64::from(unsigned) == stored {
            return true;
        }
        let signed: i64 = self.0.iter().map(|&byte| i64::from(byte.cast_signed())).sum();
        let own: i64 = self.field(148, 8).iter().map(|&byte| i64::from(byte.cast_signed())).sum();
        signed.saturating_sub(own).saturating_add(8 * 32) == stored
    }

    pub(super) fn name(&self) -> &[u8] {
        until_nul(self.field(0, 100))
    }

    /// Returns the first part of the path: the ustar prefix, shorter in archives of `star`, absent elsewhere.
    pub(super) fn prefix(&self) -> &[u8] {
        match (self.field(257, 8), self.field(508, 4)) {
            (b"ustar\x0000", b"tar\0") => until_nul(self.field(345, 131)),
            (b"ustar\x0000", _) => until_nul(self.field(345, 155)),
            _ => b"",
        }
    }

    pub(super) fn link_name(&self) -> &[u8] {
        until_nul(self.field(157, 100))
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.field(156, 1).first().copied().unwrap_or(0)
    }

    /// Returns the size, `None` if it is negative or no number.
    pub(super) fn size(&self) -> Option<u64> {
        number(self.field(124, 12)).and_then(|size| u64::try_from(size).ok())
    }

    pub(super) fn mode(&self) -> u32 {
        number(self.field(100, 8)).and_then(|mode| u32::try_from(mode).ok()).unwrap_or(0) & 0o7777
    }

    pub(super) fn uid(&self) -> u64 {
        number(self.field(108, 8)).and_then(|id| u64::try_from(id).ok()).unwrap_or(0)
    }

    pub(super) fn gid(&self) -> u64 {
        number(self.field(116, 8)).and_then(|id| u64::try_from(id).ok()).unwrap_or(0)
    }

    pub(super) fn mtime(&self) -> i64 {
        number(self.field(136, 12)).unwrap_or(0)
    }
}

/// Reads a numeric field: octal digits with spaces and NULs around, or base 256 if the first bit is set.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    if let Some((&first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        // Two's complement, big end first; the marker bit is dropped and the next one is the sign.
        let negative = first & 0x40 != 0;
        let top = if negative { i64::from(first | 0x80) | !0xff } else { i64::from(first & 0x7f) };
        return rest
            .iter()
            .try_fold(top, |value, &byte| value.checked_mul(256).map(|value| value | i64::from(byte)));
    }
    let digits = field.trim_ascii_start();
    let digits = digits.split(|&byte| byte == 0 || byte == b' ').next().unwrap_or_default();
    digits.iter().try_fold(0_i64, |value, &byte| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(i64::from(byte & 7)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"77777777"), Some(0o77_777_777));
        assert_eq!(number(b"\0\0\0\0"), Some(0));
        assert_eq!(number(b"-1 "), None);
        assert_eq!(number(b"0x10"), None);
        assert_eq!(number(b"\x80\0\0\0\0\0\0\x02\0\0\0\0"), Some(1 << 33));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"), Some(-2));
        assert_eq!(number(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
        assert_eq!(number(b"\xbf\xff\xff\xff\xff\xff\xff\xff"), Some(i64::MAX >> 1));
    }
}
