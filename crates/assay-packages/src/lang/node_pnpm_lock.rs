//! `pnpm-lock.yaml`, versions 5, 6 and 9 (<https://github.com/pnpm/spec/blob/master/lockfile/9.0.md>).
//!
//! A package is `/@s/name/1.0.0_peer@2` in version 5, `/@s/name@1.0.0(peer@2)` in 6 and without the slash in 9; what it depends
//! on is given as a version or, for aliases, as such a key. Versions 5 and 6 mark what is only for development; in version 9
//! it is what no importer's `dependencies` reach.

use super::lenient::{self, Fill, Table, record};
use super::lockfile::{Declared, is_inside_package, reachable, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;
use serde::de::MapAccess;
use std::collections::HashMap;

/// `pnpm-lock.yaml`.
pub(super) struct PnpmLock;

record! {
    struct Lock {
        "lockfileVersion" => version: String,
        "importers" => importers: Table<Importer>,
        "packages" => packages: Table<Entry>,
        "snapshots" => snapshots: Table<Entry>,
    }
}

record! {
    struct Importer {
        "dependencies" => dependencies: Table<Chosen>,
        "optionalDependencies" => optional: Table<Chosen>,
    }
}

record! {
    struct Entry {
        "name" => name: Option<String>,
        "version" => version: Option<String>,
        "dev" => dev: bool,
        "dependencies" => dependencies: Table<Chosen>,
        "optionalDependencies" => optional: Table<Chosen>,
    }
}

/// The chosen version: a string, or for importers from version 6 on `{specifier, version}`.
#[derive(Debug, Default)]
struct Chosen(String);

record! {
    struct Specified {
        "version" => version: String,
    }
}

impl Fill for Chosen {
    fn text(&mut self, text: &str) {
        self.0.text(text);
    }

    fn table<'de, A: MapAccess<'de>>(&mut self, table: A) -> Result<(), A::Error> {
        let mut specified = Specified::default();
        let result = specified.table(table);
        self.0 = specified.version;
        result
    }
}

impl Analyzer for PnpmLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "node-pnpm-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("pnpm-lock.yaml")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if is_inside_package(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        let result = lenient::yaml(&text, &mut lock);
        report(&lock, result.is_ok(), out);
        warn_if_damaged(result, out);
    }
}

fn report(lock: &Lock, whole: bool, out: &mut Sink<'_>) {
    let style = if lock.version.starts_with('5') { Style::Slashes } else { Style::At };
    let said: HashMap<&str, &Entry> =
        lock.packages.0.iter().map(|(key, entry)| (key.as_str(), entry)).collect();
    // From version 9 on `packages` says what a package is, and `snapshots`, after it, what it was given.
    let snapshots = !lock.snapshots.0.is_empty();
    let entries = if snapshots { &lock.snapshots.0 } else { &lock.packages.0 };
    let index: HashMap<&str, usize> =
        entries.iter().enumerate().map(|(index, (key, _))| (key.as_str(), index)).collect();
    let find = |(name, Chosen(chosen)): &(String, Chosen)| {
        let keys = [format!("{name}@{chosen}"), format!("/{name}@{chosen}"), format!("/{name}/{chosen}")];
        index.get(chosen.as_str()).or_else(|| keys.iter().find_map(|key| index.get(key.as_str()))).copied()
    };
    let edges = |index: usize| {
        let entry = entries.get(index).map(|(_, entry)| entry);
        entry
            .into_iter()
            .flat_map(|entry| entry.dependencies.0.iter().chain(&entry.optional.0))
            .filter_map(find)
    };
    let reached = if snapshots && whole {
        let importers = lock.importers.0.iter().map(|(_, importer)| importer);
        let wanted =
            importers.flat_map(|importer| importer.dependencies.0.iter().chain(&importer.optional.0));
        reachable(entries.len(), wanted.filter_map(find), edges)
    } else {
        vec![true; entries.len()]
    };
    let identity = |index: usize| {
        let (key, entry) = entries.get(index)?;
        let key = key.split('(').next()?;
        let said = said.get(key).copied().unwrap_or(entry);
        if key.starts_with("file:") || key.contains("@file:") {
            return None;
        }
        // A repository's key is no version: `name` and `version` stand in the entry.
        let split = split(key, style);
        Some((
            said.name.as_deref().or(split.map(|(name, _)| name))?,
            said.version.as_deref().or(split.map(|(_, version)| version))?,
        ))
    };
    let mut declared = Declared::new(PackageKind::Npm);
    for (index, ((_, entry), reached)) in entries.iter().zip(reached).enumerate() {
        let Some((name, version)) = identity(index).filter(|_| reached && !entry.dev) else { continue };
        // What is still an address here has no version that could be judged.
        if !version.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let requires = edges(index).filter_map(identity).map(|(name, version)| format!("{name}@{version}"));
        declared.add(name, version, requires, Vec::new());
    }
    declared.report(out);
}

