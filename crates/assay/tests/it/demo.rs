//! `assay demo` tells its story to the end, and leaves nothing behind.

use crate::Place;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn the_story_is_told_to_its_end() {
    let place = Place::new();
    let mut process = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["demo", "--listen", "127.0.0.1:0"])
        .current_dir(place.path("."))
        .env_clear()
        .env("HOME", place.path("home"))
        .env("TMPDIR", place.path("scratch"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = Vec::new();
    for line in BufReader::new(process.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        let is_over = line.starts_with("That was the story") || line.contains("broke off");
        told.push(line);
        if is_over {
            break;
        }
    }
    let ended = Command::new("kill").arg(process.id().to_string()).status().unwrap();
    assert!(ended.success());
    assert_eq!(process.wait().unwrap().code(), Some(0), "{told:#?}");
    let starts: Vec<&str> = told.iter().map(|line| line.trim()).collect();
    for want in [
        "shop/web:1.0: scanned, no vulnerability",
        "shop/login:1.0: scanned, DEMO-2026-0001",
        "shop/web:1.0: admitted",
        "shop/login:1.0: denied: ",
        "shop/web:1.0: denied: ",
        "shop/web:1.1: scanned, no vulnerability",
        "shop/web:1.1: admitted",
        "That was the story",
    ] {
        assert!(starts.iter().any(|line| line.starts_with(want)), "{want}: {told:#?}");
    }
    assert!(told.iter().any(|line| line.contains("it is in shop/web (acme-json 1.4)")), "{told:#?}");
    assert_eq!(std::fs::read_dir(place.path("scratch")).unwrap().count(), 0, "something was left behind");
}
