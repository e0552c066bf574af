//! Raw evidence, as it was found beside an image.

use crate::{bundle, notation, simple_signing};
use assay_model::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Where evidence was found; only for explanations, as whoever can push can put it anywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "kebab-case")]
pub enum Found {
    /// In the registry's list of referrers.
    Referrer {
        /// The manifest that carries it.
        digest: Digest,
    },
    /// In the list under the fallback tag.
    FallbackTag {
        /// The manifest that carries it.
        digest: Digest,
    },
    /// Beside the image, in its index.
    Index {
        /// The manifest that carries it.
        digest: Digest,
    },
    /// Under a tag of cosign 2.
    Tag {
        /// The tag.
        tag: String,
    },
    /// In a file.
    File {
        /// What the user called it.
        name: String,
    },
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Referrer { digest } => write!(f, "referrer {}", digest.short()),
            Self::FallbackTag { digest } => write!(f, "fallback tag {}", digest.short()),
            Self::Index { digest } => write!(f, "index {}", digest.short()),
            Self::Tag { tag } => write!(f, "tag {tag}"),
            Self::File { name } => write!(f, "file {name}"),
        }
    }
}

/// One piece of evidence: a layer of an artifact.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Where it was found.
    pub found: Found,
    /// The layer's media type.
    pub media_type: String,
    /// The layer's annotations.
    pub annotations: BTreeMap<String, String>,
    /// The layer.
    pub bytes: Vec<u8>,
}

/// What kind of evidence it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A Sigstore bundle.
    Bundle,
    /// A signature of cosign 2.
    SimpleSigning,
    /// An attestation of cosign 2.
    Dsse,
    /// A Notary Project signature as JWS.
    NotationJws,
    /// A Notary Project signature as COSE.
    NotationCose,
    /// Something else.
    Unknown,
}

impl Format {
    /// Returns the format that a media type stands for.
    pub fn of(media_type: &str) -> Self {
        match media_type {
            simple_signing::MEDIA_TYPE => Self::SimpleSigning,
            "application/vnd.dsse.envelope.v1+json" => Self::Dsse,
            notation::JWS_MEDIA_TYPE => Self::NotationJws,
            notation::COSE_MEDIA_TYPE => Self::NotationCose,
            other if other.starts_with(bundle::MEDIA_TYPE_PREFIX) => Self::Bundle,
            _ => Self::Unknown,
        }
    }

    /// Returns the word for people, for one or several.
    pub(crate) fn noun(self, count: usize) -> &'static str {
        match (self, count) {
            (Self::Bundle, 1) => "bundle",
            (Self::Bundle, _) => "bundles",
            (Self::SimpleSigning, 1) => "cosign signature",
            (Self::SimpleSigning, _) => "cosign signatures",
            (Self::Dsse, 1) => "cosign attestation",
            (Self::Dsse, _) => "cosign attestations",
            (Self::NotationJws | Self::NotationCose, 1) => "Notation signature",
            (Self::NotationJws | Self::NotationCose, _) => "Notation signatures",
            (Self::Unknown, 1) => "unknown artifact",
            (Self::Unknown, _) => "unknown artifacts",
        }
    }
}
