//! The API as it is described: every address is in the document, asks for the role that stands there, and is as strict as it says.

use crate::fixture::{BUILT, World, database, image, run};
use assay_server::api::{document, operations};
use assay_store::{NewJob, Place, Role};
use assay_test::registry::Content;
use serde_json::{Value, json};
use std::path::Path;

const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: p}\ntiers:\n  - {name: t, onPending: deny}\n\
    rules:\n  - {id: critical, vulnerabilities: {max: {critical: 0}}}\n";

/// A world in which the image that [`filled`] names was seen.
async fn world() -> World {
    let world = World::start(Content::new(), &database(&[], BUILT), None).await;
    let place = Place {
        registry: "registry.example".to_owned(),
        repository: "team/app".to_owned(),
        tag: Some("1.0".to_owned()),
    };
    let mut work = world.store.begin().await.unwrap();
    work.see(&digest().parse().unwrap(), &place, crate::fixture::now()).await.unwrap();
    work.commit().await.unwrap();
    world
}

fn digest() -> String {
    format!("sha256:{}", "0".repeat(64))
}

fn operation(method: &str, path: &str) -> &'static Value {
    &document()["paths"][path][method.to_lowercase()]
}

/// An address with something in the place of its names.
fn filled(path: &str) -> String {
    path.replace("{digest}", &digest())
        .replace("{name}", "nobody")
        .replace("{id}", "1")
        .replace("{environment}", "production")
        .replace("{service}", "shop")
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_address_is_in_the_document() {
    // The list in `api/document.rs` makes both; nothing may be added beside it.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files(&source) {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let squeezed: String = text.split_whitespace().collect();
        assert!(!squeezed.contains(".route(\"/api/"), "{}: add it to `api::router`", file.display());
        let described = text.matches("path = \"/api/v1/").count();
        let listed =
            operations().iter().filter(|(_, path)| text.contains(&format!("path = \"{path}\""))).count();
        assert!(
            described <= listed,
            "{}: an address that is described is not in `api::router`",
            file.display()
        );
    }
    run(async {
        let world = world().await;
        let served: Value =
            serde_json::from_str(&world.ask("GET", "/api/v1/openapi.json", None, "").await.1).unwrap();
        assert_eq!(&served, document());
        assert_eq!(served["openapi"], "3.1.0");
        assert_eq!(operations().len(), 39);
        for (method, path) in operations() {
            let (status, body) = world.ask(&method, &filled(&path), Some(Role::Admin), "").await;
            assert!(!body.contains("nothing at this address") && status != 405, "{method} {path}: {body}");
            let operation = operation(&method, &path);
            assert!(
                operation["summary"].is_string() && operation["operationId"].is_string(),
                "{method} {path}"
            );
        }
    });
}

#[test]
fn the_role_that_is_described_is_the_one_that_is_asked_for() {
    run(async {
        let world = world().await;
        for (method, path) in operations() {
            let asked = filled(&path);
            let role = operation(&method, &path)["security"][0]["token"][0].as_str();
            let Some(role) = role else {
                assert_eq!(path, "/api/v1/openapi.json");
                continue;
            };
            let role: Role = role.parse().unwrap();
            assert_eq!(world.ask(&method, &asked, None, "").await.0, 401, "{method} {path}");
            for less in Role::ALL {
                let (status, body) = world.ask(&method, &asked, Some(less), "").await;
                assert_eq!(status == 403, less < role, "{method} {path} as {less:?}: {status} {body}");
                let described = &operation(&method, &path)["responses"][status.to_string()];
                assert!(described.is_object(), "{method} {path}: {status} is not described");
            }
        }
    });
}

#[test]
fn lists_are_alike_and_take_nothing_that_is_not_described() {
    run(async {
        let world = world().await;
        let mut listed = Vec::new();
        for (method, path) in operations().iter().filter(|(method, _)| method == "GET") {
            let parameters = operation(method, path)["parameters"].as_array().cloned().unwrap_or_default();
            let named = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
            let query = |query: &str| format!("{}?{query}", filled(path));
            if parameters.iter().any(|parameter| parameter["in"] == "query") {
                let (status, body) = world.ask("GET", &query("sevrity=high"), Some(Role::Admin), "").await;
                assert!(status == 400 && body.contains("sevrity"), "{path}: {status} {body}");
            }
            assert_eq!(named("after"), named("limit"), "{path}");
            if !named("limit") {
                continue;
            }
            let sample = match path.rsplit('/').next().unwrap() {
                "blast-radius" => "package=x&",
                "retention" => "days=1&",
                _ => "",
            };
            for (wrong, want) in [
                ("limit=0", 400),
                ("limit=1001", 400),
                ("after=-1", 400),
                ("limit=", 400),
                ("limit=1000&after=0", 200),
            ] {
                let (status, body) =
                    world.ask("GET", &query(&format!("{sample}{wrong}")), Some(Role::Admin), "").await;
                assert_eq!(status, want, "{path}?{wrong}: {body}");
                if want == 200 {
                    let list: Value = serde_json::from_str(&body).unwrap();
                    assert!(list["items"].is_array() && list["next"].is_null(), "{path}: {list}");
                    listed.push(path.clone());
                }
            }
        }
        let lists = [
            "audit",
            "blast-radius",
            "builds",
            "channels",
            "crawls",
            "credentials",
            "deployments",
            "events",
            "images",
            "images/{digest}/evidence",
            "images/{digest}/findings",
            "promotions",
            "retention",
            "tokens",
            "triage",
        ];
        assert_eq!(listed, lists.map(|list| format!("/api/v1/{list}")));
    });
}

