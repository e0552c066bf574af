//! CycloneDX as XML: the model in the order of elements that the schema asks for (<https://cyclonedx.org/docs/1.7/xml/>).

use super::model::{Bom, Component, Metadata, Property, Source, Vulnerability};
use crate::xml::Element;
use serde_json::Value;

/// Returns the root element.
pub(crate) fn bom(bom: &Bom) -> Element {
    let mut root =
        Element::new("bom").with("xmlns", format!("http://cyclonedx.org/schema/bom/{}", bom.spec_version));
    if let Some(serial) = &bom.serial_number {
        root = root.with("serialNumber", serial.as_str());
    }
    root = root.with("version", bom.version.unwrap_or(1).to_string());
    root.push(bom.metadata.as_ref().map(metadata));
    // An empty list of components is still a list.
    root.push(Element {
        children: bom.components.iter().map(component).collect(),
        ..Element::new("components")
    });
    root.push_list(
        "dependencies",
        bom.dependencies
            .iter()
            .map(|dependency| {
                let inner = dependency.depends_on.iter();
                Element {
                    children: inner
                        .map(|name| Element::new("dependency").with("ref", name.as_str()))
                        .collect(),
                    ..Element::new("dependency").with("ref", dependency.reference.as_str())
                }
            })
            .collect(),
    );
    root.push_list(
        "compositions",
        bom.compositions
            .iter()
            .map(|composition| {
                let mut element = Element::new("composition");
                element.push(Element::text("aggregate", composition.aggregate.as_str()));
                let assemblies = composition.assemblies.iter();
                element.push_list(
                    "assemblies",
                    assemblies.map(|name| Element::new("assembly").with("ref", name.as_str())).collect(),
                );
                element
            })
            .collect(),
    );
    root.push_list("vulnerabilities", bom.vulnerabilities.iter().map(vulnerability).collect());
    root
}

fn metadata(metadata: &Metadata) -> Element {
    let mut element = Element::new("metadata");
    element.push_text("timestamp", metadata.timestamp.as_deref());
    element.push(metadata.tools.as_ref().map(tools));
    element.push(metadata.component.as_ref().map(component));
    element
}

fn tools(tools: &Value) -> Element {
    let text = |tool: &Value, key: &str| tool.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut element = Element::new("tools");
    match (tools, tools.get("components")) {
        (Value::Array(list), _) => {
            for tool in list {
                let mut child = Element::new("tool");
                for key in ["vendor", "name", "version"] {
                    child.push_text(key, text(tool, key).as_deref());
                }
                element.push(child);
            }
        }
        (_, Some(Value::Array(list))) => {
            let components = list.iter().map(|tool| {
                let mut child = Element::new("component").with("type", "application");
                for key in ["publisher", "name", "version"] {
                    child.push_text(key, text(tool, key).as_deref());
                }
                child
            });
            element.push_list("components", components.collect());
        }
        _ => {}
    }
    element
}

