//! Disks: the same tree of files in every file system, image and arrangement, and what damage does to it.

use crate::testdata;
use assay_decode::disk::{
    FileSystem, ImageFormat, NoSiblings, NodeId, NodeKind, Shared, Sibling, Siblings, open_file_system,
    open_image, recognise, recognise_file_system, volumes,
};
use assay_decode::read_at::ReadAt;
use assay_test::disk::{gpt, kind, mbr, physical_volume, qcow2};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Returns the bytes of a disk in `testdata`, whatever it is stored in.
fn disk(name: &str) -> Shared {
    open_image(Arc::new(testdata(&format!("disk/{name}"))), &mut NoSiblings).unwrap().content
}

fn bytes(source: &dyn ReadAt) -> Vec<u8> {
    source.read_range(0, source.len(), 1 << 30).unwrap().into_owned()
}

/// Lists a file system: path → what is there.
fn tree(source: &Shared) -> BTreeMap<String, String> {
    let file_system = open_file_system(source).unwrap();
    let mut found = BTreeMap::new();
    list(&*file_system, file_system.root(), "", &mut found);
    found.remove("lost+found");
    found
}

fn list(file_system: &dyn FileSystem, folder: NodeId, path: &str, found: &mut BTreeMap<String, String>) {
    let mut entries = Vec::new();
    file_system
        .entries(folder, &mut |name, id| {
            entries.push((String::from_utf8_lossy(name).into_owned(), id));
            true
        })
        .unwrap();
    for (name, id) in entries {
        let path = if path.is_empty() { name } else { format!("{path}/{name}") };
        let node = file_system.node(id).unwrap();
        let what = match node.kind {
            NodeKind::Folder => {
                list(file_system, id, &path, found);
                "folder".to_owned()
            }
            NodeKind::Symlink => {
                format!("link {}", String::from_utf8_lossy(&file_system.link_target(id).unwrap()))
            }
            NodeKind::File => {
                let content = file_system.open(id).unwrap();
                assert_eq!(content.len(), node.size, "{path}");
                let content = bytes(&*content);
                let mut sum = 0_u64;
                for byte in &content {
                    sum = sum.wrapping_mul(31).wrapping_add(u64::from(*byte));
                }
                format!("file {:o} {} {sum:x}", node.mode, content.len())
            }
            NodeKind::Other => "other".to_owned(),
        };
        assert!(found.insert(path.clone(), what).is_none(), "{path} is there twice");
    }
}

#[test]
fn a_tree_is_the_same_in_every_file_system() {
    let expected = tree(&disk("ext4.qcow2"));
    assert_eq!(expected.len(), 171);
    assert_eq!(expected["etc/os-release"], "link ../usr/lib/os-release");
    assert_eq!(expected["deep/long-link"], format!("link {}", "x".repeat(300)));
    assert!(expected["deep/holes"].starts_with("file 644 200003 "));
    assert_eq!(expected["deep/empty"], "file 640 0 0");
    assert_eq!(expected["deep/hard"], expected["deep/a/b/c/text"]);
    assert!(expected.contains_key("deep/smörgås"));
    for name in [
        "ext2.qcow2",
        "xfs.qcow2",
        "xfs4.qcow2",
        "btrfs.qcow2",
        "squashfs-gzip.raw",
        "squashfs-xz.raw",
        "squashfs-zstd.raw",
        "squashfs-lz4.raw",
        "squashfs-lzo.raw",
    ] {
        let found = tree(&disk(name));
        let missing: Vec<_> = expected.iter().filter(|(path, what)| found.get(*path) != Some(what)).collect();
        assert!(missing.is_empty() && found.len() == expected.len(), "{name}: {missing:?}");
    }
}

