//! SPDX 2 from tag-value: lines of `Tag: value`, of which `<text>…</text>` may take several.
//!
//! A `PackageName`, `FileName`, `LicenseID` or `Annotator` opens a section; the tags after it are about that. A file belongs to the package
//! that it follows. Tags nobody here needs are passed over.

use super::model::{Annotation, Checksum, ExternalRef, ExtractedLicense, File, Package, Relationship, Spdx};
use std::collections::HashMap;

/// Returns whether a text is tag-value: its first tag is the version.
pub(crate) fn recognise(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with("SPDXVersion:"))
}

#[derive(PartialEq)]
enum Section {
    Document,
    Package,
    File,
    License,
    Annotation,
    Other,
}

/// Reads a document. Lines that are no tags are passed over.
pub(crate) fn read(text: &str) -> Spdx {
    let mut spdx = Spdx::default();
    let mut section = Section::Document;
    let mut annotations: Vec<(String, Annotation)> = Vec::new();
    let mut rest = text;
    while let Some((tag, value, after)) = next(rest) {
        rest = after;
        match tag {
            "PackageName" => {
                section = Section::Package;
                spdx.packages.push(Package { name: value.to_owned(), ..Package::default() });
                continue;
            }
            "LicenseID" => {
                section = Section::License;
                let license =
                    ExtractedLicense { license_id: value.to_owned(), ..ExtractedLicense::default() };
                spdx.has_extracted_licensing_infos.push(license);
                continue;
            }
            "Annotator" => {
                section = Section::Annotation;
                let annotation = Annotation { annotator: value.to_owned(), ..Annotation::default() };
                annotations.push((String::new(), annotation));
                continue;
            }
            "Relationship" => {
                let mut words = value.split_whitespace();
                if let (Some(from), Some(kind), Some(to)) = (words.next(), words.next(), words.next()) {
                    spdx.relationships.push(Relationship {
                        spdx_element_id: from.to_owned(),
                        relationship_type: kind.to_owned(),
                        related_spdx_element: to.to_owned(),
                    });
                }
                continue;
            }
            "FileName" => {
                section = Section::File;
                spdx.files.push(File { file_name: value.to_owned(), ..File::default() });
                continue;
            }
            "SnippetSPDXID" | "Reviewer" => section = Section::Other,
            _ => {}
        }
        match section {
            Section::Document => document(&mut spdx, tag, value),
            Section::Package => {
                if let Some(package) = spdx.packages.last_mut() {
                    self::package(package, tag, value);
                }
            }
            Section::File => {
                if let Some(file) = spdx.files.last_mut() {
                    match tag {
                        "SPDXID" => {
                            value.clone_into(&mut file.id);
                            if let Some(package) = spdx.packages.last_mut() {
                                package.has_files.push(value.to_owned());
                            }
                        }
                        "FileChecksum" => file.checksums.extend(checksum(value)),
                        _ => {}
                    }
                }
            }
            Section::License => {
                if let Some(license) = spdx.has_extracted_licensing_infos.last_mut() {
                    match tag {
                        "ExtractedText" => value.clone_into(&mut license.extracted_text),
                        "LicenseName" => license.name = Some(value.to_owned()),
                        _ => {}
                    }
                }
            }
            Section::Annotation => {
                if let Some((about, annotation)) = annotations.last_mut() {
                    match tag {
                        "SPDXREF" => value.clone_into(about),
                        "AnnotationDate" => value.clone_into(&mut annotation.annotation_date),
                        "AnnotationType" => value.clone_into(&mut annotation.annotation_type),
                        "AnnotationComment" => value.clone_into(&mut annotation.comment),
                        _ => {}
                    }
                }
            }
            Section::Other => {}
        }
    }
    let indices: HashMap<String, usize> =
        spdx.packages.iter().enumerate().map(|(index, package)| (package.id.clone(), index)).collect();
    for (about, annotation) in annotations {
        match indices.get(&about).and_then(|index| spdx.packages.get_mut(*index)) {
            Some(package) => package.annotations.push(annotation),
            None => spdx.annotations.push(annotation),
        }
    }
    spdx
}

/// Returns the next tag, its value, and what follows.
fn next(mut text: &str) -> Option<(&str, &str, &str)> {
    loop {
        let (line, after) = text.split_once('\n').unwrap_or((text, ""));
        let tagged = line.split_once(':').filter(|(tag, _)| {
            !tag.is_empty() && tag.trim().bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        let Some((tag, value)) = tagged else {
            if after.is_empty() {
                return None;
            }
            text = after;
            continue;
        };
        let value = value.trim();
        if value.starts_with("<text>") {
            // The mark may end on another line.
            let (_, inner) = text.split_once("<text>")?;
            let (inner, after) = inner.split_once("</text>").unwrap_or((inner, ""));
            let after = after.split_once('\n').map_or("", |(_, after)| after);
            return Some((tag.trim(), inner, after));
        }
        return Some((tag.trim(), value, after));
    }
}

fn document(spdx: &mut Spdx, tag: &str, value: &str) {
    let value = value.to_owned();
    match tag {
        "SPDXVersion" => spdx.spdx_version = value,
        "DataLicense" => spdx.data_license = value,
        "SPDXID" => spdx.id = value,
        "DocumentName" => spdx.name = value,
        "DocumentNamespace" => spdx.document_namespace = value,
        "Creator" => spdx.creation_info.creators.push(value),
        "Created" => spdx.creation_info.created = value,
        "CreatorComment" => spdx.creation_info.comment = Some(value),
        _ => {}
    }
}

fn package(package: &mut Package, tag: &str, value: &str) {
    let some = || Some(value.to_owned());
    match tag {
        "SPDXID" => value.clone_into(&mut package.id),
        "PackageVersion" => package.version_info = some(),
        "PackageSupplier" => package.supplier = some(),
        "PackageOriginator" => package.originator = some(),
        "PackageDownloadLocation" => value.clone_into(&mut package.download_location),
        "PrimaryPackagePurpose" => package.primary_package_purpose = some(),
        "FilesAnalyzed" => package.files_analyzed = value == "true",
        "PackageSourceInfo" => package.source_info = some(),
        "PackageLicenseConcluded" => package.license_concluded = some(),
        "PackageLicenseDeclared" => package.license_declared = some(),
        "PackageCopyrightText" => package.copyright_text = some(),
        "PackageChecksum" => package.checksums.extend(checksum(value)),
        "ExternalRef" => {
            let mut words = value.split_whitespace();
            if let (Some(category), Some(kind), Some(locator)) = (words.next(), words.next(), words.next()) {
                package.external_refs.push(ExternalRef {
                    reference_category: category.to_owned(),
                    reference_type: kind.to_owned(),
                    reference_locator: locator.to_owned(),
                });
            }
        }
        _ => {}
    }
}

/// Reads `SHA1: 2fd4…`.
fn checksum(value: &str) -> Option<Checksum> {
    let (algorithm, value) = value.split_once(':')?;
    Some(Checksum { algorithm: algorithm.trim().to_owned(), checksum_value: value.trim().to_owned() })
}
