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
    let names = [
        ("PyPI", "requests"),
        ("npm", "lodash"),
        ("crates.io", "regex"),
        ("Debian:11", "zlib"),
        ("Go", "no/such"),
    ];
    let names = names.map(|(ecosystem, name)| (ecosystem.parse::<Ecosystem>().expect("known"), name));
    let start = Instant::now();
    let mut found = 0;
    for _ in 0..20_000 {
        for (ecosystem, name) in &names {
            found += usize::from(database.affected(ecosystem, name).expect("undamaged").next().is_some());
        }
    }
    report(&format!("lookup: {:?} ({found} found)", start.elapsed() / 100_000));
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to the terminal")]
fn report(line: &str) {
    println!("{line}");
}
