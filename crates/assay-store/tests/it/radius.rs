//! What is in which image, where that is, and what could take its place.

use crate::fixture::{at, digest, on_each, place, report, scan};
use assay_model::FindingKind;
use assay_store::{
    Affected, Child, Depth, FileSeen, FilesKnown, Hit, Listing, MAX_FILES, Place, Question, RunsIn, Scan,
    Service, Store, Where,
};
use std::collections::{BTreeMap, BTreeSet};

fn file(number: u8, path: &str) -> FileSeen {
    FileSeen { sha256: [number; 32], path: path.to_owned() }
}

async fn save(store: &Store, image: u8, files: &[FileSeen]) {
    let mut work = store.begin().await.unwrap();
    work.save_files(&digest(image), files).await.unwrap();
    work.commit().await.unwrap();
}

async fn tag(store: &Store, image: u8, repository: &str, tag: &str, second: i64) {
    let mut work = store.begin().await.unwrap();
    let place = Place { repository: repository.to_owned(), ..place(Some(tag)) };
    work.see(&digest(image), &place, at(second)).await.unwrap();
    work.commit().await.unwrap();
}

#[test]
fn a_file_is_found_in_every_image_that_has_it() {
    on_each(async |store| {
        for image in [1, 2, 3] {
            scan(&store, &digest(image), Depth::Deep, &[], at(i64::from(image))).await;
        }
        save(&store, 1, &[file(7, "bin/x"), file(7, "opt/x"), file(8, "bin/y")]).await;
        save(&store, 2, &[file(7, "bin/x"), file(7, "bin/x"), file(9, "a\0b")]).await;
        let of = async |number: u8, after, limit| -> Vec<(u8, String)> {
            let hits = store.images_with_file(&Where::default(), &[number; 32], after, limit).await.unwrap();
            let number =
                |hit: &assay_store::Hit| (1..=3).find(|number| hit.digest == digest(*number)).unwrap();
            hits.iter().map(|hit| (number(hit), hit.path.clone().unwrap())).collect()
        };
        let hit = |image: u8, path: &str| (image, path.to_owned());
        assert_eq!(of(7, 0, 10).await, [hit(1, "bin/x"), hit(1, "opt/x"), hit(2, "bin/x")]);
        assert_eq!(of(7, 0, 1).await, [hit(1, "bin/x"), hit(1, "opt/x")], "an image is told of whole");
        let first = store.images_with_file(&Where::default(), &[7; 32], 0, 1).await.unwrap()[0].id;
        assert_eq!(of(7, first, 10).await, [hit(2, "bin/x")]);
        assert_eq!(of(9, 0, 10).await, [hit(2, "a\u{fffd}b")]);
        assert_eq!(of(6, 0, 10).await, []);
        // Nobody has looked at the files of the third image.
        let known = FilesKnown { images: 2, in_part: 0, scanned: 3 };
        assert_eq!(store.files_known().await.unwrap(), known);
        // What is recorded is what was seen last, and too much is said to be too much.
        let many: Vec<FileSeen> =
            (0..=MAX_FILES).map(|number| FileSeen { sha256: [5; 32], path: format!("f{number}") }).collect();
        save(&store, 1, &many).await;
        assert_eq!(of(7, 0, 10).await, [hit(2, "bin/x")]);
        assert_eq!(of(5, 0, 10).await.len(), MAX_FILES);
        assert_eq!(store.files_known().await.unwrap(), FilesKnown { in_part: 1, ..known });
        // Files of images that were forgotten are forgotten.
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.prune(at(100), 9).await.unwrap().len(), 3);
        work.commit().await.unwrap();
        assert_eq!(of(7, 0, 10).await, []);
        assert_eq!(store.files_known().await.unwrap(), FilesKnown::default());
    });
}

#[test]
fn a_rescan_that_sees_no_files_forgets_none() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Deep, &[], at(1)).await;
        save(&store, 1, &[file(7, "bin/x")]).await;
        scan(&store, &digest(1), Depth::Deep, &[("a", "1", &["CVE-1"])], at(2)).await;
        assert_eq!(store.images_with_file(&Where::default(), &[7; 32], 0, 9).await.unwrap().len(), 1);
    });
}

