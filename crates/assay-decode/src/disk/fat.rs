//! Reads FAT12, FAT16 and FAT32: EFI system partitions ([Microsoft's specification]).
//!
//! Surprising things:
//! - Which of the three it is follows from the number of clusters alone.
//! - Long names stand before their entry, last part first, each in an entry that pretends to be a volume label.
//! - There are neither owners nor modes; a node is named by the place of its entry.
//!
//! [Microsoft's specification]: https://download.microsoft.com/download/1/6/1/161ba512-40e2-4cc9-843a-923143f3456c/fatgen103.doc

use crate::bytes::Endian::Little;
use crate::disk::cache::Cached;
use crate::disk::file_system::{FileSystem, FileSystemKind, Node, NodeId, NodeKind};
use crate::disk::pieces::{Piece, Pieces, Place};
use crate::disk::{DiskError, Shared};
use crate::read_at::ReadAt;

const WHAT: &str = "the FAT file system";
const CACHE: usize = 2 << 20;
const ENTRY: u64 = 32;
const ROOT: u64 = 0;
/// Bytes of one folder: 65,536 entries (specification, "FAT directory structure").
const MAX_FOLDER: u64 = 2 << 20;
/// Clusters of one file: its length has 32 bits, a cluster at least 512 bytes.
const MAX_CHAIN: u64 = 1 << 23;

const ATTRIBUTE_FOLDER: u8 = 0x10;
const ATTRIBUTE_LABEL: u8 = 0x08;
const ATTRIBUTE_LONG_NAME: u8 = 0x0f;

/// An opened file system.
pub(crate) struct Fat {
    source: Shared,
    tables: Cached,
    bits: u32,
    cluster: u64,
    table: u64,
    data: u64,
    clusters: u64,
    /// Where the root folder is: a place, but for FAT32.
    root: Root,
    label: String,
    uuid: String,
}

enum Root {
    Fixed { at: u64, len: u64 },
    Cluster(u64),
}

struct Geometry {
    bits: u32,
    cluster: u64,
    table: u64,
    data: u64,
    clusters: u64,
    root: Root,
    /// Where the serial number is.
    serial: usize,
}

impl Geometry {
    fn read(block: &[u8]) -> Option<Self> {
        if block.get(510..512) != Some(&[0x55, 0xaa]) || !matches!(block.first(), Some(0xeb | 0xe9)) {
            return None;
        }
        let u16_at = |at| Little.u16(block, at).map(u64::from);
        let sector = u16_at(11).filter(|size| size.is_power_of_two() && (512..=4096).contains(size))?;
        let per_cluster = u64::from(*block.get(13)?);
        let (reserved, tables) = (u16_at(14)?, u64::from(*block.get(16)?));
        if !per_cluster.is_power_of_two() || reserved == 0 || tables == 0 || tables > 4 {
            return None;
        }
        let root_len = u16_at(17)?.checked_mul(ENTRY)?;
        let either =
            |short: u64, at| if short != 0 { Some(short) } else { Little.u32(block, at).map(u64::from) };
        let (sectors, table_len) = (either(u16_at(19)?, 32)?, either(u16_at(22)?, 36)?);
        let root_at = reserved.checked_add(tables.checked_mul(table_len)?)?;
        let data = root_at.checked_add(root_len.div_ceil(sector))?;
        let clusters = sectors.checked_sub(data)?.checked_div(per_cluster)?;
        let bits = match clusters {
            0 => return None,
            1..=4084 => 12,
            4085..=65524 => 16,
            _ => 32,
        };
        let root = if bits == 32 {
            Root::Cluster(u64::from(Little.u32(block, 44)?))
        } else {
            Root::Fixed { at: root_at.checked_mul(sector)?, len: root_len }
        };
        Some(Self {
            bits,
            cluster: per_cluster.checked_mul(sector)?,
            table: reserved.checked_mul(sector)?,
            data: data.checked_mul(sector)?,
            clusters,
            root,
            serial: if bits == 32 { 67 } else { 39 },
        })
    }
}

pub(crate) fn is_fat(source: &dyn ReadAt) -> bool {
    source.read_range(0, 512, 512).is_ok_and(|block| Geometry::read(&block).is_some())
}

