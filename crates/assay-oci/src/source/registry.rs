//! An image in a registry.

use crate::assurance::Assurance;
use crate::document::{Descriptor, MAX_MANIFEST, accepted_manifests, not_distributed};
use crate::error::{OpenError, ReadLayerError};
use crate::network::{Network, Started};
use crate::reference::Reference;
use crate::registry::blob;
use crate::registry::client::{Client, Request};
use crate::registry::{Access, RegistryError};
use crate::resolve::{Documents, Stored, resolve};
use crate::source::{OpenImage, SourceKind};
use crate::verify::{self, Verified};
use assay_model::{Digest, Image, Platform};
use reqwest::header::CONTENT_TYPE;
use std::io::Read;
use std::sync::Arc;

/// An image in a registry; layers are downloaded when they are read.
pub(crate) struct RegistryImage {
    started: Arc<Started>,
    client: Arc<Client>,
    image: Image,
}

impl OpenImage for RegistryImage {
    fn kind(&self) -> SourceKind {
        SourceKind::Registry
    }

    fn image(&self) -> &Image {
        &self.image
    }

    fn set_reference(&mut self, reference: String) {
        self.image.reference = reference;
    }

    fn read(&self, layer: usize) -> Result<Box<dyn Read + Send>, ReadLayerError> {
        let about = self.image.layers.get(layer).ok_or(ReadLayerError::NoSuchLayer(layer))?;
        let digest = about.digest.ok_or(ReadLayerError::NoSuchLayer(layer))?;
        if not_distributed(&about.media_type) {
            return Err(ReadLayerError::NotDistributed(digest));
        }
        let reader = blob::start(&self.started, &self.client, digest, about.size);
        Ok(Box::new(Verified::new(reader, Some(digest), about.size)))
    }

    fn read_part(&self, layer: usize, offset: u64, len: u64) -> Result<Vec<u8>, ReadLayerError> {
        let about = self.image.layers.get(layer).ok_or(ReadLayerError::NoSuchLayer(layer))?;
        let digest = about.digest.ok_or(ReadLayerError::NoSuchLayer(layer))?;
        if not_distributed(&about.media_type) {
            return Err(ReadLayerError::NotDistributed(digest));
        }
        blob::part(&self.started, &self.client, digest, offset, len)
    }

    fn assurance(&self, _: usize) -> Assurance {
        Assurance::ByDigest
    }
}

/// Opens an image of a registry.
pub(crate) fn open(
    reference: &Reference,
    platform: Option<&Platform>,
    network: &Network,
) -> Result<RegistryImage, OpenError> {
    if network.options().offline {
        return Err(RegistryError::Offline { host: reference.registry().to_owned() }.into());
    }
    let started = network.start()?;
    let connected = Client::connect(&started, network.options(), reference, Access::Read);
    let client = started.wait(&network.options().stop, connected)??;
    let documents = RegistryDocuments::first(&started, &client, reference)?;
    let start = documents.start.clone();
    let image = resolve(&documents, start, platform)?;
    Ok(RegistryImage { image, started, client: Arc::new(client) })
}

/// The documents of a repository. The first is kept, since a tag had to be resolved to know its digest.
struct RegistryDocuments<'a> {
    started: &'a Started,
    client: &'a Client,
    start: Descriptor,
    first: Vec<u8>,
}

impl<'a> RegistryDocuments<'a> {
    fn first(started: &'a Started, client: &'a Client, reference: &Reference) -> Result<Self, OpenError> {
        let request = manifest_request(&reference.manifest_name());
        let (first, headers) =
            started.wait(&client.options.stop, client.document(&request, MAX_MANIFEST))??;
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        // A digest that was asked for is checked in `resolve`; of a tag the server says which digest it means.
        let announced = header("docker-content-digest").and_then(|text| text.trim().parse::<Digest>().ok());
        let expected = reference.digest().or(announced);
        let digest = expected.unwrap_or_else(|| verify::sha256(&first));
        let media_type = header(CONTENT_TYPE.as_str())
            .map(|text| text.split(';').next().unwrap_or(text).trim().to_owned());
        let start = Descriptor {
            media_type,
            digest,
            size: None,
            platform: None,
            annotations: None,
            artifact_type: None,
        };
        Ok(Self { started, client, start, first })
    }
}

pub(crate) fn manifest_request(name: &str) -> Request {
    Request {
        what: format!("manifest `{name}`"),
        path: format!("manifests/{name}"),
        accept: Some(accepted_manifests()),
        ..Request::default()
    }
}

impl Documents for RegistryDocuments<'_> {
    fn place(&self) -> String {
        self.client.reference.to_string()
    }

    fn read(&self, stored: Stored, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, OpenError> {
        if stored == Stored::Manifest && descriptor.digest == self.start.digest {
            return Ok(self.first.clone());
        }
        let digest = descriptor.digest;
        let request = match stored {
            Stored::Manifest => manifest_request(&digest.to_string()),
            Stored::Blob => Request {
                what: format!("configuration `{}`", digest.short()),
                path: format!("blobs/{digest}"),
                ..Request::default()
            },
        };
        Ok(self.started.wait(&self.client.options.stop, self.client.document(&request, limit))??.0)
    }
}
