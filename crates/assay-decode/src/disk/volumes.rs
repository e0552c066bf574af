//! Finds what lies on a disk: partitions, logical volumes, or a file system that takes the whole of it.
//!
//! What holds no files by its nature (swap, the place of a boot loader, a reserved area) is passed over in silence; everything else
//! that cannot be read is named, so that it is never taken for empty.

use crate::bytes::Endian::Little;
use crate::disk::lvm::{self, PhysicalVolumes};
use crate::disk::partition::{Partition, PartitionKind, partitions};
use crate::disk::pieces::Pieces;
use crate::disk::{Shared, recognise_file_system};
use crate::read_at::ReadAt;
use std::fmt;
use std::sync::Arc;

/// File systems of one disk: each holds some of its tables in memory while it is read. Real disks have a dozen.
const MAX_VOLUMES: usize = 32;
/// Arrays within arrays that are looked through.
const MAX_DEPTH: usize = 3;

/// What a partition is for, where its type says so ([UAPI.2 Discoverable Partitions]).
///
/// [UAPI.2 Discoverable Partitions]: https://uapi-group.org/specifications/specs/discoverable_partitions_specification/
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The EFI system partition.
    Efi,
    /// Kernels and their configuration, mounted at `/boot`.
    Boot,
    /// A root file system.
    Root,
    /// Mounted at `/usr`.
    Usr,
    /// Mounted at `/var`.
    Var,
    /// Mounted at `/home`.
    Home,
    /// Mounted at `/srv`.
    Srv,
}

impl Purpose {
    /// Returns where such a partition is mounted when no configuration says so.
    pub fn mount_point(self) -> &'static str {
        match self {
            Self::Efi => "efi",
            Self::Boot => "boot",
            Self::Root => "",
            Self::Usr => "usr",
            Self::Var => "var",
            Self::Home => "home",
            Self::Srv => "srv",
        }
    }
}

/// Something on a disk that has a file system of a known kind.
pub struct Volume {
    /// What it is called in messages: `partition 2`, `logical volume vg0/root`, `the whole disk`.
    pub name: String,
    /// Its bytes.
    pub content: Shared,
    /// The number of the partition.
    pub partition: Option<u32>,
    /// The partition's identity, as `PARTUUID` names it, in lower case.
    pub uuid: Option<String>,
    /// The partition's name, as `PARTLABEL` names it.
    pub label: Option<String>,
    /// The logical volume's group and name.
    pub logical: Option<(String, String)>,
    /// What the partition's type says it is for.
    pub purpose: Option<Purpose>,
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Volume")
            .field("name", &self.name)
            .field("len", &self.content.len())
            .field("uuid", &self.uuid)
            .finish_non_exhaustive()
    }
}

/// Something on a disk that cannot be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What it is called in messages.
    pub name: String,
    /// Why it is not read.
    pub why: String,
}

/// What is on a disk.
#[derive(Debug, Default)]
pub struct Volumes {
    /// What can be looked into.
    pub volumes: Vec<Volume>,
    /// What cannot.
    pub unread: Vec<Unread>,
    /// Whether the disk has a partition table, or is a physical volume or a file system itself: otherwise it is no disk that is
    /// known here.
    pub recognised: bool,
}

/// Finds everything on a disk.
pub fn volumes(disk: &Shared) -> Volumes {
    let whole = recognise_file_system(disk).is_some() || lvm::is_physical_volume(disk);
    let mut finding = Finding::default();
    let table = partitions(disk).map(|table| {
        finding.out.recognised = true;
        for error in table.damage {
            finding.unread("the disk", &error.to_string());
        }
        for partition in table.partitions {
            finding.partition(disk, partition);
        }
    });
    // Of a file system that fills the disk and a table, one is left over from an earlier use: that of which nothing can be read.
    let is_table = table.is_some() && !(whole && finding.is_empty());
    if !is_table {
        finding = Finding::default();
        let volume = Volume {
            name: "the whole disk".to_owned(),
            content: Shared::clone(disk),
            partition: None,
            uuid: None,
            label: None,
            logical: None,
            purpose: None,
        };
        finding.look(volume, true, 0);
        finding.out.recognised = whole || !finding.is_empty();
    }
    finding.logical_volumes();
    finding.out
}

