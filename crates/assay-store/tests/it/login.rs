//! Logins by an identity provider: an attempt is used once, and a login ends with its time, its session or the terms it came about under.

use crate::fixture::{at, fresh, run};
use assay_store::{Holder, LoginAttempt, Role, Scope, Session, Store};

#[test]
fn an_attempt_is_taken_once_and_in_time() {
    run(async {
        for fresh in fresh().await {
            let store = Store::open(&fresh.address).await.unwrap();
            let attempt = LoginAttempt { nonce: "n".into(), verifier: "v".into(), wanted: "/x".into() };
            let mut work = store.begin().await.unwrap();
            work.begin_login("one", &attempt, at(0)).await.unwrap();
            work.begin_login("two", &attempt, at(0)).await.unwrap();
            assert!(work.take_login("three", at(1)).await.unwrap().is_none());
            assert!(work.take_login("one", at(599)).await.unwrap() == Some(attempt));
            assert!(work.take_login("one", at(599)).await.unwrap().is_none(), "it was used twice");
            assert!(work.take_login("two", at(600)).await.unwrap().is_none(), "it was too late");
            work.commit().await.unwrap();
            store.close().await;
        }
    });
}

#[test]
fn a_login_ends_with_its_time_its_session_and_its_terms() {
    run(async {
        for fresh in fresh().await {
            let store = Store::open(&fresh.address).await.unwrap();
            let holder = Holder { name: "alice (oidc 1)".into(), role: Role::Security, scope: Scope::Fleet };
            let session = |number: u8| Session::new([number; 32]);
            let mut work = store.begin().await.unwrap();
            for number in 0..3 {
                work.add_login(&session(number), &holder, "terms", at(0)).await.unwrap();
            }
            work.add_login(&session(3), &holder, "others", at(0)).await.unwrap();
            work.commit().await.unwrap();
            let known = async |number, seconds| {
                store.session_holder(&session(number), Some("terms"), at(seconds)).await.unwrap()
            };
            assert_eq!(known(0, 12 * 3600 - 1).await, Some(holder));
            assert_eq!(known(0, 12 * 3600).await, None);
            assert_eq!(known(9, 1).await, None);
            assert_eq!(known(3, 1).await, None, "another server lets people in by former terms");
            assert_eq!(store.session_holder(&session(0), None, at(1)).await.unwrap(), None);
            let mut work = store.begin().await.unwrap();
            assert!(work.end_session(&session(1)).await.unwrap());
            assert!(!work.end_session(&session(1)).await.unwrap());
            assert_eq!(work.end_other_logins(Some("terms")).await.unwrap(), 1);
            work.commit().await.unwrap();
            assert_eq!((known(1, 1).await, known(3, 1).await), (None, None));
            assert!(known(2, 1).await.is_some());
            let mut work = store.begin().await.unwrap();
            work.end_other_logins(None).await.unwrap();
            work.commit().await.unwrap();
            assert_eq!(known(2, 1).await, None, "a server without a provider lets somebody in by one");
            store.close().await;
        }
    });
}
