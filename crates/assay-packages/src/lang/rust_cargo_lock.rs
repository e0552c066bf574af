//! `Cargo.lock`, versions 1 to 4 ([Cargo's own description](https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html)).
//!
//! Crates without a `source` lie in the workspace itself: their names are the project's own choice, may be anybody's on
//! crates.io, and would be matched with a stranger's advisories. They are left out.
//! A dependency is `name`, `name version` or `name version (source)`, as short as it is unambiguous in the file.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Origin, Package, PackageKind};
use serde::Deserialize;
use std::collections::HashMap;

/// `Cargo.lock`.
pub(super) struct CargoLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Analyzer for CargoLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "rust-cargo-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("Cargo.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        // Cargo's download cache holds the lockfiles of every crate's own development.
        if file.path.contains("registry/src/") {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let lock: Lock = match toml::from_str(&text) {
            Ok(lock) => lock,
            Err(error) => return out.warn("damaged-lockfile", error.message()),
        };
        let versions: HashMap<&str, &str> =
            lock.package.iter().map(|locked| (locked.name.as_str(), locked.version.as_str())).collect();
        for locked in lock.package.iter().filter(|locked| locked.source.is_some()) {
            let mut package = Package::new(PackageKind::Cargo, &locked.name, &locked.version);
            package.origin = Origin::Declared;
            package.requires =
                locked.dependencies.iter().filter_map(|wanted| requirement(wanted, &versions)).collect();
            out.package(package);
        }
    }

    /// Connects the crates of one file, those of [`RustAuditable`](super::rust_auditable::RustAuditable) too.
    fn link(&self, inventory: &mut Inventory) {
        inventory.link_by_name(
            |package| package.kind == PackageKind::Cargo,
            |package| vec![format!("{} {}", package.name, package.version)],
            |package| package.locations.first().map(|location| location.path.clone()).unwrap_or_default(),
            str::to_owned,
        );
    }
}

/// Returns `name version` of a dependency.
fn requirement(wanted: &str, versions: &HashMap<&str, &str>) -> Option<String> {
    let mut words = wanted.split(' ');
    let name = words.next()?;
    let version = words.next().or_else(|| versions.get(name).copied())?;
    Some(format!("{name} {version}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::{Fact, LayerFacts};
    use proptest::prelude::*;

    fn scan(text: &str) -> (Vec<String>, usize) {
        let mut facts = LayerFacts::default();
        let bytes = text.as_bytes();
        let file = File::new("Cargo.lock", 0o644, &bytes);
        CargoLock.analyze(&file, &mut Sink::new("Cargo.lock", &mut facts));
        let facts = facts.paths.into_values().next().unwrap_or_default();
        let packages = facts.facts.iter().filter_map(|fact| match fact {
            Fact::Package(package) => {
                Some(format!("{} {} <- {}", package.name, package.version, package.requires.join(", ")))
            }
            _ => None,
        });
        (packages.collect(), facts.warnings.len())
    }

    #[test]
    fn all_versions_of_the_format_are_read() {
        let text = r#"version = 4
[[package]]
name = "mine"
version = "0.1.0"
dependencies = ["a"]
[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "00"
dependencies = ["b 2.0.0", "c", "b 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)"]
[[package]]
name = "b"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
[[package]]
name = "b"
version = "2.0.0"
source = "git+https://github.com/x/b#0123"
[[package]]
name = "c"
version = "3.0.0+meta"
source = "registry+https://github.com/rust-lang/crates.io-index"
[metadata]
"checksum b 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)" = "00"
"#;
        let expected =
            ["a 1.0.0 <- b 2.0.0, c 3.0.0+meta, b 1.0.0", "b 1.0.0 <- ", "b 2.0.0 <- ", "c 3.0.0+meta <- "];
        assert_eq!(scan(text), (expected.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn damage_is_a_warning() {
        assert_eq!(scan("[[package]]\nname = 3\n"), (vec![], 1));
        assert_eq!(scan(""), (vec![], 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_survived(text in "(\\[\\[package\\]\\]\n|name = |version = |\"a\"\n|\\PC|\n){0,30}") {
            scan(&text);
        }
    }
}
