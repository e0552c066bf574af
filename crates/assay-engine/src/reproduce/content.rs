//! Why two versions of one file differ, by what is known of its format.
//!
//! A format's times and identifiers are blotted out in both; if nothing differs any more, they were the cause. What is not known is
//! described by the first byte that differs and how many do.

use super::Cause;

/// The largest file that is looked into, in bytes.
pub(super) const MAX_CONTENT: u64 = 32 << 20;

/// What was found out about a file.
pub(super) struct Finding {
    pub(super) cause: Cause,
    pub(super) old: String,
    pub(super) new: String,
}

/// A way to blot out what varies, and what it is called.
struct Blot {
    name: &'static str,
    cause: Cause,
    applies: fn(&[u8]) -> bool,
    blot: fn(&mut [u8]),
}

const BLOTS: &[Blot] = &[
    // https://peps.python.org/pep-0552/: four bytes of magic, four of flags, then the time and size of the source.
    Blot {
        name: "the time of the source in a Python cache",
        cause: Cause::Timestamp,
        applies: |bytes| bytes.get(2..4) == Some(b"\r\n"),
        blot: |bytes| fill(bytes, 8, 4),
    },
    // RFC 1952: the time is in bytes 4 to 7.
    Blot {
        name: "the time in a gzip header",
        cause: Cause::Timestamp,
        applies: |bytes| bytes.starts_with(b"\x1f\x8b"),
        blot: |bytes| fill(bytes, 4, 4),
    },
    Blot {
        name: "times in a zip archive",
        cause: Cause::Timestamp,
        applies: |bytes| bytes.starts_with(b"PK\x03\x04"),
        blot: blot_zip,
    },
    Blot {
        name: "times and owners in an ar archive",
        cause: Cause::Timestamp,
        applies: |bytes| bytes.starts_with(b"!<arch>\n"),
        blot: blot_ar,
    },
    Blot {
        name: "the build identifier of an executable",
        cause: Cause::BuildId,
        applies: |bytes| bytes.starts_with(b"\x7fELF"),
        blot: blot_build_id,
    },
];

fn fill(bytes: &mut [u8], start: usize, len: usize) {
    if let Some(range) = bytes.get_mut(start..start.saturating_add(len)) {
        range.fill(0);
    }
}

/// Returns where `pattern` stands.
fn find(bytes: &[u8], pattern: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(pattern.len()).position(|window| window == pattern).map(|at| from.saturating_add(at))
}

/// Blots out the times of local and central headers, and of the extension with Unix times (0x5455).
fn blot_zip(bytes: &mut [u8]) {
    for (signature, time) in [(&b"PK\x03\x04"[..], 10), (&b"PK\x01\x02"[..], 12)] {
        let mut from = 0;
        while let Some(at) = find(bytes, signature, from) {
            fill(bytes, at.saturating_add(time), 4);
            from = at.saturating_add(4);
        }
    }
    let mut from = 0;
    while let Some(at) = find(bytes, b"UT", from) {
        let len = bytes.get(at.saturating_add(2)).copied().filter(|len| *len <= 13).unwrap_or(0);
        if bytes.get(at.saturating_add(3)) == Some(&0) {
            fill(bytes, at.saturating_add(5), usize::from(len).saturating_sub(1));
        }
        from = at.saturating_add(2);
    }
}

/// Blots out time, owner and group (bytes 16 to 39 of each member's header) of an archive of object files.
fn blot_ar(bytes: &mut [u8]) {
    let mut at = 8_usize;
    loop {
        let Some(header) = bytes.get(at..at.saturating_add(60)) else { return };
        let size = header.get(48..58).and_then(|text| std::str::from_utf8(text).ok());
        let Some(size) = size.and_then(|text| text.trim().parse::<usize>().ok()) else { return };
        fill(bytes, at.saturating_add(16), 24);
        // Members begin at even places.
        at = at.saturating_add(60).saturating_add(size).saturating_add(size & 1);
    }
}

