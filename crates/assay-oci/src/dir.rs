//! Walks a folder that holds a root file system or a project (`dir:`).
//!
//! Surprising: nothing is followed. A symbolic link is reported with its target, never entered, so that a link to `/etc`
//! does not make the host's files look like the image's. Pipes, sockets and devices are passed over, and so are `proc`,
//! `sys` and `dev` when they are file systems of their own: the folder may be `/`.

use std::cmp::Reverse;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bounds on a walk.
#[derive(Debug, Clone, Copy)]
pub struct WalkLimits {
    /// Folders within folders; Linux allows paths of 4096 bytes.
    pub max_depth: usize,
    /// Entries altogether.
    pub max_entries: u64,
}

impl Default for WalkLimits {
    fn default() -> Self {
        Self { max_depth: 512, max_entries: 20_000_000 }
    }
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirEntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, with its target as written.
    Symlink(String),
}

/// One entry of a folder.
#[derive(Debug, Clone)]
pub struct DirEntry {
    /// The path relative to the root, with `/`; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// What it is.
    pub kind: DirEntryKind,
    /// The length of a file.
    pub size: u64,
    /// The permission bits.
    pub mode: u32,
    /// The number of its owner.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
    real: PathBuf,
    identity: (u64, u64),
}

/// Why a part of the folder is missing from the walk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// An entry cannot be read; the walk goes on behind it.
    #[error("cannot read `{path}`")]
    Read {
        /// The path relative to the root.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A folder lies too deep and was not entered; the walk goes on behind it.
    #[error("`{path}` is more than {limit} folders deep")]
    TooDeep {
        /// The path relative to the root.
        path: String,
        /// The limit.
        limit: usize,
    },
    /// There are too many entries; the walk ends.
    #[error("there are more than {limit} entries")]
    TooMany {
        /// The limit.
        limit: u64,
    },
}

impl DirEntry {
    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// Fails when the file cannot be read, or was exchanged since the walk saw it (for a link that leads elsewhere).
    pub fn open(&self) -> io::Result<File> {
        if self.kind != DirEntryKind::File || !fs::symlink_metadata(&self.real)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let file = File::open(&self.real)?;
        if identity(&file.metadata()?) == self.identity {
            Ok(file)
        } else {
            Err(io::Error::other("the file was exchanged while it was looked at"))
        }
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Goes through the folder `root`, parents before children, names in byte order.
pub fn walk(root: &Path, limits: WalkLimits) -> Walk {
    let mut walk = Walk { waiting: Vec::new(), limits, seen: 0, device: 0, done: false, failed: None };
    match root.metadata() {
        Ok(metadata) => {
            walk.device = metadata.dev();
            walk.failed = walk.enter(root, "", 0).err();
        }
        Err(source) => walk.failed = Some(WalkError::Read { path: ".".to_owned(), source }),
    }
    walk
}

/// The entries of a folder, one after the other.
#[derive(Debug)]
pub struct Walk {
    /// Entries that were listed and not looked at yet, the next one last.
    waiting: Vec<Waiting>,
    limits: WalkLimits,
    seen: u64,
    device: u64,
    done: bool,
    failed: Option<WalkError>,
}

#[derive(Debug)]
struct Waiting {
    real: PathBuf,
    path: String,
    depth: usize,
}

impl Walk {
    fn enter(&mut self, folder: &Path, path: &str, depth: usize) -> Result<(), WalkError> {
        let read_error = |source| {
            let path = if path.is_empty() { "." } else { path };
            WalkError::Read { path: path.to_owned(), source }
        };
        if depth > self.limits.max_depth {
            return Err(WalkError::TooDeep { path: path.to_owned(), limit: self.limits.max_depth });
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(read_error)? {
            names.push(entry.map_err(read_error)?.file_name());
            self.seen = self.seen.saturating_add(1);
            if self.seen > self.limits.max_entries {
                self.done = true;
                return Err(WalkError::TooMany { limit: self.limits.max_entries });
            }
        }
        names.sort_unstable_by_key(|name| Reverse(name.clone()));
        self.waiting.extend(names.into_iter().map(|name| {
            let shown = name.to_string_lossy();
            let path = if path.is_empty() { shown.into_owned() } else { format!("{path}/{shown}") };
            Waiting { real: folder.join(&name), path, depth }
        }));
        Ok(())
    }

    fn look(&mut self, next: Waiting) -> Result<Option<DirEntry>, WalkError> {
        let Waiting { real, path, depth } = next;
        let read_error = |source| WalkError::Read { path: path.clone(), source };
        let metadata = fs::symlink_metadata(&real).map_err(read_error)?;
        let kind = if metadata.is_file() {
            DirEntryKind::File
        } else if metadata.is_dir() {
            if metadata.dev() != self.device && matches!(path.as_str(), "proc" | "sys" | "dev") {
                return Ok(None);
            }
            DirEntryKind::Folder
        } else if metadata.is_symlink() {
            let target = fs::read_link(&real).map_err(read_error)?;
            DirEntryKind::Symlink(target.to_string_lossy().into_owned())
        } else {
            return Ok(None);
        };
        if kind == DirEntryKind::Folder {
            // The folder itself is reported even when it cannot be entered.
            self.failed = self.enter(&real, &path, depth.saturating_add(1)).err();
        }
        let size = if kind == DirEntryKind::File { metadata.len() } else { 0 };
        let (mode, identity) = (metadata.mode() & 0o7777, identity(&metadata));
        let (uid, gid) = (metadata.uid(), metadata.gid());
        Ok(Some(DirEntry { path, kind, size, mode, uid, gid, real, identity }))
    }
}

impl Iterator for Walk {
    type Item = Result<DirEntry, WalkError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(error) = self.failed.take() {
                return Some(Err(error));
            }
            if self.done {
                return None;
            }
            let next = self.waiting.pop()?;
            match self.look(next) {
                Ok(Some(entry)) => return Some(Ok(entry)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    #[test]
    fn walk_is_sorted_and_follows_nothing() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("b/c")).unwrap();
        fs::write(at("b/c/file"), "text").unwrap();
        fs::write(at("a"), "").unwrap();
        symlink("/etc", at("link")).unwrap();
        symlink("..", at("b/up")).unwrap();
        std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let entries: Vec<_> = walk(root.path(), WalkLimits::default()).map(Result::unwrap).collect();
        let paths: Vec<_> = entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["a", "b", "b/c", "b/c/file", "b/up", "link"]);
        assert_eq!(entries[5].kind, DirEntryKind::Symlink("/etc".to_owned()));
        let mut text = String::new();
        entries[3].open().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), entries[3].size), ("text", 4));
        entries[1].open().unwrap_err();
        // A link put in place of a file after the walk is not followed.
        fs::remove_file(at("a")).unwrap();
        symlink("/etc/passwd", at("a")).unwrap();
        entries[0].open().unwrap_err();
    }

    #[test]
    fn limits_hold_and_are_said() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b/c")).unwrap();
        fs::write(root.path().join("z"), "").unwrap();
        let run = |max_depth, max_entries| -> Vec<String> {
            walk(root.path(), WalkLimits { max_depth, max_entries })
                .map(|entry| entry.map_or_else(|error| error.to_string(), |entry| entry.path))
                .collect()
        };
        assert_eq!(run(1, 100), ["a", "a/b", "`a/b` is more than 1 folders deep", "z"]);
        assert_eq!(run(9, 1), ["there are more than 1 entries"]);
        let gone: Vec<_> = walk(&root.path().join("gone"), WalkLimits::default()).collect();
        assert!(matches!(gone.as_slice(), [Err(WalkError::Read { .. })]));
    }
}
