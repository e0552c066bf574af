//! From SPDX 2.2 or 2.3 to the neutral document.

use super::model::{Annotation, Checksum, Package, Relationship, Spdx};
use super::to_model::{INCOMPLETE, NAMESPACE};
use super::{DOCUMENT, PROPERTIES};
use crate::cyclonedx::from_model::split_locations;
use crate::document::{Class, Component, Document, File, Hash, Tool};
use crate::license::Names;
use crate::property;
use assay_model::Purl;
use std::collections::HashMap;

/// Returns what an SPDX document says.
///
/// The package it describes is the subject; a document that describes several, or none, has a subject without a version, named
/// like the document.
pub(crate) fn document(spdx: Spdx) -> Document {
    let names = Names(
        spdx.has_extracted_licensing_infos
            .into_iter()
            .map(|license| {
                let text = license.name.filter(|name| !matches!(name.as_str(), "" | "NOASSERTION" | "NONE"));
                (license.license_id, text.unwrap_or(license.extracted_text))
            })
            .collect(),
    );
    let mut described: Vec<&str> = spdx.document_describes.iter().map(String::as_str).collect();
    for relation in &spdx.relationships {
        let (from, to) = (relation.spdx_element_id.as_str(), relation.related_spdx_element.as_str());
        match relation.relationship_type.as_str() {
            "DESCRIBES" if from == DOCUMENT => described.push(to),
            "DESCRIBED_BY" if to == DOCUMENT => described.push(from),
            _ => {}
        }
    }
    described.sort_unstable();
    described.dedup();
    let subject_id = match described.as_slice() {
        [one] => Some((*one).to_owned()),
        _ => None,
    };
    let ancestor_ids: Vec<String> = spdx
        .relationships
        .iter()
        .filter(|one| {
            one.relationship_type == "DESCENDANT_OF" && Some(&one.spdx_element_id) == subject_id.as_ref()
        })
        .map(|one| one.related_spdx_element.clone())
        .collect();
    let mut subject = None;
    let mut ancestors = Vec::new();
    let mut components = Vec::new();
    let mut listed: Vec<(String, Vec<String>)> = Vec::new();
    for mut package in spdx.packages {
        let id = package.id.clone();
        listed.push((id.clone(), std::mem::take(&mut package.has_files)));
        let component = component(package, &names);
        if subject.is_none() && Some(&id) == subject_id.as_ref() && is_subject(&component) {
            subject = Some(component);
        } else if ancestor_ids.contains(&id) {
            ancestors.push(component);
        } else {
            components.push(component);
        }
    }
    let indices: HashMap<String, u32> =
        (0..).zip(&components).map(|(index, component)| (component.reference.clone(), index)).collect();
    for relation in &spdx.relationships {
        let (from, to) = match relation.relationship_type.as_str() {
            "DEPENDS_ON" => (&relation.spdx_element_id, &relation.related_spdx_element),
            "DEPENDENCY_OF" | "RUNTIME_DEPENDENCY_OF" => {
                (&relation.related_spdx_element, &relation.spdx_element_id)
            }
            _ => continue,
        };
        if let (Some(from), Some(to)) = (indices.get(from), indices.get(to))
            && let Some(component) = components.get_mut(*from as usize)
        {
            component.depends_on.push(*to);
        }
    }
    let files = files(spdx.files, &spdx.relationships, &listed, &indices);
    let info = spdx.creation_info;
    let tool = |creator: &String| {
        let name = creator.strip_prefix("Tool:")?.trim();
        let (name, version) = name
            .rsplit_once('-')
            .filter(|(_, version)| {
                version.trim_start_matches('v').starts_with(|it: char| it.is_ascii_digit())
            })
            .unwrap_or((name, ""));
        Some(Tool { vendor: None, name: name.to_owned(), version: version.to_owned() })
    };
    Document {
        identity: identity(&spdx.document_namespace),
        created: info.created.parse().ok(),
        tools: info.creators.iter().filter_map(tool).collect(),
        subject: subject.unwrap_or(Component { name: spdx.name, ..Component::default() }),
        ancestors,
        components,
        files,
        incomplete: info.comment.as_deref() == Some(INCOMPLETE),
    }
}

