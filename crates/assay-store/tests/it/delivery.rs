//! Indicators of builds and deployments: a history that is known, and exactly what it says.

use crate::build::{build, record};
use crate::fixture::{at, digest, on_each, scan};
use crate::indicator::indicators;
use assay_store::{Arrived, Build, Child, Delivery, Depth, Exposed, NewSbom, Service};
use std::time::Duration;

const DAY: i64 = 86_400;

#[test]
fn builds_and_rebuilds_are_counted() {
    on_each(async |store| {
        let history = [
            // The same twice, and once more for another platform, which is nothing to compare.
            build("same", Some(1), DAY),
            Build { invocation: "again".to_owned(), ..build("same", Some(1), 2 * DAY) },
            Build { platform: "linux/arm64".to_owned(), ..build("same", Some(2), 2 * DAY) },
            // Another result of the same inputs.
            build("other", Some(3), DAY),
            build("other", Some(4), 2 * DAY),
            // Inputs in another order are the same inputs; a failed build is no rebuild.
            Build { inputs: Vec::new(), ..build("no inputs", Some(5), DAY) },
            Build { inputs: Vec::new(), ..build("no inputs", Some(6), 2 * DAY) },
            build("once", Some(7), DAY),
            build("once", None, 2 * DAY),
        ];
        for one in &history {
            record(&store, one, b"", 3 * DAY).await;
        }
        let delivery = indicators(&store, 0, 100 * DAY).await.delivery;
        assert_eq!((delivery.builds, delivery.rebuilt), ((8, 1), (2, 1)));
        assert_eq!(delivery.building, Duration::from_millis(8 * 1500));
        // A rebuild in the window is compared with what was built before it.
        let delivery = indicators(&store, 2 * DAY, 100 * DAY).await.delivery;
        assert_eq!((delivery.builds, delivery.rebuilt), ((4, 1), (2, 1)));
        assert_eq!(indicators(&store, 3 * DAY, 100 * DAY).await.delivery, Delivery::default());
    });
}

#[test]
fn the_order_of_inputs_makes_no_difference() {
    on_each(async |store| {
        let mut one = build("c", Some(1), 1);
        one.inputs.push(assay_store::Input { name: "curl".to_owned(), digest: digest(5).to_string() });
        let mut other = Build { started: at(2), ..one.clone() };
        other.inputs.reverse();
        record(&store, &one, b"", 3).await;
        record(&store, &other, b"", 3).await;
        assert_eq!(indicators(&store, 0, 100 * DAY).await.delivery.rebuilt, (1, 1));
    });
}

#[test]
fn what_runs_and_how_it_came_there() {
    on_each(async |store| {
        let weak: &[(&str, &str, &[&str])] = &[("a", "1", &["CVE-1"]), ("b", "1", &["CVE-2"])];
        for number in 1..=3 {
            scan(&store, &digest(number), Depth::Fast, weak, at(5)).await;
        }
        scan(&store, &digest(4), Depth::Fast, &[], at(5)).await;
        // 10 is an index of 2 and 4; 3 runs nowhere.
        let mut work = store.begin().await.unwrap();
        work.see(&digest(10), &crate::fixture::place(None), at(5)).await.unwrap();
        let child = |number| Child { digest: digest(number), platform: String::new() };
        work.set_children(&digest(10), &[child(2), child(4)]).await.unwrap();
        work.commit().await.unwrap();
        // 1 was built in the seconds 98.5 to 100, and again later; 2 as part of the index, until 200.
        for (result, started) in [(1, 98_500), (1, 500_000), (10, 198_500)] {
            let one = Build { started: assay_store::Moment(started), ..build("c", Some(result), 0) };
            record(&store, &one, b"", 5).await;
        }
        let service = |environment, name| Service { environment, name };
        let document = store.document("bill of materials", "x", b"{}").await.unwrap();
        let mut work = store.begin().await.unwrap();
        for (environment, name, number, second) in [
            ("production", "shop", 1, 160),
            ("production", "shop", 4, 170),
            // Back to where it was: no news about the way there.
            ("production", "shop", 1, 100_000),
            ("production", "blog", 10, 260),
            ("staging", "blog", 2, 230),
            ("staging", "old", 1, 240),
        ] {
            work.deploy(&service(environment, name), &digest(number), at(second)).await.unwrap();
        }
        work.undeploy(&service("staging", "old"), at(250)).await.unwrap();
        for (number, score, packages) in [(1, 70, 3), (1, 90, 3), (2, 40, 1), (3, 0, 0), (10, 100, 1)] {
            let format = score.to_string();
            let sbom = NewSbom { format: &format, document: &document, score, packages };
            work.keep_sbom(&digest(number), &sbom, at(300)).await.unwrap();
        }
        work.commit().await.unwrap();

        let exposed = |environment: &str, findings, services| Exposed {
            environment: environment.to_owned(),
            severity: "high".to_owned(),
            findings,
            services,
        };
        let arrived = |environment: &str, count, seconds| Arrived {
            environment: environment.to_owned(),
            count,
            together: Duration::from_secs(seconds),
        };
        let delivery = indicators(&store, 0, 100 * DAY).await.delivery;
        assert_eq!(delivery.exposed, [exposed("production", 4, 2), exposed("staging", 2, 1)]);
        assert_eq!(delivery.services, [("production".to_owned(), 2), ("staging".to_owned(), 1)]);
        // 4 came by the index, whose build is known, but before that was done: it took no time.
        let [production, staging] = [arrived("production", 3, 60 + 60), arrived("staging", 2, 30 + 140)];
        assert_eq!(delivery.arrived, [production, staging]);
        // The index itself does not count among the images.
        assert_eq!((delivery.with_sbom, delivery.scored), (3, (2, 90 + 40)));
        // The window is about when they came.
        let delivery = indicators(&store, 250, 100 * DAY).await.delivery;
        assert_eq!(delivery.arrived, [arrived("production", 1, 60)]);
    });
}
