//! YAML as trees whose every key and value knows its line and column; JSON is YAML (<https://yaml.org/spec/1.2.2/>).
//!
//! Files that people write are read from such a tree and not by derived deserialisation, so that all mistakes of a file can be told at once,
//! each with its place. What an alias stands for is copied within the bounds. A number knows how it is written, too: `1.10` is another
//! version than `1.1`.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};
use std::fmt;
use std::ops::Range;

/// Where something stands: line and column, from 1; 0 when it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl Place {
    fn of(location: &Location) -> Self {
        let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: number(location.line()), column: number(location.column()) }
    }

    fn shift(&mut self, lines: u32) {
        self.line = self.line.saturating_add(lines);
    }
}

/// What a document may have at most. What an alias stands for counts each time.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How deep it may be.
    pub depth: usize,
    /// How many keys and values it may have.
    pub nodes: usize,
}

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub message: String,
}

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Where it begins; of an alias, where that stands.
    pub place: Place,
    /// What stands there.
    pub value: Value,
}

/// What stands somewhere.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Nothing,
    /// A word or text.
    Text(String),
    /// `true` or `false`.
    Truth(bool),
    /// A number.
    Number(Number),
    /// A list.
    List(Vec<Node>),
    /// Keys with their places, and values, in the file's order.
    Map(Vec<(String, Place, Node)>),
}

/// A number, and how it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// The number.
    pub value: f64,
    /// Its digits, whichever way it is written: `16` for `0x10`.
    pub text: String,
    /// How it is written, such as `1.10`. That is not known where an alias stands for it, or where it is written in another base.
    pub written: Option<String>,
    /// Where it is written, in bytes, until that was looked up.
    span: Option<Range<usize>>,
}

impl Value {
    /// Says what it is, for messages.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Text(_) => "a word",
            Self::Truth(_) => "true or false",
            Self::Number(_) => "a number",
            Self::List(_) => "a list",
            Self::Map(_) => "keys and values",
        }
    }
}

impl Node {
    /// Returns the line it begins on.
    pub fn line(&self) -> u32 {
        self.place.line
    }

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
        self.entries().iter().find(|(name, ..)| name == key).map_or(self.place, |(_, place, _)| *place).line
    }

    /// Returns the text, also of a truth, and of a number whichever way it is written.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Truth(truth) => Some(if *truth { "true" } else { "false" }),
            Value::Number(number) => Some(&number.text),
            Value::Nothing | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns the text at a key.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }

    /// Returns the text, also of a truth, and of a number as it is written.
    pub fn written(&self) -> Option<String> {
        match &self.value {
            Value::Number(number) => number.written.clone(),
            _ => self.text().map(str::to_owned),
        }
    }

    /// Returns the text at a path of keys, as it is written.
    pub fn written_at(&self, path: &[&str]) -> Option<String> {
        self.at(path).and_then(Self::written)
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
            _ => &[],
        }
    }

    /// Returns the items of the list at a key.
    pub fn items_of(&self, key: &str) -> &[Self] {
        self.items_at(&[key])
    }

    /// Returns the items of the list at a path of keys.
    pub fn items_at(&self, path: &[&str]) -> &[Self] {
        self.at(path).map(Self::items).unwrap_or_default()
    }

    /// Returns keys with their places, and values.
    pub fn entries(&self) -> &[(String, Place, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    fn walk(&mut self, look: &impl Fn(&mut Place, Option<&mut Number>)) {
        match &mut self.value {
            Value::Number(number) => look(&mut self.place, Some(number)),
            Value::Nothing | Value::Text(_) | Value::Truth(_) => look(&mut self.place, None),
            Value::List(items) => {
                look(&mut self.place, None);
                items.iter_mut().for_each(|item| item.walk(look));
            }
            Value::Map(entries) => {
                look(&mut self.place, None);
                for (_, place, node) in entries {
                    look(place, None);
                    node.walk(look);
                }
            }
        }
    }
}

/// One document of a stream, not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    before: u32,
    text: String,
}

impl Document {
    /// Returns its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads it. Places are those in the stream.
    ///
    /// # Errors
    /// Fails with what is wrong with the YAML, and where.
    pub fn parse(&self, bounds: Bounds) -> Result<Node, Damage> {
        match parse(&self.text, bounds) {
            Ok(mut node) => {
                node.walk(&|place, _| place.shift(self.before));
                Ok(node)
            }
            Err(mut damage) => {
                damage.place.shift(self.before);
                Err(damage)
            }
        }
    }
}

/// Cuts a stream into its documents, so that damage in one costs only that one; those of nothing but comments are left out.
pub fn documents(text: &str) -> Vec<Document> {
    let mut documents = Vec::new();
    let (mut current, mut before, mut number) = (String::new(), 0u32, 0u32);
    for line in text.lines() {
        // A line that begins with `---` at its first column ends a document, whatever it stands in (YAML 1.2.2, 9.1.2).
        let marker =
            line.strip_prefix("---").filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r']));
        number = number.saturating_add(1);
        if let Some(rest) = marker {
            documents.push(Document { before, text: std::mem::take(&mut current) });
            before = number.saturating_sub(1);
            // What stands behind the marker belongs to the document.
            current.push_str("   ");
            current.push_str(rest.trim_end());
        } else if !line.starts_with("...") && !line.starts_with('%') {
            current.push_str(line);
        }
        current.push('\n');
    }
    documents.push(Document { before, text: current });
    documents.retain(|document| !is_comment(&document.text));
    documents
}

