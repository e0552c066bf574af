//! An image as resolved from a source: digests, configuration and layers.

use crate::digest::{DiffId, Digest};
use crate::lineage::Base;
use crate::platform::Platform;
use crate::timestamp::Timestamp;
use std::collections::BTreeMap;

/// A resolved image. Everything about it is tied to its digests.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Image {
    /// What the user typed, without credentials.
    pub reference: String,
    /// The digest of the multi-platform index the image was chosen from.
    pub index_digest: Option<Digest>,
    /// The digest of its manifest; sources that keep none (a classic `docker save`) leave it out.
    pub manifest_digest: Option<Digest>,
    /// The digest of its configuration, which Docker calls the image's ID.
    pub image_id: Option<Digest>,
    /// What it runs on.
    pub platform: Option<Platform>,
    /// When it was built, as it claims.
    pub created: Option<Timestamp>,
    /// Labels of its configuration.
    pub labels: BTreeMap<String, String>,
    /// How it is started.
    pub config: ImageConfig,
    /// Annotations of its manifest.
    pub annotations: BTreeMap<String, String>,
    /// Layers, the base first.
    pub layers: Vec<Layer>,
    /// The build history, oldest first, where it fits the layers.
    pub history: Vec<HistoryEntry>,
    /// The image it was built from, once that was looked for.
    pub base: Option<Base>,
}

/// One step of a build, as the image claims.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryEntry {
    /// The instruction.
    pub created_by: String,
    /// Whether it made no layer.
    pub empty_layer: bool,
}

/// The part of an image's configuration that says how it is started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// The user, `uid[:gid]` or names.
    pub user: String,
    /// `NAME=value` settings.
    pub env: Vec<String>,
    /// The entry point.
    pub entrypoint: Vec<String>,
    /// The command.
    pub command: Vec<String>,
    /// The working directory.
    pub working_dir: String,
    /// Exposed ports, such as `80/tcp`.
    pub exposed_ports: Vec<String>,
    /// The health check's command.
    pub health_check: Vec<String>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layer {
    /// The digest of the uncompressed tar, as the configuration claims; verified while reading.
    pub diff_id: Option<DiffId>,
    /// The digest of the blob as stored; local engines that store layers unpacked have none.
    pub digest: Option<Digest>,
    /// The blob's size in bytes, as the manifest claims.
    pub size: Option<u64>,
    /// The media type.
    pub media_type: String,
    /// Annotations of its descriptor in the manifest; zstd:chunked and eStargz say there where their tables lie.
    pub annotations: BTreeMap<String, String>,
    /// The build instruction that made it, as the history says.
    pub created_by: Option<String>,
}
