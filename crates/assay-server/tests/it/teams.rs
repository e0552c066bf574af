//! Tokens that are bound to a team: every address of the API and every page, over a server with images of two teams.
//!
//! Everything that is the blue team's has `blue` in its name, so that whatever tells the red team of it is found.

mod acts;
mod pages;
mod tokens;

use crate::fixture::{BUILT, World, database, now};
use assay_model::Digest;
use assay_server::Owners;
use assay_server::api::operations;
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
            "/api/v1/credentials",
            "/api/v1/images/{digest}/sboms",
            "/api/v1/jobs/{id}",
            "/api/v1/reference",
            "/api/v1/retention",
        ];
        assert_eq!(silent, content_only);
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
