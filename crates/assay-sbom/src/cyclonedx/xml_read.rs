//! CycloneDX from XML: a tree of elements into the model of the JSON form.

use super::model::{
    AffectedVersion, Affects, Analysis, Bom, Component, Composition, Dependency, Entity, Evidence, Hash,
    License, LicenseChoice, Metadata, Occurrence, Pedigree, Property, Rating, Reference, Source,
    Vulnerability,
};
use crate::xml::Element;
use serde_json::{Value, json};

/// Returns the name space's version of a root element, where it is CycloneDX.
pub(crate) fn version(root: &Element) -> Option<&'static str> {
    let spaces = root.attributes.iter().filter(|(name, _)| name == "xmlns" || name.starts_with("xmlns:"));
    let mut spaces = spaces.filter_map(|(_, space)| space.strip_prefix("http://cyclonedx.org/schema/bom/"));
    (root.name == "bom").then(|| spaces.find_map(super::readable)).flatten()
}

/// Reads the root element.
pub(crate) fn bom(root: &Element) -> Bom {
    let metadata = root.child("metadata").map(|metadata| Metadata {
        timestamp: metadata.child_text("timestamp"),
        tools: metadata.child("tools").map(tools),
        component: metadata.child("component").map(component),
        ..Metadata::default()
    });
    Bom {
        bom_format: "CycloneDX".to_owned(),
        spec_version: version(root).unwrap_or_default().to_owned(),
        serial_number: root.attribute("serialNumber").map(str::to_owned),
        version: root.attribute("version").and_then(|version| version.parse().ok()),
        metadata,
        components: root.list("components", "component").map(component).collect(),
        dependencies: root
            .list("dependencies", "dependency")
            .map(|element| Dependency {
                reference: element.attribute("ref").unwrap_or_default().to_owned(),
                depends_on: element
                    .children
                    .iter()
                    .filter(|child| child.name == "dependency")
                    .filter_map(|child| child.attribute("ref").map(str::to_owned))
                    .collect(),
            })
            .collect(),
        compositions: root
            .list("compositions", "composition")
            .map(|element| Composition {
                aggregate: element.child_text("aggregate").unwrap_or_default(),
                assemblies: element
                    .list("assemblies", "assembly")
                    .filter_map(|child| child.attribute("ref").map(str::to_owned))
                    .collect(),
            })
            .collect(),
        vulnerabilities: root.list("vulnerabilities", "vulnerability").map(vulnerability).collect(),
        ..Bom::default()
    }
}

fn tools(element: &Element) -> Value {
    let tools = element.children.iter().filter(|child| child.name == "tool");
    let components = element.list("components", "component");
    let values: Vec<Value> = tools
        .chain(components)
        .map(|tool| {
            let mut value = json!({});
            for key in ["vendor", "publisher", "name", "version"] {
                if let Some(text) = tool.child_text(key) {
                    crate::json::put(&mut value, key, text);
                }
            }
            value
        })
        .collect();
    values.into()
}

fn properties(element: &Element) -> Vec<Property> {
    element
        .list("properties", "property")
        .map(|property| Property {
            name: property.attribute("name").unwrap_or_default().to_owned(),
            value: property.text.clone(),
        })
        .collect()
}

fn component(element: &Element) -> Component {
    let licenses = element.child("licenses").map(|list| list.children.as_slice()).unwrap_or_default();
    Component {
        kind: element.attribute("type").unwrap_or_default().to_owned(),
        bom_ref: element.attribute("bom-ref").map(str::to_owned),
        supplier: element
            .child("supplier")
            .map(|supplier| Entity { name: supplier.child_text("name").unwrap_or_default() }),
        author: element.child_text("author"),
        publisher: element.child_text("publisher"),
        group: element.child_text("group"),
        name: element.child_text("name").unwrap_or_default(),
        version: element.child_text("version"),
        hashes: element
            .list("hashes", "hash")
            .map(|hash| Hash {
                alg: hash.attribute("alg").unwrap_or_default().to_owned(),
                content: hash.text.trim().to_owned(),
            })
            .collect(),
        licenses: licenses
            .iter()
            .map(|choice| match choice.name.as_str() {
                "license" => LicenseChoice {
                    license: Some(License { id: choice.child_text("id"), name: choice.child_text("name") }),
                    expression: None,
                },
                // 1.7 keeps details of an expression in an element around it.
                "expression-detailed" => LicenseChoice {
                    license: None,
                    expression: choice
                        .attribute("expression")
                        .map(str::to_owned)
                        .or_else(|| choice.child_text("expression")),
                },
                _ => LicenseChoice { license: None, expression: Some(choice.text.clone()) },
            })
            .collect(),
        cpe: element.child_text("cpe"),
        purl: element.child_text("purl"),
        pedigree: element.child("pedigree").map(|pedigree| Pedigree {
            ancestors: pedigree.list("ancestors", "component").map(component).collect(),
        }),
        components: element.list("components", "component").map(component).collect(),
        evidence: element.child("evidence").map(|evidence| Evidence {
            occurrences: evidence
                .list("occurrences", "occurrence")
                .map(|one| Occurrence { location: one.child_text("location").unwrap_or_default() })
                .collect(),
        }),
        properties: properties(element),
    }
}

fn source(element: &Element) -> Option<Source> {
    element
        .child("source")
        .map(|source| Source { name: source.child_text("name"), url: source.child_text("url") })
}

fn vulnerability(element: &Element) -> Vulnerability {
    Vulnerability {
        bom_ref: element.attribute("bom-ref").map(str::to_owned),
        id: element.child_text("id").unwrap_or_default(),
        source: source(element),
        references: element
            .list("references", "reference")
            .map(|one| Reference { id: one.child_text("id").unwrap_or_default(), source: source(one) })
            .collect(),
        ratings: element
            .list("ratings", "rating")
            .map(|one| Rating {
                source: source(one),
                score: one.child_text("score").and_then(|score| score.trim().parse().ok()),
                severity: one.child_text("severity"),
                method: one.child_text("method"),
                vector: one.child_text("vector"),
            })
            .collect(),
        description: element.child_text("description"),
        recommendation: element.child_text("recommendation"),
        published: element.child_text("published"),
        updated: element.child_text("updated"),
        analysis: element.child("analysis").map(|analysis| Analysis {
            state: analysis.child_text("state"),
            justification: analysis.child_text("justification"),
            detail: analysis.child_text("detail"),
            first_issued: analysis.child_text("firstIssued"),
            last_updated: analysis.child_text("lastUpdated"),
        }),
        affects: element
            .list("affects", "target")
            .map(|target| Affects {
                reference: target.child_text("ref").unwrap_or_default(),
                versions: target
                    .list("versions", "version")
                    .map(|one| AffectedVersion {
                        version: one.child_text("version"),
                        range: one.child_text("range"),
                        status: one.child_text("status"),
                    })
                    .collect(),
            })
            .collect(),
        properties: properties(element),
    }
}
