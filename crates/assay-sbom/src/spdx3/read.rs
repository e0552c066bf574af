//! From SPDX 3.0 to the neutral document.

use crate::document::{Class, Component, Document, File, Hash, Tool};
use crate::license::Names;
use crate::spdx2::from_model::{identity, restore, split_group};
use crate::spdx2::to_model::INCOMPLETE;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Returns what a document says; what refers to elements it does not hold is left out.
pub(crate) fn document(value: &Value) -> Document {
    let graph: Vec<&Map<String, Value>> = match value.get("@graph") {
        Some(Value::Array(elements)) => elements.iter().filter_map(Value::as_object).collect(),
        // A document of a single element needs no graph.
        _ => value.as_object().into_iter().collect(),
    };
    let by_id: HashMap<&str, &Map<String, Value>> =
        graph.iter().filter_map(|element| Some((id(element)?, *element))).collect();
    let root = root(&graph, &by_id);
    let mut names = Names::default();
    for element in graph.iter().filter(|element| kind(element) == "simplelicensing_SimpleLicensingText") {
        let reference = id(element).and_then(|id| id.rsplit(['#', '/']).next()).unwrap_or_default();
        let name = text(element, "name")
            .unwrap_or_else(|| text(element, "simplelicensing_licenseText").unwrap_or_default());
        names.0.insert(reference.to_owned(), name.to_owned());
    }
    let mut document = Document::default();
    let mut subject = None;
    let mut ids: Vec<&str> = Vec::new();
    let mut ancestors: Vec<(&str, Component)> = Vec::new();
    let relations: Vec<(&str, &str, Vec<&str>)> = graph
        .iter()
        .filter(|element| matches!(kind(element), "Relationship" | "LifecycleScopedRelationship"))
        .filter_map(|element| {
            Some((text(element, "from")?, text(element, "relationshipType")?, references(element.get("to"))))
        })
        .collect();
    let of_kind = |wanted: &'static str| relations.iter().filter(move |(_, kind, _)| *kind == wanted);
    let is_ancestor = |id: &str| {
        of_kind("descendantOf").any(|(from, _, to)| Some(*from) == root && to.contains(&id))
            || of_kind("ancestorOf").any(|(from, _, to)| *from == id && to.iter().any(|to| Some(*to) == root))
    };
    for element in graph.iter().filter(|element| matches!(kind(element), "software_Package")) {
        let Some(id) = id(element) else { continue };
        let component = component(element, &by_id);
        if Some(id) == root && subject.is_none() {
            subject = Some(component);
        } else if is_ancestor(id) {
            ancestors.push((id, component));
        } else {
            ids.push(id);
            document.components.push(component);
        }
    }
    let indices: HashMap<&str, u32> = ids.iter().copied().zip(0..).collect();
    for (from, _, to) in of_kind("dependsOn") {
        let Some(component) =
            indices.get(from).and_then(|index| document.components.get_mut(*index as usize))
        else {
            continue;
        };
        component.depends_on.extend(to.iter().filter_map(|to| indices.get(to)));
    }
    let contains = of_kind("contains").map(|(from, _, to)| (*from, to.as_slice()));
    document.files = files(&graph, contains, &indices);
    let mut declared: HashMap<&str, Vec<String>> = HashMap::new();
    for wanted in ["hasConcludedLicense", "hasDeclaredLicense"] {
        for (from, _, to) in of_kind(wanted) {
            let expressions = to
                .iter()
                .filter_map(|to| by_id.get(to))
                .filter_map(|element| text(element, "simplelicensing_licenseExpression"));
            let licenses: Vec<String> = expressions.flat_map(|it| names.licenses(it)).collect();
            if !licenses.is_empty() {
                declared.insert(*from, licenses);
            }
        }
    }
    let give = |id: Option<&str>, component: &mut Component| {
        if component.licenses.is_empty()
            && let Some(licenses) = id.and_then(|id| declared.get(id))
        {
            component.licenses.clone_from(licenses);
        }
    };
    for (id, component) in ids.iter().zip(&mut document.components) {
        give(Some(id), component);
    }
    if let Some(subject) = &mut subject {
        give(root, subject);
    }
    for (id, component) in &mut ancestors {
        give(Some(id), component);
    }
    document.ancestors = ancestors.into_iter().map(|(_, component)| component).collect();
    let own = graph.iter().find(|element| kind(element) == "SpdxDocument");
    document.subject = subject.unwrap_or_else(|| Component {
        name: own.and_then(|own| text(own, "name")).unwrap_or_default().to_owned(),
        ..Component::default()
    });
    let space = own.and_then(|own| id(own)).map(|id| id.rsplit_once('#').map_or(id, |(space, _)| space));
    document.identity = identity(space.unwrap_or_default());
    document.incomplete = own.and_then(|own| text(own, "comment")) == Some(INCOMPLETE);
    if let Some(creation) = graph.iter().find(|element| kind(element) == "CreationInfo") {
        document.created = text(creation, "created").and_then(|time| time.parse().ok());
        for id in references(creation.get("createdUsing")) {
            let Some(name) = by_id.get(id).and_then(|tool| text(tool, "name")) else { continue };
            let (name, version) = name
                .rsplit_once('-')
                .filter(|(_, version)| version.starts_with(|char: char| char.is_ascii_digit()))
                .unwrap_or((name, ""));
            document.tools.push(Tool { vendor: None, name: name.to_owned(), version: version.to_owned() });
        }
    }
    document
}

