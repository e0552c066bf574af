//! `poetry.lock` (<https://python-poetry.org/docs/basic-usage/#installing-dependencies>).
//!
//! What is only for development is told by `category` up to Poetry 1.4, and by `groups` since Poetry 2; between these the file
//! does not tell.

use super::lenient::{self, Fill, Names, Table, record};
use super::lockfile::{Declared, is_inside_package, warn_if_damaged};
use super::python;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;
use serde::de::MapAccess;
use std::collections::HashSet;

/// `poetry.lock`.
pub(super) struct PoetryLock;

record! {
    struct Lock {
        "package" => packages: Vec<Entry>,
    }
}

record! {
    struct Entry {
        "name" => name: String,
        "version" => version: String,
        "category" => category: Option<String>,
        "groups" => groups: Names,
        "dependencies" => dependencies: Table<Wanted>,
        "source" => source: Source,
    }
}

record! {
    struct Source {
        "type" => kind: String,
    }
}

/// A constraint; those of extras are `{version = …, optional = true}`.
#[derive(Debug, Default)]
struct Wanted {
    optional: bool,
}

record! {
    struct Constraint {
        "optional" => optional: bool,
    }
}

impl Fill for Wanted {
    fn table<'de, A: MapAccess<'de>>(&mut self, table: A) -> Result<(), A::Error> {
        let mut constraint = Constraint::default();
        let result = constraint.table(table);
        self.optional = constraint.optional;
        result
    }
}

impl Entry {
    fn is_declared(&self) -> bool {
        let main = self.groups.0.is_empty() || self.groups.0.iter().any(|group| group == "main");
        main && self.category.as_deref() != Some("dev") && self.source.kind != "directory"
    }
}

impl Analyzer for PoetryLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "python-poetry-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("poetry.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if is_inside_package(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        warn_if_damaged(lenient::toml(&text, &mut lock), out);
        lock.packages.retain(Entry::is_declared);
        let known: HashSet<String> =
            lock.packages.iter().map(|entry| python::normalise(&entry.name)).collect();
        let mut declared = Declared::new(PackageKind::Python);
        for entry in lock.packages {
            // Whether an extra was asked for stands elsewhere: only what is always wanted counts.
            let wanted = entry.dependencies.0.into_iter().filter(|(_, wanted)| !wanted.optional);
            let requires =
                wanted.map(|(name, _)| name).filter(|name| known.contains(&python::normalise(name)));
            declared.add(&entry.name, &entry.version, requires, Vec::new());
        }
        declared.report(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn poetry_2() {
        let text = b"[[package]]\nname = \"idna\"\nversion = \"3.4\"\noptional = false\ngroups = [\"main\", \"dev\"]\nfiles = []\n\n\
            [[package]]\nname = \"pytest\"\nversion = \"7.2.0\"\ngroups = [\"dev\"]\n\n\
            [[package]]\nname = \"requests\"\nversion = \"2.28.1\"\ngroups = [\"main\"]\n\n[package.dependencies]\nidna = \">=2.5,<4\"\nPySocks = {version = \">=1.5.6\", optional = true, markers = \"extra == 'socks'\"}\npytest = \"*\"\n\n[package.extras]\nsocks = [\"PySocks\"]\n\n\
            [[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n[package.source]\ntype = \"directory\"\nurl = \"../own\"\n\n[metadata]\nlock-version = \"2.1\"\n";
        check(&PoetryLock, "srv/poetry.lock", text, "~ idna 3.4\n~ requests 2.28.1 -> idna\n");
    }

    #[test]
    fn poetry_1() {
        let text = b"[[package]]\nname = \"a\"\nversion = \"1.10\"\ncategory = \"main\"\n[package.dependencies]\nc = [{version = \"*\"}]\n[[package]]\nname = \"b\"\nversion = \"1.0\"\ncategory = \"dev\"\n[[package]]\nname = \"C\"\nversion = \"2\"\n";
        check(&PoetryLock, "srv/poetry.lock", text, "~ C 2\n~ a 1.10 -> c\n");
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text =
            b"[[package]]\nname = \"a\"\nversion = \"1.0\"\n[[package]]\nname = \"b\"\nversion = \"2.0";
        check(&PoetryLock, "poetry.lock", text, "! damaged-lockfile\n~ a 1.0\n~ b 2.0\n");
        check_total(&PoetryLock, "poetry.lock");
    }
}
