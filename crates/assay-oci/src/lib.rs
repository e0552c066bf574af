#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod archive;
pub mod artifact;
mod assurance;
pub mod copy;
pub mod credentials;
pub mod descriptor;
pub mod dir;
mod document;
pub mod engine;
mod error;
pub mod exchange;
mod files;
pub mod network;
pub mod pin;
mod platform;
pub mod prune;
pub mod reference;
pub mod registry;
pub mod repository;
mod resolve;
mod secret;
pub mod source;
mod verify;

pub use archive::SpoolOptions;
pub use artifact::document::ManifestDocument;
pub use artifact::{Artifact, ArtifactKind, Artifacts, Attached, Found, NewArtifact, NewLayer, TagScheme};
pub use assurance::{Assurance, Witness};
pub use credentials::{CredentialLookup, CredentialSources, Credentials, UsualPlaces};
pub use descriptor::Descriptor;
pub use engine::{EngineError, EngineKind};
pub use error::{BlobMismatch, OpenError, ReadLayerError};
pub use network::TimeUp;
pub use network::{Network, NetworkOptions};
pub use platform::image_for;
pub use reference::{InvalidReference, Reference, without_password};
pub use registry::push::Transfer;
pub use registry::{Access, RegistryError, RegistryErrorKind};
pub use repository::{Repository, RepositoryError, StoredManifest};
pub use secret::Secret;
pub use source::{
    InvalidSource, OpenImage, OpenOptions, PathKind, Place, Selector, Source, SourceKind, recognise,
};
