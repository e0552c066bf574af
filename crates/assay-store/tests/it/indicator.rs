//! Indicators of a history that is known: each is exactly what that history says.

use crate::fixture::{at, digest, on_each, place, report, scan};
use assay_model::removable::RemovalReason;
use assay_model::{Finding, FindingKind, Layer, Removable, Severity, Timestamp};
use assay_store::{
    Child, Delivery, Depth, Exposure, Indicators, Measures, Moment, NewJob, NewSbom, OpenFindings, Overdue,
    Remediated, Running, Scan, Service, Shape, Spans, Store, Terms,
};
use std::time::Duration;

const DAY: i64 = 86_400;
/// When the database of all reports of the fixture was built.
const BUILT: i64 = 1_700_000_000;

async fn tag(store: &Store, number: u8, tag: &str, second: i64) {
    let mut work = store.begin().await.unwrap();
    work.see(&digest(number), &place(Some(tag)), at(second)).await.unwrap();
    work.commit().await.unwrap();
}

/// Works out the indicators at a second, with a window that begins at another, and vulnerabilities that should be gone in five days.
pub(crate) async fn indicators(store: &Store, since: i64, now: i64) -> Indicators {
    let five_days = Duration::from_secs(5 * 86_400);
    let measures =
        Measures { now: at(now), window: at(now).since(at(since)), remediation: &[("high", five_days)] };
    store.indicators(&measures).await.unwrap()
}

#[test]
fn an_empty_store_says_nothing() {
    on_each(async |store| {
        let nothing = Overdue { severity: "high".to_owned(), findings: 0 };
        let want = Indicators { overdue: vec![nothing], ..Indicators::default() };
        assert_eq!(indicators(&store, 0, 1).await, want);
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
        assert_eq!(indicators(&store, 0, 8 * DAY).await.remediated, []);
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
        // Two images were admitted in a cluster, one of them in two namespaces, in one of which it grew stale.
        for (number, namespace) in [(3, "a"), (3, "b"), (4, "a")] {
            let place = assay_store::AdmittedIn {
                cluster: "eu".to_owned(),
                namespace: namespace.to_owned(),
                registry: "registry.example".to_owned(),
                repository: "team/app".to_owned(),
                digest: digest(number),
                tiers: Vec::new(),
                policy: "p".to_owned(),
            };
            work.admit(&place, "{}", 0, at(3)).await.unwrap();
        }
        work.commit().await.unwrap();
        let admitted = store.admitted(&digest(3)).await.unwrap();
        let mut work = store.begin().await.unwrap();
        work.grown_stale(&admitted[0], "old", true, at(4)).await.unwrap();
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
            admitted: vec![("eu".to_owned(), 2, 1)],
            scans: (1, 1),
            critical: 0,
            short_lived: 0,
            scanning: Spans { count: 1, together: Duration::from_secs(3), slow: Duration::from_secs(3) },
            waiting: Spans { count: 1, ..Spans::default() },
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
            delivery: Delivery::default(),
            rotated: vec![],
            // Image 1 is in use as part of the index: its two are nine days old, that of image 3 is one.
            overdue: vec![Overdue { severity: "high".to_owned(), findings: 2 }],
            running: vec![],
            shape: Shape {
                images: 2,
                age: Duration::from_secs((9 + 2) * DAY as u64),
                size: 0,
                packages: 3,
                vulnerable: 3,
                weight: 15,
                medium: 0,
                removable: (0, 2),
            },
            conditions: vec![],
            exposure: Exposure::default(),
            database: Some((at(BUILT), "{\"old\": 1}".to_owned())),
        };
        assert_eq!(indicators(&store, 0, 9 * DAY + 10).await, want);
        // What was before the window is not in it.
        let later = indicators(&store, 20 * DAY, 21 * DAY).await;
        assert_eq!((later.scans, later.remediated, later.images), ((0, 0), vec![], 4));
        store.describe_database(at(BUILT + 1), "{}").await.unwrap();
        assert_eq!(indicators(&store, 0, 9 * DAY).await.behind, 3);
    });
}

