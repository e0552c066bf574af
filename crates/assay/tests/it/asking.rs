//! Asking a server from the command line: fleet, blast radius, reports and verdicts.

use crate::Place;
use crate::serve::Serving;
use assay_test::http::Server;
use assay_test::image::{Builder, BuiltImage, Tree};
use assay_test::registry::Content;

const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: fleet}\ntiers:\n  - {name: all, onPending: deny}\n\
    rules:\n  - {id: critical, vulnerabilities: {max: {critical: 0, high: 0, medium: 0, low: 0}}}\n";

fn image(number: u8, openssl: &str) -> BuiltImage {
    let status = format!(
        "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: {openssl}\nDescription: x\n\n"
    );
    let tree = Tree::new()
        .file("etc/os-release", crate::OS_RELEASE)
        .file("var/lib/dpkg/status", status)
        .file("etc/number", number.to_string());
    Builder::new().layer(tree, "COPY . /").build()
}

#[test]
fn what_a_server_knows_is_asked_for_and_shown() {
    let place = Place::new();
    let old = image(1, "3.0.11-1~deb12u1");
    let registry = Server::start({
        let content = Content::new().image("1.0", &old);
        move |request| content.answer(request)
    });
    let host = registry.host();
    place.write("policy.yaml", POLICY);
    let server = Serving::start_with(&place, &host, &["--policy", "policy.yaml"]);
    let url = format!("http://{}", server.address);
    let ask =
        |arguments: &[&str]| place.run(&[arguments, &["--server", &url, "--token-file", "token"]].concat());
    let name = format!("{host}/team/app:1.0");

    // Nobody has pushed it: it is asked for, resolved, scanned and shown, in any format.
    let ran = ask(&["scan", &name, "--format", "json"]);
    assert!(ran.stderr.is_empty() || ran.stderr.contains("has not scanned the image yet"), "{}", ran.stderr);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["schema"], "assay.report/v1");
    assert_eq!(report["source"]["manifest_digest"], old.digest());
    let here = place.run(&["scan", &name, "--format", "json", "--no-attached"]);
    let here: serde_json::Value = serde_json::from_str(&here.stdout).unwrap();
    assert_eq!(report["packages"], here["packages"], "the server's scan is another than that made here");
    let ran = ask(&["scan", &name, "--format", "cyclonedx"]);
    assert!(
        ran.stdout.contains("\"bomFormat\": \"CycloneDX\"") && ran.stdout.contains("openssl"),
        "{}",
        ran.stdout
    );

    let ran = ask(&["images"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("IMAGE") && ran.stdout.contains(&old.digest()), "{}", ran.stdout);
    assert!(ran.stdout.contains(&format!("{host}/team/app")), "{}", ran.stdout);
    let ran = ask(&["images", "--unscanned", "--format", "json"]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap(),
        serde_json::json!({ "items": [] })
    );

    // The namespace is known to admission, too; the verdict is the server's, whatever lies about here.
    let ran = ask(&["gate", &name, "--namespace", "web", "--format", "json"]);
    let verdict: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&verdict["schema"], &verdict["policy"]), (&"assay.verdict/v1".into(), &"fleet".into()));
    assert_eq!(ran.code, i32::from(verdict["verdict"] == "deny"), "{verdict}");
    // No cluster has admitted it, so that it is the same there.
    let there = ask(&["gate", &name, "--namespace", "web", "--format", "json", "--cluster", "eu-1"]);
    let there: serde_json::Value = serde_json::from_str(&there.stdout).unwrap();
    assert_eq!((&there["verdict"], &there["reasons"]), (&verdict["verdict"], &verdict["reasons"]));
    let ran = ask(&["gate", &name, "--cluster", "EU"]);
    assert!(ran.code == 2 && ran.stderr.contains("name of a cluster"), "{}", ran.stderr);
    let ran = place.run(&["gate", &name, "--policy", "policy.yaml", "--cluster", "eu-1"]);
    assert!(ran.code == 2 && ran.stderr.contains("--cluster"), "{}", ran.stderr);
    let ran = ask(&["gate", &name, "--tier", "all"]);
    assert!(ran.code == 2 && ran.stderr.contains("`--tier` is not for a server"), "{}", ran.stderr);

    let ran = ask(&["blast-radius", "openssl"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("3.0.11-1~deb12u1"), "{}", ran.stdout);
    assert_eq!(ask(&["blast-radius", "openssl@<2", "--ecosystem", "Debian:12"]).code, 0);
    let ran = ask(&["blast-radius", "openssl@>=2", "--ecosystem", "Debian:12"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ask(&["blast-radius", "CVE-1999-1"]).code, 0);
    let ran = ask(&["blast-radius", "openssl@<2"]);
    assert!(ran.code == 2 && ran.stderr.contains("--ecosystem"), "{}", ran.stderr);
    // Nobody looked at files, so that nobody can say that none has it.
    let ran = ask(&["blast-radius", "--file", &"00".repeat(32)]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("files are known of 0 of 1 images: it may be in others"), "{}", ran.stderr);

    // What cannot be had is said, and never clean.
    let ran = ask(&["scan", &format!("{host}/team/app:2.0"), "--server-wait", "30"]);
    assert!(ran.code == 2 && ran.stderr.contains("cannot get the server's report"), "{}", ran.stderr);
    let ran = ask(&["gate", "elsewhere.example/team/app:1.0"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.stdout.to_lowercase().contains("den"), "{}", ran.stdout);
    assert!(ran.stderr.contains("--registry elsewhere.example"), "{}", ran.stderr);
    let ran = place.run(&["images", "--server", &url]);
    assert!(ran.code == 2 && ran.stderr.contains("--token-file"), "{}", ran.stderr);
    let ran = place.run_with(&["images"], &[("ASSAY_SERVER", &url), ("ASSAY_TOKEN", &place_token(&place))]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = ask(&["scan", &name, "--policy", "policy.yaml"]);
    assert!(ran.code == 2 && ran.stderr.contains("by its own policy"), "{}", ran.stderr);
}

fn place_token(place: &Place) -> String {
    std::fs::read_to_string(place.path("token")).unwrap()
}

#[test]
fn a_server_that_lies_is_not_believed() {
    use assay_test::http::Reply;
    let place = Place::new();
    place.write("token", "assay_x");
    let digest = format!("sha256:{}", "1".repeat(64));
    let verdict = |decision: &str, inside: &str| {
        format!(
            r#"{{"reference":"r","digest":"{digest}","decision":"{decision}","lines":[],"decided":null,"expires":null,"verdict":{inside}}}"#
        )
    };
    let denied = r#"{"schema":"assay.verdict/v1","verdict":"deny","evaluated":true,"policy":"p","tiers":[],
        "evaluated_at":"2026-01-01T00:00:00Z","source":"s","index_digest":null,"digests":[],"reasons":[],"exceptions":[]}"#;
    for (answer, code) in [
        (verdict("deny", denied), 1),
        // The word for people and the verdict disagree.
        (verdict("admit", denied), 2),
        (verdict("admit", "null"), 2),
        (verdict("admit", "{}"), 2),
        ("[]".to_owned(), 2),
        ("\u{1b}]0;x\u{7}".to_owned(), 2),
    ] {
        let digest = digest.clone();
        let server = Server::start(move |request| {
            let body = match request.target.split('?').next().unwrap_or_default() {
                "/api/v1/images" => r#"{"reference":"r","job":1}"#.to_owned(),
                "/api/v1/jobs/1" => {
                    r#"{"id":1,"kind":"resolve","registry":"r","state":"done","attempts":1,"maxAttempts":2,
                    "created":"x","runAt":"x","error":null}"#
                        .to_owned()
                }
                "/api/v1/reference" => format!(r#"{{"reference":"r","digest":"{digest}","seen":null}}"#),
                _ => answer.clone(),
            };
            Reply::new(200, body)
        });
        let url = format!("http://{}", server.host());
        let ran = place.run(&["gate", "r.example/a:1", "--server", &url, "--token-file", "token"]);
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'));
    }
    let ran = place.run(&["images", "--server", "http://assay.example", "--token-file", "token"]);
    assert!(ran.code == 2 && ran.stderr.contains("without TLS"), "{}", ran.stderr);
}

/// The policy for which every scan is deep, so that files are known.
const DEEP: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: deep}\n\
    tiers:\n  - {name: all, onPending: deny}\nrules:\n  - {id: deep, scan: {depth: deep}}\n";

#[test]
fn files_secrets_decisions_and_what_happened_are_asked_for() {
    let place = Place::new();
    let miner = "#!/bin/sh\necho mining\n";
    let tree = Tree::new()
        .program("opt/.hidden/miner", miner)
        .file("app/.env", "AWS_ACCESS_KEY_ID=AKIAQYLPMN5HHHFPZAM2\n");
    let bad = crate::builder().layer(tree, "COPY . /").build();
    let registry = Server::start({
        let content = Content::new().image("1.0", &bad);
        move |request| content.answer(request)
    });
    let host = registry.host();
    place.write("policy.yaml", DEEP);
    let server = Serving::start_with(&place, &host, &["--policy", "policy.yaml"]);
    let url = format!("http://{}", server.address);
    let ask =
        |arguments: &[&str]| place.run(&[arguments, &["--server", &url, "--token-file", "token"]].concat());
    let told = |arguments: &[&str], code: i32, want: &str| {
        let ran = ask(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        let text = if ran.stdout.is_empty() { ran.stderr } else { ran.stdout };
        assert!(text.contains(want), "{arguments:?}: {text}");
        text
    };
    let (app, digest) = (format!("{host}/team/app"), bad.digest());
    told(&["scan", &format!("{app}:1.0")], 0, "libssl3");

    // A file by its digest, or by one that lies here; every image was looked into.
    let hash = assay_test::image::digest(miner.as_bytes());
    told(&["blast-radius", "--file", &hash], 1, "opt/.hidden/miner");
    place.write("found", miner);
    let json = told(&["blast-radius", "--file", "found", "--format", "json"], 1, &digest);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["files"], serde_json::json!({ "images": 1, "inPart": 0, "scanned": 1 }));
    let other = assay_test::image::digest(b"something else");
    told(&["blast-radius", "--file", &other], 0, "PATH");
    told(&["blast-radius", "--file", &hash, "--repository", "team/other"], 0, "PATH");
    for wrong in ["sha256:00", "nowhere"] {
        let said = told(&["blast-radius", "--file", wrong], 2, wrong);
        assert!(said.contains("hint: name a file that you may read"), "{said}");
    }
    told(&["blast-radius", "--file", &hash, "--triage", "open"], 2, "cannot be used with");
    told(&["blast-radius"], 2, "required");
    told(&["blast-radius", "openssl", "--rule", "x"], 2, "cannot be used with");

    let secret = told(&["blast-radius", "--rule", "aws-access-key-id"], 1, &digest);
    assert!(!secret.contains("AKIA") && !secret.contains("PACKAGE"), "{secret}");
    told(&["blast-radius", "--rule", "github-token"], 0, "TRIAGE");
    // The rule of another finding is named as an advisory is.
    told(&["blast-radius", "aws-access-key-id", "--advisory"], 1, &digest);
    let said = told(&["blast-radius", "openssl", "--triage", "open"], 2, "a package is none");
    assert!(said.contains("hint: leave out `--triage`"), "{said}");

    // What runs, in the table of those that are hit.
    let runs = ["--environment", "production", "--service", "shop"];
    told(&[&["deployment", "record", "--digest", &digest], &runs[..]].concat(), 0, "runs");
    told(&["deployment", "list"], 0, "shop");
    told(&["blast-radius", "CVE-2022-4450"], 1, "production/shop");
    told(&[&["deployment", "end"], &runs[..]].concat(), 0, "");
    assert!(!told(&["deployment", "list"], 0, "SERVICE").contains("shop"));
    told(&["deployment", "list", "--all", "--format", "json"], 0, "shop");

    // Decisions change what is open.
    let decide = |more: &[&str], code, want| {
        let about = ["triage", "decide", "CVE-2022-4450", "--reason", "not so", "--owner", "team-shop"];
        told(&[&about, more].concat(), code, want)
    };
    let said = decide(&["--state", "accepted", "--repository", &app], 2, "`expires` says until when");
    assert!(said.contains("hint: say it with the option of that name"), "{said}");
    decide(&["--state", "false-positive"], 2, "required");
    decide(&["--state", "false-positive", "--digest", &other], 2, "has, or had, the finding");
    told(&["blast-radius", "CVE-2022-4450", "--triage", "open"], 1, &digest);
    decide(&["--state", "false-positive", "--repository", &app], 0, "team-shop");
    told(&["blast-radius", "CVE-2022-4450", "--triage", "open"], 0, "MATCH");
    told(&["blast-radius", "CVE-2022-4450", "--triage", "settled"], 1, "false-positive");
    told(&["triage", "list", "--state", "false-positive"], 0, "not so");
    assert!(!told(&["triage", "list", "--state", "accepted"], 0, "NUMBER").contains("not so"));
    told(&["triage", "withdraw", "1"], 0, "holds no more");
    told(&["triage", "withdraw", "1"], 2, "no decision of this number is in effect");
    assert!(!told(&["triage", "list"], 0, "NUMBER").contains("not so"));
    told(&["triage", "list", "--all"], 0, "withdrawn");

    let text = told(&["events", "--kind", "triage-withdrawn", "--format", "json"], 0, "CVE-2022-4450");
    let events: serde_json::Value = serde_json::from_str(&text).unwrap();
    let number = events["items"][0]["id"].to_string();
    assert!(!told(&["events", "--after", &number], 0, "DETAIL").contains("triage-withdrawn"));
    told(&["events", "--digest", &digest], 0, "scanned");

    told(&["promotion", "list"], 0, "TARGET");
    told(&["promotion", "ask", &format!("{app}:1.0")], 2, "the server promotes nothing");
}
