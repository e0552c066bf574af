//! How stored bytes can be known to be those that were hashed before, without reading them again.
//!
//! A result may be used again only for bytes that this installation has hashed itself. What a registry serves is named by the
//! digest that whoever runs the image checks as well; a local file is known by what the file system says of it, as `make`
//! and `git` know theirs, but by its change time, which no program sets.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// What stands behind a layer's stored bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assurance {
    /// They are asked for by digest, from a store that others ask in the same way.
    ByDigest,
    /// They lie in a file.
    File(Witness),
    /// Nothing: they have to be read to be known.
    Nothing,
}

/// A file as it was seen, so that a change of its content would be noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness(String);

impl Witness {
    /// Describes a file; `member` names the part of it that is meant, where it is an archive.
    pub fn new(metadata: &Metadata, member: &str) -> Self {
        Self(format!(
            "{}:{}:{}:{}.{}:{}.{}:{member}",
            metadata.dev(),
            metadata.ino(),
            metadata.size(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
        ))
    }

    /// Returns the description as one line of text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
