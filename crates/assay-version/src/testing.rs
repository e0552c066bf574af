//! Tables for the tests of this crate: pairs as text, one assertion for each direction.

use std::cmp::Ordering;

use assay_model::Scheme;

use crate::{compare, is_valid, satisfies};

/// Checks lines of `a < b`, `a = b` or `a > b`, in both directions.
pub(crate) fn order(scheme: Scheme, table: &str) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (a, expected, b) =
            [(" < ", Ordering::Less), (" = ", Ordering::Equal), (" > ", Ordering::Greater)]
                .iter()
                .find_map(|(sign, order)| line.split_once(sign).map(|(a, b)| (a, *order, b)))
                .expect("a line is `a < b`");
        check(scheme, a, b, expected);
    }
}

/// Checks that each version is older than all that follow.
pub(crate) fn chain(scheme: Scheme, versions: &str) {
    let versions: Vec<_> = versions.split_whitespace().collect();
    for (index, a) in versions.iter().enumerate() {
        for b in &versions[index + 1..] {
            check(scheme, a, b, Ordering::Less);
        }
    }
}

fn check(scheme: Scheme, a: &str, b: &str, expected: Ordering) {
    assert_eq!(compare(scheme, a, b), Ok(expected), "{scheme:?}: `{a}` against `{b}`");
    assert_eq!(compare(scheme, b, a), Ok(expected.reverse()), "{scheme:?}: `{b}` against `{a}`");
    for one in [a, b] {
        assert_eq!(compare(scheme, one, one), Ok(Ordering::Equal), "{scheme:?}: `{one}` against itself");
    }
}

/// Checks that none of the texts is a version.
pub(crate) fn invalid(scheme: Scheme, texts: &[&str]) {
    for text in texts {
        assert!(!is_valid(scheme, text), "{scheme:?}: `{text}` is taken for a version");
        assert!(compare(scheme, text, "1.0.0").is_err(), "{scheme:?}: `{text}` is compared");
    }
}

/// Checks lines of `range | version`, those with a leading `!` to be outside.
pub(crate) fn ranges(scheme: Scheme, table: &str) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (expected, rest) = line.strip_prefix("! ").map_or((true, line), |rest| (false, rest));
        let (range, version) = rest
            .rsplit_once(" | ")
            .unwrap_or_else(|| rest.rsplit_once("| ").expect("a line is `range | version`"));
        assert_eq!(satisfies(scheme, version, range), Ok(expected), "{scheme:?}: `{version}` in `{range}`");
    }
}

/// Checks that none of the texts is a range.
pub(crate) fn invalid_range(scheme: Scheme, texts: &[&str]) {
    for text in texts {
        assert!(satisfies(scheme, "1.0.0", text).is_err(), "{scheme:?}: `{text}` is taken for a range");
    }
}
