//! What the scanners of source texts share: bounded collecting of asks, and reading of names and literals in place.
//!
//! No scanner parses its language. Each looks for the few words that load something, wherever they stand, and reads what
//! follows: text in comments and strings can only add to what is asked for, which is the safe direction.

use assay_analyze::{Ask, Code, Dynamic, Fact, File, Language, Sink};
use std::borrow::Cow;
use std::collections::HashSet;

/// Bytes of one source file that are looked at; the largest bundles of JavaScript have about ten million.
const MAX_BYTES: usize = 16 << 20;

/// Asks kept of one file. What is left out counts as computed: it may be anything.
const MAX_ASKS: usize = 4096;

/// Bytes of a name or path; the longest path Linux opens.
const MAX_LITERAL: usize = 4096;

/// What one file asks for, in its order, each once.
#[derive(Default)]
pub(super) struct Asks {
    list: Vec<Ask>,
    dynamic: [bool; 3],
    over: bool,
}

impl Asks {
    /// Adds an ask.
    pub(super) fn push(&mut self, ask: Ask) {
        if let Ask::Dynamic(kind) = &ask {
            return self.dynamic(*kind);
        }
        if self.list.len() < MAX_ASKS {
            self.list.push(ask);
        } else {
            self.over = true;
        }
    }

    /// Adds a module by its name.
    pub(super) fn import(&mut self, name: impl Into<String>) {
        self.push(Ask::Import(name.into()));
    }

    /// Says that names are computed.
    pub(super) fn dynamic(&mut self, kind: Dynamic) {
        let [library, module, program] = &mut self.dynamic;
        match kind {
            Dynamic::Library => *library = true,
            Dynamic::Module => *module = true,
            Dynamic::Program => *program = true,
        }
    }

    /// Says that everything may be loaded: the file could not be looked at as a whole.
    pub(super) fn anything(&mut self) {
        self.dynamic = [true; 3];
    }

    /// Returns whether a module of this name is imported as a whole.
    pub(super) fn imports(&self, module: &str) -> bool {
        self.list.iter().any(|ask| matches!(ask, Ask::Import(name) if name == module))
    }

    /// Returns whether the name of any import satisfies `test`: what cannot be used without being imported need not be sought.
    /// `from x import *` may have brought anything.
    pub(super) fn any_import(&self, test: impl Fn(&str) -> bool) -> bool {
        let any = |ask: &Ask| matches!(ask, Ask::Import(name) if name.ends_with(":*") || test(name));
        self.over || self.list.iter().any(any)
    }

    /// Returns the asks, what is computed last.
    pub(super) fn finish(mut self) -> Vec<Ask> {
        if self.over {
            self.anything();
        }
        let mut seen = HashSet::with_capacity(self.list.len());
        let keep: Vec<bool> = self.list.iter().map(|ask| seen.insert(ask)).collect();
        let mut keep = keep.into_iter();
        self.list.retain(|_| keep.next().unwrap_or(true));
        let kinds = [Dynamic::Library, Dynamic::Module, Dynamic::Program];
        let computed = kinds.into_iter().zip(self.dynamic).filter(|(_, on)| *on);
        self.list.extend(computed.map(|(kind, _)| Ask::Dynamic(kind)));
        self.list
    }
}

/// Scans a source file's beginning, and reports what it asks for.
pub(super) fn report(
    file: &File<'_>,
    out: &mut Sink<'_>,
    language: Language,
    scan: impl FnOnce(&[u8], &mut Asks),
) {
    let mut asks = Asks::default();
    let size = file.content.len();
    match start_of(file) {
        Some(text) => {
            if size > text.len() as u64 {
                asks.anything();
            }
            scan(&text, &mut asks);
        }
        None => asks.anything(),
    }
    out.fact(Fact::Code(Box::new(Code { language, size, name: None, library: false, asks: asks.finish() })));
}

/// Returns what a text that is no file asks for.
pub(super) fn read(scan: impl FnOnce(&[u8], &mut Asks), text: &str) -> Vec<Ask> {
    let mut asks = Asks::default();
    scan(text.as_bytes(), &mut asks);
    asks.finish()
}

/// Returns as much of a file as is looked at.
pub(super) fn start_of<'a>(file: &File<'a>) -> Option<Cow<'a, [u8]>> {
    if let Some(slice) = file.content.as_slice() {
        return Some(Cow::Borrowed(slice.get(..MAX_BYTES).unwrap_or(slice)));
    }
    let len = file.content.len().min(MAX_BYTES as u64);
    file.content.read_range(0, len, MAX_BYTES).ok()
}

/// Returns whether the file's first line names an interpreter whose name starts with `name`: `#!/usr/bin/env python3`.
pub(super) fn shebang(file: &File<'_>, name: &str) -> bool {
    /// Linux reads no more of the line (`BINPRM_BUF_SIZE`).
    const LINE: usize = 256;
    let mut start = [0; LINE];
    let len = file.content.read_at(0, &mut start).unwrap_or_default();
    let line = start.get(..len).unwrap_or_default().strip_prefix(b"#!").unwrap_or_default();
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let words = line.split(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'/'));
    words.into_iter().any(|word| word.starts_with(name.as_bytes()))
}

/// Returns the byte at a place; 0 beyond the end.
pub(super) fn at(text: &[u8], place: usize) -> u8 {
    text.get(place).copied().unwrap_or_default()
}