fn component(from: &Component) -> Element {
    let mut element = Element::new("component").with("type", from.kind.as_str());
    if let Some(reference) = &from.bom_ref {
        element = element.with("bom-ref", reference.as_str());
    }
    if let Some(supplier) = &from.supplier {
        let mut child = Element::new("supplier");
        child.push(Element::text("name", supplier.name.as_str()));
        element.push(child);
    }
    element.push_text("author", from.author.as_deref());
    element.push_text("publisher", from.publisher.as_deref());
    element.push_text("group", from.group.as_deref());
    element.push(Element::text("name", from.name.as_str()));
    element.push_text("version", from.version.as_deref());
    let hashes = from.hashes.iter();
    element.push_list(
        "hashes",
        hashes
            .map(|hash| Element::text("hash", hash.content.as_str()).with("alg", hash.alg.as_str()))
            .collect(),
    );
    let licenses = from.licenses.iter().map(|choice| match (&choice.expression, &choice.license) {
        (Some(expression), _) => Element::text("expression", expression.as_str()),
        (None, license) => {
            let mut child = Element::new("license");
            if let Some(license) = license {
                child.push_text("id", license.id.as_deref());
                child.push_text("name", license.name.as_deref());
            }
            child
        }
    });
    element.push_list("licenses", licenses.collect());
    element.push_text("cpe", from.cpe.as_deref());
    element.push_text("purl", from.purl.as_deref());
    if let Some(pedigree) = &from.pedigree {
        let mut child = Element::new("pedigree");
        child.push_list("ancestors", pedigree.ancestors.iter().map(component).collect());
        element.push(child);
    }
    element.push(properties(&from.properties));
    element.push_list("components", from.components.iter().map(component).collect());
    if let Some(evidence) = &from.evidence {
        let mut child = Element::new("evidence");
        let occurrences = evidence.occurrences.iter().map(|occurrence| {
            let mut child = Element::new("occurrence");
            child.push(Element::text("location", occurrence.location.as_str()));
            child
        });
        child.push_list("occurrences", occurrences.collect());
        element.push(child);
    }
    element
}

fn properties(properties: &[Property]) -> Option<Element> {
    let children: Vec<Element> = properties
        .iter()
        .map(|property| {
            Element::text("property", property.value.as_str()).with("name", property.name.as_str())
        })
        .collect();
    (!children.is_empty()).then(|| Element { children, ..Element::new("properties") })
}

fn source(source: &Source) -> Element {
    let mut element = Element::new("source");
    element.push_text("name", source.name.as_deref());
    element.push_text("url", source.url.as_deref());
    element
}

fn vulnerability(from: &Vulnerability) -> Element {
    let mut element = Element::new("vulnerability");
    if let Some(reference) = &from.bom_ref {
        element = element.with("bom-ref", reference.as_str());
    }
    element.push(Element::text("id", from.id.as_str()));
    element.push(from.source.as_ref().map(source));
    let references = from.references.iter().map(|reference| {
        let mut child = Element::new("reference");
        child.push(Element::text("id", reference.id.as_str()));
        // The schema asks for a source, whatever is known of it.
        child.push(source(reference.source.as_ref().unwrap_or(&Source::default())));
        child
    });
    element.push_list("references", references.collect());
    let ratings = from.ratings.iter().map(|rating| {
        let mut child = Element::new("rating");
        child.push(rating.source.as_ref().map(source));
        child.push_text("score", rating.score.map(|score| score.to_string()).as_deref());
        child.push_text("severity", rating.severity.as_deref());
        child.push_text("method", rating.method.as_deref());
        child.push_text("vector", rating.vector.as_deref());
        child
    });
    element.push_list("ratings", ratings.collect());
    element.push_text("description", from.description.as_deref());
    element.push_text("recommendation", from.recommendation.as_deref());
    element.push_text("published", from.published.as_deref());
    element.push_text("updated", from.updated.as_deref());
    if let Some(analysis) = &from.analysis {
        let mut child = Element::new("analysis");
        child.push_text("state", analysis.state.as_deref());
        child.push_text("justification", analysis.justification.as_deref());
        child.push_text("detail", analysis.detail.as_deref());
        child.push_text("firstIssued", analysis.first_issued.as_deref());
        child.push_text("lastUpdated", analysis.last_updated.as_deref());
        element.push(child);
    }
    let affects = from.affects.iter().map(|target| {
        let mut child = Element::new("target");
        child.push(Element::text("ref", target.reference.as_str()));
        let versions = target.versions.iter().map(|version| {
            let mut child = Element::new("version");
            child.push_text("version", version.version.as_deref());
            child.push_text("range", version.range.as_deref());
            child.push_text("status", version.status.as_deref());
            child
        });
        child.push_list("versions", versions.collect());
        child
    });
    element.push_list("affects", affects.collect());
    element.push(properties(&from.properties));
    element
}
