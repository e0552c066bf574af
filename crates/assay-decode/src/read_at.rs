//! Random access to bytes that may be in memory or spooled to a file.
//!
//! Executables and archives are read in place: a Go binary of 100 MB is never held in memory to find a few
//! kilobytes of it. What is surprising: a range that lies outside the source is an error of kind
//! `UnexpectedEof` *before* anything is allocated, so that a header cannot make a reader reserve memory.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

/// A source of bytes that can be read at any offset, from several places at once.
pub trait ReadAt: Send + Sync {
    /// Returns the number of bytes in the source.
    fn len(&self) -> u64;

    /// Reads bytes at `offset` into `buf` and returns how many; zero means the end.
    ///
    /// # Errors
    /// Fails when the underlying file cannot be read.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// Returns all the bytes when they are in memory anyway.
    fn as_slice(&self) -> Option<&[u8]> {
        None
    }

    /// Tells whether the source holds nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// Fails with `UnexpectedEof` when the source ends before.
    fn read_exact_at(&self, mut offset: u64, mut buf: &mut [u8]) -> io::Result<()> {
        while !buf.is_empty() {
            match self.read_at(offset, buf) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    buf = buf.get_mut(read..).unwrap_or_default();
                    offset = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns the `len` bytes at `offset`, borrowed when the source is in memory.
    ///
    /// # Errors
    /// Fails with `InvalidData` when `len` is above `max`, with `UnexpectedEof` when the range leaves the source.
    fn read_range(&self, offset: u64, len: u64, max: usize) -> io::Result<Cow<'_, [u8]>> {
        let wanted = usize::try_from(len).ok().filter(|&len| len <= max).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("range of `{len}` bytes is above `{max}`"))
        })?;
        let end = offset.checked_add(len).filter(|&end| end <= self.len());
        if end.is_none() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(all) = self.as_slice() {
            let range = usize::try_from(offset).ok().and_then(|start| all.get(start..)?.get(..wanted));
            return range.map(Cow::Borrowed).ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        let mut buf = vec![0; wanted];
        self.read_exact_at(offset, &mut buf)?;
        Ok(Cow::Owned(buf))
    }
}

impl ReadAt for [u8] {
    fn len(&self) -> u64 {
        u64::try_from(<[u8]>::len(self)).unwrap_or(u64::MAX)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|start| self.get(start..)).unwrap_or_default();
        let count = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        ReadAt::len(self.as_slice())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buf)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buf)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        (**self).as_slice()
    }
}

// Not for every `Arc`: one of a slice has a length of its own.
impl ReadAt for std::sync::Arc<dyn ReadAt> {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buf)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        (**self).as_slice()
    }
}

/// A file on disk as a source; its length is taken once, when it is wrapped.
#[derive(Debug)]
pub struct FileSpool {
    file: File,
    len: u64,
}

impl FileSpool {
    /// Wraps an open file.
    ///
    /// # Errors
    /// Fails when the length of the file cannot be asked.
    pub fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }
}

impl ReadAt for FileSpool {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }
}

/// A `Read` and `Seek` view of a source, for code that wants a position.
#[derive(Debug)]
pub struct ReadAtCursor<T> {
    source: T,
    position: u64,
}

impl<T: ReadAt> ReadAtCursor<T> {
    /// Starts at the beginning of `source`.
    pub fn new(source: T) -> Self {
        Self { source, position: 0 }
    }
}

impl<T: ReadAt> Read for ReadAtCursor<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read_at(self.position, buf)?;
        self.position = self.position.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

impl<T: ReadAt> Seek for ReadAtCursor<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(delta) => self.source.len().checked_add_signed(delta),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
        };
        self.position = target
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek to before the first byte"))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn check(source: &dyn ReadAt) {
        assert_eq!(source.len(), 10);
        assert_eq!(&*source.read_range(2, 3, 100).unwrap(), b"234");
        assert_eq!(&*source.read_range(10, 0, 100).unwrap(), b"");
        let kind = |offset, len, max| source.read_range(offset, len, max).unwrap_err().kind();
        assert_eq!(kind(8, 3, 100), io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(u64::MAX, 3, 100), io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(0, u64::MAX, 100), io::ErrorKind::InvalidData);
        let mut cursor = ReadAtCursor::new(source);
        let mut text = String::new();
        cursor.seek(SeekFrom::End(-4)).unwrap();
        cursor.read_to_string(&mut text).unwrap();
        assert_eq!(text, "6789");
        assert!(cursor.seek(SeekFrom::Current(-11)).is_err());
    }

    #[test]
    fn slices_and_files_read_alike() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        check(&FileSpool::new(file).unwrap());
        check(&b"0123456789".to_vec());
        check(&b"0123456789".as_slice());
    }
}