#[test]
fn images_are_where_tags_and_services_have_them_now() {
    on_each(async |store| {
        tag(&store, 1, "team/app", "1.0", 1).await;
        tag(&store, 1, "team/app", "latest", 1).await;
        tag(&store, 1, "mirror/app", "1.0", 1).await;
        tag(&store, 2, "team/app", "latest", 2).await;
        let mut work = store.begin().await.unwrap();
        let shop = Service { environment: "production", name: "shop" };
        work.deploy(&shop, &digest(1), at(5)).await.unwrap();
        work.deploy(&Service { environment: "staging", name: "shop" }, &digest(1), at(6)).await.unwrap();
        work.deploy(&shop, &digest(2), at(7)).await.unwrap();
        work.commit().await.unwrap();
        let ids: Vec<i64> = store.images(0, 10).await.unwrap().into_iter().map(|image| image.id).collect();
        let all = store.whereabouts(&ids).await.unwrap();
        assert_eq!(all[&ids[0]].tags, ["registry.example/mirror/app:1.0", "registry.example/team/app:1.0"]);
        assert_eq!(all[&ids[1]].tags, ["registry.example/team/app:latest"]);
        let running = |environment: &str, second| RunsIn {
            environment: environment.to_owned(),
            service: "shop".to_owned(),
            since: at(second),
        };
        assert_eq!(all[&ids[0]].running, [running("staging", 6)]);
        assert_eq!(all[&ids[1]].running, [running("production", 7)]);
        // What a listing of the registry no longer has is named no more, unless it was seen again since.
        let listing = Listing {
            registry: place(None).registry,
            repository: "mirror/app".to_owned(),
            tags: BTreeSet::new(),
            looked: BTreeSet::new(),
            told: BTreeMap::new(),
            complete: true,
            asked: at(8),
        };
        let mut work = store.begin().await.unwrap();
        work.reconcile(&listing).await.unwrap();
        work.commit().await.unwrap();
        let tags = async || store.whereabouts(&ids[..1]).await.unwrap()[&ids[0]].tags.clone();
        assert_eq!(tags().await, ["registry.example/team/app:1.0"]);
        tag(&store, 1, "mirror/app", "1.0", 9).await;
        assert_eq!(tags().await.len(), 2);
        for number in 0..40 {
            tag(&store, 1, "team/app", &format!("t{number}"), 9).await;
        }
        assert_eq!(store.whereabouts(&ids[..1]).await.unwrap()[&ids[0]].tags.len(), 20);
        assert_eq!(store.whereabouts(&[]).await.unwrap().len(), 0);
    });
}

#[test]
fn what_runs_as_a_part_of_an_index_runs() {
    on_each(async |store| {
        for image in [1, 2] {
            scan(&store, &digest(image), Depth::Deep, &[("a", "1", &["CVE-1"])], at(1)).await;
            save(&store, image, &[file(7, "bin/x")]).await;
        }
        // An index of an index of 2; nothing runs 1.
        let mut work = store.begin().await.unwrap();
        for (index, part) in [(10, 2), (11, 10)] {
            work.see(&digest(index), &place(None), at(1)).await.unwrap();
            let part = Child { digest: digest(part), platform: String::new() };
            work.set_children(&digest(index), &[part]).await.unwrap();
        }
        let shop = Service { environment: "production", name: "shop" };
        work.deploy(&shop, &digest(11), at(5)).await.unwrap();
        work.commit().await.unwrap();
        let deployed = |hits: Vec<Hit>| -> Vec<bool> { hits.iter().map(|hit| hit.deployed).collect() };
        assert_eq!(deployed(store.images_containing(None, "a", 0, 9).await.unwrap()), [false, true]);
        assert_eq!(deployed(store.images_affected("CVE-1", 0, 9).await.unwrap()), [false, true]);
        let files = store.images_with_file(&Where::default(), &[7; 32], 0, 9).await.unwrap();
        let id = files[1].id;
        assert_eq!(deployed(files), [false, true]);
        let running =
            RunsIn { environment: "production".to_owned(), service: "shop".to_owned(), since: at(5) };
        assert_eq!(store.whereabouts(&[id]).await.unwrap()[&id].running, [running]);
        let services = store.services_running(&digest(2)).await.unwrap();
        assert_eq!(services, [("production".to_owned(), "shop".to_owned())]);
    });
}

#[test]
fn names_that_another_image_has_outlive_the_one_that_is_forgotten() {
    on_each(async |store| {
        for (image, second) in [(1, 1), (2, 50)] {
            scan(&store, &digest(image), Depth::Deep, &[("a", "1", &[])], at(second)).await;
            save(&store, image, &[file(7, "bin/x"), file(image, "bin/own")]).await;
        }
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.prune(at(10), 9).await.unwrap().len(), 1);
        work.commit().await.unwrap();
        let with = async |number: u8| {
            store.images_with_file(&Where::default(), &[number; 32], 0, 9).await.unwrap().len()
        };
        assert_eq!([with(7).await, with(1).await, with(2).await], [1, 0, 1]);
        assert_eq!(store.images_containing(None, "a", 0, 9).await.unwrap().len(), 1);
    });
}