/// Returns the one package that a document is about: the root of its bill of materials.
fn root<'a>(
    graph: &[&'a Map<String, Value>],
    by_id: &HashMap<&str, &'a Map<String, Value>>,
) -> Option<&'a str> {
    let kinds = ["software_Sbom", "Bom", "SpdxDocument"];
    let holders =
        kinds.iter().flat_map(|wanted| graph.iter().filter(move |element| kind(element) == *wanted));
    for holder in holders {
        let packages: Vec<&str> = references(holder.get("rootElement"))
            .into_iter()
            .filter(|id| by_id.get(id).is_some_and(|element| kind(element) == "software_Package"))
            .collect();
        match packages.as_slice() {
            [one] if is_subject(by_id.get(one)) => return Some(one),
            [] => {}
            _ => return None,
        }
    }
    None
}

/// A document about one package that is itself part of an image describes that package.
fn is_subject(element: Option<&&Map<String, Value>>) -> bool {
    let Some(element) = element else { return false };
    let purl = text(element, "software_packageUrl").unwrap_or_default();
    let purpose = text(element, "software_primaryPurpose").unwrap_or_default();
    matches!(purpose, "container" | "operatingSystem" | "file")
        || purl.is_empty()
        || purl.starts_with("pkg:oci/")
        || purl.starts_with("pkg:docker/")
}

fn id(element: &Map<String, Value>) -> Option<&str> {
    text(element, "spdxId").or_else(|| text(element, "@id"))
}

fn kind(element: &Map<String, Value>) -> &str {
    text(element, "type").or_else(|| text(element, "@type")).unwrap_or_default()
}

fn text<'a>(element: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    element.get(key).and_then(Value::as_str)
}

/// One reference, or several.
fn references(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn objects<'a>(element: &'a Map<String, Value>, key: &str) -> Vec<&'a Map<String, Value>> {
    match element.get(key) {
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_object).collect(),
        Some(Value::Object(one)) => vec![one],
        _ => Vec::new(),
    }
}

/// Returns the files that packages contain.
fn files<'a>(
    graph: &[&'a Map<String, Value>],
    contains: impl Iterator<Item = (&'a str, &'a [&'a str])>,
    packages: &HashMap<&str, u32>,
) -> Vec<File> {
    let mut owners: HashMap<&str, Vec<u32>> = HashMap::new();
    for (from, to) in contains {
        if let Some(package) = packages.get(from) {
            to.iter().for_each(|to| owners.entry(to).or_default().push(*package));
        }
    }
    let owned = graph.iter().filter(|element| kind(element) == "software_File").filter_map(|element| {
        let mut owners = owners.remove(id(element)?)?;
        owners.sort_unstable();
        owners.dedup();
        Some(File {
            path: text(element, "name").unwrap_or_default().to_owned(),
            hashes: hashes(element),
            owners,
        })
    });
    let mut owned: Vec<File> = owned.collect();
    owned.sort();
    owned
}

fn hashes(element: &Map<String, Value>) -> Vec<Hash> {
    let hash = |hash: &Map<String, Value>| {
        let algorithm = text(hash, "algorithm")?.to_uppercase().replace('_', "-");
        let algorithm = match algorithm.strip_prefix("SHA") {
            Some(bits) if !bits.contains('-') => format!("SHA-{bits}"),
            _ => algorithm,
        };
        Some(Hash { algorithm, hex: text(hash, "hashValue")?.to_owned() })
    };
    objects(element, "verifiedUsing").into_iter().filter_map(hash).collect()
}

fn component(element: &Map<String, Value>, by_id: &HashMap<&str, &Map<String, Value>>) -> Component {
    let identifiers = objects(element, "externalIdentifier");
    let identifier = |wanted: &str| {
        let wanted = wanted.to_owned();
        identifiers
            .iter()
            .filter(move |one| text(one, "externalIdentifierType") == Some(&wanted))
            .filter_map(|one| text(one, "identifier"))
            .map(str::to_owned)
            .collect::<Vec<String>>()
    };
    let purl = text(element, "software_packageUrl")
        .map(str::to_owned)
        .or_else(|| identifier("packageURL").into_iter().chain(identifier("packageUrl")).next());
    let (group, name) = split_group(text(element, "name").unwrap_or_default(), purl.as_deref());
    let supplier = references(element.get("suppliedBy"));
    let supplier = supplier.first().and_then(|id| by_id.get(id)).and_then(|agent| text(agent, "name"));
    let mut cpes = identifier("cpe23");
    cpes.extend(identifier("cpe22"));
    let mut component = Component {
        reference: id(element).unwrap_or_default().to_owned(),
        class: match text(element, "software_primaryPurpose").unwrap_or_default() {
            "container" => Class::Container,
            "operatingSystem" => Class::OperatingSystem,
            "application" => Class::Application,
            "" | "library" | "framework" | "source" | "install" | "archive" => Class::Library,
            "file" => Class::File,
            _ => Class::Other,
        },
        group,
        name,
        version: text(element, "software_packageVersion").unwrap_or_default().to_owned(),
        purl,
        cpes,
        supplier: supplier.filter(|name| !name.is_empty()).map(str::to_owned),
        hashes: hashes(element),
        ..Component::default()
    };
    let properties = objects(element, "extension")
        .into_iter()
        .flat_map(|extension| objects(extension, "extension_cdxProperty"))
        .filter_map(|one| {
            let value = text(one, "extension_cdxPropValue").unwrap_or_default();
            Some((text(one, "extension_cdxPropName")?.to_owned(), value.to_owned()))
        })
        .collect();
    restore(&mut component, properties);
    component
}
