//! Upstream releases without a scheme of their own (OpenSSL, curl, nginx …): runs of digits and of letters, compared in turn.
//!
//! Absent and zero numbers are the same, so `1.2` equals `1.2.0`. A word that names a stage before the release (`rc`, `beta` …) sorts before
//! the end; any other word sorts behind it, as OpenSSL's patch letters do (`1.0.2-beta1 < 1.0.2 < 1.0.2a < 1.0.2.1`).

use std::cmp::Ordering;

use crate::scan;

const BEFORE_RELEASE: [&str; 10] =
    ["alpha", "beta", "dev", "devel", "nightly", "pre", "preview", "prerelease", "rc", "snapshot"];

/// A text that holds at least one digit.
#[derive(Clone, Copy)]
pub(crate) struct Version<'a>(&'a str);

/// Checks that there is something to compare.
pub(crate) fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim();
    let text = match text.strip_prefix(['v', 'V']) {
        Some(rest) if scan::first(rest).is_ascii_digit() => rest,
        _ => text,
    };
    text.bytes().any(|byte| byte.is_ascii_digit()).then_some(Version(text))
}

/// One run; the declaration order is the sort order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run<'a> {
    Before(&'a str),
    /// Zero and the end.
    Nothing,
    Word(&'a str),
    Number(&'a str),
}

impl<'a> Iterator for Version<'a> {
    type Item = Run<'a>;

    fn next(&mut self) -> Option<Run<'a>> {
        let rest = self.0.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let (number, after) = scan::digits(rest);
        if !number.is_empty() {
            self.0 = after;
            return Some(if scan::is_zero(number) { Run::Nothing } else { Run::Number(number) });
        }
        let (word, after) = scan::letters(rest);
        self.0 = after;
        if word.is_empty() {
            return None;
        }
        let before = BEFORE_RELEASE.iter().any(|name| name.eq_ignore_ascii_case(word));
        Some(if before { Run::Before(word) } else { Run::Word(word) })
    }
}

/// Compares run by run.
pub(crate) fn compare(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    let (mut left, mut right) = (*a, *b);
    loop {
        let (x, y) = (left.next(), right.next());
        if x.is_none() && y.is_none() {
            return Ordering::Equal;
        }
        let (x, y) = (x.unwrap_or(Run::Nothing), y.unwrap_or(Run::Nothing));
        let order = x.rank().cmp(&y.rank()).then_with(|| match (x, y) {
            (Run::Number(a), Run::Number(b)) => scan::number(a, b),
            (Run::Before(a) | Run::Word(a), Run::Before(b) | Run::Word(b)) => {
                a.bytes().map(|c| c.to_ascii_lowercase()).cmp(b.bytes().map(|c| c.to_ascii_lowercase()))
            }
            _ => Ordering::Equal,
        });
        if order != Ordering::Equal {
            return order;
        }
    }
}

impl Run<'_> {
    fn rank(self) -> u8 {
        match self {
            Self::Before(_) => 0,
            Self::Nothing => 1,
            Self::Word(_) => 2,
            Self::Number(_) => 3,
        }
    }
}

/// Returns whether a word names a stage before the release.
pub(crate) fn is_prerelease(text: &str) -> bool {
    parse(text).is_some_and(|mut version| version.any(|run| matches!(run, Run::Before(_))))
}

#[cfg(test)]
mod tests {
    use crate::testing::{chain, invalid, order};
    use assay_model::Scheme::Generic;

    #[test]
    fn orders_releases_as_their_projects_do() {
        chain(
            Generic,
            "1.0.1 1.0.2-beta1 1.0.2-beta3 1.0.2 1.0.2a 1.0.2k 1.0.2zh 1.1.0-pre1 1.1.0 3.0.0-alpha1",
        );
        chain(Generic, "9.8p1 9.9p1 9.9p2 10.0p1");
        order(Generic, "1.2 = 1.2.0\nv1.2 = 1.2\n1.10 > 1.9\n7.88.1 < 8.0\n1.0_rc1 < 1.0");
        invalid(Generic, &["", "abc", "..."]);
    }
}
