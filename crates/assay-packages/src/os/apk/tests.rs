//! Records with the fields of Alpine 3.18's (checksums are made up), and every way a record can be odd.

use super::super::testing::{analyze, codes, owned, packages};
use super::*;
use proptest::prelude::*;

const SAMPLE: &str = include_str!("../../../testdata/apk/installed");
const DATABASE: &str = "lib/apk/db/installed";

/// Checks `name version architecture source licence` of every package.
#[track_caller]
fn check(text: &str, want: &[&str], warnings: &[&str]) {
    let facts = analyze(&Apk, DATABASE, text.as_bytes());
    let line = |package: &&Package| {
        let source = package.source.as_ref().map_or("-", |source| &source.name);
        let architecture = package.architecture.as_deref().unwrap_or("-");
        format!("{} {} {architecture} {source} {}", package.name, package.version, package.licenses.join(";"))
    };
    assert_eq!(packages(&facts).iter().map(line).collect::<Vec<_>>(), want);
    assert_eq!(codes(&facts), warnings);
}

#[test]
fn a_database_is_read() {
    check(
        SAMPLE,
        &[
            "musl 1.2.4-r2 x86_64 musl MIT",
            "busybox-binsh 1.36.1-r5 x86_64 busybox GPL-2.0-only",
            "libcrypto3 3.1.4-r1 x86_64 openssl Apache-2.0",
            ".build-deps 20231114.101500 noarch - ",
        ],
        &[],
    );
    let facts = analyze(&Apk, DATABASE, SAMPLE.as_bytes());
    let packages = packages(&facts);
    assert_eq!(packages[0].provides, ["so:libc.musl-x86_64.so.1"]);
    let sizes: Vec<_> = packages.iter().map(|package| package.installed_size.unwrap()).collect();
    assert_eq!(sizes, [667_648, 8_192, 4_415_488, 0]);
    assert_eq!(packages[1].provides, ["/bin/sh", "cmd:sh"]);
    assert_eq!(packages[1].requires, ["busybox"]);
    assert_eq!(packages[3].requires, ["gcc", "musl-dev", "py3-pip"]);
    assert_eq!(packages[2].source.as_ref().unwrap().version, "3.1.4-r1");
    assert_eq!(
        owned(&facts),
        [
            ("musl", vec!["lib/ld-musl-x86_64.so.1", "lib/libc.musl-x86_64.so.1"]),
            ("busybox-binsh", vec!["bin/sh"]),
            ("libcrypto3", vec!["etc/ssl/openssl.cnf", "lib/libcrypto.so.3"]),
        ]
    );
}

#[test]
fn relations_link_packages() {
    let facts = analyze(&Apk, DATABASE, SAMPLE.as_bytes());
    let packages = packages(&facts).into_iter().cloned().collect();
    let mut inventory = Inventory { packages, ..Inventory::default() };
    Apk.link(&mut inventory);
    assert_eq!(inventory.packages[2].depends_on, [0]);
    assert!(inventory.packages[0].depends_on.is_empty());
}

#[test]
fn records_need_no_blank_line_at_the_end() {
    check("P:a\nV:1\n\n\n\nP:b\nV:2\nR:file\n", &["a 1 - - ", "b 2 - - "], &[]);
    check("", &[], &[]);
}

#[test]
fn damage_keeps_what_was_read_before() {
    let damaged = ["damaged-package-database"];
    check("P:a\nV:1\n\nP:b\n", &["a 1 - - "], &damaged);
    check("P:a\nV:1\n\nP:b\nV:2", &["a 1 - - ", "b 2 - - "], &damaged);
    check("P:a\nV:1\n\n\0garbage\n", &["a 1 - - "], &damaged);
    let long = format!("P:a\nV:1\nF:{}\nR:b\n", "x".repeat(5000));
    check(&long, &["a 1 - - "], &damaged);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn total(content in proptest::collection::vec(any::<u8>(), 0..300)) {
        analyze(&Apk, DATABASE, &content);
    }

    #[test]
    fn mutated_records_never_stop_the_reading(at in 0..SAMPLE.len(), byte: u8, cut in 0..SAMPLE.len()) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        bytes[at] = byte;
        analyze(&Apk, DATABASE, &bytes);
        bytes.truncate(cut);
        analyze(&Apk, DATABASE, &bytes);
    }
}
