//! Text of images and of whoever asks, as it may be: with NUL, and longer than an index takes. Both databases keep it alike.

use crate::fixture::{at, digest, on_each, place, report};
use assay_store::{
    Child, Depth, EvidenceSeen, Holder, IndexEntry, NewJob, Place, Role, Scan, Scope, Service, StoredVerdict,
    Terms, Token,
};
use std::collections::BTreeSet;

/// Every sort of text that one of the databases does not take as it is.
fn texts() -> [String; 3] {
    ["a\0b".to_owned(), "\0".to_owned(), format!("{}\0", "ö".repeat(9000))]
}

#[test]
fn names_of_packages_and_findings() {
    on_each(async |store| {
        for (number, text) in (1..).zip(texts()) {
            let name = text.as_str();
            let report = report(&[(name, name, &[name, name])]);
            let entry = IndexEntry { ecosystem: text.clone(), name: text.clone(), version: text.clone() };
            // Another version with the same beginning, and one that differs only in what cannot be kept.
            let more = [format!("{text}x"), text.replace('\0', "\u{fffd}")];
            let index: Vec<IndexEntry> = std::iter::once(entry.clone())
                .chain(more.map(|version| IndexEntry { version, ..entry.clone() }))
                .collect();
            let mut work = store.begin().await.unwrap();
            work.see(&digest(number), &place(None), at(1)).await.unwrap();
            let scan = Scan {
                digest: &digest(number),
                depth: Depth::Fast,
                report: &report,
                json: b"{}",
                index: &index,
            };
            let changes = work.save_scan(&scan, at(1)).await.unwrap();
            assert_eq!(changes.appeared, [report.findings[0].id.clone()]);
            assert_eq!(work.save_scan(&scan, at(2)).await.unwrap().appeared, [""; 0]);
            let child = Child { digest: digest(number), platform: text.clone() };
            work.set_children(&digest(number), &[child]).await.unwrap();
            let seen = EvidenceSeen { digest: digest(9), carrier: digest(8), kind: text.clone() };
            let odd = Place { registry: text.clone(), repository: text.clone(), tag: None };
            work.see_evidence(&digest(number), &odd, &[seen], at(1)).await.unwrap();
            work.save_sbom(&digest(number), name, b"{}", at(1)).await.unwrap();
            let service = Service { environment: name, name };
            work.deploy(&service, &digest(number), at(1)).await.unwrap();
            assert!(work.mark_good(&service).await.unwrap());
            work.commit().await.unwrap();
            let found = store.images_with([(name, name)]).await.unwrap();
            assert_eq!(found, BTreeSet::from([digest(number)]));
            assert_eq!(
                store.images_containing(Some(name), name, 0, 9).await.unwrap()[0].digest,
                digest(number)
            );
            assert_eq!(store.images_affected(name, 0, 9).await.unwrap().len(), 1);
            assert_eq!(store.last_known_good(&service).await.unwrap(), Some(digest(number)));
            assert!(store.sbom(&digest(number), name).await.unwrap().is_some());
        }
    });
}

#[test]
fn jobs_and_their_errors() {
    on_each(async |store| {
        for text in texts() {
            let job = NewJob {
                kind: "scan".to_owned(),
                name: text.clone(),
                registry: text.clone(),
                payload: text.clone(),
                priority: 0,
                max_attempts: 1,
            };
            store.enqueue(&job, at(1)).await.unwrap();
            let taken = store.claim("w", &Terms::default(), at(1)).await.unwrap().unwrap();
            assert!(store.fail(&taken, &text, at(1)).await.unwrap());
            let (state, error) = store.job_state("scan", &text).await.unwrap().unwrap();
            assert_eq!((state.as_str(), error.unwrap().is_empty()), ("failed", false));
        }
    });
}

#[test]
fn who_asked_for_what() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        work.see(&digest(1), &place(None), at(1)).await.unwrap();
        for (number, text) in (1..).zip(texts()) {
            work.audit(&text, &text, &text, &serde_json::json!({ "text": text }), at(1)).await.unwrap();
            let holder = Holder { name: text.clone(), role: Role::Viewer, scope: Scope::Fleet };
            work.add_token(&Token::new([number; 32]), &holder, None, at(1)).await.unwrap();
            assert_eq!(work.revoke_tokens(&text, at(1)).await.unwrap(), 1);
            work.record("admitted-unseen", None, &serde_json::json!({ "user": text }), at(1)).await.unwrap();
            let verdict = StoredVerdict {
                policy: text.clone(),
                tier: text.clone(),
                verdict: "deny".to_owned(),
                detail: text.clone().into_bytes(),
                inputs: text.clone(),
                decided: at(1),
                expires: None,
            };
            assert!(work.save_verdict(&digest(1), &verdict, 0).await.unwrap());
            work.watch(&text, at(1)).await.unwrap();
        }
        work.commit().await.unwrap();
        assert_eq!(store.verify_audit(None).await.unwrap().unwrap().sequence, 3);
        for text in texts() {
            assert!(store.verdict(&digest(1), &text, &text).await.unwrap().is_some());
            assert!(store.watched_since(&text).await.unwrap().is_some());
        }
    });
}
