//! What the pages ask: sessions, counts over the fleet, searches, lists that go on.

use crate::fixture::{at, digest, on_each, place, report, scan};
use assay_store::{Depth, Holder, Place, Role, Scan, Scope, Search, Session, Standing, Store, Token};

#[test]
fn a_session_opens_what_its_token_opens_and_ends_with_it() {
    on_each(async |store| {
        let (token, other) = (Token::new([1; 32]), Token::new([2; 32]));
        let holder = |name: &str| Holder { name: name.to_owned(), role: Role::Security, scope: Scope::Fleet };
        let mut work = store.begin().await.unwrap();
        work.add_token(&token, &holder("anna"), Some(at(100)), at(1)).await.unwrap();
        work.add_token(&other, &holder("ben"), None, at(1)).await.unwrap();
        let (first, second) = (Session::new([3; 32]), Session::new([4; 32]));
        assert_eq!(work.begin_session(&token, &first, at(2)).await.unwrap(), Some(holder("anna")));
        assert_eq!(work.begin_session(&other, &second, at(2)).await.unwrap(), Some(holder("ben")));
        assert_eq!(
            work.begin_session(&Token::new([9; 32]), &Session::new([5; 32]), at(2)).await.unwrap(),
            None
        );
        assert_eq!(work.begin_session(&token, &Session::new([5; 32]), at(100)).await.unwrap(), None);
        work.commit().await.unwrap();
        let of =
            async |session: &Session, second| store.session_holder(session, None, at(second)).await.unwrap();
        assert_eq!(of(&Session::presented(first.reveal()), 99).await, Some(holder("anna")));
        assert_eq!(of(&first, 100).await, None, "its token has expired");
        assert_eq!(of(&second, 12 * 3600 + 1).await, Some(holder("ben")));
        assert_eq!(of(&second, 12 * 3600 + 2).await, None, "its own time is over");
        for unknown in ["", token.reveal(), "' OR 1=1 --"] {
            assert_eq!(of(&Session::presented(unknown), 3).await, None);
        }
        let mut work = store.begin().await.unwrap();
        assert!(work.end_session(&first).await.unwrap());
        assert!(!work.end_session(&first).await.unwrap());
        work.revoke_tokens("ben", at(5)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!((of(&first, 3).await, of(&second, 6).await), (None, None));
        assert_ne!(first.form_key(), first.reveal());
        assert_eq!(format!("{first:?}"), "Session(…)");
    });
}

#[test]
fn of_many_sessions_the_oldest_end() {
    on_each(async |store| {
        let token = Token::new([1; 32]);
        let mut work = store.begin().await.unwrap();
        let holder = Holder { name: "anna".to_owned(), role: Role::Viewer, scope: Scope::Fleet };
        work.add_token(&token, &holder, None, at(1)).await.unwrap();
        for number in 0..60_u8 {
            work.begin_session(&token, &Session::new([number; 32]), at(2)).await.unwrap();
        }
        work.commit().await.unwrap();
        let mut open = 0;
        for number in 0..60_u8 {
            let session = Session::new([number; 32]);
            open += usize::from(store.session_holder(&session, None, at(3)).await.unwrap().is_some());
        }
        assert_eq!(open, 50);
        assert!(store.session_holder(&Session::new([59; 32]), None, at(3)).await.unwrap().is_some());
    });
}

async fn fleet(store: &Store) {
    let day = 86_400;
    scan(
        store,
        &digest(1),
        Depth::Fast,
        &[("a", "1", &["CVE-1", "GHSA-1"]), ("b", "1", &["CVE-2"])],
        at(day),
    )
    .await;
    scan(store, &digest(2), Depth::Fast, &[("a", "1", &["CVE-1", "GHSA-1"])], at(2 * day)).await;
    scan(store, &digest(1), Depth::Fast, &[("a", "1", &["CVE-1", "GHSA-1"])], at(3 * day)).await;
    let mut work = store.begin().await.unwrap();
    let other = Place {
        registry: "r.example".to_owned(),
        repository: "Web/Shop_1".to_owned(),
        tag: Some("2.0".to_owned()),
    };
    work.see(&digest(3), &other, at(4 * day)).await.unwrap();
    let mut suppressed = report(&[("c", "1", &["CVE-3"])]);
    suppressed.findings[0].suppression = Some(assay_model::Suppression {
        state: assay_model::finding::SuppressionState::NotAffected,
        reason: "not there".to_owned(),
        author: String::new(),
        issued: None,
        source: "test".to_owned(),
    });
    work.see(&digest(4), &place(None), at(4 * day)).await.unwrap();
    let kept = Scan { digest: &digest(4), depth: Depth::Fast, report: &suppressed, json: b"{}", index: &[] };
    work.save_scan(&kept, at(4 * day)).await.unwrap();
    work.commit().await.unwrap();
}

#[test]
fn the_fleet_is_counted_as_it_is() {
    on_each(async |store| {
        fleet(&store).await;
        let counts = store.within(&Scope::Fleet).severity_counts().await.unwrap();
        let counts: Vec<_> =
            counts.iter().map(|one| (one.severity.as_str(), one.findings, one.images)).collect();
        assert_eq!(counts, [("high", 2, 2)]);
        assert_eq!(
            (store.image_count().await.unwrap(), store.within(&Scope::Fleet).scanned_count().await.unwrap()),
            (4, 3)
        );
        let days = |counts: Vec<assay_store::DayCount>| -> Vec<(i64, i64)> {
            counts.iter().map(|one| (one.day, one.findings)).collect()
        };
        assert_eq!(days(store.within(&Scope::Fleet).findings_came(at(0)).await.unwrap()), [(1, 2), (2, 1)]);
        assert_eq!(days(store.within(&Scope::Fleet).findings_came(at(100_000)).await.unwrap()), [(2, 1)]);
        assert_eq!(days(store.within(&Scope::Fleet).findings_went(at(0)).await.unwrap()), [(3, 1)]);
        let widespread = store.within(&Scope::Fleet).most_widespread("high", 5).await.unwrap();
        assert_eq!(
            widespread.iter().map(|one| (one.rule.as_str(), one.images)).collect::<Vec<_>>(),
            [("CVE-1", 2)]
        );
        for name in ["CVE-1", "GHSA-1"] {
            let spread = store.within(&Scope::Fleet).spread(name).await.unwrap();
            assert_eq!((spread.images, spread.findings, spread.gone), (2, 2, 0));
            assert_eq!(
                (spread.names, spread.severities),
                (vec!["CVE-1".to_owned(), "GHSA-1".to_owned()], vec!["high".to_owned()])
            );
        }
        let gone = store.within(&Scope::Fleet).spread("CVE-2").await.unwrap();
        assert_eq!((gone.images, gone.gone), (0, 1));
        // Names as no publisher writes them are looked for as they are kept.
        for name in ["CVE\0", &"x".repeat(2000)] {
            scan(&store, &digest(9), Depth::Fast, &[("z", "1", &[name])], at(4 * 86_400)).await;
            assert_eq!(store.within(&Scope::Fleet).spread(name).await.unwrap().images, 1);
        }
        assert_eq!(store.within(&Scope::Fleet).spread("CVE-9").await.unwrap().names, Vec::<String>::new());
        assert_eq!(
            store.within(&Scope::Fleet).packages_like("A", 5).await.unwrap(),
            [("PyPI".to_owned(), "a".to_owned())]
        );
        assert!(!store.within(&Scope::Fleet).knows_deployments().await.unwrap());
    });
}

#[test]
fn images_are_found_by_what_is_known_of_them() {
    on_each(async |store| {
        fleet(&store).await;
        let check = async |search: Search<'_>, want: &[u8]| {
            let search = Search { limit: 10, ..search };
            let found = store.within(&Scope::Fleet).search_images(&search).await.unwrap();
            let want: Vec<_> = want.iter().map(|number| digest(*number)).collect();
            assert_eq!(found.iter().map(|one| one.digest).collect::<Vec<_>>(), want, "{search:?}");
        };
        check(Search::default(), &[4, 3, 2, 1]).await;
        check(Search { severity: Some("high"), ..Search::default() }, &[2, 1]).await;
        check(Search { severity: Some("critical"), ..Search::default() }, &[]).await;
        check(Search { unscanned: true, ..Search::default() }, &[3]).await;
        check(Search { text: "shop_1:2", ..Search::default() }, &[3]).await;
        check(Search { text: "shop%", ..Search::default() }, &[]).await;
        check(Search { text: "TEAM/app", ..Search::default() }, &[4, 2, 1]).await;
        check(Search { text: "sha256:020202", ..Search::default() }, &[2]).await;
        let all = store
            .within(&Scope::Fleet)
            .search_images(&Search { limit: 10, ..Search::default() })
            .await
            .unwrap();
        assert_eq!((all[1].tag.as_deref(), all[1].scanned), (Some("2.0"), None));
        assert_eq!((all[3].high, all[3].critical, all[3].findings), (1, 0, 1));
        let rest = Search { before: Some(all[1].id), limit: 1, ..Search::default() };
        assert_eq!(store.within(&Scope::Fleet).search_images(&rest).await.unwrap()[0].digest, digest(2));
    });
}

