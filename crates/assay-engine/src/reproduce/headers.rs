//! What a tar archive says of its entries beyond what the reader tells: names of owners, forms of numbers, attributes, fine times.
//!
//! The archive is the one that [`assay_decode::tar`] reads (POSIX pax, GNU), seen a second time as bytes that flow by. Each entry's
//! header and extensions come to a few hashes, one for each cause a difference may have, so that what differs beside a difference
//! that has a name already is still seen. Surprising: a number counts by its form only (`0000644` and `   644` are two forms); its
//! value is compared by whoever has read it.

use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;

/// Tar's unit.
const BLOCK: usize = 512;
/// The largest extension that is read, as in Go; a larger one makes its entry unreadable.
const MAX_EXTENSION: u64 = 1 << 20;
/// Entries that are kept until somebody asks for them: no reader is further behind. Those that are lost or not kept nobody asks for,
/// and an archive may have millions.
const MAX_AHEAD: usize = 1 << 14;

/// A short hash: enough to tell two things apart that nobody can choose freely.
pub(super) type Hash = [u8; 16];

/// What is said of one entry, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Rest {
    /// Path, link and type as written.
    pub(super) names: Hash,
    /// Names of owners, magic, forms of numbers, extensions.
    pub(super) form: Hash,
    /// Extended attributes and access lists, but for capabilities.
    pub(super) attributes: Hash,
    /// Capabilities as written.
    pub(super) capability: Hash,
    /// Fractions of the time, times of access and of change.
    pub(super) times: Hash,
    /// The numbers of a device.
    pub(super) device: u64,
}

/// A hash that is nothing as long as nothing was said.
#[derive(Debug, Default)]
struct Hasher(Option<Sha256>);

impl Hasher {
    fn add(&mut self, bytes: &[u8]) {
        let hasher = self.0.get_or_insert_with(Sha256::new);
        hasher.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(bytes);
    }

    /// Adds more of the same, however it is cut.
    fn go_on(&mut self, bytes: &[u8]) {
        self.0.get_or_insert_with(Sha256::new).update(bytes);
    }

    fn take(&mut self) -> Hash {
        self.0.take().map(|hasher| short(&hasher.finalize().into())).unwrap_or_default()
    }
}

pub(super) fn short(hash: &[u8; 32]) -> Hash {
    hash.first_chunk().copied().unwrap_or_default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A header is being collected.
    Header,
    /// An extension of that type and so many bytes, of which some are left, and its padding.
    Extension { flag: u8, left: u64, padding: u64 },
    /// The map of a sparse file goes on.
    Map { size: u64 },
    /// Bytes of a file, and its padding.
    Content { left: u64, padding: u64 },
    /// Behind the last entry.
    Tail,
}

/// Sees an archive flow by.
#[derive(Debug)]
pub(super) struct Headers {
    state: State,
    position: u64,
    /// Where the block begins that is being collected.
    block_at: u64,
    block: Vec<u8>,
    extension: Vec<u8>,
    is_too_large: bool,
    zero_before: bool,
    size: Option<u64>,
    sparse: bool,
    names: Hasher,
    form: Hasher,
    attributes: Hasher,
    capability: Hasher,
    times: Hasher,
    found: VecDeque<(u64, Rest)>,
    archive: Hasher,
}

impl Headers {
    pub(super) fn new() -> Self {
        Self {
            state: State::Header,
            position: 0,
            block_at: 0,
            block: Vec::with_capacity(BLOCK),
            extension: Vec::new(),
            is_too_large: false,
            zero_before: false,
            size: None,
            sparse: false,
            names: Hasher::default(),
            form: Hasher::default(),
            attributes: Hasher::default(),
            capability: Hasher::default(),
            times: Hasher::default(),
            found: VecDeque::new(),
            archive: Hasher::default(),
        }
    }

    /// Takes the next bytes of the archive.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = self.step(bytes).max(1);
            self.position = self.position.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// Returns what is said of the entry whose own header begins there; `None` if none was seen there.
    pub(super) fn of(&mut self, offset: u64) -> Option<Rest> {
        while let Some((at, rest)) = self.found.pop_front() {
            if at == offset {
                return Some(rest);
            }
            if at > offset {
                self.found.push_front((at, rest));
                return None;
            }
        }
        None
    }

    /// Returns what is said besides entries: global extensions, padding that is not empty, what is behind the end.
    pub(super) fn archive(mut self) -> Hash {
        let rest = std::mem::take(&mut self.block);
        self.archive.go_on(&rest);
        self.archive.take()
    }

