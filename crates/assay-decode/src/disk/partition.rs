//! Reads partition tables: the master boot record with its chain of logical partitions, and GPT
//! ([UEFI specification], chapter 5).
//!
//! Surprising things:
//! - A GPT disk begins with a master boot record that claims the whole disk, so that old tools leave it alone.
//! - Logical partitions are a linked list of boot records; the first entry of each counts from that record, the second from the
//!   beginning of the extended partition.
//! - The boot sector of a FAT or NTFS file system ends with the same signature as a partition table.
//!
//! [UEFI specification]: https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html

use crate::bytes::{Endian::Little, array};
use crate::disk::{DiskError, Shared, guid_text, size};
use crate::read_at::ReadAt;

const WHAT: &str = "the partition table";
/// Logical partitions followed; Linux takes 59.
const MAX_LOGICAL: usize = 128;
/// Entries of a GPT; every tool makes 128.
const MAX_ENTRIES: u64 = 1024;
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];
const PROTECTIVE: u8 = 0xee;

/// A partition, as the table describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    /// Its number, as Linux counts: logical ones from 5.
    pub(crate) number: u32,
    /// Where it begins, in bytes.
    pub(crate) offset: u64,
    /// Its length in bytes.
    pub(crate) len: u64,
    /// What it is for, as the table says.
    pub(crate) kind: PartitionKind,
    /// Its own identity, as `PARTUUID` names it.
    pub(crate) uuid: String,
    /// Its name (GPT only).
    pub(crate) label: String,
}

/// What a partition is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PartitionKind {
    /// The byte of a master boot record.
    Mbr(u8),
    /// The GUID of a GPT.
    Gpt(String),
}

/// The partitions of a disk, and what is wrong with its table.
#[derive(Debug, Default)]
pub(crate) struct Partitions {
    pub(crate) partitions: Vec<Partition>,
    pub(crate) damage: Vec<DiskError>,
}

/// Returns whether a disk has a partition table.
pub(crate) fn has_table(disk: &dyn ReadAt) -> bool {
    gpt_sector(disk).is_some() || master_boot_record(disk).is_some()
}

/// Reads the partition table of a disk; `None` when there is none.
pub(crate) fn partitions(disk: &Shared) -> Option<Partitions> {
    if let Some(sector) = gpt_sector(disk) {
        return Some(gpt(disk, sector));
    }
    let record = master_boot_record(disk)?;
    let mut found = Partitions::default();
    let disk_id = Little.u32(&record, 440).unwrap_or_default();
    for (number, entry) in (1..).zip(entries(&record)) {
        if EXTENDED.contains(&entry.kind) {
            logical(disk, u64::from(entry.start), disk_id, &mut found);
        } else if entry.kind != 0 && entry.sectors != 0 {
            found.partitions.push(entry.partition(number, 0, disk_id));
        }
    }
    found.partitions.sort_by_key(|partition| partition.number);
    Some(found)
}

/// One of the four entries of a boot record.
struct Entry {
    status: u8,
    kind: u8,
    start: u32,
    sectors: u32,
}

impl Entry {
    fn partition(&self, number: u32, base: u64, disk_id: u32) -> Partition {
        Partition {
            number,
            offset: base.saturating_add(u64::from(self.start)).saturating_mul(512),
            len: u64::from(self.sectors).saturating_mul(512),
            kind: PartitionKind::Mbr(self.kind),
            uuid: format!("{disk_id:08x}-{number:02x}"),
            label: String::new(),
        }
    }
}

fn entries(record: &[u8]) -> impl Iterator<Item = Entry> + '_ {
    record.get(446..510).unwrap_or_default().chunks_exact(16).filter_map(|entry| {
        Some(Entry {
            status: entry.first().copied()?,
            kind: entry.get(4).copied()?,
            start: Little.u32(entry, 8)?,
            sectors: Little.u32(entry, 12)?,
        })
    })
}

