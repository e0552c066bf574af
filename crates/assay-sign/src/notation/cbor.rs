//! CBOR (RFC 8949), as far as a COSE envelope needs it: definite lengths, no floating point.

/// How deep arrays, maps and tags may be nested.
const MAX_DEPTH: usize = 8;
/// The most items of one array or map.
const MAX_ITEMS: u64 = 256;

/// A value over borrowed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Value<'a>>),
    Map(Vec<(Value<'a>, Value<'a>)>),
    Tag(u64, Box<Value<'a>>),
    /// `false`, `true`, `null` and the like.
    Simple(u8),
}

/// Reads exactly one value; `None` when it is not one.
pub(super) fn read(bytes: &[u8]) -> Option<Value<'_>> {
    let mut rest = bytes;
    let value = value(&mut rest, 0)?;
    rest.is_empty().then_some(value)
}

/// Writes the array `["Signature1", protected, h'', payload]`: what COSE signs (RFC 9052, section 4.4).
pub(super) fn signature_structure(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    const CONTEXT: &str = "Signature1";
    let mut out = vec![0x84];
    head(&mut out, 3, CONTEXT.len());
    out.extend_from_slice(CONTEXT.as_bytes());
    for bytes in [protected, &[], payload] {
        head(&mut out, 2, bytes.len());
        out.extend_from_slice(bytes);
    }
    out
}

fn head(out: &mut Vec<u8>, major: u8, length: usize) {
    let major = major << 5;
    if let Ok(short) = u8::try_from(length) {
        if short < 24 {
            out.push(major | short);
        } else {
            out.extend([major | 24, short]);
        }
    } else if let Ok(short) = u16::try_from(length) {
        out.push(major | 25);
        out.extend(short.to_be_bytes());
    } else {
        // Envelopes are bounded far below this.
        out.push(major | 26);
        out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
}

fn value<'a>(rest: &mut &'a [u8], depth: usize) -> Option<Value<'a>> {
    if depth > MAX_DEPTH {
        return None;
    }
    let (&first, after) = rest.split_first()?;
    *rest = after;
    let (major, short) = (first >> 5, first & 0x1f);
    let argument = match short {
        0..24 => u64::from(short),
        24..28 => {
            let (bytes, after) = rest.split_at_checked(1 << (short - 24))?;
            *rest = after;
            bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
        }
        _ => return None,
    };
    Some(match major {
        0 => Value::Integer(i64::try_from(argument).ok()?),
        1 => Value::Integer(-1 - i64::try_from(argument).ok()?),
        2 => Value::Bytes(take(rest, argument)?),
        3 => Value::Text(std::str::from_utf8(take(rest, argument)?).ok()?),
        4 => {
            let mut items = Vec::new();
            for _ in 0..bounded(argument)? {
                items.push(value(rest, depth + 1)?);
            }
            Value::Array(items)
        }
        5 => {
            let mut items: Vec<(Value<'_>, Value<'_>)> = Vec::new();
            for _ in 0..bounded(argument)? {
                let key = value(rest, depth + 1)?;
                // A name that stands twice says two things.
                if items.iter().any(|(known, _)| *known == key) {
                    return None;
                }
                items.push((key, value(rest, depth + 1)?));
            }
            Value::Map(items)
        }
        6 => Value::Tag(argument, Box::new(value(rest, depth + 1)?)),
        _ if short < 24 => Value::Simple(short),
        _ => return None,
    })
}

fn take<'a>(rest: &mut &'a [u8], count: u64) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(usize::try_from(count).ok()?)?;
    *rest = after;
    Some(taken)
}

fn bounded(count: u64) -> Option<u64> {
    (count <= MAX_ITEMS).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let bytes = [0xa2, 0x01, 0x38, 0x25, 0x61, b'a', 0x82, 0xc1, 0x1a, 0, 0, 1, 0, 0x41, 7];
        let want = Value::Map(vec![
            (Value::Integer(1), Value::Integer(-38)),
            (
                Value::Text("a"),
                Value::Array(vec![Value::Tag(1, Box::new(Value::Integer(256))), Value::Bytes(&[7])]),
            ),
        ]);
        assert_eq!(read(&bytes), Some(want));
        for bytes in [
            &[0xa2, 1, 1, 1, 2][..],
            &[0x9f, 0xff],
            &[0x5a, 0xff, 0xff, 0xff, 0xff],
            &[0x81; 40],
            &[1, 1],
            &[],
        ] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
    }
}
