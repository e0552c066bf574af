//! The engine: one pass over a file for all rules.
//!
//! 1. The literals of all rules are searched at once ([`literals`]); where one stands, its rules' regular expressions are tried on the
//!    bytes around it.
//! 2. In text, long runs of token characters ([`runs`]) are taken as values, and read backwards to the names they are assigned to
//!    ([`assignment`]). The words near a name choose the provider's rule; else it may be a secret of no known kind.
//! 3. In small files of settings, names of passwords are searched and read forwards to their values.
//! 4. In text, base64 that decodes to text is decoded once and looked at by the first two steps.
//!
//! A file that is not in memory is read in windows that overlap, so that it is never loaded whole.

mod assignment;
pub(super) mod checksum;
mod entropy;
mod literals;
mod names;
mod place;
mod placeholder;
mod redact;
mod runs;

pub(crate) use names::{Promise, promise};
pub(crate) use place::{Origin, Place};
pub(crate) use placeholder::{is_no_password, is_placeholder};

use super::archive::Archive;
use super::rule::{Find, SecretRule, Within};
use aho_corasick::AhoCorasick;
use assay_decode::ReadAt;
use assay_model::Severity;
use literals::Literals;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::sync::OnceLock;

/// Bytes of a file that is not in memory looked at at a time.
const WINDOW: usize = 1 << 20;
/// Bytes that windows overlap by: more than the longest secret (a private key of 16,384 bits has 12,800 characters).
const OVERLAP: usize = 16 << 10;
/// The largest text in which names of passwords are searched. Settings are small; what is larger is data.
const PASSWORDS_LIMIT: u64 = 1 << 20;
/// Findings kept of one file: nobody reads more, and a file could be made of nothing else.
pub(super) const HITS_PER_FILE: usize = 50;
/// Bytes that the attempts of rules may look at in one window: honest text has a literal here and there, and is done with a thousandth.
const WORK: usize = 64 << 20;
/// Bytes in which a NUL makes a file binary.
const SNIFF: usize = 8 << 10;
/// The shortest base64 that is decoded.
const BASE64_LEAST: usize = 24;
/// The longest base64 that is decoded.
const BASE64_MOST: usize = 64 << 10;
/// The length of the literals that a run is recognised by.
const START: usize = 3;
/// How far before a value the words of a provider count.
const NEAR: usize = 160;

/// A secret that was found, and nothing of it that could be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The rule that found it.
    pub rule: &'static SecretRule,
    /// The rule's severity, or `low` among tests and examples.
    pub severity: Severity,
    /// The line it begins on, from 1; `None` in binary files.
    pub line: Option<u32>,
    /// Its public prefix and its length.
    pub shown: String,
    /// The name it is assigned to, where that is how it was found.
    pub name: Option<String>,
    /// Whether it is written in base64.
    pub encoded: bool,
    /// The member of the archive it is in.
    pub member: Option<String>,
}

/// What was found in one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hits {
    /// The secrets in the order of the file, each once.
    pub hits: Vec<Hit>,
    /// Whether there are more than are kept.
    pub more: bool,
    /// Why not everything in an archive was looked at.
    pub left_out: Option<String>,
}

/// All rules, ready to be used.
pub struct Scanner {
    rules: Vec<&'static SecretRule>,
    patterns: Vec<OnceLock<Option<Regex>>>,
    /// The literals of the rules that hold everywhere, in any file and in text.
    everywhere: [Literals; 2],
    /// The literals of those that hold in the user's own files only.
    own: [Literals; 2],
    /// The starts of long runs, and their rules.
    starts: Vec<([u8; START], usize)>,
    passwords: Literals,
    words: Option<AhoCorasick>,
    /// By the number of the word: the rules it stands for.
    word_rules: Vec<Vec<usize>>,
    generic: Option<usize>,
    password: Option<usize>,
}

/// What is being looked at.
#[derive(Clone, Copy)]
struct Text<'t> {
    bytes: &'t [u8],
    /// Matches that begin here or later are the next window's.
    limit: usize,
    binary: bool,
    place: Place,
    /// The size of the whole file.
    len: u64,
}

