//! Layers whose compression lies: bombs, windows, members and frames without end, damage.

use super::raw::{Header, Hostile};
use super::{BELOW, BOTH, Case, Subject, heavy, light};
use crate::image::gzip;
use std::io::Write;
use std::path::Path;

pub(super) const CASES: &[Case] = &[
    light("gzip-truncated", truncated, BELOW, &["damaged-layer"]),
    light("gzip-wrong-checksum", wrong_checksum, BOTH, &["damaged-layer"]),
    light("gzip-members-and-garbage", members, BELOW, &["damaged-layer"]),
    light("zstd-huge-window", huge_window, BELOW, &["damaged-layer"]),
    light("zstd-reserved-block", reserved_block, BELOW, &["damaged-layer"]),
    light("xz-layer", xz, BELOW, &["damaged-layer"]),
    light("gzip-in-gzip", twice, BELOW, &["damaged-layer"]),
    heavy("gzip-bomb-100-gigabytes", gzip_bomb, BELOW, &["ratio-too-high"]),
    heavy("gzip-bomb-one-selected-file", selected_bomb, BELOW, &["file-too-large"]),
    heavy("gzip-bomb-many-selected-files", many_selected, BELOW, &["ratio-too-high"]),
    heavy("zstd-bomb-100-gigabytes", zstd_bomb, BELOW, &["ratio-too-high"]),
    heavy("gzip-million-members", million_members, BELOW, &[]),
    heavy("zstd-million-frames", million_frames, BELOW, &[]),
];

/// Returns a small healthy archive.
fn small() -> Vec<u8> {
    let mut tar = Vec::new();
    let metadata = b"Metadata-Version: 2.1\nName: beside\nVersion: 1.0\n";
    let name = "usr/lib/python3/dist-packages/beside-1.0.dist-info/METADATA";
    tar.extend(Header::new(name, b'0', metadata.len() as u64).block());
    tar.extend(metadata);
    tar.resize(tar.len().next_multiple_of(512), 0);
    tar.extend([0; 1024]);
    tar
}

fn stored(folder: &Path, write: impl FnOnce(&mut dyn Write)) -> Subject {
    Hostile::new(folder).stored(None, write).finish()
}

/// As [`stored`], for a layer that can be read to its end and is `plain` then.
fn readable(folder: &Path, plain: &[u8], write: impl FnOnce(&mut dyn Write)) -> Subject {
    Hostile::new(folder).stored(Some(plain), write).finish()
}

fn truncated(folder: &Path) -> Subject {
    let bytes = gzip(&small());
    stored(folder, |out| out.write_all(&bytes[..bytes.len() / 2]).unwrap())
}

fn wrong_checksum(folder: &Path) -> Subject {
    let mut bytes = gzip(&small());
    let at = bytes.len() - 6;
    bytes[at] ^= 0xff;
    stored(folder, |out| out.write_all(&bytes).unwrap())
}

fn members(folder: &Path) -> Subject {
    readable(folder, &[&[1; 700][..], &small()].concat(), |out| {
        out.write_all(&gzip(&[1; 700])).unwrap();
        out.write_all(&gzip(&small())).unwrap();
        out.write_all(&[0xaa; 100_000]).unwrap();
    })
}

fn huge_window(folder: &Path) -> Subject {
    // A frame header with the largest window descriptor there is: 3.75 TiB.
    stored(folder, |out| out.write_all(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 0x01, 0, 0]).unwrap())
}

fn reserved_block(folder: &Path) -> Subject {
    stored(folder, |out| out.write_all(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50, 0x07, 0xff, 0xff]).unwrap())
}

fn xz(folder: &Path) -> Subject {
    stored(folder, |out| out.write_all(b"\xfd7zXZ\0\0\x04 and what follows").unwrap())
}

fn twice(folder: &Path) -> Subject {
    readable(folder, &gzip(&small()), |out| out.write_all(&gzip(&gzip(&small()))).unwrap())
}

/// Writes a gzip layer of `gigabytes` of zeros behind a header.
fn zeros(out: &mut dyn Write, header: &Header, gigabytes: u64) {
    out.write_all(&gzip(&header.block())).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let member = encoder.finish().unwrap();
    for _ in 0..gigabytes * 16 {
        out.write_all(&member).unwrap();
    }
}

/// A size in base 256.
fn large(name: &str, size: u64) -> Header {
    let mut field = [0; 12];
    field[0] = 0x80;
    field[4..].copy_from_slice(&size.to_be_bytes());
    Header { size: field, ..Header::new(name, b'0', 0) }
}

fn gzip_bomb(folder: &Path) -> Subject {
    stored(folder, |out| zeros(out, &large("zeros", 100 << 30), 100))
}

fn selected_bomb(folder: &Path) -> Subject {
    stored(folder, |out| zeros(out, &large("zeros.jar", 100 << 30), 100))
}

fn many_selected(folder: &Path) -> Subject {
    // Each is spooled to disk whole, and none is over the limit for itself.
    stored(folder, |out| {
        for number in 0..40 {
            zeros(out, &large(&format!("{number}.jar"), 1 << 30), 1);
        }
    })
}

fn zstd_bomb(folder: &Path) -> Subject {
    stored(folder, |out| {
        out.write_all(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]).unwrap();
        // Blocks that repeat one byte 131,072 times in four bytes.
        let header = large("zeros", 100 << 30).block();
        out.write_all(&[0, 16, 0]).unwrap();
        out.write_all(&header).unwrap();
        let block = [0x02, 0x00, 0x10, 0x00];
        out.write_all(&block.repeat(100 << 13)).unwrap();
    })
}

fn million_members(folder: &Path) -> Subject {
    let empty = gzip(b"");
    readable(folder, b"", |out| {
        out.write_all(&empty.repeat(1_000_000)).unwrap();
        out.write_all(&[0; 64]).unwrap();
    })
}

fn million_frames(folder: &Path) -> Subject {
    let frame = zstd::encode_all(&b""[..], 1).unwrap();
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
    readable(folder, b"", |out| out.write_all(&[&frame[..], &skippable].concat().repeat(1_000_000)).unwrap())
}
