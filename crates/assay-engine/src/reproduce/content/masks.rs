//! Places in files of known formats that hold times, owners and build identifiers.
//!
//! Every format is walked by its own structure from one end to the other; what does not fit has no such place at all. Nothing is
//! searched for: bytes that look like a header may be anything.

use super::Cause;
use std::ops::Range;

/// A place, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mask {
    pub(super) name: &'static str,
    pub(super) cause: Cause,
    pub(super) range: Range<usize>,
}

impl Mask {
    fn new(name: &'static str, cause: Cause, start: usize, len: usize) -> Self {
        Self { name, cause, range: start..start.saturating_add(len) }
    }
}

/// Returns the places of a file, in order and apart; none if it is of no known format, or damaged.
pub(super) fn of(path: &str, bytes: &[u8]) -> Vec<Mask> {
    let found = if path.ends_with(".pyc") {
        python(bytes)
    } else if bytes.starts_with(b"\x1f\x8b\x08") {
        // RFC 1952: bytes 4 to 7 are the time, which nothing depends on.
        (bytes.len() >= 18).then(|| vec![Mask::new("the time in a gzip header", Cause::Timestamp, 4, 4)])
    } else if bytes.starts_with(b"!<arch>\n") {
        ar(bytes)
    } else if bytes.starts_with(b"PK") {
        zip(bytes)
    } else if bytes.starts_with(b"\x7fELF") {
        elf(bytes)
    } else {
        None
    };
    let mut masks = found.unwrap_or_default();
    masks.sort_by_key(|mask| mask.range.start);
    let are_apart = masks.windows(2).all(|pair| matches!(pair, [a, b] if a.range.end <= b.range.start));
    let is_inside = masks.last().is_none_or(|last| last.range.end <= bytes.len());
    if are_apart && is_inside { masks } else { Vec::new() }
}

/// <https://peps.python.org/pep-0552/>: four bytes of magic, four of flags, the time of the source, its size, then the code.
fn python(bytes: &[u8]) -> Option<Vec<Mask>> {
    let is_code = bytes.get(2..4) == Some(b"\r\n") && bytes.get(16).is_some_and(|byte| byte & 0x7f == b'c');
    // With the lowest flag it is a hash of the source instead of its time.
    let has_time = bytes.get(4..8) == Some(&[0; 4]);
    let name = "the time of the source in a Python cache";
    (is_code && has_time).then(|| vec![Mask::new(name, Cause::Timestamp, 8, 4)])
}

/// Archives of object files (ar(5)): headers of 60 bytes, each followed by its member, at even places.
fn ar(bytes: &[u8]) -> Option<Vec<Mask>> {
    let mut masks = Vec::new();
    let mut at = 8_usize;
    while at < bytes.len() {
        let header = bytes.get(at..at.checked_add(60)?)?;
        let size: usize = std::str::from_utf8(header.get(48..58)?).ok()?.trim_end().parse().ok()?;
        if header.get(58..60)? != b"`\n" {
            return None;
        }
        masks.push(Mask::new("the time of a member", Cause::Timestamp, at.checked_add(16)?, 12));
        masks.push(Mask::new("the owner of a member", Cause::Owner, at.checked_add(28)?, 12));
        at = at.checked_add(60)?.checked_add(size)?;
        // The last member may lack its padding.
        at = if at < bytes.len() { at.checked_add(size & 1)? } else { at };
    }
    (at == bytes.len()).then_some(masks)
}

fn number(bytes: &[u8], at: usize, len: usize, is_big: bool) -> Option<usize> {
    let field = bytes.get(at..at.checked_add(len)?)?;
    let add = |sum: usize, byte: &u8| sum.checked_mul(256)?.checked_add(usize::from(*byte));
    if is_big { field.iter().try_fold(0, add) } else { field.iter().rev().try_fold(0, add) }
}