#[derive(Default)]
struct Finding {
    out: Volumes,
    physical: PhysicalVolumes,
}

impl Finding {
    fn is_empty(&self) -> bool {
        self.out.volumes.is_empty() && self.physical.is_empty()
    }

    fn unread(&mut self, name: &str, why: &str) {
        self.out.unread.push(Unread { name: name.to_owned(), why: why.to_owned() });
    }

    fn partition(&mut self, disk: &Shared, partition: Partition) {
        let name = match partition.label.as_str() {
            "" => format!("partition {}", partition.number),
            label => format!("partition {} (`{label}`)", partition.number),
        };
        let (purpose, has_files) = purpose(&partition.kind);
        // What the table gives away behind the end of the disk is not there; what lies before it can be read.
        let len = partition.len.min(disk.len().saturating_sub(partition.offset));
        if len < partition.len {
            self.unread(&name, "it goes beyond the end of the disk");
        }
        let volume = Volume {
            name,
            content: Arc::new(Pieces::part("the partition", disk, partition.offset, len)),
            partition: Some(partition.number),
            uuid: Some(partition.uuid),
            label: Some(partition.label).filter(|label| !label.is_empty()),
            logical: None,
            purpose,
        };
        self.look(volume, has_files, 0);
    }

    /// Judges by its content what a part of the disk is. `has_files` says that silence about it would be wrong.
    fn look(&mut self, volume: Volume, has_files: bool, depth: usize) {
        if lvm::is_physical_volume(&volume.content) {
            self.physical.add(&volume.content);
        } else if let Some(member) = RaidMember::read(&volume.content) {
            // The superblock of an array of copies stands before or behind the data: each copy is the whole.
            match member.data {
                Some((offset, len)) if depth < MAX_DEPTH => {
                    let content = Arc::new(Pieces::part("the array", &volume.content, offset, len));
                    self.look(Volume { content, ..volume }, has_files, depth.saturating_add(1));
                }
                _ => {
                    let why = format!("it is a part of a Linux RAID of level {}", member.level);
                    self.unread(&volume.name, &why);
                }
            }
        } else if recognise_file_system(&volume.content).is_some() {
            if self.out.volumes.len() < MAX_VOLUMES {
                self.out.volumes.push(volume);
            } else {
                let why = format!("the disk has more than {MAX_VOLUMES} file systems");
                self.unread(&volume.name, &why);
            }
        } else if let Some(why) = known_unreadable(&volume.content) {
            self.unread(&volume.name, why);
        } else if has_files && !is_swap(&volume.content) {
            self.unread(&volume.name, "it has no file system that is known here");
        }
    }

    fn logical_volumes(&mut self) {
        let physical = std::mem::take(&mut self.physical);
        for error in &physical.damage {
            self.unread("a physical volume", &error.to_string());
        }
        for found in physical.logical_volumes() {
            let name = format!("logical volume {}/{}", found.group, found.name);
            match found.content {
                Ok(content) => {
                    let volume = Volume {
                        name,
                        content,
                        partition: None,
                        uuid: None,
                        label: None,
                        logical: Some((found.group, found.name)),
                        purpose: None,
                    };
                    self.look(volume, true, 0);
                }
                Err(error) => self.unread(&name, &error.to_string()),
            }
        }
    }
}