/// What cannot be read, or is behind more attributes than are read, is said, and not taken for none.
#[test]
fn capabilities_are_found_among_other_attributes_or_said_to_be_unknown() {
    let check = |name: &str, want: &[(&str, Option<u64>)]| {
        let file_system = open_file_system(&disk(name)).unwrap();
        let mut found = BTreeMap::new();
        file_system
            .entries(file_system.root(), &mut |name, id| {
                let name = String::from_utf8_lossy(name).into_owned();
                found.insert(name, file_system.capabilities(id).ok());
                true
            })
            .unwrap();
        found.remove("lost+found");
        let found: Vec<(&str, Option<u64>)> = found.iter().map(|(name, one)| (name.as_str(), *one)).collect();
        assert_eq!(found, want, "{name}");
    };
    let (none, bind) = (Some(0), Some(1 << 10));
    check("ext4-attributes.qcow2", &[("block", bind), ("none", none), ("other", none), ("short", bind)]);
    check("squashfs-attributes.raw", &[("few", bind), ("many", None)]);
    check(
        "xfs-attributes.qcow2",
        &[
            ("block", bind),
            ("blocks", bind),
            ("far", bind),
            ("many", None),
            ("none", none),
            ("other", none),
            ("short", bind),
        ],
    );
}

#[test]
fn fat_has_long_and_short_names() {
    let found = tree(&disk("fat.qcow2"));
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(names, ["efi", "efi/boot", "efi/boot/a long name.efi", "efi/boot/bootx64.efi"]);
    let text = &tree(&disk("ext4.qcow2"))["deep/a/b/c/text"];
    assert_eq!(found["efi/boot/a long name.efi"].rsplit(' ').next(), text.rsplit(' ').next());
}

#[test]
fn identities_are_those_of_blkid() {
    let identity = |name: &str| {
        let file_system = open_file_system(&disk(name)).unwrap();
        format!("{} {} {}", file_system.kind(), file_system.label(), file_system.uuid())
    };
    assert_eq!(identity("ext4.qcow2"), "ext4 root 11111111-2222-3333-4444-555555555555");
    assert_eq!(identity("xfs.qcow2"), "xfs root 11111111-2222-3333-4444-555555555555");
    assert_eq!(identity("btrfs.qcow2"), "btrfs root 11111111-2222-3333-4444-555555555555");
    assert_eq!(identity("fat.qcow2"), "fat EFI abcd-1234");
}

/// Returns the names of what is on a disk, and what could not be read.
fn found(disk: Vec<u8>) -> (Vec<String>, Vec<String>) {
    let disk: Shared = Arc::new(disk);
    assert!(recognise(&disk).is_some());
    let found = volumes(&disk);
    for volume in &found.volumes {
        assert!(recognise_file_system(&volume.content).is_some());
    }
    let names = found.volumes.iter().map(|volume| {
        format!("{} {}", volume.name, volume.uuid.as_deref().unwrap_or_default()).trim_end().to_owned()
    });
    (names.collect(), found.unread.iter().map(|unread| format!("{}: {}", unread.name, unread.why)).collect())
}

#[test]
fn partitions_and_logical_volumes() {
    let (root, efi) = (testdata("disk/squashfs-zstd.raw"), bytes(&disk("fat.qcow2")));
    let group = physical_volume("vg0", &[("root", &bytes(&disk("ext2.qcow2"))), ("srv", &root)]);
    let table = gpt(&[
        (kind::BIOS_BOOT, "", &[1; 1024]),
        (kind::EFI, "EFI", &efi),
        (kind::LVM, "", &group),
        (kind::LINUX, "data", b"nothing that is known"),
    ]);
    let (names, unread) = found(table.clone());
    assert_eq!(
        names,
        [
            "partition 2 (`EFI`) 02020202-0202-0202-0202-020202020202",
            "logical volume vg0/root",
            "logical volume vg0/srv"
        ]
    );
    assert_eq!(unread, ["partition 4 (`data`): it has no file system that is known here"]);
    let disk_of: Shared = Arc::new(table.clone());
    assert_eq!(tree(&volumes(&disk_of).volumes[1].content), tree(&disk("ext2.qcow2")));
    // The second copy of the table stands in when the first is overwritten.
    let mut damaged = table;
    damaged[512..1024].fill(0);
    let (names, unread) = found(damaged);
    assert_eq!((names.len(), unread.len()), (3, 2), "{unread:?}");

    let (names, unread) = found(mbr(&[(0x83, &root), (0x82, b"swap")], &[&root, &efi]));
    assert_eq!(names, ["partition 1 1234abcd-01", "partition 5 1234abcd-05", "partition 6 1234abcd-06"]);
    assert_eq!(unread, [""; 0]);
    assert_eq!(found(root), (vec!["the whole disk".to_owned()], vec![]));
}

