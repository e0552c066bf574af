//! What must not matter does not matter: one content, however it is cut into layers, stored, named and carried, has the same
//! findings; and a change changes what it changes.

use crate::{METADATA, OS_RELEASE, Place, STATUS, image, json};
use assay_test::image::{Builder, BuiltImage, Stored, Tree};
use serde_json::Value;
use std::collections::BTreeSet;

/// Files that do not depend on each other.
fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        ("etc/os-release", OS_RELEASE),
        ("var/lib/dpkg/status", STATUS),
        ("venv/lib/python3.11/site-packages/Django-2.2.0.dist-info/METADATA", METADATA),
        ("other/lib/python3.11/site-packages/Django-2.2.0.dist-info/METADATA", METADATA),
        ("app/node_modules/left/package.json", "{\"name\": \"left\", \"version\": \"1.0.0\"}"),
        ("app/readme.txt", "nothing to see here"),
    ]
}

fn layered(builder: Builder, layers: &[Vec<(&str, &str)>]) -> BuiltImage {
    let layer = |builder: Builder, files: &Vec<(&str, &str)>| {
        let tree = files.iter().fold(Tree::new(), |tree, (path, content)| tree.file(path, content));
        builder.layer(tree, "COPY . /")
    };
    layers.iter().fold(builder, layer).build()
}

fn one_each() -> Vec<Vec<(&'static str, &'static str)>> {
    files().into_iter().map(|file| vec![file]).collect()
}

/// Returns what a report says of packages and findings, apart from the layers they are in.
fn said(report: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let paths = |of: &Value| -> Vec<String> {
        let locations = of["locations"].as_array().unwrap().iter();
        locations.map(|location| location["path"].as_str().unwrap().to_owned()).collect()
    };
    let text = |of: &Value, name: &str| of[name].to_string();
    let list = |name: &str| report[name].as_array().unwrap().clone();
    let packages = list("packages");
    let packages =
        packages.iter().map(|package| format!("{} {:?}", text(package, "purl"), paths(package))).collect();
    let findings = list("findings");
    let findings = findings
        .iter()
        .map(|finding| {
            let fields = ["id", "rule", "aliases", "severity", "package", "fix", "evidence", "remediation"];
            let fields: Vec<String> = fields.iter().map(|name| text(finding, name)).collect();
            format!("{} {:?}", fields.join(" "), paths(finding))
        })
        .collect();
    (packages, findings)
}

fn scan(place: &Place, source: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let ran = place.run(&["scan", source, "--output", "json=out/report.json"]);
    assert_eq!(ran.code, 0, "{source}: {}", ran.stderr);
    said(&json(&place.path("out/report.json")))
}

/// Checks that an image has the findings of the same files in one layer.
#[track_caller]
fn check(image: &BuiltImage) {
    let place = Place::new();
    place.layout("expected", &layered(Builder::new(), &[files()]));
    place.layout("image", image);
    let expected = scan(&place, "oci:expected");
    assert_eq!(expected.1.len(), 2, "{expected:?}");
    assert_eq!(scan(&place, "oci:image"), expected);
}

#[test]
fn how_content_is_cut_into_layers() {
    check(&layered(Builder::new(), &one_each()));
    let mut backwards = one_each();
    backwards.reverse();
    check(&layered(Builder::new(), &backwards));
    check(&layered(Builder::new(), &[files()[..3].to_vec(), files()[3..].to_vec()]));
    // The same file again, above itself.
    check(&layered(Builder::new(), &[files(), files()]));
    check(&layered(Builder::new(), &[files(), files()[2..4].to_vec()]));
}

#[test]
fn how_layers_are_stored() {
    for stored in [Stored::Plain, Stored::Gzip, Stored::Zstd] {
        check(&layered(Builder::new().stored(stored), &one_each()));
    }
    let mixed = files().iter().zip([Stored::Zstd, Stored::Plain, Stored::Gzip].iter().cycle()).fold(
        Builder::new(),
        |builder, ((path, content), stored)| {
            builder.stored(*stored).layer(Tree::new().file(path, content), "COPY . /")
        },
    );
    check(&mixed.build());
}

