//! SPDX 2.3 as tag-value: the model line by line (<https://spdx.github.io/spdx-spec/v2.3/conformance/#44-standard-data-format-requirements>).

use super::model::{Annotation, File, Package, Spdx};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

/// Returns the document.
pub(crate) fn write(spdx: &Spdx) -> String {
    let mut out = Lines::default();
    out.tag("SPDXVersion", &spdx.spdx_version);
    out.tag("DataLicense", &spdx.data_license);
    out.tag("SPDXID", &spdx.id);
    out.tag("DocumentName", &spdx.name);
    out.tag("DocumentNamespace", &spdx.document_namespace);
    for creator in &spdx.creation_info.creators {
        out.tag("Creator", creator);
    }
    out.tag("Created", &spdx.creation_info.created);
    out.text("CreatorComment", spdx.creation_info.comment.as_deref());
    // A file belongs to the package that it follows; what else contains it is said by relationships.
    let by_id: HashMap<&str, &File> = spdx.files.iter().map(|file| (file.id.as_str(), file)).collect();
    let mut contained: HashMap<&str, Vec<&File>> = HashMap::new();
    let mut placed: HashSet<&str> = HashSet::new();
    for relation in spdx.relationships.iter().filter(|relation| relation.relationship_type == "CONTAINS") {
        if let Some(file) = by_id.get(relation.related_spdx_element.as_str())
            && placed.insert(&file.id)
        {
            contained.entry(&relation.spdx_element_id).or_default().push(file);
        }
    }
    for package in &spdx.packages {
        self::package(package, &mut out);
        for file in contained.get(package.id.as_str()).into_iter().flatten() {
            self::file(file, &mut out);
        }
    }
    for license in &spdx.has_extracted_licensing_infos {
        out.0.push('\n');
        out.tag("LicenseID", &license.license_id);
        out.text("ExtractedText", Some(&license.extracted_text));
        if let Some(name) = &license.name {
            out.tag("LicenseName", name);
        }
    }
    out.0.push('\n');
    for relation in &spdx.relationships {
        let text = format!(
            "{} {} {}",
            relation.spdx_element_id, relation.relationship_type, relation.related_spdx_element
        );
        out.tag("Relationship", &text);
    }
    for package in &spdx.packages {
        for annotation in &package.annotations {
            self::annotation(annotation, &package.id, &mut out);
        }
    }
    out.0
}

fn package(package: &Package, out: &mut Lines) {
    out.0.push('\n');
    out.tag("PackageName", &package.name);
    out.tag("SPDXID", &package.id);
    out.optional("PackageVersion", package.version_info.as_deref());
    out.optional("PackageSupplier", package.supplier.as_deref());
    out.optional("PackageOriginator", package.originator.as_deref());
    out.tag("PackageDownloadLocation", &package.download_location);
    out.optional("PrimaryPackagePurpose", package.primary_package_purpose.as_deref());
    out.tag("FilesAnalyzed", if package.files_analyzed { "true" } else { "false" });
    if let Some(code) = &package.package_verification_code {
        out.tag("PackageVerificationCode", &code.package_verification_code_value);
    }
    for checksum in &package.checksums {
        out.tag("PackageChecksum", &format!("{}: {}", checksum.algorithm, checksum.checksum_value));
    }
    out.text("PackageSourceInfo", package.source_info.as_deref());
    out.optional("PackageLicenseConcluded", package.license_concluded.as_deref());
    out.optional("PackageLicenseDeclared", package.license_declared.as_deref());
    out.text("PackageCopyrightText", package.copyright_text.as_deref());
    for one in &package.external_refs {
        let text = format!("{} {} {}", one.reference_category, one.reference_type, one.reference_locator);
        out.tag("ExternalRef", &text);
    }
}

fn file(file: &File, out: &mut Lines) {
    out.0.push('\n');
    out.tag("FileName", &file.file_name);
    out.tag("SPDXID", &file.id);
    for checksum in &file.checksums {
        out.tag("FileChecksum", &format!("{}: {}", checksum.algorithm, checksum.checksum_value));
    }
    out.optional("LicenseConcluded", file.license_concluded.as_deref());
    out.text("FileCopyrightText", file.copyright_text.as_deref());
}

fn annotation(annotation: &Annotation, id: &str, out: &mut Lines) {
    out.0.push('\n');
    out.tag("Annotator", &annotation.annotator);
    out.tag("AnnotationDate", &annotation.annotation_date);
    out.tag("AnnotationType", &annotation.annotation_type);
    out.tag("SPDXREF", id);
    out.text("AnnotationComment", Some(&annotation.comment));
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn tag(&mut self, tag: &str, value: &str) {
        // A value of one line: what follows a line end would be another tag.
        let _ = writeln!(self.0, "{tag}: {}", super::to_model::one_line(value));
    }

    fn optional(&mut self, tag: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.tag(tag, value);
        }
    }

    /// A value that may have several lines; there is no way to write its own end mark within it.
    fn text(&mut self, tag: &str, value: Option<&str>) {
        match value {
            Some(value @ ("NOASSERTION" | "NONE")) => self.tag(tag, value),
            Some(value) => {
                let value = value.replace("</text>", "</ text>");
                let _ = writeln!(self.0, "{tag}: <text>{value}</text>");
            }
            None => {}
        }
    }
}
