//! Times of the build in a text: ISO 8601 dates, with or without the time, and seconds since 1970.
//!
//! Such a place is the time of the build only if it is near one of the times that are known of that build, in both versions. A day
//! is near: builds take hours, and a local time without its zone is up to fourteen hours off. A date alone is all of its day.

use assay_model::Timestamp;
use std::ops::{Range, RangeInclusive};

/// How far a time in a text may be from when it was built, in seconds.
const NEAR: i64 = 86_400;
/// Places of a text that are looked at; a log of a build has thousands.
const MAX_PLACES: usize = 100_000;
/// Letters of a place that are shown, and around it.
const SHOWN: usize = 60;

/// Returns the first places that differ, if two texts are the same but for times of their builds.
pub(super) fn only(old: (&str, &[i64]), new: (&str, &[i64])) -> Option<(String, String)> {
    let (first, second) = (times(old.0, old.1), times(new.0, new.1));
    if first.is_empty() || first.len() != second.len() {
        return None;
    }
    let (mut at, mut differing) = ((0_usize, 0_usize), None);
    for (one, two) in first.iter().zip(&second) {
        if old.0.get(at.0..one.start)? != new.0.get(at.1..two.start)? {
            return None;
        }
        at = (one.end, two.end);
        let (one, two) = (old.0.get(one.clone())?, new.0.get(two.clone())?);
        if one != two {
            differing.get_or_insert_with(|| (shown(one), shown(two)));
        }
    }
    (old.0.get(at.0..)? == new.0.get(at.1..)?).then_some(differing).flatten()
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// Returns the places of the times in a text that are near one of `built`.
fn times(text: &str, built: &[i64]) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut at = 0_usize;
    while at < bytes.len() && places.len() < MAX_PLACES {
        let is_start = bytes.get(at).is_some_and(u8::is_ascii_digit)
            && at.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(|before| !is_word(*before));
        let found = if is_start { date(text, at).or_else(|| epoch(text, at)) } else { None };
        match found {
            Some((end, time)) if built.iter().any(|known| is_near(*known, &time)) => {
                places.push(at..end);
                at = end;
            }
            _ => at = at.saturating_add(1),
        }
    }
    places
}

/// Tells whether `known` is less than a day before or behind a time, or some of it.
fn is_near(known: i64, time: &RangeInclusive<i64>) -> bool {
    known.saturating_add(NEAR) >= *time.start() && known.saturating_sub(NEAR) <= *time.end()
}

/// Tells whether a letter belongs to the word of a number.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'+') || !byte.is_ascii()
}

/// Tells whether a word may end before `at`: behind a date a full stop may end the sentence.
fn ends(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        None => true,
        Some(b'.') => bytes.get(at.saturating_add(1)).is_none_or(|next| !is_word(*next)),
        Some(byte) => !is_word(*byte),
    }
}

fn digits(bytes: &[u8], at: usize, most: usize) -> usize {
    bytes.iter().skip(at).take(most).take_while(|byte| byte.is_ascii_digit()).count()
}

/// Reads ten digits, which are seconds since 1970 from 2001 to 2286.
fn epoch(text: &str, at: usize) -> Option<(usize, RangeInclusive<i64>)> {
    let end = at.checked_add(10)?;
    let is_number = digits(text.as_bytes(), at, 11) == 10 && ends(text.as_bytes(), end);
    if !is_number {
        return None;
    }
    let time = text.get(at..end)?.parse().ok()?;
    Some((end, time..=time))
}

/// Reads `YYYY-MM-DD`, with the longest time of day behind it that can be read.
fn date(text: &str, at: usize) -> Option<(usize, RangeInclusive<i64>)> {
    let bytes = text.as_bytes();
    let day = at.checked_add(10)?;
    let form = bytes.get(at..day)?;
    let is_date = form.iter().enumerate().all(|(place, byte)| match place {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if !is_date {
        return None;
    }
    let mut end = day;
    if matches!(bytes.get(day), Some(b'T' | b' ')) && digits(bytes, day.checked_add(1)?, 3) == 2 {
        end = clock(bytes, day.checked_add(1)?).unwrap_or(day);
    }
    if !ends(bytes, end) {
        return None;
    }
    // A fraction is dropped, and a zone without a colon understood, by the reader.
    let time: Timestamp = text.get(at..end)?.parse().ok()?;
    let last = if end == day { time.0.saturating_add(NEAR) } else { time.0 };
    Some((end, time.0..=last))
}

/// Returns where `hh:mm[:ss[.fraction]][ ][Z|±hh[:]mm]` ends.
fn clock(bytes: &[u8], at: usize) -> Option<usize> {
    let pair = |at: usize| (digits(bytes, at, 3) == 2).then(|| at.checked_add(2))?;
    let mut end = pair(at)?;
    if bytes.get(end) != Some(&b':') {
        return None;
    }
    end = pair(end.checked_add(1)?)?;
    if bytes.get(end) == Some(&b':') {
        end = pair(end.checked_add(1)?)?;
        if bytes.get(end) == Some(&b'.') {
            let count = digits(bytes, end.checked_add(1)?, 9);
            if count > 0 {
                end = end.checked_add(1)?.checked_add(count)?;
            }
        }
    }
    let zone = if bytes.get(end) == Some(&b' ') { end.checked_add(1)? } else { end };
    match bytes.get(zone) {
        Some(b'Z') => end = zone.checked_add(1)?,
        Some(b'+' | b'-') => {
            let hours = zone.checked_add(1)?;
            match digits(bytes, hours, 5) {
                4 => end = hours.checked_add(4)?,
                2 if bytes.get(hours.checked_add(2)?) == Some(&b':') => end = pair(hours.checked_add(3)?)?,
                2 => end = hours.checked_add(2)?,
                _ => {}
            }
        }
        _ => {}
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_build_are_found_in_every_form() {
        let noon = [1_704_110_400];
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<_> =
                times(text, &noon).into_iter().map(|place| text.get(place).unwrap()).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("2024-01-01", &["2024-01-01"]);
        check("on 2024-01-01.", &["2024-01-01"]);
        check("(2024-01-01T10:00:00Z)", &["2024-01-01T10:00:00Z"]);
        check("2024-01-01 10:00:00.123 +0100,", &["2024-01-01 10:00:00.123 +0100"]);
        check("2024-01-01T10:00+01:00 2023-12-31", &["2024-01-01T10:00+01:00", "2023-12-31"]);
        check("SOURCE_DATE_EPOCH=1704110400\n", &["1704110400"]);
        check("2024-01-01 1000 files", &["2024-01-01"]);
        for text in
            ["2024-01-03", "2024-13-01", "17041104000", "v1704110400", "1.704110400", "12024-01-01", ""]
        {
            check(text, &[]);
        }
    }
}
