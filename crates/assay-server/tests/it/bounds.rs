//! What an author, a full queue or a scan that never ends cannot do: get an image past judgement.

use crate::admission::{Cluster, POLICY, pod, review, told};
use crate::fixture::{BUILT, World, database, image, now, run};
use assay_model::Timestamp;
use assay_server::{Worker, rematch_all};
use assay_store::{NewJob, Place};
use assay_test::http::Reply;
use assay_test::image::{BuiltImage, descriptor};
use assay_test::registry::Content;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const BAD: &[(&str, &str)] = &[("django", "4.0.5")];

/// Returns an entry of an index, with what its author says of it.
fn entry(manifest: &[u8], more: &Value) -> Value {
    let mut entry = descriptor(MANIFEST, manifest);
    for (key, value) in more.as_object().unwrap() {
        entry[key] = value.clone();
    }
    entry
}

fn index(entries: &[Value]) -> Vec<u8> {
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }).to_string().into_bytes()
}

fn name_of(media_type: &str, bytes: &[u8]) -> String {
    descriptor(media_type, bytes)["digest"].as_str().unwrap().to_owned()
}

/// Pushes an index, scans what it names, and returns whether it may run in production and in staging, and why not.
async fn judged(content: Content, bytes: &[u8]) -> ((bool, String), (bool, String)) {
    let digest = name_of(INDEX, bytes);
    let database = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
    let world = World::start(content.manifest("1.0", INDEX, bytes), &database, Some(POLICY)).await;
    let host = world.registry.host();
    world.push(&host, "1.0", &digest).await;
    world.work().await;
    let cluster = Cluster(world);
    let name = format!("{host}/team/app@{digest}");
    (cluster.create("prod", &[&name]).await, cluster.create("stage", &[&name]).await)
}

#[test]
fn what_an_index_says_of_its_images_hides_none() {
    run(async {
        let (good, bad) = (image(&[("flask", "2.0")]), image(BAD));
        let attestation = json!({ "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": good.digest() });
        let linux = json!({ "os": "linux", "architecture": "amd64" });
        let unknown = json!({ "os": "unknown", "architecture": "unknown" });
        let first = entry(&good.manifest, &json!({ "platform": linux }));
        for (more, runs) in [
            (json!({ "platform": linux, "annotations": attestation }), true),
            (json!({ "platform": linux, "artifactType": "application/spdx+json" }), true),
            // Without a platform a node looks into the image.
            (json!({ "annotations": attestation }), true),
            (json!({ "platform": { "os": "linux", "architecture": "unknown" } }), true),
            (json!({ "platform": unknown, "annotations": attestation }), false),
        ] {
            let content = Content::new().image("a", &good).image("b", &bad);
            let bytes = index(&[first.clone(), entry(&bad.manifest, &more)]);
            let ((allowed, why), _) = judged(content, &bytes).await;
            assert_eq!(allowed, !runs, "{more}: {why}");
            assert!(allowed || why.contains("critical"), "{more}: {why}");
        }
    });
}

#[test]
fn an_image_that_says_it_is_about_another_is_judged() {
    run(async {
        let (good, bad) = (image(&[("flask", "2.0")]), image(BAD));
        let mut manifest: Value = serde_json::from_slice(&bad.manifest).unwrap();
        manifest["subject"] = descriptor(MANIFEST, &good.manifest);
        let manifest = manifest.to_string().into_bytes();
        let linux = json!({ "platform": { "os": "linux", "architecture": "amd64" } });
        let bytes = index(&[entry(&good.manifest, &linux), entry(&manifest, &linux)]);
        let content = Content::new().image("a", &good).image("b", &bad).manifest("c", MANIFEST, &manifest);
        let ((allowed, why), _) = judged(content, &bytes).await;
        assert!(!allowed && why.contains("critical"), "{why}");
    });
}

