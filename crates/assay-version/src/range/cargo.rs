//! Cargo [requirements](https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html): `^1.2.3, <1.9`, where no sign means `^`.
//!
//! Parts left out of a bound match anything (`=1.2`, `>1` is `>=2.0.0`), and a prerelease is let in only by a clause that names
//! a prerelease of the same three numbers. Blanks between clauses and `||` are accepted besides commas, because feeds write them.

use std::cmp::Ordering;

use crate::scan;
use crate::semver::{self, Parts, parse};

/// Returns whether the version meets every clause of some alternative.
pub(crate) fn satisfies(version: &str, requirement: &str) -> Option<bool> {
    let version = parse(version)?;
    let mut met = false;
    for alternative in requirement.split("||") {
        met |= alternative_holds(&version, alternative.trim())?;
    }
    Some(met)
}

fn alternative_holds(version: &Parts<'_>, text: &str) -> Option<bool> {
    if text.is_empty() {
        return None;
    }
    let mut all = true;
    let mut prerelease_named = version.pre.is_empty();
    let mut rest = text;
    while !rest.is_empty() {
        let (sign, tail) = scan::split_while(rest, |byte| matches!(byte, b'<' | b'>' | b'=' | b'~' | b'^'));
        let tail = tail.trim_start();
        let end = tail.find([',', ' ']).unwrap_or(tail.len());
        let (bound, tail) = tail.split_at_checked(end)?;
        rest = tail.trim_start_matches([',', ' ']);
        let stem = bound.trim_end_matches(".*").trim_end_matches(".x").trim_end_matches(".X");
        if matches!(stem, "*" | "x" | "X") {
            continue;
        }
        let wild = stem.len() < bound.len();
        let limit = semver::split(stem).filter(|limit| limit.count <= 3)?;
        if limit.count < 3 && !limit.pre.is_empty() {
            return None;
        }
        all &= holds(if sign.is_empty() && wild { "=" } else { sign }, version, &limit)?;
        prerelease_named |= !limit.pre.is_empty() && version.compare_numbers(&limit).is_eq();
    }
    Some(all && prerelease_named)
}

fn holds(sign: &str, version: &Parts<'_>, limit: &Parts<'_>) -> Option<bool> {
    Some(match sign {
        "=" | "==" => compare_given(version, limit).is_eq(),
        "<" => compare_given(version, limit).is_lt(),
        "<=" => compare_given(version, limit).is_le(),
        ">" => compare_given(version, limit).is_gt(),
        ">=" => compare_given(version, limit).is_ge(),
        "~" => agrees(version, limit, limit.count.min(2)) && compare_given(version, limit).is_ge(),
        "" | "^" => {
            // The leftmost number that is not zero may not change; neither may any zero left of it.
            let fixed = limit.numbers.iter().take(limit.count).position(|number| !scan::is_zero(number));
            let fixed = fixed.map_or(limit.count, |place| place + 1);
            agrees(version, limit, fixed) && compare_given(version, limit).is_ge()
        }
        _ => return None,
    })
}

fn agrees(version: &Parts<'_>, limit: &Parts<'_>, count: usize) -> bool {
    version.numbers.iter().zip(&limit.numbers).take(count).all(|(a, b)| scan::number(a, b).is_eq())
}

/// Compares only as many parts as the bound names.
fn compare_given(version: &Parts<'_>, limit: &Parts<'_>) -> Ordering {
    let numbers = version
        .numbers
        .iter()
        .zip(&limit.numbers)
        .take(limit.count)
        .map(|(a, b)| scan::number(a, b))
        .find(|order| order.is_ne());
    match numbers {
        Some(order) => order,
        None if limit.count == 3 => semver::compare_pre(version.pre, limit.pre),
        None => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid_range, ranges};
    use assay_model::Scheme::Semver;

    /// Of the `semver` crate's own `tests/test_version_req.rs`.
    #[test]
    fn reads_requirements_as_cargo() {
        ranges(
            Semver,
            "
            1.0.0 | 1.1.0
            ! 1.0.0 | 2.0.0
            ! 1.0.0 | 1.1.0-beta
            =1.0.0 | 1.0.0
            >1 | 2.0.0
            ! >1 | 1.9.9
            <=1.2 | 1.2.9
            <1.0.0 | 0.1.0
            >= 2.1.0-alpha2 | 2.1.0-alpha3
            ! >= 2.1.0-alpha2 | 2.1.1-alpha2
            ~1.2 | 1.2.3
            ! ~1.2.3 | 1.3.0
            ~1 | 1.9.0
            ^0.1.2 | 0.1.9
            ! ^0.1.2 | 0.2.0
            ^0.0.2 | 0.0.2
            ! ^0.0.2 | 0.0.3
            ^0 | 0.9.0
            ^0.0 | 0.0.1
            ! ^0.0 | 0.1.0
            1.2.* | 1.2.7
            * | 3.1.4
            ! * | 1.0.0-pre
            >= 0.0.9, <2.5.1 | 2.5.0
            >=1.0 <2.0 | 1.5.0
            <0.4.2 || >=0.5.0, <0.5.3 | 0.5.1
            ",
        );
        invalid_range(Semver, &["", "foo", "> 1.2.3.4", "1.2-pre", "><1.0.0"]);
    }
}
