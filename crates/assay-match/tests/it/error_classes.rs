//! The ways in which scanners are known to be wrong, each in both directions: what must be found, and what must not, with the reason
//! that `assay explain` gives for it.
//!
//! Classes that need files (what a package manager owns, vendored copies, archives in archives, lower layers) stand in
//! `crates/assay/tests/it/error_classes.rs`.

use crate::{database, findings, inventory, line, package, release, say};
use assay_advisories::{BuildOptions, Database, build_bytes};
use assay_match::explain;
use std::path::PathBuf;

/// Checks rows of one class: release, package, ecosystem, name and range of a statement, and what is to come of it. That begins
/// with the fix's state when the package is affected, else with `no: ` and words of the reason.
#[track_caller]
fn class(name: &str, rows: &[(&str, &str, &str, &str, &str, &str)]) {
    class_of_feed(name, "feed", rows);
}

#[track_caller]
fn class_of_feed(name: &str, feed: &str, rows: &[(&str, &str, &str, &str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (os, package, ecosystem, about, range, want) in rows {
        let database = database(&[(feed, vec![say("CVE-2020-1").affects(ecosystem, about, range)])]);
        let got = outcome(os, package, "CVE-2020-1", &database);
        if !same(&got, want) {
            wrong.push(format!("{name}: {package} and {ecosystem} {about} {range}: {got}, not {want}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A negative row names words of the reason; what no statement is about has none.
fn same(got: &str, want: &str) -> bool {
    match (got.strip_prefix("no: "), want.strip_prefix("no: ")) {
        (Some(reason), Some(words)) => reason.contains(words),
        (None, None) => got == want,
        _ => false,
    }
}

/// Returns what is found of one vulnerability, or why nothing is: the finding and its explanation must agree.
fn outcome(os: &str, package: &str, id: &str, database: &Database) -> String {
    let found = findings(os, &[package], database);
    let found: Vec<String> = found
        .iter()
        .filter(|finding| finding.rule == id)
        .map(|finding| line(finding).split_once(": ").unwrap().1.to_owned())
        .collect();
    let explained =
        explain(id, Some(&inventory(release(os), &[package])), database).unwrap().unwrap_or_default();
    let verdicts: Vec<_> = explained.iter().flat_map(|explanation| &explanation.packages).collect();
    assert_eq!(verdicts.iter().any(|verdict| verdict.affected), !found.is_empty(), "{package}: {verdicts:?}");
    if found.is_empty() {
        let reasons: Vec<&str> = verdicts.iter().map(|verdict| verdict.reason.as_str()).collect();
        format!("no: {}", reasons.join("; "))
    } else {
        found.join("; ")
    }
}

const DEBIAN: &str = "debian 12";
const UBUNTU: &str = "ubuntu 22.04";
const ALMA: &str = "almalinux 9.3";
const RHEL: &str = "rhel 9.3";

#[test]
fn packages_built_beside_the_kernel() {
    let interface = "no: of which it holds only headers, build files or texts";
    let tool = "no: another program built from the same sources";
    class(
        "kernel",
        &[
            (
                DEBIAN,
                "deb linux-libc-dev 6.1.1-1 source=linux@6.1.1-1",
                "Debian:12",
                "linux",
                "<6.1.2-1 source",
                interface,
            ),
            (
                DEBIAN,
                "deb linux-headers-6.1.0-1-amd64 6.1.1-1 source=linux@6.1.1-1",
                "Debian:12",
                "linux",
                "<6.1.2-1 source",
                interface,
            ),
            (
                DEBIAN,
                "deb linux-kbuild-6.1 6.1.1-1 source=linux@6.1.1-1",
                "Debian:12",
                "linux",
                "all source",
                interface,
            ),
            (
                DEBIAN,
                "deb linux-perf 6.1.1-1 source=linux@6.1.1-1",
                "Debian:12",
                "linux",
                "<6.1.2-1 source",
                tool,
            ),
            (
                DEBIAN,
                "deb bpftool 7.1.0+6.1.1-1 source=linux@6.1.1-1",
                "Debian:12",
                "linux",
                "<6.1.2-1 source",
                tool,
            ),
            // The kernel itself, as Debian and Ubuntu sign it in a build of its own.
            (
                DEBIAN,
                "deb linux-image-6.1.0-1-amd64-unsigned 6.1.1-1 source=linux@6.1.1-1",
                "Debian:12",
                "linux",
                "<6.1.2-1 source",
                "fixed 6.1.2-1",
            ),
            (
                DEBIAN,
                "deb linux-image-6.1.0-1-amd64 6.1.1-1 source=linux-signed-amd64@6.1.1+1",
                "Debian:12",
                "linux",
                "<6.1.2-1 source",
                "fixed 6.1.2-1",
            ),
            (
                DEBIAN,
                "deb linux-image-6.1.0-1-amd64 6.1.2-1 source=linux-signed-amd64@6.1.2+1",
                "Debian:12",
                "linux",
                "<6.1.2-1 source",
                "no: only < 6.1.2-1",
            ),
            (
                UBUNTU,
                "deb linux-image-5.15.0-90-generic 5.15.0-90.100 source=linux-signed@5.15.0-90.100",
                "Ubuntu:22.04",
                "linux",
                "<5.15.0-91.101 source",
                "fixed 5.15.0-91.101",
            ),
            (
                UBUNTU,
                "deb linux-image-5.15.0-1050-aws 5.15.0-1050.55 source=linux-signed-aws@5.15.0-1050.55",
                "Ubuntu:22.04",
                "linux-aws",
                "<5.15.0-1051.56 source",
                "fixed 5.15.0-1051.56",
            ),
            (
                UBUNTU,
                "deb linux-modules-5.15.0-90-generic 5.15.0-90.100 source=linux@5.15.0-90.100",
                "Ubuntu:22.04",
                "linux",
                "<5.15.0-91.101 source",
                "fixed 5.15.0-91.101",
            ),
            (
                UBUNTU,
                "deb linux-tools-5.15.0-90-generic 5.15.0-90.100 source=linux@5.15.0-90.100",
                "Ubuntu:22.04",
                "linux",
                "<5.15.0-91.101 source",
                tool,
            ),
            // A statement about the tool itself is about the tool.
            (
                ALMA,
                "rpm perf 5.14.0-1.el9 source=kernel@5.14.0-1.el9",
                "AlmaLinux:9",
                "perf",
                "<5.14.0-2.el9",
                "fixed 5.14.0-2.el9",
            ),
            (
                ALMA,
                "rpm kernel-headers 5.14.0-1.el9 source=kernel@5.14.0-1.el9",
                "AlmaLinux:9",
                "kernel-headers",
                "<5.14.0-2.el9",
                interface,
            ),
            (
                ALMA,
                "rpm kernel-core 5.14.0-1.el9 source=kernel@5.14.0-1.el9",
                "AlmaLinux:9",
                "kernel-core",
                "<5.14.0-2.el9",
                "fixed 5.14.0-2.el9",
            ),
            (
                ALMA,
                "rpm kernel-core 5.14.0-1.el9 source=kernel@5.14.0-1.el9",
                "AlmaLinux:9",
                "kernel",
                "all source not-fixed",
                "not-fixed",
            ),
            (
                ALMA,
                "rpm bpftool 5.14.0-1.el9 source=kernel@5.14.0-1.el9",
                "AlmaLinux:9",
                "kernel",
                "all source not-fixed",
                tool,
            ),
            // What only sounds like it.
            (
                DEBIAN,
                "deb linux-base 4.9 source=linux-base@4.9",
                "Debian:12",
                "linux-base",
                "<5 source",
                "fixed 5",
            ),
            (
                "alpine 3.19.1",
                "apk linux-pam 1.5.2-r1",
                "Alpine:v3.19",
                "linux-pam",
                "<1.5.3-r0",
                "fixed 1.5.3-r0",
            ),
            ("", "npm linux-headers 1.0.0", "npm", "linux-headers", "<2.0.0", "fixed 2.0.0"),
        ],
    );
    // An erratum lists all that came out of the kernel's build.
    let erratum = say("ALSA-2020:1").fixes(&["CVE-2020-1"]);
    let names = ["kernel", "kernel-core", "kernel-headers", "perf", "bpftool", "kernel-tools-libs"];
    let erratum =
        names.iter().fold(erratum, |erratum, name| erratum.affects("AlmaLinux:9", name, "<5.14.0-2.el9"));
    let database = database(&[("osv", vec![erratum])]);
    for (name, want) in [
        ("kernel", "fixed 5.14.0-2.el9"),
        ("kernel-core", "fixed 5.14.0-2.el9"),
        ("kernel-headers", interface),
        ("perf", tool),
        ("bpftool", tool),
        ("kernel-tools-libs", tool),
    ] {
        let got = outcome(
            ALMA,
            &format!("rpm {name} 5.14.0-1.el9 source=kernel@5.14.0-1.el9"),
            "CVE-2020-1",
            &database,
        );
        assert!(same(&got, want), "{name}: {got}");
    }
}

#[test]
fn source_and_binary_names() {
    let folders = "no: it holds only folders";
    class(
        "source and binary",
        &[
            (
                DEBIAN,
                "deb libssl3 3.0.1-1+b2 source=openssl@3.0.1-1",
                "Debian:12",
                "openssl",
                "<3.0.1-1+b1 source",
                "fixed 3.0.1-1+b1",
            ),
            (
                DEBIAN,
                "deb libssl3 3.0.1-1+b2 source=openssl@3.0.1-1",
                "Debian:12",
                "openssl",
                "<3.0.1-1 source",
                "no: version 3.0.1-1 is not affected",
            ),
            (
                DEBIAN,
                "deb openssl 3.0.1-1 source=other@1",
                "Debian:12",
                "openssl",
                "<3.0.2-1 source",
                "no: which did not build it",
            ),
            (
                RHEL,
                "rpm emacs-filesystem 1:27.2-8.el9 arch=noarch source=emacs@1:27.2-8.el9",
                "Red Hat:9",
                "emacs",
                "all source not-fixed",
                folders,
            ),
            (
                RHEL,
                "rpm emacs-nox 1:27.2-8.el9 arch=x86_64 source=emacs@1:27.2-8.el9",
                "Red Hat:9",
                "emacs",
                "all source not-fixed",
                "not-fixed",
            ),
            // Boost's is a library.
            (
                RHEL,
                "rpm boost-filesystem 1.75.0-8.el9 arch=x86_64 source=boost@1.75.0-8.el9",
                "Red Hat:9",
                "boost",
                "all source",
                "not-fixed",
            ),
            (
                "alpine 3.19.1",
                "apk libcrypto3 3.1.4-r0 source=openssl@3.1.4-r0",
                "Alpine:v3.19",
                "openssl",
                "<3.1.4-r1",
                "fixed 3.1.4-r1",
            ),
        ],
    );
}

#[test]
fn epochs() {
    class(
        "epoch",
        &[
            // A missing epoch is 0, on either side.
            (ALMA, "rpm x 0:1.0-1.el9", "AlmaLinux:9", "x", "<1.0-2.el9", "fixed 1.0-2.el9"),
            (ALMA, "rpm x 1.0-1.el9", "AlmaLinux:9", "x", "<0:1.0-2.el9", "fixed 0:1.0-2.el9"),
            (ALMA, "rpm x 1.0-2.el9", "AlmaLinux:9", "x", "<0:1.0-2.el9", "no: is not affected"),
            (ALMA, "rpm x 2:1.0-1.el9", "AlmaLinux:9", "x", "<1:9.0-1.el9", "no: is not affected"),
            (DEBIAN, "deb x 9.0-1", "Debian:12", "x", "<1:0.1-1", "fixed 1:0.1-1"),
            (DEBIAN, "deb x 0:1.0-1", "Debian:12", "x", "<1.0-2", "fixed 1.0-2"),
        ],
    );
}

#[test]
fn module_streams() {
    const NODE18: &str = "rpm nodejs 1:18.1.0-1.module_el9 module=nodejs:18:9020:rhel9";
    const OTHER: &str = "no: another module stream";
    class(
        "module",
        &[
            (
                ALMA,
                NODE18,
                "AlmaLinux:9",
                "nodejs",
                "<1:18.2.0-1.module_el9 module:nodejs:18",
                "fixed 1:18.2.0-1.module_el9",
            ),
            (ALMA, NODE18, "AlmaLinux:9", "nodejs", "<1:20.2.0-1.module_el9 module:nodejs:20", OTHER),
            (
                ALMA,
                "rpm nodejs 1:16.1.0-1.el9",
                "AlmaLinux:9",
                "nodejs",
                "<1:18.2.0-1.module_el9 module:nodejs:18",
                OTHER,
            ),
            (
                ALMA,
                "rpm nodejs 1:16.1.0-1.el9",
                "AlmaLinux:9",
                "nodejs",
                "<1:16.2.0-1.el9",
                "fixed 1:16.2.0-1.el9",
            ),
            (ALMA, NODE18, "AlmaLinux:9", "nodejs", "<1:18.2.0-1.el9", OTHER),
            (
                "rocky 9.3",
                NODE18,
                "Rocky Linux:9",
                "nodejs",
                "<1:20.2.0-1.module_el9 module:nodejs:20",
                OTHER,
            ),
            (
                "ol 9.3",
                NODE18,
                "Oracle Linux:9",
                "nodejs",
                "<1:18.2.0-1.module_el9 module:nodejs:18",
                "fixed 1:18.2.0-1.module_el9",
            ),
        ],
    );
    // Red Hat names modules wherever it means one: without a fix, nothing else would tell.
    class_of_feed(
        "module",
        "redhat-csaf-vex",
        &[
            (RHEL, NODE18, "Red Hat:9", "nodejs", "all not-fixed source", "no: another module stream"),
            (RHEL, NODE18, "Red Hat:9", "nodejs", "all not-fixed source module:nodejs:18", "not-fixed"),
            (RHEL, "rpm nodejs 1:16.1.0-1.el9", "Red Hat:9", "nodejs", "all not-fixed source", "not-fixed"),
        ],
    );
}

#[test]
fn packages_of_third_parties() {
    class(
        "third party",
        &[
            (
                RHEL,
                "rpm nginx 1:1.20.1-1.el9 vendor=Red_Hat,_Inc.",
                "Red Hat:9",
                "nginx",
                "<1:1.20.1-2.el9",
                "fixed 1:1.20.1-2.el9",
            ),
            (
                RHEL,
                "rpm nginx 1:1.20.1-1.el9",
                "Red Hat:9",
                "nginx",
                "<1:1.20.1-2.el9",
                "fixed 1:1.20.1-2.el9",
            ),
            (
                RHEL,
                "rpm nginx 1:1.20.1-1.el9 vendor=Fedora_Project",
                "Red Hat:9",
                "nginx",
                "<1:1.20.1-2.el9",
                "no: it was made by Fedora Project",
            ),
            (
                "fedora 39",
                "rpm nginx 1:1.20.1-1 vendor=Fedora_Project",
                "Fedora:39",
                "nginx",
                "<1:1.20.1-2",
                "fixed 1:1.20.1-2",
            ),
            (
                "centos 7",
                "rpm nginx 1:1.20.1-1.el7 vendor=CentOS",
                "Red Hat:7",
                "nginx",
                "<1:1.20.1-2.el7",
                "fixed 1:1.20.1-2.el7",
            ),
            (
                DEBIAN,
                "deb nodejs 18.1.0-1nodesource1",
                "Debian:12",
                "nodejs",
                "<18.2.0+dfsg-1 source",
                "no: it was made by NodeSource",
            ),
            (
                UBUNTU,
                "deb git 1:2.30.0-0ppa1~ubuntu22.04.1",
                "Ubuntu:22.04",
                "git",
                "<1:2.34.1-1ubuntu1.10",
                "no: it was made by a PPA",
            ),
            (
                UBUNTU,
                "deb git 1:2.34.1-1ubuntu1.9",
                "Ubuntu:22.04",
                "git",
                "<1:2.34.1-1ubuntu1.10",
                "fixed 1:2.34.1-1ubuntu1.10",
            ),
            (
                UBUNTU,
                "deb git 1:2.30.0-1~ppa1",
                "Ubuntu:22.04",
                "git",
                "<1:2.34.1-1ubuntu1.10",
                "no: it was made by a PPA",
            ),
        ],
    );
    // Nobody's judgement is no acquittal: the package is unassessed; and a team's own advisories may well be about it.
    let own = || vec![say("CVE-2020-1").affects("Red Hat:9", "ourd", "<2-1")];
    let theirs = "rpm ourd 1-1 vendor=Us";
    let matched =
        assay_match::match_inventory(&inventory(release(RHEL), &[theirs]), &database(&[("feed", own())]))
            .unwrap();
    assert_eq!(matched.coverage[0].label, "Red Hat:9, made by others than the distribution");
    assert_eq!(matched.coverage[0].state.name(), "none");
    assert_eq!(outcome(RHEL, theirs, "CVE-2020-1", &database(&[("osv:ours", own())])), "fixed 2-1");
}

#[test]
fn backports_and_states_of_a_fix() {
    class(
        "backport",
        &[
            // Below the upstream fix, and patched.
            (DEBIAN, "deb x 3.0.11-1~deb12u2", "Debian:12", "x", "<3.0.11-1~deb12u2", "no: is not affected"),
            (
                DEBIAN,
                "deb x 3.0.11-1~deb12u1",
                "Debian:12",
                "x",
                "<3.0.11-1~deb12u2",
                "fixed 3.0.11-1~deb12u2",
            ),
            (DEBIAN, "deb x 3.0.11-1+deb12u1", "Debian:12", "x", "<3.0.11-1", "no: is not affected"),
            ("wolfi 20230201", "apk x 1.2.3-r1", "Wolfi", "x", "<1.2.3-r1", "no: is not affected"),
            ("wolfi 20230201", "apk x 1.2.3-r0", "Wolfi", "x", "<1.2.3-r1", "fixed 1.2.3-r1"),
            // A distribution's word about its package is not that of the language's registry.
            (DEBIAN, "deb python3-x 1.0-1", "PyPI", "x", "<2.0", "no: "),
            (DEBIAN, "deb x 1", "Debian:12", "x", "all wont-fix source", "wont-fix"),
            (DEBIAN, "deb x 1", "Debian:12", "x", "all not-fixed source", "not-fixed"),
            (DEBIAN, "deb x 1", "Debian:12", "x", "all end-of-life source", "end-of-life"),
            (
                DEBIAN,
                "deb x 1",
                "Debian:12",
                "x",
                "not-affected source",
                "no: the source says that it is not affected",
            ),
        ],
    );
}

#[test]
fn go_modules() {
    class(
        "go",
        &[
            ("", "golang stdlib 1.21.2", "Go", "stdlib", "<1.20.10 | >=1.21.0-0 <1.21.3", "fixed 1.21.3"),
            (
                "",
                "golang stdlib 1.21.3",
                "Go",
                "stdlib",
                "<1.20.10 | >=1.21.0-0 <1.21.3",
                "no: is not affected",
            ),
            ("", "golang stdlib 1.21rc2", "Go", "stdlib", ">=1.21.0-0 <1.21.3", "fixed 1.21.3"),
            (
                "",
                "golang example.org/app (devel)",
                "Go",
                "example.org/app",
                "<1.0.0",
                "no: `(devel)` cannot be compared",
            ),
            ("", "golang example.org/app (devel)", "Go", "example.org/app", "all", "not-fixed"),
            (
                "",
                "golang golang.org/x/net v0.0.0-20210119194325-5f4716e94777",
                "Go",
                "golang.org/x/net",
                "<0.17.0",
                "fixed 0.17.0",
            ),
            (
                "",
                "golang golang.org/x/net v0.17.0+incompatible",
                "Go",
                "golang.org/x/net",
                "<0.17.0",
                "no: is not affected",
            ),
            // A fork that replaces a module is another module.
            ("", "golang github.com/fork/net v0.1.0", "Go", "golang.org/x/net", "<0.17.0", "no: "),
            ("", "golang toolchain 1.21.2", "Go", "stdlib", "<1.21.3", "no: "),
        ],
    );
}

#[test]
fn identities_of_language_packages() {
    class(
        "identity",
        &[
            ("", "pypi Foo._Bar 1", "PyPI", "foo-bar", "<2", "fixed 2"),
            ("", "npm @scope/x 1.0.0", "npm", "x", "<2.0.0", "no: "),
            ("", "npm x 1.0.0", "npm", "X", "<2.0.0", "no: "),
            ("", "nuget newtonsoft.json 12.0.1", "NuGet", "Newtonsoft.Json", "<13.0.1", "fixed 13.0.1"),
            ("", "composer HTTP 1.0 group=Symfony", "Packagist", "symfony/http", "<2", "fixed 2"),
            ("", "maven x 1.0 group=g", "Maven", "g:x", "<1.1", "fixed 1.1"),
            ("", "maven x 1.0 group=other", "Maven", "g:x", "<1.1", "no: "),
            (
                "",
                "maven guava 31.1-jre group=com.google.guava",
                "Maven",
                "com.google.guava:guava",
                "<32.0.0-android",
                "fixed 32.0.0-android",
            ),
        ],
    );
}

#[test]
fn versions_that_are_none_are_never_a_silent_no() {
    let no = "no: cannot be compared as a version";
    class(
        "no version",
        &[
            ("", "npm x 0.0.0-dev", "npm", "x", "<2.0.0", no),
            ("", "npm x 0.0.0-development", "npm", "x", ">=1.0.0 <2.0.0", no),
            ("", "pypi x latest", "PyPI", "x", "<2", no),
            ("", "maven x unknown group=g", "Maven", "g:x", "<2", no),
            ("", "maven x ${project.version} group=g", "Maven", "g:x", "<2", no),
            ("", "composer y dev-master group=x", "Packagist", "x/y", "<2", no),
            ("", "golang x 5f4716e94777", "Go", "x", "<2.0.0", no),
            ("", "gem x 0.0.0", "RubyGems", "x", "<2", no),
            // What is bad in every version is bad in this one.
            ("", "npm x 0.0.0-dev", "npm", "x", "all", "not-fixed"),
            ("", "npm x latest", "npm", "x", "all", "not-fixed"),
            ("", "npm x 0.0.1-dev", "npm", "x", "<2.0.0", "fixed 2.0.0"),
        ],
    );
    for text in ["npm x 0.0.0-dev", "pypi x latest", "maven x unknown group=g", "golang x 5f4716e94777"] {
        let ecosystem = package(text).ecosystem(None).unwrap().to_string();
        let database = database(&[("feed", vec![say("CVE-2020-1").affects(&ecosystem, "other", "<2")])]);
        let matched = assay_match::match_inventory(&inventory(None, &[text]), &database).unwrap();
        let coverage = &matched.coverage[0];
        assert_eq!(coverage.state.name(), "none", "{text} counts as judged: {coverage:?}");
        assert!(coverage.label.ends_with("without a comparable version"), "{text}: {}", coverage.label);
    }
}

/// Returns a database of real feeds below `folders`; without them the test says so and stops.
fn real(folders: &[&str]) -> Option<Database> {
    let feeds = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/feeds"));
    if !feeds.is_dir() {
        assert!(option_env!("CI").is_none(), "`{}` is missing", feeds.display());
        println!("skipped: there are no feeds at `{}`", feeds.display());
        return None;
    }
    let folders: Vec<PathBuf> = folders.iter().map(|folder| feeds.join(folder)).collect();
    let (bytes, _) = build_bytes(&folders, &BuildOptions::default()).unwrap();
    Some(Database::from_bytes(bytes).unwrap())
}

#[track_caller]
fn check_real(folders: &[&str], rows: &[(&str, &str, &str, &str)]) {
    let Some(database) = real(folders) else { return };
    let mut wrong = Vec::new();
    for (os, package, id, want) in rows {
        let got = outcome(os, package, id, &database);
        if !same(&got, want) {
            wrong.push(format!("{package}: {id}: {got}, not {want}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn real_errata_of_almalinux() {
    const ALMA8: &str = "almalinux 8.7";
    const FIX18: &str = "fixed 1:18.14.2-2.module_el8.7.0+3497+c65299e7";
    check_real(
        &["osv/AlmaLinux:8"],
        &[
            // ALSA-2023:1583 is about nodejs:18 and ALSA-2023:1582 about nodejs:16.
            (
                ALMA8,
                "rpm nodejs 1:18.12.1-2.module_el8.7.0+3369 module=nodejs:18:8070:x",
                "CVE-2023-23918",
                FIX18,
            ),
            (
                ALMA8,
                "rpm nodejs 1:16.18.1-3.module_el8.7.0+3369 module=nodejs:16:8070:x",
                "CVE-2023-23918",
                "fixed 1:16.19.1-1.module_el8.7.0+3496+a59a3324",
            ),
            (
                ALMA8,
                "rpm nodejs 1:16.19.1-1.module_el8.7.0+3496+a59a3324 module=nodejs:16:8070:x",
                "CVE-2023-23918",
                "no: another module stream",
            ),
            (
                ALMA8,
                "rpm nodejs 1:18.14.2-2.module_el8.7.0+3497+c65299e7 module=nodejs:18:8070:x",
                "CVE-2023-23918",
                "no: is not affected",
            ),
            (ALMA8, "rpm nodejs 1:16.18.1-3.el8", "CVE-2023-23918", "no: another module stream"),
            // ALSA-2022:1988 lists the whole of the kernel's build.
            (
                ALMA8,
                "rpm kernel-core 4.18.0-348.el8 source=kernel@4.18.0-348.el8",
                "CVE-2021-4083",
                "fixed 4.18.0-372.9.1.el8",
            ),
            (
                ALMA8,
                "rpm kernel-headers 4.18.0-348.el8 source=kernel@4.18.0-348.el8",
                "CVE-2021-4083",
                "no: only headers",
            ),
            (
                ALMA8,
                "rpm perf 4.18.0-348.el8 source=kernel@4.18.0-348.el8",
                "CVE-2021-4083",
                "no: another program",
            ),
            (
                ALMA8,
                "rpm kernel-tools-libs-devel 4.18.0-348.el8 source=kernel@4.18.0-348.el8",
                "CVE-2021-4083",
                "no: only headers",
            ),
            // ALSA-2023:1673.
            (
                ALMA8,
                "rpm httpd 2.4.37-50.module_el8 arch=x86_64 module=httpd:2.4:8070:x",
                "CVE-2023-25690",
                "fixed 2.4.37-51.module_el8.7.0+3515+9e4fe0d6.5",
            ),
            (
                ALMA8,
                "rpm httpd-filesystem 2.4.37-50.module_el8 arch=noarch module=httpd:2.4:8070:x",
                "CVE-2023-25690",
                "no: only folders",
            ),
        ],
    );
}
