//! From the neutral document to SPDX 3.0.1.

use super::CONTEXT;
use crate::document::{Class, Component, Document, File, Hash};
use crate::license::Names;
use crate::property;
use crate::spdx2::to_model::namespace;
use assay_model::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What every element refers to for who made it and when.
const CREATION: &str = "_:creation";

/// Returns the document.
pub(crate) fn document(document: &Document) -> Value {
    let mut graph = Graph { namespace: namespace(document), elements: Vec::new(), names: Names::default() };
    let agent = graph.id("agent");
    let tools: Vec<String> =
        (0..document.tools.len()).map(|index| graph.id(&format!("tool-{index}"))).collect();
    graph.elements.push(json!({
        "type": "CreationInfo",
        "@id": CREATION,
        "specVersion": "3.0.1",
        "created": document.created.unwrap_or(Timestamp(0)).to_string(),
        "createdBy": [agent],
        "createdUsing": tools,
    }));
    graph.add("agent", json!({ "type": "SoftwareAgent", "name": "assay" }));
    for (index, tool) in document.tools.iter().enumerate() {
        let name = if tool.version.is_empty() {
            tool.name.clone()
        } else {
            format!("{}-{}", tool.name, tool.version)
        };
        graph.add(&format!("tool-{index}"), json!({ "type": "Tool", "name": name }));
    }
    let mut suppliers: BTreeMap<String, String> = BTreeMap::new();
    let mut licenses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let all = || {
        let subject = std::iter::once(("subject".to_owned(), &document.subject));
        let ancestors = document.ancestors.iter().enumerate().map(|(at, one)| (format!("base-{at}"), one));
        let components =
            document.components.iter().enumerate().map(|(at, one)| (format!("package-{at}"), one));
        subject.chain(ancestors).chain(components)
    };
    for (id, component) in all() {
        if let Some(supplier) = &component.supplier
            && !suppliers.contains_key(supplier)
        {
            let agent = format!("supplier-{}", suppliers.len());
            suppliers.insert(supplier.clone(), graph.id(&agent));
            graph.add(&agent, json!({ "type": "Organization", "name": supplier }));
        }
        let mut extra = Vec::new();
        if let Some(expression) = graph.names.expression(&component.licenses) {
            if graph.names.licenses(&expression) != component.licenses {
                extra.extend(component.licenses.iter().map(|it| (property::LICENSE.to_owned(), it.clone())));
            }
            licenses.entry(expression).or_default().push(id.clone());
        }
        let supplier = component.supplier.as_ref().and_then(|name| suppliers.get(name));
        graph.add(&id, package(component, supplier, extra));
    }
    let mut number = 0;
    let mut relate = |graph: &mut Graph, from: &str, kind: &str, to: Vec<String>| {
        if to.is_empty() {
            return;
        }
        let (from, to): (_, Vec<String>) = (graph.id(from), to.iter().map(|id| graph.id(id)).collect());
        graph.add(
            &format!("relationship-{number}"),
            json!({ "type": "Relationship", "from": from, "relationshipType": kind, "to": to }),
        );
        number += 1;
    };
    let package_id = |index: usize| format!("package-{index}");
    let contained = (0..document.components.len()).map(package_id).collect();
    relate(&mut graph, "subject", "contains", contained);
    let mut contents: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (number, file) in document.files.iter().enumerate() {
        let id = format!("file-{number}");
        graph.add(&id, self::file(file));
        for owner in &file.owners {
            contents.entry(*owner as usize).or_default().push(id.clone());
        }
    }
    for (owner, files) in contents {
        relate(&mut graph, &package_id(owner), "contains", files);
    }
    let bases = (0..document.ancestors.len()).map(|index| format!("base-{index}")).collect();
    relate(&mut graph, "subject", "descendantOf", bases);
    for (index, component) in document.components.iter().enumerate() {
        let known = component.depends_on.iter().filter(|to| (**to as usize) < document.components.len());
        let to = known.map(|to| package_id(*to as usize)).collect();
        relate(&mut graph, &package_id(index), "dependsOn", to);
    }
    for (number, (expression, owners)) in licenses.iter().enumerate() {
        let id = format!("license-{number}");
        for owner in owners {
            relate(&mut graph, owner, "hasDeclaredLicense", vec![id.clone()]);
        }
        let custom = graph.custom(expression);
        let mut element = json!({ "type": "simplelicensing_LicenseExpression", "simplelicensing_licenseExpression": expression });
        if !custom.is_empty() {
            crate::json::put(&mut element, "simplelicensing_customIdToUri", custom);
        }
        graph.add(&id, element);
    }
    for (reference, name) in std::mem::take(&mut graph.names.0) {
        graph.add(
            &reference,
            json!({
                "type": "simplelicensing_SimpleLicensingText",
                "name": name,
                "simplelicensing_licenseText": name,
            }),
        );
    }
    let elements: Vec<Value> =
        graph.elements.iter().filter_map(|element| element.get("spdxId").cloned()).collect();
    let root = vec![graph.id("subject")];
    graph.add(
        "sbom",
        json!({
            "type": "software_Sbom",
            "rootElement": root,
            "element": elements,
            "software_sbomType": ["analyzed"],
        }),
    );
    let root = vec![graph.id("sbom")];
    let mut elements = elements;
    elements.extend(root.iter().map(|id| Value::from(id.as_str())));
    let mut element = json!({
        "type": "SpdxDocument",
        "name": document.subject.name,
        "rootElement": root,
        "element": elements,
        "profileConformance": ["core", "software", "simpleLicensing"],
    });
    if document.incomplete {
        crate::json::put(&mut element, "comment", crate::spdx2::to_model::INCOMPLETE);
    }
    graph.add("document", element);
    json!({ "@context": CONTEXT, "@graph": graph.elements })
}

