//! The audit log and the tokens.

use crate::fixture::{at, fresh, on_each, run};
use assay_store::{Address, AuditFault, Checkpoint, Holder, Revoked, Role, Scope, Store, Token};

async fn write(store: &Store, entries: i64) {
    for number in 1..=entries {
        let mut work = store.begin().await.unwrap();
        let detail = serde_json::json!({ "number": number });
        work.audit("anna", "token.create", "ci", &detail, at(number)).await.unwrap();
        work.commit().await.unwrap();
    }
}

#[test]
fn the_audit_log_is_whole_whoever_writes_at_once() {
    on_each(async |store| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { write(&store, 10).await })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let end = store.verify_audit(None).await.unwrap().unwrap();
        assert_eq!(end.sequence, 40);
        let middle = &store.audit_log(19, 1).await.unwrap()[0];
        let checkpoint = Checkpoint { sequence: 20, hash: middle.hash.clone() };
        assert_eq!(store.verify_audit(Some(&checkpoint)).await.unwrap(), Ok(end));
    });
}

/// Does something to the log behind the store's back, and returns what is found.
async fn tampered(sql: &'static str) -> Vec<Result<i64, AuditFault>> {
    let mut found = Vec::new();
    for fresh in fresh().await {
        let store = Store::open(&fresh.address).await.unwrap();
        write(&store, 5).await;
        let kept = store.verify_audit(None).await.unwrap().unwrap();
        let url = match &fresh.address {
            Address::Postgres(url) => url.clone(),
            Address::File(path) => {
                let path = path.display().to_string();
                format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
            }
        };
        let pool = sqlx::AnyPool::connect(&url).await.unwrap();
        sqlx::query(sql).execute(&pool).await.unwrap();
        pool.close().await;
        found.push(store.verify_audit(Some(&kept)).await.unwrap().map(|end| end.sequence));
        store.close().await;
    }
    found
}

#[test]
fn every_change_of_the_audit_log_is_found() {
    run(async {
        for (sql, want) in [
            ("SELECT 1", Ok(5)),
            ("UPDATE audit SET actor = 'bob' WHERE sequence = 3", Err(AuditFault::Changed(3))),
            ("UPDATE audit SET at = at + 1 WHERE sequence = 1", Err(AuditFault::Changed(1))),
            ("DELETE FROM audit WHERE sequence = 2", Err(AuditFault::Broken(3))),
            ("DELETE FROM audit WHERE sequence = 1", Err(AuditFault::Broken(2))),
            // The end leaves no trace in the log, but the checkpoint knows it.
            ("DELETE FROM audit WHERE sequence = 5", Err(AuditFault::Checkpoint(5))),
            ("DELETE FROM audit", Err(AuditFault::Checkpoint(5))),
        ] {
            for found in tampered(sql).await {
                assert_eq!(found, want, "{sql}");
            }
        }
    });
}

#[test]
fn tokens_open_until_they_expire_or_are_revoked() {
    on_each(async |store| {
        let (first, ci, old) = (Token::new([1; 32]), Token::new([2; 32]), Token::new([3; 32]));
        let holder = |name: &str, role| Holder { name: name.to_owned(), role, scope: Scope::Fleet };
        let mut work = store.begin().await.unwrap();
        assert!(work.add_first_token(&first, at(1)).await.unwrap());
        assert!(!work.add_first_token(&Token::new([9; 32]), at(1)).await.unwrap());
        work.add_token(&ci, &holder("ci", Role::Developer), None, at(1)).await.unwrap();
        work.add_token(&old, &holder("old", Role::Viewer), Some(at(10)), at(1)).await.unwrap();
        work.commit().await.unwrap();
        let of = async |token: &Token, second| store.holder(token, at(second)).await.unwrap();
        assert_eq!(of(&first, 2).await.unwrap().role, Role::Admin);
        assert_eq!(of(&Token::presented(ci.reveal()), 2).await, Some(holder("ci", Role::Developer)));
        assert_eq!(of(&old, 9).await, Some(holder("old", Role::Viewer)));
        assert_eq!(of(&old, 10).await, None);
        for unknown in ["", "assay_", "' OR 1=1 --", &"x".repeat(100_000)] {
            assert_eq!(of(&Token::presented(unknown), 2).await, None);
        }
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.revoke_tokens("ci", at(5)).await.unwrap(), 1);
        work.commit().await.unwrap();
        assert_eq!(of(&ci, 6).await, None);
    });
}

#[test]
fn a_token_is_not_shown_by_chance() {
    let token = Token::new([0xab; 32]);
    assert!(token.reveal().starts_with("assay_abab") && token.reveal().len() == 70);
    assert_eq!(format!("{token:?}"), "Token(…)");
}

#[test]
fn there_is_one_token_per_name_and_always_an_administrator() {
    on_each(async |store| {
        let holder = |name: &str, role| Holder { name: name.to_owned(), role, scope: Scope::Fleet };
        let mut work = store.begin().await.unwrap();
        work.add_first_token(&Token::new([1; 32]), at(1)).await.unwrap();
        let ci = holder("ci", Role::Viewer);
        assert!(work.add_named_token(&Token::new([2; 32]), &ci, Some(at(10)), at(1)).await.unwrap());
        assert!(!work.add_named_token(&Token::new([3; 32]), &ci, None, at(9)).await.unwrap());
        // The first has expired.
        assert!(work.add_named_token(&Token::new([3; 32]), &ci, None, at(10)).await.unwrap());
        assert_eq!(work.revoke_named_token(&Scope::Fleet, "nobody", at(11)).await.unwrap(), Revoked::Unknown);
        let first = "first administrator";
        assert_eq!(
            work.revoke_named_token(&Scope::Fleet, first, at(11)).await.unwrap(),
            Revoked::LastAdministrator
        );
        // One who is let in for a time only could leave nobody behind.
        let guest = holder("guest", Role::Admin);
        assert!(work.add_named_token(&Token::new([4; 32]), &guest, Some(at(99)), at(11)).await.unwrap());
        assert_eq!(
            work.revoke_named_token(&Scope::Fleet, first, at(11)).await.unwrap(),
            Revoked::LastAdministrator
        );
        let second = holder("second", Role::Admin);
        assert!(work.add_named_token(&Token::new([5; 32]), &second, None, at(11)).await.unwrap());
        assert_eq!(work.revoke_named_token(&Scope::Fleet, first, at(12)).await.unwrap(), Revoked::Done);
        assert_eq!(work.revoke_named_token(&Scope::Fleet, first, at(12)).await.unwrap(), Revoked::Unknown);
        assert_eq!(work.revoke_named_token(&Scope::Fleet, "ci", at(12)).await.unwrap(), Revoked::Done);
        work.commit().await.unwrap();
        let tokens = store.tokens(1, 3).await.unwrap();
        assert_eq!(tokens.iter().map(|token| token.name.as_str()).collect::<Vec<_>>(), ["ci", "ci", "guest"]);
        assert_eq!((tokens[1].role.as_str(), tokens[1].revoked), ("viewer", Some(at(12))));
        assert_eq!(tokens[2].expires, Some(at(99)));
    });
}
