//! `assay gate` and `assay scan --policy`: exit codes, formats, and what is read.

use super::Place;
use assay_test::http::{Reply, Server};
use assay_test::image::{Builder, BuiltImage, INDEX, MANIFEST, index};
use assay_test::pushable::{Behaviour, Pushable};
use assay_test::registry::Content;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: test}\ntiers:\n  - {name: production}\n  - {name: staging, mode: warn}\nrules:\n  - vulnerabilities: {max: {critical: 0}, fix: fixed}\n";

const PASSWORD: (&str, &str) = ("ASSAY_KEY_PASSWORD", "x");

fn keys(place: &Place, names: &[&str]) {
    for name in names {
        assert_eq!(place.run_with(&["key", "generate", "--out", name], &[PASSWORD]).code, 0);
    }
}

/// An image with one package, of which 2.2.0 is vulnerable.
fn built(version: &str, architecture: &str) -> BuiltImage {
    let metadata = format!("Metadata-Version: 2.1\nName: Django\nVersion: {version}\nLicense: BSD\n");
    let folder = format!("venv/lib/python3.11/site-packages/Django-{version}.dist-info");
    let tree =
        super::base("Package: adduser\nStatus: install ok installed\nArchitecture: all\nVersion: 3.134\n")
            .file(&format!("{folder}/METADATA"), metadata)
            .file(&format!("{folder}/RECORD"), "");
    Builder::new().architecture(architecture).layer(tree, "ADD rootfs.tar /").build()
}

fn image(version: &str) -> BuiltImage {
    built(version, "amd64")
}

fn place(version: &str) -> Place {
    let place = Place::new();
    place.write("policy.yaml", POLICY);
    place.layout("layout", &image(version));
    place
}

/// The gate's arguments for the strict tier, so that its answer can be read.
fn in_production(source: &str) -> [&str; 8] {
    ["gate", source, "--policy", "policy.yaml", "--tier", "production", "--format", "json"]
}

