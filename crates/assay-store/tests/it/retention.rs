//! Nothing that is deployed or last known good is forgotten.

use crate::fixture::{at, digest, on_each, place, scan};
use assay_model::Digest;
use assay_store::{Child, Depth, Forgettable, NewJob, Service};

const SHOP: Service<'_> = Service { environment: "production", name: "shop" };
const BLOG: Service<'_> = Service { environment: "production", name: "blog" };

fn digests(images: &[Forgettable]) -> Vec<Digest> {
    images.iter().map(|image| image.digest).collect()
}

#[test]
fn deployed_and_last_known_good_images_stay() {
    on_each(async |store| {
        for number in 1..=6 {
            scan(&store, &digest(number), Depth::Fast, &[("a", "1", &["CVE-1"])], at(10)).await;
        }
        scan(&store, &digest(7), Depth::Fast, &[("only-here", "1", &[])], at(1000)).await;
        let mut work = store.begin().await.unwrap();
        // The shop ran 1 (good), 2 (good), 3 (bad), and runs 4; the blog ran 5 and runs nothing.
        for (number, good) in [(1, true), (2, true), (3, false), (4, false)] {
            work.deploy(&SHOP, &digest(number), at(20)).await.unwrap();
            if good {
                assert!(work.mark_good(&SHOP).await.unwrap());
            }
        }
        work.deploy(&BLOG, &digest(5), at(20)).await.unwrap();
        work.undeploy(&BLOG, at(30)).await.unwrap();
        assert!(!work.mark_good(&BLOG).await.unwrap());
        // Somebody asked for 6.
        let job = NewJob {
            kind: "scan".to_owned(),
            name: digest(6).to_string(),
            registry: String::new(),
            payload: String::new(),
            priority: 0,
            max_attempts: 1,
        };
        work.enqueue(&job, at(30)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(store.last_known_good(&SHOP).await.unwrap(), Some(digest(2)));
        assert_eq!(store.last_known_good(&BLOG).await.unwrap(), None);

        let prunable = store.prunable(at(500), 0, 9).await.unwrap();
        assert_eq!(digests(&prunable), [digest(1), digest(3), digest(5)]);
        assert_eq!((prunable[0].last_seen, prunable[0].repository.as_str()), (at(10), "team/app"));
        // Page by page.
        assert_eq!(store.prunable(at(500), 0, 2).await.unwrap(), prunable[..2]);
        assert_eq!(store.prunable(at(500), prunable[1].id, 2).await.unwrap(), prunable[2..]);
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.prune(at(500), 1).await.unwrap(), prunable[..1]);
        assert_eq!(work.prune(at(500), 9).await.unwrap(), prunable[1..]);
        work.commit().await.unwrap();
        let left: Vec<Digest> =
            store.images(0, 100).await.unwrap().into_iter().map(|one| one.digest).collect();
        assert_eq!(left, [digest(2), digest(4), digest(6), digest(7)]);
        assert_eq!(store.findings(&digest(1)).await.unwrap(), []);
        assert_eq!(store.last_known_good(&SHOP).await.unwrap(), Some(digest(2)));
        assert_eq!(store.images_affected("CVE-1", 0, 100).await.unwrap().len(), 3);

        // What runs stays, however old; what nobody runs goes, and its packages with it.
        let mut work = store.begin().await.unwrap();
        work.prune(at(1_000_000), 9).await.unwrap();
        work.commit().await.unwrap();
        let left: Vec<Digest> =
            store.images(0, 100).await.unwrap().into_iter().map(|one| one.digest).collect();
        assert_eq!(left, [digest(2), digest(4), digest(6)]);
        assert_eq!(store.images_containing(None, "only-here", 0, 10).await.unwrap(), []);
    });
}

#[test]
fn a_deployment_that_is_reported_again_is_the_same() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, &[], at(1)).await;
        let mut work = store.begin().await.unwrap();
        work.deploy(&SHOP, &digest(1), at(2)).await.unwrap();
        work.mark_good(&SHOP).await.unwrap();
        work.deploy(&SHOP, &digest(1), at(3)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(store.last_known_good(&SHOP).await.unwrap(), Some(digest(1)));
        let hits = store.prunable(at(100), 0, 9).await.unwrap();
        assert_eq!(hits, []);
    });
}

