//! `packages.config` of older .NET projects ([reference](https://learn.microsoft.com/en-us/nuget/reference/packages-config)).
//!
//! Every package that was restored is listed, also those that others bring along. What is marked `developmentDependency`
//! was used to build only.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Origin, Package, PackageKind};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// `packages.config`.
pub(super) struct DotnetPackagesConfig;

impl Analyzer for DotnetPackagesConfig {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "dotnet-packages-config", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("packages.config")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut reader = Reader::from_str(&text);
        loop {
            match reader.read_event() {
                Ok(Event::Start(element) | Event::Empty(element))
                    if element.local_name().as_ref() == b"package" =>
                {
                    if let Some(package) = package(&element) {
                        out.package(package);
                    }
                }
                Ok(Event::Eof) => return,
                Ok(_) => {}
                Err(error) => return out.warn("damaged-packages-config", error.to_string()),
            }
        }
    }
}

fn package(element: &BytesStart<'_>) -> Option<Package> {
    let attribute = |name: &str| {
        let mut attributes = element.attributes().flatten();
        let found =
            attributes.find(|attribute| attribute.key.as_ref().eq_ignore_ascii_case(name.as_bytes()))?;
        Some(String::from_utf8_lossy(&found.value).trim().to_owned())
    };
    let (id, version) = (attribute("id")?, attribute("version")?);
    let build_only =
        attribute("developmentDependency").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if build_only || id.is_empty() || version.is_empty() {
        return None;
    }
    let mut package = Package::new(PackageKind::NuGet, id, version);
    package.origin = Origin::Declared;
    Some(package)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::{Fact, LayerFacts};

    #[track_caller]
    fn check(text: &str, expected: &[&str], warnings: usize) {
        let mut facts = LayerFacts::default();
        let bytes = text.as_bytes();
        let file = File::new("packages.config", 0o644, &bytes);
        DotnetPackagesConfig.analyze(&file, &mut Sink::new("packages.config", &mut facts));
        let facts = facts.paths.into_values().next().unwrap_or_default();
        let packages = facts.facts.iter().filter_map(|fact| match fact {
            Fact::Package(package) => Some(format!("{} {}", package.name, package.version)),
            _ => None,
        });
        assert_eq!(packages.collect::<Vec<_>>(), expected);
        assert_eq!(facts.warnings.len(), warnings);
    }

    #[test]
    fn packages_are_read_but_for_tools() {
        let text = r#"<?xml version="1.0" encoding="utf-8"?><packages><package id="jQuery" version="1.7.1" targetFramework="net46" />
            <package id="T" version="1.0" developmentDependency="true"/><package id="log4net" version="2.0.8"></package></packages>"#;
        check(text, &["jQuery 1.7.1", "log4net 2.0.8"], 0);
        check("<packages><package id=\"a\" version=\"1\"/><package", &["a 1"], 1);
    }
}
