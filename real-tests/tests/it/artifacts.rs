//! An image's artifacts in real registries: Debian's `docker-registry`, which knows no referrers and honours no conditional writes, and
//! one that lists referrers; skopeo reads what was copied.

use crate::services::{referrers_registry, registry, run};
use assay_test::image::{Builder, Tree};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const SBOM: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[]}"#;

fn assay(folder: &Path, arguments: &[&str]) -> Output {
    let program = real_tests::assay();
    Command::new(program).args(arguments).current_dir(folder).env("ASSAY_QUIET", "1").output().unwrap()
}

#[track_caller]
fn ok(folder: &Path, arguments: &[&str]) -> String {
    let output = assay(folder, arguments);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {words}");
    String::from_utf8(output.stdout).unwrap()
}

fn tree(folder: &Path, image: &str) -> Value {
    serde_json::from_str(&ok(folder, &["tree", image, "--format", "json"])).unwrap()
}

#[test]
fn many_writers_lose_nothing_in_a_registry_without_conditions() {
    const WRITERS: usize = 12;
    let (Some(program), Some(skopeo)) = (real_tests::tool("docker-registry"), real_tests::tool("skopeo"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (_running, host) = registry(&program, folder.path(), "", "");
    let image = Builder::new().layer(Tree::new().file("a", "b"), "COPY a /").build();
    image.write_layout(&folder.path().join("layout"), "v1");
    let from = format!("oci:{}:v1", folder.path().join("layout").display());
    let name = format!("{host}/acme/app:v1");
    let to = format!("docker://{name}");
    run(&skopeo, &["copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", &from, &to]);
    std::thread::scope(|scope| {
        for number in 0..WRITERS {
            let (folder, name) = (folder.path(), &name);
            scope.spawn(move || {
                let file = format!("note-{number}");
                std::fs::write(folder.join(&file), number.to_string()).unwrap();
                ok(
                    folder,
                    &["attach", name, "--artifact-type", "application/vnd.example.note", "--file", &file],
                );
            });
        }
    });
    let found = tree(folder.path(), &name);
    let artifacts = found["image"]["artifacts"].as_array().unwrap();
    assert_eq!(artifacts.len(), WRITERS, "{found:#}");
    assert!(artifacts.iter().all(|one| one["found"] == serde_json::json!(["fallback tag"])));
    // Other clients see a plain index, with type and annotations of each.
    let tag = image.digest().replace(':', "-");
    let list =
        run(&skopeo, &["inspect", "--raw", "--tls-verify=false", &format!("docker://{host}/acme/app:{tag}")]);
    let list: Value = serde_json::from_slice(&list).unwrap();
    assert_eq!(list["manifests"].as_array().unwrap().len(), WRITERS);
    assert!(list["manifests"].as_array().unwrap().iter().all(|entry| {
        entry["artifactType"] == "application/vnd.example.note" && entry["annotations"].is_object()
    }));
}

#[test]
fn an_image_goes_through_an_archive_from_one_kind_of_registry_to_the_other() {
    let (Some(program), Some(other), Some(skopeo)) = (
        real_tests::tool("docker-registry"),
        real_tests::tool("referrers-registry"),
        real_tests::tool("skopeo"),
    ) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (_first, old) = registry(&program, folder.path(), "", "");
    let (_second, new) = referrers_registry(&other);
    let image = Builder::new().layer(Tree::new().file("a", "b"), "COPY a /").build();
    image.write_layout(&folder.path().join("layout"), "v1");
    std::fs::write(folder.path().join("app.cdx.json"), SBOM).unwrap();
    let (from, to) = (format!("{old}/acme/app:v1"), format!("{new}/acme/app:v1"));
    let digest = ok(folder.path(), &["copy", "oci:layout:v1", &from]);
    assert_eq!(digest.trim(), image.digest());
    let sbom = ok(folder.path(), &["attach", &from, "--type", "cyclonedx", "--file", "app.cdx.json"]);
    ok(folder.path(), &["copy", &from, "oci-archive:app.tar"]);
    let copied: Value =
        serde_json::from_str(&ok(folder.path(), &["copy", "--json", "oci-archive:app.tar:v1", &to])).unwrap();
    assert_eq!((&copied["digest"], &copied["artifacts"]), (&image.digest().into(), &1.into()));
    let found = tree(folder.path(), &to);
    assert_eq!(found["image"]["artifacts"][0]["digest"], sbom.trim());
    // Without the header `OCI-Subject` in its answer, which this one leaves out, the list under the fallback tag is written, too.
    assert_eq!(found["image"]["artifacts"][0]["found"][0], "referrers");
    assert_eq!(ok(folder.path(), &["download", "sbom", &to]), SBOM);
    // What was packed is an archive for others, too.
    let inspected = run(
        &skopeo,
        &["inspect", "--raw", &format!("oci-archive:{}:v1", folder.path().join("app.tar").display())],
    );
    assert_eq!(inspected, image.manifest);
    let unpacked = format!("oci:{}:v1", folder.path().join("unpacked").display());
    run(&skopeo, &["copy", "--quiet", "--src-tls-verify=false", &format!("docker://{to}"), &unpacked]);
    // And back again, between repositories of one registry.
    let again = format!("{new}/mirror/app:v1");
    let copied: Value = serde_json::from_str(&ok(folder.path(), &["copy", "--json", &to, &again])).unwrap();
    assert_eq!(copied["complete"], true, "{copied}");
    assert_eq!(tree(folder.path(), &again)["image"]["artifacts"][0]["digest"], sbom.trim());
}

/// buildah writes times of its own; built twice from the same files, and once with times fixed.
#[test]
fn builds_of_buildah_are_compared() {
    let (Some(buildah), Some(_)) = (real_tests::tool("buildah"), real_tests::tool("umoci")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context");
    std::fs::create_dir(&context).unwrap();
    std::fs::write(context.join("Containerfile"), "FROM scratch\nCOPY a b /\n").unwrap();
    for name in ["a", "b"] {
        std::fs::write(context.join(name), name).unwrap();
    }
    let build = |name: &str, more: &[&str]| {
        let at = |name: &str| folder.path().join(name).display().to_string();
        let store = ["--root", &at("root"), "--runroot", &at("run"), "--storage-driver", "vfs"];
        let target = format!("oci:{}:{name}", at(name));
        let arguments = ["build", "--quiet", "--isolation", "chroot", "--no-cache", "--tag", &target];
        run(&buildah, &[&store[..], &arguments, more, &[&context.display().to_string()]].concat());
        format!("oci:{name}:{name}")
    };
    let fixed = ["--timestamp", "1700000000"];
    let (one, two) = (build("one", &fixed), build("two", &fixed));
    let same = assay(folder.path(), &["diff", "--reproducible", &one, &two]);
    assert_eq!(String::from_utf8_lossy(&same.stdout), "identical\n");
    let later = build("later", &["--timestamp", "1700000001"]);
    let compared = assay(folder.path(), &["diff", "--reproducible", &one, &later, "--format", "json"]);
    let report: Value = serde_json::from_slice(&compared.stdout).unwrap();
    let causes: Vec<&String> = report["causes"].as_object().unwrap().keys().collect();
    assert_eq!((compared.status.code(), causes), (Some(1), vec![&"timestamp".to_owned()]), "{report:#}");
    std::fs::write(context.join("b"), "other").unwrap();
    let other = build("other", &fixed);
    let compared = assay(folder.path(), &["diff", "--reproducible", &one, &other, "--format", "json"]);
    let report: Value = serde_json::from_slice(&compared.stdout).unwrap();
    let content = report["differences"].as_array().unwrap().iter().find(|one| one["cause"] == "content");
    assert_eq!(content.unwrap()["path"], "b", "{report:#}");
}
