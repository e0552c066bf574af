//! Random access to the members of an image archive: a tar file, possibly compressed as a whole.
//!
//! An archive lists its layers before or after their names are known, so it is gone through once to note where each
//! member lies. Members are then read in place. Surprising: a compressed archive allows no jumps, so it is unpacked
//! into a spool file that has no name (nothing is left behind, whatever happens); an uncompressed one is never copied,
//! and large members are jumped over.

use crate::error::OpenError;
use crate::files::Opened;
use crate::network::TimeUp;
use assay_decode::tar::{EntryKind, TarError, TarLimits, TarReader, normalise};
use assay_decode::{Compression, FileSpool, Limited, ReadAt, compression, decompress};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The most members: a thousand layers have three each in the classic form.
const MAX_MEMBERS: usize = 100_000;
/// Members above this size are jumped over instead of being read through.
const JUMP: u64 = 512 * 1024;
/// Links to links; `docker save` makes one step.
const MAX_LINKS: usize = 8;
/// The size of a tar block.
const BLOCK: u64 = 512;
/// Bytes other than zeros that may come out of a compressed archive whatever its ratio. Preallocated files compress a
/// thousandfold; everything else does so on purpose, and is written to the disk before it is known what it is.
const FREE_NOT_ZERO: u64 = 256 << 20;
/// The part of the ratio that holds for them: a quarter, which is five times that of real archives.
const RATIO_NOT_ZERO: u64 = 4;

/// Where compressed archives and engine exports are unpacked, and how much they may hold.
#[derive(Debug, Clone)]
pub struct SpoolOptions {
    /// The folder for the nameless file.
    pub folder: PathBuf,
    /// The most bytes.
    pub limit: u64,
    /// The most bytes that may come out of one compressed byte, once `free` bytes have come.
    pub ratio: u64,
    /// Bytes that may come whatever the ratio.
    pub free: u64,
    /// Raised by the caller when its time is up.
    pub stop: Arc<AtomicBool>,
}

impl SpoolOptions {
    /// Returns options for `folder` with the default limits: 64 GiB, and a ratio of 200 behind 4 GiB.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            // Above the largest machine-learning images.
            limit: 64 << 30,
            // Real archives come to 10 at most, but a preallocated file of zeros to a thousand.
            ratio: 200,
            free: 4 << 30,
            stop: Arc::default(),
        }
    }
}

/// Where a member's bytes are.
#[derive(Debug, Clone)]
enum Member {
    Bytes { offset: u64, len: u64 },
    Link(String),
}

/// An opened archive.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    source: Arc<FileSpool>,
    members: HashMap<String, Member>,
    /// The file it was opened from, as it was then; an engine's export has none.
    metadata: Option<Box<std::fs::Metadata>>,
}

