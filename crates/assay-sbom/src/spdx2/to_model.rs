//! From the neutral document to SPDX 2.3.

use super::model::{
    Annotation, Checksum, CreationInfo, ExternalRef, ExtractedLicense, Package, Relationship, Spdx,
    VerificationCode,
};
use super::{DOCUMENT, PROPERTIES};
use crate::document::{Class, Component, Document, Hash};
use crate::license::Names;
use crate::{identity, property};
use assay_model::Timestamp;
use assay_model::contents::hex;
use sha1::{Digest as _, Sha1};
use std::collections::{BTreeMap, HashSet};

/// Returns the document in the shape of SPDX 2.3.
pub(crate) fn spdx(document: &Document) -> Spdx {
    let mut names = Names::default();
    let created = document.created.unwrap_or(Timestamp(0)).to_string();
    let creators = document.tools.iter().map(|tool| {
        let version = if tool.version.is_empty() { String::new() } else { format!("-{}", tool.version) };
        format!("Tool: {}{version}", one_line(&tool.name))
    });
    let mut creators: Vec<String> = creators.collect();
    if creators.is_empty() {
        creators.push("Tool: assay".to_owned());
    }
    let annotator = creators.first().cloned().unwrap_or_default();
    let mut package =
        |component: &Component, id: String| self::package(component, id, &mut names, &created, &annotator);
    let mut packages = vec![package(&document.subject, subject_id())];
    packages
        .extend(document.ancestors.iter().enumerate().map(|(index, one)| package(one, ancestor_id(index))));
    packages.extend(document.components.iter().enumerate().map(|(index, one)| package(one, id(one, index))));

    let relation = |from: String, kind: &str, to: String| Relationship {
        spdx_element_id: from,
        relationship_type: kind.to_owned(),
        related_spdx_element: to,
    };
    let mut relationships = vec![relation(DOCUMENT.to_owned(), "DESCRIBES", subject_id())];
    for index in 0..document.ancestors.len() {
        relationships.push(relation(subject_id(), "DESCENDANT_OF", ancestor_id(index)));
    }
    for (index, component) in document.components.iter().enumerate() {
        relationships.push(relation(subject_id(), "CONTAINS", id(component, index)));
    }
    for (index, component) in document.components.iter().enumerate() {
        for other in &component.depends_on {
            let other = *other as usize;
            if let Some(target) = document.components.get(other) {
                relationships.push(relation(id(component, index), "DEPENDS_ON", id(target, other)));
            }
        }
    }
    let files = files(document, &mut packages, &mut relationships);
    Spdx {
        spdx_version: "SPDX-2.3".to_owned(),
        data_license: "CC0-1.0".to_owned(),
        id: DOCUMENT.to_owned(),
        name: one_line(&document.subject.name),
        document_namespace: namespace(document),
        creation_info: CreationInfo {
            created,
            creators,
            comment: document.incomplete.then(|| INCOMPLETE.to_owned()),
        },
        packages,
        files,
        has_extracted_licensing_infos: names
            .0
            .into_iter()
            .map(|(license_id, name)| ExtractedLicense {
                license_id,
                extracted_text: name.clone(),
                name: Some(one_line(&name)),
            })
            .collect(),
        relationships,
        ..Spdx::default()
    }
}