/// Stores a scan with findings of any kind and severity: kind, identifier, severity, and the package it is about, of so many.
async fn look(
    store: &Store,
    number: u8,
    packages: &[(&str, &str, &[&str])],
    findings: &[(FindingKind, &str, Severity, Option<u32>)],
    (made, size): (i64, u64),
    second: i64,
) {
    let image = digest(number);
    let mut report = report(packages);
    let template = report.findings.first().cloned().unwrap();
    report.findings = findings
        .iter()
        .map(|(kind, id, severity, package)| Finding {
            id: (*id).to_owned(),
            kind: *kind,
            rule: (*id).to_owned(),
            severity: *severity,
            package: *package,
            ..template.clone()
        })
        .collect();
    // One package of each image but the second, of which two, is of no use.
    let removable = Removable {
        package: 0,
        reason: RemovalReason::Unused,
        function: None,
        beside: Vec::new(),
        later_layer: None,
        bytes: None,
        findings: 0,
        instruction: String::new(),
    };
    report.removable = vec![removable; if number == 2 { 2 } else { 1 }];
    report.image.created = Some(Timestamp(made));
    report.image.layers =
        [size, 1].into_iter().map(|size| Layer { size: Some(size), ..Layer::default() }).collect();
    let mut work = store.begin().await.unwrap();
    work.see(&image, &place(None), at(second)).await.unwrap();
    let scan = Scan { digest: &image, depth: Depth::Fast, report: &report, json: b"{}", index: &[] };
    work.save_scan(&scan, at(second)).await.unwrap();
    work.commit().await.unwrap();
}