/// Gives one file, and remembers what it was asked for.
struct One(Vec<u8>, Vec<String>);

impl Siblings for One {
    fn open(&mut self, sibling: &Sibling<'_>) -> Result<Shared, String> {
        self.1.push(format!("{:?} {}", sibling.role, sibling.name));
        if self.0.is_empty() { Err("it is not there".to_owned()) } else { Ok(Arc::new(self.0.clone())) }
    }
}

#[test]
fn an_overlay_reads_what_it_does_not_hold_from_its_backing_file() {
    let root = bytes(&disk("ext2.qcow2"));
    let expected = tree(&disk("ext2.qcow2"));
    assert_eq!(tree(&open_image(Arc::new(qcow2(&root, "")), &mut NoSiblings).unwrap().content), expected);
    // The overlay holds the second half.
    let mut half = root.clone();
    half[..root.len() / 2].fill(0);
    let overlay = qcow2(&half, "../base.raw");
    let mut base = One(root, Vec::new());
    let image = open_image(Arc::new(overlay.clone()), &mut base).unwrap();
    assert_eq!((image.format, image.missing.len()), (ImageFormat::Qcow2, 0));
    assert_eq!(tree(&image.content), expected);
    assert_eq!(base.1, ["Backing ../base.raw"]);
    // Without it, reading is an error and not zeros.
    let image = open_image(Arc::new(overlay), &mut One(Vec::new(), Vec::new())).unwrap();
    assert_eq!(image.missing, ["the backing file `../base.raw` was not read: it is not there"]);
    let error = image.content.read_range(0, 512, 512).unwrap_err();
    assert!(error.to_string().contains("its backing file is not there"), "{error}");
}

#[test]
fn a_chain_of_backing_files_that_never_ends_is_refused() {
    let overlay = qcow2(&[0; 8192], "self.qcow2");
    let error = open_image(Arc::new(overlay.clone()), &mut One(overlay, Vec::new())).unwrap_err();
    assert_eq!(error.to_string(), "the chain of backing files has more than 16 images");
}

/// Reads all there is, as one who scans would; returns how much that was.
fn survive(disk: Vec<u8>) -> u64 {
    let Ok(image) = open_image(Arc::new(disk), &mut NoSiblings) else { return 0 };
    let mut read = 0;
    for volume in volumes(&image.content).volumes {
        let Ok(file_system) = open_file_system(&volume.content) else { continue };
        let mut waiting = vec![(file_system.root(), 0)];
        let mut left = 2000;
        while let Some((folder, depth)) = waiting.pop() {
            let _ = file_system.entries(folder, &mut |_, id| {
                left -= 1;
                let Ok(node) = file_system.node(id) else { return left > 0 };
                match node.kind {
                    NodeKind::Folder if depth < 20 => waiting.push((id, depth + 1)),
                    NodeKind::Symlink => {
                        let _ = file_system.link_target(id);
                    }
                    NodeKind::File => {
                        let mut start = [0; 4096];
                        let content = file_system.open(id);
                        read += content
                            .map(|content| content.read_at(0, &mut start).unwrap_or(0))
                            .unwrap_or(0) as u64;
                    }
                    _ => {}
                }
                left > 0
            });
            if left <= 0 {
                break;
            }
        }
    }
    read
}

#[test]
fn damage_anywhere_is_survived() {
    for name in ["ext4.qcow2", "ext2.qcow2", "xfs4.qcow2", "btrfs.qcow2", "fat.qcow2", "squashfs-lzo.raw"] {
        let whole = if name.starts_with("xfs") || name.starts_with("btrfs") {
            testdata(&format!("disk/{name}"))
        } else {
            bytes(&disk(name))
        };
        assert!(survive(whole.clone()) > 1000, "{name}");
        let mut random = 12345_u64;
        for _ in 0..60 {
            let mut damaged = whole.clone();
            for _ in 0..8 {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let at = usize::try_from(random >> 16).unwrap() % damaged.len();
                let at = if random & 1 == 0 { at } else { at % 40_000.min(damaged.len()) };
                damaged[at] = random.to_le_bytes()[1];
            }
            survive(damaged);
        }
        for len in [1, 511, 4096, whole.len() / 2] {
            survive(whole[..len].to_vec());
        }
    }
}
