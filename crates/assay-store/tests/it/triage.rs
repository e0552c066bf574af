//! Decisions about findings: what they cover, what they outlive, and how they end.

use crate::fixture::{at, digest, on_each, place, scan};
use assay_store::{
    Affected, Depth, FindingFilter, NewTriage, Place, Standing, Store, StoredVerdict, Triage, TriageEnd,
    TriageFilter, TriageOrder, TriageScope, TriageState, Triaged, Where,
};

fn repository(name: &str) -> TriageScope {
    TriageScope::Repository { registry: "registry.example".to_owned(), repository: name.to_owned() }
}

fn about(advisory: &str, scope: TriageScope, state: TriageState) -> NewTriage {
    NewTriage {
        advisory: advisory.to_owned(),
        package: None,
        scope,
        state,
        reason: "not reachable\0".to_owned(),
        owner: "team-shop".to_owned(),
        decided_by: "anna".to_owned(),
        expires: state.must_end().then(|| at(1000)),
    }
}

async fn decide(store: &Store, new: &NewTriage, second: i64) -> Triage {
    let mut work = store.begin().await.unwrap();
    let triage = work.decide(new, at(second)).await.unwrap();
    work.commit().await.unwrap();
    triage
}

async fn see(store: &Store, number: u8, repository: &str) {
    let place = Place { repository: repository.to_owned(), ..place(None) };
    let mut work = store.begin().await.unwrap();
    work.see(&digest(number), &place, at(1)).await.unwrap();
    work.commit().await.unwrap();
}

/// The rules of an image's open findings about which something, or nothing, was decided.
async fn rules(store: &Store, image: u8, triage: Triaged) -> Vec<String> {
    let filter = FindingFilter { triage, ..Standing::Open.into() };
    let found = store.findings_of(&digest(image), filter, 0, 100).await.unwrap();
    found.into_iter().map(|one| one.rule).collect()
}

const BOTH: &[(&str, &str, &[&str])] =
    &[("a", "1", &["CVE-1", "GHSA-1"]), ("b", "1", &["CVE-2"]), ("c", "2", &["CVE-1"])];

#[test]
fn a_decision_holds_for_rescans_and_for_digests_that_come_later() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, BOTH, at(1)).await;
        let first =
            decide(&store, &about("GHSA-1", repository("team/app"), TriageState::FalsePositive), 2).await;
        // By another identifier of the same vulnerability; `c` has no such alias.
        assert_eq!(rules(&store, 1, Triaged::Settled).await, ["CVE-1"]);
        assert_eq!(rules(&store, 1, Triaged::Open).await, ["CVE-1", "CVE-2"]);
        assert_eq!(rules(&store, 1, Triaged::Either).await.len(), 3);
        scan(&store, &digest(1), Depth::Deep, BOTH, at(3)).await;
        scan(&store, &digest(2), Depth::Fast, BOTH, at(4)).await;
        for image in [1, 2] {
            let settled: Vec<_> = store
                .findings(&digest(image))
                .await
                .unwrap()
                .into_iter()
                .filter_map(|one| Some((one.package?, one.triage?)))
                .collect();
            assert_eq!(settled, [("a".to_owned(), first.id)], "{image}");
        }
        // Nothing is suppressed by it: counts stay what they are.
        assert_eq!(store.severities_of(&digest(2)).await.unwrap(), [("high".to_owned(), 3)]);
        assert_eq!(store.decided(&digest(2).to_string(), "CVE-1-of-a").await.unwrap().unwrap().id, first.id);
        assert_eq!(store.decided(&digest(2).to_string(), "CVE-2-of-b").await.unwrap(), None);
        // The blast radius tells of it, and can leave it out.
        let hits = store.images_affected("CVE-1", 0, 10).await.unwrap();
        let told: Vec<_> = hits.iter().map(|hit| (hit.package.as_deref(), hit.triage)).collect();
        let both = [(Some("a"), Some(first.id)), (Some("c"), None)];
        assert_eq!(told, [both, both].concat());
        let open = Affected { triage: Triaged::Open, ..Affected::default() };
        let hits = store.images_affected_like(&Where::default(), "GHSA-1", open, 0, 10).await.unwrap();
        assert_eq!(hits, []);
        let hits = store.images_affected_like(&Where::default(), "CVE-1", open, 0, 10).await.unwrap();
        assert!(hits.len() == 2 && hits.iter().all(|hit| hit.package.as_deref() == Some("c")), "{hits:?}");
    });
}

