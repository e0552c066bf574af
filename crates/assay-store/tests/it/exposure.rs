//! Exposure and triage of a history that is known: each value is exactly what that history says.

use crate::fixture::{at, digest, on_each, place, report, scan};
use crate::indicator::indicators;
use assay_model::Severity;
use assay_store::{
    Depth, Exposure, FindingFilter, NewTriage, Scan, Standing, Store, TriageScope, TriageState,
};
use std::collections::BTreeMap;

async fn tag(store: &Store, image: u8, tag: &str, second: i64) {
    let mut work = store.begin().await.unwrap();
    work.see(&digest(image), &place(Some(tag)), at(second)).await.unwrap();
    work.commit().await.unwrap();
}

#[test]
fn vulnerable_packages_weigh_as_much_as_their_worst_finding() {
    on_each(async |store| {
        let packages: &[(&str, &str, &[&str])] = &[
            ("a", "1", &["CVE-1"]),
            ("a", "1", &["CVE-2"]),
            ("a", "2", &["CVE-1"]),
            ("b", "1", &["CVE-3"]),
            ("c", "1", &["CVE-4"]),
            ("d", "1", &["CVE-5"]),
        ];
        let mut known = report(packages);
        for (index, severity) in [
            Severity::Medium,
            Severity::Critical,
            Severity::High,
            Severity::Low,
            Severity::Negligible,
            Severity::Unknown,
        ]
        .into_iter()
        .enumerate()
        {
            known.findings[index].severity = severity;
            known.findings[index].id = format!("f{index}");
        }
        let mut work = store.begin().await.unwrap();
        work.see(&digest(1), &place(None), at(1)).await.unwrap();
        let kept = Scan { digest: &digest(1), depth: Depth::Fast, report: &known, json: b"{}", index: &[] };
        work.save_scan(&kept, at(1)).await.unwrap();
        work.commit().await.unwrap();
        // a 1: critical 10; a 2: high 5; b: low 1; c: negligible 0; d: unknown 1.
        assert_eq!(store.vulnerable_packages(&digest(1)).await.unwrap(), (5, 17));
        scan(&store, &digest(2), Depth::Fast, &[("a", "1", &["CVE-1"])], at(2)).await;
        assert_eq!(store.vulnerable_packages(&digest(2)).await.unwrap(), (1, 5));
        scan(&store, &digest(2), Depth::Fast, &[("a", "1", &[])], at(3)).await;
        assert_eq!(store.vulnerable_packages(&digest(2)).await.unwrap(), (0, 0));
        assert_eq!(store.vulnerable_packages(&digest(9)).await.unwrap(), (0, 0));
    });
}

#[test]
fn what_a_tag_had_lost_and_has_again_is_a_regression() {
    on_each(async |store| {
        let one: &[(&str, &str, &[&str])] = &[("a", "1", &["CVE-1"])];
        let two: &[(&str, &str, &[&str])] = &[("a", "1", &["CVE-1"]), ("b", "1", &["CVE-2"])];
        // 1 has both, 2 has none, 3 has CVE-1 again.
        for (image, packages, second) in [(1, two, 10), (2, &[] as &[_], 20), (3, one, 30)] {
            tag(&store, image, "1.0", second).await;
            scan(&store, &digest(image), Depth::Fast, packages, at(second + 1)).await;
        }
        let regressed = async |since| indicators(&store, since, 10_000_000).await.exposure.regressed;
        let high = |count| BTreeMap::from([("high".to_owned(), count)]);
        assert_eq!(regressed(0).await, high(1));
        assert_eq!(regressed(31).await, BTreeMap::new(), "the tag moved before the window");
        // Another tag that always had it, and one in between of which nobody knows anything.
        for (image, second) in [(1, 40), (9, 41), (3, 42)] {
            tag(&store, image, "other", second).await;
        }
        assert_eq!(regressed(0).await, high(1));
        // The first tag gets rid of it again.
        tag(&store, 2, "1.0", 50).await;
        assert_eq!(regressed(0).await, BTreeMap::new());
        // A finding of one image that goes and comes back is another matter, and is told of, too.
        scan(&store, &digest(3), Depth::Fast, &[], at(60)).await;
        scan(&store, &digest(3), Depth::Fast, one, at(70)).await;
        let recurring = FindingFilter { recurring: true, ..Standing::Open.into() };
        let found = store.findings_of(&digest(3), recurring, 0, 9).await.unwrap();
        assert_eq!((found.len(), found[0].reopened, found[0].first_seen), (1, 1, at(31)));
        assert_eq!(store.findings_of(&digest(1), recurring, 0, 9).await.unwrap(), []);
    });
}

#[test]
fn decisions_are_counted_once_and_not_when_somebody_thought_better_of_them() {
    on_each(async |store| {
        let decide = async |advisory: &str, state: TriageState, second: i64| {
            let new = NewTriage {
                advisory: advisory.to_owned(),
                package: None,
                scope: TriageScope::Image(digest(1)),
                state,
                reason: "because".to_owned(),
                owner: "anna".to_owned(),
                decided_by: "ben".to_owned(),
                expires: state.must_end().then(|| at(second + 50)),
            };
            let mut work = store.begin().await.unwrap();
            let decided = work.decide(&new, at(second)).await.unwrap();
            work.commit().await.unwrap();
            decided.id
        };
        assert_eq!(indicators(&store, 0, 10_000_000).await.exposure, Exposure::default());
        decide("CVE-1", TriageState::FalsePositive, 5).await;
        decide("CVE-2", TriageState::FalsePositive, 100).await;
        // Replaced: only the later one counts.
        decide("CVE-3", TriageState::FalsePositive, 101).await;
        decide("CVE-3", TriageState::Accepted, 102).await;
        decide("CVE-4", TriageState::Exception, 103).await;
        decide("CVE-5", TriageState::Accepted, 104).await;
        let mistake = decide("CVE-6", TriageState::FalsePositive, 105).await;
        let mut work = store.begin().await.unwrap();
        work.withdraw(mistake, at(106)).await.unwrap();
        work.commit().await.unwrap();
        let want = BTreeMap::from([
            (TriageState::FalsePositive, 1),
            (TriageState::Accepted, 2),
            (TriageState::Exception, 1),
        ]);
        assert_eq!(store.decisions(at(50)).await.unwrap(), want);
        // That its time is over does not make it a mistake.
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.expire_triage(at(200)).await.unwrap().len(), 3);
        work.commit().await.unwrap();
        assert_eq!(store.decisions(at(50)).await.unwrap(), want);
        assert_eq!(store.decisions(at(0)).await.unwrap()[&TriageState::FalsePositive], 2);
    });
}
