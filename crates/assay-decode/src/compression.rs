//! Recognises and undoes the compression of a layer: gzip ([RFC 1952]), Zstandard ([RFC 8878]) or none.
//!
//! Surprising things:
//! - Media types lie, so only the first bytes count.
//! - A gzip file may have many members (eStargz has one per chunk), and GNU gzip ignores what follows the last
//!   one, be it zero padding or garbage. So does this; the rest is still read from the source, because the
//!   caller's digest covers the whole blob.
//! - A Zstandard file may have many frames and skippable ones (zstd:chunked keeps its table of contents there).
//!
//! How much comes out is the caller's limit: see [`Limited`].
//!
//! [RFC 1952]: https://www.rfc-editor.org/rfc/rfc1952
//! [RFC 8878]: https://www.rfc-editor.org/rfc/rfc8878

use std::fmt;
use std::io::{self, Read};

use flate2::bufread::GzDecoder;

use crate::peek::Peek;

/// Bytes of compressed input buffered: below 128 KiB the inflater is called too often (measured: 438 to 459 MB/s
/// with small reads against 546).
const INPUT_BUFFER: usize = 128 * 1024;

/// The largest Zstandard window accepted, 2^25 = 32 MiB.
///
/// The window is memory, once per layer read at a time, and the budget of a scan is 256 MiB. Levels 1 to 20 of
/// the reference encoder stay within it; only `--ultra` 21 and 22 and `--long` go above.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all, or not in a way that is recognised.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// xz, recognised so that it can be named; not supported.
    Xz,
    /// bzip2, recognised so that it can be named; not supported.
    Bzip2,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
        })
    }
}

/// Says which compression `start`, the first six or more bytes of a stream, begins.
pub fn detect(start: &[u8]) -> Compression {
    match start {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        // A skippable frame may come first (RFC 8878, section 3.1.2).
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31 | 0x17, ..] => Compression::Bzip2,
        _ => Compression::None,
    }
}

/// Looks at the first bytes of `reader` and returns what it is and a reader of the plain bytes.
///
/// # Errors
/// Fails with `Unsupported` for xz and bzip2, which no image specification allows for layers, and when the first
/// bytes cannot be read.
pub fn decompress<'a>(reader: impl Read + Send + 'a) -> io::Result<(Compression, Box<dyn Read + Send + 'a>)> {
    let mut input = Peek::new(reader, INPUT_BUFFER);
    let compression = detect(input.peek(6)?);
    let plain: Box<dyn Read + Send + 'a> = match compression {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(Gunzip { member: Some(GzDecoder::new(input)) }),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Box::new(decoder)
        }
        Compression::Xz | Compression::Bzip2 => {
            let message = format!("`{compression}` compression is not supported for layers");
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
    };
    Ok((compression, plain))
}

/// A gzip file of any number of members.
struct Gunzip<R: Read> {
    /// `None` after the last member.
    member: Option<GzDecoder<Peek<R>>>,
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let read = member.read(buf)?;
            if read > 0 {
                return Ok(read);
            }
            let Some(mut input) = self.member.take().map(GzDecoder::into_inner) else { break };
            if matches!(input.peek(3)?, [0x1f, 0x8b, 8, ..]) {
                self.member = Some(GzDecoder::new(input));
            } else {
                input.skip(u64::MAX)?;
            }
        }
        Ok(0)
    }
}

/// The cause inside the `io::Error` that [`Limited`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than `{limit}` bytes")]
pub struct LimitExceeded {
    /// The number of bytes that were allowed.
    pub limit: u64,
}

impl LimitExceeded {
    /// Returns the exceeded limit if that is what `error` says.
    pub fn find(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
    }
}

/// A reader that fails, rather than ends, when its source has more than a number of bytes.
#[derive(Debug)]
pub struct Limited<R> {
    inner: R,
    limit: u64,
    left: u64,
}

