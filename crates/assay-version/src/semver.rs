//! [Semantic Versioning 2.0.0](https://semver.org), with what npm, Go, NuGet, Hex and Pub share of it.
//!
//! [`Parts`] splits any of their texts; each scheme then refuses what its own tool refuses. The plain scheme is that of Rust
//! crates and of advisory ranges of type `SEMVER`, and is as lenient as OSV's own evaluator: a leading `v`, absent minor
//! and patch numbers and leading zeros are accepted. Build metadata never takes part in the order.

use std::cmp::Ordering;

use crate::scan;

/// A version split at its dots, `-` and `+`; absent numbers are empty and count as zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// Major, minor, patch and NuGet's revision.
    pub(crate) numbers: [&'a str; 4],
    /// How many numbers were written.
    pub(crate) count: usize,
    /// The text after `-`, without it; empty when there is none.
    pub(crate) pre: &'a str,
    /// The text after `+`, without it.
    pub(crate) build: &'a str,
}

/// Splits one to four numbers, prerelease and build; anything else in the text makes it no version.
pub(crate) fn split(text: &str) -> Option<Parts<'_>> {
    let (numbers, count, rest) = split_numbers(text)?;
    let (pre, build) = split_labels(rest)?;
    Some(Parts { numbers, count, pre, build })
}

/// Splits the leading numbers off, leaving whatever follows.
pub(crate) fn split_numbers(text: &str) -> Option<([&str; 4], usize, &str)> {
    let mut numbers = [""; 4];
    let mut count = 0;
    let mut rest = text;
    for slot in &mut numbers {
        let (number, tail) = scan::digits(rest);
        if number.is_empty() {
            return None;
        }
        *slot = number;
        count += 1;
        rest = tail;
        match tail.strip_prefix('.') {
            Some(tail) if count < 4 => rest = tail,
            _ => break,
        }
    }
    Some((numbers, count, rest))
}

/// Splits `[-pre][+build]` and checks the alphabet of both.
pub(crate) fn split_labels(rest: &str) -> Option<(&str, &str)> {
    let (before, build) = match rest.split_once('+') {
        Some((before, build)) if are_labels(build) => (before, build),
        Some(_) => return None,
        None => (rest, ""),
    };
    match before.strip_prefix('-') {
        Some(pre) if are_labels(pre) => Some((pre, build)),
        Some(_) => None,
        None => before.is_empty().then_some(("", build)),
    }
}

fn are_labels(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

impl Parts<'_> {
    /// Returns whether a number of the core or of the prerelease has a needless leading zero.
    pub(crate) fn has_leading_zero(&self) -> bool {
        self.numbers.iter().any(|number| scan::has_leading_zero(number))
            || self.pre.split('.').any(|label| scan::is_number(label) && scan::has_leading_zero(label))
    }

    /// Compares the numbers alone.
    pub(crate) fn compare_numbers(&self, other: &Self) -> Ordering {
        self.numbers
            .iter()
            .zip(&other.numbers)
            .map(|(a, b)| scan::number(a, b))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// Splits a version of the plain scheme.
pub(crate) fn parse(text: &str) -> Option<Parts<'_>> {
    let text = text.trim();
    split(text.strip_prefix('v').unwrap_or(text)).filter(|parts| parts.count <= 3)
}

/// Splits a version that must be exactly what the standard says (Hex).
pub(crate) fn parse_strict(text: &str) -> Option<Parts<'_>> {
    split(text).filter(|parts| parts.count == 3 && !parts.has_leading_zero())
}

/// Compares by the standard's section 11.
pub(crate) fn compare(a: &Parts<'_>, b: &Parts<'_>) -> Ordering {
    a.compare_numbers(b).then_with(|| compare_pre(a.pre, b.pre))
}

/// Compares two prereleases; none is newer than any.
pub(crate) fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => compare_labels(a, b, str::cmp),
    }
}

/// Compares dot-separated labels in turn: numbers as numbers, below words; words by `words`; fewer labels first.
pub(crate) fn compare_labels(a: &str, b: &str, words: impl Fn(&str, &str) -> Ordering) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (scan::is_number(a), scan::is_number(b)) {
                (true, true) => scan::number(a, b),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => words(a, b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid, order};
    use assay_model::Scheme::Semver;

    /// The chain of the standard's section 11, and the corner cases of advisory ranges.
    #[test]
    fn orders_as_the_standard() {
        order(
            Semver,
            "
            1.0.0-alpha < 1.0.0-alpha.1
            1.0.0-alpha.1 < 1.0.0-alpha.beta
            1.0.0-alpha.beta < 1.0.0-beta
            1.0.0-beta < 1.0.0-beta.2
            1.0.0-beta.2 < 1.0.0-beta.11
            1.0.0-beta.11 < 1.0.0-rc.1
            1.0.0-rc.1 < 1.0.0
            1.0.0+a = 1.0.0+b
            0.0.0-0 < 0.0.0
            1.10.0 > 1.9.0
            v1.2 = 1.2.0
            99999999999999999999.0.0 > 99999999999999999998.0.0
            ",
        );
    }

    #[test]
    fn refuses_other_texts() {
        invalid(Semver, &["", "a", "1.", "1.2.3.4", "1.0.0-", "1.0.0-a..b", "1.0.0+", "1.0.0 1"]);
    }
}
