//! A stored inventory: what a later database is matched against, without another look at the image.
//!
//! It is kept as JSON with a revision, not in the form of the layer cache: it must outlive the program that wrote it. One of
//! another revision is read as none, and the image is scanned again.

use assay_model::{Detection, Inventory, Leftover, Observation, Os, Package, Warning};
use serde::{Deserialize, Serialize};

/// Counted up when the types below change in a way that older JSON does not fit.
pub(crate) const REVISION: i64 = 1;

#[derive(Serialize)]
struct Written<'a> {
    os: &'a Option<Os>,
    packages: &'a [Package],
    leftovers: &'a [Leftover],
    deep: bool,
    observations: &'a [Observation],
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
    detections: Vec<Detection>,
    warnings: Vec<Warning>,
}

pub(crate) fn write(inventory: &Inventory) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Written {
        os: &inventory.os,
        packages: &inventory.packages,
        leftovers: &inventory.leftovers,
        deep: inventory.deep,
        observations: &inventory.observations,
        detections: &inventory.detections,
        warnings: &inventory.warnings,
    })
}

pub(crate) fn read(bytes: &[u8]) -> Result<Inventory, serde_json::Error> {
    let read: Read = serde_json::from_slice(bytes)?;
    Ok(Inventory {
        os: read.os,
        packages: read.packages,
        leftovers: read.leftovers,
        deep: read.deep,
        observations: read.observations,
        // Only asked for when they are to be listed; matching needs none.
        files: Vec::new(),
        detections: read.detections,
        warnings: read.warnings,
    })
}
