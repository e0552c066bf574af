//! Fast scans first and deep ones after; when images were last pulled.

use crate::fixture::{BUILT, World, database, image, now, run};
use crate::pages::page;
use assay_server::deepen;
use assay_store::{Depth, Role};
use assay_test::image::{INDEX, digest, index};
use assay_test::registry::Content;
use std::time::Duration;

async fn depth(world: &World, digest: &str) -> String {
    let detail = world.get(&format!("/api/v1/images/{digest}")).await;
    detail["scan"]["depth"].as_str().unwrap_or_default().to_owned()
}

async fn jobs(world: &World, kind: &str) -> i64 {
    let depths = world.store.depths().await.unwrap();
    depths.iter().filter(|depth| depth.kind == kind).map(|depth| depth.jobs).sum()
}

#[test]
fn releases_are_scanned_deeply_when_nothing_is_more_urgent() {
    run(async {
        let (release, other, one, two) = (
            image(&[("django", "4.1")]),
            image(&[("flask", "1.0")]),
            image(&[("requests", "2")]),
            image(&[("six", "1")]),
        );
        let both = index(&[&one, &two]);
        let content = Content::new()
            .image("v1", &release)
            .image("main", &other)
            .image("a", &one)
            .image("b", &two)
            .manifest("v2", INDEX, &both);
        let world = World::start(content, &database(&[], BUILT), None).await;
        let host = world.registry.host();
        world.push(&host, "v1", &release.digest()).await;
        world.push(&host, "main", &other.digest()).await;
        // The names, then both fast scans, then the deep one.
        for _ in 0..4 {
            assert!(world.worker.step().await.unwrap());
        }
        assert_eq!(
            (depth(&world, &release.digest()).await.as_str(), jobs(&world, "deep-scan").await),
            ("fast", 1)
        );
        world.work().await;
        assert_eq!(depth(&world, &release.digest()).await, "deep");
        assert_eq!(depth(&world, &other.digest()).await, "fast");
        let metrics = world.ask("GET", "/metrics", Some(Role::Viewer), "").await.1;
        assert!(metrics.contains("\nassay_deep_scans_total 1\n"), "{metrics}");

        // A fast scan afterwards changes nothing of it, and it is not looked at deeply again.
        world.push(&host, "v1", &release.digest()).await;
        world.work().await;
        assert_eq!(depth(&world, &release.digest()).await, "deep");
        let report = world.store.report(&release.digest().parse().unwrap(), None).await.unwrap().unwrap();
        assert_eq!(report.depth, Depth::Deep);
        let metrics = world.ask("GET", "/metrics", Some(Role::Viewer), "").await.1;
        assert!(metrics.contains("\nassay_deep_scans_total 1\n"), "{metrics}");

        // Of an index every image.
        world.push(&host, "v2", &digest(&both)).await;
        world.work().await;
        for image in [&one, &two] {
            assert_eq!(depth(&world, &image.digest()).await, "deep");
        }

        // The nightly look finds the rest, once a night.
        let every = Duration::from_secs(86_400);
        let look = async |later: Duration| {
            let looked = deepen(&world.store, &world.worker.scanner, every, now().plus(later)).await.unwrap();
            world.work().await;
            looked
        };
        assert_eq!(look(Duration::ZERO).await, Some(1));
        assert_eq!(look(every / 2).await, None);
        assert_eq!(look(every * 2).await, Some(0), "it is deep by now");
        assert_eq!(depth(&world, &other.digest()).await, "deep");
    });
}

#[test]
fn pulls_are_kept_with_the_image_and_nothing_is_kept_of_others() {
    run(async {
        let app = image(&[("django", "4.1")]);
        let world = World::start(Content::new().image("1.0", &app), &database(&[], BUILT), None).await;
        let host = world.registry.host();
        let pull = async |digest: &str, agent: &str| {
            let event = serde_json::json!({ "events": [{
                "id": "1", "action": "pull",
                "target": { "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest,
                            "repository": "team/app", "tag": "1.0" },
                "request": { "host": host, "useragent": agent },
            }] });
            world.ask("POST", "/webhooks/distribution", Some(Role::Developer), &event.to_string()).await
        };
        let last =
            async || world.get(&format!("/api/v1/images/{}", app.digest())).await["lastPulled"].clone();
        assert_eq!(pull(&app.digest(), "containerd/2.0").await.0, 202);
        world.push(&host, "1.0", &app.digest()).await;
        world.work().await;
        assert!(last().await.is_null(), "it was not known then");
        assert_eq!(pull(&app.digest(), "assay/0.1.0").await.0, 202);
        assert!(last().await.is_null(), "that was this program");
        let (status, body) = pull(&app.digest(), "containerd/2.0").await;
        assert_eq!((status, body.as_str()), (202, r#"{"leftOut":0,"taken":0}"#));
        assert!(last().await.is_string());
        let page = page(&world, &format!("/images/{}", app.digest())).await;
        assert!(page.contains("last pulled"), "{page}");
    });
}
