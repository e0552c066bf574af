//! The corpus itself: other people's tools can read what `cargo xtask corpus` writes.

use std::process::Command;

fn check(name: &str, form: &str) {
    let Some(skopeo) = real_tests::tool("skopeo") else { return };
    let Some(image) = real_tests::corpus(name) else { return };
    let source = form.replace("IMAGE", &image.display().to_string());
    let copy = tempfile::tempdir().unwrap();
    // Copying verifies every blob against its digest, which inspecting does not.
    let done = Command::new(skopeo)
        .args(["copy", "--quiet", "--all", "--insecure-policy", &source])
        .arg(format!("dir:{}", copy.path().display()))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn skopeo_reads_a_layout_of_the_corpus() {
    check("go-app", "oci:IMAGE/oci:latest");
}

#[test]
fn skopeo_reads_a_nested_index_of_the_corpus() {
    check("multi-arch", "oci:IMAGE/oci:latest");
}

#[test]
fn skopeo_reads_what_it_derived() {
    check("go-app", "docker-archive:IMAGE/docker-archive.tar");
    check("go-app", "oci-archive:IMAGE/oci-archive.tar");
}

#[test]
fn umoci_applies_the_whiteouts_of_the_corpus() {
    let Some(umoci) = real_tests::tool("umoci") else { return };
    let Some(image) = real_tests::corpus("many-layers") else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let done = Command::new(umoci)
        .args(["raw", "unpack", "--rootless", "--image"])
        .arg(format!("{}:latest", image.join("oci").display()))
        .arg(&root)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let paths = std::fs::read_to_string(image.join("oracle/paths.txt")).unwrap();
    let (mut present, mut absent) = (0, 0);
    for line in paths.lines() {
        let (sign, path) = line.split_once(' ').unwrap();
        let exists = root.join(path).symlink_metadata().is_ok();
        assert_eq!(exists, sign == "+", "{path}");
        if exists { present += 1 } else { absent += 1 }
    }
    assert!(present > 20 && absent > 5, "{present} present, {absent} absent");
}
