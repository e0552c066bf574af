//! Differences of layers: as stored, and of the files in them.
//!
//! Both archives are read once for what they say of their files, and those files whose bytes differ once more. Every difference is
//! told, also one beside another that has a name already; what no level explains is a change of the content. Memory is bounded by
//! what is kept of entries ([`MAX_LISTING`]) and of one side's files ([`MAX_LOOKED_INTO_BYTES`]), not by the size of the layer.

use super::content::{self, MAX_CONTENT, Version};
use super::headers::{Hash, Headers, Rest, short};
use super::{Cause, Comparison, Difference, Level};
use assay_analyze::Limits;
use assay_decode::tar::{EntryKind, TarLimits, TarReader};
use assay_decode::{Limited, decompress};
use assay_oci::OpenImage;
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::rc::Rc;

/// Entries of a layer that are compared.
const MAX_ENTRIES: usize = 2_000_000;
/// Bytes of memory for the entries of one layer: about half a million files, four times those of the largest public images.
const MAX_LISTING: usize = 128 << 20;
/// What an entry takes besides itself and its names: the allocations, and its place by name.
const ENTRY_OVERHEAD: usize = 96;
/// Files whose bytes are compared, of each layer.
const MAX_LOOKED_INTO: usize = 500;
/// Their bytes, of the first build: these are held, those of the second one file at a time.
const MAX_LOOKED_INTO_BYTES: u64 = 64 << 20;
/// Bytes of a layer's start that are looked at for how it is compressed.
const HEAD: u64 = 64;

/// Why the rest was not compared.
const TIME_UP: &str = "the time was up";

/// One entry of a layer.
struct File {
    path: Box<str>,
    link: Box<str>,
    kind: EntryKind,
    mode: u32,
    owner: (u64, u64),
    time: i64,
    size: u64,
    capabilities: u64,
    hash: [u8; 32],
    rest: Rest,
}

impl File {
    fn cost(&self) -> usize {
        size_of::<Self>()
            .saturating_add(ENTRY_OVERHEAD)
            .saturating_add(self.path.len())
            .saturating_add(self.link.len())
    }

    fn is_program(&self) -> bool {
        self.mode & 0o111 != 0
    }
}

/// A layer, read.
struct Listing {
    files: Vec<File>,
    /// Of the uncompressed archive.
    hash: [u8; 32],
    /// Of what the archive says besides entries.
    archive: Hash,
    /// Of entries that later ones of the same name replace.
    replaced: Sha256,
    /// Entries that cannot be read.
    lost: u64,
    /// Not every header was seen where its entry is.
    is_unsure: bool,
    /// There are more entries than are kept.
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
    let (first, second) = (list(old, at, limits, MAX_LISTING)?, list(new, at, limits, MAX_LISTING)?);
    if first.hash == second.hash {
        return stored(old, new, at, result);
    }
    if first.truncated || second.truncated {
        result.incomplete.push(format!("layer {at} has more entries than are compared"));
    }
    let lost = first.lost.saturating_add(second.lost);
    if lost > 0 {
        result.incomplete.push(format!("layer {at}: {lost} entries cannot be read"));
    }
    let before = result.count();
    let wanted = files(&first, &second, at, result);
    archives(&first, &second, at, result);
    let told = bytes((old, new), (&first, &second), at, limits, wanted, result);
    if result.count() == before {
        // Nothing that is known of archives tells what it is.
        add(
            result,
            Level::Layer,
            Cause::Content,
            at,
            "archive",
            "one archive".into(),
            "another archive".into(),
        );
    }
    told
}

fn add(
    result: &mut Comparison,
    level: Level,
    cause: Cause,
    layer: usize,
    path: &str,
    old: String,
    new: String,
) {
    result.add(Difference { level, cause, layer: Some(layer), path: path.to_owned(), old, new });
}

/// Compares how a layer with the same archive is stored.
fn stored(old: &dyn OpenImage, new: &dyn OpenImage, at: usize, result: &mut Comparison) -> io::Result<()> {
    // Engines and archives of `docker save` give layers without a digest, and the same bytes are then no difference.
    let digest = |image: &dyn OpenImage| image.image().layers.get(at).and_then(|layer| layer.digest);
    if digest(old).is_none() || digest(new).is_none() {
        let hash = |image: &dyn OpenImage| -> io::Result<[u8; 32]> {
            let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
            let mut reader = image.read(at).map_err(io::Error::other)?;
            loop {
                let count = reader.read(&mut buffer)?;
                let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                    return Ok(hasher.finalize().into());
                };
                hasher.update(bytes);
            }
        };
        if hash(old)? == hash(new)? {
            return Ok(());
        }
    }
    let (old, new) = content::compressors(&head(old, at)?, &head(new, at)?);
    add(result, Level::Layer, Cause::Compression, at, "compression", old, new);
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

