//! The server among other people's programs: PostgreSQL, `docker-registry` with its notifications, skopeo, `curl` over TLS; and workers
//! that are killed.

use crate::cluster::free_port;
use crate::services::{notifications, push, registry, run};
use crate::store::start as start_postgres;
use assay_test::image::{Builder, BuiltImage, Tree};
use real_tests::{assay, tool};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A process of `assay` that ends with the test. What it says is read all the time, for it would wait if nobody did, and is shown when the
/// test fails.
pub(crate) struct Process {
    child: Child,
    words: Receiver<String>,
    said: Vec<String>,
}

impl Process {
    /// Ends it as a machine that loses power would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            self.said.extend(self.words.try_iter());
            eprintln!("process {} said:\n{}", self.child.id(), self.said.join("\n"));
        }
    }
}

pub(crate) fn process(folder: &Path, arguments: &[&str]) -> Process {
    process_with(folder, arguments, &[])
}

pub(crate) fn process_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Process {
    let mut command = Command::new(assay());
    command
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(folder)
        .env("HOME", folder)
        .env("ASSAY_CACHE_DIR", folder.join("cache"));
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let reader = BufReader::new(child.stderr.take().unwrap());
    let (sender, words) = channel();
    std::thread::spawn(move || {
        for line in reader.lines().map_while(Result::ok) {
            // The test may have no more use for it.
            let _ = sender.send(line);
        }
    });
    Process { child, words, said: Vec::new() }
}

/// Waits for a line that begins like this, and returns the rest.
pub(crate) fn line(process: &mut Process, start: &str) -> String {
    loop {
        let Ok(text) = process.words.recv() else { panic!("it ended without saying `{start}`") };
        let rest = text.trim().strip_prefix(start).map(str::to_owned);
        process.said.push(text);
        if let Some(rest) = rest {
            return rest;
        }
    }
}

pub(crate) fn get(port: u16, path: &str, token: &str) -> Option<serde_json::Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// Starts a server once for the first administrator's token, which a registry must send.
pub(crate) fn first_token(folder: &Path, serve: &[&str]) -> String {
    let mut first = process(folder, serve);
    let token = line(&mut first, "the first administrator's token, shown only now: ");
    first.kill();
    token
}

