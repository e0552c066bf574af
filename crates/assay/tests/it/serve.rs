//! The server as a process: its first token, what it refuses, and that killing it loses nothing.

use crate::Place;
use assay_test::http::Server;
use assay_test::image::{Builder, BuiltImage, Tree};
use assay_test::registry::Content;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server.
struct Serving {
    process: Child,
    address: String,
    token: Option<String>,
    _words: BufReader<ChildStderr>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Serving {
    fn start(place: &Place, host: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["serve", "--data", "data", "--listen", "127.0.0.1:0", "--lease", "2", "--registry", host])
            .current_dir(place.path("."))
            .env_clear()
            .env("HOME", place.path("home"))
            .env("TMPDIR", place.path("scratch"))
            .env("ASSAY_DB", "test.db")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut words = BufReader::new(process.stderr.take().unwrap());
        let (mut address, mut token) = (None, None);
        // The first time there are two lines, then one; the port is told in the first.
        while address.is_none() {
            let mut line = String::new();
            assert!(words.read_line(&mut line).unwrap() > 0, "it ended");
            address = line.trim().strip_prefix("note: listening on http://").map(str::to_owned);
        }
        if !place.path("token").exists() {
            let mut line = String::new();
            words.read_line(&mut line).unwrap();
            token = line.trim().rsplit_once(": ").map(|(_, token)| token.to_owned());
            place.write("token", token.as_deref().unwrap());
        }
        Self { process, address: address.unwrap(), token, _words: words }
    }

    fn ask(&self, place: &Place, method: &str, path: &str, body: &str) -> serde_json::Value {
        let token = std::fs::read_to_string(place.path("token")).unwrap();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{path}: {answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

fn images(count: usize) -> Vec<BuiltImage> {
    let image = |number| {
        let tree = Tree::new().file("etc/number", format!("{number}"));
        Builder::new().layer(tree, "COPY . /").build()
    };
    (0..count).map(image).collect()
}

#[test]
fn a_killed_server_loses_no_scan_and_doubles_none() {
    let place = Place::new();
    let images = images(12);
    let mut content = Content::new();
    for (number, image) in images.iter().enumerate() {
        content = content.image(&format!("v{number}"), image);
    }
    // Slow enough that a process is killed at something.
    let registry = Server::start(move |request| {
        std::thread::sleep(Duration::from_millis(15));
        content.answer(request)
    });
    let host = registry.host();
    let mut server = Serving::start(&place, &host);
    assert!(server.token.as_ref().is_some_and(|token| token.starts_with("assay_")));
    for (number, image) in images.iter().enumerate() {
        let event = serde_json::json!({ "events": [{ "action": "push",
            "target": { "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": image.digest(),
                        "repository": "team/app", "tag": format!("v{number}") },
            "request": { "host": host } }] });
        let answer = server.ask(&place, "POST", "/webhooks/distribution", &event.to_string());
        assert_eq!(answer["taken"], 1);
        if number % 3 == 2 {
            std::thread::sleep(Duration::from_millis(40 * number as u64));
            server.process.kill().unwrap();
            server.process.wait().unwrap();
            server = Serving::start(&place, &host);
            assert_eq!(server.token, None);
        }
    }
    let begun = Instant::now();
    loop {
        let scanned = server.ask(&place, "GET", "/api/v1/images", "");
        let scanned =
            scanned["items"].as_array().unwrap().iter().filter(|image| !image["scanned"].is_null()).count();
        if scanned == images.len() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "only {scanned} of {} were scanned", images.len());
        std::thread::sleep(Duration::from_millis(100));
    }
    for image in &images {
        let events = server.ask(&place, "GET", &format!("/api/v1/events?digest={}", image.digest()), "");
        let scans =
            events["items"].as_array().unwrap().iter().filter(|event| event["kind"] == "scanned").count();
        assert_eq!(scans, 1, "{events}");
    }
    // A gentle end is one without an error.
    let told = Command::new("kill").arg(server.process.id().to_string()).status().unwrap();
    assert!(told.success());
    assert!(server.process.wait().unwrap().success());
}

#[test]
fn a_server_that_others_could_reach_needs_tls() {
    let place = Place::new();
    let ran = place.run(&["serve", "--data", "data", "--listen", "0.0.0.0:0"]);
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(place.filtered(&ran.stderr), @r"
    error: the server ended
      caused by: `0.0.0.0:0` can be reached from other machines, and there is no TLS
    hint: listen on `127.0.0.1:[PORT]`, or give `--tls-certificate FILE --tls-key FILE`
    ");
    assert!(!place.path("data/assay-server.db").exists());
}

#[test]
fn a_workers_database_must_be_one() {
    let ran = Place::new().run(&["worker", "--database", "mysql://db.example/assay"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("expected `postgres://…` or `sqlite:///path`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("mysql"), "{}", ran.stderr);
}

#[test]
fn secrets_of_webhooks_are_checked_at_the_start() {
    let place = Place::new();
    place.write("short", "tell nobody\n");
    let ran = place.run(&["serve", "--data", "data", "--webhook-secret", "github=short"]);
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(place.filtered(&ran.stderr), @r"
    error: cannot use the secret in `short`
      caused by: the secret of the webhook `github` is shorter than 16 bytes
    hint: write one with `openssl rand -hex 32 > short`
    ");
    let ran = place.run(&["serve", "--data", "data", "--webhook-secret", "gitlab=short"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("there is no webhook `gitlab`: expected distribution, harbor, quay"),
        "{}",
        ran.stderr
    );
    assert!(!place.path("data/assay-server.db").exists());
}

#[test]
fn what_is_crawled_is_a_registry_that_may_be_asked() {
    let place = Place::new();
    let serve = |registry: &str, crawl: &str| {
        place.run(&["serve", "--data", "data", "--registry", registry, "--crawl", crawl])
    };
    let ran = serve("registry.example", "other.example/team/app");
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(place.filtered(&ran.stderr), @r"
    error: cannot crawl `other.example/team/app`
      caused by: the server was not told that it may ask the registry `other.example`
    hint: name it with `--registry other.example`
    ");
    for wrong in
        ["team/app", "registry.example/team/app:1.0", "registry.example/Team", "registry.example/", ""]
    {
        let ran = serve("registry.example", wrong);
        assert_eq!(ran.code, 2, "{wrong}");
        assert!(ran.stderr.contains("--crawl"), "{wrong}: {}", ran.stderr);
    }
    assert!(!place.path("data/assay-server.db").exists());
}
