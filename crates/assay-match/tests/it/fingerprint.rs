//! A finding's fingerprint survives what does not change the finding.

use crate::{Say, database, inventory, say};
use assay_match::match_inventory;
use assay_model::Location;
use std::collections::{BTreeMap, BTreeSet};

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
fn it_survives_other_packages() {
    assert_eq!(ids(&["pypi x 1"], &osv()), ids(&["deb a 1", "pypi x 1", "pypi y 1"], &osv()));
}

/// Returns the fingerprints of packages that are all affected, by `version place`; places are separated by commas.
fn placed(kind: &str, packages: &[(&str, &str)]) -> BTreeMap<String, String> {
    let ecosystem = if kind == "deb" { "Debian:12" } else { "npm" };
    let feeds = [("feed", vec![say("GHSA-aaaa").affects(ecosystem, "x", "all")])];
    let texts: Vec<String> = packages.iter().map(|(version, _)| format!("{kind} x {version}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut inventory = inventory(crate::release("debian 12"), &texts);
    for (package, (_, places)) in inventory.packages.iter_mut().zip(packages) {
        package.locations =
            places.split(',').map(|path| Location { path: path.to_owned(), layer: None }).collect();
    }
    let found = match_inventory(&inventory, &database(&feeds)).unwrap().findings;
    assert_eq!(found.len(), packages.len());
    let named = |index: u32| {
        let (version, places) = packages[index as usize];
        format!("{version} {places}")
    };
    found.into_iter().map(|finding| (named(finding.package.unwrap()), finding.id)).collect()
}

/// The only fingerprint of one package.
fn one(kind: &str, version: &str, places: &str) -> String {
    placed(kind, &[(version, places)]).into_values().next().unwrap()
}

#[test]
fn it_survives_that_another_version_goes_away() {
    let (low, high) = (("1.0.0", "app/node_modules/x"), ("2.0.0", "app/node_modules/y/node_modules/x"));
    for pair in [[low, high], [high, low]] {
        let both = placed("npm", &pair);
        assert_eq!(both.values().collect::<BTreeSet<_>>().len(), 2);
        for (version, place) in pair {
            assert_eq!(both[&format!("{version} {place}")], one("npm", version, place), "{version}");
        }
    }
    // The same where paths hold the versions, and one package is upgraded to the other's version.
    let jars = [("1.0", "a/x-1.0.jar"), ("2.0.Final", "b/x-2.0.Final.jar")];
    let both = placed("npm", &jars);
    assert_eq!(both["1.0 a/x-1.0.jar"], one("npm", "2.0.Final", "a/x-2.0.Final.jar"));
    assert_eq!(both["2.0.Final b/x-2.0.Final.jar"], one("npm", "2.0.Final", "b/x-2.0.Final.jar"));
}

#[test]
fn it_survives_versions_in_paths() {
    let before = one("npm", "1.0", "lib/python3.9/site-packages/x-1.0.dist-info/METADATA");
    assert_eq!(
        before,
        one("npm", "1.0.post1", "lib/python3.12/site-packages/x-1.0.post1.dist-info/METADATA")
    );
    assert_ne!(before, one("npm", "1.0", "srv/lib/python3.9/site-packages/x-1.0.dist-info/METADATA"));
}

#[test]
fn it_survives_copies_that_lie_deeper() {
    let alone = one("npm", "1.0.0", "srv/x");
    assert_eq!(alone, one("npm", "1.0.0", "app/inner/x,srv/x"));
    assert_eq!(alone, one("npm", "1.0.0", "srv/x,srv/y/x"));
}

#[test]
fn it_survives_a_package_database_that_moves() {
    let before = one("deb", "1.0", "var/lib/dpkg/status");
    assert_eq!(before, one("deb", "1.0", "usr/lib/sysimage/dpkg/status"));
}

#[test]
fn versions_at_one_place_are_told_apart() {
    let all = placed("npm", &[("1.0", "lib/x-1.0.jar"), ("1.1", "lib/x-1.1.jar"), ("2", "lib/x-2.jar")]);
    assert_eq!(all.values().collect::<BTreeSet<_>>().len(), 3);
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
