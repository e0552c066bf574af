//! Whose the files of an image are, and whether they still are what their packages installed.
//!
//! What package managers except is excepted here: settings, what a package declares it will change, what was diverted. A file that is missing
//! is none that was modified: slim images leave out documentation by the thousand.

use super::manager_of;
use crate::files::Owned;
use assay_model::contents::{Sum, hex};
use assay_model::observation::{Observation, Topic};
use assay_model::path::{normalise, usr_merged};
use assay_model::{Detail, FileEntry, Inventory};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A package manager, a package of it, and what its files were when it was installed.
pub(super) type Installed = (Cow<'static, str>, String, Vec<(String, Option<Sum>)>);

/// Returns the packages by the names under which package managers list their files.
fn by_listed_name(inventory: &Inventory) -> HashMap<(&'static str, String), u32> {
    let mut names = HashMap::new();
    for (index, package) in (0..).zip(&inventory.packages) {
        let Some(manager) = manager_of(package.kind) else { continue };
        names.insert((manager, package.name.clone()), index);
        if let Some(architecture) = &package.architecture {
            names.insert((manager, format!("{}:{architecture}", package.name)), index);
        }
    }
    names
}

/// Returns the known name of a package manager that writes down what it installed.
fn known(manager: &str) -> Option<&'static str> {
    ["dpkg", "rpm", "apk", "pacman"].into_iter().find(|known| *known == manager)
}

/// Returns the index of the file at a path, which a package manager may have listed from before `/bin` was `/usr/bin`.
fn find(files: &[FileEntry], path: &str) -> Option<usize> {
    let at = |path: &str| files.binary_search_by(|file| file.path.as_str().cmp(path)).ok();
    let path = normalise(path);
    at(path).or_else(|| usr_merged(path).and_then(|merged| at(&merged)))
}

/// Notes which packages own each file.
pub(super) fn own(inventory: &mut Inventory, owned: &[Owned]) {
    if inventory.files.is_empty() {
        return;
    }
    inventory.files.sort();
    let names = by_listed_name(inventory);
    for owned in owned {
        let manager = known(&owned.manager);
        let package = manager.and_then(|manager| names.get(&(manager, owned.package.clone())).copied());
        let Some(package) = package else { continue };
        for path in owned.files.iter() {
            let file = find(&inventory.files, path).and_then(|index| inventory.files.get_mut(index));
            if let Some(file) = file.filter(|file| !file.owners.contains(&package)) {
                file.owners.push(package);
            }
        }
    }
    for file in &mut inventory.files {
        file.owners.sort_unstable();
    }
}

/// Observes each file that is no longer what a package installed.
pub(super) fn compare(inventory: &mut Inventory, installed: &[Installed]) {
    if inventory.files.is_empty() || installed.is_empty() {
        return;
    }
    let names = by_listed_name(inventory);
    let mut expected: BTreeMap<usize, (u32, Vec<Sum>)> = BTreeMap::new();
    let mut excepted: HashSet<usize> = HashSet::new();
    for (manager, package, files) in installed {
        let package = known(manager).and_then(|manager| names.get(&(manager, package.clone())).copied());
        for (path, sum) in files {
            let Some(index) = find(&inventory.files, path) else { continue };
            match (sum, package) {
                (None, _) => {
                    excepted.insert(index);
                }
                // Packages of several architectures own the same file, each with its own content.
                (Some(sum), Some(package)) => {
                    expected.entry(index).or_insert_with(|| (package, Vec::new())).1.push(*sum);
                }
                // A list left behind by a removed package promises nothing.
                (Some(_), None) => {}
            }
        }
    }
    let modified = expected.into_iter().filter(|(index, _)| !excepted.contains(index));
    let modified: Vec<Observation> = modified
        .filter_map(|(index, (package, sums))| modification(inventory, index, package, &sums))
        .collect();
    inventory.observations.extend(modified);
}

/// Returns what is observed of a file if it has none of the digests that it should have.
fn modification(inventory: &Inventory, file: usize, package: u32, sums: &[Sum]) -> Option<Observation> {
    let file = inventory.files.get(file)?;
    let package = inventory.packages.get(usize::try_from(package).ok()?)?;
    let have = &file.content.sums;
    if sums.iter().any(|sum| have.have(sum)) {
        return None;
    }
    let named = |algorithm: &str, digest: &[u8]| format!("{algorithm}:{}", hex(digest));
    let (installed, found) = match sums.first()? {
        Sum::Md5(md5) => (named("md5", md5), named("md5", &have.md5)),
        Sum::Sha1(sha1) => (named("sha1", sha1), named("sha1", &have.sha1)),
        Sum::Sha256(sha256) => (named("sha256", sha256), named("sha256", &have.sha256)),
    };
    let details = vec![
        Detail::new("package", format!("{} {}", package.full_name(), package.version)),
        Detail::new("installed", installed),
        Detail::new("found", found),
    ];
    let observation = Observation::new(Topic::Modified, details);
    Some(Observation { path: file.path.clone(), layer: file.layer, ..observation })
}
