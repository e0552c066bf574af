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
