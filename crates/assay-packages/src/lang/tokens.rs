//! Takes small configuration languages apart into words, quoted texts and signs: Erlang and Elixir terms, Lua tables, HCL and
//! opam files.
//!
//! Lockfiles use a corner of these languages that needs no grammar, only that a quoted text or a comment is never taken for
//! structure. Nothing is evaluated, nothing recurses, and each byte is looked at a constant number of times.

use std::borrow::Cow;

/// What sets the languages apart.
pub(super) struct Language {
    /// What starts a comment that ends with its line.
    pub(super) comment: &'static [&'static str],
    /// What encloses a text in which `\` escapes the next sign.
    pub(super) quotes: &'static [char],
    /// Whether `[[` and `]]` enclose a text, too.
    pub(super) long_brackets: bool,
}

/// Erlang terms (<https://www.erlang.org/doc/system/data_types.html>); quoted atoms become texts.
pub(super) const ERLANG: Language = Language { comment: &["%"], quotes: &['"', '\''], long_brackets: false };
/// Elixir terms (<https://hexdocs.pm/elixir/syntax-reference.html>).
pub(super) const ELIXIR: Language = Language { comment: &["#"], quotes: &['"', '\''], long_brackets: false };
/// Lua (<https://www.lua.org/manual/5.4/manual.html#3.1>).
pub(super) const LUA: Language = Language { comment: &["--"], quotes: &['"', '\''], long_brackets: true };
/// HCL (<https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md>).
pub(super) const HCL: Language = Language { comment: &["#", "//"], quotes: &['"'], long_brackets: false };
/// opam files (<https://opam.ocaml.org/doc/Manual.html#Common-file-format>).
pub(super) const OPAM: Language = Language { comment: &["#"], quotes: &['"'], long_brackets: false };

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Letters, digits, `_`, `-`, `.`, `@` and whatever is not ASCII.
    Word(&'a str),
    /// What stood in quotes, without them.
    Text(Cow<'a, str>),
    /// Any other sign but blanks.
    Sign(char),
}

impl Token<'_> {
    /// Returns the token's text when it is a word or stood in quotes.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Text(text) => Some(text),
            Self::Sign(_) => None,
        }
    }

    /// Returns whether it is this sign.
    pub(super) fn is(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }
}

/// Returns the tokens of `text`; a quote that is never closed reaches to the end.
pub(super) fn tokens<'a>(text: &'a str, language: &Language) -> Vec<Token<'a>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        if language.comment.iter().any(|comment| rest.starts_with(comment)) {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if language.long_brackets && rest.starts_with("[[") {
            let body = rest.get(2..).unwrap_or_default();
            let (body, after) = body.split_once("]]").unwrap_or((body, ""));
            tokens.push(Token::Text(Cow::Borrowed(body)));
            rest = after;
        } else if language.quotes.contains(&first) {
            let (body, after) = quoted(after, first);
            tokens.push(Token::Text(body));
            rest = after;
        } else if is_word(first) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            tokens.push(Token::Word(word));
            rest = after;
        } else {
            tokens.push(Token::Sign(first));
            rest = after;
        }
        rest = rest.trim_start();
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@') || !(c.is_ascii() || c.is_whitespace())
}

/// Returns the text up to the closing quote, and what follows it.
fn quoted(text: &str, quote: char) -> (Cow<'_, str>, &str) {
    let mut escaped = false;
    let mut has_escapes = false;
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            (escaped, has_escapes) = (true, true);
        } else if c == quote {
            end = at;
            break;
        }
    }
    let (body, after) = text.split_at_checked(end).unwrap_or((text, ""));
    let after = after.strip_prefix(quote).unwrap_or_default();
    if !has_escapes {
        return (Cow::Borrowed(body), after);
    }
    // Names and versions hold no control signs, so that an escape only ever stands for the sign itself.
    let mut plain = String::with_capacity(body.len());
    let mut signs = body.chars();
    while let Some(c) = signs.next() {
        plain.extend(if c == '\\' { signs.next() } else { Some(c) });
    }
    (Cow::Owned(plain), after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, language: &Language, want: &str) {
        let shown = tokens(text, language).into_iter().map(|token| match token {
            Token::Word(word) => word.to_owned(),
            Token::Text(text) => format!("`{text}`"),
            Token::Sign(sign) => sign.to_string(),
        });
        assert_eq!(shown.collect::<Vec<_>>().join(" "), want);
    }

    #[test]
    fn texts_and_comments_are_no_structure() {
        check("{vsn, \"1.0\\\"%{\"}. % {x\n[a]", &ERLANG, "{ vsn , `1.0\"%{` } . [ a ]");
        check("x = [[a\"]] -- 'b\n.. 'c--'", &LUA, "x = `a\"` .. `c--`");
        check("\"a b", &HCL, "`a b`");
        check("é #x", &OPAM, "é");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn total(text in "[a-z\"'\\\\\\[\\]{}%#/é \n-]{0,64}") {
            for language in [ERLANG, ELIXIR, LUA, HCL, OPAM] {
                prop_assert!(tokens(&text, &language).len() <= text.len());
            }
        }
    }
}
