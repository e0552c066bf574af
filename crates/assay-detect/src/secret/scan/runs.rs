//! Finds long runs of the characters tokens are made of, looking at few bytes.
//!
//! A run of `MIN` characters covers every `MIN`th byte, so that one look decides about a whole stretch, as in Boyer and Moore's search:
//! prose and code, whose words are shorter, are passed over in steps of about twelve bytes.

use std::ops::Range;

/// The least length of a run.
pub(crate) const MIN: usize = 14;

/// Which bytes a run consists of: letters, digits, `_`, `-`.
static MEMBER: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 256")]
        let value = byte as u8;
        let member = value.is_ascii_alphanumeric() || value == b'_' || value == b'-';
        #[expect(clippy::indexing_slicing, reason = "the loop ends at 256")]
        {
            table[byte] = member;
        }
        byte += 1;
    }
    table
};

fn is_member(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|byte| MEMBER.get(usize::from(*byte)).copied().unwrap_or_default())
}

/// Returns the maximal runs of at least [`MIN`] token characters, in order.
pub(crate) fn runs(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    // Everything before `start` is decided; `start` is no continuation of a run.
    let mut start = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let probe = start.checked_add(MIN - 1)?;
            if probe >= bytes.len() {
                return None;
            }
            let back = (start..=probe).rev().find(|at| !is_member(bytes, *at));
            if let Some(gap) = back {
                start = gap + 1;
                continue;
            }
            let end = bytes
                .get(probe..)?
                .iter()
                .position(|byte| !MEMBER.get(usize::from(*byte)).copied().unwrap_or_default());
            let end = end.map_or(bytes.len(), |more| probe + more);
            let run = start..end;
            start = end;
            return Some(run);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_long_run_is_found_once_and_whole() {
        let run = "a1_-".repeat(5);
        for before in 0..40 {
            for after in 0..20 {
                let text = format!("{}{run}{}", "ab ".repeat(before), " cd".repeat(after));
                let found: Vec<_> = runs(text.as_bytes()).map(|run| (run.start, run.end)).collect();
                let at = before * 3;
                assert_eq!(found, [(at, at + run.len())], "{text}");
            }
        }
        let both = format!("{run}.{run}");
        assert_eq!(runs(both.as_bytes()).collect::<Vec<_>>(), [0..20, 21..41]);
        assert_eq!(runs(b"thirteen-long").count(), 0);
        assert_eq!(runs(b"").count(), 0);
    }
}
