//! From the tree of a file to values, by the definitions of what it may hold, with every mistake in it.

use crate::define::{Default, Field, Kind, Params, Value};
use crate::expression::Expression;
use crate::spelling::{nearest, shortened};
use crate::tree::{self, Node, Number, Place, Problem};
use assay_model::timestamp::DAY;
use assay_model::{Priority, Severity, Timestamp};
use std::collections::BTreeMap;

/// Reads values and gathers what is wrong.
#[derive(Debug, std::default::Default)]
pub(crate) struct Reader {
    /// What is wrong.
    pub(crate) problems: Vec<Problem>,
    /// Names of trust roots that something refers to, and where.
    pub(crate) trust: Vec<(String, Place)>,
    /// Whether an empty list says something of its own, as it does of expectations.
    pub(crate) accepts_empty: bool,
}

impl Reader {
    /// Reports a mistake.
    pub(crate) fn problem(&mut self, problem: Problem) {
        // A file of ten thousand mistakes is not told better by all of them.
        const MAX_PROBLEMS: usize = 200;
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// Reads a section; `of` names it in messages.
    pub(crate) fn record(&mut self, node: &Node, of: &str, fields: &'static [Field]) -> Params {
        let mut params = Params::new(node.place);
        let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
        for (key, place, value) in self.entries(node, of, &names) {
            if let Some(field) = fields.iter().find(|field| field.name == key) {
                if !self.accepts_empty && field.must_name_something() && is_empty(value) {
                    self.problem(
                        Problem::new(place, format!("`{key}` is empty"))
                            .hint("name something, or leave the key out: nothing is not everything"),
                    );
                    continue;
                }
                // A key with nothing behind it is as good as none.
                if value.value == tree::Value::Nothing && field.default != Default::Required {
                    continue;
                }
                if let Some(value) = self.value(value, key, field.kind) {
                    params.set(field.name, value);
                } else if self.problems.is_empty() {
                    self.problem(Problem::new(place, format!("`{key}` cannot be read")));
                }
            }
        }
        for field in fields {
            if params.get(field.name).is_some() {
                continue;
            }
            match field.default {
                Default::Nothing => {}
                Default::Required => {
                    // What is empty has been told.
                    let given = node.get(field.name).is_some_and(|node| {
                        node.value != tree::Value::Nothing || field.must_name_something()
                    });
                    if !given {
                        self.problem(
                            Problem::new(node.place, format!("{of} has no `{}`", field.name)).hint(format!(
                                "add `{}: …`: {}",
                                field.name,
                                lower(field.about)
                            )),
                        );
                    }
                }
                Default::Value(text) => {
                    if let Some(value) = default_value(text, field.kind) {
                        params.set(field.name, value);
                    }
                }
            }
        }
        params
    }

    /// Returns the keys and values of a node; an unknown key, or one given twice, is a problem.
    pub(crate) fn entries<'n>(
        &mut self,
        node: &'n Node,
        of: &str,
        known: &[&str],
    ) -> Vec<(&'n str, Place, &'n Node)> {
        let entries = match &node.value {
            tree::Value::Nothing => return Vec::new(),
            tree::Value::Map(entries) => entries,
            other => {
                self.problem(
                    Problem::new(node.place, format!("{of} is {}, expected keys and values", other.what()))
                        .hint(format!("its keys are {}", known.join(", "))),
                );
                return Vec::new();
            }
        };
        let mut found: Vec<(&str, Place, &Node)> = Vec::new();
        for (key, place, value) in entries {
            if !known.contains(&key.as_str()) {
                let hint = match nearest(key, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the keys of {of} are {}", known.join(", ")),
                };
                self.problem(
                    Problem::new(*place, format!("{of} has no key `{}`", shortened(key))).hint(hint),
                );
            } else if found.iter().any(|(other, ..)| other == key) {
                self.problem(Problem::new(*place, format!("the key `{key}` is given twice")));
            } else {
                found.push((key, *place, value));
            }
        }
        found
    }

    /// Reads a value of a kind.
    pub(crate) fn value(&mut self, node: &Node, key: &str, kind: Kind) -> Option<Value> {
        match kind {
            Kind::List(of) => {
                let items = match &node.value {
                    tree::Value::List(items) => items.as_slice(),
                    _ => std::slice::from_ref(node),
                };
                Some(Value::List(items.iter().filter_map(|item| self.value(item, key, *of)).collect()))
            }
            Kind::Record(fields) => Some(Value::Record(self.record(node, &format!("`{key}`"), fields))),
            Kind::Map(of) => {
                if !matches!(node.value, tree::Value::Map(_) | tree::Value::Nothing) {
                    self.problem(Problem::new(
                        node.place,
                        format!("`{key}` is {}, expected keys and values", node.value.what()),
                    ));
                    return None;
                }
                let mut map = BTreeMap::new();
                for (name, place, value) in node.entries() {
                    if map.contains_key(name) {
                        self.problem(Problem::new(*place, format!("the key `{name}` is given twice")));
                    }
                    if let Some(value) = self.value(value, name, *of) {
                        map.insert(name.clone(), value);
                    }
                }
                Some(Value::Map(map))
            }
            _ => match scalar(node, kind) {
                Ok(value) => {
                    if let (Kind::Trust, Value::Text(name)) = (kind, &value) {
                        self.trust.push((name.clone(), node.place));
                    }
                    Some(value)
                }
                Err(Wrong { message, hint }) => {
                    let mut problem = Problem::new(node.place, format!("`{key}` {message}"));
                    problem.hint = hint;
                    self.problem(problem);
                    None
                }
            },
        }
    }
}

