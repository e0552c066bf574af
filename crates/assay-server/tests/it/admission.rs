//! Admission over HTTP: pods and controllers, good, bad and unknown images, and time that runs out.

use crate::fixture::{BUILT, World, database, image, now, run};
use assay_test::registry::Content;
use base64::Engine as _;
use serde_json::{Value, json};

pub(crate) const POLICY: &str = "apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: test}
tiers:
  - name: production
    match: {namespaces: [prod]}
  - name: staging
    match: {namespaces: [stage]}
    onPending: admit-and-watch
  - name: brief
    match: {namespaces: [brief]}
    onPending: admit-and-watch
    watchFor: 1s
  - name: patient
    match: {namespaces: [patient]}
    onPending: wait
rules:
  - vulnerabilities: {max: {critical: 0}}
";

pub(crate) fn review(
    group: &str,
    kind: &str,
    namespace: &str,
    operation: &str,
    object: &Value,
    old: &Value,
) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "kind": { "group": group, "version": "v1", "kind": kind },
            "operation": operation, "namespace": namespace, "userInfo": { "username": "anna" },
            "object": object, "oldObject": old,
        },
    })
}

pub(crate) fn pod(images: &[&str]) -> Value {
    let containers: Vec<Value> = images.iter().map(|image| json!({ "name": "c", "image": image })).collect();
    json!({ "metadata": { "name": "p", "labels": { "app": "x" } }, "spec": { "containers": containers } })
}

/// Answers to what the tests ask.
pub(crate) struct Cluster(pub(crate) World);

impl Cluster {
    pub(crate) async fn start() -> (Self, String, String, String) {
        let (good, bad) = (image(&[("flask", "2.0")]), image(&[("django", "4.0.5")]));
        let content =
            Content::new().image("good", &good).image("bad", &bad).image("new", &image(&[("flask", "3")]));
        let database = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        let world = World::start(content, &database, Some(POLICY)).await;
        let host = world.registry.host();
        world.push(&host, "good", &good.digest()).await;
        world.push(&host, "bad", &bad.digest()).await;
        world.work().await;
        let name = format!("{host}/team/app");
        (Self(world), name.clone(), format!("{name}@{}", good.digest()), format!("{name}@{}", bad.digest()))
    }

    pub(crate) async fn ask(&self, address: &str, review: &Value) -> Value {
        let (status, body) = self.0.ask("POST", address, None, &review.to_string()).await;
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["response"]["uid"], "u-1");
        answer["response"].clone()
    }

    /// Creates a pod and returns whether it may be, and what is said.
    pub(crate) async fn create(&self, namespace: &str, images: &[&str]) -> (bool, String) {
        let review = review("", "Pod", namespace, "CREATE", &pod(images), &Value::Null);
        told(&self.ask("/admission/validate?timeout=2s", &review).await)
    }
}

pub(crate) fn told(answer: &Value) -> (bool, String) {
    let message = answer["status"]["message"].as_str().unwrap_or_default();
    (
        answer["allowed"].as_bool().unwrap(),
        format!("{message}{}", answer.get("warnings").unwrap_or(&Value::Null)),
    )
}

#[test]
fn good_pods_run_and_bad_ones_do_not() {
    run(async {
        let (cluster, name, good, bad) = Cluster::start().await;
        for _ in 0..2 {
            assert_eq!(cluster.create("prod", &[&good]).await, (true, "null".to_owned()));
            let (allowed, why) = cluster.create("prod", &[&good, &bad]).await;
            assert!(!allowed && why.contains("critical"), "{why}");
        }
        let (allowed, why) = cluster.create("prod", &["a b"]).await;
        assert!(!allowed && why.contains("is no name of an image"), "{why}");
        let (allowed, why) = cluster.create("prod", &["elsewhere.example/app:1"]).await;
        assert!(!allowed && why.contains("was not told to ask"), "{why}");
        // The name may stand for another image by the time it is pulled.
        let (allowed, why) = cluster.create("prod", &[&format!("{name}:good")]).await;
        assert!(!allowed && why.contains("has no digest"), "{why}");
        let metrics = cluster.0.ask("GET", "/metrics", Some(assay_store::Role::Viewer), "").await.1;
        assert!(metrics.contains("assay_admission_allowed_total 2\n"), "{metrics}");
        assert!(metrics.contains("assay_admission_denied_total 5\n"), "{metrics}");
    });
}

