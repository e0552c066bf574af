//! NuGet's `packages.lock.json`
//! ([repeatable restore](https://learn.microsoft.com/en-us/nuget/consume-packages/package-references-in-project-files#locking-dependencies)).
//!
//! One list for each target framework; a package in several of them, in the same version, is one package. `Project` entries
//! are neighbours in the same solution, not packages.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Origin, Package, PackageKind};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// `packages.lock.json`; [`DotnetDeps`](super::dotnet_deps::DotnetDeps) links it.
pub(super) struct DotnetPackagesLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    dependencies: BTreeMap<String, BTreeMap<String, Locked>>,
}

#[derive(Deserialize)]
struct Locked {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    resolved: String,
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
}

impl Analyzer for DotnetPackagesLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "dotnet-packages-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("packages.lock.json")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let lock: Lock = match serde_json::from_str(&text) {
            Ok(lock) => lock,
            Err(error) => return out.warn("damaged-lockfile", error.to_string()),
        };
        let mut found: BTreeMap<(&String, &String), BTreeSet<&String>> = BTreeMap::new();
        for (name, locked) in lock.dependencies.values().flatten() {
            if !locked.kind.eq_ignore_ascii_case("project") && !locked.resolved.is_empty() {
                found.entry((name, &locked.resolved)).or_default().extend(locked.dependencies.keys());
            }
        }
        for ((name, version), requires) in found {
            let mut package = Package::new(PackageKind::NuGet, name, version);
            package.origin = Origin::Declared;
            package.requires = requires.into_iter().cloned().collect();
            out.package(package);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::{Fact, LayerFacts};

    #[track_caller]
    fn check(text: &str, expected: &[&str], warnings: usize) {
        let mut facts = LayerFacts::default();
        let bytes = text.as_bytes();
        let file = File::new("packages.lock.json", 0o644, &bytes);
        DotnetPackagesLock.analyze(&file, &mut Sink::new("packages.lock.json", &mut facts));
        let facts = facts.paths.into_values().next().unwrap_or_default();
        let packages = facts.facts.iter().filter_map(|fact| match fact {
            Fact::Package(package) => {
                Some(format!("{} {} <- {}", package.name, package.version, package.requires.join(", ")))
            }
            _ => None,
        });
        assert_eq!(packages.collect::<Vec<_>>(), expected);
        assert_eq!(facts.warnings.len(), warnings);
    }

    #[test]
    fn frameworks_are_joined() {
        let text = r#"{"version":1,"dependencies":{"net6.0":{"Newtonsoft.Json":{"type":"Direct","requested":"[12.0.1, )","resolved":"12.0.1",
            "contentHash":"x","dependencies":{"A":"1.0"}},"mylib":{"type":"Project","dependencies":{"B":"1"}}},
            "net8.0":{"Newtonsoft.Json":{"type":"Direct","resolved":"12.0.1","dependencies":{"B":"1.0"}},"A":{"type":"Transitive","resolved":"1.0.0"}}}}"#;
        check(text, &["A 1.0.0 <- ", "Newtonsoft.Json 12.0.1 <- A, B"], 0);
        check("{", &[], 1);
    }
}
