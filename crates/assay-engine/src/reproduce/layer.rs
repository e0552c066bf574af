//! Differences of layers: as stored, and of the files in them.

use super::content::{self, MAX_CONTENT};
use super::{Cause, Comparison, Difference, Level};
use assay_analyze::Limits;
use assay_decode::tar::{EntryKind, TarLimits, TarReader};
use assay_decode::{Limited, decompress};
use assay_oci::OpenImage;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use std::io::{self, Read};

/// Entries of a layer that are compared; each takes about two hundred bytes.
const MAX_ENTRIES: usize = 2_000_000;
/// Files whose bytes are compared, and their bytes, of each layer.
const MAX_LOOKED_INTO: usize = 500;
const MAX_LOOKED_INTO_BYTES: u64 = 128 << 20;
/// Bytes of a layer's start that are looked at for how it is compressed.
const HEAD: u64 = 64;

/// One entry of a layer.
struct File {
    path: String,
    kind: EntryKind,
    mode: u32,
    owner: (u64, u64),
    time: i64,
    size: u64,
    link: String,
    capabilities: u64,
    hash: [u8; 32],
}

/// A layer, read.
struct Listing {
    files: Vec<File>,
    /// Of the uncompressed archive.
    hash: [u8; 32],
    /// There are more entries than were read.
    truncated: bool,
}

/// Compares all layers, by their place.
pub(super) fn layers(old: &dyn OpenImage, new: &dyn OpenImage, limits: &Limits, result: &mut Comparison) {
    let (first, second) = (&old.image().layers, &new.image().layers);
    if first.len() != second.len() {
        let counted = |count: usize| format!("{count} layers");
        result.add(Difference {
            level: Level::Layer,
            cause: Cause::Presence,
            layer: None,
            path: "layers".to_owned(),
            old: counted(first.len()),
            new: counted(second.len()),
        });
    }
    for (at, (a, b)) in first.iter().zip(second).enumerate() {
        if limits.stop.is_raised() {
            result.incomplete.push(format!("layer {at} and those above it: the time was up"));
            return;
        }
        let same_blob = a.digest.is_some() && a.digest == b.digest;
        if same_blob {
            continue;
        }
        if let Err(error) = layer(old, new, at, limits, result) {
            result.incomplete.push(format!("layer {at}: {error}"));
        }
    }
}

fn layer(
    old: &dyn OpenImage,
    new: &dyn OpenImage,
    at: usize,
    limits: &Limits,
    result: &mut Comparison,
) -> io::Result<()> {
    let (first, second) = (list(old, at, limits)?, list(new, at, limits)?);
    if first.truncated || second.truncated {
        result.incomplete.push(format!("layer {at} has more than {MAX_ENTRIES} entries"));
    }
    if first.hash == second.hash {
        // Engines and archives give layers without compression: then there is nothing to tell.
        let (a, b) = (head(old, at)?, head(new, at)?);
        let (old, new) = content::compressors(&a, &b);
        let (level, path) = (Level::Layer, "compression".to_owned());
        result.add(Difference { level, cause: Cause::Compression, layer: Some(at), path, old, new });
        return Ok(());
    }
    let before = result.count();
    let wanted = files(&first, &second, at, result);
    bytes((old, new), at, limits, &wanted, result)?;
    if result.count() == before {
        result.add(Difference {
            level: Level::Layer,
            cause: Cause::ArchiveFormat,
            layer: Some(at),
            path: "archive".to_owned(),
            old: "same files".to_owned(),
            new: "same files, with other headers, names of owners, extended attributes or padding".to_owned(),
        });
    }
    Ok(())
}

/// Opens a layer's archive.
fn open<'a>(image: &'a dyn OpenImage, at: usize, limits: &Limits) -> io::Result<Box<dyn Read + Send + 'a>> {
    let stored = image.read(at).map_err(io::Error::other)?;
    let (_, plain) = decompress(stored)?;
    Ok(Box::new(Limited::new(plain, limits.bytes_per_layer)))
}