#[test]
fn other_methods_and_bodies_are_refused_with_what_is_possible() {
    run(async {
        let world = world().await;
        let admin = format!("Authorization: Bearer {}\r\n", crate::fixture::token(Role::Admin).reveal());
        let (status, head, body) = world.send("PATCH", "/api/v1/images", &admin, "").await;
        assert!(status == 405 && body.contains("method-not-allowed"), "{body}");
        let allow = head
            .to_ascii_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("allow: ").map(str::to_owned));
        assert_eq!(allow.as_deref(), Some("get,head,post"));
        // Two headers of one name: the first that `World::send` writes says JSON, so these come without it.
        for (kind, want) in [
            ("application/json; charset=utf-8", 400),
            ("text/plain", 415),
            ("application/x-www-form-urlencoded", 415),
        ] {
            let (status, body) = post(&world, kind, "{").await;
            assert_eq!(status, want, "{kind}: {body}");
        }
        let (status, body) = post(&world, "application/json", &format!("\"{}\"", "x".repeat(70_000))).await;
        assert!(status == 413 && body.contains("too-large"), "{body}");
    });
}

/// Returns the addresses that take a body in JSON.
fn bodies() -> Vec<(String, String)> {
    let takes = |(method, path): &(String, String)| {
        operation(method, path)["requestBody"]["content"]["application/json"].is_object()
    };
    operations().into_iter().filter(takes).collect()
}

async fn post(world: &World, kind: &str, body: &str) -> (u16, String) {
    send(world, "POST", "/api/v1/tokens", kind, body).await
}

