//! Splits deb822 text into paragraphs and fields, without copying (<https://manpages.debian.org/deb822.5>).
//!
//! It takes a paragraph apart only as far as asked: a status file has a few thousand of them, and most fields are of no interest.
//! What is surprising: a line that is neither a field nor a continuation does not end a paragraph, it makes it [`damaged`].
//!
//! [`damaged`]: Paragraph::is_damaged

/// Some lines that belong together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paragraph<'a> {
    text: &'a str,
}

/// Returns the paragraphs of `text`: runs of lines that are not blank.
pub(crate) fn paragraphs(text: &str) -> impl Iterator<Item = Paragraph<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (line, _) = cut_line(rest)?;
            if !is_blank(line) {
                break;
            }
            rest = cut_line(rest)?.1;
        }
        let start = rest;
        while let Some((line, after)) = cut_line(rest) {
            if is_blank(line) {
                break;
            }
            rest = after;
        }
        // `rest` is a tail of `start`, so the difference of their lengths is where the paragraph ends.
        start.get(..start.len() - rest.len()).map(|text| Paragraph { text })
    })
}

impl<'a> Paragraph<'a> {
    /// Returns name and value of each field, in their order; a value keeps its continuation lines as they stand.
    pub(crate) fn fields(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            loop {
                let start = rest;
                let (line, after) = cut_line(rest)?;
                rest = after;
                let Some((name, _)) = field(line) else { continue };
                while let Some((line, after)) = cut_line(rest).filter(|(line, _)| is_continuation(line)) {
                    let _ = line;
                    rest = after;
                }
                let whole = start.get(..start.len() - rest.len())?;
                return Some((name, whole.get(name.len() + 1..)?.trim()));
            }
        })
    }

    /// Returns whether a line is neither a field, a continuation of one, nor a comment.
    pub(crate) fn is_damaged(self) -> bool {
        let mut first = true;
        self.text.lines().any(|line| {
            let fine = field(line).is_some() || (is_continuation(line) && !first) || line.starts_with('#');
            first = false;
            !fine
        })
    }
}

/// Returns the first line without its end, and what follows it.
fn cut_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    Some(text.split_once('\n').unwrap_or((text, "")))
}

fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| byte.is_ascii_whitespace())
}

fn is_continuation(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

/// Splits a line that begins a field; names are printable ASCII without blanks, and start neither with `#` nor with `-`.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let fine =
        !name.is_empty() && !name.starts_with(['#', '-']) && name.bytes().all(|byte| byte.is_ascii_graphic());
    fine.then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, want: &[&[(&str, &str)]]) {
        let got: Vec<Vec<_>> = paragraphs(text).map(|paragraph| paragraph.fields().collect()).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn paragraphs_are_separated_by_blank_lines() {
        check("\n\nA: 1\nB:\n x\n .\n y\n \nC: 2\n\n\n", &[&[("A", "1"), ("B", "x\n .\n y")], &[("C", "2")]]);
        check("A: b:c\r\nD:e", &[&[("A", "b:c"), ("D", "e")]]);
        check("", &[]);
        check(" \n", &[]);
    }

    #[test]
    fn lines_that_are_no_fields_are_damage() {
        let damaged = |text| paragraphs(text).next().unwrap().is_damaged();
        assert!(!damaged("A: 1\n# note\n b\n"));
        assert!(damaged("A: 1\nVers"));
        assert!(damaged(" A: 1\n"));
        assert!(damaged("\0\0\u{fffd}: x\n"));
    }

    proptest! {
        #[test]
        fn total(text in "[A-C:# \n\té\0-]{0,64}") {
            for paragraph in paragraphs(&text) {
                let _ = (paragraph.fields().count(), paragraph.is_damaged());
            }
        }
    }
}
