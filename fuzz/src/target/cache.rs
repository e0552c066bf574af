//! What was kept of an earlier scan, damaged: the file of a layer's analysis, in the place where the next scan looks for it.
//!
//! The layer itself is at hand, so that whatever stands in the file, the scan comes to an end; and what stands there is laid
//! over another layer as if it were true.

use super::oci::in_folder;
use crate::{Target, seed};
use assay_analyze::Limits;
use assay_engine::{LayerCache, Progress, Settings, image_inventory};
use assay_model::report::SourceKind;
use assay_model::{DiffId, Digest, Image, Layer, Timestamp};
use assay_oci::{Assurance, OpenImage, ReadLayerError};
use std::fs;
use std::io::{Cursor, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub(super) fn targets() -> Vec<Target> {
    vec![Target::new("layer-cache", seeds, cached)]
}

/// An image of one or two layers, as a registry would serve it.
struct Served {
    image: Image,
    layers: Vec<Vec<u8>>,
}

impl OpenImage for Served {
    fn kind(&self) -> SourceKind {
        SourceKind::Registry
    }
    fn image(&self) -> &Image {
        &self.image
    }
    fn read(&self, layer: usize) -> Result<Box<dyn Read + Send>, ReadLayerError> {
        Ok(Box::new(Cursor::new(self.layers[layer].clone())))
    }
    fn assurance(&self, _: usize) -> Assurance {
        Assurance::ByDigest
    }
    fn set_reference(&mut self, reference: String) {
        self.image.reference = reference;
    }
}

fn digest(bytes: &[u8]) -> Digest {
    assay_test::image::digest(bytes).parse().expect("it is a digest")
}

/// The image: a layer whose analysis is kept, and one that is read.
fn served() -> Served {
    let kept = seed::layer(&[
        ("etc/os-release".to_owned(), b"ID=debian\nVERSION_ID=12\n".to_vec()),
        ("srv/go.mod".to_owned(), b"module a.b/c\nrequire x.y/z v1.2.3\n".to_vec()),
        ("srv/requirements.txt".to_owned(), b"Django==2.2\n".to_vec()),
    ]);
    let above =
        assay_test::image::Tree::new().whiteout("srv/go.mod").file("srv/x/go.mod", "module x\n").tar();
    let layers = vec![kept, above];
    let described = layers.iter().map(|tar| Layer {
        diff_id: Some(DiffId(digest(tar))),
        digest: Some(digest(tar)),
        size: Some(tar.len() as u64),
        media_type: "application/vnd.oci.image.layer.v1.tar".to_owned(),
        annotations: std::collections::BTreeMap::new(),
        created_by: None,
    });
    Served { image: Image { layers: described.collect(), ..Image::default() }, layers }
}

/// Scans with a cache in `folder`; says what the inventory is.
fn scan(served: &Served, folder: &Path) -> String {
    let mut settings =
        Settings::new(Limits::new(std::env::temp_dir()), NonZeroUsize::MIN, &assay_model::FindingKind::ALL);
    settings.cache = Some(LayerCache::new(folder.to_owned(), 1 << 30, Timestamp(1_700_000_000)));
    let found = image_inventory(served, &mut served.image.clone(), &settings, &Progress::default());
    format!("{:?}", found.map_err(|error| error.to_string()))
}

/// Returns where the kept layer's analysis lies.
fn entry(folder: &Path, served: &Served) -> PathBuf {
    let name = digest(&served.layers[0]).hex();
    folder.join("layers").join(&name[..2]).join(name)
}

fn seeds() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let served = served();
    scan(&served, folder.path());
    vec![fs::read(entry(folder.path(), &served)).expect("the analysis was kept")]
}

fn cached(data: &[u8]) -> String {
    in_folder(|folder| {
        let served = served();
        let path = entry(folder, &served);
        let name = digest(&served.layers[0]).hex();
        let pair = folder.join("pairs").join(&name[..2]).join(format!("{name}-{name}"));
        for (path, content) in [(&path, with_checksum(data).as_slice()), (&pair, b"\n")] {
            fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("the folder is ours");
            fs::write(path, content).expect("the folder is ours");
        }
        scan(&served, folder)
    })
}

/// Gives an entry the checksum it should have: it stands behind the first eight bytes, and is of what follows it.
fn with_checksum(data: &[u8]) -> Vec<u8> {
    let mut fixed = data.to_vec();
    if let Some((header, body)) = fixed.split_at_mut_checked(12) {
        let mut crc = flate2::Crc::new();
        crc.update(body);
        header[8..].copy_from_slice(&crc.sum().to_le_bytes());
    }
    fixed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise damage would only ever be noticed, never read.
    #[test]
    fn what_is_in_the_file_is_believed() {
        let whole = seeds().remove(0);
        let at = whole.windows(6).position(|bytes| bytes == b"Django").expect("it is there");
        let mut other = whole.clone();
        other[at..at + 6].copy_from_slice(b"Flaskk");
        assert!(cached(&whole).contains("Django"));
        assert!(cached(&other).contains("Flaskk"));
    }
}