/// Blots out what follows the head of a note `NT_GNU_BUILD_ID`.
fn blot_build_id(bytes: &mut [u8]) {
    let mut from = 0;
    while let Some(at) = find(bytes, b"\x03\0\0\0GNU\0", from) {
        let len = at.checked_sub(4).and_then(|start| bytes.get(start)).copied().unwrap_or(0);
        fill(bytes, at.saturating_add(8), usize::from(len.min(64)));
        from = at.saturating_add(8);
    }
    // The link to the separate debugging information holds a checksum of it.
    if let Some(at) = find(bytes, b".debug\0", 0) {
        fill(bytes, at.saturating_add(7), 8);
    }
}

/// Says why two versions of a file differ.
pub(super) fn explain(path: &str, old: &[u8], new: &[u8]) -> Finding {
    for blot in BLOTS.iter().filter(|blot| (blot.applies)(old) && (blot.applies)(new)) {
        let (mut first, mut second) = (old.to_vec(), new.to_vec());
        (blot.blot)(&mut first);
        (blot.blot)(&mut second);
        if first == second {
            let (old, new) = (describe(old, new), blot.name.to_owned());
            return Finding { cause: blot.cause, old, new };
        }
    }
    if let (Ok(first), Ok(second)) = (std::str::from_utf8(old), std::str::from_utf8(new)) {
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        if sorted(first) == sorted(second) {
            return Finding {
                cause: Cause::Order,
                old: describe(old, new),
                new: "the same lines in another order".to_owned(),
            };
        }
        if let Some((old, new)) = dates(first, second) {
            return Finding { cause: Cause::Timestamp, old, new };
        }
    }
    Finding { cause: by_name(path), old: describe(old, new), new: format!("{} bytes", new.len()) }
}

/// Returns the first two lines that differ, if in all that do only digits differ, and what is around them looks like a time.
fn dates(old: &str, new: &str) -> Option<(String, String)> {
    if old.lines().count() != new.lines().count() {
        return None;
    }
    let masked =
        |line: &str| -> String { line.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect() };
    let mut first = None;
    for (old, new) in old.lines().zip(new.lines()).filter(|(old, new)| old != new) {
        if masked(old) != masked(new) || !looks_like_time(&masked(old)) {
            return None;
        }
        let shown = |line: &str| line.chars().take(120).collect::<String>();
        first.get_or_insert_with(|| (shown(old), shown(new)));
    }
    first
}

fn looks_like_time(masked: &str) -> bool {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    ["0000-00-00", "00:00", "0000/00/00", "00000000T", "0000000000"].iter().any(|form| masked.contains(form))
        || months.iter().any(|month| masked.contains(month))
}

/// Judges by the path: files that vary from build to build, whatever is in them.
pub(super) fn by_name(path: &str) -> Cause {
    let is_below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let residue = ["var/log", "var/cache", "var/tmp", "tmp", "root/.cache", "run", "var/lib/apt/lists"];
    let ends = [".log", ".pid", "/aux-cache", "~", ".swp", "/.bash_history"];
    if residue.iter().any(|folder| is_below(folder)) || ends.iter().any(|end| path.ends_with(end)) {
        Cause::Residue
    } else if matches!(path, "etc/machine-id" | "var/lib/dbus/machine-id" | "etc/hostname" | "etc/hosts") {
        Cause::BuildId
    } else {
        Cause::Content
    }
}

fn describe(old: &[u8], new: &[u8]) -> String {
    let first = old.iter().zip(new).position(|(a, b)| a != b);
    let first = first.unwrap_or_else(|| old.len().min(new.len()));
    let differing = old.iter().zip(new).filter(|(a, b)| a != b).count();
    let all = differing.saturating_add(old.len().abs_diff(new.len()));
    format!("{} bytes, of which {all} differ, the first at {first}", old.len())
}

/// Describes how two layers with the same content are compressed.
pub(super) fn compressors(old: &[u8], new: &[u8]) -> (String, String) {
    (compressor(old), compressor(new))
}

