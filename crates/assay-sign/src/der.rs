//! The Distinguished Encoding Rules of ASN.1 (X.690), as far as keys, certificates and timestamps need them.
//!
//! A reader over borrowed bytes: definite, shortest lengths and one-byte tags only, so that one value has one encoding. What is
//! signed is always the borrowed original, never something written again.

use assay_model::Timestamp;

/// Tags of the universal class, with the constructed bit where it belongs.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// Returns the tag of a constructed element of the context class.
    pub(crate) const fn context(number: u8) -> u8 {
        0xa0 | number
    }

    /// Returns the tag of a primitive element of the context class.
    pub(crate) const fn primitive(number: u8) -> u8 {
        0x80 | number
    }
}

/// The bytes are not the DER that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the DER that is expected here")]
pub struct InvalidDer;

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    /// What is inside.
    pub(crate) content: &'a [u8],
    /// Tag, length and content.
    pub(crate) raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// Returns a reader of what is inside.
    pub(crate) fn reader(&self) -> Reader<'a> {
        Reader::new(self.content)
    }
}

/// Reads one element after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Returns whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns the next element's tag.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Reads the next element, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, InvalidDer> {
        let (&tag, after_tag) = self.rest.split_first().ok_or(InvalidDer)?;
        if tag & 0x1f == 0x1f {
            return Err(InvalidDer);
        }
        let (&first, after_first) = after_tag.split_first().ok_or(InvalidDer)?;
        let (length, after_length) = if first < 0x80 {
            (usize::from(first), after_first)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return Err(InvalidDer);
            }
            let (bytes, after) = after_first.split_at_checked(count).ok_or(InvalidDer)?;
            let length = bytes.iter().fold(0_usize, |length, &byte| length << 8 | usize::from(byte));
            if length < 0x80 || bytes.first() == Some(&0) {
                return Err(InvalidDer);
            }
            (length, after)
        };
        let (content, rest) = after_length.split_at_checked(length).ok_or(InvalidDer)?;
        let raw = self.rest.get(..self.rest.len() - rest.len()).ok_or(InvalidDer)?;
        self.rest = rest;
        Ok(Element { tag, content, raw })
    }

    /// Reads the next element, which must have this tag.
    pub(crate) fn read(&mut self, tag: u8) -> Result<Element<'a>, InvalidDer> {
        let before = self.rest;
        let element = self.any()?;
        if element.tag != tag {
            self.rest = before;
            return Err(InvalidDer);
        }
        Ok(element)
    }

    /// Reads the next element when it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, InvalidDer> {
        if self.peek() == Some(tag) { self.read(tag).map(Some) } else { Ok(None) }
    }

    /// Reads a sequence and returns a reader of its inside.
    pub(crate) fn sequence(&mut self) -> Result<Reader<'a>, InvalidDer> {
        Ok(self.read(tag::SEQUENCE)?.reader())
    }

    /// Reads an object identifier, as its encoded bytes.
    pub(crate) fn oid(&mut self) -> Result<&'a [u8], InvalidDer> {
        Ok(self.read(tag::OID)?.content)
    }

    /// Reads a bit string of whole bytes.
    pub(crate) fn bit_string(&mut self) -> Result<&'a [u8], InvalidDer> {
        match self.read(tag::BIT_STRING)?.content.split_first() {
            Some((0, bytes)) => Ok(bytes),
            _ => Err(InvalidDer),
        }
    }

    /// Reads a non-negative integer and returns its bytes without the sign.
    pub(crate) fn unsigned(&mut self) -> Result<&'a [u8], InvalidDer> {
        match self.read(tag::INTEGER)?.content {
            [0, rest @ ..] if rest.first().is_some_and(|byte| byte & 0x80 != 0) => Ok(rest),
            [0] => Ok(&[]),
            bytes @ [first, ..] if first & 0x80 == 0 && *first != 0 => Ok(bytes),
            _ => Err(InvalidDer),
        }
    }

    /// Reads a small non-negative integer.
    pub(crate) fn small(&mut self) -> Result<u64, InvalidDer> {
        let bytes = self.unsigned()?;
        if bytes.len() > 8 {
            return Err(InvalidDer);
        }
        Ok(bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    /// Reads a boolean.
    pub(crate) fn boolean(&mut self) -> Result<bool, InvalidDer> {
        match self.read(tag::BOOLEAN)?.content {
            [0] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(InvalidDer),
        }
    }

    /// Reads a `UTCTime` or `GeneralizedTime` in the form that RFC 5280 allows, in UTC; fractions of a second are dropped.
    pub(crate) fn time(&mut self) -> Result<Timestamp, InvalidDer> {
        let element = self.any()?;
        let text = std::str::from_utf8(element.content).map_err(|_| InvalidDer)?;
        let text = text.strip_suffix('Z').ok_or(InvalidDer)?;
        let number = |text: &str| -> Result<u32, InvalidDer> {
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(InvalidDer);
            }
            text.parse().map_err(|_| InvalidDer)
        };
        let (year, rest) = match element.tag {
            tag::UTC_TIME => {
                let (year, rest) = text.split_at_checked(2).ok_or(InvalidDer)?;
                let year = number(year)?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            tag::GENERALIZED_TIME => {
                let (year, rest) = text.split_at_checked(4).ok_or(InvalidDer)?;
                let (rest, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
                number(fraction.get(..1).ok_or(InvalidDer)?)?;
                (number(year)?, rest)
            }
            _ => return Err(InvalidDer),
        };
        let mut fields = [0_u32; 5];
        let mut rest = rest;
        for field in &mut fields {
            let (digits, after) = rest.split_at_checked(2).ok_or(InvalidDer)?;
            *field = number(digits)?;
            rest = after;
        }
        let [month, day, hour, minute, second] = fields;
        if !rest.is_empty() || hour > 23 || minute > 59 || second > 60 {
            return Err(InvalidDer);
        }
        let midnight = Timestamp::from_date(i64::from(year), month, day).ok_or(InvalidDer)?;
        Ok(Timestamp(midnight.0 + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)))
    }

    /// Makes sure that nothing is left.
    pub(crate) fn end(&self) -> Result<(), InvalidDer> {
        if self.rest.is_empty() { Ok(()) } else { Err(InvalidDer) }
    }
}

/// Reads `bytes` as exactly one element with this tag and returns a reader of its inside.
pub(crate) fn whole(bytes: &[u8], tag: u8) -> Result<Reader<'_>, InvalidDer> {
    let mut reader = Reader::new(bytes);
    let element = reader.read(tag)?;
    reader.end()?;
    Ok(element.reader())
}

