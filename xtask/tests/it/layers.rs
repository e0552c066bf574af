//! A crate depends only on crates of a lower layer; the layer stands in its `Cargo.toml`.

use std::collections::BTreeMap;

use crate::{members, none};

struct Member {
    layer: i64,
    /// Names of the workspace's own crates, by the kind of dependency.
    normal: Vec<String>,
    development: Vec<String>,
}

/// The crate that builds images and serves registries for tests; nothing else may use it.
const TEST_SUPPORT: &str = "assay-test";
/// The crates that are never shipped.
const TOOLS: [&str; 3] = ["fuzz", "real-tests", "xtask"];

fn read() -> BTreeMap<String, Member> {
    let mut all = BTreeMap::new();
    for folder in members() {
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        let layer = manifest["package"]
            .get("metadata")
            .and_then(|metadata| metadata.get("assay")?.get("layer")?.as_integer())
            .unwrap_or_else(|| panic!("`{name}` has no `[package.metadata.assay] layer`"));
        let mut normal = own(&manifest, "dependencies");
        normal.extend(own(&manifest, "build-dependencies"));
        for target in manifest.get("target").and_then(|t| t.as_table()).into_iter().flat_map(|t| t.values()) {
            normal.extend(own(target.as_table().unwrap(), "dependencies"));
        }
        let development = own(&manifest, "dev-dependencies");
        all.insert(name, Member { layer, normal, development });
    }
    all
}

fn own(table: &toml::Table, section: &str) -> Vec<String> {
    let names = table.get(section).and_then(|s| s.as_table()).into_iter().flat_map(|s| s.keys());
    names.filter(|name| name.as_str() == "assay" || name.starts_with("assay-")).cloned().collect()
}

fn violations(members: &BTreeMap<String, Member>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, member) in members {
        for used in &member.normal {
            let Some(other) = members.get(used) else {
                wrong.push(format!("`{name}` depends on `{used}`, which is not a member"));
                continue;
            };
            if used == TEST_SUPPORT && !TOOLS.contains(&name.as_str()) {
                wrong.push(format!("`{name}` ships `{used}`, which is for tests"));
            } else if other.layer >= member.layer {
                wrong.push(format!(
                    "`{name}` (layer {}) depends on `{used}` (layer {})",
                    member.layer, other.layer
                ));
            }
        }
        for used in &member.development {
            let above = members.get(used).is_some_and(|other| other.layer >= member.layer);
            if above && used != TEST_SUPPORT {
                wrong.push(format!("the tests of `{name}` depend on `{used}`, which is not below it"));
            }
        }
    }
    wrong
}

#[test]
fn crates_depend_on_lower_layers_only() {
    none(&violations(&read()));
}

#[test]
fn a_dependency_on_the_same_layer_is_found() {
    let member = |layer, normal: &[&str]| Member {
        layer,
        normal: normal.iter().map(|name| (*name).to_owned()).collect(),
        development: Vec::new(),
    };
    let members = BTreeMap::from([
        ("assay-one".to_owned(), member(2, &["assay-two"])),
        ("assay-two".to_owned(), member(2, &[])),
    ]);
    assert_eq!(violations(&members), ["`assay-one` (layer 2) depends on `assay-two` (layer 2)"]);
}
