//! `assay lint` as a command: formats, thresholds, comments, and what cannot be read.

use crate::{Place, json};

const DOCKERFILE: &str = "\
FROM debian:12@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
# hadolint ignore=DL3004 # the tool asks for it
RUN sudo make
ENV API_TOKEN=abcdef123456
HEALTHCHECK NONE
USER 1000
";

fn place() -> Place {
    let place = Place::new();
    place.write("app/Dockerfile", DOCKERFILE);
    place.write("app/compose.yaml", "services:\n  web:\n    image: nginx:1.27\n    privileged: true\n");
    place.write(
        "app/pod.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  hostPID: true\n  containers: [{name: c, image: a:1}]\n",
    );
    place.write("app/values.yaml", "image: x\n");
    place
}

#[test]
fn findings_are_told_line_by_line() {
    let place = place();
    insta::assert_snapshot!(place.shown(&place.run(&["lint", "app/Dockerfile"])));
}

#[test]
fn a_folder_is_searched() {
    let place = place();
    let ran = place.run(&["lint", "app", "--format", "json", "--output", "out/lint.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let report = json(&place.path("out/lint.json"));
    assert_eq!(report["schema"], "assay.report/v1");
    let rules: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    for rule in ["dockerfile-secret-in-variable", "compose-privileged", "kubernetes-host-pid"] {
        assert!(rules.contains(&rule), "{rule} not in {rules:?}");
    }
    assert!(!rules.contains(&"dockerfile-sudo"));
}

#[test]
fn the_threshold_counts_what_is_shown_or_not() {
    let place = place();
    let code = |arguments: &[&str]| place.run(&[&["lint", "app/Dockerfile"], arguments].concat()).code;
    assert_eq!(code(&["--fail-on", "high"]), 1);
    assert_eq!(code(&["--fail-on", "critical"]), 0);
    assert_eq!(code(&["--fail-on", "high", "--severity", "low"]), 1);
    assert_eq!(code(&["--fail-on", "high", "--ignore", "dockerfile-secret-in-variable"]), 0);
    assert_eq!(code(&["--fail-on", "medium", "--ignore", "CIS-DI-0010"]), 0);
    assert_eq!(code(&["--fail-on", "medium", "--ignore", "CIS-DI-0010", "--no-ignores"]), 1);
}

#[test]
fn what_cannot_be_read_is_never_clean() {
    let place = place();
    place.write("bad.yaml", "services:\n  web: [\n");
    let ran = place.run(&["lint", "bad.yaml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.contains("bad.yaml: warning: line"), "{}", ran.stdout);
    assert_eq!(place.run(&["lint", "bad.yaml", "--allow-partial"]).code, 0);
    let ran = place.run(&["lint", "app/values.yaml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("hint: say what it is with `--kind dockerfile`"), "{}", ran.stderr);
    assert_eq!(place.run(&["lint", "app/values.yaml", "--kind", "compose"]).code, 0);
    assert_eq!(place.run(&["lint", "missing"]).code, 2);
}

#[test]
fn code_scanning_gets_the_lines() {
    let place = place();
    let ran = place.run(&["lint", "app/Dockerfile", "--format", "sarif"]);
    let log: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let result = &log["runs"][0]["results"][0];
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "app/Dockerfile");
    assert_eq!(
        (result["ruleId"].as_str(), location["region"]["startLine"].as_u64()),
        (Some("dockerfile-secret-in-variable"), Some(4))
    );
}
