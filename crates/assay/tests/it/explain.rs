//! Why an advisory concerns an image, and why not.

use crate::{Place, image};

fn place() -> Place {
    let place = Place::new();
    place.layout("image", &image());
    place
}

fn explained(place: &Place, arguments: &[&str]) -> String {
    place.shown(&place.run(&[&["explain"], arguments].concat()))
}

#[test]
fn an_advisory_by_itself() {
    insta::assert_snapshot!(explained(&place(), &["CVE-2019-14234"]));
}

#[test]
fn an_advisory_that_matches_has_a_chain_of_evidence() {
    insta::assert_snapshot!(explained(&place(), &["GHSA-6r97-cj55-9hrq", "oci:image"]));
}

#[test]
fn an_advisory_about_a_source_package() {
    insta::assert_snapshot!(explained(&place(), &["CVE-2022-4450", "oci:image"]));
}

#[test]
fn an_advisory_about_something_that_is_not_installed() {
    insta::assert_snapshot!(explained(&place(), &["PYSEC-2023-1", "oci:image"]));
}

#[test]
fn an_advisory_that_nobody_knows() {
    insta::assert_snapshot!(explained(&place(), &["CVE-1999-0001", "oci:image"]));
}

#[test]
fn a_finding_is_explained_by_its_fingerprint() {
    let place = place();
    let ran = place.run(&["scan", "oci:image", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let finding = &report["findings"][0];
    let text = explained(&place, &[finding["id"].as_str().unwrap(), "oci:image"]);
    assert!(text.contains(finding["rule"].as_str().unwrap()), "{text}");
}
