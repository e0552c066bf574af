//! Which statement concerns which package of a distribution.

use crate::{check, one, say};

const DEBIAN: &str = "debian 12";

#[test]
fn distributions_write_about_source_packages() {
    // openssl builds libssl3; the binary package may have another version than its source.
    let libssl = "deb libssl3 3.0.1-1+b1 source=openssl@3.0.1-1";
    one(DEBIAN, libssl, ("Debian:12", "openssl", "<3.0.2-1"), "fixed 3.0.2-1");
    one(DEBIAN, libssl, ("Debian:12", "openssl", "<3.0.1-1"), "");
    one(DEBIAN, libssl, ("Debian:12", "libssl3", "<3.0.2-1"), "fixed 3.0.2-1");
    // Without a source package of its own, a package is built from one of its own name.
    one(DEBIAN, "deb openssl 3.0.1-1", ("Debian:12", "openssl", "<3.0.2-1 source"), "fixed 3.0.2-1");
    let ssl = "apk libssl3 3.0.1-r0 source=openssl@3.0.1-r0";
    one("alpine 3.19.1", ssl, ("Alpine:v3.19", "openssl", "<3.0.1-r1"), "fixed 3.0.1-r1");
    one("alpine 3.18.1", ssl, ("Alpine:v3.19", "openssl", "<3.0.1-r1"), "");
}

#[test]
fn a_statement_about_a_source_package_does_not_mean_a_binary_one_of_that_name() {
    // Debian's `linux-libc-dev` is built from `linux`; a package merely called `linux` from elsewhere is not.
    let meta = "deb linux 1.0 source=linux-meta@1.0";
    one(DEBIAN, meta, ("Debian:12", "linux", "<6 source"), "");
    one(DEBIAN, meta, ("Debian:12", "linux-meta", "<6 source"), "fixed 6");
}

#[test]
fn rpm_advisories_name_binary_packages_unless_they_say_so() {
    let libs = "rpm openssl-libs 1:3.0.1-42.el9 source=openssl@1:3.0.1-42.el9";
    one("almalinux 9.3", libs, ("AlmaLinux:9", "openssl-libs", "<1:3.0.1-43.el9"), "fixed 1:3.0.1-43.el9");
    one("almalinux 9.3", libs, ("AlmaLinux:9", "openssl", "<1:3.0.1-43.el9"), "");
    one("almalinux 9.3", libs, ("AlmaLinux:9", "openssl", "<1:3.0.1-43.el9 source"), "fixed 1:3.0.1-43.el9");
}

#[test]
fn epochs_count() {
    one("almalinux 9.3", "rpm x 1:1.0-1", ("AlmaLinux:9", "x", "<0:9.0-1"), "");
    one("almalinux 9.3", "rpm x 1.0-1", ("AlmaLinux:9", "x", "<1:0.5-1"), "fixed 1:0.5-1");
    one(DEBIAN, "deb x 1:1.0", ("Debian:12", "x", "<2.0"), "");
    one(DEBIAN, "deb x 1.0~rc1", ("Debian:12", "x", "<1.0"), "fixed 1.0");
}

#[test]
fn another_release_or_distribution_is_another_ecosystem() {
    one("debian 11", "deb x 1", ("Debian:12", "x", "<2"), "");
    one("ubuntu 22.04", "deb x 1", ("Debian:12", "x", "<2"), "");
    // CentOS has no advisories of its own: Red Hat's apply.
    one("centos 7", "rpm x 1-1", ("Red Hat:7", "x", "<2-1"), "fixed 2-1");
    one("", "deb x 1", ("Debian:12", "x", "<2"), "");
    // A Debian package in an Alpine image is not Alpine's.
    one("alpine 3.19.1", "deb x 1", ("Alpine:v3.19", "x", "<2"), "");
}

#[test]
fn module_streams_are_kept_apart() {
    const NODE: &str = "rpm nodejs 1:18.1.0-1.module_el9 module=nodejs:18:9020:rhel9";
    let plain = "rpm nodejs 1:16.1.0-1.el9";
    let stream = |name: &str| format!("<1:18.2.0-1.module_el9 module:{name}");
    one("almalinux 9", NODE, ("AlmaLinux:9", "nodejs", &stream("nodejs:18")), "fixed 1:18.2.0-1.module_el9");
    one("almalinux 9", NODE, ("AlmaLinux:9", "nodejs", &stream("nodejs:20")), "");
    one("almalinux 9", plain, ("AlmaLinux:9", "nodejs", &stream("nodejs:18")), "");
    // Advisories that name no stream are told apart by the release of the fix.
    one("almalinux 9", NODE, ("AlmaLinux:9", "nodejs", "<1:18.2.0-1.el9"), "");
    one(
        "almalinux 9",
        NODE,
        ("AlmaLinux:9", "nodejs", "<1:18.2.0-1.module_el9"),
        "fixed 1:18.2.0-1.module_el9",
    );
    one("almalinux 9", plain, ("AlmaLinux:9", "nodejs", "<1:18.2.0-1.module_el9"), "");
    one("almalinux 9", NODE, ("AlmaLinux:9", "nodejs", "all not-fixed"), "not-fixed");
}

