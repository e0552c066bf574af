//! Installed Node packages: `node_modules/**/package.json` (<https://docs.npmjs.com/cli/configuring-npm/package-json>).
//!
//! Only what `npm ls --all` would show counts: a package lies directly in a `node_modules` folder and has a name and a version.
//! The application's own `package.json` is no dependency and is not reported.

use super::lenient::{self, Names, record};
use super::node;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind, path};

/// Reads installed packages, and links all Node packages.
pub(super) struct NodePackageJson;

record! {
    struct Manifest {
        "name" => name: Option<String>,
        "version" => version: Option<String>,
        "license" => license: node::License,
        "licenses" => licenses: node::License,
        "dependencies" => dependencies: Names,
        "optionalDependencies" => optional: Names,
        "peerDependencies" => peer: Names,
    }
}

impl Analyzer for NodePackageJson {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "node-package-json", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("package.json")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if !node::is_installed(path::parent(file.path)) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut manifest = Manifest::default();
        if let Err(error) = lenient::json(&text, &mut manifest) {
            out.warn("damaged-package-metadata", format!("it is not a readable `package.json`: {error}"));
        }
        let (Some(name), Some(version)) = (manifest.name, manifest.version) else { return };
        if name.is_empty() || version.is_empty() {
            return;
        }
        let mut package = Package::new(PackageKind::Npm, name, version);
        package.licenses =
            if manifest.license.0.is_empty() { manifest.licenses.0 } else { manifest.license.0 };
        package.requires = node::requires([manifest.dependencies, manifest.optional, manifest.peer]);
        out.package(package);
    }

    fn link(&self, inventory: &mut Inventory) {
        node::link(inventory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn installed_packages() {
        let ms = include_bytes!("../../testdata/node_package_json/ms/package.json");
        check(&NodePackageJson, "app/node_modules/ms/package.json", ms, "ms 2.1.3 [MIT]\n");
        check(&NodePackageJson, "app/package.json", ms, "");
        check(&NodePackageJson, "app/node_modules/ms/dist/package.json", ms, "");
        check(
            &NodePackageJson,
            "node_modules/old/package.json",
            br#"{"name":"old","version":"0.1.0","licenses":[{"type":"MIT"},{"type":"GPL-2.0"}],"dependencies":{"b":"1"},"peerDependencies":{"a":"*","b":"*"},"optionalDependencies":[]}"#,
            "old 0.1.0 [MIT; GPL-2.0] -> a, b\n",
        );
    }

    #[test]
    fn damage_keeps_what_was_read() {
        check(
            &NodePackageJson,
            "node_modules/x/package.json",
            br#"{"name":"x","version":"1.0.0","dependencies":{"y":"#,
            "! damaged-package-metadata\nx 1.0.0 -> y\n",
        );
        check(&NodePackageJson, "node_modules/x/package.json", br#"{"type":"module"}"#, "");
        check_total(&NodePackageJson, "node_modules/x/package.json");
    }
}
