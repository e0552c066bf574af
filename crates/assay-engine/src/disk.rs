//! The inventory of the disk of a virtual machine: every file system on it, laid together as the running system would have them.
//!
//! The root file system is the one that has an `os-release`; its `/etc/fstab` says where the others belong. What it does not
//! mention is looked at all the same, below a folder of its own. Nothing is mounted, nothing is unpacked, and no file but the image
//! is opened, unless the image names one that lies beside it or the user names one (see [`siblings`]).

mod fstab;
mod mounts;
mod siblings;
mod walk;

use crate::Settings;
use crate::identity::Identity;
use crate::progress::Progress;
use assay_analyze::{Budget, FolderPass, Lockfiles, squash};
use assay_decode::disk::{DiskError, open_file_system, open_image, volumes};
use assay_decode::read_at::FileSpool;
use assay_model::{Digest, Inventory, Warning};
use mounts::Mounted;
use siblings::FolderSiblings;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a disk could not be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanDiskError {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The image's own header or tables cannot be used.
    #[error("cannot open the disk `{}`", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// What is wrong.
        source: DiskError,
    },
    /// It is a folder, a device or a pipe.
    #[error("`{}` is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// What would show what is on it lies in another file that was not read.
    #[error("the disk `{}` is not whole: {missing}", path.display())]
    Incomplete {
        /// The path.
        path: PathBuf,
        /// What was not read, and why.
        missing: String,
    },
    /// There is nothing on it that is known.
    #[error("`{}` has neither a partition table nor a file system that is known", path.display())]
    NotADisk {
        /// The path.
        path: PathBuf,
    },
}

/// Looks at every file on the disk at `path`; returns what is there, and the digest that stands for the disk.
///
/// `backing` are the files that the image, the file that it stands on, and so on name as their backing files, where these do not
/// lie beside the image. The digest is the SHA-256 of the file; of several files, see [`Identity`].
///
/// # Errors
/// Fails when the file cannot be read or is no disk. Damage on it is a warning.
pub fn disk_inventory(
    path: &Path,
    backing: &[PathBuf],
    settings: &Settings<'_>,
    progress: &Progress,
) -> Result<(Inventory, Option<Digest>), ScanDiskError> {
    let read = |source| ScanDiskError::Read { path: path.to_owned(), source };
    // A pipe would be waited for; the length of a device is not known like that of a file.
    if !path.metadata().map_err(read)?.is_file() {
        return Err(ScanDiskError::NotAFile { path: path.to_owned() });
    }
    let file = std::fs::File::open(path).and_then(FileSpool::new).map_err(read)?;
    let mut siblings = FolderSiblings::new(path, backing);
    let image = open_image(Arc::new(file), &mut siblings)
        .map_err(|source| ScanDiskError::Open { path: path.to_owned(), source })?;
    let found = volumes(&image.content);
    if !found.recognised && !image.missing.is_empty() {
        return Err(ScanDiskError::Incomplete { path: path.to_owned(), missing: image.missing.join("; ") });
    }
    if !found.recognised {
        return Err(ScanDiskError::NotADisk { path: path.to_owned() });
    }
    let (opened, stored) = siblings.finish();
    let files: Vec<&Path> = std::iter::once(path).chain(opened.iter().map(PathBuf::as_path)).collect();
    // Most of the time goes into the digest, which needs all bytes; the scan needs few of them.
    let (mut inventory, digest) = std::thread::scope(|scope| {
        let hashing = scope.spawn(|| Identity::of(&files, &settings.limits.stop, progress));
        let mut pass = FolderPass::inside(&settings.matcher, &settings.limits, stored);
        for missing in image.missing {
            let message = format!("{missing}; `--backing-file FILE` names what the disk stands on");
            pass.warn(Warning::unscanned("missing-disk-part", None, message));
        }
        for unread in found.unread {
            let message = format!("{} was not looked into: {}", unread.name, unread.why);
            pass.warn(Warning::unscanned("unread-volume", None, message));
        }
        let mut mounted = Vec::new();
        for volume in found.volumes {
            match open_file_system(&volume.content) {
                Ok(file_system) => mounted.push(Mounted { volume, file_system }),
                Err(error) => {
                    let message = format!("{} was not looked into: {}", volume.name, with_cause(&error));
                    pass.warn(Warning::unscanned("unread-volume", None, message));
                }
            }
        }
        for one in &mounted {
            if let Some(caution) = one.file_system.caution() {
                let message = format!("{} ({}): {caution}", one.volume.name, one.file_system.kind());
                pass.warn(Warning::unscanned("unclean-file-system", None, message));
            }
        }
        let (places, warnings) = mounts::arrange(&mounted);
        for warning in warnings {
            pass.warn(warning);
        }
        walk::walk(&mounted, places, &mut pass, &settings.limits, progress);
        if settings.limits.stop.is_raised() {
            pass.warn(Budget::TIME.exceeded(None, "the time was up before every file was looked at"));
        }
        let squashed = squash(vec![pass.finish()], false, Lockfiles::Always, &settings.matcher);
        let digest = hashing.join().unwrap_or(Ok(None));
        (squashed.inventory, digest)
    });
    let digest = digest.map_err(|(path, source)| ScanDiskError::Read { path, source })?;
    inventory.warnings.sort();
    Ok((inventory, digest))
}

/// Joins an error and its cause into one sentence.
fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
