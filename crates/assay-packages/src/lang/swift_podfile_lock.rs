//! `Podfile.lock` of CocoaPods (<https://guides.cocoapods.org/using/using-cocoapods.html#what-is-podfilelock>).
//!
//! A pod is `name (version)`, alone or as the key of a list of what it needs. Parts of a pod (`AFNetworking/Security`) have
//! their pod's version and are not packages. Pods in folders (`:path`) are the project's own.

use super::lenient::{self, Fill, Names, Table, record};
use super::lockfile::{self, Declared, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, PackageKind};
use serde::de::MapAccess;

/// `Podfile.lock`; links its pods.
pub(super) struct PodfileLock;

record! {
    struct Lock {
        "PODS" => pods: Vec<Pod>,
        "EXTERNAL SOURCES" => external: Table<External>,
    }
}

record! {
    struct External {
        ":path" => path: Option<String>,
    }
}

/// `name (version)`, or that with a list of requirements.
#[derive(Debug, Default)]
struct Pod(Vec<(String, Names)>);

impl Fill for Pod {
    fn text(&mut self, text: &str) {
        self.0.push((text.to_owned(), Names::default()));
    }

    fn table<'de, A: MapAccess<'de>>(&mut self, table: A) -> Result<(), A::Error> {
        let mut entries: Table<Names> = Table::default();
        let result = entries.table(table);
        self.0.append(&mut entries.0);
        result
    }
}

impl Analyzer for PodfileLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "swift-podfile-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("Podfile.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        warn_if_damaged(lenient::yaml(&text, &mut lock), out);
        let own: Vec<&str> = lock
            .external
            .0
            .iter()
            .filter(|(_, from)| from.path.is_some())
            .map(|(name, _)| root(name))
            .collect();
        let mut declared = Declared::new(PackageKind::CocoaPods);
        for (pod, needs) in lock.pods.iter().flat_map(|pod| &pod.0) {
            let Some((name, version)) = pod.split_once(" (") else { continue };
            let name = root(name);
            if own.contains(&name) {
                continue;
            }
            // The parts of one pod need each other; that is no edge between packages.
            let needs = needs.0.iter().map(|need| root(need)).filter(|need| *need != name);
            declared.add(name, version.trim_end_matches(')'), needs.map(str::to_owned), Vec::new());
        }
        declared.report(out);
    }

    fn link(&self, inventory: &mut Inventory) {
        lockfile::link(inventory, PackageKind::CocoaPods);
    }
}

/// Returns the pod's name in `Pod/Part (= 1.0)`.
fn root(name: &str) -> &str {
    let name = name.split_once(" (").map_or(name, |(name, _)| name);
    name.split_once('/').map_or(name, |(root, _)| root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn pods_with_their_parts() {
        let text = br#"PODS:
  - AFNetworking (4.0.1):
    - AFNetworking/NSURLSession (= 4.0.1)
  - AFNetworking/NSURLSession (4.0.1):
    - Reachability (~> 3.2)
  - Own (0.1.0)
  - Reachability (3.2)

DEPENDENCIES:
  - AFNetworking (~> 4.0)
  - Own (from `../Own`)

SPEC REPOS:
  trunk:
    - AFNetworking
    - Reachability

EXTERNAL SOURCES:
  Own:
    :path: "../Own"

SPEC CHECKSUMS:
  AFNetworking: 7864c38297c79aaca1500c33288e429c3451fdce

PODFILE CHECKSUM: 1d5b5d3f0d3b4a1f6a3b2d2c5d1e0f9a8b7c6d5e

COCOAPODS: 1.11.2
"#;
        let want = "~ AFNetworking 4.0.1 -> Reachability\n~ Reachability 3.2\n";
        check(&PodfileLock, "ios/Podfile.lock", text, want);
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text = b"PODS:\n  - A (1.0)\n  - B (2.0): [\n";
        check(&PodfileLock, "Podfile.lock", text, "! damaged-lockfile\n~ A 1.0\n~ B 2.0\n");
        check_total(&PodfileLock, "Podfile.lock");
    }
}
