//! Disks: image formats, partition tables, volume groups and file systems.
//!
//! A file system is larger than what a fuzzer may change in a useful time, and mostly zeros: the input of its targets is the sectors
//! that are not, each behind its number. Whoever reads a disk bounds what all files together may come to; so do the targets.

#![allow(clippy::cast_possible_truncation, reason = "disks made here have a few kilobytes")]

use crate::{Target, seed};
use assay_decode::ReadAt;
use assay_decode::disk::{
    FileSystem, NoSiblings, NodeId, NodeKind, Shared, open_file_system, open_image, recognise, volumes,
};
use assay_test::disk::{gpt, kind, mbr, physical_volume, qcow2};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// Entries that are looked at on one disk.
const ENTRIES: u64 = 300;
const SECTOR: usize = 512;
/// The length of every disk that is put together from sectors.
const LENGTH: u64 = 128 << 20;

pub(super) fn targets() -> Vec<Target> {
    let mut targets = vec![
        Target::new("disk-image", image_seeds, |data| read(Arc::new(data.to_vec()))),
        Target::new("disk-volumes", volume_seeds, |data| read(Arc::new(data.to_vec()))),
    ];
    for (name, files) in [
        ("ext", &["ext2.qcow2", "ext4.qcow2"][..]),
        ("xfs", &["xfs.qcow2", "xfs4.qcow2"]),
        ("btrfs", &["btrfs.qcow2"]),
        ("fat", &["fat.qcow2"]),
        (
            "squashfs",
            &[
                "squashfs-gzip.raw",
                "squashfs-xz.raw",
                "squashfs-zstd.raw",
                "squashfs-lz4.raw",
                "squashfs-lzo.raw",
            ],
        ),
    ] {
        targets.push(Target::new(
            format!("disk-{name}"),
            move || files.iter().map(|file| sectors(file)).collect(),
            |data| read(Arc::new(Sectors::new(data))),
        ));
    }
    targets
}

fn fixture(name: &str) -> Vec<u8> {
    seed::fixture(&format!("assay-decode/testdata/disk/{name}"))
}

fn image_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = ["ext4.qcow2", "ext2.qcow2", "xfs4.qcow2"].map(fixture).into();
    let root = fixture("squashfs-gzip.raw");
    seeds.push(qcow2(&root, "base"));
    seeds.push(vhd(&root));
    seeds.push(vmdk(&root));
    seeds.push(b"# Disk DescriptorFile\nparentCID=ffffffff\nRW 100 ZERO\nRW 8 FLAT \"x\" 0\n".to_vec());
    seeds
}

fn volume_seeds() -> Vec<Vec<u8>> {
    let root = fixture("squashfs-gzip.raw");
    let group = physical_volume("vg", &[("root", &root)]);
    // Most of a physical volume is zeros before its data.
    vec![
        gpt(&[(kind::EFI, "EFI", &root), (kind::LINUX, "", &root)]),
        mbr(&[(0x83, &root)], &[&root, &root]),
        group[..MAX].to_vec(),
    ]
}

/// What is left of a physical volume as a seed: its label and its text.
const MAX: usize = 16 << 10;

/// Makes a dynamic VHD with blocks of 4 KiB.
fn vhd(content: &[u8]) -> Vec<u8> {
    let blocks = content.len().div_ceil(4096);
    let mut footer = vec![0; 512];
    footer[..8].copy_from_slice(b"conectix");
    footer[16..24].copy_from_slice(&512_u64.to_be_bytes());
    footer[48..56].copy_from_slice(&(content.len() as u64).to_be_bytes());
    footer[60..64].copy_from_slice(&3_u32.to_be_bytes());
    let mut header = vec![0; 1024];
    header[..8].copy_from_slice(b"cxsparse");
    header[16..24].copy_from_slice(&1536_u64.to_be_bytes());
    header[28..32].copy_from_slice(&(blocks as u32).to_be_bytes());
    header[32..36].copy_from_slice(&4096_u32.to_be_bytes());
    let mut disk = [footer.clone(), header, vec![0; 512]].concat();
    for (number, block) in content.chunks(4096).enumerate() {
        let sector = (disk.len() / 512) as u32;
        disk[1536 + number * 4..][..4].copy_from_slice(&sector.to_be_bytes());
        disk.extend([0xff; 512]);
        disk.extend(block);
        disk.resize(disk.len().div_ceil(512) * 512, 0);
    }
    disk.extend(footer);
    disk
}

