//! What values look like: drawn at random, a password, the end of a token.

use super::runs;
use std::ops::Range;

/// Returns whether what stands around a secret ends it: `xghp_…` in a longer word is no token.
pub(super) fn is_bounded(text: &[u8], secret: &Range<usize>) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = text.get(secret.start).copied().unwrap_or_default();
    let last = text.get(secret.end.wrapping_sub(1)).copied().unwrap_or_default();
    let next = text.get(secret.end).copied().unwrap_or_default();
    if word(last) && word(next) {
        return false;
    }
    let before = text.get(secret.start.saturating_sub(3)..secret.start).unwrap_or_default();
    match before {
        // `\n`, `\t`, `\r` in a string, `%3D` in an address, a colour of a terminal.
        [.., b'\\', b'n' | b't' | b'r'] => true,
        [b'%', one, two] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit() => true,
        [.., digit, b'm'] if digit.is_ascii_digit() => true,
        [.., previous] => !(word(first) && previous.is_ascii_alphanumeric()),
        [] => true,
    }
}

/// Returns whether a run of token characters can be a value: identifiers rarely have digits.
pub(super) fn is_varied(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_digit) || turns(run) * 3 >= run.len()
}

/// What kind of character a byte is.
#[derive(PartialEq)]
enum Kind {
    Digit,
    Upper,
    Lower,
    Other,
}

fn kind(byte: u8) -> Kind {
    match byte {
        b'0'..=b'9' => Kind::Digit,
        b'A'..=b'Z' => Kind::Upper,
        b'a'..=b'z' => Kind::Lower,
        _ => Kind::Other,
    }
}

/// Returns how often one kind of letter or digit follows another.
fn turns(text: &[u8]) -> usize {
    let kinds = text.iter().zip(text.iter().skip(1)).map(|(one, other)| (kind(*one), kind(*other)));
    kinds.filter(|(one, other)| one != other && *one != Kind::Other && *other != Kind::Other).count()
}

/// Returns whether a value looks drawn at random: letters and digits that take turns. Names change from one kind of character to another
/// once per word; of random letters and digits more than every second does.
pub(crate) fn is_random(value: &[u8]) -> bool {
    let count = |wanted: Kind| value.iter().filter(|byte| kind(**byte) == wanted).count();
    let letters = count(Kind::Upper) + count(Kind::Lower);
    count(Kind::Digit) >= 2
        && letters >= 2
        && count(Kind::Other) * 5 <= value.len()
        && turns(value) * 4 >= value.len()
}

/// Returns whether a password is more than a word: letters with digits, or both cases with something else.
pub(crate) fn is_strong(value: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    let letters = has(u8::is_ascii_alphabetic);
    let digits = has(u8::is_ascii_digit);
    let both = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let other = has(u8::is_ascii_punctuation);
    (6..=128).contains(&value.len()) && ((letters && digits) || (both && other))
}

/// Returns whether a name may be shown: it is short, and no token itself.
pub(super) fn is_showable(name: &str) -> bool {
    name.len() <= 64
        && runs::runs(name.as_bytes()).all(|run| !is_random(name.as_bytes().get(run).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_values_take_turns_and_names_do_not() {
        for value in ["b7Qz0Lw4Hn8Rk2Vt6Yd1", "9f86d081884c7d659a2feaa0c55ad015", "x8Kq2-pL9vB4-nM7zR3"] {
            assert!(is_random(value.as_bytes()), "{value}");
        }
        for value in [
            "some_function_name_2024",
            "PBEWithHmac",
            "my-bucket-name-01-backup",
            "aaaaaaaaaaaaaaaa",
            "1234567890123456",
        ] {
            assert!(!is_random(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn tokens_end_where_words_do() {
        for (text, want) in [
            ("=TOKEN;", true),
            ("\\nTOKEN\\n", true),
            ("%3DTOKEN&", true),
            ("\x1b[31mTOKEN", true),
            ("xTOKEN", false),
            ("TOKENx", false),
            ("TOKEN_", false),
            ("TOKEN-x", true),
        ] {
            let start = text.find("TOKEN").unwrap();
            assert_eq!(is_bounded(text.as_bytes(), &(start..start + 5)), want, "{text}");
        }
    }
}
