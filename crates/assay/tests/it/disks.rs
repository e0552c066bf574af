//! Disks of virtual machines and functions: what is found, what is refused, and what is said of the rest.

use crate::Place;
use assay_test::disk::{gpt, kind, physical_volume, qcow2};
use assay_test::zip::zip;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Returns a small squashfs that mksquashfs made of a system with two packages.
fn system() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assay-decode/testdata/disk");
    fs::read(folder.join("squashfs-zstd.raw")).unwrap()
}

fn report(place: &Place, arguments: &[&str]) -> Value {
    let ran = place.run(&[&["scan", "--format", "json"], arguments].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr))
}

fn packages(report: &Value) -> Vec<String> {
    let list = report["packages"].as_array().unwrap();
    list.iter().map(|package| package["purl"].as_str().unwrap().to_owned()).collect()
}

fn warnings(report: &Value) -> Vec<String> {
    let list = report["warnings"].as_array().unwrap();
    let text = |warning: &Value, key: &str| warning[key].as_str().unwrap_or_default().to_owned();
    list.iter().map(|warning| format!("{}: {}", text(warning, "code"), text(warning, "message"))).collect()
}

#[test]
fn a_disk_is_recognised_whatever_it_is_stored_in() {
    let place = Place::new();
    let system = system();
    let group = physical_volume("vg", &[("root", &system)]);
    place.write("whole", &system);
    place.write("whole.qcow2", qcow2(&system, ""));
    place.write("table.img", gpt(&[(kind::BIOS_BOOT, "", &[1; 512]), (kind::LINUX, "", &system)]));
    place.write("group.img", gpt(&[(kind::LVM, "", &group)]));
    let expected = report(&place, &["whole"]);
    let found = packages(&expected);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("pkg:deb/debian/bash@5.2.15-2"), "{found:?}");
    assert_eq!(expected["os"]["version"], "12");
    assert_eq!(expected["source"]["kind"], "vm");
    assert_eq!(expected["complete"], true);
    for source in ["whole.qcow2", "table.img", "group.img", "vm:whole"] {
        let report = report(&place, &[source]);
        assert_eq!(report["packages"], expected["packages"], "{source}");
        // `fstab` names its root by a label, which squashfs has not: it was found by what is in it.
        assert_eq!(warnings(&report), [""; 0], "{source}");
    }
}

#[test]
fn what_is_not_looked_into_is_said() {
    let place = Place::new();
    let system = system();
    place.write(
        "disk",
        gpt(&[
            (kind::LINUX, "root", &system),
            (kind::LINUX, "other", &system),
            (kind::LINUX, "secret", b"LUKS\xba\xbe\0\x02"),
            (kind::LINUX, "cut", b"hsqs"),
        ]),
    );
    let report = report(&place, &["disk"]);
    assert_eq!(report["complete"], false);
    assert_eq!(packages(&report).len(), 2);
    assert_eq!(
        warnings(&report),
        [
            "another-system: partition 2 (`other`) (squashfs) holds another system, of which only language packages are reported, below `partition-2`",
            "unread-volume: partition 3 (`secret`) was not looked into: it is encrypted (LUKS)",
            "unread-volume: partition 4 (`cut`) was not looked into: it has no file system that is known here",
        ]
    );
}

#[test]
fn a_backing_file_is_read_only_where_that_is_safe() {
    let place = Place::new();
    let system = system();
    let hole = vec![0; system.len()];
    place.write("images/beside.qcow2", qcow2(&hole, "base"));
    place.write("images/base", &system);
    place.write("images/elsewhere.qcow2", qcow2(&hole, "../private"));
    place.write("private", &system);
    assert_eq!(packages(&report(&place, &["images/beside.qcow2"])).len(), 2);
    let refused = place.refused(&["scan", "images/elsewhere.qcow2"]);
    insta::assert_snapshot!(refused);
    let allowed = report(&place, &["images/elsewhere.qcow2", "--backing-file", "private"]);
    assert_eq!(packages(&allowed).len(), 2);
}

#[test]
fn the_digest_stands_for_all_files() {
    let place = Place::new();
    let system = system();
    place.write("one", &system);
    place.write("base", &system);
    place.write("over.qcow2", qcow2(&vec![0; system.len()], "base"));
    let shell = |script: &str| {
        let done =
            std::process::Command::new("sh").args(["-c", script]).current_dir(place.path(".")).output();
        String::from_utf8(done.unwrap().stdout).unwrap().split(' ').next().unwrap().trim().to_owned()
    };
    let identity =
        |source: &str| report(&place, &[source])["source"]["image_id"].as_str().unwrap().to_owned();
    assert_eq!(identity("one"), format!("sha256:{}", shell("sha256sum one")));
    let both = shell("sha256sum over.qcow2 base | cut -c-64 | sha256sum");
    assert_eq!(identity("over.qcow2"), format!("sha256:{both}"));
}

#[test]
fn a_function_and_its_layers() {
    let place = Place::new();
    let metadata =
        |name: &str, version: &str| format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    let django = metadata("Django", "2.2.0");
    let low = metadata("urllib3", "1.26.0");
    let high = metadata("urllib3", "2.0.4");
    let jar = zip(&[("META-INF/maven/a/b/pom.properties", b"groupId=a\nartifactId=b\nversion=1.0\n")]);
    place.write(
        "app.zip",
        zip(&[
            ("handler.py", b"import django\n"),
            ("Django-2.2.0.dist-info/METADATA", django.as_bytes()),
            ("lib/b.jar", &jar),
            ("../../etc/evil-1.0.dist-info/METADATA", django.as_bytes()),
        ]),
    );
    let layer = |text: &str| zip(&[("python/urllib3.dist-info/METADATA", text.as_bytes())]);
    place.write("low.zip", layer(&low));
    place.write("high.zip", layer(&high));
    let report = report(&place, &["app.zip", "--function-layer", "low.zip", "--function-layer", "high.zip"]);
    assert_eq!(report["source"]["kind"], "function");
    assert_eq!(packages(&report), ["pkg:pypi/django@2.2.0", "pkg:pypi/urllib3@2.0.4", "pkg:maven/a/b@1.0"]);
    let places = report["packages"].to_string();
    assert!(places.contains("opt/python/urllib3.dist-info/METADATA"), "{places}");
    assert_eq!(
        warnings(&report),
        [
            "skipped-entry: the entry `../../etc/evil-1.0.dist-info/METADATA` would lie outside of the function and was skipped"
        ]
    );
}

#[test]
fn what_is_no_disk_or_function_is_refused() {
    let place = Place::new();
    place.write("notes.txt", "nothing of interest");
    place.write("broken.qcow2", b"QFI\xfb\0\0\0\x03");
    let all = [
        &["scan", "vm:notes.txt"][..],
        &["scan", "vm:gone.raw"],
        &["scan", "vm:scratch"],
        &["scan", "broken.qcow2"],
        &["scan", "function:notes.txt"],
        &["scan", "notes.txt", "--backing-file", "x"],
        &["scan", "vm:notes.txt", "--function-layer", "x"],
    ]
    .map(|arguments| place.refused(arguments));
    insta::assert_snapshot!(all.join("\n"));
}
