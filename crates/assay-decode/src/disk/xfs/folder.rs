//! The names in a folder of XFS.

use super::{Inode, Volume};
use crate::bytes::Endian::Big;
use crate::disk::file_system::NodeId;
use crate::disk::{DiskError, size};
use crate::read_at::ReadAt;

const WHAT: &str = "a folder of the xfs file system";
/// Where the index of a folder begins, in bytes of the folder.
const INDEX: u64 = 32 << 30;
/// Bytes of one folder's names; a million have 40 MB.
const MAX_FOLDER: u64 = 1 << 30;

type Each<'a> = &'a mut dyn FnMut(&[u8], NodeId) -> bool;

pub(super) fn entries(inode: &Inode, volume: &Volume, each: Each<'_>) -> Result<(), DiskError> {
    let damaged = || DiskError::damaged(WHAT, "an entry of it makes no sense");
    if let Some(inside) = inode.inside() {
        return short(inside, volume.file_type, each).ok_or_else(damaged);
    }
    let content = inode.content(volume)?;
    let len = content.len().min(INDEX);
    if len > MAX_FOLDER {
        return Err(DiskError::TooMuch { what: WHAT, of: "bytes", limit: MAX_FOLDER });
    }
    let mut block = vec![0; size(volume.folder_block)];
    let mut at = 0_u64;
    while at < len {
        content.read_exact_at_or_zero(at, &mut block).map_err(DiskError::reading(WHAT))?;
        match names(&block, volume.file_type, each) {
            Some(true) => {}
            Some(false) => return Ok(()),
            None => return Err(damaged()),
        }
        at = at.saturating_add(volume.folder_block);
    }
    Ok(())
}

/// Reads a folder inside its inode: a count, the parent, and entries without padding.
fn short(bytes: &[u8], file_type: bool, each: Each<'_>) -> Option<()> {
    let (count, wide) = (usize::from(*bytes.first()?), *bytes.get(1)? != 0);
    let number_len = if wide { 8_usize } else { 4 };
    let mut rest = bytes.get(2_usize.checked_add(number_len)?..)?;
    // One of the two counts is zero: with large numbers, the second is the number of entries.
    let count = if wide { count.max(usize::from(*bytes.get(1)?)) } else { count };
    for _ in 0..count {
        let name_len = usize::from(*rest.first()?);
        let name = rest.get(3..)?.get(..name_len)?;
        let number_at = 3_usize.checked_add(name_len)?.checked_add(usize::from(file_type))?;
        let number = if wide { Big.u64(rest, number_at)? } else { u64::from(Big.u32(rest, number_at)?) };
        if !each(name, NodeId::of(number)) {
            return Some(());
        }
        rest = rest.get(number_at.checked_add(number_len)?..)?;
    }
    Some(())
}

/// Reads one block of a folder; false when `each` wants no more, `None` when it is damaged.
fn names(block: &[u8], file_type: bool, each: Each<'_>) -> Option<bool> {
    let (start, end) = match block.get(..4)? {
        b"XDD3" => (64_usize, block.len()),
        b"XD2D" => (16, block.len()),
        // The only block of a folder ends with its index.
        kind @ (b"XDB3" | b"XD2B") => {
            let tail = block.len().checked_sub(8)?;
            let index = size(u64::from(Big.u32(block, tail)?)).checked_mul(8)?;
            (if kind == b"XDB3" { 64 } else { 16 }, tail.checked_sub(index)?)
        }
        // A hole.
        [0, 0, 0, 0] => return Some(true),
        _ => return None,
    };
    let mut rest = block.get(start..end)?;
    while rest.len() >= 8 {
        let len = if Big.u16(rest, 0)? == 0xffff {
            usize::from(Big.u16(rest, 2)?)
        } else {
            let number = Big.u64(rest, 0)?;
            let name_len = usize::from(*rest.get(8)?);
            let name = rest.get(9..)?.get(..name_len)?;
            if !matches!(name, b"." | b"..") && !each(name, NodeId::of(number)) {
                return Some(false);
            }
            // Number, length, name, type, and a tag of two bytes.
            11_usize.checked_add(name_len)?.checked_add(usize::from(file_type))?.div_ceil(8).checked_mul(8)?
        };
        if len < 8 {
            return None;
        }
        rest = rest.get(len..)?;
    }
    Some(true)
}
