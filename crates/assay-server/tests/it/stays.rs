//! What a cluster has admitted stays admitted while its scan is stale, and never silently; what is new, or known to be bad, does not.

use crate::admission::{Cluster, POLICY, pod, review, told};
use crate::fixture::{BUILT, World, database, image, run};
use crate::pages::page;
use assay_advisories::Database;
use assay_server::forget;
use assay_server::retention::days;
use assay_store::Role;
use assay_test::image::BuiltImage;
use assay_test::registry::Content;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn policy() -> String {
    format!("{POLICY}  - scan: {{maxAge: 30d}}\n")
}

fn advisories(more: &[(&str, &str, &str)], days: i64) -> Database {
    database(
        &[&[("CVE-2022-1", "django", "4.0.6")], more].concat(),
        assay_model::Timestamp(BUILT.0 + days * 86_400),
    )
}

/// A server that has scanned three images, two of them good, and their names.
async fn scene(policy: &str) -> (Cluster, [String; 3], [BuiltImage; 3]) {
    let images = [image(&[("flask", "2.0")]), image(&[("six", "1")]), image(&[("django", "4.0.5")])];
    let content =
        Content::new().image("good", &images[0]).image("other", &images[1]).image("bad", &images[2]);
    let world = World::start(content, &advisories(&[], 0), Some(policy)).await;
    let host = world.registry.host();
    for (tag, image) in ["good", "other", "bad"].into_iter().zip(&images) {
        world.push(&host, tag, &image.digest()).await;
    }
    world.work().await;
    let names = [0, 1, 2].map(|number: usize| format!("{host}/team/app@{}", images[number].digest()));
    (Cluster(world), names, images)
}

async fn asked(cluster: &Cluster, address: &str, namespace: &str, image: &str) -> Value {
    let review = review("", "Pod", namespace, "CREATE", &pod(&[image]), &Value::Null);
    cluster.ask(address, &review).await
}

async fn events(world: &World, kind: &str) -> Vec<Value> {
    let list = world.get(&format!("/api/v1/events?kind={kind}")).await;
    list["items"].as_array().unwrap().clone()
}

async fn metric(world: &World, name: &str) -> String {
    let text = world.ask("GET", "/metrics", Some(Role::Viewer), "").await.1;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name} is not in\n{text}")).to_owned()
}

const VALIDATE: &str = "/admission/validate";

