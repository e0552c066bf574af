//! What there is beside an image that may prove who signed it, from wherever clients put it.

use crate::command::Global;
use crate::error::CommandError;
use crate::repository::{self, Located};
use crate::source::NetworkArgs;
use assay_engine::{AttachedEvidence, attached_evidence};
use assay_model::{Digest, Platform};
use assay_oci::descriptor::{Descriptor, spelled};
use assay_oci::{Access, ManifestDocument, RepositoryError, StoredManifest};

/// Images of one index that are judged, each of which is several requests. The largest public indexes have some twenty platforms.
const MAX_IMAGES: usize = 64;

/// What to do about an index that cannot be judged.
const ONE_BY_ONE: &str = "name the image that is to run by its digest, as in `registry.example/app@sha256:…`";

/// An image whose evidence is looked for.
pub(crate) type Subject = Located;

/// Finds an image.
pub(crate) fn open(text: &str, network: &NetworkArgs, global: &Global) -> Result<Subject, CommandError> {
    repository::locate(text, Access::Read, network, global)
}

/// Returns the images of an index that may run, none for an image; `shown` is what the user wrote.
///
/// Whoever writes an index is judged by it, so nothing in it takes an image out of sight: neither an annotation, nor an entry that is
/// not understood here but may be by a runtime, nor their number.
pub(crate) fn runnable(image: &StoredManifest, shown: &str) -> Result<Vec<Descriptor>, CommandError> {
    let cannot = || format!("cannot read what is in `{shown}`");
    let document = ManifestDocument::parse(&image.bytes)
        .map_err(|error| CommandError::work(cannot(), error).with_hints_of_cause())?;
    if !document.is_index() {
        return Ok(Vec::new());
    }
    if document.malformed() > 0 {
        let cause = format!(
            "{} of the entries of its index cannot be understood, and may be run nevertheless",
            document.malformed()
        );
        return Err(CommandError::work(cannot(), cause).hint(ONE_BY_ONE));
    }
    let mut images: Vec<Descriptor> = Vec::new();
    for entry in document.manifests.into_iter().filter(Descriptor::may_run) {
        let same = |known: &Descriptor| known.digest == entry.digest && known.platform() == entry.platform();
        if images.iter().any(same) {
            continue;
        }
        if images.len() >= MAX_IMAGES {
            let cause = format!("its index lists more than {MAX_IMAGES} images");
            return Err(CommandError::work(cannot(), cause).hint(ONE_BY_ONE));
        }
        images.push(entry);
    }
    Ok(images)
}

/// Returns the images of an index that may run on some platforms, on any when none are named; one that names none may run on all.
pub(crate) fn on(images: Vec<Descriptor>, platforms: &[Platform]) -> Vec<Descriptor> {
    let own: Vec<Option<Platform>> = images.iter().map(Descriptor::platform).collect();
    let platforms: Vec<Platform> = platforms
        .iter()
        .map(|one| spelled(&one.os, &one.architecture, one.variant.as_deref().unwrap_or_default()))
        .collect();
    // Where nothing is made for a platform, runtimes take what its machines run as well: 386 on amd64, a lower variant of arm.
    let may_run = |have: &Platform| {
        platforms.iter().any(|wanted| {
            let fits = own.iter().flatten().any(|other| other.satisfies(wanted));
            if fits { have.satisfies(wanted) } else { is_kin(have, wanted) }
        })
    };
    let keep = own.iter().map(|own| platforms.is_empty() || own.as_ref().is_none_or(may_run));
    images.into_iter().zip(keep).filter_map(|(image, keep)| keep.then_some(image)).collect()
}

/// Tells whether machines of one platform may run what is made for another.
fn is_kin(have: &Platform, wanted: &Platform) -> bool {
    let family = |platform: &Platform| match platform.architecture.as_str() {
        "386" => "amd64".to_owned(),
        "arm" => "arm64".to_owned(),
        other => other.to_owned(),
    };
    have.os == wanted.os && family(have) == family(wanted)
}

impl Subject {
    /// Returns the images of an index that may run, none for an image.
    pub(crate) fn runnable(&self) -> Result<Vec<Descriptor>, CommandError> {
        runnable(&self.image, &self.shown)
    }

    /// Tells whether an index lists a manifest: what is said of an index is said of nothing else.
    pub(crate) fn lists(&self, digest: Digest) -> bool {
        ManifestDocument::parse(&self.image.bytes)
            .is_ok_and(|index| index.manifests.iter().any(|entry| entry.digest == digest))
    }

    /// Returns the manifest with that digest.
    pub(crate) fn manifest(&self, digest: Digest) -> Result<StoredManifest, CommandError> {
        self.repository.manifest(digest).map_err(|error| self.failed(error))
    }

    /// Finds what there is for a manifest.
    pub(crate) fn evidence(&self, manifest: &StoredManifest) -> Result<AttachedEvidence, CommandError> {
        attached_evidence(&self.repository, manifest).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: RepositoryError) -> CommandError {
        CommandError::work(format!("cannot look at what is attached to `{}`", self.shown), error)
            .with_hints_of_cause()
    }
}
