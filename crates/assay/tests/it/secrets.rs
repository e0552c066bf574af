//! Secrets planted in images: found in every layer and in the configuration, and never let out.

use crate::{Place, json};
use assay_test::image::{Builder, BuiltImage, Tree};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A key identifier and a key, made here so that no scanner takes this file for a leak.
fn key_id() -> String {
    ["AKIA", "QNZGKIQY", "56JQ7WML"].concat()
}

fn key() -> String {
    ["vK8pZ3xR9tQ2mW7n", "B4cF6hJ1lS5dG0yA", "eU2iO8kX"].concat()
}

fn password() -> String {
    ["rT7-", "qPz9", "wLx2"].concat()
}

fn credentials() -> String {
    format!("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", key_id(), key())
}

fn planted() -> BuiltImage {
    Builder::new()
        .layer(Tree::new().file("etc/os-release", crate::OS_RELEASE), "ADD rootfs.tar.xz /")
        .layer(Tree::new().file("root/.aws/credentials", credentials()), "COPY .aws /root/.aws")
        .layer(Tree::new().whiteout("root/.aws/credentials"), "RUN rm /root/.aws/credentials")
        .instruction(&format!("ENV DB_PASSWORD={}", password()))
        .layer(
            Tree::new().file("srv/README", "nothing\n"),
            &format!("RUN |1 AWS_SECRET_ACCESS_KEY={} /bin/sh -c make", key()),
        )
        .runtime("Env", json!([format!("DB_PASSWORD={}", password()), "PATH=/usr/bin"]))
        .runtime(
            "Labels",
            json!({"net.acme.database": format!("postgres://app:{}@db.acme.net/app", password())}),
        )
        .build()
}

/// Returns rule, path, line and layer of every place of a secret in a JSON report.
fn secrets(report: &Value) -> Vec<(String, String, Option<u64>)> {
    let findings =
        report["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == "secret");
    let mut all: Vec<_> = findings
        .flat_map(|finding| {
            let places = finding["locations"].as_array().unwrap().iter();
            places.map(|place| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (text(&finding["rule"]), text(&place["path"]), place["line"].as_u64())
            })
        })
        .collect();
    all.sort();
    all
}

/// Returns the text of all files below a folder.
fn contents(folder: &Path, all: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            contents(&path, all);
        } else {
            all.push(fs::read(path).unwrap());
        }
    }
}

#[test]
fn a_secret_deleted_in_a_later_layer_is_found_and_located() {
    let place = Place::looking_for("vulnerability,secret");
    place.layout("image", &planted());
    place.run(&["scan", "oci:image", "--output", "json=out/a.json"]);
    let report = json(&place.path("out/a.json"));
    let file = |rule: &str, line| (rule.to_owned(), "root/.aws/credentials".to_owned(), Some(line));
    let config = |rule: &str, pointer: &str| (rule.to_owned(), format!("config.json#/{pointer}"), None);
    assert_eq!(
        secrets(&report),
        [
            config("aws-secret-access-key", "history/4/created_by"),
            file("aws-secret-access-key", 3),
            config("database-uri", "config/Labels/net.acme.database"),
            config("password-assignment", "config/Env/0"),
            file("aws-access-key-id", 2),
        ]
        .into_iter()
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
    let finding =
        report["findings"].as_array().unwrap().iter().find(|one| one["rule"] == "aws-access-key-id").unwrap();
    let layers = report["source"]["layers"].as_array().unwrap();
    assert_eq!(finding["locations"][0]["layer"], layers[1]["diff_id"]);
    let said = finding.to_string();
    assert!(
        said.contains("layer 2 still carries it") && said.contains("RUN rm /root/.aws/credentials"),
        "{said}"
    );
    assert!(said.contains("AKIA**************** (20 characters)"), "{said}");
}

#[test]
fn secrets_leave_the_program_in_no_output_log_or_cache() {
    let place = Place::looking_for("vulnerability,secret");
    place.layout("image", &planted());
    // A template of the user's own can only say what the other formats say, too.
    let formats =
        assay_report::format::FORMATS.iter().map(|format| format.name()).filter(|name| *name != "template");
    let names: Vec<String> = formats.map(|name| format!("{name}=out/report.{name}")).collect();
    let outputs: Vec<&str> = names.iter().flat_map(|name| ["--output", name]).collect();
    let ran = place.run(&[&["scan", "oci:image"], &outputs[..]].concat());
    assert_eq!(fs::read_dir(place.path("out")).unwrap().count(), names.len(), "{}", ran.stderr);
    // A second scan is from the cache, and says the same.
    let again = place.run(&["scan", "oci:image"]);
    assert_eq!(ran.stdout, again.stdout);
    assert!(again.stdout.contains("aws-access-key-id"), "{}", again.stdout);
    let mut all = vec![ran.stdout.into_bytes(), ran.stderr.into_bytes(), again.stderr.into_bytes()];
    contents(&place.path("out"), &mut all);
    contents(&place.path("home"), &mut all);
    contents(&place.path("scratch"), &mut all);
    assert!(all.len() > names.len() + 3, "there is a cache");
    for secret in [&key_id()[4..], &key(), &password()] {
        for content in &all {
            for part in [&secret[..8], &secret[secret.len() - 8..]] {
                let at = content.windows(8).position(|window| window == part.as_bytes());
                let around =
                    at.map(|at| String::from_utf8_lossy(&content[at.saturating_sub(80)..at]).into_owned());
                assert_eq!(around, None, "`{part}` is told");
            }
        }
    }
}

#[test]
fn secrets_are_looked_for_only_when_asked_for_and_redacted_always() {
    let place = Place::new();
    place.layout("image", &planted());
    place.run(&["scan", "oci:image", "--scanners", "vulnerability", "--output", "json=out/a.json"]);
    let report = json(&place.path("out/a.json"));
    assert_eq!(secrets(&report), []);
    assert!(!report.to_string().contains(&key()) && !report.to_string().contains(&password()));
}

#[test]
fn the_same_secret_in_two_layers_is_one_finding_that_stays_the_same() {
    let place = Place::looking_for("vulnerability,secret");
    let layer = || Tree::new().file("srv/.env", format!("ID={}\n", key_id()));
    let one = Builder::new().layer(layer(), "COPY .env /srv").build();
    let two = Builder::new().layer(layer(), "COPY .env /srv").layer(layer(), "COPY .env /srv").build();
    let mut seen = Vec::new();
    for (name, image) in [("one", one), ("two", two)] {
        place.layout(name, &image);
        place.run(&["scan", &format!("oci:{name}"), "--output", "json=out/a.json"]);
        let report = json(&place.path("out/a.json"));
        let secrets: Vec<_> =
            report["findings"].as_array().unwrap().iter().filter(|one| one["kind"] == "secret").collect();
        assert_eq!(secrets.len(), 1, "{report}");
        seen.push((secrets[0]["id"].clone(), secrets[0]["locations"].as_array().unwrap().len()));
    }
    assert_eq!(seen[0].0, seen[1].0);
    assert_eq!((seen[0].1, seen[1].1), (1, 2));
}