fn compressor(head: &[u8]) -> String {
    let number = |range: std::ops::Range<usize>| {
        head.get(range).unwrap_or_default().iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
    };
    if head.starts_with(b"\x1f\x8b") {
        let level = match head.get(8) {
            Some(2) => "best",
            Some(4) => "fastest",
            _ => "default or no level said",
        };
        let system = head.get(9).copied().unwrap_or_default();
        let name = if head.get(3).is_some_and(|flags| flags & 8 != 0) { ", with a name" } else { "" };
        return format!("gzip, time {}, {level}, system {system}{name}", number(4..8));
    }
    if head.starts_with(b"\x28\xb5\x2f\xfd") {
        return format!("zstd, frame descriptor {:#04x}", head.get(4).copied().unwrap_or_default());
    }
    if head.starts_with(b"\x50\x2a\x4d\x18") {
        return "zstd, with a leading skippable frame".to_owned();
    }
    "not compressed".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(path: &str, old: &[u8], new: &[u8]) -> Cause {
        explain(path, old, new).cause
    }

    #[test]
    fn times_in_formats_are_told_from_content() {
        let pyc =
            |time: u8, rest: &[u8]| [b"\xcb\r\r\n\0\0\0\0", &[time; 4][..], b"\x07\0\0\0", rest].concat();
        assert_eq!(cause("a.pyc", &pyc(1, b"x"), &pyc(2, b"x")), Cause::Timestamp);
        assert_eq!(cause("a.pyc", &pyc(1, b"x"), &pyc(2, b"y")), Cause::Content);
        let gzip = |time: u8, rest: &[u8]| [b"\x1f\x8b\x08\0", &[time; 4][..], rest].concat();
        assert_eq!(cause("a.gz", &gzip(1, b"x"), &gzip(2, b"x")), Cause::Timestamp);
        assert_eq!(cause("a.gz", &gzip(1, b"x"), &gzip(1, b"y")), Cause::Content);
        let ar = |time: &str| {
            format!("!<arch>\n{:<16}{time:<12}{:<6}{:<6}{:<8}{:<10}`\nx\n", "a.o/", "0", "0", "644", "1")
        };
        assert_eq!(cause("a.a", ar("1").as_bytes(), ar("99").as_bytes()), Cause::Timestamp);
        let elf = |id: u8, rest: u8| {
            [b"\x7fELF....", &b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"[..], &[id; 20], &[rest]].concat()
        };
        assert_eq!(cause("bin/a", &elf(1, 7), &elf(2, 7)), Cause::BuildId);
        assert_eq!(cause("bin/a", &elf(1, 7), &elf(2, 8)), Cause::Content);
    }

    #[test]
    fn texts_are_told_by_dates_and_order() {
        assert_eq!(cause("a", b"one\ntwo\n", b"two\none\n"), Cause::Order);
        assert_eq!(
            cause("a", b"built 2024-01-01 10:00\nx\n", b"built 2025-02-03 11:12\nx\n"),
            Cause::Timestamp
        );
        assert_eq!(cause("a", b"version 1.0\n", b"version 2.0\n"), Cause::Content);
        assert_eq!(cause("a", b"2024-01-01\nversion 1\n", b"2024-01-02\nversion 2\n"), Cause::Content);
        assert_eq!(cause("var/log/dpkg.log", b"a", b"b"), Cause::Residue);
        assert_eq!(cause("etc/machine-id", b"a", b"b"), Cause::BuildId);
        let finding = explain("x", b"abcd", b"abXd1");
        assert_eq!(
            (finding.cause, finding.old.as_str()),
            (Cause::Content, "4 bytes, of which 2 differ, the first at 2")
        );
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]
        #[test]
        fn any_bytes_are_survived(mut old: Vec<u8>, mut new: Vec<u8>, which in 0_usize..6) {
            let starts: [&[u8]; 6] = [b"\x1f\x8b", b"PK\x03\x04", b"!<arch>\n", b"\x7fELF\x03\0\0\0GNU\0", b"ab\r\n", b""];
            for bytes in [&mut old, &mut new] {
                bytes.splice(0..0, starts[which].iter().copied());
            }
            let _ = explain("x", &old, &new);
            let _ = compressors(&old, &new);
        }
    }
}
