//! Credentials for registries: which is chosen, and that nothing replaces what it did not see.

use crate::fixture::{at, on_each};
use assay_store::{
    CredentialKind, CredentialPurpose, CredentialSet, CredentialTerms, MAX_CREDENTIALS, Sealed, Store,
};

fn terms(registry: &str, repository: &str, purpose: CredentialPurpose) -> CredentialTerms {
    CredentialTerms {
        registry: registry.to_owned(),
        repository: repository.to_owned(),
        purpose,
        kind: CredentialKind::Password,
        account: "robot".to_owned(),
    }
}

fn sealed(bytes: &[u8]) -> Sealed {
    Sealed { by: "k1".to_owned(), bytes: bytes.to_vec() }
}

async fn set(store: &Store, terms: &CredentialTerms, bytes: &[u8]) -> CredentialSet {
    let mut work = store.begin().await.unwrap();
    let done = work.set_credential(terms, &sealed(bytes), "anna", at(1)).await.unwrap();
    work.commit().await.unwrap();
    done
}

#[test]
fn the_longest_name_that_is_above_a_repository_has_its_credential() {
    on_each(async |store| {
        use CredentialPurpose::{Read, Write};
        for (registry, repository, purpose) in [
            ("r.example", "", Read),
            ("r.example", "team", Read),
            ("r.example", "team/app", Read),
            ("r.example", "team/app", Write),
            ("r.example", "te%", Read),
            ("s.example", "team/app/deep", Read),
        ] {
            let name = format!("{registry}/{repository} {}", purpose.name());
            let done = set(&store, &terms(registry, repository, purpose), name.as_bytes()).await;
            assert!(matches!(done, CredentialSet::Added(_)), "{name}: {done:?}");
        }
        for (registry, repository, purpose, want) in [
            ("r.example", "team/app", Read, Some("r.example/team/app read")),
            ("r.example", "team/app/deep", Read, Some("r.example/team/app read")),
            ("r.example", "team/application", Read, Some("r.example/team read")),
            ("r.example", "teams/app", Read, Some("r.example/ read")),
            ("r.example", "TEAM/app", Read, Some("r.example/ read")),
            ("r.example", "team/app", Write, Some("r.example/team/app write")),
            ("r.example", "team/other", Write, None),
            ("s.example", "team/app", Read, None),
            ("s.example", "team/app/deep/er", Read, Some("s.example/team/app/deep read")),
            ("t.example", "team/app", Read, None),
        ] {
            let found = store.credential_for(registry, repository, purpose).await.unwrap();
            let found = found.map(|kept| String::from_utf8(kept.sealed.bytes).unwrap());
            assert_eq!(found.as_deref(), want, "{registry}/{repository} {purpose:?}");
        }
        assert_eq!(store.credentials(Some("s.example"), 0, 10).await.unwrap().len(), 1);
        assert_eq!(store.credentials(None, 2, 10).await.unwrap().len(), 4);
    });
}

#[test]
fn one_takes_the_place_of_another_and_is_encrypted_anew_only_as_it_was_seen() {
    on_each(async |store| {
        let terms = terms("r.example", "team", CredentialPurpose::Read);
        let added = set(&store, &terms, b"first").await;
        let seen = store.credentials(None, 0, 10).await.unwrap().remove(0);
        assert_eq!(added, CredentialSet::Added(seen.id));
        assert_eq!((&seen.terms, seen.set_by.as_str(), seen.set, seen.used), (&terms, "anna", at(1), None));
        store.use_credential(&seen, at(100)).await.unwrap();
        let used = store.credentials(None, 0, 10).await.unwrap().remove(0);
        assert_eq!(used.used, Some(at(100)));
        store.use_credential(&used, at(200)).await.unwrap();
        assert_eq!(
            store.credentials(None, 0, 10).await.unwrap()[0].used,
            Some(at(100)),
            "not each use is written"
        );
        store.use_credential(&used, at(4000)).await.unwrap();
        assert_eq!(store.credentials(None, 0, 10).await.unwrap()[0].used, Some(at(4000)));

        assert_eq!(set(&store, &terms, b"second").await, CredentialSet::Replaced(seen.id));
        let new = Sealed { by: "k2".to_owned(), bytes: b"anew".to_vec() };
        let mut work = store.begin().await.unwrap();
        assert!(!work.reseal_credential(&seen, &new).await.unwrap(), "what was set meanwhile is lost");
        let second =
            store.credential_for("r.example", "team", CredentialPurpose::Read).await.unwrap().unwrap();
        assert_eq!((second.id, second.sealed.bytes.as_slice(), second.used), (seen.id, &b"second"[..], None));
        assert!(work.reseal_credential(&second, &new).await.unwrap());
        work.commit().await.unwrap();
        let mut work = store.begin().await.unwrap();
        let gone = work.remove_credential(second.id).await.unwrap().unwrap();
        assert_eq!((gone.sealed, gone.terms.place()), (new, "r.example/team".to_owned()));
        assert_eq!(work.remove_credential(second.id).await.unwrap(), None);
        work.commit().await.unwrap();
        assert_eq!(store.credentials(None, 0, 10).await.unwrap(), []);
    });
}

#[test]
fn there_are_not_more_than_can_be_opened_anew() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        let named = |number: i64| terms("r.example", &format!("team/{number}"), CredentialPurpose::Write);
        for number in 0..MAX_CREDENTIALS {
            work.set_credential(&named(number), &sealed(b"x"), "anna", at(1)).await.unwrap();
        }
        let more = work.set_credential(&named(MAX_CREDENTIALS), &sealed(b"x"), "anna", at(1)).await.unwrap();
        assert_eq!(more, CredentialSet::TooMany);
        let again = work.set_credential(&named(0), &sealed(b"y"), "anna", at(1)).await.unwrap();
        assert!(matches!(again, CredentialSet::Replaced(_)), "{again:?}");
    });
}