#[test]
fn every_way_to_bring_in_an_image_is_judged() {
    run(async {
        let (cluster, _, good, bad) = Cluster::start().await;
        let spec = |list: &str, bad: &str| json!({ "spec": { "containers": [{ "image": good }], list: [{ "image": bad }] } });
        for list in ["initContainers", "ephemeralContainers"] {
            let request = review("", "Pod", "prod", "CREATE", &spec(list, &bad), &Value::Null);
            assert!(!told(&cluster.ask("/admission/validate", &request).await).0, "{list}");
        }
        let volume = json!({ "spec": { "containers": [{ "image": good }], "volumes": [{ "image": { "reference": bad } }] } });
        let request = review("", "Pod", "prod", "CREATE", &volume, &Value::Null);
        assert!(!told(&cluster.ask("/admission/validate", &request).await).0);
        let deployment = json!({ "spec": { "template": pod(&[&bad]) } });
        let request = review("apps", "Deployment", "prod", "CREATE", &deployment, &Value::Null);
        assert!(!told(&cluster.ask("/admission/validate", &request).await).0);

        // A debugger in a running pod: the new container counts, the old ones are not in the way.
        let old = pod(&[&bad]);
        let mut new = old.clone();
        new["spec"]["ephemeralContainers"] = json!([{ "image": good }]);
        let request = review("", "Pod", "prod", "UPDATE", &new, &old);
        assert!(told(&cluster.ask("/admission/validate", &request).await).0);
        let request = review("", "Pod", "prod", "UPDATE", &pod(&[&good, &bad]), &pod(&[&good]));
        assert!(!told(&cluster.ask("/admission/validate", &request).await).0);
        let request = review("", "Pod", "prod", "DELETE", &Value::Null, &pod(&[&bad]));
        assert!(told(&cluster.ask("/admission/validate", &request).await).0);
        // What is not known to hold a pod is not passed over in silence.
        let request = review("argoproj.io", "Rollout", "prod", "CREATE", &deployment, &Value::Null);
        let (allowed, why) = told(&cluster.ask("/admission/validate", &request).await);
        assert!(allowed && why.contains("nothing of it was judged"), "{why}");
    });
}

const TIERS_BY_LABEL: &str = "apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: test}
tiers:
  - name: shop
    match: {namespaces: [shop]}
    mode: warn
  - name: production
    match: {labels: {environment: production}}
rules:
  - vulnerabilities: {max: {critical: 0}}
";

#[test]
fn what_moves_into_another_tier_is_judged_there() {
    run(async {
        let (good, bad) = (image(&[("flask", "2.0")]), image(&[("django", "4.0.5")]));
        let content = Content::new().image("good", &good).image("bad", &bad);
        let known = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        let cluster = Cluster(World::start(content, &known, Some(TIERS_BY_LABEL)).await);
        let host = cluster.0.registry.host();
        for (tag, image) in [("good", &good), ("bad", &bad)] {
            cluster.0.push(&host, tag, &image.digest()).await;
        }
        cluster.0.work().await;
        for (image, want) in [(&good, true), (&bad, false)] {
            let name = format!("{host}/team/app@{}", image.digest());
            assert!(cluster.create("shop", &[&name]).await.0);
            let old = pod(&[&name]);
            let relabelled = |label: &str, value: &str| {
                let mut new = old.clone();
                new["metadata"]["labels"][label] = value.into();
                review("", "Pod", "shop", "UPDATE", &new, &old)
            };
            let other = relabelled("app", "y");
            assert!(told(&cluster.ask("/admission/validate", &other).await).0, "{name}");
            let production = relabelled("environment", "production");
            assert_eq!(told(&cluster.ask("/admission/validate", &production).await).0, want, "{name}");
        }
    });
}

#[test]
fn names_of_pods_get_their_digest() {
    run(async {
        let (cluster, name, good, _) = Cluster::start().await;
        let (tag, digest) = (format!("{name}:good"), good.rsplit_once('@').unwrap().1);
        let request = review("", "Pod", "prod", "CREATE", &pod(&[&good, &tag, "x y"]), &Value::Null);
        let answer = cluster.ask("/admission/mutate?timeout=1s", &request).await;
        assert_eq!(answer["patchType"], "JSONPatch");
        let patch =
            base64::engine::general_purpose::STANDARD.decode(answer["patch"].as_str().unwrap()).unwrap();
        let pinned = format!("{tag}@{digest}");
        let want = json!([{ "op": "replace", "path": "/spec/containers/1/image", "value": pinned }]);
        assert_eq!(serde_json::from_slice::<Value>(&patch).unwrap(), want);
        // What comes out is judged, and is not changed again.
        assert!(cluster.create("prod", &[&pinned]).await.0);
        let request = review("", "Pod", "prod", "CREATE", &pod(&[&pinned]), &Value::Null);
        let answer = cluster.ask("/admission/mutate", &request).await;
        assert_eq!((&answer["allowed"], answer.get("patch")), (&json!(true), None));
        // Templates keep what the user wrote.
        let deployment = json!({ "spec": { "template": pod(&[&tag]) } });
        let request = review("apps", "Deployment", "prod", "CREATE", &deployment, &Value::Null);
        assert_eq!(cluster.ask("/admission/mutate", &request).await.get("patch"), None);
    });
}

