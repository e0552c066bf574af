//! Databases made by rpm itself (sqlite), converted from them (ndb, Berkeley DB), and headers with something wrong.
//!
//! The packages were built for these tests after those of AlmaLinux and SUSE, with one file each.

use super::super::testing::{analyze, codes, owned, packages};
use super::header::Tag;
use super::*;
use assay_model::Package;
use proptest::prelude::*;

const SQLITE: &[u8] = include_bytes!("../../../testdata/rpm/rpmdb.sqlite");
const NDB: &[u8] = include_bytes!("../../../testdata/rpm/Packages.db");
const BDB: &[u8] = include_bytes!("../../../testdata/rpm/Packages");

/// Checks `name version architecture source sourceversion module licence vendor` of every package.
#[track_caller]
fn check(path: &str, content: &[u8], want: &[&str], warnings: &[&str]) {
    let facts = analyze(&Rpm, path, content);
    let line = |package: &&Package| {
        let source = package
            .source
            .as_ref()
            .map_or("-".to_owned(), |source| format!("{} {}", source.name, source.version));
        format!(
            "{} {} {} {source} {} {} | {}",
            package.name,
            package.version,
            package.architecture.as_deref().unwrap_or("-"),
            package.module.as_deref().unwrap_or("-"),
            package.licenses.join(";"),
            package.vendor.as_deref().unwrap_or("-")
        )
    };
    let mut got: Vec<_> = packages(&facts).iter().map(line).collect();
    got.sort_unstable();
    assert_eq!(got, want);
    assert_eq!(codes(&facts), warnings);
}

#[test]
fn sqlite_is_read() {
    check(
        "var/lib/rpm/rpmdb.sqlite",
        SQLITE,
        &[
            "openssl 1:3.0.1-42.el9_0 x86_64 openssl 1:3.0.1-42.el9_0 - ASL 2.0 | AlmaLinux",
            "openssl-libs 1:3.0.1-42.el9_0 x86_64 openssl 1:3.0.1-42.el9_0 - ASL 2.0 | AlmaLinux",
            "sudo 1.9.5p2-7.el9 x86_64 sudo 1.9.5p2-7.el9 - ISC | AlmaLinux",
            "tzdata 2022a-1.el9 x86_64 tzdata 2022a-1.el9 - Public Domain | AlmaLinux",
        ],
        &[],
    );
}

#[test]
fn sizes_are_those_that_rpm_tells() {
    let facts = analyze(&Rpm, "var/lib/rpm/rpmdb.sqlite", SQLITE);
    let mut sizes: Vec<_> = packages(&facts)
        .iter()
        .map(|package| (package.name.clone(), package.installed_size.unwrap()))
        .collect();
    sizes.sort_unstable();
    let sizes: Vec<_> = sizes.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    // `rpm -qa --qf '%{NAME} %{LONGSIZE}\n'`
    assert_eq!(sizes, [("openssl", 25), ("openssl-libs", 83), ("sudo", 37), ("tzdata", 31)]);
}

#[test]
fn ndb_is_read() {
    let facts = analyze(&Rpm, "usr/lib/sysimage/rpm/Packages.db", NDB);
    assert_eq!(codes(&facts), [""; 0]);
    let packages = packages(&facts);
    assert_eq!(packages.len(), 8);
    let libz = packages.iter().find(|package| package.name == "libz1").unwrap();
    assert_eq!(libz.version, "1.2.11-150000.3.33.1");
    assert_eq!(libz.source.as_ref().unwrap().name, "zlib");
    assert!(owned(&facts).contains(&("bash-sh:x86_64", vec!["bin/sh"])));
}

#[test]
fn berkeley_db_is_read() {
    check(
        "var/lib/rpm/Packages",
        BDB,
        &[
            "bind-libs 32:9.11.36-5.el8 x86_64 bind 32:9.11.36-5.el8 - MPLv2.0 | AlmaLinux",
            "bind-license 32:9.11.36-5.el8 noarch bind 32:9.11.36-5.el8 - MPLv2.0 | AlmaLinux",
            "nodejs 1:14.21.1-2.module_el8.7.0+3370+ee2ee0bf x86_64 nodejs 1:14.21.1-2.module_el8.7.0+3370+ee2ee0bf \
             nodejs:14:8070020221207164159:bd1311ed MIT and ASL 2.0 and ISC and BSD | AlmaLinux",
            "openssl 1:1.1.1k-6.el8_5 x86_64 openssl 1:1.1.1k-6.el8_5 - OpenSSL and ASL 2.0 | AlmaLinux",
            "openssl-libs 1:1.1.1k-6.el8_5 x86_64 openssl 1:1.1.1k-6.el8_5 - OpenSSL and ASL 2.0 | AlmaLinux",
            "setup 2.12.2-7.el8 x86_64 setup 2.12.2-7.el8 - Public Domain | AlmaLinux",
            "sudo 1.8.29-8.el8 x86_64 sudo 1.8.29-8.el8 - ISC | AlmaLinux",
        ],
        &[],
    );
}