#[test]
fn a_decision_covers_what_it_names_and_nothing_else() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, BOTH, at(1)).await;
        scan(&store, &digest(2), Depth::Fast, BOTH, at(1)).await;
        let one = NewTriage {
            package: Some("c".to_owned()),
            ..about("CVE-1", TriageScope::Image(digest(1)), TriageState::Accepted)
        };
        let first = decide(&store, &one, 2).await;
        let of = async |image: u8| -> Vec<(Option<String>, Option<i64>)> {
            let mut all: Vec<_> = store
                .findings(&digest(image))
                .await
                .unwrap()
                .into_iter()
                .map(|one| (one.package, one.triage))
                .collect();
            all.sort();
            all
        };
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(of(1).await, [(name("a"), None), (name("b"), None), (name("c"), Some(first.id))]);
        assert!(of(2).await.iter().all(|(_, triage)| triage.is_none()));
        // What is about the image goes before what is about its repository, also when that is newer.
        let wide = decide(&store, &about("CVE-1", repository("team/app"), TriageState::Accepted), 3).await;
        assert_eq!(of(1).await, [(name("a"), Some(wide.id)), (name("b"), None), (name("c"), Some(first.id))]);
        // Other registries and repositories are not meant.
        for scope in [
            repository("team/ap"),
            repository("team/app2"),
            repository("team/%"),
            TriageScope::Repository {
                registry: "evil.example".to_owned(),
                repository: "team/app".to_owned(),
            },
            TriageScope::Image(digest(9)),
        ] {
            decide(&store, &about("CVE-2", scope.clone(), TriageState::Accepted), 4).await;
            assert_eq!(
                of(2).await,
                [(name("a"), Some(wide.id)), (name("b"), None), (name("c"), Some(wide.id))]
            );
            assert!(!store.is_found("CVE-1", None, &scope).await.unwrap(), "{scope}");
        }
        assert!(store.is_found("GHSA-1", Some("a"), &repository("team/app")).await.unwrap());
        assert!(!store.is_found("GHSA-1", Some("c"), &repository("team/app")).await.unwrap());
        assert!(!store.is_found("CVE-3", None, &repository("team/app")).await.unwrap());
        let wanted = TriageFilter { advisory: Some("CVE-2"), ..TriageFilter::default() };
        assert_eq!(store.triage_like(&wanted, TriageOrder::Oldest(0), 100).await.unwrap().len(), 5);
    });
}

#[test]
fn an_image_in_two_repositories_is_settled_only_when_both_are() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, BOTH, at(1)).await;
        decide(&store, &about("CVE-2", repository("team/app"), TriageState::FalsePositive), 2).await;
        assert_eq!(rules(&store, 1, Triaged::Settled).await, ["CVE-2"]);
        // Somebody puts it into another repository, where nobody decided anything.
        see(&store, 1, "other").await;
        assert_eq!(rules(&store, 1, Triaged::Settled).await, [""; 0]);
        // What is judged is what was named: a decision about one name says nothing of the other.
        let in_app = store.decided_in(&digest(1), "registry.example", "team/app").await.unwrap();
        assert_eq!((in_app.len(), in_app[0].1.as_slice()), (1, ["CVE-2-of-b".to_owned()].as_slice()));
        assert_eq!(store.decided_in(&digest(1), "registry.example", "other").await.unwrap(), []);
        decide(&store, &about("CVE-2", repository("other"), TriageState::FalsePositive), 3).await;
        assert_eq!(rules(&store, 1, Triaged::Settled).await, ["CVE-2"]);
    });
}

