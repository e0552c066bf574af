//! SARIF logs of real scans against the schema of OASIS, by Python's `jsonschema`.
//!
//! The schema is the one that Microsoft ships in `@microsoft/jest-sarif`: SARIF 2.1.0 as published, "rtm.5".

use crate::report::{assay, database, text};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Prints every violation of the schema with its place, one in a line.
const VALIDATE: &str = "
import json, sys
import jsonschema
schema, log = (json.load(open(path)) for path in sys.argv[1:])
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
for error in validator(schema, format_checker=validator.FORMAT_CHECKER).iter_errors(log):
    print('/'.join(map(str, error.absolute_path)), error.message[:300])
";

/// Returns what the schema says against a log; `None` when a tool is missing.
fn violations(log: &Path) -> Option<String> {
    let python = real_tests::tool("python3")?;
    let tools = real_tests::workspace().join("target/tools");
    let schema = tools.join("node/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
    let done = Command::new(python)
        .args(["-c", VALIDATE])
        .args([&schema, log])
        .env("PYTHONPATH", tools.join("python"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8(done.stdout).unwrap())
}

/// Scans a corpus image and checks the log; returns it.
#[track_caller]
fn check(image: &str, least: usize) -> Option<Value> {
    let folder = real_tests::corpus(image)?;
    let database = database()?;
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("log.sarif");
    let (source, output) =
        (format!("oci:{}", folder.join("oci").display()), format!("sarif={}", log.display()));
    let done = assay(&["scan", &source, "--db", &database.display().to_string(), "--output", &output]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(violations(&log)?, "", "{image}");
    let log: Value = serde_json::from_slice(&std::fs::read(&log).unwrap()).unwrap();
    let results = crate::report::list(&log["runs"][0], "results").len();
    assert!(results >= least, "{image} has {results} results");
    Some(log)
}

#[test]
fn logs_of_corpus_images_are_valid() {
    check("python-app", 20);
    check("java-app", 1);
    check("debian-minimal", 0);
    check("debian11-synthetic", 1);
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let Some(mut log) = check("python-app", 1) else { return };
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("wrong.sarif");
    log["runs"][0]["results"][0]["level"] = "terrible".into();
    log["runs"][0]["tool"]["driver"]["rules"][0]["helpUri"] = 7.into();
    std::fs::write(&path, log.to_string()).unwrap();
    let Some(said) = violations(&path) else { return };
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(
        text(&log, "version") == "2.1.0" && said.contains("terrible") && said.contains("helpUri"),
        "{said}"
    );
}
