//! What images are built on, by their layers.

use crate::fixture::{at, digest, on_each, place, report};
use assay_model::{DiffId, Digest, Layer};
use assay_store::{Child, Depth, Listing, Place, Scan, Store};

fn layers(numbers: &[u8]) -> Vec<Layer> {
    let layer = |number: &u8| Layer {
        diff_id: Some(DiffId(Digest::Sha256([*number; 32]))),
        digest: None,
        size: None,
        media_type: String::new(),
        annotations: Default::default(),
        created_by: None,
    };
    numbers.iter().map(layer).collect()
}

fn named(repository: &str, tag: Option<&str>) -> Place {
    Place { repository: repository.to_owned(), ..place(tag) }
}

async fn look(store: &Store, number: u8, repository: &str, tag: Option<&str>, numbers: &[u8], depth: Depth) {
    let mut report = report(&[]);
    report.image.layers = layers(numbers);
    report.image.image_id = Some(digest(number + 100));
    let image = digest(number);
    let mut work = store.begin().await.unwrap();
    work.see(&image, &named(repository, tag), at(10)).await.unwrap();
    let scan = Scan { digest: &image, depth, report: &report, json: b"{}", index: &[] };
    work.save_scan(&scan, at(10)).await.unwrap();
    work.commit().await.unwrap();
}

#[test]
fn bases_are_found_by_their_layers_under_every_name() {
    on_each(async |store| {
        look(&store, 1, "bases/debian", Some("12"), &[1], Depth::Fast).await;
        look(&store, 2, "bases/python", None, &[1, 2], Depth::Fast).await;
        look(&store, 3, "team/app", Some("1"), &[1, 2, 3], Depth::Fast).await;
        // The same layers in another order, other layers, and what was only looked at in part.
        look(&store, 4, "bases/odd", Some("1"), &[2, 1], Depth::Fast).await;
        look(&store, 5, "bases/odd", Some("2"), &[2], Depth::Fast).await;
        look(&store, 6, "bases/odd", Some("3"), &[1], Depth::Partial).await;
        // With the same layers: only its settings are others.
        look(&store, 7, "team/other", Some("1"), &[1, 2, 3], Depth::Fast).await;
        // A tag of the index names the image in it.
        let mut work = store.begin().await.unwrap();
        work.see(&digest(9), &named("bases/python", Some("3.12")), at(11)).await.unwrap();
        work.set_children(&digest(9), &[Child { digest: digest(2), platform: String::new() }]).await.unwrap();
        work.see(&digest(1), &named("bases/debian", Some("bookworm")), at(12)).await.unwrap();
        // It names another by now.
        work.see(&digest(1), &named("bases/debian", Some("stable")), at(12)).await.unwrap();
        work.see(&digest(5), &named("bases/debian", Some("stable")), at(13)).await.unwrap();
        work.commit().await.unwrap();
        let found = async |number| -> Vec<(Digest, String, Option<usize>)> {
            let bases = store.bases(&digest(number), &[]).await.unwrap();
            let told = |one: assay_store::BaseImage| {
                (one.digest, format!("{}:{}", one.repository, one.tag.unwrap_or_default()), one.layers)
            };
            bases.into_iter().map(told).collect()
        };
        let want = |number, name: &str, layers| (digest(number), name.to_owned(), Some(layers));
        assert_eq!(
            found(3).await,
            [
                want(7, "team/other:1", 3),
                want(2, "bases/python:3.12", 2),
                want(1, "bases/debian:12", 1),
                want(1, "bases/debian:bookworm", 1),
            ]
        );
        assert_eq!(found(1).await, []);
        let named = ["registry.example/bases/debian", "registry.example/bases/none"].map(str::to_owned);
        let within = store.bases(&digest(3), &named).await.unwrap();
        assert_eq!(
            within.iter().map(|one| one.tag.as_deref()).collect::<Vec<_>>(),
            [Some("12"), Some("bookworm")]
        );
        assert_eq!(found(4).await, [want(5, "bases/debian:stable", 1), want(5, "bases/odd:2", 1)]);
        assert_eq!(found(6).await, [], "its layers were not verified");
        assert_eq!(found(99).await, []);
        let base = &store.bases(&digest(2), &[]).await.unwrap()[0];
        assert_eq!((base.image_id, base.registry.as_str()), (Some(digest(101)), "registry.example"));
    });
}

#[test]
fn a_repository_is_looked_through_when_all_that_was_listed_is_scanned() {
    on_each(async |store| {
        let through = async || {
            let (images, all) = store.images_in("registry.example", "bases/debian").await.unwrap();
            (images.into_iter().filter_map(|one| one.tag).collect::<Vec<_>>(), all)
        };
        look(&store, 1, "bases/debian", Some("12"), &[1], Depth::Fast).await;
        assert_eq!(through().await, (vec!["12".to_owned()], false), "nobody has listed it");
        let list = async |tags: &[&str], complete: bool, second: i64| {
            let listing = Listing {
                registry: "registry.example".to_owned(),
                repository: "bases/debian".to_owned(),
                tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
                looked: tags.iter().map(|tag| (*tag).to_owned()).collect(),
                told: [("12".to_owned(), digest(1))].into(),
                complete,
                asked: at(second),
            };
            let mut work = store.begin().await.unwrap();
            work.reconcile(&listing).await.unwrap();
            let counts = [tags.len(), 0, 0];
            let repository = (listing.registry.as_str(), listing.repository.as_str());
            work.save_crawl(repository, complete, counts, at(second)).await.unwrap();
            work.commit().await.unwrap();
        };
        list(&["12"], false, 20).await;
        assert!(!through().await.1, "the list was cut");
        list(&["12"], true, 21).await;
        assert!(through().await.1);
        list(&["12", "13", "broken", "multi"], true, 22).await;
        assert!(!through().await.1, "they wait to be scanned");
        look(&store, 2, "bases/debian", Some("13"), &[2], Depth::Fast).await;
        let mut work = store.begin().await.unwrap();
        for (number, tag) in [(3, Some("broken")), (4, Some("multi")), (5, None)] {
            work.see(&digest(number), &named("bases/debian", tag), at(23)).await.unwrap();
        }
        work.refuse(&digest(3), "it is no image").await.unwrap();
        let children = [2, 5].map(|number| Child { digest: digest(number), platform: String::new() });
        work.set_children(&digest(4), &children).await.unwrap();
        work.commit().await.unwrap();
        assert!(!through().await.1, "one of the index was not scanned");
        look(&store, 5, "bases/debian", None, &[5], Depth::Fast).await;
        let tags = ["12", "13", "multi", "multi"].map(str::to_owned).to_vec();
        assert_eq!(through().await, (tags, true));
    });
}