#[test]
fn what_was_short_lived_is_left_out_until_it_is_deployed() {
    on_each(async |store| {
        let bad: &[(FindingKind, &str, Severity, Option<u32>)] =
            &[(FindingKind::Vulnerability, "CVE-1", Severity::Critical, Some(0))];
        let packages: &[(&str, &str, &[&str])] = &[("a", "1", &["CVE-1"])];
        // Three builds of a branch: the first is replaced within a day, the second a day later, the third is there.
        for (number, second) in [(1, 0), (2, DAY - 1), (3, 2 * DAY - 1)] {
            tag(&store, number, "dev", second).await;
            look(&store, number, packages, bad, (0, 1), second).await;
        }
        // One without a tag, which somebody may use by its digest.
        look(&store, 4, packages, &[], (0, 1), 5).await;
        let counts = async || {
            let one = indicators(&store, 0, 3 * DAY).await;
            (one.images, one.scanned, one.critical, one.short_lived)
        };
        assert_eq!(counts().await, (3, 3, 2, 1));
        let mut work = store.begin().await.unwrap();
        let service = Service { environment: "staging", name: "api" };
        let document = store.document("bill of materials", "x", b"{}").await.unwrap();
        for number in [1, 2] {
            let sbom = NewSbom { format: "cyclonedx", document: &document, score: 50, packages: 1 };
            work.keep_sbom(&digest(number), &sbom, at(9)).await.unwrap();
        }
        // An index of the first.
        work.see(&digest(5), &place(None), at(9)).await.unwrap();
        work.set_children(&digest(5), &[Child { digest: digest(1), platform: String::new() }]).await.unwrap();
        work.commit().await.unwrap();
        // A share of the images that count, so of no others.
        assert_eq!(indicators(&store, 0, 3 * DAY).await.delivery.with_sbom, 1);
        let mut work = store.begin().await.unwrap();
        work.deploy(&service, &digest(5), at(10)).await.unwrap();
        work.undeploy(&service, at(11)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(counts().await, (4, 4, 3, 0));
        assert_eq!(indicators(&store, 0, 3 * DAY).await.delivery.with_sbom, 2);
    });
}

#[test]
fn what_runs_is_measured_with_all_that_is_in_it() {
    on_each(async |store| {
        let packages: &[(&str, &str, &[&str])] = &[("a", "1", &["x"]), ("b", "1", &[]), ("c", "1", &[])];
        let (vulnerability, secret) = (FindingKind::Vulnerability, FindingKind::Secret);
        // Built on day 10 and first seen on day 12; the other claims that it was built in 1970, and was first seen on day 15.
        let begin = 20_000 * DAY;
        let all: &[(FindingKind, &str, Severity, Option<u32>)] = &[
            (vulnerability, "CVE-1", Severity::Critical, Some(0)),
            (vulnerability, "CVE-2", Severity::Medium, Some(0)),
            (vulnerability, "CVE-3", Severity::Low, Some(1)),
            (secret, "key", Severity::High, None),
            (secret, "token", Severity::High, None),
        ];
        look(&store, 1, packages, all, (begin + 10 * DAY, 999), begin + 12 * DAY).await;
        look(&store, 2, packages, &all[1..2], (0, 2_999), begin + 15 * DAY).await;
        // Nothing runs it, and nothing names it any more: it is not in use.
        look(&store, 3, packages, all, (begin, u64::MAX), begin + 12 * DAY).await;
        tag(&store, 1, "1.0", begin + 12 * DAY).await;
        tag(&store, 9, "1.0", begin + 13 * DAY).await;
        let mut work = store.begin().await.unwrap();
        work.see(&digest(5), &place(None), at(begin)).await.unwrap();
        work.set_children(&digest(5), &[Child { digest: digest(2), platform: String::new() }]).await.unwrap();
        work.see(&digest(6), &place(None), at(begin)).await.unwrap();
        work.set_children(&digest(6), &[Child { digest: digest(5), platform: String::new() }]).await.unwrap();
        for (environment, name, number) in [
            ("production", "api", 1),
            ("production", "web", 1),
            ("production", "multi", 6),
            ("staging", "new", 9),
        ] {
            work.deploy(&Service { environment, name }, &digest(number), at(begin + 16 * DAY)).await.unwrap();
        }
        work.begin_condition("feed-error osv", "feed-error", &serde_json::json!({}), at(begin))
            .await
            .unwrap();
        work.begin_condition("feed-error ghsa", "feed-error", &serde_json::json!({}), at(begin))
            .await
            .unwrap();
        work.commit().await.unwrap();
        let found = indicators(&store, begin, begin + 20 * DAY).await;
        assert_eq!(
            found.running,
            [
                Running {
                    environment: "production".to_owned(),
                    images: 2,
                    unscanned: 0,
                    high: 1,
                    secrets: 2
                },
                Running { environment: "staging".to_owned(), images: 1, unscanned: 1, high: 0, secrets: 0 },
            ]
        );
        assert_eq!(
            found.shape,
            Shape {
                images: 2,
                age: Duration::from_secs((10 + 5) * DAY as u64),
                size: 1000 + 3000,
                packages: 6,
                vulnerable: 2 + 1,
                // Each package by its worst.
                weight: 10 + 1 + 2,
                medium: 2,
                removable: (1 + 2, 2),
            }
        );
        assert_eq!(found.conditions, [("feed-error".to_owned(), 2)]);
        // The tag names an image without the secrets: they were rotated, a day after they were found.
        look(&store, 9, packages, &[], (begin, 1), begin + 17 * DAY).await;
        let rotated = indicators(&store, begin, begin + 20 * DAY).await.rotated;
        let want = Remediated {
            severity: "high".to_owned(),
            count: 2,
            together: Duration::from_secs(2 * DAY as u64),
        };
        assert_eq!(rotated, [want]);
        // Whatever manifests claim, the sum is a number.
        for number in [10, 11, 12] {
            look(&store, number, packages, &[], (i64::MAX, u64::MAX), begin + 18 * DAY).await;
            tag(&store, number, &number.to_string(), begin + 18 * DAY).await;
        }
        let shape = indicators(&store, begin, begin + 20 * DAY).await.shape;
        assert_eq!(shape.size, 1000 + 3000 + 2 + 3 * i64::try_from(assay_store::MAX_SIZE).unwrap());
    });
}

#[test]
fn a_look_that_is_less_deep_says_nothing_of_the_shape() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Deep, &[("a", "1", &[]), ("b", "1", &[])], at(1)).await;
        tag(&store, 1, "1.0", 1).await;
        scan(&store, &digest(1), Depth::Fast, &[("a", "1", &[])], at(2)).await;
        assert_eq!(indicators(&store, 0, 10).await.shape.packages, 2);
    });
}

#[test]
fn the_slow_is_what_nineteen_of_twenty_do_not_exceed() {
    on_each(async |store| {
        for second in 1..=20 {
            let job = NewJob {
                kind: "scan".to_owned(),
                name: second.to_string(),
                registry: String::new(),
                payload: String::new(),
                priority: 0,
                max_attempts: 1,
            };
            store.enqueue(&job, at(100)).await.unwrap();
            let begun = Moment(at(100 + 2 * second).0);
            let job = store.claim("w", &Terms::default(), begun).await.unwrap().unwrap();
            let mut work = store.begin().await.unwrap();
            assert!(
                work.complete(&job, begun.plus(Duration::from_secs(second.unsigned_abs()))).await.unwrap()
            );
            work.commit().await.unwrap();
        }
        let found = indicators(&store, 0, 1000).await;
        let spans = |together, slow| Spans {
            count: 20,
            together: Duration::from_secs(together),
            slow: Duration::from_secs(slow),
        };
        assert_eq!((found.scanning, found.waiting), (spans(210, 19), spans(420, 38)));
    });
}
