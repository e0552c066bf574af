//! Values assigned to names, in whatever language: `api_key = "…"`, `"apiKey": "…"`, `API_KEY=…`, `<apiKey>…</apiKey>`, `--api-key …`.
//!
//! It starts at the value, which is rare (long, with digits), and reads backwards to the name. Nothing is parsed: whatever the file is,
//! a value stands behind an operator, and that behind a name.

use std::ops::Range;

/// The longest value, and the longest way back to the name.
pub(super) const LONGEST: usize = 256;

/// A value and the name it is assigned to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assignment<'a> {
    /// Where the value is.
    pub(crate) value: Range<usize>,
    /// The name as written.
    pub(crate) name: &'a str,
    /// Whether the value stands in quotes.
    pub(crate) quoted: bool,
}

/// Characters of values; quotes, blanks, brackets, commas and semicolons end one.
fn in_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-+/.~!@#$%^&*|".contains(&byte)
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// Returns the assignment whose value holds `run`.
pub(crate) fn around(text: &[u8], run: Range<usize>) -> Option<Assignment<'_>> {
    let floor = run.start.saturating_sub(LONGEST);
    let start = (floor..run.start).rev().take_while(|at| text.get(*at).copied().is_some_and(in_value)).last();
    let start = start.unwrap_or(run.start);
    let mut end = run.end;
    while text.get(end).copied().is_some_and(|byte| in_value(byte) || byte == b'=') && end - start <= LONGEST
    {
        end += 1;
    }
    // A full stop ends a sentence, not a value.
    while end > run.end && matches!(text.get(end - 1), Some(b'.' | b'!')) {
        end -= 1;
    }
    if end - start > LONGEST {
        return None;
    }
    let (name, quoted) = name_before(text, start)?;
    Some(Assignment { value: start..end, name, quoted })
}

/// Returns the name to which what begins at `start` is assigned, and whether it begins with a quote.
pub(crate) fn name_before(text: &[u8], start: usize) -> Option<(&str, bool)> {
    let before = text.get(start.saturating_sub(LONGEST)..start)?;
    let mut rest = before;
    // An opening quote, escaped where the text is a string in another.
    let quoted = rest.last().copied().is_some_and(is_quote);
    if quoted {
        rest = without_last(rest);
        while rest.last() == Some(&b'\\') {
            rest = without_last(rest);
        }
        // A string's prefix, as Python and C# have it.
        if let [.., previous, b'b' | b'r' | b'u' | b'f' | b'@'] = rest
            && !in_name(*previous)
        {
            rest = without_last(rest);
        }
    }
    rest = trim_blanks(rest);
    // `Authorization: Bearer …`
    for scheme in [&b"Bearer"[..], b"bearer", b"Basic", b"basic", b"Token", b"token"] {
        if let Some(shorter) = rest.strip_suffix(scheme)
            && !quoted
        {
            rest = trim_blanks(shorter);
            if let [shorter @ .., quote] = rest
                && is_quote(*quote)
            {
                rest = trim_blanks(shorter);
            }
            break;
        }
    }
    let spaced = rest.len() < before.len() && !quoted;
    let mut operators = 0;
    while let [shorter @ .., operator] = rest
        && matches!(operator, b'=' | b':' | b'>' | b'?' | b',' | b'(')
        && operators < 3
    {
        rest = shorter;
        operators += 1;
    }
    let option = operators == 0;
    rest = trim_blanks(rest);
    let comma =
        before.get(rest.len()..).is_some_and(|between| between.contains(&b',') || between.contains(&b'('));
    // The name's closing quote or bracket: `"api_key":`, `["api_key"] =`.
    let mut named_in_quotes = false;
    while let [shorter @ .., closing] = rest
        && (is_quote(*closing) || matches!(closing, b']' | b'\\'))
    {
        named_in_quotes |= is_quote(*closing);
        rest = shorter;
    }
    let len = rest.iter().rev().take_while(|byte| in_name(**byte)).count();
    let name = rest.get(rest.len() - len..)?;
    let name = std::str::from_utf8(name).ok()?;
    // A path of types: `AWS::IAM::AccessKey`.
    if rest.get(..rest.len() - len).is_some_and(|before| before.ends_with(b"::")) {
        return None;
    }
    let called = rest.get(..rest.len() - len).is_some_and(opens_call);
    // Without an operator only an option of a command line counts; behind a comma, only the first argument of a call.
    let counts =
        if option { spaced && name.starts_with("--") } else { !comma || (named_in_quotes && called) };
    (counts && !name.is_empty()).then_some((name, quoted))
}

/// Returns whether text ends with what begins a call whose first argument is a string: `define('`.
fn opens_call(before: &[u8]) -> bool {
    let Some((quote, before)) = before.split_last() else { return false };
    is_quote(*quote) && trim_blanks(before).last() == Some(&b'(')
}

fn without_last(text: &[u8]) -> &[u8] {
    text.split_last().map_or(text, |(_, rest)| rest)
}

fn trim_blanks(text: &[u8]) -> &[u8] {
    let len = text.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    text.get(..len).unwrap_or_default()
}

