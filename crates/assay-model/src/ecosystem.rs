//! An ecosystem: the name space in which an advisory's package names and versions mean something.
//!
//! The text form is that of the OSV schema (<https://ossf.github.io/osv-schema/#affectedpackage-field>): `PyPI`, `Debian:11`,
//! `Alpine:v3.11`. Distributions take part through [`Distro`]; where OSV has no name for one, its own name is used.

use crate::distro::{self, Distro};
use crate::scheme::Scheme;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A name space of packages and versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Ecosystem {
    /// One release of a Linux distribution; the release is empty for rolling ones.
    Distro {
        /// The distribution.
        distro: &'static Distro,
        /// The release as advisories name it: `11`, `v3.11`, `22.04`.
        release: Box<str>,
    },
    /// Python.
    PyPi,
    /// Node.
    Npm,
    /// Java.
    Maven,
    /// Go modules, with the pseudo-modules `stdlib` and `toolchain`.
    Go,
    /// Rust.
    CratesIo,
    /// Ruby.
    RubyGems,
    /// PHP.
    Packagist,
    /// .NET.
    NuGet,
    /// Elixir and Erlang.
    Hex,
    /// Dart.
    Pub,
    /// C and C++.
    ConanCenter,
    /// Swift packages, named by repository address.
    SwiftUrl,
    /// Haskell.
    Hackage,
    /// R.
    Cran,
    /// Julia.
    Julia,
    /// OCaml.
    Opam,
    /// Applications packaged by Bitnami, named after the upstream project.
    Bitnami,
    /// Products of the National Vulnerability Database, named `vendor:product`.
    Cpe,
    /// GitHub Actions.
    GitHubActions,
    /// Kubernetes components.
    Kubernetes,
    /// JavaScript libraries recognised by content rather than by a package manager (RetireJS).
    JavaScript,
}

/// An ecosystem Assay has no rules for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an ecosystem Assay knows")]
pub struct UnknownEcosystem(pub String);

/// The ecosystems that are not distributions, with the names OSV gives them.
const LANGUAGES: &[(Ecosystem, &str)] = &[
    (Ecosystem::PyPi, "PyPI"),
    (Ecosystem::Npm, "npm"),
    (Ecosystem::Maven, "Maven"),
    (Ecosystem::Go, "Go"),
    (Ecosystem::CratesIo, "crates.io"),
    (Ecosystem::RubyGems, "RubyGems"),
    (Ecosystem::Packagist, "Packagist"),
    (Ecosystem::NuGet, "NuGet"),
    (Ecosystem::Hex, "Hex"),
    (Ecosystem::Pub, "Pub"),
    (Ecosystem::ConanCenter, "ConanCenter"),
    (Ecosystem::SwiftUrl, "SwiftURL"),
    (Ecosystem::Hackage, "Hackage"),
    (Ecosystem::Cran, "CRAN"),
    (Ecosystem::Julia, "Julia"),
    (Ecosystem::Opam, "opam"),
    (Ecosystem::Bitnami, "Bitnami"),
    (Ecosystem::Cpe, "CPE"),
    (Ecosystem::GitHubActions, "GitHub Actions"),
    (Ecosystem::Kubernetes, "Kubernetes"),
    (Ecosystem::JavaScript, "JavaScript"),
];

impl Ecosystem {
    /// Returns the order of versions in this ecosystem.
    pub fn scheme(&self) -> Scheme {
        match self {
            Self::Distro { distro, .. } => distro.scheme,
            Self::PyPi => Scheme::Pep440,
            Self::Npm | Self::JavaScript => Scheme::Npm,
            Self::Maven => Scheme::Maven,
            Self::Go => Scheme::Go,
            Self::CratesIo | Self::SwiftUrl | Self::GitHubActions | Self::Kubernetes | Self::Julia => {
                Scheme::Semver
            }
            Self::RubyGems => Scheme::Gem,
            Self::Packagist => Scheme::Composer,
            Self::NuGet => Scheme::NuGet,
            Self::Hex => Scheme::Hex,
            Self::Pub => Scheme::Pub,
            Self::ConanCenter => Scheme::Conan,
            // opam took over Debian's order (https://opam.ocaml.org/doc/Manual.html#Version-ordering).
            Self::Opam => Scheme::Deb,
            // OSV evaluates Bitnami versions as semantic versions; upstream projects do not always use them.
            Self::Bitnami | Self::Cpe | Self::Hackage | Self::Cran => Scheme::Generic,
        }
    }

