//! Real records, in excerpts, and every way a record can be odd.

use super::super::testing::{analyze, codes, owned, packages};
use super::*;
use proptest::prelude::*;

/// An excerpt of the status file of a Debian 12 machine.
const SAMPLE: &str = include_str!("../../../testdata/dpkg/status");

/// Checks `name version architecture source sourceversion` of every package.
#[track_caller]
fn check(path: &str, text: &str, want: &[&str], warnings: &[&str]) {
    let facts = analyze(&Dpkg, path, text.as_bytes());
    let line = |package: &&Package| {
        let source = package.source.as_ref().unwrap();
        let architecture = package.architecture.as_deref().unwrap_or("-");
        format!("{} {} {architecture} {} {}", package.name, package.version, source.name, source.version)
    };
    assert_eq!(packages(&facts).iter().map(line).collect::<Vec<_>>(), want);
    assert_eq!(codes(&facts), warnings);
}

#[test]
fn a_status_file_is_read() {
    check(
        STATUS,
        SAMPLE,
        &[
            "gcc-12-base 12.2.0-14+deb12u1 amd64 gcc-12 12.2.0-14+deb12u1",
            "libc6 2.36-9+deb12u14 amd64 glibc 2.36-9+deb12u14",
            "bsdutils 1:2.38.1-5+deb12u3 amd64 util-linux 2.38.1-5+deb12u3",
            "debconf 1.5.82 all debconf 1.5.82",
        ],
        &[],
    );
    let facts = analyze(&Dpkg, STATUS, SAMPLE.as_bytes());
    let packages = packages(&facts);
    assert_eq!(packages[2].requires, ["libc6", "libsystemd0"]);
    assert_eq!(packages[3].provides, ["debconf-2.0"]);
    let sizes: Vec<_> = packages.iter().map(|package| package.installed_size.unwrap() / 1024).collect();
    assert_eq!(sizes, [100, 13_001, 355, 491]);
    let essential: Vec<_> = packages.iter().map(|package| package.essential).collect();
    assert_eq!(essential, [false, false, true, true]);
    assert_eq!(packages[1].vendor.as_deref(), Some("GNU Libc Maintainers <debian-glibc@lists.debian.org>"));
}

#[test]
fn only_what_is_there_counts() {
    let record =
        |status: &str| format!("Package: {}\nStatus: {status}\nVersion: 1\n\n", status.replace(' ', "-"));
    let states = [
        "install ok installed",
        "hold ok installed",
        "deinstall ok installed",
        "install ok unpacked",
        "install ok half-configured",
        "install reinstreq half-installed",
        "install ok triggers-pending",
        "install ok triggers-awaited",
        "deinstall ok config-files",
        "unknown ok not-installed",
        "purge ok not-installed",
    ];
    let facts = analyze(&Dpkg, STATUS, states.map(record).concat().as_bytes());
    let names: Vec<_> = packages(&facts).iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names.len(), 8);
    assert!(!names.iter().any(|name| name.ends_with("config-files") || name.ends_with("not-installed")));
    check(STATUS, "Package: a\nStatus: install reinstreq half-installed\n", &[], &[]);
}

#[test]
fn relations_are_bare_names() {
    let text = "Package: a\nVersion: 1\nProvides: b (= 1), c,\n d:any\nPre-Depends: e:any (>= 2~) [amd64] <!x>\nDepends: f | g (<< 1) | h, ,i\n";
    let facts = analyze(&Dpkg, STATUS, text.as_bytes());
    let packages = packages(&facts);
    assert_eq!(packages[0].provides, ["b", "c", "d"]);
    assert_eq!(packages[0].requires, ["e", "f|g|h", "i"]);
}

#[test]
fn distroless_keeps_a_file_per_package() {
    let record = "Package: libssl3\nSource: openssl\nVersion: 3.0.11-1~deb12u2\nArchitecture: arm64";
    check(
        "var/lib/dpkg/status.d/libssl3",
        record,
        &["libssl3 3.0.11-1~deb12u2 arm64 openssl 3.0.11-1~deb12u2"],
        &[],
    );
    let sums = "6e4b44d6b6d5e4ff4f5e2b3cc8c2f1c4  usr/lib/x86_64-linux-gnu/libssl.so.3\n\
                0dd1b6cd9fc2b40b5f4fc9c31b2d3a3e  usr/share/doc/lib ssl3/copyright\n";
    let facts = analyze(&Dpkg, "var/lib/dpkg/status.d/libssl3.md5sums", sums.as_bytes());
    assert_eq!(
        owned(&facts),
        [("libssl3", vec!["usr/lib/x86_64-linux-gnu/libssl.so.3", "usr/share/doc/lib ssl3/copyright"])]
    );
}

#[test]
fn file_lists_name_their_package() {
    let list = "/.\n/usr\n/usr/lib\n/usr/lib/x86_64-linux-gnu/libc.so.6\n";
    let facts = analyze(&Dpkg, "var/lib/dpkg/info/libc6:amd64.list", list.as_bytes());
    assert_eq!(
        owned(&facts),
        [("libc6:amd64", vec!["usr", "usr/lib", "usr/lib/x86_64-linux-gnu/libc.so.6"])]
    );
}

#[test]
fn copyright_files_name_licences() {
    let text = b"Format: x\n\nFiles: *\nLicense: Expat\n";
    let facts = analyze(&Dpkg, "usr/share/doc/libc6/copyright", text);
    let want = Fact::Licenses {
        manager: "dpkg".into(),
        package: "libc6".to_owned(),
        licenses: vec!["MIT".to_owned()],
    };
    assert_eq!(facts.facts, [want]);
    assert_eq!(analyze(&Dpkg, "usr/share/doc/libc6/examples/copyright", text).facts, []);
}

#[test]
fn damage_keeps_what_was_read_before() {
    let damaged = ["damaged-package-database"];
    check(STATUS, "Package: a\nVersion: 1\n\nPackage: b\nVersi", &["a 1 - a 1"], &damaged);
    check(
        STATUS,
        "Package: a\nVersion: 1\n\nPackage: b\nVersion: 1.2",
        &["a 1 - a 1", "b 1.2 - b 1.2"],
        &damaged,
    );
    check(
        STATUS,
        "Package: a\nVersion: 1\n\nStatus: install ok installed\nVersion: 1\n",
        &["a 1 - a 1"],
        &damaged,
    );
    check(STATUS, "Package: a\nVersion: 1\n\n\u{0}\u{1}garbage\n", &["a 1 - a 1"], &damaged);
    check(STATUS, "", &[], &[]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn total(which in 0..5_usize, content in proptest::collection::vec(any::<u8>(), 0..300)) {
        let paths = [STATUS, "var/lib/dpkg/status.d/x", "var/lib/dpkg/status.d/x.md5sums", "var/lib/dpkg/info/x.list", "usr/share/doc/x/copyright"];
        analyze(&Dpkg, paths[which], &content);
    }

    #[test]
    fn mutated_records_never_stop_the_reading(at in 0..SAMPLE.len(), byte: u8, cut in 0..SAMPLE.len()) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        analyze(&Dpkg, STATUS, &bytes);
        bytes.truncate(cut);
        analyze(&Dpkg, STATUS, &bytes);
    }
}
