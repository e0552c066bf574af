//! What verdicts rest on: the images of an index, what changes while one is decided, what can never be judged, what is watched.

use crate::fixture::{at, digest, on_each, place, scan};
use assay_model::Digest;
use assay_store::{Child, Depth, Place, Store, StoredVerdict};

fn verdict() -> StoredVerdict {
    StoredVerdict {
        policy: "p".to_owned(),
        tier: "t".to_owned(),
        verdict: "admit".to_owned(),
        detail: b"{}".to_vec(),
        inputs: "{}".to_owned(),
        decided: at(1),
        expires: Some(at(61)),
    }
}

async fn save(store: &Store, digest: &Digest, generation: i64) -> bool {
    let mut work = store.begin().await.unwrap();
    let kept = work.save_verdict(digest, &verdict(), generation).await.unwrap();
    work.commit().await.unwrap();
    kept
}

async fn forget(store: &Store, digest: &Digest) {
    let mut work = store.begin().await.unwrap();
    work.forget_verdicts(digest).await.unwrap();
    work.commit().await.unwrap();
}

async fn contain(store: &Store, index: u8, child: u8) {
    let mut work = store.begin().await.unwrap();
    let child = Child { digest: digest(child), platform: "linux/amd64".to_owned() };
    work.set_children(&digest(index), &[child]).await.unwrap();
    work.commit().await.unwrap();
}

#[test]
fn what_changes_an_image_changes_every_index_that_it_is_part_of() {
    on_each(async |store| {
        for number in 1..=4 {
            scan(&store, &digest(number), Depth::Fast, &[], at(1)).await;
        }
        // 1 is an index of an index of 3; and, which no registry would give, 3 says that it contains 1.
        contain(&store, 1, 2).await;
        contain(&store, 2, 3).await;
        contain(&store, 3, 1).await;
        for number in 1..=4 {
            assert!(save(&store, &digest(number), 0).await);
        }
        forget(&store, &digest(3)).await;
        for (number, left) in [(1, 0), (2, 0), (3, 0), (4, 1)] {
            assert_eq!(store.verdicts(&digest(number)).await.unwrap().len(), left, "{number}");
        }
    });
}

#[test]
fn a_verdict_by_what_is_no_longer_so_is_not_kept() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, &[], at(1)).await;
        scan(&store, &digest(2), Depth::Fast, &[], at(1)).await;
        contain(&store, 1, 2).await;
        let before = store.generation(&digest(1)).await.unwrap().unwrap();
        // While the verdict about the index is worked out, one of its images gets another report.
        forget(&store, &digest(2)).await;
        assert!(!save(&store, &digest(1), before).await);
        assert_eq!(store.verdicts(&digest(1)).await.unwrap(), []);
        let now = store.generation(&digest(1)).await.unwrap().unwrap();
        assert!(save(&store, &digest(1), now).await);
        assert_eq!(store.generation(&digest(9)).await.unwrap(), None);
        assert!(!save(&store, &digest(9), 0).await);
    });
}

#[test]
fn expired_verdicts_do_not_pile_up() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, &[], at(1)).await;
        save(&store, &digest(1), 0).await;
        assert_eq!(store.forget_expired_verdicts(at(60)).await.unwrap(), 0);
        assert_eq!(store.forget_expired_verdicts(at(61)).await.unwrap(), 1);
    });
}

#[test]
fn what_can_never_be_judged_is_remembered_until_it_is() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, &[], at(1)).await;
        save(&store, &digest(1), 0).await;
        let mut work = store.begin().await.unwrap();
        work.refuse(&digest(1), "it is a chart").await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(store.refused(&digest(1)).await.unwrap().as_deref(), Some("it is a chart"));
        assert_eq!(store.verdicts(&digest(1)).await.unwrap(), []);
        scan(&store, &digest(1), Depth::Fast, &[], at(2)).await;
        assert_eq!(store.refused(&digest(1)).await.unwrap(), None);
        assert_eq!(store.refused(&digest(9)).await.unwrap(), None);
    });
}

#[test]
fn an_image_is_known_at_every_place_where_it_was_seen() {
    on_each(async |store| {
        let at_place = |repository: &str| Place { repository: repository.to_owned(), ..place(None) };
        let mut work = store.begin().await.unwrap();
        for (repository, second) in [("old", 1), ("new", 3), ("old", 2)] {
            work.see(&digest(1), &at_place(repository), at(second)).await.unwrap();
        }
        work.commit().await.unwrap();
        assert_eq!(store.places(&digest(1)).await.unwrap(), [at_place("new"), at_place("old")]);
    });
}

#[test]
fn what_is_known_by_its_digest_or_its_report_is_watched_no_more() {
    on_each(async |store| {
        let tag = "registry.example/team/app:1.0";
        let [scanned, refused, other] = [1, 2, 3].map(|number| digest(number).to_string());
        let mut work = store.begin().await.unwrap();
        for number in [1, 2, 3] {
            work.see(&digest(number), &place(None), at(1)).await.unwrap();
        }
        for name in [tag, &scanned, &refused, &other] {
            work.watch(name, at(1)).await.unwrap();
        }
        work.commit().await.unwrap();
        let watched = async || crate::indicator::indicators(&store, 0, 100).await.watched;
        assert_eq!(watched().await, 4);
        let mut work = store.begin().await.unwrap();
        work.see(&digest(3), &place(Some("1.0")), at(2)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!((store.watched_since(tag).await.unwrap(), watched().await), (None, 3));
        // Another tag is another name.
        let mut work = store.begin().await.unwrap();
        work.watch(tag, at(3)).await.unwrap();
        work.see(&digest(3), &place(Some("2.0")), at(4)).await.unwrap();
        work.see(&digest(3), &place(Some("1.0")), at(4)).await.unwrap();
        work.unwatch(&other).await.unwrap();
        work.refuse(&digest(2), "it is no image").await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(store.watched_since(tag).await.unwrap(), Some(at(3)));
        assert_eq!(store.watched_since(&refused).await.unwrap(), None);
        crate::fixture::scan(&store, &digest(1), Depth::Fast, &[], at(5)).await;
        assert_eq!((store.watched_since(&scanned).await.unwrap(), watched().await), (None, 1));
        // One of an older version of the program, which left it there.
        let mut work = store.begin().await.unwrap();
        work.watch(&scanned, at(6)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(watched().await, 1);
    });
}

#[test]
fn what_is_watched_is_watched_from_the_first_time_on() {
    on_each(async |store| {
        assert_eq!(store.watched_since("x").await.unwrap(), None);
        let mut work = store.begin().await.unwrap();
        work.watch("x", at(1)).await.unwrap();
        work.watch("x", at(5)).await.unwrap();
        assert!(work.end_watch("x", at(6)).await.unwrap());
        assert!(!work.end_watch("x", at(7)).await.unwrap());
        work.commit().await.unwrap();
        assert_eq!(store.watched_since("x").await.unwrap(), Some(at(1)));
        let mut work = store.begin().await.unwrap();
        work.unwatch("x").await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(store.watched_since("x").await.unwrap(), None);
    });
}
