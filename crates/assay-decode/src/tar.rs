//! A streaming tar reader that unpacks nothing: V7, ustar, GNU and PAX ([POSIX pax], [GNU tar]).
//!
//! Docker, containerd, podman and CRI-O all unpack with Go's `archive/tar`. Where readers of the format disagree,
//! this one sides with Go, because a scanner must see the files that the container will see:
//! - a global PAX header (`g`) changes no entry;
//! - links, directories, devices and fifos have no content, whatever their size field says;
//! - a GNU long name wins over a PAX `path`, and a sparse file's `GNU.sparse.name` over both;
//! - an extension of more than 1 MiB is refused.
//!
//! More lenient than Go, since a scan should go on: a number that only decorates (mode, owner, time) may be
//! malformed, and a lone zero block does not end the archive if a header follows.
//!
//! Speed: one buffer, no allocation per entry; skipped content is never copied. The entry borrows the reader, so
//! that path and link target live in buffers that are used again.
//!
//! [POSIX pax]: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13
//! [GNU tar]: https://www.gnu.org/software/tar/manual/html_node/Tar-Internals.html

mod content;
mod header;
mod path;
mod pax;
mod sparse;

use std::fmt;
use std::io::{self, Read};

pub use content::Content;
use content::State;
use header::{BLOCK, Block};
pub use path::normalise;
use path::{PathProblem, normalise_raw};
use pax::Pax;

use crate::peek::Peek;

/// Large enough that the inflater below writes long runs, small enough to stay in the second-level cache.
const BUFFER: usize = 128 * 1024;

/// Bounds on what an archive may make the reader do.
#[derive(Clone, Copy, Debug)]
pub struct TarLimits {
    /// Headers of any kind in the archive; each costs its author at most a few compressed bytes.
    pub max_headers: u64,
    /// Bytes of a normalised path or of a link target.
    pub max_path: usize,
    /// Bytes of a PAX header or GNU long name.
    pub max_extension: usize,
    /// Pieces of data in one sparse file.
    pub max_segments: usize,
}

impl Default for TarLimits {
    fn default() -> Self {
        Self {
            // Ten times the largest public images; at 512 bytes each it is 5 GB of headers.
            max_headers: 10_000_000,
            // PATH_MAX of Linux: what is longer cannot be opened by its path in the container either.
            max_path: 4096,
            // Go's `maxSpecialFileSize`.
            max_extension: 1024 * 1024,
            // 16 bytes each: 1 MiB. Real sparse files (lastlog, databases) have tens.
            max_segments: 65_536,
        }
    }
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// Another name of the file at the link target.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A directory.
    Directory,
    /// A character device; number 0/0 is an overlayfs whiteout.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// Anything else, with its type byte.
    Other(u8),
}

/// Why an archive or one of its entries cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TarError {
    /// The source failed; fatal.
    #[error("cannot read the archive at byte `{offset}`")]
    Io {
        /// Bytes of the archive read before.
        offset: u64,
        /// What the source said.
        source: io::Error,
    },
    /// The archive ends inside a header or inside content; fatal.
    #[error("archive is truncated at byte `{offset}`")]
    Truncated {
        /// Where it ends.
        offset: u64,
    },
    /// A header's checksum is wrong: this is no tar archive, or a damaged one; fatal.
    #[error("no valid tar header at byte `{offset}`")]
    Checksum {
        /// Where the header begins.
        offset: u64,
    },
    /// A size is negative or absurd, so that the next header cannot be found; fatal.
    #[error("invalid size in the tar header at byte `{offset}`")]
    Size {
        /// Where the header begins.
        offset: u64,
    },
    /// There are more headers than allowed; fatal.
    #[error("archive has more than `{limit}` headers")]
    TooManyHeaders {
        /// The limit.
        limit: u64,
    },
    /// The path, or a hard link's target, leads out of the root; the entry is skipped.
    #[error("path `{path}` leads out of the root")]
    Escapes {
        /// The path as written, shortened.
        path: String,
    },
    /// A path or link target contains NUL, or names nothing; the entry is skipped.
    #[error("unusable path in the tar header at byte `{offset}`")]
    Path {
        /// Where the header begins.
        offset: u64,
    },
    /// A path or link target is longer than allowed; the entry is skipped.
    #[error("path of more than the allowed bytes in the tar header at byte `{offset}`")]
    LongPath {
        /// Where the header begins.
        offset: u64,
    },
    /// The PAX header or GNU long name before an entry is malformed or too large; that entry is skipped.
    #[error("unusable extended header before byte `{offset}`")]
    Extension {
        /// Where the header of the skipped entry begins.
        offset: u64,
    },
    /// The map of a sparse file is malformed or too large; the entry is skipped.
    #[error("unusable sparse map of `{path}`")]
    Sparse {
        /// The normalised path.
        path: String,
    },
}

