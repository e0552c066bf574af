//! Dispatch by scheme: comparing two texts, and what can be said of one.

use std::cmp::Ordering;

use assay_model::Scheme;

use crate::{
    apk, composer, conan, deb, gem, generic, golang, maven, npm, nuget, pacman, pep440, pub_, rpm, semver,
};

/// The longest text taken for a version. Real ones stay below 200 bytes; the bound keeps every comparison short.
pub const MAX_VERSION_LENGTH: usize = 1024;

/// How much of a refused text an error keeps.
const SHOWN: usize = 128;

/// The error of a text that is no version in its scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a version in the scheme {scheme:?}")]
#[non_exhaustive]
pub struct InvalidVersion {
    /// The scheme asked for.
    pub scheme: Scheme,
    /// The beginning of the refused text.
    pub text: String,
}

impl InvalidVersion {
    pub(crate) fn new(scheme: Scheme, text: &str) -> Self {
        Self { scheme, text: shown(text) }
    }
}

pub(crate) fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// Compares two versions as the scheme's own tools do.
///
/// # Errors
///
/// Names the first text that is no version in the scheme.
pub fn compare(scheme: Scheme, a: &str, b: &str) -> Result<Ordering, InvalidVersion> {
    let pair = Pair { scheme, a, b };
    match scheme {
        Scheme::Deb => pair.order(deb::parse, deb::compare),
        Scheme::Rpm => pair.order(rpm::parse, rpm::compare),
        Scheme::Apk => pair.order(apk::parse, apk::compare),
        Scheme::Pacman => pair.order(rpm::parse, pacman::compare),
        Scheme::Pep440 => pair.order(pep440::parse, pep440::compare),
        Scheme::Npm => pair.order(npm::parse, semver::compare),
        Scheme::Semver => pair.order(semver::parse, semver::compare),
        Scheme::Maven => pair.order(maven::parse, maven::compare),
        Scheme::Gem => pair.order(gem::parse, gem::compare),
        Scheme::Composer => pair.order(composer::parse, composer::compare),
        Scheme::NuGet => pair.order(nuget::parse, nuget::compare),
        Scheme::Go => pair.order(golang::parse, golang::compare),
        Scheme::Hex => pair.order(semver::parse_strict, semver::compare),
        Scheme::Pub => pair.order(pub_::parse, pub_::compare),
        Scheme::Conan => pair.order(conan::parse, conan::compare),
        Scheme::Generic => pair.order(generic::parse, generic::compare),
    }
}

struct Pair<'a> {
    scheme: Scheme,
    a: &'a str,
    b: &'a str,
}

impl<'a> Pair<'a> {
    fn order<V>(
        &self,
        parse: impl Fn(&'a str) -> Option<V>,
        compare: impl Fn(&V, &V) -> Ordering,
    ) -> Result<Ordering, InvalidVersion> {
        let read = |text: &'a str| {
            (text.len() <= MAX_VERSION_LENGTH)
                .then(|| parse(text))
                .flatten()
                .ok_or_else(|| InvalidVersion::new(self.scheme, text))
        };
        Ok(compare(&read(self.a)?, &read(self.b)?))
    }
}

/// Returns whether the scheme's own tools accept the text as a version.
#[must_use]
pub fn is_valid(scheme: Scheme, text: &str) -> bool {
    text.len() <= MAX_VERSION_LENGTH
        && match scheme {
            Scheme::Deb => deb::parse(text).is_some(),
            Scheme::Rpm | Scheme::Pacman => rpm::parse(text).is_some(),
            Scheme::Apk => apk::is_valid(text),
            Scheme::Pep440 => pep440::parse(text).is_some(),
            Scheme::Npm => npm::parse(text).is_some(),
            Scheme::Semver => semver::parse(text).is_some(),
            Scheme::Maven => maven::parse(text).is_some(),
            Scheme::Gem => gem::parse(text).is_some(),
            Scheme::Composer => composer::parse(text).is_some(),
            Scheme::NuGet => nuget::parse(text).is_some(),
            Scheme::Go => golang::parse(text).is_some(),
            Scheme::Hex => semver::parse_strict(text).is_some(),
            Scheme::Pub => pub_::parse(text).is_some(),
            Scheme::Conan => conan::parse(text).is_some(),
            Scheme::Generic => generic::parse(text).is_some(),
        }
}

