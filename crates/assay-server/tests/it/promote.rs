//! Promotion: what the policy admits goes to the release repository with all that is attached, what it denies stays, and a release tag
//! that moves by itself raises an alarm.

use crate::fixture::{BUILT, World, database, image, now, run};
use crate::pages::page;
use assay_model::{Digest, Timestamp};
use assay_server::{Clock, Promoter, rematch_all};
use assay_store::{Moment, Role};
use assay_test::http::{Reply, Server};
use assay_test::image::{BuiltImage, MANIFEST, digest};
use assay_test::pushable::{Behaviour, Pushable};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const POLICY: &str = "apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: test}
tiers:
  - name: release
rules:
  - vulnerabilities: {max: {critical: 0}}
";
const PAIR: &str = "HOST/team/app=HOST/release/app";

fn good() -> BuiltImage {
    image(&[("django", "4.1")])
}

fn bad() -> BuiltImage {
    image(&[("django", "4.0.5")])
}

/// Attaches something to an image, as a referrer, and returns its digest.
fn attach(registry: &Pushable, repository: &str, image: &BuiltImage) -> String {
    registry.blob(repository, b"{}");
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example.note",
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2 },
        "layers": [],
        "subject": { "mediaType": MANIFEST, "digest": image.digest(), "size": image.manifest.len() },
    });
    let bytes = manifest.to_string();
    let name = digest(bytes.as_bytes());
    registry.manifest(repository, &name, MANIFEST, bytes.as_bytes());
    name
}

async fn world(registry: &Pushable, moving: &[&str]) -> World {
    world_on(registry.serve(), moving).await
}

async fn world_on(server: Server, moving: &[&str]) -> World {
    let first = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
    World::promoting(server, &first, Some(POLICY), &[PAIR], moving).await
}

/// Does all there is to do: scans, looks, promotions.
async fn all(world: &World) {
    world.work().await;
    let promoter = world.promoter.as_ref().unwrap();
    promoter.look().await.unwrap();
    while promoter.step().await.unwrap() {}
}

async fn pushed(world: &World, tag: &str, image: &BuiltImage) {
    world.push(&world.registry.host(), tag, &image.digest()).await;
    all(world).await;
}

async fn events(world: &World, kind: &str) -> Vec<serde_json::Value> {
    let events = world.get(&format!("/api/v1/events?kind={kind}")).await;
    events["items"].as_array().unwrap().clone()
}

async fn metric(world: &World, name: &str) -> String {
    let text = world.ask("GET", "/metrics", Some(Role::Viewer), "").await.1;
    let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("{name}: {text}")).rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn what_a_cluster_admits_by_a_stale_scan_is_not_promoted() {
    run(async {
        let registry = Pushable::new(Behaviour::default());
        let good = good();
        registry.image("team/app", "1.0", &good);
        let first = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        let policy = format!("{POLICY}  - scan: {{maxAge: 30d}}\n");
        let world = World::promoting(registry.serve(), &first, Some(&policy), &[PAIR], &[]).await;
        let host = world.registry.host();
        world.push(&host, "1.0", &good.digest()).await;
        world.work().await;
        let cluster = crate::admission::Cluster(world);
        let name = format!("{host}/team/app@{}", good.digest());
        assert!(cluster.create("any", &[&name]).await.0);
        cluster.0.pass(Duration::from_secs(31 * 86_400));
        let (allowed, why) = cluster.create("any", &[&name]).await;
        assert!(allowed && why.contains("stays admitted"), "{why}");
        all(&cluster.0).await;
        assert_eq!(registry.tags("release/app"), Vec::<String>::new());
        let denied = events(&cluster.0, "promotion-denied").await;
        assert!(denied[0]["detail"]["reason"].as_str().unwrap().contains("the scan is stale"), "{denied:?}");
    });
}

