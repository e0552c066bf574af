//! Copies an image, with all platforms and everything attached to it, from one repository to another.
//!
//! Bytes stay as they are, so that digests, and with them signatures, stay valid; every one is verified on the way. Surprising: the
//! name comes last, when all else is there, so that nobody pulls an image whose signatures are still on their way; what is attached
//! to an artifact, such as the signature of a bill of materials, is copied like what is attached to an image; and an artifact that
//! cannot be copied costs itself only, unless all are asked for or the reason is the way there, while an image is copied whole or not at all.

use crate::artifact::{Artifact, Artifacts, Found, LookOutcome, NewLayer};
use crate::descriptor::Descriptor;
use crate::document::not_distributed;
use crate::error::{OpenError, ReadLayerError};
use crate::network::TimeUp;
use crate::registry::push::{Condition, Transfer};
use crate::registry::{RegistryError, RegistryErrorKind};
use crate::repository::{Repository, RepositoryError, StoredManifest};
use crate::source::Selector;
use crate::{ManifestDocument, TagScheme};
use assay_model::{Digest, Platform};
use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Blobs that are copied at once.
const WORKERS: usize = 4;
/// Indexes in indexes, or artifacts of artifacts; real ones have two.
const MAX_DEPTH: usize = 8;
/// Artifacts that are copied with one image, those of artifacts included: whoever may push can attach without end.
const MAX_ARTIFACTS: usize = 10_000;
/// Problems that are told.
const MAX_PROBLEMS: usize = 1000;
/// The largest layer under one of cosign's tags that is appended instead of copied: it is in memory.
const MAX_TAGGED_LAYER: u64 = 64 << 20;

/// What is to be copied.
#[derive(Debug, Clone)]
pub struct CopyOptions {
    /// Of an index this platform only, which then is not the image of the index any more; otherwise all.
    pub platform: Option<Platform>,
    /// What is attached, too.
    pub artifacts: bool,
    /// The digest that the destination is named by: nothing is copied if the image has another.
    pub expected: Option<Digest>,
    /// A tag that names another image stays as it is: then nothing is copied.
    pub keep_tag: bool,
    /// Nothing gets the tag unless everything that is attached was copied.
    pub whole: bool,
}

/// What was copied.
#[derive(Debug, Clone, Default)]
pub struct Copied {
    /// The image's manifest or index.
    pub root: Option<Digest>,
    /// Manifests and indexes, of images and artifacts.
    pub manifests: u64,
    /// Of these, artifacts.
    pub artifacts: u64,
    /// Blobs that were sent.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Blobs that the registry took over from another of its repositories.
    pub mounted: u64,
    /// Blobs that were there.
    pub present: u64,
    /// What could not be copied, and why.
    pub problems: Vec<String>,
}

/// Copies the image `wanted` of `from` to `to`, under `tag` if there is one; `progress` is told each blob that is there.
///
/// # Errors
/// Fails when the image cannot be copied whole, has another digest than is expected, or when its tag is taken and to be kept; the tag
/// then stays where it was. An artifact that is listed and cannot be copied is one of the problems, or fails it if all are asked for.
pub fn copy(
    from: &Repository,
    wanted: Option<&Selector>,
    to: &Repository,
    tag: Option<&str>,
    options: &CopyOptions,
    progress: &(dyn Fn(&Descriptor, Transfer) + Sync),
) -> Result<Copied, RepositoryError> {
    let root = from.resolve_for(wanted, options.platform.as_ref())?;
    let actual = root.descriptor.digest;
    if let Some(expected) = options.expected.filter(|expected| *expected != actual) {
        return Err(RepositoryError::OtherDigest { place: to.place(), expected, actual });
    }
    let kept_tag = tag.filter(|_| options.keep_tag);
    if let Some(tag) = kept_tag {
        // Before gigabytes are sent in vain; it is looked at again before the name is given.
        names(to, tag, actual)?;
    }
    let mut copy = Copy {
        from,
        to,
        options,
        progress,
        done: Copied::default(),
        images: HashSet::new(),
        attached: HashSet::new(),
    };
    copy.image(&root, 0)?;
    if options.whole && !copy.done.problems.is_empty() {
        return Err(RepositoryError::Incomplete { place: to.place(), problems: copy.done.problems });
    }
    match kept_tag {
        Some(tag) => name(to, tag, &root)?,
        None => drop(to.push_image(&root.descriptor.media_type, &root.bytes, tag)?),
    }
    copy.done.root = Some(actual);
    Ok(copy.done)
}

