//! What Assay says an image could do without, by dpkg: purging all of it breaks no dependency.

use crate::report::{corpus_report, list, text};
use std::path::Path;
use std::process::Command;

/// Returns what dpkg says to purging these packages from a database, without doing it.
fn purge(dpkg: &Path, database: &Path, names: &[String]) -> (bool, String) {
    let mut command = Command::new(dpkg);
    let done = command
        .arg(format!("--admindir={}", database.display()))
        .args(["--simulate", "--purge"])
        .args(names)
        .output()
        .unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn what_can_be_removed_breaks_no_dependency() {
    let (Some(dpkg), Some(umoci)) = (real_tests::tool("dpkg"), real_tests::tool("umoci")) else { return };
    let Some(image) = real_tests::corpus("kitchen-sink") else { return };
    let Some(report) = corpus_report("kitchen-sink") else { return };
    let names: Vec<String> = list(&report, "removable")
        .iter()
        .filter(|one| text(one, "purl").starts_with("pkg:deb/"))
        .map(|one| {
            let purl = text(one, "purl");
            let packages = list(&report, "packages");
            let package = packages.iter().find(|package| text(package, "purl") == purl).unwrap();
            text(package, "name").to_owned()
        })
        .collect();
    assert!(names.iter().any(|name| name == "make"), "{names:?}");

    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("root");
    let layout = format!("{}:latest", image.join("oci").display());
    let unpacked = Command::new(umoci)
        .args(["raw", "unpack", "--rootless", "--image", &layout])
        .arg(&root)
        .status()
        .unwrap();
    assert!(unpacked.success());
    let admin = root.join("var/lib/dpkg");
    let (right, said) = purge(&dpkg, &admin, &names);
    assert!(right, "{said}");
    assert_eq!(said.matches("Would remove or purge").count(), names.len(), "{said}");
    // The same question has another answer for what something needs.
    let (right, said) = purge(&dpkg, &admin, &["zlib1g".to_owned()]);
    assert!(!right && said.contains("dependency problems"), "{said}");
}
