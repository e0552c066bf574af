//! Context from options, variables, files and labels reaches priorities, thresholds and explanations.

use crate::{Place, builder, image, json};
use serde_json::Value;

fn place() -> Place {
    let place = Place::new();
    place.layout("image", &image());
    place
}

/// Scans and returns the report.
#[track_caller]
fn report(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let ran = place.run_with(&[&["scan", "--format", "json"], arguments].concat(), variables);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Returns a value of the context and who stated it.
#[track_caller]
fn context(place: &Place, key: &str, arguments: &[&str], variables: &[(&str, &str)]) -> (String, String) {
    let report = report(place, arguments, variables);
    let text = |field: &str| report["context"][key][field].as_str().unwrap().to_owned();
    (text("value"), text("origin"))
}

fn said(value: &str, origin: &str) -> (String, String) {
    (value.to_owned(), origin.to_owned())
}

#[test]
fn every_finding_has_a_priority_and_a_path() {
    let place = place();
    let report = report(&place, &["oci:image"], &[]);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2);
    for finding in findings {
        assert!(finding["priority"].is_string(), "{finding}");
        assert_eq!(finding["priority_path"].as_array().unwrap().len(), 6);
    }
    assert_eq!(report["summary"]["by_priority"], serde_json::json!({ "track-closely": 2 }));
}

#[test]
fn options_win_over_variables_and_those_over_files() {
    let place = place();
    let check = |arguments: &[&str], variables: &[(&str, &str)], want: (String, String)| {
        let arguments = [&["oci:image"], arguments].concat();
        assert_eq!(context(&place, "exposure", &arguments, variables), want);
    };
    check(&[], &[], said("controlled", "default"));
    place.write("assay.yaml", "context:\n  exposure: not-exposed\n");
    check(&[], &[], said("not-exposed", "`assay.yaml` line 2"));
    let variable = [("ASSAY_EXPOSURE", "open")];
    check(&[], &variable, said("open", "`ASSAY_EXPOSURE`"));
    check(&["--exposure", "controlled"], &variable, said("controlled", "`--exposure`"));
    check(&[], &[("ASSAY_EXPOSURE", "")], said("not-exposed", "`assay.yaml` line 2"));
}

#[test]
fn a_file_states_what_holds_for_some_images() {
    let place = place();
    let file = "context: { exposure: not-exposed }\nimages:\n- match: oci:im*\n  context: { exposure: open, owner: team }\n\
                - match: \"**\"\n  context: { exposure: controlled, data: public }\n- match: other\n  context: { data: sensitive }\n";
    place.write("assay.yaml", file);
    let report = report(&place, &["oci:image"], &[]);
    let value = |key: &str| report["context"][key]["value"].as_str().unwrap().to_owned();
    assert_eq!([value("exposure"), value("data"), value("owner")], ["open", "public", "team"]);
}

#[test]
fn labels_raise_and_never_lower() {
    let place = Place::new();
    let labelled = |exposure: &str| {
        builder().runtime("Labels", serde_json::json!({ "org.assay.exposure": exposure })).build()
    };
    place.layout("open", &labelled("open"));
    place.layout("closed", &labelled("not-exposed"));
    let option = ["--exposure", "controlled"];
    let label = said("open", "label `org.assay.exposure`");
    assert_eq!(context(&place, "exposure", &[&["oci:open"], &option[..]].concat(), &[]), label);
    let own = said("controlled", "`--exposure`");
    assert_eq!(context(&place, "exposure", &[&["oci:closed"], &option[..]].concat(), &[]), own);
}

#[test]
fn a_file_inside_the_scanned_folder_only_raises_unless_it_is_named() {
    let place = Place::new();
    place.write("project/requirements.txt", "django==2.2.0\n");
    place.write("project/assay.yaml", "context: { environment: development, exposure: open }\n");
    let run = |more: &[&str], output: &str| {
        let output_option = format!("json=../{output}");
        let arguments = [&["scan", "dir:.", "--db", "../test.db", "--output", &output_option], more].concat();
        let ran = place.run_in("project", &arguments, &[]);
        let report = json(&place.path(output));
        let value = |key: &str| report["context"][key]["value"].as_str().unwrap().to_owned();
        (value("environment"), value("exposure"), ran.stderr)
    };
    let (environment, exposure, stderr) = run(&[], "one.json");
    assert_eq!([environment.as_str(), exposure.as_str()], ["production", "open"]);
    assert!(stderr.contains("without effect: environment development (`assay.yaml` line 1)"), "{stderr}");
    let (environment, exposure, stderr) = run(&["--config", "assay.yaml"], "two.json");
    assert_eq!([environment.as_str(), exposure.as_str()], ["development", "open"]);
    assert!(!stderr.contains("without effect"), "{stderr}");
}

