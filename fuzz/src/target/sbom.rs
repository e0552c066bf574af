//! Documents about software that others hand in: bills of materials, VEX, reports.
//!
//! What is read is written again in every format and read back: a reader that accepts what it cannot say is noticed.

use super::{choice, chosen};
use crate::Target;
use assay_model::report::SourceKind;
use assay_model::{Image, Inventory, Os, Package, PackageKind, SourcePackage, Timestamp};
use assay_sbom::vex::{self, Heading};
use assay_sbom::{Format, Origin, compose, read, write};

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new("sbom", sbom_seeds, sbom),
        Target::new("vex", vex_seeds, vex),
        Target::new("kept-report", report_seeds, report),
    ]
}

fn formats() -> Vec<Format> {
    Format::NAMES.iter().map(|name| Format::named(name, None).expect("it is listed")).collect()
}

fn sample() -> assay_sbom::Document {
    let mut package = Package::new(PackageKind::Deb, "libssl3", "1:3.0");
    package.source = Some(SourcePackage { name: "openssl".into(), version: "1:3.0".into() });
    package.licenses = vec!["MIT OR ISC".into(), "a licence".into()];
    let mut other = Package::new(PackageKind::Npm, "@a/b", "1");
    other.depends_on = vec![0];
    let inventory = Inventory {
        os: Some(Os { id: "debian".into(), version: "12".into(), ..Os::default() }),
        packages: vec![package, other],
        ..Inventory::default()
    };
    compose(
        &Image::default(),
        &inventory,
        &Origin { source: SourceKind::Dir, version: "1", created: None, files: true },
    )
}

fn sbom_seeds() -> Vec<Vec<u8>> {
    let formats = formats();
    formats
        .iter()
        .enumerate()
        .map(|(number, format)| {
            let mut bytes = Vec::new();
            write(&sample(), None, *format, &mut bytes).expect("memory takes everything");
            chosen(number, &bytes)
        })
        .collect()
}

fn sbom(data: &[u8]) -> String {
    let (number, bytes) = choice(data);
    let document = match read(bytes) {
        Ok(document) => document,
        Err(error) => return error.to_string(),
    };
    let inventory = document.inventory();
    let formats = formats();
    let format = formats.get(number % formats.len()).copied().expect("it is within");
    let mut written = Vec::new();
    write(&document, None, format, &mut written).expect("memory takes everything");
    let again = read(&written).expect("what was written can be read");
    format!("{inventory:?} {} {:?}", again.components.len(), assay_sbom::score(&document))
}

const OPENVEX: &str = r#"{"@context":"https://openvex.dev/ns/v0.2.0","author":"a","timestamp":"2024-01-01T00:00:00Z","statements":[{"vulnerability":{"name":"CVE-1"},"products":[{"@id":"pkg:oci/a@sha256:00","subcomponents":[{"@id":"pkg:npm/x@1"}]}],"status":"not_affected","justification":"component_not_present"}]}"#;
const CSAF: &str = r#"{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"name":"v"}},"product_tree":{"branches":[{"branches":[{"product":{"name":"n","product_id":"A","product_identification_helper":{"purl":"pkg:npm/x@1"}}}]}],"relationships":[{"product_reference":"A","relates_to_product_reference":"A","full_product_name":{"name":"m","product_id":"B"}}]},"vulnerabilities":[{"cve":"CVE-1","product_status":{"fixed":["A","B"]}}]}"#;
const CYCLONEDX: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"container","bom-ref":"s","name":"a","purl":"pkg:oci/a@sha256:00"}},"components":[{"type":"library","bom-ref":"c","name":"x","purl":"pkg:npm/x@1"}],"vulnerabilities":[{"id":"CVE-1","analysis":{"state":"in_triage"},"affects":[{"ref":"c"}]}]}"#;

fn vex_seeds() -> Vec<Vec<u8>> {
    [OPENVEX, CSAF, CYCLONEDX].into_iter().enumerate().map(|(at, text)| chosen(at, text.as_bytes())).collect()
}

fn vex(data: &[u8]) -> String {
    let (number, bytes) = choice(data);
    let (statements, unknown) = match vex::read(bytes) {
        Ok(read) => read,
        Err(error) => return error.to_string(),
    };
    let merged = vex::merge(statements);
    let formats = [vex::Format::OpenVex, vex::Format::Csaf, vex::Format::CycloneDx];
    let heading = Heading::new("a", "https://a.invalid/", Timestamp(0), "1", &merged);
    let mut written = Vec::new();
    let result = vex::write(&merged, &heading, formats[number % formats.len()], &mut written)
        .map_err(|e| e.to_string());
    if result.is_ok() {
        let _ = vex::read(&written).expect("what was written can be read");
    }
    format!("{merged:?} {unknown} {result:?}")
}

fn report_seeds() -> Vec<Vec<u8>> {
    let text = r#"{"schema":"assay.report/v1","source":{"kind":"oci","reference":"a","layers":[{"diff_id":"sha256:00"}]},
        "packages":[{"purl":"pkg:npm/x@1","type":"npm","name":"x","version":"1","usage":"used"}],
        "findings":[{"id":"1","kind":"vulnerability","rule":"CVE-1","severity":"high","package":"pkg:npm/x@1","fix":{"state":"fixed","versions":["2"]}}]}"#;
    vec![text.as_bytes().to_vec()]
}

fn report(data: &[u8]) -> String {
    match assay_report::format::read(data) {
        Ok((report, hidden)) => {
            let mut bytes = Vec::new();
            for format in assay_report::FORMATS.iter().filter(|format| format.name() != "template") {
                format
                    .write(&report, &assay_report::Options::default(), &mut bytes)
                    .expect("memory takes everything");
            }
            format!("{} {hidden}", String::from_utf8_lossy(&bytes))
        }
        Err(error) => error.to_string(),
    }
}
