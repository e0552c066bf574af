//! Tests of the zip reader against archives built here.

use super::*;
use std::io::Write;

struct Builder {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Builder {
    fn new() -> Self {
        Self { bytes: Vec::new(), directory: Vec::new(), count: 0 }
    }

    fn add(mut self, name: &str, data: &[u8], method: u16, claimed: u32) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let stored = if method == 8 {
            let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            deflate.write_all(data).unwrap();
            deflate.finish().unwrap()
        } else {
            data.to_vec()
        };
        let offset = self.bytes.len() as u32;
        let mut fields = vec![20, 0, 0, 0];
        fields.extend(method.to_le_bytes());
        fields.extend([0; 4]);
        fields.extend(crc.sum().to_le_bytes());
        fields.extend((stored.len() as u32).to_le_bytes());
        fields.extend(claimed.to_le_bytes());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        self.bytes.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), &stored].concat());
        self.directory.extend([b"PK\x01\x02\x14\0", &fields[..], &[0; 10]].concat());
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count += 1;
        self
    }

    fn finish(self, comment: &[u8]) -> Vec<u8> {
        let mut out = self.bytes.clone();
        out.extend(&self.directory);
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend(self.count.to_le_bytes());
        out.extend(self.count.to_le_bytes());
        out.extend((self.directory.len() as u32).to_le_bytes());
        out.extend((self.bytes.len() as u32).to_le_bytes());
        out.extend((comment.len() as u16).to_le_bytes());
        out.extend(comment);
        out
    }
}

fn sample() -> Builder {
    let text = b"hello hello hello hello";
    Builder::new().add("META-INF/MANIFEST.MF", text, 8, 23).add("stored", b"abc", 0, 3)
}

#[track_caller]
fn check(bytes: &[u8]) {
    let zip = Zip::open(&bytes).unwrap();
    let all = zip.entries(|_| true).unwrap();
    let names: Vec<_> = all.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["META-INF/MANIFEST.MF", "stored"]);
    assert_eq!(zip.read(&all[0], 100).unwrap(), b"hello hello hello hello");
    assert_eq!(zip.read(&all[1], 3).unwrap(), b"abc");
    assert!(!zip.overlaps().unwrap());
}

#[test]
fn reads_stored_and_deflated() {
    check(&sample().finish(b""));
    check(&sample().finish(b"a comment with PK\x05\x06 inside, and more than 22 bytes behind it"));
    check(&[b"#!/bin/sh\nexec java -jar \"$0\"\n".to_vec(), sample().finish(b"")].concat());
}

#[test]
fn names_select() {
    let bytes = sample().finish(b"");
    let bytes = bytes.as_slice();
    let found = Zip::open(&bytes).unwrap().entries(|name| name.ends_with(b".MF")).unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn limits_hold_whatever_is_claimed() {
    let bytes = Builder::new().add("bomb", &vec![0; 1_000_000], 8, 10).finish(b"");
    let bytes = bytes.as_slice();
    let zip = Zip::open(&bytes).unwrap();
    let entry = zip.entries(|_| true).unwrap().remove(0);
    assert!(matches!(zip.read(&entry, 999_999), Err(ZipError::TooLarge { max: 999_999, .. })));
    assert_eq!(zip.read(&entry, 1_000_000).unwrap().len(), 1_000_000);
    let liar = ZipEntry { uncompressed_size: u64::MAX, ..entry.clone() };
    assert_eq!(zip.read(&liar, usize::MAX).unwrap().len(), 1_000_000);
    let damaged = ZipEntry { crc: 1, ..entry.clone() };
    assert!(matches!(zip.read(&damaged, 1_000_000), Err(ZipError::Checksum { .. })));
    let lzma = ZipEntry { method: 14, ..entry.clone() };
    assert!(matches!(zip.read(&lzma, 1_000_000), Err(ZipError::Method { method: 14, .. })));
    let misplaced = ZipEntry { offset: 1, ..entry };
    assert!(matches!(zip.read(&misplaced, 1_000_000), Err(ZipError::LocalHeader { .. })));
}

#[test]
fn overlapping_entries_are_noticed() {
    let mut builder = sample();
    let again = builder.directory.clone();
    builder.directory.extend(again);
    builder.count *= 2;
    let bytes = builder.finish(b"");
    let bytes = bytes.as_slice();
    let zip = Zip::open(&bytes).unwrap();
    assert_eq!(zip.entries(|_| true).unwrap().len(), 4);
    assert!(zip.overlaps().unwrap());
}

#[test]
fn damaged_directories_keep_what_is_before() {
    let mut builder = sample();
    builder.directory.extend([7; 50]);
    let bytes = builder.finish(b"");
    let bytes = bytes.as_slice();
    let zip = Zip::open(&bytes).unwrap();
    let mut found = 0;
    let error = zip.select(|_| true, |_| found += 1).unwrap_err();
    assert_eq!((found, error.to_string().as_str()), (2, "malformed zip directory at entry `2`"));
    for bytes in [&b""[..], b"PK\x03\x04", &[0; 100]] {
        assert!(matches!(Zip::open(&bytes), Err(ZipError::NotZip)));
    }
}