/// Returns the image that the mutating webhook gives a pod instead of this one.
async fn pinned(cluster: &Cluster, image: &str, timeout: &str) -> String {
    let request = review("", "Pod", "prod", "CREATE", &pod(&[image]), &Value::Null);
    let answer = cluster.ask(&format!("/admission/mutate?timeout={timeout}"), &request).await;
    let patch = base64::engine::general_purpose::STANDARD.decode(answer["patch"].as_str().unwrap()).unwrap();
    let patch: Value = serde_json::from_slice(&patch).unwrap();
    patch[0]["value"].as_str().unwrap().to_owned()
}

#[test]
fn a_tag_that_was_not_seen_for_long_is_looked_at_again() {
    run(async {
        let (cluster, name, good, bad) = Cluster::start().await;
        // The registry has moved it without telling.
        let (registry, repository) = name.split_once('/').unwrap();
        let place = assay_store::Place {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: Some("new".to_owned()),
        };
        let before = good.rsplit_once('@').unwrap().1;
        let long_ago = now().minus(std::time::Duration::from_secs(61));
        let mut work = cluster.0.store.begin().await.unwrap();
        work.see(&before.parse().unwrap(), &place, long_ago).await.unwrap();
        work.commit().await.unwrap();
        let tag = format!("{name}:new");
        // Nobody has the time to look: what is known is named, and judged.
        assert_eq!(pinned(&cluster, &tag, "1s").await, format!("{tag}@{before}"));
        let (image, ()) = tokio::join!(pinned(&cluster, &tag, "10s"), async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            cluster.0.work().await;
        });
        let digest = image.rsplit_once('@').unwrap().1;
        assert!(digest != before && !bad.contains(digest), "{image}");
        // What was seen just now is not asked about again.
        let asked = cluster.0.registry.requests().len();
        assert_eq!(pinned(&cluster, &tag, "1s").await, image);
        assert_eq!(
            (cluster.0.registry.requests().len(), cluster.0.store.queued().await.unwrap()),
            (asked, 0)
        );
    });
}

#[test]
fn what_was_not_scanned_deeply_enough_is_scanned_again() {
    run(async {
        let good = image(&[("flask", "2.0")]);
        let policy = format!("{POLICY}  - scan: {{depth: deep}}\n");
        let content = Content::new().image("good", &good);
        let cluster = Cluster(World::start(content, &database(&[], BUILT), Some(&policy)).await);
        let (store, host) = (&cluster.0.store, cluster.0.registry.host());
        cluster.0.push(&host, "good", &good.digest()).await;
        cluster.0.work().await;
        let name = format!("{host}/team/app@{}", good.digest());
        let ask = async |namespace: &str| {
            let (allowed, why) = cluster.create(namespace, &[&name]).await;
            assert!(!allowed && why.contains("not deep"), "{why}");
            store.queued().await.unwrap()
        };
        // A worker that scans no deeper would be asked for ever.
        assert_eq!(ask("prod").await, 0);
        let digest = good.digest().parse().unwrap();
        let stored = store.report(&digest, None).await.unwrap().unwrap();
        let (report, _) = assay_report::format::read(&stored.json).unwrap();
        let mut work = store.begin().await.unwrap();
        let (depth, json) = (stored.depth, stored.json.as_slice());
        let scan = assay_store::Scan { digest: &digest, depth, report: &report, json, index: &[] };
        let before = now().minus(std::time::Duration::from_secs(600));
        work.save_scan(&scan, before).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(ask("stage").await, 1);
    });
}

