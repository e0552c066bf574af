//! Reads what the journal of ext3 and ext4 says has changed ([kernel documentation, "Journal (jbd2)"]).
//!
//! A file system that was in use when its disk was copied (every snapshot of a running machine) has metadata that is newer in the
//! journal than in its place. Nothing is written here: blocks of completed transactions are looked up in the journal instead.
//! A transaction without its commit block, or whose number is not the next, ends the journal. Surprising: a block that happens
//! to begin with the journal's own signature has its first four bytes replaced, and says so.
//!
//! [kernel documentation, "Journal (jbd2)"]: https://docs.kernel.org/filesystems/ext4/journal.html

use super::{Patched, Volume};
use crate::bytes::Endian::Big;
use crate::disk::{DiskError, Shared, size};
use crate::read_at::ReadAt;
use std::collections::HashMap;

pub(super) const MAGIC: u32 = 0xc03b_3998;
/// Blocks of the journal that are looked at: the largest that is made has 1 GiB in blocks of 4 KiB.
const MAX_BLOCKS: u64 = 1 << 19;

const DESCRIPTOR: u32 = 1;
const COMMIT: u32 = 2;
const REVOKE: u32 = 5;

const INCOMPAT_64BIT: u32 = 2;
const INCOMPAT_CHECKSUM_V2: u32 = 8;
const INCOMPAT_CHECKSUM_V3: u32 = 16;
const INCOMPAT_FAST_COMMIT: u32 = 32;
const TAG_ESCAPED: u32 = 1;
const TAG_SAME_UUID: u32 = 2;
const TAG_LAST: u32 = 8;

/// Where the newer content of a block is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newer {
    pub(super) block: u64,
    pub(super) escaped: bool,
}

/// Returns the blocks of `volume` with those of its journal, in inode `number`, in place; `None` when it is empty.
pub(super) fn replay(volume: &Volume, number: u64) -> Result<Option<Shared>, DiskError> {
    let content = volume.inode(number)?.content(volume)?;
    let map = |block: u64| content.place(block.saturating_mul(volume.block_size), volume.block_size);
    let mut reading =
        Reading { volume, map: &map, features: 0, newer: HashMap::new(), revoked: HashMap::new() };
    let damaged = || DiskError::damaged("the journal", "its superblock makes no sense");
    let superblock = reading.block(0)?;
    let u32_at = |at| Big.u32(&superblock, at).ok_or_else(damaged);
    if u32_at(0)? != MAGIC || u64::from(u32_at(12)?) != volume.block_size {
        return Err(damaged());
    }
    if u32_at(4)? == 4 {
        reading.features = u32_at(40)?;
    }
    let (len, first, sequence, start) =
        (u64::from(u32_at(16)?), u64::from(u32_at(20)?), u32_at(24)?, u64::from(u32_at(28)?));
    if start == 0 {
        return Ok(None);
    }
    // Fast commits have the end of the journal for themselves; what they say of single files is not read.
    let fast = if reading.features & INCOMPAT_FAST_COMMIT == 0 {
        0
    } else {
        match u64::from(u32_at(84)?) {
            0 => 256,
            blocks => blocks,
        }
    };
    let len = len.saturating_sub(fast);
    if first == 0 || len <= first || len > MAX_BLOCKS {
        return Err(damaged());
    }
    reading.transactions(Ring { first, len, left: len.saturating_sub(first) }, start, sequence)?;
    let newer: HashMap<u64, Newer> =
        reading.newer.into_iter().map(|(block, (_, newer))| (block, newer)).collect();
    Ok(Some(Patched::shared(volume, newer)))
}

/// The journal's blocks, which follow each other in a circle.
struct Ring {
    first: u64,
    len: u64,
    /// Blocks not yet looked at: once around is all.
    left: u64,
}

impl Ring {
    fn after(&mut self, at: u64) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        let next = at.saturating_add(1);
        Some(if next >= self.len { self.first } else { next })
    }
}

struct Reading<'a> {
    volume: &'a Volume,
    map: &'a dyn Fn(u64) -> Option<u64>,
    features: u32,
    /// By block: the transaction that wrote it last.
    newer: HashMap<u64, (u32, Newer)>,
    /// By block: the last transaction that said it is no longer the journal's.
    revoked: HashMap<u64, u32>,
}

