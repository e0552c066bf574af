//! One image gives one report: whichever way it comes, however its layers are stored, however often it is scanned.

use crate::report::{assay, command, created_by, database, list, report, text};
use crate::services::{podman_service, registry, run};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Returns the report without what says where the image came from; its layers must be the same there, too.
fn apart_from_source(mut report: Value) -> (Value, Vec<(String, String)>) {
    let source = report.as_object_mut().unwrap().remove("source").unwrap();
    let layers = list(&source, "layers");
    (
        report,
        layers
            .iter()
            .map(|layer| (text(layer, "diff_id").into(), text(layer, "created_by").into()))
            .collect(),
    )
}

/// Checks that `source`, which is of this kind, gives the report that the layout gives.
#[track_caller]
fn check(source: &str, kind: &str, expected: &Value) {
    let found = report(source, &[]).unwrap();
    assert_eq!(found["source"]["kind"], kind, "{source}");
    let ((found, found_layers), (expected, layers)) =
        (apart_from_source(found), apart_from_source(expected.clone()));
    assert_eq!(found_layers, layers, "{source}");
    assert!(found == expected, "{source}: {}", first_difference(&found, &expected, ""));
}

/// Names the first place at which two reports differ: all of them would fill screens.
fn first_difference(a: &Value, b: &Value, path: &str) -> String {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) if x.keys().eq(y.keys()) => {
            let key = x.keys().find(|key| x[*key] != y[*key]).unwrap();
            first_difference(&x[key], &y[key], &format!("{path}.{key}"))
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            let at = (0..x.len()).find(|at| x[*at] != y[*at]).unwrap();
            first_difference(&x[at], &y[at], &format!("{path}[{at}]"))
        }
        _ => format!("{path}: {a:.300} here, {b:.300} in the layout"),
    }
}

/// Returns the layout of an image of the corpus as a source, and its report, which has something to compare.
fn layout(image: &str) -> Option<(PathBuf, String, Value)> {
    let folder = real_tests::corpus(image)?;
    let source = format!("oci:{}", folder.join("oci").display());
    let report = report(&source, &[])?;
    assert!(!list(&report, "findings").is_empty() && list(&report["source"], "layers").len() > 1);
    for finding in list(&report, "findings") {
        created_by(&report, &list(finding, "locations")[0]["layer"]);
    }
    Some((folder, source, report))
}

#[test]
fn archives_and_layouts_give_the_same_report() {
    let Some((folder, source, expected)) = layout("python-app") else { return };
    let at = |name: &str| folder.join(name).display().to_string();
    check(&source, "oci", &expected);
    check(&format!("docker-archive:{}", at("docker-archive.tar")), "docker-archive", &expected);
    check(&format!("oci-archive:{}", at("oci-archive.tar")), "oci-archive", &expected);
    // Recognised by their content.
    check(&at("docker-archive.tar"), "docker-archive", &expected);
    check(&at("oci-archive.tar"), "oci-archive", &expected);
    check(&at("oci"), "oci", &expected);
}

#[test]
fn layers_stored_as_gzip_zstd_and_plain_give_the_same_report() {
    let Some((folder, source, expected)) = layout("python-app") else { return };
    let zstd = folder.join("oci-zstd");
    assert!(begins(&folder.join("oci"), &[0x1f, 0x8b]) && !begins(&folder.join("oci"), &ZSTD));
    assert!(begins(&zstd, &ZSTD) && !begins(&zstd, &[0x1f, 0x8b]));
    check(&source, "oci", &expected);
    check(&format!("oci:{}", zstd.display()), "oci", &expected);
    let archive = folder.join("docker-archive.tar").display().to_string();
    let plain = run(Path::new("tar"), &["-xOf", &archive, "--wildcards", "--occurrence=1", "*.tar"]);
    assert_eq!(plain[257..262], *b"ustar", "the layers of a Docker archive are plain");
    check(&format!("docker-archive:{archive}"), "docker-archive", &expected);
}

const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Returns whether a blob of the layout begins with `magic`.
fn begins(layout: &Path, magic: &[u8]) -> bool {
    let blobs = std::fs::read_dir(layout.join("blobs/sha256")).unwrap();
    blobs.flatten().any(|blob| std::fs::read(blob.path()).unwrap().starts_with(magic))
}

#[test]
fn a_registry_gives_the_same_report() {
    let (Some(skopeo), Some(program), Some((_, source, expected))) =
        (real_tests::tool("skopeo"), real_tests::tool("docker-registry"), layout("python-app"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (_running, host) = registry(&program, folder.path(), "", "");
    let copy = ["copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false"];
    run(&skopeo, &[&copy[..], &[&source, &format!("docker://{host}/acme/tickets:1.4")]].concat());
    check(&format!("{host}/acme/tickets:1.4"), "registry", &expected);
    let digest = text(&expected["source"], "manifest_digest");
    check(&format!("{host}/acme/tickets@{digest}"), "registry", &expected);
    check(&format!("registry:{host}/acme/tickets:1.4"), "registry", &expected);
}

#[test]
fn podmans_service_gives_the_same_report() {
    // Few layers: podman's `vfs` store copies the whole root for each.
    let (Some(podman), Some(skopeo), Some((_, source, expected))) =
        (real_tests::tool("podman"), real_tests::tool("skopeo"), layout("rust-app"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    let to = format!("docker-archive:{}:localhost/acme/ledger:0.6", archive.display());
    run(&skopeo, &["copy", "--quiet", &source, &to]);
    let (_running, socket) = podman_service(&podman, folder.path(), &archive);
    let database = database().unwrap().display().to_string();
    let arguments = [
        "scan",
        "podman:localhost/acme/ledger:0.6",
        "--db",
        &database,
        "--format",
        "json",
        "--scanners",
        "vulnerability",
    ];
    let scanned =
        command(&arguments).env("CONTAINER_HOST", format!("unix://{}", socket.display())).output().unwrap();
    assert!(scanned.status.success(), "{}", String::from_utf8_lossy(&scanned.stderr));
    let found: Value = serde_json::from_slice(&scanned.stdout).unwrap();
    assert_eq!(found["source"]["kind"], "podman");
    let ((found, found_layers), (expected, layers)) = (apart_from_source(found), apart_from_source(expected));
    assert_eq!(found_layers, layers);
    assert!(found == expected, "{}", first_difference(&found, &expected, ""));
}

#[test]
fn runs_are_byte_identical_in_every_format() {
    let (Some(folder), Some(database)) = (real_tests::corpus("many-layers"), database()) else { return };
    let (source, database) =
        (format!("oci:{}", folder.join("oci").display()), database.display().to_string());
    for format in ["table", "json", "sarif"] {
        let scan = || assay(&["scan", &source, "--db", &database, "--format", format]);
        let first = scan();
        assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
        assert!(!first.stdout.is_empty());
        // Layers are read by several threads, whose order is another one each time.
        for _ in 0..3 {
            assert!(scan().stdout == first.stdout, "{format}: two runs differ");
        }
    }
}