fn verdict(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_exit_code_is_the_verdict() {
    let place = place("2.2.0");
    let gate = ["gate", "oci:layout:app", "--policy", "policy.yaml", "--format", "json", "--tier"];
    let ran = place.run(&[&gate[..], &["production"]].concat());
    let said = verdict(&ran.stdout);
    assert_eq!((ran.code, &said["verdict"]), (1, &"deny".into()), "{}{}", ran.stdout, ran.stderr);
    let ran = place.run(&[&gate[..], &["staging"]].concat());
    assert_eq!((ran.code, &verdict(&ran.stdout)["verdict"]), (0, &"warn".into()), "{}", ran.stdout);
    let ran = place.run(&[&gate[..], &["nowhere"]].concat());
    assert_eq!((ran.code, &verdict(&ran.stdout)["evaluated"]), (2, &false.into()), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_evaluated_is_denied_and_says_so() {
    let place = place("2.2.0");
    place.write("wrong.yaml", "apiVersion: assay.dev/v1\nkind: ImagePolicy\nrules:\n  - secret: {}\n");
    for (source, policy, what, more) in [
        ("oci:nothing", "policy.yaml", "nothing", &[][..]),
        ("oci:layout:app", "none.yaml", "none.yaml", &[]),
        ("oci:layout:app", "wrong.yaml", "line 4, column 5: a rule has no key `secret`", &[]),
        ("oci:layout:app", "policy.yaml", "none.db", &["--db", "none.db"]),
        ("oci:layout:app", "policy.yaml", "none.json", &["--history", "none.json"]),
    ] {
        let arguments = ["gate", source, "--policy", policy, "--format", "json"];
        let ran = place.run(&[&arguments[..], more].concat());
        let said = verdict(&ran.stdout);
        assert_eq!(ran.code, 2, "{source} {policy}: {}", ran.stdout);
        assert_eq!((&said["verdict"], &said["evaluated"]), (&"deny".into(), &false.into()));
        let message = said["reasons"][0]["message"].as_str().unwrap();
        assert!(message.contains(what), "{message}");
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    }
}

#[test]
fn a_report_is_judged_as_its_image_is() {
    let place = place("2.2.0");
    let scan = ["scan", "oci:layout:app", "--format", "json", "--output"];
    assert_eq!(place.run(&[&scan[..], &["report.json"]].concat()).code, 0);
    let gate = in_production("report:report.json");
    let ran = place.run(&gate);
    let said = verdict(&ran.stdout);
    assert_eq!((ran.code, &said["verdict"]), (1, &"deny".into()), "{}{}", ran.stdout, ran.stderr);
    // One that does not hold everything is not judged.
    let filtered = [&scan[..], &["filtered.json", "--severity", "low"]].concat();
    assert_eq!(place.run(&filtered).code, 0);
    let ran = place.run(&["gate", "report:filtered.json", "--policy", "policy.yaml", "--format", "json"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
}

#[test]
fn no_file_is_a_report_because_it_says_so() {
    let place = place("2.2.4");
    assert_eq!(place.run(&["scan", "oci:layout:app", "--format", "json", "--output", "report.json"]).code, 0);
    let report = std::fs::read(place.path("report.json")).unwrap();
    // Among what is judged lies one, under the name of a lockfile.
    place.write("Pipfile.lock", &report);
    for file in ["report.json", "Pipfile.lock"] {
        let ran = place.run(&in_production(file));
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert_eq!(verdict(&ran.stdout)["verdict"], "deny");
        assert!(ran.stderr.contains(&format!("name it `report:{file}`")), "{}", ran.stderr);
    }
    // The prefix is no name of a repository: nothing is known of where this image comes from.
    place.write("policy.yaml", format!("{POLICY}  - registries: {{allow: [\"docker.io/**\"]}}\n"));
    let ran = place.run(&in_production("report:report.json"));
    assert_eq!(
        (ran.code, &verdict(&ran.stdout)["reasons"][0]["cause"]),
        (1, &"missing-evidence".into()),
        "{}",
        ran.stdout
    );
}

#[test]
fn only_what_is_named_is_read() {
    let place = place("2.2.0");
    // A settings file that would stop `assay scan`.
    place.write("assay.yaml", "nonsense: true\n");
    assert_eq!(place.run(&["scan", "oci:layout:app"]).code, 2);
    let gate = ["gate", "oci:layout:app", "--policy", "policy.yaml", "--tier", "staging"];
    assert_eq!(place.run(&gate).code, 0);
    assert_eq!(
        place.run(&["scan", "oci:layout:app", "--policy", "policy.yaml", "--tier", "staging"]).code,
        0
    );
    assert_eq!(place.run(&[&gate[..], &["--config", "assay.yaml"]].concat()).code, 2);
}

#[test]
fn a_scan_is_judged_on_the_way() {
    let place = place("2.2.0");
    let ran = place.run(&[
        "scan",
        "oci:layout:app",
        "--policy",
        "policy.yaml",
        "--tier",
        "production",
        "--format",
        "json",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(verdict(&ran.stdout)["schema"], "assay.report/v1");
    assert!(ran.stderr.contains("DENY: oci:layout:app"), "{}", ran.stderr);
}

#[test]
fn outputs_go_to_files() {
    let place = place("2.2.0");
    let ran = place.run(&[
        "gate",
        "oci:layout:app",
        "--policy",
        "policy.yaml",
        "--tier",
        "production",
        "--output",
        "junit=out/gate.xml",
        "--output",
        "sarif=out/gate.sarif",
        "--output",
        "markdown=out/gate.md",
        "--output",
        "json=out/gate.json",
        "--format",
        "github",
    ]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("::error title=Assay%3A vulnerabilities::"), "{}", ran.stdout);
    for (file, want) in [
        ("gate.xml", "<failure"),
        ("gate.sarif", "\"2.1.0\""),
        ("gate.md", "| deny |"),
        ("gate.json", "assay.verdict/v1"),
    ] {
        let text = std::fs::read_to_string(place.path("out").join(file)).unwrap();
        assert!(text.contains(want), "{file}: {text}");
    }
}

/// Writes a layout with an index of these images, and returns the index.
fn layout_of_index(place: &Place, name: &str, images: &[&BuiltImage]) -> Vec<u8> {
    let bytes = index(images);
    let all = images.iter().flat_map(|one| one.blobs().chain([one.manifest.as_slice()]));
    let blobs: Vec<Vec<u8>> = all.map(<[u8]>::to_vec).chain([bytes.clone()]).collect();
    let mut descriptor = assay_test::image::descriptor("application/vnd.oci.image.index.v1+json", &bytes);
    descriptor["annotations"] = serde_json::json!({ "org.opencontainers.image.ref.name": "app" });
    let files = assay_test::image::layout(&[descriptor], blobs.iter().map(Vec::as_slice));
    std::fs::create_dir_all(place.path(name)).unwrap();
    assay_test::image::write_files(&place.path(name), &files);
    bytes
}

/// Lays two images under one name.
fn several(place: &Place, good: &BuiltImage, bad: &BuiltImage) {
    layout_of_index(place, "multi", &[good, bad]);
}

#[test]
fn a_scan_is_judged_by_every_image_of_its_index() {
    let place = place("2.2.4");
    let bad = built("2.2.0", "arm64");
    several(&place, &image("2.2.4"), &bad);
    let scan =
        ["scan", "oci:multi:app", "--policy", "policy.yaml", "--tier", "production", "--format", "json"];
    let ran = place.run(&scan);
    assert_eq!((ran.code, &verdict(&ran.stdout)["schema"]), (1, &"assay.report/v1".into()), "{}", ran.stderr);
    assert!(ran.stderr.contains("DENY"), "{}", ran.stderr);
    assert!(ran.stderr.contains(&bad.digest()), "{}", ran.stderr);
    assert_eq!(place.run(&[&scan[..], &["--platform", "linux/amd64"]].concat()).code, 0);
    // What cannot be judged is denied, and the report is written all the same.
    let ran = place.run(&[&scan[..], &["--history", "none.json"]].concat());
    assert_eq!((ran.code, &verdict(&ran.stdout)["schema"]), (2, &"assay.report/v1".into()), "{}", ran.stderr);
    assert!(ran.stderr.contains("DENY") && ran.stderr.contains("none.json"), "{}", ran.stderr);
}

#[test]
fn an_archive_of_which_nobody_said_the_kind_is_judged_wholly() {
    let place = place("2.2.4");
    several(&place, &image("2.2.4"), &built("2.2.0", "arm64"));
    let tar = std::process::Command::new("tar")
        .args(["-cf", "multi.tar", "-C", "multi", "."])
        .current_dir(place.path("."))
        .status();
    assert!(tar.unwrap().success());
    for source in ["multi.tar", "oci-archive:multi.tar"] {
        let ran = place.run(&in_production(source));
        assert_eq!(ran.code, 1, "{source}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(verdict(&ran.stdout)["digests"].as_array().unwrap().len(), 2, "{source}");
    }
}

#[test]
fn an_index_that_cannot_be_listed_is_not_judged_by_one_of_its_images() {
    let place = place("2.2.4");
    let (good, bad) = (image("2.2.4"), built("2.2.0", "arm64"));
    let content = || {
        let index = index(&[&good, &bad]);
        Content::new().image("good", &good).image("bad", &bad).manifest(
            "1",
            "application/vnd.oci.image.index.v1+json",
            &index,
        )
    };
    let gate = |source: &str| place.run(&in_production(source));
    let whole = content();
    let server = Server::start(move |request| whole.answer(request));
    let ran = gate(&format!("{}/team/app:1", server.host()));
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    // The registry denies the first look at the index, and no other.
    let (whole, denied) = (content(), AtomicBool::new(false));
    let server = Server::start(move |request| {
        if request.target.contains("/manifests/1") && !denied.swap(true, Ordering::SeqCst) {
            return Reply::new(403, "{}");
        }
        whole.answer(request)
    });
    let ran = gate(&format!("{}/team/app:1", server.host()));
    let said = verdict(&ran.stdout);
    assert_eq!(
        (ran.code, &said["verdict"], &said["evaluated"]),
        (2, &"deny".into(), &false.into()),
        "{said:#}"
    );
}

#[test]
fn a_tag_that_becomes_an_index_is_not_judged_by_one_of_its_images() {
    let place = place("2.2.4");
    let (good, bad) = (image("2.2.4"), built("2.2.0", "arm64"));
    let bytes = index(&[&good, &bad]);
    let before = Content::new().image("1", &good);
    let after = Content::new().image("good", &good).image("bad", &bad);
    let after = after.manifest("1", "application/vnd.oci.image.index.v1+json", &bytes);
    let seen = AtomicBool::new(false);
    let server = Server::start(move |request| {
        let asks = request.target.contains("/manifests/1");
        let first = asks && !seen.swap(true, Ordering::SeqCst);
        if first { before.answer(request) } else { after.answer(request) }
    });
    let source = format!("{}/team/app:1", server.host());
    let ran = place.run(&in_production(&source));
    assert_eq!(
        (ran.code, &verdict(&ran.stdout)["verdict"]),
        (2, &"deny".into()),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}

#[test]
fn an_image_is_judged_under_whatever_name_runtimes_know_its_platform_by() {
    let place = place("2.2.4");
    several(&place, &image("2.2.4"), &built("2.2.0", "x86_64"));
    place.write("policy.yaml", POLICY.replace("tiers:", "platforms: [linux/amd64]\ntiers:"));
    let ran = place.run(&in_production("oci:multi:app"));
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn every_image_of_an_index_is_judged() {
    let place = place("2.2.4");
    let bad = built("2.2.0", "arm64");
    let good = image("2.2.4");
    layout_of_index(&place, "multi", &[&good, &bad]);
    let gate = in_production("oci:multi:app");
    let ran = place.run(&gate);
    let said = verdict(&ran.stdout);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(said["digests"].as_array().unwrap().len(), 2);
    assert!(said["reasons"].as_array().unwrap().iter().all(|one| one["digest"] == bad.digest()), "{said:#}");
    let ran = place.run(&[&gate[..], &["--platform", "linux/amd64"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    place.write("policy.yaml", POLICY.replace("tiers:", "platforms: [linux/amd64]\ntiers:"));
    assert_eq!(place.run(&gate).code, 0);
    place.write("policy.yaml", POLICY.replace("tiers:", "platforms: [linux/s390x]\ntiers:"));
    assert_eq!(place.run(&gate).code, 2, "nothing in it runs anywhere");
}

/// Returns an index with one image for its own platform and so many variants of it.
fn index_of_variants(image: &BuiltImage, count: usize) -> Vec<u8> {
    let mut index: Value = serde_json::from_slice(&index(&[image])).unwrap();
    let entry = index["manifests"][0].clone();
    for variant in 9..9 + count {
        let mut entry = entry.clone();
        entry["platform"]["variant"] = format!("v{variant}").into();
        index["manifests"].as_array_mut().unwrap().push(entry);
    }
    serde_json::to_vec(&index).unwrap()
}

#[test]
fn an_image_that_an_index_lists_for_many_platforms_is_scanned_once() {
    let place = place("2.2.4");
    let bad = built("2.2.0", "arm64");
    let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
    registry.image("acme/app", "arm", &bad);
    registry.manifest("acme/app", "1", INDEX, &index_of_variants(&bad, 20));
    let server = registry.serve();
    let name = format!("{}/acme/app:1", server.host());
    let gate = in_production(&name);
    let ran = place.run(&gate);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(verdict(&ran.stdout)["digests"].as_array().unwrap().len(), 21);
    assert!(server.count(&format!("/manifests/{}", bad.digest())) < 5, "{:?}", server.requests());
}

#[test]
fn what_is_attested_of_a_large_index_is_not_judged() {
    let place = place("2.2.4");
    keys(&place, &["k"]);
    let app = built("2.2.4", "arm64");
    let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
    registry.image("acme/app", "arm", &app);
    registry.manifest("acme/app", "1", INDEX, &index_of_variants(&app, 65));
    let server = registry.serve();
    let name = format!("{}/acme/app:1", server.host());
    place.write("claim.json", "{}");
    let attest = |kind: &str| {
        let attest = ["attest", "--key", "k.key", "--predicate", "claim.json", "--type", kind, &name];
        place.run_with(&attest, &[PASSWORD])
    };
    let ran = attest("https://acme.example/built/v1");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // A verdict would have to be about each image in it.
    let ran = attest("verdict");
    assert!(ran.code == 2 && ran.stderr.contains("more than 64 images"), "{}", ran.stderr);
}

#[test]
fn signatures_are_looked_up_beside_the_image() {
    let place = place("2.2.4");
    keys(&place, &["release"]);
    let policy = format!(
        "{POLICY}  - signed: {{of: [release]}}\ntrust: {{release: {{keys: [{{file: release.pub}}]}}}}\n"
    );
    place.write("policy.yaml", policy);
    let gate = in_production("oci:layout:app");
    let ran = place.run(&gate);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert_eq!(verdict(&ran.stdout)["reasons"][0]["cause"], "missing-evidence");
    // An archive keeps nothing beside the image.
    place.write("app.tar", image("2.2.4").docker_archive("app:1"));
    let ran = place.run(&in_production("docker-archive:app.tar"));
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let signed = place.run_with(&["sign", "--key", "release.key", "oci:layout:app"], &[PASSWORD]);
    assert_eq!(signed.code, 0, "{}", signed.stderr);
    let ran = place.run(&gate);
    assert_eq!((ran.code, &verdict(&ran.stdout)["verdict"]), (0, &"admit".into()), "{}", ran.stdout);
    std::fs::remove_file(place.path("release.pub")).unwrap();
    assert_eq!(place.run(&gate).code, 2, "a trust root that is gone");
}

#[test]
fn statements_of_those_who_are_honoured_count() {
    let place = place("2.2.0");
    keys(&place, &["security", "other"]);
    let digest = image("2.2.0").digest();
    let state = [
        "vex",
        "create",
        "--author",
        "security",
        "--vulnerability",
        "CVE-2019-14234",
        "--product",
        &digest,
        "--status",
        "not_affected",
        "--justification",
        "vulnerable_code_not_present",
        "--output",
        "app.vex.json",
    ];
    assert_eq!(place.run(&state).code, 0);
    let policy = format!(
        "{POLICY}vex: {{honour: [security]}}\ntrust:\n  security: {{keys: [{{file: security.pub}}]}}\n  other: {{keys: [{{file: other.pub}}]}}\n"
    );
    place.write("policy.yaml", policy);
    let gate = in_production("oci:layout:app");
    // One by somebody who is trusted for other things is none.
    for (key, code) in [("other", 1), ("security", 0)] {
        let key = format!("{key}.key");
        let attest =
            ["attest", "--key", &key, "--type", "openvex", "--predicate", "app.vex.json", "oci:layout:app"];
        let ran = place.run_with(&attest, &[PASSWORD]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let ran = place.run(&gate);
        assert_eq!(ran.code, code, "{key}: {}", ran.stdout);
    }
    let ran = place.run_with(&gate, &[("ASSAY_DB", "")]);
    assert_eq!(
        ran.stderr.matches("no database has been fetched").count(),
        1,
        "it is opened once: {}",
        ran.stderr
    );
}

#[test]
fn a_report_may_have_to_be_signed() {
    let place = place("2.2.4");
    keys(&place, &["release", "other"]);
    let policy = format!(
        "{POLICY}  - scan: {{by: [release]}}\ntrust: {{release: {{keys: [{{file: release.pub}}]}}}}\n"
    );
    place.write("policy.yaml", policy);
    assert_eq!(place.run(&["scan", "oci:layout:app", "--format", "json", "--output", "report.json"]).code, 0);
    for key in ["release", "other"] {
        let (key, bundle) = (format!("{key}.key"), format!("{key}.json"));
        let sign = ["sign-blob", "--key", &key, "--bundle", &bundle, "report.json"];
        let ran = place.run_with(&sign, &[PASSWORD]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let gate = |source: &str, more: &[&str]| {
        let gate = in_production(source);
        let ran = place.run(&[&gate[..], more].concat());
        (ran.code, ran.stdout)
    };
    let (code, said) = gate("report:report.json", &[]);
    assert!(code == 1 && said.contains("the report is not signed"), "{said}");
    let (code, said) = gate("report:report.json", &["--report-signature", "release.json"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = gate("report:report.json", &["--report-signature", "other.json"]);
    assert!(code == 2 && said.contains("not by `release`"), "{said}");
    assert_eq!(gate("oci:layout:app", &[]).0, 0, "what is scanned just now needs no signature");
    assert_eq!(gate("oci:layout:app", &["--report-signature", "release.json"]).0, 2);
    // Changed after it was signed.
    let text = std::fs::read_to_string(place.path("report.json")).unwrap();
    place.write("report.json", text.replace("Django", "Djangoo"));
    assert_eq!(gate("report:report.json", &["--report-signature", "release.json"]).0, 2);
}

#[test]
fn a_registry_that_answers_otherwise_the_second_time_is_not_believed() {
    let place = place("2.2.4");
    let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
    let (good, bad) = (image("2.2.4"), built("2.2.0", "arm64"));
    registry.image("acme/app", "good", &good);
    registry.image("acme/app", "bad", &bad);
    registry.manifest("acme/app", "1", INDEX, &index(&[&good, &bad]));
    // Whoever asks what there is to judge gets the good image, and the scan an index in which it is not alone.
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let is_tag = request.target.ends_with("/manifests/1");
        if is_tag && asked.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::new(200, good.manifest.clone()).header("Content-Type", MANIFEST);
        }
        registry.answer(request)
    });
    let name = format!("{}/acme/app:1", server.host());
    let gate = in_production(&name);
    let ran = place.run(&gate);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("was none a moment ago"), "{}", ran.stdout);
    // From then on it is an index, of which one image is bad.
    assert_eq!(place.run(&gate).code, 1);
}

#[test]
fn a_signed_index_vouches_for_the_images_in_it_only() {
    let place = place("2.2.4");
    keys(&place, &["release"]);
    let policy = format!(
        "{POLICY}  - signed: {{of: [release]}}\ntrust: {{release: {{keys: [{{file: release.pub}}]}}}}\n"
    );
    place.write("policy.yaml", policy);
    let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
    let (inside, outside) = (image("2.2.4"), image("2.2.5"));
    registry.image("acme/app", "inside", &inside);
    registry.image("acme/app", "outside", &outside);
    let index = index(&[&inside]);
    registry.manifest("acme/app", "signed", INDEX, &index);
    let server = registry.serve();
    let name = |tag: &str| format!("{}/acme/app:{tag}", server.host());
    let signed = place.run_with(&["sign", "--key", "release.key", &name("signed")], &[PASSWORD]);
    assert_eq!(signed.code, 0, "{}", signed.stderr);
    let report = |tag: &str| -> Value {
        let ran = place.run(&["scan", &name(tag), "--format", "json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        verdict(&ran.stdout)
    };
    let gate = |report: &Value| {
        place.write("report.json", report.to_string());
        let gate = in_production("report:report.json");
        let ran = place.run(&gate);
        (ran.code, ran.stdout)
    };
    let (code, said) = gate(&report("signed"));
    assert_eq!(code, 0, "{said}");
    let mut other = report("outside");
    assert_eq!(gate(&other).0, 1);
    // The report says that its image is in the index that is signed.
    other["source"]["index_digest"] = assay_test::image::digest(&index).into();
    let (code, said) = gate(&other);
    assert!(code == 1 && said.contains("the index does not list the image"), "{said}");
}

/// What the gate wrote opens the gate elsewhere: for what it is about, and for nothing else.
#[test]
fn a_verdict_counts_for_what_was_judged_only() {
    let place = place("2.2.4");
    place.layout("other", &image("2.2.0"));
    keys(&place, &["gate"]);
    let judge = |image: &str, policy: &str, more: &[&str]| {
        let gate =
            ["gate", image, "--policy", policy, "--tier", "production", "--output", "json=verdict.json"];
        place.run(&[&gate[..], more].concat()).code
    };
    let attest = |image: &str, more: &[&str]| {
        let attest =
            ["attest", "--key", "gate.key", "--type", "verdict", "--predicate", "verdict.json", image];
        place.run_with(&[&attest[..], more].concat(), &[PASSWORD])
    };
    place.write(
        "admit.yaml",
        "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: admit}\nrules:\n  - attested:\n      type: verdict\n      of: [gate]\n      conditions: [\"predicate.verificationResult == 'PASSED'\"]\ntrust: {gate: {keys: [{file: gate.pub}]}}\ntiers: [{name: production}]\n",
    );
    assert_eq!(judge("oci:layout:app", "policy.yaml", &[]), 0);
    let said = verdict(&std::fs::read_to_string(place.path("verdict.json")).unwrap());

    let ran = attest("oci:other:app", &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    let (judged, other) = (image("2.2.4").digest(), image("2.2.0").digest());
    let told = format!("the verdict is about {judged}, not about {other}");
    assert!(
        ran.stderr.contains(&told) && ran.stderr.contains("hint: judge what is attested"),
        "{}",
        ran.stderr
    );
    let blob = ["attest-blob", "--key", "gate.key", "--type", "verdict", "--predicate", "verdict.json"];
    let ran = place.run_with(&[&blob[..], &["policy.yaml"]].concat(), &[PASSWORD]);
    assert!(
        ran.code == 2 && ran.stderr.contains(&format!("the verdict is about {judged}")),
        "{}",
        ran.stderr
    );
    let ran = attest("oci:layout:app", &["--policy", "admit.yaml"]);
    assert!(ran.code == 2 && ran.stderr.contains("given by the policy `test`"), "{}", ran.stderr);

    let ran = attest("oci:layout:app", &["--policy", "policy.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(attest("oci:layout:app", &["--policy", "policy.yaml"]).stdout.contains("already"));
    let verify = ["verify-attestation", "--type", "verdict", "--key", "gate.pub", "--format", "json"];
    let ran = place.run(&[&verify[..], &["oci:layout:app"]].concat());
    let verified = verdict(&ran.stdout);
    let verified = &verified["manifests"][0]["candidates"][0]["roots"][0]["verified"];
    let summary = &verified["statement"]["predicate"];
    assert_eq!(summary["verifiedLevels"], serde_json::json!(["ASSAY_PRODUCTION"]), "{}", ran.stdout);
    assert_eq!(summary["timeVerified"], said["evaluated_at"]);
    assert_eq!(summary["assay_judged"]["digests"], said["digests"]);
    assert_eq!(
        (judge("oci:layout:app", "admit.yaml", &[]), judge("oci:other:app", "admit.yaml", &[])),
        (0, 1)
    );

    // A summary that was signed before is carried on for its own image only.
    place.write("verdict.json", summary.to_string());
    assert!(attest("oci:layout:app", &[]).stdout.contains("already"));
    assert_eq!(attest("oci:other:app", &[]).code, 2);

    // Whoever judged one platform of an index did not judge the index.
    let (one, two) = (image("2.2.4"), built("2.2.4", "arm64"));
    layout_of_index(&place, "multi", &[&one, &two]);
    assert_eq!(judge("oci:multi:app", "policy.yaml", &["--platform", "linux/amd64"]), 0);
    let ran = attest("oci:multi:app", &[]);
    let told = format!("its image {} was not judged", two.digest());
    assert!(ran.code == 2 && ran.stderr.contains(&told), "{}", ran.stderr);
    // Nor does a summary of that which names the index.
    let judged = std::fs::read(place.path("verdict.json")).unwrap();
    let about = assay_sign::predicate::verdict::About { resource: "app", policy: None, version: "0.1.0" };
    let summary = assay_sign::predicate::verdict::Verdict::parse(&judged).unwrap().summary(&about);
    place.write("verdict.json", summary.to_string());
    let ran = attest("oci:multi:app", &[]);
    assert!(ran.code == 2 && ran.stderr.contains(&two.digest()), "{}", ran.stderr);
    place.write("verdict.json", judged);
    let child = format!("oci:multi@{}", one.digest());
    let ran = attest(&child, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(judge("oci:multi:app", "policy.yaml", &[]), 0);
    assert_eq!(attest("oci:multi:app", &[]).code, 0);
}
