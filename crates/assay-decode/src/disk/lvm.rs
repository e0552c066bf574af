//! Reads LVM2 volume groups and gives their linear and striped logical volumes.
//!
//! There is no specification; the facts are those of LVM2's `lib/format_text` and of `lvm2-format-text(5)`'s relatives: a label in
//! one of the first four sectors of a physical volume, behind it the places of metadata areas, in these a ring buffer that
//! holds the volume group as text. Surprising: every physical volume may carry the whole text, some carry none, and of several
//! versions the one with the highest `seqno` counts. What is thin, cached, mirrored or a snapshot is named, not read.

mod metadata;

use crate::bytes::{Endian::Little, array};
use crate::disk::pieces::{Piece, Pieces, Place};
use crate::disk::{DiskError, Shared, size};
use crate::read_at::ReadAt;
use metadata::Section;
use std::collections::BTreeMap;
use std::sync::Arc;

const WHAT: &str = "the volume group";
const SECTOR: u64 = 512;
const AREA_MAGIC: &[u8] = b" LVM2 x[5A%r0N*>";
/// The ring buffer begins behind the header of its area.
const AREA_HEADER: u64 = 512;
/// Bytes of a volume group's text; it has some kilobytes, and a few hundred for each volume.
const MAX_TEXT: u64 = 8 << 20;
/// Runs of a logical volume: stripes of 64 KiB of a volume of 64 GiB.
const MAX_PIECES: u64 = 1 << 20;

/// Returns whether `source` is a physical volume.
pub(crate) fn is_physical_volume(source: &dyn ReadAt) -> bool {
    label(source).is_some()
}

/// Returns where the label is and what it holds.
fn label(source: &dyn ReadAt) -> Option<(u64, Vec<u8>)> {
    [0, 1, 2, 3].into_iter().map(|sector: u64| sector.saturating_mul(SECTOR)).find_map(|at| {
        let sector = source.read_range(at, SECTOR, size(SECTOR)).ok()?;
        (sector.starts_with(b"LABELONE") && sector.get(24..32) == Some(b"LVM2 001"))
            .then(|| (at, sector.into_owned()))
    })
}

/// A logical volume, or why there is none.
pub(crate) struct LogicalVolume {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) content: Result<Shared, DiskError>,
}

/// The physical volumes of a disk, by the identifier that the text refers to.
#[derive(Default)]
pub(crate) struct PhysicalVolumes {
    volumes: BTreeMap<String, Shared>,
    /// By name of the group: the newest text.
    groups: BTreeMap<String, (u64, Section)>,
    pub(crate) damage: Vec<DiskError>,
}

impl PhysicalVolumes {
    /// Returns whether none was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.volumes.is_empty()
    }

    /// Adds one; what is wrong with it is remembered.
    pub(crate) fn add(&mut self, source: &Shared) {
        match self.try_add(source) {
            Ok(()) => {}
            Err(error) => self.damage.push(error),
        }
    }

    fn try_add(&mut self, source: &Shared) -> Result<(), DiskError> {
        let damaged = || DiskError::damaged("the physical volume", "its label is cut off");
        let (_, label) = label(source).ok_or_else(damaged)?;
        let header = size(u64::from(Little.u32(&label, 20).ok_or_else(damaged)?));
        let header = label.get(header..).ok_or_else(damaged)?;
        let id: [u8; 32] = array(header, 0).ok_or_else(damaged)?;
        self.volumes.insert(String::from_utf8_lossy(&id).into_owned(), Shared::clone(source));
        // Two lists of pairs (offset, size), each ended by zeros: where data is, where metadata is.
        let mut pairs = header.get(40..).unwrap_or_default().chunks_exact(16);
        for pair in pairs.by_ref() {
            if Little.u64(pair, 0) == Some(0) {
                break;
            }
        }
        for pair in pairs {
            let (Some(offset), Some(len)) = (Little.u64(pair, 0), Little.u64(pair, 8)) else { break };
            if offset == 0 {
                break;
            }
            self.area(source, offset, len)?;
        }
        Ok(())
    }

    /// Reads the text of one metadata area.
    fn area(&mut self, source: &Shared, offset: u64, area_len: u64) -> Result<(), DiskError> {
        let damaged = |why: &str| DiskError::damaged("the metadata of the volume group", why);
        let read = |at: u64, len: u64| {
            source.read_range(at, len, size(MAX_TEXT)).map_err(DiskError::reading("the metadata of LVM"))
        };
        let header = read(offset, AREA_HEADER)?;
        if header.get(4..20) != Some(AREA_MAGIC) {
            return Err(damaged("its header is missing"));
        }
        let place = (|| Some((Little.u64(&header, 40)?, Little.u64(&header, 48)?)))();
        let (start, len) = place.ok_or_else(|| damaged("its header is cut off"))?;
        if start == 0 {
            // A physical volume that belongs to no group yet.
            return Ok(());
        }
        let until_end = area_len.saturating_sub(start);
        let first = len.min(until_end);
        let mut text = read(offset.saturating_add(start), first)?.into_owned();
        if first < len {
            let rest = len.saturating_sub(first);
            text.extend_from_slice(&read(offset.saturating_add(AREA_HEADER), rest)?);
        }
        let text = String::from_utf8_lossy(crate::bytes::until_nul(&text)).into_owned();
        let parsed = Section::parse(&text).ok_or_else(|| damaged("its text cannot be understood"))?;
        for (name, group) in parsed.sections {
            if group.section("physical_volumes").is_none() {
                continue;
            }
            let version = group.number("seqno").unwrap_or(0);
            if self.groups.get(&name).is_none_or(|(best, _)| version > *best) {
                self.groups.insert(name, (version, group));
            }
        }
        Ok(())
    }

    /// Returns the logical volumes that users see, by name.
    pub(crate) fn logical_volumes(&self) -> Vec<LogicalVolume> {
        let mut found = Vec::new();
        for (name, (_, group)) in &self.groups {
            let Some(volumes) = group.section("logical_volumes") else { continue };
            for (volume_name, volume) in &volumes.sections {
                if !volume.list("status").iter().any(|flag| flag == "VISIBLE") {
                    continue;
                }
                let content = self.content(group, volume);
                found.push(LogicalVolume { group: name.clone(), name: volume_name.clone(), content });
            }
        }
        found
    }

    fn content(&self, group: &Section, volume: &Section) -> Result<Shared, DiskError> {
        let damaged = |why: &str| DiskError::damaged(WHAT, why);
        let extent = group.number("extent_size").and_then(|sectors| sectors.checked_mul(SECTOR));
        let extent = extent.filter(|size| *size > 0).ok_or_else(|| damaged("its extents have no size"))?;
        let mut layout = Layout { volumes: self, group, sources: Vec::new(), pieces: Vec::new(), extent };
        let mut len = 0_u64;
        for (name, segment) in &volume.sections {
            if !name.starts_with("segment") {
                continue;
            }
            len = len.max(layout.segment(segment)?);
        }
        Ok(Arc::new(Pieces::new("the logical volume", layout.sources, layout.pieces, len)))
    }
}