#[test]
fn decisions_end_by_time_by_hand_and_by_the_next_one() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, BOTH, at(1)).await;
        let new = about("CVE-2", TriageScope::Image(digest(1)), TriageState::Accepted);
        let first = decide(&store, &new, 2).await;
        assert_eq!(store.triage(first.id).await.unwrap().unwrap().decision.reason, "not reachable\u{fffd}");
        let second = decide(&store, &NewTriage { state: TriageState::Exception, ..new.clone() }, 3).await;
        let ended = async |id| store.triage(id).await.unwrap().unwrap().ended;
        assert_eq!(ended(first.id).await, Some((at(3), TriageEnd::Replaced)));
        let end = async |second| {
            let mut work = store.begin().await.unwrap();
            let ended: Vec<i64> =
                work.expire_triage(at(second)).await.unwrap().into_iter().map(|triage| triage.id).collect();
            work.commit().await.unwrap();
            ended
        };
        assert_eq!(end(999).await, [0_i64; 0]);
        assert_eq!(rules(&store, 1, Triaged::Settled).await, ["CVE-2"]);
        assert_eq!(end(1000).await, [second.id]);
        assert_eq!(end(1001).await, [0_i64; 0], "it ends once");
        assert_eq!(ended(second.id).await, Some((at(1000), TriageEnd::Expired)));
        assert_eq!(rules(&store, 1, Triaged::Settled).await, [""; 0]);
        let third =
            decide(&store, &about("CVE-2", TriageScope::Image(digest(1)), TriageState::FalsePositive), 1002)
                .await;
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.withdraw(first.id, at(1003)).await.unwrap(), None, "it has ended already");
        let taken_back = work.withdraw(third.id, at(1003)).await.unwrap().unwrap();
        work.commit().await.unwrap();
        assert_eq!(taken_back.ended, Some((at(1003), TriageEnd::Withdrawn)));
        assert_eq!(rules(&store, 1, Triaged::Settled).await, [""; 0]);
        // All of it stays in the list, a page at a time.
        let list = async |filter: TriageFilter<'_>, before| -> Vec<i64> {
            store
                .triage_like(&filter, TriageOrder::Newest(before), 2)
                .await
                .unwrap()
                .into_iter()
                .map(|triage| triage.id)
                .collect()
        };
        assert_eq!(list(TriageFilter::default(), None).await, [third.id, second.id]);
        assert_eq!(list(TriageFilter::default(), Some(second.id)).await, [first.id]);
        let oldest =
            store.triage_like(&TriageFilter::default(), TriageOrder::Oldest(first.id), 1).await.unwrap();
        assert_eq!(oldest[0].id, second.id);
        let state = TriageFilter { state: Some(TriageState::Exception), ..TriageFilter::default() };
        assert_eq!(list(state, None).await, [second.id]);
        let open = TriageFilter { ended: Some(false), owner: Some("team-shop"), ..TriageFilter::default() };
        assert_eq!(list(open, None).await, [0_i64; 0]);
    });
}

#[test]
fn verdicts_about_what_was_decided_are_forgotten_also_those_being_made() {
    on_each(async |store| {
        for image in [1, 2, 3] {
            scan(&store, &digest(image), Depth::Fast, if image == 3 { &[] } else { BOTH }, at(1)).await;
        }
        see(&store, 9, "team/app").await;
        let mut work = store.begin().await.unwrap();
        let child = assay_store::Child { digest: digest(2), platform: String::new() };
        work.set_children(&digest(9), &[child]).await.unwrap();
        work.commit().await.unwrap();
        let verdict = StoredVerdict {
            policy: "p".to_owned(),
            tier: "t".to_owned(),
            verdict: "admit".to_owned(),
            detail: b"{}".to_vec(),
            inputs: "{}".to_owned(),
            decided: at(1),
            expires: None,
        };
        let keep = async |image: u8, generation: i64| {
            let mut work = store.begin().await.unwrap();
            let kept = work.save_verdict(&digest(image), &verdict, generation).await.unwrap();
            work.commit().await.unwrap();
            kept
        };
        let all = [1, 2, 3, 9];
        let mut generations = Vec::new();
        for image in all {
            let generation = store.generation(&digest(image)).await.unwrap().unwrap();
            assert!(keep(image, generation).await);
            generations.push(generation);
        }
        let kept = async || {
            let mut kept = Vec::new();
            for image in all {
                if !store.verdicts(&digest(image)).await.unwrap().is_empty() {
                    kept.push(image);
                }
            }
            kept
        };
        let first =
            decide(&store, &about("CVE-2", TriageScope::Image(digest(2)), TriageState::Accepted), 2).await;
        assert_eq!(kept().await, [1, 3], "the image and the index that it is part of");
        assert!(!keep(2, generations[1]).await, "it was decided by what was before");
        decide(&store, &about("CVE-2", repository("team/app"), TriageState::FalsePositive), 3).await;
        assert_eq!(kept().await, [3], "no other image has such a finding");
        assert!(keep(2, store.generation(&digest(2)).await.unwrap().unwrap()).await);
        let mut work = store.begin().await.unwrap();
        work.withdraw(first.id, at(4)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(kept().await, [3]);
    });
}

#[test]
fn two_who_decide_about_the_same_at_once_leave_one_decision() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, BOTH, at(1)).await;
        let decided: Vec<_> = (0..8)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    decide(
                        &store,
                        &about("CVE-2", TriageScope::Image(digest(1)), TriageState::Accepted),
                        number,
                    )
                    .await
                    .id
                })
            })
            .collect();
        for one in decided {
            one.await.unwrap();
        }
        let open = TriageFilter { ended: Some(false), ..TriageFilter::default() };
        assert_eq!(store.triage_like(&open, TriageOrder::Newest(None), 100).await.unwrap().len(), 1);
        assert_eq!(
            store.triage_like(&TriageFilter::default(), TriageOrder::Oldest(0), 100).await.unwrap().len(),
            8
        );
    });
}
