//! Dispatch by scheme: whether a version meets a textual requirement.

use assay_model::Scheme;

use crate::order::shown;
use crate::{InvalidVersion, is_valid, npm, range};

/// The longest text taken for a requirement; the longest lists of alternatives in real advisories stay below 4 KiB.
pub const MAX_REQUIREMENT_LENGTH: usize = 16 * 1024;

/// The error of a requirement that cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequirement {
    /// The requirement is not in the scheme's grammar.
    #[error("`{text}` is not a requirement in the scheme {scheme:?}")]
    Malformed {
        /// The scheme asked for.
        scheme: Scheme,
        /// The beginning of the refused text.
        text: String,
    },
    /// The version held against it is no version in the scheme.
    #[error(transparent)]
    Version(#[from] InvalidVersion),
}

/// Returns whether the version meets the requirement, in the scheme's own grammar of ranges.
///
/// # Errors
///
/// Says whether the version or the requirement cannot be read.
pub fn satisfies(scheme: Scheme, version: &str, requirement: &str) -> Result<bool, InvalidRequirement> {
    let malformed = || InvalidRequirement::Malformed { scheme, text: shown(requirement) };
    // apk's order is total beyond its grammar; an installed package's version is never refused.
    if scheme != Scheme::Apk && !is_valid(scheme, version) {
        return Err(InvalidVersion::new(scheme, version).into());
    }
    if requirement.len() > MAX_REQUIREMENT_LENGTH {
        return Err(malformed());
    }
    let met = match scheme {
        Scheme::Npm => npm::parse(version).and_then(|version| npm::satisfies(&version, requirement)),
        Scheme::Pep440 => range::pep440::satisfies(version, requirement),
        Scheme::Gem => range::gem::satisfies(version, requirement),
        Scheme::Maven => range::interval::satisfies(scheme, version, requirement),
        Scheme::NuGet => range::interval::satisfies(scheme, version, requirement),
        Scheme::Composer => range::composer::satisfies(version, requirement),
        Scheme::Semver => range::cargo::satisfies(version, requirement),
        Scheme::Hex => range::hex::satisfies(version, requirement),
        Scheme::Pub => range::pub_::satisfies(version, requirement),
        Scheme::Conan => range::conan::satisfies(version, requirement),
        Scheme::Deb | Scheme::Rpm | Scheme::Apk | Scheme::Pacman | Scheme::Go | Scheme::Generic => {
            range::list::satisfies(scheme, version, requirement)
        }
    };
    met.ok_or_else(malformed)
}
