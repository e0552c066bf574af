//! What could not be judged is said to be unassessed, never taken for clean.

use crate::{BUILT, Say, database, inventory, opened, release, say};
use assay_advisories::sink::{Counts, EndOfLife, Record};
use assay_advisories::{Compiler, Database};
use assay_match::{database_status, end_of_life, match_inventory};
use assay_model::timestamp::DAY;
use assay_model::{Ecosystem, Timestamp};

fn coverage(os: &str, packages: &[&str], database: &Database) -> Vec<String> {
    let matched = match_inventory(&inventory(release(os), packages), database).unwrap();
    let line = |one: assay_model::report::Coverage| {
        let name = one.ecosystem.as_ref().map_or(one.label.clone(), Ecosystem::to_string);
        format!("{name}: {} {}", one.state.name(), one.packages)
    };
    matched.coverage.into_iter().map(line).collect()
}

fn covering(ecosystem: &str, data_time: Timestamp) -> Database {
    let mut compiler = Compiler::new(false);
    let feed = compiler.feed("feed", "CC0-1.0");
    compiler.record(feed, Record::Covers(crate::ecosystem(ecosystem)));
    let Say(mut advisory) = say("CVE-2020-1").published(data_time.0).affects(ecosystem, "x", "<2");
    advisory.modified = Some(data_time);
    compiler.record(feed, Record::Advisory(Box::new(advisory)));
    compiler.count(feed, Counts { used: 1, data_time: Some(data_time), ..Counts::default() });
    opened(compiler)
}

#[test]
fn packages_are_counted_by_what_the_database_covers() {
    let pypi = covering("PyPI", BUILT);
    assert_eq!(coverage("", &["pypi x 3", "pypi y 1"], &pypi), ["PyPI: covered 2"]);
    assert_eq!(
        coverage("debian 12", &["deb a 1", "deb b 1", "pypi x 1"], &pypi),
        ["Debian:12: none 2", "PyPI: covered 1",]
    );
    assert_eq!(
        coverage("", &["deb a 1", "generic tool 1"], &pypi),
        ["deb of an unknown distribution: none 1", "generic without an ecosystem: none 1",]
    );
}

#[test]
fn another_release_of_a_covered_distribution_is_not_covered() {
    let bullseye = covering("Debian:11", BUILT);
    assert_eq!(coverage("debian 11", &["deb a 1"], &bullseye), ["Debian:11: covered 1"]);
    assert_eq!(coverage("debian 12", &["deb a 1"], &bullseye), ["Debian:12: none 1"]);
}

#[test]
fn a_stray_record_does_not_cover_its_ecosystem_and_still_counts() {
    let mut compiler = Compiler::new(false);
    let feed = compiler.feed("own", "own");
    let Say(advisory) = say("OWN-1").affects("Debian:12", "x", "<2");
    compiler.record(feed, Record::Advisory(Box::new(advisory)));
    let database = opened(compiler);
    assert_eq!(coverage("debian 12", &["deb x 1", "deb y 1"], &database), ["Debian:12: none 2"]);
    let found =
        match_inventory(&inventory(release("debian 12"), &["deb x 1", "deb y 1"]), &database).unwrap();
    assert_eq!(found.findings.iter().map(crate::line).collect::<Vec<_>>(), ["OWN-1 of 0: fixed 2"]);
}

#[test]
fn old_data_is_called_stale() {
    let of_age = |days: i64| coverage("", &["pypi x 1"], &covering("PyPI", Timestamp(BUILT.0 - days * DAY)));
    assert_eq!(of_age(30), ["PyPI: covered 1"]);
    assert_eq!(of_age(89), ["PyPI: covered 1"]);
    assert_eq!(of_age(200), ["PyPI: stale 1"]);
}

#[test]
fn a_version_that_cannot_be_compared_leaves_the_package_unassessed() {
    let go = covering("Go", BUILT);
    assert_eq!(
        coverage("", &["golang x (devel)", "golang y v1.0.0"], &go),
        ["Go: covered 1", "Go without a comparable version: none 1",]
    );
}

#[test]
fn the_state_of_the_database_names_its_feeds_in_order() {
    let database = database(&[
        ("zebra", vec![say("CVE-2020-1")]),
        ("apple", vec![say("CVE-2020-1"), say("CVE-2020-2")]),
    ]);
    let status = database_status(&database, false).unwrap();
    let feeds: Vec<_> = status.feeds.iter().map(|feed| (feed.name.as_str(), feed.records)).collect();
    assert_eq!(feeds, [("apple", 2), ("zebra", 1)]);
    assert_eq!((status.built_at, status.built_in), (Some(BUILT), false));
}

#[test]
fn a_release_has_an_end_of_life() {
    let mut compiler = Compiler::new(false);
    let feed = compiler.feed("endoflife.date", "MIT");
    let mut cycle = |product: &str, cycle: &str, end| {
        let (product, cycle) = (product.into(), cycle.into());
        compiler.record(feed, Record::EndOfLife { product, cycle, end });
    };
    cycle("debian", "11", EndOfLife::On(Timestamp(1_725_148_800)));
    cycle("alpine-linux", "3.11", EndOfLife::Ended);
    let database = opened(compiler);
    let of = |id: &str, version: &str| end_of_life(&crate::os(id, version), &database).unwrap();
    assert_eq!(of("debian", "11.7"), Some(Timestamp(1_725_148_800)));
    assert_eq!((of("debian", "12"), of("alpine", "3.11.3"), of("unknown", "1")), (None, None, None));
}
