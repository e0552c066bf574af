//! What lockfiles share: collecting what one file declares, connecting it, and finding what its roots reach.

use assay_analyze::Sink;
use assay_model::{Inventory, Origin, Package, PackageKind};
use std::collections::{BTreeMap, BTreeSet};

/// What a lockfile declares: one package for each name and version, however often the file names it.
pub(super) struct Declared {
    kind: PackageKind,
    packages: BTreeMap<(String, String), Details>,
}

#[derive(Default)]
struct Details {
    requires: BTreeSet<String>,
    licenses: Vec<String>,
}

impl Declared {
    /// Returns a collection without packages.
    pub(super) fn new(kind: PackageKind) -> Self {
        Self { kind, packages: BTreeMap::new() }
    }

    /// Takes a package; one without a name or a version cannot be judged, and is not taken.
    pub(super) fn add(
        &mut self,
        name: &str,
        version: &str,
        requires: impl IntoIterator<Item = String>,
        licenses: Vec<String>,
    ) {
        if name.is_empty() || version.is_empty() {
            return;
        }
        let details = self.packages.entry((name.to_owned(), version.to_owned())).or_default();
        details.requires.extend(requires);
        if details.licenses.is_empty() {
            details.licenses = licenses;
        }
    }

    /// Reports all packages.
    pub(super) fn report(self, out: &mut Sink<'_>) {
        for ((name, version), details) in self.packages {
            let mut package = Package::new(self.kind, name, version);
            package.origin = Origin::Declared;
            package.requires = details.requires.into_iter().collect();
            package.licenses = details.licenses;
            out.package(package);
        }
    }
}

/// Connects packages of one kind, by full name, that the same file names.
pub(super) fn link(inventory: &mut Inventory, kind: PackageKind) {
    inventory.link_by_name(
        |package| package.kind == kind,
        |package| std::iter::once(package.full_name()).chain(package.provides.iter().cloned()).collect(),
        |package| package.locations.first().map_or_else(String::new, |location| location.path.clone()),
        str::to_owned,
    );
}

/// Warns when a lockfile could be read only in part.
pub(super) fn warn_if_damaged(result: Result<(), String>, out: &mut Sink<'_>) {
    if let Err(error) = result {
        out.warn("damaged-lockfile", format!("it can be read only in part: {error}"));
    }
}

/// Returns whether the file lies inside an installed package: its author's lockfile says nothing about this image.
pub(super) fn is_inside_package(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "node_modules" | "site-packages" | "dist-packages"))
}

/// Returns which of `count` packages are reached from `roots` over `edges`.
pub(super) fn reachable<I: IntoIterator<Item = usize>>(
    count: usize,
    roots: impl IntoIterator<Item = usize>,
    edges: impl Fn(usize) -> I,
) -> Vec<bool> {
    let mut reached = vec![false; count];
    let mut todo: Vec<usize> = roots.into_iter().collect();
    while let Some(index) = todo.pop() {
        if let Some(reached) = reached.get_mut(index).filter(|reached| !**reached) {
            *reached = true;
            todo.extend(edges(index));
        }
    }
    reached
}