/// What is seen of an archive while its entries are read.
struct Seen {
    hasher: Sha256,
    headers: Headers,
}

struct Watched<R> {
    inner: R,
    seen: Rc<RefCell<Seen>>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        let bytes = buf.get(..count).unwrap_or_default();
        let mut seen = self.seen.borrow_mut();
        seen.hasher.update(bytes);
        seen.headers.feed(bytes);
        Ok(count)
    }
}

/// Reads what an archive says of its entries, keeping at most `most` bytes of it.
fn list(image: &dyn OpenImage, at: usize, limits: &Limits, most: usize) -> io::Result<Listing> {
    let seen = Rc::new(RefCell::new(Seen { hasher: Sha256::new(), headers: Headers::new() }));
    let watched = Watched { inner: open(image, at, limits)?, seen: Rc::clone(&seen) };
    let mut listing = Listing {
        files: Vec::new(),
        hash: [0; 32],
        archive: Hash::default(),
        replaced: Sha256::new(),
        lost: 0,
        is_unsure: false,
        truncated: false,
    };
    let mut cost = 0_usize;
    // By a hash of the path, since the path itself is kept once only.
    let mut places: HashMap<Hash, usize> = HashMap::new();
    let mut reader = TarReader::new(watched, TarLimits::default());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if limits.stop.is_raised() {
            return Err(io::Error::other(TIME_UP));
        }
        let mut entry = match reader.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => break,
            Err(error) if error.is_recoverable() => {
                listing.lost = listing.lost.saturating_add(1);
                continue;
            }
            Err(error) => return Err(io::Error::other(error)),
        };
        if listing.truncated {
            continue;
        }
        // A few bytes may say that they stand for exbibytes of zeros.
        if entry.is_sparse() && entry.size() > limits.bytes_per_file {
            listing.lost = listing.lost.saturating_add(1);
            continue;
        }
        let rest = seen.borrow_mut().headers.of(entry.header_offset());
        listing.is_unsure |= rest.is_none();
        let mut file = File {
            path: entry.path().into(),
            link: entry.link_target().into(),
            kind: entry.kind(),
            mode: entry.mode() & 0o7777,
            owner: (entry.uid(), entry.gid()),
            time: entry.mtime(),
            size: entry.size(),
            capabilities: entry.capabilities(),
            hash: [0; 32],
            rest: rest.unwrap_or_default(),
        };
        if file.kind == EntryKind::File {
            let mut hasher = Sha256::new();
            loop {
                if limits.stop.is_raised() {
                    return Err(io::Error::other(TIME_UP));
                }
                let count = entry.reader().read(&mut buffer)?;
                let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
                hasher.update(bytes);
            }
            file.hash = hasher.finalize().into();
        }
        let name = short(&Sha256::digest(file.path.as_bytes()).into());
        let earlier = places.get(&name).copied();
        let slot = earlier.and_then(|earlier| listing.files.get_mut(earlier));
        let freed = slot.as_deref().map_or(0, File::cost);
        let new_cost = cost.saturating_sub(freed).saturating_add(file.cost());
        let place = places.len();
        if new_cost > most || earlier.is_none() && place >= MAX_ENTRIES {
            listing.truncated = true;
            continue;
        }
        cost = new_cost;
        // Of two entries of one name the later one is the file.
        match slot {
            Some(slot) => {
                replace(&mut listing.replaced, slot);
                *slot = file;
            }
            None => {
                places.insert(name, place);
                listing.files.push(file);
            }
        }
    }
    reader.drain()?;
    drop(reader);
    let Seen { hasher, headers } =
        Rc::into_inner(seen).ok_or_else(|| io::Error::other("the layer is still read"))?.into_inner();
    listing.hash = hasher.finalize().into();
    listing.archive = headers.archive();
    Ok(listing)
}

/// Remembers an entry that a later one replaces: a hard link to it may have kept what it held.
fn replace(replaced: &mut Sha256, file: &File) {
    replaced.update(file.path.as_bytes());
    replaced.update([0]);
    replaced.update(file.link.as_bytes());
    replaced.update(format!("\0{:?}\0{}\0{:?}\0{}\0", file.kind, file.mode, file.owner, file.capabilities));
    replaced.update(file.hash);
}