/// A value of a header.
enum Value<'a> {
    Text(&'a str),
    Texts(&'a [&'a str]),
    Numbers(&'a [u32]),
}

/// Lays out a header as rpm does.
fn header(values: &[(Tag, Value<'_>)]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, value) in values {
        while store.len() % 4 != 0 {
            store.push(0);
        }
        let offset = store.len();
        let (kind, count) = match value {
            Value::Text(text) => {
                store.extend([text.as_bytes(), b"\0"].concat());
                (6, 1)
            }
            Value::Texts(texts) => {
                texts.iter().for_each(|text| store.extend([text.as_bytes(), b"\0"].concat()));
                (8, texts.len())
            }
            Value::Numbers(numbers) => {
                numbers.iter().for_each(|number| store.extend(number.to_be_bytes()));
                (4, numbers.len())
            }
        };
        for field in [*tag as u32, kind, u32::try_from(offset).unwrap(), u32::try_from(count).unwrap()] {
            index.extend(field.to_be_bytes());
        }
    }
    let counts = [values.len(), store.len()].map(|count| u32::try_from(count).unwrap().to_be_bytes());
    [counts.concat(), index, store].concat()
}

fn nvr<'a>(name: &'a str) -> Vec<(Tag, Value<'a>)> {
    vec![(Tag::Name, Value::Text(name)), (Tag::Version, Value::Text("1")), (Tag::Release, Value::Text("2"))]
}

fn read(blob: &[u8]) -> Result<Option<Installed>, &'static str> {
    let header = Header::parse(blob).ok_or("cut")?;
    package::read(header, &mut PATHS_LIMIT.clone())
}

#[test]
fn a_header_tells_a_package() {
    let mut values = nvr("a");
    values.extend([
        (Tag::Epoch, Value::Numbers(&[0])),
        (Tag::SourceRpm, Value::Text("b-c-3-4.nosrc.rpm")),
        (Tag::ProvideName, Value::Texts(&["a", "a(x86-64)", "config(a)"])),
        (
            Tag::RequireName,
            Value::Texts(&["/bin/sh", "rpmlib(CompressedFileNames)", "(x if y)", "libc.so.6", "libc.so.6"]),
        ),
        (Tag::DirNames, Value::Texts(&["/usr/", "/etc/"])),
        (Tag::BaseNames, Value::Texts(&["x", "y"])),
        (Tag::DirIndexes, Value::Numbers(&[1, 0])),
    ]);
    let Installed { package, files, files_are_cut } = read(&header(&values)).unwrap().unwrap();
    assert_eq!((package.version.as_str(), files_are_cut), ("1-2", false));
    let source = package.source.unwrap();
    assert_eq!((source.name.as_str(), source.version.as_str()), ("b-c", "3-4"));
    assert_eq!(package.provides, ["a(x86-64)", "config(a)"]);
    assert_eq!(package.requires, ["/bin/sh", "libc.so.6"]);
    assert_eq!(files.iter().collect::<Vec<_>>(), ["etc/x", "usr/y"]);
}

#[test]
fn what_was_added_at_installation_replaces_what_was_signed() {
    let mut values = nvr("a");
    values.push((Tag::Arch, Value::Text("noarch")));
    values.push((Tag::Arch, Value::Text("x86_64")));
    assert_eq!(read(&header(&values)).unwrap().unwrap().package.architecture.as_deref(), Some("x86_64"));
}

#[test]
fn public_keys_are_no_packages() {
    assert!(read(&header(&nvr("gpg-pubkey"))).unwrap().is_none());
}

#[test]
fn old_headers_list_whole_paths() {
    let mut values = nvr("a");
    values.push((Tag::OldFileNames, Value::Texts(&["/bin/a", "/bin/b"])));
    assert_eq!(read(&header(&values)).unwrap().unwrap().files.len(), 2);
}

