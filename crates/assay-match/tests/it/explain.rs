//! Why an advisory matched, and why not.

use crate::{Say, database, inventory, release, say};
use assay_match::explain;

/// Returns `place: affected|not affected: reason` for every package that is spoken about.
fn verdicts(os: &str, packages: &[&str], feeds: &[(&str, Vec<Say>)]) -> Vec<String> {
    let inventory = inventory(release(os), packages);
    let explanations = explain("CVE-2020-1", Some(&inventory), &database(feeds)).unwrap().unwrap();
    let verdicts = explanations.iter().flat_map(|explanation| &explanation.packages);
    let word = |affected| if affected { "affected" } else { "not affected" };
    verdicts
        .map(|verdict| format!("{}: {}: {}", verdict.package, word(verdict.affected), verdict.reason))
        .collect()
}

/// Checks the only verdict about one package and one statement.
#[track_caller]
fn check(os: &str, package: &str, (ecosystem, name, specification): (&str, &str, &str), want: &str) {
    let feeds = [("feed", vec![say("CVE-2020-1").affects(ecosystem, name, specification)])];
    assert_eq!(verdicts(os, &[package], &feeds), [format!("0: {want}")]);
}

#[test]
fn it_says_why() {
    check("", "pypi x 1.5", ("PyPI", "x", ">=1 <2"), "affected: version 1.5 is affected: >= 1, < 2");
    check("", "pypi x 1.5", ("PyPI", "x", "=1.5"), "affected: version 1.5 is affected: = 1.5");
    check("", "pypi x 1.5", ("PyPI", "x", "all"), "affected: version 1.5 is affected: all versions");
    check(
        "debian 12",
        "deb libssl3 2-1 source=openssl@1-1",
        ("Debian:12", "openssl", "<3-1"),
        "affected: version 1-1 of `openssl` is affected: < 3-1",
    );
}

#[test]
fn it_says_why_not() {
    check(
        "",
        "pypi x 3",
        ("PyPI", "x", ">=1 <2 | <0.5"),
        "not affected: version 3 is not affected: only >= 1, < 2; < 0.5",
    );
    check(
        "debian 11",
        "deb x 1",
        ("Debian:12", "x", "<2"),
        "not affected: it is a package of Debian:11, the statement is about Debian:12",
    );
    check(
        "",
        "deb x 1",
        ("Debian:12", "x", "<2"),
        "not affected: it is a package of no ecosystem Assay knows, the statement is about Debian:12",
    );
    check(
        "debian 12",
        "deb x 1",
        ("Debian:12", "x", "not-affected"),
        "not affected: the source says that it is not affected",
    );
    check(
        "almalinux 9",
        "rpm x 1-1.module_el9 module=m:1:2:3",
        ("AlmaLinux:9", "x", "<2-1.module_el9 module:m:2"),
        "not affected: the statement is about another module stream",
    );
    check(
        "almalinux 9",
        "rpm x 1-1 arch=s390x",
        ("AlmaLinux:9", "x", "<2-1 arch:x86_64"),
        "not affected: the statement is about other architectures than s390x",
    );
    check(
        "debian 12",
        "deb linux 1 source=linux-meta@1",
        ("Debian:12", "linux", "<6 source"),
        "not affected: the statement is about the source package `linux`, which did not build it",
    );
    check(
        "",
        "golang x (devel)",
        ("Go", "x", "<2.0.0"),
        "not affected: `(devel)` cannot be compared as a version",
    );
}

#[test]
fn a_withdrawn_advisory_says_so() {
    let feeds = [("osv", vec![say("CVE-2020-1").withdrawn().affects("PyPI", "x", "<2")])];
    assert_eq!(verdicts("", &["pypi x 1"], &feeds), ["0: not affected: the advisory was withdrawn"]);
}

#[test]
fn a_statement_of_no_effect_overrules_the_others_as_in_matching() {
    let feeds = [
        ("osv", vec![say("CVE-2020-1").affects("Debian:12", "x", "<2")]),
        ("tracker", vec![say("CVE-2020-1").affects("Debian:12", "x", "not-affected")]),
    ];
    assert_eq!(
        verdicts("debian 12", &["deb x 1"], &feeds),
        [
            "0: not affected: version 1 is affected: < 2, but another statement says that it is not affected",
            "0: not affected: the source says that it is not affected",
        ]
    );
}

#[test]
fn what_is_not_installed_has_no_verdict() {
    let feeds = [("osv", vec![say("CVE-2020-1").affects("PyPI", "x", "<2")])];
    assert_eq!(verdicts("", &["pypi y 1"], &feeds), [""; 0]);
    assert_eq!(explain("CVE-1999-1", None, &database(&feeds)).unwrap(), None);
}

#[test]
fn without_a_source_the_statements_are_listed() {
    let feeds = [
        (
            "osv",
            vec![say("GHSA-a").alias("CVE-2020-1").affects("PyPI", "x", "<2").affects("npm", "x", "<=3.0.0")],
        ),
        ("own", vec![say("CVE-2020-1").affects("PyPI", "x", "=1 =2 =3 =4 =5 =6 =7")]),
    ];
    // Any of its identifiers will do.
    for id in ["CVE-2020-1", "GHSA-a", "ghsa-a"] {
        let explanations = explain(id, None, &database(&feeds)).unwrap().unwrap();
        assert_eq!(explanations.len(), 1, "{id}");
        assert_eq!(explanations[0].vulnerability, "CVE-2020-1");
        let statements = explanations[0]
            .statements
            .iter()
            .map(|one| format!("{} {} {}: {}", one.feed, one.ecosystem, one.package, one.range));
        assert_eq!(
            statements.collect::<Vec<_>>(),
            [
                "osv PyPI x: < 2",
                "osv npm x: <= 3.0.0",
                "own PyPI x: = 1; = 2; = 3; = 4; = 5; and 2 more versions",
            ]
        );
        assert!(explanations[0].packages.is_empty());
    }
}

#[test]
fn an_erratum_explains_each_of_its_vulnerabilities() {
    let feeds = [(
        "alma",
        vec![say("ALSA-2020:1").fixes(&["CVE-2020-1", "CVE-2020-2"]).affects("AlmaLinux:9", "x", "<2-1")],
    )];
    let explanations = explain("ALSA-2020:1", None, &database(&feeds)).unwrap().unwrap();
    let names: Vec<_> = explanations.iter().map(|explanation| explanation.vulnerability.as_str()).collect();
    assert_eq!(names, ["CVE-2020-1", "CVE-2020-2"]);
}

#[test]
fn explaining_agrees_with_matching() {
    let specifications =
        ["<2", "<=1", "all", "not-affected", "=1", ">=1 <1.5 | >=3", "<2 arch:amd64", "<2 source"];
    let packages = ["deb x 1", "deb x 2", "deb y 1 source=x@1", "deb x 1 arch=i386", "deb x 1 source=z@1"];
    for specification in specifications {
        let feeds = [("feed", vec![say("CVE-2020-1").affects("Debian:12", "x", specification)])];
        let found = crate::findings("debian 12", &packages, &database(&feeds));
        let found: Vec<u32> = found.iter().filter_map(|finding| finding.package).collect();
        let verdicts = verdicts("debian 12", &packages, &feeds);
        for (place, package) in (0_u32..).zip(packages) {
            let explained = verdicts.iter().any(|line| line.starts_with(&format!("{place}: affected")));
            assert_eq!(explained, found.contains(&place), "{package}: {specification}: {verdicts:?}");
        }
    }
}
