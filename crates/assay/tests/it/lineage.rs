//! Base images: how they are found, what is said of them, and what may not be believed.

use crate::{METADATA, Place, STATUS, base};
use assay_test::http::Server;
use assay_test::image::{Builder, BuiltImage, Tree};
use assay_test::registry::Content;
use serde_json::Value;

const ADD: &str = "/bin/sh -c #(nop) ADD file:rootfs in / ";

/// The base: a distribution with a vulnerable OpenSSL.
fn bottom() -> Builder {
    Builder::new().created("2024-01-01T00:00:00Z").layer(base(STATUS), ADD).instruction("CMD [\"bash\"]")
}

/// The same release without OpenSSL.
fn newer_bottom() -> BuiltImage {
    let status = STATUS.split("\n\n").nth(1).unwrap();
    Builder::new()
        .created("2024-03-01T00:00:00Z")
        .layer(base(status), ADD)
        .instruction("CMD [\"bash\"]")
        .build()
}

/// Adds a vulnerable Django to a base.
fn app(bottom: Builder) -> Builder {
    let package = Tree::new()
        .file("venv/lib/python3.11/site-packages/Django-2.2.0.dist-info/METADATA", METADATA)
        .file("venv/lib/python3.11/site-packages/Django-2.2.0.dist-info/RECORD", "");
    bottom
        .created("2024-02-01T00:00:00Z")
        .layer(package, "RUN pip install django")
        .instruction("CMD [\"app\"]")
}

fn json(place: &Place, arguments: &[&str]) -> Value {
    let ran = place.run(&[&["scan", "--format", "json", "--quiet"], arguments].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr))
}

/// Returns the evidence, the number of layers, which layers and which findings are the base's.
fn said(report: &Value) -> String {
    let bits = |values: &Value| -> String {
        let bit = |value: &Value| match value["base"].as_bool() {
            Some(true) => 'b',
            Some(false) => 'o',
            None => '?',
        };
        values.as_array().unwrap().iter().map(bit).collect()
    };
    let base = &report["source"]["base"];
    format!(
        "{} {} {} {}",
        base["evidence"].as_str().unwrap_or("none"),
        base["layers"].as_u64().map_or("?".to_owned(), |count| count.to_string()),
        bits(&report["source"]["layers"]),
        bits(&report["findings"]),
    )
}

#[test]
fn a_base_that_was_named_is_recognised_by_its_layers() {
    let place = Place::new();
    place.layout("app", &app(bottom()).build());
    place.layout("base", &bottom().build());
    place.layout("other", &newer_bottom());
    let report = json(&place, &["oci:app", "--no-cache", "--base", "oci:base"]);
    // Django's finding is critical and comes first.
    assert_eq!(said(&report), "layer-prefix 1 bo ob");
    let base = &report["source"]["base"];
    assert_eq!((&base["reference"], &base["named"]), (&"oci:base".into(), &true.into()));
    let report = json(&place, &["oci:app", "--no-cache", "--base", "oci:other", "--base", "oci:base"]);
    assert_eq!(said(&report), "layer-prefix 1 bo ob");
    // Another image is no base, however it is called: what is left is the guess.
    let report = json(&place, &["oci:app", "--no-cache", "--base", "oci:other"]);
    assert_eq!(said(&report), "history 1 bo ob");
}

#[test]
fn what_was_scanned_before_is_known() {
    let place = Place::new();
    place.layout("app", &app(bottom()).build());
    place.layout("base", &bottom().build());
    assert_eq!(said(&json(&place, &["oci:app"])), "history 1 bo ob");
    assert_eq!(said(&json(&place, &["oci:base"])), "none ? ? ?");
    assert_eq!(said(&json(&place, &["oci:app"])), "layer-prefix 1 bo ob");
    assert_eq!(json(&place, &["oci:app"])["source"]["base"]["named"], false);
    // What is given goes before a nearer one that happens to be known.
    place.layout("more", &app(bottom()).layer(Tree::new().file("x", "y"), "COPY x").build());
    assert_eq!(said(&json(&place, &["oci:more"])), "layer-prefix 2 bbo bb");
    assert_eq!(said(&json(&place, &["oci:more", "--base", "oci:base"])), "layer-prefix 1 boo ob");
    // An image is not its own base, nor that of what it is built on.
    assert_eq!(said(&json(&place, &["oci:base"])), "none ? ? ?");
}

