//! What is remembered of an image that was read whole: enough to recognise it as the base of another.
//!
//! A record stands in two places, under its first layer (to find the base of an image) and under its name (to find a newer
//! image of the same name). Its layers were computed from their bytes by this installation.

use super::{LayerCache, list, read_bounded};
use crate::lineage::{Knowledge, KnownImage};
use assay_model::{DiffId, Digest, Image, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// What a record begins with; the last byte is raised whenever the encoding changes.
const MAGIC: [u8; 8] = *b"assayim\x01";

/// Bytes of one record that are read.
const MAX_RECORD: u64 = 1 << 20;

/// Records of one first layer, or of one name, that are looked at: a team's base image may carry thousands of images, of
/// which any few tell it.
const MAX_RECORDS: usize = 512;

#[derive(Serialize, Deserialize)]
struct Record {
    reference: String,
    manifest_digest: Option<Digest>,
    image_id: Option<Digest>,
    platform: String,
    created: Option<i64>,
    layers: Vec<(DiffId, Option<Digest>)>,
}

impl LayerCache {
    /// Remembers an image all of whose layers were read whole.
    pub(crate) fn remember(&self, image: &Image) {
        let layers: Option<Vec<_>> =
            image.layers.iter().map(|layer| Some((layer.diff_id?, layer.digest))).collect();
        let (Some(layers), Some(id)) = (layers, image.image_id) else { return };
        let Some((first, _)) = layers.first().copied() else { return };
        let record = Record {
            reference: image.reference.clone(),
            manifest_digest: image.manifest_digest,
            image_id: image.image_id,
            platform: image.platform.as_ref().map(ToString::to_string).unwrap_or_default(),
            created: image.created.map(|time| time.0),
            layers,
        };
        let Ok(body) = postcard::to_allocvec(&record) else { return };
        let mut bytes = MAGIC.to_vec();
        bytes.extend(crc32fast::hash(&body).to_le_bytes());
        bytes.extend(body);
        for folder in [self.by_layer(first), self.by_name(&record.reference)] {
            let path = folder.join(id.hex());
            // That it cannot be remembered is no failure of the scan.
            if read_bounded(&path, MAX_RECORD).as_deref() != Some(&bytes[..]) {
                let _ = self.write(&path, &bytes);
            }
        }
    }

    /// Returns the images whose first layer is this one.
    pub(crate) fn images_from(&self, first: DiffId) -> Vec<KnownImage> {
        records(&self.by_layer(first))
    }

    /// Returns the images of the same name, whatever their tag.
    pub(crate) fn images_named(&self, reference: &str) -> Vec<KnownImage> {
        records(&self.by_name(reference))
    }

    fn by_layer(&self, first: DiffId) -> PathBuf {
        self.folder.join("images").join(first.0.hex())
    }

    fn by_name(&self, reference: &str) -> PathBuf {
        let hash = Digest::Sha256(Sha256::digest(name(reference)).into());
        self.folder.join("images").join(format!("name-{}", hash.hex()))
    }
}

fn records(folder: &Path) -> Vec<KnownImage> {
    let mut paths = list(folder).unwrap_or_default();
    paths.sort();
    paths.truncate(MAX_RECORDS);
    paths.iter().filter_map(|path| decode(&read_bounded(path, MAX_RECORD)?)).collect()
}

fn decode(bytes: &[u8]) -> Option<KnownImage> {
    let (magic, rest) = bytes.split_first_chunk()?;
    let (crc, body) = rest.split_first_chunk()?;
    if *magic != MAGIC || crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let record: Record = postcard::from_bytes(body).ok()?;
    Some(KnownImage {
        reference: record.reference,
        manifest_digest: record.manifest_digest,
        image_id: record.image_id,
        platform: record.platform.parse().ok(),
        created: record.created.map(Timestamp),
        layers: record.layers,
        knowledge: Knowledge::Cache,
        inventory: None,
    })
}

/// Returns a reference without its tag and digest.
pub(crate) fn name(reference: &str) -> &str {
    let name = reference.split_once('@').map_or(reference, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}