impl Fat {
    pub(crate) fn open(source: &Shared) -> Result<Self, DiskError> {
        let block = source.read_range(0, 512, 512).map_err(DiskError::reading(WHAT))?;
        let geometry = Geometry::read(&block)
            .ok_or_else(|| DiskError::damaged(WHAT, "its first sector makes no sense"))?;
        let serial = Little.u32(&block, geometry.serial).unwrap_or_default();
        let label = block.get(geometry.serial.saturating_add(4)..).and_then(|rest| rest.get(..11));
        Ok(Self {
            tables: Cached::new(Shared::clone(source), CACHE),
            label: String::from_utf8_lossy(label.unwrap_or_default()).trim_end().to_owned(),
            uuid: format!("{:04x}-{:04x}", serial >> 16, serial & 0xffff),
            bits: geometry.bits,
            cluster: geometry.cluster,
            table: geometry.table,
            data: geometry.data,
            clusters: geometry.clusters,
            root: geometry.root,
            source: Shared::clone(source),
        })
    }

    /// Returns the cluster behind this one; `None` at the end of a chain.
    fn next(&self, cluster: u64) -> Result<Option<u64>, DiskError> {
        let read = |at: u64, bytes: &mut [u8]| {
            self.tables
                .read_exact_at(self.table.saturating_add(at), bytes)
                .map_err(DiskError::reading("the table of a FAT file system"))
        };
        let (next, end) = match self.bits {
            12 => {
                let mut bytes = [0; 2];
                read(cluster.saturating_add(cluster / 2), &mut bytes)?;
                let both = u64::from(u16::from_le_bytes(bytes));
                (if cluster.is_multiple_of(2) { both & 0xfff } else { both >> 4 }, 0xff8)
            }
            16 => {
                let mut bytes = [0; 2];
                read(cluster.saturating_mul(2), &mut bytes)?;
                (u64::from(u16::from_le_bytes(bytes)), 0xfff8)
            }
            _ => {
                let mut bytes = [0; 4];
                read(cluster.saturating_mul(4), &mut bytes)?;
                (u64::from(u32::from_le_bytes(bytes)) & 0x0fff_ffff, 0x0fff_fff8)
            }
        };
        Ok((next < end).then_some(next))
    }

    /// Returns the bytes of a chain of clusters, at most `limit`.
    fn chain(&self, first: u64, limit: u64) -> Result<Pieces, DiskError> {
        let damaged =
            || DiskError::damaged("a file of the FAT file system", "its chain of clusters makes no sense");
        let (mut pieces, mut at) = (Vec::new(), 0_u64);
        let mut next = (first != 0 && limit > 0).then_some(first);
        let mut left = self.clusters.min(MAX_CHAIN);
        while let Some(cluster) = next {
            // A chain that is longer than the disk has clusters turns in a circle.
            left = left.checked_sub(1).ok_or_else(damaged)?;
            let index = cluster.checked_sub(2).filter(|index| *index < self.clusters).ok_or_else(damaged)?;
            let from = self.data.saturating_add(index.saturating_mul(self.cluster));
            Pieces::push(&mut pieces, Piece { at, len: self.cluster, from: Place::Source(0, from) });
            at = at.saturating_add(self.cluster);
            if at >= limit {
                break;
            }
            next = self.next(cluster)?;
        }
        let sources = vec![Shared::clone(&self.source)];
        Ok(Pieces::new("a file of the FAT file system", sources, pieces, at.min(limit)))
    }

    /// Returns the bytes of a folder.
    fn folder(&self, id: NodeId) -> Result<Pieces, DiskError> {
        let first = if id.number == ROOT {
            match self.root {
                Root::Fixed { at, len } => {
                    return Ok(Pieces::part("the root folder", &self.source, at, len.min(MAX_FOLDER)));
                }
                Root::Cluster(cluster) => cluster,
            }
        } else {
            let entry = self.entry(id)?;
            if entry.attributes & ATTRIBUTE_FOLDER == 0 {
                return Err(DiskError::damaged(WHAT, "what should be a folder is none"));
            }
            entry.cluster
        };
        self.chain(first, MAX_FOLDER)
    }

    fn entry(&self, id: NodeId) -> Result<Entry, DiskError> {
        let bytes = self
            .tables
            .read_range(id.number, ENTRY, 32)
            .map_err(DiskError::reading("an entry of a folder"))?;
        Entry::parse(&bytes).ok_or_else(|| DiskError::damaged(WHAT, "an entry of a folder is cut off"))
    }
}

