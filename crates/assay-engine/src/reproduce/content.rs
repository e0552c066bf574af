//! Why two versions of one file differ, by what is known of its format.
//!
//! A cause is named only where it is proven: the two versions are the same but for places of which their format says what they hold
//! ([`masks`]), or of which the build's own times say it ([`dates`]). Whatever else differs is a change of the content, told beside
//! the causes that have a name. Surprising: a date in a text is no time of the build unless it is that of the build it stands in;
//! another expiry date is another content.

mod dates;
mod masks;

use super::Cause;
use masks::Mask;

/// The largest file that is looked into, in bytes.
pub(super) const MAX_CONTENT: u64 = 32 << 20;
/// Lines of a text that are put in order, to see whether they are the same; each costs sixteen bytes.
const MAX_LINES: usize = 1 << 20;

/// One version of a file.
#[derive(Clone, Copy)]
pub(super) struct Version<'a> {
    pub(super) bytes: &'a [u8],
    /// When it was built: the time of the file, and that of the image; seconds since 1970.
    pub(super) built: &'a [i64],
}

/// What was found out about a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) cause: Cause,
    pub(super) old: String,
    pub(super) new: String,
}

/// Says why two versions of a file differ: every cause that is proven, and whether there is more.
pub(super) fn explain(path: &str, is_program: bool, old: Version<'_>, new: Version<'_>) -> Vec<Finding> {
    let (first, second) = (masks::of(path, old.bytes), masks::of(path, new.bytes));
    // Only where both have such places, and the same: else nothing tells that what is there is what it should be.
    let masks = if first == second { first } else { Vec::new() };
    let mut found: Vec<Finding> = Vec::new();
    for mask in &masks {
        let at = |bytes: &[u8]| shown(bytes.get(mask.range.clone()).unwrap_or_default());
        let differs = old.bytes.get(mask.range.clone()) != new.bytes.get(mask.range.clone());
        if differs && !found.iter().any(|have| have.cause == mask.cause) {
            let told = |bytes| format!("{} at {}: {}", mask.name, mask.range.start, at(bytes));
            found.push(Finding { cause: mask.cause, old: told(old.bytes), new: told(new.bytes) });
        }
    }
    if is_same_but_for(&masks, old.bytes, new.bytes) {
        return found;
    }
    found.push(rest(path, is_program, old, new));
    found
}

/// Says what the difference is that no format explains.
fn rest(path: &str, is_program: bool, old: Version<'_>, new: Version<'_>) -> Finding {
    if let (Ok(first), Ok(second)) = (std::str::from_utf8(old.bytes), std::str::from_utf8(new.bytes)) {
        if let Some((old, new)) = dates::only((first, old.built), (second, new.built)) {
            return Finding { cause: Cause::Timestamp, old, new };
        }
        if are_same_lines(old.bytes, new.bytes) {
            let new = "the same lines in another order".to_owned();
            return Finding {
                cause: Cause::Order,
                old: describe(old.bytes, first.as_bytes(), second.as_bytes()),
                new,
            };
        }
        let is_machine = matches!(path, "etc/machine-id" | "var/lib/dbus/machine-id");
        if is_machine && is_machine_id(first) && is_machine_id(second) {
            let shown = |text: &str| format!("machine {}", text.trim_end());
            return Finding { cause: Cause::BuildId, old: shown(first), new: shown(second) };
        }
    }
    Finding {
        cause: by_place(path, is_program),
        old: describe(old.bytes, old.bytes, new.bytes),
        new: format!("{} bytes", new.bytes.len()),
    }
}

/// Tells whether two versions are the same everywhere but at `masks`, which are in order and apart.
fn is_same_but_for(masks: &[Mask], old: &[u8], new: &[u8]) -> bool {
    let mut at = 0_usize;
    for mask in masks {
        let between = at..mask.range.start;
        match (old.get(between.clone()), new.get(between)) {
            (Some(old), Some(new)) if old == new => at = mask.range.end,
            _ => return false,
        }
    }
    old.len() == new.len() && old.get(at..) == new.get(at..)
}

/// Tells whether two texts have the same lines, line ends included.
fn are_same_lines(old: &[u8], new: &[u8]) -> bool {
    let sorted = |bytes: &'_ [u8]| -> Option<usize> {
        let count = bytes.iter().filter(|byte| **byte == b'\n').count();
        (count <= MAX_LINES).then_some(count)
    };
    if old.len() != new.len() || sorted(old).is_none() || sorted(old) != sorted(new) {
        return false;
    }
    fn lines(bytes: &[u8]) -> Vec<&[u8]> {
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        lines.sort_unstable();
        lines
    }
    lines(old) == lines(new)
}

