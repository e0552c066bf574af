//! What changes about the policy, as events: that a server judges by another one, and that an exception has ended.
//!
//! Verdicts need neither: they name the policy that they are by, and hold no longer than its next exception. It is for people who ask later
//! why what ran yesterday does not run today.

use crate::admission::Judge;
use crate::worker::Clock;
use assay_store::{Event, Moment, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often is looked whether an exception has ended.
const CHECK: Duration = Duration::from_secs(60);
/// Events that are compared with: a policy with more exceptions that end at once tells some of them twice.
const COMPARED: i64 = 1000;
/// Exceptions that ended longer ago are not told any more.
const TOLD_FOR: Duration = Duration::from_secs(7 * 86_400);

/// Tells what changed until `stop` is raised.
pub(crate) async fn keep_telling(store: Store, judge: Arc<Judge>, clock: Clock, stop: Arc<AtomicBool>) {
    let mut begun = false;
    while !stop.load(Ordering::Relaxed) {
        // A database that is away is back at the next look. By which policy is judged is told once: while one server takes the place of
        // another, both would go on telling.
        begun = begun || tell_policy(&store, &judge, clock()).await.is_ok();
        let _ = tell_ends(&store, &judge, clock()).await;
        tokio::time::sleep(CHECK).await;
    }
}

/// Tells by which policy is judged from now on, unless that was told last.
async fn tell_policy(store: &Store, judge: &Judge, now: Moment) -> Result<(), StoreError> {
    let policy = serde_json::json!({
        "policy": judge.digest(), "name": judge.policy().name, "trust": judge.trust() });
    let before = store.newest_events("policy-changed", None, None, 1).await?;
    if before.first().is_some_and(|event| said(event) == policy) {
        return Ok(());
    }
    let mut work = store.begin().await?;
    work.record("policy-changed", None, &policy, now).await?;
    work.commit().await
}

/// Tells which exceptions have ended, unless that was told before.
async fn tell_ends(store: &Store, judge: &Judge, now: Moment) -> Result<(), StoreError> {
    let told = store.newest_events("exception-expired", None, None, COMPARED).await?;
    let ended = judge.policy().exceptions.iter().filter_map(|exception| {
        let end = exception.expires?;
        let detail = serde_json::json!({
            "exception": exception.id, "owner": exception.owner, "expired": end.to_string() });
        let is_new = Moment::from(end) <= now && now.since(Moment::from(end)) < TOLD_FOR;
        (is_new && !told.iter().any(|event| said(event) == detail)).then_some(detail)
    });
    let ended: Vec<serde_json::Value> = ended.collect();
    if ended.is_empty() {
        return Ok(());
    }
    let mut work = store.begin().await?;
    for detail in ended {
        work.record("exception-expired", None, &detail, now).await?;
    }
    work.commit().await
}

fn said(event: &Event) -> serde_json::Value {
    serde_json::from_str(&event.detail).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::Address;

    const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: test}\nrules: [{secrets: {}}]\n\
        exceptions: [{id: e-1, advisories: [CVE-2026-1], owner: team, reason: known, approvedBy: anna, expires: 2026-02-01}]\n";

    #[test]
    fn another_policy_and_an_exception_that_ends_are_told_once() {
        let runtime = crate::run::runtime().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&Address::File(folder.path().join("assay.db"))).await.unwrap();
            let at = |text: &str| Moment::from(text.parse::<assay_model::Timestamp>().unwrap());
            let judge = |text: &str| Judge::parse(text).unwrap_or_else(|error| panic!("{error}"));
            let (first, second) = (judge(POLICY), judge(&POLICY.replace("name: test", "name: other")));
            let key = judge(POLICY).trusting(Vec::new(), b"another key in the same file");
            for (judge, now, told) in [
                (&first, "2026-01-31T23:59:59Z", &["policy-changed"][..]),
                (&first, "2026-01-31T23:59:59Z", &[]),
                (&first, "2026-02-01T00:00:00Z", &["exception-expired"]),
                (&first, "2026-02-01T00:01:00Z", &[]),
                (&second, "2026-03-01T00:01:00Z", &["policy-changed"]),
                (&key, "2026-03-01T00:01:00Z", &["policy-changed"]),
                (&key, "2026-03-01T00:01:00Z", &[]),
            ] {
                let last = store.events(None, 0, 99).await.unwrap().last().map_or(0, |event| event.id);
                tell_policy(&store, judge, at(now)).await.unwrap();
                tell_ends(&store, judge, at(now)).await.unwrap();
                let events = store.events(None, last, 99).await.unwrap();
                let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
                assert_eq!(kinds, told, "{now}");
            }
        });
    }
}
