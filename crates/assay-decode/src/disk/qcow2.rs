//! Reads qcow2, qemu's disk format, versions 2 and 3 ([specification]).
//!
//! A disk is cut into clusters; a table of two levels (L1, L2) says where each one is: in the file as it is, in the file
//! compressed, in the backing file, or nowhere because it is zeros. Surprising things:
//! - The size of a compressed cluster is given in sectors of 512 bytes and is rounded up: it may take in the beginning of the next.
//! - Deflated clusters have no zlib header. Zstandard is a bit among the incompatible features and a byte behind the header.
//! - With extended L2 entries, a cluster has 32 parts, each of which may be there, zeros, or in the backing file.
//! - Snapshots inside the file are other tables; the active one is what a machine would boot, and what is read.
//!
//! [specification]: https://www.qemu.org/docs/master/interop/qcow2.html

use crate::bytes::Endian::Big;
use crate::disk::cache::{BlockCache, Cached, at_most, copy};
use crate::disk::image::{Backing, Opening, SiblingRole};
use crate::disk::{DiskError, Shared, length, size};
use crate::read_at::ReadAt;
use std::io::{self, Read};

const WHAT: &str = "the qcow2 image";

/// Bytes of L1 and L2 tables held: enough for 8 GiB of the usual clusters; a table is read in parts of 4 KiB.
const TABLE_CACHE: usize = 1 << 20;
/// Bytes of decompressed clusters held: 128 of the usual size, 4 of the largest.
const CLUSTER_CACHE: usize = 8 << 20;
/// The largest cluster qemu makes is 2^21 bytes.
const CLUSTER_BITS: std::ops::RangeInclusive<u32> = 9..=21;
/// Bytes of the longest name of a backing file (specification, "Header").
const MAX_NAME: u64 = 1023;
/// Header extensions that are looked at; there are six kinds.
const MAX_EXTENSIONS: usize = 64;

const INCOMPATIBLE_CORRUPT: u64 = 1 << 1;
const INCOMPATIBLE_DATA_FILE: u64 = 1 << 2;
const INCOMPATIBLE_COMPRESSION: u64 = 1 << 3;
const INCOMPATIBLE_EXTENDED_L2: u64 = 1 << 4;
/// Dirty and corrupt images are read as they are, as far as they go.
const INCOMPATIBLE_KNOWN: u64 =
    1 | INCOMPATIBLE_CORRUPT | INCOMPATIBLE_DATA_FILE | INCOMPATIBLE_COMPRESSION | INCOMPATIBLE_EXTENDED_L2;

const EXTENSION_BACKING_FORMAT: u32 = 0xe279_2aca;
const EXTENSION_DATA_FILE: u32 = 0x4441_5441;

/// Bits 9 to 55 of a table's entry.
const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;
const L2_COMPRESSED: u64 = 1 << 62;
const L2_ZERO: u64 = 1;

/// An image whose header has been read.
pub(crate) struct Qcow2 {
    file: Cached,
    /// Where clusters are that are not compressed: `None` for a data file that is not there.
    data: Option<Shared>,
    external_data: bool,
    size: u64,
    cluster_bits: u32,
    l1_offset: u64,
    l1_size: u64,
    extended: bool,
    zstd: bool,
    backing: Backing,
    clusters: BlockCache,
}

/// Where bytes of the disk are.
enum Found {
    Data(u64),
    Compressed { offset: u64, len: u64 },
    Zeros,
    Backing,
}

#[derive(Default)]
struct Extensions {
    backing_format: Option<String>,
    data_file: Option<String>,
}

