//! From a push to the blast radius of a new advisory.

use crate::fixture::{BUILT, World, database, image, run};
use assay_model::Timestamp;
use assay_server::rematch_all;
use assay_store::{Moment, Role};
use assay_test::image::{descriptor, index};
use assay_test::registry::Content;

/// Returns the vulnerabilities of a list of findings, and the versions that fix them.
fn vulnerabilities(findings: &serde_json::Value) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let findings = findings.as_array().unwrap().iter().filter(|finding| finding["kind"] == "vulnerability");
    findings.map(|finding| (text(&finding["rule"]), text(&finding["fixedVersions"][0]))).collect()
}

#[test]
fn a_push_is_scanned_and_a_later_advisory_found_without_another_look() {
    run(async {
        let app = image(&[("django", "4.0.5"), ("flask", "1.0")]);
        let old = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        let world = World::start(Content::new().image("1.0", &app), &old, None).await;
        let (status, body) = world.push(&world.registry.host(), "1.0", &app.digest()).await;
        assert_eq!((status, body.as_str()), (202, r#"{"leftOut":0,"taken":1}"#));
        world.work().await;

        let list = world.get("/api/v1/images").await;
        assert_eq!(list["items"][0]["digest"], app.digest());
        let detail = world.get(&format!("/api/v1/images/{}", app.digest())).await;
        let found = vulnerabilities(&detail["open"]);
        assert_eq!(found, [("CVE-2022-1".to_owned(), "4.0.6".to_owned())]);
        assert_eq!(list["items"][0]["findings"], detail["open"].as_array().unwrap().len());
        assert_eq!(
            (detail["tags"][0]["tag"].as_str(), detail["job"]["state"].as_str()),
            (Some("1.0"), Some("done"))
        );
        let report = world.get(&format!("/api/v1/images/{}/report", app.digest())).await;
        assert_eq!(report["schema"], "assay.report/v1");
        let metrics = world.ask("GET", "/metrics", Some(Role::Viewer), "").await.1;
        assert!(metrics.contains("\nassay_scan_coverage_ratio 1\n"), "{metrics}");
        assert!(metrics.contains("\nassay_critical_images_ratio 1\n"), "{metrics}");
        let radius = world.get("/api/v1/blast-radius?package=flask").await;
        assert_eq!(
            (radius["items"][0]["version"].as_str(), &radius["next"]),
            (Some("1.0"), &serde_json::Value::Null)
        );

        // The feed speaks of flask now, and no more of django.
        let later = Timestamp(BUILT.0 + 86_400);
        let new = database(&[("CVE-2023-7", "flask", "2.0")], later);
        world.replace_database(&new);
        let pulled = world.registry.requests().len();
        let done = rematch_all(&world.store, &old, (&new, false), Moment::from(later)).await.unwrap();
        assert_eq!((done.packages, done.affected.len(), done.changed.len()), (2, 1, 1));
        assert_eq!(world.registry.requests().len(), pulled, "it was pulled again");
        let radius = world.get("/api/v1/blast-radius?advisory=CVE-2023-7").await;
        assert_eq!(radius["items"][0]["digest"], app.digest());
        assert_eq!(
            world.get("/api/v1/blast-radius?advisory=CVE-2022-1").await["items"],
            serde_json::json!([])
        );
        let events = world.get(&format!("/api/v1/events?digest={}", app.digest())).await;
        let kinds: Vec<&str> =
            events["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["tag-seen", "scanned", "finding-gone", "finding-appeared", "rematched"]);
        let appeared = &events["items"][3]["detail"];
        assert_eq!(appeared["reasons"][0]["text"], "advisory added");
        assert_eq!(appeared["rule"], "CVE-2023-7");
        let detail = world.get(&format!("/api/v1/images/{}", app.digest())).await;
        assert_eq!(detail["gone"][0]["rule"], "CVE-2022-1");
        // What the rematch stored is a whole report of the new database.
        let report = world.get(&format!("/api/v1/images/{}/report", app.digest())).await;
        let rules: Vec<&str> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["kind"] == "vulnerability")
            .map(|finding| finding["rule"].as_str().unwrap())
            .collect();
        assert_eq!(rules, ["CVE-2023-7"]);
        // What the content gave away is still there.
        assert!(report["findings"].as_array().unwrap().len() > 1);

        // Once more changes nothing.
        let again = rematch_all(&world.store, &old, (&new, false), Moment::from(later)).await.unwrap();
        assert_eq!(again.changed.len(), 0);
        let events = world.get(&format!("/api/v1/events?digest={}", app.digest())).await;
        assert_eq!(events["items"].as_array().unwrap().len(), 5);
    });
}

#[test]
fn an_index_is_scanned_image_by_image() {
    run(async {
        let (one, other) = (image(&[("django", "4.0.5")]), image(&[("flask", "1.0")]));
        let bytes = index(&[&one, &other]);
        let media_type = "application/vnd.oci.image.index.v1+json";
        let content =
            Content::new().image("amd64", &one).image("arm64", &other).manifest("1.0", media_type, &bytes);
        let digest = descriptor(media_type, &bytes)["digest"].as_str().unwrap().to_owned();
        let world = World::start(content, &database(&[], BUILT), None).await;
        world.push(&world.registry.host(), "1.0", &digest).await;
        world.work().await;
        let detail = world.get(&format!("/api/v1/images/{digest}")).await;
        assert_eq!(detail["images"].as_array().unwrap().len(), 2, "{detail}");
        for child in [one.digest(), other.digest()] {
            let detail = world.get(&format!("/api/v1/images/{child}")).await;
            assert_eq!(detail["scan"]["depth"], "fast");
        }
    });
}

#[test]
fn events_are_hints() {
    run(async {
        let app = image(&[("django", "4.0.5")]);
        let world = World::start(Content::new().image("1.0", &app), &database(&[], BUILT), None).await;
        let host = world.registry.host();
        // Another host is never asked, whoever names it.
        for other in ["169.254.169.254", "elsewhere.example:5000", "", "a b", "user@host"] {
            let (status, body) = world.push(other, "1.0", &app.digest()).await;
            assert_eq!((status, body.as_str()), (202, r#"{"leftOut":1,"taken":0}"#), "{other}");
        }
        assert_eq!(world.store.queued().await.unwrap(), 0);
        // What the event says is not believed: the registry's own answer counts.
        world.push(&host, "1.0", &format!("sha256:{}", "0".repeat(64))).await;
        world.work().await;
        assert_eq!(world.get("/api/v1/images").await["items"][0]["digest"], app.digest());
        // A tag that is not there is tried again later, and says why.
        world.push(&host, "2.0", &app.digest()).await;
        world.work().await;
        assert_eq!(world.store.queued().await.unwrap(), 1);
        let metrics = world.ask("GET", "/metrics", Some(Role::Viewer), "").await.1;
        assert!(metrics.contains("assay_job_failures_total 1\n"), "{metrics}");
        assert!(metrics.contains("assay_jobs{kind=\"resolve\",state=\"queued\"} 1\n"), "{metrics}");
        assert!(metrics.contains("assay_images 1\n"), "{metrics}");
    });
}

#[test]
fn who_has_no_token_gets_nothing() {
    run(async {
        let world = World::start(Content::new(), &database(&[], BUILT), None).await;
        for path in ["/metrics", "/api/v1/images", "/api/v1/blast-radius?package=a", "/api/v1/events"] {
            let (status, body) = world.ask("GET", path, None, "").await;
            assert_eq!(status, 401, "{path}");
            assert!(body.contains("\"code\":\"unauthenticated\""), "{body}");
            assert_eq!(world.ask("GET", path, Some(Role::Viewer), "").await.0, 200, "{path}");
        }
        for path in ["/healthz", "/readyz"] {
            assert_eq!(world.ask("GET", path, None, "").await.0, 200, "{path}");
        }
        let hook = "/webhooks/distribution";
        assert_eq!(world.ask("POST", hook, None, "{\"events\":[]}").await.0, 401);
        assert_eq!(world.ask("POST", hook, Some(Role::Viewer), "{\"events\":[]}").await.0, 403);
        assert_eq!(world.ask("POST", hook, Some(Role::Developer), "{\"events\":[]}").await.0, 202);
        assert_eq!(world.ask("POST", hook, Some(Role::Developer), "{}").await.0, 400);
        assert_eq!(world.ask("POST", "/webhooks/unknown", Some(Role::Admin), "{}").await.0, 404);
        // One byte too many, so that all of it is read: what is left unread when a connection ends may cost the answer.
        assert_eq!(world.ask("POST", hook, Some(Role::Developer), &"x".repeat((4 << 20) + 1)).await.0, 413);
        assert_eq!(world.ask("GET", "/nowhere", None, "").await.0, 404);
        let (status, body) = world.ask("GET", "/api/v1/images/sha256:short", Some(Role::Viewer), "").await;
        assert_eq!(status, 400, "{body}");
        assert_eq!(world.ask("GET", "/api/v1/blast-radius", Some(Role::Viewer), "").await.0, 422);
        // Without a policy there is nothing to judge by, and the cluster is told so.
        assert_eq!(world.ask("POST", "/admission/validate", None, "{}").await.0, 503);
    });
}
