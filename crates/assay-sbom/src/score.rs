//! How complete a bill of materials is: the share of its packages that have what others need to work with them.
//!
//! The parts are those of the minimum elements of NTIA (<https://www.ntia.gov/report/2021/minimum-elements-software-bill-materials-sbom>)
//! that can be counted per package, and licences. Images, operating systems and files are not counted.

use crate::document::{Class, Component, Document};
use std::collections::HashSet;

/// The counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    /// Packages there are.
    pub packages: u64,
    /// Those with a version.
    pub version: u64,
    /// Those with a package URL.
    pub purl: u64,
    /// Those with a licence.
    pub license: u64,
    /// Those with a supplier.
    pub supplier: u64,
    /// Those with a digest.
    pub hash: u64,
    /// Those that depend on another, or on which another depends.
    pub dependency: u64,
}

impl Score {
    /// Returns the parts by name.
    pub fn parts(&self) -> [(&'static str, u64); 6] {
        [
            ("version", self.version),
            ("purl", self.purl),
            ("license", self.license),
            ("supplier", self.supplier),
            ("hash", self.hash),
            ("dependency", self.dependency),
        ]
    }

    /// Returns the share of a count in all packages, in percent, rounded down: only what all have is 100.
    pub fn percent(&self, count: u64) -> u64 {
        count.saturating_mul(100).checked_div(self.packages).unwrap_or_default()
    }

    /// Returns the mean of all parts, in percent, rounded down.
    pub fn total(&self) -> u64 {
        let parts = self.parts();
        let sum: u64 = parts.iter().map(|(_, count)| count).sum();
        sum.saturating_mul(100)
            .checked_div(self.packages.saturating_mul(parts.len() as u64))
            .unwrap_or_default()
    }
}

/// Counts what the packages of a document have.
pub fn score(document: &Document) -> Score {
    let mut score = Score::default();
    let targets: HashSet<u32> =
        document.components.iter().flat_map(|component| component.depends_on.iter().copied()).collect();
    for (index, component) in (0..).zip(&document.components) {
        if !matches!(component.class, Class::Library | Class::Application) {
            continue;
        }
        let Component { version, purl, licenses, supplier, hashes, depends_on, .. } = component;
        let linked = !depends_on.is_empty() || targets.contains(&index);
        score.packages += 1;
        score.version += u64::from(!version.is_empty());
        score.purl += u64::from(purl.is_some());
        score.license += u64::from(!licenses.is_empty());
        score.supplier += u64::from(supplier.is_some());
        score.hash += u64::from(!hashes.is_empty());
        score.dependency += u64::from(linked);
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_over_packages_only() {
        let full = Component {
            version: "1".into(),
            purl: Some("pkg:npm/a@1".into()),
            licenses: vec!["MIT".into()],
            depends_on: vec![1],
            ..Component::default()
        };
        let os = Component { class: Class::OperatingSystem, ..Component::default() };
        let components = vec![full, Component::default(), Component::default(), os];
        let score = score(&Document { components, ..Document::default() });
        assert_eq!((score.packages, score.version, score.dependency, score.hash), (3, 1, 2, 0));
        assert_eq!((score.percent(score.version), score.percent(3), score.total()), (33, 100, 27));
        assert_eq!(Score::default().total(), 0);
    }
}