/// Zip archives from the directory at their end: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>.
fn zip(bytes: &[u8]) -> Option<Vec<Mask>> {
    const END: usize = 22;
    let short = |at: usize| number(bytes, at, 2, false);
    let long = |at: usize| number(bytes, at, 4, false);
    // A comment may follow, which names its own length.
    let most = bytes.len().checked_sub(END)?;
    let end = (most.saturating_sub(0xffff)..=most).rev().find(|at| {
        bytes.get(*at..at.saturating_add(4)) == Some(b"PK\x05\x06")
            && short(at.saturating_add(20)).and_then(|comment| at.checked_add(END)?.checked_add(comment))
                == Some(bytes.len())
    })?;
    let (count, size, start) =
        (short(end.checked_add(10)?)?, long(end.checked_add(12)?)?, long(end.checked_add(16)?)?);
    if start.checked_add(size)? != end {
        return None;
    }
    let mut masks = Vec::new();
    let mut members: Vec<Range<usize>> = Vec::new();
    let mut at = start;
    for _ in 0..count {
        if bytes.get(at..at.checked_add(4)?)? != b"PK\x01\x02" {
            return None;
        }
        let (name, extra) = (short(at.checked_add(28)?)?, short(at.checked_add(30)?)?);
        let (comment, stored) = (short(at.checked_add(32)?)?, long(at.checked_add(20)?)?);
        masks.push(Mask::new("the time of a member", Cause::Timestamp, at.checked_add(12)?, 4));
        let fields = at.checked_add(46)?.checked_add(name)?;
        extra_times(bytes, fields, extra, &mut masks)?;
        let local = long(at.checked_add(42)?)?;
        if bytes.get(local..local.checked_add(4)?)? != b"PK\x03\x04" {
            return None;
        }
        let (name, local_extra) = (short(local.checked_add(26)?)?, short(local.checked_add(28)?)?);
        masks.push(Mask::new("the time of a member", Cause::Timestamp, local.checked_add(10)?, 4));
        let local_fields = local.checked_add(30)?.checked_add(name)?;
        extra_times(bytes, local_fields, local_extra, &mut masks)?;
        members.push(local..local_fields.checked_add(local_extra)?.checked_add(stored)?);
        at = fields.checked_add(extra)?.checked_add(comment)?;
    }
    // A header inside of another member's bytes would blot those out.
    members.sort_by_key(|member| member.start);
    let are_apart = members.windows(2).all(|pair| matches!(pair, [a, b] if a.end <= b.start));
    let is_before = members.last().is_none_or(|last| last.end <= start);
    (at == end && are_apart && is_before).then_some(masks)
}

/// Finds the times among a member's extra fields: Unix times (0x5455) and those of NTFS (0x000a).
fn extra_times(bytes: &[u8], start: usize, len: usize, masks: &mut Vec<Mask>) -> Option<()> {
    let end = start.checked_add(len)?;
    let mut at = start;
    while at.checked_add(4)? <= end {
        let (kind, size) = (number(bytes, at, 2, false)?, number(bytes, at.checked_add(2)?, 2, false)?);
        let content = at.checked_add(4)?;
        at = content.checked_add(size)?;
        if at > end {
            return None;
        }
        // Flags come first, or four bytes that are reserved and the head of the only attribute.
        let before = match kind {
            0x5455 if (5..=13).contains(&size) => 1,
            0x000a if size == 32 => 8,
            _ => continue,
        };
        masks.push(Mask::new(
            "the times of a member",
            Cause::Timestamp,
            content.checked_add(before)?,
            size.checked_sub(before)?,
        ));
    }
    Some(())
}

/// The most bytes of a build identifier: linkers write 8, 16, 20 or 32.
const MAX_BUILD_ID: usize = 32;