impl Reading<'_> {
    fn block(&self, number: u64) -> Result<Vec<u8>, DiskError> {
        let what = "the journal";
        let at = (self.map)(number).ok_or_else(|| DiskError::damaged(what, "a block of it is missing"))?;
        let len = self.volume.block_size;
        let bytes = self.volume.source.read_range(at, len, size(len)).map_err(DiskError::reading(what))?;
        Ok(bytes.into_owned())
    }

    fn transactions(&mut self, mut ring: Ring, mut at: u64, mut sequence: u32) -> Result<(), DiskError> {
        let (mut written, mut revoked) = (Vec::new(), Vec::new());
        loop {
            let block = self.block(at)?;
            let head = (Big.u32(&block, 0), Big.u32(&block, 4), Big.u32(&block, 8));
            let (Some(MAGIC), Some(kind), Some(number)) = head else { break };
            if number != sequence {
                break;
            }
            match kind {
                DESCRIPTOR => {
                    for (target, escaped) in self.tags(&block) {
                        let Some(next) = ring.after(at) else {
                            self.revoke();
                            return Ok(());
                        };
                        at = next;
                        if let Some(from) = (self.map)(at) {
                            let block = from.checked_div(self.volume.block_size).unwrap_or(0);
                            written.push((target, Newer { block, escaped }));
                        }
                    }
                }
                REVOKE => revoked.extend(self.revocations(&block)),
                COMMIT => {
                    for (target, newer) in written.drain(..) {
                        self.newer.insert(target, (sequence, newer));
                    }
                    for target in revoked.drain(..) {
                        self.revoked.insert(target, sequence);
                    }
                    sequence = sequence.wrapping_add(1);
                }
                _ => break,
            }
            match ring.after(at) {
                Some(next) => at = next,
                None => break,
            }
        }
        self.revoke();
        Ok(())
    }

    /// Drops what was revoked by the same transaction or a later one.
    fn revoke(&mut self) {
        let revoked = &self.revoked;
        self.newer.retain(|block, (sequence, _)| {
            // Numbers wrap around: the difference counts.
            revoked.get(block).is_none_or(|by| sequence.wrapping_sub(*by).cast_signed() > 0)
        });
    }

    fn wide(&self) -> bool {
        self.features & INCOMPAT_64BIT != 0
    }

    /// Returns which blocks those behind a descriptor are.
    fn tags(&self, block: &[u8]) -> Vec<(u64, bool)> {
        let v3 = self.features & INCOMPAT_CHECKSUM_V3 != 0;
        let checksum = if self.features & INCOMPAT_CHECKSUM_V2 != 0 { 2 } else { 0 };
        let tag_len = match (v3, self.wide()) {
            (true, _) => 16_usize,
            (false, true) => 12_usize.saturating_add(checksum),
            (false, false) => 8_usize.saturating_add(checksum),
        };
        let mut found = Vec::new();
        let mut rest = block.get(12..).unwrap_or_default();
        loop {
            let tag = (|| {
                let low = u64::from(Big.u32(rest, 0)?);
                let flags = if v3 { Big.u32(rest, 4)? } else { u32::from(Big.u16(rest, 6)?) };
                let high = if self.wide() { u64::from(Big.u32(rest, 8)?) } else { 0 };
                Some((high << 32 | low, flags))
            })();
            let Some((target, flags)) = tag else { return found };
            found.push((target, flags & TAG_ESCAPED != 0));
            let uuid = if flags & TAG_SAME_UUID == 0 { 16_usize } else { 0 };
            rest = rest.get(uuid.saturating_add(tag_len)..).unwrap_or_default();
            if flags & TAG_LAST != 0 {
                return found;
            }
        }
    }

    fn revocations(&self, block: &[u8]) -> Vec<u64> {
        let len = size(u64::from(Big.u32(block, 12).unwrap_or(0)));
        let body = block.get(..len).and_then(|used| used.get(16..)).unwrap_or_default();
        let of = |bytes: &[u8]| match self.wide() {
            true => Big.u64(bytes, 0),
            false => Big.u32(bytes, 0).map(u64::from),
        };
        body.chunks_exact(if self.wide() { 8 } else { 4 }).filter_map(of).collect()
    }
}
