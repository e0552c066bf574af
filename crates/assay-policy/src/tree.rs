//! YAML as a tree whose every key and value knows its line and column.
//!
//! Policies are read from this tree and not by derived deserialisation, so that all mistakes of a file are told at once, each with
//! its place, and a key nobody knows can be answered with the nearest one that there is. JSON is YAML.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;

/// Deeper than this no policy is.
const MAX_DEPTH: usize = 24;

/// Thousands of exceptions with all their keys have fewer.
const MAX_NODES: usize = 200_000;

/// No policy is larger; more than this is something else.
pub const MAX_BYTES: usize = 4 << 20;

/// Where something stands: line and column, from 1; 0 when it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// What is wrong with a file, where, and what may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Problem {
    /// Returns a problem without a suggestion.
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), hint: None }
    }

    /// Adds what to write instead.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.line > 0 {
            write!(f, "line {}, column {}: ", self.place.line, self.place.column)?;
        }
        f.write_str(&self.message)
    }
}

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Where it begins.
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
    /// A number, and how it is written: `1.10` is another version than `1.1`. The latter is not known where an alias stands for it,
    /// or where it is written in another base.
    Number(f64, Option<String>),
    /// A list.
    List(Vec<Node>),
    /// Keys with their places, and values, in the file's order.
    Map(Vec<(String, Place, Node)>),
}

impl Value {
    /// Says what it is, for messages.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Text(_) => "a word",
            Self::Truth(_) => "true or false",
            Self::Number(..) => "a number",
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

    /// Returns the text, also of a truth, and of a number as it is written.
    pub fn text(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Truth(truth) => Some(truth.to_string()),
            Value::Number(_, written) => written.clone(),
            Value::Nothing | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns the text at a path of keys.
    pub fn text_at(&self, path: &[&str]) -> Option<String> {
        self.at(path).and_then(Self::text)
    }

    /// Returns the items of a list.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the items of the list at a key.
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
}

/// Reads one document.
///
/// # Errors
/// Fails with what is wrong with the YAML, and where.
pub fn parse(text: &str) -> Result<Node, Problem> {
    if text.len() > MAX_BYTES {
        return Err(Problem::new(Place::default(), format!("it has more than {MAX_BYTES} bytes")));
    }
    // A file of nothing but comments states nothing.
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Node { place: Place { line: 1, column: 1 }, value: Value::Nothing });
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES },
    };
    let read = serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|error| {
        let place = error.location().map(|location| Place {
            line: u32::try_from(location.line()).unwrap_or(u32::MAX),
            column: u32::try_from(location.column()).unwrap_or(u32::MAX),
        });
        let message = error.without_snippet().to_string();
        Problem::new(place.unwrap_or_default(), message.lines().next().unwrap_or_default())
    });
    let mut node = read?;
    spell(&mut node, &text.lines().collect::<Vec<_>>());
    Ok(node)
}

/// Notes of each number how it is written in the file.
fn spell(node: &mut Node, lines: &[&str]) {
    let place = node.place;
    match &mut node.value {
        Value::Nothing | Value::Text(_) | Value::Truth(_) => {}
        Value::Number(number, written) => {
            let line = usize::try_from(place.line).ok().and_then(|line| lines.get(line.checked_sub(1)?));
            let before = usize::try_from(place.column).unwrap_or_default().saturating_sub(1);
            let word: Option<String> = line.map(|line| {
                let ends = |letter: &char| letter.is_whitespace() || ",]}".contains(*letter);
                line.chars().skip(before).take_while(|letter| !ends(letter)).collect()
            });
            // At an alias or behind a tag stands something else, which is not the number.
            *written = word.filter(|word| word.parse() == Ok(*number));
        }
        Value::List(items) => items.iter_mut().for_each(|item| spell(item, lines)),
        Value::Map(entries) => entries.iter_mut().for_each(|(.., node)| spell(node, lines)),
    }
}

/// Reads a stream of several documents, cut at lines of `---`; those of nothing but comments are left out.
///
/// # Errors
/// Fails with the first document that is damaged.
pub fn documents(text: &str) -> Result<Vec<Node>, Problem> {
    let mut documents = Vec::new();
    let mut current = String::new();
    let mut before = 0u32;
    let mut lines = 0u32;
    let mut finish = |current: &mut String, before: u32| -> Result<(), Problem> {
        let mut node = parse(current).map_err(|mut problem| {
            problem.place.line = problem.place.line.saturating_add(before);
            problem
        })?;
        shift(&mut node, before);
        if node.value != Value::Nothing {
            documents.push(node);
        }
        current.clear();
        Ok(())
    };
    for line in text.lines() {
        lines = lines.saturating_add(1);
        if line.trim_end() == "---" || line.starts_with("--- ") {
            finish(&mut current, before)?;
            before = lines;
        } else {
            current.push_str(line);
            current.push('\n');
        }
    }
    finish(&mut current, before)?;
    Ok(documents)
}

fn shift(node: &mut Node, lines: u32) {
    node.place.line = node.place.line.saturating_add(lines);
    match &mut node.value {
        Value::Nothing | Value::Text(_) | Value::Truth(_) | Value::Number(..) => {}
        Value::List(items) => items.iter_mut().for_each(|item| shift(item, lines)),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, place, node)| {
            place.line = place.line.saturating_add(lines);
            shift(node, lines);
        }),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        let place = Place {
            line: u32::try_from(spanned.referenced.line()).unwrap_or(u32::MAX),
            column: u32::try_from(spanned.referenced.column()).unwrap_or(u32::MAX),
        };
        Ok(Self { place, value: spanned.value })
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
        Ok(Value::Truth(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "no number of a policy comes near 2^53")]
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64, None))
    }

    #[expect(clippy::cast_precision_loss, reason = "no number of a policy comes near 2^53")]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64, None))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value, None))
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
            let place = Place {
                line: u32::try_from(key.referenced.line()).unwrap_or(u32::MAX),
                column: u32::try_from(key.referenced.column()).unwrap_or(u32::MAX),
            };
            entries.push((key.value, place, node));
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_as_they_are_written() {
        let node =
            parse("a: 1.10\nb: [1.0, 010, 12345678901234567890]\nc: &x 2.50 # last\nd: {e: 3.0}\n").unwrap();
        assert_eq!(node.text_at(&["a"]).as_deref(), Some("1.10"));
        let items: Vec<_> = node.items_at(&["b"]).iter().map(Node::text).collect();
        assert_eq!(items, ["1.0", "010", "12345678901234567890"].map(|text| Some(text.to_owned())));
        assert_eq!(node.text_at(&["d", "e"]).as_deref(), Some("3.0"));
        // What is meant is not known then, and is not guessed.
        let node = parse("a: &x 1.10\nb: *x\nc: 0x1F\n").unwrap();
        assert_eq!((node.text_at(&["b"]), node.text_at(&["c"])), (None, None));
        assert_eq!(node.get("b").map(|node| node.value.what()), Some("a number"));
    }
}
