//! Bills of materials inside an image: what its vendor says is in it.
//!
//! apko writes `var/lib/db/sbom/<package>.spdx.json`, others `usr/share/sbom/…` or `<name>.cdx.json` beside an application. Such a file is a
//! statement of the judged about itself: it can add packages that nothing else found, and takes none away. What the package
//! manager's own database lists, or another analyzer found in the same version, is not reported a second time.

use crate::document::{Class, Component};
use crate::package::{self, Found};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind, Purl};
use std::collections::HashSet;

/// Reads bills of materials.
pub struct EmbeddedSbom;

const SELECT: &[Select] = &[
    Select::Suffix(".cdx.json"),
    Select::Suffix(".cdx.xml"),
    Select::Suffix(".spdx.json"),
    Select::Under("usr/share/sbom/", ".json"),
    Select::Under("usr/share/sbom/", ".xml"),
    Select::Under("usr/share/sbom/", ".spdx"),
    Select::Under("var/lib/db/sbom/", ".json"),
];

/// Returns whether a package found at this path was only stated by a bill of materials.
fn is_statement(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [".cdx.json", ".cdx.xml", ".spdx.json"].iter().any(|end| lower.ends_with(end))
        || path.starts_with("usr/share/sbom/")
        || path.starts_with("var/lib/db/sbom/")
}

impl Analyzer for EmbeddedSbom {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "embedded-sbom", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        SELECT
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        // A file of such a name may be anything.
        if crate::recognise(text.as_bytes()).is_none() {
            return;
        }
        let document = match crate::read(text.as_bytes()) {
            Ok(document) => document,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                out.warn("damaged-sbom", format!("{error}{}", cause.unwrap_or_default()));
                return;
            }
        };
        for component in std::iter::once(&document.subject).chain(&document.components) {
            if let Some(package) = stated(component) {
                out.package(package);
            }
        }
    }

    fn link(&self, inventory: &mut Inventory) {
        let mut found: HashSet<(PackageKind, String, String)> = HashSet::new();
        let mut managed: HashSet<PackageKind> = HashSet::new();
        let alone = |package: &Package| package.locations.iter().all(|place| is_statement(&place.path));
        let key =
            |package: &Package| (package.kind, package.full_name().to_lowercase(), package.version.clone());
        for package in inventory.packages.iter().filter(|package| !alone(package)) {
            found.insert(key(package));
            if package.kind.is_os() {
                managed.insert(package.kind);
            }
        }
        // Runs before any other analyzer has connected packages, so that no index is wrong afterwards.
        inventory.packages.retain(|package| {
            !alone(package) || (!managed.contains(&package.kind) && !found.contains(&key(package)))
        });
    }
}

/// Only what a package URL identifies is taken from such a file; the rest would be guesses.
fn stated(component: &Component) -> Option<Package> {
    if matches!(component.class, Class::OperatingSystem | Class::File) {
        return None;
    }
    let purl = component.purl.as_deref()?.parse::<Purl>().ok()?;
    // Bitnami's own records are read elsewhere; what went into a build as `generic` is not judged by its name.
    if matches!(purl.kind.as_str(), "generic" | "bitnami") {
        return None;
    }
    PackageKind::ALL.into_iter().find(|kind| kind.purl_type() == purl.kind)?;
    let Found { mut package, .. } = package::package(component)?;
    if package.version.is_empty() {
        return None;
    }
    // Usage and the like are for this scan to find out.
    package.usage = assay_model::Usage::Unknown;
    package.usage_evidence.clear();
    (package.essential, package.installed_size) = (false, None);
    package.contains.clear();
    Some(package)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::{Fact, LayerFacts};
    use assay_model::Location;

    fn analyze(path: &str, text: &str) -> (Vec<Package>, usize) {
        let mut facts = LayerFacts::default();
        let bytes: &[u8] = text.as_bytes();
        let file = File::new(path, 0o644, &bytes);
        EmbeddedSbom.analyze(&file, &mut Sink::new(path, &mut facts));
        let said = facts.paths.remove(path).unwrap_or_default();
        let packages = said.facts.into_iter().filter_map(|fact| match fact {
            Fact::Package(package) => Some(*package),
            _ => None,
        });
        (packages.collect(), said.warnings.len())
    }

    #[test]
    fn packages_with_a_purl_are_taken() {
        let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"type":"application","name":"app","version":"2","purl":"pkg:maven/org.example/app@2"}},
          "components":[{"type":"library","group":"org.x","name":"y","version":"1","purl":"pkg:maven/org.x/y@1"},
            {"type":"library","name":"z","version":"1"},{"type":"library","name":"openssl","version":"1","purl":"pkg:generic/openssl@1"}]}"#;
        let (packages, warnings) = analyze("app/application.cdx.json", text);
        let names: Vec<String> =
            packages.iter().map(|it| format!("{} {}", it.full_name(), it.version)).collect();
        assert_eq!((names, warnings), (vec!["org.example:app 2".to_owned(), "org.x:y 1".to_owned()], 0));
        assert_eq!(analyze("a.cdx.json", "{\"bomFormat\": \"CycloneDX\", \"spec"), (vec![], 1));
        assert_eq!(analyze("a.spdx.json", "not json"), (vec![], 0));
    }

    #[test]
    fn a_statement_adds_and_never_repeats() {
        let package = |kind, name: &str, path: &str| {
            let mut package = Package::new(kind, name, "1");
            package.locations.push(Location { path: path.to_owned(), layer: None });
            package
        };
        let sbom = "var/lib/db/sbom/x.spdx.json";
        let mut inventory = Inventory {
            packages: vec![
                package(PackageKind::Apk, "glibc", "lib/apk/db/installed"),
                package(PackageKind::Apk, "glibc", sbom),
                package(PackageKind::Apk, "stale", sbom),
                package(PackageKind::Npm, "found", "app/package.json"),
                package(PackageKind::Npm, "found", sbom),
                package(PackageKind::Npm, "hidden", sbom),
            ],
            ..Inventory::default()
        };
        EmbeddedSbom.link(&mut inventory);
        let left: Vec<(&str, &str)> =
            inventory.packages.iter().map(|it| (it.name.as_str(), it.locations[0].path.as_str())).collect();
        assert_eq!(
            left,
            [("glibc", "lib/apk/db/installed"), ("found", "app/package.json"), ("hidden", sbom)]
        );
    }
}
