//! Maven versions, the order of `ComparableVersion` of maven-artifact 3.9
//! ([rules](https://maven.apache.org/pom.html#version-order-specification)).
//!
//! Every text is a version. A `-`, and any change between digits and letters, opens a sub-list; since nothing is ever added behind a
//! sub-list, the tree is kept as one flat list with an [`Item::Open`] mark. Trailing zeros, empty qualifiers and empty
//! sub-lists of each level do not count, hence `1.0-ga` equals `1`.

use std::cmp::Ordering;

use crate::scan;

/// One thing between separators.
#[derive(Debug, Clone, Copy)]
enum Item<'a> {
    Number(&'a str),
    Word(Qualifier<'a>),
    Open,
}

/// A known qualifier's place, or an unknown one, which follows them all.
#[derive(Debug, Clone, Copy)]
enum Qualifier<'a> {
    Known(u8),
    Unknown(&'a str),
}

/// alpha 0, beta 1, milestone 2, rc 3, snapshot 4, release 5, sp 6.
const RELEASE: u8 = 5;

/// The normalised items of a version.
pub(crate) struct Version<'a>(Vec<Item<'a>>);

/// Reads a version, which any text is but the empty one.
pub(crate) fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    Some(Version(normalise(&items(text))))
}

fn items(text: &str) -> Vec<Item<'_>> {
    let mut out = Vec::with_capacity(8);
    // Whether the innermost list has no item yet.
    let mut fresh = true;
    let mut rest = text;
    loop {
        // What stands up to the next separator or change of kind; empty when two separators meet.
        let (number, word, tail) = match scan::digits(rest) {
            ("", _) => {
                let end =
                    rest.find(|c: char| c == '.' || c == '-' || c.is_ascii_digit()).unwrap_or(rest.len());
                let (word, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (None, word, tail)
            }
            (number, tail) => (Some(number), "", tail),
        };
        let separator = scan::first(tail);
        let separated = matches!(separator, b'.' | b'-');
        match number {
            Some(number) => {
                out.push(Item::Number(number));
                fresh = false;
                if !separated && !tail.is_empty() {
                    out.push(Item::Open);
                    fresh = true;
                }
            }
            None if word.is_empty() => {
                if !tail.is_empty() {
                    out.push(Item::Number(""));
                    fresh = false;
                }
            }
            None => {
                let before_digit = separator.is_ascii_digit();
                // `1.0.x1` is read like `1.0-x1`; so is a word at the very end.
                if !separated && !fresh {
                    out.push(Item::Open);
                }
                out.push(Item::Word(qualifier(word, before_digit)));
                fresh = false;
                if before_digit {
                    out.push(Item::Open);
                    fresh = true;
                }
            }
        }
        if tail.is_empty() {
            return out;
        }
        rest = tail;
        if separated {
            rest = tail.split_at_checked(1).map_or("", |(_, rest)| rest);
            if separator == b'-' {
                out.push(Item::Open);
                fresh = true;
            }
            if rest.is_empty() {
                return out;
            }
        }
    }
}

fn qualifier(word: &str, before_digit: bool) -> Qualifier<'_> {
    const KNOWN: [(&str, u8); 10] = [
        ("alpha", 0),
        ("beta", 1),
        ("milestone", 2),
        ("rc", 3),
        ("cr", 3),
        ("snapshot", 4),
        ("ga", RELEASE),
        ("final", RELEASE),
        ("release", RELEASE),
        ("sp", 6),
    ];
    const SHORT: [(&str, u8); 3] = [("a", 0), ("b", 1), ("m", 2)];
    let short = if before_digit { SHORT.as_slice() } else { &[] };
    KNOWN
        .iter()
        .chain(short)
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map_or(Qualifier::Unknown(word), |(_, rank)| Qualifier::Known(*rank))
}

/// Drops what counts for nothing at the end of each list, innermost list first.
fn normalise<'a>(items: &[Item<'a>]) -> Vec<Item<'a>> {
    let mut kept = Vec::with_capacity(items.len());
    let mut at_end = true;
    // Whether the list being read, or one inside it, has kept anything.
    let mut holds = false;
    for item in items.iter().rev() {
        match item {
            Item::Open => {
                if holds {
                    kept.push(*item);
                }
                at_end = true;
            }
            item if at_end && against_nothing(item) == Ordering::Equal => {}
            item => {
                kept.push(*item);
                at_end = false;
                holds = true;
            }
        }
    }
    kept.reverse();
    kept
}

