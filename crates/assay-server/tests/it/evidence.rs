//! What is attached to images: no answer is never "nothing", nobody is admitted before it is known, and what changes is seen.

use crate::admission::{Cluster, pod, review, told};
use crate::fixture::{BUILT, World, database, image, now, run};
use assay_model::Digest;
use assay_oci::artifact::TagScheme;
use assay_server::{Crawls, ask_for_due, ask_for_stale};
use assay_sign::bundle::MEDIA_TYPE;
use assay_sign::key::{NewKey, PrivateKey};
use assay_sign::make::{sign_simple, sign_statement, signature_statement, simple_payload};
use assay_sign::signer::Signer as _;
use assay_sign::simple_signing;
use assay_sign::statement::{Statement, Subject};
use assay_store::Role;
use assay_test::http::{Reply, Server};
use assay_test::image::{BuiltImage, MANIFEST, descriptor, digest};
use assay_test::pushable::{Behaviour, Pushable};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const REPOSITORY: &str = "team/app";

/// A policy that asks for a signature by a key; `more` is said of the key.
pub(crate) fn policy(key: &PrivateKey, more: &str) -> String {
    let pem = key.public_key().to_pem().trim().replace('\n', "\n          ");
    format!(
        "apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {{name: test}}
tiers:
  - {{name: production, match: {{namespaces: [prod]}}}}
  - {{name: staging, match: {{namespaces: [stage]}}, onPending: admit-and-watch}}
  - {{name: patient, match: {{namespaces: [patient]}}, onPending: wait}}
  - {{name: open, mode: warn, match: {{namespaces: [open]}}}}
rules:
  - signed: {{of: [release]}}
trust:
  release:
    keys:
      - pem: |
          {pem}
{more}"
    )
}

pub(crate) fn key() -> PrivateKey {
    PrivateKey::generate(NewKey::EcdsaP256).unwrap()
}

/// Attaches layers to an image; returns the digest of what carries them.
pub(crate) fn attach(registry: &Pushable, subject: &BuiltImage, layers: &[(&str, &[u8])]) -> String {
    registry.blob(REPOSITORY, b"{}");
    let mut entries = Vec::new();
    for (kind, bytes) in layers {
        registry.blob(REPOSITORY, bytes);
        entries.push(descriptor(kind, bytes));
    }
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": MEDIA_TYPE,
        "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"), "layers": entries,
        "subject": descriptor(MANIFEST, &subject.manifest),
    })
    .to_string();
    let name = digest(manifest.as_bytes());
    registry.manifest(REPOSITORY, &name, MANIFEST, manifest.as_bytes());
    name
}

pub(crate) fn signature(key: &PrivateKey, subject: &BuiltImage) -> Vec<u8> {
    let subject: Digest = subject.digest().parse().unwrap();
    sign_statement(key, &signature_statement(&subject, &BTreeMap::new())).unwrap().to_json()
}

/// A registry with one image, and a server.
struct Scene {
    cluster: Cluster,
    registry: Pushable,
    image: BuiltImage,
    pinned: String,
    /// What the registry does not answer.
    broken: Arc<Mutex<Option<String>>>,
}

impl Scene {
    async fn start(policy: &str) -> Self {
        let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
        let image = image(&[("flask", "2.0")]);
        registry.image(REPOSITORY, "1.0", &image);
        let broken: Arc<Mutex<Option<String>>> = Arc::default();
        let (content, is_broken) = (registry.clone(), broken.clone());
        let server = Server::start(move |request| {
            if is_broken.lock().unwrap().as_ref().is_some_and(|part| request.target.contains(part)) {
                return Reply::new(503, "the disk is full");
            }
            content.answer(request)
        });
        let world = World::on(server, &database(&[], BUILT), Some(policy)).await;
        let host = world.registry.host();
        let pinned = format!("{host}/{REPOSITORY}@{}", image.digest());
        world.push(&host, "1.0", &image.digest()).await;
        Self { cluster: Cluster(world), registry, image, pinned, broken }
    }

    fn world(&self) -> &World {
        &self.cluster.0
    }

    fn breaks(&self, part: Option<&str>) {
        *self.broken.lock().unwrap() = part.map(str::to_owned);
    }

    async fn admit(&self, namespace: &str) -> (bool, String) {
        self.cluster.create(namespace, &[&self.pinned]).await
    }

    /// Asks the registry again for everything.
    async fn refresh(&self) {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let world = self.world();
        let scanner = world.worker.scanner.clone();
        ask_for_stale(&world.store, &scanner, Duration::from_millis(1), now()).await.unwrap();
        world.work().await;
    }

    async fn evidence(&self) -> Value {
        self.world().get(&format!("/api/v1/images/{}/evidence", self.image.digest())).await
    }

