//! What all Python formats share: names, metadata headers, and how installed distributions depend on each other.
//!
//! Names compare after PEP 503 normalisation (<https://peps.python.org/pep-0503/>) but are reported as written.

use assay_analyze::Sink;
use assay_model::{Inventory, Origin, Package, PackageKind, path};

/// The most headers of one metadata file that are looked at; Django's has about fifty, the largest known a few thousand.
const MAX_HEADERS: usize = 100_000;

/// Returns the name as the index compares it: lower case, runs of `-`, `_` and `.` become one `-`.
pub(super) fn normalise(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !normal.is_empty() {
            normal.push('-');
        }
        normal.push_str(&part.to_ascii_lowercase());
    }
    normal
}

/// Returns the name at the start of a requirement (PEP 508), if there is one.
pub(super) fn requirement_name(requirement: &str) -> Option<&str> {
    let requirement = requirement.trim_start();
    let end = requirement
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(requirement.len());
    requirement.get(..end).filter(|name| name.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Reports the distribution that a core metadata file describes
/// (<https://packaging.python.org/en/latest/specifications/core-metadata/>); `folder` is `name-version` or empty.
pub(super) fn metadata(text: &str, folder: &str, out: &mut Sink<'_>) {
    let (mut name, mut version) = (None, None);
    let (mut expression, mut license, mut classifiers) = (None, None, Vec::new());
    let mut requires: Vec<String> = Vec::new();
    // The headers end at the first empty line; the description that follows may hold anything.
    for line in text.lines().take(MAX_HEADERS).take_while(|line| !line.trim_end().is_empty()) {
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if value.is_empty() || value == "UNKNOWN" {
            continue;
        }
        match key.to_ascii_lowercase().as_str() {
            "name" => name = name.or(Some(value)),
            "version" => version = version.or(Some(value)),
            "license-expression" => expression = expression.or(Some(value)),
            "license" => license = license.or(Some(value)),
            "classifier" => {
                classifiers
                    .extend(value.strip_prefix("License ::").and_then(|rest| rest.rsplit("::").next()));
            }
            "requires-dist" if !needs_extra(value) => {
                requires.extend(requirement_name(value).map(str::to_owned));
            }
            _ => {}
        }
    }
    let from_folder = folder.split_once('-');
    if name.is_none() || version.is_none() {
        let rest = if from_folder.is_some() { "; they were taken from its folder" } else { "" };
        out.warn("damaged-package-metadata", format!("it has no name or no version{rest}"));
    }
    let name = name.or(from_folder.map(|(name, _)| name));
    let version =
        version
            .or(from_folder
                .map(|(_, version)| version.split_once("-py").map_or(version, |(version, _)| version)));
    let (Some(name), Some(version)) = (name, version) else { return };
    let mut package = Package::new(PackageKind::Python, name, version);
    requires.sort_unstable();
    requires.dedup();
    package.requires = requires;
    // Some put the whole text of the licence into `License`; its first line alone would say nothing.
    const LICENSE_NAME_LIMIT: usize = 100;
    package.licenses = match (expression, license.filter(|license| license.len() <= LICENSE_NAME_LIMIT)) {
        (Some(expression), _) => vec![expression.to_owned()],
        (None, Some(license)) => vec![license.to_owned()],
        (None, None) => classifiers.into_iter().map(|name| name.trim().to_owned()).collect(),
    };
    out.package(package);
}

/// Whether a requirement applies only when one of the distribution's extras was asked for.
fn needs_extra(requirement: &str) -> bool {
    requirement.split_once(';').is_some_and(|(_, marker)| {
        marker.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == "extra")
    })
}

/// Connects installed distributions of the same `site-packages`, and declared ones of the same lockfile.
pub(super) fn link(inventory: &mut Inventory) {
    inventory.link_by_name(
        |package| package.kind == PackageKind::Python,
        |package| vec![package.name.clone()],
        |package| {
            let Some(location) = package.locations.first() else { return String::new() };
            match package.origin {
                Origin::Declared => location.path.clone(),
                Origin::Installed => site(&location.path).to_owned(),
            }
        },
        normalise,
    );
}

/// Returns the folder whose distributions see each other.
fn site(file: &str) -> &str {
    // `site/a.dist-info/METADATA`, `site/a.egg-info`, `site/a.egg/EGG-INFO/PKG-INFO`, `site/a.egg!/EGG-INFO/PKG-INFO`
    for ancestor in std::iter::once(file).chain(path::ancestors(file)) {
        if ancestor.ends_with(".dist-info")
            || ancestor.ends_with(".egg-info")
            || ancestor.trim_end_matches('!').ends_with(".egg")
        {
            return path::parent(ancestor);
        }
    }
    path::parent(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_requirements() {
        assert_eq!(normalise("Foo__Bar.-baz"), "foo-bar-baz");
        assert_eq!(requirement_name("asgiref (<4,>=3.3.2)"), Some("asgiref"));
        assert_eq!(requirement_name(" zope.interface[test]>=1"), Some("zope.interface"));
        assert_eq!(requirement_name("<4"), None);
        assert!(needs_extra("argon2 ; extra == 'argon2'"));
        assert!(!needs_extra("tzdata; sys_platform == \"win32\""));
        assert_eq!(site("v/site-packages/a-1.dist-info/METADATA"), "v/site-packages");
        assert_eq!(site("v/site-packages/a-1.egg!/EGG-INFO/PKG-INFO"), "v/site-packages");
        assert_eq!(site("d/a.egg-info"), "d");
    }
}
