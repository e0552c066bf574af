//! Values by the names they are assigned to: providers' by the words around, others by what the name promises.

use super::assignment::{self, Assignment};
use super::found::Found;
use super::names::{Promise, promise};
use super::placeholder::is_no_password;
use super::shape::{is_random, is_strong};
use super::{Scanner, Text};

/// How far before a value the words of a provider count.
const NEAR: usize = 160;

impl Scanner {
    /// Tries the rules that go by a name on a value.
    pub(super) fn assigned(&self, text: &Text<'_>, assignment: &Assignment<'_>, found: &mut Found) {
        let promise = promise(assignment.name);
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
            return;
        }
        let rule = match promise {
            Promise::Password => self.password,
            Promise::Secret => self.generic,
            Promise::Perhaps | Promise::Nothing => None,
        };
        if let Some(rule) = rule
            && (assignment.quoted || text.place.settings)
            && is_random(value)
            && !(promise == Promise::Password && is_no_password(value))
            && self.matches(rule, value)
        {
            self.accept(rule, text, span, Some(assignment.name), found);
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
    pub(super) fn password_values(&self, text: &Text<'_>, found: &mut Found) {
        let Some(rule) = self.password else { return };
        let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let mut last = 0;
        self.passwords.search(text.bytes, |at, _| {
            if at < last || !text.turn.contains(&at) {
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
            if promise(name) != Promise::Password {
                return;
            }
            let Some(span) = assignment::value_after(text.bytes, at - before..last) else { return };
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
}
