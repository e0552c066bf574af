//! The encoding inside records: unsigned LEB128 numbers, zigzag for signed ones, length-prefixed UTF-8 text.
//!
//! Reading is total: every read is bounds-checked and says [`Corrupt`] instead of panicking.

/// Bytes are not what the format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupt;

/// Reads values from the front of bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Corrupt> {
        let (first, rest) = self.0.split_first().ok_or(Corrupt)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Corrupt> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Corrupt)
    }

    pub(crate) fn index(&mut self) -> Result<u32, Corrupt> {
        u32::try_from(self.number()?).map_err(|_| Corrupt)
    }

    /// Reads a count of things of at least one byte each, so that a forged count reserves no memory.
    pub(crate) fn count(&mut self) -> Result<usize, Corrupt> {
        let count = usize::try_from(self.number()?).map_err(|_| Corrupt)?;
        if count <= self.0.len() { Ok(count) } else { Err(Corrupt) }
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Corrupt> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Corrupt> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Corrupt)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Corrupt> {
        let len = self.count()?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Corrupt> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Corrupt)
    }

    pub(crate) fn float(&mut self) -> Result<f64, Corrupt> {
        let bytes = self.take(8)?;
        Ok(f64::from_le_bytes(bytes.try_into().map_err(|_| Corrupt)?))
    }

    pub(crate) fn texts(&mut self) -> Result<Vec<&'a str>, Corrupt> {
        let count = self.count()?;
        (0..count).map(|_| self.text()).collect()
    }

    /// Reads ascending numbers, written as differences.
    pub(crate) fn ascending(&mut self) -> Result<Vec<u32>, Corrupt> {
        let count = self.count()?;
        let mut last = 0u32;
        (0..count)
            .map(|_| {
                last = last.checked_add(self.index()?).ok_or(Corrupt)?;
                Ok(last)
            })
            .collect()
    }
}

/// Appends values to bytes.
#[derive(Debug, Default, Clone)]
pub(crate) struct Encoder(pub(crate) Vec<u8>);

impl Encoder {
    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    pub(crate) fn count(&mut self, value: usize) {
        self.number(u64::try_from(value).unwrap_or(u64::MAX));
    }

    pub(crate) fn signed(&mut self, value: i64) {
        self.number(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.count(value.len());
        self.0.extend_from_slice(value);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    pub(crate) fn float(&mut self, value: f64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn texts<T: AsRef<str>>(&mut self, values: &[T]) {
        self.count(values.len());
        for value in values {
            self.text(value.as_ref());
        }
    }

    pub(crate) fn ascending(&mut self, values: &[u32]) {
        self.count(values.len());
        let mut last = 0;
        for &value in values {
            self.number(u64::from(value.saturating_sub(last)));
            last = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_round_trip(unsigned: u64, signed: i64, text: String) {
            let mut encoder = Encoder::default();
            encoder.number(unsigned);
            encoder.signed(signed);
            encoder.text(&text);
            let mut cursor = Cursor(&encoder.0);
            prop_assert_eq!(cursor.number(), Ok(unsigned));
            prop_assert_eq!(cursor.signed(), Ok(signed));
            prop_assert_eq!(cursor.text(), Ok(text.as_str()));
            prop_assert!(cursor.is_empty());
        }

        #[test]
        fn reading_is_total(bytes: Vec<u8>) {
            let mut cursor = Cursor(&bytes);
            let _ = cursor.ascending();
            let _ = cursor.texts();
            let _ = cursor.float();
        }
    }
}
