//! Bills of materials and VEX of real images: valid by the official schemas, read by other people's tools, and judged like the image.
//!
//! CycloneDX: the schemas (JSON and XSD) and the reader of `cyclonedx-python-lib`. SPDX 2.3: reader and validator of SPDX's
//! `spdx-tools`. SPDX 3: the JSON schema that SPDX's `spdx-v3jsonld-store` carries, and the reader of `spdx-python-model`. OpenVEX:
//! the project's `go-vex`. CSAF: schema and mandatory tests of `csaf-vex`.

use crate::report::{assay, command, database, list, text};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Prints what is wrong with a document, one line for each violation; and at last how many packages the other tool read.
const VALIDATE: &str = r#"
import io, json, sys
from pathlib import Path

def cyclonedx(path, text):
    from cyclonedx.model.bom import Bom
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from cyclonedx.validation import make_schemabased_validator
    xml = path.suffix == '.xml'
    version = text.split('schema/bom/')[1][:3] if xml else json.loads(text)['specVersion']
    kind = OutputFormat.XML if xml else OutputFormat.JSON
    error = make_schemabased_validator(kind, SchemaVersion.from_version(version)).validate_str(text)
    if error: print(str(error)[:1000])
    bom = Bom.from_xml(io.StringIO(text)) if xml else Bom.from_json(json.loads(text))
    return sum(1 for one in bom.components if one.purl)

def spdx2(path, text):
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
    document = parse_file(str(path))
    for message in validate_full_spdx_document(document): print(message.validation_message)
    refs = lambda package: [ref for ref in package.external_references if ref.reference_type == 'purl' and not ref.locator.startswith('pkg:oci/')]
    return sum(1 for package in document.packages if refs(package))

def spdx3(path, text):
    import zipfile, jsonschema_rs
    from spdx_python_model import v3_0_1 as model
    schema = json.loads(zipfile.ZipFile(sys.argv[2]).read('resources/schema-v3.0.1.json'))
    # The one in Python takes minutes for a schema of this size.
    for error in jsonschema_rs.validator_for(schema).iter_errors(json.loads(text)):
        print('/'.join(map(str, error.instance_path)), error.message[:300])
    objects = model.SHACLObjectSet()
    with path.open('rb') as file: model.JSONLDDeserializer().read(file, objects)
    return sum(1 for one in objects.foreach_type('software_Package') if not (one.software_packageUrl or 'pkg:oci/').startswith('pkg:oci/'))

def csaf(path, text):
    from csaf_vex.verification.verifier import Verifier
    report = Verifier(document=json.loads(text), raw_content=text).run_all()
    for one in report.failures: print(one.test_name, one.message)
    return report.passed_count

path = Path(sys.argv[1])
kinds = {'cdx': cyclonedx, 'spdx': spdx2, 'spdx3': spdx3, 'csaf': csaf}
print('read', kinds[path.stem.split('.')[-1]](path, path.read_text()))
"#;

/// Opens each document and validates its statements.
const OPENVEX: &str = r#"package main

import (
	"fmt"
	"os"

	"github.com/openvex/go-vex/pkg/vex"
)

