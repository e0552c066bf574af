//! A point in time, in seconds since 1970-01-01T00:00:00Z, with its RFC 3339 text form.
//!
//! Calendar arithmetic follows Howard Hinnant's `days_from_civil`; years 0001 to 9999. There is no clock here: times come from
//! inputs, or are handed in by the binary.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Seconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

/// A text is not a date or date-time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a date or an RFC 3339 time")]
pub struct InvalidTimestamp(pub String);

/// Seconds in a day.
pub const DAY: i64 = 86_400;

impl Timestamp {
    /// Returns midnight UTC at the start of a calendar day, or `None` when there is no such day.
    pub fn from_date(year: i64, month: u32, day: u32) -> Option<Self> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let era = shifted_year.div_euclid(400);
        let year_of_era = shifted_year.rem_euclid(400);
        let month_index = i64::from((month + 9) % 12);
        let day_of_year = (153 * month_index + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let result = Self((era * 146_097 + day_of_era - 719_468) * DAY);
        // Rejects 31 April and the like: they would come back as another day.
        (result.date() == (year, month, day)).then_some(result)
    }

    /// Returns year, month and day in UTC.
    pub fn date(self) -> (i64, u32, u32) {
        let days = self.0.div_euclid(DAY) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_index + 2) / 5 + 1;
        let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
    }

    /// Returns the `YYYY-MM-DD` form.
    pub fn date_text(self) -> String {
        let (year, month, day) = self.date();
        format!("{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.0.rem_euclid(DAY);
        write!(f, "{}T{:02}:{:02}:{:02}Z", self.date_text(), second / 3600, second / 60 % 60, second % 60)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Reads `YYYY-MM-DD`, or `YYYY-MM-DD[T ]hh:mm[:ss[.fraction]][Z|±hh[:]mm]`; without a zone it is UTC.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        parse(text.trim()).ok_or_else(|| InvalidTimestamp(text.chars().take(80).collect()))
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let number = |text: &str| -> Option<u32> {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split('-');
    let (year, month, day) = (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    if parts.next().is_some() {
        return None;
    }
    let midnight = Timestamp::from_date(i64::from(year), month, day)?;
    if rest.is_empty() {
        return Some(midnight);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?.trim();
    let (clock, offset) = if let Some(clock) = rest.strip_suffix(['Z', 'z']) {
        (clock, 0)
    } else if let Some(at) = rest.rfind(['+', '-']) {
        let (clock, zone) = rest.split_at_checked(at)?;
        let (sign, digits) =
            if let Some(zone) = zone.strip_prefix('-') { (-1, zone) } else { (1, zone.get(1..)?) };
        let digits = digits.replace(':', "");
        let (hours, minutes) = digits.split_at_checked(2)?;
        let minutes = if minutes.is_empty() { 0 } else { number(minutes)? };
        (clock.trim_end(), sign * (i64::from(number(hours)?) * 3600 + i64::from(minutes) * 60))
    } else {
        (rest, 0)
    };
    let mut fields = clock.split(':');
    let (hour, minute) = (number(fields.next()?)?, number(fields.next()?)?);
    let second = match fields.next() {
        Some(second) => number(second.split_once('.').map_or(second, |(whole, _)| whole))?,
        None => 0,
    };
    if hour > 24 || minute > 59 || second > 60 || fields.next().is_some() {
        return None;
    }
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Some(Timestamp(midnight.0 + seconds - offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, want) in [
            ("1970-01-01", "1970-01-01T00:00:00Z"),
            ("2021-12-10T00:15:00Z", "2021-12-10T00:15:00Z"),
            ("2021-12-10T01:15:59.123456789+01:00", "2021-12-10T00:15:59Z"),
            ("2024-02-29 23:59:60", "2024-03-01T00:00:00Z"),
            ("2023-05-01T00:00:00-0530", "2023-05-01T05:30:00Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), want);
        }
        for text in
            ["", "2023", "2023-02-30", "2023-13-01", "2023-01-01T99:00:00Z", "20230101000", "é023-01-01"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_day_round_trips() {
        for day in -200_000..200_000 {
            let time = Timestamp(day * DAY);
            assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
