//! Tokens that are bound to a team: every address of the API and every page, over a server with images of two teams.
//!
//! Everything that is the blue team's has `blue` in its name, so that whatever tells the red team of it is found.

use crate::fixture::{BUILT, World, database, now};
use assay_model::Digest;
use assay_server::Owners;
use assay_server::api::{document, operations};
use assay_store::{FileSeen, NewPromotion, Place, Role};
use assay_test::http::Server;
use assay_test::image::{Builder, BuiltImage, Tree};
use assay_test::registry::Content;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: p}\ntiers:\n  - {name: t, onPending: deny}\n\
    rules:\n  - {id: critical, vulnerabilities: {max: {critical: 0}}}\nexceptions:\n  - {id: EX-1, advisories: [CVE-2022-1], \
    images: ['*/blue/**'], owner: blue, reason: late, approvedBy: ben, expires: 2023-01-01}\n";

/// The file that only the blue image has.
const BLUE_FILE: &[u8] = b"#!/bin/sh\necho blue\n";

struct Fleet {
    world: World,
    red: BuiltImage,
    blue: BuiltImage,
    /// In a repository of each team: the blue had it first.
    both: BuiltImage,
    /// The numbers of what is the blue team's.
    jobs: BTreeMap<String, i64>,
}

impl Fleet {
    fn host(&self) -> String {
        self.world.registry.host()
    }

