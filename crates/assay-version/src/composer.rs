//! PHP versions, [composer/semver](https://github.com/composer/semver): normalise, then PHP's
//! [`version_compare`](https://www.php.net/version_compare).
//!
//! Surprising: one to four numbers, stabilities in many spellings (`1.0b2` is `1.0.0.0-beta2`), `patch` sorts *after* the release, dates
//! are versions, and branch names (`dev-main`) are versions that sort below every release.

use std::cmp::Ordering;

use crate::scan;

/// The normalised text, as Composer keeps it in lockfiles' `version_normalized`.
pub(crate) struct Version(pub(crate) String);

/// Normalises as `VersionParser::normalize` does.
pub(crate) fn parse(text: &str) -> Option<Version> {
    normalise(text).map(Version)
}

pub(crate) fn normalise(text: &str) -> Option<String> {
    let text = text.trim();
    let text = strip_alias(text);
    let text = strip_stability_flag(text).map_or(text, |(text, _)| text);
    if matches!(text, "master" | "trunk" | "default") {
        return Some(format!("dev-{text}"));
    }
    if let Some(branch) = scan::strip_ignore_case(text, "dev-") {
        return Some(format!("dev-{branch}"));
    }
    let text = strip_build(text);
    if let Some(normal) = classical(text).or_else(|| date(text)) {
        return Some(normal);
    }
    // A numeric branch: `2.x-dev`.
    let head = text.len().checked_sub(3).and_then(|at| text.split_at_checked(at))?;
    let branch = head.1.eq_ignore_ascii_case("dev").then_some(head.0)?;
    numeric_branch(branch.strip_suffix(['.', '-']).unwrap_or(branch))
}

/// `1.0 as 2.0` is installed as 1.0.
pub(crate) fn strip_alias(text: &str) -> &str {
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(version), Some("as"), Some(_), None) if !text.contains(',') => version,
        _ => text,
    }
}

/// Splits `@beta` and the like off.
pub(crate) fn strip_stability_flag(text: &str) -> Option<(&str, &str)> {
    let (version, flag) = text.rsplit_once('@')?;
    ["stable", "RC", "beta", "alpha", "dev"]
        .iter()
        .find(|name| name.eq_ignore_ascii_case(flag))
        .map(|_| (version, flag))
}

fn strip_build(text: &str) -> &str {
    match text.split_once('+') {
        Some((version, build))
            if !version.is_empty()
                && !build.is_empty()
                && !version.contains([',', ' '])
                && !build.contains(char::is_whitespace) =>
        {
            version
        }
        _ => text,
    }
}

/// One to four numbers and a modifier; the major has at most five digits, lest it be a date.
fn classical(text: &str) -> Option<String> {
    let text = scan::strip_ignore_case(text, "v").unwrap_or(text);
    let (numbers, count, rest) = leading_numbers(text)?;
    let [major, ..] = numbers;
    if major.len() > 5 {
        return None;
    }
    let modifier = Modifier::parse(rest)?;
    let number = |index: usize| match numbers.get(index) {
        Some(number) if index < count => *number,
        _ => "0",
    };
    Some(modifier.append(format!("{}.{}.{}.{}", number(0), number(1), number(2), number(3))))
}

/// Splits up to four dotted numbers off; a dot without a number behind it stays.
pub(crate) fn leading_numbers(text: &str) -> Option<([&str; 4], usize, &str)> {
    let mut numbers = [""; 4];
    let mut count = 0;
    let mut rest = text;
    for slot in &mut numbers {
        let source = if count == 0 { Some(rest) } else { rest.strip_prefix('.') };
        let Some((number, tail)) = source.map(scan::digits).filter(|(number, _)| !number.is_empty()) else {
            break;
        };
        *slot = number;
        count += 1;
        rest = tail;
    }
    (count > 0).then_some((numbers, count, rest))
}