#[test]
fn the_base_can_be_in_a_repository() {
    let place = Place::new();
    place.layout("app", &app(bottom()).build());
    let content = Content::new().image("12.1", &bottom().build()).image("12.2", &newer_bottom());
    let server = Server::start(move |request| content.answer(request));
    let repository = format!("{}/bases/debian", server.host());
    let report = json(&place, &["oci:app", "--base-repository", &repository]);
    assert_eq!(said(&report), "layer-prefix 1 bo ob");
    let base = &report["source"]["base"];
    assert_eq!(base["reference"], format!("{repository}:12.1"));
    assert_eq!((&base["named"], &base["newest"]), (&true.into(), &false.into()));
    let content = Content::new().image("12.1", &bottom().build());
    let alone = Server::start(move |request| content.answer(request));
    let repository = format!("{}/bases/debian", alone.host());
    let report = json(&place, &["oci:app", "--base-repository", &repository]);
    assert_eq!(report["source"]["base"]["newest"], true);
    assert_eq!(server.count("/blobs/"), 2, "configurations only, no layers");
}

#[test]
fn the_newest_base_is_not_known_where_not_all_was_looked_at() {
    let place = Place::new();
    place.layout("app", &app(bottom()).build());
    let newest = |server: &Server| {
        let repository = format!("{}/bases/debian", server.host());
        let ran = place.run(&["scan", "--format", "json", "oci:app", "--base-repository", &repository]);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
        assert_eq!(said(&report), "layer-prefix 1 bo ob");
        (report["source"]["base"]["newest"].clone(), ran.stderr)
    };
    let serve = |content: Content| Server::start(move |request| content.answer(request));
    let base = bottom().build();
    let artifact = serde_json::json!({"schemaVersion": 2, "artifactType": "application/spdx+json",
        "mediaType": assay_test::image::MANIFEST, "layers": [],
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": base.digest(), "size": 2}});
    let with_artifact = || {
        let bytes = artifact.to_string();
        Content::new().image("zz", &base).manifest("sbom", assay_test::image::MANIFEST, bytes.as_bytes())
    };
    assert_eq!(newest(&serve(with_artifact())).0, true, "an artifact is no base");
    // One more than are looked at.
    let many = (0..101).fold(Content::new(), |content, tag| content.image(&format!("tag-{tag:03}"), &base));
    let (said, told) = newest(&serve(many));
    assert!(said.is_null() && told.contains("101 tags"), "{said} {told}");
    // One is there, and is not given.
    let content = Content::new().image("12.1", &base).image("12.2", &newer_bottom());
    let half = Server::start(move |request| match request.target.ends_with("/manifests/12.2") {
        true => assay_test::http::Reply::new(403, "{}"),
        false => content.answer(request),
    });
    let (said, told) = newest(&half);
    assert!(said.is_null() && told.contains("1 tag of"), "{said} {told}");
    // One is made for another platform, and may be made for this one, too.
    let other = bottom().created("2024-03-01T00:00:00Z").architecture("arm64").build();
    assert_eq!(newest(&serve(Content::new().image("12.1", &base).image("12.2", &other))).0, Value::Null);
    // Nobody looked anywhere.
    let ran = place.run(&[
        "scan",
        "oci:app",
        "--base-repository",
        &format!("{}/bases/debian", serve(Content::new()).host()),
    ]);
    assert!(ran.code == 2 && ran.stderr.contains("has no tags"), "{}", ran.stderr);
}

#[test]
fn annotations_are_claims() {
    let place = Place::new();
    let claim = |image: Builder| {
        image
            .annotation("org.opencontainers.image.base.name", "registry.example/debian:12")
            .annotation("org.opencontainers.image.base.digest", &format!("sha256:{}", "a".repeat(64)))
            .build()
    };
    place.layout("app", &claim(app(bottom())));
    let report = json(&place, &["oci:app", "--no-cache"]);
    assert_eq!(said(&report), "annotation 1 bo ob");
    assert_eq!(report["source"]["base"]["reference"], "registry.example/debian:12");
    // Without a history there is no telling where the base ends.
    let bare = Builder::new().layer(base(STATUS), ADD).layer(Tree::new().file("x", "y"), "RUN x");
    place.layout("bare", &claim(bare));
    assert_eq!(said(&json(&place, &["oci:bare", "--no-cache"])), "annotation ? ?? ?");
}

#[test]
fn only_layers_take_findings_out_of_the_count() {
    let place = Place::new();
    place.layout("base", &bottom().build());
    // OpenSSL's finding is the only one: all of it is the base's.
    let own = bottom().layer(Tree::new().file("x", "y"), "COPY x").build();
    place.layout("own", &own);
    let scan = |more: &[&str]| place.run(&[&["scan", "oci:own", "--no-cache"], more].concat()).code;
    assert_eq!(scan(&["--fail-on", "high"]), 1);
    assert_eq!(scan(&["--fail-on", "high", "--base", "oci:base"]), 1);
    assert_eq!(scan(&["--fail-on", "high,own", "--base", "oci:base"]), 0);
    assert_eq!(scan(&["--fail-on", "high,own"]), 1, "a guess from what the image says takes nothing away");
    // Whoever has the image scanned, and again with a layer more, has made no base of it.
    assert_eq!(place.run(&["scan", "oci:own"]).code, 0);
    place.layout(
        "again",
        &bottom()
            .layer(Tree::new().file("x", "y"), "COPY x")
            .layer(Tree::new().file("z", ""), "COPY z")
            .build(),
    );
    assert_eq!(place.run(&["scan", "oci:again", "--fail-on", "high,own"]).code, 1);
    assert_eq!(
        scan(&["--fail-on", "high", "--base", "oci:base", "--exclude-base"]),
        1,
        "a filter of the view"
    );
}

#[test]
fn people_read_where_findings_come_from_and_what_a_newer_base_would_change() {
    let place = Place::new();
    place.layout("app", &app(bottom()).build());
    place.layout("bases", &bottom().build());
    // One repository, two builds.
    let old = Content::new().image("12", &bottom().build());
    let new = Content::new().image("12", &newer_bottom());
    let changed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&changed);
    let server = Server::start(move |request| {
        if seen.load(std::sync::atomic::Ordering::Relaxed) {
            new.answer(request)
        } else {
            old.answer(request)
        }
    });
    let reference = format!("{}/bases/debian:12", server.host());
    assert_eq!(place.run(&["scan", &reference]).code, 0);
    changed.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(place.run(&["scan", &reference]).code, 0);
    let report = json(&place, &["oci:app"]);
    let newer = &report["source"]["base"]["newer"];
    assert_eq!(newer["reference"], reference);
    assert_eq!(newer["removes"], serde_json::json!([{"rule": "CVE-2022-4450", "package": "libssl3"}]));
    assert_eq!(newer["adds"], serde_json::json!([]));
    let ran = place.run(&["scan", "oci:app", "--exclude-base", "--quiet"]);
    insta::assert_snapshot!(place.shown(&ran));
}

#[test]
#[cfg(feature = "server")]
fn the_server_judges_bases_as_the_gate_does() {
    use crate::serve::Serving;
    use assay_test::pushable::{Behaviour, Pushable};
    let place = Place::new();
    let registry = Pushable::new(Behaviour::default());
    let layer = |name: &str| Tree::new().file(name, "y");
    let other = Builder::new().created("2024-01-01T00:00:00Z").layer(layer("other"), "COPY other");
    let images = [
        ("bases/debian", bottom().build()),
        ("team/on-base", app(bottom()).build()),
        // Nearer is an image that merely was scanned, and not one of the named repository.
        ("team/more", app(bottom()).layer(layer("x"), "COPY x").build()),
        (
            "team/on-newer",
            app(Builder::new()
                .created("2024-03-01T00:00:00Z")
                .layer(base(STATUS.split("\n\n").nth(1).unwrap()), ADD))
            .build(),
        ),
        ("team/on-other", other.layer(layer("z"), "COPY z").build()),
    ];
    for (repository, image) in &images {
        registry.image(repository, "12.1", image);
    }
    let content = registry.clone();
    let server = Server::start(move |request| content.answer(request));
    let host = server.host();
    let repository = format!("{host}/bases/debian");
    place.write(
        "policy.yaml",
        format!(
            "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {{name: p}}\nrules:\n  \
             - {{id: allowed, bases: {{allow: [\"{host}/bases/**\"]}}}}\n  - {{id: newest, bases: {{newest: true}}}}\n  \
             - {{id: age, bases: {{maxAge: 1d}}}}\n  - {{id: own, vulnerabilities: {{max: {{critical: 0, high: 0, medium: 0, low: 0}}, ownOnly: true}}}}\n  \
             - {{id: all, vulnerabilities: {{max: {{critical: 0, high: 0, medium: 0, low: 0}}}}}}\n"
        ),
    );
    let serving = Serving::start_with(
        &place,
        &host,
        &[
            "--policy",
            "policy.yaml",
            "--base-repository",
            &repository,
            "--crawl",
            &repository,
            "--crawl-every",
            "1",
        ],
    );
    let url = format!("http://{}", serving.address);
    let digest = images[0].1.digest();
    let told = |ran: crate::Ran| -> (String, Vec<String>) {
        let verdict: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let reason = |reason: &Value| {
            let findings: Vec<String> = reason["findings"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| format!("{} {}", one["rule"], one["base"]))
                .collect();
            format!(
                "{} {} {} {findings:?}",
                text(&reason["rule"]),
                text(&reason["cause"]),
                text(&reason["message"])
            )
        };
        (text(&verdict["verdict"]), verdict["reasons"].as_array().unwrap().iter().map(reason).collect())
    };
    let known = || {
        let images = serving.ask(&place, "GET", "/api/v1/images?scanned=true", "");
        images["items"].as_array().unwrap().iter().any(|image| image["digest"] == digest.as_str())
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(240);
    while !known() {
        assert!(
            std::time::Instant::now() < until,
            "{} {}",
            serving.text(&place, "GET", "/api/v1/crawls", ""),
            serving.text(&place, "GET", "/api/v1/images", "")
        );
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let compare = |newer: bool| {
        let mut all = Vec::new();
        for (repository_of, image) in &images {
            let name = format!("{host}/{repository_of}@{}", image.digest());
            let here = [
                "gate",
                &name,
                "--no-cache",
                "--policy",
                "policy.yaml",
                "--base-repository",
                &repository,
                "--format",
                "json",
            ];
            let there = ["gate", &name, "--server", &url, "--token-file", "token", "--format", "json"];
            let (here, there) = (told(place.run(&here)), told(place.run(&there)));
            assert_eq!(here, there, "{repository_of}, newer: {newer}");
            all.push(here.1.join("\n"));
        }
        all
    };
    let said = compare(false);
    assert!(
        said[1].contains("age violation the base `")
            && !said[1].contains("allowed")
            && !said[1].contains("newest"),
        "{said:?}"
    );
    assert!(
        said[1].contains("own violation") && said[1].contains("false") && said[1].contains("all violation"),
        "{said:?}"
    );
    assert!(
        said[2].contains(&format!("the base `{repository}:12.1`")) && !said[2].contains("allowed"),
        "{said:?}"
    );
    assert!(said[3].contains("allowed missing-evidence the base image is not known"), "{said:?}");
    assert!(said[4].contains("allowed missing-evidence"), "{said:?}");
    // A newer base comes, and stands under another tag.
    registry.image("bases/debian", "12.2", &newer_bottom());
    let asked = serde_json::json!({ "reference": format!("{repository}:12.2") });
    serving.ask(&place, "POST", "/api/v1/images", &asked.to_string());
    let newest = newer_bottom().digest();
    let known = || {
        let images = serving.ask(&place, "GET", "/api/v1/images?scanned=true", "");
        images["items"].as_array().unwrap().iter().any(|image| image["digest"] == newest.as_str())
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(240);
    while !known() {
        assert!(std::time::Instant::now() < until, "the newer base was not found");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    // Verdicts are kept for a minute: another name has none.
    let name = format!("{host}/team/on-base:12.1@{}", images[1].1.digest());
    let here = [
        "gate",
        &name,
        "--no-cache",
        "--policy",
        "policy.yaml",
        "--base-repository",
        &repository,
        "--format",
        "json",
    ];
    let there = ["gate", &name, "--server", &url, "--token-file", "token", "--format", "json"];
    let (here, there) = (told(place.run(&here)), told(place.run(&there)));
    assert_eq!(here, there);
    assert!(here.1.join("\n").contains("newest violation there is a newer image of the base"), "{here:?}");
}