/// How keys separate name and version.
#[derive(Clone, Copy)]
enum Style {
    Slashes,
    At,
}

/// Splits a key without the peers in parentheses.
fn split(key: &str, style: Style) -> Option<(&str, &str)> {
    let key = key.strip_prefix('/').unwrap_or(key);
    match style {
        Style::At => {
            let at = key.get(1..)?.find('@')?.checked_add(1)?;
            let (name, version) = key.split_at_checked(at)?;
            Some((name, version.strip_prefix('@')?))
        }
        Style::Slashes => {
            let scope = if key.starts_with('@') { key.find('/')?.checked_add(1)? } else { 0 };
            let slash = key.get(scope..)?.find('/')?.checked_add(scope)?;
            let (name, version) = key.split_at_checked(slash)?;
            Some((name, version.strip_prefix('/')?.split('_').next()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    const EXPECTED: &str = "~ @types/ms 0.7.31\n~ debug 4.3.4 -> @types/ms@0.7.31, ms@2.0.0\n~ ms 2.0.0\n";

    #[test]
    fn version_5() {
        let text = b"lockfileVersion: 5.4\nspecifiers:\n  debug: 4.3.4\ndependencies:\n  debug: 4.3.4_@types+ms@0.7.31\npackages:\n  /@types/ms/0.7.31:\n    dev: false\n\
            \x20 /debug/4.3.4_@types+ms@0.7.31:\n    resolution: {integrity: sha512-x}\n    dependencies:\n      '@types/ms': 0.7.31\n      ms-old: /ms/2.0.0\n    dev: false\n\
            \x20 /mkdirp/0.5.5:\n    dev: true\n  /ms/2.0.0:\n    dev: false\n  file:../own:\n    name: own\n    version: 1.0.0\n";
        check(&PnpmLock, "srv/pnpm-lock.yaml", text, EXPECTED);
    }

    #[test]
    fn version_6() {
        let text = b"lockfileVersion: '6.0'\ndependencies:\n  debug:\n    specifier: 4.3.4\n    version: 4.3.4(@types/ms@0.7.31)\npackages:\n\n  /@types/ms@0.7.31:\n    dev: false\n\
            \x20 /debug@4.3.4(@types/ms@0.7.31):\n    dependencies:\n      '@types/ms': 0.7.31\n      ms-old: /ms@2.0.0\n    dev: false\n\
            \x20 /mkdirp@0.5.5:\n    dev: true\n  /ms@2.0.0:\n    dev: false\n";
        check(&PnpmLock, "srv/pnpm-lock.yaml", text, EXPECTED);
        check(&PnpmLock, "srv/node_modules/x/pnpm-lock.yaml", text, "");
    }

    #[test]
    fn version_9() {
        let text = b"lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      debug:\n        specifier: 4.3.4\n        version: 4.3.4(@types/ms@0.7.31)\n\
            \x20     own:\n        specifier: link:../own\n        version: link:../own\n    devDependencies:\n      mkdirp:\n        specifier: 0.5.5\n        version: 0.5.5\n\
            packages:\n  '@types/ms@0.7.31': {}\n  debug@4.3.4:\n    engines: {node: '>=6.0'}\n  mkdirp@0.5.5:\n    hasBin: true\n  ms@2.0.0: {}\n\
            snapshots:\n  '@types/ms@0.7.31': {}\n  debug@4.3.4(@types/ms@0.7.31):\n    dependencies:\n      '@types/ms': 0.7.31\n      ms-old: ms@2.0.0\n  mkdirp@0.5.5: {}\n  ms@2.0.0: {}\n";
        check(&PnpmLock, "srv/pnpm-lock.yaml", text, EXPECTED);
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text = b"lockfileVersion: '6.0'\npackages:\n  /a@1.0.0:\n    dev: false\n  /b@2.0.0: [\n";
        check(&PnpmLock, "pnpm-lock.yaml", text, "! damaged-lockfile\n~ a 1.0.0\n~ b 2.0.0\n");
        check_total(&PnpmLock, "pnpm-lock.yaml");
    }
}
