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

    #[test]
    fn the_published_schema_is_that_of_what_is_read() {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        assert!(text == PUBLISHED, "put this into docs/schemas/policy.json:\n{text}");
    }
}