#[test]
fn what_was_admitted_stays_with_a_warning_and_an_alert_and_what_is_new_does_not() {
    run(async {
        let (mut cluster, [good, other, bad], images) = scene(&policy()).await;
        assert_eq!(cluster.create("prod", &[&good]).await, (true, "null".to_owned()));
        assert!(!cluster.create("prod", &[&bad]).await.0);
        // Only looked at: nothing is remembered.
        let mut dry = review("", "Pod", "prod", "CREATE", &pod(&[&other]), &Value::Null);
        dry["request"]["dryRun"] = json!(true);
        assert!(told(&cluster.ask(VALIDATE, &dry).await).0);
        cluster.0.pass(31 * DAY);

        let answer = asked(&cluster, VALIDATE, "prod", &good).await;
        let (allowed, why) = told(&answer);
        assert!(allowed && why.contains("stays admitted") && why.contains("the scan is stale"), "{why}");
        assert_eq!(answer["auditAnnotations"]["stale-1"], good);
        // Another namespace of the same tier and cluster, and also what stands behind a controller.
        let deployment = json!({ "spec": { "template": pod(&[&good]) } });
        let rollback = review("apps", "Deployment", "prod", "CREATE", &deployment, &Value::Null);
        assert!(told(&cluster.ask(VALIDATE, &rollback).await).0);
        // What is new follows its tier; so does what is new in this cluster, or by this tier.
        for (address, namespace, image) in [
            (VALIDATE, "prod", &other),
            ("/admission/validate/eu-1", "prod", &good),
            (VALIDATE, "stage", &good),
            (VALIDATE, "prod", &bad),
        ] {
            let (allowed, why) = told(&asked(&cluster, address, namespace, image).await);
            assert!(!allowed && why.contains("the scan is stale"), "{address} {namespace} {image}: {why}");
        }
        // Over a restart as well.
        cluster.0.restart(None).await;
        assert!(cluster.create("prod", &[&good]).await.0);

        let stale = events(&cluster.0, "admitted-stale").await;
        assert_eq!(stale.len(), 1, "{stale:?}");
        assert_eq!(
            (&stale[0]["detail"]["cluster"], &stale[0]["detail"]["image"]),
            (&json!("default"), &json!(good))
        );
        assert_eq!(metric(&cluster.0, "assay_admission_stale_total").await, "2");
        assert_eq!(metric(&cluster.0, "assay_admitted_images{cluster=\"default\"}").await, "1");
        assert_eq!(metric(&cluster.0, "assay_admitted_stale_images{cluster=\"default\"}").await, "1");
        let digest = images[0].digest();
        let detail = cluster.0.get(&format!("/api/v1/images/{digest}")).await;
        assert_eq!(detail["admitted"][0]["cluster"], "default");
        assert!(detail["admitted"][0]["stale"].is_string(), "{detail}");
        let html = page(&cluster.0, &format!("/images/{digest}")).await;
        assert!(html.contains("Scan stale:") && html.contains("the cluster default admits it"), "{html}");

        // A gate that does not say which cluster asks about something new.
        let verdict = async |query: &str| {
            cluster.0.get(&format!("/api/v1/images/{digest}/verdict?namespace=prod{query}")).await
        };
        assert_eq!(verdict("").await["decision"], "deny");
        assert_eq!(verdict("&cluster=eu-1").await["decision"], "deny");
        let here = verdict("&cluster=default").await;
        assert_eq!(here["decision"], "warn");
        assert!(here["stale"].as_str().unwrap().contains("the scan is stale"), "{here}");
        assert_eq!(here["verdict"]["reasons"][0]["stale"], true);

        // A database that is new ends it, also before the next pod.
        let world = &cluster.0;
        world.replace_database(&advisories(&[], 31));
        let newer = advisories(&[], 31);
        assay_server::rematch_all(&world.store, &advisories(&[], 0), (&newer, false), world.time())
            .await
            .unwrap();
        world.pass(Duration::from_secs(300));
        assert_eq!(world.app.admission.as_ref().unwrap().look_after_admitted().await.unwrap(), 1);
        assert_eq!(events(world, "admitted-stale-cleared").await.len(), 1);
        assert_eq!(cluster.create("prod", &[&good]).await, (true, "null".to_owned()));
    });
}

#[test]
fn what_is_found_out_is_no_matter_of_age() {
    run(async {
        let (cluster, [good, ..], images) = scene(&policy()).await;
        assert!(cluster.create("prod", &[&good]).await.0);
        let world = &cluster.0;
        let found = advisories(&[("CVE-2024-2", "flask", "9")], 1);
        world.pass(DAY);
        world.replace_database(&found);
        assay_server::rematch_all(&world.store, &advisories(&[], 0), (&found, false), world.time())
            .await
            .unwrap();
        // Stale by now, and bad.
        world.pass(31 * DAY);
        let (allowed, why) = cluster.create("prod", &[&good]).await;
        assert!(!allowed && why.contains("critical") && why.contains("stale"), "{why}");
        assert_eq!(events(world, "admitted-stale").await.len(), 0);
        let detail = world.get(&format!("/api/v1/images/{}", images[0].digest())).await;
        assert_eq!(detail["admitted"], json!([]));
        // What it says is taken back, but then nobody has admitted it for what it is.
        let taken_back = advisories(&[], 2);
        world.replace_database(&taken_back);
        assay_server::rematch_all(&world.store, &found, (&taken_back, false), world.time()).await.unwrap();
        assert!(cluster.create("prod", &[&good]).await.0);
        world.pass(31 * DAY);
        let (allowed, why) = cluster.create("prod", &[&good]).await;
        assert!(allowed && why.contains("stays admitted"), "{why}");
    });
}

