//! Reads VHD, Microsoft's older disk format: fixed, dynamic and differencing ([Virtual Hard Disk Image Format Specification]).
//!
//! Surprising things:
//! - What makes a file a VHD stands in its last 512 bytes; a fixed one (the only kind Azure takes and gives) is a raw disk otherwise.
//! - All numbers are big-endian, and offsets in tables count sectors.
//! - Every block of a dynamic disk begins with a bitmap of its sectors. It matters only in a differencing disk, where it says
//!   which sectors are the parent's.
//!
//! [Virtual Hard Disk Image Format Specification]: https://learn.microsoft.com/en-us/windows/win32/vstor/about-vhd

use crate::bytes::Endian::Big;
use crate::disk::cache::{Cached, at_most};
use crate::disk::image::{Backing, Opening};
use crate::disk::pieces::Pieces;
use crate::disk::{DiskError, Shared, size};
use crate::read_at::ReadAt;
use std::io;
use std::sync::Arc;

const WHAT: &str = "the vhd image";
const SECTOR: u64 = 512;
const TABLE_CACHE: usize = 2 << 20;
/// The largest block any tool makes is 2 MiB; the format allows more.
const MAX_BLOCK: u64 = 256 << 20;
const NOT_THERE: u64 = 0xffff_ffff;

/// Opens a disk of any of the three kinds.
pub(crate) fn open(file: Shared, opening: &mut Opening<'_>) -> Result<Shared, DiskError> {
    let damaged = |why: &str| DiskError::damaged(WHAT, why);
    let read = |at| file.read_range(at, SECTOR, size(SECTOR)).map_err(DiskError::reading(WHAT));
    let end = file.len().checked_sub(SECTOR).ok_or_else(|| damaged("it ends in its header"))?;
    let mut footer = read(end)?;
    if !footer.starts_with(b"conectix") {
        // A dynamic disk has a copy in front.
        footer = read(0)?;
    }
    let fields = (|| Some((Big.u64(&footer, 16)?, Big.u64(&footer, 48)?, Big.u32(&footer, 60)?)))();
    let (header_at, len, kind) = fields.ok_or_else(|| damaged("its footer is cut off"))?;
    match kind {
        2 => Ok(Arc::new(Pieces::part(WHAT, &file, 0, len.min(end)))),
        3 | 4 => Ok(Arc::new(Dynamic::open(file, header_at, len, kind == 4, opening)?)),
        other => Err(DiskError::unsupported(WHAT, format!("it is of kind {other}"))),
    }
}

/// A disk of which only blocks that were written are there.
struct Dynamic {
    file: Cached,
    len: u64,
    table: u64,
    blocks: u64,
    block_size: u64,
    /// Bytes of the bitmap before each block.
    bitmap: u64,
    /// What the sectors are that a differencing disk does not have.
    backing: Option<Backing>,
}

impl Dynamic {
    fn open(
        file: Shared,
        header_at: u64,
        len: u64,
        differencing: bool,
        opening: &mut Opening<'_>,
    ) -> Result<Self, DiskError> {
        let header = file.read_range(header_at, 1024, 1024).map_err(DiskError::reading(WHAT))?;
        let fields = (|| {
            let table = Big.u64(&header, 16)?;
            Some((table, u64::from(Big.u32(&header, 28)?), u64::from(Big.u32(&header, 32)?)))
        })();
        let (table, blocks, block_size) = fields
            .filter(|_| header.starts_with(b"cxsparse"))
            .ok_or_else(|| DiskError::damaged(WHAT, "its second header is missing"))?;
        if !(SECTOR..=MAX_BLOCK).contains(&block_size) || !block_size.is_power_of_two() {
            return Err(DiskError::damaged(WHAT, format!("its blocks have {block_size} bytes")));
        }
        let backing = if differencing {
            let name: Vec<u16> = header
                .get(64..576)
                .unwrap_or_default()
                .chunks_exact(2)
                .filter_map(|pair| Big.u16(pair, 0))
                .take_while(|unit| *unit != 0)
                .collect();
            Some(opening.backing(&String::from_utf16_lossy(&name), false)?)
        } else {
            None
        };
        let bitmap = block_size.div_ceil(SECTOR).div_ceil(8).div_ceil(SECTOR).saturating_mul(SECTOR);
        Ok(Self { file: Cached::new(file, TABLE_CACHE), len, table, blocks, block_size, bitmap, backing })
    }
}

impl ReadAt for Dynamic {
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
        let mut buf = at_most(buf, self.block_size.saturating_sub(within));
        if block >= self.blocks {
            return Err(DiskError::damaged(WHAT, "its table ends before the disk does").into());
        }
        let mut entry = [0; 4];
        self.file.read_exact_at(self.table.saturating_add(block.saturating_mul(4)), &mut entry)?;
        let sector = u64::from(u32::from_be_bytes(entry));
        let backing = self.backing.as_ref().unwrap_or(&Backing::None);
        if sector == NOT_THERE {
            return backing.read(WHAT, offset, buf);
        }
        let start = sector.saturating_mul(SECTOR);
        if self.backing.is_some() {
            buf = at_most(buf, SECTOR.saturating_sub(within % SECTOR));
            let number = within / SECTOR;
            let mut bits = [0];
            self.file.read_exact_at(start.saturating_add(number / 8), &mut bits)?;
            let [bits] = bits;
            // The first sector is the highest bit.
            let shift = u32::try_from(7_u64.saturating_sub(number % 8)).unwrap_or(0);
            if u32::from(bits) >> shift & 1 == 0 {
                return backing.read(WHAT, offset, buf);
            }
        }
        let at = start.saturating_add(self.bitmap).saturating_add(within);
        match self.file.source().read_at(at, buf)? {
            0 => Err(DiskError::damaged(WHAT, "a block lies behind the end of the file").into()),
            read => Ok(read),
        }
    }
}
