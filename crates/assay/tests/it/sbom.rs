//! Bills of materials: what `assay sbom` writes, and that scanning it finds what scanning the image finds.

use crate::{Place, builder, image, json};
use assay_test::image::Tree;
use serde_json::Value;

const FORMATS: [&str; 5] = ["cyclonedx", "cyclonedx-xml", "spdx", "spdx-tv", "spdx3"];

fn report(place: &Place, source: &str) -> Value {
    let ran = place.run(&[
        "scan",
        source,
        "--quiet",
        "--no-cache",
        "--scanners",
        "vulnerability",
        "-o",
        "json=out/r.json",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    json(&place.path("out/r.json"))
}

#[test]
fn scanning_the_bill_of_materials_finds_what_scanning_the_image_finds() {
    let place = Place::new();
    place.layout("app", &image());
    let of_image = report(&place, "oci:app");
    assert_eq!(of_image["findings"].as_array().unwrap().len(), 2);
    for format in FORMATS {
        let ran = place.run(&["sbom", "oci:app", "--no-cache", "--format", format, "--output", "app.sbom"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
        for source in ["sbom:app.sbom", "app.sbom"] {
            let of_sbom = report(&place, source);
            assert_eq!(of_sbom["source"]["kind"], "sbom", "{format}");
            for part in ["findings", "packages", "coverage", "removable"] {
                assert_eq!(of_sbom[part], of_image[part], "{format} {part}");
            }
        }
    }
}

#[test]
fn the_same_image_gives_the_same_bytes_from_everywhere() {
    let place = Place::new();
    place.layout("app", &image());
    let sbom = |place: &Place| place.run(&["sbom", "oci:app", "--no-cache"]).stdout;
    assert_eq!(sbom(&place), sbom(&place));
    assert!(sbom(&place).contains("\"timestamp\": \"2023-11-16T22:13:20Z\""), "SOURCE_DATE_EPOCH is kept to");
}

#[test]
fn one_format_becomes_another() {
    let place = Place::new();
    place.layout("app", &image());
    place.run(&["sbom", "oci:app", "--no-cache", "--output", "a.json"]);
    let of_image = report(&place, "oci:app");
    for format in FORMATS {
        let ran = place.run(&["sbom", "a.json", "--format", format, "--output", "b.sbom"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(report(&place, "b.sbom")["findings"], of_image["findings"], "{format}");
    }
}

#[test]
fn it_says_how_complete_it_is() {
    let place = Place::new();
    place.layout("app", &image());
    let ran = place.run(&["sbom", "oci:app", "--no-cache", "--score"]);
    insta::assert_snapshot!(place.shown(&ran), @r"
    exit code 0
    ---- stdout
    packages         3
    version          3  100 %
    purl             3  100 %
    license          1   33 %
    supplier         0    0 %
    hash             0    0 %
    dependency       0    0 %
    score                38 %
    ---- stderr
    ");
    let ran = place.run(&["sbom", "oci:app", "--no-cache", "--score=json"]);
    let score: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&score["score"], &score["parts"]["purl"]["percent"]), (&38.into(), &100.into()));
}

#[test]
fn a_format_or_version_that_is_not_written_is_refused() {
    let place = Place::new();
    let ran = place.run(&["sbom", "oci:app", "--format", "swid"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("expected cyclonedx, cyclonedx-xml, spdx, spdx-tv or spdx3"),
        "{}",
        ran.stderr
    );
    let ran = place.run(&["sbom", "oci:app", "--spec-version", "1.3"]);
    assert!(ran.stderr.contains("expected 1.4, 1.5, 1.6, 1.7"), "{}", ran.stderr);
}

#[test]
fn what_is_no_bill_of_materials_is_refused() {
    let place = Place::new();
    place.write("x.json", "{\"bomFormat\": \"CycloneDX\", \"spec");
    place.write("y.json", "{}");
    insta::assert_snapshot!(place.refused(&["scan", "sbom:x.json"]), @r"
    error: cannot scan `sbom:x.json`
      caused by: cannot use `x.json` as a bill of materials
      caused by: it cannot be read as CycloneDX JSON
      caused by: EOF while parsing a string at line 1 column 32
    hint: make it again as CycloneDX or SPDX, for example with `assay sbom SOURCE`
    ");
    insta::assert_snapshot!(place.refused(&["scan", "sbom:y.json"]), @r"
    error: cannot scan `sbom:y.json`
      caused by: cannot use `y.json` as a bill of materials
      caused by: it is no bill of materials: neither CycloneDX nor SPDX nor Syft's JSON
    hint: make it again as CycloneDX or SPDX, for example with `assay sbom SOURCE`
    ");
}

#[test]
fn what_an_image_says_of_itself_adds_packages_and_takes_none_away() {
    let place = Place::new();
    let sbom = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
        {"type":"library","name":"Django","version":"2.2.1","purl":"pkg:pypi/django@2.2.1"},
        {"type":"library","name":"django","version":"2.2.0","purl":"pkg:pypi/django@2.2.0"},
        {"type":"library","name":"libssl3","version":"9.9","purl":"pkg:deb/debian/libssl3@9.9?distro=debian-12"}],
        "vulnerabilities":[{"id":"CVE-2019-14234","analysis":{"state":"not_affected"},"affects":[{"ref":"x"}]}]}"#;
    place.layout("app", &builder().layer(Tree::new().file("app/app.cdx.json", sbom), "COPY").build());
    let report = report(&place, "oci:app");
    let found: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {}", one["package"].as_str().unwrap(), one["status"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            "pkg:pypi/django@2.2.0 open",
            "pkg:pypi/django@2.2.1 open",
            "pkg:deb/debian/libssl3@3.0.1-1?arch=amd64&distro=debian-12 open"
        ]
    );
}

#[test]
fn a_scan_that_left_something_out_says_so_in_the_document() {
    let place = Place::new();
    place.layout(
        "app",
        &builder().layer(Tree::new().file("app/package-lock.json", "{\"packages\": {"), "COPY").build(),
    );
    let ran = place.run(&["sbom", "oci:app", "--no-cache", "--output", "a.json"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("something was left unscanned"), "{}", ran.stderr);
    let ran = place.run(&["sbom", "oci:app", "--no-cache", "--output", "a.json", "--allow-partial"]);
    assert_eq!(ran.code, 0);
    assert_eq!(place.run(&["scan", "a.json"]).code, 2, "a scan of the document is no more complete");
}
