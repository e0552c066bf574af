//! The order of events: whoever reads them goes on after the last that was seen, and misses none.

use crate::fixture::{at, on_each};
use assay_store::{Backend, Store};
use serde_json::json;

async fn details(store: &Store, after: i64) -> Vec<(i64, String)> {
    let events = store.events(None, after, 1000).await.unwrap();
    events.into_iter().map(|event| (event.id, event.detail)).collect()
}

#[test]
fn an_event_that_is_committed_later_comes_after_those_that_were_seen() {
    on_each(async |store| {
        // SQLite lets only one write.
        if store.backend() == Backend::Sqlite {
            return;
        }
        let mut slow = store.begin().await.unwrap();
        slow.record("tag-moved", None, &json!("slow"), at(1)).await.unwrap();
        slow.ask_for_crawl("registry.example", "slow", at(1), at(1)).await.unwrap();
        let mut quick = store.begin().await.unwrap();
        quick.record("tag-moved", None, &json!("quick"), at(2)).await.unwrap();
        quick.commit().await.unwrap();
        let seen = details(&store, 0).await;
        assert_eq!(seen.iter().map(|(_, detail)| detail.as_str()).collect::<Vec<_>>(), ["\"quick\""]);
        slow.commit().await.unwrap();
        let new = details(&store, seen[0].0).await;
        assert_eq!(new.iter().map(|(_, detail)| detail.as_str()).collect::<Vec<_>>(), ["\"slow\""]);
    });
}

#[test]
fn who_follows_while_many_write_sees_every_event_once_and_in_order() {
    const WRITERS: i64 = 6;
    const EACH: i64 = 25;
    on_each(async |store| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for number in 0..EACH {
                        let mut work = store.begin().await.unwrap();
                        for part in 0..3 {
                            work.record("x", None, &json!([writer, number, part]), at(number)).await.unwrap();
                        }
                        work.commit().await.unwrap();
                    }
                })
            })
            .collect();
        let mut seen = Vec::new();
        let mut after = 0;
        loop {
            // Before it is read: what is committed after it is there at the next reading.
            let finished = writers.iter().all(tokio::task::JoinHandle::is_finished);
            for (id, detail) in details(&store, after).await {
                after = id;
                seen.push(serde_json::from_str::<[i64; 3]>(&detail).unwrap());
            }
            if finished {
                break;
            }
        }
        // Those of one transaction follow one another.
        for three in seen.chunks(3) {
            let [writer, number, _] = three[0];
            assert_eq!(three, (0..3).map(|part| [writer, number, part]).collect::<Vec<_>>());
        }
        let all = (0..WRITERS).flat_map(|writer| {
            (0..EACH).flat_map(move |number| (0..3).map(move |part| [writer, number, part]))
        });
        seen.sort_unstable();
        assert_eq!(seen, all.collect::<Vec<_>>());
    });
}

#[test]
fn what_is_not_committed_did_not_happen() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        work.record("tag-moved", None, &json!({}), at(1)).await.unwrap();
        drop(work);
        assert_eq!(details(&store, 0).await, []);
        // More than one statement takes.
        let mut work = store.begin().await.unwrap();
        for number in 0..450 {
            work.record("tag-moved", None, &json!(number), at(1)).await.unwrap();
        }
        work.commit().await.unwrap();
        let numbers: Vec<i64> =
            details(&store, 0).await.iter().map(|(_, detail)| detail.parse().unwrap()).collect();
        assert_eq!(numbers, (0..450).collect::<Vec<_>>());
    });
}
