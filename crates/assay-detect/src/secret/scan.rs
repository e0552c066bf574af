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
mod encoded;
mod entropy;
mod found;
mod literals;
mod named;
mod names;
mod place;
mod placeholder;
mod redact;
mod runs;
mod shape;
mod window;

pub(crate) use names::{Promise, promise};
pub(crate) use place::{Origin, Place};
pub(crate) use placeholder::{is_no_password, is_placeholder};
pub(crate) use shape::{is_random, is_strong};

use super::archive::Archive;
use super::rule::{Find, SecretRule, Within};
use aho_corasick::AhoCorasick;
use assay_decode::ReadAt;
use assay_model::Severity;
use found::{Found, HITS_PER_FILE};
pub use found::{Hit, Hits};
use literals::Literals;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use std::io;
use std::ops::Range;
use std::sync::OnceLock;
use window::{LEAD, OVERLAP, WINDOW};

/// The largest text in which names of passwords are searched. Settings are small; what is larger is data.
const PASSWORDS_LIMIT: u64 = 1 << 20;
/// Bytes that the attempts of rules may look at in one window: honest text has a literal here and there, and is done with a thousandth.
const WORK: usize = 64 << 20;
/// Bytes in which a NUL makes a file binary.
const SNIFF: usize = 8 << 10;
/// The length of the literals that a run is recognised by.
const START: usize = 3;

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
#[derive(Clone)]
struct Text<'t> {
    bytes: &'t [u8],
    /// Where the literals and values are looked for; what stands before and behind is the neighbouring windows' and only read along.
    turn: Range<usize>,
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
        self.window(&Text { bytes, turn: 0..bytes.len(), binary: false, place, len }, &mut found);
        found
    }

    /// Returns what is said about a secret that was recognised by other means.
    pub(super) fn hit(&self, rule: &'static SecretRule, secret: &[u8], name: Option<&str>) -> Hit {
        Hit {
            rule,
            severity: rule.severity,
            line: None,
            shown: redact::redacted(rule, secret),
            name: name.filter(|name| shape::is_showable(name)).map(str::to_owned),
            encoded: false,
            member: None,
        }
    }

    /// Looks at what is no archive.
    fn plain(&self, path: &str, content: &dyn ReadAt, place: Place, start: &[u8]) -> io::Result<Hits> {
        let mut found = Found { line: 1, ..Found::default() };
        self.whole_file(path, place, start, content.len(), &mut found);
        if let Some(text) = window::utf16(start, content)? {
            let len = content.len();
            self.window(&Text { bytes: &text, turn: 0..text.len(), binary: false, place, len }, &mut found);
            return Ok(found.finish());
        }
        let binary = memchr::memchr(0, start).is_some();
        let mut buffer = Vec::new();
        loop {
            let window = window::window_at(content, found.offset, &mut buffer)?;
            let last = window.len() < WINDOW + LEAD + OVERLAP;
            let start = if found.offset == 0 { 0 } else { LEAD };
            let end = if last { window.len() } else { LEAD + WINDOW };
            self.window(
                &Text { bytes: window, turn: start..end, binary, place, len: content.len() },
                &mut found,
            );
            if last || found.more {
                return Ok(found.finish());
            }
            found.advance(window, WINDOW, binary);
        }
    }

    /// Looks at one window.
    fn window(&self, text: &Text<'_>, found: &mut Found) {
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
    fn shaped(&self, text: &Text<'_>, found: &mut Found) {
        let mut attempts: Vec<(usize, usize)> = Vec::new();
        let mut at_literal = |at: usize, rules: &[usize]| {
            if text.turn.contains(&at) {
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
    fn try_literal(&self, index: usize, text: &Text<'_>, at: usize, found: &mut Found) -> usize {
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
            if shape::is_bounded(text.bytes, &secret) {
                self.accept(index, text, secret, None, found);
            }
            return work;
        }
    }

    /// Takes long runs for values.
    fn values(&self, text: &Text<'_>, found: &mut Found) {
        // Where the last text in base64 ended, whether it was decoded, and whether it is too long for a value.
        let mut blob = (0, false, false);
        for run in runs::runs(text.bytes) {
            if run.start >= text.turn.end || found.more {
                break;
            }
            if run.start < text.turn.start {
                continue;
            }
            if !found.encoded && run.start >= blob.0 {
                let span = encoded::around(text.bytes, &run);
                let long = span.len() > assignment::LONGEST;
                blob = (span.end, self.base64(text, span, found), long);
            }
            self.run_start(text, run.start, found);
            if run.start < blob.0 && (blob.1 || blob.2) {
                continue;
            }
            if text.place.origin != Origin::Own
                || !shape::is_varied(text.bytes.get(run.clone()).unwrap_or_default())
            {
                continue;
            }
            if let Some(assignment) = assignment::around(text.bytes, run) {
                self.assigned(text, &assignment, found);
            }
        }
    }

    /// Tries the rules that go by the start of a run.
    fn run_start(&self, text: &Text<'_>, start: usize, found: &mut Found) {
        for at in [Some(start), start.checked_sub(START)].into_iter().flatten() {
            let Some(literal) = text.bytes.get(at..at + START) else { continue };
            for (_, rule) in self.starts.iter().filter(|(start, _)| start == literal) {
                self.try_literal(*rule, text, at, found);
            }
        }
    }

    /// Looks into what may be base64 of text; returns whether it is.
    fn base64(&self, text: &Text<'_>, span: Range<usize>, found: &mut Found) -> bool {
        let Some(decoded) = text.bytes.get(span.clone()).and_then(encoded::text) else { return false };
        let spans = std::mem::take(&mut found.spans);
        let before = found.all.len();
        found.encoded = true;
        self.window(&Text { bytes: &decoded, turn: 0..decoded.len(), ..text.clone() }, found);
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
        text: &Text<'_>,
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
