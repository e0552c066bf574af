//! Disks that were made to make their scanner fall over: each costs no more than its limits, and what is whole is still found.

use assay_analyze::Limits;
use assay_decode::ReadAt;
use assay_decode::disk::{NoSiblings, open_image};
use assay_engine::{Progress, Settings, disk_inventory};
use assay_model::Inventory;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

/// The file system of `assay-decode/testdata/disk/ext2.qcow2`: blocks of 1 KiB, two packages in the package database.
struct Ext2(Vec<u8>);

impl Ext2 {
    fn new() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assay-decode/testdata/disk/ext2.qcow2");
        let image = open_image(Arc::new(fs::read(file).unwrap()), &mut NoSiblings).unwrap().content;
        Self(image.read_range(0, image.len(), 1 << 30).unwrap().into_owned())
    }

    fn u32_at(&self, at: usize) -> usize {
        u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap()) as usize
    }

    /// Returns where the entry of that name is in its folder.
    fn entry(&self, name: &str) -> usize {
        let len = u8::try_from(name.len()).unwrap();
        let at = self.0.windows(name.len()).enumerate().find(|(at, window)| {
            *window == name.as_bytes() && *at > 8 && self.0[at - 2] == len && self.0[at - 1] <= 7
        });
        at.unwrap().0 - 8
    }

    /// Returns where the inode of the file of that name is.
    fn inode(&self, name: &str) -> usize {
        // One group: its descriptor is behind the superblock, which is the second block.
        let table = self.u32_at(2048 + 8) * 1024;
        let size = usize::from(u16::from_le_bytes(self.0[1024 + 88..][..2].try_into().unwrap()));
        table + (self.u32_at(self.entry(name)) - 1) * size
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

fn scan(disk: &[u8], change: impl Fn(&mut Limits)) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("disk.raw");
    fs::write(&file, disk).unwrap();
    let mut limits = Limits::new(folder.path().to_owned());
    change(&mut limits);
    let settings = Settings::new(limits, NonZeroUsize::MIN, &[]);
    disk_inventory(&file, &[], &settings, &Progress::default()).unwrap().0
}

#[track_caller]
fn check(disk: &[u8], change: impl Fn(&mut Limits), packages: usize, expected: &[&str]) {
    let inventory = scan(disk, change);
    let found: Vec<String> = inventory
        .warnings
        .iter()
        .map(|warning| format!("{} {}", warning.code, warning.path.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(found, expected, "{:?}", inventory.warnings);
    assert_eq!(inventory.packages.len(), packages);
}

#[test]
fn a_whole_disk_has_no_warnings() {
    check(&Ext2::new().0, |_| {}, 2, &[]);
}

#[test]
fn a_folder_that_contains_itself_is_entered_once() {
    let mut disk = Ext2::new();
    let at = disk.entry("deep");
    // The root folder, again.
    disk.put(at, &2_u32.to_le_bytes());
    check(&disk.0, |_| {}, 2, &["damaged-folder deep"]);
}

#[test]
fn names_that_lead_elsewhere_are_skipped() {
    let mut disk = Ext2::new();
    let at = disk.entry("a-name-of-some-length-007") + 8;
    disk.put(at, b"../../../etc/cron.d/a-job");
    check(&disk.0, |_| {}, 2, &["skipped-entry many"]);
}

#[test]
fn a_file_that_claims_to_be_larger_than_the_disk_is_bounded() {
    let mut disk = Ext2::new();
    // 16 GiB, of which all but the first blocks are holes.
    let inode = disk.inode("status");
    disk.put(inode + 108, &4_u32.to_le_bytes());
    check(&disk.0, |_| {}, 0, &["file-too-large var/lib/dpkg/status"]);
    // 2 GiB are within the bound for one file, and more than comes out of two megabytes.
    disk.put(inode + 108, &0_u32.to_le_bytes());
    disk.put(inode + 4, &(2_u32 << 30).to_le_bytes());
    let small = |limits: &mut Limits| limits.free_expansion = 0;
    check(&disk.0, small, 0, &["ratio-too-high var/lib/dpkg/status"]);
    let layer = |limits: &mut Limits| limits.bytes_per_layer = 1 << 30;
    check(&disk.0, layer, 0, &["layer-too-large var/lib/dpkg/status"]);
}

#[test]
fn addresses_outside_of_the_disk_cost_their_file_only() {
    let mut disk = Ext2::new();
    let inode = disk.inode("holes");
    disk.put(inode + 40, &u32::MAX.to_le_bytes());
    check(&disk.0, |_| {}, 2, &["unreadable-path deep/holes"]);
    let mut disk = Ext2::new();
    let inode = disk.inode("many");
    disk.put(inode + 40, &u32::MAX.to_le_bytes());
    check(&disk.0, |_| {}, 2, &["unreadable-path many"]);
}

#[test]
fn entries_depth_and_time_are_bounded() {
    let disk = Ext2::new();
    check(&disk.0, |limits| limits.depth = 2, 0, &["path-too-deep deep/a/b", "path-too-deep var/lib/dpkg"]);
    let inventory = scan(&disk.0, |limits| limits.entries_per_layer = 50);
    assert!(inventory.warnings.iter().any(|warning| warning.code == "too-many-entries"));
    let inventory = scan(&disk.0, |limits| limits.stop.raise());
    assert!(inventory.warnings.iter().any(|warning| warning.code == "timed-out"));
}
