//! A region of numbered records, and a sorted map of keys made of such records.
//!
//! Region: count (u32), count + 1 offsets (u32, relative to the end of the offsets), data; all little-endian. A record is the
//! CRC-32 of its payload and the payload, which begins with the record's own number: a damaged offset that happens to lead to
//! another whole record is noticed too.
//!
//! A sorted map ([`Table`]) is a region of blocks of [`BLOCK`] front-coded keys. It takes the place of an `fst` index: that
//! crate indexes into its bytes unchecked, so a damaged file would panic or, worse, miss a key silently. Here each block that a
//! binary search touches is checked, at about 25 ns each.

use super::bytes::{Corrupt, Cursor, Encoder};

/// Keys in a block: large enough to share prefixes, small enough to be scanned in well under a microsecond.
const BLOCK: usize = 16;

/// A region of numbered records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Records<'a>(pub(crate) &'a [u8]);

impl<'a> Records<'a> {
    pub(crate) fn len(self) -> u32 {
        word(self.0, 0).unwrap_or(0)
    }

    /// Returns the payload of a record after its checksum and number have been checked.
    pub(crate) fn get(self, number: u32) -> Result<Cursor<'a>, Corrupt> {
        let count = self.len();
        if number >= count {
            return Err(Corrupt);
        }
        let at = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_mul(4)?.checked_add(4))
            .ok_or(Corrupt)?;
        let data = usize::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(4)?.checked_add(8))
            .ok_or(Corrupt)?;
        let start = usize::try_from(word(self.0, at)?).map_err(|_| Corrupt)?;
        let end = usize::try_from(word(self.0, at.saturating_add(4))?).map_err(|_| Corrupt)?;
        let record = self.0.get(data..).and_then(|data| data.get(start..end)).ok_or(Corrupt)?;
        let (checksum, payload) = record.split_at_checked(4).ok_or(Corrupt)?;
        // A fuzzer would never get past the checksum; what is behind it must be total, too.
        let whole = u32::from_le_bytes(checksum.try_into().map_err(|_| Corrupt)?) == crc32fast::hash(payload);
        if !whole && !cfg!(fuzzing) {
            return Err(Corrupt);
        }
        let mut cursor = Cursor(payload);
        if cursor.index()? == number { Ok(cursor) } else { Err(Corrupt) }
    }
}

fn word(bytes: &[u8], at: usize) -> Result<u32, Corrupt> {
    let word = bytes.get(at..).and_then(|rest| rest.get(..4)).ok_or(Corrupt)?;
    Ok(u32::from_le_bytes(word.try_into().map_err(|_| Corrupt)?))
}

/// Writes a region of records.
#[derive(Debug, Default)]
pub(crate) struct RecordsWriter {
    offsets: Vec<u32>,
    data: Vec<u8>,
}

/// A region would be larger than its 32-bit offsets reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl RecordsWriter {
    /// Returns an encoder whose content becomes the next record by [`Self::push`].
    pub(crate) fn start(&self) -> Encoder {
        let mut encoder = Encoder::default();
        encoder.count(self.offsets.len());
        encoder
    }

    pub(crate) fn push(&mut self, record: &Encoder) -> Result<u32, TooLarge> {
        let number = u32::try_from(self.offsets.len()).map_err(|_| TooLarge)?;
        self.offsets.push(u32::try_from(self.data.len()).map_err(|_| TooLarge)?);
        self.data.extend_from_slice(&crc32fast::hash(&record.0).to_le_bytes());
        self.data.extend_from_slice(&record.0);
        Ok(number)
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, TooLarge> {
        let end = u32::try_from(self.data.len()).map_err(|_| TooLarge)?;
        let count = u32::try_from(self.offsets.len()).map_err(|_| TooLarge)?;
        let mut bytes =
            Vec::with_capacity(self.data.len().saturating_add(self.offsets.len().saturating_mul(4)));
        bytes.extend_from_slice(&count.to_le_bytes());
        for offset in self.offsets.into_iter().chain([end]) {
            bytes.extend_from_slice(&offset.to_le_bytes());
        }
        bytes.extend_from_slice(&self.data);
        Ok(bytes)
    }
}

/// A sorted map from keys to numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'a>(pub(crate) Records<'a>);

impl<'a> Table<'a> {
    /// Returns the number stored for `key`.
    pub(crate) fn get(self, key: &[u8]) -> Result<Option<u64>, Corrupt> {
        let Some(block) = self.block_of(key)? else { return Ok(None) };
        let mut found = None;
        scan(self.0.get(block)?, |candidate, value| {
            if candidate == key {
                found = Some(value);
            }
            candidate < key
        })?;
        Ok(found)
    }