#[test]
fn what_takes_the_place_is_scanned_and_known_not_to_have_it() {
    on_each(async |store| {
        for (image, packages) in [
            (1, &[("a", "1", &["CVE-1", "GHSA-1"] as &[&str])] as &[(&str, &str, &[&str])]),
            (2, &[("a", "2", &[])]),
            (3, &[("a", "3", &["CVE-1"])]),
            (4, &[("b", "1", &[])]),
        ] {
            tag(&store, image, "team/app", &format!("{image}.0"), i64::from(image)).await;
            scan(&store, &digest(image), Depth::Deep, packages, at(10)).await;
        }
        // 5 was not scanned, 7 only in part, and 6 is of another repository.
        tag(&store, 5, "team/app", "5.0", 11).await;
        tag(&store, 7, "team/app", "7.0", 11).await;
        scan(&store, &digest(7), Depth::Partial, &[], at(11)).await;
        tag(&store, 6, "other", "6.0", 12).await;
        let of = async |question: Question<'_>, versions: &[&str]| {
            let here = ("registry.example".to_owned(), "team/app".to_owned());
            let asked = [(here.clone(), 0)].into();
            let mut found =
                store.newest_without(&asked, question, |version| versions.contains(&version)).await.unwrap();
            found.remove(&here).map(|one| one.tag.unwrap())
        };
        assert_eq!(of(Question::Finding("CVE-1", None), &[]).await.as_deref(), Some("4.0"));
        assert_eq!(of(Question::Finding("GHSA-1", None), &[]).await.as_deref(), Some("4.0"));
        let all = &["1", "2", "3"];
        assert_eq!(of(Question::Package(None, "a"), all).await.as_deref(), Some("4.0"));
        assert_eq!(of(Question::Package(Some("PyPI"), "b"), all).await.as_deref(), Some("3.0"));
        assert_eq!(of(Question::Package(Some("npm"), "b"), all).await.as_deref(), Some("4.0"));
        assert_eq!(of(Question::Package(None, "b"), &[]).await.as_deref(), Some("4.0"));
        // Of files nothing is known of 4 and not all of 3.
        assert_eq!(of(Question::File(&[7; 32]), &[]).await, None);
        save(&store, 1, &[]).await;
        save(&store, 2, &[file(7, "x")]).await;
        assert_eq!(of(Question::File(&[7; 32]), &[]).await.as_deref(), Some("1.0"));
        // A finding of another kind is another question.
        let secret = Question::Finding("CVE-1", Some(FindingKind::Secret));
        assert_eq!(of(secret, &[]).await.as_deref(), Some("4.0"));
        // Of several repositories at once, and only what is newer.
        let names = [("registry.example", "team/app"), ("x", "y"), ("registry.example", "other")];
        let names = names.map(|(registry, repository)| (registry.to_owned(), repository.to_owned()));
        let asked = async |after| {
            let asked = names.iter().map(|name| (name.clone(), after)).collect();
            let found = store.newest_without(&asked, secret, |_| true).await.unwrap();
            found.into_iter().map(|((_, repository), one)| (repository, one.id)).collect::<Vec<_>>()
        };
        let found = asked(0).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(asked(found[0].1 - 1).await, found);
        assert_eq!(asked(found[0].1).await, []);
    });
}

#[test]
fn secrets_are_found_by_their_rule() {
    on_each(async |store| {
        let mut with = report(&[("a", "1", &["aws-key"]), ("b", "1", &["aws-key"])]);
        with.findings[0].kind = FindingKind::Secret;
        let mut work = store.begin().await.unwrap();
        work.see(&digest(1), &place(None), at(1)).await.unwrap();
        let kept = Scan { digest: &digest(1), depth: Depth::Fast, report: &with, json: b"{}", index: &[] };
        work.save_scan(&kept, at(1)).await.unwrap();
        work.commit().await.unwrap();
        let secrets = Affected { kind: Some(FindingKind::Secret), ..Affected::default() };
        assert_eq!(
            store.images_affected_like(&Where::default(), "aws-key", secrets, 0, 9).await.unwrap().len(),
            1
        );
        assert_eq!(store.images_affected("aws-key", 0, 9).await.unwrap().len(), 2);
    });
}
