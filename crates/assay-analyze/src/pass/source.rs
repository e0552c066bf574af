//! Where a pass reads from: the stored bytes, counted and watched, and the plain ones, counted and hashed.

use crate::limits::{Budget, Expansion, GivenUp, Limits, Stop};
use assay_decode::compression::LimitExceeded;
use assay_decode::tar::TarError;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read};
use std::sync::Arc;

/// Computes the digest of what is read through it.
pub(super) struct Hashing<'a, R> {
    pub(super) inner: R,
    pub(super) expansion: Arc<Expansion>,
    pub(super) limits: &'a Limits,
    pub(super) hash: Sha256,
    pub(super) bytes: u64,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.hash.update(buf.get(..read).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(read as u64);
        self.expansion.add_expanded(read as u64, self.limits).map_err(io::Error::other)?;
        Ok(read)
    }
}

/// Keeps the first error of the source, which an inflater in between may swallow or rename, and reads to the end.
pub(super) struct Checked<'a, R> {
    inner: &'a mut R,
    pub(super) error: Option<io::Error>,
    expansion: Arc<Expansion>,
    stop: Stop,
}

impl<'a, R: Read> Checked<'a, R> {
    pub(super) fn new(inner: &'a mut R, expansion: Arc<Expansion>, stop: Stop) -> Self {
        Self { inner, error: None, expansion, stop }
    }

    /// Reads what the inflater left over, so that the source can verify its digest.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.error.is_none() {
            match io::copy(&mut self, &mut io::sink()) {
                // That the time is up has been said, or will be by whoever counts it.
                Err(error) if self.error.is_none() && GivenUp::find(&error).is_some() => {}
                Err(error) => return Err(self.error.take().unwrap_or(error)),
                Ok(_) => {}
            }
        }
        self.error.map_or(Ok(()), Err)
    }
}

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.error.is_some() {
            return Err(io::Error::other("the source has failed"));
        }
        if self.stop.is_raised() {
            return Err(io::Error::other(GivenUp::Time));
        }
        loop {
            match self.inner.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Whoever watches the time may have told the source first.
                Err(_) if self.stop.is_raised() => return Err(io::Error::other(GivenUp::Time)),
                Err(error) => {
                    let shown = io::Error::new(error.kind(), error.to_string());
                    self.error = Some(error);
                    return Err(shown);
                }
                Ok(read) => {
                    self.expansion.add_stored(read as u64);
                    return Ok(read);
                }
            }
        }
    }
}

/// Returns the budget that was exceeded if that is what `error` or one of its causes says.
pub(super) fn over_budget(error: &(dyn std::error::Error + 'static)) -> Option<Budget> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(TarError::TooManyHeaders { .. }) = error.downcast_ref::<TarError>() {
            return Some(Budget::ENTRIES);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            if LimitExceeded::find(error).is_some() {
                return Some(Budget::LAYER);
            }
            if let Some(reason) = GivenUp::find(error) {
                return Some(reason.budget());
            }
        }
        cause = error.source();
    }
    None
}

/// Joins an error and its causes into one sentence.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