/// Returns the value assigned to the name at `name`: behind an operator, in quotes or not.
pub(crate) fn value_after(text: &[u8], name: Range<usize>) -> Option<Range<usize>> {
    let at = name.end;
    let line = text.get(at..)?;
    let line = line.get(..LONGEST.min(line.len()))?;
    let line = line.get(..memchr::memchr2(b'\n', b'\r', line).unwrap_or(line.len()))?;
    let mut skip = 0;
    let peek = |skip: usize| line.get(skip).copied().unwrap_or_default();
    // The name's closing quote or bracket.
    let in_quotes = is_quote(peek(skip));
    while is_quote(peek(skip)) || matches!(peek(skip), b']' | b'\\') {
        skip += 1;
    }
    while matches!(peek(skip), b' ' | b'\t') {
        skip += 1;
    }
    let operator = skip;
    // A comma assigns in a call only: `define('DB_PASSWORD', '…')`.
    let called = text.get(..name.start).is_some_and(opens_call);
    let comma = in_quotes && called && peek(skip) == b',';
    if comma {
        skip += 1;
    }
    while !comma && matches!(peek(skip), b'=' | b':' | b'>' | b'?') {
        skip += 1;
    }
    if skip == operator || skip - operator > 3 {
        return None;
    }
    let tag = skip - operator == 1 && peek(operator) == b'>';
    while matches!(peek(skip), b' ' | b'\t') {
        skip += 1;
    }
    while peek(skip) == b'\\' {
        skip += 1;
    }
    let quote = peek(skip);
    let rest;
    let len = if is_quote(quote) {
        skip += 1;
        rest = line.get(skip..)?;
        rest.iter().position(|byte| *byte == quote || *byte == b'\\')?
    } else if comma {
        return None;
    } else if tag {
        rest = line.get(skip..)?;
        rest.iter().position(|byte| *byte == b'<')?
    } else {
        rest = line.get(skip..)?;
        rest.iter()
            .position(|byte| {
                byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b',' | b';' | b'&' | b'`')
            })
            .unwrap_or(rest.len())
    };
    let start = at.checked_add(skip)?;
    (len > 0).then(|| start..start + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<(&str, &str)>) {
        let run = super::super::runs::runs(text.as_bytes()).last().unwrap();
        let found = around(text.as_bytes(), run);
        let found = found.as_ref().map(|found| (found.name, text.get(found.value.clone()).unwrap()));
        assert_eq!(found, want, "{text}");
    }

    #[test]
    fn names_stand_before_values_in_many_ways() {
        const V: &str = "k3yk3yk3yk3yk3yk3yk3y";
        for (text, name) in [
            ("API_KEY=@", "API_KEY"),
            ("export API_KEY='@'", "API_KEY"),
            ("api.key: @\n", "api.key"),
            ("  \"apiKey\" : \"@\",", "apiKey"),
            ("{\\\"apiKey\\\":\\\"@\\\"}", "apiKey"),
            ("config['api_key'] = '@'", "api_key"),
            ("api_key => \"@\"", "api_key"),
            ("api_key := \"@\"", "api_key"),
            ("api_key = b'@'", "api_key"),
            ("<apiKey>@</apiKey>", "apiKey"),
            ("tool --api-key @", "--api-key"),
            ("tool --api-key=@", "--api-key"),
            ("setenv(\"API_KEY\", \"@\")", "API_KEY"),
            ("Authorization: Bearer @", "Authorization"),
            ("'Authorization': 'Bearer @'", "Authorization"),
        ] {
            check(&text.replace('@', V), Some((name, V)));
        }
        for text in [
            "see the word @ here",
            "call(api_key, \"@\")",
            "\"@\"",
            "one of 'api_key', '@'",
            "@",
            "= @",
            "\"Acme::ApiKey\": \"@\"",
        ] {
            check(&text.replace('@', V), None);
        }
        check("KEY=abc+/k3yk3yk3yk3yk3yk3yk3y/x==", Some(("KEY", "abc+/k3yk3yk3yk3yk3yk3yk3y/x==")));
        check(&format!("KEY={}", "k3y".repeat(100)), None);
    }

    #[test]
    fn values_stand_behind_names_in_many_ways() {
        for (text, want) in [
            ("@=hunter 2", Some("hunter")),
            ("@: 'hun ter'", Some("hun ter")),
            ("@\": \"hunter\",", Some("hunter")),
            ("@>hunter</x>", Some("hunter")),
            ("@ := \"hunter\"", Some("hunter")),
            ("@=hunter&x=1", Some("hunter")),
            ("define('@', 'hunter')", Some("hunter")),
            ("define('@', hunter)", None),
            ("define(@, 'hunter')", None),
            ("one of '@', 'hunter'", None),
            ("@ is wrong", None),
            ("@=\n", None),
            ("@=\"\"", None),
        ] {
            let at = text.find('@').unwrap();
            let found = value_after(text.as_bytes(), at..at + 1).and_then(|range| text.get(range));
            assert_eq!(found, want, "{text}");
        }
    }
}