/// `20200101`, `2020.01.01`, `2020-01-01-12:30`.
fn date(text: &str) -> Option<String> {
    let text = scan::strip_ignore_case(text, "v").unwrap_or(text);
    let (head, _) =
        scan::split_while(text, |byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':' | b'-'));
    let end = head.trim_end_matches(['.', ':', '-']).len();
    let (head, rest) = text.split_at_checked(end)?;
    let modifier = Modifier::parse(rest)?;
    let (year, groups) = head.split_at_checked(4)?;
    (scan::is_number(year) && date_groups(groups, 0))
        .then(|| modifier.append(head.chars().map(|c| if c.is_ascii_digit() { c } else { '.' }).collect()))
}

/// One to six groups of two digits, then at most one of up to three; separators are optional. At most seven deep.
fn date_groups(text: &str, seen: u8) -> bool {
    let body = text.strip_prefix(['.', ':', '-']).unwrap_or(text);
    if seen >= 1 && (text.is_empty() || (body.len() <= 3 && scan::is_number(body))) {
        return true;
    }
    seen < 6
        && body
            .split_at_checked(2)
            .is_some_and(|(pair, rest)| scan::is_number(pair) && date_groups(rest, seen + 1))
}

/// A stability with its number, and whether `dev` follows.
pub(crate) struct Modifier<'a> {
    pub(crate) stability: Option<(&'static str, &'a str)>,
    pub(crate) dev: bool,
}

impl<'a> Modifier<'a> {
    /// Reads `[sep][stability[numbers]][[sep]dev]` to the end of the text.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self { stability: None, dev: false });
        }
        let body = text.strip_prefix(['.', '_', '-']);
        [body, Some(text)].into_iter().flatten().find_map(Self::body)
    }

    fn body(text: &'a str) -> Option<Self> {
        const STABILITIES: [(&str, &str); 9] = [
            ("stable", "stable"),
            ("beta", "beta"),
            ("b", "beta"),
            ("rc", "RC"),
            ("alpha", "alpha"),
            ("a", "alpha"),
            ("patch", "patch"),
            ("pl", "patch"),
            ("p", "patch"),
        ];
        let is_dev = |text: &str| {
            text.is_empty() || text.strip_prefix(['.', '-']).unwrap_or(text).eq_ignore_ascii_case("dev")
        };
        for (word, name) in STABILITIES {
            if let Some(rest) = scan::strip_ignore_case(text, word) {
                let end = numbers_end(rest);
                let (numbers, rest) = rest.split_at_checked(end)?;
                if is_dev(rest) {
                    return Some(Self { stability: Some((name, numbers)), dev: !rest.is_empty() });
                }
            }
        }
        // A separator alone, as in `1.0-`, is a modifier without content.
        is_dev(text).then_some(Self { stability: None, dev: !text.is_empty() })
    }

    fn append(&self, version: String) -> String {
        let mut out = version;
        if let Some((name, numbers)) = self.stability {
            if name == "stable" {
                return out;
            }
            out.push('-');
            out.push_str(name);
            out.push_str(numbers.trim_start_matches(['.', '-']));
        }
        if self.dev {
            out.push_str("-dev");
        }
        out
    }
}

/// The end of `(?:[.-]?\d+)*`.
fn numbers_end(text: &str) -> usize {
    let mut rest = text;
    loop {
        let (number, tail) = scan::digits(rest.strip_prefix(['.', '-']).unwrap_or(rest));
        if number.is_empty() {
            return text.len() - rest.len();
        }
        rest = tail;
    }
}

/// `2.1.x` is the branch that will become every later 2.1: its open places count as 9999999.
fn numeric_branch(branch: &str) -> Option<String> {
    let branch = branch.trim();
    let branch = scan::strip_ignore_case(branch, "v").unwrap_or(branch);
    let mut parts = vec![];
    for (index, part) in branch.split('.').enumerate() {
        let wild = matches!(part, "x" | "X" | "*");
        if index > 3 || (index == 0 && wild) || !(wild || scan::is_number(part)) {
            return None;
        }
        parts.push(if wild { "9999999" } else { part });
    }
    parts.resize(4, "9999999");
    Some(format!("{}-dev", parts.join(".")))
}

