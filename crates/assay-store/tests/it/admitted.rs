//! What was admitted where: remembered by cluster, namespace, repository and tiers, and told when it grows stale.

use crate::fixture::{at, digest, on_each, place, scan};
use assay_store::{AdmittedIn, Depth, StaleAfter, Store};

fn here(cluster: &str, namespace: &str) -> AdmittedIn {
    AdmittedIn {
        cluster: cluster.to_owned(),
        namespace: namespace.to_owned(),
        registry: "registry.example".to_owned(),
        repository: "team/app".to_owned(),
        digest: digest(1),
        tiers: vec!["production".to_owned(), "all".to_owned()],
        policy: "p".to_owned(),
    }
}

const FRESH: StaleAfter = StaleAfter { before: None, shallow: false };

async fn kinds(store: &Store) -> Vec<String> {
    let events = store.events(None, 0, 100).await.unwrap();
    events.into_iter().map(|event| event.kind).filter(|kind| kind.starts_with("admitted")).collect()
}

#[test]
fn an_image_is_told_of_once_in_a_cluster_until_all_of_it_is_fresh() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        for namespace in ["a", "b"] {
            work.admit(&here("eu", namespace), "{}", 0, at(10)).await.unwrap();
            work.admit(&here("eu", namespace), "{}", 0, at(20)).await.unwrap();
        }
        work.admit(&here("us", "a"), "{}", 0, at(10)).await.unwrap();
        work.commit().await.unwrap();
        let known = store.admitted(&digest(1)).await.unwrap();
        assert_eq!(known.len(), 3);
        assert_eq!((&known[0].place, known[0].since, known[0].last), (&here("eu", "a"), at(10), at(20)));
        assert_eq!(store.admitted(&digest(2)).await.unwrap(), []);

        let mut work = store.begin().await.unwrap();
        assert!(work.grown_stale(&known[0], "old", true, at(30)).await.unwrap());
        assert!(!work.grown_stale(&known[0], "old", false, at(31)).await.unwrap());
        assert!(!work.grown_stale(&known[1], "old", true, at(32)).await.unwrap());
        assert!(work.grown_stale(&known[2], "old", true, at(33)).await.unwrap());
        work.commit().await.unwrap();
        let counts = store.admitted_counts().await.unwrap();
        assert_eq!(counts, [("eu".to_owned(), 1, 1), ("us".to_owned(), 1, 1)]);
        let stale = store.admitted(&digest(1)).await.unwrap();
        let first = stale.iter().find(|one| one.id == known[0].id).unwrap();
        assert_eq!((first.stale, first.why.as_deref(), first.last), (Some(at(30)), Some("old"), at(20)));
        assert_eq!(kinds(&store).await, ["admitted-stale"; 2]);

        // In one namespace it is fresh, in the other denied: only then it is over.
        let mut work = store.begin().await.unwrap();
        work.still_good(known[0].id, "p", 0, at(40)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(kinds(&store).await.len(), 2);
        let mut work = store.begin().await.unwrap();
        work.admit_no_more(known[1].id, at(41)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(kinds(&store).await[2..], ["admitted-stale-cleared"]);
        assert_eq!(store.admitted(&digest(1)).await.unwrap().len(), 2);
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.forget_admitted(at(33)).await.unwrap(), 1);
        work.commit().await.unwrap();
    });
}

#[test]
fn who_makes_up_names_fills_no_database() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        for number in 0..1001 {
            work.admit(&here("eu", &number.to_string()), "{}", 0, at(10)).await.unwrap();
        }
        work.admit(&here("eu", "0"), "{}", 0, at(20)).await.unwrap();
        work.commit().await.unwrap();
        let known = store.admitted(&digest(1)).await.unwrap();
        assert_eq!((known.len(), known[0].last), (1000, at(20)));
    });
}

#[test]
fn what_may_have_changed_is_judged_again() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, &[("a", "1", &[])], at(10)).await;
        let generation = store.generation(&digest(1)).await.unwrap().unwrap();
        let mut work = store.begin().await.unwrap();
        work.admit(&here("eu", "a"), "{}", generation, at(20)).await.unwrap();
        work.commit().await.unwrap();
        let due = async |policy: &str, stale: StaleAfter, since: i64| {
            store.admitted_to_judge(policy, stale, at(since), 9).await.unwrap().len()
        };
        assert_eq!(due("p", FRESH, 30).await, 0);
        assert_eq!(due("other", FRESH, 30).await, 1);
        assert_eq!(due("other", FRESH, 20).await, 0, "it was just judged");
        // The database of these reports is of 1,700,000,000; they were judged at 10.
        assert_eq!(due("p", StaleAfter { before: Some(at(10)), shallow: false }, 30).await, 0);
        assert_eq!(due("p", StaleAfter { before: Some(at(11)), shallow: false }, 30).await, 1);
        assert_eq!(due("p", StaleAfter { before: None, shallow: true }, 30).await, 1);
        let mut work = store.begin().await.unwrap();
        work.forget_verdicts(&digest(1)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(due("p", FRESH, 30).await, 1);
        let known = store.admitted(&digest(1)).await.unwrap();
        let mut work = store.begin().await.unwrap();
        work.looked_at_admitted(known[0].id, at(40)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!((due("p", FRESH, 40).await, due("p", FRESH, 41).await), (0, 1));
        let mut work = store.begin().await.unwrap();
        work.judged_again(known[0].id, "p", generation + 1, at(50)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(due("p", FRESH, 60).await, 0);
        // Who prunes a registry learns that it is used, also as a part of an index.
        let mut work = store.begin().await.unwrap();
        for (number, tag) in [(1, "1"), (7, "multi"), (8, "unused")] {
            work.see(&digest(number), &place(Some(tag)), at(60)).await.unwrap();
        }
        let child = assay_store::Child { digest: digest(1), platform: String::new() };
        work.set_children(&digest(7), &[child]).await.unwrap();
        work.pulled(&digest(8), at(15)).await.unwrap();
        work.commit().await.unwrap();
        let mut used = store.used("registry.example", "team/app").await.unwrap();
        used.sort_by_key(|one| one.digest);
        let times: Vec<_> = used.iter().map(|one| (one.digest, one.last_pulled)).collect();
        assert_eq!(times, [(digest(1), Some(at(20))), (digest(7), Some(at(20))), (digest(8), Some(at(15)))]);
    });
}

#[test]
fn what_pods_were_made_of_is_kept_and_the_rest_is_remembered_if_nothing_changed() {
    on_each(async |store| {
        for number in 1..=3 {
            let mut work = store.begin().await.unwrap();
            work.see(&digest(number), &place(None), at(10)).await.unwrap();
            work.commit().await.unwrap();
        }
        let mut work = store.begin().await.unwrap();
        for (number, last) in [(1, 1000), (2, 20), (3, 20)] {
            let place = AdmittedIn { digest: digest(number), ..here("eu", "a") };
            work.admit(&place, "{}", 0, at(last)).await.unwrap();
        }
        work.forget_verdicts(&digest(3)).await.unwrap();
        assert_eq!(work.prune(at(500), 9).await.unwrap().len(), 2);
        work.commit().await.unwrap();
        assert!(store.image(&digest(1)).await.unwrap().is_some());
        let left = [2, 3].map(async |number| store.admitted(&digest(number)).await.unwrap().len());
        let [unchanged, changed] = left;
        assert_eq!((unchanged.await, changed.await), (1, 0));
    });
}