#[test]
fn a_review_that_is_written_at_length_is_judged_by_what_it_says() {
    run(async {
        let (cluster, _, _, bad) = Cluster::start().await;
        let mut object = pod(&[&bad]);
        object["metadata"]["annotations"] = json!({ "x": "MANY" });
        let text = review("", "Pod", "prod", "CREATE", &object, &Value::Null).to_string();
        let send = async |many: String| {
            cluster.0.ask("POST", "/admission/validate", None, &text.replace("MANY", &many)).await
        };
        // As API servers write `<`.
        let (status, answer) = send("\\u003c".repeat(800_000)).await;
        assert!(status == 200 && answer.contains("\"allowed\":false"), "{status} {answer}");
        let (status, answer) = send("x".repeat(5 << 20)).await;
        assert!(status == 413 && answer.contains("too-large"), "{status} {answer}");
    });
}

#[test]
fn what_was_not_scanned_is_treated_as_its_tier_says() {
    run(async {
        let (cluster, name, _, _) = Cluster::start().await;
        let unseen = format!("{name}:new");
        let (allowed, why) = cluster.create("prod", &[&unseen]).await;
        assert!(!allowed && why.contains("has not been scanned yet"), "{why}");
        let (allowed, why) = cluster.create("stage", &[&unseen]).await;
        assert!(allowed && why.contains("before it was scanned"), "{why}");
        let (allowed, why) = cluster.create("patient", &[&unseen]).await;
        assert!(!allowed && why.contains("not ended in time"), "{why}");
        // In a namespace of no tier the strictest holds.
        assert!(!cluster.create("other", &[&unseen]).await.0);
        // All of them asked for one and the same look, of which one job was made.
        assert_eq!(cluster.0.store.queued().await.unwrap(), 1);

        // While one waits, the scan comes.
        let (waiting, ()) = tokio::join!(
            async {
                let request = review("", "Pod", "patient", "CREATE", &pod(&[&unseen]), &Value::Null);
                let answer = cluster.ask("/admission/mutate?timeout=10s", &request).await;
                let patch = answer["patch"].as_str().map(str::to_owned);
                let patch = base64::engine::general_purpose::STANDARD.decode(patch.unwrap()).unwrap();
                let patch: Value = serde_json::from_slice(&patch).unwrap();
                cluster.create("patient", &[patch[0]["value"].as_str().unwrap()]).await
            },
            async {
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                cluster.0.work().await;
            }
        );
        assert_eq!(waiting, (true, "null".to_owned()));
    });
}

#[test]
fn what_was_admitted_by_its_name_is_watched_no_more_once_it_is_known() {
    run(async {
        let content = Content::new().image("latest", &image(&[("flask", "2.0")]));
        let cluster = Cluster(World::start(content, &database(&[], BUILT), Some(POLICY)).await);
        let name = format!("{}/team/app", cluster.0.registry.host());
        assert!(cluster.create("stage", &[&name]).await.0);
        let watched = async || {
            let measures = assay_store::Measures {
                now: now(),
                window: std::time::Duration::from_secs(60),
                remediation: &[],
            };
            cluster.0.store.indicators(&measures).await.unwrap().watched
        };
        assert_eq!(watched().await, 1);
        cluster.0.work().await;
        assert_eq!(watched().await, 0);
    });
}

#[test]
fn a_dry_run_asks_for_nothing() {
    run(async {
        let (cluster, name, _, _) = Cluster::start().await;
        let events = cluster.0.store.events(None, 0, 100).await.unwrap().len();
        for (address, namespace) in
            [("/admission/validate", "prod"), ("/admission/validate", "stage"), ("/admission/mutate", "prod")]
        {
            let mut request =
                review("", "Pod", namespace, "CREATE", &pod(&[&format!("{name}:new")]), &Value::Null);
            request["request"]["dryRun"] = json!(true);
            cluster.ask(&format!("{address}?timeout=1s"), &request).await;
        }
        assert_eq!(cluster.0.store.queued().await.unwrap(), 0);
        assert_eq!(cluster.0.store.events(None, 0, 100).await.unwrap().len(), events);
    });
}

#[test]
fn a_scan_that_says_otherwise_changes_the_verdict_at_once() {
    run(async {
        let (cluster, _, good, _) = Cluster::start().await;
        assert!(cluster.create("prod", &[&good]).await.0);
        let old = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        let later = assay_model::Timestamp(BUILT.0 + 60);
        let new = database(&[("CVE-2022-1", "django", "4.0.6"), ("CVE-2024-2", "flask", "9")], later);
        cluster.0.replace_database(&new);
        assay_server::rematch_all(&cluster.0.store, &old, (&new, false), later.into()).await.unwrap();
        assert!(!cluster.create("prod", &[&good]).await.0);
    });
}

