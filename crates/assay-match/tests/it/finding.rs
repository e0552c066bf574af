//! What a finding says: identity, severity, fix, evidence.

use crate::{Say, check, database, findings, line, say};
use assay_model::{Finding, Severity};

const DEBIAN: &str = "debian 12";

/// Returns the only finding for one package.
fn finding(os: &str, package: &str, feeds: &[(&str, Vec<Say>)]) -> Finding {
    let mut found = findings(os, &[package], &database(feeds));
    assert_eq!(found.len(), 1, "{:?}", found.iter().map(line).collect::<Vec<_>>());
    found.remove(0)
}

#[test]
fn however_many_sources_report_it_there_is_one_finding_for_each_package() {
    let ghsa = say("GHSA-aaaa-bbbb-cccc").alias("CVE-2020-1").affects("PyPI", "x", "<2");
    let pysec =
        say("PYSEC-2020-7").alias("CVE-2020-1").alias("GHSA-aaaa-bbbb-cccc").affects("PyPI", "x", "<2");
    let feeds = [("osv", vec![ghsa, pysec])];
    check(
        "",
        &["pypi x 1", "pypi x 1.5", "pypi x 2"],
        &feeds,
        &["CVE-2020-1 of 0: fixed 2", "CVE-2020-1 of 1: fixed 2"],
    );
    let found = finding("", "pypi x 1", &feeds);
    assert_eq!(found.aliases, ["GHSA-aaaa-bbbb-cccc", "PYSEC-2020-7"]);
    let evidence: Vec<&str> = found.evidence.iter().map(|evidence| evidence.advisory.as_str()).collect();
    assert_eq!(evidence, ["GHSA-aaaa-bbbb-cccc", "PYSEC-2020-7"]);
}

#[test]
fn without_a_cve_the_source_names_the_finding() {
    let feeds = [(
        "osv",
        vec![say("RUSTSEC-2020-1").alias("GHSA-aaaa-bbbb-cccc").affects("crates.io", "x", "<2.0.0")],
    )];
    let found = finding("", "cargo x 1.0.0", &feeds);
    assert_eq!(
        (found.rule.as_str(), found.aliases.as_slice()),
        ("GHSA-aaaa-bbbb-cccc", &["RUSTSEC-2020-1".to_owned()][..])
    );
}

#[test]
fn an_erratum_is_one_finding_for_each_vulnerability_it_fixes() {
    let erratum = say("ALSA-2020:1").fixes(&["CVE-2020-1", "CVE-2020-2"]).affects("AlmaLinux:9", "x", "<2-1");
    let feeds = [("alma", vec![erratum])];
    check(
        "almalinux 9",
        &["rpm x 1-1"],
        &feeds,
        &["CVE-2020-1 of 0: fixed 2-1", "CVE-2020-2 of 0: fixed 2-1"],
    );
    let found = findings("almalinux 9", &["rpm x 1-1"], &database(&feeds));
    assert!(found.iter().all(|finding| finding.aliases == ["ALSA-2020:1"]));
    assert_ne!(found[0].id, found[1].id);
}

#[test]
fn the_severity_is_the_distributions_then_the_ecosystems_then_the_highest_score() {
    let nvd = || ("nvd", vec![say("CVE-2020-1").cvss(9.8, "nvd")]);
    let debian =
        |word: &str| ("tracker", vec![say("CVE-2020-1").affects("Debian:12", "x", &format!("<2 {word}"))]);
    let of = |feeds: &[(&str, Vec<Say>)]| {
        let found = finding(DEBIAN, "deb x 1", feeds);
        (found.severity, found.severity_source)
    };
    assert_eq!(of(&[debian("severity:low"), nvd()]), (Severity::Low, "tracker".into()));
    assert_eq!(of(&[debian(""), nvd()]), (Severity::Critical, "cvss (nvd)".into()));
    assert_eq!(of(&[debian("severity:unknown"), nvd()]), (Severity::Critical, "cvss (nvd)".into()));
    assert_eq!(of(&[debian("severity:negligible"), nvd()]), (Severity::Negligible, "tracker".into()));
    assert_eq!(of(&[debian("")]), (Severity::Unknown, String::new()));
    let ghsa = say("GHSA-a")
        .alias("CVE-2020-1")
        .severity(Severity::Medium)
        .cvss(8.1, "ghsa")
        .affects("PyPI", "x", "<2");
    let found = finding("", "pypi x 1", &[("osv", vec![ghsa]), nvd()]);
    assert_eq!((found.severity, found.severity_source.as_str()), (Severity::Medium, "osv"));
    let scores: Vec<f64> = found.cvss.iter().map(|cvss| cvss.score).collect();
    assert_eq!(scores, [9.8, 8.1]);
}

#[test]
fn the_severity_of_a_statement_comes_before_that_of_its_advisory() {
    let advisory =
        say("CVE-2020-1").severity(Severity::Critical).affects("Debian:12", "x", "<2 severity:medium");
    assert_eq!(finding(DEBIAN, "deb x 1", &[("tracker", vec![advisory])]).severity, Severity::Medium);
}

#[test]
fn the_fix_is_what_the_source_says() {
    let cases = [
        ("<2", "fixed 2"),
        ("all not-fixed", "not-fixed"),
        ("all", "not-fixed"),
        ("all wont-fix", "wont-fix"),
        ("all end-of-life", "end-of-life"),
        ("<=5", "unknown"),
        ("=1", "unknown"),
        ("<=5 wont-fix", "wont-fix"),
        // A range that ends in a fix is fixed, whatever else is said.
        ("<2 wont-fix", "fixed 2"),
    ];
    for (specification, want) in cases {
        crate::one(DEBIAN, "deb x 1", ("Debian:12", "x", specification), want);
    }
}