    /// Asks with the token of this name.
    async fn ask(&self, token: &str, method: &str, path: &str, body: &str) -> (u16, String) {
        let tokens = TOKENS.with(|tokens| tokens.borrow().get(token).cloned());
        // Who walks through everything asks more often than somebody may.
        loop {
            let (status, body) = self.world.ask_as(method, path, tokens.as_deref(), body).await;
            if status != 429 {
                return (status, body);
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }

    async fn get(&self, token: &str, path: &str) -> Value {
        let (status, body) = self.ask(token, "GET", path, "").await;
        assert_eq!(status, 200, "{path} as {token}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    async fn make(&self, by: &str, name: &str, role: &str, teams: &[&str]) -> (u16, Value) {
        let mut asked = json!({ "name": name, "role": role });
        if !teams.is_empty() {
            asked["teams"] = json!(teams);
        }
        let (status, body) = self.ask(by, "POST", "/api/v1/tokens", &asked.to_string()).await;
        let made: Value = serde_json::from_str(&body).unwrap();
        if status == 201 {
            let token = made["token"].as_str().unwrap().to_owned();
            TOKENS.with(|tokens| tokens.borrow_mut().insert(name.to_owned(), token));
        }
        (status, made)
    }
}

thread_local! {
    static TOKENS: std::cell::RefCell<BTreeMap<String, String>> = std::cell::RefCell::default();
}

/// Runs on this thread only, which knows the tokens.
fn on_this_thread(test: impl AsyncFnOnce(Fleet)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { test(fleet().await).await });
}

fn built(packages: &[(&str, &str)], file: &[u8]) -> BuiltImage {
    let mut tree = Tree::new().file("usr/bin/tool", file);
    for (name, version) in packages {
        let path = format!("usr/lib/python3/dist-packages/{name}-{version}.dist-info/METADATA");
        tree = tree.file(&path, format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"));
    }
    Builder::new().layer(tree, "COPY . /").build()
}

async fn fleet() -> Fleet {
    let red = built(&[("django", "4.0.5")], b"#!/bin/sh\necho red\n");
    let blue = built(&[("django", "4.0.4"), ("bluelib", "1.0")], BLUE_FILE);
    let both = built(&[("django", "4.0.3")], b"#!/bin/sh\necho both\n");
    let content = Content::new()
        .image("red-1", &red)
        .image("blue-1", &blue)
        .image("blue-2", &both)
        .image("red-2", &both);
    let server = Server::start(move |request| content.answer(request));
    let first = database(&[("CVE-2022-1", "django", "4.0.6"), ("CVE-BLUE-1", "bluelib", "2.0")], BUILT);
    let pairs = ["HOST/red/app=HOST/red/release", "HOST/blue/app=HOST/blue/release"];
    let world = World::promoting(server, &first, Some(POLICY), &pairs, &[]).await;
    TOKENS.with(|tokens| {
        let mut tokens = tokens.borrow_mut();
        tokens.clear();
        for role in Role::ALL {
            tokens.insert(role.name().to_owned(), crate::fixture::token(role).reveal().to_owned());
        }
    });
    let mut fleet = Fleet { world, red, blue, both, jobs: BTreeMap::new() };
    let host = fleet.host();
    for (repository, tag, image) in [
        ("blue/app", "blue-1", &fleet.blue),
        ("blue/app", "blue-2", &fleet.both),
        ("red/app", "red-1", &fleet.red),
        ("red/app", "red-2", &fleet.both),
    ] {
        fleet.world.push_to(&host, repository, tag, &image.digest()).await;
        fleet.world.work().await;
    }
    for (team, tag, image) in [
        ("red", "red-1", fleet.red.digest()),
        ("blue", "blue-1", fleet.blue.digest()),
        ("blue", "blue-2", fleet.both.digest()),
    ] {
        let place = format!("{host}/{team}/app");
        let expect = async |method: &str, path: &str, body: Value, want: u16| {
            let (status, answer) = fleet.ask("admin", method, path, &body.to_string()).await;
            assert_eq!(status, want, "{path}: {answer}");
            serde_json::from_str::<Value>(&answer).unwrap_or_default()
        };
        let build = json!({ "digest": image, "image": place, "recipe": format!("commit of {team} {tag}"), "outcome": "success",
            "started": "2023-11-14T00:00:00Z", "durationSeconds": 1, "log": format!("built by {team}") });
        expect("POST", "/api/v1/builds", build, 201).await;
        let sbom = json!({ "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "components": [{ "type": "library", "name": format!("{team}-component"), "version": "1" }] });
        if tag != "blue-2" {
            expect("PUT", &format!("/api/v1/images/{image}/sbom"), sbom, 200).await;
        }
        let deployed = json!({ "digest": image, "team": team, "owner": format!("owner-{team}") });
        expect("PUT", &format!("/api/v1/deployments/production/{team}-{tag}"), deployed, 201).await;
        let decision = json!({ "advisory": "CVE-2022-1", "repository": place, "state": "false-positive",
            "reason": format!("{team} says so"), "owner": team });
        expect("POST", "/api/v1/triage", decision, 201).await;
        let asked =
            expect("POST", "/api/v1/images", json!({ "reference": format!("{place}:{tag}") }), 202).await;
        fleet.jobs.insert(tag.to_owned(), asked["job"].as_i64().unwrap());
        fleet.world.work().await;
        let file = if tag == "blue-1" { BLUE_FILE } else { b"red" };
        let sha256 = assay_test::image::digest(file).parse::<Digest>().unwrap();
        let Digest::Sha256(sha256) = sha256 else { panic!("no SHA-256") };
        let file = FileSeen { sha256, path: format!("usr/bin/{team}") };
        let mut work = fleet.world.store.begin().await.unwrap();
        let at = |repository: &str, tag: Option<&str>| Place {
            registry: host.clone(),
            repository: format!("{team}/{repository}"),
            tag: tag.map(str::to_owned),
        };
        let (from, to) = (at("app", None), at("release", Some(tag)));
        let digest = image.parse().unwrap();
        let promotion =
            NewPromotion { from: &from, to: &to, digest, actor: team, verdict: "admit", policy: "p" };
        work.start_promotion(&promotion, now()).await.unwrap();
        work.save_files(&digest, &[file]).await.unwrap();
        work.record(
            "promotion-failed",
            Some(&digest),
            &json!({ "source": from.repository, "target": format!("{host}/{team}/release") }),
            now(),
        )
        .await
        .unwrap();
        work.commit().await.unwrap();
        // A pod asks for it, so that there is a verdict.
        let path = format!("/api/v1/images/{image}/verdict?reference={place}:{tag}&namespace={team}");
        assert_eq!(fleet.get("viewer", &path).await["decision"], "deny");
    }
    for (name, role, teams) in [
        ("red-admin", "admin", &["red"][..]),
        ("red-viewer", "viewer", &["red"]),
        ("blue-admin", "admin", &["blue"]),
        ("green-admin", "admin", &["green"]),
        ("case-admin", "admin", &["Red"]),
    ] {
        assert_eq!(fleet.make("admin", name, role, teams).await.0, 201, "{name}");
    }
    fleet
}

/// Says whether a text tells of the blue team.
fn tells(fleet: &Fleet, text: &str) -> bool {
    // What is in the query of the page itself is no answer: see `walked`.
    let digest = fleet.blue.digest();
    let short = digest.trim_start_matches("sha256:").get(..12).unwrap().to_owned();
    text.to_lowercase().contains("blue") || text.contains(&short)
}

fn filled(path: &str, digest: &str, id: i64) -> String {
    path.replace("{digest}", digest).replace("{id}", &id.to_string()).replace("{name}", "viewer")
}

/// What lists are asked besides.
fn queries(path: &str, fleet: &Fleet) -> Vec<String> {
    let host = fleet.host();
    let file = assay_test::image::digest(BLUE_FILE);
    match path {
        "/api/v1/blast-radius" => vec![
            "?package=django".to_owned(),
            "?package=bluelib".to_owned(),
            "?advisory=CVE-2022-1".to_owned(),
            "?advisory=CVE-2022-1&triage=settled".to_owned(),
            "?advisory=CVE-BLUE-1".to_owned(),
            "?rule=aws-access-key-id".to_owned(),
            format!("?file={file}"),
            format!("?package=django&registry={host}&repository=blue/app"),
        ],
        "/api/v1/images" => {
            vec![String::new(), "?repository=blue/app".to_owned(), "?severity=critical".to_owned()]
        }
        "/api/v1/retention" => vec!["?days=1".to_owned()],
        "/api/v1/reference" => {
            vec![format!("?reference={host}/red/app:red-2"), format!("?reference={host}/red/app:none")]
        }
        "/api/v1/images/{digest}/sbom" => {
            vec![String::new(), "?given=true".to_owned(), "?format=spdx".to_owned()]
        }
        "/api/v1/images/{digest}/findings" => {
            vec![String::new(), "?standing=gone".to_owned(), "?triage=settled".to_owned()]
        }
        _ => vec![String::new()],
    }
}

/// Every address that is read, with everything that there is in the place of its names.
fn addresses(fleet: &Fleet) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (method, path) in operations() {
        if method != "GET" || path == "/api/v1/openapi.json" {
            continue;
        }
        let digests: &[String] = &[fleet.red.digest(), fleet.blue.digest(), fleet.both.digest()];
        let ids: Vec<i64> = if path.contains("{id}") { (0..60).collect() } else { vec![0] };
        for query in queries(&path, fleet) {
            let some = if path.contains("{digest}") { digests } else { &digests[..1] };
            for digest in some {
                all.extend(
                    ids.iter().map(|id| (path.clone(), format!("{}{query}", filled(&path, digest, *id)))),
                );
            }
        }
    }
    all
}

#[test]
fn no_answer_of_the_api_tells_a_team_of_another() {
    on_this_thread(async |fleet| {
        let mut answered: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for (path, address) in addresses(&fleet) {
            let (status, body) = fleet.ask("red-admin", "GET", &address, "").await;
            assert!(!tells(&fleet, &body), "{address}: {status} {body}");
            answered.entry(path.clone()).or_default().insert(status);
            let (status, body) = fleet.ask("admin", "GET", &address, "").await;
            if status == 200 && tells(&fleet, &body) {
                told.insert(path);
            }
        }
        // Everything was answered, but for what is of the whole fleet.
        let whole: BTreeSet<&str> = answered
            .iter()
            .filter(|(_, statuses)| !statuses.contains(&200))
            .map(|(path, _)| path.as_str())
            .collect();
        let of_fleet = ["audit", "audit/checkpoint", "channels", "crawls", "credentials", "retention"];
        assert_eq!(
            whole,
            of_fleet
                .iter()
                .map(|name| format!("/api/v1/{name}"))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .collect()
        );
        // Who sees everything is told of the blue team by all the others: so this would have found it.
        let silent: Vec<&String> = answered.keys().filter(|path| !told.contains(*path)).collect();
        let content_only = [
            "/api/v1/audit/checkpoint",
            "/api/v1/channels",
            "/api/v1/crawls",
            "/api/v1/images/{digest}/sboms",
            "/api/v1/jobs/{id}",
            "/api/v1/reference",
            "/api/v1/retention",
        ];
        assert_eq!(silent, content_only);
    });
}

#[test]
fn what_is_of_another_team_is_not_told_from_what_is_not_there() {
    on_this_thread(async |fleet| {
        let (blue, unknown) = (fleet.blue.digest(), format!("sha256:{}", "7".repeat(64)));
        let host = fleet.host();
        let same = async |method: &str,
                          blue_path: &str,
                          blue_body: &str,
                          unknown_path: &str,
                          unknown_body: &str,
                          want: u16| {
            let one = fleet.ask("red-admin", method, blue_path, blue_body).await;
            let other = fleet.ask("red-admin", method, unknown_path, unknown_body).await;
            assert_eq!((one.0, one.1.replace(&blue, &unknown)), other, "{method} {blue_path}");
            assert_eq!(one.0, want, "{method} {blue_path}: {}", one.1);
        };
        let mut compared = 0;
        for (method, path) in operations() {
            if method != "GET" || !path.contains("{digest}") {
                continue;
            }
            for query in queries(&path, &fleet) {
                let [one, other] =
                    [&blue, &unknown].map(|digest| format!("{}{query}", filled(&path, digest, 0)));
                let want = if path.ends_with("/sboms") { 200 } else { 404 };
                same("GET", &one, "", &other, "", want).await;
                compared += 1;
            }
        }
        assert!(compared >= 8, "{compared}");
        for list in ["events", "deployments", "builds"] {
            let [one, other] = [&blue, &unknown].map(|digest| format!("/api/v1/{list}?digest={digest}"));
            same("GET", &one, "", &other, "", 200).await;
        }
        let [one, other] =
            ["blue-1", "none"].map(|tag| format!("/api/v1/reference?reference={host}/blue/app:{tag}"));
        let (status, told) = fleet.ask("red-admin", "GET", &one, "").await;
        assert_eq!((status, told.replace("blue-1", "none")), fleet.ask("red-admin", "GET", &other, "").await);
        assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["digest"], Value::Null);
        let of = |digest: &str| format!("/api/v1/reference?reference={host}/red/app@{digest}");
        same("GET", &of(&blue), "", &of(&unknown), "", 200).await;

        let decisions = fleet.get("admin", "/api/v1/triage").await;
        let of_blue = decisions["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["owner"] == "blue" && one["ended"].is_null())
            .unwrap()["id"]
            .to_string();
        let builds = fleet.get("admin", "/api/v1/builds").await;
        let built = builds["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["digest"] == json!(blue))
            .unwrap()["id"]
            .to_string();
        let job = fleet.jobs["blue-1"].to_string();
        for (method, address, id) in [
            ("GET", "/api/v1/triage/", &of_blue),
            ("DELETE", "/api/v1/triage/", &of_blue),
            ("GET", "/api/v1/jobs/", &job),
        ] {
            same(method, &format!("{address}{id}"), "", &format!("{address}999999"), "", 404).await;
        }
        same("GET", &format!("/api/v1/builds/{built}/log"), "", "/api/v1/builds/999999/log", "", 404).await;
        // A name with a digest of somebody else makes it nobody else's.
        let deploy = |digest: &str| json!({ "image": format!("{host}/red/app@{digest}") }).to_string();
        let path = "/api/v1/deployments/production/new";
        same("PUT", path, &deploy(&blue), path, &deploy(&unknown), 404).await;
        let by_digest = |digest: &str| json!({ "digest": digest }).to_string();
        same("PUT", path, &by_digest(&blue), path, &by_digest(&unknown), 404).await;
        assert!(fleet.ask("red-admin", "GET", &format!("/api/v1/images/{blue}"), "").await.0 == 404);
        same(
            "DELETE",
            "/api/v1/deployments/production/blue-blue-1",
            "",
            "/api/v1/deployments/production/none",
            "",
            404,
        )
        .await;
        let decide = |digest: &str| {
            json!({ "advisory": "CVE-2022-1", "digest": digest, "state": "false-positive", "reason": "x", "owner": "x" }).to_string()
        };
        same("POST", "/api/v1/triage", &decide(&blue), "/api/v1/triage", &decide(&unknown), 404).await;
        let sbom = |digest: &str| format!("/api/v1/images/{digest}/sbom");
        same("PUT", &sbom(&blue), "{}", &sbom(&unknown), "{}", 404).await;
        let promote =
            |digest: &str| json!({ "source": format!("{host}/red/app@{digest}"), "tag": "x" }).to_string();
        same("POST", "/api/v1/promotions", &promote(&blue), "/api/v1/promotions", &promote(&unknown), 404)
            .await;
        // Nothing of that was done.
        assert_eq!(fleet.get("admin", &format!("/api/v1/triage/{of_blue}")).await["ended"], Value::Null);
        let running = fleet.get("admin", "/api/v1/deployments?service=blue-blue-1&running=true").await;
        assert_eq!(running["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_team_does_nothing_in_repositories_of_others() {
    on_this_thread(async |fleet| {
        let host = fleet.host();
        for team in ["blue", "nobody"] {
            let place = format!("{host}/{team}/app");
            let digest = fleet.both.digest();
            for (method, path, body) in [
                ("POST", "/api/v1/images".to_owned(), json!({ "reference": format!("{place}:x") })),
                (
                    "POST",
                    "/api/v1/triage".to_owned(),
                    json!({ "advisory": "CVE-2022-1", "repository": place, "state": "false-positive",
                    "reason": "x", "owner": "x" }),
                ),
                (
                    "POST",
                    "/api/v1/builds".to_owned(),
                    json!({ "digest": digest, "image": place, "recipe": "x", "outcome": "success",
                    "started": "2023-11-14T00:00:00Z", "durationSeconds": 1 }),
                ),
                (
                    "PUT",
                    "/api/v1/deployments/production/x".to_owned(),
                    json!({ "image": format!("{place}@{digest}") }),
                ),
                ("GET", format!("/api/v1/images/{digest}/verdict?reference={place}:1"), json!({})),
            ] {
                let (status, answer) = fleet.ask("red-admin", method, &path, &body.to_string()).await;
                assert!(
                    status == 403 && answer.contains("other-team"),
                    "{method} {path} {team}: {status} {answer}"
                );
            }
        }
        let promote = json!({ "source": format!("{host}/blue/app:blue-1") }).to_string();
        let (status, answer) = fleet.ask("red-admin", "POST", "/api/v1/promotions", &promote).await;
        assert!(status == 403 && answer.contains("other-team"), "{answer}");
        // Of an image that others have as well it decides in its own repository only.
        let decide = json!({ "advisory": "CVE-2022-1", "digest": fleet.both.digest(), "state": "false-positive", "reason": "x", "owner": "x" });
        let (status, answer) = fleet.ask("red-admin", "POST", "/api/v1/triage", &decide.to_string()).await;
        assert!(status == 403 && answer.contains("repository"), "{answer}");
        // A service that another team runs, and one for another team.
        let deploy = |team: Option<&str>| json!({ "digest": fleet.red.digest(), "team": team }).to_string();
        for (service, team, want) in [
            ("blue-blue-1", None, 403),
            ("mine", Some("blue"), 422),
            ("mine", None, 201),
            ("mine", Some("red"), 200),
        ] {
            let path = format!("/api/v1/deployments/production/{service}");
            let (status, answer) = fleet.ask("red-admin", "PUT", &path, &deploy(team)).await;
            assert_eq!(status, want, "{service}: {answer}");
            assert!(want > 201 || answer.contains("\"team\":\"red\""), "{answer}");
        }
        assert_eq!(fleet.ask("red-admin", "DELETE", "/api/v1/deployments/production/mine", "").await.0, 204);
        // And what it does of its own.
        let red = format!("{host}/red/app");
        let build = json!({ "image": format!("{host}/red/new"), "recipe": "y", "outcome": "failure",
            "started": "2023-11-14T00:00:00Z", "durationSeconds": 1 });
        assert_eq!(fleet.ask("red-admin", "POST", "/api/v1/builds", &build.to_string()).await.0, 201);
        let seen = fleet.get("red-viewer", &format!("/api/v1/builds?image={host}/red/new")).await;
        assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{seen}");
        let decide = json!({ "advisory": "CVE-2022-1", "digest": fleet.red.digest(), "state": "false-positive", "reason": "x" });
        let (status, made) = fleet.ask("red-admin", "POST", "/api/v1/triage", &decide.to_string()).await;
        let made: Value = serde_json::from_str(&made).unwrap();
        assert_eq!((status, &made["owner"]), (201, &json!("red")), "{made}");
        assert_eq!(
            fleet.ask("red-admin", "DELETE", &format!("/api/v1/triage/{}", made["id"]), "").await.0,
            204
        );
        let ask = json!({ "reference": format!("{red}:red-1") }).to_string();
        let (status, asked) = fleet.ask("red-admin", "POST", "/api/v1/images", &ask).await;
        assert_eq!(status, 202, "{asked}");
        let job = serde_json::from_str::<Value>(&asked).unwrap()["job"].to_string();
        assert_eq!(fleet.get("red-viewer", &format!("/api/v1/jobs/{job}")).await["kind"], "resolve");
        fleet.world.work().await;
        let promote = json!({ "source": format!("{red}:red-1") }).to_string();
        assert_eq!(fleet.ask("red-admin", "POST", "/api/v1/promotions", &promote).await.0, 202);
    });
}

#[test]
fn a_shared_image_is_told_by_the_name_of_who_asks() {
    on_this_thread(async |fleet| {
        let path = format!("/api/v1/images/{}", fleet.both.digest());
        for (token, team) in [("red-admin", "red"), ("blue-admin", "blue")] {
            let image = fleet.get(token, &path).await;
            assert_eq!(image["repository"], format!("{team}/app"), "{image}");
            let tags: Vec<&str> = image["tags"]
                .as_array()
                .unwrap()
                .iter()
                .map(|tag| tag["repository"].as_str().unwrap())
                .collect();
            assert_eq!(tags, [format!("{team}/app")]);
            let report = fleet.get(token, &format!("{path}/report")).await;
            assert!(
                report["source"]["reference"].as_str().unwrap().contains(&format!("/{team}/app@sha256:")),
                "{}",
                report["source"]
            );
            let list = fleet.get(token, "/api/v1/images").await;
            let names: BTreeSet<&str> = list["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["repository"].as_str().unwrap())
                .collect();
            assert_eq!(names.into_iter().collect::<Vec<_>>(), [format!("{team}/app")]);
            assert_eq!(list["items"].as_array().unwrap().len(), 2);
            let verdict = fleet.get(token, &format!("{path}/verdict")).await;
            assert!(verdict["reference"].as_str().unwrap().contains(&format!("/{team}/app@")), "{verdict}");
        }
        // Whose it was first is told to who sees everything.
        assert_eq!(fleet.get("viewer", &path).await["repository"], "blue/app");
        let radius = fleet.get("red-admin", "/api/v1/blast-radius?advisory=CVE-2022-1").await;
        let hits = radius["items"].as_array().unwrap();
        assert_eq!(hits.len(), 2, "{radius}");
        let shared = hits.iter().find(|hit| hit["digest"] == json!(fleet.both.digest())).unwrap();
        assert_eq!(
            (&shared["deployed"], &shared["running"], &shared["owner"]),
            (&json!(false), &json!([]), &json!("red"))
        );
        assert_eq!(shared["triage"]["owner"], "red");
    });
}

/// Pages by their addresses, each with everything that there is in the place of its names.
fn pages(fleet: &Fleet) -> Vec<(&'static str, Vec<String>)> {
    let digests = [fleet.red.digest(), fleet.blue.digest(), fleet.both.digest()];
    let of = |rest: &str| digests.iter().map(|digest| format!("/images/{digest}{rest}")).collect::<Vec<_>>();
    let file = assay_test::image::digest(BLUE_FILE);
    let mut compared = Vec::new();
    for one in &digests {
        compared.extend(digests.iter().map(|other| format!("/images/{one}/compare?with={other}")));
    }
    vec![
        ("/", vec!["/".to_owned()]),
        (
            "/images",
            vec!["/images".to_owned(), "/images?text=app".to_owned(), "/images?severity=critical".to_owned()],
        ),
        ("/images/{digest}", of("")),
        ("/images/{digest}/packages", of("/packages")),
        ("/images/{digest}/compare", compared),
        (
            "/search",
            vec![
                "/search?text=app".to_owned(),
                "/search?text=lib".to_owned(),
                "/search?text=CVE-2022-1".to_owned(),
            ],
        ),
        (
            "/advisories/{id}",
            vec!["/advisories/CVE-2022-1".to_owned(), "/advisories/CVE-2022-1?triage=settled".to_owned()],
        ),
        ("/packages", vec!["/packages?name=django".to_owned()]),
        ("/files/{sha256}", vec![format!("/files/{file}")]),
        ("/triage", vec!["/triage".to_owned(), "/triage?ended=all".to_owned()]),
        ("/triage/{id}", (0..10).map(|id| format!("/triage/{id}")).collect()),
        ("/events", vec!["/events".to_owned()]),
        ("/promotions", vec!["/promotions".to_owned()]),
        ("/queue", vec!["/queue".to_owned()]),
        ("/policy", vec!["/policy".to_owned()]),
        ("/audit", vec!["/audit".to_owned()]),
    ]
}

/// Returns a page without what in it only repeats what was asked for.
fn without(text: &str, asked: &str) -> String {
    let escaped = asked.replace('/', "&#x2f;").replace('&', "&amp;");
    let mut left = text.replace(asked, "").replace(&escaped, "");
    for part in asked.split(['/', '=']).filter(|part| part.contains("sha256:")) {
        let part = part.split('?').next().unwrap();
        left = left.replace(part, "").replace(part.trim_start_matches("sha256:"), "");
    }
    left
}

#[test]
fn no_page_and_no_table_tells_a_team_of_another() {
    on_this_thread(async |fleet| {
        // Every page there is.
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages");
        let mut known = BTreeSet::new();
        for file in std::fs::read_dir(source).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            known.extend(
                text.split("path: \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()),
            );
        }
        let all = pages(&fleet);
        assert_eq!(all.iter().map(|(page, _)| (*page).to_owned()).collect::<BTreeSet<_>>(), known);
        let mut told = BTreeSet::new();
        for (page, addresses) in &all {
            let mut opened = 0;
            for address in addresses {
                let (status, html) = fleet.ask("red-admin", "GET", address, "").await;
                assert!(status == 200 || status == 404 || status == 403, "{address}: {status} {html}");
                opened += usize::from(status == 200);
                let own = without(&html, address);
                assert!(!tells(&fleet, &own), "{address}: {own}");
                let (_, whole) = fleet.ask("admin", "GET", address, "").await;
                if tells(&fleet, &without(&whole, address)) {
                    told.insert(*page);
                }
                // Its tables, as documents.
                for table in whole.split("table=").skip(1).filter_map(|rest| rest.split("&amp;").next()) {
                    for form in ["csv", "json"] {
                        let separator = if address.contains('?') { '&' } else { '?' };
                        let table = format!("{address}{separator}table={table}&format={form}");
                        let (_, document) = fleet.ask("red-admin", "GET", &table, "").await;
                        assert!(!tells(&fleet, &without(&document, address)), "{table}: {document}");
                    }
                }
            }
            let is_of_fleet = ["/queue", "/policy", "/audit"].contains(page);
            // Nobody but the blue team has that file, so that page says that there is none.
            assert_eq!(opened == 0, is_of_fleet, "{page}");
        }
        // All tell who sees everything, but that nothing is to be done.
        let silent: Vec<&str> =
            all.iter().map(|(page, _)| *page).filter(|page| !told.contains(page)).collect();
        assert_eq!(silent, ["/queue"]);
        // In the menu is what can be opened.
        let (_, html) = fleet.ask("red-admin", "GET", "/", "").await;
        for (page, is_there) in [
            ("Images", true),
            ("Events", true),
            ("Queue and feeds", false),
            ("Policy", false),
            ("Audit", false),
        ] {
            assert_eq!(html.contains(&format!(">{page}</a>")), is_there, "{page}");
        }
        assert!(html.contains("(admin, red)"), "{html}");
        for format in ["json", "html", "cyclonedx", "spdx", "sarif", "csv", "markdown"] {
            let of = |digest: &str| format!("/images/{digest}/download/{format}");
            assert_eq!(fleet.ask("red-admin", "GET", &of(&fleet.blue.digest()), "").await.0, 404);
            for digest in [fleet.red.digest(), fleet.both.digest()] {
                let (status, file) = fleet.ask("red-admin", "GET", &of(&digest), "").await;
                assert!(status == 200 && !tells(&fleet, &file), "{format}: {status} {file}");
            }
        }
    });
}

#[test]
fn what_is_of_the_whole_fleet_is_not_of_a_team() {
    on_this_thread(async |fleet| {
        let event = r#"{"events": []}"#;
        for (method, path) in [
            ("GET", "/metrics"),
            ("GET", "/api/v1/audit"),
            ("GET", "/api/v1/audit/checkpoint"),
            ("GET", "/api/v1/channels"),
            ("GET", "/api/v1/crawls"),
            ("GET", "/api/v1/retention?days=1"),
            ("POST", "/webhooks/distribution"),
            ("GET", "/harbor/api/v1/metadata"),
            ("POST", "/harbor/api/v1/scan"),
            ("GET", "/harbor/api/v1/scan/eA/report"),
            ("GET", "/queue?table=jobs&format=json"),
            ("GET", "/audit?table=audit&format=csv"),
            ("GET", "/policy?table=rules&format=json"),
        ] {
            let (status, body) = fleet.ask("red-admin", method, path, event).await;
            assert!(status == 403 && body.contains("fleet-only"), "{path}: {status} {body}");
            let (status, body) = fleet.ask("admin", method, path, event).await;
            assert!(status != 403, "{path}: {body}");
        }
    });
}

#[test]
fn a_team_that_owns_nothing_sees_nothing_and_case_counts() {
    on_this_thread(async |fleet| {
        for token in ["green-admin", "case-admin"] {
            for list in [
                "images",
                "events",
                "builds",
                "deployments",
                "promotions",
                "triage",
                "blast-radius?package=django",
            ] {
                let found = fleet.get(token, &format!("/api/v1/{list}")).await;
                assert_eq!(found["items"], json!([]), "{token} {list}");
            }
            let radius =
                fleet.get(token, &format!("/api/v1/blast-radius?file=sha256:{}", "a".repeat(64))).await;
            assert_eq!(radius["files"], json!({ "images": 0, "inPart": 0, "scanned": 0 }));
            let (status, html) = fleet.ask(token, "GET", "/", "").await;
            assert!(status == 200 && html.contains("No finding is open."), "{html}");
            assert_eq!(
                fleet.ask(token, "GET", &format!("/api/v1/images/{}", fleet.red.digest()), "").await.0,
                404
            );
        }
    });
}

#[test]
fn nobody_makes_a_token_of_more_than_they_are() {
    on_this_thread(async |fleet| {
        for (by, name, role, teams, want) in [
            ("red-admin", "t1", "admin", &["red"][..], 201),
            ("red-admin", "t2", "viewer", &["red", "blue"], 403),
            ("red-admin", "t3", "viewer", &["Red"], 403),
            ("red-admin", "t4", "viewer", &[], 403),
            ("t1", "t5", "viewer", &["red"], 201),
            ("t1", "t6", "viewer", &["blue"], 403),
            ("red-viewer", "t7", "viewer", &["red"], 403),
            ("admin", "t8", "security", &["red", "blue"], 201),
            ("admin", "t9", "viewer", &["o'dd \"team\" %_; --"], 201),
        ] {
            let (status, answer) = fleet.make(by, name, role, teams).await;
            assert_eq!(status, want, "{name}: {answer}");
            if status == 201 {
                assert_eq!(answer["teams"].as_array().map(Vec::len), Some(teams.len()), "{answer}");
            }
        }
        for teams in [
            json!([]),
            json!([""]),
            json!([" red"]),
            json!(["a\nb"]),
            json!(["x".repeat(201)]),
            json!(vec!["x"; 101]),
        ] {
            let asked = json!({ "name": "x", "role": "viewer", "teams": teams }).to_string();
            let (status, answer) = fleet.ask("admin", "POST", "/api/v1/tokens", &asked).await;
            assert_eq!(status, 422, "{teams}: {answer}");
        }
        let names = async |by: &str| -> Vec<String> {
            let tokens = fleet.get(by, "/api/v1/tokens").await;
            let tokens = tokens["items"].as_array().unwrap().clone();
            tokens.iter().map(|token| token["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("red-admin").await, ["red-admin", "red-viewer", "t1", "t5"]);
        assert!(names("admin").await.len() > 8);
        for (by, name, want) in [
            ("red-admin", "blue-admin", 404),
            ("red-admin", "admin", 404),
            ("red-admin", "t8", 404),
            ("red-admin", "t5", 204),
        ] {
            assert_eq!(
                fleet.ask(by, "DELETE", &format!("/api/v1/tokens/{name}"), "").await.0,
                want,
                "{name}"
            );
        }
        let log = fleet.world.store.audit_like(None, Some("token.create"), 0, 100).await.unwrap();
        let told: Vec<String> =
            log.iter().map(|entry| format!("{} {}", entry.subject, entry.detail)).collect();
        assert!(
            told.iter().any(|entry| entry.starts_with("t8 ") && entry.contains(r#""teams":["blue","red"]"#)),
            "{told:?}"
        );
        // What the document says is so: `null` where there is no bound.
        let all = fleet.get("admin", "/api/v1/tokens?name=viewer").await;
        assert_eq!(all["items"][0]["teams"], Value::Null);
        assert!(document()["components"]["schemas"]["NewToken"]["properties"]["teams"].is_object());
    });
}

#[test]
fn owners_that_change_take_effect_while_the_server_runs() {
    on_this_thread(async |fleet| {
        let (app, store) = (&fleet.world.app, &fleet.world.store);
        let count =
            async |token: &str| fleet.get(token, "/api/v1/images").await["items"].as_array().unwrap().len();
        assert_eq!((count("red-admin").await, count("green-admin").await), (2, 0));
        app.owners.replace(Owners::parse("*/red/ green\n*/blue/ blue\n").unwrap());
        assert_eq!(app.owners.record(store).await.unwrap(), Some(1));
        assert_eq!((count("red-admin").await, count("green-admin").await), (0, 2));
        // The same file is no change, and is written again if it was not written before.
        app.owners.replace(Owners::parse("*/red/ green\n*/blue/ blue\n").unwrap());
        assert_eq!(app.owners.record(store).await.unwrap(), None);
        // An image that is pushed to a repository of theirs is seen at once.
        let new = fleet.red.digest();
        fleet.world.push_to(&fleet.host(), "blue/copy", "red-1", &new).await;
        fleet.world.work().await;
        assert_eq!(
            fleet.get("blue-admin", &format!("/api/v1/images/{new}")).await["repository"],
            "blue/copy"
        );
    });
}

#[test]
fn nothing_reads_past_who_asks() {
    // What the API and the pages know they know as somebody sees it (`seen_by`), or as who sees everything (`whole`).
    for folder in ["src/api", "src/pages"] {
        for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            let squeezed: String = text.split_whitespace().collect();
            let squeezed = squeezed.replace("app.store.begin()", "").replace("app.store.session_holder(", "");
            assert!(!squeezed.contains(".store."), "{} reads the store itself", path.display());
            assert!(!squeezed.contains("&app.store"), "{} hands the store on", path.display());
        }
    }
}
