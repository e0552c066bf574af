//! `maven_install.json`, the lockfile of Bazel's rules_jvm_external (<https://github.com/bazel-contrib/rules_jvm_external>).
//!
//! Version 2 maps `group:artifact` (and `group:artifact:extension:classifier`) to a version; before it, a tree named coordinates.
//! It can have another name, which Bazel's `maven.install` gives it; that one ends in `_install.json` by custom.

use super::lenient::{self, Names, Table, record};
use super::lockfile::warn_if_damaged;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Origin, Package, PackageKind};
use std::collections::{BTreeMap, BTreeSet};

/// `maven_install.json`; [`JavaArchive`](super::java_archive::JavaArchive) links all of Java's.
pub(super) struct MavenInstall;

record! {
    struct Lock {
        "artifacts" => artifacts: Table<Artifact>,
        "dependencies" => dependencies: Table<Names>,
        "dependency_tree" => tree: Tree,
    }
}

record! {
    struct Artifact {
        "version" => version: String,
    }
}

record! {
    struct Tree {
        "dependencies" => dependencies: Vec<Node>,
    }
}

record! {
    struct Node {
        "coord" => coordinates: String,
    }
}

impl Analyzer for MavenInstall {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "java-maven-install", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("maven_install.json")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        warn_if_damaged(lenient::json(&text, &mut lock), out);
        let mut found: BTreeMap<(String, String, String), BTreeSet<String>> = BTreeMap::new();
        let mut add = |group: &str, artifact: &str, version: &str| {
            if ![group, artifact, version].contains(&"") {
                found.entry((group.to_owned(), artifact.to_owned(), version.to_owned())).or_default();
            }
        };
        for (key, artifact) in &lock.artifacts.0 {
            if let Some((group, name)) = pair(key) {
                add(group, name, &artifact.version);
            }
        }
        for node in &lock.tree.dependencies {
            // `group:artifact[:extension[:classifier]]:version`
            if let (Some((group, name)), Some((_, version))) =
                (pair(&node.coordinates), node.coordinates.rsplit_once(':'))
            {
                add(group, name, version);
            }
        }
        for (key, names) in &lock.dependencies.0 {
            let Some((group, artifact)) = pair(key) else { continue };
            let start = (group.to_owned(), artifact.to_owned(), String::new());
            if let Some((_, requires)) = found
                .range_mut(start..)
                .next()
                .filter(|((g, a, _), _)| (g.as_str(), a.as_str()) == (group, artifact))
            {
                requires
                    .extend(names.0.iter().filter_map(|name| pair(name)).map(|(g, a)| format!("{g}:{a}")));
            }
        }
        for ((group, artifact, version), requires) in found {
            let mut package = Package::new(PackageKind::Maven, artifact, version);
            package.namespace = Some(group);
            package.origin = Origin::Declared;
            package.requires = requires.into_iter().collect();
            out.package(package);
        }
    }
}

/// Returns the first two parts.
fn pair(coordinates: &str) -> Option<(&str, &str)> {
    let mut parts = coordinates.split(':');
    Some((parts.next()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn both_versions() {
        let text = br#"{"__INPUT_ARTIFACTS_HASH": 1, "artifacts": {
            "com.google.guava:failureaccess": {"shasums": {"jar": "0a"}, "version": "1.0.1"},
            "com.google.guava:guava": {"shasums": {"jar": "0b"}, "version": "31.1-jre"},
            "com.google.guava:guava:jar:sources": {"shasums": {"jar": "0b"}, "version": "31.1-jre"}},
            "dependencies": {"com.google.guava:guava": ["com.google.guava:failureaccess"]}, "version": "2"}"#;
        let want = "~ com.google.guava:failureaccess 1.0.1\n~ com.google.guava:guava 31.1-jre -> com.google.guava:failureaccess\n";
        check(&MavenInstall, "maven_install.json", text, want);
        let text = br#"{"dependency_tree":{"dependencies":[{"coord":"a.b:c:jar:sources:1.0"},{"coord":"a.b:c:1.0"},{"coord":"x"}],"version":"0.1.0"}}"#;
        check(&MavenInstall, "maven_install.json", text, "~ a.b:c 1.0\n");
        check(&MavenInstall, "maven_install.json", b"{\"art", "! damaged-lockfile\n");
        check_total(&MavenInstall, "maven_install.json");
    }
}
