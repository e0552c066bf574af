//! Indicators of a history that is known: each is exactly what that history says.

use crate::fixture::{at, digest, on_each, place, scan};
use assay_store::{Child, Depth, Exposure, Indicators, NewJob, OpenFindings, Remediated, Store, Terms};
use std::time::Duration;

const DAY: i64 = 86_400;
/// When the database of all reports of the fixture was built.
const BUILT: i64 = 1_700_000_000;

async fn tag(store: &Store, number: u8, tag: &str, second: i64) {
    let mut work = store.begin().await.unwrap();
    work.see(&digest(number), &place(Some(tag)), at(second)).await.unwrap();
    work.commit().await.unwrap();
}

#[test]
fn an_empty_store_says_nothing() {
    on_each(async |store| {
        assert_eq!(store.indicators(at(0)).await.unwrap(), Indicators::default());
    });
}

#[test]
fn a_known_history_gives_known_values() {
    on_each(async |store| {
        let two: &[(&str, &str, &[&str])] = &[("a", "1", &["CVE-1"]), ("b", "1", &["CVE-2"])];
        let one: &[(&str, &str, &[&str])] = &[("a", "1", &["CVE-1"])];
        // The tag names 1, then 2, in which both are still, and then 3, in which CVE-2 is fixed.
        scan(&store, &digest(1), Depth::Fast, two, at(10)).await;
        tag(&store, 1, "1.0", 11).await;
        tag(&store, 2, "1.0", 5 * DAY).await;
        scan(&store, &digest(2), Depth::Fast, two, at(5 * DAY + 9)).await;
        tag(&store, 3, "1.0", 10 + 7 * DAY).await;
        // Nobody knows yet what the tag names now, so nothing is remediated.
        assert_eq!(store.indicators(at(0)).await.unwrap().remediated, []);
        scan(&store, &digest(3), Depth::Fast, one, at(8 * DAY)).await;
        // Another tag never had anything; 4 was not scanned, 5 is an index, 6 is no image.
        tag(&store, 3, "other", 20).await;
        for number in [4, 5, 6] {
            tag(&store, number, &number.to_string(), 30).await;
        }
        let mut work = store.begin().await.unwrap();
        work.set_children(&digest(5), &[Child { digest: digest(1), platform: String::new() }]).await.unwrap();
        work.refuse(&digest(6), "it is no image").await.unwrap();
        work.watch("x", at(1)).await.unwrap();
        work.watch("y", at(1)).await.unwrap();
        work.end_watch("y", at(2)).await.unwrap();
        work.commit().await.unwrap();
        // A finding that goes and comes back.
        scan(&store, &digest(3), Depth::Fast, &[], at(8 * DAY + 1)).await;
        scan(&store, &digest(3), Depth::Fast, one, at(8 * DAY + 2)).await;
        // Two scans: one takes three seconds, one fails for good.
        for (name, max_attempts) in [("done", 1), ("failed", 1)] {
            let job = NewJob {
                kind: "scan".to_owned(),
                name: name.to_owned(),
                registry: String::new(),
                payload: String::new(),
                priority: 0,
                max_attempts,
            };
            store.enqueue(&job, at(9 * DAY)).await.unwrap();
            let job = store.claim("w", &Terms::default(), at(9 * DAY)).await.unwrap().unwrap();
            if name == "failed" {
                store.fail(&job, "404", at(9 * DAY + 1)).await.unwrap();
            } else {
                let mut work = store.begin().await.unwrap();
                assert!(work.complete(&job, at(9 * DAY + 3)).await.unwrap());
                work.commit().await.unwrap();
            }
        }
        store.describe_database(at(BUILT), "{\"old\": 1}").await.unwrap();
        let want = Indicators {
            images: 4,
            scanned: 3,
            behind: 0,
            watched: 1,
            scans: (1, 1),
            scanning: Duration::from_secs(3),
            findings: vec![OpenFindings {
                kind: "vulnerability".to_owned(),
                severity: "high".to_owned(),
                findings: 5,
                recurring: 1,
                images: 3,
            }],
            remediated: vec![Remediated {
                severity: "high".to_owned(),
                count: 1,
                together: Duration::from_secs(7 * DAY as u64),
            }],
            // Three images with `a 1`, two of them with `b 1` as well, all of high severity.
            exposure: Exposure { packages: 5, weight: 25, ..Exposure::default() },
            database: Some((at(BUILT), "{\"old\": 1}".to_owned())),
        };
        assert_eq!(store.indicators(at(0)).await.unwrap(), want);
        // What was before the window is not in it.
        let later = store.indicators(at(20 * DAY)).await.unwrap();
        assert_eq!((later.scans, later.remediated, later.images), ((0, 0), vec![], 4));
        store.describe_database(at(BUILT + 1), "{}").await.unwrap();
        assert_eq!(store.indicators(at(0)).await.unwrap().behind, 3);
    });
}