/// Returns what a type of partition is for, and whether it may hold files.
fn purpose(kind: &PartitionKind) -> (Option<Purpose>, bool) {
    let guid = match kind {
        // Swap, and the boot loader's place on machines with Open Firmware.
        PartitionKind::Mbr(0x82 | 0x41 | 0xee) => return (None, false),
        PartitionKind::Mbr(0xef) => return (Some(Purpose::Efi), true),
        PartitionKind::Mbr(_) => return (None, true),
        PartitionKind::Gpt(guid) => guid.as_str(),
    };
    match guid {
        "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" => (Some(Purpose::Efi), true),
        "bc13c2ff-59e6-4262-a352-b275fd6f7172" => (Some(Purpose::Boot), true),
        "4f68bce3-e8cd-4db1-96e7-fbcaf984b709" | "b921b045-1df0-41c3-af44-4c6f280d3fae" => {
            (Some(Purpose::Root), true)
        }
        "8484680c-9521-48c6-9c11-b0720656f69e" | "b0e01050-ee5f-4390-949a-9101b17104e9" => {
            (Some(Purpose::Usr), true)
        }
        "4d21b016-b534-45c2-a9fb-5c16e091fd2d" => (Some(Purpose::Var), true),
        "933ac7e1-2eb4-4f13-b844-0e14e2aef915" => (Some(Purpose::Home), true),
        "3b8f8425-20e0-4f3b-907f-1a25a76f98e8" => (Some(Purpose::Srv), true),
        // Swap; BIOS boot; PReP boot; Microsoft's reserved area.
        "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"
        | "21686148-6449-6e6f-744e-656564454649"
        | "9e1a2d38-c612-4316-aa26-8b49521e5a8b"
        | "e3c9e316-0b5c-4db8-817d-f92df00215ae" => (None, false),
        _ => (None, true),
    }
}

fn starts_with(source: &dyn ReadAt, at: u64, bytes: &[u8]) -> bool {
    let len = crate::disk::length(bytes.len());
    source.read_range(at, len, bytes.len()).is_ok_and(|found| *found == *bytes)
}

fn is_swap(source: &dyn ReadAt) -> bool {
    // The signature ends the first page, whatever its size.
    [4096, 8192, 16384, 65536].into_iter().any(|page: u64| {
        let at = page.saturating_sub(10);
        starts_with(source, at, b"SWAPSPACE2") || starts_with(source, at, b"SWAP-SPACE")
    })
}

/// Returns why something that is recognised cannot be read.
fn known_unreadable(source: &dyn ReadAt) -> Option<&'static str> {
    if starts_with(source, 0, b"LUKS\xba\xbe") {
        Some("it is encrypted (LUKS)")
    } else if starts_with(source, 3, b"-FVE-FS-") {
        Some("it is encrypted (BitLocker)")
    } else if starts_with(source, 3, b"NTFS    ") {
        Some("its file system, NTFS, is not read")
    } else if starts_with(source, 1024, &[0x10, 0x20, 0xf5, 0xf2]) {
        Some("its file system, F2FS, is not read")
    } else if starts_with(source, 1024, &[0xe2, 0xe1, 0xf5, 0xe0]) {
        Some("its file system, EROFS, is not read")
    } else if starts_with(source, 32769, b"CD001") {
        Some("its file system, ISO 9660, is not read")
    } else {
        None
    }
}

/// A member of an array of the Linux `md` driver, with a superblock in front of the data (versions 1.1 and 1.2).
struct RaidMember {
    level: i32,
    /// Where the data is, if the member has all of it.
    data: Option<(u64, u64)>,
}

impl RaidMember {
    fn read(source: &dyn ReadAt) -> Option<Self> {
        [0, 4096].into_iter().find_map(|at| {
            let block = source.read_range(at, 256, 256).ok()?;
            if Little.u32(&block, 0)? != 0xa92b_4efc || Little.u32(&block, 4)? != 1 {
                return None;
            }
            let level = Little.u32(&block, 72)?.cast_signed();
            let place =
                (Little.u64(&block, 128)?.checked_mul(512)?, Little.u64(&block, 136)?.checked_mul(512)?);
            Some(Self { level, data: (level == 1).then_some(place) })
        })
    }
}