/// A logical volume being put together.
struct Layout<'a> {
    volumes: &'a PhysicalVolumes,
    group: &'a Section,
    sources: Vec<Shared>,
    pieces: Vec<Piece>,
    extent: u64,
}

impl Layout<'_> {
    /// Adds the pieces of a segment; returns where it ends.
    fn segment(&mut self, segment: &Section) -> Result<u64, DiskError> {
        let damaged = || DiskError::damaged(WHAT, "a segment of a logical volume is incomplete");
        let bytes = |name: &str| segment.number(name)?.checked_mul(self.extent);
        let at = bytes("start_extent").ok_or_else(damaged)?;
        let len = bytes("extent_count").ok_or_else(damaged)?;
        let end = at.checked_add(len).ok_or_else(damaged)?;
        match segment.text("type").unwrap_or_default() {
            "striped" | "linear" => {}
            "zero" => return Ok(end),
            other => {
                return Err(DiskError::unsupported("the logical volume", format!("it is of type `{other}`")));
            }
        }
        // Pairs of a physical volume's name and its extent.
        let stripes = segment.list("stripes");
        let mut places = Vec::new();
        for pair in stripes.chunks_exact(2) {
            let [volume, start] = pair else { continue };
            let start = start.parse::<u64>().ok().and_then(|start| start.checked_mul(self.extent));
            places.push(self.place(volume, start.ok_or_else(damaged)?)?);
        }
        match places.as_slice() {
            [] => Err(damaged()),
            [place] => {
                self.pieces.push(Piece { at, len, from: *place });
                Ok(end)
            }
            several => {
                let stripe = segment.number("stripe_size").and_then(|sectors| sectors.checked_mul(SECTOR));
                let stripe = stripe.filter(|size| *size > 0).ok_or_else(damaged)?;
                self.striped(at, len, stripe, several)?;
                Ok(end)
            }
        }
    }

    /// Returns where the data of a physical volume from `start` on is.
    fn place(&mut self, volume: &str, start: u64) -> Result<Place, DiskError> {
        let described = self.group.section("physical_volumes").and_then(|all| all.section(volume));
        let described =
            described.ok_or_else(|| DiskError::damaged(WHAT, "a stripe is on an unknown physical volume"))?;
        let id: String = described.text("id").unwrap_or_default().chars().filter(|c| *c != '-').collect();
        let data = described.number("pe_start").unwrap_or(0).saturating_mul(SECTOR);
        let Some(source) = self.volumes.volumes.get(&id) else { return Ok(Place::Missing) };
        self.sources.push(Shared::clone(source));
        Ok(Place::Source(self.sources.len().saturating_sub(1), data.saturating_add(start)))
    }

    fn striped(&mut self, at: u64, len: u64, stripe: u64, places: &[Place]) -> Result<(), DiskError> {
        let count = len.checked_div(stripe).unwrap_or(u64::MAX);
        if count > MAX_PIECES {
            return Err(DiskError::TooMuch { what: "the logical volume", of: "stripes", limit: MAX_PIECES });
        }
        let (mut done, mut row) = (0_u64, 0_u64);
        while done < len {
            for place in places {
                let from = match *place {
                    Place::Source(number, start) => {
                        Place::Source(number, start.saturating_add(row.saturating_mul(stripe)))
                    }
                    other => other,
                };
                let this = stripe.min(len.saturating_sub(done));
                self.pieces.push(Piece { at: at.saturating_add(done), len: this, from });
                done = done.saturating_add(this);
            }
            row = row.saturating_add(1);
        }
        Ok(())
    }
}
