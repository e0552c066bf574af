//! Alpine versions: `digits{.digits}[letter]{_suffix[digits]}[~hash][-rN]`, the order of
//! [apk-tools](https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-package.5.scd).
//!
//! Surprising: a later number is compared as *text* when either side starts with a zero (`1.02 < 1.1`, but `1.010 < 1.02`); `_alpha`,
//! `_beta`, `_pre` and `_rc` sort before the end, every other suffix after it. Like apk, comparing goes as far as both texts
//! make sense and needs only a leading digit; [`is_valid`] asks for the whole.

use std::cmp::Ordering;

use crate::scan;

/// What comes next in a version. The declaration order is the order of two versions that agree up to here, later first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    First,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
    End,
    Invalid,
}

/// The suffixes in their order; those before [`RELEASE`] mark a version before the release.
const SUFFIXES: [(&str, u8); 9] = [
    ("alpha", 1),
    ("beta", 2),
    ("pre", 3),
    ("rc", 4),
    ("cvs", 6),
    ("svn", 7),
    ("git", 8),
    ("hg", 9),
    ("p", 10),
];
const RELEASE: u8 = 5;

/// A reading position in a version.
#[derive(Clone, Copy)]
pub(crate) struct Version<'a> {
    kind: Kind,
    text: &'a str,
    rank: u8,
    rest: &'a str,
}

/// Starts reading a version; every version starts with a digit.
pub(crate) fn parse(text: &str) -> Option<Version<'_>> {
    let (number, rest) = scan::digits(text);
    (!number.is_empty()).then_some(Version { kind: Kind::First, text: number, rank: 0, rest })
}

/// Compares as `apk version -t` does.
pub(crate) fn compare(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    let (mut a, mut b) = (*a, *b);
    while a.kind == b.kind {
        if a.kind >= Kind::End {
            return Ordering::Equal;
        }
        let decided = match a.kind {
            Kind::Number if a.text.starts_with('0') || b.text.starts_with('0') => a.text.cmp(b.text),
            Kind::First | Kind::Number | Kind::SuffixNumber | Kind::Revision => scan::number(a.text, b.text),
            Kind::Suffix => a.rank.cmp(&b.rank),
            Kind::Letter | Kind::Hash | Kind::End | Kind::Invalid => a.text.cmp(b.text),
        };
        if decided != Ordering::Equal {
            return decided;
        }
        (a, b) = (a.next(), b.next());
    }
    match (a.before_release(), b.before_release()) {
        (true, _) => Ordering::Less,
        (_, true) => Ordering::Greater,
        _ => b.kind.cmp(&a.kind),
    }
}

/// Returns whether apk reads the text to its end.
pub(crate) fn is_valid(text: &str) -> bool {
    last(text).is_some_and(|version| version.kind == Kind::End)
}

/// Returns whether the version has a suffix that sorts before the release.
pub(crate) fn is_prerelease(text: &str) -> bool {
    let mut position = parse(text);
    while let Some(version) = position {
        if version.before_release() {
            return true;
        }
        position = (version.kind < Kind::End).then(|| version.next());
    }
    false
}

fn last(text: &str) -> Option<Version<'_>> {
    let mut version = parse(text)?;
    while version.kind < Kind::End {
        version = version.next();
    }
    Some(version)
}

impl<'a> Version<'a> {
    fn before_release(&self) -> bool {
        self.kind == Kind::Suffix && self.rank < RELEASE
    }

    fn next(&self) -> Self {
        self.try_next().unwrap_or(Self { kind: Kind::Invalid, text: "", rank: 0, rest: "" })
    }

    fn try_next(&self) -> Option<Self> {
        let step = |kind, (text, rest): (&'a str, &'a str)| {
            (!text.is_empty()).then_some(Self { kind, text, rank: 0, rest })
        };
        match scan::first(self.rest) {
            0 if self.rest.is_empty() => Some(Self { kind: Kind::End, text: "", rank: 0, rest: "" }),
            b'a'..=b'z' if self.kind <= Kind::Number => step(Kind::Letter, self.rest.split_at_checked(1)?),
            b'.' if self.kind <= Kind::Number => {
                step(Kind::Number, scan::digits(self.rest.strip_prefix('.')?))
            }
            b'0'..=b'9' if self.kind == Kind::Suffix => step(Kind::SuffixNumber, scan::digits(self.rest)),
            b'_' if self.kind <= Kind::SuffixNumber => {
                let (word, rest) =
                    scan::split_while(self.rest.strip_prefix('_')?, |byte| byte.is_ascii_lowercase());
                let (_, rank) = SUFFIXES.iter().find(|(name, _)| *name == word)?;
                Some(Self { kind: Kind::Suffix, text: word, rank: *rank, rest })
            }
            b'~' if self.kind < Kind::Hash => step(
                Kind::Hash,
                scan::split_while(
                    self.rest.strip_prefix('~')?,
                    |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                ),
            ),
            b'-' if self.kind < Kind::Revision => {
                step(Kind::Revision, scan::digits(self.rest.strip_prefix("-r")?))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid, order};
    use assay_model::Scheme::Apk;

    /// Pairs of apk-tools' own `test/unit/version.data`, the telling ones of some 740.
    #[test]
    fn orders_as_apk() {
        order(
            Apk,
            "
            2.34 > 0.1.0_alpha
            23_foo > 4_beta
            1.0 < 1.0bc
            0.1.0_alpha = 0.1.0_alpha
            0.1.0_alpha2 > 0.1.0_alpha
            1.0.4-r3 < 1.0.4-r4
            1.1 > 1.1_alpha1
            2.3.0b-r1 < 2.3.0b-r2
            3.1_p16 < 3.1_p17
            3.1_p17 > 1.06-r6
            006 > 1.0.0
            1.02.07 < 1.02.10-r1
            2.01.01_alpha10 > 0.94
            1.0 > 0.99.3.20040818
            4.2.52_p2-r1 < 4.2.52_p4-r2
            0.9.8c-r1 < 0.9.8d
            1.7 < 1.7b
            1.8.5 < 1.8.5_p2
            1.07-r1 < 1.07.5
            0.10.0-r1 > 0.10.0
            0.10.1_rc1 > 0.9.11
            1.3-r0 < 1.3.1-r0
            1.3_pre1-r1 < 1.3.2
            1.0_p10-r0 > 1.0_p9-r0
            0.1.0_alpha_pre2 < 0.1.0_alpha
            1.0.0_pre20191002222144-r0 < 1.0.0_pre20210530193627-r0
            8.2.0015 < 8.2.002
            1.0~1234 > 1.0~0123
            1.0~abcd = 1.0~abcd
            1.0~1234-r1 > 1.0~1234-r0
            6.0_pre1 < 6.0
            6.1_pre1 < 6.1
            6.0_p1 > 6.0
            1.1.1q-r0 < 1.1.1t-r0
            ",
        );
    }

    #[test]
    fn a_version_starts_with_a_digit() {
        invalid(Apk, &["", "a", ".1", "_p1"]);
        assert!(crate::is_valid(Apk, "1.2.3b_alpha1_p2~deadbeef-r3"));
        assert!(!crate::is_valid(Apk, "1.2.3-3"));
        assert!(!crate::is_valid(Apk, "1.0bc"));
    }
}
