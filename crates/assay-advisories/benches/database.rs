//! Times compiling, opening and looking up in the database of the feeds in the folder named, or of the shared
//! ones.

#![allow(clippy::expect_used, reason = "a bench that cannot run should stop")]

use assay_advisories::{BuildOptions, Database, build};
use assay_model::Ecosystem;
use std::path::PathBuf;
use std::time::Instant;

fn main() {
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let feeds = named.map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/feeds")),
        PathBuf::from,
    );
    if !feeds.is_dir() {
        report("skipped: there are no feeds");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for the database");
    let target = folder.path().join("assay.db");
    let start = Instant::now();
    let summary = build(&[feeds], &target, &BuildOptions::default()).expect("the feeds build");
    let records: u64 = summary.feeds.iter().map(|(_, _, counts)| counts.records()).sum();
    report(&format!("compile: {records} records, {} bytes, {:?}", summary.bytes, start.elapsed()));
    let start = Instant::now();
    let rounds = 1000;
    for _ in 0..rounds {
        Database::open(&target).expect("it opens");
    }
    report(&format!("open: {:?}", start.elapsed() / rounds));
    let database = Database::open(&target).expect("it opens");
    look_up(
        &database,
        "lookup",
        &[
            ("PyPI", "requests"),
            ("npm", "lodash"),
            ("crates.io", "regex"),
            ("Debian:11", "zlib"),
            ("Go", "no/such"),
        ],
    );
    // What recognises itself is looked up by the names of two ecosystems, and has more statements than anything else.
    look_up(
        &database,
        "software lookup",
        &[("Bitnami", "nginx"), ("CPE", "f5:nginx"), ("Bitnami", "redis"), ("CPE", "redis:redis")],
    );
}

/// Times finding the first statement about each of these names.
fn look_up(database: &Database, what: &str, names: &[(&str, &str)]) {
    const ROUNDS: u32 = 20_000;
    let names: Vec<(Ecosystem, &str)> = names
        .iter()
        .map(|(ecosystem, name)| (ecosystem.parse::<Ecosystem>().expect("known"), *name))
        .collect();
    let start = Instant::now();
    let mut found = 0;
    for _ in 0..ROUNDS {
        for (ecosystem, name) in &names {
            found += u32::from(database.affected(ecosystem, name).expect("undamaged").next().is_some());
        }
    }
    let each = start.elapsed() / (ROUNDS * u32::try_from(names.len()).expect("a few"));
    report(&format!("{what}: {each:?} ({} of {} names are known)", found / ROUNDS, names.len()));
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to the terminal")]
fn report(line: &str) {
    println!("{line}");
}
