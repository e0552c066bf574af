//! What is attached to images: what comes and goes, answers of repositories, and that none is not the same as no answer.

use crate::fixture::{at, digest, on_each, place};
use assay_store::{EvidenceSeen, Place, Saved, Store};
use std::collections::BTreeSet;

fn piece(number: u8) -> EvidenceSeen {
    EvidenceSeen { digest: digest(number), carrier: digest(99), kind: "application/x".to_owned() }
}

async fn known(store: &Store) {
    let mut work = store.begin().await.unwrap();
    work.see(&digest(1), &place(None), at(1)).await.unwrap();
    work.commit().await.unwrap();
}

#[test]
fn evidence_that_comes_or_goes_is_a_change() {
    on_each(async |store| {
        known(&store).await;
        let mut work = store.begin().await.unwrap();
        let mut step = async |numbers: &[u8], second| {
            let seen: Vec<EvidenceSeen> = numbers.iter().map(|number| piece(*number)).collect();
            let change = work.see_evidence(&digest(1), &place(None), &seen, at(second)).await.unwrap();
            let numbers = |all: Vec<EvidenceSeen>| -> Vec<u8> {
                (0..50).filter(|number| all.contains(&piece(*number))).collect()
            };
            (numbers(change.added), numbers(change.gone))
        };
        for (second, now, added, gone) in [
            (1, &[][..], &[][..], &[][..]),
            (2, &[10, 11, 10], &[10, 11], &[]),
            (3, &[10, 11], &[], &[]),
            (4, &[11], &[], &[10]),
            (5, &[11], &[], &[]),
            (6, &[10, 11], &[10], &[]),
            (7, &[10], &[], &[11]),
        ] {
            assert_eq!(step(now, second).await, (added.to_vec(), gone.to_vec()), "{second}");
        }
        work.commit().await.unwrap();
        let all = store.evidence(&digest(1), 0, 9).await.unwrap();
        let all: Vec<_> = all.into_iter().map(|one| (one.seen, one.first_seen, one.gone_at)).collect();
        assert_eq!(all, [(piece(10), at(2), None), (piece(11), at(2), Some(at(7)))]);
    });
}

#[test]
fn of_what_is_gone_only_the_last_is_remembered() {
    on_each(async |store| {
        known(&store).await;
        let piece = |number: u16| {
            let mut bytes = [0; 32];
            bytes[..2].copy_from_slice(&number.to_be_bytes());
            EvidenceSeen { digest: assay_model::Digest::Sha256(bytes), ..piece(0) }
        };
        let mut work = store.begin().await.unwrap();
        for (round, numbers) in [(1, 0..700), (2, 700..1400), (3, 1400..1402)] {
            let seen: Vec<EvidenceSeen> = numbers.map(piece).collect();
            work.see_evidence(&digest(1), &place(None), &seen, at(round)).await.unwrap();
        }
        work.commit().await.unwrap();
        let all = store.evidence(&digest(1), 0, 9999).await.unwrap();
        assert_eq!(all.len(), 1002);
        assert_eq!(all.iter().filter(|one| one.gone_at == Some(at(3))).count(), 700);
        assert_eq!(all.iter().filter(|one| one.gone_at.is_none()).count(), 2);
    });
}

#[test]
fn each_repository_has_evidence_of_its_own_and_lists_go_on() {
    on_each(async |store| {
        known(&store).await;
        let other = Place { repository: "team/other".to_owned(), ..place(None) };
        let mut work = store.begin().await.unwrap();
        work.see_evidence(&digest(1), &place(None), &[piece(10), piece(11)], at(1)).await.unwrap();
        let change = work.see_evidence(&digest(1), &other, &[piece(10)], at(2)).await.unwrap();
        assert_eq!((change.added.len(), change.gone.len()), (1, 0));
        work.commit().await.unwrap();
        let first = store.evidence(&digest(1), 0, 2).await.unwrap();
        let rest = store.evidence(&digest(1), first[1].id, 2).await.unwrap();
        assert_eq!((first.len(), rest.len(), &rest[0].place), (2, 1, &other));
    });
}

