//! The search for a version string: a literal found at the speed of memory, then a few bytes read by hand.
//!
//! No backtracking: each mark is one linear pass over the file, each hit costs at most [`REACH`] bytes. Where many texts are looked for of
//! which most files have none, they are looked for together.

use super::table::{After, Anchor, Mark, Tail};
use aho_corasick::{AhoCorasick, Input, MatchKind};
use assay_decode::ReadAt;
use memchr::memmem::Finder;
use std::io;
use std::ops::Range;

/// Bytes of a file that are searched; the largest program of the table, node, has 130 MB.
const SEARCH_LIMIT: u64 = 512 << 20;
/// Bytes that are read at once of a file that is not in memory.
const CHUNK: u64 = 1 << 20;
/// Bytes from the beginning of an anchor that may belong to a version string.
const REACH: usize = 160;
/// Characters of a version at most; real ones have fewer than twenty.
const LONGEST: usize = 40;

/// Places in one file at which texts stand that are known to be there, after which those that are missing are looked for one by one.
const MOST_AGAIN: u32 = 10_000;

/// What a search came to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::binary) enum Found {
    /// There is no version string.
    Nothing,
    /// All version strings say this.
    One(String),
    /// Two version strings disagree.
    Several(String, String),
    /// There is none in the bytes that are searched, and the file has more.
    TooLong(u64),
}

/// Looks for a program's version by each of its marks in turn; the first that is there decides.
pub(in crate::binary) fn version(content: &dyn ReadAt, name: &str, marks: &[Mark]) -> io::Result<Found> {
    for mark in marks {
        let found = by_mark(content, name, mark)?;
        if found != Found::Nothing {
            return Ok(found);
        }
    }
    Ok(if content.len() > SEARCH_LIMIT { Found::TooLong(SEARCH_LIMIT) } else { Found::Nothing })
}

fn by_mark(content: &dyn ReadAt, name: &str, mark: &Mark) -> io::Result<Found> {
    let own;
    let (needle, at): (&[u8], usize) = match mark.anchor {
        Anchor::Before(text) => (text, text.len()),
        Anchor::Into(text, at) => (text, at),
        Anchor::ReleaseOfName { alone } => {
            let Some(release) = release_of(name) else { return Ok(Found::Nothing) };
            own = format!("\0{release}.");
            if alone { (own.as_bytes(), 1) } else { (own.as_bytes().get(1..).unwrap_or_default(), 0) }
        }
        Anchor::Build => return by_build(content),
    };
    let mut found = Found::Nothing;
    each(content, needle, |previous, window| {
        // `libcurl/7.88` is not `curl/7.88`, and the end of `1.3.11.7` is not 3.11.7.
        let inside_a_word = previous.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
            && needle.first().is_some_and(u8::is_ascii_alphanumeric);
        let version = (!inside_a_word).then(|| window.get(at..)).flatten();
        if let Some(version) = version.and_then(|text| mark.read(text)) {
            match std::mem::replace(&mut found, Found::Nothing) {
                Found::One(known) if known != version => found = Found::Several(known, version),
                _ => found = Found::One(version),
            }
        }
        !matches!(found, Found::Several(..))
    })?;
    Ok(found)
}

/// Texts that are looked for together. None begins with another.
pub(in crate::binary) struct Texts {
    texts: Vec<&'static str>,
    /// `None` where it could not be built; then each is looked for by itself.
    automaton: Option<AhoCorasick>,
}

impl Texts {
    pub(in crate::binary) fn new(texts: Vec<&'static str>) -> Self {
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&texts).ok();
        Self { texts, automaton }
    }

    /// Returns which of them stand anywhere in the bytes that are searched.
    pub(in crate::binary) fn present(&self, content: &dyn ReadAt) -> io::Result<Vec<bool>> {
        let mut present = vec![false; self.texts.len()];
        let whole = match &self.automaton {
            Some(automaton) => search(content, automaton, &mut present)?,
            None => false,
        };
        if !whole {
            for (known, text) in present.iter_mut().zip(&self.texts).filter(|(known, _)| !**known) {
                each(content, text.as_bytes(), |_, _| {
                    *known = true;
                    false
                })?;
            }
        }
        Ok(present)
    }
}

/// Looks for all texts in one pass; false where that was given up, as a file full of them takes long.
fn search(content: &dyn ReadAt, automaton: &AhoCorasick, present: &mut [bool]) -> io::Result<bool> {
    let mut again = 0_u32;
    parts(content, |part, own| {
        // Texts may overlap: the search goes on behind the first byte of what was found.
        let mut from = own.start;
        while let Some(hit) =
            automaton.find(Input::new(part).range(from..)).filter(|hit| hit.start() < own.end)
        {
            from = hit.start() + 1;
            if let Some(known) = present.get_mut(hit.pattern().as_usize()) {
                again += u32::from(std::mem::replace(known, true));
            }
            if again > MOST_AGAIN {
                return false;
            }
        }
        true
    })?;
    Ok(again <= MOST_AGAIN)
}

