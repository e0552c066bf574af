//! A good image with something damaged in it: the rest is reported in full, and every format says what is missing.

use crate::{METADATA, Place, STATUS, base, json};
use assay_test::image::{Builder, BuiltImage, Stored, Tree};

/// An image in which both a package database and a lockfile are damaged.
fn damaged() -> BuiltImage {
    let status =
        format!("{STATUS}\nPackage: nameless\nStatus: install ok installed\n\n\u{0}\u{1}binary rubbish\n");
    let app = Tree::new()
        .file("app/Cargo.lock", "version = 3\n[[package]\nname = ")
        .file("venv/lib/python3.11/site-packages/Django-2.2.0.dist-info/METADATA", METADATA);
    Builder::new().layer(base(&status), "ADD rootfs").layer(app, "COPY app /app").build()
}

fn place() -> Place {
    let place = Place::new();
    place.layout("image", &damaged());
    place
}

#[test]
fn the_table_says_so() {
    let place = place();
    insta::assert_snapshot!(place.shown(&place.run(&["scan", "oci:image"])));
}

#[test]
fn json_and_sarif_say_so() {
    let place = place();
    let outputs = ["--output", "json=out/a.json", "--output", "sarif=out/b.sarif"];
    assert_eq!(place.run(&[&["scan", "oci:image"], &outputs[..]].concat()).code, 2);
    let report = json(&place.path("out/a.json"));
    assert_eq!(report["complete"], false);
    assert_eq!(report["summary"]["findings"], 2, "what can be read is still judged");
    let paths: Vec<&str> =
        report["warnings"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"app/Cargo.lock") && paths.contains(&"var/lib/dpkg/status"), "{paths:?}");
    let invocation = json(&place.path("out/b.sarif"))["runs"][0]["invocations"][0].take();
    assert_eq!(invocation["executionSuccessful"], false);
    let notes = invocation["toolExecutionNotifications"].to_string();
    assert!(notes.contains("app/Cargo.lock") && notes.contains("var/lib/dpkg/status"), "{notes}");
}

#[test]
fn a_filter_does_not_hide_it() {
    let place = place();
    let ran = place.run(&["scan", "oci:image", "--severity", "low"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.contains("warning: `app/Cargo.lock`"), "{}", ran.stdout);
}

#[test]
fn a_layer_that_breaks_off_is_a_warning_when_its_digests_are_right() {
    let place = Place::new();
    let mut tar = base(STATUS).file("big", vec![1; 100_000]).tar();
    tar.truncate(50_000);
    place.layout("image", &Builder::new().stored(Stored::Plain).layer_tar(tar, "COPY").build());
    insta::assert_snapshot!(place.shown(&place.run(&["scan", "oci:image"])));
}