/// Returns whether nothing stands at a key, not even one item.
fn is_empty(node: &Node) -> bool {
    match &node.value {
        tree::Value::Nothing => true,
        tree::Value::List(items) => items.is_empty(),
        tree::Value::Map(entries) => entries.is_empty(),
        tree::Value::Text(_) | tree::Value::Truth(_) | tree::Value::Number(..) => false,
    }
}

/// What is wrong with a value: words that follow its key.
struct Wrong {
    message: String,
    hint: Option<String>,
}

fn scalar(node: &Node, kind: Kind) -> Result<Value, Wrong> {
    let wrong = |expected: &str| Wrong {
        message: match node.written() {
            Some(text) => format!("is `{}`, expected {expected}", shortened(&text)),
            None => format!("is {}, expected {expected}", node.value.what()),
        },
        hint: None,
    };
    let text = || node.written().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let words = |words: &[&str], wanted: &str| {
        let mut wrong = wrong(wanted);
        wrong.hint = node
            .written()
            .and_then(|text| nearest(&text, words).map(|near| format!("did you mean `{near}`?")))
            .or_else(|| Some(format!("expected one of {}", words.join(", "))));
        wrong
    };
    match kind {
        Kind::Truth => match node.value {
            tree::Value::Truth(truth) => Ok(Value::Truth(truth)),
            _ => Err(wrong("true or false")),
        },
        Kind::Count => match node.value {
            tree::Value::Number(Number { value: number, .. }) => {
                whole(number).map(Value::Count).ok_or_else(|| wrong("a whole number from 0"))
            }
            _ => Err(wrong("a whole number from 0")),
        },
        Kind::Share => match node.value {
            tree::Value::Number(Number { value: number, .. }) if (0.0..=1.0).contains(&number) => {
                Ok(Value::Share(number))
            }
            _ => Err(wrong("a number from 0 to 1")),
        },
        Kind::Duration => text()
            .and_then(|text| duration(&text))
            .map(Value::Duration)
            .ok_or_else(|| wrong("a span of time such as `24h` or `30d`")),
        Kind::Time => text()
            .and_then(|text| text.parse::<Timestamp>().ok())
            .map(Value::Time)
            .ok_or_else(|| wrong("a date such as `2026-12-31`")),
        // YAML takes `on` and `0x10` for something else than what is written there.
        Kind::Text | Kind::Pattern | Kind::Trust => match &node.value {
            tree::Value::Truth(_) | tree::Value::Number(Number { written: None, .. }) => Err(Wrong {
                message: format!("is {}, expected a word", node.value.what()),
                hint: Some("put it between quotes".to_owned()),
            }),
            _ => text().map(Value::Text).ok_or_else(|| wrong("a word")),
        },
        Kind::Digest => text()
            .and_then(|text| text.parse().ok())
            .map(Value::Digest)
            .ok_or_else(|| wrong("a digest: `sha256:` and 64 digits")),
        Kind::Severity => {
            let all: Vec<&str> = Severity::ALL.iter().map(|one| one.name()).collect();
            let read = text().and_then(|text| text.parse().ok());
            read.map(Value::Severity).ok_or_else(|| words(&all, "a severity"))
        }
        Kind::Priority => {
            let all: Vec<&str> = Priority::ALL.iter().map(|one| one.name()).collect();
            let read = text().and_then(|text| text.parse().ok());
            read.map(Value::Priority).ok_or_else(|| words(&all, "a priority"))
        }
        Kind::Word(allowed) => match text() {
            Some(text) if allowed.contains(&text.as_str()) => Ok(Value::Text(text)),
            _ => Err(words(allowed, "one of its words")),
        },
        Kind::Expression => {
            let source = text().ok_or_else(|| wrong("an expression in CEL"))?;
            Expression::compile(&source)
                .map(Value::Expression)
                .map_err(|error| Wrong { message: format!("is no expression in CEL: {error}"), hint: None })
        }
        Kind::List(_) | Kind::Record(_) | Kind::Map(_) => Err(wrong("a single value")),
    }
}

/// Reads the value of a key that was left out; definitions are tested to hold readable ones.
fn default_value(text: &str, kind: Kind) -> Option<Value> {
    let node = tree::parse(text).ok()?;
    let mut reader = Reader::default();
    let value = reader.value(&node, "default", kind);
    value.filter(|_| reader.problems.is_empty())
}

/// Returns a whole number that a float of the file stands for.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in range")]
fn whole(number: f64) -> Option<u64> {
    const MAX: f64 = 1e15;
    (number.fract() == 0.0 && (0.0..=MAX).contains(&number)).then_some(number as u64)
}

/// Reads a span of time, in seconds: a whole number and a unit.
pub(crate) fn duration(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return None,
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<i64>().ok()?.checked_mul(seconds)
}

/// Returns a sentence as part of another.
fn lower(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_have_a_unit() {
        assert_eq!(duration("36h"), Some(129_600));
        assert_eq!(duration("2w"), Some(14 * DAY));
        for text in ["", "h", "1", "1.5d", "-1d", "1 d", "é", "99999999999999999d"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
