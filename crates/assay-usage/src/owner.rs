//! Which files of code belong to which package: by the lists of package managers, and for languages by where a package lies.

use crate::runtimes::{INTERPRETERS, Interpreter};
use crate::tree::Tree;
use assay_analyze::Owned;
use assay_model::path::{file_name, parent};
use assay_model::{Origin, Package, PackageKind};
use std::collections::HashMap;

/// The lists of package managers, by package.
pub(crate) struct Lists<'a> {
    /// Indices of packages of the operating system, with their lists.
    pub(crate) system: HashMap<usize, Vec<&'a Owned>>,
    /// Lists of language packages, by the folder of their record.
    language: HashMap<&'a str, Vec<&'a Owned>>,
}

/// Returns the package manager whose packages are of this kind.
fn manager_of(kind: PackageKind) -> Option<&'static str> {
    match kind {
        PackageKind::Deb => Some("dpkg"),
        PackageKind::Rpm => Some("rpm"),
        PackageKind::Apk => Some("apk"),
        PackageKind::Pacman => Some("pacman"),
        _ => None,
    }
}

impl<'a> Lists<'a> {
    pub(crate) fn new(files: &'a Tree<'a>, packages: &[Package]) -> Self {
        let mut names: HashMap<(&str, String), Vec<usize>> = HashMap::new();
        for (index, package) in packages.iter().enumerate() {
            let Some(manager) = manager_of(package.kind) else { continue };
            names.entry((manager, package.name.clone())).or_default().push(index);
            if let Some(architecture) = &package.architecture {
                names.entry((manager, format!("{}:{architecture}", package.name))).or_default().push(index);
            }
        }
        let mut lists = Self { system: HashMap::new(), language: HashMap::new() };
        for owned in &files.owned {
            match names.get(&(owned.manager.as_str(), owned.package.clone())) {
                Some(indices) => {
                    for index in indices {
                        lists.system.entry(*index).or_default().push(owned);
                    }
                }
                None => lists.language.entry(owned.package.as_str()).or_default().push(owned),
            }
        }
        lists
    }

    /// Returns the files of code of a language's package; `None` when it cannot be told which they are.
    pub(crate) fn of_language(&self, files: &'a Tree<'a>, package: &Package) -> Option<Vec<&'a str>> {
        if package.origin == Origin::Declared {
            return None;
        }
        let mut all = Vec::new();
        for location in &package.locations {
            let path = location.path.split_once("!/").map_or(location.path.as_str(), |(outer, _)| outer);
            all.extend(self.at(files, package, path)?);
        }
        Some(all)
    }

    fn at(&self, files: &'a Tree<'a>, package: &Package, path: &str) -> Option<Vec<&'a str>> {
        let below = |folder: &str| files.below(folder).map(|(path, _)| path).collect::<Vec<_>>();
        match package.kind {
            PackageKind::Npm if file_name(path) == "package.json" => {
                let folder = parent(path);
                let inner = |path: &&str| {
                    !path.get(folder.len()..).is_some_and(|rest| rest.contains("/node_modules/"))
                };
                Some(below(folder).into_iter().filter(inner).collect())
            }
            PackageKind::Gem => {
                let name = file_name(path).strip_suffix(".gemspec")?;
                let home = parent(path).strip_suffix("/specifications")?;
                let mut all = below(&format!("{home}/gems/{name}"));
                let part = format!("/{name}/");
                all.extend(
                    below(&format!("{home}/extensions")).into_iter().filter(|path| path.contains(&part)),
                );
                Some(all)
            }
            PackageKind::Composer => {
                let vendor = path.strip_suffix("/composer/installed.json")?;
                let namespace = package.namespace.as_deref()?;
                Some(below(&format!("{vendor}/{namespace}/{}", package.name)))
            }
            PackageKind::Python => {
                // `a-1.dist-info/METADATA`; a record that is a file of its own has no list.
                let lists = self.language.get(parent(path))?;
                let known = lists.iter().flat_map(|owned| owned.files.iter());
                Some(
                    known
                        .filter_map(|path| files.code.get_key_value(path))
                        .map(|(path, _)| path.as_str())
                        .collect(),
                )
            }
            // What is linked into a program, or packed into an archive, is as much used as that.
            _ => files.code.get_key_value(path).map(|(path, _)| vec![path.as_str()]),
        }
    }
}

/// Returns the interpreter without which a package of this kind is never run.
pub(crate) fn interpreter_of(kind: PackageKind) -> Option<&'static Interpreter> {
    let name = match kind {
        PackageKind::Python => "Python",
        PackageKind::Npm => "Node",
        PackageKind::Gem => "Ruby",
        PackageKind::Composer => "PHP",
        PackageKind::Maven => "Java",
        _ => return None,
    };
    INTERPRETERS.iter().find(|one| one.name == name)
}