/// Executables by their section headers: the note `NT_GNU_BUILD_ID`, and the checksum of the file with debugging information.
fn elf(bytes: &[u8]) -> Option<Vec<Mask>> {
    let is_wide = *bytes.get(4)? == 2;
    let is_big = *bytes.get(5)? == 2;
    let word = if is_wide { 8 } else { 4 };
    let at = |narrow: usize, wide: usize| if is_wide { wide } else { narrow };
    let read = |place: usize, len: usize| number(bytes, place, len, is_big);
    let table = read(at(32, 40), word)?;
    let (entry, count) = (read(at(46, 58), 2)?, read(at(48, 60), 2)?);
    let names = read(at(50, 62), 2)?;
    if entry < at(40, 64) {
        return None;
    }
    let section = |index: usize| -> Option<(usize, usize, usize, usize)> {
        let head = table.checked_add(index.checked_mul(entry)?)?;
        let kind = read(head.checked_add(4)?, 4)?;
        let (start, len) =
            (read(head.checked_add(at(16, 24))?, word)?, read(head.checked_add(at(20, 32))?, word)?);
        Some((read(head, 4)?, kind, start, len))
    };
    let (_, _, names, names_len) = section(names)?;
    let mut masks = Vec::new();
    for index in 0..count {
        let (name, kind, start, len) = section(index)?;
        let end = start.checked_add(len)?;
        let name_at = names.checked_add(name)?;
        let named =
            |text: &[u8]| name < names_len && bytes.get(name_at..).is_some_and(|rest| rest.starts_with(text));
        if kind == 7 && named(b".note.gnu.build-id\0") {
            let (name_len, id_len, note) =
                (read(start, 4)?, read(start.checked_add(4)?, 4)?, read(start.checked_add(8)?, 4)?);
            let owner = bytes.get(start.checked_add(12)?..start.checked_add(16)?)?;
            let id = start.checked_add(16)?;
            let fits = id_len <= MAX_BUILD_ID && id.checked_add(id_len)? <= end;
            if name_len == 4 && note == 3 && owner == b"GNU\0" && fits {
                masks.push(Mask::new("the build identifier", Cause::BuildId, id, id_len));
            }
        } else if kind == 1 && named(b".gnu_debuglink\0") && (8..=4096).contains(&len) {
            let sum = end.checked_sub(4)?;
            masks.push(Mask::new("the checksum of debugging information", Cause::BuildId, sum, 4));
        }
    }
    Some(masks)
}

#[cfg(test)]
pub(super) mod testing {
    fn word(number: usize) -> [u8; 4] {
        u32::try_from(number).unwrap().to_le_bytes()
    }

    fn long(number: usize) -> [u8; 8] {
        u64::try_from(number).unwrap().to_le_bytes()
    }

