//! The ways in which scanners are known to be wrong that need files: who owns what, what lies in what, and what is still there.
//! Each in both directions. Those about names and versions alone stand in `crates/assay-match/tests/it/error_classes.rs`.

use crate::{BUILT, OS_RELEASE, Place, advisory, affected, json};
use assay_advisories::Compiler;
use assay_advisories::sink::{Counts, Record};
use assay_model::advisory::{Fix, Range};
use assay_test::image::{Builder, Tree};

/// Of each package here every version below 2 is vulnerable.
const VULNERABLE: &[(&str, &str, &str)] = &[
    ("CVE-2020-1", "PyPI", "x"),
    ("CVE-2020-2", "npm", "x"),
    ("CVE-2020-3", "Maven", "g:x"),
    ("CVE-2020-4", "Maven", "g:y"),
    ("CVE-2020-5", "Debian:12", "libx"),
    ("CVE-2020-6", "Red Hat:9", "libx"),
];

fn database() -> Vec<u8> {
    let mut compiler = Compiler::new(false);
    let feed = compiler.feed("osv", "CC0-1.0");
    for (id, ecosystem, name) in VULNERABLE {
        let fixed = if *ecosystem == "npm" { "2.0.0" } else { "2" };
        let mut one =
            advisory(id, None, "", affected(ecosystem, name, Range::until_fixed(fixed), Fix::Unknown));
        // The same under another name: a vulnerability is counted once.
        one.aliases.push(format!("GHSA-of-{id}"));
        let mut other = one.clone();
        (other.id, other.aliases) = (format!("GHSA-of-{id}"), vec![(*id).to_owned()]);
        for advisory in [one, other] {
            compiler.record(feed, Record::Covers(advisory.affected[0].ecosystem.clone()));
            compiler.record(feed, Record::Advisory(Box::new(advisory)));
        }
    }
    compiler.count(feed, Counts { used: 12, data_time: Some(BUILT), ..Counts::default() });
    compiler.finish(BUILT).unwrap()
}

/// Checks what is found in an image of these layers: `CVE-2020-1 usr/lib/x`, one line for each place.
#[track_caller]
fn check(layers: impl IntoIterator<Item = Tree>, want: &[&str]) {
    let place = Place::new();
    place.write("test.db", database());
    let builder =
        layers.into_iter().fold(Builder::new(), |builder, tree| builder.layer(tree, "RUN something"));
    place.layout("image", &builder.build());
    let ran = place.run(&["scan", "oci:image", "--output", "json=out/report.json"]);
    assert!(ran.code == 0 || ran.code == 2, "{}", ran.stderr);
    let report = json(&place.path("out/report.json"));
    let mut found = Vec::new();
    for finding in report["findings"].as_array().unwrap() {
        for location in finding["locations"].as_array().unwrap() {
            found.push(format!(
                "{} {}",
                finding["rule"].as_str().unwrap(),
                location["path"].as_str().unwrap()
            ));
        }
    }
    found.sort();
    assert_eq!(found, want);
}

fn debian(status: &str) -> Tree {
    Tree::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", status)
}

fn deb(name: &str, version: &str) -> String {
    format!(
        "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: A Person <person@example.org>\n\
         Version: {version}\n\n"
    )
}

const PYTHON: &str = "Metadata-Version: 2.1\nName: x\nVersion: 1.5\n";
const NODE: &str = "{\"name\": \"x\", \"version\": \"1.5.0\"}";

/// A package of the system with a copy of Python's x in `folder`.
fn owning(name: &str, version: &str, folder: &str) -> Tree {
    let metadata = format!("{folder}/x-1.5.dist-info/METADATA");
    debian(&deb(name, version))
        .file(&format!("var/lib/dpkg/info/{name}.list"), format!("/.\n/{metadata}\n"))
        .file(&metadata, PYTHON)
}

#[test]
fn language_packages_of_the_distribution_are_its_own() {
    check([owning("python3-x", "1.5-1", "usr/lib/python3/dist-packages")], &[]);
    // The same files without an owner, or with one for whom the distribution does not answer.
    check(
        [debian("").file("usr/lib/python3/dist-packages/x-1.5.dist-info/METADATA", PYTHON)],
        &["CVE-2020-1 usr/lib/python3/dist-packages/x-1.5.dist-info/METADATA"],
    );
    check(
        [owning("vendor", "1.5-1", "opt/vendor/lib")],
        &["CVE-2020-1 opt/vendor/lib/x-1.5.dist-info/METADATA"],
    );
    check(
        [owning("nodejs", "18.1.0-1nodesource1", "usr/lib/node_modules/npm/gyp")],
        &["CVE-2020-1 usr/lib/node_modules/npm/gyp/x-1.5.dist-info/METADATA"],
    );
}

