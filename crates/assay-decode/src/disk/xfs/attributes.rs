//! The extended attribute `security.capability` of an inode of XFS: inside it, or in blocks of attributes.
//!
//! Of several blocks each that has attributes is read, not only the one to which the index leads: a file has a handful of attributes, and
//! what cannot be found must not be taken for what is not there. Should the attribute be there twice, as in what was written to look like
//! such a block, each counts.

use super::{Inode, Volume};
use crate::bytes::Endian::Big;
use crate::disk::{DiskError, length, size};
use crate::read_at::ReadAt;

const WHAT: &str = "the attributes of a file of the xfs file system";
const FORMAT_INSIDE: u8 = 1;
const FORMAT_EXTENTS: u8 = 2;
/// Blocks of attributes that are read of one file; access lists and labels are shorter than one.
const MAX_BLOCKS: u64 = 32;
/// `XFS_ATTR_SECURE`: the name lacks its `security.`.
const SECURE: u8 = 1 << 2;
/// `XFS_ATTR_LOCAL`: the value lies beside the name.
const LOCAL: u8 = 1;
const NAME: &[u8] = b"capability";

/// Returns the values of the attribute.
pub(super) fn capability(inode: &Inode, volume: &Volume) -> Result<Vec<Vec<u8>>, DiskError> {
    let mut values = Vec::new();
    match inode.attribute_format {
        _ if inode.attributes.is_empty() => {}
        FORMAT_INSIDE => inside(&inode.attributes, &mut values)?,
        FORMAT_EXTENTS => {
            for (number, block) in blocks(inode, volume)?.into_iter().enumerate() {
                let len = volume.block_size;
                let block =
                    volume.tables.read_range(block, len, size(len)).map_err(DiskError::reading(WHAT))?;
                let read = in_block(&block, &mut values)?;
                if !read && number == 0 {
                    return Err(DiskError::damaged(WHAT, "what should hold them holds something else"));
                }
            }
        }
        _ => return Err(DiskError::unsupported(WHAT, "there are very many of them")),
    }
    Ok(values)
}

fn cut_off() -> DiskError {
    DiskError::damaged(WHAT, "one of them is cut off")
}

/// Reads the short form: four bytes, then each name and value with their lengths and flags before them.
fn inside(fork: &[u8], values: &mut Vec<Vec<u8>>) -> Result<(), DiskError> {
    let count = *fork.get(2).ok_or_else(cut_off)?;
    let mut rest = fork.get(4..).ok_or_else(cut_off)?;
    for _ in 0..count {
        let attribute = (|| {
            let (&[name_len, value_len, flags], after) = rest.split_first_chunk()?;
            let (name, after) = after.split_at_checked(usize::from(name_len))?;
            let (value, after) = after.split_at_checked(usize::from(value_len))?;
            Some((flags, name, value, after))
        })();
        let (flags, name, value, after) = attribute.ok_or_else(cut_off)?;
        if flags & SECURE != 0 && name == NAME {
            values.push(value.to_vec());
        }
        rest = after;
    }
    Ok(())
}

/// Returns where the blocks are, the one of the first byte of the fork's content first.
fn blocks(inode: &Inode, volume: &Volume) -> Result<Vec<u64>, DiskError> {
    let outside = || DiskError::damaged(WHAT, "they lie outside the file system");
    let mut blocks = Vec::new();
    let count = size(inode.attribute_extents);
    let records = inode.attributes.as_chunks::<16>().0;
    for record in records.get(..count).ok_or_else(cut_off)? {
        let (high, low) = (Big.u64(record, 0).unwrap_or_default(), Big.u64(record, 8).unwrap_or_default());
        let (first, count) = ((high & 0x1ff) << 43 | low >> 21, low & 0x1f_ffff);
        for number in 0..count {
            if length(blocks.len()) >= MAX_BLOCKS {
                return Err(DiskError::TooMuch { what: WHAT, of: "blocks", limit: MAX_BLOCKS });
            }
            let block = first.checked_add(number).and_then(|block| volume.offset(block));
            blocks.push(block.ok_or_else(outside)?);
        }
    }
    Ok(blocks)
}