fn head(image: &dyn OpenImage, at: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    image.read(at).map_err(io::Error::other)?.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

fn list(image: &dyn OpenImage, at: usize, limits: &Limits) -> io::Result<Listing> {
    let mut hashed = Hashed { inner: open(image, at, limits)?, hasher: Sha256::new() };
    let mut listing = Listing { files: Vec::new(), hash: [0; 32], truncated: false };
    let mut places: HashMap<String, usize> = HashMap::new();
    {
        let mut reader = TarReader::new(&mut hashed, TarLimits::default());
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if limits.stop.is_raised() {
                return Err(io::Error::other("the time was up"));
            }
            let mut entry = match reader.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) if error.is_recoverable() => continue,
                Err(error) => return Err(io::Error::other(error)),
            };
            if listing.files.len() >= MAX_ENTRIES {
                listing.truncated = true;
                continue;
            }
            let mut file = File {
                path: entry.path().to_owned(),
                kind: entry.kind(),
                mode: entry.mode() & 0o7777,
                owner: (entry.uid(), entry.gid()),
                time: entry.mtime(),
                size: entry.size(),
                link: entry.link_target().to_owned(),
                capabilities: entry.capabilities(),
                hash: [0; 32],
            };
            if file.kind == EntryKind::File {
                let mut hasher = Sha256::new();
                loop {
                    let count = entry.reader().read(&mut buffer)?;
                    let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
                    hasher.update(bytes);
                }
                file.hash = hasher.finalize().into();
            }
            // Of two entries of one name the later one is the file.
            let place = listing.files.len();
            match places.get(&file.path).copied() {
                Some(earlier) => {
                    if let Some(slot) = listing.files.get_mut(earlier) {
                        *slot = file;
                    }
                }
                None => {
                    places.insert(file.path.clone(), place);
                    listing.files.push(file);
                }
            }
        }
    }
    io::copy(&mut hashed, &mut io::sink())?;
    listing.hash = hashed.hasher.finalize().into();
    Ok(listing)
}

struct Hashed<R> {
    inner: R,
    hasher: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.hasher.update(buf.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Compares the files of a layer; returns those whose bytes differ.
fn files(first: &Listing, second: &Listing, layer: usize, result: &mut Comparison) -> HashSet<String> {
    let by_path = |listing: &'_ Listing| -> HashMap<String, usize> {
        listing.files.iter().enumerate().map(|(at, file)| (file.path.clone(), at)).collect()
    };
    let (old_places, new_places) = (by_path(first), by_path(second));
    let mut wanted = HashSet::new();
    let mut bytes = 0_u64;
    let mut add = |cause, path: &str, old: String, new: String| {
        let (level, path) = (Level::File, path.to_owned());
        result.add(Difference { level, cause, layer: Some(layer), path, old, new });
    };
    for old in &first.files {
        let Some(new) = new_places.get(&old.path).and_then(|at| second.files.get(*at)) else {
            add(presence(&old.path), &old.path, "present".to_owned(), "missing".to_owned());
            continue;
        };
        let path = old.path.as_str();
        if old.kind != new.kind {
            add(Cause::Kind, path, name(old.kind).to_owned(), name(new.kind).to_owned());
            continue;
        }
        if old.link != new.link {
            add(Cause::Kind, path, format!("link to {}", old.link), format!("link to {}", new.link));
        }
        if old.mode != new.mode {
            add(Cause::Mode, path, format!("{:04o}", old.mode), format!("{:04o}", new.mode));
        }
        if old.capabilities != new.capabilities {
            let shown = |bits: u64| format!("capabilities {bits:#x}");
            add(Cause::Mode, path, shown(old.capabilities), shown(new.capabilities));
        }
        if old.owner != new.owner {
            let shown = |(uid, gid): (u64, u64)| format!("{uid}:{gid}");
            add(Cause::Owner, path, shown(old.owner), shown(new.owner));
        }
        if old.time != new.time {
            let shown = |seconds| assay_model::Timestamp(seconds).to_string();
            add(Cause::Timestamp, path, shown(old.time), shown(new.time));
        }
        if old.hash != new.hash {
            let size = old.size.saturating_add(new.size);
            let fits = old.size.max(new.size) <= MAX_CONTENT
                && wanted.len() < MAX_LOOKED_INTO
                && bytes.saturating_add(size) <= MAX_LOOKED_INTO_BYTES;
            if fits {
                bytes = bytes.saturating_add(size);
                wanted.insert(path.to_owned());
            } else {
                add(
                    content::by_name(path),
                    path,
                    format!("{} bytes", old.size),
                    format!("{} bytes", new.size),
                );
            }
        }
    }
    for new in second.files.iter().filter(|new| !old_places.contains_key(&new.path)) {
        add(presence(&new.path), &new.path, "missing".to_owned(), "present".to_owned());
    }
    let common = |listing: &'_ Listing, other: &HashMap<String, usize>| -> Vec<String> {
        let files = listing.files.iter().filter(|file| other.contains_key(&file.path));
        files.map(|file| file.path.clone()).collect()
    };
    let (old_order, new_order) = (common(first, &new_places), common(second, &old_places));
    if let Some((old, new)) = old_order.iter().zip(&new_order).find(|(old, new)| old != new) {
        let path = "order of entries".to_owned();
        let (level, cause) = (Level::Layer, Cause::Order);
        let (old, new) = (old.clone(), new.clone());
        result.add(Difference { level, cause, layer: Some(layer), path, old, new });
    }
    wanted
}