#[test]
fn who_owns_a_required_file_provides_it() {
    let mut shell = nvr("shell");
    shell.extend([
        (Tag::DirNames, Value::Texts(&["/usr/bin/"])),
        (Tag::BaseNames, Value::Texts(&["sh", "env"])),
        (Tag::DirIndexes, Value::Numbers(&[0, 0])),
    ]);
    let mut user = nvr("user");
    user.push((Tag::RequireName, Value::Texts(&["/bin/sh"])));
    let mut installed: Vec<_> =
        [shell, user].iter().map(|values| read(&header(values)).unwrap().unwrap()).collect();
    provide_required_files(&mut installed);
    let packages = installed.into_iter().map(|installed| installed.package).collect();
    let mut inventory = Inventory { packages, ..Inventory::default() };
    Rpm.link(&mut inventory);
    assert_eq!(inventory.packages[0].provides, ["/bin/sh"]);
    assert_eq!(inventory.packages[1].depends_on, [0]);
}

#[test]
fn damage_keeps_what_was_read_before() {
    let damaged = ["damaged-package-database"];
    let whole = packages(&analyze(&Rpm, "var/lib/rpm/Packages", BDB)).len();
    // The last page is gone.
    let facts = analyze(&Rpm, "var/lib/rpm/Packages", &BDB[..BDB.len() - 4096]);
    assert_eq!(codes(&facts), damaged);
    assert!((1..=whole).contains(&packages(&facts).len()));
    check("var/lib/rpm/Packages", b"", &[], &damaged);
    check("var/lib/rpm/rpmdb.sqlite", b"garbage", &[], &damaged);
    check("var/lib/rpm/rpmdb.sqlite", &SQLITE[..1024], &[], &damaged);
    check("var/lib/rpm/rpmdb.sqlite-wal", b"", &[], &[]);
    check("var/lib/rpm/rpmdb.sqlite-wal", b"7\x7f\x06\x82", &[], &damaged);
    assert_eq!(read(b"").unwrap_err(), "cut");
    assert_eq!(read(&header(&nvr("a"))[..60]).unwrap_err(), "cut");
    assert_eq!(read(&header(&nvr("a")[1..])).unwrap_err(), "a header names no package");
    let mut values = nvr("a");
    values.extend([
        (Tag::DirNames, Value::Texts(&["/usr/"])),
        (Tag::BaseNames, Value::Texts(&["x", "y"])),
        (Tag::DirIndexes, Value::Numbers(&[0, 7])),
    ]);
    let installed = read(&header(&values)).unwrap().unwrap();
    assert_eq!((installed.files.len(), installed.files_are_cut), (1, true));
}

#[test]
fn distroless_has_a_manifest() {
    check(
        manifest::PATH,
        b"openssl-libs\t1.1.1k-25.cm2\t1688\t1687\tMicrosoft Corporation\t(none)\t100\tx86_64\t0\topenssl-1.1.1k-25.cm2.src.rpm\n\
          shadow\t4.9-9.cm2\t1688\t1687\t(none)\t2\t100\tx86_64\t2\tshadow-utils-4.9-9.cm2.src.rpm\n\
          gpg-pubkey\t1-2\t1\t1\t(none)\t(none)\t0\t(none)\t0\t(none)\n\
          cut\t1",
        &[
            "openssl-libs 1.1.1k-25.cm2 x86_64 openssl 1.1.1k-25.cm2 -  | Microsoft Corporation",
            "shadow 2:4.9-9.cm2 x86_64 shadow-utils 2:4.9-9.cm2 -  | -",
        ],
        &["damaged-package-database"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn total(content in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&content);
        analyze(&Rpm, "var/lib/rpm/Packages", &content);
        analyze(&Rpm, manifest::PATH, &content);
    }

    #[test]
    fn mutated_headers_never_stop_the_reading(at in 0_usize..200, byte: u8, cut in 0_usize..200) {
        let mut values = nvr("a");
        values.extend([
            (Tag::DirNames, Value::Texts(&["/usr/", "/etc/"])),
            (Tag::BaseNames, Value::Texts(&["x", "y"])),
            (Tag::DirIndexes, Value::Numbers(&[1, 0])),
        ]);
        let mut bytes = header(&values);
        let len = bytes.len();
        bytes[at % len] = byte;
        let _ = read(&bytes);
        bytes.truncate(cut % len);
        let _ = read(&bytes);
    }

    #[test]
    fn mutated_databases_never_stop_the_reading(at: usize, byte: u8) {
        for database in [SQLITE, NDB, BDB] {
            let mut bytes = database.to_vec();
            let len = bytes.len();
            bytes[at % len] = byte;
            analyze(&Rpm, "var/lib/rpm/Packages", &bytes);
            bytes.truncate(at % len);
            analyze(&Rpm, "var/lib/rpm/Packages", &bytes);
        }
    }
}
