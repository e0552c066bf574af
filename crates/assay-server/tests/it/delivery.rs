//! Builds, deployments, bills of materials and retention, as CI and people ask for them.

use crate::fixture::{BUILT, World, database, image, now, run};
use assay_server::forget;
use assay_store::{Moment, Role};
use assay_test::image::BuiltImage;
use assay_test::registry::Content;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: u64 = 86_400;

async fn world(image: &BuiltImage) -> World {
    let old = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
    World::start(Content::new().image("1.0", image), &old, None).await
}

impl World {
    async fn send_json(&self, method: &str, path: &str, role: Role, body: &Value) -> (u16, Value) {
        let (status, body) = self.ask(method, path, Some(role), &body.to_string()).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    async fn metrics(&self) -> String {
        self.ask("GET", "/metrics", Some(Role::Viewer), "").await.1
    }

    /// Returns who did what, without starts of the server.
    async fn audited(&self) -> Vec<String> {
        let log = self.store.audit_log(0, 100).await.unwrap();
        log.iter().map(|entry| format!("{} {} {}", entry.actor, entry.action, entry.subject)).collect()
    }
}

fn ago(seconds: u64) -> String {
    now().minus(Duration::from_secs(seconds)).timestamp().to_string()
}

fn build(digest: Option<&str>) -> Value {
    json!({
        "digest": digest, "image": "registry.example/team/app", "recipe": "0123abc", "outcome": "success",
        "inputs": [{ "name": "golang:1.22", "digest": format!("sha256:{}", "ab".repeat(32)) }],
        "started": ago(3600), "durationSeconds": 90.5, "log": "step 1\nstep 2\n",
        "invocation": "https://ci.example/1",
    })
}

/// Returns a body with one field changed; taken out, where the value is `null`.
fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    if body[field].is_null() {
        body.as_object_mut().unwrap().remove(field);
    }
    body
}

