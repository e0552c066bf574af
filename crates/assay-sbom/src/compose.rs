//! From an image and what is in it to a bill of materials.

use crate::document::{Class, Component, Document, File, Hash, Tool};
use crate::property as names;
use crate::{identity, package};
use assay_model::contents::hex;
use assay_model::report::SourceKind;
use assay_model::{Base, Digest, FileEntry, Image, Inventory, Os, Purl, Timestamp};
use std::collections::{BTreeMap, HashSet};

/// What a document says about itself.
#[derive(Debug, Clone)]
pub struct Origin<'a> {
    /// How the subject was opened.
    pub source: SourceKind,
    /// The version of Assay.
    pub version: &'a str,
    /// The time to state; the image's own where there is none.
    pub created: Option<Timestamp>,
    /// Whether the files of packages are listed with their digests, as far as the inventory has them.
    pub files: bool,
}

/// The most files that a document lists: the largest public images have some hundred thousand.
const MAX_FILES: usize = 500_000;

/// Returns the bill of materials of an image, or of what else was looked at.
///
/// The same image and inventory give the same document: its identity comes from the image's digest, its time from the image
/// unless one is given. What an image's configuration holds of secrets (environment, arguments, build steps) is left out: bills
/// of materials are handed on to others.
pub fn compose(image: &Image, inventory: &Inventory, origin: &Origin<'_>) -> Document {
    let os = inventory.os.as_ref();
    let mut components: Vec<Component> = Vec::with_capacity(inventory.packages.len() + 1);
    let mut taken: HashSet<String> = HashSet::new();
    for found in &inventory.packages {
        let mut component = package::component(found, os);
        component.depends_on.clone_from(&found.depends_on);
        for (number, location) in found.locations.iter().enumerate() {
            component.locations.push(location.path.clone());
            if let Some(index) = location.layer {
                let layer = image.layers.get(index as usize);
                let diff_id = layer.and_then(|layer| layer.diff_id).map(|id| format!(" {id}"));
                component.set(
                    format!("{}{number}:layer", names::LOCATION),
                    format!("{index}{}", diff_id.unwrap_or_default()),
                );
            }
        }
        component.reference = free(component.purl.as_deref().unwrap_or_default(), &mut taken);
        components.push(component);
    }
    let mut subject = subject(image, origin.source);
    subject.reference = free("subject", &mut taken);
    if let Some(os) = os {
        let mut component = os_component(os);
        component.reference = free("os", &mut taken);
        components.push(component);
    }
    for (number, warning) in inventory.warnings.iter().filter(|warning| warning.incomplete).enumerate() {
        let prefix = format!("{}{number}:", names::WARNING);
        subject.set(format!("{prefix}code"), warning.code.as_ref());
        if let Some(path) = &warning.path {
            subject.set(format!("{prefix}path"), path.as_str());
        }
        subject.set(format!("{prefix}message"), warning.message.as_str());
    }
    let ancestors = image
        .base
        .iter()
        .map(|base| Component { reference: free("base", &mut taken), ..base_component(base) });
    let files = if origin.files { files(inventory) } else { Vec::new() };
    let too_many = files.len() > MAX_FILES;
    if too_many {
        let message = format!("only {MAX_FILES} of {} files are listed", files.len());
        let number = inventory.warnings.iter().filter(|warning| warning.incomplete).count();
        subject.set(format!("{}{number}:code", names::WARNING), "too-many-files");
        subject.set(format!("{}{number}:message", names::WARNING), message);
    }
    let mut document = Document {
        created: origin.created.or(image.created),
        tools: vec![Tool { vendor: None, name: "assay".to_owned(), version: origin.version.to_owned() }],
        ancestors: ancestors.collect(),
        incomplete: too_many || inventory.warnings.iter().any(|warning| warning.incomplete),
        subject,
        components,
        files: files.into_iter().take(MAX_FILES).collect(),
        ..Document::default()
    };
    let digest = image.manifest_digest.or(image.image_id);
    document.identity = identity::of(&document, digest.map(|digest| digest.to_string()));
    document
}

/// Returns the files of packages; each package is the component of the same index.
fn files(inventory: &Inventory) -> Vec<File> {
    let owned = inventory.files.iter().filter(|file| !file.owners.is_empty());
    let file = |file: &FileEntry| {
        let hash =
            |algorithm: &str, digest: &[u8]| Hash { algorithm: algorithm.to_owned(), hex: hex(digest) };
        let sums = &file.content.sums;
        let hashes = vec![hash("SHA-1", &sums.sha1), hash("SHA-256", &sums.sha256)];
        File { path: file.path.clone(), hashes, owners: file.owners.clone() }
    };
    owned.map(file).collect()
}

/// Returns a reference that nothing else in the document has.
fn free(wanted: &str, taken: &mut HashSet<String>) -> String {
    let mut reference = wanted.to_owned();
    let mut number = 2u32;
    while reference.is_empty() || !taken.insert(reference.clone()) {
        reference = format!("{wanted}#{number}");
        number += 1;
    }
    reference
}

fn hash(digest: &Digest) -> Hash {
    let algorithm = match digest {
        Digest::Sha256(_) => "SHA-256",
        Digest::Sha512(_) => "SHA-512",
    };
    Hash { algorithm: algorithm.to_owned(), hex: digest.hex() }
}

