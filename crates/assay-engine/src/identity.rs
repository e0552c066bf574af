//! The digest that stands for a source of one or several files: a disk with its backing files, a function with its layers.
//!
//! Of one file it is the file's SHA-256. Of several it is that of their digests in hexadecimal, one a line: what
//! `sha256sum FILES | cut -c-64 | sha256sum` prints, so that anybody can compute it.

use crate::progress::{Counted, Progress};
use assay_analyze::Stop;
use assay_model::Digest;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Computes digests of files.
pub(crate) struct Identity;

impl Identity {
    /// Returns the digest of files; `None` when the time was up before.
    ///
    /// # Errors
    /// Fails, with its path, when a file cannot be read.
    pub(crate) fn of(
        files: &[&Path],
        stop: &Stop,
        progress: &Progress,
    ) -> Result<Option<Digest>, (PathBuf, io::Error)> {
        let mut digests = Vec::new();
        for path in files {
            match sha256(path, stop, progress).map_err(|error| ((*path).to_owned(), error))? {
                Some(digest) => digests.push(digest),
                None => return Ok(None),
            }
        }
        Ok(match digests.as_slice() {
            [one] => Some(*one),
            several => {
                let lines: String = several.iter().map(|digest| digest.hex() + "\n").collect();
                Some(Digest::Sha256(Sha256::digest(lines).into()))
            }
        })
    }
}

fn sha256(path: &Path, stop: &Stop, progress: &Progress) -> io::Result<Option<Digest>> {
    let file = File::open(path)?;
    progress.bytes.fetch_add(file.metadata()?.len(), Ordering::Relaxed);
    let mut reader = Counted { inner: file, progress };
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        if stop.is_raised() {
            return Ok(None);
        }
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(Some(Digest::Sha256(hash.finalize().into()))),
            Ok(count) => hash.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
