//! References of YAML and JSON files: Kubernetes manifests, compose files, values of Helm charts, pipelines.
//!
//! A line is `key: value`, possibly behind dashes, or holds collections in brackets. That is less than YAML
//! (<https://yaml.org/spec/1.2.2/>) and enough to find what people write: block scalars are passed over, since a manifest inside of
//! a manifest is data; a text over several lines is no reference. Keys that count: `image`; `reference` below `image`; and the
//! pair of `repository` (or `image`) and `tag` of charts, with `registry` and `digest` beside it.

use super::{Form, Spot, State, judge, lines};
use std::ops::Range;

/// A value, and where it stands.
#[derive(Debug, Clone)]
struct Value {
    line: usize,
    /// Without quotes.
    range: Range<usize>,
    text: String,
    quoted: bool,
}

#[derive(Debug)]
struct Entry {
    key: String,
    value: Value,
}

/// The entries of one mapping, as far as they were seen.
#[derive(Debug)]
struct Mapping {
    column: usize,
    /// The key whose value it is.
    parent: String,
    entries: Vec<Entry>,
}

/// Mappings within mappings; a file that goes deeper is no manifest.
const MAX_DEPTH: usize = 256;

/// Finds the references.
pub(super) fn find(text: &str) -> Vec<Spot> {
    let mut spots = Vec::new();
    let mut open: Vec<Mapping> = Vec::new();
    // Lines indented further than this belong to a block scalar.
    let mut block: Option<usize> = None;
    for (number, start, line) in lines(text) {
        if spots.len() > super::MAX_SPOTS {
            break;
        }
        let indent = line.len() - line.trim_start_matches(' ').len();
        let rest = line.get(indent..).unwrap_or_default();
        if let Some(column) = block {
            if rest.trim().is_empty() || indent > column {
                continue;
            }
            block = None;
        }
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        if line.starts_with("---") || line.starts_with("...") {
            close(&mut open, 0, false, &mut spots);
            continue;
        }
        let (column, dashes) = behind_dashes(rest, indent);
        let content = line.get(column..).unwrap_or_default();
        if is_block(content) {
            // A list of texts.
            block = Some(indent.max(column.saturating_sub(2)));
            continue;
        }
        if content.starts_with(['{', '[']) {
            flow(number, start + column, content, &mut spots);
            continue;
        }
        let Some((key, behind)) = key(content) else { continue };
        close(&mut open, column, dashes, &mut spots);
        let value_start = column + behind;
        let value = line.get(value_start..).unwrap_or_default();
        if is_block(value.trim_start()) {
            block = Some(column);
        } else if value.trim_start().starts_with(['{', '[']) {
            flow(number, start + value_start, value, &mut spots);
        }
        let parent = open.last().and_then(|mapping| mapping.entries.last());
        let parent = parent.map(|entry| entry.key.clone()).unwrap_or_default();
        if open.last().is_none_or(|mapping| mapping.column != column) {
            if open.len() >= MAX_DEPTH {
                return spots;
            }
            open.push(Mapping { column, parent, entries: Vec::new() });
        }
        if let Some(mapping) = open.last_mut() {
            mapping.entries.push(Entry { key, value: scalar(number, start + value_start, value) });
        }
    }
    close(&mut open, 0, true, &mut spots);
    while let Some(mapping) = open.pop() {
        judge_mapping(&mapping, &mut spots);
    }
    spots
}

/// Ends the mappings that lie deeper than `column`, and the one at it if a new item begins there.
fn close(open: &mut Vec<Mapping>, column: usize, new_item: bool, spots: &mut Vec<Spot>) {
    while open.last().is_some_and(|last| last.column > column || (new_item && last.column == column)) {
        if let Some(mapping) = open.pop() {
            judge_mapping(&mapping, spots);
        }
    }
}

/// Returns the column behind the dashes of list items, and whether there are any.
fn behind_dashes(rest: &str, indent: usize) -> (usize, bool) {
    let (mut rest, mut column, mut dashes) = (rest, indent, false);
    while let Some(behind) = rest.strip_prefix("- ") {
        let spaces = behind.len() - behind.trim_start_matches(' ').len();
        column += 2 + spaces;
        dashes = true;
        rest = behind.get(spaces..).unwrap_or_default();
    }
    (column, dashes)
}

/// Tells whether a value is the head of a block scalar: `|` or `>`, with what says how it is folded.
fn is_block(value: &str) -> bool {
    let head = value.split(" #").next().unwrap_or(value).trim_end();
    let head = head.split_ascii_whitespace().find(|word| !word.starts_with(['!', '&'])).unwrap_or("");
    let mut letters = head.chars();
    matches!(letters.next(), Some('|' | '>'))
        && head.len() <= 3
        && letters.all(|c| c.is_ascii_digit() || matches!(c, '+' | '-'))
}

/// Reads the key at the start of `content`; returns it and where the value begins.
fn key(content: &str) -> Option<(String, usize)> {
    let quote = content.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (key, behind) = match quote {
        Some(quote) => {
            let (key, rest) = content.get(1..)?.split_once(quote)?;
            let colon = rest.len() - rest.trim_start().len();
            rest.trim_start().strip_prefix(':')?;
            (key, 1 + key.len() + 1 + colon + 1)
        }
        None => {
            let at = content.find(": ").or_else(|| {
                let ended = content.trim_end();
                ended.ends_with(':').then(|| ended.len() - 1)
            })?;
            let key = content.get(..at)?;
            if key.contains(['#', '{', '"']) {
                return None;
            }
            (key, at + 1)
        }
    };
    Some((key.trim().to_owned(), behind))
}

