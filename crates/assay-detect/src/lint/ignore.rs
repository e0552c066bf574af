//! Comments that take issues out: ours, and those of hadolint and Trivy, which many files already have.
//!
//! - `# assay:ignore=ID[,ID…] reason` and `# trivy:ignore:ID`, on a line of its own, count for the next instruction, or in
//!   YAML the next line with everything indented deeper; at the end of a line of YAML they count for that line;
//! - `# hadolint ignore=DL3008,DL3009 # reason`, likewise;
//! - `# assay:ignore-file=ID` and `# hadolint global ignore=ID` count for the whole file.
//!
//! `*` means every check. Who judges what others wrote does not use this: the judged cannot soften the judgement.

use super::Kind;
use crate::check::Check;

/// The comments of a file.
pub(super) struct Ignores {
    comments: Vec<Comment>,
}

struct Comment {
    /// The first and last line it counts for.
    first: u32,
    last: u32,
    names: Vec<String>,
    reason: String,
}

impl Ignores {
    pub(super) fn of(kind: Kind, text: &str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let mut comments = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let Some((before, comment)) = line.split_once('#') else { continue };
            let alone = before.trim().is_empty();
            if !alone && kind == Kind::Dockerfile {
                continue;
            }
            let Some((whole, names, reason)) = read(comment) else { continue };
            let (first, last) = match (whole, alone) {
                (true, _) => (0, usize::MAX),
                (false, false) => (index, index),
                (false, true) => (index, end(kind, &lines, index)),
            };
            let number = |index: usize| u32::try_from(index.saturating_add(1)).unwrap_or(u32::MAX);
            let first = if whole { 0 } else { number(first) };
            comments.push(Comment { first, last: number(last), names, reason });
        }
        Self { comments }
    }

    pub(super) fn reason(&self, check: &Check, line: u32) -> Option<String> {
        let counts = |comment: &&Comment| {
            (comment.first..=comment.last).contains(&line)
                && comment.names.iter().any(|name| name == "*" || check.is_called(name))
        };
        self.comments.iter().find(counts).map(|comment| comment.reason.clone())
    }
}

/// Returns whether a comment counts for the whole file, which checks it names, and its reason.
fn read(comment: &str) -> Option<(bool, Vec<String>, String)> {
    let comment = comment.trim();
    let forms = [
        ("assay:ignore-file=", true),
        ("assay:ignore=", false),
        ("hadolint global ignore=", true),
        ("hadolint ignore=", false),
        ("trivy:ignore:", false),
    ];
    let (rest, whole) = forms
        .iter()
        .find_map(|(form, whole)| comment.strip_prefix(form).map(|rest| (rest.trim_start(), *whole)))?;
    let end = rest.find(|char: char| char.is_whitespace() || char == '#').unwrap_or(rest.len());
    let (mut names, mut reason) = rest.split_at_checked(end)?;
    // hadolint lets a blank follow the comma.
    let mut list = names.to_owned();
    while list.ends_with(',') {
        reason = reason.trim_start();
        let end = reason.find(|char: char| char.is_whitespace() || char == '#').unwrap_or(reason.len());
        (names, reason) = reason.split_at_checked(end)?;
        if names.is_empty() {
            break;
        }
        list.push_str(names);
    }
    let names: Vec<String> =
        list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let reason = reason.trim_start_matches(|char: char| char.is_whitespace() || "#:-".contains(char));
    (!names.is_empty()).then(|| (whole, names, reason.trim().to_owned()))
}

/// Returns the index of the last line that a comment standing alone at `index` counts for.
fn end(kind: Kind, lines: &[&str], index: usize) -> usize {
    let comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let rest = lines.iter().enumerate().skip(index.saturating_add(1));
    let mut rest = rest.skip_while(|(_, line)| comment(line));
    let Some((mut last, first)) = rest.next() else { return index };
    if kind == Kind::Dockerfile {
        // An instruction ends with the first line that does not end in a continuation; comments within do not end it.
        let continues = |line: &str| comment(line) || line.trim_end().ends_with(['\\', '`']);
        if !first.trim_end().ends_with(['\\', '`']) {
            return last;
        }
        for (index, line) in rest {
            last = index;
            if !continues(line) {
                break;
            }
        }
        return last;
    }
    let indent = |line: &str| line.len().saturating_sub(line.trim_start().len());
    let own = indent(first);
    let list = first.trim_start().starts_with('-');
    for (index, line) in rest {
        // A list may stand at its key's own indentation.
        let item = !list && line.trim_start().starts_with('-') && indent(line) == own;
        if !comment(line) && indent(line) <= own && !item {
            break;
        }
        last = index;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_dialects_are_read() {
        let read = |text| read(text).unwrap();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            read(" assay:ignore=a,b because so"),
            (false, names(&["a", "b"]), "because so".to_owned())
        );
        assert_eq!(
            read("hadolint ignore=DL3003, SC1035 # accepted"),
            (false, names(&["DL3003", "SC1035"]), "accepted".to_owned())
        );
        assert_eq!(read("hadolint global ignore=DL3006"), (true, names(&["DL3006"]), String::new()));
        assert_eq!(read("trivy:ignore:DS002"), (false, names(&["DS002"]), String::new()));
        assert!(super::read(" syntax=docker/dockerfile:1").is_none());
    }

    #[test]
    fn a_comment_counts_for_what_follows_it_only() {
        let text = "# assay:ignore=x\nRUN a \\\n  # more\n  && b\nRUN c\n";
        let ignores = Ignores::of(Kind::Dockerfile, text);
        let comment = ignores.comments.first().unwrap();
        assert_eq!((comment.first, comment.last), (1, 4));
        let text = "a:\n  # assay:ignore=x\n  b:\n    c: 1\n  d: 2 # assay:ignore=y\ne: 1\n";
        let ignores = Ignores::of(Kind::Compose, text);
        let lines: Vec<_> = ignores.comments.iter().map(|comment| (comment.first, comment.last)).collect();
        assert_eq!(lines, [(2, 4), (5, 5)]);
    }
}
