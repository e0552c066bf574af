//! The JSON of Syft (<https://github.com/anchore/syft/tree/main/schema/json>): its own format, which says more about packages than
//! the standards it also writes.

use crate::document::{Class, Component, Document, Tool};
use serde::Deserialize;
use std::collections::HashMap;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Syft {
    artifacts: Vec<Artifact>,
    artifact_relationships: Vec<Relationship>,
    source: Source,
    distro: Distro,
    descriptor: Descriptor,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Artifact {
    id: String,
    name: String,
    version: String,
    locations: Vec<Location>,
    licenses: serde_json::Value,
    cpes: serde_json::Value,
    purl: String,
    metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Location {
    path: String,
    #[serde(rename = "layerID")]
    layer_id: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Relationship {
    parent: String,
    child: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Source {
    name: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    metadata: serde_json::Value,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Distro {
    id: String,
    #[serde(rename = "versionID")]
    version_id: String,
    version_codename: String,
    pretty_name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Descriptor {
    name: String,
    version: String,
}

/// Returns what Syft found.
pub(crate) fn document(syft: Syft) -> Document {
    let mut subject = Component {
        class: if syft.source.kind == "image" { Class::Container } else { Class::Application },
        name: syft.source.name,
        version: syft.source.version,
        ..Component::default()
    };
    let text = |key: &str| syft.source.metadata.get(key).and_then(serde_json::Value::as_str);
    if let Some(input) = text("userInput") {
        subject.name = input.to_owned();
    }
    for (key, name) in
        [("manifestDigest", crate::property::MANIFEST_DIGEST), ("imageID", crate::property::IMAGE_ID)]
    {
        if let Some(digest) = text(key) {
            subject.set(name, digest);
        }
    }
    let layers = syft.source.metadata.get("layers").and_then(serde_json::Value::as_array);
    for (number, layer) in layers.into_iter().flatten().enumerate() {
        let digest = layer.get("digest").and_then(serde_json::Value::as_str).unwrap_or_default();
        subject.set(format!("{}{number}", crate::property::LAYER), digest);
    }
    let mut components = Vec::new();
    let mut indices: HashMap<String, u32> = HashMap::new();
    for (index, artifact) in (0..).zip(syft.artifacts) {
        indices.insert(artifact.id.clone(), index);
        components.push(component(artifact));
    }
    for relation in syft.artifact_relationships {
        // The child is what depends on the parent.
        if relation.kind == "dependency-of"
            && let (Some(parent), Some(child)) = (indices.get(&relation.parent), indices.get(&relation.child))
            && let Some(component) = components.get_mut(*child as usize)
        {
            component.depends_on.push(*parent);
        }
    }
    if !syft.distro.id.is_empty() {
        let mut os = Component {
            reference: "os".to_owned(),
            class: Class::OperatingSystem,
            name: syft.distro.id,
            version: syft.distro.version_id,
            ..Component::default()
        };
        os.set("syft:distro:versionCodename", syft.distro.version_codename);
        os.set("syft:distro:prettyName", syft.distro.pretty_name);
        components.push(os);
    }
    Document {
        tools: vec![Tool { vendor: None, name: syft.descriptor.name, version: syft.descriptor.version }],
        subject,
        components,
        ..Document::default()
    }
}

fn component(artifact: Artifact) -> Component {
    let texts = |value: &serde_json::Value, key: &str| -> Vec<String> {
        let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
        // Texts in older versions, objects in newer ones.
        let one = |entry: &serde_json::Value| {
            entry.as_str().or_else(|| entry.get(key).and_then(serde_json::Value::as_str)).map(str::to_owned)
        };
        list.iter().filter_map(one).filter(|text| !text.is_empty()).collect()
    };
    let mut component = Component {
        reference: artifact.id,
        name: artifact.name,
        version: artifact.version,
        purl: Some(artifact.purl).filter(|purl| !purl.is_empty()),
        cpes: texts(&artifact.cpes, "cpe"),
        licenses: texts(&artifact.licenses, "value"),
        ..Component::default()
    };
    for (number, location) in artifact.locations.into_iter().enumerate() {
        component.set(format!("syft:location:{number}:path"), location.path);
        if !location.layer_id.is_empty() {
            component.set(format!("syft:location:{number}:layerID"), location.layer_id);
        }
    }
    for (key, value) in artifact.metadata.into_iter().flatten() {
        if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
            match key.as_str() {
                "maintainer" | "vendor" => component.supplier = Some(text.to_owned()),
                "source" | "sourceVersion" | "sourceRpm" | "originPackage" | "modularityLabel" => {
                    component.set(format!("syft:metadata:{key}"), text);
                }
                _ => {}
            }
        }
    }
    component
}
