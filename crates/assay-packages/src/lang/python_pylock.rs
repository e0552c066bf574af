//! `pylock.toml` and `pylock.<name>.toml` (<https://packaging.python.org/en/latest/specifications/pylock-toml/>).
//!
//! Groups are part of the markers: `'dev' in dependency_groups` without a default group means development only.

use super::lenient::{self, Names, Table, record};
use super::lockfile::{Declared, is_inside_package, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;

/// `pylock.toml`.
pub(super) struct Pylock;

record! {
    struct Lock {
        "default-groups" => default_groups: Names,
        "packages" => packages: Vec<Entry>,
    }
}

record! {
    struct Entry {
        "name" => name: String,
        "version" => version: String,
        "marker" => marker: String,
        "directory" => directory: Table<()>,
        "dependencies" => dependencies: Vec<Wanted>,
    }
}

record! {
    struct Wanted {
        "name" => name: String,
    }
}

impl Analyzer for Pylock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "python-pylock", revision: 2 }
    }

    fn select(&self) -> &'static [Select] {
        // `pylock.<name>.toml` where a project has several.
        &[Select::Name("pylock.toml"), Select::NameAffixes("pylock.", ".toml")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if is_inside_package(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        warn_if_damaged(lenient::toml(&text, &mut lock), out);
        let mut declared = Declared::new(PackageKind::Python);
        for entry in lock.packages {
            // A directory is the project's own.
            if entry.directory.0.is_empty() && !only_other_groups(&entry.marker, &lock.default_groups.0) {
                let requires = entry.dependencies.into_iter().map(|wanted| wanted.name);
                declared.add(&entry.name, &entry.version, requires, Vec::new());
            }
        }
        declared.report(out);
    }
}

/// Whether the marker asks for groups, none of which is installed by default, and for no extra.
fn only_other_groups(marker: &str, default: &[String]) -> bool {
    let mut asked = marker.match_indices("in dependency_groups").peekable();
    if asked.peek().is_none() || marker.contains("in extras") {
        return false;
    }
    !asked.any(|(at, _)| {
        let before = marker.get(..at).unwrap_or_default().trim_end();
        let group = before.trim_end_matches(['"', '\'']).rsplit(['"', '\'']).next();
        before.ends_with("not") || group.is_some_and(|group| default.iter().any(|default| default == group))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn groups() {
        let text = br#"lock-version = "1.0"
default-groups = ["default"]
[[packages]]
name = "attrs"
version = "25.1.0"
marker = "'default' in dependency_groups or 'dev' in dependency_groups"
dependencies = [{name = "idna"}]
[[packages]]
name = "pytest"
version = "7.2.0"
marker = "python_version < '3.13' and \"dev\" in dependency_groups"
[[packages]]
name = "idna"
version = "3.4"
[[packages]]
name = "own"
directory = { path = "." }
[[packages]]
name = "ujson"
version = "5.7.0"
marker = "'fast' in extras or 'dev' in dependency_groups"
"#;
        check(&Pylock, "srv/pylock.toml", text, "~ attrs 25.1.0 -> idna\n~ idna 3.4\n~ ujson 5.7.0\n");
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text = b"[[packages]]\nname = \"a\"\nversion = \"1.0\"\n[[packages]]\nname = 3\nversion = {";
        check(&Pylock, "pylock.toml", text, "! damaged-lockfile\n~ a 1.0\n");
        check_total(&Pylock, "pylock.toml");
    }
}
