//! How often who failed to authenticate lately: counted by the minute, so that what is kept of one source has a fixed size.

use assay_store::Moment;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Minutes that are kept, and so the longest window.
const MINUTES: usize = 60;
/// Sources that are kept. Failures of more are still counted, in what all have together.
const MAX_SOURCES: usize = 10_000;
/// How many times as often as one source all sources together may fail.
const TOGETHER: u64 = 10;

/// The longest window.
pub(crate) const MAX_WINDOW: Duration = Duration::from_secs(3600);

/// Counts of the last hour, each with the minute that it is of.
#[derive(Debug, Clone)]
struct Minutes([(i64, u32); MINUTES]);

impl Default for Minutes {
    fn default() -> Self {
        Self([(i64::MIN, 0); MINUTES])
    }
}

impl Minutes {
    fn add(&mut self, minute: i64) {
        let index = usize::try_from(minute.rem_euclid(60)).unwrap_or_default();
        if let Some(slot) = self.0.get_mut(index) {
            if slot.0 != minute {
                *slot = (minute, 0);
            }
            slot.1 = slot.1.saturating_add(1);
        }
    }

    /// Returns how many there were in the minute and those before it.
    fn count(&self, minute: i64, minutes: i64) -> u64 {
        let first = minute.saturating_sub(minutes.saturating_sub(1));
        self.0.iter().filter(|slot| (first..=minute).contains(&slot.0)).map(|slot| u64::from(slot.1)).sum()
    }
}

/// Counts of all sources.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<(Minutes, HashMap<String, Minutes>)>);

impl Failures {
    /// Counts a failure.
    pub(crate) fn add(&self, peer: Option<IpAddr>, now: Moment) {
        let minute = now.0.div_euclid(60_000);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, sources) = &mut *counts;
        all.add(minute);
        let source = source(peer);
        if sources.len() >= MAX_SOURCES && !sources.contains_key(&source) {
            sources.retain(|_, minutes| minutes.count(minute, 60) > 0);
            if sources.len() >= MAX_SOURCES {
                return;
            }
        }
        sources.entry(source).or_default().add(minute);
    }

    /// Returns who failed at least so often within a window, and how often. A window is rounded up to whole minutes.
    pub(crate) fn suspects(&self, least: u32, window: Duration, now: Moment) -> Vec<(String, u64)> {
        let minute = now.0.div_euclid(60_000);
        let minutes = i64::try_from(window.min(MAX_WINDOW).as_secs().div_ceil(60)).unwrap_or(60).max(1);
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, sources) = &*counts;
        let counted = sources.iter().map(|(source, found)| (source.clone(), found.count(minute, minutes)));
        let mut suspects: Vec<(String, u64)> =
            counted.filter(|(_, count)| *count >= u64::from(least)).collect();
        // The worst first: not all may be told of.
        suspects.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        let together = all.count(minute, minutes);
        if together >= u64::from(least).saturating_mul(TOGETHER) {
            suspects.insert(0, ("all sources together".to_owned(), together));
        }
        suspects
    }
}

/// Returns what a source is called. Whoever has one IPv6 address has a network of them.
fn source(peer: Option<IpAddr>) -> String {
    match peer.map(|address| address.to_canonical()) {
        None => "an unknown address".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    #[test]
    fn who_fails_often_within_the_window_is_a_suspect_until_the_window_is_over() {
        let failures = Failures::default();
        let peer: IpAddr = "192.0.2.1".parse().unwrap();
        let suspects = |now| failures.suspects(3, Duration::from_secs(120), Moment(now));
        failures.add(Some(peer), Moment(0));
        failures.add(Some(peer), Moment(MINUTE));
        failures.add(Some("192.0.2.2".parse().unwrap()), Moment(MINUTE));
        assert_eq!(suspects(MINUTE), []);
        failures.add(Some(peer), Moment(MINUTE + 1));
        assert_eq!(suspects(MINUTE + 1), [("192.0.2.1".to_owned(), 3)]);
        assert_eq!(suspects(2 * MINUTE), []);
        // An hour later the same slots are counted anew.
        failures.add(Some(peer), Moment(61 * MINUTE));
        assert_eq!(failures.suspects(1, MAX_WINDOW, Moment(61 * MINUTE)), [("192.0.2.1".to_owned(), 1)]);
    }

    #[test]
    fn many_addresses_of_one_network_and_many_networks_are_seen() {
        let failures = Failures::default();
        for number in 0..3 {
            failures.add(Some(format!("2001:db8::{number}").parse().unwrap()), Moment(0));
            failures.add(Some(format!("::ffff:192.0.2.{number}").parse().unwrap()), Moment(0));
        }
        let suspects = failures.suspects(3, Duration::from_secs(60), Moment(0));
        assert_eq!(suspects, [("2001:db8::/64".to_owned(), 3)]);
        for number in 0..u32::try_from(MAX_SOURCES).unwrap() + 100 {
            failures.add(Some(IpAddr::V4(number.into())), Moment(0));
        }
        let suspects = failures.suspects(3, Duration::from_secs(60), Moment(0));
        assert_eq!(suspects[0], ("all sources together".to_owned(), 10_106));
        assert!(failures.0.lock().unwrap().1.len() <= MAX_SOURCES);
    }
}
