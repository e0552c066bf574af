//! A whole image's inventory as it is kept: what the layers come to when they lie over each other, and what of it is used.
//!
//! It spares a rescan everything but the look at the layers' pairs. Laying over and grading have no revision of their own, so
//! an inventory is kept for one build of the program only; the layers' own analyses outlive it.

use super::{LayerCache, MAX_ENTRY, bounds, read_bounded};
use assay_analyze::{Limits, Matcher};
use assay_model::{
    Detection, Digest, FileEntry, Image, Inventory, Leftover, Observation, Os, Package, Warning,
};
use assay_oci::Assurance;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;

/// What an entry begins with.
const MAGIC: [u8; 8] = *b"assayin\x04";

#[derive(Serialize)]
struct Written<'a> {
    os: &'a Option<Os>,
    packages: &'a [Package],
    leftovers: &'a [Leftover],
    deep: bool,
    observations: &'a [Observation],
    files: &'a [FileEntry],
    detections: &'a [Detection],
    warnings: &'a [Warning],
}

#[derive(Deserialize)]
struct Read {
    os: Option<Os>,
    packages: Vec<Package>,
    leftovers: Vec<Leftover>,
    deep: bool,
    observations: Vec<Observation>,
    files: Vec<FileEntry>,
    detections: Vec<Detection>,
    warnings: Vec<Warning>,
}

impl LayerCache {
    /// Returns what is in an image whose every layer is known to be stored as it was when this program read it.
    pub(crate) fn inventory(
        &self,
        image: &Image,
        assurance: impl Fn(usize) -> Assurance,
        matcher: &Matcher<'_>,
        limits: &Limits,
    ) -> Option<Inventory> {
        let path = self.inventory_path(image, matcher, limits)?;
        let bytes = read_bounded(&path, MAX_ENTRY)?;
        for (index, layer) in image.layers.iter().enumerate() {
            if !self.is_sure(layer.digest, layer.diff_id?, &assurance(index)) {
                return None;
            }
        }
        let (magic, rest) = bytes.split_first_chunk()?;
        let (crc, body) = rest.split_first_chunk()?;
        if *magic != MAGIC || crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let read: Read = postcard::from_bytes(body).ok()?;
        // The layers stay in use through it.
        for layer in &image.layers {
            self.note_use(&self.layer_path(layer.diff_id?));
        }
        self.note_use(&path);
        Some(Inventory {
            os: read.os,
            packages: read.packages,
            leftovers: read.leftovers,
            deep: read.deep,
            observations: read.observations,
            files: read.files,
            detections: read.detections,
            warnings: read.warnings,
        })
    }

    /// Keeps what is in an image all of whose layers were read whole.
    pub(crate) fn store_inventory(
        &self,
        image: &Image,
        inventory: &Inventory,
        matcher: &Matcher<'_>,
        limits: &Limits,
    ) {
        let Some(path) = self.inventory_path(image, matcher, limits) else { return };
        let written = Written {
            os: &inventory.os,
            packages: &inventory.packages,
            leftovers: &inventory.leftovers,
            deep: inventory.deep,
            observations: &inventory.observations,
            files: &inventory.files,
            detections: &inventory.detections,
            warnings: &inventory.warnings,
        };
        let Ok(body) = postcard::to_allocvec(&written) else { return };
        let mut bytes = MAGIC.to_vec();
        bytes.extend(crc32fast::hash(&body).to_le_bytes());
        bytes.extend(body);
        // That it cannot be kept is no failure of the scan.
        let _ = self.write(&path, &bytes);
    }

    /// Returns where the inventory of an image is kept: under everything that it depends on.
    fn inventory_path(&self, image: &Image, matcher: &Matcher<'_>, limits: &Limits) -> Option<PathBuf> {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        add(self.program.as_deref()?);
        // The configuration, which says what is started.
        add(&image.image_id?.to_string());
        add(&bounds(limits).to_string());
        for layer in &image.layers {
            add(&layer.diff_id?.to_string());
            add(&layer.digest.map(|digest| digest.to_string()).unwrap_or_default());
        }
        for analyzer in matcher.analyzers() {
            let id = analyzer.id();
            add(id.name);
            add(&id.revision.to_string());
        }
        let key = Digest::Sha256(hash.finalize().into());
        Some(self.path("inventories", key, &key.hex()))
    }
}