/// Calls `visit` with the byte before, and up to [`REACH`] bytes from, each place where `needle` stands, until it returns `false`.
fn each(
    content: &dyn ReadAt,
    needle: &[u8],
    mut visit: impl FnMut(Option<u8>, &[u8]) -> bool,
) -> io::Result<()> {
    let finder = Finder::new(needle);
    parts(content, |part, own| {
        let found = finder.find_iter(part.get(own.start..).unwrap_or_default()).map(|at| at + own.start);
        found.take_while(|at| *at < own.end).all(|at| {
            let previous = at.checked_sub(1).and_then(|at| part.get(at)).copied();
            let window = part.get(at..).unwrap_or_default();
            visit(previous, window.get(..REACH).unwrap_or(window))
        })
    })
}

/// Calls `visit` with the bytes that are searched, part by part, and with which of them are the part's own, until it returns `false`.
/// Around those are one byte before, for what precedes an anchor, and [`REACH`] behind, for anchors at the end.
fn parts(content: &dyn ReadAt, mut visit: impl FnMut(&[u8], Range<usize>) -> bool) -> io::Result<()> {
    let len = content.len().min(SEARCH_LIMIT);
    let step = if content.as_slice().is_some() { len } else { CHUNK };
    let reach = u64::try_from(REACH).unwrap_or(u64::MAX);
    let mut start = 0;
    while start < len {
        let from = start.saturating_sub(1);
        let end = start.saturating_add(step).saturating_add(reach).min(len);
        let part = content.read_range(from, end - from, usize::MAX)?;
        let skipped = usize::try_from(start - from).unwrap_or(0);
        let own = usize::try_from(step).unwrap_or(usize::MAX).saturating_add(skipped);
        if !visit(&part, skipped..own) {
            return Ok(());
        }
        start = start.saturating_add(step);
    }
    Ok(())
}

/// Returns the release in a file's name: `3.11` of `libpython3.11.so.1.0`.
fn release_of(name: &str) -> Option<&str> {
    let start = name.find(|c: char| c.is_ascii_digit())?;
    let rest = name.get(start..)?;
    let end = dotted(rest.as_bytes(), 2).map_or(0, |(len, parts)| if parts == 2 { len } else { 0 });
    rest.get(..end).filter(|release| !release.is_empty())
}

/// Redis writes its version, the build's name, whether the sources were changed and a commit into one string, without anything
/// between them (`7.0.15` `buildhost-1790282056` `0` `00000000`). The version is what of its beginning stands elsewhere by itself.
fn by_build(content: &dyn ReadAt) -> io::Result<Found> {
    let mut alone: Vec<String> = Vec::new();
    let mut builds: Vec<String> = Vec::new();
    for digit in b'1'..=b'9' {
        each(content, &[0, digit], |_, window| {
            let text = window.get(1..).unwrap_or_default();
            let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
            let text = text.get(..end).unwrap_or_default();
            let string = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
            if dotted(text, 3) == Some((text.len(), 3)) && text.len() <= LONGEST {
                alone.push(string(text));
            }
            // The third number may run into that of the build.
            let is_build = dotted(text, 2)
                .is_some_and(|(len, parts)| parts == 2 && text.get(len) == Some(&b'.'))
                && text.len() > 18
                && text.iter().all(u8::is_ascii_graphic)
                && text.iter().rev().take(8).all(u8::is_ascii_hexdigit)
                && text.iter().rev().nth(8).is_some_and(u8::is_ascii_digit);
            if is_build {
                builds.push(string(text));
            }
            // A file full of such strings is no such program.
            alone.len() < 4096 && builds.len() < 16
        })?;
    }
    alone.sort();
    alone.dedup();
    let mut versions: Vec<String> =
        alone.into_iter().filter(|version| builds.iter().any(|build| build.starts_with(version))).collect();
    // `7.0.1` may stand by itself, too, as the release that brought a command: of prefixes of one build the longest is meant.
    let longest = versions.iter().map(String::len).max();
    versions.retain(|version| Some(version.len()) == longest);
    let mut versions = versions.into_iter();
    Ok(match (versions.next(), versions.next()) {
        (None, _) => Found::Nothing,
        (Some(one), None) => Found::One(one),
        (Some(one), Some(other)) => Found::Several(one, other),
    })
}

