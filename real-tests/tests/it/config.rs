//! The published schema of `assay.yaml` by Python's `jsonschema`: it accepts what `assay` accepts and refuses what it refuses.

use crate::report::assay;
use std::path::Path;
use std::process::Command;

/// Prints every violation, one in a line.
const VALIDATE: &str = "
import json, sys
import jsonschema
schema, value = (json.load(open(path)) for path in sys.argv[1:])
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
for error in validator(schema).iter_errors(value):
    print('/'.join(map(str, error.absolute_path)), error.message[:300])
";

/// Checks that schema and program agree about a file; JSON is YAML, too.
#[track_caller]
fn check(text: &str, right: bool) {
    let Some(python) = real_tests::tool("python3") else { return };
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("assay.yaml");
    std::fs::write(&file, text).unwrap();
    let workspace = real_tests::workspace();
    let done = Command::new(python)
        .args(["-c", VALIDATE])
        .args([workspace.join("docs/schemas/assay.yaml.json").as_path(), Path::new(&file)])
        .env("PYTHONPATH", workspace.join("target/tools/python"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(done.stdout.is_empty(), right, "{text}: {}", String::from_utf8_lossy(&done.stdout));
    let checked = assay(&["config", "check", &file.display().to_string()]);
    assert_eq!(checked.status.code(), Some(if right { 0 } else { 2 }), "{text}");
}

#[test]
fn schema_and_program_agree() {
    check("{}", true);
    check(r#"{"context": null, "images": []}"#, true);
    check(
        r#"{"context": {"environment": "staging", "exposure": "open", "data": "public", "criticality": "low", "owner": "a"}}"#,
        true,
    );
    check(r#"{"images": [{"match": "docker.io/**", "context": {"owner": "team"}}, {"match": "x"}]}"#, true);
    check(r#"{"contxt": {}}"#, false);
    check(r#"{"context": {"exposure": "closed"}}"#, false);
    check(r#"{"context": {"owner": ""}}"#, false);
    check(r#"{"context": []}"#, false);
    check(r#"{"images": {}}"#, false);
    check(r#"{"images": [{"context": {}}]}"#, false);
    check(r#"{"images": [{"match": "x", "contexts": {}}]}"#, false);
}