#[test]
fn layers_that_have_nothing_to_do_with_it() {
    let unrelated = vec![("srv/data.bin", "\0\u{1}\u{2}"), ("usr/share/doc/thing", "text")];
    for at in 0..=files().len() {
        let mut layers = one_each();
        layers.insert(at, unrelated.clone());
        check(&layered(Builder::new(), &layers));
    }
    // What came and went.
    let old = Tree::new().file(
        "venv/lib/python3.11/site-packages/Django-1.0.dist-info/METADATA",
        METADATA.replace("2.2.0", "1.0"),
    );
    let gone = Tree::new().whiteout("venv");
    let builder = Builder::new().layer(old, "RUN one").layer(gone, "RUN two").instruction("ENV A=b");
    check(&layered(builder, &one_each()));
}

#[test]
fn what_carries_it_and_what_it_is_called() {
    let place = Place::new();
    let image = layered(Builder::new(), &one_each());
    place.layout("image", &image);
    place.write("old.tar", image.docker_archive("registry.example/team/app:1.0"));
    place.write("renamed.tar", image.docker_archive("other.example/x:latest"));
    place.write("new.tar", image.docker_oci_archive("registry.example/team/app:1.0"));
    place.write("oci.tar", image.oci_archive("another-tag"));
    for (path, content) in files() {
        place.write(&format!("root/{path}"), content);
    }
    let expected = scan(&place, "oci:image");
    assert_eq!(expected.1.len(), 2);
    for source in [
        "docker-archive:old.tar",
        "docker-archive:renamed.tar",
        "docker-archive:new.tar",
        "oci-archive:oci.tar",
        "dir:root",
    ] {
        assert_eq!(scan(&place, source), expected, "{source}");
    }
}

#[test]
fn an_upgrade_removes_exactly_its_findings() {
    let place = Place::new();
    let before = || layered(Builder::new(), &[files()]);
    place.layout("before", &before());
    let sites = ["venv/lib/python3.11/site-packages", "other/lib/python3.11/site-packages"];
    let upgraded = |count: usize| {
        let tree = sites[..count].iter().fold(Tree::new(), |tree, site| {
            tree.whiteout(&format!("{site}/Django-2.2.0.dist-info"))
                .file(&format!("{site}/Django-2.2.4.dist-info/METADATA"), METADATA.replace("2.2.0", "2.2.4"))
        });
        let base = files().into_iter().fold(Tree::new(), |tree, (path, content)| tree.file(path, content));
        Builder::new().layer(base, "COPY . /").layer(tree, "RUN pip install --upgrade django").build()
    };
    let findings = |name: &str, image: &BuiltImage| {
        place.layout(name, image);
        let ran = place.run(&["scan", &format!("oci:{name}"), "--output", "json=out/report.json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let report = json(&place.path("out/report.json"));
        let findings = report["findings"].as_array().unwrap().clone();
        findings
            .iter()
            .map(|finding| {
                let places = finding["locations"].as_array().unwrap().len();
                format!("{} {} {} {places}", finding["id"], finding["rule"], finding["package"])
            })
            .collect::<BTreeSet<String>>()
    };
    let all = findings("before", &before());
    let django = |line: &String| line.contains("CVE-2019-14234");
    assert_eq!((all.len(), all.iter().filter(|line| django(line)).count()), (2, 1));
    // One of its two places: the finding stays with the other, and keeps its fingerprint.
    let half: BTreeSet<String> =
        all.iter().map(|line| if django(line) { line.replace(" 2", " 1") } else { line.clone() }).collect();
    assert_eq!(findings("half", &upgraded(1)), half);
    let rest: BTreeSet<String> = all.iter().filter(|line| !django(line)).cloned().collect();
    assert_eq!(findings("fixed", &upgraded(2)), rest);
}

#[test]
fn a_second_scan_of_a_kept_layer_says_the_same() {
    let place = Place::new();
    place.layout("image", &image());
    let first = scan(&place, "oci:image");
    assert!(!first.1.is_empty());
    assert_eq!(scan(&place, "oci:image"), first);
}
