//! The cache of layer analyses: a layer that was read once is not read again.
//!
//! Files of four kinds in one folder, all written beside and renamed, so that any number of processes may use it at once
//! without waiting for each other, and a crash leaves nothing half-written in use:
//!
//! - `layers/xx/<diff-id>`: what was found in the layer with that content, which this installation computed from the bytes.
//! - `pairs/xx/<blob>-<diff-id>`: that the stored blob inflates to that layer, as this installation saw; each line is a file
//!   (see [`assay_oci::Witness`]) whose bytes were hashed and are those of the blob.
//! - `inventories/xx/…`: what all layers of one image come to, for the very program that laid them over each other.
//! - `images/…`: of images that were read whole, enough to recognise them as the base of others.
//!
//! An image only ever *claims* that a blob holds a certain layer. Without a pair of ours the claim is not believed: the blob
//! is read, hashed and, if need be, analysed.
//!
//! When the folder outgrows its bound, the files that were not used for the longest time are removed. A file that is removed
//! while another process reads it stays readable for that process.

mod entry;
pub(crate) mod image;
mod inventory;

pub(crate) use entry::Entry;

use assay_analyze::{LayerAnalysis, Limits, Matcher};
use assay_model::{DiffId, Digest, Timestamp};
use assay_oci::Assurance;
use std::fs::{self, File};
use std::hash::{Hash as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The folders.
const KINDS: [&str; 4] = ["pairs", "inventories", "layers", "images"];

/// The bound when the user gives none, in bytes: some ten thousand layers.
pub const DEFAULT_LIMIT: u64 = 2 << 30;

/// How much is left after files were removed, as a share of 100 of the bound: removing a few at a time would mean to look
/// at all of them again and again.
const LEFT_AFTER_EVICTION: u64 = 80;

/// A file's last use is noted at most this often, in seconds: noting it is a write.
const USE_NOTED_EVERY: u64 = 3600;

/// Unfinished files older than this, in seconds, were left behind by a process that ended.
const ABANDONED_AFTER: u64 = 3600;

/// An entry larger than this is not kept, nor believed to be one, in bytes.
const MAX_ENTRY: u64 = 256 << 20;

/// Files known to hold one blob; the oldest are forgotten.
const MAX_WITNESSES: usize = 16;

/// The cache in one folder.
#[derive(Debug, Clone)]
pub struct LayerCache {
    folder: PathBuf,
    limit: u64,
    now: SystemTime,
    /// Bytes written by this process.
    written: Arc<AtomicU64>,
    /// Which build of the program this is, if inventories of whole images are to be kept.
    program: Option<String>,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheStatus {
    /// Layers.
    pub layers: u64,
    /// Pairs of blob and layer.
    pub pairs: u64,
    /// Images remembered as possible bases of others.
    pub images: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// The folder could not be looked at, or not emptied.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the cache folder `{}`", path.display())]
pub struct CacheError {
    /// The path.
    pub path: PathBuf,
    /// The system's answer.
    pub source: io::Error,
}

/// What is known of a layer before it is read.
pub(crate) enum Known {
    /// Nothing that can be relied on.
    Nothing,
    /// Everything, and the bytes need not be read.
    Entry(Entry),
    /// Everything, if the stored bytes are those of the digest; they have to be hashed to know.
    IfHashed(Entry),
}

struct CachedFile {
    path: PathBuf,
    used: SystemTime,
    bytes: u64,
}

impl LayerCache {
    /// Returns the cache in `folder`, which may not exist yet, bounded to `limit` bytes; looks at nothing.
    pub fn new(folder: PathBuf, limit: u64, now: Timestamp) -> Self {
        let seconds = u64::try_from(now.0).unwrap_or_default();
        Self {
            folder,
            limit,
            now: UNIX_EPOCH + Duration::from_secs(seconds),
            written: Arc::default(),
            program: None,
        }
    }

    /// Keeps inventories of whole images, too, for the program that `identity` tells from every other build of it.
    #[must_use]
    pub fn of_program(mut self, identity: String) -> Self {
        self.program = Some(identity);
        self
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Says what is known of the layer that an image claims to be `diff_id`, stored as `blob`.
    ///
    /// A layer without a digest of its own is stored as it is: its blob is the uncompressed tar.
    pub(crate) fn look_up(
        &self,
        blob: Option<Digest>,
        diff_id: DiffId,
        assurance: &Assurance,
        matcher: &Matcher<'_>,
        limits: &Limits,
    ) -> Known {
        let pair = self.pair_path(blob.unwrap_or(diff_id.0), diff_id);
        if !pair.exists() {
            return Known::Nothing;
        }
        let sure = self.is_sure(blob, diff_id, assurance);
        let path = self.layer_path(diff_id);
        let Some(bytes) = read_bounded(&path, MAX_ENTRY) else { return Known::Nothing };
        let Some(entry) = entry::decode(&bytes, diff_id, matcher, bounds(limits)) else {
            return Known::Nothing;
        };
        self.note_use(&path);
        self.note_use(&pair);
        if sure { Known::Entry(entry) } else { Known::IfHashed(entry) }
    }

    /// Returns whether the stored bytes are known, without being read, to hold the layer `diff_id`.
    fn is_sure(&self, blob: Option<Digest>, diff_id: DiffId, assurance: &Assurance) -> bool {
        let pair = self.pair_path(blob.unwrap_or(diff_id.0), diff_id);
        let Some(witnesses) = read_bounded(&pair, 64 << 10) else { return false };
        match assurance {
            Assurance::ByDigest => true,
            Assurance::File(witness) => {
                witnesses.split(|byte| *byte == b'\n').any(|line| line == witness.as_str().as_bytes())
            }
            Assurance::Nothing => false,
        }
    }

    /// Keeps what was found in a layer that was read to its end, and that `blob` holds it.
    ///
    /// That it cannot be kept is no failure of the scan: the next one reads the layer again.
    pub(crate) fn store(
        &self,
        blob: Option<Digest>,
        analysis: &LayerAnalysis,
        assurance: &Assurance,
        matcher: &Matcher<'_>,
        limits: &Limits,
    ) {
        let Some(diff_id) = analysis.diff_id else { return };
        let Some(bytes) = entry::encode(analysis, matcher, bounds(limits)) else { return };
        if bytes.len() as u64 > MAX_ENTRY.min(self.limit) {
            return;
        }
        // The entry comes first: a pair whose entry is missing costs nothing but a look.
        if self.write(&self.layer_path(diff_id), &bytes).is_ok() {
            self.store_pair(blob, diff_id, assurance);
            self.evict_after(bytes.len() as u64);
        }
    }

    /// Keeps that `blob`, whose bytes were just hashed, holds the layer `diff_id`.
    pub(crate) fn store_pair(&self, blob: Option<Digest>, diff_id: DiffId, assurance: &Assurance) {
        let path = self.pair_path(blob.unwrap_or(diff_id.0), diff_id);
        let known = read_bounded(&path, 64 << 10).unwrap_or_default();
        let known = String::from_utf8_lossy(&known).into_owned();
        let mut lines: Vec<&str> = known.lines().collect();
        if let Assurance::File(witness) = assurance {
            lines.retain(|line| *line != witness.as_str());
            // A file's name inside an archive may hold a line break; such a one is hashed each time.
            if !witness.as_str().contains('\n') {
                lines.push(witness.as_str());
            }
            let surplus = lines.len().saturating_sub(MAX_WITNESSES);
            lines.drain(..surplus);
        }
        let mut text = lines.join("\n");
        text.push('\n');
        // As above: without it the blob is hashed again.
        let _ = self.write(&path, text.as_bytes());
    }

    /// Counts what is there.
    ///
    /// # Errors
    /// Fails when a folder that exists cannot be listed.
    pub fn status(&self) -> Result<CacheStatus, CacheError> {
        let (layers, pairs, images) = (self.files("layers")?, self.files("pairs")?, self.files("images")?);
        let inventories = self.files("inventories")?;
        Ok(CacheStatus {
            layers: layers.len() as u64,
            pairs: pairs.len() as u64,
            // Each stands in two places.
            images: images.len() as u64 / 2,
            bytes: layers
                .iter()
                .chain(&pairs)
                .chain(&images)
                .chain(&inventories)
                .map(|file| file.bytes)
                .sum(),
        })
    }

    /// Removes everything; returns what was there.
    ///
    /// # Errors
    /// Fails when something cannot be removed.
    pub fn clear(&self) -> Result<CacheStatus, CacheError> {
        let status = self.status()?;
        for name in KINDS {
            let path = self.folder.join(name);
            match fs::remove_dir_all(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(CacheError { path, source });
                }
                _ => {}
            }
        }
        Ok(status)
    }

    fn layer_path(&self, diff_id: DiffId) -> PathBuf {
        self.path("layers", diff_id.0, &diff_id.0.hex())
    }

    fn pair_path(&self, blob: Digest, diff_id: DiffId) -> PathBuf {
        self.path("pairs", blob, &format!("{}-{}", blob.hex(), diff_id.0.hex()))
    }

    /// Names come from digests only, never from text of an image.
    fn path(&self, kind: &str, digest: Digest, name: &str) -> PathBuf {
        let mut shard = digest.hex();
        shard.truncate(2);
        self.folder.join(kind).join(shard).join(name)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        file.write_all(bytes)?;
        // Not synced: what a power cut leaves behind fails its checksum and is read as nothing.
        file.persist(path)?;
        Ok(())
    }

    fn note_use(&self, path: &Path) {
        let Ok(used) = path.metadata().and_then(|metadata| metadata.modified()) else { return };
        let age = self.now.duration_since(used).unwrap_or_default();
        if age.as_secs() >= USE_NOTED_EVERY
            && let Ok(file) = File::options().append(true).open(path)
        {
            // A cache that may only be read is still of use; it just does not learn what is used.
            let _ = file.set_modified(self.now);
        }
    }

    /// Looks whether there is too much, after the first bytes that this process wrote and then for each hundredth of the limit:
    /// to look is to list everything, which for each of a thousand layers took half a minute.
    fn evict_after(&self, more: u64) {
        let step = (self.limit / 100).max(1);
        let before = self.written.fetch_add(more, Ordering::Relaxed);
        if before == 0 || before / step != before.saturating_add(more) / step {
            self.evict();
        }
    }

    /// Removes what was not used for the longest time, if there is too much.
    fn evict(&self) {
        let mut files = Vec::new();
        for kind in KINDS {
            files.extend(self.files(kind).unwrap_or_default());
        }
        let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
        if bytes <= self.limit {
            return;
        }
        files.sort_by_key(|file| file.used);
        let target = self.limit / 100 * LEFT_AFTER_EVICTION;
        for file in files {
            if bytes <= target {
                break;
            }
            // Another process may have been faster.
            if fs::remove_file(&file.path).is_ok() {
                bytes = bytes.saturating_sub(file.bytes);
            }
        }
    }

    /// Lists the files of one kind; removes what other processes left unfinished.
    fn files(&self, kind: &str) -> Result<Vec<CachedFile>, CacheError> {
        let mut files = Vec::new();
        for shard in list(&self.folder.join(kind))? {
            if !shard.is_dir() {
                continue;
            }
            for path in list(&shard)? {
                // Whatever vanishes while it is looked at was removed by another process.
                let Ok(metadata) = path.symlink_metadata() else { continue };
                if !metadata.is_file() {
                    continue;
                }
                let used = metadata.modified().unwrap_or(UNIX_EPOCH);
                let unfinished =
                    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED));
                if !unfinished {
                    files.push(CachedFile { path, used, bytes: metadata.len() });
                } else if self.now.duration_since(used).unwrap_or_default().as_secs() > ABANDONED_AFTER {
                    let _ = fs::remove_file(&path);
                }
            }
        }
        Ok(files)
    }
}

/// How names of unfinished files begin.
const UNFINISHED: &str = ".unfinished-";

fn list(folder: &Path) -> Result<Vec<PathBuf>, CacheError> {
    let failed = |source| CacheError { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}

fn read_bounded(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let len = file.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    if len > limit {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(len).ok()?);
    file.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Returns a number that differs when other bounds could give another analysis.
fn bounds(limits: &Limits) -> u64 {
    // Not the standard library's hasher, which may change with the compiler.
    let mut hasher = crc32fast::Hasher::new();
    let Limits {
        memory_per_file: _,
        bytes_per_file,
        bytes_per_layer,
        entries_per_layer,
        path_length,
        depth,
        archive_depth,
        ratio,
        free_expansion,
        symlinks_per_layer,
        warnings_per_code,
        // What hits one of these is not kept.
        drawn: _,
        facts: _,
        file_list: _,
        marks: _,
        stop: _,
        scratch: _,
    } = limits;
    for number in [bytes_per_file, bytes_per_layer, entries_per_layer, ratio, free_expansion] {
        number.hash(&mut hasher);
    }
    for number in [path_length, depth, archive_depth, symlinks_per_layer, warnings_per_code] {
        number.hash(&mut hasher);
    }
    hasher.finish()
}
