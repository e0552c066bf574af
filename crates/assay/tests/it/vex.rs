//! VEX from making a statement to a finding that does not count; `diff` and `convert` on the way.

use crate::{Place, image, json};

const CVE: &str = "CVE-2019-14234";

fn place() -> (Place, String) {
    let place = Place::new();
    place.layout("app", &image());
    place.run(&[
        "scan",
        "oci:app",
        "--no-cache",
        "--quiet",
        "--scanners",
        "vulnerability",
        "-o",
        "json=old.json",
    ]);
    let digest = json(&place.path("old.json"))["source"]["manifest_digest"].as_str().unwrap().to_owned();
    (place, digest)
}

fn create(place: &Place, product: &str, more: &[&str]) {
    let arguments = ["vex", "create", "--author", "Team", "--vulnerability", CVE, "--product", product];
    let ran = place.run(&[&arguments, more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

const NOT_AFFECTED: [&str; 4] =
    ["--status", "not_affected", "--justification", "vulnerable_code_not_in_execute_path"];

/// Returns the status of Django's finding, its suppression, and the exit code at the threshold `critical`.
fn scan(place: &Place, vex: &[&str]) -> (String, String, i32) {
    let arguments = ["scan", "oci:app", "--no-cache", "--quiet", "--scanners", "vulnerability"];
    let more = ["--fail-on", "critical", "-o", "json=new.json"];
    let vex: Vec<&str> = vex.iter().flat_map(|file| ["--vex", file]).collect();
    let ran = place.run(&[&arguments[..], &more, &vex].concat());
    let report = json(&place.path("new.json"));
    let finding = report["findings"].as_array().unwrap().iter().find(|one| one["rule"] == CVE).unwrap();
    let suppression = &finding["suppression"];
    let said = format!("{} {}", suppression["state"], suppression["reason"]);
    (finding["status"].as_str().unwrap().to_owned(), said, ran.code)
}

#[test]
fn what_the_user_states_takes_a_finding_out_of_the_count() {
    let (place, digest) = place();
    assert_eq!(scan(&place, &[]), ("open".into(), "null null".into(), 1));
    let suppressed =
        ("suppressed".into(), "\"not-affected\" \"vulnerable code not in execute path\"".into(), 0);
    for format in ["openvex", "csaf", "cyclonedx"] {
        for (product, part) in
            [(digest.as_str(), Some("pkg:pypi/django@2.2.0")), (&digest, None), ("pkg:pypi/django", None)]
        {
            let mut more = [&NOT_AFFECTED[..], &["--format", format, "--output", "v.json"]].concat();
            more.extend(part.iter().flat_map(|part| ["--part", part]));
            create(&place, product, &more);
            assert_eq!(scan(&place, &["v.json"]), suppressed, "{format} {product} {part:?}");
        }
    }
}

#[test]
fn what_is_stated_of_something_else_changes_nothing() {
    let (place, digest) = place();
    let other = format!("sha256:{}", "0".repeat(64));
    for (product, part) in [
        (other.as_str(), "pkg:pypi/django@2.2.0"),
        (&digest, "pkg:pypi/django@2.2.1"),
        (&digest, "pkg:pypi/flask"),
        ("pkg:npm/django", "pkg:pypi/django"),
    ] {
        create(&place, product, &[&NOT_AFFECTED[..], &["--part", part, "--output", "v.json"]].concat());
        assert_eq!(scan(&place, &["v.json"]).0, "open", "{product} {part}");
    }
}

#[test]
fn the_newest_word_of_an_author_counts_and_authors_that_disagree_change_nothing() {
    let (place, digest) = place();
    create(&place, &digest, &[&NOT_AFFECTED[..], &["--output", "a.json"]].concat());
    let later = [("SOURCE_DATE_EPOCH", "1800000000")];
    let affected = ["--status", "affected", "--action", "upgrade", "--output"];
    let state = |author: &str, file: &str| {
        let arguments = ["vex", "create", "--author", author, "--vulnerability", CVE, "--product", &digest];
        let ran = place.run_with(&[&arguments[..], &affected, &[file]].concat(), &later);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    };
    state("Team", "b.json");
    state("Other", "c.json");
    assert_eq!(scan(&place, &["a.json"]).0, "suppressed");
    assert_eq!(scan(&place, &["a.json", "b.json"]).0, "open");
    assert_eq!(scan(&place, &["b.json", "a.json"]).0, "open", "the order of the files is no time");
    assert_eq!(scan(&place, &["a.json", "c.json"]).0, "open");
    let ran = place.run(&["vex", "merge", "a.json", "b.json", "--author", "Team", "--output", "m.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(scan(&place, &["m.json"]).0, "open");
}

#[test]
fn what_a_bill_of_materials_says_of_itself_is_shown_and_not_applied() {
    let (place, digest) = place();
    place.run(&["sbom", "oci:app", "--no-cache", "--output", "app.json"]);
    let mut sbom = json(&place.path("app.json"));
    sbom["vulnerabilities"] = serde_json::json!([{
        "id": CVE, "analysis": { "state": "not_affected", "detail": "trust me" }, "affects": [{ "ref": "subject" }],
    }]);
    place.write("app.json", sbom.to_string());
    let ran = place.run(&["scan", "app.json", "--scanners", "vulnerability", "--fail-on", "critical"]);
    assert_eq!(ran.code, 1);
    let line = format!("{CVE} in Django 2.2.0: not_affected by app.json");
    let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&line) && text.contains("it comes with what is judged"), "{}", ran.stdout);
    // The user may take its word.
    let ran = place.run(&["scan", "app.json", "--fail-on", "critical", "--vex", "app.json"]);
    assert_eq!(ran.code, 0, "{digest} {}", ran.stdout);
}

#[test]
fn suppressed_findings_are_counted_and_listed_when_asked_for() {
    let (place, digest) = place();
    create(&place, &digest, &[&NOT_AFFECTED[..], &["--output", "v.json"]].concat());
    let scan = ["scan", "oci:app", "--no-cache", "--scanners", "vulnerability", "--vex", "v.json"];
    let ran = place.run(&scan);
    assert!(
        ran.stdout.contains("1 finding suppressed by statements; `--show-suppressed` lists them"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("1 finding: 1 high"), "{}", ran.stdout);
    assert!(!ran.stdout.contains(CVE), "{}", ran.stdout);
    let ran = place.run(&[&scan[..], &["--show-suppressed"]].concat());
    assert!(
        ran.stdout
            .contains(&format!("{CVE} in Django 2.2.0: not-affected by Team on 2023-11-16 in `v.json`")),
        "{}",
        ran.stdout
    );
    let sarif = place.run(&[&scan[..], &["--format", "sarif"]].concat()).stdout;
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let suppressed: Vec<_> = results.iter().filter(|one| one.get("suppressions").is_some()).collect();
    assert_eq!(suppressed.len(), 1);
    assert_eq!(suppressed[0]["ruleId"], CVE);
}

#[test]
fn a_statement_older_than_the_advisory_is_flagged() {
    let (place, digest) = place();
    let arguments = ["vex", "create", "--author", "Team", "--vulnerability", CVE, "--product", &digest];
    let ran = place.run_with(
        &[&arguments[..], &NOT_AFFECTED, &["--output", "v.json"]].concat(),
        &[("SOURCE_DATE_EPOCH", "1600000000")],
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = place.run(&["scan", "oci:app", "--no-cache", "--vex", "v.json", "--show-suppressed"]);
    assert!(ran.stdout.contains("(older than the advisory)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("is older than the advisory: look at it again"), "{}", ran.stdout);
}

#[test]
fn a_statement_says_why() {
    let place = Place::new();
    let create =
        ["vex", "create", "--author", "T", "--vulnerability", CVE, "--product", "pkg:npm/x", "--status"];
    let refused = |more: &[&str]| place.run(&[&create[..], more].concat());
    assert_eq!(refused(&["not_affected"]).code, 2);
    assert_eq!(refused(&["affected"]).code, 2);
    assert_eq!(refused(&["fixed", "--justification", "component_not_present"]).code, 2);
    assert_eq!(refused(&["fixed"]).code, 0);
    place.write("x.json", "{}");
    let ran = place.run(&["scan", "oci:app", "--vex", "x.json"]);
    assert!(ran.stderr.contains("cannot read the VEX document `x.json`"), "{}", ran.stderr);
}

#[test]
fn a_difference_tells_what_a_statement_changed() {
    let (place, digest) = place();
    create(&place, &digest, &[&NOT_AFFECTED[..], &["--output", "v.json"]].concat());
    scan(&place, &["v.json"]);
    let ran = place.run(&["diff", "old.json", "new.json"]);
    insta::assert_snapshot!(place.shown(&ran));
    let ran = place.run(&[
        "diff",
        "old.json",
        "oci:app",
        "--no-cache",
        "--scanners",
        "vulnerability",
        "-f",
        "json",
    ]);
    let difference: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&difference["packages"], &difference["findings"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );
}

#[test]
fn a_report_that_was_kept_is_written_in_any_format() {
    let (place, _) = place();
    let scan = ["scan", "oci:app", "--no-cache", "--quiet", "--scanners", "vulnerability"];
    for format in ["json", "sarif", "table", "cyclonedx", "spdx"] {
        let want = place.run(&[&scan[..], &["--format", format]].concat()).stdout;
        let got = place.run(&["convert", "old.json", "--format", format]).stdout;
        assert_eq!(got, want, "{format}");
    }
    place.write("x.json", "{}");
    let ran = place.run(&["convert", "x.json"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("its schema is ``, not `assay.report/v1`"),
        "{}",
        ran.stderr
    );
}