/// Reads a scalar, of which nothing but itself may be on the line; what is none has an empty text.
fn scalar(line: usize, start: usize, value: &str) -> Value {
    let none = |range: Range<usize>| Value { line, range, text: String::new(), quoted: false };
    let mut at = value.len() - value.trim_start().len();
    let mut rest = value.get(at..).unwrap_or_default();
    // Anchors and tags stand before a value.
    while rest.starts_with(['&', '!']) {
        let Some((word, behind)) = rest.split_once(' ') else { return none(start..start) };
        at += word.len() + 1 + (behind.len() - behind.trim_start().len());
        rest = behind.trim_start();
    }
    if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let inner = rest.get(1..).and_then(|rest| rest.split_once(quote));
        let Some((text, _)) = inner.filter(|(text, _)| !text.contains('\\')) else {
            // It goes on in the next line, or has escapes: no reference does.
            return none(start..start);
        };
        let range = start + at + 1..start + at + 1 + text.len();
        return Value { line, range, text: text.to_owned(), quoted: true };
    }
    let end = if rest.starts_with('#') { 0 } else { rest.find(" #").unwrap_or(rest.len()) };
    let text = rest.get(..end).unwrap_or_default().trim_end();
    let text = text.strip_suffix(',').unwrap_or(text);
    if text.is_empty() {
        // Where a value would stand: right behind the colon.
        return none(start..start);
    }
    let range = start + at..start + at + text.len();
    if text.starts_with(['*', '{', '[', '|', '>']) {
        return none(range);
    }
    Value { line, range, text: text.to_owned(), quoted: false }
}

/// Finds `image` in collections on one line: `{name: a, image: b}`, `{"image": "b"}`.
fn flow(line: usize, start: usize, content: &str, spots: &mut Vec<Spot>) {
    let mut from = 0;
    while let Some(found) = content.get(from..).and_then(|rest| rest.find("image")) {
        let at = from + found;
        let end = at + "image".len();
        from = end;
        let before = content.get(..at).unwrap_or_default();
        let quote = before.chars().next_back().filter(|c| matches!(c, '"' | '\''));
        let outside = quote.map_or(before, |_| before.get(..before.len() - 1).unwrap_or_default());
        if !outside.trim_end().ends_with(['{', ',']) {
            continue;
        }
        let behind = content.get(end..).unwrap_or_default();
        let rest = match quote {
            Some(quote) => behind.strip_prefix(quote),
            None => Some(behind),
        };
        let Some(value) = rest.and_then(|rest| rest.trim_start().strip_prefix(':')) else { continue };
        let value_start = content.len() - value.len();
        let at = value_start + (value.len() - value.trim_start().len());
        let value = value.trim_start();
        let (at, text) = match value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            Some(quote) => match value.get(1..).and_then(|rest| rest.split_once(quote)) {
                Some((text, _)) => (at + 1, text),
                None => continue,
            },
            None => (at, value.split([',', '}', ']', ' ']).next().unwrap_or_default()),
        };
        if !text.is_empty() && !text.starts_with(['{', '[', '*', '&', '!']) && !text.contains('\\') {
            add(Spot::whole(line, start + at..start + at + text.len(), text), spots);
        }
    }
}

/// Adds a reference, unless it is something else that bears the same key: a picture, a path, a word.
fn add(spot: Spot, spots: &mut Vec<Spot>) {
    if spot.state != State::Skipped("it is no image reference") {
        spots.push(spot);
    }
}

fn judge_mapping(mapping: &Mapping, spots: &mut Vec<Spot>) {
    let value = |key: &str| mapping.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    let filled = |key: &str| value(key).filter(|value| !value.text.is_empty());
    if let Some(repository) = filled("repository").or_else(|| filled("image"))
        && let Some(tag) = value("tag")
    {
        spots.extend(chart(filled("registry"), repository, tag, value("digest")));
        return;
    }
    if let Some(image) = filled("image") {
        let mut spot = Spot::whole(image.line, image.range.clone(), &image.text);
        if value("build").is_some() && spot.state == State::Open {
            spot.state = State::Skipped("it is built here");
        }
        add(spot, spots);
    }
    if mapping.parent == "image"
        && let Some(reference) = filled("reference")
    {
        add(Spot::whole(reference.line, reference.range.clone(), &reference.text), spots);
    }
}

/// Makes the reference of a chart's values, which templates put together.
fn chart(registry: Option<&Value>, repository: &Value, tag: &Value, digest: Option<&Value>) -> Option<Spot> {
    let name = match registry {
        Some(registry) => format!("{}/{}", registry.text, repository.text),
        None => repository.text.clone(),
    };
    if tag.text.is_empty() {
        let (reference, state) = judge(&name);
        let is_image = reference.is_some() && state == State::Open;
        // The chart takes its own version then.
        return is_image.then(|| Spot {
            line: tag.line,
            text: name,
            reference,
            platform: None,
            state: State::Skipped("its tag is not in the file"),
            range: tag.range.clone(),
            form: Form::Tag,
        });
    }
    let has_digest = digest.filter(|digest| digest.text.starts_with("sha256:"));
    let text = format!("{name}:{}", tag.text);
    let (reference, mut state) = judge(&text);
    if state == State::Skipped("it is no image reference") {
        return None;
    }
    if has_digest.is_some() && state == State::Open {
        state = State::Pinned;
    }
    let (place, form) = match digest {
        // A digest in the tag stays there.
        Some(digest) if !tag.text.contains('@') && (digest.text.is_empty() || has_digest.is_some()) => {
            (digest, Form::Digest { quoted: digest.quoted })
        }
        _ => (tag, Form::Tag),
    };
    Some(Spot { line: place.line, text, reference, platform: None, state, range: place.range.clone(), form })
}
