//! Named files in a folder or in an image archive, read alike; an OCI layout may stand in either.

use crate::archive::Archive;
use crate::assurance::{Assurance, Witness};
use crate::error::{OpenError, ReadLayerError};
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// One file, ready to be read.
pub(crate) struct Opened {
    pub(crate) len: u64,
    pub(crate) reader: Box<dyn Read + Send>,
}

/// Where the files are.
#[derive(Debug)]
pub(crate) enum Files {
    Folder(PathBuf),
    Archive(Archive),
}

impl Files {
    /// Returns the path the user named.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) => path,
            Self::Archive(archive) => archive.path(),
        }
    }

    /// Opens a file by its relative path; `None` when there is none.
    pub(crate) fn open(&self, name: &str) -> io::Result<Option<Opened>> {
        match self {
            Self::Archive(archive) => Ok(archive.open(name)),
            Self::Folder(root) => open_in(root, name),
        }
    }

    /// Reads `len` bytes of a file from `offset` on.
    pub(crate) fn part(&self, name: &str, offset: u64, len: u64) -> Result<Vec<u8>, ReadLayerError> {
        let failed = |source| ReadLayerError::Read { what: name.to_owned(), source };
        let missing = || ReadLayerError::Missing(name.to_owned());
        let reader: Box<dyn Read> = match self {
            Self::Archive(archive) => archive.open_at(name, offset).ok_or_else(missing)?,
            Self::Folder(root) => {
                let mut file = open_file(root, name).map_err(failed)?.ok_or_else(missing)?;
                file.seek(SeekFrom::Start(offset)).map_err(failed)?;
                Box::new(file)
            }
        };
        let mut bytes = Vec::new();
        reader.take(len).read_to_end(&mut bytes).map_err(failed)?;
        if u64::try_from(bytes.len()) != Ok(len) {
            return Err(failed(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(bytes)
    }

    /// Says what stands behind a file's bytes.
    pub(crate) fn assurance(&self, name: &str) -> Assurance {
        match self {
            Self::Archive(archive) => archive
                .metadata()
                .map_or(Assurance::Nothing, |metadata| Assurance::File(Witness::new(metadata, name))),
            Self::Folder(root) => match root.join(name).metadata() {
                Ok(metadata) if metadata.is_file() => Assurance::File(Witness::new(&metadata, "")),
                _ => Assurance::Nothing,
            },
        }
    }

    /// Reads a small document; `None` when there is none.
    pub(crate) fn document(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, OpenError> {
        let opened = self.open(name).map_err(|source| self.read_error(name, source))?;
        let Some(opened) = opened else { return Ok(None) };
        if opened.len > limit {
            return Err(OpenError::TooLarge { what: format!("`{name}`"), limit });
        }
        let mut bytes = Vec::new();
        // The file may have grown since its length was asked.
        opened.reader.take(limit).read_to_end(&mut bytes).map_err(|source| self.read_error(name, source))?;
        Ok(Some(bytes))
    }

    fn read_error(&self, name: &str, source: io::Error) -> OpenError {
        match self {
            Self::Folder(root) => OpenError::Read { path: root.join(name), source },
            Self::Archive(archive) => {
                OpenError::Damaged { path: archive.path().to_owned(), source: Box::new(source) }
            }
        }
    }
}

fn open_in(root: &Path, name: &str) -> io::Result<Option<Opened>> {
    let Some(file) = open_file(root, name)? else { return Ok(None) };
    Ok(Some(Opened { len: file.metadata()?.len(), reader: Box::new(file) }))
}

fn open_file(root: &Path, name: &str) -> io::Result<Option<File>> {
    let path = root.join(name);
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    // Opening a named pipe would wait for ever.
    if !metadata.is_file() {
        return Ok(None);
    }
    File::open(path).map(Some)
}