impl TarError {
    /// Tells whether only one entry is lost, so that `next_entry` may be called again.
    pub fn is_recoverable(&self) -> bool {
        match self {
            Self::Escapes { .. }
            | Self::Path { .. }
            | Self::LongPath { .. }
            | Self::Extension { .. }
            | Self::Sparse { .. } => true,
            Self::Io { .. }
            | Self::Truncated { .. }
            | Self::Checksum { .. }
            | Self::Size { .. }
            | Self::TooManyHeaders { .. } => false,
        }
    }
}

/// What the headers say about one entry.
#[derive(Debug)]
struct Meta {
    path: String,
    link_target: String,
    kind: EntryKind,
    mode: u32,
    uid: u64,
    gid: u64,
    mtime: i64,
    capabilities: u64,
    size: u64,
    sparse: bool,
    header_offset: u64,
}

/// Reads the entries of an archive one after the other.
pub struct TarReader<R> {
    input: Peek<R>,
    limits: TarLimits,
    meta: Meta,
    content: State,
    pax: Pax,
    long_name: Vec<u8>,
    long_link: Vec<u8>,
    /// An extension of the coming entry was unusable.
    bad_extension: bool,
    headers: u64,
    done: bool,
}

/// One entry; its content is skipped when it is not read.
pub struct Entry<'a, R> {
    meta: &'a Meta,
    content: Content<'a, R>,
}

// Not derived: the source, often a `Box<dyn Read>`, need not be `Debug`.
impl<R> fmt::Debug for TarReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TarReader").field("meta", &self.meta).finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Entry<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("meta", &self.meta).finish_non_exhaustive()
    }
}

impl<'a, R: Read> Entry<'a, R> {
    /// Returns the path without leading `/` or `./`, with `.` and `..` resolved; empty for the root itself.
    ///
    /// Bytes that are not UTF-8 are replaced.
    pub fn path(&self) -> &'a str {
        &self.meta.path
    }

    /// Returns a symbolic link's target as written, or a hard link's target normalised as a path; else nothing.
    pub fn link_target(&self) -> &'a str {
        &self.meta.link_target
    }

    /// Returns what the entry is.
    pub fn kind(&self) -> EntryKind {
        self.meta.kind
    }

    /// Returns the permission bits.
    pub fn mode(&self) -> u32 {
        self.meta.mode
    }

    /// Returns the owner's number.
    pub fn uid(&self) -> u64 {
        self.meta.uid
    }

    /// Returns the group's number.
    pub fn gid(&self) -> u64 {
        self.meta.gid
    }

    /// Returns the capabilities that executing the file permits, a bit each (capabilities(7)).
    pub fn capabilities(&self) -> u64 {
        self.meta.capabilities
    }

    /// Returns the modification time in seconds since 1970.
    pub fn mtime(&self) -> i64 {
        self.meta.mtime
    }

    /// Returns how many bytes the content reader will give; for a sparse file that is the expanded size, which
    /// may be far above what the archive holds.
    pub fn size(&self) -> u64 {
        self.meta.size
    }

    /// Tells whether the file is stored with holes.
    pub fn is_sparse(&self) -> bool {
        self.meta.sparse
    }

    /// Returns where in the archive the entry's own header begins.
    pub fn header_offset(&self) -> u64 {
        self.meta.header_offset
    }

    /// Returns the content, to be read as `Read` or `BufRead`.
    pub fn reader(&mut self) -> &mut Content<'a, R> {
        &mut self.content
    }
}

impl<R: Read> TarReader<R> {
    /// Reads the uncompressed archive `reader`, through a buffer of its own.
    pub fn new(reader: R, limits: TarLimits) -> Self {
        Self {
            input: Peek::new(reader, BUFFER),
            limits,
            meta: Meta {
                path: String::new(),
                link_target: String::new(),
                kind: EntryKind::File,
                mode: 0,
                uid: 0,
                gid: 0,
                mtime: 0,
                capabilities: 0,
                size: 0,
                sparse: false,
                header_offset: 0,
            },
            content: State::default(),
            pax: Pax::default(),
            long_name: Vec::new(),
            long_link: Vec::new(),
            bad_extension: false,
            headers: 0,
            done: false,
        }
    }

    /// Returns how many bytes of the archive were used so far.
    pub fn position(&self) -> u64 {
        self.input.position()
    }