/// A file whose bytes differ, and its place in both listings.
type Wanted<'a> = BTreeMap<&'a str, (&'a File, &'a File)>;

fn by_path(listing: &Listing) -> HashMap<&str, &File> {
    listing.files.iter().map(|file| (&*file.path, file)).collect()
}

/// Compares the files of a layer; returns those whose bytes are to be looked into.
fn files<'a>(first: &'a Listing, second: &'a Listing, layer: usize, result: &mut Comparison) -> Wanted<'a> {
    let (old_files, new_files) = (by_path(first), by_path(second));
    let mut wanted = Wanted::new();
    let mut bytes = 0_u64;
    let mut forms: (u64, &str) = (0, "");
    for old in &first.files {
        let path = &*old.path;
        let Some(new) = new_files.get(path).copied() else {
            add(result, Level::File, presence(old), layer, path, "present".into(), "missing".into());
            continue;
        };
        compare(old, new, layer, result);
        let is_same_kind = old.kind == new.kind && old.link == new.link;
        if is_same_kind && (old.rest.names, old.rest.form) != (new.rest.names, new.rest.form) {
            forms = (forms.0.saturating_add(1), if forms.0 == 0 { path } else { forms.1 });
        }
        if old.kind == new.kind && old.hash != new.hash {
            let fits = old.size.max(new.size) <= MAX_CONTENT
                && wanted.len() < MAX_LOOKED_INTO
                && bytes.saturating_add(old.size) <= MAX_LOOKED_INTO_BYTES;
            if fits {
                bytes = bytes.saturating_add(old.size);
                wanted.insert(path, (old, new));
            } else {
                unexplained(old, new, layer, result);
            }
        }
    }
    for new in second.files.iter().filter(|new| !old_files.contains_key(&*new.path)) {
        add(result, Level::File, presence(new), layer, &new.path, "missing".into(), "present".into());
    }
    let common = |listing: &'a Listing, other: &HashMap<&str, &File>| -> Vec<&'a str> {
        listing.files.iter().map(|file| &*file.path).filter(|path| other.contains_key(path)).collect()
    };
    let (old_order, new_order) = (common(first, &new_files), common(second, &old_files));
    if let Some((old, new)) = old_order.iter().zip(&new_order).find(|(old, new)| old != new) {
        let (old, new) = ((*old).to_owned(), (*new).to_owned());
        add(result, Level::Layer, Cause::Order, layer, "order of entries", old, new);
    }
    if forms.0 > 0 {
        let new = format!("others, of {} entries, the first `{}`", forms.0, forms.1);
        let old = "headers, extensions and names of owners".to_owned();
        add(result, Level::Layer, Cause::ArchiveFormat, layer, "archive", old, new);
    }
    wanted
}

/// Compares what is said of one file, but for its bytes.
fn compare(old: &File, new: &File, layer: usize, result: &mut Comparison) {
    let mut told = |cause, old: String, new: String, path: &str| {
        add(result, Level::File, cause, layer, path, old, new);
    };
    let path = &*old.path;
    if old.kind != new.kind {
        told(Cause::Kind, name(old.kind).to_owned(), name(new.kind).to_owned(), path);
    }
    if old.link != new.link {
        told(Cause::Kind, format!("link to {}", old.link), format!("link to {}", new.link), path);
    }
    if old.rest.device != new.rest.device {
        let shown = |device: u64| format!("device {}:{}", device >> 32, device & 0xffff_ffff);
        told(Cause::Kind, shown(old.rest.device), shown(new.rest.device), path);
    }
    if old.mode != new.mode {
        told(Cause::Mode, format!("{:04o}", old.mode), format!("{:04o}", new.mode), path);
    }
    if old.capabilities != new.capabilities || old.rest.capability != new.rest.capability {
        let shown =
            |file: &File| format!("capabilities {:#x}{}", file.capabilities, tail(&file.rest.capability));
        told(Cause::Mode, shown(old), shown(new), path);
    }
    if old.rest.attributes != new.rest.attributes {
        let shown = |hash: &Hash| format!("extended attributes{}", tail(hash));
        told(Cause::Mode, shown(&old.rest.attributes), shown(&new.rest.attributes), path);
    }
    if old.owner != new.owner {
        let shown = |(uid, gid): (u64, u64)| format!("{uid}:{gid}");
        told(Cause::Owner, shown(old.owner), shown(new.owner), path);
    }
    let shown = |seconds| assay_model::Timestamp(seconds).to_string();
    if old.time != new.time {
        told(Cause::Timestamp, shown(old.time), shown(new.time), path);
    } else if old.rest.times != new.rest.times {
        let new = "another fraction, or another time of access or change".to_owned();
        told(Cause::Timestamp, shown(old.time), new, path);
    }
}

