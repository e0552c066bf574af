//! Elixir [requirements](https://hexdocs.pm/elixir/Version.html#module-requirements): `~> 1.2 and != 1.2.5 or == 2.0.0`.
//!
//! `and` binds tighter than `or`; only `~>` may leave the patch number out.

use super::list::Sign;
use crate::scan;
use crate::semver::{self, Parts, compare, parse_strict};

/// Returns whether the version meets some alternative.
pub(crate) fn satisfies(version: &str, requirement: &str) -> Option<bool> {
    let version = parse_strict(version)?;
    let mut met = false;
    for alternative in requirement.split(" or ") {
        let mut all = true;
        for clause in alternative.split(" and ") {
            all &= holds(&version, clause.trim())?;
        }
        met |= all;
    }
    Some(met)
}

fn holds(version: &Parts<'_>, clause: &str) -> Option<bool> {
    if let Some(bound) = clause.strip_prefix("~>") {
        let bound = semver::split(bound.trim()).filter(|bound| matches!(bound.count, 2 | 3))?;
        let same = |count: usize| {
            bound.numbers.iter().zip(&version.numbers).take(count).all(|(a, b)| scan::number(a, b).is_eq())
        };
        return Some(same(bound.count - 1) && compare(version, &bound).is_ge());
    }
    let (sign, bound) = Sign::split(clause);
    Some(sign.holds(compare(version, &parse_strict(bound)?)))
}
