//! Checkpoints: a log's signature of its tree's size and root, as a signed note.
//!
//! <https://c2sp.org/tlog-checkpoint>, <https://c2sp.org/signed-note>. A note may carry signatures of witnesses, which are passed
//! over; the log's own is required. In Rekor 1 the first line adds the tree's number to the log's name, and the name may be that
//! of a machine; in Rekor 2 it is the log's host.

use super::{InvalidEntry, promise};
use crate::bundle::InclusionProof;
use crate::encoding::base64_decode;
use crate::trust::Log;

/// The most signatures of a note, as in Go's reader of notes.
const MAX_SIGNATURES: usize = 100;
/// The largest note.
const MAX_BYTES: usize = 64 << 10;

/// A note's text and its signatures.
struct Note<'a> {
    /// With the newline at its end: what is signed.
    text: &'a str,
    origin: &'a str,
    size: u64,
    root: Vec<u8>,
    signatures: Vec<Line<'a>>,
}

struct Line<'a> {
    name: &'a str,
    hint: [u8; 4],
    signature: Vec<u8>,
}

/// Verifies that the log signed the tree of the proof.
pub(super) fn verify(
    note: &str,
    proof: &InclusionProof,
    log: &Log,
    second_version: bool,
) -> Result<(), InvalidEntry> {
    let note = parse(note).ok_or(InvalidEntry::MalformedCheckpoint)?;
    let name = note.origin.split_once(" - ").map_or(note.origin, |(name, _)| name);
    if second_version && (![log.host(), &log.address].contains(&note.origin) || name != note.origin) {
        return Err(InvalidEntry::Checkpoint);
    }
    let ours =
        note.signatures.iter().find(|line| line.name == name && log.checkpoint_id.starts_with(&line.hint));
    let ours = ours.ok_or(InvalidEntry::Checkpoint)?;
    log.key
        .verify(promise::scheme(&log.key), note.text.as_bytes(), &ours.signature)
        .map_err(|_| InvalidEntry::Checkpoint)?;
    if u64::try_from(proof.tree_size) != Ok(note.size) || proof.root_hash.0 != note.root {
        return Err(InvalidEntry::OtherTree);
    }
    Ok(())
}

fn parse(note: &str) -> Option<Note<'_>> {
    if note.len() > MAX_BYTES || !note.ends_with('\n') {
        return None;
    }
    // The last empty line ends the text, which may have empty lines itself.
    let split = note.rfind("\n\n")?;
    let (text, rest) = note.split_at_checked(split + 1)?;
    let lines = rest.strip_prefix('\n')?;
    let signatures: Vec<Line<'_>> = lines.lines().map(line).collect::<Option<_>>()?;
    if signatures.is_empty() || signatures.len() > MAX_SIGNATURES {
        return None;
    }
    let mut fields = text.lines();
    let (origin, size, root) = (fields.next()?, fields.next()?, fields.next()?);
    let plain = size.bytes().all(|byte| byte.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
    if origin.is_empty() || !plain {
        return None;
    }
    let root = base64_decode(root).ok()?;
    Some(Note { text, origin, size: size.parse().ok()?, root, signatures })
}

fn line(line: &str) -> Option<Line<'_>> {
    let (name, value) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let value = base64_decode(value).ok()?;
    let (hint, signature) = value.split_first_chunk::<4>()?;
    if name.is_empty() || signature.is_empty() {
        return None;
    }
    Some(Line { name, hint: *hint, signature: signature.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_taken_apart() {
        let note = parse(
            "log.test - 17\n5\nAQ==\nTimestamp: 1\n\n\u{2014} log.test AAAAAAE=\n\u{2014} other AAAAAAE=\n",
        )
        .unwrap();
        assert_eq!((note.origin, note.size, note.root), ("log.test - 17", 5, vec![1]));
        assert_eq!(note.text, "log.test - 17\n5\nAQ==\nTimestamp: 1\n");
        assert_eq!(note.signatures.len(), 2);
    }

    #[test]
    fn malformed_notes_are_refused() {
        for text in [
            "",
            "log.test\n5\nAQ==\n",
            "log.test\n5\nAQ==\n\n",
            "log.test\n05\nAQ==\n\n\u{2014} log.test AAAAAAE=\n",
            "log.test\n+5\nAQ==\n\n\u{2014} log.test AAAAAAE=\n",
            "log.test\n5\n\u{2014}\n\n\u{2014} log.test AAAAAAE=\n",
            "log.test\n5\nAQ==\n\n\u{2014} log.test AAAAAAE=",
            "log.test\n5\nAQ==\n\n- log.test AAAAAAE=\n",
            "log.test\n5\nAQ==\n\n\u{2014} log.test AAAAAA==\n",
        ] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }
}