/// Returns the first sector if it is a partition table, not the boot sector of a file system.
fn master_boot_record(disk: &dyn ReadAt) -> Option<Vec<u8>> {
    let record = disk.read_range(0, 512, 512).ok()?;
    if record.get(510..) != Some(&[0x55, 0xaa]) {
        return None;
    }
    let disk_sectors = disk.len().div_ceil(512);
    let mut used = 0_usize;
    for entry in entries(&record) {
        // Code and text of a boot sector stand where entries would: no status is like this.
        if !matches!(entry.status, 0 | 0x80) {
            return None;
        }
        if entry.kind != 0 && entry.sectors != 0 {
            if u64::from(entry.start) >= disk_sectors || entry.start == 0 && entry.kind != PROTECTIVE {
                return None;
            }
            used = used.saturating_add(1);
        }
    }
    (used > 0).then(|| record.into_owned())
}

/// Follows the chain of logical partitions that begins at sector `first`.
fn logical(disk: &Shared, first: u64, disk_id: u32, found: &mut Partitions) {
    let mut record_at = first;
    let mut seen = Vec::new();
    for number in 5.. {
        if seen.len() >= MAX_LOGICAL || seen.contains(&record_at) {
            found.damage.push(DiskError::damaged(WHAT, "its chain of logical partitions has no end"));
            return;
        }
        seen.push(record_at);
        let at = record_at.saturating_mul(512);
        let record = match disk.read_range(at, 512, 512) {
            Ok(record) if record.get(510..) == Some(&[0x55, 0xaa]) => record,
            _ => {
                found.damage.push(DiskError::damaged(WHAT, "its chain of logical partitions is broken"));
                return;
            }
        };
        let mut next = None;
        for entry in entries(&record).take(2) {
            if EXTENDED.contains(&entry.kind) {
                next = Some(first.saturating_add(u64::from(entry.start)));
            } else if entry.kind != 0 && entry.sectors != 0 {
                found.partitions.push(entry.partition(number, record_at, disk_id));
            }
        }
        match next {
            Some(next) => record_at = next,
            None => return,
        }
    }
}

/// Returns the size of a sector if a GPT begins in the second one.
fn gpt_sector(disk: &dyn ReadAt) -> Option<u64> {
    let signed = |at: u64| disk.read_range(at, 8, 8).is_ok_and(|signature| *signature == b"EFI PART"[..]);
    if let Some(sector) = [512, 4096].into_iter().find(|sector| signed(*sector)) {
        return Some(sector);
    }
    // The first copy may be overwritten; the record in front still says that there was one, the last sector has the other.
    let record = master_boot_record(disk)?;
    entries(&record).any(|entry| entry.kind == PROTECTIVE).then_some(())?;
    [512, 4096].into_iter().find(|sector| disk.len().checked_sub(*sector).is_some_and(signed))
}

/// The header of one of the two copies of a GPT.
struct GptHeader {
    entries: u64,
    count: u64,
    entry_size: u64,
    entries_crc: u32,
    intact: bool,
}

impl GptHeader {
    fn read(disk: &Shared, at: u64) -> Option<Self> {
        let bytes = disk.read_range(at, 512, 512).ok()?;
        if !bytes.starts_with(b"EFI PART") {
            return None;
        }
        let len = size(u64::from(Little.u32(&bytes, 12)?));
        let mut crc = flate2::Crc::new();
        let mut header = bytes.get(..len).unwrap_or(&bytes).to_vec();
        // The checksum is of the header with zeros in its own place.
        header.get_mut(16..20)?.fill(0);
        crc.update(&header);
        Some(Self {
            entries: Little.u64(&bytes, 72)?,
            count: u64::from(Little.u32(&bytes, 80)?),
            entry_size: u64::from(Little.u32(&bytes, 84)?),
            entries_crc: Little.u32(&bytes, 88)?,
            intact: crc.sum() == Little.u32(&bytes, 16)?,
        })
    }

    /// Returns the bytes of all entries, and whether they are those the header was made for.
    fn entries(&self, disk: &Shared, sector: u64) -> Option<(Vec<u8>, bool)> {
        if !(128..=4096).contains(&self.entry_size) {
            return None;
        }
        let len = self.count.min(MAX_ENTRIES).checked_mul(self.entry_size)?;
        let at = self.entries.checked_mul(sector)?;
        let bytes = disk.read_range(at, len, 4096 * 1024).ok()?.into_owned();
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        let intact = self.intact && (crc.sum() == self.entries_crc || self.count > MAX_ENTRIES);
        Some((bytes, intact))
    }
}

