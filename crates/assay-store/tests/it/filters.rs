//! Lists as programs choose them, jobs by their number, and a log held against many checkpoints, on each kind of database.

use crate::fixture::{at, on_each};
use assay_store::{AuditFault, Checkpoint, Enqueued, Holder, NewJob, Role, Scope, Token};
use serde_json::json;

#[test]
fn all_that_is_given_must_fit() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        for (number, role) in Role::ALL.into_iter().enumerate() {
            let holder = Holder { name: format!("{}\0", role.name()), role, scope: Scope::Fleet };
            let token = Token::new([u8::try_from(number).unwrap(); 32]);
            work.add_token(&token, &holder, None, at(0)).await.unwrap();
            work.audit(role.name(), "a", "x", &json!({}), at(1)).await.unwrap();
            work.audit(role.name(), "b", "x", &json!({}), at(1)).await.unwrap();
        }
        work.ask_for_crawl("r.example", "app", at(1), at(2)).await.unwrap();
        work.commit().await.unwrap();
        let audit = async |actor, action| store.audit_like(actor, action, 0, 100).await.unwrap().len();
        assert_eq!((audit(None, None).await, audit(Some("viewer"), None).await), (8, 2));
        assert_eq!((audit(None, Some("b")).await, audit(Some("viewer"), Some("c")).await), (4, 0));
        let tokens = async |name, role| {
            store.within(&Scope::Fleet).tokens_like(name, role, 0, 100).await.unwrap().len()
        };
        assert_eq!((tokens(None, None).await, tokens(None, Some("admin")).await), (4, 1));
        // What is looked for is cleaned as what is kept was.
        assert_eq!(
            (tokens(Some("admin\0"), None).await, tokens(Some("admin\0"), Some("viewer")).await),
            (1, 0)
        );
        let crawls =
            async |registry, repository| store.crawls_like(registry, repository, 0, 100).await.unwrap().len();
        assert_eq!((crawls(Some("r.example"), Some("app")).await, crawls(None, Some("other")).await), (1, 0));
    });
}

#[test]
fn a_job_is_found_by_its_number() {
    on_each(async |store| {
        let job = NewJob {
            kind: "resolve".into(),
            name: "ask x".into(),
            registry: "r.example".into(),
            payload: "p".into(),
            priority: 1,
            max_attempts: 2,
        };
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.enqueue(&job, at(3)).await.unwrap(), Enqueued::New);
        work.commit().await.unwrap();
        let id = store.job_number("resolve", "ask x").await.unwrap().unwrap();
        assert_eq!(store.job_number("scan", "ask x").await.unwrap(), None);
        let found = store.job(id).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.state.as_str(), found.created), ("ask x", "queued", at(3)));
        assert_eq!(store.job(id + 1).await.unwrap(), None);
    });
}

#[test]
fn a_log_has_every_checkpoint_or_is_not_the_one_that_was() {
    on_each(async |store| {
        let mut kept = vec![store.audit_end().await.unwrap()];
        for number in 0..3 {
            let mut work = store.begin().await.unwrap();
            work.audit("a", "b", &number.to_string(), &json!({}), at(number)).await.unwrap();
            work.commit().await.unwrap();
            kept.push(store.audit_end().await.unwrap());
        }
        let verify = async |kept: &[Checkpoint]| store.verify_audit_against(kept).await.unwrap();
        assert_eq!(verify(&kept).await, Ok(kept[3].clone()));
        for wrong in [
            Checkpoint { sequence: 2, hash: "0".repeat(64) },
            Checkpoint { sequence: 4, hash: kept[3].hash.clone() },
            Checkpoint { sequence: 0, hash: kept[3].hash.clone() },
            Checkpoint { sequence: -1, hash: kept[3].hash.clone() },
        ] {
            let all = [&kept[..], std::slice::from_ref(&wrong)].concat();
            assert_eq!(verify(&all).await, Err(AuditFault::Checkpoint(wrong.sequence)), "{wrong:?}");
        }
    });
}