impl Archive {
    /// Opens the archive at `path`.
    pub(crate) fn open_path(path: &Path, spool: &SpoolOptions) -> Result<Self, OpenError> {
        let read_error = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => OpenError::Missing { path: path.to_owned() },
            _ => OpenError::Read { path: path.to_owned(), source },
        };
        let not_an_image = |found: &str| OpenError::NotAnImage {
            place: path.display().to_string(),
            found: found.to_owned(),
        };
        let metadata = path.metadata().map_err(read_error)?;
        if metadata.is_dir() {
            return Err(not_an_image("a folder, where an archive is expected"));
        }
        if !metadata.is_file() {
            return Err(not_an_image("not a regular file"));
        }
        let mut file = File::open(path).map_err(read_error)?;
        let metadata = file.metadata().map_err(read_error)?;
        let mut start = Vec::new();
        (&mut file).take(BLOCK).read_to_end(&mut start).map_err(read_error)?;
        file.seek(SeekFrom::Start(0)).map_err(read_error)?;
        match compression::detect(&start) {
            Compression::None if start.is_empty() => Err(not_an_image("an empty file")),
            Compression::None => Ok(Self { metadata: Some(Box::new(metadata)), ..Self::index(path, file)? }),
            Compression::Gzip | Compression::Zstd => {
                let (_, plain) = decompress(file).map_err(read_error)?;
                let archive = Self::index(path, unpack(plain, Some(metadata.len()), spool, path)?)?;
                Ok(Self { metadata: Some(Box::new(metadata)), ..archive })
            }
            other @ (Compression::Xz | Compression::Bzip2) => {
                Err(not_an_image(&format!("compressed with `{other}`, which is not supported")))
            }
        }
    }

    /// Notes where the members of an uncompressed archive lie.
    pub(crate) fn index(path: &Path, file: File) -> Result<Self, OpenError> {
        let damaged = |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Damaged {
            path: path.to_owned(),
            source,
        };
        let source = Arc::new(FileSpool::new(file).map_err(|error| damaged(Box::new(error)))?);
        let members = index(&source).map_err(|error| match error {
            IndexError::Tar(TarError::Checksum { offset: 0 }) => OpenError::NotAnImage {
                place: path.display().to_string(),
                found: "neither a tar archive nor anything else that is known".to_owned(),
            },
            IndexError::Tar(error) => damaged(Box::new(error)),
            IndexError::TooMany => OpenError::TooLarge {
                what: format!("the number of members of `{}`", path.display()),
                limit: u64::try_from(MAX_MEMBERS).unwrap_or(u64::MAX),
            },
        })?;
        Ok(Self { path: path.to_owned(), source, members, metadata: None })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the file it was opened from, as it was then.
    pub(crate) fn metadata(&self) -> Option<&std::fs::Metadata> {
        self.metadata.as_deref()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<(u64, u64)> {
        let mut name = normalise(name)?;
        for _ in 0..MAX_LINKS {
            match self.members.get(&name)? {
                Member::Bytes { offset, len } => return Some((*offset, *len)),
                Member::Link(target) => name.clone_from(target),
            }
        }
        None
    }

    /// Opens a member; `None` when there is none.
    pub(crate) fn open(&self, name: &str) -> Option<Opened> {
        let (offset, len) = self.find(name)?;
        let reader =
            Part { source: Arc::clone(&self.source), position: offset, end: offset.saturating_add(len) };
        Some(Opened { len, reader: Box::new(reader) })
    }

    /// Opens a member at one of its bytes; `None` when there is no such member.
    pub(crate) fn open_at(&self, name: &str, from: u64) -> Option<Box<dyn Read>> {
        let (offset, len) = self.find(name)?;
        let position = offset.saturating_add(from.min(len));
        let end = offset.saturating_add(len);
        Some(Box::new(Part { source: Arc::clone(&self.source), position, end }))
    }
}

enum IndexError {
    Tar(TarError),
    TooMany,
}

fn index(source: &Arc<FileSpool>) -> Result<HashMap<String, Member>, IndexError> {
    let mut members = HashMap::new();
    let mut start = 0_u64;
    'jump: loop {
        let part = Part { source: Arc::clone(source), position: start, end: source.len() };
        let mut reader = TarReader::new(part, TarLimits::default());
        loop {
            let entry = match reader.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(members),
                Err(error) if error.is_recoverable() => continue,
                // Offsets count from the last jump; people want them from the start.
                Err(TarError::Truncated { offset }) => {
                    return Err(IndexError::Tar(TarError::Truncated {
                        offset: start.saturating_add(offset),
                    }));
                }
                Err(TarError::Checksum { offset }) => {
                    return Err(IndexError::Tar(TarError::Checksum { offset: start.saturating_add(offset) }));
                }
                Err(error) => return Err(IndexError::Tar(error)),
            };
            let (path, size, kind) = (entry.path().to_owned(), entry.size(), entry.kind());
            let usable = !entry.is_sparse();
            let link = entry.link_target().to_owned();
            if members.len() >= MAX_MEMBERS {
                return Err(IndexError::TooMany);
            }
            match kind {
                EntryKind::File if usable => {
                    let offset = start.saturating_add(reader.position());
                    let end = offset.saturating_add(size);
                    if end > source.len() {
                        return Err(IndexError::Tar(TarError::Truncated { offset: source.len() }));
                    }
                    members.insert(path, Member::Bytes { offset, len: size });
                    if size > JUMP {
                        start = end.next_multiple_of(BLOCK).min(source.len());
                        continue 'jump;
                    }
                }
                EntryKind::HardLink => {
                    members.insert(path, Member::Link(link));
                }
                EntryKind::Symlink => {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    if let Some(target) = normalise(&format!("{folder}/{link}")) {
                        members.insert(path, Member::Link(target));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Copies `plain`, which `stored` compressed bytes gave if it was compressed, into a file without a name.
///
/// Zeros become holes: they cost neither time nor room on the disk.
pub(crate) fn unpack(
    plain: impl Read,
    stored: Option<u64>,
    spool: &SpoolOptions,
    path: &Path,
) -> Result<File, OpenError> {
    let spool_error = |source| OpenError::Spool { folder: spool.folder.clone(), source };
    let too_large =
        |limit| OpenError::TooLarge { what: format!("the uncompressed size of `{}`", path.display()), limit };
    let by_ratio = |ratio: u64, free: u64| {
        let most = stored.map(|stored| stored.saturating_mul(ratio).saturating_add(free));
        most.unwrap_or(u64::MAX).min(spool.limit)
    };
    let most_written = by_ratio(spool.ratio.div_ceil(RATIO_NOT_ZERO), FREE_NOT_ZERO.min(spool.free));
    let mut file = tempfile::tempfile_in(&spool.folder).map_err(spool_error)?;
    let mut limited = Limited::new(plain, by_ratio(spool.ratio, spool.free));
    let mut buffer = vec![0; 256 * 1024];
    let zeros = vec![0; buffer.len()];
    let (mut len, mut written) = (0_u64, 0_u64);
    loop {
        if spool.stop.load(Ordering::Relaxed) {
            return Err(OpenError::TimedOut(TimeUp));
        }
        let piece = match limited.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => buffer.get(..count).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(match assay_decode::LimitExceeded::find(&error) {
                    Some(exceeded) => too_large(exceeded.limit),
                    None => OpenError::Damaged { path: path.to_owned(), source: Box::new(error) },
                });
            }
        };
        let count = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        len = len.saturating_add(count);
        if zeros.get(..piece.len()) == Some(piece) {
            file.seek(SeekFrom::Start(len)).map_err(spool_error)?;
            continue;
        }
        written = written.saturating_add(count);
        if written > most_written {
            return Err(too_large(most_written));
        }
        io::Write::write_all(&mut file, piece).map_err(spool_error)?;
    }
    // A hole at the end is none until the file is as long.
    file.set_len(len).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(spool_error)?;
    Ok(file)
}

/// A range of the archive as a reader of its own; many may be read at once.
#[derive(Debug)]
struct Part {
    source: Arc<FileSpool>,
    position: u64,
    end: u64,
}

impl Read for Part {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.position);
        let wanted = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.source.read_at(self.position, buf.get_mut(..wanted).unwrap_or_default())?;
        self.position = self.position.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(plain: &[u8], stored: u64, options: &SpoolOptions) -> Result<Vec<u8>, OpenError> {
        let mut bytes = Vec::new();
        unpack(plain, Some(stored), options, Path::new("x"))?.read_to_end(&mut bytes).unwrap();
        Ok(bytes)
    }

    #[test]
    fn zeros_are_kept_as_holes_and_come_back() {
        let options = SpoolOptions::in_folder(std::env::temp_dir());
        let mut plain = vec![0; 3 << 20];
        plain[5000] = 1;
        plain[1 << 20] = 2;
        for plain in [&plain[..], &[], &[0; 600_000], &[7; 600_000], &plain[..(2 << 20) + 1]] {
            assert!(unpacked(plain, 1 << 20, &options).unwrap() == plain);
        }
        use std::os::unix::fs::MetadataExt;
        let file = unpack(&plain[..], Some(1 << 20), &options, Path::new("x")).unwrap();
        let metadata = file.metadata().unwrap();
        assert!(metadata.len() == 3 << 20 && metadata.blocks() * 512 <= 1 << 20, "{}", metadata.blocks());
    }

    #[test]
    fn what_comes_out_of_few_bytes_is_bounded() {
        let options =
            SpoolOptions { ratio: 10, free: 1 << 20, ..SpoolOptions::in_folder(std::env::temp_dir()) };
        for (byte, len, stored, fits) in [
            (0, 1 << 20, 0, true),
            (1, 1 << 20, 0, true),
            (0, (1 << 20) + 1, 0, false),
            (1, (1 << 20) + 1, 0, false),
            (0, 2 << 20, 200_000, true),
            (1, 2 << 20, 200_000, false),
            (1, 2 << 20, 400_000, true),
        ] {
            let result = unpacked(&vec![byte; len], stored, &options);
            assert_eq!(result.is_ok(), fits, "{len} of {byte}");
        }
    }
}
