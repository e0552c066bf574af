//! Tiers by the labels of namespaces, which only the cluster's API knows: what it says counts, and where it says nothing nobody is admitted.

use crate::admission::{Cluster, pod, review, told};
use crate::fixture::{BUILT, World, database, image, run};
use assay_oci::NetworkOptions;
use assay_server::admission::{ClusterApi, Namespaces};
use assay_test::http::{Reply, Request, Server};
use assay_test::registry::Content;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const POLICY: &str = "apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: test}
tiers:
  - {name: production, match: {namespaceLabels: {tier: prod}}}
  - {name: rest, mode: warn, match: {namespaces: ['*']}}
rules:
  - vulnerabilities: {max: {critical: 0}}
";

/// A server in a cluster whose API answers in its own way, with a bad image.
struct Scene {
    cluster: Cluster,
    api: Server,
    bad: String,
    folder: TempDir,
}

impl Scene {
    async fn start(keep: Duration, answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, "first\n").unwrap();
        let api = Server::start(answer);
        let asked = ClusterApi::new(
            &format!("http://{}/", api.host()),
            token,
            None,
            &NetworkOptions {
                https_proxy: Some("http://127.0.0.1:1".to_owned()),
                ..NetworkOptions::default()
            },
        );
        let image = image(&[("django", "4.0.5")]);
        let content = Content::new().image("1.0", &image);
        let registry = Server::start(move |request| content.answer(request));
        let bad = format!("{}/team/app@{}", registry.host(), image.digest());
        let database = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        let namespaces = Namespaces::new(asked, keep);
        let world = World::in_cluster(registry, &database, Some(POLICY), Some(namespaces)).await;
        world.push(&world.registry.host(), "1.0", &image.digest()).await;
        world.work().await;
        Self { cluster: Cluster(world), api, bad, folder }
    }

    async fn create(&self, namespace: &str) -> (bool, String) {
        self.cluster.create(namespace, &[&self.bad]).await
    }
}

fn namespace(name: &str, labels: &Value) -> Reply {
    Reply::new(
        200,
        json!({ "kind": "PartialObjectMetadata", "metadata": { "name": name, "labels": labels } })
            .to_string(),
    )
}

fn name(request: &Request) -> &str {
    request.target.strip_prefix("/api/v1/namespaces/").unwrap()
}

#[test]
fn a_label_of_the_namespace_puts_what_runs_there_into_a_tier() {
    run(async {
        let strict = Arc::new(Mutex::new(vec!["shop"]));
        let now = strict.clone();
        let keep = Duration::from_secs(4);
        let scene = Scene::start(keep, move |request| {
            let is_strict = now.lock().unwrap().contains(&name(request));
            namespace(name(request), &if is_strict { json!({ "tier": "prod" }) } else { Value::Null })
        })
        .await;
        for _ in 0..2 {
            let (allowed, why) = scene.create("shop").await;
            assert!(!allowed && why.contains("critical"), "{why}");
            let (allowed, why) = scene.create("play").await;
            assert!(allowed && why.contains("critical"), "{why}");
        }
        let asked =
            |place: &str| scene.api.requests().iter().filter(|request| name(request) == place).count();
        assert_eq!((asked("shop"), asked("play")), (1, 1), "what was read is kept for a while");
        let header = |request: &Request| request.header("authorization").unwrap().to_owned();
        assert_eq!(header(&scene.api.requests()[0]), "Bearer first");
        // A label is set, and the token replaced.
        strict.lock().unwrap().push("play");
        std::fs::write(scene.folder.path().join("token"), "second").unwrap();
        tokio::time::sleep(keep + Duration::from_millis(200)).await;
        let (allowed, why) = scene.create("play").await;
        assert!(!allowed && why.contains("critical"), "{why}");
        assert_eq!(header(scene.api.requests().last().unwrap()), "Bearer second");
    });
}

#[test]
fn where_labels_cannot_be_read_nobody_is_admitted_but_who_may_break_the_glass() {
    run(async {
        let scene = Scene::start(Duration::from_millis(1), |request| match name(request) {
            "denied" => Reply::new(403, "{}"),
            "gone" => Reply::new(404, "{}"),
            "broken" => Reply::new(500, "{}"),
            "garbage" => Reply::new(200, "<html>"),
            "moved" => Reply::new(302, "").header("Location", "https://elsewhere.example/"),
            "other" => namespace("play", &Value::Null),
            "list" => namespace("list", &json!(["tier"])),
            "long" => Reply::new(200, vec![b' '; 3 << 20]),
            name => namespace(name, &json!({})),
        })
        .await;
        assert!(scene.create("play").await.0);
        for (place, why) in [
            ("denied", "may not `get namespaces`"),
            ("gone", "no such namespace"),
            ("broken", "answered 500"),
            ("garbage", "is no namespace"),
            ("moved", "answered 302"),
            ("other", "another namespace"),
            ("list", "is no namespace"),
            ("long", "sends more than"),
            ("../pods", "no name of a namespace"),
        ] {
            let (allowed, said) = scene.create(place).await;
            assert!(!allowed && said.contains(why) && said.contains("cannot be read"), "{place}: {said}");
        }
        assert!(scene.api.requests().iter().all(|request| !request.target.contains("pods")));
        let mut request = review("", "Pod", "broken", "CREATE", &pod(&[&scene.bad]), &Value::Null);
        request["request"]["userInfo"] = json!({ "username": "eve", "groups": ["oncall"] });
        let (allowed, said) = told(&scene.cluster.ask("/admission/validate", &request).await);
        assert!(allowed && said.contains("although it is denied"), "{said}");
        std::fs::remove_file(scene.folder.path().join("token")).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        let (allowed, said) = scene.create("play").await;
        assert!(!allowed && said.contains("the token in"), "{said}");
    });
}

#[test]
fn many_pods_ask_once_and_a_silent_api_is_not_waited_for_long() {
    run(async {
        let scene = Scene::start(Duration::from_secs(60), |request| {
            let wait = if name(request) == "silent" { 4000 } else { 300 };
            std::thread::sleep(Duration::from_millis(wait));
            namespace(name(request), &Value::Null)
        })
        .await;
        let all = async || {
            let creating = (0..12).map(|_| scene.create("play"));
            let mut admitted = 0;
            for one in futures_of(creating).await {
                admitted += usize::from(one.0);
            }
            admitted
        };
        assert_eq!(all().await, 12);
        assert_eq!(scene.api.requests().len(), 1);
        let begun = Instant::now();
        let request = review("", "Pod", "silent", "CREATE", &pod(&[&scene.bad]), &Value::Null);
        let (allowed, why) = told(&scene.cluster.ask("/admission/validate?timeout=10s", &request).await);
        assert!(!allowed && why.contains("cannot be read"), "{why}");
        assert!(begun.elapsed() < Duration::from_millis(3500), "{:?}", begun.elapsed());
    });
}

/// Waits for all of them at once.
async fn futures_of<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut open: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = open.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in open.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