fn is_comment(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// Reads one document. One of nothing but comments states nothing.
///
/// # Errors
/// Fails with what is wrong with the YAML, and where.
pub fn parse(text: &str, bounds: Bounds) -> Result<Node, Damage> {
    if is_comment(text) {
        return Ok(Node { place: Place { line: 1, column: 1 }, value: Value::Nothing });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: bounds.depth, max_nodes: bounds.nodes },
    };
    let mut node = serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|error| {
        let place = error.location().map(|location| Place::of(&location)).unwrap_or_default();
        let message = error.without_snippet().to_string();
        Damage { place, message: message.lines().next().unwrap_or_default().to_owned() }
    })?;
    node.walk(&|_, number| {
        if let Some(number) = number {
            let word = number.span.take().and_then(|span| text.get(span));
            // At an alias or behind a tag stands something else, which is not the number.
            number.written = word.filter(|word| word.parse() == Ok(number.value)).map(str::to_owned);
        }
    });
    Ok(node)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { referenced, mut value, .. } = Spanned::<Value>::deserialize(deserializer)?;
        if let Value::Number(number) = &mut value {
            let span = referenced.span();
            let (start, length) = (span.byte_offset(), span.byte_len());
            number.span = start.zip(length).and_then(|(start, length)| {
                let end = usize::try_from(start.saturating_add(length)).ok()?;
                Some(usize::try_from(start).ok()?..end)
            });
        }
        Ok(Self { place: Place::of(&referenced), value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

fn number(value: f64, text: String) -> Value {
    Value::Number(Number { value, text, written: None, span: None })
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
        Ok(Value::Truth(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "its digits are kept beside it")]
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(number(value as f64, value.to_string()))
    }

    #[expect(clippy::cast_precision_loss, reason = "its digits are kept beside it")]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(number(value as f64, value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(number(value, value.to_string()))
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
            entries.push((key.value, Place::of(&key.referenced), node));
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds { depth: 24, nodes: 10_000 };

    #[test]
    fn numbers_stay_as_they_are_written() {
        let parse = |text| parse(text, BOUNDS).unwrap();
        let node =
            parse("ä: {}\na: 1.10\nb: [1.0, 010, 12345678901234567890]\nc: &x 2.50 # last\nd: {e: 3.0}\n");
        assert_eq!(node.written_at(&["a"]).as_deref(), Some("1.10"));
        let items: Vec<_> = node.items_at(&["b"]).iter().map(Node::written).collect();
        assert_eq!(items, ["1.0", "010", "12345678901234567890"].map(|text| Some(text.to_owned())));
        assert_eq!(node.written_at(&["d", "e"]).as_deref(), Some("3.0"));
        // What is meant is not known then, and is not guessed; the digits are.
        let node = parse("a: &x 1.10\nb: *x\nc: 0x1F\n");
        assert_eq!((node.written_at(&["b"]), node.written_at(&["c"])), (None, None));
        assert_eq!((node.text_of("b"), node.text_of("c")), (Some("1.1"), Some("31")));
        assert_eq!(node.get("b").map(|node| node.value.what()), Some("a number"));
        let node = parse("a: 00\nb: +0\nc: 0.0\n");
        assert_eq!(["a", "b", "c"].map(|key| node.text_of(key)), [Some("0"); 3], "root is root");
    }

    #[test]
    fn every_key_knows_its_place_in_every_document() {
        let text =
            "# c\n---\na: 1\nb:\n  - c: x\n--- {d: 1.0}\n--- \ne: [\n---\nf: &x\n  g: yes\nh:\n  <<: *x\n";
        let read: Vec<_> = documents(text).iter().map(|document| document.parse(BOUNDS)).collect();
        let [Ok(first), Ok(second), Err(damage), Ok(last)] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((first.line_of("b"), first.items_of("b").first().unwrap().line_of("c")), (4, 5));
        assert_eq!(second.entries().first().unwrap().1, Place { line: 6, column: 6 });
        assert_eq!(second.written_at(&["d"]).as_deref(), Some("1.0"));
        assert!(damage.place.line >= 8, "{damage:?}");
        assert_eq!(last.line_of("h"), 12);
        assert_eq!(last.at(&["h", "g"]).and_then(Node::text), Some("true"), "as Kubernetes reads it");
    }

    #[test]
    fn what_grows_without_end_is_refused() {
        let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
            c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
            e: [*d, *d, *d, *d, *d, *d, *d, *d, *d]\n";
        assert!(parse(bomb, BOUNDS).is_err());
        assert!(parse(&"[".repeat(100), BOUNDS).is_err());
        assert!(parse(&format!("[{}]", "x,".repeat(20_000)), BOUNDS).is_err());
        assert!(parse("a: 1\na: 2\n", BOUNDS).is_err(), "which of the two is meant is not known");
    }

    proptest! {
        #[test]
        fn total(text in "(---\n|- |a: |&x |\\*x|\\{|\\[|\"|[ -~\n]){0,60}") {
            for document in documents(&text) {
                let _ = document.parse(BOUNDS);
            }
        }
    }
}
