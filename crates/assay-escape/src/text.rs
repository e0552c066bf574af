//! Makes text from an image harmless where it is shown.

use std::borrow::Cow;

/// Returns `text` with every character that could steer a terminal written as an escape: control characters, and the marks
/// that reorder text (<https://trojansource.codes/>).
pub fn terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            '\n' | '\r' | '\t' => safe.push(' '),
            char if steers(char) => safe.extend(char.escape_unicode()),
            char => safe.push(char),
        }
    }
    Cow::Owned(safe)
}

/// Returns `text` with everything that steers made visible, line by line.
pub fn visible(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(terminal).collect();
    lines.join("\n")
}

/// Returns a cell that no spreadsheet takes for a formula, wherever the text comes from
/// (<https://owasp.org/www-community/attacks/CSV_Injection>): such cells begin with an apostrophe, which spreadsheets show as text.
pub fn spreadsheet(cell: &str) -> Cow<'_, str> {
    let safe = terminal(cell);
    // Some skip white space before the sign.
    if safe.trim_start().starts_with(['=', '+', '-', '@', '|', '%']) {
        Cow::Owned(format!("'{safe}"))
    } else {
        safe
    }
}

/// Returns whether a character could steer a terminal, or reorder what is shown.
pub fn steers(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Returns at most `max` characters of `text`, the last one `…` when something was cut off.
pub fn shorten(text: &str, max: usize) -> String {
    let mut chars = text.chars();
    let mut short: String = chars.by_ref().take(max).collect();
    if chars.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, want) in [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("\t=1+1", "' =1+1"),
            ("@babel/core", "'@babel/core"),
            ("-1", "'-1"),
            ("plain", "plain"),
            ("1.0=2", "1.0=2"),
        ] {
            assert_eq!(spreadsheet(cell), want);
        }
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(terminal("plain – text"), "plain – text");
        assert_eq!(terminal("a\x1b[31mb\u{9b}c\u{202e}d\n"), "a\\u{1b}[31mb\\u{9b}c\\u{202e}d ");
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten("abcd", 4), "abcd");
    }
}
