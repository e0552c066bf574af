//! Conan's `conan.lock`, versions 1 and 2 (<https://docs.conan.io/2/tutorial/versioning/lockfiles.html>), and the fixed versions
//! of a `conanfile.txt` (<https://docs.conan.io/2/reference/conanfile_txt.html>).
//!
//! A reference is `name/version@user/channel#revision%time`. What is only for building (`build_requires`, `tool_requires`) does
//! not end up in the program. A range (`zlib/[>=1.2]`) is no version. `conanfile.py` is a program and is not run.

use super::lenient::{self, Names, Table, record};
use super::lockfile::{self, Declared, is_inside_package, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, PackageKind};

/// `conan.lock` and `conanfile.txt`; links what they name.
pub(super) struct ConanLock;

record! {
    struct Lock {
        "requires" => requires: Names,
        "graph_lock" => graph: Graph,
    }
}

record! {
    struct Graph {
        "nodes" => nodes: Table<Node>,
    }
}

record! {
    struct Node {
        "ref" => reference: String,
        "context" => context: String,
        "requires" => requires: Names,
        "path" => path: Option<String>,
    }
}

impl Analyzer for ConanLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "conan-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("conan.lock"), Select::Name("conanfile.txt")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if is_inside_package(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut declared = Declared::new(PackageKind::Conan);
        if file.name() == "conanfile.txt" {
            conanfile(&text, &mut declared);
        } else {
            let mut lock = Lock::default();
            warn_if_damaged(lenient::json(&text, &mut lock), out);
            for (name, version) in lock.requires.0.iter().filter_map(|text| reference(text)) {
                declared.add(name, version, [], Vec::new());
            }
            graph(&lock.graph, &mut declared);
        }
        declared.report(out);
    }

    fn link(&self, inventory: &mut Inventory) {
        lockfile::link(inventory, PackageKind::Conan);
    }
}

/// Takes the nodes of version 1; the project itself has a path.
fn graph(graph: &Graph, declared: &mut Declared) {
    let nodes = &graph.nodes.0;
    let by_id: std::collections::HashMap<&str, &Node> =
        nodes.iter().map(|(id, node)| (id.as_str(), node)).collect();
    for (_, node) in nodes {
        let (Some((name, version)), None, false) =
            (reference(&node.reference), &node.path, node.context == "build")
        else {
            continue;
        };
        let requires = node
            .requires
            .0
            .iter()
            .filter_map(|id| reference(&by_id.get(id.as_str())?.reference))
            .map(|(name, _)| name);
        declared.add(name, version, requires.map(str::to_owned), Vec::new());
    }
}

/// Takes the references of `[requires]`, one a line.
fn conanfile(text: &str, declared: &mut Declared) {
    let mut in_requires = false;
    for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        if line.starts_with('[') && line.ends_with(']') {
            in_requires = line == "[requires]";
        } else if let (true, Some((name, version))) = (in_requires, reference(line)) {
            declared.add(name, version, [], Vec::new());
        }
    }
}

/// Returns name and version of a reference, unless it is a range.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.trim().split_once('/')?;
    let version = rest.split(['@', '#', '%']).next().unwrap_or(rest);
    (!version.starts_with('[')).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn both_versions() {
        let old = br#"{"graph_lock": {"nodes": {
            "0": {"ref": "shop/1.0", "path": "conanfile.txt", "context": "host", "requires": ["1"]},
            "1": {"ref": "libcurl/7.61.1#0", "context": "host", "package_id": "ab", "requires": ["2", "9"]},
            "2": {"ref": "zlib/1.2.11@user/channel", "context": "host"},
            "3": {"ref": "cmake/3.19.0", "context": "build"}}, "revisions_enabled": true}, "version": "0.4"}"#;
        check(&ConanLock, "srv/conan.lock", old, "~ libcurl 7.61.1 -> zlib\n~ zlib 1.2.11\n");
        let new = br#"{"version": "0.5", "requires": ["zlib/1.2.13#97d5730b529b4224045fe7090592d4c1%1692672717.049",
            "openssl/3.0.5#1"], "build_requires": ["cmake/3.22.6#0"], "python_requires": []}"#;
        check(&ConanLock, "srv/conan.lock", new, "~ openssl 3.0.5\n~ zlib 1.2.13\n");
        check(&ConanLock, "conan.lock", br#"{"requires":["a/1","b/"#, "! damaged-lockfile\n~ a 1\n");
        check_total(&ConanLock, "conan.lock");
    }

    #[test]
    fn fixed_versions_of_a_manifest() {
        let text = b"[requires]\nzlib/1.2.11 # a comment\npoco/[>1.0,<1.9]\nboost/1.70.0@conan/stable\n\n[generators]\ncmake/1\n";
        check(&ConanLock, "conanfile.txt", text, "~ boost 1.70.0\n~ zlib 1.2.11\n");
        check_total(&ConanLock, "conanfile.txt");
    }
}