#[test]
fn of_several_sources_a_fix_counts_first_and_then_the_explicit_word() {
    let osv = |specification: &str| ("osv", vec![say("CVE-2020-1").affects("Debian:12", "x", specification)]);
    let tracker =
        |specification: &str| ("tracker", vec![say("CVE-2020-1").affects("Debian:12", "x", specification)]);
    check(DEBIAN, &["deb x 1"], &[osv("all"), tracker("<2")], &["CVE-2020-1 of 0: fixed 2"]);
    // That OSV names no end is no statement about the future; that Debian will not fix it is one.
    check(DEBIAN, &["deb x 1"], &[osv("all"), tracker("all wont-fix")], &["CVE-2020-1 of 0: wont-fix"]);
    check(DEBIAN, &["deb x 1"], &[osv("all"), tracker("all end-of-life")], &["CVE-2020-1 of 0: end-of-life"]);
    check(DEBIAN, &["deb x 1"], &[osv("<=3"), tracker("all not-fixed")], &["CVE-2020-1 of 0: not-fixed"]);
}

#[test]
fn fixed_versions_come_nearest_first() {
    let branches = ">=1 <1.10.1 | >=2 <2.3 | >=3 <3.1";
    crate::one("", "pypi x 1.9", ("PyPI", "x", branches), "fixed 1.10.1 2.3 3.1");
    // A fix of an older branch is of no use.
    crate::one("", "pypi x 2.1", ("PyPI", "x", branches), "fixed 2.3 3.1");
    crate::one("", "pypi x 3.0", ("PyPI", "x", branches), "fixed 3.1");
}

#[test]
fn a_version_that_another_source_calls_affected_is_no_fix() {
    let feeds = |one: &str, two: &str| {
        let advisory = |range: &str| vec![say("CVE-2020-1").affects("PyPI", "x", range)];
        [("a", advisory(one)), ("b", advisory(two))]
    };
    check("", &["pypi x 1"], &feeds("<2", "<3"), &["CVE-2020-1 of 0: fixed 3"]);
    check("", &["pypi x 1"], &feeds("<2 | >=3 <3.2", "<2.1"), &["CVE-2020-1 of 0: fixed 2.1 3.2"]);
    // A source that knows no fix does not take away the one that another names.
    check("", &["pypi x 1"], &feeds("<2", "all"), &["CVE-2020-1 of 0: fixed 2"]);
    check("", &["pypi x 1"], &feeds("<2", "<=1.5"), &["CVE-2020-1 of 0: fixed 2"]);
}

#[test]
fn a_finding_says_what_matched_and_what_to_do() {
    let feeds =
        [("tracker", vec![say("CVE-2020-1").affects("Debian:12", "openssl", ">=1.1 <3.0.2-1 source")])];
    let found = finding(DEBIAN, "deb libssl3 3.0.1-1+b1 source=openssl@3.0.1-1", &feeds);
    let evidence = &found.evidence[0];
    assert_eq!(
        (evidence.feed.as_str(), evidence.package.as_str(), evidence.by_source),
        ("tracker", "openssl", true)
    );
    assert_eq!((evidence.version.as_str(), evidence.range.as_str()), ("3.0.1-1", ">= 1.1, < 3.0.2-1"));
    assert_eq!(
        found.remediation,
        "upgrade `libssl3` to 3.0.2-1 or later: `apt-get install --only-upgrade libssl3`"
    );
    let go = [("osv", vec![say("CVE-2020-1").affects("Go", "stdlib", "<1.20.3")])];
    assert_eq!(finding("", "golang stdlib 1.20.1", &go).remediation, "rebuild with Go 1.20.3 or later");
}

#[test]
fn findings_come_worst_first() {
    let one = |id: &str, word: &str| say(id).affects("PyPI", "x", &format!("<2 severity:{word}"));
    let feeds = [(
        "osv",
        vec![
            one("CVE-2020-1", "unknown"),
            one("CVE-2020-2", "low"),
            one("CVE-2020-3", "critical"),
            one("CVE-2020-4", "negligible"),
            say("CVE-2020-5").affects("PyPI", "x", "all severity:critical"),
        ],
    )];
    check(
        "",
        &["pypi x 1"],
        &feeds,
        &[
            "CVE-2020-3 of 0: fixed 2",
            "CVE-2020-5 of 0: not-fixed",
            "CVE-2020-2 of 0: fixed 2",
            "CVE-2020-4 of 0: fixed 2",
            "CVE-2020-1 of 0: fixed 2",
        ],
    );
}

#[test]
fn the_same_input_gives_the_same_findings() {
    let advisories =
        || (0..20).map(|n| say(&format!("CVE-2020-{n}")).affects("PyPI", "x", "<2")).collect::<Vec<_>>();
    let forward = database(&[("a", advisories()), ("b", advisories())]);
    assert_eq!(findings("", &["pypi x 1"], &forward), findings("", &["pypi x 1"], &forward));
    // The order in which a feed lists its records is no information.
    let backward: Vec<Say> = advisories().into_iter().rev().collect();
    let backward = database(&[("a", backward.clone()), ("b", backward)]);
    assert_eq!(findings("", &["pypi x 1"], &forward), findings("", &["pypi x 1"], &backward));
}
