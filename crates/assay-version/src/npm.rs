//! Node versions and ranges, [node-semver](https://github.com/npm/node-semver).
//!
//! Versions are read as node-semver's *loose* mode reads them, because old packages carry such texts: leading `v` and `=`, leading
//! zeros, and a prerelease without its dash (`1.0.0beta`). Ranges are strict. Surprising: a prerelease satisfies a range only when a
//! comparator names a prerelease of the very same three numbers.

use std::cmp::Ordering;

use crate::scan;
use crate::semver::{self, Parts};

/// node-semver's `MAX_LENGTH`; longer texts are no versions.
const MAX_LENGTH: usize = 256;
/// JavaScript's `Number.MAX_SAFE_INTEGER`, the highest number of a core.
const MAX_NUMBER: &str = "9007199254740991";

/// Splits a version in the loose grammar.
pub(crate) fn parse(text: &str) -> Option<Parts<'_>> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let text = text.trim().trim_start_matches(|c: char| c == 'v' || c == '=' || c.is_ascii_whitespace());
    let (major, rest) = scan::digits(text);
    let (minor, rest) = scan::digits(rest.strip_prefix('.')?);
    let (patch, rest) = scan::digits(rest.strip_prefix('.')?);
    if major.is_empty() || minor.is_empty() || patch.is_empty() {
        return None;
    }
    labels(rest)
        .map(|(pre, build)| (patch, pre, build))
        .or_else(|| {
            // The pattern has no word boundary: of `1.2.10.4` it makes the patch 1 and the prerelease `0.4`.
            let (patch, _) =
                patch.split_at_checked(patch.len() - 1).filter(|(patch, _)| !patch.is_empty())?;
            let (_, rest) = text.split_at_checked(text.len() - rest.len() - 1)?;
            labels(rest).map(|(pre, build)| (patch, pre, build))
        })
        .map(|(patch, pre, build)| Parts { numbers: [major, minor, patch, ""], count: 3, pre, build })
        .filter(|parts| safe(&parts.numbers))
}

/// Reads `[[-]pre][+build]`: right behind the numbers a label needs no dash.
fn labels(rest: &str) -> Option<(&str, &str)> {
    let (before, build) = match rest.find('+') {
        Some(at) => rest.split_at_checked(at)?,
        None => (rest, ""),
    };
    let (_, build) = semver::split_labels(build)?;
    if before.is_empty() {
        return Some(("", build));
    }
    let pre = before.strip_prefix('-').unwrap_or(before);
    // Of `1.0.0-` the pattern makes the label `-`.
    [pre, before].into_iter().find(|pre| is_prerelease_text(pre)).map(|pre| (pre, build))
}

