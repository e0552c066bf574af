//! The server as a process: its first token, what it refuses, and that killing it loses nothing.

use crate::Place;
use assay_test::http::Server;
use assay_test::image::{Builder, BuiltImage, Tree};
use assay_test::registry::Content;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A running server.
pub(crate) struct Serving {
    process: Child,
    pub(crate) address: String,
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
    pub(crate) fn start(place: &Place, host: &str) -> Self {
        Self::start_with(place, host, &[])
    }

    pub(crate) fn start_with(place: &Place, host: &str, more: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["serve", "--data", "data", "--listen", "127.0.0.1:0", "--lease", "2", "--registry", host])
            .args(more)
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

    pub(crate) fn ask(&self, place: &Place, method: &str, path: &str, body: &str) -> serde_json::Value {
        serde_json::from_str(&self.text(place, method, path, body)).unwrap()
    }

    /// Returns one of the server's counts.
    fn metric(&self, place: &Place, name: &str) -> u64 {
        let text = self.text(place, "GET", "/metrics", "");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |number| number.parse().unwrap())
    }

    pub(crate) fn text(&self, place: &Place, method: &str, path: &str, body: &str) -> String {
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
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
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
        content = content.image(&format!("build-{number}"), image);
    }
    // The registry is silent about this while a process is to be killed at something: about layers when it scans, about manifests
    // when it resolves.
    let silent: Arc<Mutex<Option<&str>>> = Arc::default();
    let hold = silent.clone();
    let registry = Server::start(move |request| {
        while hold.lock().unwrap().is_some_and(|about| request.target.contains(about)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        content.answer(request)
    });
    let host = registry.host();
    let mut server = Serving::start(&place, &host);
    let mut orphans = 0;
    let mode = std::fs::metadata(place.path("data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "what is weak in everything that runs is nobody else's to read");
    let metrics = server.text(&place, "GET", "/metrics", "");
    let busy = metrics.lines().find_map(|line| line.strip_prefix("process_cpu_seconds_total ")).unwrap();
    assert!(busy.parse::<f64>().unwrap() > 0.0, "{busy}");
    assert!(server.token.as_ref().is_some_and(|token| token.starts_with("assay_")));
    for (number, image) in images.iter().enumerate() {
        let is_last = number % 3 == 2;
        if is_last {
            *silent.lock().unwrap() = Some(if number % 2 == 0 { "/manifests/" } else { "/blobs/" });
        }
        let event = serde_json::json!({ "events": [{ "action": "push",
            "target": { "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": image.digest(),
                        "repository": "team/app", "tag": format!("build-{number}") },
            "request": { "host": host } }] });
        let answer = server.ask(&place, "POST", "/webhooks/distribution", &event.to_string());
        assert_eq!(answer["taken"], 1);
        if is_last {
            let begun = Instant::now();
            let running =
                |kind| server.metric(&place, &format!("assay_jobs{{kind=\"{kind}\",state=\"running\"}}"));
            while running("scan") + running("resolve") == 0 {
                assert!(begun.elapsed() < Duration::from_secs(30), "no job is running");
                std::thread::sleep(Duration::from_millis(5));
            }
            orphans += server.metric(&place, "assay_job_orphans_total");
            server.process.kill().unwrap();
            server.process.wait().unwrap();
            *silent.lock().unwrap() = None;
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
    orphans += server.metric(&place, "assay_job_orphans_total");
    assert!(orphans >= 1, "no process was killed while it had a job: the test tested nothing");
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
fn a_changed_or_shortened_audit_log_is_found() {
    let place = Place::new();
    let verify = |more: &[&str]| place.run(&[&["audit", "verify", "--data", "data"], more].concat());
    // Looking makes nothing.
    std::fs::create_dir(place.path("data")).unwrap();
    let ran = verify(&[]);
    assert!(ran.code == 2 && ran.stderr.contains("there is no database"), "{}", ran.stderr);
    assert!(!place.path("data/assay-server.db").exists());

    let server = Serving::start_with(
        &place,
        "registry.example",
        &["--audit-checkpoints", "checkpoints.jsonl", "--audit-checkpoint-every", "1"],
    );
    let begun = Instant::now();
    let appended = || std::fs::read_to_string(place.path("checkpoints.jsonl")).unwrap_or_default();
    while !appended().contains("\"sequence\":2") {
        assert!(begun.elapsed() < Duration::from_secs(30), "no checkpoint is written");
        std::thread::sleep(Duration::from_millis(50));
    }
    let made = server.ask(&place, "POST", "/api/v1/tokens", r#"{"name":"ci","role":"viewer"}"#);
    assert_eq!(made["role"], "viewer");
    let kept = server.text(&place, "GET", "/api/v1/audit/checkpoint", "");
    place.write("kept.json", &kept);
    let log = server.ask(&place, "GET", "/api/v1/audit", "");
    let actions: Vec<&str> =
        log["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["token.create", "serve.start", "token.create"]);
    while !appended().contains("\"sequence\":3") {
        assert!(begun.elapsed() < Duration::from_secs(30), "no second checkpoint is written");
        std::thread::sleep(Duration::from_millis(50));
    }
    // Also while the server runs.
    assert!(verify(&["--checkpoint", "kept.json"]).stdout.starts_with("the audit log is whole: 3 entries, "));
    drop(server);

    // The folder that was named is meant, and not what the environment names; but a folder may hold no log.
    let other = |database: &str, folder: &str| {
        place.run_with(&["audit", "verify", "--data", folder], &[("ASSAY_DATABASE", database)])
    };
    assert_eq!(other("sqlite:///nowhere/other.db", "data").code, 0);
    std::fs::create_dir(place.path("empty")).unwrap();
    assert_eq!(other("sqlite:///nowhere/other.db", "empty").code, 2);
    let log = format!("sqlite://{}", place.path("data/assay-server.db").display());
    assert_eq!(other(&log, "empty").code, 0);

    let ran = verify(&["--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let (end, signed): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&ran.stdout).unwrap(), serde_json::from_str(&kept).unwrap());
    for part in ["schema", "sequence", "hash"] {
        assert_eq!(end[part], signed[part]);
    }
    // Signed by the key that was made at the first start, and by no other.
    let mode = std::fs::metadata(place.path("data/audit.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let signed_by = |key: &str| verify(&["--checkpoint", "kept.json", "--key", key]);
    assert_eq!(signed_by("data/audit.pub").code, 0);
    let other = assay_sign::key::PrivateKey::generate(assay_sign::key::NewKey::EcdsaP256).unwrap();
    place.write("other.pub", assay_sign::signer::Signer::public_key(&other).to_pem());
    let ran = signed_by("other.pub");
    assert!(ran.code == 2 && ran.stderr.contains("is not signed by that key"), "{}", ran.stderr);
    // What the server appended holds as well: one from its start, and one from when something had happened.
    let appended = std::fs::read_to_string(place.path("checkpoints.jsonl")).unwrap();
    assert!(appended.lines().count() >= 2, "{appended}");
    assert_eq!(verify(&["--checkpoint", "checkpoints.jsonl", "--key", "data/audit.pub"]).code, 0);
    place.write("checkpoints.jsonl", appended.replacen("\"sequence\":3", "\"sequence\":2", 1));
    let ran = verify(&["--checkpoint", "checkpoints.jsonl", "--key", "data/audit.pub"]);
    assert!(ran.code == 2 && ran.stderr.contains("is not signed by that key"), "{}", ran.stderr);
    // The log does not have what this checkpoint has: it was cut, or it is another.
    place.write("longer.json", kept.replace("\"sequence\":3", "\"sequence\":4"));
    let ran = verify(&["--checkpoint", "longer.json"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (1, "error: the audit log does not contain entry 4 as the checkpoint has it\n")
    );
    place.write("other.json", "{}");
    assert_eq!(verify(&["--checkpoint", "other.json"]).code, 2);

    // The last to look has put everything into one file. Somebody changes it there.
    let file = place.path("data/assay-server.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(12).position(|window| window == b"token.create").unwrap();
    bytes[at..at + 12].copy_from_slice(b"token.revoke");
    std::fs::write(&file, bytes).unwrap();
    let ran = verify(&[]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("of the audit log was changed"), "{}", ran.stderr);
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
