//! `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3
//! (<https://docs.npmjs.com/cli/configuring-npm/package-lock-json>).
//!
//! Versions 2 and 3 list folders (`node_modules/a/node_modules/b`); version 1 nests packages in each other, and is turned into
//! the same list. Surprising: the folder's name is an alias when the entry has a `name` (in version 1, a version
//! `npm:real@1.0.0`), and entries outside `node_modules` are the project's own workspaces.

use super::lenient::{self, Names, Table, record};
use super::lockfile::{Declared, is_inside_package, warn_if_damaged};
use super::node;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;
use std::collections::HashMap;

/// `package-lock.json`.
pub(super) struct PackageLock;

/// Folders of version 1, whose names are put together here and could grow beyond the file; large projects have some thousands.
const MAX_NESTED: usize = 200_000;
/// Bytes of a folder's path; `node_modules` nests a dozen deep at most.
const MAX_FOLDER: usize = 1024;
/// Parts of a folder's path; each is a place where a dependency is looked for.
const MAX_PARTS: usize = 64;
/// Dependencies that are resolved; large projects have some ten thousands.
const MAX_DEPENDENCIES: usize = 500_000;

record! {
    struct Lock {
        "packages" => packages: Table<Entry>,
        "dependencies" => dependencies: Table<Nested>,
    }
}

record! {
    struct Entry {
        "name" => name: Option<String>,
        "version" => version: Option<String>,
        "dev" => dev: bool,
        "link" => link: bool,
        "license" => license: node::License,
        "dependencies" => dependencies: Names,
        "optionalDependencies" => optional: Names,
        "peerDependencies" => peer: Names,
    }
}

record! {
    struct Nested {
        "version" => version: Option<String>,
        "dev" => dev: bool,
        "requires" => requires: Names,
        "dependencies" => dependencies: Table<Nested>,
    }
}

/// A package in its folder.
struct Placed {
    folder: String,
    name: String,
    version: String,
    dev: bool,
    requires: Vec<String>,
    licenses: Vec<String>,
}

impl Analyzer for PackageLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "node-package-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("package-lock.json"), Select::Name("npm-shrinkwrap.json")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if is_inside_package(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        warn_if_damaged(lenient::json(&text, &mut lock), out);
        let mut placed = Vec::new();
        if lock.packages.0.is_empty() {
            flatten("", lock.dependencies, &mut placed);
        } else {
            placed.extend(lock.packages.0.into_iter().filter_map(|(folder, entry)| place(folder, entry)));
        }
        if placed.len() >= MAX_NESTED || placed.iter().any(|package| !is_sane(&package.folder)) {
            out.warn("damaged-lockfile", "it has more packages, or deeper ones, than are read");
            placed.retain(|package| is_sane(&package.folder));
        }
        report(&placed, out);
    }
}

fn is_sane(folder: &str) -> bool {
    folder.len() <= MAX_FOLDER && folder.split('/').count() <= MAX_PARTS
}

fn place(folder: String, entry: Entry) -> Option<Placed> {
    let (_, alias) = folder.rsplit_once("node_modules/")?;
    if entry.link {
        return None;
    }
    Some(Placed {
        name: entry.name.unwrap_or_else(|| alias.to_owned()),
        version: entry.version?,
        dev: entry.dev,
        requires: node::requires([entry.dependencies, entry.optional, entry.peer]),
        licenses: entry.license.0,
        folder,
    })
}