impl Qcow2 {
    /// Reads the header, and opens what the image stands on.
    pub(crate) fn open(file: Shared, opening: &mut Opening<'_>) -> Result<Self, DiskError> {
        let damaged = |why: &str| DiskError::damaged(WHAT, why);
        let mut header = [0; 112];
        let read = file.read_at(0, &mut header).map_err(DiskError::reading(WHAT))?;
        let header = header.get(..read).unwrap_or_default();
        let u32_at = |at| Big.u32(header, at).ok_or_else(|| damaged("it ends in its header"));
        let u64_at = |at| Big.u64(header, at).ok_or_else(|| damaged("it ends in its header"));
        let version = u32_at(4)?;
        let cluster_bits = u32_at(20)?;
        if !CLUSTER_BITS.contains(&cluster_bits) {
            return Err(damaged(&format!("its clusters have 2^{cluster_bits} bytes")));
        }
        if u32_at(32)? != 0 {
            return Err(DiskError::unsupported(WHAT, "it is encrypted"));
        }
        let (features, header_length) =
            if version >= 3 { (u64_at(72)?, u64::from(u32_at(100)?)) } else { (0, 72) };
        if features & !INCOMPATIBLE_KNOWN != 0 {
            return Err(DiskError::unsupported(WHAT, format!("it has unknown features ({features:#x})")));
        }
        let compression = if features & INCOMPATIBLE_COMPRESSION != 0 && header_length > 104 {
            header.get(104).copied().unwrap_or_default()
        } else {
            0
        };
        if compression > 1 {
            return Err(DiskError::unsupported(WHAT, format!("its compression is number {compression}")));
        }
        let extensions = extensions(&file, header_length);
        let (name_offset, name_len) = (u64_at(8)?, u64::from(u32_at(16)?));
        let backing = if name_offset == 0 || name_len == 0 {
            Backing::None
        } else {
            let name = file
                .read_range(name_offset, name_len, size(MAX_NAME))
                .map_err(DiskError::reading("the name of the backing file"))?;
            // Whoever made the image said what the backing file is: a raw disk may begin with any bytes.
            let raw = extensions.backing_format.as_deref() == Some("raw");
            opening.backing(&String::from_utf8_lossy(&name), raw)?
        };
        let external_data = features & INCOMPATIBLE_DATA_FILE != 0;
        let data = if external_data {
            let name = extensions.data_file.ok_or_else(|| damaged("it does not name its data file"))?;
            opening.sibling(&name, SiblingRole::Extent)
        } else {
            Some(Shared::clone(&file))
        };
        let image = Self {
            data,
            external_data,
            size: u64_at(24)?,
            cluster_bits,
            l1_offset: u64_at(40)?,
            l1_size: u64::from(u32_at(36)?),
            extended: features & INCOMPATIBLE_EXTENDED_L2 != 0,
            zstd: compression == 1,
            backing,
            clusters: BlockCache::new(CLUSTER_CACHE),
            file: Cached::new(file, TABLE_CACHE),
        };
        if image.extended && cluster_bits < 14 {
            return Err(damaged("its clusters are too small for parts"));
        }
        Ok(image)
    }

    fn cluster_size(&self) -> u64 {
        1_u64.checked_shl(self.cluster_bits).unwrap_or(u64::MAX)
    }