    /// Takes some of `bytes`; returns how many.
    fn step(&mut self, bytes: &[u8]) -> usize {
        match self.state {
            State::Header | State::Map { .. } => {
                if self.block.is_empty() {
                    self.block_at = self.position;
                }
                let wanted = BLOCK.saturating_sub(self.block.len());
                let part = bytes.get(..wanted.min(bytes.len())).unwrap_or_default();
                self.block.extend_from_slice(part);
                if self.block.len() >= BLOCK {
                    let block = std::mem::take(&mut self.block);
                    match self.state {
                        State::Map { size } => self.map(&block, size),
                        _ => self.header(&block),
                    }
                    self.block = block;
                    self.block.clear();
                }
                part.len()
            }
            State::Extension { flag, left, padding } => {
                let part = up_to(bytes, left);
                if !self.is_too_large {
                    self.extension.extend_from_slice(part);
                }
                let left = left.saturating_sub(len(part));
                self.state = State::Extension { flag, left, padding };
                if left == 0 {
                    self.extended(flag);
                    self.content(0, padding);
                }
                part.len()
            }
            State::Content { left, padding } if left > 0 => {
                let part = up_to(bytes, left);
                self.content(left.saturating_sub(len(part)), padding);
                part.len()
            }
            State::Content { padding, .. } => {
                let part = up_to(bytes, padding);
                // Where it stands is told by how much of it is left.
                for (byte, left) in part.iter().zip((0..=padding).rev()).filter(|(byte, _)| **byte != 0) {
                    self.archive.add(&[*byte]);
                    self.archive.add(&left.to_le_bytes());
                }
                self.content(0, padding.saturating_sub(len(part)));
                part.len()
            }
            State::Tail => {
                self.archive.go_on(bytes);
                bytes.len()
            }
        }
    }

    fn content(&mut self, left: u64, padding: u64) {
        let is_done = left == 0 && padding == 0;
        self.state = if is_done { State::Header } else { State::Content { left, padding } };
    }

    fn header(&mut self, block: &[u8]) {
        let is_zero = block.iter().all(|byte| *byte == 0);
        if (is_zero || !has_checksum(block)) && (self.zero_before || !is_zero) {
            // The second empty block, or garbage.
            self.archive.go_on(block);
            self.state = State::Tail;
            return;
        }
        if is_zero {
            self.zero_before = true;
            self.archive.add(b"an empty block");
            return;
        }
        self.zero_before = false;
        let offset = self.block_at;
        let flag = field(block, 156, 1).first().copied().unwrap_or_default();
        let size = octal(field(block, 124, 12)).unwrap_or_default();
        if matches!(flag, b'x' | b'g' | b'L' | b'K') {
            self.form.add(&[flag]);
            self.is_too_large = size > MAX_EXTENSION;
            self.extension.clear();
            self.state = State::Extension { flag, left: size, padding: padding(size) };
            if size == 0 {
                self.content(0, 0);
            }
            return;
        }
        self.own(block, flag);
        let device = matches!(flag, b'3' | b'4');
        let numbers = octal(field(block, 329, 8)).unwrap_or_default() << 32
            | octal(field(block, 337, 8)).unwrap_or_default();
        let rest = Rest {
            names: self.names.take(),
            form: self.form.take(),
            attributes: self.attributes.take(),
            capability: self.capability.take(),
            times: self.times.take(),
            device: if device { numbers } else { 0 },
        };
        if self.found.len() >= MAX_AHEAD {
            self.found.pop_front();
        }
        self.found.push_back((offset, rest));
        let size = if (b'1'..=b'6').contains(&flag) { 0 } else { self.size.take().unwrap_or(size) };
        (self.size, self.sparse) = (None, false);
        if flag == b'S' && field(block, 482, 1) != [0] {
            self.state = State::Map { size };
        } else {
            self.content(size, padding(size));
        }
    }

    /// Takes what the entry's own header says.
    fn own(&mut self, block: &[u8], flag: u8) {
        let is_ustar = field(block, 257, 8) == b"ustar\x0000";
        for (start, count) in [(0, 100), (156, 1), (157, 100)] {
            self.names.add(field(block, start, count));
        }
        for (start, count) in [(100, 8), (108, 8), (116, 8), (124, 12), (136, 12), (148, 8)] {
            self.form.add(&form(field(block, start, count)));
        }
        // The kind of the file, which some writers repeat in the mode.
        self.form.add(&(octal(field(block, 100, 8)).unwrap_or_default() >> 12).to_le_bytes());
        self.form.add(field(block, 257, 72));
        self.form.add(&form(field(block, 329, 8)));
        self.form.add(&form(field(block, 337, 8)));
        if is_ustar {
            self.names.add(field(block, 345, 155));
            self.form.add(field(block, 500, 12));
        } else {
            self.times.add(field(block, 345, 24));
            self.form.add(field(block, 369, 143));
        }
        if self.sparse || flag == b'S' {
            self.form.add(field(block, 124, 12));
        }
    }

