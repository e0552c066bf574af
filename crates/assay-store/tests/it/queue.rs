//! The job queue: order, limits, one open job per name, back-off, lost workers.

use crate::fixture::{at, on_each};
use assay_store::{Enqueued, Job, Moment, NewJob, QueueDepth, Recovered, Store, Terms};
use std::time::Duration;

fn new(name: &str, registry: &str, priority: i64) -> NewJob {
    NewJob {
        kind: "scan".to_owned(),
        name: name.to_owned(),
        registry: registry.to_owned(),
        payload: format!("payload of {name}"),
        priority,
        max_attempts: 3,
    }
}

fn terms(per_registry: i64) -> Terms {
    Terms { lease: Duration::from_secs(60), per_registry }
}

async fn names(store: &Store, terms: &Terms, now: Moment) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(job) = store.claim("w", terms, now).await.unwrap() {
        names.push(job.name);
    }
    names
}

async fn finish(store: &Store, job: &Job, now: Moment) -> bool {
    let mut work = store.begin().await.unwrap();
    let ours = work.complete(job, now).await.unwrap();
    work.commit().await.unwrap();
    ours
}

#[test]
fn the_urgent_come_first_and_then_the_old() {
    on_each(async |store| {
        for (name, priority, second) in [("late", 0, 2), ("early", 0, 1), ("urgent", 5, 3), ("later", 0, 90)]
        {
            store.enqueue(&new(name, "", priority), at(second)).await.unwrap();
        }
        assert_eq!(names(&store, &terms(9), at(10)).await, ["urgent", "early", "late"]);
        assert_eq!(names(&store, &terms(9), at(90)).await, ["later"]);
    });
}

#[test]
fn one_job_is_open_per_name() {
    on_each(async |store| {
        assert_eq!(store.enqueue(&new("a", "", 0), at(1)).await.unwrap(), Enqueued::New);
        store.enqueue(&new("b", "", 1), at(1)).await.unwrap();
        // It was known, and is urgent now.
        assert_eq!(store.enqueue(&new("a", "", 7), at(1)).await.unwrap(), Enqueued::Known);
        let job = store.claim("w", &terms(9), at(1)).await.unwrap().unwrap();
        assert_eq!((job.name.as_str(), job.payload.as_str(), job.attempt), ("a", "payload of a", 1));
        assert_eq!(store.enqueue(&new("a", "", 0), at(2)).await.unwrap(), Enqueued::Known);
        assert!(finish(&store, &job, at(3)).await);
        // It was done; whoever asks again wants it again.
        assert_eq!(store.enqueue(&new("a", "", 0), at(4)).await.unwrap(), Enqueued::New);
        assert_eq!(store.queued().await.unwrap(), 2);
    });
}

#[test]
fn a_registry_is_not_asked_by_more_than_may() {
    on_each(async |store| {
        for name in ["a1", "a2", "a3"] {
            store.enqueue(&new(name, "a.example", 5), at(1)).await.unwrap();
        }
        store.enqueue(&new("b1", "b.example", 0), at(1)).await.unwrap();
        store.enqueue(&new("free1", "", 0), at(1)).await.unwrap();
        store.enqueue(&new("free2", "", 0), at(1)).await.unwrap();
        store.enqueue(&new("free3", "", 0), at(1)).await.unwrap();
        let first = store.claim("w", &terms(2), at(1)).await.unwrap().unwrap();
        assert_eq!(first.name, "a1");
        assert_eq!(names(&store, &terms(2), at(1)).await, ["a2", "b1", "free1", "free2", "free3"]);
        assert!(finish(&store, &first, at(2)).await);
        assert_eq!(names(&store, &terms(2), at(2)).await, ["a3"]);
    });
}

#[test]
fn limits_hold_while_many_choose_at_once() {
    on_each(async |store| {
        for number in 0..30 {
            store.enqueue(&new(&number.to_string(), "a.example", 0), at(1)).await.unwrap();
        }
        let claims: Vec<_> = (0..12)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    store.claim(&format!("w{number}"), &terms(5), at(1)).await.unwrap().map(|job| job.id)
                })
            })
            .collect();
        let mut taken = Vec::new();
        for claim in claims {
            taken.extend(claim.await.unwrap());
        }
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), 5, "{taken:?}");
    });
}

#[test]
fn what_fails_is_tried_again_later_and_not_for_ever() {
    on_each(async |store| {
        store.enqueue(&new("a", "", 0), at(0)).await.unwrap();
        let mut now = at(0);
        for attempt in 1..=3 {
            let job = store.claim("w", &terms(9), now).await.unwrap().unwrap();
            assert_eq!(job.attempt, attempt);
            assert!(store.fail(&job, "registry answered 503", now).await.unwrap());
            assert_eq!(store.claim("w", &terms(9), now.plus(Duration::from_secs(9))).await.unwrap(), None);
            now = now.plus(Duration::from_secs(60));
        }
        assert_eq!(store.claim("w", &terms(9), at(1_000_000)).await.unwrap(), None);
        let state = store.job_state("scan", "a").await.unwrap().unwrap();
        assert_eq!(state, ("failed".to_owned(), Some("registry answered 503".to_owned())));
        // Somebody asks again: a new job with new attempts.
        assert_eq!(store.enqueue(&new("a", "", 0), now).await.unwrap(), Enqueued::New);
    });
}

