//! Base64 of text: where it begins and ends, and what it holds.

use super::checksum;
use std::ops::Range;

/// The shortest base64 that is decoded.
const BASE64_LEAST: usize = 24;
/// The longest base64 that is decoded.
const BASE64_MOST: usize = 64 << 10;

/// Returns the longest text around `run` whose characters are those of base64.
pub(super) fn around(text: &[u8], run: &Range<usize>) -> Range<usize> {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let before =
        text.get(..run.start).unwrap_or_default().iter().rev().take_while(|byte| is_digit(byte)).count();
    let after = text.get(run.end..).unwrap_or_default().iter().take_while(|byte| is_digit(byte)).count();
    run.start - before..run.end + after
}

/// Decodes base64, if it is that of text.
pub(super) fn text(base64: &[u8]) -> Option<Vec<u8>> {
    if base64.len() < BASE64_LEAST {
        return None;
    }
    // Nine bytes of text in a row: by chance once in 7,000.
    let head = checksum::base64(base64.get(..12)?)?;
    if !head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        return None;
    }
    let base64 = base64.get(..BASE64_MOST).unwrap_or(base64);
    let whole = base64.len() - usize::from(base64.len() % 4 == 1);
    checksum::base64(base64.get(..whole)?)
}