impl<R> Limited<R> {
    /// Allows `limit` bytes of `inner`.
    pub fn new(inner: R, limit: u64) -> Self {
        Self { inner, limit, left: limit }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buf.is_empty() {
            // A source of exactly the limit is fine: only one more byte is too many.
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(io::Error::other(LimitExceeded { limit: self.limit })),
            };
        }
        let allowed = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.inner.read(buf.get_mut(..allowed).unwrap_or_default())?;
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Gives one byte at a time, as a slow socket might.
    struct Drip<'a>(&'a [u8]);
    impl Read for Drip<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let count = buf.len().min(1);
            self.0.read(&mut buf[..count])
        }
    }

    fn check(input: &[u8], compression: Compression, plain: &[u8]) {
        for drip in [false, true] {
            let source: Box<dyn Read + Send> = if drip { Box::new(Drip(input)) } else { Box::new(input) };
            let (found, mut reader) = decompress(source).unwrap();
            let mut out = Vec::new();
            reader.read_to_end(&mut out).unwrap();
            assert_eq!((found, out.as_slice()), (compression, plain));
        }
    }

    #[test]
    fn plain_input_passes() {
        check(b"", Compression::None, b"");
        check(b"x", Compression::None, b"x");
        check(b"hello, world", Compression::None, b"hello, world");
    }

    #[test]
    fn gzip_reads_all_members_and_ignores_what_follows() {
        let mut input = gzip(b"one ");
        input.extend(gzip(b""));
        input.extend(gzip(b"two"));
        check(&input, Compression::Gzip, b"one two");
        check(&[&input[..], &[0; 600]].concat(), Compression::Gzip, b"one two");
        check(&[&input[..], b"\x1fgarbage"].concat(), Compression::Gzip, b"one two");
    }

    #[test]
    fn gzip_reads_the_source_to_its_end() {
        let input = [&gzip(b"one")[..], &[7; 300_000]].concat();
        let mut source = io::Cursor::new(&input);
        let (_, mut reader) = decompress(source.by_ref()).unwrap();
        io::copy(&mut reader, &mut io::sink()).unwrap();
        drop(reader);
        assert_eq!(source.position(), input.len() as u64);
    }

    #[test]
    fn truncated_input_is_an_error() {
        for input in [gzip(b"hello"), zstd::encode_all(&b"hello"[..], 1).unwrap()] {
            for len in 6..input.len() {
                let (_, mut reader) = decompress(&input[..len]).unwrap();
                reader.read_to_end(&mut Vec::new()).unwrap_err();
            }
        }
    }

    #[test]
    fn zstd_reads_all_frames_and_skips_skippable_ones() {
        let skippable = [&[0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"toc"].concat();
        let frame = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
        let input = [&skippable[..], &frame(b"one "), &skippable, &frame(b"two"), &skippable].concat();
        check(&input, Compression::Zstd, b"one two");
    }

    #[test]
    fn zstd_window_is_limited() {
        for (log, accepted) in [(25, true), (26, false)] {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(log).unwrap();
            encoder.write_all(b"x").unwrap();
            encoder.flush().unwrap();
            let input = encoder.finish().unwrap();
            let (_, mut reader) = decompress(&input[..]).unwrap();
            assert_eq!(reader.read_to_end(&mut Vec::new()).is_ok(), accepted, "{log}");
        }
    }

    #[test]
    fn unsupported_ones_are_named() {
        let error = decompress(&b"\xfd7zXZ\0\0"[..]).err().unwrap();
        assert_eq!(error.to_string(), "`xz` compression is not supported for layers");
        assert_eq!(detect(b"BZh91AY&SY"), Compression::Bzip2);
        assert_eq!(detect(b"BZhello"), Compression::None);
    }

    #[test]
    fn limit_fails_one_byte_later() {
        let read = |limit| Limited::new(&b"12345"[..], limit).read_to_end(&mut Vec::new());
        assert_eq!(read(5).unwrap(), 5);
        let error = read(4).unwrap_err();
        assert_eq!(LimitExceeded::find(&error), Some(LimitExceeded { limit: 4 }));
    }
}
