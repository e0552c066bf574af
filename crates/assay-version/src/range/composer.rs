//! Composer [constraints](https://getcomposer.org/doc/articles/versions.md): `^1.2 || ~2.1.3`, `1.0 - 2.0`, `1.*`, `>=1.0,<1.5`.
//!
//! Surprising: `>=1.0` and `<2.0` silently mean `-dev` of their bound, so `<2.0` leaves out `2.0-beta1`; `1.0` alone is that very
//! version; a branch (`dev-main`) meets only its own name.

use super::list::Sign;
use crate::composer::{
    Modifier, compare_normal, leading_numbers, normalise, strip_alias, strip_stability_flag,
};
use crate::scan;

/// One bound on normalised versions.
struct Bound {
    sign: Sign,
    version: String,
}

/// Returns whether the version meets the constraint.
pub(crate) fn satisfies(version: &str, requirement: &str) -> Option<bool> {
    let version = normalise(version)?;
    let mut met = false;
    for alternative in requirement.trim().split('|').map(str::trim) {
        // `a || b` leaves an empty piece between its two bars.
        if alternative.is_empty() && requirement.contains("||") {
            continue;
        }
        let mut bounds = Vec::new();
        for constraint in constraints(alternative)? {
            parse(constraint, &mut bounds)?;
        }
        met |= bounds.iter().all(|bound| bound.holds(&version));
    }
    Some(met)
}

impl Bound {
    fn holds(&self, version: &str) -> bool {
        let branches = (version.starts_with("dev-"), self.version.starts_with("dev-"));
        match (self.sign, branches) {
            (Sign::NotEqual, (true, _) | (_, true)) => version != self.version,
            (sign, (true, true)) => sign == Sign::Equal && version == self.version,
            (_, (true, false) | (false, true)) => false,
            (sign, (false, false)) => sign.holds(compare_normal(version, &self.version)),
        }
    }
}

/// Splits at commas and blanks, but not behind a sign, around a hyphen range or around `as`.
fn constraints(text: &str) -> Option<Vec<&str>> {
    if text.contains(" - ") || text.contains(" as ") {
        return Some(vec![text]);
    }
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        let signs = rest.len() - rest.trim_start_matches(['<', '>', '=', '!', ' ']).len();
        let (_, body) = rest.split_at_checked(signs)?;
        let end = body.find([',', ' ']).map_or(rest.len(), |at| at + signs);
        let (one, tail) = rest.split_at_checked(end)?;
        out.push(one);
        rest = tail.trim_start_matches([',', ' ']);
        if rest.is_empty() {
            return Some(out);
        }
    }
}

fn parse(text: &str, out: &mut Vec<Bound>) -> Option<()> {
    let text = strip_alias(text.trim());
    let (text, flag) = match strip_stability_flag(text) {
        Some(("", flag)) => ("*", Some(flag)),
        Some((version, flag)) => (version, Some(flag)),
        None => (text, None),
    };
    let text = match text.split_once('#') {
        Some((branch, _)) if branch.starts_with("dev-") || branch.ends_with("-dev") => branch,
        _ => text,
    };
    let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
    if !bare.is_empty() && bare.split('.').all(|part| matches!(part, "x" | "X" | "*")) {
        if bare.len() > 1 || bare.len() < text.len() {
            out.push(Bound { sign: Sign::GreaterOrEqual, version: "0.0.0.0-dev".to_owned() });
        }
        return Some(());
    }
    if let Some(body) = text.strip_prefix('~') {
        return tilde(body, out);
    }
    if let Some(body) = text.strip_prefix('^') {
        return caret(body, out);
    }
    if let Some(()) = wildcard(bare, out) {
        return Some(());
    }
    if let Some((from, to)) = text.split_once(" - ") {
        return hyphen(from.trim(), to.trim(), out);
    }
    basic(text, flag, out)
}

/// A version as the tilde and caret grammar takes it apart.
struct Pieces<'a> {
    numbers: [&'a str; 4],
    count: usize,
    /// Whether a stability or `dev` was written.
    suffixed: bool,
    /// `2.x-dev`, whose open place counts as written.
    open: bool,
}

fn pieces(text: &str) -> Option<Pieces<'_>> {
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let (numbers, count, rest) = leading_numbers(scan::strip_ignore_case(text, "v").unwrap_or(text))?;
    let open = ["x", "X", "*"].iter().any(|wild| {
        rest.strip_prefix('.')
            .and_then(|rest| rest.strip_prefix(wild))
            .is_some_and(|rest| rest.strip_prefix(['.', '-']).unwrap_or(rest).eq_ignore_ascii_case("dev"))
    });
    if open {
        return Some(Pieces { numbers, count, suffixed: true, open });
    }
    let modifier = Modifier::parse(rest)?;
    Some(Pieces { numbers, count, suffixed: modifier.stability.is_some() || modifier.dev, open })
}

impl Pieces<'_> {
    /// The version one higher at `place` (counted from 1), zero behind it, before all its prereleases.
    fn next(&self, place: usize) -> String {
        bumped(&self.numbers, place)
    }
}

fn bumped(numbers: &[&str; 4], place: usize) -> String {
    let mut parts: Vec<String> = Vec::with_capacity(4);
    for (index, number) in numbers.iter().enumerate() {
        parts.push(match (index + 1).cmp(&place) {
            std::cmp::Ordering::Less if number.is_empty() => "0".to_owned(),
            std::cmp::Ordering::Less => (*number).to_owned(),
            std::cmp::Ordering::Equal => scan::increment(number.trim_start_matches('0')),
            std::cmp::Ordering::Greater => "0".to_owned(),
        });
    }
    format!("{}-dev", parts.join("."))
}

