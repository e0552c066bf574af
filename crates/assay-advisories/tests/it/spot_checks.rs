//! Section 6 of the feeds' `MANIFEST.md`, at the level of look-up and range evaluation.

use crate::database;
use assay_advisories::database::Statement;
use assay_advisories::{Database, sink::EndOfLife};
use assay_model::advisory::Fix;
use assay_model::ecosystem::Ecosystem;
use std::collections::BTreeSet;

/// The table, which `assay-match` holds its findings against, too.
const ROWS: &str = include_str!("../../testdata/spot_checks.txt");

/// Returns whether a statement says that a version is affected.
fn affects(ecosystem: &Ecosystem, statement: &Statement<'_>, version: &str) -> bool {
    let scheme = ecosystem.scheme();
    let within = statement.ranges.iter().any(|range| range.contains(scheme, version).unwrap());
    statement.fix != Fix::NotAffected && (within || statement.versions.contains(&version))
}

/// Returns the identifiers of advisories and vulnerabilities by which a version is affected.
fn matches(db: &Database, ecosystem: &str, package: &str, version: &str) -> BTreeSet<String> {
    let ecosystem: Ecosystem = ecosystem.parse().unwrap();
    let mut ids = BTreeSet::new();
    for statement in db.affected(&ecosystem, &ecosystem.canonical_name(package)).unwrap() {
        let statement = statement.unwrap();
        if affects(&ecosystem, &statement, version) {
            ids.insert(db.advisory(statement.advisory).unwrap().id.to_owned());
            ids.insert(db.vulnerability(statement.vulnerability).unwrap().id.to_owned());
        }
    }
    ids
}

#[test]
fn spot_checks_hold() {
    let Some((db, _)) = database() else { return };
    let mut wrong = Vec::new();
    for row in ROWS.lines().filter(|row| !row.starts_with('#')) {
        let fields: Vec<&str> = row.split(" | ").collect();
        let [ecosystem, package, affected, unaffected, advisory] = fields[..] else { panic!("{row}") };
        let (advisory, cve) = advisory.split_once('=').unwrap_or((advisory, advisory));
        for version in affected.split(' ') {
            let ids = matches(db, ecosystem, package, version);
            if !(ids.contains(advisory) && (cve == advisory || ids.contains(cve))) {
                wrong.push(format!("{ecosystem} {package} {version} lacks {advisory} ({cve}): {ids:?}"));
            }
        }
        for version in unaffected.split(' ') {
            if matches(db, ecosystem, package, version).contains(advisory) {
                wrong.push(format!("{ecosystem} {package} {version} has {advisory}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn two_records_of_one_cve_are_one_vulnerability() {
    let Some((db, _)) = database() else { return };
    let named = db.by_id("cve-2023-4863").unwrap();
    let [vulnerability] = named.vulnerabilities[..] else { panic!("{named:?}") };
    let vulnerability = db.vulnerability(vulnerability).unwrap();
    assert_eq!(vulnerability.id, "CVE-2023-4863");
    assert!(vulnerability.aliases.contains(&"PYSEC-2026-1794"), "{vulnerability:?}");
    // This one names two CVEs, so it is an alias of neither, but speaks about both.
    let bundled = db.by_id("PYSEC-2023-175").unwrap();
    assert_eq!(bundled.vulnerabilities.len(), 2);
    assert!(bundled.vulnerabilities.contains(&vulnerability.key));
    let pypi = "PyPI".parse().unwrap();
    let ids: BTreeSet<_> = db
        .affected(&pypi, "pillow")
        .unwrap()
        .map(|statement| db.vulnerability(statement.unwrap().vulnerability).unwrap().id)
        .collect();
    assert!(ids.contains("CVE-2023-4863") && !ids.contains("PYSEC-2023-175"));
}

#[test]
fn log4shell_is_catalogued_as_exploited() {
    let Some((db, _)) = database() else { return };
    let named = db.by_id("GHSA-jfh8-c2jp-5v3q").unwrap();
    let vulnerability = db.vulnerability(named.vulnerabilities[0]).unwrap();
    let kev = vulnerability.kev.as_ref().unwrap();
    assert_eq!((vulnerability.id, kev.ransomware), ("CVE-2021-44228", true));
    assert_eq!(kev.added, Some("2021-12-10".parse().unwrap()));
}

#[test]
fn an_erratum_is_no_alias_of_what_it_fixes() {
    let Some((db, _)) = database() else { return };
    let named = db.by_id("DSA-5103-1").unwrap();
    let advisory = db.advisory(named.advisories[0]).unwrap();
    let packages: Vec<_> = db.packages_of(&advisory).unwrap();
    assert!(packages.iter().any(|(ecosystem, name, _)| (*ecosystem, *name) == ("Debian:11", "openssl")));
    for key in named.vulnerabilities {
        let vulnerability = db.vulnerability(key).unwrap();
        assert!(vulnerability.id.starts_with("CVE-"));
        assert!(!vulnerability.aliases.contains(&"DSA-5103-1"), "{vulnerability:?}");
    }
}

#[test]
fn only_what_the_feeds_hold_is_covered() {
    let Some((db, _)) = database() else { return };
    let covered = |name: &str| db.coverage(&name.parse().unwrap()).unwrap().is_some();
    for name in
        ["PyPI", "npm", "Go", "crates.io", "Wolfi", "Alpine:v3.11", "AlmaLinux:9", "Debian:11", "Debian:10"]
    {
        assert!(covered(name), "{name}");
    }
    for name in ["Debian:12", "Debian:13", "Alpine:v3.20", "Hex", "Ubuntu:22.04", "Fedora:40"] {
        assert!(!covered(name), "{name}");
    }
}

#[test]
fn ends_of_life_are_known() {
    let Some((db, _)) = database() else { return };
    let day = |text: &str| Some(EndOfLife::On(text.parse().unwrap()));
    assert_eq!(db.end_of_life("debian", "11").unwrap(), day("2024-08-14"));
    assert_eq!(db.end_of_life("debian", "12").unwrap(), day("2026-07-11"));
    assert_eq!(db.end_of_life("debian", "99").unwrap(), None);
}

#[test]
fn withdrawn_advisories_match_nothing_but_are_found() {
    let Some((db, _)) = database() else { return };
    // PYSEC-2011-27 of products-plonehotfix20110928, withdrawn in 2024.
    assert!(
        matches(db, "PyPI", "products-plonehotfix20110928", "1.0").iter().all(|id| id != "PYSEC-2011-27")
    );
    let named = db.by_id("PYSEC-2011-27").unwrap();
    let advisory = db.advisory(named.advisories[0]).unwrap();
    assert!(advisory.withdrawn.is_some());
    assert_eq!(db.packages_of(&advisory).unwrap().len(), 1);
}

#[test]
fn search_finds_packages_and_identifiers() {
    use assay_advisories::database::Hit;
    let Some((db, _)) = database() else { return };
    let package = |name: &str| Hit::Package { ecosystem: "npm".to_owned(), name: name.to_owned() };
    assert!(db.search("lodash", 20).unwrap().contains(&package("lodash")));
    assert_eq!(db.search("CVE-2021-44228", 5).unwrap(), [Hit::Id("cve-2021-44228".to_owned())]);
}
