//! What a policy may hold, as data: the reader, the JSON schema and the tables of the manual are all made from these definitions.

use crate::expression::Expression;
use crate::tree::Place;
use assay_model::{Digest, Priority, Severity, Timestamp};
use std::collections::BTreeMap;

/// One key of a section, and what it holds.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// One sentence about it.
    pub about: &'static str,
    /// What holds without it.
    pub default: Default,
}

/// What holds when a key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// It must be given.
    Required,
    /// Nothing does.
    Nothing,
    /// This value, as it would be written.
    Value(&'static str),
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true` or `false`.
    Truth,
    /// A whole number from 0.
    Count,
    /// A number from 0 to 1.
    Share,
    /// A span of time: `90m`, `24h`, `30d`, `2w`.
    Duration,
    /// A point in time: a date, or RFC 3339.
    Time,
    /// Any text but an empty one.
    Text,
    /// A pattern; `*` stands for any letters but `/`, `**` for any.
    Pattern,
    /// The digest of an image.
    Digest,
    /// A severity.
    Severity,
    /// A priority.
    Priority,
    /// An expression in CEL (<https://cel.dev>).
    Expression,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The name of one of the policy's trust roots.
    Trust,
    /// A list; a single item may stand for itself.
    List(&'static Kind),
    /// Keys that are defined, and their values.
    Record(&'static [Field]),
    /// Keys of the user's own, all with values of one kind.
    Map(&'static Kind),
}

impl Field {
    /// Returns a key that must be given.
    pub const fn required(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, about, default: Default::Required }
    }

    /// Returns a key that may be left out.
    pub const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, about, default: Default::Nothing }
    }

    /// Returns a key with a value that holds without it.
    pub const fn or(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Self {
        Self { name, kind, about, default: Default::Value(default) }
    }

    /// Returns whether it may not be empty: a list of names, or what selects images. Where another value holds without it, an empty
    /// list takes that away and says what it means.
    pub(crate) fn must_name_something(&self) -> bool {
        match self.kind {
            Kind::List(Kind::Record(_)) => false,
            Kind::List(_) => !matches!(self.default, Default::Value(_)),
            Kind::Map(of) => matches!(of, Kind::Pattern),
            Kind::Record(fields) => is_match(fields),
            _ => false,
        }
    }
}

/// Returns whether these keys are those that select images.
fn is_match(fields: &[Field]) -> bool {
    fields.iter().map(|field| field.name).eq(MATCH.iter().map(|field| field.name))
}

/// How many findings of each severity are accepted.
pub const COUNTS_BY_SEVERITY: &[Field] = &[
    Field::optional("critical", Kind::Count, "How many critical findings are accepted."),
    Field::optional("high", Kind::Count, "How many high ones."),
    Field::optional("medium", Kind::Count, "How many medium ones."),
    Field::optional("low", Kind::Count, "How many low ones."),
    Field::optional("negligible", Kind::Count, "How many negligible ones."),
    Field::optional(
        "unknown",
        Kind::Count,
        "How many of unknown severity; without it they count as of the worst severity that is limited.",
    ),
];

/// How long findings of each severity are accepted.
pub const TIMES_BY_SEVERITY: &[Field] = &[
    Field::optional("critical", Kind::Duration, "How long critical findings are accepted."),
    Field::optional("high", Kind::Duration, "How long high ones."),
    Field::optional("medium", Kind::Duration, "How long medium ones."),
    Field::optional("low", Kind::Duration, "How long low ones."),
    Field::optional("negligible", Kind::Duration, "How long negligible ones."),
    Field::optional(
        "unknown",
        Kind::Duration,
        "How long those of unknown severity; without it they count as of the worst severity that is limited.",
    ),
];

/// Names of images: which ones something is about.
pub const MATCH: &[Field] = &[
    Field::optional(
        "images",
        Kind::List(&Kind::Pattern),
        "Whole references, with and without tag or digest.",
    ),
    Field::optional("registries", Kind::List(&Kind::Pattern), "Hosts of registries."),
    Field::optional("repositories", Kind::List(&Kind::Pattern), "Repositories, with their registry."),
    Field::optional("namespaces", Kind::List(&Kind::Pattern), "Namespaces of the cluster."),
    Field::optional("namespaceLabels", Kind::Map(&Kind::Pattern), "Labels of the namespace; all must match."),
    Field::optional("services", Kind::List(&Kind::Pattern), "Services, as the operator names them."),
    Field::optional("teams", Kind::List(&Kind::Pattern), "Teams that answer for them."),
    Field::optional(
        "labels",
        Kind::Map(&Kind::Pattern),
        "Labels of the image or workload; all must match. As they come from the judged, they may only add rules.",
    ),
];

/// A value that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of a truth.
    Truth(bool),
    /// Of a count.
    Count(u64),
    /// Of a share.
    Share(f64),
    /// Of a duration: seconds.
    Duration(i64),
    /// Of a time.
    Time(Timestamp),
    /// Of a text, pattern, word or the name of a trust root.
    Text(String),
    /// Of a digest.
    Digest(Digest),
    /// Of a severity.
    Severity(Severity),
    /// Of a priority.
    Priority(Priority),
    /// Of an expression.
    Expression(Expression),
    /// Of a list.
    List(Vec<Value>),
    /// Of a record.
    Record(Params),
    /// Of a map.
    Map(BTreeMap<String, Value>),
}

/// The values of a section, by key.
///
/// Every accessor gives what the key's definition says; for a key of another kind, which only a mistake in a definition could
/// ask for, it gives nothing.
#[derive(Debug, Clone, PartialEq, std::default::Default)]
pub struct Params {
    /// Where the section begins.
    pub place: Place,
    values: BTreeMap<&'static str, Value>,
}

impl Params {
    /// Returns an empty section.
    pub(crate) fn new(place: Place) -> Self {
        Self { place, values: BTreeMap::new() }
    }

    /// Sets a value.
    pub(crate) fn set(&mut self, name: &'static str, value: Value) {
        self.values.insert(name, value);
    }

    /// Returns the value of a key.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Returns all values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }

    /// Returns whether a truth is given, and true.
    pub fn truth(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Truth(true)))
    }

    /// Returns a count.
    pub fn count(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            Some(Value::Count(count)) => Some(*count),
            _ => None,
        }
    }

    /// Returns a share.
    pub fn share(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Value::Share(share)) => Some(*share),
            _ => None,
        }
    }

    /// Returns a duration in seconds.
    pub fn duration(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Duration(seconds)) => Some(*seconds),
            _ => None,
        }
    }

    /// Returns a time.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        match self.get(name) {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        }
    }

    /// Returns a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns a severity.
    pub fn severity(&self, name: &str) -> Option<Severity> {
        match self.get(name) {
            Some(Value::Severity(severity)) => Some(*severity),
            _ => None,
        }
    }

    /// Returns a priority.
    pub fn priority(&self, name: &str) -> Option<Priority> {
        match self.get(name) {
            Some(Value::Priority(priority)) => Some(*priority),
            _ => None,
        }
    }

    /// Returns an expression.
    pub fn expression(&self, name: &str) -> Option<&Expression> {
        match self.get(name) {
            Some(Value::Expression(expression)) => Some(expression),
            _ => None,
        }
    }

    /// Returns the items of a list.
    pub fn list(&self, name: &str) -> &[Value] {
        match self.get(name) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// Returns the texts of a list.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        fn text(value: &Value) -> Option<&str> {
            if let Value::Text(text) = value { Some(text) } else { None }
        }
        self.list(name).iter().filter_map(text).collect()
    }

    /// Returns the records of a list.
    pub fn records(&self, name: &str) -> Vec<&Params> {
        fn record(value: &Value) -> Option<&Params> {
            if let Value::Record(record) = value { Some(record) } else { None }
        }
        self.list(name).iter().filter_map(record).collect()
    }

    /// Returns a record.
    pub fn record(&self, name: &str) -> Option<&Params> {
        match self.get(name) {
            Some(Value::Record(record)) => Some(record),
            _ => None,
        }
    }

    /// Returns a map of texts.
    pub fn map(&self, name: &str) -> Vec<(&str, &str)> {
        let Some(Value::Map(map)) = self.get(name) else { return Vec::new() };
        map.iter()
            .filter_map(|(key, value)| {
                if let Value::Text(text) = value { Some((key.as_str(), text.as_str())) } else { None }
            })
            .collect()
    }

    /// Returns the counts of a record by severity.
    pub fn by_severity(&self, name: &str) -> BTreeMap<Severity, u64> {
        let Some(record) = self.record(name) else { return BTreeMap::new() };
        let one = |severity: Severity| Some((severity, record.count(severity.name())?));
        Severity::ALL.into_iter().filter_map(one).collect()
    }

    /// Returns the durations, in seconds, of a record by severity.
    pub fn times_by_severity(&self, name: &str) -> BTreeMap<Severity, i64> {
        let Some(record) = self.record(name) else { return BTreeMap::new() };
        let one = |severity: Severity| Some((severity, record.duration(severity.name())?));
        Severity::ALL.into_iter().filter_map(one).collect()
    }
}