#[test]
fn an_image_that_says_it_is_about_another_is_known_by_its_tag() {
    run(async {
        let (good, bad) = (image(&[("flask", "2.0")]), image(BAD));
        let mut manifest: Value = serde_json::from_slice(&bad.manifest).unwrap();
        manifest["subject"] = descriptor(MANIFEST, &good.manifest);
        let manifest = manifest.to_string().into_bytes();
        let digest = name_of(MANIFEST, &manifest);
        let content = Content::new().image("b", &bad).manifest("1.0", MANIFEST, &manifest);
        let known = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        for (tag, want) in [("1.0", 1), ("", 0)] {
            let world = World::start(content.clone(), &known, None).await;
            world.push(&world.registry.host(), tag, &digest).await;
            world.work().await;
            let hit = world.get("/api/v1/blast-radius?advisory=CVE-2022-1").await;
            assert_eq!(hit["items"].as_array().unwrap().len(), want, "{tag}");
        }
    });
}

#[test]
fn an_index_of_which_not_all_can_be_judged_is_denied_everywhere() {
    run(async {
        let good = image(&[("flask", "2.0")]);
        let linux =
            |number: usize| json!({ "platform": { "os": "linux", "architecture": format!("a{number}") } });
        let of = |number: usize| entry(format!("{number}").as_bytes(), &linux(number));
        let first = entry(&good.manifest, &linux(0));
        let many: Vec<Value> = std::iter::once(first.clone()).chain((1..65).map(of)).collect();
        let chart = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
            "config": descriptor("application/vnd.cncf.helm.config.v1+json", b"{}") });
        let chart = chart.to_string().into_bytes();
        let broken = json!({ "mediaType": MANIFEST, "digest": "sha256:short", "size": "no" });
        for (entries, reason) in [
            (many, "it is an index of 65 images, and 64 is the most that are judged"),
            (vec![first.clone(), broken], "it is an index with an entry that cannot be read"),
            (vec![], "it is an index without any image"),
            (vec![first, entry(&chart, &linux(1))], "it is no image"),
        ] {
            let content = Content::new().image("a", &good).manifest("chart", MANIFEST, &chart);
            let (production, staging) = judged(content, &index(&entries)).await;
            for (allowed, why) in [production, staging] {
                assert!(!allowed && why.contains(reason), "{reason}: {why}");
            }
        }
    });
}

#[test]
fn an_index_of_indexes_is_judged_by_all_that_it_leads_to() {
    run(async {
        for (packages, allowed) in [(BAD, false), (&[("flask", "2.0")], true)] {
            let (good, other) = (image(&[("flask", "1.0")]), image(packages));
            let linux = json!({ "platform": { "os": "linux", "architecture": "amd64" } });
            let inner = index(&[entry(&other.manifest, &linux)]);
            let mut nested = descriptor(INDEX, &inner);
            nested["platform"] = linux["platform"].clone();
            let content = Content::new().image("a", &good).image("b", &other).manifest("i", INDEX, &inner);
            let (production, _) = judged(content, &index(&[entry(&good.manifest, &linux), nested])).await;
            assert_eq!(production.0, allowed, "{}", production.1);
        }
    });
}

#[test]
fn a_pod_with_more_images_than_are_judged_is_denied() {
    run(async {
        let (cluster, _, good, _) = Cluster::start().await;
        let mut names: Vec<String> =
            (0..1000).map(|number| format!("elsewhere.example/app:{number}")).collect();
        names.insert(0, good.clone());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (allowed, why) = cluster.create("stage", &names).await;
        assert!(!allowed && why.contains("1001 images"), "{why}");
        // One image many times is one; and an update that brings in none is not in the way.
        assert!(cluster.create("stage", &vec![good.as_str(); 1500]).await.0);
        let update = review("", "Pod", "stage", "UPDATE", &pod(&names), &pod(&names));
        assert!(told(&cluster.ask("/admission/validate", &update).await).0);
    });
}

#[test]
fn what_is_never_scanned_is_not_admitted_for_ever() {
    run(async {
        let (cluster, name, _, _) = Cluster::start().await;
        let unseen = format!("{name}:nowhere");
        let ended = async || {
            let events = cluster.0.store.events(None, 0, 1000).await.unwrap();
            events.iter().filter(|event| event.kind == "watch-ended").count()
        };
        let (allowed, why) = cluster.create("brief", &[&unseen]).await;
        assert!(allowed && why.contains("before it was scanned"), "{why}");
        cluster.0.work().await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_eq!(ended().await, 0);
        for _ in 0..2 {
            let (allowed, why) = cluster.create("brief", &[&unseen]).await;
            assert!(!allowed && why.contains("as long as its tier allows"), "{why}");
            // And why, as the registry said.
            assert!(why.contains("cannot resolve"), "{why}");
        }
        assert_eq!(ended().await, 1);
        // Another tier allows more time.
        assert!(cluster.create("stage", &[&unseen]).await.0);
        // What is scanned at last is judged, however long that took.
        let unseen = format!("{name}:new");
        assert!(cluster.create("brief", &[&unseen]).await.0);
        cluster.0.work().await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let (_, why) = cluster.create("brief", &[&unseen]).await;
        assert!(why.contains("has no digest"), "{why}");
    });
}

