//! Why an image could not be opened, and why one of its layers could not be read.

use crate::engine::EngineError;
use crate::network::TimeUp;
use crate::registry::RegistryError;
use assay_model::{Digest, Platform};
use std::io;
use std::path::PathBuf;

/// Why an image could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is nothing at the path.
    #[error("there is no file or folder `{path}`", path = path.display())]
    Missing {
        /// The path as typed.
        path: PathBuf,
    },
    /// The path cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// What is at the path is not an image of the expected form.
    #[error("`{place}` is not an image: {found}")]
    NotAnImage {
        /// The path or reference.
        place: String,
        /// What was found instead.
        found: String,
    },
    /// A manifest belongs to something else: a chart, a signature, an SBOM.
    #[error("{what} is not an image: an artifact of type `{artifact_type}`")]
    Artifact {
        /// Which document.
        what: String,
        /// Its type.
        artifact_type: String,
    },
    /// A document that should be a manifest or an index is neither.
    #[error("{what} is neither a manifest nor an index")]
    NoManifest {
        /// Which document.
        what: String,
    },
    /// An archive ends early or is damaged.
    #[error("archive `{path}` is truncated or damaged", path = path.display())]
    Damaged {
        /// The archive.
        path: PathBuf,
        /// Where and how.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The spool file cannot be written.
    #[error("cannot unpack into a temporary file in `{folder}`", folder = folder.display())]
    Spool {
        /// The folder for temporary files.
        folder: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file that an image refers to is not there.
    #[error("`{place}` lacks `{member}`")]
    Incomplete {
        /// The path or reference.
        place: String,
        /// The missing file or blob.
        member: String,
    },
    /// A document is not what its specification says.
    #[error("{what} is malformed")]
    Malformed {
        /// Which document.
        what: String,
        /// The parser's word.
        source: serde_json::Error,
    },
    /// Something is above a bound that no real image reaches.
    #[error("{what} is above the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The bound.
        limit: u64,
    },
    /// Stored bytes are not those that their digest names.
    #[error("{what} has the wrong digest")]
    Digest {
        /// Which document.
        what: String,
        /// Both digests.
        source: Box<BlobMismatch>,
    },
    /// A document is of a type that is not known, or not an image.
    #[error("{what} has the unsupported media type `{media_type}`")]
    MediaType {
        /// Which document.
        what: String,
        /// Its type.
        media_type: String,
    },
    /// There are several images and none was chosen.
    #[error("`{place}` holds several images: {}", names.join(", "))]
    Ambiguous {
        /// The path.
        place: String,
        /// Their names.
        names: Vec<String>,
    },
    /// The chosen image is not there.
    #[error("`{place}` has no image `{wanted}`; it holds {}", listed(names))]
    NoSuchImage {
        /// The path.
        place: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        names: Vec<String>,
    },
    /// The image is not made for the platform.
    #[error("`{place}` has no image for `{wanted}`; it is made for {}", listed(available))]
    UnknownPlatform {
        /// The path or reference.
        place: String,
        /// What was asked for.
        wanted: Platform,
        /// What there is.
        available: Vec<Platform>,
    },
    /// The image has no layers, so there is nothing to look at.
    #[error("`{place}` is empty: it has no {what}")]
    Empty {
        /// The path or reference.
        place: String,
        /// What it has none of: images or layers.
        what: &'static str,
    },
    /// Manifest and configuration disagree about the layers.
    #[error("the manifest lists {manifest} layers and the configuration {config}")]
    LayerCount {
        /// Layers in the manifest.
        manifest: usize,
        /// Layers in the configuration.
        config: usize,
    },
    /// The caller's time was up before the image was known.
    #[error("it takes longer than the time limit allows")]
    TimedOut(#[from] TimeUp),
    /// The registry did not give the image.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The container engine did not give the image.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Writes a list for people; never empty.
fn listed<T: ToString>(values: &[T]) -> String {
    if values.is_empty() {
        return "none that is named".to_owned();
    }
    values.iter().map(|value| format!("`{}`", value.to_string())).collect::<Vec<_>>().join(", ")
}

/// Why the bytes of a layer cannot be had. The other layers may still be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadLayerError {
    /// There is no layer of that number.
    #[error("there is no layer {0}")]
    NoSuchLayer(usize),
    /// The layer may not be distributed (Windows base layers), so that the image does not carry it.
    #[error("layer `{0}` is not distributed with the image")]
    NotDistributed(Digest),
    /// The layer's blob is not there.
    #[error("`{0}` is missing")]
    Missing(String),
    /// The layer's blob cannot be read.
    #[error("cannot read `{what}`")]
    Read {
        /// The file or member.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The layer can only be read whole.
    #[error("it can only be read whole")]
    WholeOnly,
    /// The registry did not give the layer.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// The bytes that were read are not those that were promised.
///
/// It is the cause inside the `io::Error` that a layer's reader gives at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobMismatch {
    /// The bytes have another digest.
    #[error("expected `{expected}`, found `{actual}`")]
    Digest {
        /// The digest that was promised.
        expected: Digest,
        /// The digest of what was read.
        actual: Digest,
    },
    /// There are more or fewer bytes.
    #[error("expected {expected} bytes, found {actual} or more")]
    Size {
        /// The number that was promised.
        expected: u64,
        /// The number that was read.
        actual: u64,
    },
}

impl BlobMismatch {
    /// Returns the mismatch if that is what `error` says.
    pub fn find(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
    }
}
