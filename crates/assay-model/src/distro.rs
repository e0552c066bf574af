//! Linux distributions: one const each, holding every fact Assay needs about it.
//!
//! To add one, write `distro/<id>.rs` and list it in [`DISTROS`]. Identity is read from `os-release(5)`.

use crate::ecosystem::Ecosystem;
use crate::package::PackageKind;
use crate::scheme::Scheme;
use std::borrow::Cow;

mod alma;
mod alpine;
mod amazon;
mod arch;
mod azure_linux;
mod bottlerocket;
mod centos;
mod chainguard;
mod debian;
mod fedora;
mod mariner;
mod opensuse_leap;
mod opensuse_tumbleweed;
mod oracle;
mod photon;
mod rhel;
mod rocky;
mod sles;
mod ubuntu;
mod wolfi;

/// Turns a `VERSION_ID` into another name of the release.
pub type ReleaseName = fn(&str) -> Cow<'_, str>;

/// A Linux distribution.
#[derive(Debug)]
pub struct Distro {
    /// The `ID` of its `os-release`.
    pub id: &'static str,
    /// Other values of `ID` that mean the same distribution.
    pub aliases: &'static [&'static str],
    /// The name people use.
    pub name: &'static str,
    /// What its package manager's packages are.
    pub packages: PackageKind,
    /// The order of its packages' versions.
    pub scheme: Scheme,
    /// The ecosystem name that advisories use, without the release.
    pub ecosystem: &'static str,
    /// The `id` of the distribution whose advisories apply, where it has none of its own.
    pub advisories_of: Option<&'static str>,
    /// Words of which one is, in lower case, in the vendor that its RPM packages name; empty when that tells nothing.
    pub vendors: &'static [&'static str],
    /// Turns `VERSION_ID` into the release that advisories name.
    pub release: ReleaseName,
    /// The product on endoflife.date, and what turns `VERSION_ID` into its cycle.
    pub end_of_life: Option<(&'static str, ReleaseName)>,
}

impl PartialEq for Distro {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
impl Eq for Distro {}
impl PartialOrd for Distro {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Distro {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.id.cmp(other.id)
    }
}
impl std::hash::Hash for Distro {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// Every distribution Assay knows.
pub const DISTROS: &[&Distro] = &[
    &alma::ALMA,
    &alpine::ALPINE,
    &amazon::AMAZON,
    &arch::ARCH,
    &azure_linux::AZURE_LINUX,
    &bottlerocket::BOTTLEROCKET,
    &centos::CENTOS,
    &chainguard::CHAINGUARD,
    &debian::DEBIAN,
    &fedora::FEDORA,
    &mariner::MARINER,
    &opensuse_leap::OPENSUSE_LEAP,
    &opensuse_tumbleweed::OPENSUSE_TUMBLEWEED,
    &oracle::ORACLE,
    &photon::PHOTON,
    &rhel::RHEL,
    &rocky::ROCKY,
    &sles::SLES,
    &ubuntu::UBUNTU,
    &wolfi::WOLFI,
];

/// Returns the distribution with this `os-release` `ID`.
pub fn by_id(id: &str) -> Option<&'static Distro> {
    DISTROS.iter().copied().find(|distro| distro.id == id || distro.aliases.contains(&id))
}

impl Distro {
    /// Returns the ecosystem in which this distribution's packages are looked up, given its `VERSION_ID`.
    pub fn ecosystem(&'static self, version: &str) -> Ecosystem {
        let source = self.advisories_of.and_then(by_id).unwrap_or(self);
        Ecosystem::Distro { distro: source, release: (source.release)(version).into() }
    }

    /// Returns the ecosystem of a release as advisories of this distribution name it.
    pub fn ecosystem_of_release(&'static self, release: &str) -> Ecosystem {
        Ecosystem::Distro { distro: self, release: release.into() }
    }
}

/// Reads an ecosystem name with or without a release.
pub(crate) fn parse_ecosystem(text: &str) -> Option<Ecosystem> {
    let (head, release) = text.split_once(':').unwrap_or((text, ""));
    let distro = DISTROS.iter().copied().find(|distro| distro.ecosystem.eq_ignore_ascii_case(head))?;
    // `Ubuntu:Pro:16.04:LTS`, `Red Hat:enterprise_linux:8::baseos`: the release is the first part that starts as a version.
    let release = release
        .split(':')
        .find(|part| part.trim_start_matches('v').starts_with(|char: char| char.is_ascii_digit()))
        .unwrap_or(release);
    Some(Ecosystem::Distro { distro, release: (distro.release)(release).into() })
}

/// The whole version.
fn whole(version: &str) -> Cow<'_, str> {
    version.into()
}

/// The first number of the version.
fn major(version: &str) -> Cow<'_, str> {
    version.split('.').next().unwrap_or(version).into()
}

/// The first two numbers of the version.
fn major_minor(version: &str) -> Cow<'_, str> {
    match version.match_indices('.').nth(1) {
        Some((end, _)) => version.get(..end).unwrap_or(version).into(),
        None => version.into(),
    }
}

/// Nothing: the distribution is rolling and advisories name no release.
fn rolling(_: &str) -> Cow<'_, str> {
    "".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, version: &str, want: &str) {
        let distro = by_id(id).unwrap();
        assert_eq!(distro.ecosystem(version).to_string(), want);
    }

    #[test]
    fn versions_become_the_releases_advisories_name() {
        check("debian", "12", "Debian:12");
        check("ubuntu", "22.04", "Ubuntu:22.04");
        check("alpine", "3.11.6", "Alpine:v3.11");
        check("alpine", "3.23_alpha20250612", "Alpine:edge");
        check("almalinux", "9.3", "AlmaLinux:9");
        check("centos", "7", "Red Hat:7");
        check("rhel", "8.10", "Red Hat:8");
        check("amzn", "2018.03", "Amazon Linux:1");
        check("amzn", "2023", "Amazon Linux:2023");
        check("wolfi", "20230201", "Wolfi");
        check("mariner", "2.0.20230630", "CBL-Mariner:2.0");
        check("sles", "15.4", "SUSE:15.4");
        check("opensuse-leap", "15.4", "openSUSE:Leap 15.4");
        check("arch", "", "Arch Linux");
    }

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<_> =
            DISTROS.iter().flat_map(|distro| distro.aliases.iter().chain([&distro.id])).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