/// A file that only one build has may be one of those that no build should have.
fn presence(path: &str) -> Cause {
    match content::by_name(path) {
        Cause::Residue => Cause::Residue,
        _ => Cause::Presence,
    }
}

fn name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::HardLink => "hard link",
        EntryKind::Symlink => "symbolic link",
        EntryKind::Directory => "folder",
        EntryKind::CharDevice => "character device",
        EntryKind::BlockDevice => "block device",
        EntryKind::Fifo => "pipe",
        EntryKind::Other(_) => "something else",
    }
}

/// Reads the files again whose bytes differ, and says how.
fn bytes(
    (old, new): (&dyn OpenImage, &dyn OpenImage),
    layer: usize,
    limits: &Limits,
    wanted: &HashSet<String>,
    result: &mut Comparison,
) -> io::Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let (first, second) = (contents(old, layer, limits, wanted)?, contents(new, layer, limits, wanted)?);
    let mut paths: Vec<&String> = wanted.iter().collect();
    paths.sort();
    for path in paths {
        let (Some(old), Some(new)) = (first.get(path), second.get(path)) else { continue };
        let content::Finding { cause, old, new } = content::explain(path, old, new);
        let level = Level::Bytes;
        result.add(Difference { level, cause, layer: Some(layer), path: path.clone(), old, new });
    }
    Ok(())
}

fn contents(
    image: &dyn OpenImage,
    at: usize,
    limits: &Limits,
    wanted: &HashSet<String>,
) -> io::Result<HashMap<String, Vec<u8>>> {
    let mut found = HashMap::new();
    let mut reader = TarReader::new(open(image, at, limits)?, TarLimits::default());
    loop {
        let mut entry = match reader.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(found),
            Err(error) if error.is_recoverable() => continue,
            Err(error) => return Err(io::Error::other(error)),
        };
        if entry.kind() != EntryKind::File || !wanted.contains(entry.path()) {
            continue;
        }
        let path = entry.path().to_owned();
        let mut bytes = Vec::new();
        entry.reader().take(MAX_CONTENT).read_to_end(&mut bytes)?;
        found.insert(path, bytes);
    }
}
