//! Section 6 of the feeds' `MANIFEST.md`, at the level of look-up and range evaluation.

use crate::database;
use assay_advisories::database::{End, Statement};
use assay_advisories::{Database, sink::EndOfLife};
use assay_model::advisory::Fix;
use assay_model::ecosystem::Ecosystem;
use assay_version::{Interval, contains};
use std::collections::BTreeSet;

/// Ecosystem, package, affected versions, versions not affected, the advisory with its other name.
type Row = (&'static str, &'static str, &'static [&'static str], &'static [&'static str], &'static str);

const ROWS: &[Row] = &[
    ("PyPI", "django", &["4.0.5", "3.2.13"], &["4.0.6", "3.2.14"], "PYSEC-2022-213=CVE-2022-34265"),
    ("PyPI", "requests", &["2.30.0"], &["2.31.0"], "PYSEC-2023-74"),
    ("PyPI", "pyyaml", &["5.3.1"], &["5.4"], "PYSEC-2021-142"),
    ("PyPI", "jinja2", &["3.1.2"], &["3.1.3"], "PYSEC-2026-1473=CVE-2024-22195"),
    ("PyPI", "pillow", &["10.0.0"], &["10.0.1"], "PYSEC-2023-175=CVE-2023-4863"),
    ("PyPI", "pillow", &["10.0.0"], &["10.0.1"], "PYSEC-2026-1794=CVE-2023-4863"),
    ("crates.io", "regex", &["1.5.4"], &["1.5.5"], "RUSTSEC-2022-0013"),
    ("crates.io", "smallvec", &["1.6.0"], &["1.6.1"], "RUSTSEC-2021-0003"),
    ("crates.io", "openssl", &["0.10.54"], &["0.10.55"], "RUSTSEC-2023-0044"),
    ("crates.io", "time", &["0.2.22"], &["0.2.23"], "RUSTSEC-2020-0071"),
    ("Go", "golang.org/x/net", &["0.16.0"], &["0.17.0"], "GO-2023-2102"),
    ("Go", "stdlib", &["1.21.2", "1.20.9"], &["1.21.3", "1.20.10"], "GO-2023-2102"),
    ("Go", "golang.org/x/crypto", &["0.16.0"], &["0.17.0"], "GO-2023-2402"),
    ("Go", "google.golang.org/protobuf", &["1.32.0"], &["1.33.0"], "GO-2024-2611"),
    ("RubyGems", "nokogiri", &["1.15.5", "1.16.1"], &["1.15.6", "1.16.2"], "GHSA-xc9x-jj77-9p9j"),
    ("RubyGems", "rack", &["2.2.3"], &["2.2.3.1", "2.0.9.1"], "GHSA-hxqx-xwvh-44m2"),
    ("RubyGems", "rexml", &["3.2.6"], &["3.2.7"], "GHSA-vg3r-rm7w-2xgh"),
    ("AlmaLinux:9", "openssl", &["1:3.0.1-42.el9_0"], &["1:3.0.1-43.el9_0"], "ALSA-2022:7288"),
    ("AlmaLinux:8", "sudo", &["1.8.29-8.el8"], &["1.8.29-8.el8_7.1"], "ALSA-2023:0284"),
    ("AlmaLinux:10", "firefox", &["128.11.0-1.el10_0"], &["128.12.0-1.el10_0"], "ALSA-2025:10073"),
    ("Wolfi", "zlib", &["1.2.12-r0"], &["1.2.13-r1"], "CGA-x22h-f4m4-2grc=CVE-2022-37434"),
    ("Wolfi", "curl", &["8.3.0-r0"], &["8.4.0-r0"], "CGA-h26h-2qmg-crpw=CVE-2023-38545"),
    ("Wolfi", "glibc", &["2.38-r4"], &["2.38-r5"], "CGA-57wh-hj4x-5342"),
    ("Bitnami", "redis", &["8.2.5"], &["8.2.6"], "BIT-redis-2026-25589"),
    ("Bitnami", "nginx", &["1.20.0"], &["1.20.1"], "BIT-nginx-2021-23017"),
    ("Debian:11", "openssl", &["1.1.1k-1+deb11u1"], &["1.1.1k-1+deb11u2"], "DSA-5103-1"),
    ("Debian:10", "systemd", &["241-7~deb10u8"], &["241-7~deb10u9"], "DLA-3377-1"),
    ("Debian:11", "xorg-server", &["2:1.20.11-1+deb11u5"], &["2:1.20.11-1+deb11u6"], "DSA-5380-1"),
    ("npm", "lodash", &["4.17.20"], &["4.17.21"], "CVE-2021-23337"),
    ("npm", "minimist", &["1.2.5"], &["1.2.6"], "GHSA-xvch-5gv4-984h"),
    ("npm", "node-fetch", &["2.6.6", "3.1.0"], &["2.6.7", "3.1.1"], "CVE-2022-0235"),
    ("Maven", "org.apache.logging.log4j:log4j-core", &["2.14.1"], &["2.17.1"], "GHSA-jfh8-c2jp-5v3q"),
    ("Maven", "org.springframework:spring-beans", &["5.3.17"], &["5.3.18"], "GHSA-36p3-wjmg-h94x"),
    ("NuGet", "log4net", &["2.0.9"], &["2.0.10"], "CVE-2018-1285"),
    ("Packagist", "twig/twig", &["3.26.0"], &["3.27.0"], "CVE-2026-48808"),
    ("Packagist", "drupal/core", &["8.5.0"], &["8.5.1"], "CVE-2018-7600"),
];

/// Returns whether a statement says that a version is affected.
fn affects(ecosystem: &Ecosystem, statement: &Statement<'_>, version: &str) -> bool {
    let within = statement.ranges.iter().any(|range| {
        let end = match range.end {
            End::Open => assay_version::End::Open,
            End::Fixed(bound) | End::Limit(bound) => assay_version::End::Fixed(bound),
            End::LastAffected(bound) => assay_version::End::LastAffected(bound),
        };
        contains(ecosystem.scheme(), &Interval { introduced: range.introduced, end }, version).unwrap()
    });
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
    for (ecosystem, package, affected, unaffected, advisory) in ROWS {
        let (advisory, cve) = advisory.split_once('=').unwrap_or((advisory, advisory));
        for version in *affected {
            let ids = matches(db, ecosystem, package, version);
            if !(ids.contains(advisory) && (cve == advisory || ids.contains(cve))) {
                wrong.push(format!("{ecosystem} {package} {version} lacks {advisory} ({cve}): {ids:?}"));
            }
        }
        for version in *unaffected {
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
