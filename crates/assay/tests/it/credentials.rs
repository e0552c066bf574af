//! `assay credential`: keys, and what a server keeps by them.

use crate::Place;
use crate::serve::Serving;
use assay_test::http::{Reply, Server};
use assay_test::image::{Builder, Tree};
use assay_test::registry::Content;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

/// What `robot:hunter2` is as Basic authentication.
const ROBOT: &str = "Basic cm9ib3Q6aHVudGVyMg==";

#[test]
fn a_key_is_its_owners_alone_and_nothing_is_replaced() {
    let place = Place::new();
    let ran = place.run(&["credential", "key", "--out", "first.key"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let (path, text) = (place.path("first.key"), std::fs::read_to_string(place.path("first.key")).unwrap());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(text.trim().len() == 64 && !ran.stderr.contains(text.trim()), "{}", ran.stderr);
    let ran = place.run(&["credential", "key", "--out", "first.key"]);
    assert!(ran.code == 2 && ran.stderr.contains("hint: "), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    let serve = |key: &str| {
        let ran = place.run(&["serve", "--data", "data", "--credential-key", key, "--listen", "127.0.0.1:0"]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(!place.path("data/assay-server.db").exists(), "something was done before");
        ran.stderr
    };
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = serve("first.key");
    assert!(said.contains("chmod o= first.key"), "{said}");
    let said = serve("missing.key");
    assert!(said.contains("assay credential key --out missing.key"), "{said}");
    place.write("short.key", "abcd\n");
    std::fs::set_permissions(place.path("short.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let said = serve("short.key");
    assert!(said.contains("32 random bytes") && !said.contains("abcd"), "{said}");
}

#[test]
fn what_a_server_keeps_is_set_listed_used_moved_to_another_key_and_forgotten() {
    let place = Place::new();
    let image = Builder::new().layer(Tree::new().file("etc/x", "x"), "COPY . /").build();
    let content = Content::new().image("1.0", &image);
    let registry = Server::start(move |request| match request.header("authorization") {
        Some(ROBOT) => content.answer(request),
        _ => Reply::new(401, "{}").header("WWW-Authenticate", "Basic realm=\"test\""),
    });
    let host = registry.host();
    let name = format!("{host}/team/app");
    for key in ["old.key", "new.key"] {
        assert_eq!(place.run(&["credential", "key", "--out", key]).code, 0);
    }
    place.write("password", "hunter2\n");
    let at = |url: &str, arguments: &[&str]| {
        let ran = place.run(&[arguments, &["--server", url, "--token-file", "token"]].concat());
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!told.contains("hunter2"), "{told}");
        (ran.code, told)
    };

    let server = Serving::start(&place, &host);
    let url = format!("http://{}", server.address);
    let set = ["credential", "set", &name, "--user", "robot", "--secret-file", "password"];
    let (code, told) = at(&url, &set);
    assert!(code == 2 && told.contains("--credential-key"), "{told}");
    drop(server);

    let server = Serving::start_with(&place, &host, &["--credential-key", "old.key"]);
    let url = format!("http://{}", server.address);
    let (code, told) = at(&url, &set);
    assert!(code == 0 && told.contains("is kept"), "{told}");
    let (code, told) = at(&url, &["credential", "list"]);
    assert!(code == 0 && told.contains(&name) && told.contains("robot"), "{told}");
    let (code, told) =
        at(&url, &["credential", "set", "elsewhere.example", "--user", "x", "--secret-file", "password"]);
    assert!(code == 2 && told.contains("--registry elsewhere.example"), "{told}");
    let (code, told) = at(&url, &["scan", &format!("{name}:1.0"), "--format", "json"]);
    assert!(code == 0 && told.contains(&image.digest()), "{told}");

    // From standard input, for writing.
    let mut process = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args([
            "credential",
            "set",
            &host,
            "--write",
            "--kind",
            "bearer",
            "--server",
            &url,
            "--token-file",
            "token",
        ])
        .current_dir(place.path("."))
        .env_clear()
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(b"hunter2-token\n").unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (_, told) = at(&url, &["credential", "list", "--format", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&listed["items"][1]["purpose"], &listed["items"][1]["kind"]),
        (&"write".into(), &"bearer".into())
    );
    let (code, told) = at(&url, &["credential", "remove", &name, "--write"]);
    assert!(code == 2 && told.contains("there is no credential"), "{told}");
    let (code, told) = at(&url, &["credential", "remove", &host, "--write"]);
    assert_eq!(code, 0, "{told}");
    drop(server);

    let both = ["--credential-key", "new.key", "--credential-key", "old.key"];
    let server = Serving::start_with(&place, &host, &both);
    let (code, told) = at(&format!("http://{}", server.address), &["credential", "rotate"]);
    assert!(code == 0 && told.contains("encrypted anew") && told.contains(": 1\n"), "{told}");
    drop(server);
    let server = Serving::start_with(&place, &host, &["--credential-key", "old.key"]);
    let url = format!("http://{}", server.address);
    let (code, told) = at(&url, &["credential", "rotate"]);
    assert!(code == 1 && told.contains(&format!("{name} (read) cannot be opened")), "{told}");
    drop(server);
    let server = Serving::start_with(&place, &host, &["--credential-key", "new.key"]);
    let url = format!("http://{}", server.address);
    let (code, told) = at(&url, &["credential", "remove", &name]);
    assert_eq!(code, 0, "{told}");
    let (_, told) = at(&url, &["credential", "list"]);
    assert_eq!(told.lines().count(), 1, "{told}");
}
