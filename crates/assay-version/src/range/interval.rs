//! Interval notation: Maven's [version ranges](https://maven.apache.org/pom.html#dependency-version-requirement-specification)
//! `(,1.0],[1.2,)` and NuGet's [dialect](https://learn.microsoft.com/nuget/concepts/package-versioning#version-ranges).
//!
//! A version without brackets is Maven's "soft requirement", taken here for that very version, and NuGet's "at least". Comparator
//! lists are read too, since feeds mix both.

use assay_model::Scheme;

use super::list;
use crate::{compare, is_prerelease, is_valid};

/// Returns whether the version is in one of the intervals.
pub(crate) fn satisfies(scheme: Scheme, version: &str, requirement: &str) -> Option<bool> {
    let requirement = requirement.trim();
    match requirement.chars().next()? {
        '[' | '(' => union(scheme, version, requirement),
        '<' | '>' | '=' | '!' => list::satisfies(scheme, version, requirement),
        _ if scheme == Scheme::NuGet => at_least(version, requirement),
        _ if is_valid(scheme, requirement) => Some(compare(scheme, version, requirement).ok()?.is_eq()),
        _ => None,
    }
}

fn union(scheme: Scheme, version: &str, requirement: &str) -> Option<bool> {
    let mut met = false;
    let mut rest = requirement;
    while !rest.is_empty() {
        let close = rest.find([']', ')'])?;
        let (interval, tail) = rest.split_at_checked(close + 1)?;
        met |= within(scheme, version, interval)?;
        rest = tail.trim_start();
        // GLAD joins with `||`, Maven with a comma.
        rest = rest.strip_prefix("||").or_else(|| rest.strip_prefix(',')).unwrap_or(rest).trim_start();
    }
    Some(met)
}

fn within(scheme: Scheme, version: &str, interval: &str) -> Option<bool> {
    let (lower_included, body) = match interval.strip_prefix('[') {
        Some(body) => (true, body),
        None => (false, interval.strip_prefix('(')?),
    };
    let (upper_included, body) = match body.strip_suffix(']') {
        Some(body) => (true, body),
        None => (false, body.strip_suffix(')')?),
    };
    let against =
        |bound: &str| is_valid(scheme, bound).then(|| compare(scheme, version, bound).ok()).flatten();
    let Some((lower, upper)) = body.split_once(',') else {
        let exact = lower_included && upper_included;
        return if exact { Some(against(body.trim())?.is_eq()) } else { None };
    };
    let (lower, upper) = (lower.trim(), upper.trim());
    let above = match lower {
        "" => true,
        bound if lower_included => against(bound)?.is_ge(),
        bound => against(bound)?.is_gt(),
    };
    let below = match upper {
        "" => true,
        bound if upper_included => against(bound)?.is_le(),
        bound => against(bound)?.is_lt(),
    };
    Some(above && below)
}

/// `1.0` is "1.0 or newer"; `1.*` is any release that starts so.
fn at_least(version: &str, requirement: &str) -> Option<bool> {
    let scheme = Scheme::NuGet;
    if let Some(prefix) = requirement.strip_suffix('*') {
        let prefix = prefix.strip_suffix('.').unwrap_or(prefix);
        if prefix.is_empty() {
            return Some(!is_prerelease(scheme, version));
        }
        let (bound, subject) = (crate::nuget::parse(prefix)?, crate::nuget::parse(version)?);
        let starts = bound
            .numbers
            .iter()
            .zip(&subject.numbers)
            .take(bound.count)
            .all(|(bound, number)| crate::scan::number(bound, number).is_eq());
        return Some(starts && !is_prerelease(scheme, version));
    }
    is_valid(scheme, requirement)
        .then(|| compare(scheme, version, requirement).ok())?
        .map(std::cmp::Ordering::is_ge)
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid_range, ranges};
    use assay_model::Scheme::Maven;

    /// Of Maven's own `VersionRangeTest`.
    #[test]
    fn reads_maven_ranges() {
        ranges(
            Maven,
            "
            (,1.0] | 0.9
            (,1.0] | 1.0
            ! (,1.0] | 1.0.1
            1.0 | 1.0.0
            [1.0] | 1.0
            [1.2,1.3] | 1.3
            ! [1.0,2.0) | 2.0
            [1.5,) | 99
            (,1.0],[1.2,) | 1.2
            ! (,1.0],[1.2,) | 1.1
            ! (,1.1),(1.1,) | 1.1
            [2.0,2.15.0) | 2.14.1
            >=1.0 <2.0 | 1.5
            ",
        );
        invalid_range(Maven, &["(1.0)", "[1.0)", "[1.0", "[1.0,1.2", ""]);
    }
}