#[test]
fn an_answer_stays_until_a_later_one_and_errors_are_no_answers() {
    on_each(async |store| {
        known(&store).await;
        let save = async |body: &[u8], asked| {
            let mut work = store.begin().await.unwrap();
            let saved = work.save_gathered(&digest(1), &place(None), body, at(asked)).await.unwrap();
            work.commit().await.unwrap();
            saved
        };
        let fail = async |error: &str, asked| {
            let mut work = store.begin().await.unwrap();
            let first = work.fail_gathering(&digest(1), &place(None), error, at(asked)).await.unwrap();
            work.commit().await.unwrap();
            first
        };
        let now = async || {
            let found = store.gathered(&digest(1), &place(None)).await.unwrap()?;
            Some((found.body, found.failing, found.error))
        };
        let error = |text: &str| Some(text.to_owned());
        assert_eq!(now().await, None);
        assert!(fail("a\0b", 5).await);
        assert!(!fail("two", 6).await);
        assert_eq!(now().await, Some((None, Some(at(5)), error("two"))));
        assert_eq!(save(b"x", 7).await, Saved::Changed);
        assert_eq!(save(b"x", 8).await, Saved::Same);
        // Somebody who asked before was slow.
        assert_eq!(save(b"old", 6).await, Saved::Older);
        assert!(!fail("slow", 6).await);
        assert_eq!(now().await, Some((Some(b"x".to_vec()), None, None)));
        assert!(fail("three", 9).await);
        assert!(!fail("four", 10).await);
        assert_eq!(now().await, Some((Some(b"x".to_vec()), Some(at(9)), error("four"))));
        // The same answer as before the errors, and known again.
        assert_eq!(save(b"x", 11).await, Saved::Changed);
        assert_eq!(save(b"y", 12).await, Saved::Changed);
        assert_eq!(store.gathered_in(&digest(1)).await.unwrap().len(), 1);
    });
}

#[test]
fn a_repository_that_never_answers_is_forgotten_and_one_that_did_is_not() {
    on_each(async |store| {
        known(&store).await;
        let named = |name: &str| Place { repository: name.to_owned(), ..place(None) };
        let mut work = store.begin().await.unwrap();
        assert!(work.is_known_in(&digest(1), &place(None)).await.unwrap());
        assert!(!work.is_known_in(&digest(1), &named("never")).await.unwrap());
        assert!(!work.is_known_in(&digest(2), &place(None)).await.unwrap());
        work.save_gathered(&digest(1), &named("did"), b"x", at(1)).await.unwrap();
        for name in ["did", "never"] {
            work.fail_gathering(&digest(1), &named(name), "no", at(5)).await.unwrap();
            assert!(work.is_known_in(&digest(1), &named(name)).await.unwrap());
        }
        work.commit().await.unwrap();
        assert_eq!(store.forget_unanswered(at(5)).await.unwrap(), 0);
        assert_eq!(store.forget_unanswered(at(6)).await.unwrap(), 1);
        let left = store.gathered_in(&digest(1)).await.unwrap();
        assert_eq!(left.iter().map(|one| one.place.repository.as_str()).collect::<Vec<_>>(), ["did"]);
    });
}

#[test]
fn what_waits_longest_is_asked_again_first_and_what_nobody_has_never() {
    on_each(async |store| {
        known(&store).await;
        let here = BTreeSet::from([place(None).registry]);
        assert_eq!(store.never_gathered(&here, at(2), 9).await.unwrap(), [(digest(1), place(None))]);
        assert_eq!(store.never_gathered(&here, at(1), 9).await.unwrap(), []);
        let mut work = store.begin().await.unwrap();
        for number in [1, 2, 3] {
            work.see(&digest(number), &place(None), at(1)).await.unwrap();
            work.save_gathered(&digest(number), &place(None), b"x", at(10 - i64::from(number)))
                .await
                .unwrap();
        }
        // What is in a registry that may not be asked any more never stands in the way of the rest.
        let foreign = Place { registry: "elsewhere.example".to_owned(), ..place(None) };
        for number in [1, 2, 3] {
            work.see(&digest(number), &foreign, at(1)).await.unwrap();
        }
        work.save_gathered(&digest(1), &foreign, b"x", at(1)).await.unwrap();
        assert!(work.save_gathered(&digest(9), &place(None), b"x", at(1)).await.is_err());
        work.commit().await.unwrap();
        assert_eq!(store.never_gathered(&here, at(2), 9).await.unwrap(), []);
        let due = async |before, limit| {
            let due = store.gathered_before(&here, at(before), limit).await.unwrap();
            due.into_iter().map(|(digest, _)| digest).collect::<Vec<_>>()
        };
        assert_eq!(due(100, 2).await, [digest(3), digest(2)]);
        assert_eq!(due(9, 9).await, [digest(3), digest(2)]);
        let there = BTreeSet::from([foreign.registry.clone()]);
        assert_eq!(store.gathered_before(&there, at(100), 9).await.unwrap(), [(digest(1), foreign)]);
        assert_eq!(store.never_gathered(&there, at(100), 9).await.unwrap().len(), 2);
        assert_eq!(store.gathered_before(&BTreeSet::new(), at(100), 9).await.unwrap(), []);
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.prune(at(100), 9).await.unwrap().len(), 3);
        work.commit().await.unwrap();
        assert_eq!(due(100, 9).await, []);
    });
}
