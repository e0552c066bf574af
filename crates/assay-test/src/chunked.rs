//! Layers that can be read in parts, each file compressed apart, with a table of contents: eStargz and zstd:chunked.
//!
//! As `containerd/stargz-snapshotter` and `containers/storage` write them
//! (<https://github.com/containerd/stargz-snapshotter/blob/main/docs/estargz.md>), but for the chunks' size and, with
//! zstd:chunked, the copy of the tar headers ("tar-split"), which older versions left out, too.

use crate::image::digest;
use serde_json::{Map, Value, json};
use std::io::{Read, Write};

/// The size of all chunks of a file but the last, in bytes.
pub const CHUNK: usize = 64 << 10;

/// A layer with a table of contents.
#[derive(Debug, Clone)]
pub struct Chunked {
    /// The uncompressed archive, which is not quite the one it was made of.
    pub tar: Vec<u8>,
    /// As stored.
    pub blob: Vec<u8>,
    /// What the layer's descriptor says of the table.
    pub annotations: Map<String, Value>,
}

/// Compresses an archive as eStargz.
pub fn estargz(tar: &[u8]) -> Chunked {
    estargz_with(tar, |_| {})
}

/// Compresses an archive as eStargz; `lie` changes the table before it is written and its digest taken.
pub fn estargz_with(tar: &[u8], lie: impl FnOnce(&mut Value)) -> Chunked {
    let Parts { mut blob, mut table, end } = compress(tar, crate::image::gzip);
    lie(&mut table);
    let json = serde_json::to_vec_pretty(&table).unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(json.len() as u64);
    header.set_mode(0);
    archive.append_data(&mut header, "stargz.index.json", &json[..]).unwrap();
    let archive = archive.into_inner().unwrap();
    let offset = blob.len();
    blob.extend(crate::image::gzip(&archive));
    blob.extend([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 26, 0, b'S', b'G', 22, 0]);
    blob.extend(format!("{offset:016x}STARGZ").bytes());
    blob.extend([1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut annotations = Map::new();
    annotations.insert("containerd.io/snapshot/stargz/toc.digest".into(), digest(&json).into());
    // The table is part of the archive and comes before the empty blocks at its end.
    Chunked { tar: [&tar[..end], &archive].concat(), blob, annotations }
}

/// Compresses an archive as zstd:chunked.
pub fn zstd_chunked(tar: &[u8]) -> Chunked {
    zstd_chunked_with(tar, |_| {})
}

/// Compresses an archive as zstd:chunked; `lie` changes the table before it is written and its digest taken.
pub fn zstd_chunked_with(tar: &[u8], lie: impl FnOnce(&mut Value)) -> Chunked {
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
    let Parts { mut blob, mut table, end } = compress(tar, zstd);
    lie(&mut table);
    blob.extend(zstd(&tar[end..]));
    let json = serde_json::to_vec(&table).unwrap();
    let stored = zstd(&json);
    let skippable = |content: &[u8]| {
        let len = u32::try_from(content.len()).unwrap().to_le_bytes();
        [&[0x50, 0x2a, 0x4d, 0x18][..], &len, content].concat()
    };
    let offset = blob.len() + 8;
    blob.extend(skippable(&stored));
    let numbers = [offset, stored.len(), json.len(), 1, 0, 0, 0];
    let mut footer: Vec<u8> = numbers.iter().flat_map(|number| (*number as u64).to_le_bytes()).collect();
    footer.extend(b"GNUlInUx");
    blob.extend(skippable(&footer));
    let position = format!("{offset}:{}:{}:1", stored.len(), json.len());
    let mut annotations = Map::new();
    let name = |name: &str| format!("io.github.containers.zstd-chunked.{name}");
    annotations.insert(name("manifest-position"), position.into());
    annotations.insert(name("manifest-checksum"), digest(&stored).into());
    Chunked { tar: tar.to_vec(), blob, annotations }
}

struct Parts {
    blob: Vec<u8>,
    table: Value,
    /// Where the entries of the archive end.
    end: usize,
}

/// Compresses what lies between the contents of files, and each chunk of a file, apart.
fn compress(tar: &[u8], member: impl Fn(&[u8]) -> Vec<u8>) -> Parts {
    let (mut blob, mut entries, mut done) = (Vec::new(), Vec::new(), 0);
    let mut archive = tar::Archive::new(tar);
    let mut end = 0;
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        let kind = match header.entry_type() {
            tar::EntryType::Directory => "dir",
            tar::EntryType::Symlink => "symlink",
            tar::EntryType::Link => "hardlink",
            tar::EntryType::Char => "char",
            tar::EntryType::Block => "block",
            tar::EntryType::Fifo => "fifo",
            _ => "reg",
        };
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut one = json!({"type": kind, "name": name, "mode": header.mode().unwrap(), "uid": 0, "gid": 0,
            "modtime": "1970-01-01T00:00:00Z", "xattrs": {"user.x": "eA=="}});
        if let Some(target) = entry.link_name_bytes() {
            one["linkName"] = String::from_utf8_lossy(&target).into();
        }
        let start = usize::try_from(entry.raw_file_position()).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        end = start + content.len().next_multiple_of(512);
        if content.is_empty() {
            entries.push(one);
            continue;
        }
        blob.extend(member(&tar[done..start]));
        done = start + content.len();
        one["size"] = content.len().into();
        one["digest"] = digest(&content).into();
        let count = content.chunks(CHUNK).count();
        for (number, chunk) in content.chunks(CHUNK).enumerate() {
            let mut part = if number == 0 { one.clone() } else { json!({"type": "chunk", "name": name}) };
            part["offset"] = blob.len().into();
            part["chunkDigest"] = digest(chunk).into();
            if number > 0 {
                part["chunkOffset"] = (number * CHUNK).into();
            }
            if number + 1 < count {
                part["chunkSize"] = chunk.len().into();
            }
            blob.extend(member(chunk));
            entries.push(part);
        }
    }
    blob.extend(member(&tar[done..end]));
    Parts { blob, table: json!({"version": 1, "entries": entries}), end }
}

/// Returns what comes out of a stored layer, whichever of the two it is.
pub fn inflate(blob: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if blob.starts_with(&[0x1f, 0x8b]) {
        flate2::write::MultiGzDecoder::new(&mut out).write_all(blob).unwrap();
    } else {
        out = zstd::decode_all(blob).unwrap();
    }
    out
}
