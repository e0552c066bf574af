//! Whether the log of XFS holds changes that are not in their place yet.
//!
//! The log is a ring of records. Every sector of it begins with the number of the round in which it was written (the header of a record
//! has it behind its signature), so that the newest one is found by halving, as Linux does. After a clean unmount the newest
//! record holds nothing but a mark of that, the "unmount record".

use crate::bytes::Endian::Big;
use crate::read_at::ReadAt;

const MAGIC: u32 = 0xfeed_babe;
const SECTOR: u64 = 512;
/// Sectors of the largest record: 256 KiB of data and eight of headers.
const MAX_RECORD: u64 = 520;
/// The flag of an operation that marks the unmount.
const UNMOUNT: u8 = 0x20;

/// Returns whether the newest record of the log is something else than a clean unmount.
pub(super) fn is_dirty(source: &dyn ReadAt, at: u64, len: u64) -> bool {
    let log = Log { source, at, sectors: len / SECTOR };
    // A log that was never used, or none that is known here: nothing says that it is dirty.
    log.newest().is_some_and(|(record, header)| !log.is_unmount(record, &header))
}

struct Log<'a> {
    source: &'a dyn ReadAt,
    at: u64,
    sectors: u64,
}

impl Log<'_> {
    fn sector(&self, number: u64) -> Option<Vec<u8>> {
        let number = number.checked_rem(self.sectors)?;
        let at = self.at.checked_add(number.checked_mul(SECTOR)?)?;
        Some(self.source.read_range(at, SECTOR, 512).ok()?.into_owned())
    }

    /// Returns the round in which a sector was written.
    fn round(&self, number: u64) -> Option<u32> {
        let sector = self.sector(number)?;
        match Big.u32(&sector, 0)? {
            MAGIC => Big.u32(&sector, 4),
            round => Some(round),
        }
    }

    /// Returns where the newest record is, and its header.
    fn newest(&self) -> Option<(u64, Vec<u8>)> {
        let round = self.round(0).filter(|round| *round != 0)?;
        // The first sector of another round is where the next record would be written.
        let (mut same, mut other) = (0_u64, self.sectors);
        while other.saturating_sub(same) > 1 {
            let middle = same.midpoint(other);
            if self.round(middle)? == round {
                same = middle;
            } else {
                other = middle;
            }
        }
        let end = other.saturating_add(self.sectors);
        (1..=MAX_RECORD.min(self.sectors)).find_map(|back| {
            let number = end.checked_sub(back)?;
            let sector = self.sector(number)?;
            (Big.u32(&sector, 0) == Some(MAGIC)).then_some((number, sector))
        })
    }

    fn is_unmount(&self, record: u64, header: &[u8]) -> bool {
        let first = || {
            let (operations, size) = (Big.u32(header, 40)?, Big.u32(header, 320)?);
            if operations != 1 {
                return None;
            }
            // A record of 32 KiB has a header of one sector, larger ones have one more for each 32 KiB.
            let headers = u64::from(size).div_ceil(32768).clamp(1, 8);
            self.sector(record.checked_add(headers)?)
        };
        // The operation's header: transaction, length, client, flags.
        first().is_some_and(|operation| operation.get(9).is_some_and(|flags| flags & UNMOUNT != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log of eight sectors, of which some are written: the round, and for headers how many operations there are.
    fn log(sectors: &[(u32, Option<u32>)], flags: u8) -> bool {
        let mut bytes = vec![0; 8 * 512];
        for (sector, (round, operations)) in bytes.chunks_exact_mut(512).zip(sectors) {
            sector[..4].copy_from_slice(&round.to_be_bytes());
            sector[9] = flags;
            if let Some(operations) = operations {
                sector[..4].copy_from_slice(&MAGIC.to_be_bytes());
                sector[4..8].copy_from_slice(&round.to_be_bytes());
                sector[40..44].copy_from_slice(&operations.to_be_bytes());
                sector[320..324].copy_from_slice(&32768_u32.to_be_bytes());
            }
        }
        is_dirty(&bytes, 0, 8 * 512)
    }

    #[test]
    fn the_newest_record_decides() {
        let (header, data) = (|round, operations| (round, Some(operations)), |round| (round, None));
        assert!(!log(&[], 0), "never used");
        assert!(!log(&[header(1, 1), data(1)], UNMOUNT));
        assert!(log(&[header(1, 1), data(1)], 0));
        assert!(log(&[header(1, 1), data(1), header(1, 3), data(1)], UNMOUNT), "used again");
        // The second round has come to the middle.
        let second =
            [header(2, 2), data(2), header(2, 1), data(2), header(1, 9), data(1), header(1, 4), data(1)];
        assert!(!log(&second, UNMOUNT));
        // The newest record is at the end of the ring.
        let full = [header(3, 5), data(3), data(3), data(3), header(3, 4), data(3), header(3, 1), data(3)];
        assert!(!log(&full, UNMOUNT));
    }
}
