//! The extended attribute `security.capability` of an inode of XFS: inside it, or in a single block of attributes.
//!
//! Attributes that fill more blocks are a tree, in which no program of a distribution has them: only access lists and labels are longer.

use super::{Inode, Volume};
use crate::bytes::Endian::Big;
use crate::disk::{DiskError, size};
use crate::read_at::ReadAt;

const FORMAT_INSIDE: u8 = 1;
const FORMAT_EXTENTS: u8 = 2;
/// `XFS_ATTR_SECURE`: the name lacks its `security.`.
const SECURE: u8 = 1 << 2;
/// `XFS_ATTR_LOCAL`: the value lies beside the name.
const LOCAL: u8 = 1;
const NAME: &[u8] = b"capability";

/// Returns the attribute, where there is one.
pub(super) fn capability(inode: &Inode, volume: &Volume) -> Result<Option<Vec<u8>>, DiskError> {
    match inode.attribute_format {
        FORMAT_INSIDE => Ok(inside(&inode.attributes).map(<[u8]>::to_vec)),
        FORMAT_EXTENTS if !inode.attributes.is_empty() => {
            let Some(block) = first_block(&inode.attributes) else { return Ok(None) };
            let damaged =
                || DiskError::damaged("the attributes of a file", "they lie outside the file system");
            let at = volume.offset(block).ok_or_else(damaged)?;
            let len = volume.block_size;
            let block = volume.tables.read_range(at, len, size(len));
            let block = block.map_err(DiskError::reading("the attributes of a file"))?;
            Ok(in_block(&block).map(<[u8]>::to_vec))
        }
        _ => Ok(None),
    }
}

/// Reads the short form: four bytes, then each name and value with their lengths and flags before them.
fn inside(fork: &[u8]) -> Option<&[u8]> {
    let count = *fork.get(2)?;
    let mut rest = fork.get(4..)?;
    for _ in 0..count {
        let (&[name_len, value_len, flags], after) = rest.split_first_chunk()?;
        let (name, after) = after.split_at_checked(usize::from(name_len))?;
        let (value, after) = after.split_at_checked(usize::from(value_len))?;
        if flags & SECURE != 0 && name == NAME {
            return Some(value);
        }
        rest = after;
    }
    None
}

/// Returns the block of the first extent, which begins with the first byte of the fork's content.
fn first_block(fork: &[u8]) -> Option<u64> {
    let (high, low) = (Big.u64(fork, 0)?, Big.u64(fork, 8)?);
    let at = (high & 0x7fff_ffff_ffff_ffff) >> 9;
    (at == 0).then_some((high & 0x1ff) << 43 | low >> 21)
}

/// Reads a leaf: entries of eight bytes behind a header, names and values at the places that these give.
fn in_block(block: &[u8]) -> Option<&[u8]> {
    let (count_at, entries_at) = match Big.u16(block, 8)? {
        0xfbee => (12, 32),
        0x3bee => (56, 80),
        _ => return None,
    };
    let count = usize::from(Big.u16(block, count_at)?);
    let entries = block.get(entries_at..)?.chunks_exact(8).take(count);
    let mut secure =
        entries.filter(|entry| entry.get(6).is_some_and(|flags| flags & (SECURE | LOCAL) == SECURE | LOCAL));
    secure.find_map(|entry| {
        let at = block.get(usize::from(Big.u16(entry, 4)?)..)?;
        let (value_len, name_len) = (usize::from(Big.u16(at, 0)?), usize::from(*at.get(2)?));
        let (name, rest) = at.get(3..)?.split_at_checked(name_len)?;
        rest.get(..value_len).filter(|_| name == NAME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_short_form_is_read() {
        let fork = b"\0\x20\x02\0\x07\x03\x04selinuxabc\x0a\x02\x04capabilityxy";
        assert_eq!(inside(fork), Some(&b"xy"[..]));
        // Of that name, but the user's.
        assert_eq!(inside(b"\0\x10\x01\0\x0a\x02\0capabilityxy"), None);
        assert_eq!(inside(b"\0\x10\x02\0\x0a"), None);
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
            assert_eq!(in_block(&block), Some(&b"xy"[..]), "{magic:#x}");
            block[entries_at + 6] = LOCAL;
            assert_eq!(in_block(&block), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..300), magic in prop::sample::select(vec![0xfbee_u16, 0x3bee])) {
            let _ = (inside(&bytes), first_block(&bytes));
            if let Some(at) = bytes.get_mut(8..10) {
                at.copy_from_slice(&magic.to_be_bytes());
            }
            let _ = in_block(&bytes);
        }
    }
}
