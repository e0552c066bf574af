//! What both of Composer's files share: a package's record, and how packages depend on each other.
//!
//! The schema is that of `composer.json` (<https://getcomposer.org/doc/04-schema.md>). Names compare without case. A package
//! may stand for others (`replace`, `provide`).

use super::lenient::{Names, Table, record};
use assay_model::{Inventory, Origin, Package, PackageKind};

record! {
    /// One package.
    pub(super) struct Entry {
        "name" => name: Option<String>,
        "version" => version: Option<String>,
        "license" => license: Names,
        "require" => require: Table<()>,
        "replace" => replace: Table<()>,
        "provide" => provide: Table<()>,
    }
}

impl Entry {
    /// Returns the package, unless it has no name or no version.
    pub(super) fn package(self, origin: Origin) -> Option<Package> {
        let full = self.name.filter(|name| !name.is_empty())?;
        let version = self.version.filter(|version| !version.is_empty())?;
        let mut package =
            match full.split_once('/').filter(|(vendor, name)| !vendor.is_empty() && !name.is_empty()) {
                Some((vendor, name)) => {
                    let mut package = Package::new(PackageKind::Composer, name, version);
                    package.namespace = Some(vendor.to_owned());
                    package
                }
                None => Package::new(PackageKind::Composer, full, version),
            };
        package.origin = origin;
        package.licenses = self.license.0;
        package.requires = packages(self.require.0);
        package.provides = packages([self.replace.0, self.provide.0].concat());
        Some(package)
    }
}

/// Returns the sorted names of packages; without a vendor it is PHP itself (`php`, `ext-json`, `composer-runtime-api`).
fn packages(names: Vec<(String, ())>) -> Vec<String> {
    let mut names: Vec<String> =
        names.into_iter().map(|(name, ())| name).filter(|name| name.contains('/')).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Connects the packages of one file.
pub(super) fn link(inventory: &mut Inventory) {
    inventory.link_by_name(
        |package| package.kind == PackageKind::Composer,
        |package| std::iter::once(package.full_name()).chain(package.provides.iter().cloned()).collect(),
        |package| package.locations.first().map_or_else(String::new, |location| location.path.clone()),
        str::to_ascii_lowercase,
    );
}
