//! Go module versions, the order of [`golang.org/x/mod/semver`](https://pkg.go.dev/golang.org/x/mod/semver), and toolchain
//! names such as `go1.21rc2` ([releases](https://go.dev/doc/toolchain#name)).
//!
//! Surprising: `v` is optional here because advisories leave it out; `v1` and `v1.2` are short for `v1.0.0` and `v1.2.0`;
//! pseudo-versions are prereleases and `+incompatible` is build metadata. Toolchains have no dash before a
//! prerelease: `1.21rc2` is what advisories call `1.21.0-rc.2`, and `go1.20` is the release `1.20.0`.

use std::cmp::Ordering;

use crate::scan;
use crate::semver::{self, Parts};

/// A module or toolchain version.
#[derive(Clone, Copy)]
pub(crate) struct Version<'a> {
    parts: Parts<'a>,
    /// `rc` and `2` of `1.21rc2`, compared like the labels `rc.2`.
    toolchain: Option<(&'a str, &'a str)>,
}

/// Reads `v1.2.3-pre+build`, `1.2.3`, `go1.21.3` and `1.21rc2`.
pub(crate) fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim();
    if let Some(name) = text.strip_prefix("devel go") {
        // Built between two releases: `devel go1.22-abcdef Mon Nov 6` precedes 1.22.
        let (version, _) = name.split_once('-')?;
        return toolchain(version).map(|version| Version { toolchain: Some(("devel", "0")), ..version });
    }
    match text.strip_prefix("go") {
        // What follows a blank is commentary (`go1.20.4 X:boringcrypto`), what follows a dash names a vendor's build.
        Some(name) => {
            let name = name.split_once(' ').map_or(name, |(name, _)| name);
            toolchain(name.split_once('-').map_or(name, |(name, _)| name))
        }
        None => module(text.strip_prefix('v').unwrap_or(text)).or_else(|| toolchain(text)),
    }
}

fn module(text: &str) -> Option<Version<'_>> {
    let parts = semver::split(text)?;
    let labels = !parts.pre.is_empty() || !parts.build.is_empty();
    let good = parts.count <= 3 && (!labels || parts.count == 3) && !parts.has_leading_zero();
    good.then_some(Version { parts, toolchain: None })
}

fn toolchain(text: &str) -> Option<Version<'_>> {
    let (numbers, count, rest) = semver::split_numbers(text)?;
    let parts = Parts { numbers, count, pre: "", build: "" };
    if count > 3 || parts.has_leading_zero() {
        return None;
    }
    if rest.is_empty() {
        return Some(Version { parts, toolchain: None });
    }
    let (kind, number) = scan::letters(rest);
    let known = matches!(kind, "rc" | "beta" | "alpha") && scan::is_number(number);
    known.then_some(Version { parts, toolchain: Some((kind, number)) })
}

/// Compares by `semver.Compare`, toolchain prereleases in their place.
pub(crate) fn compare(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    a.parts.compare_numbers(&b.parts).then_with(|| match (a.toolchain, b.toolchain) {
        (None, None) => semver::compare_pre(a.parts.pre, b.parts.pre),
        (Some((a, x)), Some((b, y))) => a.cmp(b).then_with(|| scan::number(x, y)),
        (Some(a), None) => against_labels(a, b.parts.pre),
        (None, Some(b)) => against_labels(b, a.parts.pre).reverse(),
    })
}

fn against_labels((kind, number): (&str, &str), pre: &str) -> Ordering {
    if pre.is_empty() {
        return Ordering::Less;
    }
    let (first, rest) = pre.split_once('.').map_or((pre, None), |(first, rest)| (first, Some(rest)));
    semver::compare_labels(kind, first, str::cmp)
        .then_with(|| rest.map_or(Ordering::Greater, |rest| semver::compare_labels(number, rest, str::cmp)))
}

/// Returns whether the version precedes a release; pseudo-versions do.
pub(crate) fn is_prerelease(text: &str) -> bool {
    parse(text).is_some_and(|version| !version.parts.pre.is_empty() || version.toolchain.is_some())
}

#[cfg(test)]
mod tests {
    use crate::testing::{chain, invalid, order};
    use assay_model::Scheme::Go;

    #[test]
    fn orders_modules_and_toolchains() {
        // Of golang.org/x/mod's semver_test.go.
        chain(
            Go,
            "v1.0.0-alpha v1.0.0-alpha.1 v1.0.0-alpha.beta v1.0.0-beta v1.0.0-beta.2 v1.0.0-beta.11 v1.0.0-rc.1 v1 v1.2 \
             v1.2.3-pre v1.2.3",
        );
        // Of Go's own go/version tests.
        chain(
            Go,
            "go1.19.13 go1.20 go1.20.1 go1.21rc1 go1.21rc2 go1.21.0 go1.21.1 go1.22beta1 go1.22rc1 go1.22.0",
        );
        order(
            Go,
            "
            v1.2.3 = 1.2.3
            v2.0.0+incompatible = v2.0.0
            v0.0.0-20200101000000-abcdefabcdef < v0.0.0-20210101000000-000000000000
            v0.0.0-20200101000000-abcdefabcdef < v0.0.1
            v1.2.4-0.20200101000000-abcdefabcdef > v1.2.3
            go1.21.3 = 1.21.3
            1.21rc2 = 1.21.0-rc.2
            1.21rc2 > 1.21.0-0
            1.21rc3 > 1.21.0-rc.2
            go1.21rc2 < 1.21.0
            go1.20 = 1.20.0
            go1.21.3-bigcorp = 1.21.3
            devel go1.22-abcdef Mon Nov 6 < 1.22.0
            0.0.0-0 < 0.0.0-20200101000000-abcdefabcdef
            ",
        );
    }

    #[test]
    fn refuses_other_texts() {
        invalid(Go, &["", "v", "go", "v1.2-pre", "v1.2.3.4", "v01.2.3", "v1.0.0-01", "(devel)", "1.21xx2"]);
    }
}
