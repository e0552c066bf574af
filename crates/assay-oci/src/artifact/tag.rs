//! Tags that stand for a digest: the fallback tag of referrers, and those of cosign.

use super::ArtifactKind;
use assay_model::Digest;
use std::fmt;

/// The most letters of a digest that a fallback tag has, by the distribution specification.
const MAX_HEX: usize = 64;

/// One of cosign's tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TagScheme {
    /// `sha256-….sig`: a layer for each signature.
    Signature,
    /// `sha256-….att`: a layer for each attestation.
    Attestation,
    /// `sha256-….sbom`: a bill of materials, which nobody signed.
    Sbom,
}

impl TagScheme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Signature, Self::Attestation, Self::Sbom];

    /// Returns the end of the tag.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Signature => ".sig",
            Self::Attestation => ".att",
            Self::Sbom => ".sbom",
        }
    }

    /// Returns what is under the tag.
    pub fn kind(self) -> ArtifactKind {
        match self {
            Self::Signature => ArtifactKind::Signature,
            Self::Attestation => ArtifactKind::Attestation,
            Self::Sbom => ArtifactKind::Sbom,
        }
    }

    /// Returns the tag for what is attached to `subject`.
    pub fn tag(self, subject: &Digest) -> String {
        format!("{}-{}{}", subject.algorithm(), subject.hex(), self.suffix())
    }
}

impl fmt::Display for TagScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.suffix())
    }
}

/// Returns the tag of the list of what refers to `subject`, for registries that keep no such list.
pub fn fallback_tag(subject: &Digest) -> String {
    let mut hex = subject.hex();
    hex.truncate(MAX_HEX);
    format!("{}-{hex}", subject.algorithm())
}

/// Returns the digest that a tag stands for, if it is one of these.
pub fn subject_of_tag(tag: &str) -> Option<Digest> {
    let stem = TagScheme::ALL.iter().find_map(|scheme| tag.strip_suffix(scheme.suffix())).unwrap_or(tag);
    let (algorithm, hex) = stem.split_once('-')?;
    format!("{algorithm}:{hex}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_stand_for_digests_and_back() {
        let digest: Digest = format!("sha256:{}", "0a".repeat(32)).parse().unwrap();
        let stem = format!("sha256-{}", "0a".repeat(32));
        assert_eq!(fallback_tag(&digest), stem);
        assert_eq!(TagScheme::Attestation.tag(&digest), format!("{stem}.att"));
        for tag in [stem.clone(), format!("{stem}.sig"), format!("{stem}.sbom")] {
            assert_eq!(subject_of_tag(&tag), Some(digest), "{tag}");
        }
        for tag in ["v1", "sha256-", &format!("{stem}.txt"), &stem.to_uppercase()] {
            assert_eq!(subject_of_tag(tag), None, "{tag}");
        }
        let long: Digest = format!("sha512:{}", "0b".repeat(64)).parse().unwrap();
        assert_eq!(fallback_tag(&long).len(), "sha512-".len() + 64);
    }
}
