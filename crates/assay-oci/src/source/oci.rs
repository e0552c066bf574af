//! OCI image layouts, in a folder (`oci:`) or in a tar archive (`oci-archive:`).
//!
//! <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>. Surprising: a layout's `index.json` lists
//! named images *and* platforms of one image, so several entries are ambiguous only when their names differ.

use crate::artifact::document::ManifestDocument;
use crate::assurance::Assurance;
use crate::document::{Descriptor, Document, MAX_MANIFEST, not_distributed};
use crate::error::{OpenError, ReadLayerError};
use crate::files::Files;
use crate::reference::Reference;
use crate::resolve::{Documents, Stored, choose, resolve};
use crate::source::{OpenImage, Selector, SourceKind};
use crate::verify::Verified;
use assay_model::{Digest, Image, Platform};
use std::io::Read;

/// An image of a layout.
#[derive(Debug)]
pub(crate) struct LayoutImage {
    kind: SourceKind,
    files: Files,
    image: Image,
}

/// Opens an image of the layout in `files`.
pub(crate) fn open(
    kind: SourceKind,
    files: Files,
    selector: Option<&Selector>,
    platform: Option<&Platform>,
) -> Result<LayoutImage, OpenError> {
    let layout = Layout(&files);
    let start = select(&layout, entries(&layout)?, selector, platform)?;
    let image = resolve(&layout, start, platform)?;
    Ok(LayoutImage { kind, files, image })
}

impl OpenImage for LayoutImage {
    fn kind(&self) -> SourceKind {
        self.kind
    }

    fn image(&self) -> &Image {
        &self.image
    }

    fn set_reference(&mut self, reference: String) {
        self.image.reference = reference;
    }

    fn read(&self, layer: usize) -> Result<Box<dyn Read + Send>, ReadLayerError> {
        let layer = self.image.layers.get(layer).ok_or(ReadLayerError::NoSuchLayer(layer))?;
        let digest = layer.digest.ok_or(ReadLayerError::NoSuchLayer(0))?;
        let name = blob_path(&digest);
        match self.files.open(&name) {
            Ok(Some(opened)) => Ok(Box::new(Verified::new(opened.reader, Some(digest), layer.size))),
            Ok(None) if not_distributed(&layer.media_type) => Err(ReadLayerError::NotDistributed(digest)),
            Ok(None) => Err(ReadLayerError::Missing(name)),
            Err(source) => Err(ReadLayerError::Read { what: name, source }),
        }
    }

    fn read_part(&self, layer: usize, offset: u64, len: u64) -> Result<Vec<u8>, ReadLayerError> {
        let digest = self.image.layers.get(layer).and_then(|layer| layer.digest);
        let name = blob_path(&digest.ok_or(ReadLayerError::NoSuchLayer(layer))?);
        self.files.part(&name, offset, len)
    }

    fn assurance(&self, layer: usize) -> Assurance {
        let digest = self.image.layers.get(layer).and_then(|layer| layer.digest);
        digest.map_or(Assurance::Nothing, |digest| self.files.assurance(&blob_path(&digest)))
    }
}

/// Returns where a layout keeps a blob.
pub(crate) fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

pub(crate) struct Layout<'a>(pub(crate) &'a Files);

impl Documents for Layout<'_> {
    fn place(&self) -> String {
        self.0.path().display().to_string()
    }

    fn read(&self, _: Stored, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, OpenError> {
        let name = blob_path(&descriptor.digest);
        let bytes = self.0.document(&name, limit)?;
        bytes.ok_or_else(|| OpenError::Incomplete { place: self.place(), member: name })
    }
}

/// Returns the entries of `index.json`.
pub(crate) fn entries(layout: &Layout<'_>) -> Result<Vec<Descriptor>, OpenError> {
    let not_a_layout = |found: &str| OpenError::NotAnImage { place: layout.place(), found: found.to_owned() };
    let bytes = layout
        .0
        .document("index.json", MAX_MANIFEST)?
        .ok_or_else(|| not_a_layout("it has no `index.json`"))?;
    match Document::parse(&bytes, Some("application/vnd.oci.image.index.v1+json"), "`index.json`")? {
        Document::Index(entries) => {
            let (images, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_image);
            // Of nothing but artifacts the error will say what they are.
            Ok(if images.is_empty() { others } else { images })
        }
        Document::Manifest(_) => Err(not_a_layout("its `index.json` is no index")),
    }
}