func main() {
	document, err := vex.Open(os.Args[1])
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range document.Statements {
		if err := document.Statements[i].Validate(); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println("read", len(document.Statements))
}
"#;

fn tools() -> PathBuf {
    real_tests::workspace().join("target/tools")
}

/// Returns what the validators say against a document, whose name says what it is; `None` when a tool is missing.
fn validate(document: &Path) -> Option<String> {
    let python = real_tests::tool("python3")?;
    let done = Command::new(python)
        .args(["-c", VALIDATE])
        .arg(document)
        .arg(tools().join("maven-spdx/spdx-v3jsonld-store-1.0.0.jar"))
        .env("PYTHONPATH", tools().join("python-sbom"))
        .output()
        .unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{}: {said}{}", document.display(), String::from_utf8_lossy(&done.stderr));
    // `spdx-tools` says so when its parser runs for the first time.
    Some(said.replace("Generating LALR tables\n", ""))
}

/// Format, version, and the end of the file's name by which it is validated.
const ALL: [(&str, &str, &str); 11] = [
    ("cyclonedx", "1.6", "cdx.json"),
    ("cyclonedx-xml", "1.6", "cdx.xml"),
    ("spdx", "2.3", "spdx.json"),
    ("spdx-tv", "2.3", "spdx.spdx"),
    ("spdx3", "3.0.1", "spdx3.json"),
    ("cyclonedx", "1.4", "cdx.json"),
    ("cyclonedx", "1.5", "cdx.json"),
    ("cyclonedx", "1.7", "cdx.json"),
    ("cyclonedx-xml", "1.4", "cdx.xml"),
    ("cyclonedx-xml", "1.5", "cdx.xml"),
    ("cyclonedx-xml", "1.7", "cdx.xml"),
];

fn vulnerabilities(source: &str, database: &str) -> Value {
    let arguments = ["scan", source, "--db", database, "--format", "json", "--scanners", "vulnerability"];
    let done = assay(&arguments);
    assert_eq!(done.status.code(), Some(0), "{source}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Writes the bill of materials of a corpus image in the first `formats` of all, validates each, and scans it.
#[track_caller]
fn check(image: &str, formats: usize) {
    let Some(folder) = real_tests::corpus(image) else { return };
    let Some(database) = database() else { return };
    let database = database.display().to_string();
    let source = format!("oci:{}", folder.join("oci").display());
    let of_image = vulnerabilities(&source, &database);
    let packages = list(&of_image, "packages").len();
    let scratch = tempfile::tempdir().unwrap();
    for (format, version, end) in &ALL[..formats] {
        let path = scratch.path().join(format!("app.{end}"));
        let file = path.display().to_string();
        let done =
            assay(&["sbom", &source, "--format", format, "--spec-version", version, "--output", &file]);
        assert_eq!(done.status.code(), Some(0), "{image}: {}", String::from_utf8_lossy(&done.stderr));
        let Some(said) = validate(&path) else { return };
        assert_eq!(said, format!("read {packages}\n"), "{image} {format} {version}");
        let of_sbom = vulnerabilities(&format!("sbom:{file}"), &database);
        for part in ["findings", "packages", "coverage", "removable"] {
            assert!(of_sbom[part] == of_image[part], "{image} {format} {version}: other {part}");
        }
    }
}

#[test]
fn every_version_of_every_format_is_valid_and_judged_like_the_image() {
    check("java-app", ALL.len());
    check("debian-minimal", ALL.len());
}

#[test]
fn bills_of_materials_of_the_corpus_are_valid_and_judged_like_the_image() {
    let images = [
        "alpine-synthetic",
        "debian11-synthetic",
        "go-app",
        "many-layers",
        "node-app",
        "python-app",
        "rpm-bdb",
        "rpm-sqlite",
        "ruby-php-dotnet",
        "rust-app",
        "wolfi-synthetic",
    ];
    for image in images {
        check(image, 5);
    }
}

#[test]
fn reports_as_cyclonedx_are_valid() {
    for image in ["python-app", "rpm-sqlite"] {
        let Some(folder) = real_tests::corpus(image) else { return };
        let Some(database) = database() else { return };
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("report.cdx.json");
        let source = format!("oci:{}", folder.join("oci").display());
        let output = format!("cyclonedx={}", path.display());
        let done = assay(&["scan", &source, "--db", &database.display().to_string(), "--output", &output]);
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        let Some(said) = validate(&path) else { return };
        assert!(said.starts_with("read "), "{image}: {said}");
        let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert!(list(&document, "vulnerabilities").len() > 20, "{image}");
    }
}

#[test]
fn validators_refuse_what_is_wrong() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("wrong.cdx.json");
    std::fs::write(
        &path,
        r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"spaceship","name":"x"}]}"#,
    )
    .unwrap();
    let Some(python) = real_tests::tool("python3") else { return };
    let done = Command::new(python)
        .args(["-c", VALIDATE])
        .args([&path, &path])
        .env("PYTHONPATH", tools().join("python-sbom"))
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("spaceship"), "{said}");
}

