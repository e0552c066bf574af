//! One content, cut and carried differently by other people's tools, has the same findings.

use crate::report::{corpus_report, list, report, text};
use crate::services::run;
use serde_json::Value;
use std::collections::BTreeSet;

/// Returns packages and findings with their places, apart from layers.
fn said(report: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let paths = |of: &Value| -> Vec<String> {
        list(of, "locations").iter().map(|location| text(location, "path").to_owned()).collect()
    };
    let packages = list(report, "packages");
    let packages = packages.iter().map(|package| format!("{} {:?}", text(package, "purl"), paths(package)));
    let findings = list(report, "findings");
    let fields = ["id", "rule", "aliases", "severity", "package", "fix", "evidence"];
    let findings = findings.iter().map(|finding| {
        let fields: Vec<String> = fields.iter().map(|name| finding[*name].to_string()).collect();
        format!("{} {:?}", fields.join(" "), paths(finding))
    });
    (packages.collect(), findings.collect())
}

#[track_caller]
fn same(found: &Value, expected: &Value, what: &str) {
    let ((packages, findings), (expected_packages, expected_findings)) = (said(found), said(expected));
    let difference = |a: &BTreeSet<String>, b: &BTreeSet<String>| -> Vec<String> {
        a.symmetric_difference(b).take(3).map(|line| line.chars().take(300).collect()).collect()
    };
    assert!(packages == expected_packages, "{what}: {:#?}", difference(&packages, &expected_packages));
    assert!(findings == expected_findings, "{what}: {:#?}", difference(&findings, &expected_findings));
}

/// Unpacks an image of the corpus and checks what the folder, and one layer made of it, are found to hold.
fn squashed(name: &str) {
    let (Some(umoci), Some(image)) = (real_tests::tool("umoci"), real_tests::corpus(name)) else { return };
    let Some(expected) = corpus_report(name) else { return };
    assert!(list(&expected["source"], "layers").len() > 1 && !list(&expected, "findings").is_empty());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root").display().to_string();
    let source = format!("{}:latest", image.join("oci").display());
    run(&umoci, &["raw", "unpack", "--rootless", "--image", &source, &root]);
    let layout = folder.path().join("squashed").display().to_string();
    run(&umoci, &["init", "--layout", &layout]);
    let squashed = format!("{layout}:latest");
    run(&umoci, &["new", "--image", &squashed]);
    run(&umoci, &["insert", "--rootless", "--image", &squashed, &root, "/"]);
    let found = report(&format!("oci:{squashed}"), &["--platform", "linux/amd64"]).unwrap();
    assert_eq!(list(&found["source"], "layers").len(), 1);
    same(&found, &expected, "squashed");

    // An unrelated file on top.
    let file = folder.path().join("unrelated");
    std::fs::write(&file, "nothing to see here").unwrap();
    run(
        &umoci,
        &["insert", "--rootless", "--image", &squashed, &file.display().to_string(), "/srv/unrelated"],
    );
    let found = report(&format!("oci:{squashed}"), &["--platform", "linux/amd64"]).unwrap();
    assert_eq!(list(&found["source"], "layers").len(), 2);
    same(&found, &expected, "with an unrelated layer");
}

#[test]
fn umoci_squashes_a_python_application() {
    squashed("python-app");
}

#[test]
fn umoci_squashes_a_node_application() {
    squashed("node-app");
}

#[test]
fn umoci_squashes_many_layers_with_whiteouts() {
    squashed("many-layers");
}

#[test]
fn skopeo_stores_layers_at_every_level_and_under_another_name() {
    let (Some(skopeo), Some(image)) = (real_tests::tool("skopeo"), real_tests::corpus("rust-app")) else {
        return;
    };
    let Some(expected) = corpus_report("rust-app") else { return };
    let folder = tempfile::tempdir().unwrap();
    // Each is made of the one before, so that skopeo has to compress anew.
    let mut source = format!("oci:{}:latest", image.join("oci").display());
    let digests = |report: &Value| -> BTreeSet<String> {
        list(&report["source"], "layers").iter().map(|layer| text(layer, "digest").to_owned()).collect()
    };
    let mut before = digests(&expected);
    for (format, level) in [("zstd", "1"), ("gzip", "9"), ("zstd", "9"), ("gzip", "1")] {
        let copy =
            format!("oci:{}:renamed-{level}", folder.path().join(format!("{format}-{level}")).display());
        let stored = ["--dest-compress-format", format, "--dest-compress-level", level];
        run(&skopeo, &[&["copy", "--quiet", "--insecure-policy"][..], &stored, &[&source, &copy]].concat());
        let found = report(&copy, &[]).unwrap();
        assert!(digests(&found).is_disjoint(&before), "{format} at {level}: the layers were not stored anew");
        same(&found, &expected, &format!("{format} at {level}"));
        (before, source) = (digests(&found), copy);
    }
}
