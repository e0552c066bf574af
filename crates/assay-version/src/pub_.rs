//! Dart versions, [`pub_semver`](https://pub.dev/packages/pub_semver): SemVer whose build part takes part in the order.
//!
//! Surprising: `1.0.0+1` is newer than `1.0.0`, and `<2.0.0` leaves out the prereleases of 2.0.0.

use std::cmp::Ordering;

use crate::semver::{self, Parts};

/// Splits a version of exactly three numbers.
pub(crate) fn parse(text: &str) -> Option<Parts<'_>> {
    semver::split(text).filter(|parts| parts.count == 3)
}

/// Compares as SemVer, then by build; no build is older than any.
pub(crate) fn compare(a: &Parts<'_>, b: &Parts<'_>) -> Ordering {
    semver::compare(a, b).then_with(|| match (a.build.is_empty(), b.build.is_empty()) {
        (false, false) => semver::compare_labels(a.build, b.build, str::cmp),
        (a, b) => b.cmp(&a),
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{chain, invalid};
    use assay_model::Scheme::Pub;

    /// The chain of `pub_semver`'s own `version_test.dart`.
    #[test]
    fn orders_as_pub_semver() {
        chain(
            Pub,
            "1.0.0-alpha 1.0.0-alpha.1 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0-rc.1+build.1 1.0.0 1.0.0+0.3.7 \
             1.3.7+build 1.3.7+build.2.b8f12d7 1.3.7+build.11.e0f985a 2.0.0 2.1.0 2.2.0 2.11.0 2.11.1",
        );
        invalid(Pub, &["", "1.2", "1.2.3.4", "v1.2.3", "1.2.3-"]);
    }
}