fn lower(body: &str, pieces: &Pieces<'_>) -> Option<Bound> {
    let version = normalise(body)?;
    let version = if pieces.suffixed { version } else { format!("{version}-dev") };
    Some(Bound { sign: Sign::GreaterOrEqual, version })
}

fn tilde(body: &str, out: &mut Vec<Bound>) -> Option<()> {
    let pieces = pieces(body)?;
    let position = pieces.count + usize::from(pieces.open);
    out.push(lower(body, &pieces)?);
    out.push(Bound { sign: Sign::Less, version: pieces.next(position.saturating_sub(1).max(1)) });
    Some(())
}

fn caret(body: &str, out: &mut Vec<Bound>) -> Option<()> {
    let pieces = pieces(body)?;
    let [major, minor, patch, _] = pieces.numbers;
    let position = if major != "0" || minor.is_empty() {
        1
    } else if minor != "0" || patch.is_empty() {
        2
    } else {
        3
    };
    out.push(lower(body, &pieces)?);
    out.push(Bound { sign: Sign::Less, version: pieces.next(position) });
    Some(())
}

/// `1.2.*`
fn wildcard(text: &str, out: &mut Vec<Bound>) -> Option<()> {
    let (numbers, count, rest) = leading_numbers(text)?;
    let mut stars = rest.strip_prefix('.')?.split('.');
    if count > 3 || !stars.all(|part| matches!(part, "x" | "X" | "*")) {
        return None;
    }
    let number =
        |index: usize| numbers.get(index).copied().filter(|number| !number.is_empty()).unwrap_or("0");
    let low = format!("{}.{}.{}.0-dev", number(0), number(1), number(2));
    if low != "0.0.0.0-dev" {
        out.push(Bound { sign: Sign::GreaterOrEqual, version: low });
    }
    out.push(Bound { sign: Sign::Less, version: bumped(&numbers, count) });
    Some(())
}

fn hyphen(from: &str, to: &str, out: &mut Vec<Bound>) -> Option<()> {
    let (low, high) = (pieces(from)?, pieces(to)?);
    out.push(lower(from, &low)?);
    let normal = normalise(to)?;
    out.push(if high.count >= 3 || high.suffixed {
        Bound { sign: Sign::LessOrEqual, version: normal }
    } else {
        Bound { sign: Sign::Less, version: high.next(high.count) }
    });
    Some(())
}

fn basic(text: &str, flag: Option<&str>, out: &mut Vec<Bound>) -> Option<()> {
    if ["<<", "=<"].iter().any(|sign| text.starts_with(sign)) {
        return None;
    }
    let (sign, body) = Sign::split(text);
    let mut version = match normalise(body) {
        Some(version) => version,
        // `feature-dev` is a slip for the branch `dev-feature`.
        None => format!(
            "dev-{}",
            body.strip_suffix("-dev").filter(|name| {
                !name.is_empty()
                    && name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'/'))
            })?
        ),
    };
    let stable = !version.contains('-')
        || version
            .split_once('-')
            .is_some_and(|(_, rest)| rest.starts_with("patch") && !rest.ends_with("-dev"));
    let unstable = flag.filter(|flag| !flag.eq_ignore_ascii_case("stable"));
    match unstable {
        Some(flag) if sign != Sign::Equal && stable => {
            version.push('-');
            version.push_str(flag);
        }
        _ if matches!(sign, Sign::Less | Sign::GreaterOrEqual)
            && !names_stability(body)
            && !body.starts_with("dev-") =>
        {
            version.push_str("-dev");
        }
        _ => {}
    }
    out.push(Bound { sign, version });
    Some(())
}

/// Whether a dash followed by a modifier ends the text, as Composer asks with `/-modifier$/`.
fn names_stability(text: &str) -> bool {
    text.match_indices('-')
        .any(|(at, _)| text.split_at_checked(at + 1).is_some_and(|(_, rest)| Modifier::parse(rest).is_some()))
}

#[cfg(test)]
mod tests {
    use crate::testing::{invalid_range, ranges};
    use assay_model::Scheme::Composer;

    /// Of composer/semver's own `SemverTest` and of Composer's manual.
    #[test]
    fn reads_constraints_as_composer() {
        ranges(
            Composer,
            "
            ^1.2.3+build | 1.2.3
            1.0.0 - 2.0.0 | 1.2.3
            * | 1.2.3
            >=  1.0.0 | 1.1.0
            <2.0.0 | 0.2.9
            0.1.20 || 1.2.4 | 1.2.4
            >=0.2.3 || <0.0.1 | 0.0.0
            2.x.x | 2.1.3
            ~1.2.3 | 1.2.8
            ! ~1.2.3 | 1.3.0
            ~1.2 | 1.9
            ^0.1 | 0.1.2
            ! ^0.1 | 0.2.0
            ! <2.0 | 2.0.0-beta1
            >=1.0 | 1.0.0-beta1
            1.0.x | 1.0.99
            ! 1.0 | 1.0.1
            ! >1.0 | dev-main
            dev-main | dev-main
            >=1.0,<2.0 | 1.5
            >=1.0 <1.1 || >=1.2 | 1.2
            1.0 - 2.0 | 2.0.99
            ",
        );
        invalid_range(Composer, &["~>1.2", "foo", ">", "^a"]);
    }
}
