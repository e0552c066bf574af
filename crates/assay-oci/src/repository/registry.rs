//! A repository in a registry.

use super::{Put, RepositoryError, StoredManifest, media_type_of};
use crate::descriptor::Descriptor;
use crate::document::MAX_MANIFEST;
use crate::network::{Network, Started};
use crate::reference::Reference;
use crate::registry::client::{Client, Request};
use crate::registry::push::{self, Condition, PushError, Transfer, Upload, Written, is_not_found};
use crate::registry::referrers::{self, Listed};
use crate::registry::{Access, RegistryError, blob};
use crate::source::registry::manifest_request;
use crate::verify::{self, Verified};
use assay_model::Digest;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, ETAG};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

/// See the module's documentation.
pub(super) struct Registry {
    started: Arc<Started>,
    client: Arc<Client>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry").field(&self.client.reference).finish()
    }
}

impl Registry {
    pub(super) fn connect(
        reference: &Reference,
        access: Access,
        network: &Network,
    ) -> Result<Self, RepositoryError> {
        if network.options().offline {
            return Err(RegistryError::Offline { host: reference.registry().to_owned() }.into());
        }
        let started = network.start()?;
        let connected = Client::connect(&started, network.options(), reference, access);
        let mut client = started.wait(&network.options().stop, connected)??;
        if access == Access::Write {
            client.uploads = Some(network.upload_client()?);
        }
        Ok(Self { started, client: Arc::new(client) })
    }

    pub(super) fn reference(&self) -> &Reference {
        &self.client.reference
    }

    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.reference().registry(), self.reference().repository())
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, RepositoryError> {
        Ok(self.started.wait(&self.client.options.stop, work)?)
    }

    pub(super) fn pause(&self, time: Duration) -> Result<(), RepositoryError> {
        self.wait(async { tokio::time::sleep(time).await })
    }

    pub(super) fn manifest(&self, name: &str) -> Result<Option<StoredManifest>, RepositoryError> {
        let request: Request = manifest_request(name);
        let (bytes, headers) = match self.wait(self.client.document(&request, MAX_MANIFEST))? {
            Ok(answer) => answer,
            Err(error) if is_not_found(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let told = header(CONTENT_TYPE.as_str()).map(|text| text.split(';').next().unwrap_or(text).trim());
        let media_type = media_type_of(&bytes, told);
        // What was asked for by digest keeps its algorithm.
        let digest = name.parse().unwrap_or_else(|_| verify::sha256(&bytes));
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(Some(StoredManifest {
            descriptor: Descriptor::new(&media_type, digest, size),
            entity_tag: header(ETAG.as_str()).map(str::to_owned),
            bytes,
        }))
    }

    pub(super) fn open_blob(&self, blob: &Descriptor) -> Box<dyn Read + Send> {
        // A descriptor without a size is as good as one: the digest decides.
        let size = Some(blob.size).filter(|size| *size > 0);
        let reader = blob::start(&self.started, &self.client, blob.digest, size);
        Box::new(Verified::new(reader, Some(blob.digest), size))
    }

    pub(super) fn has_blob(&self, digest: &Digest) -> Result<bool, RepositoryError> {
        Ok(self.wait(push::has_blob(&self.client, digest))??)
    }

    pub(super) fn push_blob(
        &self,
        blob: &Descriptor,
        open: &dyn Fn() -> io::Result<Box<dyn Read + Send>>,
        mount_from: Option<&str>,
    ) -> Result<Transfer, RepositoryError> {
        self.must_write()?;
        let upload = Upload { digest: blob.digest, size: blob.size, open, mount_from };
        push::push_blob(&self.started, &self.client, &upload).map_err(|error| match error {
            PushError::Registry(error) => error.into(),
            PushError::Source(source) => {
                RepositoryError::Blob { digest: blob.digest, source: Box::new(source) }
            }
            PushError::TimeUp(error) => error.into(),
        })
    }

    pub(super) fn put(
        &self,
        media_type: &str,
        bytes: &[u8],
        tag: Option<&str>,
        condition: &Condition,
    ) -> Result<Option<Put>, RepositoryError> {
        self.must_write()?;
        let digest = verify::sha256(bytes);
        let name = tag.map_or_else(|| digest.to_string(), str::to_owned);
        let body = Bytes::copy_from_slice(bytes);
        match self.wait(push::push_manifest(&self.client, &name, media_type, body, condition))?? {
            Written::Changed => Ok(None),
            Written::Done(headers) => {
                Ok(Some(Put { digest, lists_referrers: headers.contains_key("oci-subject") }))
            }
        }
    }

    pub(super) fn delete(&self, digest: &Digest) -> Result<bool, RepositoryError> {
        self.must_write()?;
        Ok(self.wait(push::delete_manifest(&self.client, digest))??)
    }

    pub(super) fn referrers(&self, subject: &Digest) -> Result<Option<Listed>, RepositoryError> {
        Ok(self.wait(referrers::list(&self.client, subject))??)
    }

    fn must_write(&self) -> Result<(), RepositoryError> {
        match self.client.access {
            Access::Write => Ok(()),
            Access::Read => Err(RepositoryError::ReadOnly { place: self.place() }),
        }
    }
}