/// Compares as `ComparableVersion.compareTo` does.
pub(crate) fn compare(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    let (mut left, mut right) = (a.0.iter(), b.0.iter());
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(a), None) => return first_decided(a, left.as_slice()),
            (None, Some(b)) => return first_decided(b, right.as_slice()).reverse(),
            (Some(Item::Open), Some(Item::Open)) => Ordering::Equal,
            (Some(Item::Number(a)), Some(Item::Number(b))) => scan::number(a, b),
            (Some(Item::Word(a)), Some(Item::Word(b))) => compare_words(*a, *b),
            (Some(a), Some(b)) => rank(a).cmp(&rank(b)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A word is older than a sub-list, a sub-list older than a number.
fn rank(item: &Item<'_>) -> u8 {
    match item {
        Item::Word(_) => 0,
        Item::Open => 1,
        Item::Number(_) => 2,
    }
}

/// Compares an item with the end of the other list; a sub-list by its items in turn.
fn first_decided(item: &Item<'_>, rest: &[Item<'_>]) -> Ordering {
    std::iter::once(item)
        .chain(rest)
        .map(against_nothing)
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn against_nothing(item: &Item<'_>) -> Ordering {
    match item {
        Item::Number(number) if scan::is_zero(number) => Ordering::Equal,
        Item::Number(_) | Item::Word(Qualifier::Unknown(_)) => Ordering::Greater,
        Item::Word(Qualifier::Known(rank)) => rank.cmp(&RELEASE),
        Item::Open => Ordering::Equal,
    }
}

fn compare_words(a: Qualifier<'_>, b: Qualifier<'_>) -> Ordering {
    match (a, b) {
        (Qualifier::Known(a), Qualifier::Known(b)) => a.cmp(&b),
        (Qualifier::Known(_), Qualifier::Unknown(_)) => Ordering::Less,
        (Qualifier::Unknown(_), Qualifier::Known(_)) => Ordering::Greater,
        (Qualifier::Unknown(a), Qualifier::Unknown(b)) => {
            a.chars().flat_map(char::to_lowercase).cmp(b.chars().flat_map(char::to_lowercase))
        }
    }
}

/// Returns whether a qualifier older than a release stands in the version.
pub(crate) fn is_prerelease(text: &str) -> bool {
    parse(text).is_some_and(|version| {
        version.0.iter().any(|item| matches!(item, Item::Word(Qualifier::Known(rank)) if *rank < RELEASE))
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{chain, invalid, order};
    use assay_model::Scheme::Maven;

    /// The tables of Maven's own `ComparableVersionTest`.
    #[test]
    fn orders_as_comparable_version() {
        chain(
            Maven,
            "1-alpha2snapshot 1-alpha2 1-alpha-123 1-beta-2 1-beta123 1-m2 1-m11 1-rc 1-cr2 1-rc123 1-SNAPSHOT 1 1-sp \
             1-sp2 1-sp123 1-abc 1-def 1-pom-1 1-1-snapshot 1-1 1-2 1-123",
        );
        chain(Maven, "2.0 2.0.a 2-1 2.0.2 2.0.123 2.1.0 2.1-a 2.1b 2.1-c 2.1-1 2.1.0.1 2.2 2.123");
        chain(Maven, "11.a2 11.a11 11.b2 11.b11 11.m2 11.m11 11 11.a 11b 11c 11m");
        order(
            Maven,
            "
            1 = 1.0.0
            1 = 1-0
            1.x = 1-x
            1 = 1-ga
            1 = 1.FINAL
            1.0-release = 1
            1a1 = 1-alpha-1
            1x = 1.0.0-x
            1-cr1 = 1-rc1
            1.0.0x = 1-x
            0.7 < 2
            0.2 < 1.0.7
            2.0.1 < 2.0.1-123
            2.0.1-xyz < 2.0.1-123
            1.0.0.RC1 < 1.0.0-RC2
            1-0.alpha < 1
            5.0.9.Final < 5.0.10.Final
            20190126.230843 > 20190126.230842
            123456789012345678901234567890 > 12345678901234567890123456789
            2.14.1 < 2.15.0
            ",
        );
    }

    #[test]
    fn refuses_only_the_empty_text() {
        invalid(Maven, &["", "  "]);
    }
}
