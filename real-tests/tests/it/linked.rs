//! Libraries linked into programs: what is seen of a static program is what the compiler linked, in the version that the program itself prints; and
//! what is seen in wheels of PyPI.

use crate::report::{assay, list, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = "#include <stdio.h>\n#include <zlib.h>\n#include <gnu/libc-version.h>\n\
    int main(void) { unsigned char in[9] = \"aaaaaaaa\", out[99]; unsigned long n = 99; compress(out, &n, in, 9);\n\
    printf(\"zlib %s\\n\", zlibVersion()); return 0; }\n";

/// Returns the libraries that a deep scan of a folder observes, and the generic packages it reports, each with its version.
fn seen(folder: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let source = format!("dir:{}", folder.display());
    let done = assay(&["scan", "-q", &source, "--deep", "--scanners", "vulnerability", "--format", "json"]);
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let observations = list(&report, "observations").iter().filter(|one| one["topic"] == "library");
    let detail = |one: &Value, name: &str| {
        let details = list(one, "details").iter().find(|detail| detail["name"] == name);
        details.map(|detail| text(detail, "value").to_owned()).unwrap_or_default()
    };
    let libraries = observations.map(|one| format!("{} {}", detail(one, "name"), detail(one, "version")));
    let libraries = libraries.map(|one| one.trim().to_owned()).collect();
    let packages = list(&report, "packages").iter().filter(|one| one["type"] == "generic");
    (libraries, packages.map(|one| format!("{} {}", text(one, "name"), text(one, "version"))).collect())
}

#[test]
fn a_static_program_has_what_was_linked() {
    let Some(gcc) = real_tests::tool("gcc") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("a.c"), folder.path().join("a"));
    std::fs::write(&source, PROGRAM).unwrap();
    let build = |more: &[&str]| {
        Command::new(&gcc).args(["-w", "-O2", "-o"]).arg(&program).arg(&source).args(more).output().unwrap()
    };
    let built = build(&["-static", "-s", "-lz"]);
    if !built.status.success() && String::from_utf8_lossy(&built.stderr).contains("zlib.h") {
        println!("skipped: zlib's headers are not installed");
        return;
    }
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let printed = String::from_utf8(Command::new(&program).output().unwrap().stdout).unwrap();
    let zlib = printed.trim().to_owned();
    let (libraries, packages) = seen(folder.path());
    assert_eq!(libraries, BTreeSet::from(["glibc".to_owned(), zlib.clone()]));
    assert_eq!(packages, BTreeSet::from([zlib]));
    // What is linked dynamically is no part of the program.
    assert!(build(&["-lz"]).status.success());
    assert_eq!(seen(folder.path()), (BTreeSet::new(), BTreeSet::new()));
}