/// Tells whether a tag names the image already.
///
/// # Errors
/// Fails when it names another.
fn names(to: &Repository, tag: &str, image: Digest) -> Result<bool, RepositoryError> {
    match to.find(Some(&Selector::Name(tag.to_owned())))? {
        None => Ok(false),
        Some(there) if there.descriptor.digest == image => Ok(true),
        Some(there) => {
            let digest = there.descriptor.digest;
            Err(RepositoryError::TagTaken { place: to.place(), tag: tag.to_owned(), digest })
        }
    }
}

/// Gives the image a tag that nothing else has. Registries that honour no conditions leave a moment in which another may be faster.
fn name(to: &Repository, tag: &str, image: &StoredManifest) -> Result<(), RepositoryError> {
    let Descriptor { media_type, digest, .. } = &image.descriptor;
    if names(to, tag, *digest)? || to.put(media_type, &image.bytes, Some(tag), &Condition::Absent)?.is_some()
    {
        return Ok(());
    }
    // Another was faster.
    if names(to, tag, *digest)? { Ok(()) } else { Err(to.contended(tag, 1)) }
}

struct Copy<'a> {
    from: &'a Repository,
    to: &'a Repository,
    options: &'a CopyOptions,
    progress: &'a (dyn Fn(&Descriptor, Transfer) + Sync),
    done: Copied,
    /// Images and indexes that are there or on their way.
    images: HashSet<Digest>,
    /// The same of artifacts: one that failed is no image that is there.
    attached: HashSet<Digest>,
}