/// Writes one element.
pub(crate) fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.iter().copied().skip_while(|byte| *byte == 0).collect();
    match significant.as_slice() {
        [] => out.push(0),
        [one] if *one < 0x80 => out.push(*one),
        // A length has at most eight bytes.
        many => {
            out.push(0x80 | u8::try_from(many.len()).unwrap_or(8));
            out.extend_from_slice(many);
        }
    }
    out.extend_from_slice(content);
    out
}

/// Writes a non-negative integer from its bytes, most significant first.
pub(crate) fn encode_unsigned(bytes: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    if content.first().is_none_or(|first| first & 0x80 != 0) {
        content.insert(0, 0);
    }
    encode(tag::INTEGER, &content)
}

/// Returns an object identifier as text: `2.5.29.37`.
pub(crate) fn oid_text(oid: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut value = 0_u64;
    for byte in oid {
        value = value.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            arcs.push(value);
            value = 0;
        }
    }
    let Some((&first, rest)) = arcs.split_first() else { return String::new() };
    let root = (first / 40).min(2);
    let mut text = format!("{root}.{}", first - root * 40);
    for arc in rest {
        text.push('.');
        text.push_str(&arc.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_round_trip_at_every_length() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; length];
            let encoded = encode(tag::OCTET_STRING, &content);
            let mut reader = Reader::new(&encoded);
            let element = reader.read(tag::OCTET_STRING).unwrap();
            assert_eq!((element.content, element.raw), (content.as_slice(), encoded.as_slice()));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn other_encodings_of_the_same_value_are_refused() {
        for bytes in [
            &[0x04, 0x81, 0x01, 0x00][..], // a long length for a short content
            &[0x04, 0x82, 0x00, 0x80],     // a leading zero
            &[0x04, 0x80, 0x00, 0x00],     // an indefinite length
            &[0x04, 0x02, 0x00],           // cut off
            &[0x1f, 0x20, 0x00],           // a long tag
            &[],
        ] {
            assert_eq!(Reader::new(bytes).any(), Err(InvalidDer), "{bytes:?}");
        }
        for bytes in [&[0x02, 0x02, 0x00, 0x01][..], &[0x02, 0x01, 0x80], &[0x02, 0x00]] {
            assert_eq!(Reader::new(bytes).unsigned(), Err(InvalidDer), "{bytes:?}");
        }
    }

    #[test]
    fn times_are_read() {
        for (tag, text, want) in [
            (tag::UTC_TIME, "230712155636Z", Some("2023-07-12T15:56:36Z")),
            (tag::UTC_TIME, "500101000000Z", Some("1950-01-01T00:00:00Z")),
            (tag::GENERALIZED_TIME, "20230712155636Z", Some("2023-07-12T15:56:36Z")),
            (tag::GENERALIZED_TIME, "20230712155636.25Z", Some("2023-07-12T15:56:36Z")),
            (tag::UTC_TIME, "2307121556Z", None),
            (tag::UTC_TIME, "230712155636+0000", None),
            (tag::GENERALIZED_TIME, "20230732155636Z", None),
        ] {
            let encoded = encode(tag, text.as_bytes());
            let time = Reader::new(&encoded).time().ok().map(|time| time.to_string());
            assert_eq!(time.as_deref(), want, "{text}");
        }
    }

    #[test]
    fn object_identifiers_are_written_with_dots() {
        assert_eq!(oid_text(&[0x55, 0x1d, 0x25]), "2.5.29.37");
        assert_eq!(
            oid_text(&[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x08]),
            "1.3.6.1.4.1.57264.1.8"
        );
    }
}
