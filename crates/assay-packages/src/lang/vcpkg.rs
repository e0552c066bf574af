//! What vcpkg has installed: `vcpkg_installed/vcpkg/status` with a paragraph for each port
//! (<https://learn.microsoft.com/vcpkg/reference/installation-tree-layout>), and each port's `share/<port>/vcpkg.spdx.json`.
//!
//! The folder is often copied without the former. A version is written as vcpkg does, with the port's revision: `1.2.13#1`.

use super::lenient::{self, record};
use crate::os::deb822::paragraphs;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind, path};

/// Ports that are installed.
pub(super) struct Vcpkg;

record! {
    struct Document {
        "packages" => packages: Vec<Entry>,
    }
}

record! {
    struct Entry {
        "SPDXID" => id: String,
        "name" => name: String,
        "versionInfo" => version: String,
        "licenseConcluded" => license: String,
    }
}

impl Analyzer for Vcpkg {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "vcpkg", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("vcpkg.spdx.json"), Select::Suffix("/vcpkg/status")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        if file.name() == "status" {
            return status(&text, out);
        }
        let mut document = Document::default();
        if let Err(error) = lenient::json(&text, &mut document) {
            out.warn("damaged-package-metadata", format!("it cannot be read to its end: {error}"));
        }
        // The port, what was built of it, and what it was made from are packages of the document; only the first is one here.
        for entry in document.packages.into_iter().filter(|entry| entry.id == "SPDXRef-port") {
            if entry.name.is_empty() || entry.version.is_empty() {
                continue;
            }
            let mut package = Package::new(PackageKind::Vcpkg, entry.name, entry.version);
            package.licenses =
                Some(entry.license).filter(|it| !it.is_empty() && it != "NOASSERTION").into_iter().collect();
            out.package(package);
        }
    }

    fn link(&self, inventory: &mut Inventory) {
        inventory.link_by_name(
            |package| package.kind == PackageKind::Vcpkg,
            |package| vec![package.name.clone()],
            |package| {
                package.locations.first().map_or("", |at| path::parent(path::parent(&at.path))).to_owned()
            },
            str::to_owned,
        );
    }
}

fn status(text: &str, out: &mut Sink<'_>) {
    for paragraph in paragraphs(text) {
        let mut package = Package::new(PackageKind::Vcpkg, "", "");
        let (mut installed, mut revision) = (false, "0");
        for (field, value) in paragraph.fields() {
            match field {
                "Package" => package.name = value.to_owned(),
                "Version" => package.version = value.to_owned(),
                "Port-Version" => revision = value,
                "Depends" => package.requires = value.split(',').filter_map(bare_name).collect(),
                "Status" => installed = value.ends_with(" installed") && !value.ends_with("not-installed"),
                _ => {}
            }
        }
        // A feature has a paragraph of its own, without a version.
        if installed && !package.name.is_empty() && !package.version.is_empty() {
            if revision != "0" {
                package.version = format!("{}#{revision}", package.version);
            }
            out.package(package);
        }
    }
}

/// Returns the port in `zlib[feature]:x64-linux (!windows)`; helpers of the build are ports like others.
fn bare_name(word: &str) -> Option<String> {
    let name = word.trim().split(['[', ':', ' ', '(']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn ports() {
        let text = b"Package: zlib\nVersion: 1.2.13\nPort-Version: 1\nArchitecture: x64-linux\nMulti-Arch: same\nAbi: 0\nStatus: install ok installed\n
Package: curl\nVersion: 7.86.0\nDepends: openssl, zlib[core]:x64-linux\nArchitecture: x64-linux\nStatus: install ok installed\n
Package: curl\nFeature: ssl\nDepends: openssl\nArchitecture: x64-linux\nStatus: install ok installed\n
Package: gone\nVersion: 1\nStatus: purge ok not-installed\n";
        check(
            &Vcpkg,
            "opt/vcpkg_installed/vcpkg/status",
            text,
            "zlib 1.2.13#1\ncurl 7.86.0 -> openssl, zlib\n",
        );
        check_total(&Vcpkg, "x/vcpkg/status");
        let text = br#"{"spdxVersion":"SPDX-2.2","name":"zlib:x64-linux@1.2.13#1","packages":[
            {"name":"zlib","SPDXID":"SPDXRef-port","versionInfo":"1.2.13#1","licenseConcluded":"Zlib","licenseDeclared":"NOASSERTION"},
            {"name":"zlib:x64-linux","SPDXID":"SPDXRef-binary","versionInfo":"0a"},
            {"name":"madler/zlib","SPDXID":"SPDXRef-resource-1"}]}"#;
        let at = "opt/vcpkg_installed/x64-linux/share/zlib/vcpkg.spdx.json";
        check(&Vcpkg, at, text, "zlib 1.2.13#1 [Zlib]\n");
        check_total(&Vcpkg, at);
    }
}