    fn map(&mut self, block: &[u8], size: u64) {
        // It belongs to the entry before, which was told already.
        self.archive.add(block);
        if field(block, 504, 1) == [0] {
            self.content(size, padding(size));
        }
    }

    fn extended(&mut self, flag: u8) {
        let bytes = std::mem::take(&mut self.extension);
        match flag {
            b'g' => self.archive.add(&bytes),
            b'L' | b'K' => self.names.add(&bytes),
            _ => {
                let mut rest = bytes.as_slice();
                while let Some((key, value, behind)) = record(rest) {
                    self.said(key, value);
                    rest = behind;
                }
                // What is no record.
                self.form.add(rest);
            }
        }
        self.extension = bytes;
        self.extension.clear();
    }

    fn said(&mut self, key: &[u8], value: &[u8]) {
        let is_attribute = [&b"SCHILY.xattr."[..], b"LIBARCHIVE.xattr.", b"SCHILY.acl.", b"RHT."]
            .iter()
            .any(|start| key.starts_with(start));
        let to = match key {
            b"path" | b"linkpath" | b"GNU.sparse.name" => &mut self.names,
            b"SCHILY.xattr.security.capability" => &mut self.capability,
            _ if is_attribute => &mut self.attributes,
            b"mtime" => {
                self.form.add(key);
                let fraction = value.iter().position(|byte| *byte == b'.').and_then(|at| value.get(at..));
                self.times.add(fraction.unwrap_or_default());
                return;
            }
            b"atime" | b"ctime" | b"LIBARCHIVE.creationtime" => {
                self.form.add(key);
                &mut self.times
            }
            b"size" | b"uid" | b"gid" => {
                self.form.add(key);
                if key == b"size" {
                    self.size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                }
                return;
            }
            _ => {
                self.sparse |= key.starts_with(b"GNU.sparse");
                &mut self.form
            }
        };
        to.add(key);
        to.add(value);
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn up_to(bytes: &[u8], most: u64) -> &[u8] {
    bytes.get(..usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len())).unwrap_or_default()
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % 512
}

fn field(block: &[u8], start: usize, count: usize) -> &[u8] {
    block.get(start..start.saturating_add(count)).unwrap_or_default()
}

/// Reads a number in octal digits or base 256; 0 if it is neither.
fn octal(field: &[u8]) -> Option<u64> {
    if let Some((first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        let top = u64::from(first & 0x7f);
        return rest
            .iter()
            .try_fold(top, |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = field.trim_ascii_start().split(|byte| matches!(byte, 0 | b' ')).next().unwrap_or_default();
    digits.iter().try_fold(0_u64, |value, byte| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(byte & 7)),
        _ => None,
    })
}

/// Returns how a number is written, whatever its value.
fn form(field: &[u8]) -> Vec<u8> {
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        return b"base 256".to_vec();
    }
    let spaces = field.iter().take_while(|byte| **byte == b' ').count();
    let masked =
        |(at, byte): (usize, &u8)| if at < spaces || (b'0'..=b'7').contains(byte) { b'0' } else { *byte };
    field.iter().enumerate().map(masked).collect()
}

fn has_checksum(block: &[u8]) -> bool {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).fold(0_u64, u64::saturating_add);
    let own = field(block, 148, 8);
    let unsigned = sum(block).saturating_sub(sum(own)).saturating_add(8 * 32);
    let high = block.iter().filter(|byte| **byte >= 0x80).count();
    // Old writers summed signed bytes.
    let signed = unsigned.saturating_sub(u64::try_from(high).unwrap_or_default().saturating_mul(256));
    octal(own).is_some_and(|told| told == unsigned || told == signed)
}

