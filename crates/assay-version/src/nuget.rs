//! NuGet versions, [`NuGetVersion`](https://learn.microsoft.com/nuget/concepts/package-versioning): SemVer with one to four numbers.
//!
//! Surprising: labels compare without case, numbers may have leading zeros, and a bare `1.0` as a range means "1.0 or newer".

use std::cmp::Ordering;

use crate::semver::{self, Parts};

/// Splits a version of one to four numbers.
pub(crate) fn parse(text: &str) -> Option<Parts<'_>> {
    semver::split(text.trim())
}

/// Compares numbers, then labels without case.
pub(crate) fn compare(a: &Parts<'_>, b: &Parts<'_>) -> Ordering {
    a.compare_numbers(b).then_with(|| match (a.pre.is_empty(), b.pre.is_empty()) {
        (false, false) => semver::compare_labels(a.pre, b.pre, |x, y| {
            let lower =
                |text: &'_ str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>();
            lower(x).cmp(&lower(y))
        }),
        (a, b) => a.cmp(&b),
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid, order, ranges};
    use assay_model::Scheme::NuGet;

    #[test]
    fn orders_as_nuget() {
        order(
            NuGet,
            "
            1.0 = 1.0.0.0
            1.0.0.1 > 1.0.0
            1.01 = 1.1
            1.0.0-BETA = 1.0.0-beta
            1.0.0-alpha.2 < 1.0.0-alpha.10
            1.0.0-RC < 1.0.0
            1.0.0+a = 1.0.0+b
            4.0.0-rc-2048 > 4.0.0-rc-2047
            ",
        );
        invalid(NuGet, &["", "1.0.0.0.0", "v1.0", "1.0-", "1.0 beta"]);
    }

    /// The table of NuGet's "Version ranges" page.
    #[test]
    fn reads_interval_notation() {
        ranges(
            NuGet,
            "
            1.0 | 1.0
            1.0 | 2.5
            ! 1.0 | 0.9
            [1.0] | 1.0.0
            ! [1.0] | 1.0.1
            ! (1.0,) | 1.0
            (1.0,) | 1.0.1
            (,1.0] | 1.0
            ! (,1.0) | 1.0
            [1.0,2.0) | 1.9.9
            ! [1.0,2.0) | 2.0
            1.* | 1.4
            ! 1.* | 2.0
            ",
        );
    }
}
