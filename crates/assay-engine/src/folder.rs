//! The inventory of a folder, or of one file.

use crate::Settings;
use crate::progress::Progress;
use assay_analyze::{Budget, FolderPass, Lockfiles, Node, NodeKind, squash};
use assay_decode::read_at::FileSpool;
use assay_model::{Inventory, Warning};
use assay_oci::dir::{DirEntryKind, WalkError, WalkLimits, walk};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Why a folder or file could not be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanFolderError {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A single file that says nothing about packages.
    #[error("`{}` is neither an image nor a file that lists packages", path.display())]
    NothingToRead {
        /// The path.
        path: PathBuf,
    },
}

/// Looks at every file below `path`, or at the one file it is.
///
/// What version control keeps in `.git` is not looked at: it is history, not content.
///
/// # Errors
/// Fails when `path` itself cannot be read, or is a single file that no analyzer knows.
pub fn folder_inventory(
    path: &Path,
    settings: &Settings<'_>,
    progress: &Progress,
) -> Result<Inventory, ScanFolderError> {
    let read_error = |source| ScanFolderError::Read { path: path.to_owned(), source };
    let metadata = path.metadata().map_err(read_error)?;
    // A pipe would be waited for, a device read without end.
    if !metadata.is_dir() && !metadata.is_file() {
        return Err(ScanFolderError::NothingToRead { path: path.to_owned() });
    }
    // There is only one layer, but files that say little have a part of their own.
    let limits = settings.limits.among(1).pop().unwrap_or_else(|| settings.limits.clone());
    let mut pass = FolderPass::new(&settings.matcher, &limits);
    let single = !metadata.is_dir();
    if !single {
        std::fs::read_dir(path).map_err(read_error)?;
        let walk_limits = WalkLimits { max_depth: limits.depth, max_entries: limits.entries_per_layer };
        for entry in walk(path, walk_limits) {
            if pass.is_over() {
                break;
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error @ WalkError::TooDeep { .. }) => {
                    pass.warn(Budget::DEPTH.exceeded(None, error));
                    continue;
                }
                Err(error @ WalkError::TooMany { .. }) => {
                    pass.warn(Budget::ENTRIES.exceeded(None, error));
                    continue;
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error)
                        .map(|cause| format!(": {cause}"))
                        .unwrap_or_default();
                    pass.warn(Warning::unscanned("unreadable-path", None, format!("{error}{cause}")));
                    continue;
                }
            };
            if entry.path.split('/').any(|part| part == ".git") {
                continue;
            }
            let node = Node {
                kind: if entry.kind == DirEntryKind::Folder { NodeKind::Folder } else { NodeKind::File },
                mode: entry.mode,
                uid: entry.uid.into(),
                gid: entry.gid.into(),
                capabilities: 0,
            };
            match entry.kind {
                DirEntryKind::File => {}
                DirEntryKind::Folder => {
                    pass.folder(&entry.path, node);
                    continue;
                }
                DirEntryKind::Symlink(_) => continue,
            }
            progress.files.fetch_add(1, Ordering::Relaxed);
            match entry.open().and_then(FileSpool::new) {
                Ok(content) => {
                    pass.file(&entry.path, node, &content);
                }
                Err(error) => {
                    pass.warn(Warning::unscanned("unreadable-path", Some(&entry.path), error.to_string()));
                }
            }
        }
    } else {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let content = std::fs::File::open(path).and_then(FileSpool::new).map_err(read_error)?;
        pass.file(&name, Node::file(0o644), &content);
    }
    if limits.stop.is_raised() {
        pass.warn(Budget::TIME.exceeded(None, "the time was up before every file was looked at"));
    }
    let found = pass.finish();
    // Analyzers are asked about more names than they know (`*.txt` may be requirements): what says nothing is not clean.
    if single && found.files.is_empty() {
        return Err(ScanFolderError::NothingToRead { path: path.to_owned() });
    }
    let mut inventory = squash(vec![found], false, Lockfiles::Always, &settings.matcher).inventory;
    inventory.warnings.sort();
    Ok(inventory)
}
