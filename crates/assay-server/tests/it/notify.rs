//! Messages about what happens: one for all images, none twice, none lost.

use crate::fixture::{BUILT, World, database, image, now, run};
use assay_model::Timestamp;
use assay_oci::NetworkOptions;
use assay_server::{Channel, Notifier, rematch_all};
use assay_store::Moment;
use assay_test::http::{Reply, Server};
use assay_test::registry::Content;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};
use std::time::Duration;

/// Somebody who listens, and a clock that can be put forwards.
struct Listener {
    server: Server,
    status: Arc<AtomicU16>,
    later: Arc<AtomicI64>,
}

impl Listener {
    fn start() -> Self {
        let status = Arc::new(AtomicU16::new(200));
        let answer = status.clone();
        let server = Server::start(move |_| Reply::new(answer.load(Ordering::Relaxed), "{}"));
        Self { server, status, later: Arc::default() }
    }

    fn notifier(&self, world: &World, owner: &str) -> Notifier {
        let later = self.later.clone();
        Notifier {
            store: world.store.clone(),
            channel: Channel::of_url(format!("http://{}/hook/SECRET", self.server.host()).parse().unwrap()),
            rules: Arc::default(),
            window: Duration::from_secs(300),
            network: NetworkOptions { retries: 0, ..NetworkOptions::default() },
            owner: owner.to_owned(),
            clock: Arc::new(move || Moment(now().0 + later.load(Ordering::Relaxed))),
            metrics: world.metrics.clone(),
        }
    }

    fn wait(&self, seconds: i64) {
        self.later.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    fn messages(&self) -> Vec<Value> {
        self.server.requests().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
    }
}

#[test]
fn an_advisory_that_concerns_many_images_is_one_message_and_told_once() {
    run(async {
        let images = [image(&[("flask", "1")]), image(&[("flask", "2")]), image(&[("django", "1")])];
        let mut content = Content::new();
        for (number, image) in images.iter().enumerate() {
            content = content.image(&number.to_string(), image);
        }
        let old = database(&[], BUILT);
        let world = World::start(content, &old, None).await;
        let listener = Listener::start();
        let notifier = listener.notifier(&world, "one");
        let other = listener.notifier(&world, "other");
        assert!(!notifier.step().await.unwrap());
        for (number, image) in images.iter().enumerate() {
            world.push(&world.registry.host(), &number.to_string(), &image.digest()).await;
        }
        world.work().await;
        // That something was pushed and scanned is nothing that must be told.
        notifier.step().await.unwrap();
        assert_eq!(listener.messages().len(), 0);

        let with = |built: i64| database(&[("CVE-2024-1", "flask", "9")], Timestamp(BUILT.0 + built));
        let (first, without, again) = (with(60), database(&[], Timestamp(BUILT.0 + 120)), with(180));
        rematch_all(&world.store, &old, (&first, false), now()).await.unwrap();
        other.step().await.unwrap();
        assert_eq!(listener.messages().len(), 0, "two processes tell of the same");
        notifier.step().await.unwrap();
        notifier.step().await.unwrap();
        let messages = listener.messages();
        assert_eq!(messages.len(), 1);
        let told = &messages[0];
        assert_eq!(told["schema"], "assay.notification/v1");
        let mut digests: Vec<&str> = told["images"]
            .as_array()
            .unwrap()
            .iter()
            .map(|image| image["digest"].as_str().unwrap())
            .collect();
        digests.sort_unstable();
        let mut want = [images[0].digest(), images[1].digest()];
        want.sort_unstable();
        assert_eq!(digests, want);
        let about = &told["images"][0];
        assert_eq!(
            (&about["findings"][0]["rule"], &about["findings"][0]["severity"]),
            (&"CVE-2024-1".into(), &"critical".into())
        );
        assert!(about["tags"][0].as_str().unwrap().contains("/team/app:"), "{about}");

        // The feed takes it back and says it again: that is not news within a week.
        rematch_all(&world.store, &first, (&without, false), now()).await.unwrap();
        rematch_all(&world.store, &without, (&again, false), now()).await.unwrap();
        notifier.step().await.unwrap();
        assert_eq!(listener.messages().len(), 1);
        rematch_all(&world.store, &again, (&database(&[], Timestamp(BUILT.0 + 240)), false), now())
            .await
            .unwrap();
        notifier.step().await.unwrap();
        assert_eq!(listener.messages().len(), 1);
        listener.wait(8 * 86_400);
        rematch_all(&world.store, &database(&[], Timestamp(BUILT.0 + 240)), (&with(300), false), now())
            .await
            .unwrap();
        notifier.step().await.unwrap();
        assert_eq!(listener.messages().len(), 2);
    });
}

#[test]
fn what_was_not_taken_is_sent_again_and_by_another_when_one_falls_silent() {
    run(async {
        let (one, other) = (image(&[("flask", "1")]), image(&[("flask", "2")]));
        let content = Content::new().image("1.0", &one);
        let world = World::start(content, &database(&[], BUILT), None).await;
        let listener = Listener::start();
        let first = listener.notifier(&world, "one");
        first.step().await.unwrap();
        let place = assay_store::Place {
            registry: "r.example".to_owned(),
            repository: "app".to_owned(),
            tag: Some("1.0".to_owned()),
        };
        let digest =
            |image: &assay_test::image::BuiltImage| image.digest().parse::<assay_model::Digest>().unwrap();
        let mut work = world.store.begin().await.unwrap();
        work.see(&digest(&one), &place, now()).await.unwrap();
        let detail = serde_json::json!({ "registry": "r.example", "repository": "app", "tag": "1.0",
            "from": other.digest() });
        work.record("tag-moved", Some(&digest(&one)), &detail, now()).await.unwrap();
        work.commit().await.unwrap();

        listener.status.store(503, Ordering::Relaxed);
        first.step().await.unwrap();
        first.step().await.unwrap();
        assert_eq!(listener.messages().len(), 1, "it is not given time");
        listener.wait(6);
        first.step().await.unwrap();
        assert_eq!(listener.messages().len(), 2);
        listener.status.store(200, Ordering::Relaxed);
        let second = listener.notifier(&world, "two");
        second.step().await.unwrap();
        assert_eq!(listener.messages().len(), 2);
        listener.wait(200);
        second.step().await.unwrap();
        let messages = listener.messages();
        assert_eq!(messages.len(), 3);
        // Who gets it twice can tell by its number.
        assert!(messages.iter().all(|message| message["id"] == messages[0]["id"]));
        assert_eq!(messages[2]["images"][0]["events"][0]["kind"], "tag-moved");
        assert_eq!(messages[2]["images"][0]["tags"][0], "r.example/app:1.0");
        listener.wait(200);
        first.step().await.unwrap();
        assert_eq!(listener.messages().len(), 3);
        let metrics = world.metrics.render(&[], 0, now());
        assert!(metrics.contains("assay_notifications_total 1\n"), "{metrics}");
        assert!(metrics.contains("assay_notification_failures_total 2\n"), "{metrics}");
    });
}
