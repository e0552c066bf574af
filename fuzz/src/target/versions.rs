//! Every version scheme: order, ranges and requirements.
//!
//! The input is three versions and a requirement, a line each.

use super::fields;
use crate::Target;
use assay_model::Scheme;
use assay_version::{End, Interval, compare, contains, is_prerelease, is_valid, satisfies};
use std::cmp::Ordering;

/// Every scheme with versions that show what is special about it.
const SCHEMES: &[(Scheme, &str, &[&str])] = &[
    (Scheme::Deb, "deb", &["1:1.0~rc1-1\n1:1.0-1\n1.0+b1\n>= 1.0"]),
    (Scheme::Rpm, "rpm", &["1:1.0~rc1-1.el9\n1.0^git1-2\n1.0-1\n1.0"]),
    (Scheme::Apk, "apk", &["1.2.3_rc1-r0\n1.2.3b-r1\n1.2.3_git20240101-r2\n<1.2"]),
    (Scheme::Pacman, "pacman", &["1:1.0rc1-1\n1.0-1\n1.0\n1"]),
    (Scheme::Pep440, "pep440", &["1!2.0rc1.post2.dev3+local.1\n2.0\n2.0.dev1\n>=1.0,!=1.5.*,~=2.0"]),
    (Scheme::Npm, "npm", &["1.2.3-rc.1+b\n1.2.3\nv1.2.4-0\n^1.2.3 || ~1.2 1.x - 2"]),
    (Scheme::Semver, "semver", &["1.2.3-rc.1+b\n1.2.3\n1.2.4-0\n>=1.2.3, <2"]),
    (Scheme::Maven, "maven", &["1.0-alpha-1\n1.0.Final\n1.0-SNAPSHOT\n[1.0,2.0),(2.1,]"]),
    (Scheme::Gem, "gem", &["1.0.a\n1.0.0\n1.10.pre1\n~> 1.2, >= 1.0"]),
    (Scheme::Composer, "composer", &["1.0.0-beta1\nv1.0.0\ndev-master\n^1.0 || ~2.1@dev"]),
    (Scheme::NuGet, "nuget", &["1.0.0.1-Beta.2\n1.0.0\n1.0\n[1.0,2.0)"]),
    (Scheme::Go, "go", &["v1.2.3-0.20240101000000-abcdefabcdef\nv2.0.0+incompatible\ngo1.21rc2\nv1"]),
    (Scheme::Hex, "hex", &["1.2.3-rc.1+b\n1.2.3\n1.2.4-0\n~> 1.2 and != 1.3.0"]),
    (Scheme::Pub, "pub", &["1.2.3-rc.1+b\n1.2.3+1\n1.2.4-0\n^1.2.3"]),
    (Scheme::Conan, "conan", &["1.2.3-rc.1+b\n1.2.c\n1.2.4\n>=1.2 <2 || ~3"]),
    (Scheme::Generic, "generic", &["1.1.1w\n1.1.1-rc1\n2024-01-01\n1"]),
];

/// The schemes whose own tools order any three versions in a line. Maven's `ComparableVersion` does not; apk compares some numbers
/// as text when one of the two begins with a zero; vercmp lets the longer version win, unless what is left over is a word;
/// Conan compares a number with a word as texts.
const TRANSITIVE: &[Scheme] = &[
    Scheme::Deb,
    Scheme::Rpm,
    Scheme::Pep440,
    Scheme::Npm,
    Scheme::Semver,
    Scheme::Gem,
    Scheme::Composer,
    Scheme::NuGet,
    Scheme::Go,
    Scheme::Hex,
    Scheme::Pub,
    Scheme::Generic,
];

pub(super) fn targets() -> Vec<Target> {
    SCHEMES
        .iter()
        .map(|&(scheme, name, seeds)| {
            Target::new(
                format!("version-{name}"),
                move || seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect(),
                move |data| version(scheme, data),
            )
        })
        .collect()
}

fn version(scheme: Scheme, data: &[u8]) -> Vec<String> {
    let fields = fields(data, 4);
    let [a, b, c, requirement] = &fields[..] else { unreachable!("there are four fields") };
    let mut said = Vec::new();
    for one in [a, b, c] {
        let valid = is_valid(scheme, one);
        let own = compare(scheme, one, one);
        // apk compares more than it accepts.
        assert!(own.is_ok() || !valid, "`{one}` is valid and cannot be compared");
        assert!(own.is_err() || own == Ok(Ordering::Equal), "`{one}` is not equal to itself");
        said.push(format!(
            "{valid} {} {:?}",
            is_prerelease(scheme, one),
            satisfies(scheme, one, requirement)
        ));
    }
    let mut order = Vec::new();
    for (one, other) in [(a, b), (b, c), (a, c)] {
        let there = compare(scheme, one, other);
        let back = compare(scheme, other, one);
        let comparable = compare(scheme, one, one).is_ok() && compare(scheme, other, other).is_ok();
        assert_eq!((there.is_ok(), back.is_ok()), (comparable, comparable), "`{one}` against `{other}`");
        if let (Ok(there), Ok(back)) = (&there, back) {
            assert_eq!(*there, back.reverse(), "`{one}` against `{other}`");
            order.push(*there);
        }
        said.push(format!("{there:?}"));
    }
    if TRANSITIVE.contains(&scheme)
        && let [first, second, across] = order[..]
        && first == second
        && first != Ordering::Equal
    {
        assert_eq!(across, first, "`{a}`, `{b}` and `{c}` are ordered in a circle");
    }
    for end in [End::Open, End::Fixed(c), End::LastAffected(c)] {
        said.push(format!("{:?}", contains(scheme, &Interval { introduced: Some(a), end }, b)));
    }
    said
}
