//! Checks bytes against the digest and size that name them, while they stream by.
//!
//! What is surprising: the error comes at the end, in place of the end of file. Whoever reads a blob has therefore to
//! read on to its end before trusting what came before.

use crate::error::BlobMismatch;
use assay_model::Digest;
use sha2::{Digest as _, Sha256, Sha512};
use std::io::{self, Read};

/// Hashes by the algorithm of a digest.
#[derive(Clone)]
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha512(Box<Sha512>),
}

impl Hasher {
    pub(crate) fn for_digest(digest: &Digest) -> Self {
        match digest {
            Digest::Sha256(_) => Self::Sha256(Sha256::new()),
            Digest::Sha512(_) => Self::Sha512(Box::default()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(&self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest::Sha256(hasher.clone().finalize().into()),
            Self::Sha512(hasher) => Digest::Sha512(hasher.clone().finalize().into()),
        }
    }
}

/// Returns the SHA-256 digest of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest::Sha256(Sha256::digest(bytes).into())
}

/// Checks whole documents.
pub(crate) fn check(bytes: &[u8], expected: &Digest) -> Result<(), BlobMismatch> {
    let mut hasher = Hasher::for_digest(expected);
    hasher.update(bytes);
    let actual = hasher.finish();
    if actual == *expected { Ok(()) } else { Err(BlobMismatch::Digest { expected: *expected, actual }) }
}

/// Gives the bytes of `inner`, and an error instead of the end when they are not the expected ones.
pub(crate) struct Verified<R> {
    inner: R,
    expected: Option<(Digest, Hasher)>,
    size: Option<u64>,
    read: u64,
}

impl<R: Read> Verified<R> {
    pub(crate) fn new(inner: R, digest: Option<Digest>, size: Option<u64>) -> Self {
        Self { inner, expected: digest.map(|digest| (digest, Hasher::for_digest(&digest))), size, read: 0 }
    }

    fn end(&self) -> io::Result<usize> {
        if let Some(expected) = self.size
            && expected != self.read
        {
            return Err(io::Error::other(BlobMismatch::Size { expected, actual: self.read }));
        }
        if let Some((expected, hasher)) = &self.expected {
            let actual = hasher.finish();
            if actual != *expected {
                return Err(io::Error::other(BlobMismatch::Digest { expected: *expected, actual }));
            }
        }
        Ok(0)
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buf)?;
        if count == 0 {
            return self.end();
        }
        self.read = self.read.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if let Some(expected) = self.size
            && self.read > expected
        {
            // An endless blob must not be read for ever only to be refused at its end.
            return Err(io::Error::other(BlobMismatch::Size { expected, actual: self.read }));
        }
        if let (Some((_, hasher)), Some(bytes)) = (&mut self.expected, buf.get(..count)) {
            hasher.update(bytes);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], digest: &[u8], size: Option<u64>) -> Result<Vec<u8>, BlobMismatch> {
        let mut out = Vec::new();
        let result = Verified::new(bytes, Some(sha256(digest)), size).read_to_end(&mut out);
        result.map(|_| out).map_err(|error| BlobMismatch::find(&error).unwrap())
    }

    #[test]
    fn only_the_promised_bytes_end_well() {
        assert_eq!(read(b"abc", b"abc", Some(3)).unwrap(), b"abc");
        assert_eq!(read(b"abc", b"abc", None).unwrap(), b"abc");
        assert_eq!(read(b"", b"", Some(0)).unwrap(), b"");
        let (expected, actual) = (sha256(b"abc"), sha256(b"abd"));
        assert_eq!(read(b"abd", b"abc", Some(3)), Err(BlobMismatch::Digest { expected, actual }));
        assert_eq!(read(b"ab", b"abc", Some(3)), Err(BlobMismatch::Size { expected: 3, actual: 2 }));
        assert_eq!(read(b"abcd", b"abc", Some(3)), Err(BlobMismatch::Size { expected: 3, actual: 4 }));
    }
}
