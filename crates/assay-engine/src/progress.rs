//! How far a scan is: counters that the one who shows them reads when it likes.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one scan.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes that all layers have as stored, as the manifest claims.
    pub bytes: AtomicU64,
    /// Bytes read so far.
    pub bytes_read: AtomicU64,
    /// Layers.
    pub layers: AtomicU64,
    /// Layers that are done.
    pub layers_done: AtomicU64,
    /// Files seen, in a folder.
    pub files: AtomicU64,
}

/// Counts what is read through it.
pub(crate) struct Counted<'a, R> {
    pub(crate) inner: R,
    pub(crate) progress: &'a Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.progress.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
