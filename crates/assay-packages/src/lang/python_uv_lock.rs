//! `uv.lock` (<https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile>).
//!
//! The project and its workspace members are entries like others, with a `source` that is a folder; they are the roots.
//! What only their `dev-dependencies` reach is left out; their extras, which somebody may install, are not.

use super::lenient::{self, Names, Table, record};
use super::lockfile::{Declared, is_inside_package, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;
use std::collections::{HashMap, HashSet};

/// `uv.lock`.
pub(super) struct UvLock;

record! {
    struct Lock {
        "package" => packages: Vec<Entry>,
    }
}

record! {
    struct Entry {
        "name" => name: String,
        "version" => version: String,
        "source" => source: Table<()>,
        "dependencies" => dependencies: Vec<Wanted>,
        "optional-dependencies" => extras: Table<Vec<Wanted>>,
    }
}

record! {
    struct Wanted {
        "name" => name: String,
        "version" => version: Option<String>,
        "extra" => extras: Names,
    }
}

impl Entry {
    fn is_own(&self) -> bool {
        self.source.0.iter().any(|(kind, ())| matches!(kind.as_str(), "virtual" | "editable" | "directory"))
    }
}

impl Analyzer for UvLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "python-uv-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("uv.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if is_inside_package(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        let result = lenient::toml(&text, &mut lock);
        report(&lock, result.is_ok(), out);
        warn_if_damaged(result, out);
    }
}

fn report(lock: &Lock, whole: bool, out: &mut Sink<'_>) {
    let mut by_name: HashMap<&str, Vec<(usize, &Entry)>> = HashMap::new();
    for (index, entry) in lock.packages.iter().enumerate() {
        by_name.entry(&entry.name).or_default().push((index, entry));
    }
    let own = || lock.packages.iter().enumerate().filter(|(_, entry)| entry.is_own());
    // Without a project, or with half of one, everything may be wanted.
    let roots: Vec<(usize, &Entry)> = if whole && own().next().is_some() {
        own().collect()
    } else {
        lock.packages.iter().enumerate().collect()
    };
    // A visit is an entry without extras, or one extra of it.
    let mut seen: HashSet<(usize, Option<&str>)> = HashSet::new();
    let mut asked: HashSet<(&str, Option<&str>, Option<&str>)> = HashSet::new();
    let mut todo: Vec<(usize, Option<&str>)> = Vec::new();
    for (index, entry) in roots {
        todo.push((index, None));
        todo.extend(entry.extras.0.iter().map(|(extra, _)| (index, Some(extra.as_str()))));
    }
    let mut requires: HashMap<usize, Vec<String>> = HashMap::new();
    while let Some((index, extra)) = todo.pop() {
        let Some(entry) = lock.packages.get(index).filter(|_| seen.insert((index, extra))) else { continue };
        let wanted = match extra {
            None => entry.dependencies.as_slice(),
            Some(extra) => {
                entry.extras.0.iter().find(|(name, _)| name == extra).map_or(&[][..], |(_, wanted)| wanted)
            }
        };
        for wanted in wanted {
            requires.entry(index).or_default().push(wanted.name.clone());
            let version = wanted.version.as_deref();
            for extra in std::iter::once(None).chain(wanted.extras.0.iter().map(|extra| Some(extra.as_str())))
            {
                if !asked.insert((&wanted.name, version, extra)) {
                    continue;
                }
                let named = by_name.get(wanted.name.as_str()).into_iter().flatten();
                let meant = named.filter(|(_, entry)| version.is_none_or(|version| version == entry.version));
                todo.extend(meant.map(|(index, _)| (*index, extra)));
            }
        }
    }
    let mut declared = Declared::new(PackageKind::Python);
    for (index, entry) in lock.packages.iter().enumerate() {
        if !entry.is_own() && seen.contains(&(index, None)) {
            declared.add(
                &entry.name,
                &entry.version,
                requires.remove(&index).unwrap_or_default(),
                Vec::new(),
            );
        }
    }
    declared.report(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn what_the_project_reaches() {
        let text = b"version = 1\n[[package]]\nname = \"click\"\nversion = \"8.1.8\"\nsource = { registry = \"https://example.com/simple\" }\nresolution-markers = [\"python_full_version < '3.10'\"]\n\
            [[package]]\nname = \"click\"\nversion = \"8.5.1\"\nsource = { registry = \"https://example.com/simple\" }\n\
            [[package]]\nname = \"pysocks\"\nversion = \"1.7.1\"\n[[package]]\nname = \"chardet\"\nversion = \"5.0\"\n[[package]]\nname = \"pytest\"\nversion = \"7.2.0\"\n[[package]]\nname = \"ujson\"\nversion = \"5.7.0\"\n\
            [[package]]\nname = \"requests\"\nversion = \"2.28.1\"\ndependencies = [{ name = \"click\", version = \"8.1.8\", marker = \"x\" }, { name = \"click\", version = \"8.5.1\" }]\n\
            [package.optional-dependencies]\nsocks = [{ name = \"pysocks\" }]\nchardet = [{ name = \"chardet\" }]\n\
            [[package]]\nname = \"shop\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"requests\", extra = [\"socks\"] }]\n\
            [package.optional-dependencies]\nfast = [{ name = \"ujson\" }]\n[package.dev-dependencies]\ndev = [{ name = \"pytest\" }]\n[package.metadata]\nrequires-dist = []\n";
        let expected = "~ click 8.1.8\n~ click 8.5.1\n~ pysocks 1.7.1\n~ requests 2.28.1 -> click, pysocks\n~ ujson 5.7.0\n";
        check(&UvLock, "srv/uv.lock", text, expected);
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text =
            b"[[package]]\nname = \"a\"\nversion = \"1.0\"\n[[package]]\nname = \"b\"\nversion = \"2.0";
        check(&UvLock, "uv.lock", text, "! damaged-lockfile\n~ a 1.0\n~ b 2.0\n");
        check_total(&UvLock, "uv.lock");
    }
}