impl Text<'_> {
    /// Returns whether a rule of this kind holds here.
    fn is_within(&self, within: Within) -> bool {
        match (within, self.place.origin) {
            (Within::Everything, _) | (_, Origin::Own) => true,
            (Within::Text, Origin::System) => !self.binary,
            (Within::Text | Within::Own, _) => false,
        }
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    all: Vec<(u64, Hit)>,
    /// Spans taken in the current window.
    spans: Vec<Range<usize>>,
    /// What was found already; kept only while the file is looked at.
    seen: HashSet<(usize, Vec<u8>)>,
    more: bool,
    /// Where the window begins: its offset, and its line from 1.
    offset: u64,
    line: u32,
    /// Whether what is being looked at was written in base64.
    encoded: bool,
}

impl Scanner {
    /// Compiles the rules; their order is their precedence.
    pub fn new(rules: impl IntoIterator<Item = &'static SecretRule>) -> Self {
        let rules: Vec<&'static SecretRule> = rules.into_iter().collect();
        let (mut everywhere, mut own): ([Vec<_>; 2], [Vec<_>; 2]) = Default::default();
        let mut starts = Vec::new();
        let mut words: Vec<&'static str> = Vec::new();
        let mut word_rules: Vec<Vec<usize>> = Vec::new();
        let (mut generic, mut password) = (None, None);
        for (index, rule) in rules.iter().enumerate() {
            match rule.find {
                Find::Literal(literals) | Find::TextLiteral(literals) => {
                    let [in_any, in_text] =
                        if rule.within == Within::Own { &mut own } else { &mut everywhere };
                    let list = if matches!(rule.find, Find::Literal(_)) { in_any } else { in_text };
                    list.extend(literals.iter().map(|text| (*text, index)));
                }
                Find::Start(literals) => {
                    let literals = literals.iter().filter_map(|text| text.as_bytes().try_into().ok());
                    starts.extend(literals.map(|literal| (literal, index)));
                }
                Find::Assigned(all) => {
                    for word in all {
                        match words
                            .iter()
                            .position(|known| known == word)
                            .and_then(|at| word_rules.get_mut(at))
                        {
                            Some(rules) => rules.push(index),
                            None => {
                                words.push(word);
                                word_rules.push(vec![index]);
                            }
                        }
                    }
                }
                Find::Generic => generic = Some(index),
                Find::Password => password = Some(index),
                Find::File(_) => {}
            }
        }
        let passwords: Vec<(&'static str, usize)> =
            ["assw", "ASSW", "pwd", "PWD", "Pwd", "assphrase", "ASSPHRASE"]
                .into_iter()
                .map(|text| (text, 0))
                .collect();
        Self {
            patterns: rules.iter().map(|_| OnceLock::new()).collect(),
            everywhere: everywhere.map(|literals| Literals::new(&literals)),
            own: own.map(|literals| Literals::new(&literals)),
            starts,
            passwords: Literals::new(&passwords),
            words: AhoCorasick::builder().ascii_case_insensitive(true).build(&words).ok(),
            word_rules,
            generic,
            password,
            rules,
        }
    }

    /// Looks at a file, and into it if it is an archive; `allow` is asked before bytes are inflated.
    ///
    /// # Errors
    /// Fails when the file cannot be read; what was found before is lost, because its order could not be told.
    pub fn scan(
        &self,
        path: &str,
        content: &dyn ReadAt,
        allow: &mut dyn FnMut(u64) -> bool,
    ) -> io::Result<Hits> {
        let place = Place::of(path);
        if place.skipped || (place.origin != Origin::Own && place.sample) {
            return Ok(Hits::default());
        }
        let mut start = vec![0; SNIFF];
        let sniffed = content.read_at(0, &mut start)?;
        start.truncate(sniffed);
        let Some(archive) = Archive::of(&start) else { return self.plain(path, content, place, &start) };
        let mut all = Hits::default();
        // A package manager's archives hold what everybody has.
        if place.origin != Origin::Own {
            return Ok(all);
        }
        let looked = archive.members(path, content, allow, &mut |name, data| {
            let inner = format!("{path}!/{name}");
            let place = Place::of(&inner);
            let start = data.get(..SNIFF).unwrap_or(data);
            if let Ok(found) = self.plain(&inner, data, place, start) {
                let hits = found.hits.into_iter().map(|hit| Hit { member: Some(name.to_owned()), ..hit });
                all.hits.extend(hits);
                all.more |= found.more;
            }
        });
        all.more |= all.hits.len() > HITS_PER_FILE;
        all.hits.truncate(HITS_PER_FILE);
        all.left_out = looked.err();
        Ok(all)
    }

    /// Looks at a line of settings that is in no file.
    pub(super) fn settings(&self, line: &str) -> Vec<Hit> {
        self.in_settings(line).finish().hits
    }

    /// Returns the secrets in a line of settings, to be taken out of it.
    pub(super) fn secrets_in<'l>(&self, line: &'l str) -> Vec<&'l str> {
        let spans = self.in_settings(line).spans;
        spans.into_iter().filter_map(|span| line.get(span)).collect()
    }

    fn in_settings(&self, line: &str) -> Found {
        let place = Place { skipped: false, origin: Origin::Own, sample: false, settings: true };
        let bytes = line.as_bytes();
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut found = Found { line: 1, ..Found::default() };
        self.window(Text { bytes, limit: bytes.len(), binary: false, place, len }, &mut found);
        found
    }

    /// Returns what is said about a secret that was recognised by other means.
    pub(super) fn hit(&self, rule: &'static SecretRule, secret: &[u8], name: Option<&str>) -> Hit {
        Hit {
            rule,
            severity: rule.severity,
            line: None,
            shown: redact::redacted(rule, secret),
            name: name.filter(|name| is_showable(name)).map(str::to_owned),
            encoded: false,
            member: None,
        }
    }

    /// Looks at what is no archive.
    fn plain(&self, path: &str, content: &dyn ReadAt, place: Place, start: &[u8]) -> io::Result<Hits> {
        let mut found = Found { line: 1, ..Found::default() };
        self.whole_file(path, place, start, content.len(), &mut found);
        if let Some(text) = utf16(start, content)? {
            let len = content.len();
            self.window(Text { bytes: &text, limit: text.len(), binary: false, place, len }, &mut found);
            return Ok(found.finish());
        }
        let binary = memchr::memchr(0, start).is_some();
        let mut buffer = Vec::new();
        loop {
            let window = window_at(content, found.offset, &mut buffer)?;
            let last = window.len() < WINDOW + OVERLAP;
            let limit = if last { window.len() } else { WINDOW };
            self.window(Text { bytes: window, limit, binary, place, len: content.len() }, &mut found);
            if last || found.more {
                return Ok(found.finish());
            }
            if !binary {
                let lines = memchr::memchr_iter(b'\n', window.get(..WINDOW).unwrap_or_default()).count();
                found.line = found.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            }
            found.offset = found.offset.saturating_add(WINDOW as u64);
            found.spans.clear();
        }
    }

    /// Looks at one window.
    fn window(&self, text: Text<'_>, found: &mut Found) {
        self.shaped(text, found);
        if text.binary {
            return;
        }
        self.values(text, found);
        if text.len <= PASSWORDS_LIMIT && text.place.origin == Origin::Own && !found.encoded {
            self.password_values(text, found);
        }
    }

    /// Tries the rules that go by a literal, in the order of their precedence.
    fn shaped(&self, text: Text<'_>, found: &mut Found) {
        let mut attempts: Vec<(usize, usize)> = Vec::new();
        let mut at_literal = |at: usize, rules: &[usize]| {
            if at < text.limit {
                attempts.extend(rules.iter().map(|rule| (*rule, at)));
            }
        };
        let own = (text.place.origin == Origin::Own).then_some(&self.own);
        for [in_any, in_text] in [Some(&self.everywhere), own].into_iter().flatten() {
            in_any.search(text.bytes, &mut at_literal);
            if !text.binary {
                in_text.search(text.bytes, &mut at_literal);
            }
        }
        attempts.sort_unstable();
        attempts.dedup();
        let mut work = 0;
        for (rule, at) in attempts {
            work += self.try_literal(rule, text, at, found);
            if work > WORK {
                found.more = true;
                return;
            }
        }
    }

    /// Tries one rule where its literal stands; returns how many bytes that may have taken.
    fn try_literal(&self, index: usize, text: Text<'_>, at: usize, found: &mut Found) -> usize {
        let Some((rule, pattern)) = self.rule(index) else { return 0 };
        if !text.is_within(rule.within) {
            return 0;
        }
        let end = text.bytes.len().min(at.saturating_add(rule.reach));
        let mut from = at.saturating_sub(rule.before);
        let work = end - from;
        let anchored = if rule.before == 0 { Anchored::Yes } else { Anchored::No };
        let mut groups = pattern.create_captures();
        loop {
            let input = Input::new(text.bytes).span(from..end).anchored(anchored);
            pattern.search_captures(&input, &mut groups);
            let Some(whole) = groups.get_match().filter(|whole| whole.start() <= at) else { return work };
            // A match before the literal is about something else.
            if whole.end() <= at {
                from = whole.end().max(from + 1);
                continue;
            }
            let secret = groups.iter().skip(1).flatten().next().map_or(whole.range(), |group| group.range());
            if is_bounded(text.bytes, &secret) {
                self.accept(index, text, secret, None, found);
            }
            return work;
        }
    }

    /// Takes long runs for values.
    fn values(&self, text: Text<'_>, found: &mut Found) {
        // Where the last text in base64 ended, whether it was decoded, and whether it is too long for a value.
        let mut blob = (0, false, false);
        for run in runs::runs(text.bytes) {
            if run.start >= text.limit || found.more {
                break;
            }
            if !found.encoded && run.start >= blob.0 {
                let span = base64_around(text.bytes, &run);
                let long = span.len() > assignment::LONGEST;
                blob = (span.end, self.base64(text, span, found), long);
            }
            self.run_start(text, run.start, found);
            if run.start < blob.0 && (blob.1 || blob.2) {
                continue;
            }
            if text.place.origin != Origin::Own || !is_varied(text.bytes.get(run.clone()).unwrap_or_default())
            {
                continue;
            }
            if let Some(assignment) = assignment::around(text.bytes, run) {
                self.assigned(text, &assignment, found);
            }
        }
    }

    /// Tries the rules that go by the start of a run.
    fn run_start(&self, text: Text<'_>, start: usize, found: &mut Found) {
        for at in [Some(start), start.checked_sub(START)].into_iter().flatten() {
            let Some(literal) = text.bytes.get(at..at + START) else { continue };
            for (_, rule) in self.starts.iter().filter(|(start, _)| start == literal) {
                self.try_literal(*rule, text, at, found);
            }
        }
    }

    /// Looks into what may be base64 of text; returns whether it is.
    fn base64(&self, text: Text<'_>, span: Range<usize>, found: &mut Found) -> bool {
        let Some(decoded) = text.bytes.get(span.clone()).and_then(decoded_text) else { return false };
        let spans = std::mem::take(&mut found.spans);
        let before = found.all.len();
        found.encoded = true;
        self.window(Text { bytes: &decoded, limit: decoded.len(), ..text }, found);
        found.encoded = false;
        found.spans = spans;
        if found.all.len() > before {
            // What is said about places is about the file, not about what the base64 holds.
            let line = found.line_of(text.bytes, span.start);
            let offset = found.offset_of(span.start);
            for (at, hit) in found.all.iter_mut().skip(before) {
                (*at, hit.line) = (offset, Some(line));
            }
            found.spans.push(span);
        }
        true
    }

    /// Tries the rules that go by a name on a value.
    fn assigned(&self, text: Text<'_>, assignment: &assignment::Assignment<'_>, found: &mut Found) {
        let promise = names::promise(assignment.name);
        if promise == Promise::Nothing {
            return;
        }
        let span = assignment.value.clone();
        let Some(value) = text.bytes.get(span.clone()) else { return };
        if found.overlaps(&span) {
            return;
        }
        let near = text.bytes.get(span.start.saturating_sub(NEAR)..span.start).unwrap_or_default();
        let name = assignment.name.as_bytes();
        // First the words of the name itself; those before it count only for names that promise a secret.
        let rule = self
            .by_word(name, value)
            .or_else(|| (promise >= Promise::Secret).then(|| self.by_word(near, value)).flatten());
        if let Some(rule) = rule {
            self.accept(rule, text, span, Some(assignment.name), found);
        } else if promise >= Promise::Secret
            && let Some(generic) = self.generic
            && (assignment.quoted || text.place.settings)
            && is_random(value)
            && self.matches(generic, value)
        {
            self.accept(generic, text, span, Some(assignment.name), found);
        }
    }

    /// Returns the rule whose word stands in `context`, the last first, and whose pattern is the value's.
    fn by_word(&self, context: &[u8], value: &[u8]) -> Option<usize> {
        let words: Vec<usize> = self
            .words
            .as_ref()?
            .find_overlapping_iter(context)
            .map(|found| found.pattern().as_usize())
            .collect();
        let rules = words.iter().rev().filter_map(|word| self.word_rules.get(*word)).flatten().copied();
        rules.into_iter().find(|rule| self.matches(*rule, value))
    }

    /// Searches names of passwords, and takes what is assigned to them.
    fn password_values(&self, text: Text<'_>, found: &mut Found) {
        let Some(rule) = self.password else { return };
        let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let mut last = 0;
        self.passwords.search(text.bytes, |at, _| {
            if at < last || at >= text.limit {
                return;
            }
            let before = text
                .bytes
                .get(..at)
                .unwrap_or_default()
                .iter()
                .rev()
                .take(64)
                .take_while(|byte| in_name(byte))
                .count();
            let after = text
                .bytes
                .get(at..)
                .unwrap_or_default()
                .iter()
                .take(64)
                .take_while(|byte| in_name(byte))
                .count();
            last = at + after;
            let Some(name) =
                text.bytes.get(at - before..last).and_then(|name| std::str::from_utf8(name).ok())
            else {
                return;
            };
            if names::promise(name) != Promise::Password {
                return;
            }
            let Some(span) = assignment::value_after(text.bytes, last) else { return };
            let quoted = text
                .bytes
                .get(span.start.wrapping_sub(1))
                .is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`'));
            let Some(value) = text.bytes.get(span.clone()) else { return };
            if (quoted || text.place.settings)
                && !found.overlaps(&span)
                && is_strong(value)
                && !is_no_password(value)
                && self.matches(rule, value)
            {
                self.accept(rule, text, span, Some(name), found);
            }
        });
    }

    /// Tries the rules for whole files.
    fn whole_file(&self, path: &str, place: Place, start: &[u8], len: u64, found: &mut Found) {
        let lower = path.to_ascii_lowercase();
        for (index, rule) in self.rules.iter().enumerate() {
            let Find::File(suffixes) = rule.find else { continue };
            if place.origin == Origin::Own
                && suffixes.iter().any(|suffix| lower.ends_with(suffix))
                && let Some((_, pattern)) = self.rule(index)
                && pattern.is_match(Input::new(start).anchored(Anchored::Yes))
                && (rule.valid)(start)
            {
                let severity = if place.sample { Severity::Low } else { rule.severity };
                let shown = format!("a file of {len} bytes");
                found.add(
                    0,
                    Hit { rule, severity, line: None, shown, name: None, encoded: false, member: None },
                );
            }
        }
    }

    /// Takes a secret, unless its value says that it is none.
    fn accept(
        &self,
        index: usize,
        text: Text<'_>,
        span: Range<usize>,
        name: Option<&str>,
        found: &mut Found,
    ) {
        let Some(rule) = self.rules.get(index) else { return };
        let Some(secret) = text.bytes.get(span.clone()) else { return };
        if found.overlaps(&span)
            || entropy::bits_per_byte(secret) < rule.entropy
            || (rule.placeholder)(secret)
            || !(rule.valid)(secret)
        {
            return;
        }
        found.spans.push(span.clone());
        if !found.seen.insert((index, secret.to_vec())) {
            return;
        }
        let line = (!text.binary).then(|| found.line_of(text.bytes, span.start));
        let severity = if text.place.sample { rule.severity.min(Severity::Low) } else { rule.severity };
        let hit = Hit { severity, line, encoded: found.encoded, ..self.hit(rule, secret, name) };
        found.add(found.offset_of(span.start), hit);
    }

    /// Returns a rule and its compiled pattern.
    fn rule(&self, index: usize) -> Option<(&'static SecretRule, &Regex)> {
        let rule = self.rules.get(index)?;
        let pattern = self.patterns.get(index)?.get_or_init(|| compile(rule));
        Some((rule, pattern.as_ref()?))
    }

    /// Returns whether the pattern of a rule is the whole value.
    fn matches(&self, index: usize, value: &[u8]) -> bool {
        self.rule(index)
            .is_some_and(|(_, pattern)| pattern.is_match(Input::new(value).anchored(Anchored::Yes)))
    }
}

/// Compiles a rule's pattern; that each does is tested.
pub(super) fn compile(rule: &SecretRule) -> Option<Regex> {
    let whole = matches!(rule.find, Find::Assigned(_) | Find::Generic | Find::Password);
    let pattern = if whole { format!(r"\A(?:{})\z", rule.pattern) } else { rule.pattern.to_owned() };
    let bytes = syntax::Config::new().unicode(false).utf8(false);
    Regex::builder().configure(Regex::config().utf8_empty(false)).syntax(bytes).build(&pattern).ok()
}

impl Found {
    fn overlaps(&self, span: &Range<usize>) -> bool {
        self.spans.iter().any(|taken| taken.start < span.end && span.start < taken.end)
    }

    fn line_of(&self, window: &[u8], at: usize) -> u32 {
        let lines = memchr::memchr_iter(b'\n', window.get(..at).unwrap_or_default()).count();
        self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX))
    }

    fn offset_of(&self, at: usize) -> u64 {
        self.offset.saturating_add(u64::try_from(at).unwrap_or(u64::MAX))
    }

    fn add(&mut self, offset: u64, hit: Hit) {
        if self.all.len() < HITS_PER_FILE {
            self.all.push((offset, hit));
        } else {
            self.more = true;
        }
    }

    fn finish(mut self) -> Hits {
        self.all.sort_by_key(|(offset, _)| *offset);
        Hits { hits: self.all.into_iter().map(|(_, hit)| hit).collect(), more: self.more, left_out: None }
    }
}

/// Returns the longest text around `run` whose characters are those of base64.
fn base64_around(text: &[u8], run: &Range<usize>) -> Range<usize> {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let before =
        text.get(..run.start).unwrap_or_default().iter().rev().take_while(|byte| is_digit(byte)).count();
    let after = text.get(run.end..).unwrap_or_default().iter().take_while(|byte| is_digit(byte)).count();
    run.start - before..run.end + after
}

/// Decodes base64, if it is that of text.
fn decoded_text(base64: &[u8]) -> Option<Vec<u8>> {
    if base64.len() < BASE64_LEAST {
        return None;
    }
    // Nine bytes of text in a row: by chance once in 7,000.
    let head = checksum::base64(base64.get(..12)?)?;
    if !head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        return None;
    }
    let base64 = base64.get(..BASE64_MOST).unwrap_or(base64);
    let whole = base64.len() - usize::from(base64.len() % 4 == 1);
    checksum::base64(base64.get(..whole)?)
}

/// Returns whether what stands around a secret ends it: `xghp_…` in a longer word is no token.
fn is_bounded(text: &[u8], secret: &Range<usize>) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = text.get(secret.start).copied().unwrap_or_default();
    let last = text.get(secret.end.wrapping_sub(1)).copied().unwrap_or_default();
    let next = text.get(secret.end).copied().unwrap_or_default();
    if word(last) && word(next) {
        return false;
    }
    let before = text.get(secret.start.saturating_sub(3)..secret.start).unwrap_or_default();
    match before {
        // `\n`, `\t`, `\r` in a string, `%3D` in an address, a colour of a terminal.
        [.., b'\\', b'n' | b't' | b'r'] => true,
        [b'%', one, two] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit() => true,
        [.., digit, b'm'] if digit.is_ascii_digit() => true,
        [.., previous] => !(word(first) && previous.is_ascii_alphanumeric()),
        [] => true,
    }
}

/// Returns whether a run of token characters can be a value: identifiers rarely have digits.
fn is_varied(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_digit) || turns(run) * 3 >= run.len()
}

/// What kind of character a byte is.
#[derive(PartialEq)]
enum Kind {
    Digit,
    Upper,
    Lower,
    Other,
}

fn kind(byte: u8) -> Kind {
    match byte {
        b'0'..=b'9' => Kind::Digit,
        b'A'..=b'Z' => Kind::Upper,
        b'a'..=b'z' => Kind::Lower,
        _ => Kind::Other,
    }
}

/// Returns how often one kind of letter or digit follows another.
fn turns(text: &[u8]) -> usize {
    let kinds = text.iter().zip(text.iter().skip(1)).map(|(one, other)| (kind(*one), kind(*other)));
    kinds.filter(|(one, other)| one != other && *one != Kind::Other && *other != Kind::Other).count()
}

/// Returns whether a value looks drawn at random: letters and digits that take turns. Names change from one kind of character to another
/// once per word; of random letters and digits more than every second does.
pub(crate) fn is_random(value: &[u8]) -> bool {
    let count = |wanted: Kind| value.iter().filter(|byte| kind(**byte) == wanted).count();
    let letters = count(Kind::Upper) + count(Kind::Lower);
    count(Kind::Digit) >= 2
        && letters >= 2
        && count(Kind::Other) * 5 <= value.len()
        && turns(value) * 4 >= value.len()
}

/// Returns whether a password is more than a word: letters with digits, or both cases with something else.
pub(crate) fn is_strong(value: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    let letters = has(u8::is_ascii_alphabetic);
    let digits = has(u8::is_ascii_digit);
    let both = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let other = has(u8::is_ascii_punctuation);
    (6..=128).contains(&value.len()) && ((letters && digits) || (both && other))
}

/// Returns whether a name may be shown: it is short, and no token itself.
fn is_showable(name: &str) -> bool {
    name.len() <= 64
        && runs::runs(name.as_bytes()).all(|run| !is_random(name.as_bytes().get(run).unwrap_or_default()))
}

/// Returns the text of a small file in UTF-16, as Windows writes settings, as bytes of which ASCII is right.
fn utf16(start: &[u8], content: &dyn ReadAt) -> io::Result<Option<Vec<u8>>> {
    let little = match start {
        [0xff, 0xfe, ..] => true,
        [0xfe, 0xff, ..] => false,
        _ => return Ok(None),
    };
    if content.len() > PASSWORDS_LIMIT {
        return Ok(None);
    }
    let bytes = content.read_range(0, content.len(), WINDOW)?;
    let text = bytes.chunks_exact(2).skip(1).map(|pair| match (pair, little) {
        ([ascii, 0], true) | ([0, ascii], false) => *ascii,
        _ => b'?',
    });
    Ok(Some(text.collect()))
}

/// Returns the bytes from `offset` on, one window and the overlap of them or up to the end.
fn window_at<'b>(content: &'b dyn ReadAt, offset: u64, buffer: &'b mut Vec<u8>) -> io::Result<&'b [u8]> {
    if let Some(all) = content.as_slice() {
        let rest = usize::try_from(offset).ok().and_then(|start| all.get(start..)).unwrap_or_default();
        return Ok(rest.get(..WINDOW + OVERLAP).unwrap_or(rest));
    }
    buffer.resize(WINDOW + OVERLAP, 0);
    let mut filled = 0;
    while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
        match content.read_at(offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX)), free) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buffer.get(..filled).unwrap_or_default())
}
