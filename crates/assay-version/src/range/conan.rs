//! Conan [version ranges](https://docs.conan.io/2/tutorial/versioning/version_ranges.html): `[>1.0 <2.0 || ^3.1]`, brackets optional.
//!
//! Versions are judged as Conan does with prereleases allowed: an advisory's range covers them.

use assay_model::Scheme;

use super::list::Sign;
use crate::{compare, is_valid, scan};

/// Returns whether the version meets every condition of some alternative.
pub(crate) fn satisfies(version: &str, requirement: &str) -> Option<bool> {
    let text = requirement.trim();
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    // Options such as `include_prerelease` follow a comma; feeds put further comparators there.
    let mut met = false;
    for alternative in text.split("||") {
        let mut all = true;
        for condition in alternative.split([' ', ',']).filter(|condition| !condition.is_empty()) {
            if !condition.starts_with("include_prerelease") {
                all &= holds(version, condition)?;
            }
        }
        met |= all;
    }
    Some(met)
}

fn holds(version: &str, condition: &str) -> Option<bool> {
    let order = |bound: &str| compare(Scheme::Conan, version, bound).ok();
    if condition == "*" {
        return Some(true);
    }
    if let Some(bound) = condition.strip_prefix('~') {
        let items = main_items(bound);
        return Some(order(bound)?.is_ge() && shares(version, bound, items.min(2)));
    }
    if let Some(bound) = condition.strip_prefix('^') {
        let place = main(bound).split('.').position(|item| !(scan::is_number(item) && scan::is_zero(item)));
        return Some(
            order(bound)?.is_ge() && shares(version, bound, place.map_or(main_items(bound), |at| at + 1)),
        );
    }
    if let Some(prefix) = condition.strip_suffix('*') {
        return Some(version.starts_with(prefix));
    }
    let (sign, bound) = Sign::split(condition);
    if bound.starts_with(['<', '>', '=', '!']) || !is_valid(Scheme::Conan, bound) {
        return None;
    }
    Some(sign.holds(order(bound)?))
}

fn main(text: &str) -> &str {
    text.split_once(['-', '+']).map_or(text, |(main, _)| main)
}

fn main_items(text: &str) -> usize {
    main(text).split('.').count()
}

fn shares(version: &str, bound: &str, count: usize) -> bool {
    let mut items = main(version).split('.');
    main(bound).split('.').take(count).all(|item| {
        let other = items.next().unwrap_or("0");
        item == other
            || (scan::is_number(item) && scan::is_number(other) && scan::number(item, other).is_eq())
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid_range, ranges};
    use assay_model::Scheme::Conan;

    #[test]
    fn reads_ranges_as_conan() {
        ranges(
            Conan,
            "
            [>1.0 <2.0] | 1.5
            ! [>1.0 <2.0] | 2.0
            ~1.5 | 1.5.9
            ! ~1.5 | 1.6
            ^1.2 | 1.9
            ! ^1.2 | 2.0
            <1.0 || >2.1 | 2.2
            1.2.* | 1.2.9
            * | 7
            =1.1.1t | 1.1.1t
            >=1.0,<2.0 | 1.1
            ",
        );
        invalid_range(Conan, &["<", ">>1"]);
    }
}
