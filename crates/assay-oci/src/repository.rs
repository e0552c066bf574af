//! A place that holds manifests and blobs by digest, some manifests by name: a repository in a registry, or an OCI layout.
//!
//! Unlike an [`OpenImage`](crate::OpenImage) it is not one image but all that is kept beside it, and it can be written to.
//! Everything that is read by digest is verified against it.

mod layout;
mod pack;
mod registry;

use crate::archive::{Archive, SpoolOptions};
use crate::artifact::document::ManifestDocument;
use crate::descriptor::Descriptor;
use crate::document::MAX_MANIFEST;
use crate::error::{OpenError, ReadLayerError};
use crate::files::Files;
use crate::network::{Network, TimeUp};
use crate::platform;
use crate::reference::Reference;
use crate::registry::push::{Condition, Transfer};
use crate::registry::referrers::Listed;
use crate::registry::{Access, RegistryError};
use crate::source::{Selector, Source};
use crate::verify;
use assay_model::{Digest, Platform};
use layout::Layout;
use registry::Registry;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use pack::pack;

/// Why something could not be read from a repository or written to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// The registry did not do what it was asked for.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// What is there cannot be read, or is not what it should be.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A blob cannot be read.
    #[error("cannot read blob `{}`", digest.short())]
    Blob {
        /// The blob.
        digest: Digest,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no such manifest.
    #[error("`{place}` has no `{wanted}`")]
    Missing {
        /// The repository.
        place: String,
        /// What was asked for.
        wanted: String,
    },
    /// The place can only be read.
    #[error("`{place}` can only be read")]
    ReadOnly {
        /// The repository.
        place: String,
    },
    /// The place has neither artifacts nor names for them.
    #[error("`{place}` is neither in a registry nor an OCI layout")]
    NoRepository {
        /// What was named.
        place: String,
    },
    /// A file of a layout cannot be written.
    #[error("cannot write `{path}`", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Others write the same list, and it could not be had to hold ours and theirs.
    #[error(
        "`{tag}` of `{place}` is written by others all the time; after {attempts} attempts it still lacks the new entry"
    )]
    Contended {
        /// The repository.
        place: String,
        /// The tag.
        tag: String,
        /// How often it was written.
        attempts: u32,
    },
    /// A tag names another image, and is to stay as it is.
    #[error("`{place}:{tag}` is `{digest}` already")]
    TagTaken {
        /// The repository.
        place: String,
        /// The tag.
        tag: String,
        /// What it names.
        digest: Digest,
    },
    /// Not everything that is attached to an image could be copied.
    #[error("not all that is attached could be copied to `{place}`: {}", problems.join("; "))]
    Incomplete {
        /// The repository.
        place: String,
        /// What could not be copied, and why.
        problems: Vec<String>,
    },
    /// What is to be written is not what its place is named by.
    #[error("`{place}` is to hold `{expected}`, and this is `{actual}`")]
    OtherDigest {
        /// The repository.
        place: String,
        /// The digest of the destination.
        expected: Digest,
        /// The digest of what would be written.
        actual: Digest,
    },
    /// A list is as long as it may be.
    #[error("`{tag}` of `{place}` cannot take another entry: it is above the limit of {limit} bytes")]
    Full {
        /// The repository.
        place: String,
        /// The tag.
        tag: String,
        /// The most bytes of a manifest.
        limit: u64,
    },
}