    async fn events(&self) -> Vec<String> {
        let events = self.world().store.events(None, 0, 1000).await.unwrap();
        events.into_iter().map(|event| event.kind).filter(|kind| kind.starts_with("evidence-")).collect()
    }
}

#[test]
fn a_registry_that_does_not_answer_is_not_one_that_has_nothing() {
    run(async {
        let key = key();
        let scene = Scene::start(&policy(&key, "")).await;
        attach(&scene.registry, &scene.image, &[(MEDIA_TYPE, &signature(&key, &scene.image))]);
        scene.breaks(Some("/referrers/"));
        scene.world().work().await;
        let (allowed, why) = scene.admit("prod").await;
        assert!(!allowed && why.contains("could not be looked up") && why.contains("503"), "{why}");
        let list = scene.evidence().await;
        assert_eq!((&list["items"], &list["repositories"][0]["asked"]), (&json!([]), &Value::Null));
        assert!(list["repositories"][0]["error"].as_str().unwrap().contains("503"), "{list}");
        // It is tried again by itself, and known as soon as it is.
        let jobs = scene.world().store.newest_jobs("queued", None, 9).await.unwrap();
        assert!(jobs.iter().any(|job| job.kind == "evidence" && job.attempts.0 == 1), "{jobs:?}");
        scene.breaks(None);
        scene.refresh().await;
        assert_eq!(scene.admit("prod").await, (true, "null".to_owned()));
        // What it said holds while it is away for a while.
        scene.breaks(Some("/referrers/"));
        scene.refresh().await;
        assert_eq!(scene.admit("prod").await, (true, "null".to_owned()));
        let list = scene.evidence().await;
        assert!(!list["repositories"][0]["failingSince"].is_null() && list["items"][0]["goneAt"].is_null());
        assert_eq!(scene.events().await, ["evidence-failing", "evidence-added", "evidence-failing"]);
    });
}

#[test]
fn a_part_that_is_not_fetched_is_waited_for_and_not_left_out() {
    run(async {
        let key = key();
        let scene = Scene::start(&policy(&key, "")).await;
        let bundle = signature(&key, &scene.image);
        attach(&scene.registry, &scene.image, &[(MEDIA_TYPE, b"garbage")]);
        attach(&scene.registry, &scene.image, &[(MEDIA_TYPE, &bundle)]);
        scene.breaks(Some(&digest(&bundle)));
        scene.world().work().await;
        let (allowed, why) = scene.admit("prod").await;
        assert!(!allowed && why.contains("could not be looked up"), "{why}");
        assert_eq!(scene.evidence().await["items"], json!([]));
        scene.breaks(None);
        scene.refresh().await;
        assert!(scene.admit("prod").await.0);
        scene.breaks(Some(&digest(&bundle)));
        scene.refresh().await;
        assert!(scene.admit("prod").await.0, "a signature is not gone because its bytes were not sent");
        assert_eq!(scene.events().await, ["evidence-failing", "evidence-added", "evidence-failing"]);
    });
}

#[test]
fn nobody_is_admitted_before_it_is_known_what_is_attached() {
    run(async {
        let key = key();
        let scene = Scene::start(&policy(&key, "")).await;
        // Resolved and scanned, and not asked yet what is attached.
        for _ in 0..2 {
            assert!(scene.world().worker.step().await.unwrap());
        }
        for namespace in ["prod", "stage"] {
            let (allowed, why) = scene.admit(namespace).await;
            assert!(!allowed && why.contains("was not asked yet"), "{namespace}: {why}");
        }
        let (allowed, why) = scene.admit("open").await;
        assert!(allowed && why.contains("was not asked yet"), "{why}");
        let (allowed, why) = scene.admit("patient").await;
        assert!(!allowed && why.contains("was not looked up for signatures"), "{why}");
        // Whoever waits is told as soon as it is known.
        attach(&scene.registry, &scene.image, &[(MEDIA_TYPE, &signature(&key, &scene.image))]);
        let request = review("", "Pod", "patient", "CREATE", &pod(&[&scene.pinned]), &Value::Null);
        let (answer, ()) =
            tokio::join!(scene.cluster.ask("/admission/validate?timeout=10s", &request), async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                scene.world().work().await;
            });
        assert_eq!(told(&answer), (true, "null".to_owned()));
        assert!(scene.admit("prod").await.0 && scene.admit("stage").await.0);
    });
}

