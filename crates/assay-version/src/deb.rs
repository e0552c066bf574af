//! Debian versions: `[epoch:]upstream[-revision]`, [`deb-version(7)`](https://manpages.debian.org/deb-version.7).
//!
//! Surprising: `~` sorts before the end of the text, letters before every other sign, and a missing revision equals `-0`.
//! As `dpkg --compare-versions` does, signs outside the policy's alphabet and an upstream part that does not start with a
//! digit are accepted; an empty part, a blank inside or an epoch that is no number are not.

use std::cmp::Ordering;

use crate::scan;

/// dpkg reads the epoch into an `int` and refuses more.
const EPOCH_MAX: u32 = i32::MAX.unsigned_abs();

/// A version split into what is compared in turn.
#[derive(Clone, Copy)]
pub(crate) struct Version<'a> {
    epoch: u32,
    upstream: &'a str,
    revision: &'a str,
}

/// Splits a version, or returns nothing when dpkg would refuse it.
pub(crate) fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim();
    if text.is_empty() || text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return None;
    }
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) if scan::is_number(epoch) => (epoch.parse().ok()?, rest),
        Some(_) => return None,
        None => (0, text),
    };
    let (upstream, revision) = match rest.rsplit_once('-') {
        Some((_, "")) => return None,
        Some(split) => split,
        None => (rest, ""),
    };
    (epoch <= EPOCH_MAX && !upstream.is_empty()).then_some(Version { epoch, upstream, revision })
}

/// Compares as `dpkg --compare-versions` does.
pub(crate) fn compare(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    a.epoch
        .cmp(&b.epoch)
        .then_with(|| compare_part(a.upstream, b.upstream))
        .then_with(|| compare_part(a.revision, b.revision))
}

/// Returns whether the upstream part is marked as before a release.
pub(crate) fn is_prerelease(text: &str) -> bool {
    parse(text).is_some_and(|version| version.upstream.contains('~'))
}

fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (signs_a, rest_a) = signs(a);
        let (signs_b, rest_b) = signs(b);
        let longest = signs_a.len().max(signs_b.len());
        let mut weights_a = signs_a.bytes().map(weight).chain(std::iter::repeat(0));
        let mut weights_b = signs_b.bytes().map(weight).chain(std::iter::repeat(0));
        for _ in 0..longest {
            match weights_a.next().cmp(&weights_b.next()) {
                Ordering::Equal => {}
                other => return other,
            }
        }
        let (number_a, next_a) = scan::digits(rest_a);
        let (number_b, next_b) = scan::digits(rest_b);
        match scan::number(number_a, number_b) {
            Ordering::Equal => {}
            other => return other,
        }
        (a, b) = (next_a, next_b);
    }
    Ordering::Equal
}

/// Splits off what stands before the next digit; a digit is ASCII, so the cut is always between characters.
fn signs(text: &str) -> (&str, &str) {
    text.split_at_checked(text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len())).unwrap_or((text, ""))
}

/// The end of a run of signs, like a digit, weighs 0.
fn weight(byte: u8) -> i32 {
    match byte {
        b'~' => -1,
        byte if byte.is_ascii_alphabetic() => i32::from(byte),
        byte => i32::from(byte) + 256,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid, order};
    use assay_model::Scheme::Deb;

    /// Pairs of `deb-version(7)` and of dpkg's own test-suite (`lib/dpkg/t/t-version.c`).
    #[test]
    fn orders_as_dpkg() {
        order(
            Deb,
            "
            0:0-0 = 0:0-0
            0:0-00 = 0:00-0
            1:2-3 = 1:2-3
            0:0-0 < 1:0-0
            1.0 = 1.0-0
            0:a-0 < 0:b-0
            0:0-a < 0:0-b
            ~~ < ~~a
            ~~a < ~
            0~ < 0
            0 < 0a
            1.0~rc1 < 1.0
            1.0~rc1-1 < 1.0-1
            1.2.3-1 < 1.2.3-1+deb12u1
            1.2.3-1~deb12u1 < 1.2.3-1
            1.1.1n-0+deb11u3 < 1.1.1n-0+deb11u4
            2:1.0 > 1:9.9
            1.0a < 1.0+
            1.0. > 1.0z
            1.0-1 < 1.0-1.1
            1-1-1 > 1-1
            9 < 10
            7.0-035+1 = 7.0-35+1
            ",
        );
    }

    #[test]
    fn refuses_what_dpkg_refuses() {
        invalid(Deb, &["", " ", "a:1", ":1", "1:", "1 2", "1-", "2147483648:1", "-1:1"]);
    }
}