#[test]
fn vendored_copies_are_there() {
    let inside = "usr/lib/python3.11/site-packages/setuptools/_vendor/x-1.5.dist-info/METADATA";
    check([debian("").file(inside, PYTHON)], &[&format!("CVE-2020-1 {inside}")]);
    let new = NODE.replace("1.5.0", "2.0.0");
    let (top, nested) = ("app/node_modules/x/package.json", "app/node_modules/a/node_modules/x/package.json");
    check([debian("").file(top, &new).file(nested, NODE)], &[&format!("CVE-2020-2 {nested}")]);
    check([debian("").file(top, NODE).file(nested, &new)], &[&format!("CVE-2020-2 {top}")]);
}

/// CRC-32 as zip has it.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// Makes a zip archive of stored entries.
fn zip(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let size = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 33, 0];
        common.extend(crc(bytes).to_le_bytes());
        common.extend([size, size].concat());
        common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        common.extend([0, 0]);
        directory.extend([&b"PK\x01\x02\x14\x00"[..], &common, &[0; 10]].concat());
        directory.extend(u32::try_from(file.len()).unwrap().to_le_bytes());
        directory.extend(name.as_bytes());
        file.extend([b"PK\x03\x04", &common[..], name.as_bytes(), bytes].concat());
    }
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let end = [
        &b"PK\x05\x06\0\0\0\0"[..],
        &[count, count].concat(),
        &u32::try_from(directory.len()).unwrap().to_le_bytes(),
        &u32::try_from(file.len()).unwrap().to_le_bytes(),
        &[0, 0],
    ]
    .concat();
    [file, directory, end].concat()
}

fn pom(artifact: &str, version: &str) -> (String, Vec<u8>) {
    let name = format!("META-INF/maven/g/{artifact}/pom.properties");
    (name, format!("groupId=g\nartifactId={artifact}\nversion={version}\n").into_bytes())
}

fn jar(poms: &[(String, Vec<u8>)]) -> Vec<u8> {
    zip(&poms.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect::<Vec<_>>())
}

#[test]
fn archives_in_archives_and_shaded_ones() {
    // A fat jar keeps the properties of all that was shaded into it.
    let fat = jar(&[pom("app", "1.0"), pom("x", "1.5"), pom("y", "2.0")]);
    check([debian("").file("app/app.jar", fat)], &["CVE-2020-3 app/app.jar"]);
    let both = jar(&[pom("x", "1.5"), pom("y", "1.0")]);
    check([debian("").file("app/app.jar", both)], &["CVE-2020-3 app/app.jar", "CVE-2020-4 app/app.jar"]);
    let nested = zip(&[("BOOT-INF/lib/renamed.jar", jar(&[pom("x", "1.5")]))]);
    check([debian("").file("app/app.jar", nested)], &["CVE-2020-3 app/app.jar!/BOOT-INF/lib/renamed.jar"]);
}

#[test]
fn what_is_no_longer_there_and_what_is() {
    const STATUS: &str = "CVE-2020-5 var/lib/dpkg/status";
    let installed = || debian(&(deb("libx", "1.5") + &deb("other", "1"))).file("usr/lib/libx.so", "");
    check([installed()], &[STATUS]);
    // Files deleted behind the package manager's back: it still says that the package is there, and so do we.
    check([installed(), Tree::new().whiteout("usr/lib/libx.so")], &[STATUS]);
    // Removed, or upgraded, by the package manager.
    let rewritten = |status: String| Tree::new().file("var/lib/dpkg/status", status);
    check([installed(), rewritten(deb("other", "1"))], &[]);
    check([installed(), rewritten(deb("libx", "2") + &deb("other", "1"))], &[]);
    check([installed(), rewritten(deb("libx", "1.6") + &deb("other", "1"))], &[STATUS]);
    // A lower layer's file that an upper one deletes, and one that comes back.
    let python = || Tree::new().file("venv/lib/x-1.5.dist-info/METADATA", PYTHON);
    let venv = "CVE-2020-1 venv/lib/x-1.5.dist-info/METADATA";
    check([debian(""), python()], &[venv]);
    check([debian(""), python(), Tree::new().whiteout("venv")], &[]);
    check([debian(""), python(), Tree::new().opaque("venv/lib")], &[]);
    check([debian(""), python(), Tree::new().whiteout("venv"), python()], &[venv]);
}