impl Copy<'_> {
    /// Copies an image or index, what is in it and what is attached to it.
    fn image(&mut self, stored: &StoredManifest, depth: usize) -> Result<(), RepositoryError> {
        if !self.images.insert(stored.descriptor.digest) {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            let limit = u64::try_from(MAX_DEPTH).unwrap_or(u64::MAX);
            return Err(OpenError::TooLarge { what: "the nesting of indexes".to_owned(), limit }.into());
        }
        let document = ManifestDocument::parse(&stored.bytes)?;
        // Without them it would be another image, though its digest is the same.
        if document.malformed() > 0 {
            let found = format!("{} entries of the index cannot be understood", document.malformed());
            return Err(OpenError::NotAnImage { place: stored.descriptor.digest.to_string(), found }.into());
        }
        for entry in &document.manifests {
            let child = self.from.manifest(entry.digest)?;
            self.image(&child, depth.saturating_add(1))?;
        }
        self.blobs(&document)?;
        self.to.push_manifest_stored(stored)?;
        self.done.manifests = self.done.manifests.saturating_add(1);
        self.attached(stored.descriptor.digest, depth)
    }

    /// Copies what is attached to a manifest.
    fn attached(&mut self, subject: Digest, depth: usize) -> Result<(), RepositoryError> {
        if !self.options.artifacts {
            return Ok(());
        }
        let depth = depth.saturating_add(1);
        // A registry that does not say what is attached is not called empty: then there is no copy, and no tag.
        let Artifacts { artifacts, looked, problems, .. } = self.from.artifacts(subject, &[])?;
        for look in looked.iter().filter(|look| matches!(look.outcome, LookOutcome::Truncated(_))) {
            self.problem(format!("{} of `{subject}` lists more than is copied", look.name));
        }
        for problem in problems {
            self.problem(format!("artifact `{}` ({}): {}", problem.digest, problem.found, problem.reason));
        }
        for artifact in artifacts {
            let digest = artifact.descriptor.digest;
            match self.artifact(&artifact, depth) {
                Ok(true) => self.attached(digest, depth)?,
                Ok(false) => {}
                Err(error) if ends_all(&error) => return Err(error),
                Err(error) => self.problem(format!("artifact `{digest}`: {}", error.told())),
            }
        }
        Ok(())
    }

    fn problem(&mut self, text: String) {
        if self.done.problems.len() < MAX_PROBLEMS {
            self.done.problems.push(text);
        }
    }

    /// Copies an artifact; tells whether it was not yet there, so that what is attached to it is to be looked for.
    fn artifact(&mut self, artifact: &Artifact, depth: usize) -> Result<bool, RepositoryError> {
        let digest = artifact.descriptor.digest;
        let is_new = self.attached.insert(digest);
        let is_tagged = artifact.found.iter().any(|at| matches!(at, Found::Tag(_)));
        // The same artifact may stand under the tags of several images: each of them is a place of its own.
        if !is_new && !is_tagged {
            return Ok(false);
        }
        if depth > MAX_DEPTH {
            self.problem(format!("artifact `{digest}` is attached to too many others"));
            return Ok(false);
        }
        if self.attached.len() > MAX_ARTIFACTS {
            self.problem(format!("artifact `{digest}`: there are more than {MAX_ARTIFACTS}"));
            return Ok(false);
        }
        let document = ManifestDocument::parse(&artifact.manifest)?;
        self.blobs(&document)?;
        if is_new && artifact.found.iter().any(|at| matches!(at, Found::Referrers | Found::FallbackTag)) {
            match document.subject {
                Some(_) => {
                    self.to.push_referrer(&artifact.manifest)?;
                }
                None => self.problem(format!("artifact `{digest}`: it is listed but names no subject")),
            }
        }
        for at in &artifact.found {
            if let Found::Tag(scheme) = at {
                self.tagged(artifact, *scheme)?;
            }
        }
        if !is_new {
            return Ok(false);
        }
        self.done.manifests = self.done.manifests.saturating_add(1);
        self.done.artifacts = self.done.artifacts.saturating_add(1);
        Ok(true)
    }

    /// Copies what is under one of cosign's tags; what is already under it there stays.
    fn tagged(&self, artifact: &Artifact, scheme: TagScheme) -> Result<(), RepositoryError> {
        let tag = scheme.tag(&artifact.subject);
        match self.to.find(Some(&Selector::Name(tag.clone())))? {
            Some(there) if there.descriptor.digest == artifact.descriptor.digest => Ok(()),
            None => {
                let media_type = &artifact.descriptor.media_type;
                self.to.push_manifest(media_type, &artifact.manifest, Some(&tag))?;
                Ok(())
            }
            Some(_) => {
                for layer in &artifact.layers {
                    let bytes = self.from.blob(layer, MAX_TAGGED_LAYER)?;
                    let new = NewLayer {
                        media_type: &layer.media_type,
                        bytes: &bytes,
                        annotations: &layer.annotations,
                    };
                    self.to.append_tagged(&artifact.subject, scheme, &new)?;
                }
                Ok(())
            }
        }
    }

    /// Copies configuration and layers, several at once.
    fn blobs(&mut self, document: &ManifestDocument) -> Result<(), RepositoryError> {
        let (mut blobs, mut digests): (Vec<&Descriptor>, _) = (Vec::new(), HashSet::new());
        for blob in document.config.iter().chain(&document.layers) {
            // Some layers registries need not have, and whoever runs the image fetches them elsewhere.
            if !not_distributed(&blob.media_type) && digests.insert(blob.digest) {
                blobs.push(blob);
            }
        }
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
        let done = Mutex::new(&mut self.done);
        let (from, to, progress) = (self.from, self.to, self.progress);
        std::thread::scope(|scope| {
            for _ in 0..WORKERS.min(blobs.len()) {
                scope.spawn(|| {
                    while let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let open = || -> io::Result<Box<dyn Read + Send>> {
                            from.open_blob(blob).map_err(io::Error::other)
                        };
                        match to.push_blob_from(blob, &open, Some(from)) {
                            Ok(transfer) => {
                                done.lock().unwrap_or_else(PoisonError::into_inner).count(blob, transfer);
                                progress(blob, transfer);
                            }
                            Err(error) => {
                                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                                // The others need not begin what will be in vain.
                                next.store(blobs.len(), Ordering::Relaxed);
                            }
                        }
                    }
                });
            }
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// Tells whether an error says nothing of what was to be copied but of the way there, or of the whole place: what comes next would
/// fail, too, and an image without what is attached to it would go by its name.
fn ends_all(error: &(dyn std::error::Error + 'static)) -> bool {
    use RegistryErrorKind as Kind;
    if let Some(error) = error.downcast_ref::<RegistryError>() {
        return match error.kind() {
            Kind::Offline | Kind::Unreachable | Kind::Untrusted | Kind::Unauthorised => true,
            Kind::TooManyRequests | Kind::Local => true,
            Kind::Server => matches!(error, RegistryError::Status { status: 500.., .. }),
            Kind::Denied | Kind::NotFound => false,
        };
    }
    // Transparent wrappers skip what they wrap when they are asked for their cause.
    match error.downcast_ref::<RepositoryError>() {
        Some(RepositoryError::ReadOnly { .. } | RepositoryError::Write { .. }) => return true,
        Some(RepositoryError::Registry(error)) => return ends_all(error),
        Some(RepositoryError::Open(error)) => return ends_all(error),
        _ => {}
    }
    match error.downcast_ref::<OpenError>() {
        Some(OpenError::TimedOut(_)) => return true,
        Some(OpenError::Registry(error)) => return ends_all(error),
        _ => {}
    }
    if let Some(ReadLayerError::Registry(error)) = error.downcast_ref() {
        return ends_all(error);
    }
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match inner {
        Some(inner) => ends_all(inner),
        None => error.is::<TimeUp>() || error.source().is_some_and(ends_all),
    }
}

impl Copied {
    fn count(&mut self, blob: &Descriptor, transfer: Transfer) {
        match transfer {
            Transfer::Present => self.present = self.present.saturating_add(1),
            Transfer::Mounted => self.mounted = self.mounted.saturating_add(1),
            Transfer::Sent => {
                self.sent = self.sent.saturating_add(1);
                self.sent_bytes = self.sent_bytes.saturating_add(blob.size);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_way_is_found_wherever_it_is_wrapped() {
        let broken = || RegistryError::Interrupted { host: "h".into(), what: "a blob".into(), source: None };
        let missing = || RegistryError::Status {
            host: "h".into(),
            status: 404,
            what: "a blob".into(),
            detail: String::new(),
        };
        let blob = |source: io::Error| RepositoryError::Blob {
            digest: Descriptor::of("text/plain", b"x").digest,
            source: Box::new(source),
        };
        for (error, ends) in [
            (broken().into(), true),
            (OpenError::from(broken()).into(), true),
            (blob(io::Error::other(broken())), true),
            (blob(io::Error::other(ReadLayerError::from(broken()))), true),
            (blob(io::Error::other(RepositoryError::from(broken()))), true),
            (blob(io::Error::other(RepositoryError::from(TimeUp))), true),
            (blob(io::Error::other(TimeUp)), true),
            (blob(io::Error::other(missing())), false),
            (blob(io::ErrorKind::UnexpectedEof.into()), false),
        ] {
            assert_eq!(ends_all(&error), ends, "{}", error.told());
        }
    }
}