#[test]
fn a_priority_is_a_threshold_and_a_filter() {
    let place = place();
    let code = |arguments: &[&str]| place.run(&[&["scan", "oci:image"], arguments].concat()).code;
    // Without any sign of attacks both findings are to be tracked closely.
    for (threshold, want) in [("act", 0), ("attend", 0), ("track-closely", 1), ("track", 1)] {
        assert_eq!(code(&["--fail-on", threshold]), want, "{threshold}");
    }
    assert_eq!(code(&["--fail-on", "attend", "--exposure", "open", "--data", "sensitive"]), 1);
    assert_eq!(code(&["--fail-on", "track-closely", "--environment", "development"]), 0);
    assert_eq!(code(&["--fail-on", "track-closely,fixed"]), 1);
    assert_eq!(code(&["--fail-on", "critical,attend"]), 0);
    let hidden = report(&place, &["oci:image", "--priority", "act,attend"], &[]);
    assert_eq!(hidden["summary"]["hidden"], 2);
}

#[test]
fn the_path_is_shown_when_asked_for() {
    let place = place();
    let ran = place.run(&["scan", "oci:image", "--explain-priority", "--exposure", "open"]);
    insta::assert_snapshot!(place.shown(&ran));
}

#[test]
fn settings_in_force_are_shown() {
    let place = Place::new();
    let shown = |arguments: &[&str]| place.shown(&place.run(&[&["config", "show"], arguments].concat()));
    let nothing = shown(&[]);
    place.write(
        "assay.yaml",
        "context:\n  criticality: high\nimages:\n  - match: docker.io/library/*\n    context:\n      owner: team-a\n",
    );
    insta::assert_snapshot!(format!("{nothing}\n{}", shown(&["alpine", "--environment", "staging"])));
}

#[test]
fn a_file_is_checked() {
    let place = Place::new();
    place.write("assay.yaml", "context:\n  exposur: open\n  data: secret\n");
    place.write("right.yaml", "images: [{match: a}]\n");
    let wrong = place.run(&["config", "check"]);
    let right = place.run(&["config", "check", "right.yaml"]);
    let missing = place.run(&["config", "check", "missing.yaml"]);
    insta::assert_snapshot!(format!(
        "{}\n{}\n{}",
        place.shown(&wrong),
        place.shown(&right),
        place.shown(&missing)
    ));
    // A scan does not go on with settings that are wrong.
    place.layout("image", &image());
    assert_eq!(place.run(&["scan", "oci:image"]).code, 2);
}

#[test]
fn a_variable_with_another_word_is_an_error() {
    let place = place();
    let ran = place.run_with(&["scan", "oci:image"], &[("ASSAY_DATA", "secret")]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.starts_with("error: `ASSAY_DATA`: `secret` is no value of `data`"), "{}", ran.stderr);
}

#[test]
fn an_explanation_shows_the_path() {
    let place = place();
    let ran = place.run(&["explain", "CVE-2019-14234", "oci:image", "--data", "sensitive"]);
    assert!(
        ran.stdout.contains("stakes = high, because environment is production (default)"),
        "{}",
        ran.stdout
    );
}

#[test]
fn an_exposed_port_raises_the_default_only() {
    let place = Place::new();
    let ports = serde_json::json!({ "8080/tcp": {} });
    place.layout("image", &builder().runtime("ExposedPorts", ports).build());
    assert_eq!(context(&place, "exposure", &["oci:image"], &[]).0, "open");
    assert_eq!(context(&place, "exposure", &["oci:image", "--exposure", "controlled"], &[]).0, "controlled");
}
