//! The JSON schema of a policy, for editors, made from the definitions: <https://json-schema.org/draft/2020-12>.

use crate::define::{Default, Field, Kind};
use crate::policy::{FIELDS, RULE_FIELDS};
use crate::rule::RULES;
use assay_model::{Priority, Severity};
use serde_json::{Map, Value, json};

/// Returns the schema.
pub fn schema() -> Value {
    let mut schema = record(FIELDS);
    // A rule is a key of its own beside those that all rules have.
    let mut rule = record(RULE_FIELDS);
    let mut one_of = Vec::new();
    for known in RULES {
        let mut parameters = record(known.schema());
        set(&mut parameters, "description", json!(known.about()));
        // Without any required parameter the key alone is enough.
        if parameters.get("required").is_none() {
            set(&mut parameters, "type", json!(["object", "null"]));
        }
        if let Some(properties) = rule.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert(known.id().to_owned(), parameters);
        }
        one_of.push(json!({ "required": [known.id()] }));
    }
    set(&mut rule, "oneOf", Value::Array(one_of));
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(
            "rules".to_owned(),
            json!({ "description": "What must hold.", "type": "array", "items": rule }),
        );
    }
    set(&mut schema, "$schema", json!("https://json-schema.org/draft/2020-12/schema"));
    set(&mut schema, "title", json!("A policy of Assay"));
    schema
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

fn record(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        let mut property = kind(field.kind);
        set(&mut property, "description", json!(field.about));
        if field.must_name_something() {
            not_empty(&mut property);
        }
        match field.default {
            Default::Required => required.push(json!(field.name)),
            Default::Nothing => {}
            Default::Value(text) => set(&mut property, "default", written(text)),
        }
        properties.insert(field.name.to_owned(), property);
    }
    let mut object = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        set(&mut object, "required", Value::Array(required));
    }
    object
}

/// Asks for at least one item or key.
fn not_empty(property: &mut Value) {
    match property.pointer_mut("/anyOf/0") {
        Some(list) => set(list, "minItems", json!(1)),
        None => set(property, "minProperties", json!(1)),
    }
}

/// Returns a default as JSON; what is no JSON is a word.
fn written(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

fn kind(of: Kind) -> Value {
    let word = || json!({ "type": "string", "pattern": "\\S" });
    match of {
        Kind::Truth => json!({ "type": "boolean" }),
        Kind::Count => json!({ "type": "integer", "minimum": 0 }),
        Kind::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Kind::Duration => json!({ "type": "string", "pattern": "^[0-9]+[smhdw]$" }),
        Kind::Time => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}" }),
        Kind::Text | Kind::Pattern | Kind::Trust | Kind::Expression => word(),
        Kind::Digest => json!({ "type": "string", "pattern": "^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$" }),
        Kind::Severity => json!({ "enum": Severity::ALL.map(Severity::name) }),
        Kind::Priority => json!({ "enum": Priority::ALL.map(Priority::name) }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::List(item) => {
            let item = kind(*item);
            json!({ "anyOf": [{ "type": "array", "items": item.clone() }, item] })
        }
        Kind::Record(fields) => record(fields),
        Kind::Map(value) => json!({ "type": "object", "additionalProperties": kind(*value) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &str = include_str!("../../../docs/schemas/policy.json");

    const MANUAL: &str = include_str!("../../../docs/manual/rules.md");

    /// Writes the manual's page of all rules.
    fn page() -> String {
        let mut page = concat!(
            "# Rules of policies\n\n",
            "Made from the definitions of the rules; a test holds it to them. How a rule is written, and what it may hold beside its\n",
            "own key, is said in [policy](policy.md).\n"
        )
        .to_owned();
        for rule in RULES {
            page.push_str(&format!("\n## {}\n\n{}\n", rule.id(), rule.about()));
            if !rule.schema().is_empty() {
                page.push_str("\n| parameter | what | without it | about |\n|---|---|---|---|\n");
                rows(rule.schema(), "", &mut page);
            }
        }
        page
    }

    fn rows(fields: &[Field], prefix: &str, page: &mut String) {
        for field in fields {
            let without = match field.default {
                Default::Required => "required".to_owned(),
                Default::Nothing => "–".to_owned(),
                Default::Value(value) => format!("`{value}`"),
            };
            let name = format!("{prefix}{}", field.name);
            page.push_str(&format!("| `{name}` | {} | {without} | {} |\n", what(field.kind), field.about));
            if let Kind::Record(inner) = field.kind {
                rows(inner, &format!("{name}."), page);
            }
        }
    }

    fn what(kind: Kind) -> String {
        match kind {
            Kind::Truth => "true or false".to_owned(),
            Kind::Count => "whole number".to_owned(),
            Kind::Share => "0 to 1".to_owned(),
            Kind::Duration => "time: `24h`, `30d`".to_owned(),
            Kind::Time => "date".to_owned(),
            Kind::Text => "text".to_owned(),
            Kind::Pattern => "pattern".to_owned(),
            Kind::Digest => "digest".to_owned(),
            Kind::Severity => "severity".to_owned(),
            Kind::Priority => "priority".to_owned(),
            Kind::Expression => "CEL".to_owned(),
            Kind::Word(words) => format!("`{}`", words.join("`, `")),
            Kind::Trust => "trust root".to_owned(),
            Kind::List(of) => format!("list: {}", what(*of)),
            Kind::Record(_) => "keys".to_owned(),
            Kind::Map(of) => format!("map: {}", what(*of)),
        }
    }

    #[test]
    fn the_manual_lists_all_rules() {
        assert!(page() == MANUAL, "put this into docs/manual/rules.md:\n{}", page());
    }

    #[test]
    fn the_published_schema_is_that_of_what_is_read() {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        assert!(text == PUBLISHED, "put this into docs/schemas/policy.json:\n{text}");
    }
}