struct Entry {
    attributes: u8,
    cluster: u64,
    size: u64,
}

impl Entry {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (high, low) = (u64::from(Little.u16(bytes, 20)?), u64::from(Little.u16(bytes, 26)?));
        Some(Self {
            attributes: *bytes.get(11)?,
            cluster: high << 16 | low,
            size: u64::from(Little.u32(bytes, 28)?),
        })
    }
}

/// Returns the name of eight and three letters, in lower case as Linux shows it.
fn short_name(bytes: &[u8]) -> Vec<u8> {
    let part = |range: std::ops::Range<usize>| {
        let part = bytes.get(range).unwrap_or_default();
        part.trim_ascii_end().to_ascii_lowercase()
    };
    let (mut name, extension) = (part(0..8), part(8..11));
    if !extension.is_empty() {
        name.push(b'.');
        name.extend_from_slice(&extension);
    }
    name
}

/// Puts the 13 letters of one entry before those of the entries before it.
fn long_part(entry: &[u8], units: &mut Vec<u16>) {
    let order = entry.first().copied().unwrap_or_default();
    if order & 0x40 != 0 {
        units.clear();
    }
    let mut part: Vec<u16> = [1..11, 14..26, 28..32]
        .into_iter()
        .flat_map(|range: std::ops::Range<usize>| entry.get(range).unwrap_or_default().chunks_exact(2))
        .filter_map(|pair| Little.u16(pair, 0))
        .take_while(|unit| *unit != 0 && *unit != 0xffff)
        .collect();
    part.append(units);
    *units = part;
    // A name has at most 255 letters.
    units.truncate(260);
}

impl FileSystem for Fat {
    fn kind(&self) -> FileSystemKind {
        FileSystemKind::Fat
    }

    fn label(&self) -> &str {
        &self.label
    }

    fn uuid(&self) -> &str {
        &self.uuid
    }

    fn root(&self) -> NodeId {
        NodeId::of(ROOT)
    }

    fn node(&self, id: NodeId) -> Result<Node, DiskError> {
        let folder = Node { kind: NodeKind::Folder, mode: 0o755, uid: 0, gid: 0, size: 0 };
        if id.number == ROOT {
            return Ok(folder);
        }
        let entry = self.entry(id)?;
        if entry.attributes & ATTRIBUTE_FOLDER != 0 {
            return Ok(folder);
        }
        Ok(Node { kind: NodeKind::File, size: entry.size, ..folder })
    }

    fn entries(&self, folder: NodeId, each: &mut dyn FnMut(&[u8], NodeId) -> bool) -> Result<(), DiskError> {
        let content = self.folder(folder)?;
        let (mut at, mut units) = (0_u64, Vec::new());
        while at.saturating_add(ENTRY) <= content.len() {
            let mut bytes = [0; 32];
            content.read_exact_at(at, &mut bytes).map_err(DiskError::reading("a folder"))?;
            let place = content.place(at, ENTRY);
            at = at.saturating_add(ENTRY);
            let [first, ..] = bytes;
            let attributes = bytes.get(11).copied().unwrap_or_default();
            match first {
                0 => return Ok(()),
                0xe5 => {
                    units.clear();
                    continue;
                }
                _ if attributes & 0x3f == ATTRIBUTE_LONG_NAME => {
                    long_part(&bytes, &mut units);
                    continue;
                }
                _ => {}
            }
            let long = std::mem::take(&mut units);
            if attributes & ATTRIBUTE_LABEL != 0 || first == b'.' {
                continue;
            }
            let name = if long.is_empty() {
                short_name(&bytes)
            } else {
                String::from_utf16_lossy(&long).into_bytes()
            };
            let Some(place) = place else { continue };
            if !each(&name, NodeId::of(place)) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn link_target(&self, _: NodeId) -> Result<Vec<u8>, DiskError> {
        Err(DiskError::unsupported(WHAT, "it has no symbolic links"))
    }

    fn open(&self, id: NodeId) -> Result<Box<dyn ReadAt>, DiskError> {
        let entry = self.entry(id)?;
        let content = self.chain(entry.cluster, entry.size)?;
        if content.len() < entry.size {
            return Err(DiskError::damaged(
                "a file of the FAT file system",
                "its chain of clusters ends too early",
            ));
        }
        Ok(Box::new(content))
    }
}
