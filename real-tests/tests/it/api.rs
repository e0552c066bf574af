//! The API fuzzed by schemathesis, from its own description: no server errors, answers as described, no other methods, nothing that the
//! description forbids taken, and nobody let in without a token.

use crate::server::{line, process};
use crate::services::{push, registry, run};
use assay_test::image::{Builder, Tree};
use real_tests::{assay, tool, workspace};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: p}\ntiers:\n  - {name: t, onPending: deny}\n\
    rules:\n  - {id: critical, vulnerabilities: {max: {critical: 0}}}\n";

/// What may be answered to what is spelled as described: 422 is for what makes no sense here, such as a registry that may not be asked.
const CONFIG: &str = "[checks.positive_data_acceptance]\n\
    expected-statuses = [\"2xx\", \"401\", \"403\", \"404\", \"409\", \"422\", \"429\"]\n";

fn schemathesis(folder: &Path, listen: &str, token: &str, config: &str, more: &[&str]) -> String {
    let modules = workspace().join("target/tools/python-api");
    let path = folder.join("schemathesis.toml");
    std::fs::write(&path, format!("{CONFIG}{config}")).unwrap();
    let ran = Command::new("python3")
        .env("PYTHONPATH", &modules)
        .current_dir(folder)
        .args(["-c", "from schemathesis.cli import schemathesis; schemathesis()", "--config-file"])
        .arg(&path)
        .args(["run", &format!("http://{listen}/api/v1/openapi.json")])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        // Below what one token may ask, else most answers are 429 and say nothing.
        .args(["--rate-limit", "90/s", "--seed", "20261127", "--no-shrink", "--continue-on-failure"])
        // Wrong tokens are limited per address, and would take the right one's answers with them; plain tests hold that every address asks
        // for its role.
        .args(["--exclude-checks", "ignored_auth"])
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("Test cases:"), "it tested nothing: {said}");
    said.into_owned()
}

fn post(listen: &str, path: &str, token: &str, body: &str) -> serde_json::Value {
    let mut stream = TcpStream::connect(listen).unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn the_api_is_what_it_says_that_it_is() {
    let (Some(docker_registry), Some(skopeo), Some(_)) =
        (tool("docker-registry"), tool("skopeo"), tool("python3"))
    else {
        return;
    };
    if !workspace().join("target/tools/python-api").exists() {
        println!("skipped: `cargo xtask tools` has not installed schemathesis");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    let (_registry, host) = registry(&docker_registry, folder.path(), "", "");
    let listen = format!("127.0.0.1:{}", crate::cluster::free_port());
    let serve =
        ["serve", "--data", "data", "--listen", &listen, "--registry", &host, "--policy", "policy.yaml"];
    let pair = format!("{host}/incoming/*={host}/release/*");
    let key = folder.path().join("credential.key").display().to_string();
    run(&assay(), &["credential", "key", "--out", &key]);
    let more = ["--crawl", &host, "--crawl-every", "5", "--promote", &pair, "--credential-key", &key];
    let mut server = process(folder.path(), &[&serve[..], &more].concat());
    let token = line(&mut server, "the first administrator's token, shown only now: ");
    let mut digests = Vec::new();
    for number in 0..3 {
        let tree = Tree::new()
            .file(
                "usr/lib/python3/dist-packages/django-4.0.5.dist-info/METADATA",
                "Name: django\nVersion: 4.0.5\n",
            )
            .file("etc/number", number.to_string());
        let image = Builder::new().layer(tree, "COPY . /").build();
        push(&skopeo, folder.path(), &image, &format!("{host}/team/app:v{number}"), &[]);
        digests.push(image.digest());
    }
    let port: u16 = listen.rsplit(':').next().unwrap().parse().unwrap();
    let begun = Instant::now();
    for digest in &digests {
        let path = format!("/api/v1/images/{digest}");
        while crate::server::get(port, &path, &token).unwrap_or_default()["scan"].is_null() {
            assert!(begun.elapsed() < Duration::from_secs(90), "{digest} is not scanned");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    // What revokes tokens comes last and with another: it finds the names of tokens in answers, and would go on without one.
    let all = ["--exclude-operation-id", "revokeToken", "--max-examples", "20", "--max-time", "150"];
    let said = schemathesis(folder.path(), &listen, &token, "", &all);
    assert!(
        !said.contains("Rate limited:") && !said.contains("Authentication failed:"),
        "it saw only refusals: {said}"
    );
    // Digests that are made up lead to nothing, so what is known of an image is asked for by one that is there.
    let known = format!("[parameters]\n\"path.digest\" = \"{}\"\n", digests[0]);
    let about =
        ["--include-path-regex", "digest", "--phases", "examples,coverage,fuzzing", "--max-examples", "20"];
    let said = schemathesis(folder.path(), &listen, &token, &known, &about);
    assert!(
        !said.contains("Rate limited:") && !said.contains("Authentication failed:"),
        "it saw only refusals: {said}"
    );
    let made = post(&listen, "/api/v1/tokens", &token, r#"{"name":"fuzz","role":"admin"}"#);
    let revoking = [
        "--include-operation-id",
        "revokeToken",
        "--suppress-health-check",
        "filter_too_much",
        "--max-examples",
        "20",
    ];
    schemathesis(folder.path(), &listen, made["token"].as_str().unwrap(), "", &revoking);
    // It is still there, and whole.
    assert!(
        crate::server::get(port, "/api/v1/images", &token).unwrap()["items"].as_array().unwrap().len() >= 3
    );
}