/// Makes a sparse VMDK with grains of 4 KiB.
fn vmdk(content: &[u8]) -> Vec<u8> {
    let mut disk = vec![0; 512 * 8];
    disk[..8].copy_from_slice(b"KDMV\x01\0\0\0");
    disk[12..20].copy_from_slice(&((content.len() / 512) as u64).to_le_bytes());
    disk[20..28].copy_from_slice(&8_u64.to_le_bytes());
    disk[44..48].copy_from_slice(&512_u32.to_le_bytes());
    disk[56..64].copy_from_slice(&1_u64.to_le_bytes());
    disk[512..516].copy_from_slice(&2_u32.to_le_bytes());
    for (number, grain) in content.chunks(4096).enumerate() {
        let sector = (disk.len() / 512) as u32;
        disk[1024 + number * 4..][..4].copy_from_slice(&sector.to_le_bytes());
        disk.extend(grain);
        disk.resize(disk.len().div_ceil(512) * 512, 0);
    }
    disk
}

/// Returns the sectors of a disk that are not zeros, each behind its number.
fn sectors(name: &str) -> Vec<u8> {
    let disk = open_image(Arc::new(fixture(name)), &mut NoSiblings).expect("it is whole").content;
    let mut out = Vec::new();
    let mut sector = [0; SECTOR];
    for number in 0..disk.len() / SECTOR as u64 {
        disk.read_exact_at(number * SECTOR as u64, &mut sector).expect("it is there");
        if sector.iter().any(|byte| *byte != 0) {
            out.extend((number as u32).to_le_bytes());
            out.extend(sector);
        }
    }
    out
}

/// A disk of sectors.
struct Sectors(BTreeMap<u64, Vec<u8>>);

impl Sectors {
    fn new(data: &[u8]) -> Self {
        let sectors = data.chunks_exact(4 + SECTOR).map(|entry| {
            let number = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
            (u64::from(number), entry[4..].to_vec())
        });
        Self(sectors.collect())
    }
}

impl ReadAt for Sectors {
    fn len(&self) -> u64 {
        LENGTH
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let within = (offset % SECTOR as u64) as usize;
        let count = buf.len().min(SECTOR - within);
        if offset >= LENGTH {
            return Ok(0);
        }
        match self.0.get(&(offset / SECTOR as u64)) {
            Some(sector) => buf[..count].copy_from_slice(&sector[within..within + count]),
            None => buf[..count].fill(0),
        }
        Ok(count)
    }
}

fn read(disk: Shared) -> Vec<String> {
    let mut said = vec![format!("{:?}", recognise(&disk))];
    let image = match open_image(disk, &mut NoSiblings) {
        Ok(image) => image,
        Err(error) => return vec![error.to_string()],
    };
    said.extend(image.missing);
    let found = volumes(&image.content);
    said.extend(found.unread.iter().map(|unread| format!("{unread:?}")));
    for volume in found.volumes.iter().take(4) {
        match open_file_system(&volume.content) {
            Ok(file_system) => walk(&*file_system, &mut said),
            Err(error) => said.push(error.to_string()),
        }
    }
    said
}

fn walk(file_system: &dyn FileSystem, said: &mut Vec<String>) {
    said.push(format!("{} {} {}", file_system.kind(), file_system.label(), file_system.uuid()));
    let mut waiting = vec![file_system.root()];
    let _ = file_system.part("root");
    let mut left = ENTRIES;
    while let Some(folder) = waiting.pop() {
        let ended = file_system.entries(folder, &mut |name, id| {
            left = left.saturating_sub(1);
            node(file_system, name, id, &mut waiting, said);
            left > 0
        });
        said.push(format!("{:?}", ended.map_err(|error| error.to_string())));
        if left == 0 {
            return;
        }
    }
}

fn node(
    file_system: &dyn FileSystem,
    name: &[u8],
    id: NodeId,
    waiting: &mut Vec<NodeId>,
    said: &mut Vec<String>,
) {
    let node = match file_system.node(id) {
        Ok(node) => node,
        Err(error) => return said.push(error.to_string()),
    };
    said.push(format!("{} {node:?}", name.escape_ascii()));
    match node.kind {
        NodeKind::Folder => waiting.push(id),
        NodeKind::Symlink => {
            said.push(format!("{:?}", file_system.link_target(id).map_err(|error| error.to_string())));
        }
        NodeKind::File => {
            let mut bytes = [0; 600];
            let read = file_system.open(id).map_err(|error| error.to_string()).map(|content| {
                let end = content.read_at(content.len().saturating_sub(10), &mut [0; 10]).is_ok();
                (content.len(), content.read_at(0, &mut bytes).map_err(|error| error.to_string()), end)
            });
            said.push(format!("{read:?}"));
        }
        NodeKind::Other => {}
    }
}
