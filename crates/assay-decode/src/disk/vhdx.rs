//! Reads VHDX, Microsoft's newer disk format: fixed and dynamic ([MS-VHDX]).
//!
//! Two headers (the one with the higher sequence number counts) and a table of regions are at fixed places; the regions hold
//! the block allocation table and the metadata. Surprising: between the table's entries for blocks stand others, one for each
//! "chunk", for bitmaps that only differencing disks use. A disk whose log was not written back is refused: its tables may be
//! older than its data.
//!
//! [MS-VHDX]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-vhdx/

use crate::bytes::{Endian::Little, array};
use crate::disk::cache::{Cached, at_most};
use crate::disk::{DiskError, Shared, guid_text, size};
use crate::read_at::ReadAt;
use std::io;

const WHAT: &str = "the vhdx image";
const MIB: u64 = 1 << 20;
const HEADERS: [u64; 2] = [64 << 10, 128 << 10];
const REGION_TABLES: [u64; 2] = [192 << 10, 256 << 10];
const TABLE_SIZE: u64 = 64 << 10;
const TABLE_CACHE: usize = 2 << 20;

const REGION_BLOCKS: &str = "2dc27766-f623-4200-9d64-115e9bfd4a08";
const REGION_METADATA: &str = "8b7ca206-4790-4b9a-b8fe-575f050f886e";
const FILE_PARAMETERS: &str = "caa16737-fa36-4d43-b3b6-33f0aa44e76b";
const DISK_SIZE: &str = "2fa54224-cd1b-4876-b211-5dbed83bf4b8";
const SECTOR_SIZE: &str = "8141bf1d-a96f-4709-ba47-f233a8faab5f";

/// A disk whose tables have been found.
pub(crate) struct Vhdx {
    file: Cached,
    len: u64,
    block_size: u64,
    /// Blocks between two entries for bitmaps.
    chunk: u64,
    table: u64,
    table_len: u64,
}

impl Vhdx {
    pub(crate) fn open(file: Shared) -> Result<Self, DiskError> {
        let damaged = |why: &str| DiskError::damaged(WHAT, why);
        let read = |at, len| file.read_range(at, len, size(TABLE_SIZE)).map_err(DiskError::reading(WHAT));
        let mut newest: Option<(u64, [u8; 16])> = None;
        for at in HEADERS {
            let Ok(header) = read(at, 4096) else { continue };
            if header.starts_with(b"head")
                && let (Some(sequence), Some(log)) = (Little.u64(&header, 8), array(&header, 48))
                && newest.is_none_or(|(best, _)| sequence > best)
            {
                newest = Some((sequence, log));
            }
        }
        let (_, log) = newest.ok_or_else(|| damaged("neither of its headers is there"))?;
        if log != [0; 16] {
            let why = "it was not closed cleanly; open and close it with its own tools first";
            return Err(DiskError::unsupported(WHAT, why));
        }
        let regions = REGION_TABLES
            .into_iter()
            .filter_map(|at| read(at, TABLE_SIZE).ok())
            .find(|table| table.starts_with(b"regi"))
            .ok_or_else(|| damaged("its table of regions is missing"))?;
        let region = |wanted: &str| {
            let count = Little.u32(&regions, 8)?.min(2047);
            let entries = regions.get(16..)?.chunks_exact(32).take(size(u64::from(count)));
            let entry = entries.into_iter().find(|entry| is(entry, wanted))?;
            Some((Little.u64(entry, 16)?, u64::from(Little.u32(entry, 24)?)))
        };
        let (table, table_len) = region(REGION_BLOCKS).ok_or_else(|| damaged("it has no table of blocks"))?;
        let (metadata_at, _) = region(REGION_METADATA).ok_or_else(|| damaged("it has no metadata"))?;
        let metadata = read(metadata_at, TABLE_SIZE)?;
        let item = |wanted: &str| {
            let count = Little.u16(&metadata, 10)?.min(2047);
            let mut entries = metadata.get(32..)?.chunks_exact(32).take(usize::from(count));
            let entry = entries.find(|entry| is(entry, wanted))?;
            let at = metadata_at.checked_add(u64::from(Little.u32(entry, 16)?))?;
            let len = u64::from(Little.u32(entry, 20)?).min(8);
            let mut bytes = read(at, len).ok()?.into_owned();
            bytes.resize(8, 0);
            Some(bytes)
        };
        let missing = || damaged("its metadata is incomplete");
        let parameters = item(FILE_PARAMETERS).ok_or_else(missing)?;
        let block_size = u64::from(Little.u32(&parameters, 0).ok_or_else(missing)?);
        if Little.u32(&parameters, 4).is_some_and(|flags| flags & 2 != 0) {
            return Err(DiskError::unsupported(WHAT, "it is a differencing disk"));
        }
        let len = item(DISK_SIZE).and_then(|bytes| Little.u64(&bytes, 0)).ok_or_else(missing)?;
        let sector = item(SECTOR_SIZE).and_then(|bytes| Little.u32(&bytes, 0)).ok_or_else(missing)?;
        if !(MIB..=256 * MIB).contains(&block_size)
            || !block_size.is_power_of_two()
            || !matches!(sector, 512 | 4096)
        {
            return Err(damaged(&format!("its blocks have {block_size} bytes, its sectors {sector}")));
        }
        let chunk = (u64::from(sector) << 23).checked_div(block_size).unwrap_or(1).max(1);
        Ok(Self { file: Cached::new(file, TABLE_CACHE), len, block_size, chunk, table, table_len })
    }
}

/// Returns whether an entry begins with this GUID.
fn is(entry: &[u8], wanted: &str) -> bool {
    array(entry, 0).is_some_and(|bytes| guid_text(&bytes) == wanted)
}

impl ReadAt for Vhdx {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let buf = at_most(buf, self.len.saturating_sub(offset));
        if buf.is_empty() {
            return Ok(0);
        }
        let block = offset.checked_div(self.block_size).unwrap_or(0);
        let within = offset.checked_rem(self.block_size).unwrap_or(0);
        let buf = at_most(buf, self.block_size.saturating_sub(within));
        let index = block.saturating_add(block.checked_div(self.chunk).unwrap_or(0)).saturating_mul(8);
        if index >= self.table_len {
            return Err(DiskError::damaged(WHAT, "its table ends before the disk does").into());
        }
        let mut entry = [0; 8];
        self.file.read_exact_at(self.table.saturating_add(index), &mut entry)?;
        let entry = u64::from_le_bytes(entry);
        match entry & 7 {
            6 => {
                let at = (entry & !(MIB.wrapping_sub(1))).saturating_add(within);
                match self.file.source().read_at(at, buf)? {
                    0 => Err(DiskError::damaged(WHAT, "a block lies behind the end of the file").into()),
                    read => Ok(read),
                }
            }
            // Not present, undefined, zero, unmapped: a disk that stands alone reads zeros.
            0..=3 => {
                buf.fill(0);
                Ok(buf.len())
            }
            state => Err(DiskError::damaged(WHAT, format!("a block is in state {state}")).into()),
        }
    }
}
