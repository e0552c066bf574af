//! Lists of tags against what is known.

use crate::fixture::{at, digest, on_each, place};
use assay_store::{Listing, Store};

/// Compares a list with what is known; says what is found, gone and back.
async fn check(store: &Store, asked: i64, told: &[(&str, u8)], complete: bool, want: &str) {
    let place = place(None);
    let listing = Listing {
        registry: place.registry,
        repository: place.repository,
        tags: told.iter().map(|(tag, _)| (*tag).to_owned()).collect(),
        told: told
            .iter()
            .filter(|(_, number)| *number > 0)
            .map(|(tag, number)| ((*tag).to_owned(), digest(*number)))
            .collect(),
        looked: told.iter().map(|(tag, _)| (*tag).to_owned()).collect(),
        complete,
        asked: at(asked),
    };
    let mut work = store.begin().await.unwrap();
    let done = work.reconcile(&listing).await.unwrap();
    let counts = [listing.tags.len(), done.found.len(), done.gone.len()];
    work.save_crawl((&listing.registry, &listing.repository), complete, counts, at(asked)).await.unwrap();
    work.commit().await.unwrap();
    let names = |names: Vec<&str>| names.join(",");
    let got = format!(
        "found {} gone {} back {}",
        names(done.found.iter().map(|found| found.tag.as_str()).collect()),
        names(done.gone.iter().map(|(tag, _)| tag.as_str()).collect()),
        names(done.back.iter().map(String::as_str).collect())
    );
    assert_eq!(got, want);
}

async fn see(store: &Store, tag: &str, number: u8, second: i64) {
    let mut work = store.begin().await.unwrap();
    work.see(&digest(number), &place(Some(tag)), at(second)).await.unwrap();
    work.commit().await.unwrap();
}

async fn repositories(store: &Store) -> Vec<String> {
    let mut work = store.begin().await.unwrap();
    work.crawled_repositories("registry.example").await.unwrap().into_iter().collect()
}

#[test]
fn what_is_not_known_is_found_and_what_is_not_listed_is_gone_once() {
    on_each(async |store| {
        see(&store, "same", 1, 1).await;
        see(&store, "moved", 1, 1).await;
        see(&store, "moved", 2, 2).await;
        see(&store, "deleted", 3, 1).await;
        see(&store, "late", 4, 20).await;
        let listed = [("same", 1), ("moved", 1), ("new", 5)];
        check(&store, 10, &listed, false, "found moved,new gone  back ").await;
        // What was seen after the list was asked for is not gone.
        check(&store, 10, &listed, true, "found moved,new gone deleted back ").await;
        check(&store, 11, &listed, true, "found moved,new gone  back ").await;
        check(&store, 30, &listed, true, "found moved,new gone late back ").await;
        // It is there again, with the same image.
        let again = [("same", 1), ("moved", 1), ("new", 5), ("deleted", 3)];
        check(&store, 40, &again, true, "found moved,new gone  back deleted").await;
        // What never named an image is forgotten with its tag.
        check(&store, 50, &[("same", 1)], true, "found  gone deleted,moved,new back ").await;
        let known = store.known_tags("registry.example", "team/app").await.unwrap();
        assert_eq!(known.keys().collect::<Vec<_>>(), ["deleted", "late", "moved", "same"]);
        assert_eq!(known["same"].seen, Some(at(50)));
        assert!(known["late"].gone && !known["same"].gone);
        // Seen again by an event, without a crawl.
        see(&store, "late", 4, 60).await;
        assert!(!store.known_tags("registry.example", "team/app").await.unwrap()["late"].gone);
        // A repository that is no more.
        check(&store, 70, &[], true, "found  gone late,same back ").await;
        let crawls = store.crawls(0, 10).await.unwrap();
        assert_eq!((crawls.len(), crawls[0].tags, crawls[0].gone, crawls[0].listed), (1, 0, 2, Some(at(70))));
        assert_eq!(repositories(&store).await, [""; 0]);
    });
}

#[test]
fn what_a_registry_says_nothing_about_has_had_its_turn() {
    on_each(async |store| {
        check(&store, 10, &[("a", 1), ("silent", 0)], true, "found a gone  back ").await;
        let looked = async |tag: &str| {
            store
                .known_tags("registry.example", "team/app")
                .await
                .unwrap()
                .get(tag)
                .and_then(|tag| tag.looked)
        };
        assert_eq!((looked("a").await, looked("silent").await), (Some(at(10)), Some(at(10))));
        // One that was gone is back when it says something.
        check(&store, 20, &[], true, "found  gone a,silent back ").await;
        see(&store, "old", 2, 1).await;
        check(&store, 30, &[], true, "found  gone old back ").await;
        check(&store, 40, &[("old", 0)], true, "found  gone  back ").await;
        check(&store, 50, &[("old", 2)], true, "found  gone  back old").await;
    });
}

#[test]
fn a_crawl_is_asked_for_once_in_its_time() {
    on_each(async |store| {
        let ask = async |before, now| {
            let mut work = store.begin().await.unwrap();
            let asked =
                work.ask_for_crawl("registry.example", "team/app", at(before), at(now)).await.unwrap();
            work.commit().await.unwrap();
            asked
        };
        assert!(ask(-50, 10).await);
        assert!(!ask(-49, 11).await);
        assert!(ask(10, 70).await);
        assert!(!ask(11, 71).await);
        assert_eq!(store.crawls(0, 10).await.unwrap()[0].asked, at(70));
        assert_eq!(repositories(&store).await, ["team/app"]);
        let mut work = store.begin().await.unwrap();
        let asked = work.crawls_asked("registry.example").await.unwrap();
        assert_eq!(asked, [("team/app".to_owned(), at(70))].into());
        assert!(work.crawls_asked("other.example").await.unwrap().is_empty());
    });
}