    fn number(&self, at: u64) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(at, &mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    /// Says where the byte at `offset` is, and how many behind it are in the same place.
    fn find(&self, offset: u64) -> io::Result<(Found, u64)> {
        let damaged = |why: &str| io::Error::from(DiskError::damaged(WHAT, why));
        let cluster_size = self.cluster_size();
        let entry_size: u64 = if self.extended { 16 } else { 8 };
        let cluster = offset >> self.cluster_bits;
        let within = offset & cluster_size.wrapping_sub(1);
        let left = cluster_size.saturating_sub(within);
        let per_table = if self.extended { cluster_size / 16 } else { cluster_size / 8 };
        let (l1_index, l2_index) =
            (cluster.checked_div(per_table).unwrap_or(0), cluster.checked_rem(per_table).unwrap_or(0));
        if l1_index >= self.l1_size {
            return Err(damaged("its first table ends before the disk does"));
        }
        let l1_at = self.l1_offset.checked_add(l1_index.saturating_mul(8));
        let table = self.number(l1_at.ok_or_else(|| damaged("its first table lies nowhere"))?)? & OFFSET_MASK;
        if table == 0 {
            return Ok((Found::Backing, left));
        }
        let at = table.saturating_add(l2_index.saturating_mul(entry_size));
        let entry = self.number(at)?;
        if entry & L2_COMPRESSED != 0 {
            return Ok((self.compressed(entry), left));
        }
        let start = entry & OFFSET_MASK;
        // In a data file, the first cluster is at 0, and a bit that is otherwise redundant says that it is there.
        let there = start != 0 || self.external_data && entry >> 63 == 1;
        if self.extended {
            let bitmap = self.number(at.saturating_add(8))?;
            let part_size = (cluster_size / 32).max(1);
            let part = within.checked_div(part_size).unwrap_or(0).min(31);
            let left = part_size.saturating_sub(within.checked_rem(part_size).unwrap_or(0));
            let found = if bitmap >> part.saturating_add(32) & 1 == 1 {
                Found::Zeros
            } else if bitmap >> part & 1 == 1 && there {
                Found::Data(start.saturating_add(within))
            } else {
                Found::Backing
            };
            return Ok((found, left));
        }
        Ok(if entry & L2_ZERO != 0 {
            (Found::Zeros, left)
        } else if there {
            (Found::Data(start.saturating_add(within)), left)
        } else {
            (Found::Backing, left)
        })
    }

    /// Splits the entry of a compressed cluster: the offset in the low bits, behind it the number of further sectors.
    fn compressed(&self, entry: u64) -> Found {
        let offset_bits = 62_u32.saturating_sub(self.cluster_bits.saturating_sub(8));
        let mask = 1_u64.checked_shl(offset_bits).unwrap_or(0).wrapping_sub(1);
        let offset = entry & mask;
        let sectors = (entry & L2_COMPRESSED.wrapping_sub(1)).checked_shr(offset_bits).unwrap_or(0);
        let len = sectors.saturating_add(1).saturating_mul(512).saturating_sub(offset % 512);
        Found::Compressed { offset, len }
    }

    /// Returns a compressed cluster's bytes.
    fn inflate(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        let file = self.file.source();
        // The last sector may be cut off at the end of the file.
        let len = len.min(file.len().saturating_sub(offset));
        // Not more than a cluster and a sector: what does not shrink is not stored compressed.
        let limit = self.cluster_size().saturating_add(512);
        let stored = file.read_range(offset, len, size(limit))?;
        let mut cluster = vec![0; size(self.cluster_size())];
        if self.zstd {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(&*stored)?;
            // A window is memory, and one larger than the largest cluster is of no use.
            decoder.window_log_max(23)?;
            decoder.read_exact(&mut cluster)?;
        } else {
            flate2::bufread::DeflateDecoder::new(&*stored).read_exact(&mut cluster)?;
        }
        Ok(cluster)
    }
}

/// Reads the extensions behind the header: type, length, data, padded to eight bytes.
fn extensions(file: &Shared, mut at: u64) -> Extensions {
    let mut found = Extensions::default();
    for _ in 0..MAX_EXTENSIONS {
        let Ok(head) = file.read_range(at, 8, 8) else { break };
        let (Some(kind), Some(len)) = (Big.u32(&head, 0), Big.u32(&head, 4)) else { break };
        let (data, len) = (at.saturating_add(8), u64::from(len));
        let text = || {
            let bytes = file.read_range(data, len, size(MAX_NAME)).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        match kind {
            0 => break,
            EXTENSION_BACKING_FORMAT => found.backing_format = text(),
            EXTENSION_DATA_FILE => found.data_file = text(),
            _ => {}
        }
        at = data.saturating_add(len.div_ceil(8).saturating_mul(8));
    }
    found
}

impl ReadAt for Qcow2 {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let buf = at_most(buf, self.size.saturating_sub(offset));
        if buf.is_empty() {
            return Ok(0);
        }
        let (found, left) = self.find(offset)?;
        let buf = at_most(buf, left);
        match found {
            Found::Zeros => {
                buf.fill(0);
                Ok(buf.len())
            }
            Found::Backing => self.backing.read(WHAT, offset, buf),
            Found::Data(at) => match self.data.as_ref().map(|data| data.read_at(at, buf)) {
                // The last cluster may be cut off at the end of the file.
                Some(Ok(0))
                    if self.data.as_ref().is_some_and(|data| at < data.len().saturating_add(left)) =>
                {
                    buf.fill(0);
                    Ok(buf.len())
                }
                Some(Ok(0)) => {
                    Err(DiskError::damaged(WHAT, "a cluster lies behind the end of the file").into())
                }
                Some(read) => read,
                None => Err(DiskError::damaged(WHAT, "its data file is not there").into()),
            },
            Found::Compressed { offset: at, len } => {
                let cluster = self.clusters.get(at, || self.inflate(at, len))?;
                let within = size(offset & self.cluster_size().wrapping_sub(1));
                let copied = copy(cluster.get(within..).unwrap_or_default(), buf);
                debug_assert_eq!(length(cluster.len()), self.cluster_size());
                Ok(copied)
            }
        }
    }
}
