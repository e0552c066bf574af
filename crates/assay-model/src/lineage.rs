//! The base of an image: the image it was built from, as far as that can be told.

use crate::digest::Digest;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// How a base is known, from the strongest evidence to the weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BaseEvidence {
    /// The layers of a known image are the first of this one: digests do not coincide by chance.
    LayerPrefix,
    /// Annotations of the image name it
    /// (<https://github.com/opencontainers/image-spec/blob/main/annotations.md>); its layers are not known here.
    Annotation,
    /// The build history looks as if a base ended there.
    History,
}

impl BaseEvidence {
    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::LayerPrefix => "layer-prefix",
            Self::Annotation => "annotation",
            Self::History => "history",
        }
    }
}

/// The image another one was built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// What it is called, where anything says so.
    pub reference: Option<String>,
    /// The digest of its manifest.
    pub manifest_digest: Option<Digest>,
    /// The digest of its configuration.
    pub image_id: Option<Digest>,
    /// When it was built, as it claims.
    pub created: Option<Timestamp>,
    /// How many of the image's layers, counted from the first, are its; `None` when only its name is known.
    pub layers: Option<u32>,
    /// How it is known.
    pub evidence: BaseEvidence,
    /// Whether the user named it, or its repository. What merely was scanned before may be anybody's image.
    pub named: bool,
    /// The same in words.
    pub detail: String,
    /// How many findings come from it, before any filter.
    pub findings: u64,
    /// Of how many.
    pub of_findings: u64,
    /// Whether there is no newer image of its name; `None` where nobody looked.
    pub newest: Option<bool>,
    /// A newer image of the same name, and what building on it would change.
    pub newer: Option<NewerBase>,
}

/// A newer base, and what its real findings predict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewerBase {
    /// What it is called.
    pub reference: String,
    /// The digest of its manifest.
    pub manifest_digest: Option<Digest>,
    /// When it was built, as it claims.
    pub created: Option<Timestamp>,
    /// Findings of this image that would go: the identifier, and the package's name.
    pub removes: Vec<(String, String)>,
    /// Findings that would come.
    pub adds: Vec<(String, String)>,
}

impl Base {
    /// Returns whether its layers are those of an image that the user named: only then may what it brings be left out of a count.
    pub fn is_sure(&self) -> bool {
        self.evidence == BaseEvidence::LayerPrefix && self.named
    }

    /// Returns whether a layer belongs to the base, as far as that is known.
    pub fn has_layer(&self, layer: u32) -> Option<bool> {
        self.layers.map(|count| layer < count)
    }
}