#[test]
fn bodies_are_json_and_have_no_member_that_is_not_described() {
    run(async {
        let world = world().await;
        let bodies = bodies();
        assert_eq!(bodies.len(), 7, "{bodies:?}");
        for (method, path) in bodies {
            let asked = filled(&path);
            let (status, body) = send(&world, &method, &asked, "text/plain", "{}").await;
            assert!(status == 415 && body.contains("not-json"), "{path}: {status} {body}");
            let (status, body) =
                send(&world, &method, &asked, "application/json", r#"{"colour": "red"}"#).await;
            assert!(status == 400 && body.contains("unknown field `colour`"), "{path}: {status} {body}");
            // A build may come with a long log.
            if path == "/api/v1/builds" {
                continue;
            }
            let large = format!("\"{}\"", "x".repeat(70_000));
            let (status, body) = send(&world, &method, &asked, "application/json", &large).await;
            assert!(status == 413 && body.contains("too-large"), "{path}: {status} {body}");
        }
    });
}

async fn send(world: &World, method: &str, path: &str, kind: &str, body: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let token = crate::fixture::token(Role::Admin);
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\n\
         Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        token.reveal(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn an_image_that_is_asked_for_is_resolved_and_scanned_once_and_judged() {
    run(async {
        let (bad, good) = (image(&[("django", "4.0.5")]), image(&[("django", "4.0.6")]));
        let content = Content::new().image("bad", &bad).image("good", &good);
        let database = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        let world = World::start(content, &database, Some(POLICY)).await;
        let host = world.registry.host();
        let ask = async |reference: &str, role: Role| {
            let body = json!({ "reference": reference }).to_string();
            let (status, body) = world.ask("POST", "/api/v1/images", Some(role), &body).await;
            (status, serde_json::from_str::<Value>(&body).unwrap())
        };
        let name = format!("{host}/team/app:bad");
        assert_eq!(ask(&name, Role::Viewer).await.0, 403);
        // Only what the operator named is ever asked.
        let (status, problem) = ask("elsewhere.example/team/app:1.0", Role::Developer).await;
        assert!(
            status == 422 && problem["detail"].as_str().unwrap().contains("--registry elsewhere.example"),
            "{problem}"
        );
        assert_eq!(ask("not a name", Role::Developer).await.0, 422);

        let reference = format!("/api/v1/reference?reference={name}");
        assert_eq!(world.get(&reference).await["digest"], Value::Null);
        let (status, asked) = ask(&name, Role::Developer).await;
        assert_eq!(status, 202, "{asked}");
        let job = format!("/api/v1/jobs/{}", asked["job"]);
        assert_eq!(world.get(&job).await["state"], "queued");
        world.worker.step().await.unwrap();
        assert_eq!(world.get(&job).await["state"], "done");
        assert_eq!(world.get(&reference).await["digest"], bad.digest());
        let verdict = format!("/api/v1/images/{}/verdict", bad.digest());
        let (status, body) = world.ask("GET", &verdict, Some(Role::Viewer), "").await;
        assert!(status == 409 && body.contains("not-scanned"), "{body}");
        world.work().await;

        // What is known is not scanned again; what the name stands for is asked each time.
        ask(&name, Role::Developer).await;
        world.work().await;
        let events = world.get(&format!("/api/v1/events?digest={}&kind=scanned", bad.digest())).await;
        assert_eq!(events["items"].as_array().unwrap().len(), 1, "{events}");
        let actions = world.store.audit_like(Some("developer"), Some("image.ask"), 0, 10).await.unwrap();
        assert_eq!(actions.len(), 2);

        let answer = world.get(&format!("{verdict}?reference={name}&namespace=web&labels=app=web")).await;
        assert_eq!(answer["decision"], "deny", "{answer}");
        assert!(answer["lines"][0].as_str().unwrap().contains("critical"), "{answer}");
        assert_eq!(
            (&answer["verdict"]["schema"], &answer["verdict"]["verdict"]),
            (&json!("assay.verdict/v1"), &json!("deny"))
        );
        ask(&format!("{host}/team/app:good"), Role::Developer).await;
        world.work().await;
        assert_eq!(
            world.get(&format!("/api/v1/images/{}/verdict", good.digest())).await["decision"],
            "admit"
        );
        // A name with another digest cannot borrow this one's verdict.
        let other = format!("{verdict}?reference={host}/team/app@{}", good.digest());
        assert_eq!(world.ask("GET", &other, Some(Role::Viewer), "").await.0, 422);
        let unknown = format!("/api/v1/images/sha256:{}/verdict", "0".repeat(64));
        assert_eq!(world.ask("GET", &unknown, Some(Role::Viewer), "").await.0, 404);
    });
}

#[test]
fn what_is_no_image_any_more_is_not_answered_with_what_it_was() {
    run(async {
        let world = World::start(Content::new(), &database(&[], BUILT), Some(POLICY)).await;
        let body = json!({ "reference": format!("{}/team/app:gone", world.registry.host()) }).to_string();
        let asked: Value =
            serde_json::from_str(&world.ask("POST", "/api/v1/images", Some(Role::Developer), &body).await.1)
                .unwrap();
        world.worker.step().await.unwrap();
        let job = world.get(&format!("/api/v1/jobs/{}", asked["job"])).await;
        assert!(job["error"].as_str().unwrap().contains("cannot resolve"), "{job}");
        assert_eq!(job["maxAttempts"], 2);
    });
}

#[test]
fn filters_choose() {
    run(async {
        let app = image(&[("django", "4.0.5")]);
        let content = Content::new().image("1.0", &app);
        let world = World::start(content, &database(&[("CVE-2022-1", "django", "4.0.6")], BUILT), None).await;
        let host = world.registry.host();
        world.push(&host, "1.0", &app.digest()).await;
        world.work().await;
        let mut work = world.store.begin().await.unwrap();
        let now = crate::fixture::now();
        work.ask_for_crawl(&host, "team/app", now, now).await.unwrap();
        work.enqueue(
            &NewJob {
                kind: "crawl".to_owned(),
                name: format!("{host}/team/app"),
                registry: host.clone(),
                payload: "team/app".to_owned(),
                priority: 0,
                max_attempts: 1,
            },
            now,
        )
        .await
        .unwrap();
        work.audit("ci", "token.create", "x", &json!({}), now).await.unwrap();
        work.commit().await.unwrap();
        for (query, want) in [
            ("blast-radius?advisory=CVE-2022-1&repository=team/app", 1),
            ("blast-radius?advisory=CVE-2022-1&repository=team/other", 0),
            (&format!("blast-radius?package=django&registry={host}"), 1),
            ("blast-radius?package=django&registry=elsewhere.example", 0),
            ("audit?actor=ci", 1),
            ("audit?actor=nobody", 0),
            ("audit?actor=ci&action=token.create", 1),
            ("audit?action=token.revoke", 0),
            ("tokens?role=admin", 1),
            ("tokens?name=viewer", 1),
            ("tokens?name=viewer&role=admin", 0),
            ("crawls?repository=team/app", 1),
            ("crawls?registry=elsewhere.example", 0),
        ] {
            let (status, body) = world.ask("GET", &format!("/api/v1/{query}"), Some(Role::Admin), "").await;
            assert_eq!(status, 200, "{query}: {body}");
            let list: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(list["items"].as_array().unwrap().len(), want, "{query}: {list}");
        }
    });
}
