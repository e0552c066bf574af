//! Conan versions, Conan 2's [`Version`](https://docs.conan.io/2/tutorial/versioning/version_ranges.html).
//!
//! Any text is a version: items between dots, numbers when they are, `-` opens a prerelease and the last `+` a build, each a version
//! of its own. Surprising: the build takes part in the order, and a number meets a word as text (`1.10 < 1.9a`), so that the
//! order of mixed items is not always transitive, as in Conan itself.

use std::cmp::Ordering;

use crate::scan;

/// Main version, prerelease and build.
#[derive(Clone, Copy)]
pub(crate) struct Version<'a> {
    main: &'a str,
    pre: Option<&'a str>,
    build: Option<&'a str>,
}

/// Splits a version, which any text is but the empty one.
pub(crate) fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let (rest, build) = match text.rsplit_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (text, None),
    };
    let (main, pre) = match rest.split_once('-') {
        Some((main, pre)) => (main, Some(pre)),
        None => (rest, None),
    };
    Some(Version { main, pre, build })
}

/// Compares as Conan does: main items, then prerelease (none is newest), then build (none is oldest).
pub(crate) fn compare(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    compare_items(a.main, b.main)
        .then_with(|| match (a.pre, b.pre) {
            (Some(a), Some(b)) => compare_items(a, b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        })
        .then_with(|| match (a.build, b.build) {
            (Some(a), Some(b)) => compare_items(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
}

/// Returns whether the version has a prerelease part.
pub(crate) fn is_prerelease(text: &str) -> bool {
    parse(text).is_some_and(|version| version.pre.is_some())
}

fn compare_items(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (significant(a), significant(b));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) if scan::is_number(a) && scan::is_number(b) => scan::number(a, b),
            (Some(a), Some(b)) => plain(a).cmp(plain(b)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Returns the items without trailing zeros.
fn significant(text: &str) -> std::str::Split<'_, char> {
    let mut kept = text;
    loop {
        let (head, item) = match kept.rsplit_once('.') {
            Some((head, item)) => (Some(head), item),
            None => (None, kept),
        };
        match head {
            Some(head) if scan::is_number(item) && scan::is_zero(item) => kept = head,
            _ => return kept.split('.'),
        }
    }
}

/// A number as Python prints it, to be compared with a word.
fn plain(item: &str) -> &str {
    if !scan::is_number(item) {
        return item;
    }
    match item.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{chain, invalid, order};
    use assay_model::Scheme::Conan;

    /// Of Conan's own `test_version_comparison.py`.
    #[test]
    fn orders_as_conan() {
        chain(Conan, "1 2 3.1");
        chain(Conan, "1.1-pre 1.1 1.1.1");
        order(
            Conan,
            "
            1 = 1.0
            1.0 = 1.0.0
            1.0.0 < 1.0.1
            1.2 < 1.10
            1.b < 1.c
            1.0-alpha < 1.0-beta
            1.0-alpha.1 < 1.0-alpha.2
            1.0-alpha < 1.0
            1.0 < 1.0+build
            1.0+a < 1.0+b
            cci.20200101 < cci.20210101
            1.1.1s < 1.1.1t
            ",
        );
        invalid(Conan, &["", " "]);
    }
}