/// Compares normalised texts with PHP's `version_compare`.
pub(crate) fn compare(a: &Version, b: &Version) -> Ordering {
    compare_normal(&a.0, &b.0)
}

pub(crate) fn compare_normal(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (Runs(a), Runs(b));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(a), None) if scan::is_number(a) => Ordering::Greater,
            (None, Some(b)) if scan::is_number(b) => Ordering::Less,
            (a, b) => match (a.unwrap_or("#"), b.unwrap_or("#")) {
                (a, b) if scan::is_number(a) && scan::is_number(b) => scan::number(a, b),
                (a, b) => form(a).cmp(&form(b)),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// PHP's places: an unknown word, dev, alpha, beta, RC, a number or the end (`#`), patch. Only a word's beginning counts.
fn form(run: &str) -> u8 {
    const FORMS: [(&str, u8); 10] = [
        ("dev", 1),
        ("alpha", 2),
        ("a", 2),
        ("beta", 3),
        ("b", 3),
        ("RC", 4),
        ("rc", 4),
        ("#", 5),
        ("pl", 6),
        ("p", 6),
    ];
    if scan::is_number(run) {
        return 5;
    }
    FORMS.iter().find(|(name, _)| run.starts_with(name)).map_or(0, |(_, place)| *place)
}

/// Runs of digits and of letters.
struct Runs<'a>(&'a str);

impl<'a> Iterator for Runs<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let (run, after) = match scan::digits(rest) {
            ("", _) => scan::letters(rest),
            split => split,
        };
        self.0 = after;
        (!run.is_empty()).then_some(run)
    }
}

/// Returns whether the version's stability is below `stable`.
pub(crate) fn is_prerelease(text: &str) -> bool {
    normalise(text).is_some_and(|normal| {
        normal.starts_with("dev-")
            || normal
                .split_once('-')
                .is_some_and(|(_, rest)| !rest.starts_with("patch") || rest.ends_with("-dev"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{invalid, order};
    use assay_model::Scheme::Composer;

    /// Of composer/semver's own `VersionParserTest` and `ComparatorTest`.
    #[test]
    fn normalises_as_composer() {
        for (text, expected) in [
            ("1.0.0", "1.0.0.0"),
            ("1.2.3.4", "1.2.3.4"),
            ("1.0.0RC1dev", "1.0.0.0-RC1-dev"),
            ("1.0.0-rC15-dev", "1.0.0.0-RC15-dev"),
            ("1.0.0.RC.15-dev", "1.0.0.0-RC15-dev"),
            ("1.0.0.pl3-dev", "1.0.0.0-patch3-dev"),
            ("1.0-dev", "1.0.0.0-dev"),
            ("10.4.13-beta.2", "10.4.13.0-beta2"),
            ("v1.0.0", "1.0.0.0"),
            ("2010.01", "2010.01.0.0"),
            ("v20100102", "20100102"),
            ("2010-01-02.5", "2010.01.02.5"),
            ("20100102-203040-p1", "20100102.203040-patch1"),
            ("dev-master", "dev-master"),
            ("1.x-dev", "1.9999999.9999999.9999999-dev"),
            ("1.0.0-beta.5+foo", "1.0.0.0-beta5"),
            ("1.0.0 as 2.0", "1.0.0.0"),
            ("1.0@beta", "1.0.0.0"),
        ] {
            assert_eq!(normalise(text).as_deref(), Some(expected), "{text}");
        }
        invalid(Composer, &["", "a", "1.0.0-meh", "1.0.0.0.0", "feature-foo", "1.0 .2"]);
    }

    #[test]
    fn orders_as_composer() {
        order(
            Composer,
            "
            1.25.0 > 1.24.0
            1.25.0 > 1.25.0-beta1
            1.25.0-beta2 > 1.25.0-beta1
            1.25.0 < 1.25.0-p1
            1.0.0-alpha < 1.0.0-beta
            1.0-dev < 1.0-alpha
            1.0 = 1.0.0.0
            dev-master < 0.1
            5.3.x-dev > 5.3.99
            ",
        );
    }
}
