//! Writes YAML that people will read and edit: keys in the order they are given, words plain where that is safe.

use std::fmt::Write as _;

/// A tree to write.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Out {
    Text(String),
    Plain(String),
    List(Vec<Out>),
    Map(Vec<(String, Out)>),
}

impl Out {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn texts<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::Text(text.into())).collect())
    }

    pub(crate) fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }
}

/// Returns the document.
pub(crate) fn write(out: &Out) -> String {
    let mut text = String::new();
    match out {
        Out::Map(entries) => map(entries, 0, &mut text),
        other => {
            text.push_str(&inline(other));
            text.push('\n');
        }
    }
    text
}

fn map(entries: &[(String, Out)], depth: usize, text: &mut String) {
    for (number, (key, value)) in entries.iter().enumerate() {
        if number > 0 || depth == 0 {
            text.push_str(&"  ".repeat(depth));
        }
        text.push_str(&word(key));
        text.push(':');
        nested(value, depth, text);
    }
}

fn nested(value: &Out, depth: usize, text: &mut String) {
    match value {
        Out::Map(entries) if !entries.is_empty() => {
            text.push('\n');
            text.push_str(&"  ".repeat(depth + 1));
            map(entries, depth + 1, text);
        }
        Out::List(items) if items.iter().any(|item| matches!(item, Out::Map(_) | Out::List(_))) => {
            text.push('\n');
            for item in items {
                text.push_str(&"  ".repeat(depth + 1));
                text.push_str("- ");
                match item {
                    Out::Map(entries) if !entries.is_empty() => map(entries, depth + 2, text),
                    other => {
                        text.push_str(&inline(other));
                        text.push('\n');
                    }
                }
            }
        }
        other => {
            text.push(' ');
            text.push_str(&inline(other));
            text.push('\n');
        }
    }
}

fn inline(out: &Out) -> String {
    match out {
        Out::Text(text) => word(text),
        Out::Plain(text) => text.clone(),
        Out::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Out::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", word(key), inline(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Returns a word as it is where no reader could take it for something else, and quoted as JSON does otherwise.
fn word(text: &str) -> String {
    let mut letters = text.chars();
    let starts = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic());
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./@+".contains(letter);
    let keyword = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .iter()
        .any(|keyword| text.eq_ignore_ascii_case(keyword));
    if starts && letters.all(plain) && !keyword {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter
                if u32::from(letter) < 0x20
                    || (0x7f..0xa0).contains(&u32::from(letter))
                    || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}') =>
            {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;
    use proptest::prelude::*;

    #[test]
    fn nested_things_are_indented() {
        let out = Out::map([
            ("a", Out::texts(["x", "y: z"])),
            (
                "b",
                Out::List(vec![Out::map([
                    ("c", Out::text("1")),
                    ("d", Out::map([("e", Out::Plain("2".into()))])),
                ])]),
            ),
        ]);
        assert_eq!(write(&out), "a: [x, \"y: z\"]\nb:\n  - c: \"1\"\n    d:\n      e: 2\n");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "\\PC{0,40}|[ -~\n\t]{0,40}") {
            let written = write(&Out::map([("key", Out::text(text.clone()))]));
            let node = tree::parse(&written).unwrap();
            prop_assert_eq!(node.get("key").and_then(tree::Node::written), Some(text));
        }
    }
}