#[test]
fn a_build_is_recorded_once_and_found_by_its_digest() {
    run(async {
        let app = image(&[("django", "4.0.5")]);
        let world = world(&app).await;
        let body = build(Some(&app.digest()));
        let post = async |role, body: &Value| world.send_json("POST", "/api/v1/builds", role, body).await;
        assert_eq!(post(Role::Viewer, &body).await.0, 403);
        assert_eq!(post(Role::Developer, &body).await, (201, json!({ "id": 1 })));
        assert_eq!(post(Role::Developer, &body).await, (200, json!({ "id": 1 })));
        let failed = with(with(body.clone(), "digest", Value::Null), "outcome", json!("failure"));
        assert_eq!(post(Role::Developer, &failed).await.0, 201);
        let again = with(body.clone(), "invocation", json!("https://ci.example/2"));
        assert_eq!(post(Role::Developer, &again).await.0, 201);

        let found = world.get(&format!("/api/v1/builds?digest={}", app.digest())).await;
        assert_eq!(found["items"].as_array().unwrap().len(), 2);
        let one = &found["items"][0];
        assert_eq!(
            (&one["durationSeconds"], &one["inputs"], &one["recorder"], &one["logBytes"]),
            (&json!(90.5), &body["inputs"], &json!("developer"), &json!(14))
        );
        let page = world.get("/api/v1/builds?limit=1&after=1").await;
        assert_eq!(
            (&page["items"][0]["outcome"], &page["next"]),
            (&json!("failure"), &page["items"][0]["id"])
        );
        assert_eq!(world.get("/api/v1/builds?outcome=failure").await["items"].as_array().unwrap().len(), 1);
        assert_eq!(world.ask("GET", "/api/v1/builds?outcome=odd", Some(Role::Viewer), "").await.0, 400);

        // Logs tell more than they should now and then.
        assert_eq!(world.ask("GET", "/api/v1/builds/1/log", Some(Role::Viewer), "").await.0, 403);
        let log = world.ask("GET", "/api/v1/builds/1/log", Some(Role::Developer), "").await;
        assert_eq!(log, (200, "step 1\nstep 2\n".to_owned()));
        let head = world.head.lock().unwrap().clone();
        assert!(head.contains("text/plain; charset=utf-8") && head.contains("nosniff"), "{head}");
        assert_eq!(world.ask("GET", "/api/v1/builds/99/log", Some(Role::Developer), "").await.0, 404);
        assert_eq!(world.ask("GET", "/api/v1/builds/x/log", Some(Role::Developer), "").await.0, 400);

        let metrics = world.metrics().await;
        for line in [
            "assay_builds{outcome=\"success\"} 2",
            "assay_build_success_ratio 0.6666666666666666",
            "assay_build_duration_seconds 90.5",
            "assay_rebuilt 1",
            "assay_reproducible_build_ratio 1",
        ] {
            assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
        }
        let subject = format!("developer build.record {}", app.digest());
        assert_eq!(world.audited().await, [&subject, "developer build.record 0123abc", &subject]);
        let events = world.get(&format!("/api/v1/events?digest={}&kind=built", app.digest())).await;
        assert_eq!(events["items"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn a_record_that_makes_no_sense_is_refused_with_the_reason() {
    run(async {
        let app = image(&[]);
        let world = world(&app).await;
        let good = build(Some(&app.digest()));
        let input = |name: &str, digest: &str| json!([{ "name": name, "digest": digest }]);
        let digest = app.digest();
        for (field, value, told) in [
            ("digest", Value::Null, "digest"),
            ("digest", json!("sha256:12"), "is not a digest"),
            ("recipe", Value::Null, "recipe"),
            ("recipe", json!(""), "commit"),
            ("recipe", json!("a\nb"), "control characters"),
            ("outcome", json!("ok"), "unknown variant `ok`"),
            ("started", json!("yesterday"), "is no time"),
            ("started", json!("2999-01-01T00:00:00Z"), "future"),
            ("durationSeconds", json!(-1), "number of seconds"),
            ("durationSeconds", json!(1e300), "number of seconds"),
            ("durationSeconds", json!("1"), "invalid type"),
            ("inputs", input("", &digest), "`name`"),
            ("inputs", input("x", "latest"), "`x` has no digest"),
            ("inputs", input(&"x".repeat(201), &digest), "200 bytes"),
            ("inputs", json!(vec![input("x", &digest)[0].clone(); 201]), "up to 200"),
            ("image", json!("x".repeat(501)), "500 bytes"),
            ("colour", json!("red"), "unknown field"),
        ] {
            let body = with(good.clone(), field, value);
            let (status, problem) = world.send_json("POST", "/api/v1/builds", Role::Developer, &body).await;
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(status == 400 && detail.contains(told), "{field}: {status} {detail}");
        }
        let long = with(good.clone(), "log", json!("x".repeat((2 << 20) + 1)));
        assert_eq!(world.send_json("POST", "/api/v1/builds", Role::Developer, &long).await.0, 413);
        // Nobody's bytes are read before it is known whose they are.
        assert_eq!(world.ask("POST", "/api/v1/builds", None, &good.to_string()).await.0, 401);
        assert_eq!(world.get("/api/v1/builds").await["items"], json!([]));
        // A log in which everything must be escaped still fits.
        let odd = with(good, "log", json!("\u{1}".repeat(2 << 20)));
        assert_eq!(world.send_json("POST", "/api/v1/builds", Role::Developer, &odd).await.0, 201);
        assert_eq!(
            world.ask("GET", "/api/v1/builds/1/log", Some(Role::Developer), "").await.1.len(),
            2 << 20
        );
    });
}

#[test]
fn deployments_are_told_listed_and_ended() {
    run(async {
        let app = image(&[("django", "4.0.5")]);
        let world = world(&app).await;
        let path = "/api/v1/deployments/production/shop";
        let put = async |role, body: &Value| world.send_json("PUT", path, role, body).await;
        assert_eq!(put(Role::Viewer, &json!({ "digest": app.digest() })).await.0, 403);
        let (status, problem) = put(Role::Developer, &json!({ "digest": app.digest() })).await;
        assert!(status == 404 && problem["detail"].as_str().unwrap().contains("\"image\""), "{problem}");
        assert_eq!(put(Role::Developer, &json!({ "good": true })).await.1["code"], "nothing-runs");
        let full = format!("{}/team/app@{}", world.registry.host(), app.digest());
        for (body, told) in [
            (json!({ "image": format!("{}/team/app:1.0", world.registry.host()) }), "has no digest"),
            (json!({ "image": full, "digest": app.digest() }), "either"),
            (json!({ "image": full, "owner": "" }), "`owner` is empty"),
            (json!({ "image": full, "team": "a\u{7}" }), "control characters"),
            (json!({ "image": full, "teams": "a" }), "unknown field"),
        ] {
            let (status, problem) = put(Role::Developer, &body).await;
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(status == 400 && detail.contains(told), "{body}: {status} {detail}");
        }
        let foreign = json!({ "image": format!("elsewhere.example/app@{}", app.digest()) });
        let (status, problem) = put(Role::Developer, &foreign).await;
        assert!(
            status == 422 && problem["detail"].as_str().unwrap().contains("elsewhere.example"),
            "{problem}"
        );
        // What nobody pushed under our eyes is seen now, and scanned.
        let body = json!({ "image": full, "owner": "ada@example.org", "team": "store" });
        let (status, entry) = put(Role::Developer, &body).await;
        assert_eq!(
            (status, &entry["digest"], &entry["good"], &entry["owner"]),
            (201, &json!(app.digest()), &json!(false), &json!("ada@example.org"))
        );
        world.work().await;
        let (status, entry) = put(Role::Developer, &json!({ "digest": app.digest(), "good": true })).await;
        assert_eq!((status, &entry["good"], &entry["team"]), (200, &json!(true), &json!("store")));

        let list = world.get("/api/v1/deployments?environment=production&running=true").await;
        assert_eq!((&list["items"][0]["service"], &list["next"]), (&json!("shop"), &Value::Null));
        assert_eq!(world.get("/api/v1/deployments?service=blog").await["items"], json!([]));
        let radius = world.get("/api/v1/blast-radius?advisory=CVE-2022-1").await;
        assert_eq!(radius["items"][0]["deployed"], true);
        let metrics = world.metrics().await;
        for line in [
            "assay_running_services{environment=\"production\"} 1",
            "assay_running_vulnerabilities{environment=\"production\",severity=\"critical\"} 1",
            "assay_vulnerable_services{environment=\"production\",severity=\"critical\"} 1",
        ] {
            assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
        }

        let nameless = "/api/v1/deployments/production/a%00b";
        assert_eq!(world.ask("DELETE", nameless, Some(Role::Developer), "").await.0, 400);
        assert_eq!(world.ask("DELETE", path, Some(Role::Viewer), "").await.0, 403);
        assert_eq!(world.ask("DELETE", path, Some(Role::Developer), "").await.0, 204);
        assert_eq!(world.ask("DELETE", path, Some(Role::Developer), "").await.0, 404);
        let list = world.get("/api/v1/deployments?running=false").await;
        assert!(list["items"][0]["ended"].is_string(), "{list}");
        assert_eq!(
            world.audited().await,
            [
                "developer deployment.set production/shop",
                "developer deployment.set production/shop",
                "developer deployment.end production/shop",
            ]
        );
        let events = world.get("/api/v1/events").await;
        let kinds: Vec<&str> =
            events["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["deployed", "scanned", "undeployed"]);
    });
}

#[test]
fn bills_of_materials_are_written_from_the_report_and_taken_from_ci() {
    run(async {
        let app = image(&[("django", "4.0.5"), ("flask", "1.0")]);
        let world = world(&app).await;
        let path = format!("/api/v1/images/{}/sbom", app.digest());
        assert_eq!(world.ask("GET", &path, Some(Role::Viewer), "").await.0, 404);
        let given = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [
            { "type": "library", "name": "django", "version": "4.0.5", "purl": "pkg:pypi/django@4.0.5" },
            { "type": "library", "name": "flask" } ] });
        // Of an image that nobody knows nothing is taken.
        assert_eq!(world.send_json("PUT", &path, Role::Developer, &given).await.0, 404);
        world.push(&world.registry.host(), "1.0", &app.digest()).await;
        world.work().await;

        let bom = world.get(&path).await;
        let names: Vec<&str> =
            bom["components"].as_array().unwrap().iter().filter_map(|one| one["purl"].as_str()).collect();
        assert!(names.contains(&"pkg:pypi/django@4.0.5") && names.contains(&"pkg:pypi/flask@1.0"), "{bom}");
        assert_eq!(world.get(&path).await, bom, "the same scan gives another document");
        let spdx = world.get(&format!("{path}?format=spdx")).await;
        assert_eq!(spdx["spdxVersion"], "SPDX-2.3");
        assert_eq!(world.ask("GET", &format!("{path}?format=odd"), Some(Role::Viewer), "").await.0, 400);
        assert_eq!(world.ask("GET", &format!("{path}?given=true"), Some(Role::Viewer), "").await.0, 404);
        assert!(world.metrics().await.contains("\nassay_sbom_adoption_ratio 0\n"));

        assert_eq!(world.send_json("PUT", &path, Role::Viewer, &given).await.0, 403);
        for bad in ["", "{}", "[1", "{\"bomFormat\": \"CycloneDX\", \"specVersion\": \"9.9\"}", "<bom/>"] {
            let (status, body) = world.ask("PUT", &path, Some(Role::Developer), bad).await;
            assert!(status == 400 && body.contains("\"detail\":"), "{bad}: {status} {body}");
        }
        // Of six parts, one package has two, the other none.
        let want = json!({ "format": "cyclonedx", "score": 16, "packages": 2 });
        assert_eq!(world.send_json("PUT", &path, Role::Developer, &given).await, (200, want));
        let kept = world.ask("GET", &format!("{path}?given=true"), Some(Role::Viewer), "").await;
        assert_eq!(kept, (200, given.to_string()), "it is kept as it came");
        let list = world.get(&format!("/api/v1/images/{}/sboms", app.digest())).await;
        assert_eq!(
            (&list["items"][0]["format"], &list["items"][0]["score"]),
            (&json!("cyclonedx"), &json!(16))
        );
        // What was found is not what was given.
        assert_eq!(world.get(&path).await, bom);
        assert_eq!(world.audited().await, [format!("developer sbom.give {}", app.digest())]);
    });
}

#[test]
fn given_bills_of_materials_are_counted() {
    run(async {
        let app = image(&[("django", "4.0.5")]);
        let world = world(&app).await;
        world.push(&world.registry.host(), "1.0", &app.digest()).await;
        world.work().await;
        let given = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [
            { "type": "library", "name": "a", "version": "1", "purl": "pkg:pypi/a@1", "licenses": [{ "license": { "id": "MIT" } }] } ] });
        let path = format!("/api/v1/images/{}/sbom", app.digest());
        assert_eq!(world.send_json("PUT", &path, Role::Developer, &given).await.0, 200);
        let metrics = world.metrics().await;
        for line in ["assay_sbom_adoption_ratio 1", "assay_sbom_quality_ratio 0.5"] {
            assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
        }
    });
}

#[test]
fn what_was_not_seen_for_long_is_forgotten_and_said_beforehand() {
    run(async {
        let app = image(&[("django", "4.0.5")]);
        let other = image(&[("flask", "1.0")]);
        let world = world(&app).await;
        let first = now();
        for digest in [app.digest(), other.digest()] {
            let place = assay_store::Place {
                registry: "registry.example".to_owned(),
                repository: "team/app".to_owned(),
                tag: None,
            };
            let mut work = world.store.begin().await.unwrap();
            let long_ago = first.minus(Duration::from_secs(40 * DAY));
            work.see(&digest.parse().unwrap(), &place, long_ago).await.unwrap();
            work.commit().await.unwrap();
        }
        assert_eq!(
            world.send_json("POST", "/api/v1/builds", Role::Developer, &build(Some(&app.digest()))).await.0,
            201
        );
        let path = "/api/v1/deployments/production/shop";
        let body = json!({ "digest": app.digest() });
        assert_eq!(world.send_json("PUT", path, Role::Developer, &body).await.0, 201);

        let ask = async |query: &str| {
            world.send_json("GET", &format!("/api/v1/retention{query}"), Role::Viewer, &Value::Null).await
        };
        let (status, problem) = ask("").await;
        assert!(status == 400 && problem["detail"].as_str().unwrap().contains("--keep-days"), "{problem}");
        assert_eq!((ask("?days=0").await.0, ask("?days=99999").await.0), (400, 400));
        assert_eq!(ask("?days=41").await.1["items"], json!([]));
        let (_, list) = ask("?days=39").await;
        let item = &list["items"][0];
        assert_eq!((&item["digest"], &item["repository"]), (&json!(other.digest()), &json!("team/app")));
        assert_eq!(list["items"].as_array().unwrap().len(), 1, "what runs is to be forgotten");
        // Asking changed nothing, and without a number of days nothing is forgotten.
        assert_eq!(forget(&world.store, None, first).await.unwrap(), assay_server::Forgotten::default());
        assert_eq!(world.get("/api/v1/images").await["items"].as_array().unwrap().len(), 2);

        let keep = Some(Duration::from_secs(39 * DAY));
        let done = forget(&world.store, keep, first).await.unwrap();
        assert_eq!((done.images, done.builds), (1, 0));
        let left = world.get("/api/v1/images").await;
        assert_eq!(left["items"][0]["digest"], app.digest());
        let events = world.get(&format!("/api/v1/events?digest={}", other.digest())).await;
        assert_eq!(
            (&events["items"][0]["kind"], &events["items"][0]["detail"]["repository"]),
            (&json!("forgotten"), &json!("team/app"))
        );
        let audit = world.store.audit_log(0, 100).await.unwrap();
        let last = audit.last().unwrap();
        assert_eq!((last.actor.as_str(), last.action.as_str()), ("assay serve", "retention.forget"));
        assert!(last.detail.contains(&other.digest()), "{}", last.detail);
        // A service that has ended keeps nothing, and then its builds go, too.
        assert_eq!(world.ask("DELETE", path, Some(Role::Developer), "").await.0, 204);
        let much_later: Moment = first.plus(Duration::from_secs(400 * DAY));
        let done = forget(&world.store, keep, much_later).await.unwrap();
        assert_eq!((done.images, done.builds), (1, 1));
        assert_eq!(forget(&world.store, keep, much_later).await.unwrap(), assay_server::Forgotten::default());
    });
}