/// How many entries without a name are read to see whether they are about another.
const MAX_LOOKED_INTO: usize = 256;

/// Leaves out manifests that are about another one: of an image that was signed in the layout some tools list the signature
/// beside it, with nothing that says so but the manifest itself.
pub(crate) fn without_artifacts<T>(
    files: &Files,
    entries: Vec<T>,
    about: impl Fn(&T) -> (Digest, bool),
) -> Vec<T> {
    if entries.len() < 2 || entries.len() > MAX_LOOKED_INTO {
        return entries;
    }
    let is_artifact = |entry: &T| {
        let (digest, is_named) = about(entry);
        let bytes =
            if is_named { None } else { files.document(&blob_path(&digest), MAX_MANIFEST).ok().flatten() };
        let document = bytes.and_then(|bytes| ManifestDocument::parse(&bytes).ok());
        document.is_some_and(|document| document.subject.is_some())
    };
    let (artifacts, images): (Vec<T>, Vec<T>) = entries.into_iter().partition(is_artifact);
    if images.is_empty() { artifacts } else { images }
}

/// Tells whether an entry is neither an artifact of an image nor the list of an image's artifacts.
fn is_image(entry: &Descriptor) -> bool {
    let is_artifact = entry.artifact_type.as_ref().is_some_and(|name| !name.is_empty());
    !entry.is_attestation()
        && !is_artifact
        && !names(entry).any(|name| crate::artifact::subject_of_tag(name).is_some())
}

/// Returns the names of an entry: the reference name, usually a tag, and containerd's full one.
fn names(entry: &Descriptor) -> impl Iterator<Item = &str> {
    ["org.opencontainers.image.ref.name", "io.containerd.image.name"]
        .into_iter()
        .filter_map(|name| entry.annotation(name))
}

/// Tells whether the user means an entry of these names by `wanted`: its name, its tag, or another spelling of its reference.
pub(crate) fn is_name<'a>(mut names: impl Iterator<Item = &'a str>, wanted: &str) -> bool {
    names.any(|name| {
        if name == wanted {
            return true;
        }
        // Most names are plain tags, and a layout may have tens of thousands.
        if !name.contains([':', '/']) {
            return false;
        }
        let Ok(have) = name.parse::<Reference>() else { return false };
        (name.contains('/') && have.tag() == Some(wanted))
            || wanted.parse::<Reference>().is_ok_and(|parsed| parsed == have)
    })
}

fn select(
    layout: &Layout<'_>,
    entries: Vec<Descriptor>,
    selector: Option<&Selector>,
    platform: Option<&Platform>,
) -> Result<Descriptor, OpenError> {
    let place = layout.place();
    let listed = |entries: &[Descriptor]| -> Vec<String> {
        let name =
            |entry: &Descriptor| names(entry).next().map_or_else(|| entry.digest.to_string(), str::to_owned);
        let mut names: Vec<_> = entries.iter().map(name).collect();
        names.sort();
        names.dedup();
        names
    };
    let all = listed(&entries);
    if entries.is_empty() {
        return Err(OpenError::Empty { place, what: "images" });
    }
    let chosen: Vec<_> = match selector {
        None => without_artifacts(layout.0, entries, |entry| (entry.digest, names(entry).next().is_some())),
        Some(Selector::Digest(digest)) => {
            entries.into_iter().filter(|entry| entry.digest == *digest).collect()
        }
        Some(Selector::Name(name)) => {
            entries.into_iter().filter(|entry| is_name(names(entry), name)).collect()
        }
    };
    match chosen.as_slice() {
        [] => {
            let wanted = selector.map(ToString::to_string).unwrap_or_default();
            Err(OpenError::NoSuchImage { place, wanted, names: all })
        }
        [only] => Ok(only.clone()),
        // The same name, or no name at all, for each of several platforms: one image.
        several => {
            let first = several.first().map(|entry| names(entry).collect::<Vec<_>>());
            let one_name = several.iter().all(|entry| Some(names(entry).collect::<Vec<_>>()) == first);
            if one_name && several.iter().all(|entry| entry.platform().is_some()) {
                return choose(&place, chosen, platform);
            }
            // umoci and skopeo may tag one image twice.
            if several.windows(2).all(|pair| matches!(pair, [a, b] if a.digest == b.digest)) {
                return chosen.into_iter().next().ok_or(OpenError::Empty { place, what: "images" });
            }
            Err(OpenError::Ambiguous { names: listed(several), place })
        }
    }
}
