//! Julia's `Manifest.toml` (<https://pkgdocs.julialang.org/v1/toml-files/#Manifest.toml>), also as `Manifest-v1.11.toml`.
//!
//! Packages are the tables of `deps`, or, before version 2 of the format, of the file itself; each is a list, for there can be
//! several of a name. Parts of the standard library have Julia's version, or none; folders (`path`) are the project's own.

use super::lenient::{self, Fill, Names, Place, Table, record};
use super::lockfile::{self, Declared, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, PackageKind};
use serde::de::MapAccess;

/// `Manifest.toml`; links what it names.
pub(super) struct JuliaManifest;

record! {
    struct Entry {
        "version" => version: String,
        "uuid" => uuid: String,
        "path" => path: Option<String>,
        "deps" => deps: Names,
    }
}

/// Both forms of the file.
#[derive(Debug, Default)]
struct Manifest(Vec<(String, Vec<Entry>)>);

impl Fill for Manifest {
    fn table<'de, A: MapAccess<'de>>(&mut self, mut table: A) -> Result<(), A::Error> {
        loop {
            let mut key = String::new();
            if table.next_key_seed(Place(&mut key))?.is_none() {
                return Ok(());
            }
            if key == "deps" {
                let mut entries: Table<Vec<Entry>> = Table::default();
                let result = table.next_value_seed(Place(&mut entries));
                self.0.append(&mut entries.0);
                result?;
            } else {
                let mut entries: Vec<Entry> = Vec::new();
                let result = table.next_value_seed(Place(&mut entries));
                self.0.push((key, entries));
                result?;
            }
        }
    }
}

impl Analyzer for JuliaManifest {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "julia-manifest", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Name("Manifest.toml"),
            Select::Name("JuliaManifest.toml"),
            Select::NameAffixes("Manifest-v", ".toml"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut manifest = Manifest::default();
        let result = lenient::toml(&text, &mut manifest);
        let mut declared = Declared::new(PackageKind::Julia);
        let mut is_julia = false;
        for (name, entries) in &manifest.0 {
            // Other tools' files of that name have no such identifiers.
            for entry in entries.iter().filter(|entry| !entry.uuid.is_empty()) {
                is_julia = true;
                if entry.path.is_none() {
                    declared.add(name, &entry.version, entry.deps.0.iter().cloned(), Vec::new());
                }
            }
        }
        declared.report(out);
        if is_julia {
            warn_if_damaged(result, out);
        }
    }

    fn link(&self, inventory: &mut Inventory) {
        lockfile::link(inventory, PackageKind::Julia);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    const ENTRIES: &str = r#"
[[Dates]]
deps = ["Printf"]
uuid = "ade2ca70-3891-5945-98fb-dc099432e06a"

[[JSON]]
deps = ["Dates", "Parsers"]
git-tree-sha1 = "3c837543ddb02250ef42f4738347454f95079d4e"
uuid = "682c06a0-de6a-54ab-a142-c8b1cf79cde6"
version = "0.21.3"

[[Own]]
path = "."
uuid = "00000000-de6a-54ab-a142-c8b1cf79cde6"
version = "0.1.0"

[[Parsers]]
uuid = "69de0a69-1ddd-5017-9359-2bf0b02dc9f0"
version = "2.5.10"
"#;

    #[test]
    fn both_forms() {
        let want = "~ JSON 0.21.3 -> Dates, Parsers\n~ Parsers 2.5.10\n";
        check(&JuliaManifest, "srv/Manifest.toml", ENTRIES.as_bytes(), want);
        let new = ENTRIES.replace("[[", "[[deps.");
        let new = format!("julia_version = \"1.9.0\"\nmanifest_format = \"2.0\"\n{new}");
        check(&JuliaManifest, "srv/Manifest-v1.9.toml", new.as_bytes(), want);
        check(&JuliaManifest, "x/Manifest.toml", b"[[files]]\nname = 3\nversion = \"1\"\n", "");
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text = format!("{ENTRIES}[[X]]\nuuid = ");
        let want = "! damaged-lockfile\n~ JSON 0.21.3 -> Dates, Parsers\n~ Parsers 2.5.10\n";
        check(&JuliaManifest, "Manifest.toml", text.as_bytes(), want);
        check_total(&JuliaManifest, "Manifest.toml");
    }
}