/// Returns the byte before a place; a line's end before the first.
pub(super) fn before(text: &[u8], place: usize) -> u8 {
    place.checked_sub(1).map_or(b'\n', |place| at(text, place))
}

/// Returns what is left from a place on.
pub(super) fn from(text: &[u8], place: usize) -> &[u8] {
    text.get(place..).unwrap_or_default()
}

/// Returns whether a byte can be part of a name; bytes of other alphabets can.
pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Returns the first place at or after `place` that holds no blank.
pub(super) fn skip(text: &[u8], mut place: usize, blank: impl Fn(u8) -> bool) -> usize {
    while place < text.len() && blank(at(text, place)) {
        place += 1;
    }
    place
}

/// Returns the place after the last byte before `place` that is no blank.
pub(super) fn skip_back(text: &[u8], mut place: usize, blank: impl Fn(u8) -> bool) -> usize {
    while place > 0 && blank(before(text, place)) {
        place -= 1;
    }
    place
}

/// Returns the bytes of the word that ends at `end`, by `part`.
pub(super) fn word_before(text: &[u8], end: usize, part: impl Fn(u8) -> bool) -> &[u8] {
    let start = skip_back(text, end, part);
    text.get(start..end).unwrap_or_default()
}

/// Returns the bytes of the word that starts at `start`, by `part`.
pub(super) fn word(text: &[u8], start: usize, part: impl Fn(u8) -> bool) -> &[u8] {
    let end = skip(text, start, part);
    text.get(start..end).unwrap_or_default()
}

/// Returns whether the place stands on a line whose first byte but blanks starts a comment.
pub(super) fn commented(text: &[u8], place: usize, mark: &[u8]) -> bool {
    // A comment's line is short; a minified bundle's must not be walked again for every word found on it.
    const LINE: usize = 400;
    let start = place.saturating_sub(LINE);
    let line = text.get(start..place).unwrap_or_default();
    let Some(newline) = memchr::memrchr(b'\n', line) else {
        return start == 0 && line.trim_ascii_start().starts_with(mark);
    };
    from(line, newline + 1).trim_ascii_start().starts_with(mark)
}

/// Reads the text between quotes that opens at `place`; returns it and the place after the closing quote.
///
/// `None` when it does not end on its line, is too long, or is not UTF-8: names of modules are none of these. A backslash keeps
/// the byte after it.
pub(super) fn quoted(text: &[u8], place: usize) -> Option<(String, usize)> {
    let quote = at(text, place);
    let body = from(text, place + 1);
    let body = body.get(..body.len().min(MAX_LITERAL)).unwrap_or_default();
    let end = memchr::memchr3(quote, b'\\', b'\n', body)?;
    if at(body, end) == quote {
        let inner = std::str::from_utf8(body.get(..end)?).ok()?;
        return Some((inner.to_owned(), place + end + 2));
    }
    let mut bytes = Vec::new();
    let mut rest = body.iter().enumerate();
    while let Some((index, &byte)) = rest.next() {
        match byte {
            b'\\' => bytes.push(*rest.next()?.1),
            b'\n' => return None,
            _ if byte == quote => return Some((String::from_utf8(bytes).ok()?, place + index + 2)),
            _ => bytes.push(byte),
        }
    }
    None
}

#[cfg(test)]
pub(super) mod testing {
    use super::Asks;
    use assay_analyze::{Ask, Dynamic};
    use proptest::prelude::*;

    /// Returns asks as words, one per line's worth: `import flask`, `maybe module x`, `any program`.
    pub(in crate::code) fn words(asks: &[Ask]) -> Vec<String> {
        let kind = |kind: &Dynamic| match kind {
            Dynamic::Library => "library",
            Dynamic::Module => "module",
            Dynamic::Program => "program",
        };
        let word = |ask: &Ask| match ask {
            Ask::Import(name) => format!("import {name}"),
            Ask::Maybe(what, name) => format!("maybe {} {name}", kind(what)),
            Ask::Dynamic(what) => format!("any {}", kind(what)),
            Ask::Include(name) => format!("include {name}"),
            Ask::Entry(name) => format!("entry {name}"),
            Ask::SearchPath(name) => format!("path {name}"),
            Ask::Run(name) => format!("run {name}"),
            other => format!("{other:?}"),
        };
        asks.iter().map(word).collect()
    }

    #[track_caller]
    pub(in crate::code) fn check_scan(scan: impl Fn(&[u8], &mut Asks), text: &str, want: &[&str]) {
        let mut asks = Asks::default();
        scan(text.as_bytes(), &mut asks);
        assert_eq!(words(&asks.finish()), want, "{text}");
    }

    /// Any bytes, and any mixture of the scanner's own words, are survived.
    pub(in crate::code) fn check_total(scan: impl Fn(&[u8], &mut Asks), words: &'static [&'static str]) {
        let pieces = prop::collection::vec(
            prop_oneof![
                prop::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
                prop::sample::select(
                    &[" ", "\n", "(", ")", "'", "\"", "\\", ".", ",", ";", "x", "`", "{"][..]
                )
                .prop_map(|word| word.as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..4),
            ],
            0..60,
        );
        let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |(pieces in pieces)| {
            let mut asks = Asks::default();
            scan(&pieces.concat(), &mut asks);
            asks.finish();
        });
    }
}