/// Returns the files that packages contain.
fn files(
    files: Vec<super::model::File>,
    relationships: &[Relationship],
    listed: &[(String, Vec<String>)],
    packages: &HashMap<String, u32>,
) -> Vec<File> {
    let mut owners: HashMap<&str, Vec<u32>> = HashMap::new();
    for (package, files) in listed {
        if let Some(package) = packages.get(package) {
            files.iter().for_each(|file| owners.entry(file).or_default().push(*package));
        }
    }
    for relation in relationships {
        let (from, to) = match relation.relationship_type.as_str() {
            "CONTAINS" => (&relation.spdx_element_id, &relation.related_spdx_element),
            "CONTAINED_BY" => (&relation.related_spdx_element, &relation.spdx_element_id),
            _ => continue,
        };
        if let Some(package) = packages.get(from) {
            owners.entry(to).or_default().push(*package);
        }
    }
    let owned = files.into_iter().filter_map(|file| {
        let mut owners = owners.remove(file.id.as_str())?;
        owners.sort_unstable();
        owners.dedup();
        let path = file.file_name.strip_prefix("./").unwrap_or(&file.file_name);
        Some(File { path: path.to_owned(), hashes: hashes(file.checksums), owners })
    });
    let mut owned: Vec<File> = owned.collect();
    owned.sort();
    owned
}

fn hashes(checksums: Vec<Checksum>) -> Vec<Hash> {
    let hash = |one: Checksum| Hash {
        // `SHA256`, but `SHA3-256`.
        algorithm: match one.algorithm.strip_prefix("SHA") {
            Some(rest) if !rest.contains('-') => format!("SHA-{rest}"),
            _ => one.algorithm,
        },
        hex: one.checksum_value,
    };
    checksums.into_iter().map(hash).collect()
}

/// Returns what identifies a document, without what all of Assay's start with.
pub(crate) fn identity(namespace: &str) -> String {
    namespace.strip_prefix(NAMESPACE).unwrap_or(namespace).to_owned()
}

/// A document about one package, as vendors ship them, describes that very package: it is part of what there is.
fn is_subject(component: &Component) -> bool {
    match component.class {
        Class::Container | Class::OperatingSystem | Class::File => true,
        Class::Application | Class::Library | Class::Other => component
            .purl
            .as_deref()
            .is_none_or(|purl| purl.starts_with("pkg:oci/") || purl.starts_with("pkg:docker/")),
    }
}

/// Reads who supplied something.
pub(crate) fn actor(text: &str) -> Option<String> {
    let text = text.trim();
    if matches!(text, "" | "NOASSERTION" | "NONE") {
        return None;
    }
    let name =
        ["Organization:", "Person:"].into_iter().find_map(|kind| text.strip_prefix(kind)).unwrap_or(text);
    let name = name.trim();
    let with_address = name.rsplit_once(" (").and_then(|(name, rest)| Some((name, rest.strip_suffix(')')?)));
    Some(match with_address {
        Some((name, "")) => name.to_owned(),
        Some((name, address)) if address.contains('@') => format!("{name} <{address}>"),
        _ => name.to_owned(),
    })
    .filter(|name| !name.is_empty())
}

/// Reads properties out of annotations.
pub(crate) fn properties<'a>(comments: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    comments
        .filter_map(|comment| comment.trim().strip_prefix(PROPERTIES))
        .filter_map(|json| serde_json::from_str::<Vec<(String, String)>>(json).ok())
        .flatten()
        .collect()
}

/// Applies the properties that stand in for what the format's own fields could not carry.
pub(crate) fn restore(component: &mut Component, properties: Vec<(String, String)>) {
    let (properties, locations) = split_locations(properties);
    component.locations.extend(locations);
    let (licenses, rest): (Vec<_>, Vec<_>) =
        properties.into_iter().partition(|(name, _)| name == property::LICENSE);
    if !licenses.is_empty() {
        component.licenses = licenses.into_iter().map(|(_, license)| license).collect();
    }
    let (vendors, rest): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|(name, value)| name == property::VENDOR && !value.is_empty());
    component.properties = rest;
    if let Some((_, vendor)) = vendors.into_iter().next() {
        component.supplier = Some(vendor);
    }
}

