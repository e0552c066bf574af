//! A finding's fingerprint survives what does not change the finding.

use crate::{Say, database, inventory, say};
use assay_match::match_inventory;
use assay_model::Location;

fn ids(packages: &[&str], feeds: &[(&str, Vec<Say>)]) -> Vec<String> {
    let found = match_inventory(&inventory(crate::release("debian 12"), packages), &database(feeds)).unwrap();
    found.findings.into_iter().map(|finding| finding.id).collect()
}

fn osv() -> Vec<(&'static str, Vec<Say>)> {
    vec![("osv", vec![say("GHSA-aaaa").affects("PyPI", "x", "<2")])]
}

#[test]
fn it_survives_a_version_bump_that_does_not_fix() {
    assert_eq!(ids(&["pypi x 1"], &osv()), ids(&["pypi x 1.5"], &osv()));
}

#[test]
fn it_survives_a_new_alias() {
    let with_cve = [("osv", vec![say("GHSA-aaaa").alias("CVE-2020-1").affects("PyPI", "x", "<2")])];
    assert_eq!(ids(&["pypi x 1"], &osv()), ids(&["pypi x 1"], &with_cve));
}

#[test]
fn it_survives_another_source_that_follows() {
    let mut more = osv();
    more[0].1[0] = say("GHSA-aaaa").alias("CVE-2020-1").affects("PyPI", "x", "<2");
    more.push(("later", vec![say("CVE-2020-1").published(1_690_000_000).affects("PyPI", "x", "<2")]));
    assert_eq!(ids(&["pypi x 1"], &osv()), ids(&["pypi x 1"], &more));
}

#[test]
fn it_survives_other_packages_and_places() {
    let alone = ids(&["pypi x 1"], &osv());
    assert_eq!(alone, ids(&["deb a 1", "pypi x 1", "pypi y 1"], &osv()));
    let mut moved = inventory(None, &["pypi x 1"]);
    moved.packages[0].locations.push(Location { path: "srv/venv".into(), layer: Some(3) });
    assert_eq!(match_inventory(&moved, &database(&osv())).unwrap().findings[0].id, alone[0]);
}

#[test]
fn it_tells_packages_versions_and_vulnerabilities_apart() {
    let feeds = [(
        "osv",
        vec![
            say("CVE-2020-1").affects("PyPI", "x", "<2").affects("PyPI", "y", "<2"),
            say("CVE-2020-2").affects("PyPI", "x", "<2"),
        ],
    )];
    let mut all = ids(&["pypi x 1", "pypi x 1.1", "pypi y 1"], &feeds);
    assert_eq!(all.len(), 5);
    assert!(all.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 5);
}

#[test]
fn it_tells_architectures_apart() {
    let feeds = [("tracker", vec![say("CVE-2020-1").affects("Debian:12", "x", "<2")])];
    let both = ids(&["deb x 1 arch=amd64", "deb x 1 arch=i386"], &feeds);
    assert_ne!(both[0], both[1]);
}