/// Returns the package URL of an image (<https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md>): known by its
/// digest, found in a repository. An image without a digest of its manifest has none.
pub(crate) fn image_purl(
    reference: &str,
    digest: Option<Digest>,
    architecture: Option<&str>,
) -> Option<Purl> {
    let digest = digest?;
    // A file on somebody's machine is no repository.
    let local = SourceKind::ALL.into_iter().filter(|kind| *kind != SourceKind::Registry);
    if local.into_iter().any(|kind| reference.starts_with(&format!("{}:", kind.name())))
        || reference.is_empty()
    {
        return None;
    }
    let reference = reference.strip_prefix("registry:").unwrap_or(reference);
    let place = reference.rsplit_once('@').map_or(reference, |(place, _)| place);
    let (repository, tag) = match place.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (place, None),
    };
    let name = repository.rsplit('/').next().filter(|name| !name.is_empty())?;
    let mut qualifiers = BTreeMap::new();
    qualifiers.insert("repository_url".to_owned(), repository.to_owned());
    qualifiers.extend(tag.map(|tag| ("tag".to_owned(), tag.to_owned())));
    qualifiers.extend(architecture.map(|it| ("arch".to_owned(), it.to_owned())));
    Some(Purl {
        kind: "oci".to_owned(),
        namespace: None,
        name: name.to_lowercase(),
        version: Some(digest.to_string()),
        qualifiers,
        subpath: None,
    })
}

fn subject(image: &Image, source: SourceKind) -> Component {
    let is_image = image.image_id.is_some() || image.manifest_digest.is_some() || !image.layers.is_empty();
    let digest = image.manifest_digest.or(image.image_id);
    let architecture = image.platform.as_ref().map(|platform| platform.architecture.as_str());
    let purl = (source == SourceKind::Registry)
        .then(|| image_purl(&image.reference, image.manifest_digest, architecture))
        .flatten();
    let mut subject = Component {
        // A machine's disk is no container, whatever was mounted of it.
        class: if is_image && !matches!(source, SourceKind::Vm | SourceKind::Function) {
            Class::Container
        } else {
            Class::Application
        },
        name: image.reference.clone(),
        version: digest.map(|digest| digest.to_string()).unwrap_or_default(),
        purl: purl.map(|purl| purl.to_string()),
        hashes: image.manifest_digest.iter().map(hash).collect(),
        ..Component::default()
    };
    subject.set(names::SOURCE, source.name());
    subject.set(names::REFERENCE, image.reference.as_str());
    let texts = [
        (names::INDEX_DIGEST, image.index_digest.map(|it| it.to_string())),
        (names::MANIFEST_DIGEST, image.manifest_digest.map(|it| it.to_string())),
        (names::IMAGE_ID, image.image_id.map(|it| it.to_string())),
        (names::PLATFORM, image.platform.as_ref().map(ToString::to_string)),
        (names::CREATED, image.created.map(|it| it.to_string())),
        (names::USER, Some(image.config.user.clone()).filter(|user| !user.is_empty())),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            subject.set(name, text);
        }
    }
    for port in &image.config.exposed_ports {
        subject.set(names::PORT, port.as_str());
    }
    for (label, value) in &image.labels {
        subject.set(format!("{}{label}", names::LABEL), value.as_str());
    }
    for (number, layer) in image.layers.iter().enumerate() {
        let diff_id = layer.diff_id.map(|it| it.to_string()).unwrap_or_default();
        subject.set(format!("{}{number}", names::LAYER), diff_id);
        if let Some(digest) = layer.digest {
            subject.set(format!("{}{number}:digest", names::LAYER), digest.to_string());
        }
        if let Some(size) = layer.size {
            subject.set(format!("{}{number}:size", names::LAYER), size.to_string());
        }
    }
    subject
}

fn base_component(base: &Base) -> Component {
    let digest = base.manifest_digest.or(base.image_id);
    let name = base.reference.clone().unwrap_or_default();
    let mut component = Component {
        class: Class::Container,
        name: if name.is_empty() { "base image".to_owned() } else { name.clone() },
        version: digest.map(|digest| digest.to_string()).unwrap_or_default(),
        purl: image_purl(&name, base.manifest_digest, None).map(|purl| purl.to_string()),
        hashes: base.manifest_digest.iter().map(hash).collect(),
        ..Component::default()
    };
    let texts = [
        (names::REFERENCE, base.reference.clone()),
        (names::MANIFEST_DIGEST, base.manifest_digest.map(|it| it.to_string())),
        (names::IMAGE_ID, base.image_id.map(|it| it.to_string())),
        (names::CREATED, base.created.map(|it| it.to_string())),
        (names::BASE_LAYERS, base.layers.map(|it| it.to_string())),
        (names::BASE_EVIDENCE, Some(base.evidence.name().to_owned())),
        (names::BASE_DETAIL, Some(base.detail.clone())),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            component.set(name, text);
        }
    }
    component
}

fn os_component(os: &Os) -> Component {
    let mut component = Component {
        class: Class::OperatingSystem,
        name: os.id.clone(),
        version: os.version.clone(),
        ..Component::default()
    };
    for (name, text) in [(names::OS_CODENAME, &os.codename), (names::OS_NAME, &os.name)] {
        if !text.is_empty() {
            component.set(name, text.as_str());
        }
    }
    component
}