/// Makes a document about Log4j with statements of every status.
fn vex(folder: &Path, format: &str, end: &str) -> PathBuf {
    let digest = format!("pkg:oci/app@sha256:{}", "a".repeat(64));
    let create = |name: &str, more: &[&str]| {
        let path = folder.join(name).display().to_string();
        let common = ["vex", "create", "--author", "Team", "--product", &digest, "--output", &path];
        let done = command(&[&common[..], more].concat()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        path
    };
    let log4j = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1";
    let files = [
        create(
            "a",
            &[
                "--vulnerability",
                "CVE-2021-44228",
                "--vulnerability",
                "GHSA-jfh8-c2jp-5v3q",
                "--part",
                log4j,
                "--status",
                "not_affected",
                "--justification",
                "vulnerable_code_not_in_execute_path",
                "--impact",
                "lookups are off",
            ],
        ),
        create(
            "b",
            &[
                "--vulnerability",
                "CVE-2021-45046",
                "--part",
                log4j,
                "--status",
                "affected",
                "--action",
                "upgrade",
            ],
        ),
        create("c", &["--vulnerability", "CVE-2021-45105", "--status", "fixed"]),
        create("d", &["--vulnerability", "CVE-2021-44832", "--status", "under_investigation"]),
    ];
    let path = folder.join(end);
    let file = path.display().to_string();
    let mut merge = vec!["vex", "merge", "--author", "Team", "--format", format, "--output", &file];
    merge.extend(files.iter().map(String::as_str));
    let done = assay(&merge);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    path
}

#[test]
fn vex_documents_are_valid() {
    let scratch = tempfile::tempdir().unwrap();
    if let Some(said) = validate(&vex(scratch.path(), "csaf", "vex.csaf.json")) {
        assert!(said.starts_with("read "), "{said}");
    }
    if let Some(said) = validate(&vex(scratch.path(), "cyclonedx", "vex.cdx.json")) {
        assert!(said.starts_with("read "), "{said}");
    }
    let Some(go) = real_tests::tool("go") else { return };
    let module = tools().join("go/openvex");
    if !module.join("go.mod").exists() {
        let _ = real_tests::tool("go-vex (run `cargo xtask tools`)");
        return;
    }
    std::fs::write(module.join("main.go"), OPENVEX).unwrap();
    let document = vex(scratch.path(), "openvex", "vex.json");
    let done = Command::new(go).args(["run", "."]).arg(&document).current_dir(&module).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(said, "read 4\n", "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(text(&serde_json::from_slice(&std::fs::read(&document).unwrap()).unwrap(), "author"), "Team");
}

#[test]
fn files_of_packages_are_valid_in_every_format() {
    let Some(folder) = real_tests::corpus("debian-minimal") else { return };
    let source = format!("oci:{}", folder.join("oci").display());
    let scratch = tempfile::tempdir().unwrap();
    // One version of each format; tag-value of ten thousand files takes its Python parser minutes.
    for (format, version, end) in ALL.iter().filter(|(_, _, end)| *end != "spdx.spdx").take(4) {
        let path = scratch.path().join(format!("files.{end}"));
        let file = path.display().to_string();
        let done = assay(&[
            "sbom",
            &source,
            "--file-hashes",
            "--format",
            format,
            "--spec-version",
            version,
            "--output",
            &file,
        ]);
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        let Some(said) = validate(&path) else { return };
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("usr/bin/dpkg"), "{format}");
        assert!(said.starts_with("read "), "{format} {version}: {said}");
    }
}
