//! What is due to be promoted, what was, and which release tags moved by themselves.

use crate::fixture::{at, digest, on_each, place, scan};
use assay_store::{
    Candidate, CandidateState, Child, Depth, Incoming, Moment, NewJob, NewPromotion, Place, ReleaseTag,
    SET_APART, Service, Store, Terms,
};

fn incoming() -> Incoming<'static> {
    Incoming {
        registry: "registry.example",
        repository: "team/app",
        below: false,
        target: "registry.example/release/app",
    }
}

fn release(tag: &str) -> Place {
    Place {
        registry: "registry.example".to_owned(),
        repository: "release/app".to_owned(),
        tag: Some(tag.to_owned()),
    }
}

async fn see(store: &Store, number: u8, place: &Place, second: i64) {
    let mut work = store.begin().await.unwrap();
    work.see(&digest(number), place, at(second)).await.unwrap();
    work.commit().await.unwrap();
}

async fn due(store: &Store, again: Moment) -> Vec<Candidate> {
    store.candidates(&incoming(), "policy", again, 10).await.unwrap()
}

async fn decide(store: &Store, candidate: &Candidate, state: CandidateState, why: &str, second: i64) -> bool {
    let mut work = store.begin().await.unwrap();
    let news = work.decide_candidate(candidate, "policy", (state, why), at(second)).await.unwrap();
    work.commit().await.unwrap();
    news
}

