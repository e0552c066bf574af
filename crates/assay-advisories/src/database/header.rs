//! The header: what the file is, how long it must be, where its sections are.
//!
//! Little-endian: magic (8), format version (u32), flags (u32), file length (u64), time of building (i64), then per section
//! offset (u64), length (u64), SHA-256 (32), and at last the CRC-32 of all before. Sections follow without gaps.

use assay_model::timestamp::Timestamp;
use sha2::{Digest, Sha256};
use std::ops::Range;

pub(crate) const MAGIC: &[u8; 8] = b"ASSAYDB\n";
/// The format's version; a change of any encoding is a new one.
pub const FORMAT_VERSION: u32 = 1;
/// Set in the flags when the database holds facts only, no prose.
pub(crate) const FACTS_ONLY: u32 = 1;

/// The sections in file order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Packages,
    Statements,
    Advisories,
    Vulnerabilities,
    Ids,
    Identities,
    EndOfLife,
    Feeds,
    Coverage,
}

impl Section {
    pub(crate) const ALL: [(Self, &'static str); 9] = [
        (Self::Packages, "packages"),
        (Self::Statements, "statements"),
        (Self::Advisories, "advisories"),
        (Self::Vulnerabilities, "vulnerabilities"),
        (Self::Ids, "ids"),
        (Self::Identities, "identities"),
        (Self::EndOfLife, "end-of-life"),
        (Self::Feeds, "feeds"),
        (Self::Coverage, "coverage"),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(section, _)| *section == self).map_or("", |(_, name)| name)
    }
}

const FIXED: usize = 32;
const ENTRY: usize = 48;
pub(crate) const HEADER_LEN: usize = FIXED + Section::ALL.len() * ENTRY + 4;

/// Why a file is not opened as a database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenDatabaseError {
    /// The file cannot be opened or mapped.
    #[error("cannot read the database file")]
    Io(#[from] std::io::Error),
    /// The file is something else.
    #[error("the file is not an Assay database")]
    Foreign,
    /// The file was written in another version of the format.
    #[error("the database has format version `{found}`; this program reads version `{expected}`")]
    FormatVersion {
        /// The version in the file.
        found: u32,
        /// The version this program reads.
        expected: u32,
    },
    /// The file is shorter or longer than its header says.
    #[error("the database is damaged: it has `{found}` bytes and should have `{expected}`")]
    Length {
        /// The bytes there are.
        found: u64,
        /// The bytes there should be.
        expected: u64,
    },
    /// The header's checksum is wrong.
    #[error("the database is damaged: its header has a wrong checksum")]
    Header,
    /// A section's checksum is wrong.
    #[error("the database is damaged: section `{section}` has a wrong checksum")]
    Section {
        /// The section's name.
        section: &'static str,
    },
    /// A compressed database cannot be unpacked.
    #[error("the compressed database cannot be unpacked")]
    Compression,
}

#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) flags: u32,
    pub(crate) built_at: Timestamp,
    sections: Vec<(Range<usize>, [u8; 32])>,
}

impl Header {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, OpenDatabaseError> {
        if bytes.get(..8) != Some(MAGIC) {
            return Err(OpenDatabaseError::Foreign);
        }
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let short =
            || OpenDatabaseError::Length { found, expected: u64::try_from(HEADER_LEN).unwrap_or(u64::MAX) };
        let version = u32_at(bytes, 8).ok_or_else(short)?;
        if version != FORMAT_VERSION {
            return Err(OpenDatabaseError::FormatVersion { found: version, expected: FORMAT_VERSION });
        }
        let (header, checksum) = bytes
            .get(..HEADER_LEN)
            .and_then(|header| header.split_at_checked(HEADER_LEN - 4))
            .ok_or_else(short)?;
        if u32_at(checksum, 0) != Some(crc32fast::hash(header)) {
            return Err(OpenDatabaseError::Header);
        }
        let expected = u64_at(header, 16).ok_or(OpenDatabaseError::Header)?;
        if expected != found {
            return Err(OpenDatabaseError::Length { found, expected });
        }
        let mut sections = Vec::new();
        for index in 0..Section::ALL.len() {
            let at = FIXED + index * ENTRY;
            let range = || {
                let start = usize::try_from(u64_at(header, at)?).ok()?;
                let end = start.checked_add(usize::try_from(u64_at(header, at + 8)?).ok()?)?;
                (end <= bytes.len()).then_some(start..end)
            };
            let digest = header.get(at + 16..at + 48).and_then(|digest| digest.try_into().ok());
            sections
                .push((range().ok_or(OpenDatabaseError::Header)?, digest.ok_or(OpenDatabaseError::Header)?));
        }
        Ok(Self {
            flags: u32_at(header, 12).ok_or(OpenDatabaseError::Header)?,
            built_at: Timestamp(u64_at(header, 24).ok_or(OpenDatabaseError::Header)?.cast_signed()),
            sections,
        })
    }

    pub(crate) fn section<'a>(&self, bytes: &'a [u8], section: Section) -> &'a [u8] {
        let index = Section::ALL.iter().position(|(candidate, _)| *candidate == section);
        index
            .and_then(|index| self.sections.get(index))
            .and_then(|(range, _)| bytes.get(range.clone()))
            .unwrap_or_default()
    }

    /// Compares every section with its checksum.
    pub(crate) fn verify(&self, bytes: &[u8]) -> Result<(), OpenDatabaseError> {
        for ((range, digest), (_, section)) in self.sections.iter().zip(Section::ALL) {
            let content = bytes.get(range.clone()).unwrap_or_default();
            if Sha256::digest(content).as_slice() != digest {
                return Err(OpenDatabaseError::Section { section });
            }
        }
        Ok(())
    }
}

/// Puts a header before the sections, which are in the order of [`Section::ALL`].
pub(crate) fn assemble(flags: u32, built_at: Timestamp, sections: &[Vec<u8>]) -> Vec<u8> {
    let total = sections.iter().fold(HEADER_LEN, |sum, section| sum.saturating_add(section.len()));
    let mut file = Vec::with_capacity(total);
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    file.extend_from_slice(&flags.to_le_bytes());
    file.extend_from_slice(&wide(total).to_le_bytes());
    file.extend_from_slice(&built_at.0.to_le_bytes());
    let mut at = HEADER_LEN;
    for section in sections {
        file.extend_from_slice(&wide(at).to_le_bytes());
        file.extend_from_slice(&wide(section.len()).to_le_bytes());
        file.extend_from_slice(&Sha256::digest(section));
        at = at.saturating_add(section.len());
    }
    let checksum = crc32fast::hash(&file);
    file.extend_from_slice(&checksum.to_le_bytes());
    for section in sections {
        file.extend_from_slice(section);
    }
    file
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.get(..4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..)?.get(..8)?.try_into().ok()?))
}
