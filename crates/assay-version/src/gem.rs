//! Ruby versions, the order of [`Gem::Version`](https://docs.ruby-lang.org/en/master/Gem/Version.html).
//!
//! Surprising: any letter makes a prerelease, which sorts before the same numbers without it (`1.0.a < 1.0`); `-` reads as `.pre.`; zeros at the
//! end of the leading numbers, and at the very end, do not count; the empty text is version 0.

use std::cmp::Ordering;

use crate::scan;

/// A checked text, read segment by segment.
#[derive(Clone, Copy)]
pub(crate) struct Version<'a>(&'a str);

/// Checks the text against `Gem::Version`'s pattern.
pub(crate) fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Version("0"));
    }
    let (main, pre) = match text.split_once('-') {
        Some((main, pre)) => (main, Some(pre)),
        None => (text, None),
    };
    let mut labels = main.split('.');
    let starts_with_number = labels.next().is_some_and(scan::is_number);
    let word = |label: &str, dash: bool| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || (dash && byte == b'-'))
    };
    let rest_is_good = labels.all(|label| word(label, false))
        && pre.is_none_or(|pre| pre.split('.').all(|label| word(label, true)));
    (starts_with_number && rest_is_good).then_some(Version(text))
}

/// A number or a word between separators.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment<'a> {
    Number(&'a str),
    Word(&'a str),
}

impl<'a> Version<'a> {
    /// Returns the segments as written.
    pub(crate) fn segments(self) -> Segments<'a> {
        Segments { rest: self.0 }
    }

    /// Returns the segments without the zeros that do not count.
    fn canonical(self) -> Canonical<'a> {
        Canonical { segments: self.segments(), numeric: true, zeros: 0, held: None }
    }
}

/// Iterates over the segments of a version.
#[derive(Clone)]
pub(crate) struct Segments<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        self.rest = self.rest.trim_start_matches('.');
        if let Some(rest) = self.rest.strip_prefix('-') {
            self.rest = rest;
            return Some(Segment::Word("pre"));
        }
        match scan::digits(self.rest) {
            ("", _) => {
                let (word, rest) = scan::letters(self.rest);
                self.rest = rest;
                (!word.is_empty()).then_some(Segment::Word(word))
            }
            (number, rest) => {
                self.rest = rest;
                Some(Segment::Number(number))
            }
        }
    }
}

/// Holds zeros back until something that counts follows.
struct Canonical<'a> {
    segments: Segments<'a>,
    numeric: bool,
    zeros: usize,
    held: Option<Segment<'a>>,
}

impl<'a> Iterator for Canonical<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            if self.held.is_some() {
                if self.zeros > 0 {
                    self.zeros -= 1;
                    return Some(Segment::Number("0"));
                }
                return self.held.take();
            }
            match self.segments.next()? {
                Segment::Number(number) if scan::is_zero(number) => self.zeros += 1,
                segment @ Segment::Word(_) if self.numeric => {
                    self.numeric = false;
                    self.zeros = 0;
                    self.held = Some(segment);
                }
                segment => self.held = Some(segment),
            }
        }
    }
}

/// Compares as `Gem::Version#<=>` does.
pub(crate) fn compare(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    let (mut left, mut right) = (a.canonical(), b.canonical());
    loop {
        let (x, y) = (left.next(), right.next());
        if x.is_none() && y.is_none() {
            return Ordering::Equal;
        }
        let nothing = Segment::Number("");
        let order = match (x.unwrap_or(nothing), y.unwrap_or(nothing)) {
            (Segment::Number(a), Segment::Number(b)) => scan::number(a, b),
            (Segment::Word(_), Segment::Number(_)) => Ordering::Less,
            (Segment::Number(_), Segment::Word(_)) => Ordering::Greater,
            (Segment::Word(a), Segment::Word(b)) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Returns whether the version has a letter.
pub(crate) fn is_prerelease(text: &str) -> bool {
    parse(text).is_some_and(|version| version.segments().any(|segment| matches!(segment, Segment::Word(_))))
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid, order};
    use assay_model::Scheme::Gem;

    /// Pairs of RubyGems' own `test_gem_version.rb`.
    #[test]
    fn orders_as_rubygems() {
        order(
            Gem,
            "
            1.0 = 1.0.0
            1.0 > 1.0.a
            1.8.2 > 0.0.0
            1.8.2 > 1.8.2.a
            1.8.2.b > 1.8.2.a
            1.8.2.a10 > 1.8.2.a9
            0.beta.1 = 0.0.beta.1
            0.0.beta < 0.0.beta.1
            0.0.beta < 0.beta.1
            5.a < 5.0.0.rc2
            5.x > 5.0.0.rc2
            1.9.3.1 > 1.9.3
            1.0.0-1 < 1
            1.2.b1 = 1.2.b.1
            ",
        );
    }

    #[test]
    fn refuses_what_rubygems_refuses() {
        invalid(
            Gem,
            &[
                "junk",
                "1.0\n2.0",
                "1..2",
                "1.2 3.4",
                "2.3422222.222.222222222.22222.ads0as.dasd0.ddd2222.2.qd3e.",
                "1-",
            ],
        );
        assert!(crate::is_valid(Gem, ""));
    }
}
