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

/// An image whose `ls` was replaced, and whose settings were changed as they may be.
fn with_files(ls: &str) -> assay_test::image::BuiltImage {
    // `printf genuine | md5sum`
    let sums =
        "7aa4a242d3ce5fe086e54bd1949ad950  usr/bin/cat\n7aa4a242d3ce5fe086e54bd1949ad950  usr/bin/ls\n";
    let status = "Package: coreutils\nStatus: install ok installed\nArchitecture: amd64\nVersion: 9.1-1\n\
        Conffiles:\n /etc/coreutils.conf d41d8cd98f00b204e9800998ecf8427e\n\n";
    let tree = Tree::new()
        .file("etc/coreutils.conf", "changed")
        .file("etc/os-release", crate::OS_RELEASE)
        .file("usr/bin/cat", "genuine")
        .file("usr/bin/ls", ls)
        .file("var/lib/dpkg/info/coreutils.list", "/.\n/usr/bin/cat\n/usr/bin/ls\n/etc/coreutils.conf\n")
        .file("var/lib/dpkg/info/coreutils.md5sums", sums)
        .file("var/lib/dpkg/status", status);
    assay_test::image::Builder::new().layer(tree, "COPY . .").build()
}

#[test]
fn files_of_packages_are_listed_with_their_digests() {
    let place = Place::new();
    place.layout("app", &with_files("genuine"));
    let ran = place.run(&["sbom", "oci:app", "--no-cache", "--file-hashes", "--output", "a.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let components = json(&place.path("a.json"))["components"].clone();
    let package = components.as_array().unwrap().iter().find(|one| one["name"] == "coreutils").unwrap();
    let files: Vec<&str> =
        package["components"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(files, ["etc/coreutils.conf", "usr/bin/cat", "usr/bin/ls"]);
    // `printf genuine | sha256sum`
    let sha256 = "dfec22473777f0ddaea98d74045c22ae9029a8e3b75aa8fcce941aa29e5b073b";
    let hash = &package["components"][1]["hashes"][1];
    assert_eq!((hash["alg"].as_str(), hash["content"].as_str()), (Some("SHA-256"), Some(sha256)));
    assert_eq!(package["components"][1]["hashes"], package["components"][2]["hashes"]);
    let without = place.run(&["sbom", "oci:app", "--no-cache"]).stdout;
    assert!(!without.contains("usr/bin/cat"), "only on request");
}

#[test]
fn a_file_that_is_not_what_its_package_installed_is_found_by_a_deep_scan() {
    let place = Place::looking_for("misconfiguration");
    for (ls, want) in [("genuine", 0), ("planted", 1)] {
        place.layout("app", &with_files(ls));
        let scan = |more: &[&str]| {
            place.run(&[&["scan", "oci:app", "--no-cache", "-o", "json=out/r.json"], more].concat());
            json(&place.path("out/r.json"))
        };
        let found = |report: &Value| -> Vec<Value> {
            let findings = report["findings"].as_array().unwrap().iter();
            findings.filter(|one| one["rule"] == "image-modified-file").cloned().collect()
        };
        assert!(found(&scan(&[])).is_empty());
        let report = scan(&["--deep"]);
        let found = found(&report);
        assert_eq!(found.len(), want, "{found:?}");
        let observed = report["observations"].as_array().into_iter().flatten();
        let modified: Vec<&Value> = observed.filter(|one| one["topic"] == "modified").collect();
        assert_eq!(modified.len(), want);
        if let [one] = modified.as_slice() {
            assert_eq!(one["path"], "usr/bin/ls");
            assert_eq!(found[0]["locations"][0]["path"], "usr/bin/ls");
            assert_eq!(one["details"][0]["value"], "coreutils 9.1-1");
        }
    }
}

#[test]
fn images_are_compared_file_by_file_when_asked() {
    let place = Place::new();
    place.layout("old", &with_files("genuine"));
    place.layout("new", &with_files("planted, and longer"));
    let ran = place.run(&["diff", "oci:old", "oci:new", "--no-cache", "--files"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for line in [
        "1 file changed (19 bytes)",
        "usr/bin/ls  size 7 to 19",
        "files: 6 the same, 0 removed, 0 added, 1 changed",
    ] {
        assert!(ran.stdout.contains(line), "{}", ran.stdout);
    }
    let ran = place.run(&[
        "diff",
        "oci:old",
        "oci:new",
        "--no-cache",
        "--files",
        "--format",
        "json",
        "-o",
        "out/d.json",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let files = json(&place.path("out/d.json"))["files"].clone();
    assert_eq!((files["same"].as_u64(), files["list"][0]["path"].as_str()), (Some(6), Some("usr/bin/ls")));
    let without = place.run(&["diff", "oci:old", "oci:new", "--no-cache"]).stdout;
    assert!(without.contains("`--files` compares them one by one"), "{without}");
}