fn is_prerelease_text(pre: &str) -> bool {
    pre.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

fn safe(numbers: &[&str]) -> bool {
    numbers.iter().all(|number| scan::number(number, MAX_NUMBER) != Ordering::Greater)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// One desugared bound.
struct Comparator {
    operator: Operator,
    numbers: [String; 3],
    pre: String,
}

/// Returns whether the version is in the range, or nothing when the range cannot be read.
pub(crate) fn satisfies(version: &Parts<'_>, range: &str) -> Option<bool> {
    let mut alternatives = Vec::new();
    for alternative in range.trim().split("||") {
        alternatives.push(comparators(without_builds(alternative).trim())?);
    }
    // node-semver reduces `* || anything` to `*`, which no prerelease satisfies.
    if alternatives.iter().any(Vec::is_empty) {
        return Some(version.pre.is_empty());
    }
    Some(alternatives.iter().any(|all| admits(all, version)))
}

/// Drops every `+build`, of which node-semver forgives more than one.
fn without_builds(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('+') {
        out.push_str(before);
        let is_label = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let mut tail = after.trim_start_matches(is_label);
        if tail.len() == after.len() {
            out.push('+');
        } else {
            while let Some(next) = tail.strip_prefix('.').filter(|next| next.starts_with(is_label)) {
                tail = next.trim_start_matches(is_label);
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn admits(all: &[Comparator], version: &Parts<'_>) -> bool {
    all.iter().all(|comparator| comparator.test(version))
        && (version.pre.is_empty()
            || all.iter().any(|comparator| {
                !comparator.pre.is_empty() && comparator.parts().compare_numbers(version) == Ordering::Equal
            }))
}

impl Comparator {
    fn parts(&self) -> Parts<'_> {
        let [major, minor, patch] = &self.numbers;
        Parts { numbers: [major, minor, patch, ""], count: 3, pre: &self.pre, build: "" }
    }

    fn test(&self, version: &Parts<'_>) -> bool {
        let order = semver::compare(version, &self.parts());
        match self.operator {
            Operator::Equal => order.is_eq(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// A version whose numbers may be absent or `x`; absent is empty.
#[derive(Clone, Copy)]
struct Partial<'a> {
    major: &'a str,
    minor: &'a str,
    patch: &'a str,
    pre: &'a str,
    /// Whether a number follows an `x`, as in `*.1`, which only some operators forgive.
    disordered: bool,
    /// Whether more than one `v` stands before it, which a plain comparator does not forgive.
    garbled: bool,
}

/// Reads the comparators of one alternative; none means that everything satisfies it.
fn comparators(text: &str) -> Option<Vec<Comparator>> {
    let mut out = Vec::new();
    if let Some((from, to)) = hyphen(text) {
        let garbled = |one: Partial<'_>| one.garbled && ![one.major, one.minor, one.patch].contains(&"");
        if garbled(from) || (garbled(to) && to.pre.is_empty()) {
            return None;
        }
        lower(from, &mut out);
        upper(to, &mut out);
    } else {
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let operator = ["~>", "~", "^", ">=", "<=", ">", "<", "="]
                .into_iter()
                .find(|operator| rest.starts_with(operator))
                .unwrap_or("");
            let tail = rest.strip_prefix(operator)?;
            // Blanks go before signs are read: `> =1.2.3` is `>=1.2.3`.
            let (operator, tail) = match (operator, tail.trim_start().strip_prefix('=')) {
                ("<", Some(tail)) => ("<=", tail),
                (">", Some(tail)) => (">=", tail),
                _ => (operator, tail),
            };
            let (partial, tail) = partial(tail)?;
            if !tail.is_empty() && !tail.starts_with(|c: char| c.is_ascii_whitespace()) {
                return None;
            }
            desugar(operator, partial, &mut out)?;
            rest = tail.trim_start();
        }
    }
    // `>=0.0.0` stands for everything.
    out.retain(|one| {
        !(one.operator == Operator::GreaterOrEqual
            && one.pre.is_empty()
            && one.numbers.iter().all(|n| scan::is_zero(n)))
    });
    out.iter().all(|one| safe(&one.numbers.each_ref().map(String::as_str))).then_some(out)
}

fn hyphen(text: &str) -> Option<(Partial<'_>, Partial<'_>)> {
    let (from, rest) = partial(text)?;
    let rest = rest.strip_prefix(|c: char| c.is_ascii_whitespace())?.trim_start().strip_prefix('-')?;
    let (to, rest) = partial(rest.strip_prefix(|c: char| c.is_ascii_whitespace())?)?;
    rest.trim().is_empty().then_some((from, to))
}

/// Reads `[v=]*x.y.z[-pre][+build]`, numbers absent from some place on.
fn partial(text: &str) -> Option<(Partial<'_>, &str)> {
    let mut rest = text.trim_start_matches(|c: char| c == 'v' || c == '=' || c.is_ascii_whitespace());
    let (lead, _) = text.split_at_checked(text.len() - rest.len())?;
    let garbled = !matches!(lead.trim(), "" | "v");
    let mut numbers = [""; 3];
    let mut wild = [true; 3];
    let mut count = 0;
    for (slot, any) in numbers.iter_mut().zip(&mut wild) {
        let (number, tail) = match rest.strip_prefix(['x', 'X', '*']) {
            Some(tail) => ("", tail),
            None => {
                let (number, tail) = scan::digits(rest);
                if number.is_empty() || scan::has_leading_zero(number) {
                    return None;
                }
                *any = false;
                (number, tail)
            }
        };
        *slot = number;
        count += 1;
        rest = tail;
        match tail.strip_prefix('.') {
            Some(tail) if count < 3 => rest = tail,
            _ => break,
        }
    }
    let (token, after) = scan::split_while(rest, |byte| !byte.is_ascii_whitespace());
    let pre = if token.is_empty() {
        ""
    } else {
        let (pre, build) = semver::split_labels(token)?;
        let zero = pre.split('.').any(|label| scan::is_number(label) && scan::has_leading_zero(label));
        if zero || (count < 3 && (!pre.is_empty() || build.is_empty())) {
            return None;
        }
        pre
    };
    let [major, minor, patch] = numbers;
    let [no_major, no_minor, no_patch] = wild;
    let disordered = (no_major && !no_minor) || (no_minor && !no_patch);
    Some((Partial { major, minor, patch, pre, disordered, garbled }, after))
}

fn push(out: &mut Vec<Comparator>, operator: Operator, numbers: [&str; 3], pre: &str) {
    out.push(Comparator { operator, numbers: numbers.map(str::to_owned), pre: pre.to_owned() });
}

fn lower(from: Partial<'_>, out: &mut Vec<Comparator>) {
    let at_least = Operator::GreaterOrEqual;
    if from.major.is_empty() {
    } else if from.minor.is_empty() {
        push(out, at_least, [from.major, "0", "0"], "");
    } else if from.patch.is_empty() {
        push(out, at_least, [from.major, from.minor, "0"], "");
    } else {
        push(out, at_least, [from.major, from.minor, from.patch], from.pre);
    }
}

fn upper(to: Partial<'_>, out: &mut Vec<Comparator>) {
    if to.major.is_empty() {
    } else if to.minor.is_empty() {
        push(out, Operator::Less, [&scan::increment(to.major), "0", "0"], "0");
    } else if to.patch.is_empty() {
        push(out, Operator::Less, [to.major, &scan::increment(to.minor), "0"], "0");
    } else {
        push(out, Operator::LessOrEqual, [to.major, to.minor, to.patch], to.pre);
    }
}

fn desugar(operator: &str, partial: Partial<'_>, out: &mut Vec<Comparator>) -> Option<()> {
    let Partial { major, minor, patch, pre, disordered, garbled } = partial;
    let (no_major, no_minor) = (major.is_empty(), major.is_empty() || minor.is_empty());
    let no_patch = no_minor || patch.is_empty();
    let at_least = |out: &mut Vec<Comparator>| {
        let pre = if no_patch { "" } else { pre };
        let zero = |gone, number| if gone { "0" } else { number };
        push(out, Operator::GreaterOrEqual, [major, zero(no_minor, minor), zero(no_patch, patch)], pre);
    };
    let next_major = scan::increment(major);
    let next_minor = scan::increment(minor);
    let next_patch = scan::increment(patch);
    match operator {
        "~" | "~>" | "^" if no_major => {}
        "~" | "~>" => {
            at_least(out);
            if no_minor {
                push(out, Operator::Less, [&next_major, "0", "0"], "0");
            } else {
                push(out, Operator::Less, [major, &next_minor, "0"], "0");
            }
        }
        "^" => {
            at_least(out);
            if no_minor || major != "0" {
                push(out, Operator::Less, [&next_major, "0", "0"], "0");
            } else if no_patch || minor != "0" {
                push(out, Operator::Less, [major, &next_minor, "0"], "0");
            } else {
                push(out, Operator::Less, [major, minor, &next_patch], "0");
            }
        }
        "" | "=" | "<" | ">" | "<=" | ">=" if disordered => return None,
        "" | "=" | "<" | ">" | "<=" | ">=" if garbled && !no_patch => return None,
        // Nothing is below every version or above them all.
        "<" | ">" if no_major => push(out, Operator::Less, ["0", "0", "0"], "0"),
        "" | "=" | "<=" | ">=" if no_major => {}
        "" | "=" if no_minor => {
            at_least(out);
            push(out, Operator::Less, [&next_major, "0", "0"], "0");
        }
        "" | "=" if no_patch => {
            at_least(out);
            push(out, Operator::Less, [major, &next_minor, "0"], "0");
        }
        "" | "=" => push(out, Operator::Equal, [major, minor, patch], pre),
        ">=" => at_least(out),
        ">" if no_minor => push(out, Operator::GreaterOrEqual, [&next_major, "0", "0"], ""),
        ">" if no_patch => push(out, Operator::GreaterOrEqual, [major, &next_minor, "0"], ""),
        ">" => push(out, Operator::Greater, [major, minor, patch], pre),
        "<" if no_minor => push(out, Operator::Less, [major, "0", "0"], "0"),
        "<" if no_patch => push(out, Operator::Less, [major, minor, "0"], "0"),
        "<" => push(out, Operator::Less, [major, minor, patch], pre),
        "<=" if no_minor => push(out, Operator::Less, [&next_major, "0", "0"], "0"),
        "<=" if no_patch => push(out, Operator::Less, [major, &next_minor, "0"], "0"),
        "<=" => push(out, Operator::LessOrEqual, [major, minor, patch], pre),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid, invalid_range, order, ranges};
    use assay_model::Scheme::Npm;

    /// Pairs of node-semver's own `test/fixtures/comparisons.js` and `equality.js`.
    #[test]
    fn orders_as_node_semver() {
        order(
            Npm,
            "
            0.0.0 > 0.0.0-foo
            0.0.1 > 0.0.0
            0.10.0 > 0.9.0
            1.2.3 > 1.2.3-asdf
            1.2.3 > 1.2.3-4
            1.2.3-5-foo > 1.2.3-5
            1.2.3-5 > 1.2.3-4
            1.2.3-a.10 > 1.2.3-a.5
            1.2.3-a.b > 1.2.3-a.5
            1.2.3-a.b > 1.2.3-a
            1.2.3-r2 > 1.2.3-r100
            1.2.3-r100 > 1.2.3-R2
            v1.2.3 = 1.2.3
            =1.2.3 = 1.2.3
            1.2.3beta = 1.2.3-beta
            1.2.3-beta+build = 1.2.3-beta+otherbuild
            ",
        );
        invalid(Npm, &["", "1", "1.2", "1.2.3.4", "hello, world", "9007199254740992.0.0"]);
    }

    /// Pairs of node-semver's own `test/fixtures/range-include.js` and `range-exclude.js`.
    #[test]
    fn reads_ranges_as_node_semver() {
        ranges(
            Npm,
            "
            1.0.0 - 2.0.0 | 1.2.3
            ^1.2.3+build | 1.2.3
            1.2.3-pre+asdf - 2.4.3-pre+asdf | 1.2.3-pre.2
            1.2.3-pre+asdf - 2.4.3-pre+asdf | 2.4.3-alpha
            * | 1.2.3
            >=  1.0.0 | 1.1.0
            0.1.20 || 1.2.4 | 1.2.4
            2.x.x | 2.1.3
            ~> 1 | 1.2.3
            ~1.2.3-beta.2 | 1.2.3-beta.4
            ^0.0.1-beta | 0.0.1-beta.4
            ^1.2 ^1 | 1.4.2
            =0.7.x | 0.7.2
            <=7.x | 7.9.9
            ~1.2.1 =1.2.3 | 1.2.3
            || | 1.3.4
            ! 1.0.0 - 2.0.0 | 2.2.3
            ! ^1.2.3 | 2.0.0-pre
            ! ^1.2.3 | 1.2.4-beta
            ! >1.2 | 1.3.0-beta
            ! <1.2.3 | 1.2.3-beta
            ! =1.2.3 | 1.2.3-beta
            ! ^0.0.1 | 0.0.2
            ! >=0.7.x | 0.7.0-asdf
            ! * | 1.0.0-rc1
            ! <* | 1.0.0
            ",
        );
        invalid_range(Npm, &["blerg", ">1.2.3 blerg", ">=1.2.3<2.0.0", "1.2.3.4", "01.2.3"]);
    }
}
