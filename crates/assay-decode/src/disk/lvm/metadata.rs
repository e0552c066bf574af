//! The text in which LVM2 keeps a volume group: sections in braces, and keys with a number, a text or a list.

use std::collections::BTreeMap;

/// Sections within sections; the format has four levels.
const MAX_DEPTH: usize = 8;

/// A section, or the whole text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Section {
    values: BTreeMap<String, Value>,
    pub(crate) sections: BTreeMap<String, Section>,
}

#[derive(Debug, PartialEq, Eq)]
enum Value {
    /// A number or text, as written.
    One(String),
    List(Vec<String>),
}

impl Section {
    /// Reads a whole text; `None` when it is malformed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut tokens = Tokens { rest: text };
        let section = tokens.section(0)?;
        tokens.next().is_none().then_some(section)
    }

    pub(crate) fn section(&self, name: &str) -> Option<&Self> {
        self.sections.get(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name)? {
            Value::One(text) => Some(text),
            Value::List(_) => None,
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    pub(crate) fn list(&self, name: &str) -> &[String] {
        match self.values.get(name) {
            Some(Value::List(list)) => list,
            Some(Value::One(_)) | None => &[],
        }
    }
}

struct Tokens<'a> {
    rest: &'a str,
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Mark(char),
    Word(String),
}

impl Tokens<'_> {
    /// Reads keys and sections up to the closing brace, or the end of the text.
    fn section(&mut self, depth: usize) -> Option<Section> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut section = Section::default();
        loop {
            let name = match self.next() {
                None if depth == 0 => return Some(section),
                Some(Token::Mark('}')) if depth > 0 => return Some(section),
                Some(Token::Word(name)) => name,
                _ => return None,
            };
            match self.next()? {
                Token::Mark('{') => {
                    let inner = self.section(depth.saturating_add(1))?;
                    section.sections.insert(name, inner);
                }
                Token::Mark('=') => {
                    let value = match self.next()? {
                        Token::Word(value) => Value::One(value),
                        Token::Mark('[') => Value::List(self.list()?),
                        Token::Mark(_) => return None,
                    };
                    section.values.insert(name, value);
                }
                _ => return None,
            }
        }
    }

    fn list(&mut self) -> Option<Vec<String>> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                Token::Mark(']') => return Some(list),
                Token::Mark(',') => {}
                Token::Word(value) => list.push(value),
                Token::Mark(_) => return None,
            }
        }
    }

    fn next(&mut self) -> Option<Token> {
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.strip_prefix('#') {
                Some(comment) => self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest),
                None => break,
            }
        }
        let first = self.rest.chars().next()?;
        if matches!(first, '{' | '}' | '[' | ']' | '=' | ',') {
            self.rest = self.rest.get(first.len_utf8()..)?;
            return Some(Token::Mark(first));
        }
        if let Some(mut rest) = self.rest.strip_prefix('"') {
            let mut text = String::new();
            loop {
                let at = rest.find(['"', '\\'])?;
                text.push_str(rest.get(..at)?);
                let mark = rest.get(at..)?.chars().next()?;
                rest = rest.get(at.saturating_add(1)..)?;
                if mark == '"' {
                    self.rest = rest;
                    return Some(Token::Word(text));
                }
                let escaped = rest.chars().next()?;
                text.push(escaped);
                rest = rest.get(escaped.len_utf8()..)?;
            }
        }
        let end = self.rest.find(|c: char| c.is_whitespace() || "{}[]=,#\"".contains(c));
        let (word, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.rest = rest;
        (!word.is_empty()).then(|| Token::Word(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keys_and_lists() {
        let text = "vg0 {\n# a comment\nid = \"a-\\\"b\"\nseqno=3 # more\nstatus = [\"READ\", \"VISIBLE\"]\nlv { segment1 { n = 1 } }\n}\nversion = 1\n";
        let parsed = Section::parse(text).unwrap();
        let group = parsed.section("vg0").unwrap();
        assert_eq!((group.text("id"), group.number("seqno")), (Some("a-\"b"), Some(3)));
        assert_eq!(group.list("status"), ["READ", "VISIBLE"]);
        assert_eq!(group.section("lv").unwrap().section("segment1").unwrap().number("n"), Some(1));
        assert_eq!(parsed.number("version"), Some(1));
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        for text in ["a", "a {", "a }", "a = [", "a = {", "= 1", "a = \"", "}", "a = \"\\"] {
            assert_eq!(Section::parse(text), None, "{text}");
        }
        assert_eq!(Section::parse(&"a {".repeat(10_000)), None);
    }
}