#[test]
fn a_pod_has_another_repository_asked_and_a_dry_run_has_none() {
    run(async {
        let key = key();
        let scene = Scene::start(&policy(&key, "")).await;
        attach(&scene.registry, &scene.image, &[(MEDIA_TYPE, &signature(&key, &scene.image))]);
        scene.world().work().await;
        assert!(scene.admit("prod").await.0);
        // The same image, signed in one repository and not in the other.
        scene.registry.image("team/copy", "1.0", &scene.image);
        let copy = format!("{}/team/copy@{}", scene.world().registry.host(), scene.image.digest());
        let mut request = review("", "Pod", "prod", "CREATE", &pod(&[&copy]), &Value::Null);
        request["request"]["dryRun"] = true.into();
        let (allowed, why) = told(&scene.cluster.ask("/admission/validate", &request).await);
        assert!(!allowed && why.contains("was not asked yet"), "{why}");
        assert_eq!(scene.world().store.queued().await.unwrap(), 0);
        assert!(!scene.cluster.create("stage", &[&copy]).await.0);
        assert_eq!(scene.world().store.queued().await.unwrap(), 1);
        scene.world().work().await;
        let (allowed, why) = scene.cluster.create("prod", &[&copy]).await;
        assert!(!allowed && why.contains("no evidence: the image has no signature"), "{why}");
        // A registry that nobody may ask is not asked.
        let foreign = format!("elsewhere.example/team/app@{}", scene.image.digest());
        let (allowed, why) = scene.cluster.create("prod", &[&foreign]).await;
        assert!(!allowed && why.contains("`--registry elsewhere.example`"), "{why}");
        assert_eq!(scene.world().store.queued().await.unwrap(), 0);
    });
}

#[test]
fn who_may_only_look_has_no_registry_asked() {
    run(async {
        let scene = Scene::start(&policy(&key(), "")).await;
        let world = scene.world();
        world.work().await;
        let before = world.registry.count("");
        for repository in ["secret/one", "secret/two"] {
            let named = format!("{}/{repository}@{}", world.registry.host(), scene.image.digest());
            let path =
                format!("/api/v1/images/{}/verdict?namespace=prod&reference={named}", scene.image.digest());
            let (status, body) = world.ask("GET", &path, Some(Role::Viewer), "").await;
            assert!(status == 409 || (status == 200 && body.contains("\"deny\"")), "{status} {body}");
        }
        assert_eq!(world.store.queued().await.unwrap(), 0);
        world.work().await;
        assert_eq!(world.registry.count(""), before);
    });
}