#[test]
fn architectures_are_kept_apart() {
    let x = |arch: &str| format!("rpm x 1-1 arch={arch}");
    one("amzn 2023", &x("x86_64"), ("Amazon Linux:2023", "x", "<2-1 arch:x86_64"), "fixed 2-1");
    one("amzn 2023", &x("aarch64"), ("Amazon Linux:2023", "x", "<2-1 arch:x86_64"), "");
    one("amzn 2023", &x("aarch64"), ("Amazon Linux:2023", "x", "<2-1 arch:x86_64 arch:aarch64"), "fixed 2-1");
    one("amzn 2023", &x("noarch"), ("Amazon Linux:2023", "x", "<2-1 arch:x86_64"), "fixed 2-1");
    one("amzn 2023", "rpm x 1-1", ("Amazon Linux:2023", "x", "<2-1 arch:x86_64"), "fixed 2-1");
    one(DEBIAN, "deb x 1 arch=amd64", ("Debian:12", "x", "<2 arch:x86_64"), "fixed 2");
}

#[test]
fn the_word_not_affected_overrules_other_sources_for_that_package_only() {
    let osv = || vec![say("CVE-2020-1").affects("Debian:12", "x", "<2")];
    check(DEBIAN, &["deb x 1"], &[("osv", osv())], &["CVE-2020-1 of 0: fixed 2"]);
    let tracker = vec![say("CVE-2020-1").affects("Debian:12", "x", "not-affected")];
    check(DEBIAN, &["deb x 1"], &[("osv", osv()), ("tracker", tracker)], &[]);
    let other = vec![say("CVE-2020-1").affects("Debian:12", "y", "not-affected")];
    check(DEBIAN, &["deb x 1"], &[("osv", osv()), ("tracker", other)], &["CVE-2020-1 of 0: fixed 2"]);
    let another = vec![say("CVE-2020-2").affects("Debian:12", "x", "not-affected")];
    check(DEBIAN, &["deb x 1"], &[("osv", osv()), ("tracker", another)], &["CVE-2020-1 of 0: fixed 2"]);
}

#[test]
fn withdrawn_advisories_match_nothing() {
    let advisory = say("CVE-2020-1").affects("PyPI", "x", "<2");
    check("", &["pypi x 1"], &[("osv", vec![advisory.clone()])], &["CVE-2020-1 of 0: fixed 2"]);
    check("", &["pypi x 1"], &[("osv", vec![advisory.clone().withdrawn()])], &[]);
    // Another feed's record about the same thing still stands.
    let both = [("own", vec![advisory.clone()]), ("osv", vec![advisory.withdrawn()])];
    check("", &["pypi x 1"], &both, &["CVE-2020-1 of 0: fixed 2"]);
}

#[test]
fn bounds_are_as_they_say() {
    let cases = [
        ("<2", "2", ""),
        ("<2", "1.9", "fixed 2"),
        ("<=2", "2", "unknown"),
        ("<=2", "2.0.1", ""),
        (">=1.5 <2", "1.4", ""),
        (">=1.5 <2", "1.5", "fixed 2"),
        (">=1 limit=2", "1.5", "unknown"),
        (">=1 limit=2", "2", ""),
        ("all", "99", "not-fixed"),
        (">=3", "2", ""),
        (">=3", "3", "not-fixed"),
        ("=1.0 =1.2", "1.2", "unknown"),
        ("=1.0 =1.2", "1.1", ""),
        // Equal by the ecosystem's order, though not by the letter.
        ("=1.0", "1.0.0", "unknown"),
        (">=1 <1.5 | >=2 <2.5", "2.1", "fixed 2.5"),
        (">=1 <1.5 | >=2 <2.5", "1.7", ""),
    ];
    for (specification, version, want) in cases {
        one("", &format!("pypi x {version}"), ("PyPI", "x", specification), want);
    }
}
