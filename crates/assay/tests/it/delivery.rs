//! What CI tells a server: builds and deployments, by the commands, to a real server.

use crate::Place;
use crate::serve::Serving;
use assay_test::http::{Reply, Server};
use assay_test::image::{Builder, Tree};
use assay_test::registry::Content;
use serde_json::json;

#[test]
fn builds_and_deployments_are_told_to_the_server() {
    let place = Place::new();
    let image = Builder::new().layer(Tree::new().file("etc/a", "a"), "COPY . /").build();
    let content = Content::new().image("1.0", &image);
    let registry = Server::start(move |request| content.answer(request));
    let server = Serving::start(&place, &registry.host());
    let url = format!("http://{}", server.address);
    let name = format!("{}/team/app:1.0", registry.host());
    let input = format!("golang:1.22=sha256:{}", "ab".repeat(32));
    place.write("build.log", "x".repeat(3 << 20) + "the end");
    let record = |arguments: &[&str], variables: &[(&str, &str)]| {
        let command = [&["build", "record", "--server", &url, "--token-file", "token"], arguments].concat();
        place.run_with(&command, variables)
    };
    // What GitHub says of the job stands in for what is not given.
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", "team/app"),
        ("GITHUB_SHA", "0123abc"),
        ("GITHUB_RUN_ID", "7"),
        ("GITHUB_REF", "refs/heads/main"),
    ];
    let ran = record(
        &["--outcome", "success", "--duration", "84", "--input", &input, "--log", "build.log", &name],
        &github,
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("recorded as build 1"), "{}", ran.stderr);
    let ran = record(&["--outcome", "failure", "--duration", "3", "--recipe", "4567def"], &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let builds = server.ask(&place, "GET", "/api/v1/builds", "");
    let one = &builds["items"][0];
    assert_eq!(
        (&one["digest"], &one["recipe"], &one["source"], &one["invocation"]),
        (
            &json!(image.digest()),
            &json!("0123abc"),
            &json!("git+https://github.com/team/app@refs/heads/main"),
            &json!("https://github.com/team/app/actions/runs/7/attempts/1")
        )
    );
    assert_eq!(
        (&one["image"], &one["durationSeconds"], &one["inputs"][0]["name"]),
        (&json!(format!("{}/team/app", registry.host())), &json!(84.0), &json!("golang:1.22"))
    );
    let log = server.text(&place, "GET", "/api/v1/builds/1/log", "");
    assert!(log.starts_with("… the beginning") && log.ends_with("the end"), "{} bytes", log.len());
    assert_eq!((&builds["items"][1]["digest"], &builds["items"][1]["image"]), (&json!(null), &json!("")));
    // A log that cannot be packed small is an object beside the database.
    let mut state = 1_u64;
    let noise: String = (0..300_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + (state >> 60) as u8)
        })
        .collect();
    place.write("noise.log", &noise);
    let ran =
        record(&["--outcome", "failure", "--duration", "3", "--recipe", "c", "--log", "noise.log"], &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(server.text(&place, "GET", "/api/v1/builds/3/log", ""), noise);
    // Beside the one by which the storage is tried.
    assert_eq!(std::fs::read_dir(place.path("data/objects")).unwrap().count(), 2);

    let deployment = |action: &str, arguments: &[&str]| {
        let command = [
            &["deployment", action, "--server", &url, "--token-file", "token"][..],
            &["--environment", "production", "--service", "shop front"],
            arguments,
        ];
        place.run(&command.concat())
    };
    let ran = deployment("record", &[&name, "--owner", "ada", "--team", "store"]);
    assert!(ran.code == 0 && ran.stderr.contains(&image.digest()), "{}", ran.stderr);
    let ran = deployment("record", &["--good"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let list = server.ask(&place, "GET", "/api/v1/deployments?running=true", "");
    let one = &list["items"][0];
    assert_eq!(
        (&one["service"], &one["digest"], &one["good"], &one["owner"]),
        (&json!("shop front"), &json!(image.digest()), &json!(true), &json!("ada"))
    );
    assert_eq!(deployment("end", &[]).code, 0);
    let ran = deployment("end", &[]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("the server answered 404: the service is not known to run anything"),
        "{}",
        ran.stderr
    );
    assert_eq!(server.ask(&place, "GET", "/api/v1/deployments?running=true", "")["items"], json!([]));
}

#[test]
fn what_is_not_known_is_asked_for_before_anything_is_sent() {
    let place = Place::new();
    place.write("token", "assay_x\n");
    let server = Server::start(|_| Reply::new(500, "no"));
    let url = format!("http://{}", server.host());
    let told = |arguments: &[&str], variables: &[(&str, &str)]| {
        let ran = place.run_with(arguments, variables);
        assert_eq!(ran.code, 2, "{arguments:?} {}", ran.stderr);
        assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
        ran.stderr
    };
    let build = ["build", "record", "--server", &url, "--token-file", "token", "--outcome"];
    let with = |more: &[&'static str]| [&build, more].concat();
    assert!(
        told(&with(&["failure", "--duration", "1"]), &[]).contains("the commit that was built is not known")
    );
    assert!(told(&with(&["failure", "--recipe", "c"]), &[]).contains("how long the build took"));
    assert!(told(&with(&["success", "--recipe", "c", "--duration", "1"]), &[]).contains("has an image"));
    let ahead = told(&with(&["failure", "--recipe", "c", "--started", "2999-01-01"]), &[]);
    assert!(ahead.contains("began in the future"), "{ahead}");
    let deployment = ["deployment", "record", "--environment", "e", "--service", "s", "--server"];
    let on = |more: &[&str]| -> Vec<String> {
        deployment.iter().chain(more).map(|text| (*text).to_owned()).collect()
    };
    let check = |more: &[&str], variables: &[(&str, &str)], want: &str| {
        let arguments = on(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let words = told(&arguments, variables);
        assert!(words.contains(want), "{words}");
    };
    check(&[&url, "--token-file", "token"], &[], "it is not said what the service runs");
    check(&[&url, "--good"], &[], "there is no token");
    check(&[&url, "--good"], &[("ASSAY_TOKEN", "a b")], "characters that no token has");
    check(
        &["http://assay.example", "--good"],
        &[("ASSAY_TOKEN", "x")],
        "`http://assay.example` would be sent the token without TLS",
    );
    assert_eq!(server.requests().len(), 0);
    // What is no server of ours is named as such.
    check(&[&url, "--good"], &[("ASSAY_TOKEN", "x")], "is no answer of an Assay server");
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer x"));
}

#[test]
fn object_storage_that_cannot_be_used_ends_the_start() {
    let place = Place::new();
    let server = Server::start(|_| Reply::new(403, "<Error><Code>AccessDenied</Code></Error>"));
    let url = format!("http://{}", server.host());
    let arguments = [
        "serve",
        "--data",
        "data",
        "--listen",
        "127.0.0.1:0",
        "--objects",
        "s3://bucket",
        "--objects-endpoint",
    ];
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "very-secret")];
    let ran = place.run_with(&[&arguments[..], &[&url]].concat(), &keys);
    assert_eq!(ran.code, 2);
    for words in [
        "cannot write an object in `s3://bucket/`",
        "answered 403 (AccessDenied)",
        "--objects s3://BUCKET/PREFIX",
    ] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("very-secret"), "{}", ran.stderr);
    let ran = place.run_with(&[&arguments[..], &["http://s3.example"]].concat(), &keys);
    assert!(ran.code == 2 && ran.stderr.contains("s3.example"), "{}", ran.stderr);
    let folder =
        ["serve", "--data", "data", "--objects", "token", "--objects-endpoint", "https://s3.example"];
    let ran = place.run(&folder);
    assert!(ran.code == 2 && ran.stderr.contains("a folder has no endpoint"), "{}", ran.stderr);
    // A file is no folder; nothing else is used instead.
    place.write("token", "");
    let ran = place.run(&["serve", "--data", "data", "--listen", "127.0.0.1:0", "--objects", "token"]);
    assert!(ran.code == 2 && ran.stderr.contains("cannot write an object in `token`"), "{}", ran.stderr);
    let ran = place.run(&["serve", "--data", "data", "--objects", "gs://bucket"]);
    assert!(ran.code == 2 && ran.stderr.contains("it names no bucket"), "{}", ran.stderr);
}
