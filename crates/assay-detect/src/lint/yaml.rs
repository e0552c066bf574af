//! YAML as trees whose every key and value knows its line; JSON is YAML.
//!
//! A stream is cut into its documents first, so that damage in one costs only that one. Helm templates are no YAML.

use assay_model::Warning;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;

/// Deeper than this no manifest is; schemas in custom resource definitions come close.
const MAX_DEPTH: usize = 64;

/// The largest custom resource definitions have about a tenth of this.
const MAX_NODES: usize = 500_000;

/// More documents than this are not read.
const MAX_DOCUMENTS: usize = 5_000;

/// A value and its line, from 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// The line it begins on.
    pub line: u32,
    /// What stands there.
    pub value: Value,
}

/// What stands somewhere.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Nothing,
    /// A word, number or text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys with their lines, and values, in the file's order.
    Map(Vec<(String, u32, Node)>),
}

impl Value {
    /// Says what it is, for messages.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Text(_) => "a word",
            Self::List(_) => "a list",
            Self::Map(_) => "keys and values",
        }
    }
}

impl Node {
    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, ..)| name == key).map(|(.., node)| node)
    }

    /// Returns the value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Returns the line of a key, or that of the node without it.
    pub fn line_of(&self, key: &str) -> u32 {
        self.entries().iter().find(|(name, ..)| name == key).map_or(self.line, |(_, line, _)| *line)
    }

    /// Returns the text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Nothing | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns the text at a key.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }

    /// Returns whether a key is set to this truth.
    pub fn is(&self, key: &str, truth: bool) -> bool {
        let word = if truth { "true" } else { "false" };
        self.text_of(key).is_some_and(|text| text.eq_ignore_ascii_case(word))
    }

    /// Returns the items of a list.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Nothing | Value::Text(_) | Value::Map(_) => &[],
        }
    }

    /// Returns the items of the list at a key.
    pub fn items_of(&self, key: &str) -> &[Self] {
        self.get(key).map(Self::items).unwrap_or_default()
    }

    /// Returns the keys with their lines and values.
    pub fn entries(&self) -> &[(String, u32, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Nothing | Value::Text(_) | Value::List(_) => &[],
        }
    }
}

/// Reads the documents of a stream; those that are damaged are warnings.
pub fn documents(text: &str) -> (Vec<Node>, Vec<Warning>) {
    let mut documents = Vec::new();
    let mut warnings = Vec::new();
    for (count, (first, document)) in split(text).into_iter().enumerate() {
        if count >= MAX_DOCUMENTS {
            let message = format!("it has more than {MAX_DOCUMENTS} documents");
            warnings.push(Warning::unscanned("too-many-documents", None, message));
            break;
        }
        match parse(&document, MAX_DEPTH, MAX_NODES) {
            Ok(mut node) => {
                shift(&mut node, first);
                documents.push(node);
            }
            Err((line, message)) => {
                let hint = if document.contains("{{") {
                    ": a template is rendered first, with `helm template`"
                } else {
                    ""
                };
                let line = line.saturating_add(first).max(1);
                warnings.push(Warning::unscanned(
                    "invalid-yaml",
                    None,
                    format!("line {line}: {message}{hint}"),
                ));
            }
        }
    }
    (documents, warnings)
}

/// Returns the documents with the number of lines before each; those of nothing but comments are left out.
fn split(text: &str) -> Vec<(u32, String)> {
    let mut documents = Vec::new();
    let mut current = String::new();
    let mut first = 0u32;
    let mut number = 0u32;
    for line in text.lines() {
        // A line that begins with `---` at its first column ends a document, whatever it stands in (YAML 1.2.2, 9.1.2).
        let marker =
            line.strip_prefix("---").filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r']));
        number = number.saturating_add(1);
        if let Some(rest) = marker {
            documents.push((first, std::mem::take(&mut current)));
            first = number.saturating_sub(1);
            // What stands behind the marker belongs to the document.
            current.push_str("   ");
            current.push_str(rest.trim_end());
        } else if !line.starts_with("...") && !line.starts_with('%') {
            current.push_str(line);
        }
        current.push('\n');
    }
    documents.push((first, current));
    let says =
        |text: &str| text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    documents.retain(|(_, text)| says(text));
    documents
}

/// Reads one document of at most this depth and this many nodes.
///
/// # Errors
/// Fails with the line, from 1 (0 when it is not known), and what is wrong there.
pub fn parse(text: &str, max_depth: usize, max_nodes: usize) -> Result<Node, (u32, String)> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: max_depth, max_nodes: max_nodes },
    };
    serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|error| {
        let line = error.location().map_or(0, |location| u32::try_from(location.line()).unwrap_or(u32::MAX));
        let message = error.without_snippet().to_string();
        (line, message.lines().next().unwrap_or_default().to_owned())
    })
}

fn shift(node: &mut Node, lines: u32) {
    node.line = node.line.saturating_add(lines);
    match &mut node.value {
        Value::Nothing | Value::Text(_) => {}
        Value::List(items) => items.iter_mut().for_each(|item| shift(item, lines)),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, line, node)| {
            *line = line.saturating_add(lines);
            shift(node, lines);
        }),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { line: u32::try_from(spanned.referenced.line()).unwrap_or(u32::MAX), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word, a list, or keys and values")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = map.next_entry::<Spanned<String>, Node>()? {
            let line = u32::try_from(key.referenced.line()).unwrap_or(u32::MAX);
            entries.push((key.value, line, node));
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_key_knows_its_line_in_every_document() {
        let (documents, warnings) =
            documents("# c\n---\na: 1\nb:\n  - c: x\n--- \nd: [\n---\ne: &x\n  f: yes\ng:\n  <<: *x\n");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings.iter().all(|warning| warning.incomplete && warning.message.starts_with("line 7")),
            "{warnings:?}"
        );
        let [first, last] = documents.as_slice() else { panic!("{documents:?}") };
        assert_eq!((first.line_of("b"), first.items_of("b").first().unwrap().line_of("c")), (4, 5));
        assert_eq!(last.line_of("g"), 11);
        assert_eq!(last.at(&["g", "f"]).and_then(Node::text), Some("true"), "as Kubernetes reads it");
    }

    proptest! {
        #[test]
        fn total(text in "(---\n|- |a: |&x |\\*x|\\{|\\[|\"|[ -~\n]){0,60}") {
            documents(&text);
        }
    }
}
