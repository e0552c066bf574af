//! What every file of the repository must and must not contain.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{files, none, workspace};

// Written in two halves so that this file does not contain what it looks for.
const MACHINE_PATHS: &[&str] = &[
    concat!("/wo", "rk/main"),
    concat!("/wo", "rk/shared"),
    concat!("/tmp/tar", "get"),
    concat!("/root/.", "cargo"),
];
const REGISTRY_HOSTS: &[&str] = &[
    concat!("deb.", "debian.org"),
    concat!("security.", "debian.org"),
    concat!("registry.", "npmjs.org"),
    concat!("files.", "pythonhosted.org"),
    concat!("pypi", ".org/simple"),
    concat!("repo1.", "maven.org"),
    concat!("repo.maven.", "apache.org"),
    concat!("proxy.", "golang.org"),
    concat!("sum.", "golang.org"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("repo.", "packagist.org"),
    concat!("api.", "nuget.org"),
];
const UNFINISHED: &[&str] = &[concat!("#[ig", "nore"), concat!("todo", "!("), concat!("unimplem", "ented!(")];

fn sources() -> Vec<(PathBuf, String)> {
    let rust = files().into_iter().filter(|file| file.extension().is_some_and(|e| e == "rs"));
    let fixtures = |file: &PathBuf| file.components().any(|part| part.as_os_str() == "testdata");
    rust.filter(|file| !fixtures(file)).map(read).collect()
}

fn read(file: PathBuf) -> (PathBuf, String) {
    let bytes = fs::read(workspace().join(&file)).unwrap();
    (file, String::from_utf8_lossy(&bytes).into_owned())
}

fn holding(file: &Path, text: &str, needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for needle in needles.iter().filter(|needle| line.contains(**needle)) {
            found.push(format!("{}:{}: contains `{needle}`", file.display(), number + 1));
        }
    }
    found
}

#[test]
fn every_source_file_says_what_it_is() {
    let opens = |text: &str| text.starts_with("//!") || text.starts_with("#![doc = include_str!(");
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| !opens(text))
        .map(|(file, _)| format!("{}: does not open with `//!`", file.display()))
        .collect();
    none(&wrong);
}

#[test]
fn nothing_is_unfinished_or_ignored() {
    none(&sources().iter().flat_map(|(file, text)| holding(file, text, UNFINISHED)).collect::<Vec<_>>());
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let all = files().into_iter().map(read);
    none(&all.flat_map(|(file, text)| holding(&file, &text, MACHINE_PATHS)).collect::<Vec<_>>());
}

/// Packages come through their ordinary clients, as each machine has them set up. Fixtures are excerpts of real
/// lockfiles, and `Cargo.lock` is Cargo's own.
#[test]
fn no_file_names_a_package_registry() {
    let own = |file: &PathBuf| {
        !file.ends_with("Cargo.lock") && !file.components().any(|part| part.as_os_str() == "testdata")
    };
    let all = files().into_iter().filter(own).map(read);
    none(&all.flat_map(|(file, text)| holding(&file, &text, REGISTRY_HOSTS)).collect::<Vec<_>>());
}

#[test]
fn what_must_not_be_there_is_found() {
    let text = format!("//! A file.\nfn main() {{ {}) }}\n", UNFINISHED[1]);
    let found = holding(Path::new("a.rs"), &text, UNFINISHED);
    assert_eq!(found, [format!("a.rs:2: contains `{}`", UNFINISHED[1])]);
}