#[test]
fn the_images_of_an_index_stay_as_long_as_it_does() {
    on_each(async |store| {
        for number in [1, 2, 3] {
            scan(&store, &digest(number), Depth::Fast, &[], at(10)).await;
        }
        let mut work = store.begin().await.unwrap();
        let child = Child { digest: digest(2), platform: "linux/amd64".to_owned() };
        work.set_children(&digest(1), std::slice::from_ref(&child)).await.unwrap();
        work.deploy(&SHOP, &digest(1), at(20)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(store.children(&digest(1)).await.unwrap(), [child]);
        assert_eq!(store.children(&digest(2)).await.unwrap(), []);
        assert_eq!(digests(&store.prunable(at(100), 0, 9).await.unwrap()), [digest(3)]);
        let mut work = store.begin().await.unwrap();
        assert_eq!(digests(&work.prune(at(100), 9).await.unwrap()), [digest(3)]);
        work.commit().await.unwrap();
        // An index that was seen lately keeps its images, however long ago they were seen by themselves.
        let mut work = store.begin().await.unwrap();
        work.see(&digest(1), &place(None), at(200)).await.unwrap();
        work.undeploy(&SHOP, at(30)).await.unwrap();
        assert_eq!(work.prune(at(150), 9).await.unwrap(), []);
        work.commit().await.unwrap();
        assert_eq!(digests(&store.prunable(at(300), 0, 9).await.unwrap()), [digest(1), digest(2)]);
    });
}

#[test]
fn what_is_wanted_stays_and_so_does_an_index_in_a_kept_index() {
    on_each(async |store| {
        for number in 1..=5 {
            scan(&store, &digest(number), Depth::Fast, &[], at(10)).await;
        }
        let mut work = store.begin().await.unwrap();
        // 1 is promoted, and has 2 in it, which has 3 in it.
        for (parent, child) in [(1, 2), (2, 3)] {
            let child = Child { digest: digest(child), platform: String::new() };
            work.set_children(&digest(parent), &[child]).await.unwrap();
        }
        work.keep(&digest(1), Some("promoted")).await.unwrap();
        work.keep(&digest(4), Some("frozen")).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(digests(&store.prunable(at(100), 0, 9).await.unwrap()), [digest(5)]);
        let mut work = store.begin().await.unwrap();
        work.keep(&digest(1), None).await.unwrap();
        work.commit().await.unwrap();
        let prunable = digests(&store.prunable(at(100), 0, 9).await.unwrap());
        assert_eq!(prunable, [digest(1), digest(2), digest(3), digest(5)]);
    });
}

#[test]
fn an_index_stays_of_which_a_part_runs_or_could_run_again() {
    on_each(async |store| {
        for number in 1..=8 {
            scan(&store, &digest(number), Depth::Fast, &[], at(10)).await;
        }
        let mut work = store.begin().await.unwrap();
        // 1 is an index of 2 and 3, and part of the index 4; 5 is one of 6 and 7. 2 runs, and 6 could run again. 8 is by itself.
        for (parent, child) in [(1, 2), (1, 3), (4, 1), (5, 6), (5, 7)] {
            let child = Child { digest: digest(child), platform: String::new() };
            work.set_children(&digest(parent), &[child]).await.unwrap();
        }
        work.deploy(&SHOP, &digest(2), at(20)).await.unwrap();
        work.deploy(&BLOG, &digest(6), at(20)).await.unwrap();
        work.mark_good(&BLOG).await.unwrap();
        work.undeploy(&BLOG, at(30)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(digests(&store.prunable(at(100), 0, 9).await.unwrap()), [digest(8)]);
        // Once another image has proved itself there is nothing to go back to in 5.
        let mut work = store.begin().await.unwrap();
        work.deploy(&BLOG, &digest(2), at(40)).await.unwrap();
        work.mark_good(&BLOG).await.unwrap();
        work.commit().await.unwrap();
        let prunable = digests(&store.prunable(at(100), 0, 9).await.unwrap());
        assert_eq!(prunable, [digest(5), digest(6), digest(7), digest(8)]);
    });
}