/// Takes group and name apart where the purl tells where the one ends.
pub(crate) fn split_group(name: &str, purl: Option<&str>) -> (Option<String>, String) {
    let whole = || (None, name.to_owned());
    let Some(purl) = purl.and_then(|purl| purl.parse::<Purl>().ok()) else { return whole() };
    let Some(namespace) =
        purl.namespace.filter(|_| !matches!(purl.kind.as_str(), "golang" | "swift" | "github" | "terraform"))
    else {
        return whole();
    };
    let Some((group, rest)) = name.split_at_checked(namespace.len()) else { return whole() };
    match rest.strip_prefix(['/', ':']) {
        Some(rest) if group.eq_ignore_ascii_case(&namespace) && !rest.is_empty() => {
            (Some(group.to_owned()), rest.to_owned())
        }
        _ => whole(),
    }
}

fn component(package: Package, names: &Names) -> Component {
    let reference = |kind: &'static str| {
        let refs = package.external_refs.iter().filter(move |one| one.reference_type == kind);
        refs.map(|one| one.reference_locator.clone())
    };
    let purl = reference("purl").next();
    let (group, name) = split_group(&package.name, purl.as_deref());
    let cpes = reference("cpe23Type").chain(reference("cpe22Type")).collect();
    let declared = package.license_declared.as_deref().map(|text| names.licenses(text)).unwrap_or_default();
    let concluded = package.license_concluded.as_deref().map(|text| names.licenses(text)).unwrap_or_default();
    let purpose = package.primary_package_purpose.as_deref().unwrap_or_default();
    let mut component = Component {
        reference: package.id,
        class: match purpose {
            "CONTAINER" => Class::Container,
            "OPERATING-SYSTEM" | "OPERATING_SYSTEM" => Class::OperatingSystem,
            "APPLICATION" => Class::Application,
            "FILE" => Class::File,
            "" | "LIBRARY" | "FRAMEWORK" | "SOURCE" | "INSTALL" | "ARCHIVE" => Class::Library,
            _ => Class::Other,
        },
        group,
        name,
        version: package.version_info.unwrap_or_default(),
        purl,
        cpes,
        supplier: package
            .supplier
            .as_deref()
            .and_then(actor)
            .or_else(|| package.originator.as_deref().and_then(actor)),
        licenses: if declared.is_empty() { concluded } else { declared },
        hashes: hashes(package.checksums),
        ..Component::default()
    };
    if purl_class_is_image(component.purl.as_deref()) {
        component.class = Class::Container;
    }
    let comments = package.annotations.iter().map(|annotation: &Annotation| annotation.comment.as_str());
    foreign(&mut component, package.source_info.as_deref(), package.annotations.iter());
    let properties = properties(comments);
    let foreign = std::mem::take(&mut component.properties);
    restore(&mut component, properties);
    component.properties.extend(foreign);
    component
}

fn purl_class_is_image(purl: Option<&str>) -> bool {
    purl.is_some_and(|purl| purl.starts_with("pkg:oci/") || purl.starts_with("pkg:docker/"))
}

/// Reads what Trivy writes into annotations (`LayerDiffID: sha256:…`, `PkgType: debian`) and source information
/// (`built package from: openssl 3.0.11-1`).
fn foreign<'a>(
    component: &mut Component,
    source_info: Option<&str>,
    annotations: impl Iterator<Item = &'a Annotation>,
) {
    for annotation in annotations {
        if !annotation.annotator.contains("trivy") {
            continue;
        }
        if let Some((name, value)) = annotation.comment.split_once(": ")
            && name.chars().all(|char| char.is_ascii_alphanumeric())
        {
            component.set(format!("aquasecurity:trivy:{name}"), value.trim());
        }
    }
    let built = source_info.and_then(|info| info.strip_prefix("built package from: "));
    if let Some((name, version)) = built.and_then(|built| built.rsplit_once(' ')) {
        component.set("syft:metadata:source", name);
        component.set("syft:metadata:sourceVersion", version);
    }
}
