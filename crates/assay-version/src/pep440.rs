//! Python versions, [PEP 440](https://packaging.python.org/en/latest/specifications/version-specifiers/), as `packaging` reads them.
//!
//! Surprising: many spellings are one version (`1.0-ALPHA_1` is `1.0a1`, `1.0-1` is `1.0.post1`), trailing zeros of the release do
//! not count, and the development release of a final version sorts before its alphas.

use std::cmp::Ordering;

use crate::scan;

/// A prerelease's kind, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Alpha,
    Beta,
    Candidate,
}

/// A version taken apart; numbers are text, an omitted number is empty and counts as zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version<'a> {
    pub(crate) epoch: &'a str,
    pub(crate) release: &'a str,
    pub(crate) pre: Option<(Phase, &'a str)>,
    pub(crate) post: Option<&'a str>,
    pub(crate) dev: Option<&'a str>,
    pub(crate) local: Option<&'a str>,
}

const PHASES: [(&str, Phase); 8] = [
    ("alpha", Phase::Alpha),
    ("a", Phase::Alpha),
    ("beta", Phase::Beta),
    ("b", Phase::Beta),
    ("preview", Phase::Candidate),
    ("pre", Phase::Candidate),
    ("c", Phase::Candidate),
    ("rc", Phase::Candidate),
];

/// Reads a version in any of PEP 440's spellings.
pub(crate) fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim();
    let text = scan::strip_ignore_case(text, "v").unwrap_or(text);
    let (epoch, text) = match scan::digits(text) {
        ("", _) => return None,
        (epoch, rest) => rest.strip_prefix('!').map_or(("", text), |rest| (epoch, rest)),
    };
    let (release, rest) = split_release(text)?;
    let (pre, rest) = PHASES
        .iter()
        .find_map(|(word, phase)| marker(rest, word).map(|(number, rest)| (Some((*phase, number)), rest)))
        .unwrap_or((None, rest));
    let (post, rest) = implicit_post(rest)
        .or_else(|| ["post", "rev", "r"].iter().find_map(|word| marker(rest, word)))
        .map_or((None, rest), |(number, rest)| (Some(number), rest));
    let (dev, rest) = marker(rest, "dev").map_or((None, rest), |(number, rest)| (Some(number), rest));
    let local = match rest.strip_prefix('+') {
        Some(local) if is_local(local) => Some(local),
        Some(_) => return None,
        None if rest.is_empty() => None,
        None => return None,
    };
    Some(Version { epoch, release, pre, post, dev, local })
}

fn split_release(text: &str) -> Option<(&str, &str)> {
    let mut end = 0;
    let mut rest = text;
    loop {
        let (number, tail) = scan::digits(rest);
        if number.is_empty() {
            break;
        }
        end = text.len() - tail.len();
        match tail.strip_prefix('.') {
            Some(tail) => rest = tail,
            None => break,
        }
    }
    if end == 0 { None } else { text.split_at_checked(end) }
}

/// Reads `[sep]word[sep][number]`, where a separator is one of `.`, `-`, `_`.
fn marker<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let rest = scan::strip_ignore_case(strip_separator(text), word)?;
    // The separator goes even when no number follows: `1.0a.` and `1.0a.post1` are versions.
    Some(scan::digits(strip_separator(rest)))
}

fn strip_separator(text: &str) -> &str {
    text.strip_prefix(['.', '-', '_']).unwrap_or(text)
}

fn implicit_post(text: &str) -> Option<(&str, &str)> {
    let (number, rest) = scan::digits(text.strip_prefix('-')?);
    (!number.is_empty()).then_some((number, rest))
}

fn is_local(text: &str) -> bool {
    text.split(['.', '-', '_'])
        .all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Compares by PEP 440's summary of permitted suffixes.
pub(crate) fn compare(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    compare_public(a, b).then_with(|| match (a.local, b.local) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => compare_local(a, b),
    })
}

/// Compares all but the local part.
pub(crate) fn compare_public(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    compare_base(a, b)
        .then_with(|| a.phase_rank().cmp(&b.phase_rank()))
        .then_with(|| match (a.pre, b.pre) {
            (Some((_, a)), Some((_, b))) => scan::number(a, b),
            _ => Ordering::Equal,
        })
        .then_with(|| match (a.post, b.post) {
            (Some(a), Some(b)) => scan::number(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
        .then_with(|| match (a.dev, b.dev) {
            (Some(a), Some(b)) => scan::number(a, b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        })
}

/// Compares epoch and release alone.
pub(crate) fn compare_base(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    scan::number(a.epoch, b.epoch).then_with(|| compare_release(a.release, b.release))
}

/// Compares dotted numbers, padding the shorter with zeros.
pub(crate) fn compare_release(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let (x, y) = (left.next(), right.next());
        if x.is_none() && y.is_none() {
            return Ordering::Equal;
        }
        let order = scan::number(x.unwrap_or(""), y.unwrap_or(""));
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Compares local labels: numbers above words, fewer labels first.
fn compare_local(a: &str, b: &str) -> Ordering {
    let separators = ['.', '-', '_'];
    let (mut left, mut right) = (a.split(separators), b.split(separators));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (scan::is_number(a), scan::is_number(b)) {
                (true, true) => scan::number(a, b),
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => {
                    let lower = |text: &str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
                    let (a, b): (Vec<u8>, Vec<u8>) = (lower(a), lower(b));
                    a.cmp(&b)
                }
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

impl Version<'_> {
    /// A development release of a final version precedes its alphas; a final version follows its candidates.
    fn phase_rank(&self) -> u8 {
        match (self.pre, self.post, self.dev) {
            (Some((Phase::Alpha, _)), _, _) => 1,
            (Some((Phase::Beta, _)), _, _) => 2,
            (Some((Phase::Candidate, _)), _, _) => 3,
            (None, None, Some(_)) => 0,
            (None, _, _) => 4,
        }
    }

    /// Returns whether installers pass the version over unless asked for it.
    pub(crate) fn is_prerelease(&self) -> bool {
        self.pre.is_some() || self.dev.is_some()
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{chain, invalid, order};
    use assay_model::Scheme::Pep440;

    /// The chain of `packaging`'s own `tests/test_version.py`.
    #[test]
    fn orders_as_packaging() {
        chain(
            Pep440,
            "1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456 1.0b2.post345 \
             1.0rc1.dev456 1.0rc1 1.0 1.0+abc.5 1.0+abc.7 1.0+5 1.0.post456.dev34 1.0.post456 1.0.15 1.1.dev1 1!0.1",
        );
        order(
            Pep440,
            "
            1.0-ALPHA_1 = 1.0a1
            v1.0.0 = 1
            1.0-1 = 1.0.post1
            1.0.rev = 1.0.post0
            1.0preview3 = 1.0rc3
            1.0.c = 1.0rc0
            1.0+Ubuntu-1 = 1.0+ubuntu.1
            1.0.0 < 1.0.0.post1
            1.0a.post1 > 1.0a
            ",
        );
    }

    #[test]
    fn refuses_what_packaging_refuses() {
        invalid(
            Pep440,
            &[
                "",
                "french toast",
                "1.0+a+",
                "1.0++",
                "+foobar",
                "1.0+_foobar",
                "1.0+1+1",
                "1.0x",
                "1..0",
                "a",
                "1.0.",
                "1.0a1b",
                "1.0-",
                "!1",
            ],
        );
    }
}