    /// A small file of each format.
    pub(crate) fn samples() -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("a.pyc", python(1, b"x")),
            ("a.gz", gzip(1, b"content, and a checksum")),
            ("a.a", ar("1", "0")),
            ("a.zip", zip(1, b"stored UT\x05\0\x01abcd")),
            ("bin/a", elf(1, 7)),
        ]
    }

    pub(crate) fn python(time: u8, rest: &[u8]) -> Vec<u8> {
        [b"\xcb\r\r\n\0\0\0\0", &[time; 4][..], b"\x07\0\0\0\xe3", rest].concat()
    }

    pub(crate) fn gzip(time: u8, rest: &[u8]) -> Vec<u8> {
        [b"\x1f\x8b\x08\0", &[time; 4][..], rest].concat()
    }

    pub(crate) fn ar(time: &str, owner: &str) -> Vec<u8> {
        format!("!<arch>\n{:<16}{time:<12}{owner:<6}{:<6}{:<8}{:<10}`\nx\n", "a.o/", "0", "644", "2")
            .into_bytes()
    }

    /// One member `a`, stored, with Unix times.
    pub(crate) fn zip(time: u8, content: &[u8]) -> Vec<u8> {
        let extra = [b"UT\x05\0\x01", &[time; 4][..]].concat();
        let sizes = [word(content.len()), word(content.len())].concat();
        let tail = [&[1, 0][..], &word(extra.len())[..2]].concat();
        let common = [&[20, 0, 0, 0, 0, 0][..], &[time; 4], &[0; 4], &sizes, &tail].concat();
        let local = [b"PK\x03\x04", &common[..], b"a", &extra, content].concat();
        let central = [b"PK\x01\x02\x14\0", &common[..], &[0; 14], b"a", &extra].concat();
        let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &word(central.len())[..], &word(local.len()), b"\0\0"]
            .concat();
        [local, central, end].concat()
    }

    /// A file of 64 bits with a section of code, a build identifier and the names of sections.
    pub(crate) fn elf(id: u8, code: u8) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(64, 0);
        bytes.push(code);
        // What looks like a note, and is none.
        bytes.extend(b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0");
        bytes.extend([code; 20]);
        let note = bytes.len();
        bytes.extend(b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0");
        bytes.extend([id; 20]);
        let names = bytes.len();
        bytes.extend(b"\0.note.gnu.build-id\0");
        let table = bytes.len();
        for (name, kind, start, len) in [(0, 0, 0, 0), (1, 7, note, 36), (0, 3, names, 20)] {
            let mut section = [0_u8; 64];
            section[..4].copy_from_slice(&u32::to_le_bytes(name));
            section[4..8].copy_from_slice(&u32::to_le_bytes(kind));
            section[24..32].copy_from_slice(&long(start));
            section[32..40].copy_from_slice(&long(len));
            bytes.extend(section);
        }
        bytes[40..48].copy_from_slice(&long(table));
        bytes[58..64].copy_from_slice(&[64, 0, 3, 0, 2, 0]);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Version, explain};
    use super::testing::{ar, elf, gzip, python, zip};
    use super::*;

    fn causes(path: &str, old: &[u8], new: &[u8]) -> Vec<Cause> {
        let version = |bytes| Version { bytes, built: &[] };
        explain(path, true, version(old), version(new)).into_iter().map(|one| one.cause).collect()
    }

    #[test]
    fn times_in_formats_are_told_from_content() {
        assert_eq!(causes("a.pyc", &python(1, b"x"), &python(2, b"x")), [Cause::Timestamp]);
        assert_eq!(causes("a.gz", &gzip(1, b"0123456789"), &gzip(2, b"0123456789")), [Cause::Timestamp]);
        assert_eq!(causes("a.a", &ar("1", "0"), &ar("99", "0")), [Cause::Timestamp]);
        assert_eq!(causes("a.zip", &zip(1, b"x"), &zip(2, b"x")), [Cause::Timestamp]);
        assert_eq!(causes("bin/a", &elf(1, 7), &elf(2, 7)), [Cause::BuildId]);
    }

    #[test]
    fn what_differs_beside_a_named_cause_is_told_too() {
        let both = [Cause::Timestamp, Cause::Content];
        assert_eq!(causes("a.pyc", &python(1, b"x"), &python(2, b"y")), both);
        assert_eq!(causes("a.gz", &gzip(1, b"0123456789"), &gzip(2, b"9876543210")), both);
        assert_eq!(causes("a.gz", &gzip(1, b"0123456789"), &gzip(1, b"9876543210")), [Cause::Content]);
        assert_eq!(causes("a.a", &ar("1", "0"), &ar("2", "7")), [Cause::Timestamp, Cause::Owner]);
        assert_eq!(causes("a.zip", &zip(1, b"x"), &zip(2, b"y")), both);
        assert_eq!(causes("bin/a", &elf(1, 7), &elf(2, 8)), [Cause::BuildId, Cause::Content]);
    }

    #[test]
    fn bytes_that_only_look_like_a_header_are_content() {
        // A text that begins like a cache of Python, a cache that holds a hash.
        assert_eq!(causes("a", b"OK\r\nport=8080 and more", b"OK\r\nport=9999 and more"), [Cause::Content]);
        let hashed = |byte: u8| {
            let mut bytes = python(byte, b"x");
            bytes[4] = 1;
            bytes
        };
        assert_eq!(causes("a.pyc", &hashed(1), &hashed(2)), [Cause::Content]);
        // Unix times and headers in the content of a zip's member.
        assert_eq!(
            causes("a.zip", &zip(1, b"UT\x05\0\x01aaaa"), &zip(1, b"UT\x05\0\x01bbbb")),
            [Cause::Content]
        );
        let inner = |byte: u8| zip(1, &[b"PK\x03\x04......", &[byte; 4][..]].concat());
        assert_eq!(causes("a.zip", &inner(1), &inner(2)), [Cause::Content]);
        // A note in the code, and a checksum behind a name, where no section says so.
        assert_eq!(causes("bin/a", &elf(1, 7), &elf(1, 8)), [Cause::Content]);
        let link = |byte: u8| [b"\x7fELF\x02\x01\x01 a.debug\0", &[byte; 8][..]].concat();
        assert_eq!(causes("bin/a", &link(1), &link(2)), [Cause::Content]);
        // An archive with something behind its last member.
        let longer = |time: &str| [ar(time, "0"), b"behind".to_vec()].concat();
        assert_eq!(causes("a.a", &longer("1"), &longer("2")), [Cause::Content]);
    }
}