#[test]
fn what_is_no_review_is_an_error_of_the_webhook() {
    run(async {
        let (cluster, _, _, _) = Cluster::start().await;
        for body in [
            "",
            "{}",
            "[]",
            r#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}"#,
        ] {
            assert_eq!(cluster.0.ask("POST", "/admission/validate", None, body).await.0, 400, "{body}");
        }
    });
}

#[test]
fn many_at_once_are_decided_once() {
    run(async {
        let (cluster, _, good, _) = Cluster::start().await;
        let ask = async |_: usize| cluster.create("prod", &[&good]).await.0;
        let (a, b, c, d, e, f) = tokio::join!(ask(0), ask(1), ask(2), ask(3), ask(4), ask(5));
        assert!(a && b && c && d && e && f);
        let metrics = cluster.0.metrics.render(&[], 0, assay_store::Moment(0));
        assert!(metrics.contains("assay_admission_allowed_total 6\n"), "{metrics}");
        assert!(metrics.contains("assay_verdicts_total 1\n"), "{metrics}");
    });
}

/// The request of somebody in these groups to run the bad image.
fn review_of(user: &str, groups: &[&str], bad: &str) -> Value {
    let mut review = review("", "Pod", "prod", "CREATE", &pod(&[bad]), &Value::Null);
    review["request"]["userInfo"] = json!({ "username": user, "groups": groups });
    review
}

#[test]
fn who_is_exempt_or_breaks_the_glass_is_known_by_the_cluster_and_not_by_the_object() {
    run(async {
        let (cluster, _, _, bad) = Cluster::start().await;
        let ask = async |review: &Value| cluster.ask("/admission/validate?timeout=2s", review).await;
        for (user, groups) in
            [("anna", &["system:authenticated"][..]), ("oncall", &[]), ("group:oncall", &["addon"])]
        {
            let answer = ask(&review_of(user, groups, &bad)).await;
            assert_eq!(answer["allowed"], false, "{user}");
        }
        let mut claimed = review_of("anna", &[], &bad);
        claimed["request"]["object"]["metadata"]["annotations"] = json!({ "assay.dev/break-glass": "true" });
        assert_eq!(ask(&claimed).await["allowed"], false);

        let exempt = ask(&review_of("system:addon", &[], &bad)).await;
        assert_eq!((&exempt["allowed"], &exempt["warnings"]), (&json!(true), &Value::Null));
        assert_eq!(exempt["auditAnnotations"]["exempt"], "system:addon");

        let mut tried = review_of("anna", &["oncall"], &bad);
        tried["request"]["dryRun"] = json!(true);
        assert_eq!(ask(&tried).await["allowed"], true);
        let (_, events) = cluster.0.ask("GET", "/api/v1/events", Some(assay_store::Role::Viewer), "").await;
        assert!(!events.contains("break-glass"), "{events}");
        let broken = ask(&review_of("anna", &["oncall"], &bad)).await;
        assert_eq!(broken["allowed"], true);
        assert_eq!(broken["warnings"][0], "admitted for anna although it is denied");
        let why = broken["auditAnnotations"]["break-glass"].as_str().unwrap();
        assert!(why.contains("critical"), "{why}");
        let (_, events) = cluster.0.ask("GET", "/api/v1/events", Some(assay_store::Role::Viewer), "").await;
        assert!(events.contains("break-glass") && events.contains("anna"), "{events}");
        let (_, metrics) = cluster.0.ask("GET", "/metrics", Some(assay_store::Role::Viewer), "").await;
        assert!(metrics.contains("assay_admission_break_glass_total 1\n"), "{metrics}");
    });
}

#[test]
fn custom_resources_are_judged_where_the_operator_says_that_a_pod_is() {
    run(async {
        let (cluster, _, good, bad) = Cluster::start().await;
        for (group, kind, image, want) in [
            ("example.org", "Crate", &bad, false),
            ("example.org", "Crate", &good, true),
            // Nobody has said where to look.
            ("example.com", "Crate", &bad, true),
        ] {
            let object = json!({ "spec": { "template": pod(&[image]) } });
            let review = review(group, kind, "prod", "CREATE", &object, &Value::Null);
            let answer = cluster.ask("/admission/validate?timeout=2s", &review).await;
            assert_eq!(answer["allowed"], want, "{group}/{kind} {image}: {answer}");
        }
    });
}
