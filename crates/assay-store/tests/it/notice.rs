//! Telling of events: from where on, by whom, how often it is tried, and nothing twice.

use crate::fixture::{at, on_each};
use assay_store::Store;
use std::collections::BTreeSet;
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(60);

async fn happen(store: &Store, second: i64) -> i64 {
    let mut work = store.begin().await.unwrap();
    work.record("tag-moved", None, &serde_json::json!({}), at(second)).await.unwrap();
    work.commit().await.unwrap();
    store.events(None, 0, 1000).await.unwrap().last().unwrap().id
}

async fn delivered(store: &Store, owner: &str, after: i64, subjects: &[&str], second: i64) -> bool {
    let subjects = subjects.iter().map(|&subject| subject.to_owned()).collect();
    let mut work = store.begin().await.unwrap();
    let ours = work.delivered("s", owner, after, &subjects, at(second)).await.unwrap();
    work.commit().await.unwrap();
    ours
}

#[test]
fn one_process_tells_at_a_time_and_from_where_the_last_stopped() {
    on_each(async |store| {
        let before = happen(&store, 1).await;
        let claim =
            async |owner: &str, second| store.claim_sink("s", owner, LEASE, at(second)).await.unwrap();
        // What happened before anybody wanted to know is not told.
        assert_eq!(claim("a", 2).await, Some(before));
        let after = happen(&store, 3).await;
        assert_eq!(claim("b", 3).await, None);
        assert_eq!(claim("a", 3).await, Some(before));
        assert!(delivered(&store, "a", after, &[], 4).await);
        assert_eq!(claim("a", 4).await, Some(after));
        // The first falls silent, and comes back.
        assert_eq!(claim("b", 64).await, Some(after));
        let last = happen(&store, 65).await;
        assert!(!delivered(&store, "a", last, &[], 66).await);
        assert!(delivered(&store, "b", last, &[], 66).await);
        // Never backwards.
        assert!(!delivered(&store, "b", after, &[], 67).await);
        assert_eq!(store.claim_sink("other", "b", LEASE, at(67)).await.unwrap(), Some(last));
    });
}

#[test]
fn who_does_not_listen_is_tried_ever_more_seldom() {
    on_each(async |store| {
        let claim = async |second| store.claim_sink("s", "a", LEASE, at(second)).await.unwrap();
        assert_eq!(claim(0).await, Some(0));
        let mut now = 0;
        for wait in [5, 10, 20, 40] {
            store.sink_failed("s", "a", "503\0", at(now)).await.unwrap();
            assert_eq!(claim(now + wait - 1).await, None);
            now += wait;
            assert_eq!(claim(now).await, Some(0));
        }
        let event = happen(&store, now).await;
        assert!(delivered(&store, "a", event, &[], now).await);
        store.sink_failed("s", "a", "503", at(now)).await.unwrap();
        assert_eq!(claim(now + 5).await, Some(event));
        // Another process's failure is no business of this one's.
        store.sink_failed("s", "b", "503", at(now + 5)).await.unwrap();
        assert_eq!(claim(now + 6).await, Some(event));
    });
}

#[test]
fn what_was_told_is_remembered_for_a_while() {
    on_each(async |store| {
        store.claim_sink("s", "a", LEASE, at(0)).await.unwrap();
        let event = happen(&store, 1).await;
        assert!(delivered(&store, "a", event, &["x", "y\0"], 10).await);
        let subjects: BTreeSet<String> = ["x", "y\0", "z"].map(str::to_owned).into();
        let told = async |sink: &str, since| store.told(sink, &subjects, at(since)).await.unwrap().len();
        assert_eq!((told("s", 10).await, told("s", 11).await, told("other", 0).await), (2, 0, 0));
        assert_eq!(store.forget_told(at(10)).await.unwrap(), 0);
        assert_eq!(store.forget_told(at(11)).await.unwrap(), 2);
    });
}