fn gpt(disk: &Shared, sector: u64) -> Partitions {
    let mut found = Partitions::default();
    let last = disk.len().saturating_sub(sector);
    let mut best: Option<(Vec<u8>, u64, bool)> = None;
    for at in [sector, last] {
        let Some(header) = GptHeader::read(disk, at) else { continue };
        let Some((bytes, intact)) = header.entries(disk, sector) else { continue };
        if best.as_ref().is_none_or(|(_, _, best)| intact && !best) {
            best = Some((bytes, header.entry_size, intact));
        }
        if intact {
            break;
        }
    }
    let Some((bytes, entry_size, intact)) = best else {
        found.damage.push(DiskError::damaged(WHAT, "neither copy of the GPT can be read"));
        return found;
    };
    if !intact {
        found.damage.push(DiskError::damaged(WHAT, "the checksums of both copies of the GPT are wrong"));
    }
    if disk.read_range(sector, 8, 8).is_ok_and(|signature| *signature != b"EFI PART"[..]) {
        found.damage.push(DiskError::damaged(WHAT, "its first copy is missing; the second was read"));
    }
    for (number, entry) in (1..).zip(bytes.chunks_exact(size(entry_size))) {
        found.partitions.extend(gpt_partition(entry, number, sector));
    }
    found
}

fn gpt_partition(entry: &[u8], number: u32, sector: u64) -> Option<Partition> {
    let kind: [u8; 16] = array(entry, 0)?;
    if kind == [0; 16] {
        return None;
    }
    let (first, last) = (Little.u64(entry, 32)?, Little.u64(entry, 40)?);
    let name: Vec<u16> = entry
        .get(56..128)?
        .chunks_exact(2)
        .filter_map(|pair| Little.u16(pair, 0))
        .take_while(|unit| *unit != 0)
        .collect();
    Some(Partition {
        number,
        offset: first.checked_mul(sector)?,
        len: last.checked_sub(first)?.checked_add(1)?.checked_mul(sector)?,
        kind: PartitionKind::Gpt(guid_text(&kind)),
        uuid: guid_text(&array(entry, 16)?),
        label: String::from_utf16_lossy(&name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn record(entries: &[(u8, u32, u32)]) -> Vec<u8> {
        let mut record = vec![0; 512];
        for (at, (kind, start, sectors)) in entries.iter().enumerate() {
            let entry = &mut record[446 + at * 16..][..16];
            entry[4] = *kind;
            entry[8..12].copy_from_slice(&start.to_le_bytes());
            entry[12..16].copy_from_slice(&sectors.to_le_bytes());
        }
        record[510..].copy_from_slice(&[0x55, 0xaa]);
        record
    }

    fn disk(records: &[(usize, Vec<u8>)]) -> Shared {
        let mut disk = vec![0; 512 * 1000];
        for (sector, record) in records {
            disk[sector * 512..][..record.len()].copy_from_slice(record);
        }
        Arc::new(disk)
    }

    fn found(disk: &Shared) -> Vec<(u32, u64, u64)> {
        let found = partitions(disk).unwrap();
        found.partitions.iter().map(|one| (one.number, one.offset / 512, one.len / 512)).collect()
    }

    #[test]
    fn logical_partitions_count_from_their_own_record() {
        let disk = disk(&[
            (0, record(&[(0x83, 10, 20), (0x05, 100, 800), (0, 0, 0), (0x82, 950, 10)])),
            (100, record(&[(0x83, 2, 50), (0x05, 200, 100)])),
            (300, record(&[(0x83, 3, 60)])),
        ]);
        assert_eq!(found(&disk), [(1, 10, 20), (4, 950, 10), (5, 102, 50), (6, 303, 60)]);
    }

    #[test]
    fn a_chain_that_turns_in_a_circle_ends() {
        let disk = disk(&[(0, record(&[(0x0f, 100, 800)])), (100, record(&[(0x83, 2, 50), (0x05, 0, 100)]))]);
        let found = partitions(&disk).unwrap();
        assert_eq!((found.partitions.len(), found.damage.len()), (1, 1));
    }

    #[test]
    fn a_boot_sector_is_no_table() {
        let mut boot = record(&[]);
        assert!(!has_table(&boot), "an empty one says nothing");
        boot[446..460].copy_from_slice(b"BOOTMGR is mis");
        assert!(!has_table(&boot));
        assert!(!has_table(&vec![0_u8; 100]));
    }
}
