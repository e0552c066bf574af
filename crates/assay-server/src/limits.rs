//! How often somebody may ask: a bucket that fills steadily, and from which each request takes.

use crate::failures::Failures;
use assay_store::Moment;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Callers that are remembered. Those whose bucket is full again need not be.
const MAX_CALLERS: usize = 10_000;

/// What a bucket takes at most, and how fast it fills.
#[derive(Debug, Clone, Copy)]
struct Rate {
    burst: u64,
    per_second: u64,
}

/// Requests of one token to the API and of registries. Admission is not limited: a cluster that starts asks for everything at once.
const REQUESTS: Rate = Rate { burst: 400, per_second: 100 };

/// Requests of one address without a valid token. Tokens cannot be guessed; this keeps the database from being asked about each guess.
const FAILURES: Rate = Rate { burst: 100, per_second: 5 };

/// What callers have left.
#[derive(Debug, Default)]
pub struct Limits {
    requests: Buckets<String>,
    failures: Buckets<Option<IpAddr>>,
    failed: Failures,
}

impl Limits {
    /// Counts a request of the holder of a token; says whether it may be answered.
    pub(crate) fn request(&self, holder: &str, now: Moment) -> bool {
        self.requests.take(holder.to_owned(), REQUESTS, 1, now)
    }

    /// Says whether somebody at an address may try a token.
    pub(crate) fn may_try(&self, peer: Option<IpAddr>, now: Moment) -> bool {
        let may = self.failures.take(peer, FAILURES, 0, now);
        if !may {
            self.failed.add(peer, now);
        }
        may
    }

    /// Counts a request without a valid token.
    pub(crate) fn failed(&self, peer: Option<IpAddr>, now: Moment) {
        self.failures.take(peer, FAILURES, 1, now);
        self.failed.add(peer, now);
    }

    /// Returns who failed to authenticate at least so often within a window, and how often.
    pub(crate) fn suspects(&self, least: u32, window: Duration, now: Moment) -> Vec<(String, u64)> {
        self.failed.suspects(least, window, now)
    }
}

/// Level, in thousandths of a request, and when that was so.
type Level = (u64, Moment);

#[derive(Debug)]
struct Buckets<K>(Mutex<HashMap<K, Level>>);

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq> Buckets<K> {
    /// Takes a number of requests out of a bucket in which there is at least one; says whether there was.
    fn take(&self, key: K, rate: Rate, requests: u64, now: Moment) -> bool {
        let full = rate.burst.saturating_mul(1000);
        let level = |(level, since): Level| {
            let passed = u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX);
            level.saturating_add(passed.saturating_mul(rate.per_second)).min(full)
        };
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_CALLERS && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| level(*bucket) < full);
            if buckets.len() >= MAX_CALLERS {
                return false;
            }
        }
        let left = buckets.get(&key).copied().map_or(full, level);
        if left < 1000 {
            return false;
        }
        if requests > 0 {
            buckets.insert(key, (left.saturating_sub(requests.saturating_mul(1000)), now));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_at_once_and_fills_with_time() {
        let limits = Limits::default();
        let at = |milliseconds: i64| Moment(1_000_000 + milliseconds);
        for _ in 0..400 {
            assert!(limits.request("ci", at(0)));
        }
        assert!(!limits.request("ci", at(0)));
        assert!(limits.request("other", at(0)), "one caller emptied the bucket of another");
        assert!(!limits.request("ci", at(9)));
        assert!(limits.request("ci", at(10)));
        assert!(!limits.request("ci", at(10)));
        // A clock that goes back gives nothing and takes nothing.
        assert!(!limits.request("ci", at(-60_000)));
        for _ in 0..400 {
            assert!(limits.request("ci", at(60_000)));
        }
        assert!(!limits.request("ci", at(60_000)));
    }

    #[test]
    fn only_failures_count_against_who_tries() {
        let limits = Limits::default();
        for _ in 0..1000 {
            assert!(limits.may_try(None, Moment(0)));
        }
        for _ in 0..100 {
            limits.failed(None, Moment(0));
        }
        assert!(!limits.may_try(None, Moment(0)));
        assert!(limits.may_try(None, Moment(200)));
    }

    #[test]
    fn callers_do_not_pile_up() {
        let limits = Limits::default();
        for number in 0..25_000_i64 {
            // Each has a full bucket again before the next thousand has come.
            assert!(limits.request(&number.to_string(), Moment(number * 10)));
        }
        assert!(limits.requests.0.lock().unwrap().len() <= MAX_CALLERS);
    }
}