#[test]
fn what_is_no_image_is_denied_at_once() {
    run(async {
        let chart = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
            "config": descriptor("application/vnd.cncf.helm.config.v1+json", b"{}") });
        let chart = chart.to_string().into_bytes();
        let content = Content::new().manifest("chart", MANIFEST, &chart);
        let world = World::start(content, &database(&[], BUILT), Some(POLICY)).await;
        let host = world.registry.host();
        // A push of it is nobody's business.
        world.push(&host, "chart", &name_of(MANIFEST, &chart)).await;
        world.work().await;
        assert_eq!(world.store.image_count().await.unwrap(), 0);
        let cluster = Cluster(world);
        let name = format!("{host}/team/app:chart@{}", name_of(MANIFEST, &chart));
        assert!(cluster.create("stage", &[&name]).await.0);
        cluster.0.work().await;
        let (allowed, why) = cluster.create("stage", &[&name]).await;
        assert!(!allowed && why.contains("it is no image"), "{why}");
    });
}

#[test]
fn a_new_finding_of_an_image_changes_the_verdict_of_its_index() {
    run(async {
        let good: BuiltImage = image(&[("flask", "2.0")]);
        let bytes = assay_test::image::index(&[&good]);
        let digest = name_of(INDEX, &bytes);
        let old = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        let content = Content::new().image("a", &good).manifest("1.0", INDEX, &bytes);
        let world = World::start(content, &old, Some(POLICY)).await;
        let host = world.registry.host();
        world.push(&host, "1.0", &digest).await;
        world.work().await;
        let cluster = Cluster(world);
        let name = format!("{host}/team/app@{digest}");
        assert_eq!(cluster.create("prod", &[&name]).await, (true, "null".to_owned()));
        let later = Timestamp(BUILT.0 + 60);
        let new = database(&[("CVE-2022-1", "django", "4.0.6"), ("CVE-2024-2", "flask", "9")], later);
        rematch_all(&cluster.0.store, &old, (&new, false), later.into()).await.unwrap();
        let (allowed, why) = cluster.create("prod", &[&name]).await;
        assert!(!allowed && why.contains("critical"), "{why}");
    });
}

#[test]
fn a_full_queue_is_told_and_lets_nothing_in() {
    run(async {
        let (cluster, name, good, _) = Cluster::start().await;
        let unseen = format!("{name}:new");
        let mut work = cluster.0.store.begin().await.unwrap();
        for number in 0..10_000 {
            let job = NewJob {
                kind: "scan".to_owned(),
                name: number.to_string(),
                registry: "elsewhere.example".to_owned(),
                payload: String::new(),
                priority: 0,
                max_attempts: 1,
            };
            work.enqueue(&job, now()).await.unwrap();
        }
        work.commit().await.unwrap();
        for namespace in ["prod", "patient"] {
            let request = review("", "Pod", namespace, "CREATE", &pod(&[&good, &unseen]), &Value::Null);
            let answer = cluster.ask("/admission/validate?timeout=2s", &request).await;
            assert_eq!(answer["allowed"], false);
            assert_eq!(
                (&answer["status"]["code"], &answer["status"]["reason"]),
                (&json!(429), &json!("TooManyRequests"))
            );
            assert_eq!(answer["status"]["details"]["retryAfterSeconds"], 30);
        }
        // A denial that will not pass by waiting is one.
        let request = review("", "Pod", "prod", "CREATE", &pod(&["a b", &unseen]), &Value::Null);
        let answer = cluster.ask("/admission/validate?timeout=2s", &request).await;
        assert_eq!((&answer["status"]["code"], answer["status"].get("details")), (&json!(403), None));
        // What is known needs no queue.
        assert!(cluster.create("prod", &[&good]).await.0);
        assert_eq!(cluster.0.store.queued().await.unwrap(), 10_000);
        let metrics = cluster.0.metrics.render(&[], 0, now());
        assert!(metrics.contains("assay_admission_rejected_total 3\n"), "{metrics}");
    });
}

