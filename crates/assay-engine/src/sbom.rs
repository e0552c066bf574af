//! A bill of materials as a source: read whole, and turned into an inventory.

use assay_sbom::vex::{self, Statement};
use assay_sbom::{Document, MAX_DOCUMENT, ReadSbomError, read, recognise};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why a bill of materials could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenSbomError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Its content is no bill of materials.
    #[error("cannot use `{}` as a bill of materials", path.display())]
    Content {
        /// The path.
        path: PathBuf,
        /// Why.
        source: ReadSbomError,
    },
}

/// Returns whether a file looks like a bill of materials, from its first bytes.
pub fn is_sbom(path: &Path) -> bool {
    // A pipe would be waited for, and what was read of it lost.
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64 << 10).read_to_end(&mut head));
    read.is_ok() && recognise(&head).is_some()
}

/// Reads the bill of materials at `path`, and what it states of vulnerabilities.
///
/// # Errors
/// Fails when the file cannot be read, or is no bill of materials of a known version.
pub fn open_sbom(path: &Path) -> Result<(Document, Vec<Statement>), OpenSbomError> {
    let read_error = |source| OpenSbomError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(read_error)?;
    file.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).map_err(read_error)?;
    let document = read(&bytes).map_err(|source| OpenSbomError::Content { path: path.to_owned(), source })?;
    // Most have none; those that cannot be read twice were not read once.
    let statements = vex::read(&bytes).map(|(statements, _)| statements).unwrap_or_default();
    Ok((document, statements))
}
