//! Putting versions in a row, also those that have no order.
//!
//! Surprising: the standard library's sorts may panic when an order is not total, and the orders here are not: some tools compare
//! in circles (the README names them), and texts that are no versions compare with nothing. A merge sort only ever asks which
//! of two comes first, so that it ends with every item in its result whatever the answers are.

use std::cmp::Ordering;
use std::mem;
use std::vec::IntoIter;

use assay_model::Scheme;

use crate::compare;

/// Sorts what has a version, lowest first; equal versions stay in the order given, as do those that the scheme cannot compare.
///
/// Where the scheme's own tools order in a circle, each of its versions may come first.
pub fn sort<T>(scheme: Scheme, items: &mut Vec<T>, version: impl Fn(&T) -> &str) {
    let after = |a: &T, b: &T| compare(scheme, version(a), version(b)) == Ok(Ordering::Greater);
    let mut runs: Vec<Vec<T>> = mem::take(items).into_iter().map(|item| vec![item]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(left.into_iter(), right.into_iter(), after),
                None => left,
            });
        }
        runs = merged;
    }
    *items = runs.pop().unwrap_or_default();
}

/// Merges two sorted runs; of equal items the left run's come first.
fn merge<T>(left: IntoIter<T>, right: IntoIter<T>, after: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut out = Vec::with_capacity(left.len().saturating_add(right.len()));
    let (mut left, mut right) = (left.peekable(), right.peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if after(a, b) { right.next() } else { left.next() };
        out.extend(next);
    }
    out.extend(left);
    out.extend(right);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(scheme: Scheme, texts: &str) -> String {
        let mut versions: Vec<&str> = texts.split(' ').collect();
        sort(scheme, &mut versions, |version| version);
        versions.join(" ")
    }

    #[test]
    fn sorts_as_the_scheme_compares() {
        assert_eq!(sorted(Scheme::Semver, "1.10.0 1.9.0 1.9.0-rc.1"), "1.9.0-rc.1 1.9.0 1.10.0");
        assert_eq!(sorted(Scheme::Deb, "1:0 2 1.0~rc1 1.0"), "1.0~rc1 1.0 2 1:0");
        assert_eq!(sorted(Scheme::Pep440, "2 1.0 1"), "1.0 1 2", "equal versions stay as they are");
        assert_eq!(sorted(Scheme::Semver, ""), "");
    }

    proptest! {
        /// Enough versions for the standard sort to notice a circle: it looks from 21 items on.
        #[test]
        fn circles_and_garbage_lose_nothing(
            texts in proptest::collection::vec("([0-9]{1,3}|[a-z]|1\\.10|1\\.9a|1\\.2-1|1\\.2|\\PC{0,4})", 0..80)
        ) {
            let mut expected = texts.clone();
            expected.sort();
            for scheme in [Scheme::Conan, Scheme::Rpm, Scheme::Pacman, Scheme::Maven, Scheme::Semver] {
                let mut versions = texts.clone();
                sort(scheme, &mut versions, |version| version);
                versions.sort();
                prop_assert_eq!(&versions, &expected);
            }
        }
    }
}