fn scan(digest: &str, host: &str, repository: &str) -> NewJob {
    NewJob {
        kind: "scan".to_owned(),
        name: digest.to_owned(),
        registry: host.to_owned(),
        payload: repository.to_owned(),
        priority: 0,
        max_attempts: 8,
    }
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure_at_once() {
    run(async {
        let app = image(BAD);
        let world = World::start(Content::new().image("1.0", &app), &database(&[], BUILT), None).await;
        // Nobody has seen this image, so there is nothing that a result could belong to.
        world.store.enqueue(&scan(&app.digest(), &world.registry.host(), "team/app"), now()).await.unwrap();
        assert!(world.worker.step().await.unwrap());
        let (state, error) = world.store.job_state("scan", &app.digest()).await.unwrap().unwrap();
        assert_eq!(state, "queued");
        assert!(error.unwrap().starts_with("no image `sha256:"));
    });
}

#[test]
fn an_image_that_is_gone_from_one_repository_is_scanned_in_another() {
    run(async {
        let app = image(BAD);
        let content = Content::new().image("1.0", &app);
        let answer = move |request: &assay_test::http::Request| match request.target.contains("/team/gone/") {
            true => Reply::new(404, "{}"),
            false => content.answer(request),
        };
        let world = World::start_with(answer, &database(&[], BUILT), None).await;
        let host = world.registry.host();
        let gone = Place { registry: host.clone(), repository: "team/gone".to_owned(), tag: None };
        let mut work = world.store.begin().await.unwrap();
        work.see(&app.digest().parse().unwrap(), &gone, now()).await.unwrap();
        work.enqueue(&scan(&app.digest(), &host, "team/gone"), now()).await.unwrap();
        work.commit().await.unwrap();
        // The same image is pushed elsewhere while its scan is queued.
        world.push(&host, "1.0", &app.digest()).await;
        world.work().await;
        let state = async || world.store.job_state("scan", &app.digest()).await.unwrap().unwrap().0;
        assert_eq!(state().await, "queued");
        let later =
            Worker { clock: Arc::new(|| now().plus(Duration::from_secs(60))), ..world.worker.clone() };
        while later.step().await.unwrap() {}
        assert_eq!(state().await, "done");
        assert!(world.store.report_status(&app.digest().parse().unwrap()).await.unwrap().is_some());
    });
}

#[test]
fn a_database_that_says_nothing_new_keeps_an_image_current() {
    run(async {
        let policy = POLICY.replace("rules:\n", "rules:\n  - database: {maxAge: 1d}\n");
        let app = image(&[("flask", "2.0")]);
        let old = database(&[("CVE-2022-1", "django", "4.0.6")], Timestamp(BUILT.0 - 2 * 86_400));
        let world = World::start(Content::new().image("1.0", &app), &old, Some(&policy)).await;
        let host = world.registry.host();
        world.push(&host, "1.0", &app.digest()).await;
        world.work().await;
        let cluster = Cluster(world);
        let name = format!("{host}/team/app@{}", app.digest());
        let (allowed, why) = cluster.create("prod", &[&name]).await;
        assert!(!allowed && why.contains("database"), "{why}");
        let new = database(&[("CVE-2022-1", "django", "4.0.7")], BUILT);
        rematch_all(&cluster.0.store, &old, (&new, false), now()).await.unwrap();
        assert_eq!(cluster.create("prod", &[&name]).await, (true, "null".to_owned()));
        // The report says so, too, and all else that it said.
        let report = cluster.0.get(&format!("/api/v1/images/{}/report", app.digest())).await;
        assert_eq!(report["database"]["built_at"], BUILT.to_string(), "{}", report["database"]);
        assert_eq!(report["database"]["feeds"][0]["synced_at"], BUILT.to_string(), "{}", report["database"]);
        assert_eq!(report["coverage"][0]["state"], "covered", "{}", report["coverage"]);
        assert!(report["packages"].as_array().is_some_and(|packages| !packages.is_empty()), "{report}");
    });
}
