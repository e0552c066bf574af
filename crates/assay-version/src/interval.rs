//! Ranges of advisories: [OSV's evaluation](https://ossf.github.io/osv-schema/#evaluation) of one introduced/fixed pair.
//!
//! Surprising: the introduced version `0` is not a version but the beginning of everything, prereleases of zero included. And a
//! Python build such as `2.1.0+cu118` is held against a bound without local part by its public part, as PEP 440 wants:
//! else every rebuild of the last affected version would look newer than it.

use std::cmp::Ordering;

use assay_model::Scheme;

use crate::{InvalidVersion, compare};

/// An interval of affected versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval<'a> {
    /// The first affected version; none, or `0`, is the beginning.
    pub introduced: Option<&'a str>,
    /// Where it ends.
    pub end: End<'a>,
}

/// The end of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End<'a> {
    /// Every later version is affected.
    Open,
    /// The first version that is not affected.
    Fixed(&'a str),
    /// The last affected version.
    LastAffected(&'a str),
}

/// Returns whether the version lies in the interval.
///
/// # Errors
///
/// Names the text that is no version in the scheme. An interval without bounds contains every text and compares none.
pub fn contains(scheme: Scheme, interval: &Interval<'_>, version: &str) -> Result<bool, InvalidVersion> {
    let against = |bound: &str| compare(scheme, comparable(scheme, version, bound), bound);
    if let Some(introduced) = interval.introduced
        && introduced != "0"
        && against(introduced)? == Ordering::Less
    {
        return Ok(false);
    }
    match interval.end {
        End::Open => Ok(true),
        End::Fixed(bound) => Ok(against(bound)? == Ordering::Less),
        End::LastAffected(bound) => Ok(against(bound)? != Ordering::Greater),
    }
}

fn comparable<'a>(scheme: Scheme, version: &'a str, bound: &str) -> &'a str {
    match version.split_once('+') {
        Some((public, _)) if scheme == Scheme::Pep440 && !bound.contains('+') => public,
        _ => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scheme: Scheme, interval: (Option<&str>, End<'_>), inside: &[&str], outside: &[&str]) {
        let interval = Interval { introduced: interval.0, end: interval.1 };
        for version in inside {
            assert_eq!(
                contains(scheme, &interval, version),
                Ok(true),
                "{scheme:?} {version} in {interval:?}"
            );
        }
        for version in outside {
            assert_eq!(
                contains(scheme, &interval, version),
                Ok(false),
                "{scheme:?} {version} in {interval:?}"
            );
        }
    }

    #[test]
    fn zero_is_before_everything() {
        let from_zero = (Some("0"), End::Fixed("1.2.0"));
        check(
            Scheme::Npm,
            from_zero,
            &["0.0.0-0", "1.1.9", "1.2.0-rc.1"],
            &["1.2.0", "1.2.0+build", "2.0.0"],
        );
        check(Scheme::Pep440, from_zero, &["0.dev0", "1.2.dev1"], &["1.2", "1.2.0.post1"]);
        check(Scheme::Maven, from_zero, &["0-alpha", "1.2.0-SNAPSHOT"], &["1.2"]);
        check(Scheme::Deb, (Some("0"), End::Fixed("1.2-3")), &["~", "1.2-2"], &["1.2-3", "1:0"]);
        check(
            Scheme::Go,
            from_zero,
            &["v0.0.0-20200101000000-abcdefabcdef", "1.1.0"],
            &["v1.2.0+incompatible"],
        );
    }

    #[test]
    fn ends_are_exclusive_or_inclusive() {
        check(
            Scheme::Gem,
            (Some("1.0"), End::LastAffected("1.2")),
            &["1.0.0", "1.2.0"],
            &["1.0.a", "1.2.0.1"],
        );
        check(
            Scheme::Go,
            (Some("1.21.0-0"), End::Fixed("1.21.3")),
            &["go1.21rc2", "go1.21.2"],
            &["go1.20.14", "go1.21.3"],
        );
        check(Scheme::Semver, (None, End::Open), &["1.0.0", "whatever"], &[]);
        check(
            Scheme::Rpm,
            (None, End::Fixed("1:1.1.1k-9.el8_7")),
            &["1:1.1.1k-7.el8_6", "1.1.1k-9.el8_7"],
            &["1:1.1.1k-9.el8_7", "1:3.0.1-1.el9"],
        );
    }

    #[test]
    fn local_builds_of_python_versions_count_as_their_public_version() {
        check(
            Scheme::Pep440,
            (Some("2.0"), End::LastAffected("2.1.0")),
            &["2.1.0+cu118", "2.0+x"],
            &["2.1.0.post1"],
        );
        check(Scheme::Pep440, (None, End::Fixed("2.1.0")), &["2.0.9+cu118"], &["2.1.0+cu118"]);
        check(Scheme::Pep440, (None, End::Fixed("2.1.0+cu2")), &["2.1.0+cu1"], &["2.1.0+cu3"]);
    }

    #[test]
    fn a_text_that_is_no_version_is_named() {
        let interval = Interval { introduced: Some("1.0.0"), end: End::Open };
        let error = contains(Scheme::Npm, &interval, "latest").unwrap_err();
        assert_eq!(error.to_string(), "`latest` is not a version in the scheme Npm");
    }
}