    /// Returns the spelling of a package name under which advisories and packages of this ecosystem meet.
    pub fn canonical_name(&self, name: &str) -> String {
        match self {
            // PEP 503: runs of `-`, `_` and `.` are one `-`, case does not matter.
            Self::PyPi => {
                let mut canonical = String::with_capacity(name.len());
                for char in name.trim().chars() {
                    match char {
                        '-' | '_' | '.' if canonical.ends_with('-') => {}
                        '-' | '_' | '.' => canonical.push('-'),
                        other => canonical.extend(other.to_lowercase()),
                    }
                }
                canonical
            }
            // NuGet and Packagist compare names without regard to case; so do Hex and GitHub owners.
            Self::NuGet | Self::Packagist | Self::Hex | Self::GitHubActions => name.to_lowercase(),
            // Repository addresses come with and without scheme and `.git`.
            Self::SwiftUrl => {
                let name = name.split_once("://").map_or(name, |(_, rest)| rest);
                name.trim_end_matches('/').trim_end_matches(".git").to_lowercase()
            }
            _ => name.to_owned(),
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Distro { distro, release } if release.is_empty() => f.write_str(distro.ecosystem),
            Self::Distro { distro, release } => write!(f, "{}:{release}", distro.ecosystem),
            language => f.write_str(
                LANGUAGES.iter().find(|(known, _)| known == language).map_or("", |(_, name)| name),
            ),
        }
    }
}

impl FromStr for Ecosystem {
    type Err = UnknownEcosystem;

    fn from_str(text: &str) -> Result<Self, UnknownEcosystem> {
        // Suffixes of language ecosystems name a package index (`PyPI:https://…`, `Packagist:https://packages.drupal.org/8`).
        let head = text.split_once(':').map_or(text, |(head, _)| head);
        if let Some((language, _)) = LANGUAGES.iter().find(|(_, name)| name.eq_ignore_ascii_case(head)) {
            return Ok(language.clone());
        }
        distro::parse_ecosystem(text).ok_or_else(|| UnknownEcosystem(text.chars().take(120).collect()))
    }
}

impl TryFrom<String> for Ecosystem {
    type Error = UnknownEcosystem;
    fn try_from(text: String) -> Result<Self, UnknownEcosystem> {
        text.parse()
    }
}

impl From<Ecosystem> for String {
    fn from(ecosystem: Ecosystem) -> Self {
        ecosystem.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for text in [
            "PyPI",
            "npm",
            "crates.io",
            "Debian:11",
            "Alpine:v3.11",
            "AlmaLinux:9",
            "Ubuntu:22.04",
            "Wolfi",
            "Rocky Linux:8",
            "Red Hat:9",
            "GitHub Actions",
        ] {
            assert_eq!(text.parse::<Ecosystem>().unwrap().to_string(), text);
        }
        assert_eq!("Ubuntu:Pro:16.04:LTS".parse::<Ecosystem>().unwrap().to_string(), "Ubuntu:16.04");
        assert_eq!(
            "Packagist:https://packages.drupal.org/8".parse::<Ecosystem>().unwrap(),
            Ecosystem::Packagist
        );
        assert!("Plan 9".parse::<Ecosystem>().is_err());
    }

    #[test]
    fn python_names_are_canonical() {
        assert_eq!(Ecosystem::PyPi.canonical_name("Foo._-Bar"), "foo-bar");
        assert_eq!(Ecosystem::Npm.canonical_name("@Scope/Name"), "@Scope/Name");
    }
}