/// Returns whether the text is a version that precedes a release; of a text that is no version, false.
#[must_use]
pub fn is_prerelease(scheme: Scheme, text: &str) -> bool {
    text.len() <= MAX_VERSION_LENGTH
        && match scheme {
            Scheme::Deb => deb::is_prerelease(text),
            Scheme::Rpm => rpm::is_prerelease(text),
            Scheme::Apk => apk::is_prerelease(text),
            // vercmp knows no such mark; a trailing word merely sorts low.
            Scheme::Pacman => false,
            Scheme::Pep440 => pep440::parse(text).is_some_and(|version| version.is_prerelease()),
            Scheme::Npm => npm::parse(text).is_some_and(|version| !version.pre.is_empty()),
            Scheme::Semver => semver::parse(text).is_some_and(|version| !version.pre.is_empty()),
            Scheme::Maven => maven::is_prerelease(text),
            Scheme::Gem => gem::is_prerelease(text),
            Scheme::Composer => composer::is_prerelease(text),
            Scheme::NuGet => nuget::parse(text).is_some_and(|version| !version.pre.is_empty()),
            Scheme::Go => golang::is_prerelease(text),
            Scheme::Hex => semver::parse_strict(text).is_some_and(|version| !version.pre.is_empty()),
            Scheme::Pub => pub_::parse(text).is_some_and(|version| !version.pre.is_empty()),
            Scheme::Conan => conan::is_prerelease(text),
            Scheme::Generic => generic::is_prerelease(text),
        }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{End, Interval, contains, satisfies};

    const ALL: [Scheme; 16] = [
        Scheme::Deb,
        Scheme::Rpm,
        Scheme::Apk,
        Scheme::Pacman,
        Scheme::Pep440,
        Scheme::Npm,
        Scheme::Semver,
        Scheme::Maven,
        Scheme::Gem,
        Scheme::Composer,
        Scheme::NuGet,
        Scheme::Go,
        Scheme::Hex,
        Scheme::Pub,
        Scheme::Conan,
        Scheme::Generic,
    ];

    /// The schemes whose reference order is transitive on every pair of texts; the README names the others.
    fn is_transitive(scheme: Scheme) -> bool {
        !matches!(scheme, Scheme::Rpm | Scheme::Pacman | Scheme::Conan | Scheme::Maven | Scheme::Composer)
    }

    fn version() -> impl Strategy<Value = String> {
        "v?[0-9]{1,2}(\\.[0-9]{1,2}){0,3}((-|\\.|_|~|\\^|\\+)?(alpha|beta|rc|a|b|p|dev|post|r)?\\.?[0-9]?){0,2}"
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn every_text_gets_an_answer(a in "\\PC{0,40}", b in "\\PC{0,40}") {
            for scheme in ALL {
                let _ = compare(scheme, &a, &b);
                let _ = (is_valid(scheme, &a), is_prerelease(scheme, &a), satisfies(scheme, &a, &b));
                let _ = satisfies(scheme, "1.0.0", &b);
                let _ = contains(scheme, &Interval { introduced: Some(&a), end: End::Fixed(&b) }, "1.0.0");
            }
        }

        #[test]
        fn order_is_antisymmetric_and_reflexive(a in version(), b in version()) {
            for scheme in ALL {
                if let Ok(order) = compare(scheme, &a, &b) {
                    prop_assert_eq!(compare(scheme, &b, &a), Ok(order.reverse()), "{:?}", scheme);
                    prop_assert_eq!(compare(scheme, &a, &a), Ok(Ordering::Equal), "{:?}", scheme);
                }
                prop_assert!(!is_valid(scheme, &a) || compare(scheme, &a, &a).is_ok(), "{:?}", scheme);
            }
        }

        #[test]
        fn order_is_transitive(a in version(), b in version(), c in version()) {
            for scheme in ALL.into_iter().filter(|scheme| is_transitive(*scheme)) {
                let mut texts = [&a, &b, &c];
                if texts.iter().all(|text| is_valid(scheme, text)) {
                    texts.sort_by(|x, y| compare(scheme, x, y).unwrap_or(Ordering::Equal));
                    let [low, middle, high] = texts;
                    prop_assert!(compare(scheme, low, middle).is_ok_and(Ordering::is_le), "{:?}", scheme);
                    prop_assert!(compare(scheme, middle, high).is_ok_and(Ordering::is_le), "{:?}", scheme);
                    prop_assert!(compare(scheme, low, high).is_ok_and(Ordering::is_le), "{:?} {:?}", scheme, texts);
                }
            }
        }
    }

    #[test]
    fn overlong_texts_are_refused_and_longest_ones_are_quick() {
        for scheme in ALL {
            for piece in ["1.", "0.", "a", "-", "0a", ".0-", "1-a.", "~", "^", "20-"] {
                let long = format!("1{}", piece.repeat(MAX_VERSION_LENGTH));
                assert!(compare(scheme, &long, "1.0.0").is_err());
                let (limit, _) = long.split_at(MAX_VERSION_LENGTH);
                let _ = compare(scheme, limit, limit);
                let _ = satisfies(scheme, limit, limit);
            }
        }
    }
}