/// Reads a leaf: entries of eight bytes behind a header, names and values at the places that these give. Returns whether the block is
/// one, or of the index of several; others hold long values.
fn in_block(block: &[u8], values: &mut Vec<Vec<u8>>) -> Result<bool, DiskError> {
    let (count_at, entries_at) = match Big.u16(block, 8) {
        Some(0xfbee) => (12, 32),
        Some(0x3bee) => (56, 80),
        Some(0xfebe | 0x3ebe) => return Ok(true),
        _ => return Ok(false),
    };
    let count = usize::from(Big.u16(block, count_at).ok_or_else(cut_off)?);
    let entries = block.get(entries_at..).unwrap_or_default().as_chunks::<8>().0;
    for entry in entries.get(..count).ok_or_else(cut_off)? {
        let [.., place, place_low, flags, _] = *entry;
        if flags & SECURE == 0 {
            continue;
        }
        let attribute = (|| {
            let at = block.get(usize::from(u16::from_be_bytes([place, place_low]))..)?;
            if flags & LOCAL == 0 {
                // The block and the length of the value, four bytes each, come first.
                let name_len = usize::from(*at.get(8)?);
                return Some((at.get(9..)?.get(..name_len)?, None));
            }
            let (value_len, name_len) = (usize::from(Big.u16(at, 0)?), usize::from(*at.get(2)?));
            let (name, rest) = at.get(3..)?.split_at_checked(name_len)?;
            Some((name, Some(rest.get(..value_len)?)))
        })();
        match attribute.ok_or_else(cut_off)? {
            (NAME, Some(value)) => values.push(value.to_vec()),
            (NAME, None) => {
                return Err(DiskError::damaged(WHAT, "the capabilities are longer than any can be"));
            }
            _ => {}
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns the values, or `None` where they cannot be read.
    fn read(read: impl FnOnce(&mut Vec<Vec<u8>>) -> Result<bool, DiskError>) -> Option<Vec<Vec<u8>>> {
        let mut values = Vec::new();
        read(&mut values).ok().filter(|read| *read).map(|_| values)
    }

    #[test]
    fn the_short_form_is_read() {
        let inside = |fork: &[u8]| read(|values| inside(fork, values).map(|()| true));
        let fork = b"\0\x20\x02\0\x07\x03\x04selinuxabc\x0a\x02\x04capabilityxy";
        assert_eq!(inside(fork), Some(vec![b"xy".to_vec()]));
        // Of that name, but the user's.
        assert_eq!(inside(b"\0\x10\x01\0\x0a\x02\0capabilityxy"), Some(vec![]));
        // What is cut off may be it.
        assert_eq!(inside(b"\0\x10\x02\0\x0a"), None);
        assert_eq!(inside(b"\0\x20\x02\0\x07\xff\x04selinuxabc\x0a\x02\x04capabilityxy"), None);
    }

    #[test]
    fn a_block_is_read() {
        for (magic, count_at, entries_at) in [(0xfbee_u16, 12, 32), (0x3bee, 56, 80)] {
            let mut block = vec![0; 256];
            block[8..10].copy_from_slice(&magic.to_be_bytes());
            block[count_at + 1] = 1;
            block[entries_at + 5] = 200;
            block[entries_at + 6] = SECURE | LOCAL;
            block[200..215].copy_from_slice(b"\0\x02\x0acapabilityxy");
            let values = |block: &[u8]| read(|values| in_block(block, values));
            assert_eq!(values(&block), Some(vec![b"xy".to_vec()]), "{magic:#x}");
            let with = |at: usize, byte: u8| {
                let mut changed = block.clone();
                changed[at] = byte;
                values(&changed)
            };
            assert_eq!(with(entries_at + 6, LOCAL), Some(vec![]), "the user's");
            assert_eq!(with(entries_at + 5, 255), None, "outside the block");
            assert_eq!(with(count_at + 1, 200), None, "more entries than there is room for");
            let mut far = block.clone();
            far[entries_at + 6] = SECURE;
            far[200..219].copy_from_slice(b"\0\0\0\x01\0\0\0\x02\x0acapability");
            assert_eq!(values(&far), None, "in a block of its own");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..300), magic in prop::sample::select(vec![0xfbee_u16, 0x3bee])) {
            let _ = inside(&bytes, &mut Vec::new());
            if let Some(at) = bytes.get_mut(8..10) {
                at.copy_from_slice(&magic.to_be_bytes());
            }
            let _ = in_block(&bytes, &mut Vec::new());
        }
    }
}