/// Returns the files, each contained by the packages it belongs to, which thereby are analysed: their files then have one digest together
/// (<https://spdx.github.io/spdx-spec/v2.3/package-information/#79-package-verification-code-field>).
fn files(
    document: &Document,
    packages: &mut [Package],
    relationships: &mut Vec<Relationship>,
) -> Vec<super::model::File> {
    let mut sums: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut unknown: HashSet<usize> = HashSet::new();
    let mut files = Vec::with_capacity(document.files.len());
    for (number, file) in document.files.iter().enumerate() {
        // Without the digest that the format asks for it cannot be one of its files, and its packages have no digest of all their files.
        let Some(sha1) = file.hash("SHA-1") else {
            unknown.extend(file.owners.iter().map(|owner| *owner as usize));
            continue;
        };
        let own = format!("SPDXRef-File-{number}");
        for owner in &file.owners {
            let owner = *owner as usize;
            let Some(component) = document.components.get(owner) else { continue };
            sums.entry(owner).or_default().push(sha1.to_ascii_lowercase());
            relationships.push(Relationship {
                spdx_element_id: id(component, owner),
                relationship_type: "CONTAINS".to_owned(),
                related_spdx_element: own.clone(),
            });
        }
        files.push(super::model::File {
            id: own,
            file_name: format!("./{}", one_line(&file.path)),
            checksums: checksums(&file.hashes),
            license_concluded: Some("NOASSERTION".to_owned()),
            copyright_text: Some("NOASSERTION".to_owned()),
        });
    }
    let before = 1 + document.ancestors.len();
    for (owner, sums) in sums.into_iter().filter(|(owner, _)| !unknown.contains(owner)) {
        let Some(package) = packages.get_mut(before + owner) else { continue };
        package.files_analyzed = true;
        package.package_verification_code =
            Some(VerificationCode { package_verification_code_value: verification_code(sums) });
    }
    files
}

/// Returns the digest of the digests of files, which are in lower case, sorted and joined without anything between.
fn verification_code(mut sums: Vec<String>) -> String {
    sums.sort_unstable();
    hex(&Sha1::digest(sums.concat()))
}

fn checksums(hashes: &[Hash]) -> Vec<Checksum> {
    let checksum = |hash: &Hash| Checksum {
        algorithm: hash.algorithm.replace("SHA-", "SHA"),
        checksum_value: hash.hex.to_lowercase(),
    };
    hashes.iter().map(checksum).collect()
}

/// The comment on a document that does not have all.
pub(crate) const INCOMPLETE: &str = "assay:incomplete: something was left unscanned";

/// Returns the namespace of a document; nothing is served there, as the specification allows.
pub(crate) fn namespace(document: &Document) -> String {
    format!("{NAMESPACE}{}", identity::as_uuid(&document.identity))
}

/// What the namespaces of Assay's documents start with.
pub(crate) const NAMESPACE: &str = "https://assay.invalid/spdx/";

fn subject_id() -> String {
    "SPDXRef-Subject".to_owned()
}

fn ancestor_id(index: usize) -> String {
    format!("SPDXRef-Base-{index}")
}

fn id(component: &Component, index: usize) -> String {
    // The name is for people who read the document; the number makes it unique.
    let name: String = component
        .name
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() || char == '.' { char } else { '-' })
        .take(64)
        .collect();
    format!("SPDXRef-Package-{index}-{name}")
}