    /// Calls `visit` with each key from `start` on, in order, until it returns `false`.
    pub(crate) fn visit(
        self,
        start: &[u8],
        mut visit: impl FnMut(&[u8], u64) -> bool,
    ) -> Result<(), Corrupt> {
        let mut going = true;
        for block in self.block_of(start)?.unwrap_or(0)..self.0.len() {
            scan(self.0.get(block)?, |key, value| {
                if key >= start {
                    going = visit(key, value);
                }
                going
            })?;
            if !going {
                break;
            }
        }
        Ok(())
    }

    /// Returns the last block whose first key is not above `key`.
    fn block_of(self, key: &[u8]) -> Result<Option<u32>, Corrupt> {
        let (mut low, mut high) = (0, self.0.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let mut block = self.0.get(middle)?;
            let (_, _, first) = (block.count()?, block.index()?, block.bytes()?);
            if first <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low.checked_sub(1))
    }
}

/// Calls `visit` with the keys of a block until it returns `false`.
fn scan(mut block: Cursor<'_>, mut visit: impl FnMut(&[u8], u64) -> bool) -> Result<(), Corrupt> {
    let count = block.count()?;
    let mut key = Vec::new();
    for _ in 0..count {
        let shared = usize::try_from(block.number()?).map_err(|_| Corrupt)?;
        if shared > key.len() {
            return Err(Corrupt);
        }
        key.truncate(shared);
        key.extend_from_slice(block.bytes()?);
        let value = block.number()?;
        if !visit(&key, value) {
            break;
        }
    }
    Ok(())
}

/// Writes a sorted map; `entries` are in ascending order of distinct keys.
pub(crate) fn write_table<'k>(
    entries: impl IntoIterator<Item = (&'k [u8], u64)>,
) -> Result<Vec<u8>, TooLarge> {
    let mut writer = RecordsWriter::default();
    let (mut block, mut count) = (Encoder::default(), 0usize);
    let mut last: &[u8] = &[];
    let flush = |writer: &mut RecordsWriter, block: &mut Encoder, count: usize| -> Result<(), TooLarge> {
        let mut record = writer.start();
        record.count(count);
        record.0.append(&mut block.0);
        writer.push(&record).map(|_| ())
    };
    for (key, value) in entries {
        let shared = if count == 0 {
            0
        } else {
            key.iter().zip(last).take_while(|(left, right)| left == right).count()
        };
        block.count(shared);
        block.bytes(key.get(shared..).unwrap_or_default());
        block.number(value);
        (last, count) = (key, count + 1);
        if count == BLOCK {
            flush(&mut writer, &mut block, count)?;
            count = 0;
        }
    }
    if count > 0 {
        flush(&mut writer, &mut block, count)?;
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn tables_are_maps(map: BTreeMap<Vec<u8>, u64>, probe: Vec<u8>) {
            let bytes = write_table(map.iter().map(|(key, &value)| (key.as_slice(), value))).unwrap();
            let table = Table(Records(&bytes));
            for (key, value) in &map {
                prop_assert_eq!(table.get(key), Ok(Some(*value)));
            }
            prop_assert_eq!(table.get(&probe), Ok(map.get(&probe).copied()));
            let mut seen = Vec::new();
            table.visit(&probe, |key, value| { seen.push((key.to_vec(), value)); true }).unwrap();
            let want: Vec<_> = map.range(probe..).map(|(key, &value)| (key.clone(), value)).collect();
            prop_assert_eq!(seen, want);
        }

        #[test]
        fn damage_is_noticed(map in prop::collection::btree_map("[a-f]{0,6}", 0u64..1000, 1..60), at: prop::sample::Index, bit in 0u8..8) {
            let mut bytes = write_table(map.iter().map(|(key, &value)| (key.as_bytes(), value))).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let table = Table(Records(&bytes));
            // The count is the exception: it is covered by the section's checksum only.
            for (key, value) in map.iter().filter(|_| at >= 4) {
                prop_assert!(matches!(table.get(key.as_bytes()), Err(Corrupt) | Ok(Some(_))));
                if let Ok(Some(found)) = table.get(key.as_bytes()) {
                    prop_assert_eq!(found, *value);
                }
            }
        }

        #[test]
        fn reading_is_total(bytes: Vec<u8>, key: Vec<u8>) {
            let _ = Table(Records(&bytes)).get(&key);
            let _ = Table(Records(&bytes)).visit(&key, |_, _| true);
        }
    }
}