#[test]
fn a_silent_workers_job_goes_to_another_and_its_late_result_is_refused() {
    on_each(async |store| {
        store.enqueue(&new("a", "", 0), at(0)).await.unwrap();
        let lost = store.claim("lost", &terms(9), at(0)).await.unwrap().unwrap();
        assert!(store.heartbeat(&lost, &terms(9), at(50)).await.unwrap());
        assert_eq!(store.recover(at(100)).await.unwrap(), Recovered::default());
        assert_eq!(store.recover(at(111)).await.unwrap(), Recovered { queued: 1, failed: 0 });
        let job = store.claim("other", &terms(9), at(111)).await.unwrap().unwrap();
        assert_eq!((job.id, job.attempt), (lost.id, 2));
        // The first comes back from a long pause.
        assert!(!store.heartbeat(&lost, &terms(9), at(112)).await.unwrap());
        assert!(!store.fail(&lost, "late", at(112)).await.unwrap());
        assert!(!finish(&store, &lost, at(112)).await);
        assert!(finish(&store, &job, at(113)).await);
        assert!(!finish(&store, &job, at(114)).await);
    });
}

#[test]
fn a_job_that_kills_every_worker_ends() {
    on_each(async |store| {
        store.enqueue(&new("bomb", "", 0), at(0)).await.unwrap();
        for round in 1..=3 {
            store.claim("w", &terms(9), at(round * 1000)).await.unwrap().unwrap();
            let recovered = store.recover(at(round * 1000 + 61)).await.unwrap();
            assert_eq!(recovered.failed, u64::from(round == 3));
        }
        let (state, error) = store.job_state("scan", "bomb").await.unwrap().unwrap();
        assert_eq!((state.as_str(), error.as_deref()), ("failed", Some("its worker fell silent")));
    });
}

#[test]
fn depth_and_wait_are_told() {
    on_each(async |store| {
        store.enqueue(&new("a", "", 0), at(1)).await.unwrap();
        store.enqueue(&new("b", "", 0), at(2)).await.unwrap();
        store.enqueue(&new("c", "", 0), at(3)).await.unwrap();
        let job = store.claim("w", &terms(9), at(9)).await.unwrap().unwrap();
        assert_eq!(job.waited, Duration::from_secs(8));
        let depth = |state: &str, jobs, oldest| QueueDepth {
            kind: "scan".to_owned(),
            state: state.to_owned(),
            jobs,
            oldest: at(oldest),
        };
        assert_eq!(store.depths().await.unwrap(), [depth("queued", 2, 2), depth("running", 1, 1)]);
        finish(&store, &job, at(10)).await;
        assert_eq!(store.depths().await.unwrap(), [depth("done", 1, 1), depth("queued", 2, 2)]);
        assert_eq!(store.forget_jobs(at(10)).await.unwrap(), 0);
        assert_eq!(store.forget_jobs(at(11)).await.unwrap(), 1);
        assert_eq!(store.depths().await.unwrap(), [depth("queued", 2, 2)]);
    });
}

#[test]
fn a_full_queue_takes_only_what_is_in_it_already() {
    on_each(async |store| {
        let ask = async |name: &str| {
            let mut work = store.begin().await.unwrap();
            let said = work.enqueue_below(&new(name, "", 5), 2, at(1)).await.unwrap();
            work.commit().await.unwrap();
            said
        };
        assert_eq!(ask("a").await, Enqueued::New);
        assert_eq!(ask("b").await, Enqueued::New);
        assert_eq!(ask("c").await, Enqueued::Full);
        assert_eq!(ask("a").await, Enqueued::Known);
        assert_eq!(store.queued().await.unwrap(), 2);
        store.claim("w", &terms(9), at(1)).await.unwrap().unwrap();
        assert_eq!(ask("c").await, Enqueued::New);
    });
}

#[test]
fn an_attempt_that_failed_may_be_made_elsewhere() {
    on_each(async |store| {
        store.enqueue(&new("a", "one.example", 0), at(1)).await.unwrap();
        let job = store.claim("w", &terms(1), at(1)).await.unwrap().unwrap();
        assert!(store.fail_over(&job, "404", ("other.example", "team/app"), at(1)).await.unwrap());
        let again = store.claim("w", &terms(1), at(60)).await.unwrap().unwrap();
        assert_eq!((again.registry.as_str(), again.payload.as_str()), ("other.example", "team/app"));
        // It counts towards the limit of the registry that it asks now.
        store.enqueue(&new("b", "one.example", 0), at(60)).await.unwrap();
        store.enqueue(&new("c", "other.example", 0), at(60)).await.unwrap();
        assert_eq!(names(&store, &terms(1), at(60)).await, ["b"]);
    });
}
