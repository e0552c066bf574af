//! The inventory of a serverless function: its zip, and the layers it is deployed with.
//!
//! Layers are unpacked to `/opt` before the function's own zip, a later one over an earlier one
//! (<https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html>); their files are named below `opt/` here. The function's own
//! files keep the names they have in the zip: where they are unpacked differs between platforms (`/var/task`, `/workspace`).

use crate::Settings;
use crate::identity::Identity;
use crate::progress::Progress;
use assay_analyze::{Budget, FolderPass, Limits, Lockfiles, Node, squash};
use assay_decode::read_at::{FileSpool, ReadAt};
use assay_decode::zip::{Zip, ZipEntry, ZipError};
use assay_model::{Digest, Inventory, Warning};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Why a function could not be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanFunctionError {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file is no zip.
    #[error("cannot open the zip `{}`", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// What is wrong.
        source: ZipError,
    },
}

/// Where layers are unpacked.
const LAYERS: &str = "opt";

/// Looks at every file in the zip at `path`, and in those of its layers, the lowest first; returns what is there, and the digest that
/// stands for the function: the SHA-256 of its zip; with layers, see [`Identity`].
///
/// # Errors
/// Fails when a file cannot be read or is no zip. Damage in it is a warning.
pub fn function_inventory(
    path: &Path,
    layers: &[PathBuf],
    settings: &Settings<'_>,
    progress: &Progress,
) -> Result<(Inventory, Option<Digest>), ScanFunctionError> {
    let mut zips = Vec::new();
    for path in layers.iter().map(PathBuf::as_path).chain([path]) {
        let read = |source| ScanFunctionError::Read { path: path.to_owned(), source };
        let metadata = path.metadata().map_err(read)?;
        // A pipe would be waited for.
        if !metadata.is_file() {
            return Err(ScanFunctionError::Open { path: path.to_owned(), source: ZipError::NotZip });
        }
        zips.push((path, std::fs::File::open(path).and_then(FileSpool::new).map_err(read)?));
    }
    let stored = zips.iter().map(|(_, file)| file.len()).fold(0, u64::saturating_add);
    let mut pass = FolderPass::inside(&settings.matcher, &settings.limits, stored);
    let mut entries = 0;
    for (index, (path, file)) in zips.iter().enumerate() {
        let zip =
            Zip::open(file).map_err(|source| ScanFunctionError::Open { path: (*path).to_owned(), source })?;
        let below = if index < layers.len() { LAYERS } else { "" };
        let mut unpacking = Unpacking {
            zip,
            below,
            pass: &mut pass,
            limits: &settings.limits,
            progress,
            entries,
            over: false,
        };
        let ended = unpacking.all();
        entries = unpacking.entries;
        if let Err(error) = ended {
            let message = format!("`{}`: {error}", path.display());
            pass.warn(Warning::unscanned("damaged-archive", None, message));
        }
    }
    if settings.limits.stop.is_raised() {
        pass.warn(Budget::TIME.exceeded(None, "the time was up before every file was looked at"));
    }
    let files: Vec<&Path> = [path].into_iter().chain(layers.iter().map(PathBuf::as_path)).collect();
    let digest = Identity::of(&files, &settings.limits.stop, progress)
        .map_err(|(path, source)| ScanFunctionError::Read { path, source })?;
    let mut inventory = squash(vec![pass.finish()], false, Lockfiles::Always, &settings.matcher).inventory;
    inventory.warnings.sort();
    Ok((inventory, digest))
}

/// A zip whose entries are shown to the analyzers.
struct Unpacking<'a, 'b> {
    zip: Zip<'a>,
    /// The folder it is unpacked to.
    below: &'static str,
    pass: &'a mut FolderPass<'b>,
    limits: &'a Limits,
    progress: &'a Progress,
    /// Of all zips together.
    entries: u64,
    over: bool,
}

impl Unpacking<'_, '_> {
    fn all(&mut self) -> Result<(), ZipError> {
        if self.zip.overlaps()? {
            let message = "entries of the zip share bytes, as those of no honest tool do";
            self.pass.warn(Warning::notice("overlapping-entries", None, message));
        }
        let zip = self.zip;
        zip.select(|_| true, |entry| self.entry(&entry))
    }

    fn entry(&mut self, entry: &ZipEntry) {
        if self.over || self.pass.is_over() {
            return;
        }
        self.entries = self.entries.saturating_add(1);
        if self.entries > self.limits.entries_per_layer {
            self.over = true;
            let what = format!("there are more than {} entries", self.limits.entries_per_layer);
            self.pass.warn(Budget::ENTRIES.exceeded(None, what));
            return;
        }
        if !entry.is_file() {
            return;
        }
        let path = match self.path(&entry.name) {
            Ok(path) => path,
            Err(warning) => return self.pass.warn(warning),
        };
        if path.split('/').any(|part| part == ".git") {
            return;
        }
        self.progress.files.fetch_add(1, Ordering::Relaxed);
        let mode = entry.mode.unwrap_or(0o644) & 0o7777;
        match self.zip.reader(entry) {
            Ok(reader) => {
                let mut reader = BufReader::with_capacity(64 << 10, reader);
                self.pass.stream(&path, Node::file(mode), entry.uncompressed_size, &mut reader);
            }
            Err(error) => self.pass.warn(Warning::unscanned("damaged-file", Some(&path), error.to_string())),
        }
    }

    /// Returns the path of a name in the zip, or why it is none.
    fn path(&self, name: &str) -> Result<String, Warning> {
        // Some tools on Windows write backslashes; whoever unpacks there means the same.
        let name = name.replace('\\', "/");
        let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if name.starts_with('/') || parts.contains(&"..") || name.contains('\0') || parts.is_empty() {
            let message = format!("the entry `{name}` would lie outside of the function and was skipped");
            return Err(Warning::unscanned("skipped-entry", None, message));
        }
        let path = if self.below.is_empty() {
            parts.join("/")
        } else {
            format!("{}/{}", self.below, parts.join("/"))
        };
        if path.len() > self.limits.path_length {
            let what =
                format!("an entry has a path of more than {} bytes and was skipped", self.limits.path_length);
            return Err(Budget::PATH.exceeded(None, what));
        }
        if parts.len() > self.limits.depth {
            let what = format!("it lies more than {} folders deep", self.limits.depth);
            return Err(Budget::DEPTH.exceeded(Some(&path), what));
        }
        Ok(path)
    }
}