struct Graph {
    namespace: String,
    elements: Vec<Value>,
    names: Names,
}

impl Graph {
    fn id(&self, local: &str) -> String {
        format!("{}#{local}", self.namespace)
    }

    fn add(&mut self, local: &str, mut element: Value) {
        crate::json::put(&mut element, "spdxId", self.id(local));
        crate::json::put(&mut element, "creationInfo", CREATION);
        self.elements.push(element);
    }

    /// Returns where the texts of the references in an expression are.
    fn custom(&self, expression: &str) -> Vec<Value> {
        let words: Vec<&str> = expression.split([' ', '(', ')']).collect();
        let used = self.names.0.keys().filter(|reference| words.contains(&reference.as_str()));
        used.map(
            |reference| json!({ "type": "DictionaryEntry", "key": reference, "value": self.id(reference) }),
        )
        .collect()
    }
}

fn file(file: &File) -> Value {
    let mut element = json!({ "type": "software_File", "name": file.path });
    crate::json::put(&mut element, "verifiedUsing", hashes(&file.hashes));
    element
}

fn hashes(hashes: &[Hash]) -> Vec<Value> {
    let hash = |hash: &Hash| {
        // `SHA-256` is `sha256` here, `SHA3-256` is `sha3_256`.
        let algorithm = hash.algorithm.to_lowercase().replace("sha-", "sha").replace('-', "_");
        json!({ "type": "Hash", "algorithm": algorithm, "hashValue": hash.hex })
    };
    hashes.iter().map(hash).collect()
}

fn package(component: &Component, supplier: Option<&String>, extra: Vec<(String, String)>) -> Value {
    let mut properties = component.properties.clone();
    properties.extend(extra);
    for (number, path) in component.locations.iter().enumerate() {
        properties.push((format!("{}{number}:path", property::LOCATION), path.clone()));
    }
    let name = component.full_name();
    let mut element = json!({
        "type": "software_Package",
        "name": if name.is_empty() { "unnamed" } else { &name },
        "software_primaryPurpose": match component.class {
            Class::Container => "container",
            Class::OperatingSystem => "operatingSystem",
            Class::Application => "application",
            Class::Library => "library",
            Class::File => "file",
            Class::Other => "other",
        },
    });
    if !component.version.is_empty() {
        crate::json::put(&mut element, "software_packageVersion", component.version.as_str());
    }
    if let Some(purl) = &component.purl {
        crate::json::put(&mut element, "software_packageUrl", purl.as_str());
    }
    if let Some(supplier) = supplier {
        crate::json::put(&mut element, "suppliedBy", supplier.as_str());
    }
    let hashes = hashes(&component.hashes);
    if !hashes.is_empty() {
        crate::json::put(&mut element, "verifiedUsing", hashes);
    }
    let identifiers: Vec<Value> = component
        .cpes
        .iter()
        .map(|cpe| json!({ "type": "ExternalIdentifier", "externalIdentifierType": "cpe23", "identifier": cpe }))
        .collect();
    if !identifiers.is_empty() {
        crate::json::put(&mut element, "externalIdentifier", identifiers);
    }
    if !properties.is_empty() {
        let entries: Vec<Value> = properties
            .iter()
            .map(|(name, value)| {
                json!({
                    "type": "extension_CdxPropertyEntry",
                    "extension_cdxPropName": name,
                    "extension_cdxPropValue": value,
                })
            })
            .collect();
        crate::json::put(
            &mut element,
            "extension",
            json!([{ "type": "extension_CdxPropertiesExtension", "extension_cdxProperty": entries }]),
        );
    }
    element
}
