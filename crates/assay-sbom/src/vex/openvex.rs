//! OpenVEX 0.2.0, and 0.0.x, whose products and vulnerabilities are bare texts (<https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>).

use super::product::{Identity, Product};
use super::{Justification, Statement, Status};
use assay_model::Digest;
use serde_json::{Map, Value, json};

/// The context of the version that is written.
pub(super) const CONTEXT: &str = "https://openvex.dev/ns/v0.2.0";

/// Reads the statements of a document; those without a known status are left out, and counted.
pub(super) fn read(document: &Map<String, Value>) -> (Vec<Statement>, usize) {
    let author = text(document, "author").unwrap_or_default().to_owned();
    let time = |object: &Map<String, Value>| {
        let stated = text(object, "last_updated").or(text(object, "timestamp"))?;
        stated.parse().ok()
    };
    let own_time = time(document);
    let (mut statements, mut skipped) = (Vec::new(), 0);
    for statement in objects(document.get("statements")) {
        let Some(status) = text(statement, "status").and_then(|status| status.parse::<Status>().ok()) else {
            skipped += 1;
            continue;
        };
        let vulnerabilities = vulnerabilities(statement.get("vulnerability"));
        // 0.0.x lists the parts beside the products.
        let parts: Vec<Vec<Identity>> = values(statement.get("subcomponents")).map(identities).collect();
        let products = values(statement.get("products"))
            .map(|product| {
                let own = product.get("subcomponents");
                let own: Vec<Vec<Identity>> = values(own).map(identities).collect();
                Product {
                    identities: identities(product),
                    parts: if own.is_empty() { parts.clone() } else { own },
                }
            })
            .collect();
        let owned = |key: &str| text(statement, key).filter(|text| !text.is_empty()).map(str::to_owned);
        statements.push(Statement {
            vulnerabilities,
            products,
            status,
            justification: text(statement, "justification").and_then(|text| text.parse().ok()),
            impact: owned("impact_statement").or_else(|| owned("status_notes")),
            action: owned("action_statement"),
            author: author.clone(),
            issued: time(statement).or(own_time),
        });
    }
    (statements, skipped)
}

fn vulnerabilities(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::Object(object)) => {
            let name = text(object, "name").or(text(object, "@id")).map(str::to_owned);
            let aliases = values(object.get("aliases")).filter_map(Value::as_str).map(str::to_owned);
            name.into_iter().chain(aliases).collect()
        }
        _ => Vec::new(),
    }
}

fn identities(value: &Value) -> Vec<Identity> {
    match value {
        Value::String(text) => vec![Identity::parse(text)],
        Value::Object(object) => {
            let mut found: Vec<Identity> = text(object, "@id").map(Identity::parse).into_iter().collect();
            if let Some(Value::Object(others)) = object.get("identifiers") {
                found.extend(others.values().filter_map(Value::as_str).map(Identity::parse));
            }
            if let Some(Value::Object(hashes)) = object.get("hashes") {
                let hex = hashes.get("sha-256").and_then(Value::as_str);
                let digest = hex.and_then(|hex| format!("sha256:{hex}").parse::<Digest>().ok());
                found.extend(digest.map(Identity::Digest));
            }
            let mut distinct: Vec<Identity> = Vec::new();
            for identity in found {
                if !distinct.contains(&identity) {
                    distinct.push(identity);
                }
            }
            distinct
        }
        _ => Vec::new(),
    }
}

pub(super) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

pub(super) fn values(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

pub(super) fn objects(value: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    values(value).filter_map(Value::as_object)
}

/// Writes the statements of a document.
pub(super) fn statements(statements: &[Statement]) -> Vec<Value> {
    statements.iter().map(statement).collect()
}

fn statement(statement: &Statement) -> Value {
    let mut names = statement.vulnerabilities.iter();
    let mut vulnerability = json!({ "name": names.next().map_or("", String::as_str) });
    let aliases: Vec<&str> = names.map(String::as_str).collect();
    if !aliases.is_empty() {
        crate::json::put(&mut vulnerability, "aliases", aliases);
    }
    let mut value = json!({
        "vulnerability": vulnerability,
        "products": statement.products.iter().map(product).collect::<Vec<Value>>(),
        "status": statement.status.name(),
    });
    if let Some(time) = statement.issued {
        crate::json::put(&mut value, "timestamp", time.to_string());
    }
    if let Some(justification) = statement.justification {
        crate::json::put(&mut value, "justification", justification.name());
    }
    // The specification keeps the impact for what is not affected.
    if let Some(impact) = &statement.impact {
        let key = if statement.status == Status::NotAffected { "impact_statement" } else { "status_notes" };
        crate::json::put(&mut value, key, impact.as_str());
    }
    if let Some(action) = &statement.action {
        crate::json::put(&mut value, "action_statement", action.as_str());
    }
    value
}

fn product(product: &Product) -> Value {
    let mut value = component(&product.identities);
    let parts: Vec<Value> = product.parts.iter().map(|part| component(part)).collect();
    if !parts.is_empty() {
        crate::json::put(&mut value, "subcomponents", parts);
    }
    value
}

fn component(identities: &[Identity]) -> Value {
    let mut value = json!({ "@id": identities.first().map(Identity::text).unwrap_or_default() });
    let mut others: Map<String, Value> = Map::new();
    for identity in identities.iter().skip(1) {
        match identity {
            Identity::Purl(purl) => {
                others.entry("purl").or_insert_with(|| purl.to_string().into());
            }
            Identity::Cpe(cpe) => {
                let key = if cpe.starts_with("cpe:2.3:") { "cpe23" } else { "cpe22" };
                others.entry(key).or_insert_with(|| cpe.as_str().into());
            }
            Identity::Digest(digest) if digest.algorithm() == "sha256" => {
                crate::json::put(&mut value, "hashes", json!({ "sha-256": digest.hex() }));
            }
            Identity::Digest(_) | Identity::Name(_) => {}
        }
    }
    if !others.is_empty() {
        crate::json::put(&mut value, "identifiers", Value::Object(others));
    }
    value
}

impl Justification {
    /// Returns the word CycloneDX uses.
    pub(super) fn cyclonedx(self) -> &'static str {
        match self {
            Self::ComponentNotPresent => "requires_dependency",
            Self::CodeNotPresent => "code_not_present",
            Self::CodeNotInExecutePath => "code_not_reachable",
            Self::CodeCannotBeControlled => "requires_environment",
            Self::InlineMitigations => "protected_by_mitigating_control",
        }
    }

    /// Reads the word CycloneDX uses.
    pub(super) fn from_cyclonedx(text: &str) -> Option<Self> {
        Some(match text {
            "code_not_present" => Self::CodeNotPresent,
            "code_not_reachable" => Self::CodeNotInExecutePath,
            "requires_dependency" => Self::ComponentNotPresent,
            "requires_configuration" | "requires_environment" => Self::CodeCannotBeControlled,
            "protected_by_compiler"
            | "protected_at_runtime"
            | "protected_at_perimeter"
            | "protected_by_mitigating_control" => Self::InlineMitigations,
            _ => return None,
        })
    }
}