/// Waits until an image is scanned, and returns the kinds of what happened to it.
pub(crate) fn events_when_scanned(port: u16, image: &BuiltImage, token: &str) -> Vec<String> {
    let digest = image.digest();
    let begun = Instant::now();
    loop {
        let detail = get(port, &format!("/api/v1/images/{digest}"), token).unwrap_or_default();
        if detail["scan"]["depth"] == "fast" {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{digest} is not scanned: {detail}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let events = get(port, &format!("/api/v1/events?digest={digest}"), token).unwrap();
    let kinds = events["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap());
    kinds.map(str::to_owned).collect()
}

fn images() -> Vec<BuiltImage> {
    let image = |number| {
        let tree = Tree::new()
            .file("usr/lib/python3/dist-packages/flask-1.0.dist-info/METADATA", "Name: flask\nVersion: 1.0\n")
            .file("etc/number", format!("{number}"));
        Builder::new().layer(tree, "COPY . /").build()
    };
    (0..8).map(image).collect()
}

#[test]
fn pushes_reach_workers_that_are_killed_and_every_image_is_scanned_once() {
    let (Some(docker_registry), Some(skopeo), Some(postgres)) =
        (tool("docker-registry"), tool("skopeo"), start_postgres())
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let database = postgres.url("postgres");
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let serve = ["serve", "--data", "data", "--database", &database, "--listen", &listen, "--workers", "0"];
    let token = first_token(folder.path(), &serve);
    let telling = notifications(&listen, &token);
    let (_registry, host) = registry(&docker_registry, folder.path(), "", &telling);
    let mut server = process(folder.path(), &[&serve[..], &["--registry", &host]].concat());
    line(&mut server, "note: listening on ");
    let worker = ["worker", "--database", &database, "--registry", &host, "--lease", "2", "--workers", "1"];
    let mut workers = [process(folder.path(), &worker), process(folder.path(), &worker)];

    let images = images();
    for (number, image) in images.iter().enumerate() {
        push(&skopeo, folder.path(), image, &format!("{host}/team/app:build-{number}"), &[]);
        workers[number % 2].kill();
        workers[number % 2] = process(folder.path(), &worker);
        if number == 5 {
            server.kill();
            server = process(folder.path(), &[&serve[..], &["--registry", &host]].concat());
        }
    }
    for image in &images {
        assert_eq!(events_when_scanned(port, image, &token), ["tag-seen", "scanned"]);
    }
    let radius = get(port, "/api/v1/blast-radius?package=flask&ecosystem=PyPI", &token).unwrap();
    assert_eq!(radius["items"].as_array().unwrap().len(), images.len(), "{radius}");
}

#[test]
fn a_crawl_finds_what_no_event_told_of_with_the_credentials_of_the_repository() {
    let (Some(docker_registry), Some(skopeo), Some(htpasswd)) =
        (tool("docker-registry"), tool("skopeo"), tool("htpasswd"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(file("htpasswd"), run(&htpasswd, &["-Bbn", "user", "pass"])).unwrap();
    let auth = format!("auth:\n  htpasswd: {{realm: test, path: {}}}\n", file("htpasswd"));
    let (_registry, host) = registry(&docker_registry, folder.path(), "", &auth);
    let images = images();
    let push = |number: usize, tag: &str| {
        let name = format!("{host}/team/app:{tag}");
        push(&skopeo, folder.path(), &images[number], &name, &["--dest-creds", "user:pass"]);
    };
    push(0, "stays");
    push(1, "moves");
    push(2, "goes");
    // Of the registry as a whole nothing is known, only of one repository.
    let credentials = format!(r#"{{"auths": {{"{host}/team/app": {{"auth": "dXNlcjpwYXNz"}}}}}}"#);
    std::fs::write(file("auth.json"), credentials).unwrap();
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let places = [format!("{host}/team/app"), format!("{host}/team/other")];
    let serve = ["serve", "--data", "data", "--listen", &listen, "--registry", &host];
    let crawls = ["--crawl", &places[0], "--crawl", &places[1], "--crawl-every", "1"];
    let more = ["--registry-config", "auth.json"];
    let mut server = process(folder.path(), &[&serve[..], &crawls, &more].concat());
    let token = line(&mut server, "the first administrator's token, shown only now: ");
    let wait = |kind: &str, tag: &str, image: &BuiltImage| {
        let begun = Instant::now();
        loop {
            let path = format!("/api/v1/events?digest={}", image.digest());
            let events = get(port, &path, &token).unwrap_or_default();
            let found = events["items"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|event| event["kind"] == kind && (tag.is_empty() || event["detail"]["tag"] == tag));
            if found {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "no `{kind}` of `{tag}`: {events}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    for (image, tag) in images.iter().zip(["stays", "moves", "goes"]) {
        wait("tag-seen", tag, image);
        wait("scanned", "", image);
    }
    push(3, "moves");
    wait("tag-moved", "moves", &images[3]);
    // As the registry's own garbage collection of tags would leave it.
    let storage = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.path());
    let storage = storage.into_iter().find(|path| path.join("docker").is_dir()).unwrap();
    std::fs::remove_dir_all(storage.join("docker/registry/v2/repositories/team/app/_manifests/tags/goes"))
        .unwrap();
    wait("tag-gone", "goes", &images[2]);
    let crawls = get(port, "/api/v1/crawls", &token).unwrap();
    let other =
        crawls["items"].as_array().unwrap().iter().find(|crawl| crawl["repository"] == "team/other").unwrap();
    assert!(other["error"].as_str().unwrap().contains("401"), "{crawls}");
}

#[test]
fn other_machines_are_answered_over_tls_only() {
    let (Some(openssl), Some(curl)) = (tool("openssl"), tool("curl")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) = (file("tls.crt"), file("tls.key"));
    let subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    let request =
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    run(&openssl, &[&request[..], &subject, &["-keyout", &key, "-out", &certificate]].concat());
    let port = free_port();
    let listen = format!("0.0.0.0:{port}");
    let tls = ["--tls-certificate", &certificate, "--tls-key", &key];
    let mut server =
        process(folder.path(), &[&["serve", "--data", "data", "--listen", &listen], &tls[..]].concat());
    line(&mut server, "note: listening on https://");
    // A client that says nothing keeps nobody waiting.
    let _silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let address = format!("https://localhost:{port}/readyz");
    let answer = run(&curl, &["--silent", "--show-error", "--fail", "--cacert", &certificate, &address]);
    assert_eq!(answer, b"ready\n");
    let plain = format!("http://localhost:{port}/readyz");
    let refused = Command::new(&curl).args(["--silent", "--max-time", "5", &plain]).output().unwrap();
    assert!(!refused.status.success());
}
