//! `tree`, `attach`, `download`, `copy` and `ref`, against registries in process.

use crate::{Place, image};
use assay_test::http::Server;
use assay_test::image::{INDEX, digest, index};
use assay_test::pushable::{Behaviour, Pushable};
use serde_json::{Value, json};
use std::fs;

const SBOM: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[]}"#;

fn registry(behaviour: Behaviour) -> (Pushable, Server) {
    let registry = Pushable::new(behaviour);
    registry.image("acme/app", "1", &image());
    let server = registry.serve();
    (registry, server)
}

/// An index of the image for two platforms, under the tag `multi`.
fn multi(registry: &Pushable) -> String {
    let (first, mut second) = (image(), image());
    second.architecture = "arm64".into();
    second.manifest = [second.manifest.as_slice(), b" "].concat();
    registry.image("acme/app", "arm", &second);
    let index = index(&[&first, &second]);
    registry.manifest("acme/app", "multi", INDEX, &index);
    digest(&index)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn what_is_attached_is_listed_and_fetched() {
    for referrers in [true, false] {
        let (registry, server) = registry(Behaviour { referrers, ..Behaviour::default() });
        multi(&registry);
        let place = Place::new();
        place.write("app.cdx.json", SBOM);
        place.write("note.txt", "anything");
        let image = format!("{}/acme/app:multi", server.host());
        let attach = |arguments: &[&str]| {
            let ran = place.run(&[&["attach", "--quiet", &image], arguments].concat());
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            ran.stdout.trim().to_owned()
        };
        let sbom = attach(&["--type", "cyclonedx", "--file", "app.cdx.json", "--platform", "linux/arm64"]);
        let note = attach(&[
            "--artifact-type",
            "application/vnd.example.note",
            "--file",
            "note.txt",
            "--annotation",
            "a=b",
        ]);
        // Attached again it is the same, whatever the time.
        let again = place.run_with(
            &[
                "attach",
                "--quiet",
                &image,
                "--type",
                "cyclonedx",
                "--file",
                "app.cdx.json",
                "--platform",
                "linux/arm64",
            ],
            &[("SOURCE_DATE_EPOCH", "1")],
        );
        assert_eq!(again.stdout.trim(), sbom, "{}", again.stderr);

        let tree = json(&place.run(&["tree", &image, "--format", "json"]).stdout);
        assert_eq!((&tree["schema"], &tree["complete"]), (&json!("assay.tree/v1"), &json!(true)));
        let on_index = &tree["image"]["artifacts"];
        assert_eq!((on_index.as_array().unwrap().len(), &on_index[0]["digest"]), (1, &json!(note)));
        assert_eq!(on_index[0]["annotations"]["a"], "b");
        assert_eq!(on_index[0]["annotations"]["org.opencontainers.image.created"], "2023-11-16T22:13:20Z");
        assert_eq!(tree["children"][0]["artifacts"], json!([]));
        let of_arm = &tree["children"][1];
        assert_eq!(
            (&of_arm["platform"], &of_arm["artifacts"][0]["digest"]),
            (&json!("linux/arm64"), &json!(sbom))
        );
        assert_eq!(of_arm["artifacts"][0]["kind"], "sbom");
        let found = if referrers { "referrers" } else { "fallback tag" };
        assert_eq!(of_arm["artifacts"][0]["found"], json!([found]));

        let table = place.run(&["tree", &image]);
        assert_eq!(table.code, 0, "{}", table.stderr);
        let text = table.stdout.replace(&server.host(), "registry.test");
        let text = text.replace(&sbom[7..19], "SBOM").replace(&note[7..19], "NOTE").replace(found, "FOUND");
        insta::assert_snapshot!("tree", text);

        let fetched = place.run(&["download", "sbom", &image]);
        assert_eq!((fetched.code, fetched.stdout.as_str()), (0, SBOM));
        let ran = place.run(&["download", "artifact", &image, "--output-dir", "got"]);
        assert_eq!((ran.code, ran.stdout.lines().count()), (0, 4), "{}", ran.stderr);
        assert!(ran.stdout.lines().any(|path| fs::read_to_string(place.path(path)).unwrap() == "anything"));
        let ran = place.run(&["download", "artifact", &image]);
        assert!(ran.code == 2 && ran.stderr.contains("standard output takes one"), "{}", ran.stderr);
        let ran = place.run(&["download", "signature", &image]);
        assert!(ran.code == 1 && ran.stderr.contains("no signature is attached"), "{}", ran.stderr);
    }
}

#[test]
fn an_image_is_carried_through_a_file_with_all_that_is_attached() {
    let (registry, server) = registry(Behaviour::default());
    let root = multi(&registry);
    let target = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
    let inside_server = target.serve();
    let place = Place::new();
    place.write("app.cdx.json", SBOM);
    place.write("a.sig", "about the bill of materials");
    let image_name = format!("{}/acme/app:multi", server.host());
    let sbom = place.run(&["attach", &image_name, "--type", "cyclonedx", "--file", "app.cdx.json"]).stdout;
    let on_sbom = format!("{}/acme/app@{}", server.host(), sbom.trim());
    let ran = place.run(&[
        "attach",
        &on_sbom,
        "--artifact-type",
        "application/vnd.cncf.notary.signature",
        "--file",
        "a.sig",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // A signature under cosign's tag.
    let signature = json!({"schemaVersion": 2, "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(b"{}"), "size": 2},
        "layers": [{"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": digest(b"{}"), "size": 2}]}).to_string();
    let tag = format!("{}.sig", root.replace(':', "-"));
    registry.manifest("acme/app", &tag, assay_test::image::MANIFEST, signature.as_bytes());

    let ran = place.run(&["copy", "--json", &image_name, "oci-archive:app.tar"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let copied = json(&ran.stdout);
    assert_eq!(
        (&copied["digest"], &copied["artifacts"], &copied["tag"]),
        (&json!(root), &json!(3), &json!("multi"))
    );
    let first = fs::read(place.path("app.tar")).unwrap();
    assert_eq!(place.run(&["copy", &image_name, "oci-archive:app.tar"]).code, 2, "it is not overwritten");
    fs::remove_file(place.path("app.tar")).unwrap();
    place.run(&["copy", &image_name, "oci-archive:app.tar"]);
    assert!(first == fs::read(place.path("app.tar")).unwrap(), "the same file each time");

    // Inside there is no way to the first registry.
    let to = format!("{}/mirror/app", inside_server.host());
    let ran = place.run(&["copy", "--json", "oci-archive:app.tar:multi", &to]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(json(&ran.stdout)["digest"], json!(root));
    assert_eq!(digest(&target.get("mirror/app", "multi").unwrap()), root);
    assert_eq!(target.get("mirror/app", &tag).unwrap(), signature.as_bytes());
    let tree = json(&place.run(&["tree", &format!("{to}:multi"), "--format", "json"]).stdout);
    let kinds: Vec<_> =
        tree["image"]["artifacts"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["sbom", "signature"]);
    assert_eq!(
        tree["image"]["artifacts"][0]["artifacts"][0]["artifact_type"],
        "application/vnd.cncf.notary.signature"
    );

    // Once more nothing is sent.
    let again = json(&place.run(&["copy", "--json", "oci-archive:app.tar:multi", &to]).stdout);
    assert_eq!((&again["blobs"]["sent"], &again["complete"]), (&json!(0), &json!(true)));

    let ran = place.run(&["copy", "--json", &image_name, "oci:layout:one", "--platform", "linux/amd64"]);
    assert_eq!(json(&ran.stdout)["digest"], json!(image().digest()), "{}", ran.stderr);
    let scanned = place.run(&["scan", "oci:layout:one", "--format", "json"]);
    assert_eq!(
        json(&scanned.stdout)["source"]["manifest_digest"],
        json!(image().digest()),
        "{}",
        scanned.stderr
    );
}

#[test]
fn a_copy_that_cannot_carry_everything_says_so() {
    let (registry, server) = registry(Behaviour::default());
    let list = json!({"schemaVersion": 2, "manifests": [{"digest": digest(b"gone"), "size": 1}]});
    let tag = image().digest().replace(':', "-");
    registry.manifest("acme/app", &tag, INDEX, list.to_string().as_bytes());
    let place = Place::new();
    let ran = place.run(&["copy", "--json", &format!("{}/acme/app:1", server.host()), "oci:layout"]);
    assert_eq!(ran.code, 2);
    assert_eq!(json(&ran.stdout)["complete"], json!(false));
    assert!(ran.stderr.contains("its manifest is missing"), "{}", ran.stderr);
    let ran = place.run(&["tree", &format!("{}/acme/app:1", server.host())]);
    assert!(ran.code == 2 && ran.stdout.contains("unreadable"), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_copy_to_another_digest_leaves_the_tag_where_it_was() {
    let (_registry, server) = registry(Behaviour::default());
    let target = Pushable::new(Behaviour::default());
    let mut before = image();
    before.manifest.push(b'\n');
    target.image("mirror/app", "1", &before);
    let inside = target.serve();
    let place = Place::new();
    let from = format!("{}/acme/app:1", server.host());
    let to = format!("{}/mirror/app:1@{}", inside.host(), digest(b"another"));
    let ran = place.run(&["copy", &from, &to]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("has another digest") && ran.stderr.contains("hint: "), "{}", ran.stderr);
    assert_eq!(digest(&target.get("mirror/app", "1").unwrap()), before.digest());
    let ran = place.run(&["copy", &from, &format!("oci-archive:app.tar@{}", digest(b"another"))]);
    assert_eq!((ran.code, place.path("app.tar").exists()), (2, false), "{}", ran.stderr);
    let ran = place.run(&["copy", &from, &format!("{}/mirror/app:1@{}", inside.host(), image().digest())]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(digest(&target.get("mirror/app", "1").unwrap()), image().digest());
}

#[test]
fn what_is_whole_is_copied_and_fetched_beside_what_is_broken() {
    let (registry, server) = registry(Behaviour { referrers: true, ..Behaviour::default() });
    let place = Place::new();
    place.write("a.json", SBOM);
    let from = format!("{}/acme/app:1", server.host());
    let sbom = place.run(&["attach", &from, "--type", "cyclonedx", "--file", "a.json"]).stdout;
    // Its layer is nowhere.
    let gone = json!({"mediaType": "application/spdx+json", "digest": digest(b"gone"), "size": 4});
    let config =
        json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2});
    let broken = json!({"schemaVersion": 2, "mediaType": assay_test::image::MANIFEST, "artifactType": "application/spdx+json",
        "config": config, "layers": [gone], "subject": {"digest": image().digest(), "size": 1}})
    .to_string();
    registry.manifest("acme/app", &digest(broken.as_bytes()), assay_test::image::MANIFEST, broken.as_bytes());
    let ran = place.run(&["copy", "--json", &from, "oci-archive:app.tar"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let copied = json(&ran.stdout);
    assert_eq!((&copied["artifacts"], &copied["complete"]), (&json!(1), &json!(false)));
    assert!(ran.stderr.contains(&digest(broken.as_bytes())), "{}", ran.stderr);
    let tree = json(&place.run(&["tree", "oci-archive:app.tar", "--format", "json"]).stdout);
    assert_eq!(tree["image"]["artifacts"][0]["digest"], sbom.trim());
    let ran = place.run(&["download", "sbom", &from, "--output-dir", "got"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("not fetched"), "{}", ran.stderr);
    assert!(ran.stdout.lines().any(|path| fs::read_to_string(place.path(path)).unwrap() == SBOM));
}

#[test]
fn files_are_rewritten_in_place_and_nothing_else_is_touched() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let (_registry, server) = registry(Behaviour::default());
    let place = Place::new();
    let text = format!("FROM {}/acme/app:1\n", server.host());
    // What has the name of the reference on this machine is not what the file means.
    let mut other = image();
    other.manifest.push(b'\n');
    place.layout(&format!("{}/acme/app:1", server.host()), &other);
    place.write("Dockerfile", &text);
    fs::set_permissions(place.path("Dockerfile"), fs::Permissions::from_mode(0o640)).unwrap();
    let ran = place.run(&["ref", "pin", "Dockerfile"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let pinned = text.replace(":1\n", &format!(":1@{}\n", image().digest()));
    assert_eq!(fs::read_to_string(place.path("Dockerfile")).unwrap(), pinned);
    let mode = fs::metadata(place.path("Dockerfile")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);

    // Links, read-only files and folders are left alone; to read them is no harm.
    place.write("elsewhere/Dockerfile", &text);
    symlink("elsewhere/Dockerfile", place.path("Dockerfile.link")).unwrap();
    place.write("Dockerfile.fixed", &text);
    fs::set_permissions(place.path("Dockerfile.fixed"), fs::Permissions::from_mode(0o444)).unwrap();
    for (name, reason) in
        [("Dockerfile.link", "symbolic link"), ("Dockerfile.fixed", "read-only"), ("elsewhere", "plain")]
    {
        let ran = place.run(&["ref", "pin", name]);
        assert_eq!(ran.code, 2, "{name}");
        assert!(ran.stderr.contains(reason) && ran.stderr.contains("--stdout"), "{}", ran.stderr);
    }
    for name in ["elsewhere/Dockerfile", "Dockerfile.fixed"] {
        assert_eq!(fs::read_to_string(place.path(name)).unwrap(), text);
    }
    assert!(place.path("Dockerfile.link").is_symlink());
    let ran = place.run(&["ref", "pin", "--stdout", "Dockerfile.link"]);
    assert_eq!(ran.stdout, pinned, "{}", ran.stderr);
    assert_eq!(place.run(&["ref", "pin", "--check", "Dockerfile.link"]).code, 1);
    let left = fs::read_dir(place.folder.path()).unwrap();
    let left: Vec<_> = left.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.starts_with(".writing")), "{left:?}");
}

#[test]
fn files_are_pinned_and_checked() {
    let (registry, server) = registry(Behaviour::default());
    let (host, pinned) = (server.host(), format!("1@{}", image().digest()));
    let place = Place::new();
    let dockerfile = format!("# why\r\nFROM {host}/acme/app:1 AS a\r\nFROM a\n");
    let manifest = format!("spec:\n  containers:\n  - image: {host}/acme/app:1   # the app\n    name: a\n");
    place.write("Dockerfile", &dockerfile);
    place.write("pod.yaml", &manifest);
    let read = |name: &str| fs::read_to_string(place.path(name)).unwrap();

    let ran = place.run(&["ref", "pin", "--check", "Dockerfile", "pod.yaml"]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (1, 2), "{}", ran.stderr);
    assert_eq!(server.requests().len(), 0, "a check asks nobody");
    assert!(ran.stdout.contains("pod.yaml:3: "), "{}", ran.stdout);
    let ran = place.run(&["ref", "pin", "--diff", "pod.yaml"]);
    assert!(
        ran.stdout.contains(&format!("\n+  - image: {host}/acme/app:{pinned}   # the app\n")),
        "{}",
        ran.stdout
    );
    assert_eq!(read("pod.yaml"), manifest);

    for _ in 0..2 {
        let ran = place.run(&["ref", "pin", "Dockerfile", "pod.yaml"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(read("Dockerfile"), dockerfile.replace("app:1", &format!("app:{pinned}")));
        assert_eq!(read("pod.yaml"), manifest.replace("app:1", &format!("app:{pinned}")));
    }
    assert_eq!(place.run(&["ref", "pin", "--check", "Dockerfile", "pod.yaml"]).code, 0);

    // The tag moves: only `--update` follows.
    let mut moved = image();
    moved.manifest.push(b'\n');
    registry.image("acme/app", "1", &moved);
    assert_eq!(place.run(&["ref", "pin", "pod.yaml"]).code, 0);
    assert_eq!(read("pod.yaml"), manifest.replace("app:1", &format!("app:{pinned}")));
    assert_eq!(place.run(&["ref", "pin", "--update", "pod.yaml"]).code, 0);
    assert_eq!(read("pod.yaml"), manifest.replace("app:1", &format!("app:1@{}", moved.digest())));

    place.write("with-variable.yaml", "image: app:${TAG}\n");
    assert_eq!(place.run(&["ref", "pin", "with-variable.yaml"]).code, 2);
    assert_eq!(place.run(&["ref", "pin", "--allow-skipped", "with-variable.yaml"]).code, 0);
    place.write("gone.yaml", format!("image: {host}/acme/app:gone\n"));
    let ran = place.run(&["ref", "pin", "gone.yaml"]);
    assert!(ran.code == 2 && ran.stderr.contains("has no `gone`"), "{}", ran.stderr);
    let ran = place.run(&["ref", "pin", "--offline", "gone.yaml"]);
    assert!(ran.code == 2 && ran.stderr.contains("offline"), "{}", ran.stderr);

    let ran = place.run(&["ref", "resolve", &format!("{host}/acme/app:1")]);
    assert_eq!(ran.stdout, format!("{host}/acme/app:1@{}\n", moved.digest()), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let (_registry, server) = registry(Behaviour::default());
    let place = Place::new();
    place.write("f", "x");
    place.write("image.tar", image().docker_archive("app:1"));
    let attach = |image: &str| {
        let ran = place.run(&["attach", image, "--type", "spdx", "--file", "f"]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
        ran.stderr
    };
    assert!(attach("image.tar").contains("can only be read"));
    assert!(attach("docker-archive:image.tar").contains("neither in a registry nor an OCI layout"));
    assert!(attach(&format!("{}/acme/app:2", server.host())).contains("has no `2`"));
    let ran = place.run(&[
        "attach",
        "--offline",
        &format!("{}/acme/app:1", server.host()),
        "--type",
        "spdx",
        "--file",
        "f",
    ]);
    assert!(ran.code == 2 && ran.stderr.contains("offline"), "{}", ran.stderr);
}

/// States that CVE-2022-4450 does not concern the image, and puts the statement somewhere.
fn state(place: &Place, to: &[&str]) {
    let image = image().digest();
    let base = [
        "vex",
        "create",
        "--quiet",
        "--author",
        "Somebody",
        "--vulnerability",
        "CVE-2022-4450",
        "--product",
        &image,
        "--status",
        "not_affected",
        "--impact",
        "never called",
    ];
    let ran = place.run(&[&base, to].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn statements_in_the_registry_are_shown_and_not_applied() {
    for (format, referrers) in [("openvex", true), ("csaf", false), ("cyclonedx", false)] {
        let (_registry, server) = registry(Behaviour { referrers, ..Behaviour::default() });
        let place = Place::new();
        let image = format!("{}/acme/app:1", server.host());
        state(&place, &["--format", format, "--attach", &image]);
        state(&place, &["--format", format, "--output", "own.json"]);
        let scan =
            |more: &[&str]| json(&place.run(&[&["scan", &image, "--format", "json"], more].concat()).stdout);
        let finding = |report: &Value| {
            let findings = report["findings"].as_array().unwrap();
            findings.iter().find(|finding| finding["rule"] == "CVE-2022-4450").unwrap().clone()
        };
        let report = scan(&[]);
        assert_eq!(report["warnings"], json!([]));
        let shown = finding(&report);
        assert_eq!(shown["status"], "open", "{format}");
        let text = shown.to_string();
        assert!(
            text.contains("never called") && text.contains("not applied: it comes with what is judged"),
            "{format} {text}"
        );
        assert_eq!(finding(&scan(&["--vex", "own.json"]))["status"], "suppressed", "{format}");
        assert!(!finding(&scan(&["--no-attached"])).to_string().contains("never called"));
        let table = place.run(&["scan", &image, "--fail-on", "high"]);
        assert_eq!(table.code, 1, "{}", table.stderr);
    }
}

#[test]
fn the_bill_of_materials_in_the_registry_is_a_source() {
    let (registry, server) = registry(Behaviour::default());
    multi(&registry);
    let place = Place::new();
    let image = format!("{}/acme/app:multi", server.host());
    let ran = place.run(&["scan", &format!("sbom:{image}")]);
    assert!(ran.code == 2 && ran.stderr.contains("no bill of materials is attached"), "{}", ran.stderr);
    let ran = place.run(&["sbom", &image, "--attach"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // Attached to the image that was looked at, not to the index.
    let tree = json(&place.run(&["tree", &image, "--format", "json"]).stdout);
    assert_eq!(tree["image"]["artifacts"], json!([]));
    assert_eq!(tree["children"][0]["artifacts"][0]["digest"], ran.stdout.trim());
    let by_digest = format!("{}/acme/app@{}", server.host(), crate::image().digest());
    let findings = |source: &str| -> Vec<(Value, Value)> {
        let ran = place.run(&["scan", source, "--format", "json"]);
        let report = json(&ran.stdout);
        let findings = report["findings"].as_array().unwrap().iter();
        findings.map(|finding| (finding["rule"].clone(), finding["package"].clone())).collect()
    };
    let expected = findings(&by_digest);
    assert_eq!(expected.len(), 2);
    assert_eq!(findings(&format!("sbom:{image}")), expected);
    assert_eq!(findings(&format!("sbom:{by_digest}")), expected);
    let report = place.run(&["scan", &format!("sbom:{by_digest}"), "--format", "json"]).stdout;
    assert!(report.contains("nobody vouches for it"), "{report}");
    let report = place.run(&["scan", &by_digest, "--format", "json"]).stdout;
    assert!(report.contains("a bill of materials is attached"), "{report}");
    // In a layout, and out of an attestation under cosign's tag.
    place.layout("layout", &crate::image());
    let ran = place.run(&["sbom", "oci:layout", "--attach", "--format", "spdx"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(findings("sbom:oci:layout"), expected);
    let ran = place.run(&["sbom", &by_digest, "--attach-to", "oci:layout", "--format", "cyclonedx"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let statement = json!({"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://cyclonedx.org/bom",
        "subject": [{"name": "", "digest": {"sha256": crate::image().digest()[7..]}}],
        "predicate": json(&place.run(&["sbom", &by_digest]).stdout)});
    let statement = statement.to_string();
    let envelope = json!({"payloadType": "application/vnd.in-toto+json", "payload": base64(statement.as_bytes()), "signatures": []}).to_string();
    registry.image("acme/attested", "1", &crate::image());
    for blob in [envelope.as_bytes(), b"{}"] {
        registry.blob("acme/attested", blob);
    }
    let manifest = json!({"schemaVersion": 2, "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(b"{}"), "size": 2},
        "layers": [{"mediaType": "application/vnd.dsse.envelope.v1+json", "digest": digest(envelope.as_bytes()), "size": envelope.len(),
            "annotations": {"predicateType": "https://cyclonedx.org/bom"}}]}).to_string();
    let tag = format!("{}.att", crate::image().digest().replace(':', "-"));
    registry.manifest("acme/attested", &tag, assay_test::image::MANIFEST, manifest.as_bytes());
    assert_eq!(findings(&format!("sbom:{}/acme/attested:1", server.host())), expected);
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4_usize {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize] as char;
            text.push(if place > chunk.len() { '=' } else { letter });
        }
    }
    text
}

#[test]
fn a_registry_that_does_not_say_what_is_attached_costs_a_notice() {
    let (registry, _server) = registry(Behaviour::default());
    let server = Server::start(move |request| {
        if request.target.contains("/referrers/") {
            return assay_test::http::Reply::new(403, "");
        }
        registry.answer(request)
    });
    let place = Place::new();
    let ran = place.run(&["scan", &format!("{}/acme/app:1", server.host()), "--format", "json"]);
    let report = json(&ran.stdout);
    assert_eq!((ran.code, &report["complete"]), (0, &json!(true)), "{}", ran.stderr);
    assert!(ran.stdout.contains("attached-unreadable"), "{}", ran.stdout);
}
