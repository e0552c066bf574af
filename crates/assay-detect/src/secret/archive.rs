//! Archives one level deep: zip (jar, war, wheel …), tar, gzip and Zstandard.
//!
//! Class files are looked at only where an application's own are (`BOOT-INF/classes/`, `WEB-INF/classes/`): those of libraries are most
//! of a jar, and inflating them would take longer than everything else. What lies deeper, in an archive within the archive, is not opened.

use super::scan::Place;
use assay_decode::ReadAt;
use assay_decode::compression::{Compression, decompress, detect};
use assay_decode::read_at::ReadAtCursor;
use assay_decode::tar::{EntryKind, TarLimits, TarReader};
use assay_decode::zip::Zip;
use std::io::{self, Read};

/// Bytes of a member that are looked at: settings are smaller, and several are held at a time.
const MEMBER_MOST: usize = 8 << 20;

/// A file that holds others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Archive {
    Zip,
    Tar,
    /// gzip or Zstandard, of a tar or of one file.
    Compressed,
    /// Compressed in a way that is not read.
    Unread,
}

impl Archive {
    /// Says which archive a file with this start is.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        if start.starts_with(b"PK\x03\x04") {
            return Some(Self::Zip);
        }
        if start.get(257..262) == Some(b"ustar") {
            return Some(Self::Tar);
        }
        match detect(start) {
            Compression::Gzip | Compression::Zstd => Some(Self::Compressed),
            Compression::Xz | Compression::Bzip2 => Some(Self::Unread),
            Compression::None => None,
        }
    }

    /// Calls `each` with the path and content of every member that is looked at; `allow` is asked before bytes are inflated.
    ///
    /// # Errors
    /// Says why not every member was looked at.
    pub(super) fn members(
        self,
        path: &str,
        content: &dyn ReadAt,
        allow: &mut dyn FnMut(u64) -> bool,
        each: &mut dyn FnMut(&str, &Vec<u8>),
    ) -> Result<(), String> {
        match self {
            Self::Zip => zip(content, allow, each),
            Self::Tar => tar(ReadAtCursor::new(content), allow, each),
            Self::Compressed => compressed(path, content, allow, each),
            Self::Unread => Ok(()),
        }
    }
}

/// Returns whether a member is looked at.
fn is_wanted(name: &str) -> bool {
    let own = name.starts_with("BOOT-INF/classes/") || name.starts_with("WEB-INF/classes/");
    !name.ends_with('/') && !Place::of(name).skipped && (own || !name.ends_with(".class"))
}

fn zip(
    content: &dyn ReadAt,
    allow: &mut dyn FnMut(u64) -> bool,
    each: &mut dyn FnMut(&str, &Vec<u8>),
) -> Result<(), String> {
    let archive = Zip::open(content).map_err(|error| error.to_string())?;
    let mut entries = Vec::new();
    let listed =
        archive.select(|name| std::str::from_utf8(name).is_ok_and(is_wanted), |entry| entries.push(entry));
    let mut left_out = Vec::new();
    for entry in entries {
        // Data that several entries share is inflated once for each; the budget counts it each time.
        if !allow(entry.uncompressed_size.min(MEMBER_MOST as u64)) {
            return Err("the limit of what archives may hold is reached".to_owned());
        }
        match archive.read(&entry, MEMBER_MOST) {
            Ok(data) if Archive::of(&data).is_none() => each(&entry.name, &data),
            Ok(_) => {}
            Err(error) => left_out.push(error.to_string()),
        }
    }
    listed.map_err(|error| error.to_string())?;
    left_out.into_iter().next().map_or(Ok(()), Err)
}

fn tar(
    reader: impl Read,
    allow: &mut dyn FnMut(u64) -> bool,
    each: &mut dyn FnMut(&str, &Vec<u8>),
) -> Result<(), String> {
    let mut archive = TarReader::new(reader, TarLimits { max_headers: 1_000_000, ..TarLimits::default() });
    let mut data = Vec::new();
    loop {
        match archive.next_entry() {
            Ok(Some(mut entry)) => {
                let size = entry.size();
                // What is not wanted is inflated all the same.
                if !allow(size) {
                    return Err("the limit of what archives may hold is reached".to_owned());
                }
                let path = entry.path();
                if entry.kind() != EntryKind::File || !is_wanted(path) || size > MEMBER_MOST as u64 {
                    continue;
                }
                data.clear();
                entry.reader().read_to_end(&mut data).map_err(|error| error.to_string())?;
                if Archive::of(&data).is_none() {
                    each(path, &data);
                }
            }
            Ok(None) => return Ok(()),
            Err(error) if error.is_recoverable() => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn compressed(
    path: &str,
    content: &dyn ReadAt,
    allow: &mut dyn FnMut(u64) -> bool,
    each: &mut dyn FnMut(&str, &Vec<u8>),
) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    let (_, mut plain) = decompress(ReadAtCursor::new(content)).map_err(text)?;
    let mut start = Vec::new();
    plain.by_ref().take(512).read_to_end(&mut start).map_err(text)?;
    if Archive::of(&start) == Some(Archive::Tar) {
        return tar(io::Cursor::new(start).chain(plain), allow, each);
    }
    if Archive::of(&start).is_some() {
        return Ok(());
    }
    // A single file: its size is not known, so that the most it may give is counted.
    if !allow(MEMBER_MOST as u64) {
        return Err("the limit of what archives may hold is reached".to_owned());
    }
    plain.take(MEMBER_MOST as u64).read_to_end(&mut start).map_err(text)?;
    let name = assay_model::path::file_name(path);
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if is_wanted(name) {
        each(name, &start);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_files_of_libraries_are_passed_over() {
        for (name, want) in [
            ("BOOT-INF/classes/application.yml", true),
            ("BOOT-INF/classes/net/acme/Shop.class", true),
            ("net/acme/Shop.class", false),
            ("static/logo.png", false),
            ("conf/", false),
        ] {
            assert_eq!(is_wanted(name), want, "{name}");
        }
    }
}
