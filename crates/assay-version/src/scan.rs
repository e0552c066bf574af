//! The few readings every version order is made of: runs of digits, runs of letters, decimal numbers of any length.
//!
//! Numbers stay text. Real versions hold time stamps and hashes longer than any machine integer, and comparing the
//! digits after the leading zeros needs neither an allocation nor an overflow rule.

use std::cmp::Ordering;

/// Splits off the longest prefix whose bytes satisfy `wanted`, which must hold for ASCII only.
pub(crate) fn split_while(text: &str, wanted: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !wanted(byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Splits off leading ASCII digits.
pub(crate) fn digits(text: &str) -> (&str, &str) {
    split_while(text, |byte| byte.is_ascii_digit())
}

/// Splits off leading ASCII letters.
pub(crate) fn letters(text: &str) -> (&str, &str) {
    split_while(text, |byte| byte.is_ascii_alphabetic())
}

/// Returns the first byte, or 0 at the end (no version order gives NUL a meaning).
pub(crate) fn first(text: &str) -> u8 {
    text.bytes().next().unwrap_or(0)
}

/// Returns whether `text` is one or more ASCII digits.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether the digits are all zero; so is the empty text.
pub(crate) fn is_zero(digits: &str) -> bool {
    digits.bytes().all(|byte| byte == b'0')
}

/// Compares two runs of digits as numbers; the empty run is zero.
pub(crate) fn number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Returns whether the digits have a needless leading zero.
pub(crate) fn has_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}

/// Returns the number one higher; the empty text counts as zero.
pub(crate) fn increment(digits: &str) -> String {
    let mut out: Vec<char> = Vec::with_capacity(digits.len() + 1);
    let mut carry = true;
    for digit in digits.chars().rev() {
        out.push(match (carry, digit) {
            (true, '9') => '0',
            (true, other) => {
                carry = false;
                char::from_digit(other.to_digit(10).map_or(1, |value| value + 1), 10).unwrap_or('1')
            }
            (false, other) => other,
        });
    }
    if carry {
        out.push('1');
    }
    out.into_iter().rev().collect()
}

/// Strips `prefix` whatever its case.
pub(crate) fn strip_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_compare_and_count() {
        assert_eq!(number("007", "7"), Ordering::Equal);
        assert_eq!(number("99999999999999999999", "100000000000000000000"), Ordering::Less);
        assert_eq!(number("", "0"), Ordering::Equal);
        assert_eq!(increment("199"), "200");
        assert_eq!(increment("99"), "100");
        assert_eq!(increment(""), "1");
    }
}
