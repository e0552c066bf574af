//! What all Node formats share: identity, licences, and Node's way of finding a dependency.
//!
//! Installed packages are connected as Node resolves them: the nearest `node_modules` upwards wins
//! (<https://nodejs.org/api/modules.html#loading-from-node_modules-folders>). A lockfile has already decided, so its
//! packages name their requirements as `name@version`.

use super::lenient::{Fill, Names, record};
use assay_model::{Inventory, Origin, Package, PackageKind, path};
use serde::de::{MapAccess, SeqAccess};
use std::collections::HashMap;

/// A licence: a string, or the older `{"type": …}` and lists of these.
#[derive(Debug, Default)]
pub(super) struct License(pub(super) Vec<String>);

record! {
    struct LicenseObject {
        "type" => name: Option<String>,
    }
}

impl Fill for License {
    fn text(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }

    fn list<'de, A: SeqAccess<'de>>(&mut self, list: A) -> Result<(), A::Error> {
        let mut objects: Vec<LicenseObject> = Vec::new();
        let result = objects.list(list);
        self.0.extend(objects.into_iter().filter_map(|object| object.name));
        result
    }

    fn table<'de, A: MapAccess<'de>>(&mut self, table: A) -> Result<(), A::Error> {
        let mut object = LicenseObject::default();
        let result = object.table(table);
        self.0.extend(object.name);
        result
    }
}

/// Returns the sorted, distinct names of several groups of dependencies.
pub(super) fn requires(groups: [Names; 3]) -> Vec<String> {
    let mut names: Vec<String> = groups.into_iter().flat_map(|names| names.0).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns whether the folder is one that Node package managers install into and load from.
///
/// From the first `node_modules` on, the path must go package, `node_modules`, package …: what lies deeper inside a package
/// (test fixtures, `dist/package.json`) is its content. The stores of pnpm, Bun and Yarn put one folder between
/// (`node_modules/.pnpm/a@1/node_modules/a`).
pub(super) fn is_installed(folder: &str) -> bool {
    let mut parts = folder.split('/').skip_while(|part| *part != "node_modules");
    loop {
        if parts.next() != Some("node_modules") {
            return false;
        }
        match parts.next() {
            Some(".pnpm" | ".bun" | ".store" | ".deno") => {
                parts.next();
                let mut rest = parts.clone();
                // Yarn's store names the package's folder `package`.
                if (rest.next(), rest.next()) == (Some("package"), None) {
                    return true;
                }
                continue;
            }
            Some(scope) if scope.starts_with('@') => {
                if parts.next().is_none() {
                    return false;
                }
            }
            Some(name) if name.starts_with('.') => return false,
            Some(_) => {}
            None => return false,
        }
        if parts.clone().next().is_none() {
            return true;
        }
    }
}

/// Connects installed packages as Node does, and a lockfile's by the versions it chose.
pub(super) fn link(inventory: &mut Inventory) {
    inventory.link_by_name(
        |package| package.kind == PackageKind::Npm && package.origin == Origin::Declared,
        |package| vec![format!("{}@{}", package.name, package.version)],
        |package| package.locations.first().map_or_else(String::new, |location| location.path.clone()),
        str::to_owned,
    );
    // A package with the same name and version may have been merged from several places: each of them counts.
    let mut by_folder: HashMap<String, u32> = HashMap::new();
    let mut by_name: HashMap<(String, String), Option<u32>> = HashMap::new();
    for (index, package) in inventory.packages.iter().enumerate() {
        let Ok(index) = u32::try_from(index) else { break };
        for folder in folders(package) {
            by_folder.insert(folder.to_owned(), index);
            if let Some(root) = store_root(folder) {
                by_name
                    .entry((root.to_owned(), package.name.clone()))
                    .and_modify(|only| *only = None)
                    .or_insert(Some(index));
            }
        }
    }
    for (index, package) in inventory.packages.iter_mut().enumerate() {
        let mut found: Vec<u32> = Vec::new();
        for folder in folders(package) {
            for name in &package.requires {
                // In a store the neighbours are links, so that a name is only certain when the store has it once.
                let only = || *by_name.get(&(store_root(folder)?.to_owned(), name.clone()))?;
                found.extend(resolve(&by_folder, folder, name).or_else(only));
            }
        }
        if package.kind == PackageKind::Npm && package.origin == Origin::Installed {
            found.retain(|found| usize::try_from(*found) != Ok(index));
            found.sort_unstable();
            found.dedup();
            package.depends_on = found;
        }
    }
}

fn folders(package: &Package) -> impl Iterator<Item = &str> {
    let installed = package.kind == PackageKind::Npm && package.origin == Origin::Installed;
    package.locations.iter().filter(move |_| installed).map(|location| path::parent(&location.path))
}

fn store_root(folder: &str) -> Option<&str> {
    ["/.pnpm/", "/.bun/", "/.store/"].iter().find_map(|store| folder.split_once(store)).map(|(root, _)| root)
}

/// Returns the package that code in `folder` gets when it asks for `name`.
pub(super) fn resolve(by_folder: &HashMap<String, u32>, folder: &str, name: &str) -> Option<u32> {
    std::iter::once(folder).chain(path::ancestors(folder)).chain([""]).find_map(|at| {
        if path::file_name(at) == "node_modules" {
            return None;
        }
        let candidate =
            if at.is_empty() { format!("node_modules/{name}") } else { format!("{at}/node_modules/{name}") };
        by_folder.get(&candidate).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::Location;

    #[test]
    fn installed_folders() {
        for (folder, expected) in [
            ("app/node_modules/lodash", true),
            ("node_modules/@babel/core", true),
            ("node_modules/@babel", false),
            ("node_modules/a/node_modules/@s/b", true),
            ("node_modules/resolve/test/resolver/multirepo", false),
            ("node_modules/a/test/node_modules/b", false),
            ("node_modules/.pnpm/a@1.0.0/node_modules/a", true),
            ("node_modules/.pnpm/a@1.0.0/node_modules/a/dist", false),
            ("node_modules/.store/a-npm-1.0.0-abc/package", true),
            ("node_modules/.cache/x", false),
            ("usr/lib/node_modules/npm/node_modules/semver", true),
            ("app", false),
            ("node_modules", false),
        ] {
            assert_eq!(is_installed(folder), expected, "{folder}");
        }
    }

    #[test]
    fn the_nearest_node_modules_wins() {
        let package = |name: &str, version: &str, folder: &str, requires: &[&str]| {
            let mut package = Package::new(PackageKind::Npm, name, version);
            package.locations = vec![Location { path: format!("{folder}/package.json"), layer: None }];
            package.requires = requires.iter().map(|name| (*name).to_owned()).collect();
            package
        };
        let mut inventory = Inventory {
            packages: vec![
                package("a", "1", "srv/node_modules/a", &["b", "c"]),
                package("b", "1", "srv/node_modules/b", &[]),
                package("b", "2", "srv/node_modules/a/node_modules/b", &["c"]),
                package("c", "1", "srv/node_modules/c", &["gone"]),
                package("c", "1", "other/node_modules/c", &["b"]),
            ],
            ..Inventory::default()
        };
        link(&mut inventory);
        let edges: Vec<_> = inventory.packages.iter().map(|package| package.depends_on.clone()).collect();
        assert_eq!(edges, [vec![2, 3], vec![], vec![3], vec![], vec![]]);
    }
}
