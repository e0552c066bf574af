//! Who may ask what, how often, and in which form errors come.

use crate::fixture::{BUILT, World, database, image, now, run};
use assay_store::Role;
use assay_test::registry::Content;
use serde_json::{Value, json};

async fn world() -> World {
    World::start(Content::new(), &database(&[], BUILT), None).await
}

impl World {
    async fn create(&self, role: Role, body: &Value) -> (u16, Value) {
        let (status, body) = self.ask("POST", "/api/v1/tokens", Some(role), &body.to_string()).await;
        (status, serde_json::from_str(&body).unwrap())
    }
}

#[test]
fn administrators_let_others_in_and_out() {
    run(async {
        let world = world().await;
        let (status, made) = world.create(Role::Admin, &json!({ "name": "ci", "role": "developer" })).await;
        assert_eq!((status, &made["role"], &made["expires"]), (201, &json!("developer"), &Value::Null));
        let token = made["token"].as_str().unwrap();
        assert!(token.starts_with("assay_"));
        let hook = "/webhooks/distribution";
        assert_eq!(world.ask_as("POST", hook, Some(token), "{\"events\":[]}").await.0, 202);
        assert_eq!(world.ask_as("GET", "/api/v1/tokens", Some(token), "").await.0, 403);
        assert_eq!(
            world.create(Role::Admin, &json!({ "name": "ci", "role": "viewer" })).await.1["code"],
            "token-exists"
        );

        let list: Value =
            serde_json::from_str(&world.ask("GET", "/api/v1/tokens?after=4", Some(Role::Admin), "").await.1)
                .unwrap();
        assert_eq!((&list["items"][0]["name"], &list["items"][0]["revoked"]), (&json!("ci"), &Value::Null));
        assert!(!list.to_string().contains(token), "a token is shown again");

        assert_eq!(world.ask("DELETE", "/api/v1/tokens/ci", Some(Role::Security), "").await.0, 403);
        assert_eq!(world.ask("DELETE", "/api/v1/tokens/ci", Some(Role::Admin), "").await.0, 204);
        assert_eq!(world.ask_as("POST", hook, Some(token), "{\"events\":[]}").await.0, 401);
        assert_eq!(world.ask("DELETE", "/api/v1/tokens/ci", Some(Role::Admin), "").await.0, 404);
        // Nobody could let anybody in afterwards.
        let (status, body) = world.ask("DELETE", "/api/v1/tokens/admin", Some(Role::Admin), "").await;
        assert!(status == 409 && body.contains("last-administrator"), "{body}");

        assert_eq!(world.ask("GET", "/api/v1/audit", Some(Role::Developer), "").await.0, 403);
        let page: Value = serde_json::from_str(
            &world.ask("GET", "/api/v1/audit?limit=1", Some(Role::Security), "").await.1,
        )
        .unwrap();
        assert_eq!((&page["items"][0]["detail"]["role"], &page["next"]), (&json!("developer"), &json!(1)));
        let end = world.ask("GET", "/api/v1/audit/checkpoint", Some(Role::Security), "").await.1;
        let end: Value = serde_json::from_str(&end).unwrap();
        let log = world.store.audit_log(0, 100).await.unwrap();
        assert_eq!(
            (&end["sequence"], end["hash"].as_str()),
            (&json!(2), log.last().map(|entry| entry.hash.as_str()))
        );
        let told: Vec<String> =
            log.iter().map(|entry| format!("{} {} {}", entry.actor, entry.action, entry.subject)).collect();
        assert_eq!(told, ["admin token.create ci", "admin token.revoke ci"]);
    });
}

#[test]
fn a_token_is_made_only_of_what_makes_sense() {
    run(async {
        let world = world().await;
        for expires in ["tomorrow", "2001-01-01T00:00:00Z"] {
            let body = json!({ "name": "x", "role": "viewer", "expires": expires });
            let (status, problem) = world.create(Role::Admin, &body).await;
            assert_eq!((status, &problem["code"]), (422, &json!("unprocessable")), "{body}: {problem}");
        }
        for body in [
            json!({ "name": "", "role": "viewer" }),
            json!({ "name": "аdmin", "role": "viewer" }),
            json!({ "name": "a\u{0}b", "role": "viewer" }),
            json!({ "name": "x".repeat(101), "role": "viewer" }),
            json!({ "name": "x", "role": "root" }),
            json!({ "name": "x", "role": "viewer", "scope": "all" }),
            json!([]),
        ] {
            let (status, problem) = world.create(Role::Admin, &body).await;
            assert_eq!((status, &problem["code"]), (400, &json!("invalid-request")), "{body}: {problem}");
        }
        for role in [Role::Viewer, Role::Developer, Role::Security] {
            assert_eq!(world.create(role, &json!({ "name": "x", "role": "viewer" })).await.0, 403);
        }
        let until = now().plus(std::time::Duration::from_secs(3600)).timestamp().to_string();
        let (status, made) =
            world.create(Role::Admin, &json!({ "name": "x", "role": "viewer", "expires": until })).await;
        assert_eq!((status, made["expires"].as_str()), (201, Some(until.as_str())));
    });
}

#[test]
fn every_error_is_a_problem() {
    run(async {
        let world = world().await;
        for (method, path, status, code) in [
            ("GET", "/api/v1/images?limit=many", 400, "invalid-request"),
            ("GET", "/api/v1/images?scanned=perhaps", 400, "invalid-request"),
            ("GET", "/api/v1/images?severity=awful", 400, "invalid-request"),
            ("DELETE", "/api/v1/images", 405, "method-not-allowed"),
            ("GET", "/api/v1/nothing", 404, "not-found"),
            ("GET", "/api/v1/images/%FF", 400, "invalid-request"),
        ] {
            let (got, body) = world.ask(method, path, Some(Role::Viewer), "").await;
            let problem: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {body}"));
            assert_eq!((got, problem["code"].as_str()), (status, Some(code)), "{path}: {problem}");
            assert!(world.head.lock().unwrap().contains("content-type: application/problem+json"), "{path}");
        }
        let (status, body) =
            world.ask("POST", "/webhooks/distribution", Some(Role::Developer), &"x".repeat(5 << 20)).await;
        assert!(status == 413 && body.contains("too-large"), "{body}");
    });
}