#[test]
fn a_tag_is_due_until_it_is_decided_and_again_when_anything_changes() {
    on_each(async |store| {
        see(&store, 1, &place(Some("1.0")), 1).await;
        see(&store, 2, &Place { repository: "team/application".to_owned(), ..place(Some("1.0")) }, 1).await;
        let first = due(&store, at(0)).await;
        assert_eq!((first.len(), first[0].digest, first[0].before.is_none()), (1, digest(1), true));
        assert!(decide(&store, &first[0], CandidateState::Denied, "why", 2).await);
        assert_eq!(due(&store, at(1)).await, []);

        // Time alone makes it due; the same answer is no news then, another is.
        let again = due(&store, at(2)).await;
        assert_eq!(again.len(), 1);
        assert!(!decide(&store, &again[0], CandidateState::Denied, "why", 3).await);
        assert!(decide(&store, &again[0], CandidateState::Denied, "other", 3).await);

        // So does a change of what verdicts rest on, and another policy.
        let mut work = store.begin().await.unwrap();
        work.forget_verdicts(&digest(1)).await.unwrap();
        work.commit().await.unwrap();
        let changed = due(&store, at(0)).await;
        assert_eq!(changed[0].generation, first[0].generation + 1);
        decide(&store, &changed[0], CandidateState::Denied, "why", 4).await;
        assert_eq!(due(&store, at(0)).await, []);
        assert_eq!(store.candidates(&incoming(), "another", at(0), 10).await.unwrap().len(), 1);

        // What was promoted is due when the tag names another image, and not before.
        decide(&store, &changed[0], CandidateState::Promoted, "", 5).await;
        assert_eq!(due(&store, at(100)).await, []);
        assert_eq!(store.candidates(&incoming(), "another", at(100), 10).await.unwrap(), []);
        see(&store, 3, &place(Some("1.0")), 6).await;
        let moved = due(&store, at(0)).await;
        assert_eq!((moved.len(), moved[0].digest), (1, digest(3)));
        // A tag in the way is not judged away.
        decide(&store, &moved[0], CandidateState::Refused, "taken", 7).await;
        let mut work = store.begin().await.unwrap();
        work.forget_verdicts(&digest(3)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(due(&store, at(100)).await, []);
        assert_eq!(store.promotion_counts().await.unwrap().refused, 1);
        let staying = store.staying(0, 10).await.unwrap();
        assert_eq!((staying.len(), staying[0].reason.as_str(), staying[0].digest), (1, "taken", digest(3)));
        assert_eq!(store.staying(1, 10).await.unwrap(), []);

        // All repositories below a name, and nothing that only begins like it.
        let below =
            Incoming { repository: "team/", below: true, target: "registry.example/all/*", ..incoming() };
        let all = store.candidates(&below, "policy", at(0), 10).await.unwrap();
        let names: Vec<&str> = all.iter().map(|one| one.place.repository.as_str()).collect();
        assert_eq!(names, ["team/application", "team/app"]);
        let other = Incoming { repository: "tea", below: false, ..below };
        assert_eq!(store.candidates(&other, "policy", at(0), 10).await.unwrap(), []);
    });
}

#[test]
fn a_move_without_a_promotion_is_told_of_once_and_one_with_it_never() {
    on_each(async |store| {
        let check = async |number: u8, second: i64| {
            let mut work = store.begin().await.unwrap();
            let said = work.check_release(&release("1.0"), &digest(number), at(second)).await.unwrap();
            work.commit().await.unwrap();
            said
        };
        let begin = async |number: u8, second: i64| {
            let mut work = store.begin().await.unwrap();
            let (from, to) = (place(None), release("1.0"));
            let new = NewPromotion {
                from: &from,
                to: &to,
                digest: digest(number),
                actor: "somebody",
                verdict: "admit",
                policy: "policy",
            };
            // Twice is once: the process may die in between.
            for _ in 0..2 {
                work.start_promotion(&new, at(second)).await.unwrap();
            }
            work.commit().await.unwrap();
        };
        let end = async |number: u8, second: i64| {
            let mut work = store.begin().await.unwrap();
            work.finish_promotion(&release("1.0"), &digest(number), at(second)).await.unwrap();
            work.commit().await.unwrap();
        };
        assert_eq!(check(9, 1).await, ReleaseTag::Fine);
        begin(1, 10).await;
        let since = async |number: u8, second: i64| {
            store.promoted_since(&release("1.0"), &digest(number), at(second)).await.unwrap()
        };
        // What was asked for before must not undo it; the same again may be done.
        assert!(since(2, 9).await && !since(2, 10).await && !since(1, 9).await);
        assert!(!store.promoted_since(&release("2.0"), &digest(2), at(9)).await.unwrap());
        assert_eq!(check(1, 11).await, ReleaseTag::Fine);
        end(1, 12).await;
        assert_eq!(check(9, 11).await, ReleaseTag::Fine, "it was asked before the promotion was done");
        assert_eq!(check(1, 13).await, ReleaseTag::Fine);
        assert_eq!(check(2, 14).await, ReleaseTag::Moved { promoted: digest(1) });
        assert_eq!(check(2, 15).await, ReleaseTag::Fine);
        assert_eq!(check(3, 16).await, ReleaseTag::Moved { promoted: digest(1) });
        let counts = store.promotion_counts().await.unwrap();
        assert_eq!((counts.done, counts.open, counts.moved), (1, 0, 1));
        assert_eq!(check(1, 17).await, ReleaseTag::Back);
        assert_eq!(store.promotion_counts().await.unwrap().moved, 0);

        // The next promotion moves it, which is seen before it is done.
        begin(4, 20).await;
        assert_eq!(check(4, 21).await, ReleaseTag::Fine);
        assert_eq!(check(5, 21).await, ReleaseTag::Moved { promoted: digest(1) });
        end(4, 22).await;
        assert_eq!(store.promotion_counts().await.unwrap().moved, 0);
        assert_eq!(check(1, 23).await, ReleaseTag::Moved { promoted: digest(4) });
        let all = store.promotions(0, 10).await.unwrap();
        let seen: Vec<_> = all.iter().map(|one| (one.digest, one.moved_to.is_some())).collect();
        assert_eq!(seen, [(digest(1), true), (digest(4), true)]);
        assert_eq!(store.newest_promotions(None, 1).await.unwrap()[0].digest, digest(4));
        assert_eq!(store.promotions(all[0].id, 1).await.unwrap(), all[1..]);
    });
}

#[test]
fn a_pull_is_written_once_in_a_minute_and_of_what_is_known_only() {
    on_each(async |store| {
        see(&store, 1, &place(None), 1).await;
        let pull = async |number: u8, second: i64| {
            let mut work = store.begin().await.unwrap();
            let written = work.pulled(&digest(number), at(second)).await.unwrap();
            work.commit().await.unwrap();
            written
        };
        assert!(!pull(2, 100).await);
        assert!(pull(1, 100).await);
        assert!(!pull(1, 159).await && !pull(1, 50).await);
        assert_eq!(store.last_pulled(&digest(1)).await.unwrap(), Some(at(100)));
        assert!(pull(1, 160).await);
        assert_eq!(store.last_pulled(&digest(1)).await.unwrap(), Some(at(160)));
        assert_eq!(store.last_pulled(&digest(2)).await.unwrap(), None);
    });
}

#[test]
fn who_prunes_a_registry_learns_what_runs_and_how_old_it_is() {
    on_each(async |store| {
        for (number, tag, second) in [(1, "a", 10), (2, "b", 20), (3, "c", 30), (4, "d", 40), (5, "e", 50)] {
            see(&store, number, &place(Some(tag)), second).await;
        }
        see(&store, 6, &Place { repository: "team/other".to_owned(), ..place(Some("x")) }, 60).await;
        let service = |name| Service { environment: "production", name };
        let mut work = store.begin().await.unwrap();
        // An index of two images, of which one runs; and what was good before what runs now.
        let child = |number| Child { digest: digest(number), platform: String::new() };
        work.set_children(&digest(1), &[child(2), child(3)]).await.unwrap();
        work.deploy(&service("web"), &digest(2), at(70)).await.unwrap();
        work.deploy(&service("job"), &digest(4), at(70)).await.unwrap();
        work.mark_good(&service("job")).await.unwrap();
        work.deploy(&service("job"), &digest(6), at(80)).await.unwrap();
        work.deploy(&service("gone"), &digest(5), at(80)).await.unwrap();
        work.undeploy(&service("gone"), at(90)).await.unwrap();
        work.pulled(&digest(5), at(100)).await.unwrap();
        work.commit().await.unwrap();
        let deployed = store.deployed().await.unwrap();
        assert_eq!(deployed, [1, 2, 3, 4, 6].map(digest).into());
        let mut used = store.used("registry.example", "team/app").await.unwrap();
        used.sort_by_key(|one| one.first_seen);
        let seen: Vec<_> = used.iter().map(|one| (one.digest, one.first_seen, one.last_pulled)).collect();
        assert_eq!(seen.len(), 5);
        assert_eq!(seen[4], (digest(5), at(50), Some(at(100))));
        assert_eq!(seen[0], (digest(1), at(10), None));
    });
}

#[test]
fn what_was_only_scanned_fast_is_found() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, &[], at(10)).await;
        scan(&store, &digest(2), Depth::Fast, &[], at(20)).await;
        scan(&store, &digest(2), Depth::Deep, &[], at(30)).await;
        scan(&store, &digest(3), Depth::Fast, &[], at(40)).await;
        see(&store, 4, &place(None), 50).await;
        let digests = async |since: i64, limit: i64| {
            let found = store.shallow(at(since), limit).await.unwrap();
            found.into_iter().map(|(digest, _)| digest).collect::<Vec<_>>()
        };
        assert_eq!(digests(0, 10).await, [digest(3), digest(1)]);
        assert_eq!(digests(11, 10).await, [digest(3)]);
        assert_eq!(digests(0, 1).await, [digest(3)]);
        let turn = async |before: i64, now: i64| {
            let mut work = store.begin().await.unwrap();
            let taken = work.take_turn("deep", at(before), at(now)).await.unwrap();
            work.commit().await.unwrap();
            taken
        };
        assert!(turn(0, 10).await && !turn(9, 19).await && turn(10, 20).await && !turn(10, 20).await);
    });
}

#[test]
fn promotions_are_left_to_who_may_do_them() {
    on_each(async |store| {
        let job = |kind: &str| NewJob {
            kind: kind.to_owned(),
            name: "n".to_owned(),
            registry: "r".to_owned(),
            payload: String::new(),
            priority: 0,
            max_attempts: 3,
        };
        let terms = Terms::default();
        store.enqueue(&job(SET_APART), at(1)).await.unwrap();
        assert_eq!(store.claim("worker", &terms, at(2)).await.unwrap(), None);
        store.enqueue(&job("scan"), at(1)).await.unwrap();
        let promote = store.claim_set_apart("promoter", &terms, at(2)).await.unwrap().unwrap();
        assert_eq!(promote.kind, SET_APART);
        assert_eq!(store.claim_set_apart("promoter", &terms, at(2)).await.unwrap(), None);
        assert_eq!(store.claim("worker", &terms, at(2)).await.unwrap().unwrap().kind, "scan");
    });
}
