//! Python [version specifiers](https://packaging.python.org/en/latest/specifications/version-specifiers/): `>=1.0,!=1.3.*,<2`.
//!
//! Prereleases are judged like other versions: an advisory's range covers them, whatever an installer would choose.

use std::cmp::Ordering;

use crate::pep440::{Version, compare, compare_base, compare_public, parse};
use crate::scan;

/// Returns whether the version meets every clause.
pub(crate) fn satisfies(version: &str, requirement: &str) -> Option<bool> {
    let parsed = parse(version)?;
    let mut met = true;
    for clause in requirement.split(',').map(str::trim).filter(|clause| !clause.is_empty()) {
        met &= holds(&parsed, version, clause)?;
    }
    Some(met)
}

fn holds(version: &Version<'_>, text: &str, clause: &str) -> Option<bool> {
    if let Some(exact) = clause.strip_prefix("===") {
        return Some(exact.trim().eq_ignore_ascii_case(text.trim()));
    }
    const SIGNS: [&str; 7] = ["~=", "==", "!=", "<=", ">=", "<", ">"];
    let (sign, bound) =
        SIGNS.iter().find_map(|sign| clause.strip_prefix(sign).map(|rest| (*sign, rest.trim())))?;
    let equality = matches!(sign, "==" | "!=");
    if let (true, Some(prefix)) = (equality, bound.strip_suffix(".*")) {
        let prefix = parse(prefix)?;
        if prefix.pre.is_some() || prefix.post.is_some() || prefix.dev.is_some() || prefix.local.is_some() {
            return None;
        }
        return Some(has_prefix(version, &prefix) == (sign == "=="));
    }
    let bound = parse(bound)?;
    if !equality && bound.local.is_some() {
        return None;
    }
    Some(match sign {
        "==" => equal(version, &bound),
        "!=" => !equal(version, &bound),
        "<=" => compare_public(version, &bound).is_le(),
        ">=" => compare_public(version, &bound).is_ge(),
        "<" => {
            // `<1.0` does not let in the prereleases of 1.0 itself.
            let own_prerelease =
                !bound.is_prerelease() && version.is_prerelease() && compare_base(version, &bound).is_eq();
            compare(version, &bound).is_lt() && !own_prerelease
        }
        ">" => {
            // Nor does `>1.0` let in its post-releases and local builds.
            let own_post = bound.post.is_none()
                && bound.dev.is_none()
                && version.post.is_some()
                && compare_public(&Version { post: None, dev: None, ..*version }, &bound).is_eq();
            compare_public(version, &bound).is_gt() && !own_post
        }
        _ => {
            // `~=1.4.2` is `>=1.4.2, ==1.4.*`.
            let (prefix, _) = bound.release.rsplit_once('.')?;
            let prefix = Version {
                epoch: bound.epoch,
                release: prefix,
                pre: None,
                post: None,
                dev: None,
                local: None,
            };
            compare_public(version, &bound).is_ge() && has_prefix(version, &prefix)
        }
    })
}

/// A bound without local part equals every local build of it.
fn equal(version: &Version<'_>, bound: &Version<'_>) -> bool {
    if bound.local.is_none() {
        compare_public(version, bound).is_eq()
    } else {
        compare(version, bound).is_eq()
    }
}

fn has_prefix(version: &Version<'_>, prefix: &Version<'_>) -> bool {
    let mut numbers = version.release.split('.');
    let starts = prefix
        .release
        .split('.')
        .all(|number| scan::number(numbers.next().unwrap_or(""), number) == Ordering::Equal);
    scan::number(version.epoch, prefix.epoch).is_eq() && starts
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid_range, ranges};
    use assay_model::Scheme::Pep440;

    /// Of `packaging`'s own `tests/test_specifiers.py`.
    #[test]
    fn reads_specifiers_as_packaging() {
        ranges(
            Pep440,
            "
            ==2.0 | 2.0.0
            ==2.* | 2.1+local
            ==2.0.* | 2.post1
            ! ==2.1 | 2
            !=2.0.* | 2.1
            >=2 | 2.0.0
            <=2.0 | 2.0+deadbeef
            <2.0.dev1 | 2.0.dev0
            ! <2 | 2.0.dev1
            ! >2 | 2.post1
            ! >2 | 2.0+local
            >2.post1 | 2.post2
            ~=1.0 | 1.1
            ! ~=1.0 | 2.0
            ~=2.2.0 | 2.2.2
            ! ~=2.2.0 | 2.3.0
            ! ==2!1.0 | 1.0
            ===1.0 | 1.0
            ! ===1.0 | 1.0.0
            >=1.0,!=1.3.4.*,<2.0 | 1.5
            >=1.0,<2.0 | 1.5rc1
            ",
        );
        invalid_range(Pep440, &["2.0", "=>2.0", "~=2", "==1.0.dev1.*", "==1.0a1.*", ">=1.0+local", "<=2.*"]);
    }
}