#[test]
fn what_is_admitted_is_promoted_with_all_that_is_attached_and_what_is_denied_stays() {
    run(async {
        let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
        let (good, bad) = (good(), bad());
        registry.image("team/app", "1.0", &good);
        registry.image("team/app", "0.9", &bad);
        let note = attach(&registry, "team/app", &good);
        let world = world(&registry, &[]).await;
        let host = world.registry.host();

        // Not before it was scanned.
        world.push(&host, "1.0", &good.digest()).await;
        world.worker.step().await.unwrap();
        world.promoter.as_ref().unwrap().look().await.unwrap();
        assert!(!world.promoter.as_ref().unwrap().step().await.unwrap());
        assert_eq!(registry.tags("release/app"), Vec::<String>::new());

        pushed(&world, "0.9", &bad).await;
        assert_eq!(registry.tags("release/app"), ["1.0"]);
        assert_eq!(registry.get("release/app", "1.0"), Some(good.manifest.clone()));
        assert!(registry.get("release/app", &note).is_some(), "what is attached was left behind");
        let list = world.get("/api/v1/promotions").await;
        let one = &list["items"][0];
        assert_eq!(
            (&one["source"], &one["target"], &one["digest"], &one["actor"], &one["verdict"]),
            (
                &format!("{host}/team/app@{}", good.digest()).into(),
                &format!("{host}/release/app:1.0").into(),
                &good.digest().into(),
                &"assay serve".into(),
                &"admit".into()
            )
        );
        assert!(
            one["finished"].is_string() && one["movedTo"].is_null() && list["items"][1].is_null(),
            "{list}"
        );
        let promoted = events(&world, "promoted").await;
        assert_eq!((promoted.len(), &promoted[0]["detail"]["artifacts"]), (1, &1.into()));

        // The denial says why, once.
        let denied = events(&world, "promotion-denied").await;
        let why = denied[0]["detail"]["reason"].as_str().unwrap();
        assert!(why.contains("1 critical vulnerability"), "{why}");
        assert_eq!((denied.len(), &denied[0]["detail"]["tag"]), (1, &"0.9".into()));
        all(&world).await;
        assert_eq!(events(&world, "promotion-denied").await.len(), 1);
        let shown = page(&world, "/promotions").await;
        assert!(
            shown.contains("release&#x2f;app:1.0</td>") && shown.contains("1 critical vulnerability"),
            "{shown}"
        );
        assert_eq!(metric(&world, "assay_promotion_candidates_denied").await, "1");
        assert_eq!(metric(&world, "assay_promotions_total").await, "1");

        // It is judged again when the verdict changes: the advisory was withdrawn.
        let old = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        let later = Timestamp(BUILT.0 + 60);
        let new = database(&[], later);
        world.replace_database(&new);
        rematch_all(&world.store, &old, (&new, false), Moment::from(later)).await.unwrap();
        all(&world).await;
        assert_eq!(registry.get("release/app", "0.9"), Some(bad.manifest.clone()));
        assert_eq!(metric(&world, "assay_promotion_candidates_denied").await, "0");
        // Whoever asks for the release image gets an answer without another scan.
        let detail = world.get(&format!("/api/v1/images/{}", bad.digest())).await;
        let places: Vec<&str> = detail["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag["repository"].as_str().unwrap())
            .collect();
        assert_eq!(places, ["team/app", "release/app"]);
    });
}

#[test]
fn a_promoted_tag_that_moves_by_itself_raises_one_alarm() {
    run(async {
        let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
        let (good, other) = (good(), image(&[("flask", "1.0")]));
        registry.image("team/app", "1.0", &good);
        let world = world(&registry, &[]).await;
        let host = world.registry.host();
        pushed(&world, "1.0", &good).await;
        let release = async |digest: &str| {
            // Within one millisecond neither is later.
            tokio::time::sleep(Duration::from_millis(5)).await;
            world.push_to(&host, "release/app", "1.0", digest).await;
            world.work().await;
        };
        // The event of the promotion itself.
        release(&good.digest()).await;
        assert_eq!(events(&world, "promoted-tag-moved").await.len(), 0);

        registry.image("release/app", "1.0", &other);
        for _ in 0..2 {
            release(&other.digest()).await;
        }
        let alarms = events(&world, "promoted-tag-moved").await;
        assert_eq!(alarms.len(), 1, "{alarms:?}");
        assert_eq!(
            (&alarms[0]["digest"], &alarms[0]["detail"]["promoted"], &alarms[0]["detail"]["tag"]),
            (&other.digest().into(), &good.digest().into(), &"1.0".into())
        );
        let page = page(&world, "/events?kind=promoted-tag-moved").await;
        assert!(page.contains("promoted-tag-moved") && page.contains(&good.digest()), "{page}");
        let moved = &world.get("/api/v1/promotions").await["items"][0]["movedTo"];
        assert_eq!(*moved, other.digest());
        assert_eq!(metric(&world, "assay_promoted_tag_moves_total").await, "1");
        assert_eq!(metric(&world, "assay_promoted_tags_moved").await, "1");

        // Also to what is no image, which is never stored as one.
        let note = attach(&registry, "release/app", &good);
        let bytes = registry.get("release/app", &note).unwrap();
        registry.manifest("release/app", "1.0", MANIFEST, &bytes);
        release(&note).await;
        assert_eq!(events(&world, "promoted-tag-moved").await.len(), 2);

        registry.image("release/app", "1.0", &good);
        release(&good.digest()).await;
        assert_eq!(events(&world, "promoted-tag-back").await.len(), 1);
        assert_eq!(metric(&world, "assay_promoted_tags_moved").await, "0");
        // And away again is news.
        registry.image("release/app", "1.0", &other);
        release(&other.digest()).await;
        assert_eq!(events(&world, "promoted-tag-moved").await.len(), 3);
        assert_eq!(metric(&world, "assay_promoted_tag_moves_total").await, "3");
    });
}

#[test]
fn a_release_tag_moves_only_where_that_is_allowed() {
    run(async {
        let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
        let (first, second) = (good(), image(&[("flask", "1.0")]));
        for tag in ["1.0", "latest"] {
            registry.image("team/app", tag, &first);
        }
        let world = world(&registry, &["latest"]).await;
        let host = world.registry.host();
        for tag in ["1.0", "latest"] {
            pushed(&world, tag, &first).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        for tag in ["1.0", "latest"] {
            registry.image("team/app", tag, &second);
            pushed(&world, tag, &second).await;
        }
        assert_eq!(registry.get("release/app", "1.0"), Some(first.manifest.clone()));
        assert_eq!(registry.get("release/app", "latest"), Some(second.manifest.clone()));
        all(&world).await;
        let refused = events(&world, "promotion-refused").await;
        assert_eq!((refused.len(), &refused[0]["detail"]["tag"]), (1, &"1.0".into()), "{refused:?}");
        assert!(refused[0]["detail"]["reason"].as_str().unwrap().contains(&first.digest()));
        assert_eq!(metric(&world, "assay_promotion_candidates_refused").await, "1");

        // Who may ask for it by name; a tag that moved by a promotion is no alarm.
        let ask = async |role: Role, body: serde_json::Value| {
            world.ask("POST", "/api/v1/promotions", Some(role), &body.to_string()).await
        };
        let source = format!("{host}/team/app:1.0");
        let order = serde_json::json!({ "source": source, "move": true });
        assert_eq!(ask(Role::Developer, order.clone()).await.0, 403);
        let (status, body) = ask(Role::Security, order).await;
        assert_eq!(status, 202, "{body}");
        all(&world).await;
        assert_eq!(registry.get("release/app", "1.0"), Some(second.manifest.clone()));
        tokio::time::sleep(Duration::from_millis(5)).await;
        world.push_to(&host, "release/app", "1.0", &second.digest()).await;
        world.work().await;
        assert_eq!(events(&world, "promoted-tag-moved").await.len(), 0);
        // Back to what was promoted before is a move like any other.
        registry.image("release/app", "1.0", &first);
        world.push_to(&host, "release/app", "1.0", &first.digest()).await;
        world.work().await;
        assert_eq!(events(&world, "promoted-tag-moved").await.len(), 1);
        let log = world.ask("GET", "/api/v1/audit?limit=100", Some(Role::Admin), "").await.1;
        assert!(log.contains("promotion.ask") && log.contains("promotion.done"), "{log}");

        for (body, want) in [
            (serde_json::json!({}), 400),
            (serde_json::json!({ "source": "" }), 422),
            (serde_json::json!({ "source": "elsewhere.example/team/app:1.0" }), 422),
            (serde_json::json!({ "source": format!("{host}/release/app:1.0") }), 422),
            (serde_json::json!({ "source": source, "target": format!("{host}/other/app") }), 422),
            (serde_json::json!({ "source": source, "tag": "a b" }), 422),
            (serde_json::json!({ "source": source, "tag": "a@sha256:0" }), 422),
            (serde_json::json!({ "source": source, "surprise": 1 }), 400),
            (serde_json::json!({ "source": format!("{host}/team/app@{}", first.digest()) }), 422),
            (serde_json::json!({ "source": format!("{host}/team/app:3.0") }), 404),
            (
                serde_json::json!({ "source": format!("{host}/team/app@sha256:{}", "0".repeat(64)), "tag": "1" }),
                404,
            ),
            (
                serde_json::json!({ "source": format!("{host}/team/app@{}", first.digest()), "tag": "one" }),
                202,
            ),
        ] {
            let (status, answer) = ask(Role::Security, body.clone()).await;
            assert_eq!(status, want, "{body}: {answer}");
        }
        all(&world).await;
        assert_eq!(registry.get("release/app", "one"), Some(first.manifest.clone()));
        let page = world.get("/api/v1/promotions?limit=2").await;
        assert_eq!((page["items"].as_array().unwrap().len(), page["next"].is_i64()), (2, true));
    });
}

#[test]
fn what_was_cut_short_is_done_again_to_the_same_end() {
    run(async {
        let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
        let good = good();
        registry.image("team/app", "1.0", &good);
        let note = attach(&registry, "team/app", &good);
        // Everything arrives but the answer to the tag, as when the process dies just then.
        let (behind, broken) = (registry.clone(), Arc::new(AtomicBool::new(true)));
        let breaks = broken.clone();
        let server = Server::start(move |request| {
            let reply = behind.answer(request);
            let is_tag = request.method == "PUT" && request.target.ends_with("/release/app/manifests/1.0");
            if is_tag && breaks.load(Ordering::Relaxed) { Reply::new(403, "{}") } else { reply }
        });
        let world = world_on(server, &[]).await;
        let host = world.registry.host();
        pushed(&world, "1.0", &good).await;
        assert_eq!(events(&world, "promoted").await.len(), 0);
        assert_eq!(events(&world, "promotion-failed").await.len(), 1);
        assert_eq!(metric(&world, "assay_promotions_open").await, "1");
        // A sighting meanwhile is no alarm.
        world.push_to(&host, "release/app", "1.0", &good.digest()).await;
        world.work().await;
        broken.store(false, Ordering::Relaxed);
        let promoter = world.promoter.as_ref().unwrap();
        let clock: Clock = Arc::new(|| now().plus(Duration::from_secs(60)));
        // Another process, later.
        let later = Promoter {
            store: world.store.clone(),
            admission: assay_server::admission::Admission {
                store: world.store.clone(),
                judge: promoter.admission.judge.clone(),
                scanner: promoter.admission.scanner.clone(),
                clock: clock.clone(),
                metrics: world.metrics.clone(),
                flights: assay_server::admission::Flights::default(),
                identities: assay_server::admission::Identities::default(),
                workloads: Vec::new(),
                namespaces: None,
            },
            pairs: promoter.pairs.clone(),
            moving: Vec::new(),
            network: promoter.network.clone(),
            terms: promoter.terms,
            name: "another".to_owned(),
            clock,
            flights: assay_server::admission::Flights::default(),
        };
        assert!(later.step().await.unwrap());
        assert!(!later.step().await.unwrap());
        assert!(registry.get("release/app", &note).is_some());
        assert_eq!(events(&world, "promoted").await.len(), 1);
        let list = world.get("/api/v1/promotions").await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
        assert!(list["items"][0]["finished"].is_string());
        assert_eq!(events(&world, "promoted-tag-moved").await.len(), 0);
        let digest: Digest = good.digest().parse().unwrap();
        assert!(world.store.image(&digest).await.unwrap().is_some());
    });
}
