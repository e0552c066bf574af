//! From a descriptor to one image: through indexes by platform, to manifest and configuration, each verified.

use crate::document::{Config, Descriptor, Document, MAX_CONFIG, MAX_MANIFEST, Manifest, parse};
use crate::error::OpenError;
use crate::platform;
use crate::verify;
use assay_model::{Image, Layer, Platform};
use std::collections::BTreeMap;

/// Indexes within indexes: tools write at most two levels.
const MAX_DEPTH: usize = 4;

/// Which of a source's files a document is: registries serve manifests and blobs at different addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    Manifest,
    Blob,
}

/// A place that holds documents by their digest.
pub(crate) trait Documents {
    /// Returns what users call the place.
    fn place(&self) -> String;

    /// Returns the bytes of a document, at most `limit`; they need not be verified yet.
    fn read(&self, stored: Stored, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, OpenError>;
}

/// Reads and verifies a document.
fn fetch(
    from: &impl Documents,
    stored: Stored,
    descriptor: &Descriptor,
    limit: u64,
) -> Result<Vec<u8>, OpenError> {
    let what = || format!("`{}`", descriptor.digest);
    if descriptor.size.is_some_and(|size| size > limit) {
        return Err(OpenError::TooLarge { what: what(), limit });
    }
    let bytes = from.read(stored, descriptor, limit)?;
    verify::check(&bytes, &descriptor.digest).map_err(|source| OpenError::Digest {
        what: format!("`{}`", from.place()),
        source: Box::new(source),
    })?;
    Ok(bytes)
}

/// Resolves `start` to one image for `wanted`, or for `linux/amd64` when nothing is wanted.
pub(crate) fn resolve(
    from: &impl Documents,
    start: Descriptor,
    wanted: Option<&Platform>,
) -> Result<Image, OpenError> {
    let mut index_digest = None;
    let mut descriptor = start;
    for _ in 0..MAX_DEPTH {
        let bytes = fetch(from, Stored::Manifest, &descriptor, MAX_MANIFEST)?;
        let what = format!("manifest `{}`", descriptor.digest);
        match Document::parse(&bytes, descriptor.media_type.as_deref(), &what)? {
            Document::Manifest(manifest) => {
                let config = fetch(from, Stored::Blob, &manifest.config, MAX_CONFIG)?;
                let mut image = assemble(&from.place(), &manifest, &config)?;
                image.index_digest = index_digest;
                image.manifest_digest = Some(descriptor.digest);
                check_platform(&from.place(), &image, wanted)?;
                return Ok(image);
            }
            Document::Index(manifests) => {
                index_digest.get_or_insert(descriptor.digest);
                descriptor = choose(&from.place(), manifests, wanted)?;
            }
        }
    }
    let limit = u64::try_from(MAX_DEPTH).unwrap_or(u64::MAX);
    Err(OpenError::TooLarge { what: "the nesting of indexes".to_owned(), limit })
}

/// Refuses an image that is made for something else than what was explicitly asked for.
pub(crate) fn check_platform(place: &str, image: &Image, wanted: Option<&Platform>) -> Result<(), OpenError> {
    match (wanted, &image.platform) {
        (Some(wanted), Some(platform)) if !platform.satisfies(wanted) => Err(OpenError::UnknownPlatform {
            place: place.to_owned(),
            wanted: wanted.clone(),
            available: vec![platform.clone()],
        }),
        _ => Ok(()),
    }
}

/// Chooses the manifest for a platform.
pub(crate) fn choose(
    place: &str,
    manifests: Vec<Descriptor>,
    wanted: Option<&Platform>,
) -> Result<Descriptor, OpenError> {
    let mut images: Vec<_> = manifests.into_iter().filter(|entry| !entry.is_attestation()).collect();
    let default = Platform::linux_amd64();
    let platform = wanted.unwrap_or(&default);
    let fitting = platform::position(&images, Descriptor::platform, platform);
    // With nothing to choose from there is nothing to get wrong; an explicit wish is checked against the configuration.
    let only =
        || images.len() == 1 && (wanted.is_none() || images.iter().all(|entry| entry.platform().is_none()));
    match fitting.or_else(|| only().then_some(0)) {
        Some(at) if at < images.len() => Ok(images.swap_remove(at)),
        _ if images.is_empty() => Err(OpenError::Empty { place: place.to_owned(), what: "images" }),
        _ => Err(platform::unknown(place.to_owned(), &images, Descriptor::platform, platform)),
    }
}

/// Makes the image of a manifest and the bytes of its configuration.
pub(crate) fn assemble(place: &str, manifest: &Manifest, config: &[u8]) -> Result<Image, OpenError> {
    let mut image = from_config(place, config, manifest.layers.len())?;
    for (layer, descriptor) in image.layers.iter_mut().zip(&manifest.layers) {
        layer.digest = Some(descriptor.digest);
        layer.size = descriptor.size;
        layer.media_type = descriptor.media_type.clone().unwrap_or_default();
        layer.annotations = descriptor.annotations.clone().unwrap_or_default();
    }
    image.annotations = manifest.annotations.clone();
    Ok(image)
}

/// Makes the image of a configuration, with `count` layers whose digests are still open.
pub(crate) fn from_config(place: &str, bytes: &[u8], count: usize) -> Result<Image, OpenError> {
    let config: Config = parse(bytes, "the image's configuration")?;
    if count == 0 {
        return Err(OpenError::Empty { place: place.to_owned(), what: "layers" });
    }
    let diff_ids = config.diff_ids();
    if diff_ids.len() != count {
        return Err(OpenError::LayerCount { manifest: count, config: diff_ids.len() });
    }
    let layer = |(diff_id, created_by)| Layer {
        diff_id: Some(diff_id),
        digest: None,
        size: None,
        media_type: String::new(),
        annotations: BTreeMap::new(),
        created_by,
    };
    let layers = diff_ids.iter().copied().zip(config.created_by(count)).map(layer).collect();
    let platform = config.platform();
    let history = config.history(count);
    let created = config.created.as_deref().and_then(|text| text.parse().ok());
    let (labels, runtime) = config.into_runtime();
    Ok(Image {
        image_id: Some(verify::sha256(bytes)),
        platform,
        created,
        labels,
        config: runtime,
        layers,
        history,
        ..Image::default()
    })
}