/// A name within one line of tag-value.
pub(super) fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn package(component: &Component, id: String, names: &mut Names, created: &str, annotator: &str) -> Package {
    let mut properties = component.properties.clone();
    for (number, path) in component.locations.iter().enumerate() {
        properties.push((format!("{}{number}:path", property::LOCATION), path.clone()));
    }
    let expression = names.expression(&component.licenses);
    if expression.as_deref().map(|it| names.licenses(it)).unwrap_or_default() != component.licenses {
        let licenses = component.licenses.iter();
        properties.extend(licenses.map(|license| (property::LICENSE.to_owned(), license.clone())));
    }
    let supplier = component.supplier.as_deref().map(actor);
    if let (Some(written), Some(supplier)) = (&supplier, &component.supplier)
        && super::from_model::actor(written).as_ref() != Some(supplier)
    {
        properties.push((property::VENDOR.to_owned(), supplier.clone()));
    }
    let mut external_refs = Vec::new();
    let mut refer = |category: &str, kind: &str, locator: &str| {
        external_refs.push(ExternalRef {
            reference_category: category.to_owned(),
            reference_type: kind.to_owned(),
            reference_locator: locator.to_owned(),
        });
    };
    if let Some(purl) = &component.purl {
        refer("PACKAGE-MANAGER", "purl", purl);
    }
    for cpe in &component.cpes {
        refer("SECURITY", "cpe23Type", cpe);
    }
    let places = component.locations.iter().take(5).map(|path| format!("/{path}")).collect::<Vec<_>>();
    let annotations = (!properties.is_empty())
        .then(|| Annotation {
            annotation_date: created.to_owned(),
            annotation_type: "OTHER".to_owned(),
            annotator: annotator.to_owned(),
            comment: format!("{PROPERTIES}{}", encode(&properties)),
        })
        .into_iter()
        .collect();
    let name = component.full_name();
    Package {
        name: if name.is_empty() { "unnamed".to_owned() } else { one_line(&name) },
        id,
        version_info: (!component.version.is_empty()).then(|| one_line(&component.version)),
        supplier: Some(supplier.unwrap_or_else(|| "NOASSERTION".to_owned())),
        download_location: "NOASSERTION".to_owned(),
        files_analyzed: false,
        checksums: checksums(&component.hashes),
        source_info: (!places.is_empty()).then(|| one_line(&format!("found in {}", places.join(", ")))),
        license_concluded: Some("NOASSERTION".to_owned()),
        license_declared: Some(expression.unwrap_or_else(|| "NOASSERTION".to_owned())),
        copyright_text: Some("NOASSERTION".to_owned()),
        external_refs,
        primary_package_purpose: match component.class {
            Class::Container => Some("CONTAINER"),
            Class::OperatingSystem => Some("OPERATING-SYSTEM"),
            Class::Application => Some("APPLICATION"),
            Class::Library => Some("LIBRARY"),
            Class::File => Some("FILE"),
            Class::Other => Some("OTHER"),
        }
        .map(str::to_owned),
        annotations,
        ..Package::default()
    }
}

/// Writes properties as JSON that holds no `<`, which could end a text of tag-value.
pub(crate) fn encode(properties: &[(String, String)]) -> String {
    serde_json::to_string(properties).unwrap_or_default().replace('<', "\\u003c")
}

/// Writes who supplied something: `Organization: name (address)`.
fn actor(supplier: &str) -> String {
    let supplier = one_line(supplier);
    match supplier.rsplit_once(" <").and_then(|(name, rest)| Some((name, rest.strip_suffix('>')?))) {
        Some((name, address)) => format!("Organization: {name} ({address})"),
        None => format!("Organization: {supplier}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::File;

    fn file(path: &str, algorithm: &str, hex: &str, owners: &[u32]) -> File {
        let hashes = vec![Hash { algorithm: algorithm.to_owned(), hex: hex.to_owned() }];
        File { path: path.to_owned(), hashes, owners: owners.to_vec() }
    }

    #[test]
    fn files_have_one_digest_together_where_all_of_them_have_one() {
        let one = "0000000000000000000000000000000000000001";
        let other = "ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCD";
        let named = |name: &str| Component { name: name.to_owned(), ..Component::default() };
        let document = Document {
            components: vec![named("both"), named("one"), named("unknown"), named("none")],
            // As another tool may write them: in capitals, and not by their digests.
            files: vec![
                file("a", "SHA-1", other, &[0]),
                file("b", "SHA-1", one, &[0, 1, 2]),
                file("c", "SHA-256", &one.repeat(2), &[2]),
            ],
            ..Document::default()
        };
        let spdx = spdx(&document);
        let codes: Vec<_> = spdx
            .packages
            .iter()
            .skip(1)
            .map(|package| {
                let code = package.package_verification_code.as_ref();
                (package.files_analyzed, code.map(|code| code.package_verification_code_value.as_str()))
            })
            .collect();
        // `printf 0…1abcdef…abcd | sha1sum`, and of the first alone.
        let both = "0e0e00e3495e34fcf8f1761cd004e1ef5ba9914e";
        let first = "ebbc851da2adfa91cde9776a6a0f45760c446b65";
        assert_eq!(codes, [(true, Some(both)), (true, Some(first)), (false, None), (false, None)]);
        assert_eq!(spdx.files.len(), 2);
    }
}