#[test]
fn lists_begin_with_the_newest() {
    on_each(async |store| {
        fleet(&store).await;
        let of = async |standing| -> Vec<String> {
            let mut rules = Vec::new();
            for image in [1, 4] {
                for one in store.findings_of(&digest(image), standing, 0, 10).await.unwrap() {
                    rules.push(one.rule);
                }
            }
            rules
        };
        assert_eq!(of(Standing::Open).await, ["CVE-1"]);
        assert_eq!(of(Standing::Gone).await, ["CVE-2"]);
        assert_eq!(of(Standing::Suppressed).await, ["CVE-3"]);
        assert_eq!(store.findings_of(&digest(1), Standing::Open, 1, 10).await.unwrap().len(), 0);
        assert_eq!(store.severities_of(&digest(1)).await.unwrap(), [("high".to_owned(), 1)]);
        for number in 1..=5_i64 {
            let mut work = store.begin().await.unwrap();
            let about = digest(u8::try_from(number % 2).unwrap());
            let detail = serde_json::json!({ "number": number });
            work.record(if number == 3 { "other" } else { "one" }, Some(&about), &detail, at(number))
                .await
                .unwrap();
            work.audit("anna", "test", "it", &detail, at(number)).await.unwrap();
            work.commit().await.unwrap();
        }
        let events = async |kind: &str, about: Option<u8>, before: Option<i64>| -> Vec<i64> {
            let about = about.map(digest);
            let events = store.newest_events(kind, about.as_ref(), before, 2).await.unwrap();
            events.iter().map(|event| event.at.timestamp().0).collect()
        };
        assert_eq!(events("", None, None).await, [5, 4]);
        assert_eq!(events("one", None, None).await, [5, 4]);
        assert_eq!(events("other", None, None).await, [3]);
        assert_eq!(events("", Some(0), None).await, [4, 2]);
        assert_eq!(events("one", Some(1), None).await, [5, 1]);
        let last = store.newest_events("", None, None, 1).await.unwrap()[0].id;
        assert_eq!(events("", None, Some(last)).await, [4, 3]);
        let audit = async |before| -> Vec<i64> {
            let entries = store.newest_audit(before, 2).await.unwrap();
            entries.iter().map(|entry| entry.sequence).collect()
        };
        assert_eq!((audit(None).await, audit(Some(4)).await), (vec![5, 4], vec![3, 2]));
        assert_eq!((audit(Some(2)).await, audit(Some(1)).await), (vec![1], vec![]));
        let job = |name: &str| assay_store::NewJob {
            kind: "scan".to_owned(),
            name: name.to_owned(),
            registry: "r".to_owned(),
            payload: String::new(),
            priority: 0,
            max_attempts: 1,
        };
        store.enqueue(&job("one"), at(10)).await.unwrap();
        let held = store.claim("worker", &assay_store::Terms::default(), at(11)).await.unwrap().unwrap();
        store.fail(&held, "it broke", at(13)).await.unwrap();
        store.enqueue(&job("two"), at(14)).await.unwrap();
        let failed = store.newest_jobs("failed", None, 10).await.unwrap();
        assert_eq!(
            (failed.len(), failed[0].name.as_str(), failed[0].error.as_deref()),
            (1, "one", Some("it broke"))
        );
        assert_eq!((failed[0].attempts, failed[0].took.map(|took| took.as_secs())), ((1, 1), Some(2)));
        let queued = store.newest_jobs("queued", None, 10).await.unwrap();
        assert_eq!((queued.len(), queued[0].name.as_str()), (1, "two"));
        assert!(store.newest_jobs("queued", Some(queued[0].id), 10).await.unwrap().is_empty());
    });
}
