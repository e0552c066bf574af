//! Dart [constraints](https://dart.dev/tools/pub/dependencies#version-constraints): `^1.2.3`, `>=1.0.0 <2.0.0`, `any`.

use super::list::Sign;
use crate::pub_::{compare, parse};
use crate::scan;
use crate::semver::Parts;

/// Returns whether the version meets every comparator.
pub(crate) fn satisfies(version: &str, requirement: &str) -> Option<bool> {
    let requirement = requirement.trim();
    let version = parse(version)?;
    if matches!(requirement, "any" | "") {
        return Some(true);
    }
    if let Some(bound) = requirement.strip_prefix('^') {
        let bound = parse(bound.trim())?;
        let place = bound.numbers.iter().take(2).position(|number| !scan::is_zero(number)).unwrap_or(2);
        let same = bound
            .numbers
            .iter()
            .zip(&version.numbers)
            .take(place + 1)
            .all(|(a, b)| scan::number(a, b).is_eq());
        // `^0.0.3` ends at 0.1.0 in Dart, unlike elsewhere.
        let same = if place == 2 { agrees(&bound, &version, 2) } else { same };
        return Some(same && compare(&version, &bound).is_ge());
    }
    let mut comparators = Vec::new();
    let mut rest = requirement;
    while !rest.is_empty() {
        let (sign, tail) = Sign::split(rest);
        let end = tail.find([' ', '<', '>', ',']).unwrap_or(tail.len());
        let (bound, tail) = tail.split_at_checked(end)?;
        comparators.push((sign, parse(bound)?));
        rest = tail.trim_start_matches([' ', ',']);
    }
    // `<2.0.0` leaves the prereleases of 2.0.0 out, unless the lower bound is one of them.
    let lower_is_prerelease = |bound: &Parts<'_>| {
        comparators.iter().any(|(sign, lower)| {
            matches!(sign, Sign::Greater | Sign::GreaterOrEqual)
                && !lower.pre.is_empty()
                && lower.compare_numbers(bound).is_eq()
        })
    };
    Some(comparators.iter().all(|(sign, bound)| {
        let own_prerelease = *sign == Sign::Less
            && bound.pre.is_empty()
            && !version.pre.is_empty()
            && version.compare_numbers(bound).is_eq()
            && !lower_is_prerelease(bound);
        sign.holds(compare(&version, bound)) && !own_prerelease
    }))
}

fn agrees(bound: &Parts<'_>, version: &Parts<'_>, count: usize) -> bool {
    bound.numbers.iter().zip(&version.numbers).take(count).all(|(a, b)| scan::number(a, b).is_eq())
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid_range, ranges};
    use assay_model::Scheme::Pub;

    /// Of `pub_semver`'s own `version_constraint_test.dart` and `version_range_test.dart`.
    #[test]
    fn reads_constraints_as_pub() {
        ranges(
            Pub,
            "
            any | 1.2.3
            ^1.2.3 | 1.9.0
            ! ^1.2.3 | 2.0.0-pre
            ^0.1.2 | 0.1.9
            ! ^0.1.2 | 0.2.0
            >=1.0.0 <2.0.0 | 1.5.0-dev
            ! >=1.0.0 <2.0.0 | 2.0.0-alpha
            >=2.0.0-alpha <2.0.0 | 2.0.0-beta
            1.2.3 | 1.2.3
            ! 1.2.3 | 1.2.3+1
            ",
        );
        invalid_range(Pub, &["foo", ">1", "^", ">=1.0.0 bar"]);
    }
}
