//! What `docker save`, `podman save` and `skopeo copy … docker-archive:` write.
//!
//! <https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format>. Two
//! shapes: the classic one (`<id>/layer.tar`, where equal layers are symbolic links, or `<diff id>.tar`), whose layers
//! are known by their diff-ids only, and since Docker 25 an OCI layout with a `manifest.json` beside it, whose layers
//! are blobs with digests. `manifest.json` lists the images in both.

use crate::assurance::Assurance;
use crate::document::names::Named;
use crate::document::{Document, MAX_CONFIG, MAX_MANIFEST, Manifest, parse};
use crate::error::{OpenError, ReadLayerError};
use crate::files::Files;
use crate::reference::Reference;
use crate::resolve::{Documents as _, Stored, check_platform, from_config};
use crate::source::oci::{self, Layout};
use crate::source::{OpenImage, Selector, SourceKind};
use crate::verify::{self, Verified};
use assay_model::{Digest, Image, Platform};
use serde::Deserialize;
use std::io::Read;

/// The type of the layers of the classic shape: plain tar archives.
const PLAIN_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
/// Manifests looked at to find the one that belongs to a configuration.
const MAX_CANDIDATES: usize = 64;

/// One image of `manifest.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

impl Named for Entry {
    const NAMES: &'static [&'static str] = &["Config", "RepoTags", "Layers"];
}

impl Entry {
    fn tags(&self) -> &[String] {
        self.repo_tags.as_deref().unwrap_or_default()
    }

    /// Returns what to call the image in a list.
    fn name(&self) -> String {
        self.tags().first().unwrap_or(&self.config).clone()
    }
}

/// An image of such an archive.
#[derive(Debug)]
pub(crate) struct DockerArchiveImage {
    kind: SourceKind,
    files: Files,
    image: Image,
    members: Vec<String>,
    /// The configuration as it is stored.
    config: Vec<u8>,
}

impl OpenImage for DockerArchiveImage {
    fn kind(&self) -> SourceKind {
        self.kind
    }

    fn image(&self) -> &Image {
        &self.image
    }

    fn config(&self) -> Option<&[u8]> {
        Some(&self.config)
    }

    fn set_reference(&mut self, reference: String) {
        self.image.reference = reference;
    }

    fn read(&self, layer: usize) -> Result<Box<dyn Read + Send>, ReadLayerError> {
        let (Some(member), Some(about)) = (self.members.get(layer), self.image.layers.get(layer)) else {
            return Err(ReadLayerError::NoSuchLayer(layer));
        };
        match self.files.open(member) {
            Ok(Some(opened)) => Ok(Box::new(Verified::new(opened.reader, about.digest, about.size))),
            Ok(None) => Err(ReadLayerError::Missing(member.clone())),
            Err(source) => Err(ReadLayerError::Read { what: member.clone(), source }),
        }
    }

    fn read_part(&self, layer: usize, offset: u64, len: u64) -> Result<Vec<u8>, ReadLayerError> {
        let member = self.members.get(layer).ok_or(ReadLayerError::NoSuchLayer(layer))?;
        self.files.part(member, offset, len)
    }

    fn assurance(&self, layer: usize) -> Assurance {
        self.members.get(layer).map_or(Assurance::Nothing, |member| self.files.assurance(member))
    }
}

/// Opens an image of the archive in `files`; `place` is what users call it.
pub(crate) fn open(
    kind: SourceKind,
    files: Files,
    place: &str,
    selector: Option<&Selector>,
    platform: Option<&Platform>,
) -> Result<DockerArchiveImage, OpenError> {
    let Some(bytes) = files.document("manifest.json", MAX_MANIFEST)? else {
        let found = "an archive without `manifest.json`".to_owned();
        return Err(OpenError::NotAnImage { place: place.to_owned(), found });
    };
    let entries: Vec<Entry> = parse(&bytes, "`manifest.json`")?;
    let candidates = select(place, entries, selector)?;
    let (entry, config, mut image) = choose(&files, place, candidates, platform)?;
    let members = entry.layers.clone().unwrap_or_default();
    let manifest = find_manifest(&files, verify::sha256(&config), members.len());
    if let Some((digest, manifest)) = manifest {
        image.manifest_digest = Some(digest);
        image.annotations = manifest.annotations;
        for (layer, descriptor) in image.layers.iter_mut().zip(manifest.layers) {
            layer.media_type = descriptor.media_type.unwrap_or_default();
            layer.annotations = descriptor.annotations.unwrap_or_default();
        }
    }
    for (layer, member) in image.layers.iter_mut().zip(&members) {
        layer.digest = blob_digest(member);
        let opened =
            files.open(member).map_err(|source| OpenError::Read { path: files.path().to_owned(), source })?;
        let Some(opened) = opened else {
            return Err(OpenError::Incomplete { place: place.to_owned(), member: member.clone() });
        };
        layer.size = Some(opened.len);
        if layer.media_type.is_empty() {
            layer.media_type = PLAIN_LAYER.to_owned();
        }
    }
    Ok(DockerArchiveImage { kind, files, image, members, config })
}