/// Turns version 1's nesting into folders; the depth is what the JSON reader allows.
fn flatten(parent: &str, dependencies: Table<Nested>, placed: &mut Vec<Placed>) {
    for (alias, nested) in dependencies.0 {
        if placed.len() >= MAX_NESTED || alias.len() > MAX_FOLDER {
            return;
        }
        let folder = if parent.is_empty() {
            format!("node_modules/{alias}")
        } else {
            format!("{parent}/node_modules/{alias}")
        };
        if !is_sane(&folder) {
            continue;
        }
        let version = nested.version.unwrap_or_default();
        let (name, version) = match version.strip_prefix("npm:").and_then(|real| real.rsplit_once('@')) {
            Some((name, version)) => (name.to_owned(), version.to_owned()),
            None => (alias, version),
        };
        // Anything but a version is a folder, a repository or an archive, and does not tell which version is in it.
        if version.starts_with(|c: char| c.is_ascii_digit()) {
            let folder = folder.clone();
            let requires = node::requires([nested.requires, Names::default(), Names::default()]);
            placed.push(Placed { folder, name, version, dev: nested.dev, requires, licenses: Vec::new() });
        }
        flatten(&folder, nested.dependencies, placed);
    }
}

fn report(placed: &[Placed], out: &mut Sink<'_>) {
    let folders: HashMap<String, u32> =
        (0..).zip(placed).map(|(index, at)| (at.folder.clone(), index)).collect();
    let mut left = MAX_DEPENDENCIES;
    let mut declared = Declared::new(PackageKind::Npm);
    for package in placed.iter().filter(|package| !package.dev) {
        let asked = package.requires.iter().take(left);
        left = left.saturating_sub(package.requires.len());
        let found = asked.filter_map(|name| {
            let found = placed.get(usize::try_from(node::resolve(&folders, &package.folder, name)?).ok()?)?;
            Some(format!("{}@{}", found.name, found.version))
        });
        declared.add(&package.name, &package.version, found, package.licenses.clone());
    }
    declared.report(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    const EXPECTED: &str = "~ debug 4.3.4 -> ms@2.1.2\n~ ms 2.0.0\n~ ms 2.1.2\n";

    #[test]
    fn version_1() {
        let text = br#"{"name":"shop","lockfileVersion":1,"requires":true,"dependencies":{
            "debug":{"version":"4.3.4","requires":{"ms":"2.1.2"},"dependencies":{"ms":{"version":"2.1.2"}}},
            "local":{"version":"file:../local"},
            "mkdirp":{"version":"0.5.5","dev":true,"requires":{"minimist":"^1.2.5"}},
            "ms-old":{"version":"npm:ms@2.0.0"}}}"#;
        check(&PackageLock, "srv/package-lock.json", text, EXPECTED);
    }

    #[test]
    fn versions_2_and_3() {
        let text = br#"{"name":"shop","lockfileVersion":3,"packages":{
            "":{"name":"shop","version":"1.0.0","dependencies":{"debug":"4.3.4"}},
            "node_modules/debug":{"version":"4.3.4","dependencies":{"ms":"2.1.2"},"peerDependencies":{"gone":"*"}},
            "node_modules/debug/node_modules/ms":{"version":"2.1.2"},
            "node_modules/mkdirp":{"version":"0.5.5","dev":true},
            "node_modules/ms-old":{"name":"ms","version":"2.0.0"},
            "node_modules/own":{"resolved":"packages/own","link":true},
            "packages/own":{"version":"3.0.0"}},
            "dependencies":{"ignored":{"version":"1.0.0"}}}"#;
        check(&PackageLock, "srv/npm-shrinkwrap.json", text, EXPECTED);
        check(&PackageLock, "srv/node_modules/x/npm-shrinkwrap.json", text, "");
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text = br#"{"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/b":{"version":"2.0"#;
        check(&PackageLock, "package-lock.json", text, "! damaged-lockfile\n~ a 1.0.0\n");
        check(&PackageLock, "package-lock.json", b"[]", "");
        let deep = format!(r#"{{"dependencies":{{"{}":{{"version":"1"}}}}}}"#, "a".repeat(5000));
        check(&PackageLock, "package-lock.json", deep.as_bytes(), "");
        let deep = format!(r#"{{"packages":{{"{}x":{{"version":"1"}}}}}}"#, "node_modules/".repeat(500));
        check(&PackageLock, "package-lock.json", deep.as_bytes(), "! damaged-lockfile\n");
        check_total(&PackageLock, "package-lock.json");
    }
}
