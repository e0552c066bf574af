//! .NET's `<app>.deps.json`, which the host reads to find an application's assemblies
//! ([format](https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md#appdepsjson)).
//!
//! It is written by `dotnet publish` and lies beside the assemblies: its packages are installed. Of the `libraries`, those of
//! type `package` are from NuGet, and `runtimepack` is the runtime of a self-contained application, whose name has a prefix.
//! Projects and plain references have no identity that anybody else knows. What was needed only to compile
//! (`compileOnly`) is not there.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `*.deps.json`.
pub(super) struct DotnetDeps;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deps {
    #[serde(default)]
    runtime_target: RuntimeTarget,
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Target>>,
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize, Default)]
struct RuntimeTarget {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Target {
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
    #[serde(default)]
    compile_only: bool,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
}

impl Analyzer for DotnetDeps {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "dotnet-deps", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Suffix(".deps.json")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if let Some(text) = file.text(out) {
            report(&text, out);
        }
    }

    /// Connects the packages of one file; NuGet's names ignore case.
    fn link(&self, inventory: &mut Inventory) {
        inventory.link_by_name(
            |package| package.kind == PackageKind::NuGet,
            |package| vec![package.name.clone()],
            |package| package.locations.first().map(|location| location.path.clone()).unwrap_or_default(),
            str::to_lowercase,
        );
    }
}

/// Reports the packages of a `deps.json`, wherever it lay.
pub(super) fn report(text: &str, out: &mut Sink<'_>) {
    let deps: Deps = match serde_json::from_str(text) {
        Ok(deps) => deps,
        Err(error) => return out.warn("damaged-deps-json", error.to_string()),
    };
    let target = deps.targets.get(&deps.runtime_target.name);
    for (key, library) in &deps.libraries {
        let runtime = library.kind.eq_ignore_ascii_case("runtimepack");
        if !runtime && !library.kind.eq_ignore_ascii_case("package") {
            continue;
        }
        let Some((name, version)) = key.rsplit_once('/') else { continue };
        let name = name.strip_prefix("runtimepack.").filter(|_| runtime).unwrap_or(name);
        let target = target.and_then(|target| target.get(key));
        if target.is_some_and(|target| target.compile_only) {
            continue;
        }
        let mut package = Package::new(PackageKind::NuGet, name, version);
        package.requires = target.iter().flat_map(|target| target.dependencies.keys().cloned()).collect();
        out.package(package);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::{Fact, LayerFacts};
    use proptest::prelude::*;

    fn scan(text: &str) -> (Vec<String>, usize) {
        let mut facts = LayerFacts::default();
        let bytes = text.as_bytes();
        let file = File::new("app.deps.json", 0o644, &bytes);
        DotnetDeps.analyze(&file, &mut Sink::new("app.deps.json", &mut facts));
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
    fn packages_and_runtimes_are_told_from_projects() {
        let text = r#"{"runtimeTarget":{"name":".NETCoreApp,Version=v6.0/linux-x64","signature":""},"targets":{".NETCoreApp,Version=v6.0":{},
            ".NETCoreApp,Version=v6.0/linux-x64":{"app/1.0.0":{"dependencies":{"Newtonsoft.Json":"12.0.1"}},
            "Newtonsoft.Json/12.0.1":{"dependencies":{"System.X":"4.3.0"}},"System.X/4.3.0":{},"Only.Compile/1.0.0":{"compileOnly":true}}},
            "libraries":{"app/1.0.0":{"type":"project","serviceable":false,"sha512":""},"Newtonsoft.Json/12.0.1":{"type":"package"},
            "System.X/4.3.0":{"type":"package"},"Only.Compile/1.0.0":{"type":"package"},
            "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.1":{"type":"runtimepack"},"Some.Ref/1.0":{"type":"reference"}}}"#;
        let expected = [
            "Newtonsoft.Json 12.0.1 <- System.X",
            "System.X 4.3.0 <- ",
            "Microsoft.NETCore.App.Runtime.linux-x64 6.0.1 <- ",
        ];
        assert_eq!(scan(text), (expected.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn damage_is_a_warning() {
        assert_eq!(scan("{\"libraries\":"), (vec![], 1));
        assert_eq!(scan(&"[".repeat(100_000)), (vec![], 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_survived(text in "(\\{|\\}|\"libraries\":|\"targets\":|\"a/1\":|\"type\":|\"package\"|,|\\PC){0,30}") {
            scan(&text);
        }
    }
}
