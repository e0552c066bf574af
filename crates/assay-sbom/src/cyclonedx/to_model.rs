//! From the neutral document to CycloneDX of one version.

use super::Version;
use super::model::{
    Bom, Component, Composition, Dependency, Entity, Evidence, Hash, License, LicenseChoice, Metadata,
    Occurrence, Pedigree, Property,
};
use crate::document::{self, Class, Document, File};
use crate::{identity, license, property};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Returns the document in the shape of `version`; without vulnerabilities.
pub(crate) fn bom(document: &Document, version: Version) -> Bom {
    let reference =
        |index: &u32| document.components.get(*index as usize).map(|component| component.reference.clone());
    let mut dependencies = vec![Dependency {
        reference: document.subject.reference.clone(),
        depends_on: document.roots().iter().filter_map(reference).collect(),
    }];
    dependencies.extend(document.components.iter().map(|component| Dependency {
        reference: component.reference.clone(),
        depends_on: component.depends_on.iter().filter_map(reference).collect(),
    }));
    let mut subject = component(&document.subject, version);
    if !document.ancestors.is_empty() {
        let ancestors = document.ancestors.iter().map(|one| component(one, version)).collect();
        subject.pedigree = Some(Pedigree { ancestors });
    }
    let mut components: Vec<Component> =
        document.components.iter().map(|one| component(one, version)).collect();
    let mut references: HashSet<String> =
        components.iter().filter_map(|component| component.bom_ref.clone()).collect();
    for file in &document.files {
        let owner = file.owners.first().and_then(|owner| components.get_mut(usize::try_from(*owner).ok()?));
        if let Some(owner) = owner {
            let reference = format!("{FILE}{}", file.path);
            let mut file = self::file(file, document);
            // Nothing refers to it, but two of a kind are not valid.
            file.bom_ref = references.insert(reference.clone()).then_some(reference);
            owner.components.push(file);
        }
    }
    Bom {
        schema: Some(format!("http://cyclonedx.org/schema/bom-{version}.schema.json")),
        bom_format: "CycloneDX".to_owned(),
        spec_version: version.to_string(),
        serial_number: Some(format!("urn:uuid:{}", identity::as_uuid(&document.identity))),
        version: Some(1),
        metadata: Some(Metadata {
            timestamp: document.created.map(|time| time.to_string()),
            tools: Some(tools(document, version)),
            component: Some(subject),
            ..Metadata::default()
        }),
        components,
        dependencies,
        compositions: document
            .incomplete
            .then(|| Composition {
                aggregate: "incomplete".to_owned(),
                assemblies: vec![document.subject.reference.clone()],
            })
            .into_iter()
            .collect(),
        vulnerabilities: Vec::new(),
    }
}

/// Returns a file as a component within the one it belongs to; should there be others, properties name them.
fn file(from: &File, document: &Document) -> Component {
    let others = from.owners.iter().skip(1).filter_map(|owner| document.components.get(*owner as usize));
    let other = |owner: &document::Component| Property {
        name: property::FILE_OWNER.to_owned(),
        value: owner.reference.clone(),
    };
    Component {
        kind: "file".to_owned(),
        name: from.path.clone(),
        hashes: hashes(&from.hashes),
        properties: others.map(other).collect(),
        ..Component::default()
    }
}

/// What the references of files start with.
const FILE: &str = "file:";

fn hashes(hashes: &[document::Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash { alg: hash.algorithm.clone(), content: hash.hex.clone() }).collect()
}

fn tools(document: &Document, version: Version) -> Value {
    let tools = document.tools.iter().map(|tool| {
        let mut value = json!({ "name": tool.name });
        if version >= Version::V1_5 {
            crate::json::put(&mut value, "type", "application");
        }
        let vendor = if version >= Version::V1_5 { "publisher" } else { "vendor" };
        if let Some(name) = &tool.vendor {
            crate::json::put(&mut value, vendor, name.as_str());
        }
        if !tool.version.is_empty() {
            crate::json::put(&mut value, "version", tool.version.as_str());
        }
        value
    });
    let tools: Vec<Value> = tools.collect();
    if version >= Version::V1_5 { json!({ "components": tools }) } else { tools.into() }
}

fn component(from: &document::Component, version: Version) -> Component {
    let mut properties: Vec<Property> = from
        .properties
        .iter()
        .map(|(name, value)| Property { name: name.clone(), value: value.clone() })
        .collect();
    let mut evidence = None;
    if version >= Version::V1_5 {
        let occurrences: Vec<Occurrence> =
            from.locations.iter().map(|path| Occurrence { location: path.clone() }).collect();
        evidence = (!occurrences.is_empty()).then_some(Evidence { occurrences });
    } else {
        for (number, path) in from.locations.iter().enumerate() {
            let name = format!("{}{number}:path", property::LOCATION);
            properties.push(Property { name, value: path.clone() });
        }
    }
    Component {
        kind: match from.class {
            Class::Container => "container",
            Class::OperatingSystem => "operating-system",
            Class::Application => "application",
            Class::Library => "library",
            Class::File => "file",
            Class::Other => "firmware",
        }
        .to_owned(),
        bom_ref: Some(from.reference.clone()).filter(|reference| !reference.is_empty()),
        supplier: from.supplier.clone().map(|name| Entity { name }),
        group: from.group.clone(),
        name: from.name.clone(),
        version: (!from.version.is_empty()).then(|| from.version.clone()),
        hashes: hashes(&from.hashes),
        licenses: licenses(&from.licenses),
        cpe: from.cpes.first().cloned(),
        purl: from.purl.clone(),
        evidence,
        properties,
        ..Component::default()
    }
}

/// One expression may stand alone; several licences are identifiers or names, as versions before 1.7 do not mix them.
fn licenses(licenses: &[String]) -> Vec<LicenseChoice> {
    if let [one] = licenses
        && !license::is_identifier(one)
        && license::is_expression(one)
    {
        return vec![LicenseChoice { expression: Some(one.clone()), license: None }];
    }
    let choice = |text: &String| {
        let license = if license::is_identifier(text) {
            License { id: Some(text.clone()), name: None }
        } else {
            License { id: None, name: Some(text.clone()) }
        };
        LicenseChoice { license: Some(license), expression: None }
    };
    licenses.iter().filter(|text| !text.is_empty()).map(choice).collect()
}