/// Tells whether a text is what machine-id(5) describes.
fn is_machine_id(text: &str) -> bool {
    let id = text.strip_suffix('\n').unwrap_or(text);
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Judges by the place: files that no image should have, whatever is in them. A program is never one of those.
pub(super) fn by_place(path: &str, is_program: bool) -> Cause {
    let is_below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let residue = ["var/log", "var/cache", "var/tmp", "tmp", "root/.cache", "run", "var/lib/apt/lists"];
    if !is_program && residue.iter().any(|folder| is_below(folder)) { Cause::Residue } else { Cause::Content }
}

fn describe(bytes: &[u8], old: &[u8], new: &[u8]) -> String {
    let first = old.iter().zip(new).position(|(a, b)| a != b);
    let first = first.unwrap_or_else(|| old.len().min(new.len()));
    let differing = old.iter().zip(new).filter(|(a, b)| a != b).count();
    let all = differing.saturating_add(old.len().abs_diff(new.len()));
    format!("{} bytes, of which {all} differ, the first at {first}", bytes.len())
}

/// Shows some bytes: as text where they are text, else in hexadecimal.
fn shown(bytes: &[u8]) -> String {
    let start = bytes.get(..bytes.len().min(32)).unwrap_or_default();
    if start.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        return format!("`{}`", String::from_utf8_lossy(start).trim_end());
    }
    start.iter().map(|byte| format!("{byte:02x}")).collect()
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

    /// 2024-01-01 and 2025-02-03, at noon.
    const BUILT: [i64; 2] = [1_704_110_400, 1_738_584_000];

    fn causes(path: &str, old: &[u8], new: &[u8]) -> Vec<Cause> {
        let version = |bytes, at: usize| Version { bytes, built: &BUILT[at..=at] };
        explain(path, false, version(old, 0), version(new, 1)).into_iter().map(|one| one.cause).collect()
    }

    #[test]
    fn texts_are_told_by_dates_and_order() {
        assert_eq!(causes("a", b"one\ntwo\n", b"two\none\n"), [Cause::Order]);
        assert_eq!(
            causes("a", b"built 2024-01-01 10:00\nx\n", b"built 2025-02-03 11:12\nx\n"),
            [Cause::Timestamp]
        );
        assert_eq!(causes("a", b"version 1.0\n", b"version 2.0\n"), [Cause::Content]);
        assert_eq!(causes("a", b"2024-01-01\nversion 1\n", b"2025-02-03\nversion 2\n"), [Cause::Content]);
        assert_eq!(causes("var/log/dpkg.log", b"a", b"b"), [Cause::Residue]);
        let machine = |letter: &str| format!("{}\n", letter.repeat(32));
        assert_eq!(
            causes("etc/machine-id", machine("a").as_bytes(), machine("b").as_bytes()),
            [Cause::BuildId]
        );
        let version = |bytes| Version { bytes, built: &[] };
        let found = explain("x", false, version(b"abcd"), version(b"abXd1"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].old, "4 bytes, of which 2 differ, the first at 2");
    }

    #[test]
    fn what_only_looks_like_a_time_is_content() {
        for (old, new) in [
            // Digits beside a month, a port, a long number, a time without a date.
            ("May use 1 core\n", "May use 9 cores\n"),
            ("March 1\n", "March 2\n"),
            ("Marvin=1\n", "Marvin=2\n"),
            ("listen 00:00 port 1\n", "listen 00:00 port 2\n"),
            ("limit 0000000000\n", "limit 9999999999\n"),
            ("at 10:00\n", "at 11:00\n"),
            // Dates that are not those of the builds: an expiry, a snapshot.
            ("expires 2030-01-01\n", "expires 2040-01-01\n"),
            ("snapshot 2023-05-01T00:00:00Z\n", "snapshot 2023-06-01T00:00:00Z\n"),
            // One that is, beside another change in the same line.
            ("2024-01-01 root:x:0\n", "2025-02-03 root:x:1\n"),
            // A date in the place of something else.
            ("a 2024-01-01\n", "a 5\n"),
            // Longer words in which a date stands.
            ("image:x2024-01-01\n", "image:x2025-02-03\n"),
            ("2024-01-01-3\n", "2025-02-03-4\n"),
        ] {
            assert_eq!(causes("a", old.as_bytes(), new.as_bytes()), [Cause::Content], "{old}");
        }
        // Line ends count.
        assert_eq!(causes("a", b"one\r\ntwo\n", b"two\none\n"), [Cause::Content]);
        assert_eq!(causes("a", b"one\ntwo", b"two\none\n"), [Cause::Content]);
        // Names that end like a log; files that every machine has; programs where no program belongs.
        assert_eq!(causes("opt/app/start.log", b"a", b"b"), [Cause::Content]);
        assert_eq!(causes("etc/cron.d/job~", b"a", b"b"), [Cause::Content]);
        assert_eq!(causes("etc/hosts", b"127.0.0.1 a\n", b"10.0.0.1 a\n"), [Cause::Content]);
        assert_eq!(causes("etc/machine-id", b"a", b"b"), [Cause::Content]);
        let version = |bytes| Version { bytes, built: &[] };
        let found = explain("tmp/run", true, version(b"a"), version(b"b"));
        assert_eq!(found[0].cause, Cause::Content);
    }

    #[test]
    fn a_text_of_many_lines_is_not_sorted() {
        let old = "\n".repeat(MAX_LINES + 2) + "a\nb\n";
        let new = "\n".repeat(MAX_LINES + 2) + "b\na\n";
        assert_eq!(causes("a", old.as_bytes(), new.as_bytes()), [Cause::Content]);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]
        #[test]
        fn any_bytes_are_survived(mut old: Vec<u8>, mut new: Vec<u8>, which in 0_usize..6, text in "[0-9T:Z +.\n-]{0,40}") {
            let starts: [&[u8]; 6] = [b"\x1f\x8b\x08", b"PK\x05\x06", b"!<arch>\n", b"\x7fELF\x02\x01\x01", b"ab\r\n", text.as_bytes()];
            for bytes in [&mut old, &mut new] {
                bytes.splice(0..0, starts[which].iter().copied());
            }
            proptest::prop_assert!(old == new || !causes("x.pyc", &old, &new).is_empty());
            let _ = compressors(&old, &new);
        }

        /// Whatever a mask hides is told.
        #[test]
        fn a_difference_always_has_a_cause(at in 0_usize..200, put: u8) {
            for old in masks::testing::samples() {
                let mut new = old.1.clone();
                let at = at % new.len();
                if new[at] != put {
                    new[at] = put;
                    proptest::prop_assert!(!causes(old.0, &old.1, &new).is_empty());
                }
            }
        }
    }
}
