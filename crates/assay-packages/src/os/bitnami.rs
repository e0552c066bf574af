//! Applications in Bitnami's images: an SPDX document `.spdx-<name>.spdx` for each, and the older `.bitnami_components.json`
//! (<https://github.com/bitnami/vulndb>).
//!
//! Bitnami builds the application itself, so that the distribution's package manager does not know it, and publishes
//! advisories under its own names. Of a document only the packages whose purl has the type `bitnami` count: the others are what
//! went into the build.

use crate::lang::lenient::{self, Table, record};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind, Purl};

/// Reads Bitnami's records.
pub(super) struct Bitnami;

const COMPONENTS: &str = ".bitnami_components.json";

record! {
    struct Document {
        "packages" => packages: Vec<Entry>,
    }
}

record! {
    struct Entry {
        "licenseDeclared" => license: String,
        "externalRefs" => references: Vec<Reference>,
    }
}

record! {
    struct Reference {
        "referenceType" => kind: String,
        "referenceLocator" => locator: String,
    }
}

record! {
    struct Component {
        "version" => version: String,
        "arch" => architecture: Option<String>,
    }
}

impl Analyzer for Bitnami {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "bitnami", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::NameAffixes(".spdx-", ".spdx"), Select::Name(COMPONENTS)]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut found: Vec<Package> = Vec::new();
        let result = if file.name() == COMPONENTS {
            let mut components: Table<Component> = Table::default();
            let result = lenient::json(&text, &mut components);
            found.extend(components.0.into_iter().map(|(name, component)| {
                let mut package = Package::new(PackageKind::Bitnami, name, component.version);
                package.architecture = component.architecture;
                package
            }));
            result
        } else {
            let mut document = Document::default();
            let result = lenient::json(&text, &mut document);
            found.extend(document.packages.iter().filter_map(package));
            result
        };
        if let Err(error) = result {
            out.warn("damaged-package-metadata", format!("it cannot be read to its end: {error}"));
        }
        for package in found.into_iter().filter(|it| !it.name.is_empty() && !it.version.is_empty()) {
            out.package(package);
        }
    }
}

fn package(entry: &Entry) -> Option<Package> {
    let purl = |reference: &Reference| reference.locator.parse::<Purl>().ok();
    let purl = entry
        .references
        .iter()
        .filter(|reference| reference.kind == "purl")
        .find_map(|reference| purl(reference).filter(|purl| purl.kind == "bitnami"))?;
    let mut package = Package::new(PackageKind::Bitnami, purl.name, purl.version?);
    package.architecture = purl.qualifiers.get("arch").cloned();
    package.licenses = Some(&entry.license)
        .filter(|it| !it.is_empty() && *it != "NOASSERTION")
        .into_iter()
        .cloned()
        .collect();
    Some(package)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{analyze, codes, packages};
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(path: &str, text: &str, want: &[&str], warnings: usize) {
        let facts = analyze(&Bitnami, path, text.as_bytes());
        let lines: Vec<_> = packages(&facts).iter().map(|it| it.purl(None).to_string()).collect();
        assert_eq!(
            (lines, codes(&facts).len()),
            (want.iter().map(|it| (*it).to_owned()).collect(), warnings)
        );
    }

    #[test]
    fn both_records() {
        let text = r#"{"spdxVersion":"SPDX-2.3","name":"redis","packages":[
            {"name":"redis","versionInfo":"7.0.10-2","SPDXID":"SPDXRef-Package","licenseDeclared":"BSD-3-Clause","externalRefs":[
                {"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:*:redis:redis:7.0.10:*:*:*:*:*:*:*"},
                {"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:bitnami/redis@7.0.10-2?arch=amd64&distro=debian-11"}]},
            {"name":"jemalloc","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:generic/jemalloc@5.2.1"}]}]}"#;
        let at = "opt/bitnami/redis/.spdx-redis.spdx";
        check(at, text, &["pkg:bitnami/redis@7.0.10-2?arch=amd64"], 0);
        let facts = analyze(&Bitnami, at, text.as_bytes());
        assert_eq!(packages(&facts)[0].advised_as(), ("redis".to_owned(), "7.0.10"));
        let old =
            r#"{"redis":{"arch":"amd64","distro":"debian-11","type":"NAMI","version":"7.0.10-2"},"x":{}}"#;
        check("opt/bitnami/.bitnami_components.json", old, &["pkg:bitnami/redis@7.0.10-2?arch=amd64"], 0);
        check(at, "{\"packages\":[{\"exter", &[], 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn any_text_is_survived(text in "[a-z\"{}:,@/\\[\\]]{0,64}") {
            analyze(&Bitnami, ".spdx-a.spdx", text.as_bytes());
            analyze(&Bitnami, COMPONENTS, text.as_bytes());
        }
    }
}
