//! RPM versions: `[epoch:]version[-release]`, the order of [`rpmvercmp`](https://rpm.org/docs/latest/manual/dependencies.html).
//!
//! Surprising: every sign but letters, digits, `~` and `^` only separates, so `1.0` equals `1_0`; `~` sorts before the end and
//! `^` after it but before anything else. When only one side names a release, releases are not compared, as in RPM's
//! dependencies: `1.2` equals both `1.2-1` and `1.2-2`, so equality is not transitive between such texts.

use std::cmp::Ordering;

use crate::scan;

/// Epoch, version and release, as text.
#[derive(Clone, Copy)]
pub(crate) struct Version<'a> {
    pub(crate) epoch: &'a str,
    pub(crate) version: &'a str,
    pub(crate) release: Option<&'a str>,
}

/// Splits an `e:v-r` text; RPM takes any other text as a version without epoch and release.
pub(crate) fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim();
    let (digits, rest) = scan::digits(text);
    let (epoch, rest) = match rest.strip_prefix(':') {
        Some(rest) => (digits, rest),
        None => ("", text),
    };
    let (version, release) = match rest.rsplit_once('-') {
        Some((version, release)) => (version, Some(release)),
        None => (rest, None),
    };
    (!version.is_empty()).then_some(Version { epoch, version, release })
}

/// Compares epoch, version and, when both name one, release.
pub(crate) fn compare(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    scan::number(a.epoch, b.epoch).then_with(|| compare_segments(a.version, b.version)).then_with(|| {
        match (a.release, b.release) {
            (Some(a), Some(b)) => compare_segments(a, b),
            _ => Ordering::Equal,
        }
    })
}

/// Returns whether the version part is marked as before a release.
pub(crate) fn is_prerelease(text: &str) -> bool {
    parse(text).is_some_and(|version| version.version.contains('~'))
}

fn compare_segments(mut a: &str, mut b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let separates = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
    loop {
        a = a.trim_start_matches(separates);
        b = b.trim_start_matches(separates);
        match (scan::first(a), scan::first(b)) {
            (b'~', b'~') => (a, b) = (tail(a), tail(b)),
            (b'~', _) => return Ordering::Less,
            (_, b'~') => return Ordering::Greater,
            (b'^', b'^') => (a, b) = (tail(a), tail(b)),
            (0, b'^') => return Ordering::Less,
            (b'^', 0) => return Ordering::Greater,
            (b'^', _) => return Ordering::Less,
            (_, b'^') => return Ordering::Greater,
            (0, 0) => return Ordering::Equal,
            (0, _) => return Ordering::Less,
            (_, 0) => return Ordering::Greater,
            (left, right) => {
                // A number is newer than a word.
                let decided = match (left.is_ascii_digit(), right.is_ascii_digit()) {
                    (true, false) => Ordering::Greater,
                    (false, true) => Ordering::Less,
                    (true, true) => {
                        let ((x, rest_a), (y, rest_b)) = (scan::digits(a), scan::digits(b));
                        (a, b) = (rest_a, rest_b);
                        scan::number(x, y)
                    }
                    (false, false) => {
                        let ((x, rest_a), (y, rest_b)) = (scan::letters(a), scan::letters(b));
                        (a, b) = (rest_a, rest_b);
                        x.cmp(y)
                    }
                };
                if decided != Ordering::Equal {
                    return decided;
                }
            }
        }
    }
}

fn tail(text: &str) -> &str {
    text.split_at_checked(1).map_or("", |(_, tail)| tail)
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid, order};
    use assay_model::Scheme::Rpm;

    /// Pairs of RPM's own `tests/rpmvercmp.at`.
    #[test]
    fn orders_as_rpmvercmp() {
        order(
            Rpm,
            "
            1.0 = 1.0
            1.0 < 2.0
            2.0.1a > 2.0.1
            5.5p1 < 5.5p2
            5.5p10 > 5.5p1
            10xyz < 10.1xyz
            xyz10 < xyz10.1
            xyz.4 < 8
            5.5p2 < 5.6p1
            6.0.rc1 > 6.0
            10b2 > 10a1
            1.0aa = 1.0aa
            10.0001 = 10.1
            10.0001 < 10.0039
            4.999.9 < 5.0
            20101121 < 20101122
            2_0 = 2.0
            a+ = a_
            +_ = _+
            1.0~rc1 < 1.0
            1.0~rc1~git123 < 1.0~rc1
            1.0^ > 1.0
            1.0^git1 < 1.01
            1.0^git1 > 1.0
            1.0^20160101 < 1.0.1
            1.0^20160101^git1 > 1.0^20160101
            1.0~rc1^git1 > 1.0~rc1
            1.0^git1~pre < 1.0^git1
            1b.fc17 = 1b.fc17
            1.900 > 1.8
            1:1.0-1 > 9.9-9
            0:1.0-1 = 1.0-1
            1.0-1 < 1.0-2
            1.0 = 1.0-2
            1.1.1k-7.el8_6 < 1.1.1k-9.el8_7
            ",
        );
    }

    #[test]
    fn refuses_the_empty_version() {
        invalid(Rpm, &["", "  ", "1:", "-1"]);
    }
}