impl RepositoryError {
    /// Returns it with its causes, in one line.
    pub fn told(&self) -> String {
        let first: &dyn std::error::Error = self;
        let causes = std::iter::successors(Some(first), |error| error.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}

impl From<TimeUp> for RepositoryError {
    fn from(error: TimeUp) -> Self {
        Self::Open(error.into())
    }
}

/// A manifest or index as it is stored.
#[derive(Debug, Clone)]
pub struct StoredManifest {
    /// Its media type, digest and size.
    pub descriptor: Descriptor,
    /// Its bytes, which are those of the digest.
    pub bytes: Vec<u8>,
    /// What a registry wants to see again for a conditional write.
    pub(crate) entity_tag: Option<String>,
}

/// What a place said when a manifest was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// The digest of what was written.
    pub digest: Digest,
    /// The place keeps the list of what refers to the subject by itself.
    pub lists_referrers: bool,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Repository(Inner);

#[derive(Debug)]
enum Inner {
    Registry(Box<Registry>),
    Layout(Box<Layout>),
}

impl Repository {
    /// Connects to the repository of `reference`.
    ///
    /// # Errors
    /// Fails when the network may not be used or cannot be started.
    pub fn registry(
        reference: &Reference,
        access: Access,
        network: &Network,
    ) -> Result<Self, RepositoryError> {
        Ok(Self(Inner::Registry(Box::new(Registry::connect(reference, access, network)?))))
    }

    /// Opens the OCI layout in a folder; [`Access::Write`] makes one where there is none.
    ///
    /// # Errors
    /// Fails when there is no layout, or none can be made.
    pub fn layout(folder: &Path, access: Access) -> Result<Self, RepositoryError> {
        Ok(Self(Inner::Layout(Box::new(Layout::folder(folder, access)?))))
    }

    /// Opens the OCI layout in a tar archive, to be read only.
    ///
    /// # Errors
    /// Fails when there is none.
    pub fn archive(path: &Path, spool: &SpoolOptions) -> Result<Self, RepositoryError> {
        let archive = Archive::open_path(path, spool)?;
        Ok(Self(Inner::Layout(Box::new(Layout::archive(Files::Archive(archive))?))))
    }

    /// Opens the place of `source`, and says which of its images is meant, where that was said.
    ///
    /// # Errors
    /// Fails when the source is no registry and no OCI layout, or cannot be opened.
    pub fn of_source(
        source: &Source,
        access: Access,
        network: &Network,
        spool: &SpoolOptions,
    ) -> Result<(Self, Option<Selector>), RepositoryError> {
        match source {
            Source::Registry(reference) => {
                let wanted = match (reference.digest(), reference.tag()) {
                    (Some(digest), _) => Some(Selector::Digest(digest)),
                    (None, tag) => tag.map(|tag| Selector::Name(tag.to_owned())),
                };
                Ok((Self::registry(reference, access, network)?, wanted))
            }
            Source::OciLayout(place) => Ok((Self::layout(&place.path, access)?, place.selector.clone())),
            Source::OciArchive(place) | Source::Archive(place) if access == Access::Read => {
                Ok((Self::archive(&place.path, spool)?, place.selector.clone()))
            }
            Source::OciArchive(_) | Source::Archive(_) => {
                Err(RepositoryError::ReadOnly { place: source.to_string() })
            }
            Source::DockerArchive(_)
            | Source::Dir(_)
            | Source::File(_)
            | Source::Docker(_)
            | Source::Podman(_)
            | Source::Sbom(_)
            | Source::Vm(_)
            | Source::Function(_) => Err(RepositoryError::NoRepository { place: source.to_string() }),
        }
    }

    /// Returns what users call the place: `registry/repository`, or a path.
    pub fn place(&self) -> String {
        match &self.0 {
            Inner::Registry(registry) => registry.place(),
            Inner::Layout(layout) => layout.place(),
        }
    }

    /// Returns the reference that the repository was opened with, if it is in a registry.
    pub fn reference(&self) -> Option<&Reference> {
        match &self.0 {
            Inner::Registry(registry) => Some(registry.reference()),
            Inner::Layout(_) => None,
        }
    }

    /// Reads the manifest of that name or digest, verified; `None` when there is none.
    ///
    /// A layout's only image needs no name.
    ///
    /// # Errors
    /// Fails when the place cannot be read, or gives other bytes than those of the digest.
    pub fn find(&self, wanted: Option<&Selector>) -> Result<Option<StoredManifest>, RepositoryError> {
        let found = match &self.0 {
            Inner::Registry(registry) => {
                let name = match wanted {
                    Some(Selector::Name(name)) => name.clone(),
                    Some(Selector::Digest(digest)) => digest.to_string(),
                    None => "latest".to_owned(),
                };
                registry.manifest(&name)?
            }
            Inner::Layout(layout) => layout.manifest(wanted)?,
        };
        let Some(found) = found else { return Ok(None) };
        let expected = match wanted {
            Some(Selector::Digest(digest)) => *digest,
            Some(Selector::Name(_)) | None => found.descriptor.digest,
        };
        verify::check(&found.bytes, &expected).map_err(|source| OpenError::Digest {
            what: format!("`{}`", self.place()),
            source: Box::new(source),
        })?;
        Ok(Some(found))
    }

    /// Reads the manifest of that name or digest, verified.
    ///
    /// # Errors
    /// Fails when there is none, or it cannot be read.
    pub fn resolve(&self, wanted: Option<&Selector>) -> Result<StoredManifest, RepositoryError> {
        self.find(wanted)?.ok_or_else(|| RepositoryError::Missing {
            place: self.place(),
            wanted: wanted.map_or_else(|| "image".to_owned(), ToString::to_string),
        })
    }

    /// Reads the manifest of that name or digest, or of its image for `platform` if it is an index; verified.
    ///
    /// # Errors
    /// Fails when there is none, or it cannot be read.
    pub fn resolve_for(
        &self,
        wanted: Option<&Selector>,
        platform: Option<&Platform>,
    ) -> Result<StoredManifest, RepositoryError> {
        let root = self.resolve(wanted)?;
        let Some(platform) = platform else { return Ok(root) };
        let images = root.images()?;
        if images.is_empty() {
            return Ok(root);
        }
        match platform::image_for(&images, platform) {
            Some(entry) => self.manifest(entry.digest),
            None => Err(platform::unknown(self.place(), &images, Descriptor::platform, platform).into()),
        }
    }

    /// Reads the manifest of that digest, verified.
    ///
    /// # Errors
    /// Fails when there is none, or it cannot be read.
    pub fn manifest(&self, digest: Digest) -> Result<StoredManifest, RepositoryError> {
        self.resolve(Some(&Selector::Digest(digest)))
    }

    /// Opens a blob; its reader gives an error in place of the end when the bytes are not those of the digest.
    ///
    /// # Errors
    /// Fails when there is no such blob.
    pub fn open_blob(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send>, RepositoryError> {
        match &self.0 {
            Inner::Registry(registry) => Ok(registry.open_blob(blob)),
            Inner::Layout(layout) => layout.open_blob(blob),
        }
    }

    /// Reads a blob of at most `limit` bytes, verified.
    ///
    /// # Errors
    /// Fails when it is larger, cannot be had, or is not what its digest names.
    pub fn blob(&self, blob: &Descriptor, limit: u64) -> Result<Vec<u8>, RepositoryError> {
        let what = || format!("blob `{}`", blob.digest.short());
        if blob.size > limit {
            return Err(OpenError::TooLarge { what: what(), limit }.into());
        }
        let failed =
            |source: io::Error| RepositoryError::Blob { digest: blob.digest, source: Box::new(source) };
        let mut bytes = Vec::new();
        let mut reader = self.open_blob(blob)?.take(limit);
        reader.read_to_end(&mut bytes).map_err(failed)?;
        // At its limit the reader has not come to the end, where what was read is judged.
        if reader.into_inner().read(&mut [0]).map_err(failed)? > 0 {
            return Err(OpenError::TooLarge { what: what(), limit }.into());
        }
        Ok(bytes)
    }

    /// Writes a blob, unless it is there; returns its descriptor.
    ///
    /// # Errors
    /// Fails when it cannot be written.
    pub fn push_blob(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, RepositoryError> {
        let blob = Descriptor::of(media_type, bytes);
        // Readers are not bound to this call.
        let shared: std::sync::Arc<[u8]> = bytes.into();
        self.push_blob_from(&blob, &|| Ok(Box::new(io::Cursor::new(std::sync::Arc::clone(&shared)))), None)?;
        Ok(blob)
    }

    /// Writes a blob, unless it is there, from what `open` gives: its bytes from the first on, each time it is asked.
    ///
    /// `other` is a repository that may be in the same registry, which then need not be sent what it has.
    ///
    /// # Errors
    /// Fails when it cannot be written, cannot be read, or is not what its digest names.
    pub fn push_blob_from(
        &self,
        blob: &Descriptor,
        open: &dyn Fn() -> io::Result<Box<dyn Read + Send>>,
        other: Option<&Self>,
    ) -> Result<Transfer, RepositoryError> {
        match &self.0 {
            Inner::Registry(registry) => {
                let here = registry.reference();
                let mount_from = other.and_then(Self::reference).filter(|other| {
                    other.registry() == here.registry() && other.repository() != here.repository()
                });
                registry.push_blob(blob, open, mount_from.map(Reference::repository))
            }
            Inner::Layout(layout) => layout.push_blob(blob, open),
        }
    }

    /// Tells whether a blob is there.
    ///
    /// # Errors
    /// Fails when the place cannot be asked.
    pub fn has_blob(&self, digest: &Digest) -> Result<bool, RepositoryError> {
        match &self.0 {
            Inner::Registry(registry) => registry.has_blob(digest),
            Inner::Layout(layout) => Ok(layout.has_blob(digest)),
        }
    }

    /// Writes a manifest under its digest, and under `tag` if there is one.
    ///
    /// # Errors
    /// Fails when it is larger than a registry takes, or cannot be written.
    pub fn push_manifest(
        &self,
        media_type: &str,
        bytes: &[u8],
        tag: Option<&str>,
    ) -> Result<Put, RepositoryError> {
        match self.put(media_type, bytes, tag, &Condition::None)? {
            Some(put) => Ok(put),
            None => Err(self.contended(tag.unwrap_or_default(), 1)),
        }
    }

    /// Writes an image's manifest or index, under `tag` if there is one; a layout lists it in any case.
    ///
    /// # Errors
    /// Fails when it is larger than a registry takes, or cannot be written.
    pub fn push_image(
        &self,
        media_type: &str,
        bytes: &[u8],
        tag: Option<&str>,
    ) -> Result<Put, RepositoryError> {
        let put = self.push_manifest(media_type, bytes, tag)?;
        match &self.0 {
            Inner::Layout(layout) if tag.is_none() => {
                layout.enter_root(media_type, bytes)?;
                Ok(put)
            }
            Inner::Layout(_) | Inner::Registry(_) => Ok(put),
        }
    }

    /// Writes a manifest as it was read elsewhere, by its digest, unless it is there.
    pub(crate) fn push_manifest_stored(&self, stored: &StoredManifest) -> Result<(), RepositoryError> {
        let Descriptor { media_type, digest, .. } = &stored.descriptor;
        if self.find(Some(&Selector::Digest(*digest)))?.is_some() {
            return Ok(());
        }
        // Registries name a manifest by what it was asked for with, or by SHA-256.
        if !matches!(digest, Digest::Sha256(_)) {
            let what = "a manifest named by another digest than SHA-256".to_owned();
            return Err(OpenError::MediaType { what, media_type: media_type.clone() }.into());
        }
        self.push_manifest(media_type, &stored.bytes, None).map(|_| ())
    }

    /// Writes a manifest; `None` when the condition does not hold.
    pub(crate) fn put(
        &self,
        media_type: &str,
        bytes: &[u8],
        tag: Option<&str>,
        condition: &Condition,
    ) -> Result<Option<Put>, RepositoryError> {
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_MANIFEST {
            let tag = tag.unwrap_or("a manifest").to_owned();
            return Err(RepositoryError::Full { place: self.place(), tag, limit: MAX_MANIFEST });
        }
        match &self.0 {
            Inner::Registry(registry) => registry.put(media_type, bytes, tag, condition),
            Inner::Layout(layout) => layout.put(media_type, bytes, tag, condition),
        }
    }

    /// Deletes a manifest, and with it all tags that name it; says whether it was there.
    ///
    /// # Errors
    /// Fails when the place cannot be written to, or deletes nothing: many registries do so only when they are told to.
    pub fn delete(&self, digest: &Digest) -> Result<bool, RepositoryError> {
        match &self.0 {
            Inner::Registry(registry) => registry.delete(digest),
            Inner::Layout(layout) => Err(RepositoryError::ReadOnly { place: layout.place() }),
        }
    }

    /// Lists what the place itself knows to refer to `subject`; `None` when it keeps no such list.
    pub(crate) fn referrers(&self, subject: &Digest) -> Result<Option<Listed>, RepositoryError> {
        match &self.0 {
            Inner::Registry(registry) => registry.referrers(subject),
            Inner::Layout(layout) => layout.referrers(subject).map(Some),
        }
    }

    /// Tells whether two may write the same tag at once without noticing.
    pub(crate) fn races(&self) -> bool {
        matches!(self.0, Inner::Registry(_))
    }

    /// Waits before something is tried again.
    pub(crate) fn pause(&self, time: std::time::Duration) -> Result<(), RepositoryError> {
        match &self.0 {
            Inner::Registry(registry) => registry.pause(time),
            Inner::Layout(_) => Ok(()),
        }
    }

    pub(crate) fn contended(&self, tag: &str, attempts: u32) -> RepositoryError {
        RepositoryError::Contended { place: self.place(), tag: tag.to_owned(), attempts }
    }
}

/// Returns the media type of a manifest: what it says itself, else what was told with it, else what its shape says.
pub(crate) fn media_type_of(bytes: &[u8], told: Option<&str>) -> String {
    let document = ManifestDocument::parse(bytes).ok();
    let own = document.as_ref().map(|document| document.media_type.clone()).filter(|own| !own.is_empty());
    let told = told.filter(|told| told.starts_with("application/vnd.")).map(str::to_owned);
    own.or(told).unwrap_or_else(|| {
        let is_index = document.is_some_and(|document| document.is_index());
        let name = if is_index { crate::artifact::INDEX_TYPE } else { crate::artifact::MANIFEST_TYPE };
        name.to_owned()
    })
}

/// Makes the error of a blob that cannot be opened.
pub(crate) fn blob_error(digest: Digest, source: ReadLayerError) -> RepositoryError {
    RepositoryError::Blob { digest, source: Box::new(source) }
}
