//! `diff --reproducible`: two builds that are the same, and builds that differ in one thing each.

use crate::Place;
use assay_test::image::{Builder, BuiltImage, Stored};
use serde_json::{Value, json};

/// A file of a layer, with everything a builder may do differently.
#[derive(Clone, Copy)]
struct Entry {
    path: &'static str,
    text: &'static str,
    mode: u32,
    owner: u64,
    time: u64,
    group_name: &'static str,
}

const FILES: [Entry; 3] =
    [entry("a", "one"), entry("b", "two"), entry("etc/machine-id", "0123456789abcdef0123456789abcdef\n")];

const fn entry(path: &'static str, text: &'static str) -> Entry {
    Entry { path, text, mode: 0o644, owner: 0, time: 1_700_000_000, group_name: "" }
}

/// Writes the archive, with tar's own writer.
fn tar(files: &[Entry]) -> Vec<u8> {
    let mut archive = Vec::new();
    for file in files {
        let mut header = [0_u8; 512];
        let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, file.path);
        put(100, &format!("{:07o}", file.mode));
        put(108, &format!("{:07o}", file.owner));
        put(116, &format!("{:07o}", 0));
        put(124, &format!("{:011o}", file.text.len()));
        put(136, &format!("{:011o}", file.time));
        put(148, "        ");
        put(156, "0");
        put(257, "ustar\x0000");
        put(297, file.group_name);
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        archive.extend(header);
        archive.extend(file.text.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn build(files: &[Entry], change: impl Fn(Builder) -> Builder) -> BuiltImage {
    change(Builder::new()).layer_tar(tar(files), "COPY . /").build()
}

/// Compares with the build of `FILES`; returns the exit code and the report.
fn compare(new: &BuiltImage, more: &[&str]) -> (i32, Value) {
    let place = Place::new();
    place.layout("old", &build(&FILES, |builder| builder));
    place.layout("new", new);
    let ran =
        place.run(&[&["diff", "--reproducible", "oci:old", "oci:new", "--format", "json"], more].concat());
    let report = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    (ran.code, report)
}

/// Checks that the one cause is found, and nothing else.
#[track_caller]
fn check(new: &BuiltImage, cause: &str, path: &str, level: &str) {
    let (code, report) = compare(new, &[]);
    assert_eq!(code, 1, "{report}");
    let causes: Vec<&String> = report["causes"].as_object().unwrap().keys().collect();
    assert_eq!(causes, [cause], "{report:#}");
    let first = &report["differences"][0];
    assert_eq!((&first["path"], &first["level"]), (&json!(path), &json!(level)), "{report:#}");
    let (code, report) = compare(new, &["--ignore", cause]);
    assert_eq!((code, &report["verdict"]), (0, &json!("equal but for what is ignored")));
}

fn changed(at: usize, change: impl Fn(&mut Entry)) -> BuiltImage {
    let mut files = FILES;
    change(&mut files[at]);
    build(&files, |builder| builder)
}

#[test]
fn the_same_build_is_identical() {
    let (code, report) = compare(&build(&FILES, |builder| builder), &[]);
    assert_eq!((code, &report["verdict"], &report["count"]), (0, &json!("identical"), &json!(0)));
}

#[test]
fn one_thing_that_differs_is_named() {
    check(&changed(0, |file| file.time += 1), "timestamp", "a", "file");
    check(&changed(0, |file| file.owner = 1000), "owner", "a", "file");
    check(&changed(1, |file| file.mode = 0o755), "mode", "b", "file");
    check(&changed(1, |file| file.text = "other"), "content", "b", "bytes");
    check(
        &changed(2, |file| file.text = "fedcba9876543210fedcba9876543210\n"),
        "build-id",
        "etc/machine-id",
        "bytes",
    );
    check(&changed(2, |file| file.text = "2"), "content", "etc/machine-id", "bytes");
    check(&changed(0, |file| file.group_name = "users"), "archive-format", "archive", "layer");
    let [a, b, c] = FILES;
    check(&build(&[b, a, c], |builder| builder), "order", "order of entries", "layer");
    check(&build(&[a, b], |builder| builder), "presence", "etc/machine-id", "file");
    check(
        &build(&[a, b, c, entry("var/log/x.log", "")], |builder| builder),
        "residue",
        "var/log/x.log",
        "file",
    );
    check(
        &build(&FILES, |builder| builder.runtime("User", json!("app"))),
        "setting",
        "config.User",
        "config",
    );
    check(&build(&FILES, |builder| builder.annotation("x", "y")), "annotation", "annotations.x", "manifest");
}

#[test]
fn the_same_archive_compressed_otherwise_is_told_from_other_files() {
    for stored in [Stored::Plain, Stored::Zstd] {
        let (code, report) = compare(&build(&FILES, |builder| builder.stored(stored)), &[]);
        assert_eq!(code, 1);
        let causes: Vec<&String> = report["causes"].as_object().unwrap().keys().collect();
        assert_eq!(causes, ["compression"], "{report:#}");
    }
}

#[test]
fn a_cause_that_is_ignored_hides_no_other() {
    let [mut a, mut b, c] = FILES;
    a.time += 1;
    b.group_name = "users";
    let (code, report) = compare(&build(&[a, b, c], |builder| builder), &["--ignore", "timestamp"]);
    assert_eq!((code, report["verdict"].as_str()), (1, Some("different")), "{report:#}");
    let causes: Vec<&String> = report["causes"].as_object().unwrap().keys().collect();
    assert_eq!(causes, ["archive-format", "timestamp"], "{report:#}");
    // Digits beside the name of a month, a port beside what looks like a time.
    for (at, text) in [(0, "May use 9 cores"), (1, "at 00:00 on port 8081")] {
        let (code, report) = compare(&changed(at, |file| file.text = text), &["--ignore", "timestamp,order"]);
        assert_eq!(code, 1, "{report:#}");
    }
}

#[test]
fn the_same_archive_of_docker_is_identical() {
    let place = Place::new();
    for name in ["old.tar", "new.tar"] {
        place.write(name, build(&FILES, |builder| builder).docker_archive("app:1"));
    }
    let ran = place.run(&["diff", "--reproducible", "old.tar", "new.tar"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "identical\n"), "{}", ran.stderr);
}

#[test]
fn a_setting_that_only_the_document_has_is_told_of_an_archive_of_docker() {
    let place = Place::new();
    for (name, signal) in [("old.tar", "SIGTERM"), ("new.tar", "SIGKILL")] {
        let image = build(&FILES, |builder| builder.runtime("StopSignal", json!(signal)));
        place.write(name, image.docker_archive("app:1"));
    }
    let ran = place.run(&["diff", "--reproducible", "old.tar", "new.tar"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.contains("config.StopSignal: SIGTERM"), "{}", ran.stdout);
}

#[test]
fn builds_in_archives_of_docker_are_compared_and_shown() {
    let place = Place::new();
    let [mut a, b, c] = FILES;
    a.time += 1;
    place.write("old.tar", build(&FILES, |builder| builder).docker_archive("app:1"));
    let new = build(&[b, a, c], |builder| builder.runtime("Env", json!(["X=1\u{1b}[31m"])));
    place.write("new.tar", new.docker_archive("app:1"));
    let ran = place.run(&["diff", "--reproducible", "old.tar", "new.tar"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    insta::assert_snapshot!("reproducible", ran.stdout);
    let ran = place.run(&["diff", "--reproducible", "old.tar", "new.tar", "--format", "markdown"]);
    assert!(ran.stdout.starts_with("**different**\n\n| cause |"), "{}", ran.stdout);
    let ran = place.run(&["diff", "--reproducible", "old.tar", "new.tar", "--ignore", "time"]);
    assert!(ran.code == 2 && ran.stderr.contains("archive-format"), "{}", ran.stderr);
    let ran = place.run(&["diff", "--reproducible", "old.tar", "new.tar", "--max-layer-size", "1"]);
    assert!(ran.code == 2 && ran.stdout.contains("not compared"), "{}", ran.stdout);
}