#[test]
fn what_grows_stale_is_told_before_a_pod_asks() {
    run(async {
        let (cluster, [good, ..], _) = scene(&policy()).await;
        assert!(cluster.create("prod", &[&good]).await.0);
        let world = &cluster.0;
        let look = async || world.app.admission.as_ref().unwrap().look_after_admitted().await.unwrap();
        world.pass(29 * DAY);
        assert_eq!(look().await, 0);
        world.pass(2 * DAY);
        assert_eq!(look().await, 1);
        assert_eq!(events(world, "admitted-stale").await.len(), 1);
        // Nothing new a moment or some minutes later.
        assert_eq!(look().await, 0);
        world.pass(Duration::from_secs(300));
        assert_eq!(look().await, 1);
        assert_eq!(events(world, "admitted-stale").await.len(), 1);
        assert_eq!(metric(world, "assay_admitted_stale_images{cluster=\"default\"}").await, "1");
    });
}

#[test]
fn what_was_forgotten_stays_where_it_was_until_it_is_scanned_again() {
    run(async {
        let (mut cluster, [good, other, _], images) = scene(POLICY).await;
        assert!(cluster.create("prod", &[&good]).await.0 && cluster.create("prod", &[&other]).await.0);
        // Something was found out about the second that nobody has judged.
        let mut work = cluster.0.store.begin().await.unwrap();
        work.forget_verdicts(&images[1].digest().parse().unwrap()).await.unwrap();
        work.commit().await.unwrap();
        cluster.0.pass(170 * DAY);
        assert_eq!(forget(&cluster.0.store, Some(days(180)), cluster.0.time()).await.unwrap().images, 0);
        cluster.0.pass(20 * DAY);
        assert_eq!(forget(&cluster.0.store, Some(days(180)), cluster.0.time()).await.unwrap().images, 3);
        let (allowed, why) = cluster.create("prod", &[&good]).await;
        assert!(allowed && why.contains("what a scan found is not known any more"), "{why}");
        assert_eq!(cluster.0.store.queued().await.unwrap(), 1);
        for (address, namespace, image) in [
            (VALIDATE, "prod", &other),
            ("/admission/validate/eu-1", "prod", &good),
            (VALIDATE, "elsewhere", &good),
        ] {
            let (allowed, why) = told(&asked(&cluster, address, namespace, image).await);
            assert!(!allowed && why.contains("has not been scanned yet"), "{namespace} {image}: {why}");
        }
        cluster.0.work().await;
        assert_eq!(cluster.create("prod", &[&good]).await, (true, "null".to_owned()));
        assert_eq!(events(&cluster.0, "admitted-stale-cleared").await.len(), 1);
        // Another policy has never admitted what it knows nothing of.
        cluster.0.pass(190 * DAY);
        assert_eq!(forget(&cluster.0.store, Some(days(180)), cluster.0.time()).await.unwrap().images, 2);
        cluster.0.restart(Some(&format!("{POLICY}  - secrets: {{}}\n"))).await;
        assert!(!cluster.create("prod", &[&good]).await.0);
    });
}

#[test]
fn a_policy_that_asks_for_deep_scans_does_not_stop_what_runs() {
    run(async {
        let (mut cluster, [good, other, _], _) = scene(POLICY).await;
        assert!(cluster.create("prod", &[&good]).await.0);
        cluster.0.pass(DAY);
        cluster.0.restart(Some(&format!("{POLICY}  - scan: {{depth: deep}}\n"))).await;
        let (allowed, why) = cluster.create("prod", &[&good]).await;
        assert!(allowed && why.contains("the scan is not deep"), "{why}");
        assert_eq!(cluster.0.store.queued().await.unwrap(), 1);
        let (allowed, why) = cluster.create("prod", &[&other]).await;
        assert!(!allowed && why.contains("the scan is not deep"), "{why}");
    });
}

#[test]
fn a_cluster_has_a_name_or_is_refused() {
    run(async {
        let (cluster, [good, ..], _) = scene(&policy()).await;
        let asked = review("", "Pod", "prod", "CREATE", &pod(&[&good]), &Value::Null).to_string();
        for (path, want) in [("eu-1", 200), ("EU", 400), ("-", 400)] {
            for webhook in ["validate", "mutate"] {
                let (status, body) =
                    cluster.0.ask("POST", &format!("/admission/{webhook}/{path}"), None, &asked).await;
                assert_eq!(status, want, "{webhook} {path}: {body}");
            }
        }
    });
}
