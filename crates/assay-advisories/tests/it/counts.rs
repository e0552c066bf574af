//! Records in and out of each feed, over the real feeds.

use crate::{database, feeds};
use assay_advisories::{BuildOptions, Database, build_bytes};
use std::path::Path;

/// Builds from one part of the shared feeds and compares records used, rejected and ignored.
#[track_caller]
fn check(part: &str, feed: &str, want: (u64, u64, u64)) {
    let Some(feeds) = feeds() else { return };
    let (_, summary) = build_bytes(&[feeds.join(part)], &BuildOptions::default()).unwrap();
    let (_, _, counts) = summary.feeds.iter().find(|(id, ..)| id == feed).unwrap();
    assert_eq!((counts.used, counts.rejected, counts.ignored), want, "{:?}", counts.first_rejected);
}

#[test]
fn cisa_kev() {
    check("kev", "cisa-kev", (1404, 0, 0));
}

#[test]
fn epss_samples_are_recognised_by_content() {
    let Some(feeds) = feeds() else { return };
    let (bytes, summary) = build_bytes(&[feeds.join("samples/epss")], &BuildOptions::default()).unwrap();
    assert_eq!(summary.unrecognised, 0, "{:?}", summary.first_unrecognised);
    let db = Database::from_bytes(bytes).unwrap();
    assert_eq!(db.feeds().unwrap()[0].id, "epss");
    let used = db.feeds().unwrap()[0].used;
    assert_eq!(used, summary.feeds[0].2.records(), "{summary:?}");
}

/// The numbers of the feeds' manifest: what is in each archive, and how much of it says nothing about packages.
#[test]
fn osv_archives_are_read_whole() {
    for (ecosystem, records, ignored) in [
        // Twenty name commits only, which no installed package tells.
        ("PyPI", 7080, 20),
        ("crates.io", 1206, 0),
        ("Go", 4291, 0),
        ("RubyGems", 1174, 0),
        ("AlmaLinux:8", 3237, 0),
        ("AlmaLinux:9", 1783, 0),
        ("AlmaLinux:10", 660, 0),
        ("Bitnami", 7444, 0),
        ("Wolfi", 18_724, 0),
        ("Debian", 8625, 0),
        ("npm", 3511, 0),
        ("Maven", 2594, 0),
        ("NuGet", 668, 0),
        ("ConanCenter", 298, 0),
        ("Packagist", 3080, 0),
    ] {
        check(&format!("osv/{ecosystem}"), "osv", (records - ignored, 0, ignored));
    }
}

#[test]
fn distributions_lists_are_read_whole() {
    check("alpine-secdb", "alpine-secdb", (12_028, 0, 0));
    check("wolfi", "wolfi-secdb", (31_931, 0, 0));
    // 23,203 pairs of package and CVE; those of releases older than etch only, whose names are not told apart, are left out.
    check("debian/tracker", "debian-tracker", (20_556, 0, 2647));
    check("endoflife.date/api/v1", "endoflife.date", (8351, 0, 0));
}

#[test]
fn every_record_is_used_or_named() {
    let Some((_, summary)) = database() else { return };
    for line in summary.log() {
        println!("{line}");
    }
    for (feed, _, counts) in &summary.feeds {
        assert!(counts.used > 0, "{feed}");
        assert!(counts.rejected * 1000 <= counts.records(), "{feed}: {counts:?}");
    }
}

#[test]
fn the_same_feeds_give_the_same_bytes() {
    let Some(feeds) = feeds() else { return };
    let part = [feeds.join("osv/crates.io"), feeds.join("kev"), feeds.join("alpine-secdb")];
    let build = || build_bytes(&part, &BuildOptions::default()).unwrap().0;
    assert!(build() == build());
}

#[test]
fn a_feed_that_lost_its_records_is_refused() {
    let Some(feeds) = feeds() else { return };
    let (bytes, _) = build_bytes(&[feeds.join("kev")], &BuildOptions::default()).unwrap();
    let previous = Database::from_bytes(bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("kev")).unwrap();
    let text = r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2021-44228"}]}"#;
    std::fs::write(folder.path().join("kev/known_exploited_vulnerabilities.json"), text).unwrap();
    let target = folder.path().join("out.db");
    let mut options = BuildOptions { previous: Some(&previous), ..BuildOptions::default() };
    let inputs = [folder.path().join("kev")];
    let error = assay_advisories::build(&inputs, &target, &options).unwrap_err();
    assert_eq!(error.to_string(), "feed `cisa-kev` has `1` records and had `1404`; it may be incomplete");
    assert!(!Path::new(&target).exists());
    options.allow_shrink = true;
    assay_advisories::build(&inputs, &target, &options).unwrap();
    Database::open(&target).unwrap().verify().unwrap();
}
