//! From CycloneDX of any version to the neutral document.

use super::model::{Bom, Component, Metadata};
use crate::document::{self, Class, Document, File, Hash, Tool};
use crate::property;
use serde_json::Value;
use std::collections::HashMap;

/// Returns what a CycloneDX document says. Components within components become components of the subject.
pub(crate) fn document(bom: Bom) -> Document {
    let Metadata { timestamp, tools: made_with, component: subject, .. } = bom.metadata.unwrap_or_default();
    let mut subject = subject.unwrap_or_default();
    let ancestors = std::mem::take(&mut subject.pedigree).unwrap_or_default().ancestors;
    let mut components = Vec::new();
    let mut nested = std::mem::take(&mut subject.components);
    let subject = component(subject);
    nested.extend(bom.components);
    // Depth first, in the order of the document; the reader of JSON bounds how deep they are nested.
    nested.reverse();
    let mut files: Vec<(u32, Component)> = Vec::new();
    let mut owner = 0;
    while let Some(mut next) = nested.pop() {
        // A file within a component is one of its files; one by itself is a component.
        let (own, mut inner): (Vec<_>, Vec<_>) =
            std::mem::take(&mut next.components).into_iter().partition(is_file);
        files.extend(own.into_iter().map(|file| (owner, file)));
        inner.reverse();
        nested.append(&mut inner);
        components.push(component(next));
        owner += 1;
    }
    let mut indices: HashMap<String, u32> = HashMap::new();
    for (index, component) in (0..).zip(&components) {
        if !component.reference.is_empty() {
            indices.entry(component.reference.clone()).or_insert(index);
        }
    }
    let files = files.into_iter().map(|(owner, file)| self::file(owner, file, &indices));
    let mut files: Vec<File> = files.collect();
    files.sort();
    for dependency in bom.dependencies {
        let Some(component) =
            indices.get(&dependency.reference).and_then(|index| components.get_mut(*index as usize))
        else {
            continue;
        };
        component.depends_on.extend(dependency.depends_on.iter().filter_map(|name| indices.get(name)));
    }
    Document {
        identity: bom
            .serial_number
            .map(|serial| serial.strip_prefix("urn:uuid:").unwrap_or(&serial).to_owned())
            .unwrap_or_default(),
        created: timestamp.and_then(|time| time.parse().ok()),
        tools: tools(made_with.as_ref()),
        ancestors: ancestors.into_iter().map(component).collect(),
        incomplete: bom.compositions.iter().any(|one| {
            one.aggregate.starts_with("incomplete") && one.assemblies.contains(&subject.reference)
        }),
        subject,
        components,
        files,
    }
}

/// Returns whether a component is nothing but a file: what has a package URL, a version or a licence of its own is judged by itself.
fn is_file(component: &Component) -> bool {
    component.kind == "file"
        && component.components.is_empty()
        && component.purl.is_none()
        && component.cpe.is_none()
        && component.version.as_deref().is_none_or(str::is_empty)
        && component.licenses.is_empty()
}

fn file(owner: u32, from: Component, indices: &HashMap<String, u32>) -> File {
    let others = from.properties.iter().filter(|property| property.name == property::FILE_OWNER);
    let mut owners: Vec<u32> = others.filter_map(|other| indices.get(&other.value).copied()).collect();
    owners.push(owner);
    owners.sort_unstable();
    owners.dedup();
    File { path: from.name, hashes: hashes(from.hashes), owners }
}

fn hashes(hashes: Vec<super::model::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| Hash { algorithm: hash.alg, hex: hash.content }).collect()
}

fn tools(value: Option<&Value>) -> Vec<Tool> {
    let list = match value {
        Some(Value::Array(list)) => list,
        Some(Value::Object(object)) => match object.get("components") {
            Some(Value::Array(list)) => list,
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    list.iter()
        .map(|tool| Tool {
            vendor: text(tool, "vendor").or_else(|| text(tool, "publisher")).or_else(|| text(tool, "group")),
            name: text(tool, "name").unwrap_or_default(),
            version: text(tool, "version").unwrap_or_default(),
        })
        .collect()
}

fn component(from: Component) -> document::Component {
    let (properties, extra) = split_locations(
        from.properties.into_iter().map(|property| (property.name, property.value)).collect(),
    );
    let mut locations: Vec<String> =
        from.evidence.unwrap_or_default().occurrences.into_iter().map(|one| one.location).collect();
    locations.extend(extra);
    document::Component {
        reference: from.bom_ref.unwrap_or_default(),
        class: match from.kind.as_str() {
            "container" => Class::Container,
            "operating-system" => Class::OperatingSystem,
            "application" => Class::Application,
            "library" | "framework" | "platform" => Class::Library,
            "file" => Class::File,
            _ => Class::Other,
        },
        group: from.group.filter(|group| !group.is_empty()),
        name: from.name,
        version: from.version.unwrap_or_default(),
        purl: from.purl.filter(|purl| !purl.is_empty()),
        cpes: from.cpe.into_iter().filter(|cpe| !cpe.is_empty()).collect(),
        supplier: from
            .supplier
            .map(|supplier| supplier.name)
            .or(from.publisher)
            .or(from.author)
            .filter(|name| !name.is_empty()),
        licenses: from
            .licenses
            .into_iter()
            .filter_map(|choice| {
                choice.expression.or_else(|| {
                    let license = choice.license?;
                    license.id.or(license.name)
                })
            })
            .filter(|text| !text.is_empty())
            .collect(),
        hashes: hashes(from.hashes),
        locations,
        properties,
        depends_on: Vec::new(),
    }
}

/// Takes the paths of places out of the properties, where the format has no field for them.
pub(crate) fn split_locations(properties: Vec<(String, String)>) -> (Vec<(String, String)>, Vec<String>) {
    let (paths, rest): (Vec<_>, Vec<_>) = properties
        .into_iter()
        .partition(|(name, _)| matches!(property::numbered(name, property::LOCATION), Some((_, "path"))));
    (rest, paths.into_iter().map(|(_, path)| path).collect())
}