    /// Goes to the next entry; `None` at the end, and ever after a fatal error.
    ///
    /// # Errors
    /// After a recoverable error ([`TarError::is_recoverable`]) the next call goes on behind the bad entry.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_, R>>, TarError> {
        match self.advance() {
            Ok(true) => Ok(Some(Entry {
                meta: &self.meta,
                content: Content::new(&mut self.input, &mut self.content),
            })),
            Ok(false) => {
                self.done = true;
                Ok(None)
            }
            Err(error) => {
                self.done |= !error.is_recoverable();
                Err(error)
            }
        }
    }

    /// Reads the source to its end, behind the end of the archive, and returns how many bytes that were.
    ///
    /// A layer's digest covers these bytes too.
    ///
    /// # Errors
    /// Fails when the source fails.
    pub fn drain(&mut self) -> io::Result<u64> {
        self.done = true;
        self.input.skip(u64::MAX)
    }

    /// Ends the reading and gives the source back.
    pub fn into_inner(self) -> R {
        self.input.into_inner()
    }

    fn advance(&mut self) -> Result<bool, TarError> {
        if self.done {
            return Ok(false);
        }
        self.pax.clear();
        self.long_name.clear();
        self.long_link.clear();
        self.bad_extension = false;
        loop {
            self.skip_content()?;
            let offset = self.position();
            let Some(block) = self.read_header()? else { return Ok(false) };
            self.headers = self.headers.saturating_add(1);
            if self.headers > self.limits.max_headers {
                return Err(TarError::TooManyHeaders { limit: self.limits.max_headers });
            }
            let size = block.size().ok_or(TarError::Size { offset })?;
            match block.type_flag() {
                b'x' => {
                    self.content.store(size);
                    if !self.read_extension(size, Extension::Pax)? {
                        self.bad_extension = true;
                    }
                }
                b'g' => self.content.store(size),
                b'L' => {
                    self.content.store(size);
                    self.bad_extension |= !self.read_extension(size, Extension::Name)?;
                }
                b'K' => {
                    self.content.store(size);
                    self.bad_extension |= !self.read_extension(size, Extension::Link)?;
                }
                _ => return self.entry(&block, size, offset).map(|()| true),
            }
        }
    }

    fn io(&self, source: io::Error) -> TarError {
        TarError::Io { offset: self.position(), source }
    }

    fn skip_content(&mut self) -> Result<(), TarError> {
        let (stored, padding) = self.content.finish();
        let skipped = self.input.skip(stored).map_err(|error| self.io(error))?;
        if skipped < stored {
            return Err(TarError::Truncated { offset: self.position() });
        }
        // As in Go, the padding may be missing at the end of the archive.
        self.input.skip(padding).map_err(|error| self.io(error))?;
        Ok(())
    }

    /// Returns the next header, or `None` at the end: two zero blocks, or no more bytes.
    fn read_header(&mut self) -> Result<Option<Block>, TarError> {
        for zero_blocks in 0..2 {
            let offset = self.position();
            let peeked = match self.input.peek(BLOCK) {
                Ok(peeked) => peeked,
                Err(source) => return Err(TarError::Io { offset, source }),
            };
            let Some(raw) = peeked.first_chunk::<BLOCK>() else {
                let len = peeked.len();
                let zero = peeked.iter().all(|&byte| byte == 0);
                self.input.advance(len);
                let offset = self.position();
                return if zero { Ok(None) } else { Err(TarError::Truncated { offset }) };
            };
            let block = Block::new(raw);
            if block.has_valid_checksum() {
                self.input.advance(BLOCK);
                return Ok(Some(block));
            }
            if !block.is_zero() {
                // Garbage behind a lone zero block is behind the end.
                return if zero_blocks > 0 { Ok(None) } else { Err(TarError::Checksum { offset }) };
            }
            self.input.advance(BLOCK);
        }
        Ok(None)
    }

    /// Reads the content of an extension header; false when it is not usable.
    fn read_extension(&mut self, size: u64, extension: Extension) -> Result<bool, TarError> {
        let Some(size) = usize::try_from(size).ok().filter(|&size| size <= self.limits.max_extension) else {
            return Ok(false);
        };
        let into = match extension {
            Extension::Pax => self.pax.buffer(),
            Extension::Name => &mut self.long_name,
            Extension::Link => &mut self.long_link,
        };
        into.clear();
        let read = Content::new(&mut self.input, &mut self.content).read_to_end(into);
        match read {
            Ok(read) if read == size => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(self.io(error)),
            _ => return Err(TarError::Truncated { offset: self.position() }),
        }
        Ok(match extension {
            Extension::Pax => self.pax.parse(self.limits.max_segments),
            Extension::Name | Extension::Link => true,
        })
    }

    /// Puts headers and extensions together into `meta` and `content`.
    fn entry(&mut self, block: &Block, size: u64, offset: u64) -> Result<(), TarError> {
        let flag = block.type_flag();
        let size = self.pax.size.unwrap_or(size);
        let kind = match flag {
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'3' => EntryKind::CharDevice,
            b'4' => EntryKind::BlockDevice,
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Fifo,
            0 | b'0' | b'7' | b'S' => EntryKind::File,
            other => EntryKind::Other(other),
        };
        let has_content = matches!(kind, EntryKind::File | EntryKind::Other(_));
        // From here on the reader can step over the entry, whatever is wrong with it.
        self.content.store(if has_content { size } else { 0 });
        if self.bad_extension {
            // An old GNU sparse file keeps blocks of its map in front of the content.
            if flag == b'S' {
                sparse::old_gnu(block, &mut self.input, 0, &mut self.content.segments);
            }
            return Err(TarError::Extension { offset });
        }

        let mut real_size = None;
        let mut sparse = Ok(false);
        if flag == b'S' {
            let map =
                sparse::old_gnu(block, &mut self.input, self.limits.max_segments, &mut self.content.segments);
            real_size = map;
            sparse = map.map(|_| true).ok_or(());
        } else if has_content && let Some(version) = self.pax.sparse_version() {
            real_size = self.pax.real_size;
            sparse = match version {
                pax::SparseVersion::InHeader => {
                    self.content.segments.clear();
                    self.content.segments.extend_from_slice(self.pax.segments());
                    Ok(true)
                }
                pax::SparseVersion::InContent => {
                    sparse::in_content(&mut self.input, &mut self.content, self.limits.max_segments)
                        .map_err(|error| self.io(error))?
                        .then_some(true)
                        .ok_or(())
                }
            };
        }

        let meta = &mut self.meta;
        meta.header_offset = offset;
        let none = b"".as_slice();
        let (prefix, raw_path) = match (self.pax.sparse_name(), self.long_name.as_slice(), self.pax.path()) {
            (Some(name), _, _) => (none, name),
            (None, long, _) if !long.is_empty() => (none, crate::bytes::until_nul(long)),
            (None, _, Some(path)) => (none, path),
            (None, _, None) => (block.prefix(), block.name()),
        };
        normalise_raw(&[prefix, raw_path], self.limits.max_path, &mut meta.path)
            .map_err(|problem| path_error(problem, offset, raw_path))?;

        meta.kind = match kind {
            // V7 had no directories: a name that ends in a slash was one.
            EntryKind::File if flag == 0 && raw_path.ends_with(b"/") => EntryKind::Directory,
            kind => kind,
        };
        meta.link_target.clear();
        if matches!(kind, EntryKind::HardLink | EntryKind::Symlink) {
            let raw = match (self.long_link.as_slice(), self.pax.link_path()) {
                (long, _) if !long.is_empty() => crate::bytes::until_nul(long),
                (_, Some(path)) => path,
                (_, None) => block.link_name(),
            };
            if kind == EntryKind::HardLink {
                normalise_raw(&[raw], self.limits.max_path, &mut meta.link_target)
                    .map_err(|problem| path_error(problem, offset, raw))?;
            } else {
                if raw.len() > self.limits.max_path {
                    return Err(TarError::LongPath { offset });
                }
                if raw.contains(&0) {
                    return Err(TarError::Path { offset });
                }
                path::push_lossy(raw, &mut meta.link_target);
            }
        }
        meta.mode = block.mode();
        meta.uid = self.pax.uid.unwrap_or_else(|| block.uid());
        meta.gid = self.pax.gid.unwrap_or_else(|| block.gid());
        meta.mtime = self.pax.mtime.unwrap_or_else(|| block.mtime());
        meta.capabilities = self.pax.capabilities.unwrap_or_default();
        let bad_map = || TarError::Sparse { path: meta.path.clone() };
        let is_sparse = sparse.map_err(|()| bad_map())?;
        if is_sparse {
            let real = real_size.ok_or_else(bad_map)?;
            if !self.content.make_sparse(real) {
                return Err(bad_map());
            }
        }
        meta.sparse = is_sparse;
        meta.size = self.content.size();
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Extension {
    Pax,
    Name,
    Link,
}

fn path_error(problem: PathProblem, offset: u64, raw: &[u8]) -> TarError {
    match problem {
        PathProblem::Unusable => TarError::Path { offset },
        PathProblem::TooLong => TarError::LongPath { offset },
        PathProblem::Escapes => {
            // Enough to recognise it; the message is not the place for four kilobytes.
            let start = raw.get(..200).unwrap_or(raw);
            TarError::Escapes { path: String::from_utf8_lossy(start).into_owned() }
        }
    }
}

#[cfg(test)]
mod tests;