#[test]
fn a_key_counts_until_its_last_second_and_no_verdict_longer() {
    run(async {
        let key = key();
        let end = now().timestamp().0 + 3;
        let valid = format!("        validUntil: \"{}\"\n", assay_model::Timestamp(end));
        let scene = Scene::start(&policy(&key, &valid)).await;
        attach(&scene.registry, &scene.image, &[(MEDIA_TYPE, &signature(&key, &scene.image))]);
        scene.world().work().await;
        assert_eq!(scene.admit("prod").await, (true, "null".to_owned()));
        while now().timestamp().0 <= end {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (allowed, why) = scene.admit("prod").await;
        assert!(!allowed && why.contains("no signature that counts"), "{why}");
    });
}

#[test]
fn what_strangers_attach_is_told_and_hides_nothing() {
    run(async {
        let key = key();
        let scene = Scene::start(&policy(&key, "")).await;
        let subject: Digest = scene.image.digest().parse().unwrap();
        let stranger = self::key();
        let odd = format!("https://a.test/\0<b>{}", "x".repeat(300));
        let statement = Statement::new(vec![Subject::new("", &subject)], &odd, json!({}));
        let attestation = sign_statement(&stranger, &statement).unwrap().to_json();
        attach(&scene.registry, &scene.image, &[(MEDIA_TYPE, b"garbage"), (MEDIA_TYPE, &attestation)]);
        attach(&scene.registry, &scene.image, &[("application/x\0y", b"what is this"), (MEDIA_TYPE, b"")]);
        // One that is listed and not there.
        let gone = attach(&scene.registry, &scene.image, &[(MEDIA_TYPE, b"gone")]);
        scene.registry.manifest(REPOSITORY, &gone, MANIFEST, b"{}");
        attach(&scene.registry, &scene.image, &[(MEDIA_TYPE, &signature(&key, &scene.image))]);
        scene.world().work().await;
        assert_eq!(scene.admit("prod").await, (true, "null".to_owned()));
        let list = scene.evidence().await;
        let items = list["items"].as_array().unwrap();
        let good: Vec<&Value> = items.iter().filter(|item| item["verified"] != json!([])).collect();
        assert_eq!(good.len(), 1, "{list}");
        assert!(items.len() >= 3 && items.iter().all(|item| item["refused"] != json!([]) || item == good[0]));
        assert!(items.iter().any(|item| item["kind"].as_str().unwrap().starts_with("https://a.test/")));
        let path = format!("/images/{subject}?table=evidence&format=json");
        let (status, table) = scene.world().ask("GET", &path, Some(Role::Viewer), "").await;
        assert!(status == 200 && table.contains("release: key "), "{table}");
    });
}

#[test]
fn who_pushes_elsewhere_has_nothing_asked_about_an_image_that_is_not_there() {
    run(async {
        let key = key();
        let scene = Scene::start(&policy(&key, "")).await;
        let world = scene.world();
        world.work().await;
        let host = world.registry.host();
        // The same referrer, in a repository without its subject.
        let carrier = attach(&scene.registry, &scene.image, &[(MEDIA_TYPE, &signature(&key, &scene.image))]);
        let bytes = scene.registry.get(REPOSITORY, &carrier).unwrap();
        scene.registry.manifest("team/stranger", &carrier, MANIFEST, &bytes);
        let event = |repository: &str| {
            json!({ "events": [{ "action": "push", "request": { "host": host },
                "target": { "mediaType": MANIFEST, "digest": carrier, "repository": repository } }] })
            .to_string()
        };
        let push = async |repository: &str| {
            let address = "/webhooks/distribution";
            let (status, _) = world.ask("POST", address, Some(Role::Developer), &event(repository)).await;
            assert_eq!(status, 202);
            world.work().await;
        };
        push("team/stranger").await;
        assert_eq!(scene.evidence().await["repositories"].as_array().unwrap().len(), 1);
        assert!(!scene.admit("prod").await.0);
        push(REPOSITORY).await;
        assert!(scene.admit("prod").await.0);
    });
}

#[test]
fn a_signature_whose_tag_a_crawl_misses_counts_no_more() {
    run(async {
        let key = key();
        let scene = Scene::start(&policy(&key, "")).await;
        let subject: Digest = scene.image.digest().parse().unwrap();
        let signed =
            sign_simple(&key, simple_payload("registry.test/app", &subject, &BTreeMap::new())).unwrap();
        scene.registry.blob(REPOSITORY, &signed.payload);
        scene.registry.blob(REPOSITORY, b"{}");
        let mut layer = descriptor(simple_signing::MEDIA_TYPE, &signed.payload);
        layer["annotations"] = json!({ "dev.cosignproject.cosign/signature": signed.signature });
        // As cosign writes it, which calls it an image.
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", b"{}"), "layers": [layer] });
        let tag = TagScheme::Signature.tag(&subject);
        let world = scene.world();
        world.work().await;
        assert!(!scene.admit("prod").await.0);
        scene.registry.manifest(REPOSITORY, &tag, MANIFEST, manifest.to_string().as_bytes());
        let place = format!("{}/{REPOSITORY}", world.registry.host());
        let crawls = Crawls { places: [place].into(), every: Duration::from_millis(5) };
        let crawl = async || {
            tokio::time::sleep(crawls.every * 2).await;
            ask_for_due(&world.store, &crawls, now()).await.unwrap();
            world.work().await;
        };
        crawl().await;
        assert_eq!(scene.admit("prod").await, (true, "null".to_owned()));
        assert_eq!(world.store.image_count().await.unwrap(), 1);
        scene.registry.remove(REPOSITORY, &tag);
        crawl().await;
        let (allowed, why) = scene.admit("prod").await;
        assert!(!allowed && why.contains("no evidence: the image has no signature"), "{why}");
        assert_eq!(scene.events().await, ["evidence-added", "evidence-gone"]);
    });
}

#[test]
fn images_that_were_there_before_are_asked_about_and_no_more_often_than_is_due() {
    run(async {
        let key = key();
        let scene = Scene::start(&policy(&key, "")).await;
        let world = scene.world();
        world.work().await;
        let scanner = world.worker.scanner.clone();
        let ask = async |every: Duration| ask_for_stale(&world.store, &scanner, every, now()).await.unwrap();
        assert_eq!(ask(Duration::from_secs(3600)).await, 0);
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(ask(Duration::from_millis(1)).await, 1);
        // It is queued already.
        assert_eq!(ask(Duration::from_millis(1)).await, 0);
        world.work().await;
        let other = image(&[("django", "1.0")]);
        let digest: Digest = other.digest().parse().unwrap();
        let mut work = world.store.begin().await.unwrap();
        let place = assay_store::Place {
            registry: world.registry.host(),
            repository: REPOSITORY.to_owned(),
            tag: None,
        };
        work.see(&digest, &place, assay_store::Moment(1)).await.unwrap();
        let foreign = assay_store::Place { registry: "elsewhere.example".to_owned(), ..place };
        work.see(&digest, &foreign, assay_store::Moment(1)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(ask(Duration::from_secs(3600)).await, 1, "only the registry that may be asked");
    });
}