/// Returns the digest that is a member's name.
fn blob_digest(member: &str) -> Option<Digest> {
    let (algorithm, hex) = member.strip_prefix("blobs/")?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok()
}

/// Returns the entries that `selector` means; more than one only if they are the platforms of one image.
fn select(place: &str, entries: Vec<Entry>, selector: Option<&Selector>) -> Result<Vec<Entry>, OpenError> {
    let names: Vec<String> = entries.iter().map(Entry::name).collect();
    if entries.is_empty() {
        return Err(OpenError::Empty { place: place.to_owned(), what: "images" });
    }
    let means = |entry: &Entry, selector: &Selector| match selector {
        Selector::Digest(digest) => entry.config.contains(&digest.hex()),
        Selector::Name(name) => {
            let wanted = name.parse::<Reference>().ok();
            entry.tags().iter().any(|tag| {
                let have = tag.parse::<Reference>().ok();
                // A bare tag is enough: `docker-archive:x.tar:1.4`.
                tag == name
                    || (wanted.is_some() && have == wanted)
                    || have.is_some_and(|have| have.tag() == Some(name))
            })
        }
    };
    let chosen: Vec<Entry> = match selector {
        None => entries,
        Some(selector) => entries.into_iter().filter(|entry| means(entry, selector)).collect(),
    };
    let Some(first) = chosen.first() else {
        let wanted = selector.map(ToString::to_string).unwrap_or_default();
        return Err(OpenError::NoSuchImage { place: place.to_owned(), wanted, names });
    };
    let same = chosen.iter().all(|entry| {
        entry.config == first.config || (entry.tags() == first.tags() && !first.tags().is_empty())
    });
    if same { Ok(chosen) } else { Err(OpenError::Ambiguous { place: place.to_owned(), names }) }
}

/// Returns the entry for the platform with its configuration and image.
fn choose(
    files: &Files,
    place: &str,
    entries: Vec<Entry>,
    platform: Option<&Platform>,
) -> Result<(Entry, Vec<u8>, Image), OpenError> {
    let several = entries.len() > 1;
    let default = Platform::linux_amd64();
    let mut refused = None;
    let mut available = Vec::new();
    for entry in entries.into_iter().take(MAX_CANDIDATES) {
        let config = config(files, place, &entry)?;
        let layers = entry.layers.as_deref().unwrap_or_default().len();
        let image = from_config(place, &config, layers)?;
        let wanted = if several { platform.or(Some(&default)) } else { platform };
        match check_platform(place, &image, wanted) {
            Ok(()) => return Ok((entry, config, image)),
            Err(error) => {
                available.extend(image.platform);
                refused = Some(error);
            }
        }
    }
    match refused {
        Some(OpenError::UnknownPlatform { place, wanted, .. }) => {
            available.sort();
            available.dedup();
            Err(OpenError::UnknownPlatform { place, wanted, available })
        }
        _ => Err(OpenError::Empty { place: place.to_owned(), what: "images" }),
    }
}

/// Reads a configuration; its file is named by its digest, which must be right.
fn config(files: &Files, place: &str, entry: &Entry) -> Result<Vec<u8>, OpenError> {
    let bytes = files
        .document(&entry.config, MAX_CONFIG)?
        .ok_or_else(|| OpenError::Incomplete { place: place.to_owned(), member: entry.config.clone() })?;
    let named = entry.config.strip_suffix(".json").map(|hex| format!("sha256:{hex}"));
    let digest = named.and_then(|text| text.parse().ok()).or_else(|| blob_digest(&entry.config));
    if let Some(digest) = digest {
        verify::check(&bytes, &digest).map_err(|source| OpenError::Digest {
            what: format!("`{}`", entry.config),
            source: Box::new(source),
        })?;
    }
    Ok(bytes)
}

/// Finds the manifest of a configuration in the layout that newer archives contain; whatever is wrong there, the image
/// is complete without it.
fn find_manifest(files: &Files, config: Digest, layers: usize) -> Option<(Digest, Manifest)> {
    let layout = Layout(files);
    let mut waiting = oci::entries(&layout).ok()?;
    waiting.reverse();
    for _ in 0..MAX_CANDIDATES {
        let descriptor = waiting.pop()?;
        let Ok(bytes) = layout.read(Stored::Manifest, &descriptor, MAX_MANIFEST) else { continue };
        if verify::check(&bytes, &descriptor.digest).is_err() {
            continue;
        }
        match Document::parse(&bytes, descriptor.media_type.as_deref(), "a manifest") {
            Ok(Document::Manifest(manifest))
                if manifest.config.digest == config && manifest.layers.len() == layers =>
            {
                return Some((descriptor.digest, *manifest));
            }
            Ok(Document::Index(entries)) => waiting.extend(entries.into_iter().take(MAX_CANDIDATES)),
            _ => {}
        }
    }
    None
}