/// Shows what values are told apart by, of which there may be many.
fn tail(hash: &Hash) -> String {
    if *hash == Hash::default() {
        return ", none".to_owned();
    }
    let start: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!(", hash {start}")
}

/// Compares what archives say besides entries, and of entries that do not count.
fn archives(first: &Listing, second: &Listing, layer: usize, result: &mut Comparison) {
    let mut told = |cause, old: &str, new: &str| {
        add(result, Level::Layer, cause, layer, "archive", old.to_owned(), new.to_owned());
    };
    if first.archive != second.archive {
        told(Cause::ArchiveFormat, "padding, global headers and the end", "others");
    }
    if first.replaced.clone().finalize() != second.replaced.clone().finalize() {
        told(Cause::Content, "entries that later ones of the same name replace", "others");
    }
    if first.is_unsure || second.is_unsure {
        told(Cause::Content, "headers that cannot be told apart", "others");
    }
}

/// A file that only one build has may be one of those that no build should have.
fn presence(file: &File) -> Cause {
    match content::by_place(&file.path, file.is_program()) {
        Cause::Residue => Cause::Residue,
        _ => Cause::Presence,
    }
}

fn unexplained(old: &File, new: &File, layer: usize, result: &mut Comparison) {
    let shown = |file: &File| format!("{} bytes{}", file.size, tail(&short(&file.hash)));
    let cause = content::by_place(&old.path, old.is_program() || new.is_program());
    add(result, Level::File, cause, layer, &old.path, shown(old), shown(new));
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
    (first, second): (&Listing, &Listing),
    layer: usize,
    limits: &Limits,
    mut wanted: Wanted<'_>,
    result: &mut Comparison,
) -> io::Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let created = |image: &dyn OpenImage| image.image().created.map(|time| time.0);
    let times =
        |file: &File, image| [Some(file.time), created(image)].into_iter().flatten().collect::<Vec<i64>>();
    let mut held: HashMap<String, Vec<u8>> = HashMap::new();
    let mut found: BTreeMap<String, Vec<content::Finding>> = BTreeMap::new();
    let read = contents(old, layer, limits, first, &|path| wanted.contains_key(path), &mut |path, bytes| {
        held.insert(path.to_owned(), bytes);
    })
    .and_then(|()| {
        contents(new, layer, limits, second, &|path| held.contains_key(path), &mut |path, bytes| {
            let Some((a, b)) = wanted.get(path) else { return };
            let Some(earlier) = held.get(path) else { return };
            let (old_times, new_times) = (times(a, old), times(b, new));
            let explained = content::explain(
                path,
                a.is_program() || b.is_program(),
                Version { bytes: earlier, built: &old_times },
                Version { bytes: &bytes, built: &new_times },
            );
            found.insert(path.to_owned(), explained);
        })
    });
    for (path, findings) in found {
        wanted.remove(path.as_str());
        for content::Finding { cause, old, new } in findings {
            add(result, Level::Bytes, cause, layer, &path, old, new);
        }
    }
    // What could not be had again differs all the same.
    for (old, new) in wanted.into_values() {
        unexplained(old, new, layer, result);
    }
    read
}

/// Reads those files of a layer that are wanted, each if it is still the one that was listed.
fn contents(
    image: &dyn OpenImage,
    at: usize,
    limits: &Limits,
    listing: &Listing,
    wanted: &dyn Fn(&str) -> bool,
    take: &mut dyn FnMut(&str, Vec<u8>),
) -> io::Result<()> {
    let listed = by_path(listing);
    let mut reader = TarReader::new(open(image, at, limits)?, TarLimits::default());
    loop {
        if limits.stop.is_raised() {
            return Err(io::Error::other(TIME_UP));
        }
        let mut entry = match reader.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(()),
            Err(error) if error.is_recoverable() => continue,
            Err(error) => return Err(io::Error::other(error)),
        };
        let path = entry.path();
        if entry.kind() != EntryKind::File || entry.size() > MAX_CONTENT || !wanted(path) {
            continue;
        }
        let mut bytes = Vec::new();
        entry.reader().take(MAX_CONTENT).read_to_end(&mut bytes)?;
        // An earlier entry of the same name is not the file.
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        if listed.get(path).is_some_and(|file| file.hash == hash) {
            take(path, bytes);
        }
    }
}

#[cfg(test)]
mod tests;