impl Mark {
    /// Reads the version at the beginning of `text`, if what stands there is one.
    fn read(&self, text: &[u8]) -> Option<String> {
        let (least, most) = self.parts;
        let (mut len, parts) = dotted(text, most)?;
        if parts < least || (self.minor > 0 && second(text.get(..len)?) < self.minor) {
            return None;
        }
        let rest = |len: usize| text.get(len..).unwrap_or_default();
        let count = |text: &[u8], is: fn(&u8) -> bool| text.iter().take_while(|byte| is(byte)).count();
        match self.tail {
            Tail::None => {}
            // OpenSSL counted its fixes by letters: `1.1.1w`, `1.0.2zi`.
            Tail::Letters => match count(rest(len), u8::is_ascii_lowercase) {
                letters @ 0..=2 => len += letters,
                _ => return None,
            },
            Tail::Patch | Tail::SomePatch => match rest(len).strip_prefix(b"p") {
                Some(number) if count(number, u8::is_ascii_digit) > 0 => {
                    len += 1 + count(number, u8::is_ascii_digit);
                }
                _ if self.tail == Tail::Patch => return None,
                _ => {}
            },
            Tail::Dash => match rest(len).strip_prefix(b"-") {
                Some(number) => len += 1 + count(number, u8::is_ascii_digit),
                None => return None,
            },
            Tail::Packed => return packed(text.get(..len)?).filter(|_| self.after.fits(rest(len))),
        }
        len += stage(rest(len));
        // What a distribution adds to the version (`2.6.12-1+deb12u4`) is not the maker's.
        let revision = match rest(len).first() {
            Some(b'-' | b'+' | b'~') => {
                count(rest(len), |byte| byte.is_ascii_alphanumeric() || b"-+~.:".contains(byte))
            }
            _ => 0,
        };
        let ends = !rest(len).first().is_some_and(u8::is_ascii_digit);
        (ends && (self.after.fits(rest(len)) || self.after.fits(rest(len + revision))))
            .then(|| text.get(..len))
            .flatten()
            .filter(|version| <[u8]>::len(version) <= LONGEST)
            .map(|version| String::from_utf8_lossy(version).into_owned())
    }
}

impl After {
    fn fits(self, rest: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::End => rest.first().is_none_or(|byte| *byte == 0),
            Self::One(texts) => texts.iter().any(|text| rest.starts_with(text)),
            Self::Date => is_date(rest),
        }
    }
}

/// Returns the second of some numbers joined by dots.
fn second(version: &[u8]) -> u32 {
    let number =
        version.split(|byte| *byte == b'.').nth(1).and_then(|digits| std::str::from_utf8(digits).ok());
    number.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Returns the bytes and the number of up to `most` numbers joined by dots.
fn dotted(text: &[u8], most: usize) -> Option<(usize, usize)> {
    let (mut len, mut parts) = (0, 0);
    while parts < most {
        let start = if parts == 0 { 0 } else { len + 1 };
        if parts > 0 && text.get(len) != Some(&b'.') {
            break;
        }
        let digits = text.get(start..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || digits > 9 {
            break;
        }
        len = start + digits;
        parts += 1;
    }
    (parts > 0).then_some((len, parts))
}

/// Returns the bytes of a word that says that this is before the release: `rc1`, `-beta2`, `.rc0`, `-dev3`.
fn stage(text: &[u8]) -> usize {
    const STAGES: [&[u8]; 7] = [b"alpha", b"beta", b"preview", b"rc", b"RC", b"dev", b"a"];
    let separated = usize::from(text.first().is_some_and(|byte| b"-.".contains(byte)));
    let Some(word) = text.get(separated..) else { return 0 };
    let Some(&stage) = STAGES.iter().find(|stage| word.starts_with(stage)) else { return 0 };
    let digits = word.get(stage.len()..).unwrap_or_default();
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // `a` alone is a patch letter or the beginning of any word.
    if stage == b"a" && digits == 0 { 0 } else { separated + stage.len() + digits }
}

/// Returns whether a day, a month's name and a year follow, as in OpenSSL's ` 27 Jan 2026`.
fn is_date(rest: &[u8]) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let line = rest.get(..32).unwrap_or(rest);
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(line);
    // `1.1.1k-fips  25 Mar 2021`, `3.0.13+quic 30 Jan 2024`, Red Hat's `1.1.1k  FIPS 25 Mar 2021`, and unreleased ones: `3.2.0-dev `.
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let rest = words.get(usize::from(!text.starts_with(' '))..).unwrap_or_default();
    rest.windows(3).take(2).any(|words| {
        let [day, month, year] = words else { return false };
        day.len() <= 2
            && day.bytes().all(|byte| byte.is_ascii_digit())
            && MONTHS.contains(month)
            && year.bytes().take(4).filter(u8::is_ascii_digit).count() == 4
    })
}

/// Returns the version of a number like libxml2's `20914`, which is 2.9.14.
fn packed(digits: &[u8]) -> Option<String> {
    let number: u32 = std::str::from_utf8(digits).ok().filter(|text| text.len() == 5)?.parse().ok()?;
    // Round numbers are limits and sizes; no release has them.
    let (major, minor, patch) = (number / 10_000, number / 100 % 100, number % 100);
    (5..40).contains(&minor).then(|| format!("{major}.{minor}.{patch}"))
}
