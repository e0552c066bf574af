//! Whether the log of XFS holds changes that are not in their place yet.
//!
//! The log is a ring of records, each with a header that begins a sector; the newest says what the oldest change is that may not
//! be in its place. After a clean unmount the newest record holds nothing but a mark of that ("unmount record").

use crate::bytes::Endian::Big;
use crate::disk::size;
use crate::read_at::ReadAt;

const MAGIC: u32 = 0xfeed_babe;
const SECTOR: u64 = 512;
/// Bytes of a log that are looked through: the largest that mkfs makes.
const MAX_LOG: u64 = 2 << 30;
const CHUNK: u64 = 1 << 20;
/// The flag of an operation that marks the unmount.
const UNMOUNT: u8 = 0x20;

/// Returns whether the newest record of the log is something else than a clean unmount.
pub(super) fn is_dirty(source: &dyn ReadAt, at: u64, len: u64) -> bool {
    let mut newest: Option<(u64, u64, usize, u32)> = None;
    let mut done = 0;
    while done < len.min(MAX_LOG) {
        let count = CHUNK.min(len.saturating_sub(done));
        let Ok(chunk) = source.read_range(at.saturating_add(done), count, size(CHUNK)) else { return true };
        for (number, sector) in (0_u64..).zip(chunk.chunks_exact(size(SECTOR))) {
            if Big.u32(sector, 0) != Some(MAGIC) {
                continue;
            }
            let (Some(lsn), Some(operations), Some(header)) =
                (Big.u64(sector, 16), Big.u32(sector, 40), Big.u32(sector, 320))
            else {
                continue;
            };
            let place = done.saturating_add(number.saturating_mul(SECTOR));
            // A record of 32 KiB has a header of one sector; larger ones have one more for each 32 KiB.
            let header = size(u64::from(header).div_ceil(32768).clamp(1, 8));
            if newest.is_none_or(|(best, ..)| lsn > best) {
                newest = Some((lsn, place, header, operations));
            }
        }
        done = done.saturating_add(CHUNK);
    }
    // A log that was never used, or none that is known here: nothing says that it is dirty.
    let Some((_, place, header, operations)) = newest else { return false };
    if operations != 1 {
        return true;
    }
    let behind = place.saturating_add(crate::disk::length(header).saturating_mul(SECTOR));
    let first = source.read_range(at.saturating_add(behind), 16, 16);
    // The operation's header: transaction, length, client, flags.
    !first.is_ok_and(|operation| operation.get(9).is_some_and(|flags| flags & UNMOUNT != 0))
}