/// Splits the first record off: key, value, and what follows.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(21).position(|byte| *byte == b' ')?;
    let count: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
    let body = bytes.get(space.checked_add(1)?..count)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((body.get(..equals)?, body.get(equals.checked_add(1)?..)?, bytes.get(count..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive of one file `a`, with these changes to its header, behind these extended records.
    fn archive(change: impl Fn(&mut tar_like::Header), records: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        if !records.is_empty() {
            let body: String = records.iter().map(|(key, value)| tar_like::record(key, value)).collect();
            bytes.extend(tar_like::Header::new("x", b'x', body.len()).finish());
            bytes.extend(body.as_bytes());
            bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        }
        let mut header = tar_like::Header::new("a", b'0', 3);
        change(&mut header);
        bytes.extend(header.finish());
        bytes.extend(b"one");
        bytes.resize(bytes.len().next_multiple_of(BLOCK) + 1024, 0);
        bytes
    }

    mod tar_like {
        pub(super) struct Header(pub(super) [u8; 512]);

        impl Header {
            pub(super) fn new(name: &str, flag: u8, size: usize) -> Self {
                let mut header = Self([0; 512]);
                header.put(0, name);
                header.put(100, "0000644");
                header.put(108, "0000000");
                header.put(116, "0000000");
                header.put(124, &format!("{size:011o}"));
                header.put(136, "00000000007");
                header.0[156] = flag;
                header.put(257, "ustar\x0000");
                header
            }

            pub(super) fn put(&mut self, at: usize, text: &str) {
                self.0[at..at + text.len()].copy_from_slice(text.as_bytes());
            }

            pub(super) fn finish(mut self) -> [u8; 512] {
                self.put(148, "        ");
                let sum: u32 = self.0.iter().map(|byte| u32::from(*byte)).sum();
                self.put(148, &format!("{sum:06o}\0"));
                self.0
            }
        }

        pub(super) fn record(key: &str, value: &str) -> String {
            let rest = key.len() + value.len() + 3;
            let digits = if rest + 1 < 10 { 1 } else { 2 };
            format!("{} {key}={value}\n", rest + digits)
        }
    }

    fn seen(bytes: &[u8], piece: usize) -> (Rest, Hash) {
        let mut headers = Headers::new();
        bytes.chunks(piece).for_each(|part| headers.feed(part));
        // The header, the block of the file and the two at the end come last.
        let own = bytes.len() - 4 * BLOCK;
        (headers.of(u64::try_from(own).unwrap()).unwrap(), headers.archive())
    }

    #[test]
    fn each_thing_that_is_said_has_its_place() {
        let (plain, end) = seen(&archive(|_| {}, &[]), 512);
        for piece in [1, 7, 511, 4096] {
            assert_eq!(seen(&archive(|_| {}, &[]), piece), (plain, end), "{piece}");
        }
        let of = |change: fn(&mut tar_like::Header)| seen(&archive(change, &[]), 512).0;
        // Values are compared by others.
        let values = of(|header| {
            header.put(100, "0000755");
            header.put(108, "0001000");
            header.put(136, "00000000010");
        });
        assert_eq!(values, plain);
        assert_eq!(of(|header| header.put(297, "users")).names, plain.names);
        assert_ne!(of(|header| header.put(297, "users")).form, plain.form);
        assert_ne!(of(|header| header.put(100, "644 \0")).form, plain.form);
        assert_ne!(of(|header| header.put(0, "./a")).names, plain.names);
        let device = |minor: &str| {
            let change = |header: &mut tar_like::Header| {
                header.0[156] = b'3';
                header.put(329, "0000001");
                header.put(337, minor);
            };
            let mut bytes = archive(change, &[]);
            bytes.drain(512..1024);
            let mut headers = Headers::new();
            headers.feed(&bytes);
            headers.of(0).unwrap()
        };
        assert_eq!((device("0000003").device, device("0000005").device), (1 << 32 | 3, 1 << 32 | 5));
        let with = |key, value| seen(&archive(|_| {}, &[(key, value)]), 512).0;
        let user = with("SCHILY.xattr.user.a", "1");
        assert_ne!(user.attributes, with("SCHILY.xattr.user.a", "2").attributes);
        assert_eq!(user.form, with("SCHILY.xattr.user.a", "2").form);
        assert_ne!(with("mtime", "7.5").times, with("mtime", "7.6").times);
        assert_eq!(with("mtime", "7.5"), with("mtime", "8.5"));
        let capability = |value| with("SCHILY.xattr.security.capability", value);
        assert_ne!(capability("a").capability, capability("b").capability);
        assert_eq!(capability("a").attributes, capability("b").attributes);
        let mut garbage = archive(|_| {}, &[]);
        *garbage.last_mut().unwrap() = 1;
        assert_eq!(seen(&garbage, 512).0, plain);
        assert_ne!(seen(&garbage, 512).1, end);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(0_u8..=255, 0..3000), at: usize, put: u8, piece in 1_usize..700) {
            let mut damaged = archive(|_| {}, &[("mtime", "1.5"), ("size", "3")]);
            let place = at % damaged.len();
            damaged[place] = put;
            for input in [bytes, damaged] {
                let mut headers = Headers::new();
                input.chunks(piece).for_each(|part| headers.feed(part));
                let _ = headers.of(0);
                let _ = headers.archive();
            }
        }
    }

    #[test]
    fn entries_that_nobody_asks_for_do_not_pile_up() {
        let mut headers = Headers::new();
        let header = tar_like::Header::new("a", b'0', 0).finish();
        for _ in 0..MAX_AHEAD + 10 {
            headers.feed(&header);
        }
        assert_eq!(headers.found.len(), MAX_AHEAD);
        let last = u64::try_from((MAX_AHEAD + 9) * BLOCK).unwrap();
        assert!(headers.of(last).is_some());
    }
}