#[test]
fn images_and_events_can_be_chosen() {
    run(async {
        let app = image(&[("django", "4.0.5")]);
        let content = Content::new().image("1.0", &app);
        let world = World::start(content, &database(&[("CVE-2022-1", "django", "4.0.6")], BUILT), None).await;
        let host = world.registry.host();
        world.push(&host, "1.0", &app.digest()).await;
        let count = async |query: &str| {
            world.get(&format!("/api/v1/{query}")).await["items"].as_array().unwrap().len()
        };
        // Seen, but not scanned yet.
        world.worker.step().await.unwrap();
        assert_eq!((count("images?scanned=false").await, count("images?scanned=true").await), (1, 0));
        world.work().await;
        assert_eq!((count("images?scanned=false").await, count("images?scanned=true").await), (0, 1));
        for (query, want) in [
            ("images?repository=team/app", 1),
            ("images?repository=team", 0),
            ("images?registry=elsewhere.example", 0),
            ("images?severity=critical", 1),
            ("images?severity=high", 0),
            ("events?kind=scanned", 1),
            ("events?kind=tag-moved", 0),
        ] {
            assert_eq!(count(query).await, want, "{query}");
        }
        assert_eq!(count(&format!("images?registry={host}&repository=team/app&severity=critical")).await, 1);
    });
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back() {
    run(async {
        let world = world().await;
        let mut refused = None;
        for number in 0..2000 {
            let (status, body) = world.ask("GET", "/api/v1/events", Some(Role::Viewer), "").await;
            if status == 429 {
                assert!(body.contains("too-often") && number >= 400, "{number}: {body}");
                assert!(world.head.lock().unwrap().contains("retry-after: 1"));
                refused = Some(number);
                break;
            }
        }
        assert!(refused.is_some());
        // Others are not concerned.
        assert_eq!(world.ask("GET", "/api/v1/events", Some(Role::Admin), "").await.0, 200);

        let mut guesses = 0;
        while world.ask_as("GET", "/api/v1/events", Some("assay_guess"), "").await.0 == 401 {
            guesses += 1;
            assert!(guesses < 2000, "guessing is not limited");
        }
        assert!(guesses >= 100);
        assert_eq!(world.ask("GET", "/healthz", None, "").await.0, 200);
        // Nor do pods wait for who guesses.
        let review = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#;
        assert_eq!(world.ask_as("POST", "/admission/validate", Some("assay_guess"), review).await.0, 503);
    });
}

#[test]
fn the_secrets_of_webhooks_cannot_be_guessed_either() {
    run(async {
        let world = world().await;
        let mut guesses = 0;
        loop {
            let path = format!("/webhooks/quay?token=guess{guesses}");
            match world.ask("POST", &path, None, "{}").await.0 {
                401 => guesses += 1,
                status => break assert_eq!(status, 429),
            }
            assert!(guesses < 2000, "guessing is not limited");
        }
        assert!(guesses >= 100);
    });
}

#[test]
fn the_blast_radius_of_versions_counts_what_cannot_be_compared() {
    run(async {
        let names = [("a", "1.0"), ("b", "2.0"), ("c", "not a version")];
        let mut content = Content::new();
        let images: Vec<_> = names.iter().map(|(_, version)| image(&[("flask", version)])).collect();
        for ((tag, _), image) in names.iter().zip(&images) {
            content = content.image(tag, image);
        }
        let both = image(&[("flask", "3.0"), ("django", "1")]);
        let world = World::start(content.image("d", &both), &database(&[], BUILT), None).await;
        for ((tag, _), image) in names.iter().zip(&images) {
            world.push(&world.registry.host(), tag, &image.digest()).await;
        }
        world.push(&world.registry.host(), "d", &both.digest()).await;
        world.work().await;
        let radius = async |query: &str| {
            let answer =
                world.get(&format!("/api/v1/blast-radius?package=flask&ecosystem=PyPI&{query}")).await;
            let mut found: Vec<String> = answer["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|hit| format!("{} {}", hit["version"].as_str().unwrap(), hit["inRange"]))
                .collect();
            found.sort();
            (found, answer["next"].clone())
        };
        assert_eq!(radius("").await.0, ["1.0 null", "2.0 null", "3.0 null", "not a version null"]);
        assert_eq!(radius("versions=%3E%3D1.5%2C%3C3").await.0, ["2.0 true", "not a version null"]);
        // Pages go on although nothing on them is inside.
        let (mut all, mut after) = (Vec::new(), json!(0));
        while after != Value::Null {
            let (found, next) = radius(&format!("versions=%3C2&limit=1&after={after}")).await;
            all.extend(found);
            after = next;
        }
        assert_eq!(all, ["1.0 true", "not a version null"]);
        for query in [
            "package=flask&versions=%3C2",
            "advisory=CVE-1&ecosystem=PyPI&versions=%3C2",
            "package=flask&ecosystem=PyPI&versions=%3C%3C%3C",
            "package=flask&ecosystem=Nowhere&versions=1",
        ] {
            let path = format!("/api/v1/blast-radius?{query}");
            assert_eq!(world.ask("GET", &path, Some(Role::Viewer), "").await.0, 422, "{query}");
        }
    });
}
