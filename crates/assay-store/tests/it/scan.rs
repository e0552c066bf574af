//! Images, tags, scans, findings over time, the index and the blast radius.

use crate::fixture::{at, digest, on_each, place, report, scan};
use assay_model::{Detection, FindingKind};
use assay_store::{
    Depth, FindingChanges, ImageFilter, IndexEntry, Place, Scan, Scope, StoreError, StoredVerdict, TagState,
};
use std::collections::BTreeSet;

#[test]
fn tags_are_remembered_and_moves_noticed() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        let tag = place(Some("1.0"));
        assert_eq!(work.see(&digest(1), &place(None), at(1)).await.unwrap(), TagState::None);
        assert_eq!(work.see(&digest(1), &tag, at(2)).await.unwrap(), TagState::New);
        assert_eq!(work.see(&digest(1), &tag, at(3)).await.unwrap(), TagState::Same);
        assert_eq!(work.see(&digest(2), &tag, at(4)).await.unwrap(), TagState::Moved { from: digest(1) });
        // Two look at once, and the one that looked first tells last.
        assert_eq!(work.see(&digest(1), &tag, at(3)).await.unwrap(), TagState::Older);
        assert_eq!(work.see(&digest(1), &tag, at(5)).await.unwrap(), TagState::Moved { from: digest(2) });
        work.commit().await.unwrap();
        let periods = store.tags(&digest(1)).await.unwrap();
        let times: Vec<_> = periods.iter().map(|one| (one.first_seen, one.last_seen)).collect();
        assert_eq!(times, [(at(2), at(3)), (at(5), at(5))]);
        assert_eq!(store.tagged(&tag).await.unwrap().unwrap().digest, digest(1));
        assert_eq!(store.tagged(&place(Some("2.0"))).await.unwrap(), None);
        let image = store.image(&digest(1)).await.unwrap().unwrap();
        assert_eq!((image.first_seen, image.last_seen, image.scanned), (at(1), at(5), None));
    });
}

#[test]
fn what_is_not_committed_was_never_written() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        work.see(&digest(1), &place(None), at(1)).await.unwrap();
        drop(work);
        assert_eq!(store.images(0, 10).await.unwrap(), []);
    });
}

#[test]
fn images_come_in_pages() {
    on_each(async |store| {
        for number in 1..=5 {
            scan(&store, &digest(number), Depth::Fast, &[("a", "1", &["CVE-1"])], at(i64::from(number)))
                .await;
        }
        let mut seen = Vec::new();
        let mut after = 0;
        loop {
            let page = store.images(after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.id;
            assert!(page.len() <= 2);
            seen.extend(page.into_iter().map(|image| (image.digest, image.findings, image.scanned)));
        }
        let want: Vec<_> = (1..=5).map(|n| (digest(n), 1, Some(at(i64::from(n))))).collect();
        assert_eq!(seen, want);
    });
}

#[test]
fn reports_and_inventories_come_back_as_they_were() {
    on_each(async |store| {
        let image = digest(1);
        assert_eq!(store.report(&image, None).await.unwrap(), None);
        assert_eq!(store.inventory(&image).await.unwrap(), None);
        scan(&store, &image, Depth::Fast, &[("a", "1", &[])], at(5)).await;
        scan(&store, &image, Depth::Deep, &[("a", "1", &[]), ("b", "2", &[])], at(6)).await;
        let deep = store.report(&image, None).await.unwrap().unwrap();
        assert_eq!((deep.depth, deep.created, deep.database), (Depth::Deep, at(6), at(1_700_000_000)));
        assert_eq!(deep.json, format!("{{\"of\":\"{image}\",\"depth\":\"deep\"}}").as_bytes());
        let fast = store.report(&image, Some(Depth::Fast)).await.unwrap().unwrap();
        assert_eq!((fast.depth, fast.created), (Depth::Fast, at(5)));
        assert_eq!(store.report(&image, Some(Depth::Partial)).await.unwrap(), None);

        let mut full = report(&[("a", "1", &[]), ("b", "2", &[])]);
        full.inventory.os = Some(assay_model::Os {
            distro: assay_model::distro::by_id("debian"),
            id: "debian".to_owned(),
            version: "12".to_owned(),
            ..assay_model::Os::default()
        });
        full.inventory.detections.push(Detection {
            kind: FindingKind::Secret,
            rule: "r".into(),
            path: "etc/key".to_owned(),
            line: Some(3),
            layer: Some(1),
            hidden_by: None,
            subject: "s".to_owned(),
            details: Vec::new(),
        });
        let mut work = store.begin().await.unwrap();
        let one = Scan { digest: &image, depth: Depth::Deep, report: &full, json: b"{}", index: &[] };
        work.save_scan(&one, at(7)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(store.inventory(&image).await.unwrap(), Some(full.inventory));
    });
}

#[test]
fn an_image_that_was_never_seen_has_no_scan() {
    on_each(async |store| {
        let report = report(&[]);
        let one = Scan { digest: &digest(9), depth: Depth::Fast, report: &report, json: b"{}", index: &[] };
        let mut work = store.begin().await.unwrap();
        let error = work.save_scan(&one, at(1)).await.unwrap_err();
        assert!(matches!(error, StoreError::UnknownImage(_)), "{error}");
    });
}

#[test]
fn findings_appear_go_and_come_back() {
    on_each(async |store| {
        let image = digest(1);
        let changed = |appeared: &[&str], gone: &[&str]| FindingChanges {
            appeared: appeared.iter().map(|&id| id.to_owned()).collect(),
            gone: gone.iter().map(|&id| id.to_owned()).collect(),
        };
        let two: &[(&str, &str, &[&str])] = &[("a", "1", &["CVE-1"]), ("b", "1", &["CVE-2"])];
        let one: &[(&str, &str, &[&str])] = &[("a", "1", &["CVE-1"]), ("b", "1", &[])];
        let both = changed(&["CVE-1-of-a", "CVE-2-of-b"], &[]);
        assert_eq!(scan(&store, &image, Depth::Fast, two, at(10)).await, both);
        assert_eq!(scan(&store, &image, Depth::Fast, two, at(20)).await, changed(&[], &[]));
        assert_eq!(scan(&store, &image, Depth::Fast, one, at(30)).await, changed(&[], &["CVE-2-of-b"]));
        assert_eq!(scan(&store, &image, Depth::Fast, one, at(40)).await, changed(&[], &[]));
        let history = |known: Vec<assay_store::KnownFinding>| -> Vec<_> {
            known.into_iter().map(|one| (one.rule, one.first_seen, one.gone_at, one.reopened)).collect()
        };
        let name = str::to_owned;
        assert_eq!(
            history(store.findings(&image).await.unwrap()),
            [(name("CVE-1"), at(10), None, 0), (name("CVE-2"), at(10), Some(at(30)), 0)]
        );
        assert_eq!(store.image(&image).await.unwrap().unwrap().findings, 1);
        assert_eq!(scan(&store, &image, Depth::Fast, two, at(50)).await, changed(&["CVE-2-of-b"], &[]));
        assert_eq!(
            history(store.findings(&image).await.unwrap()),
            [(name("CVE-1"), at(10), None, 0), (name("CVE-2"), at(10), None, 1)]
        );
        let known = store.findings(&image).await.unwrap();
        assert_eq!(known[0].package.as_deref(), Some("a"));
        assert_eq!((known[0].severity.as_str(), known[0].fixed_versions.as_str()), ("high", "9"));
    });
}

#[test]
fn the_index_leads_from_packages_to_images() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, &[("a", "1", &["CVE-1", "GHSA-1"]), ("b", "1", &[])], at(1))
            .await;
        scan(&store, &digest(2), Depth::Fast, &[("a", "2", &["CVE-1", "GHSA-1"])], at(2)).await;
        scan(&store, &digest(3), Depth::Fast, &[("c", "1", &[])], at(3)).await;
        let with =
            async |packages: &[(&str, &str)]| store.images_with(packages.iter().copied()).await.unwrap();
        assert_eq!(with(&[("PyPI", "a")]).await, BTreeSet::from([digest(1), digest(2)]));
        assert_eq!(with(&[("PyPI", "b"), ("PyPI", "c")]).await, BTreeSet::from([digest(1), digest(3)]));
        // The pair counts, not its halves.
        assert_eq!(with(&[("npm", "a"), ("PyPI", "x")]).await, BTreeSet::new());
        assert_eq!(with(&[]).await, BTreeSet::new());

        let hits = store.images_containing(None, "a", 0, 10).await.unwrap();
        let of: Vec<_> = hits.iter().map(|hit| (hit.digest, hit.version.as_deref(), hit.since)).collect();
        assert_eq!(of, [(digest(1), Some("1"), at(1)), (digest(2), Some("2"), at(2))]);
        assert_eq!(store.images_containing(Some("npm"), "a", 0, 10).await.unwrap(), []);
        assert_eq!(store.images_containing(Some("PyPI"), "a", hits[0].id, 10).await.unwrap().len(), 1);
        for id in ["CVE-1", "GHSA-1"] {
            let hits = store.images_affected(id, 0, 10).await.unwrap();
            assert_eq!(hits.iter().map(|hit| hit.digest).collect::<Vec<_>>(), [digest(1), digest(2)]);
            assert_eq!((hits[0].of.as_str(), hits[0].fixed_versions.as_str()), ("CVE-1", "9"));
        }
        // The packages of a later scan are those that count.
        scan(&store, &digest(1), Depth::Fast, &[("c", "1", &[])], at(9)).await;
        assert_eq!(with(&[("PyPI", "a")]).await, BTreeSet::from([digest(2)]));
        assert_eq!(store.images_affected("CVE-1", 0, 10).await.unwrap().len(), 1);
    });
}

#[test]
fn more_packages_than_fit_into_one_statement() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        work.see(&digest(1), &place(None), at(1)).await.unwrap();
        let index: Vec<IndexEntry> = (0..1501)
            .map(|number| IndexEntry {
                ecosystem: "Debian:12".to_owned(),
                name: format!("p{number}"),
                version: "1".to_owned(),
            })
            .collect();
        let report = report(&[]);
        let one =
            Scan { digest: &digest(1), depth: Depth::Fast, report: &report, json: b"{}", index: &index };
        work.save_scan(&one, at(1)).await.unwrap();
        work.commit().await.unwrap();
        let names: Vec<(&str, String)> =
            (1000..2600).map(|number| ("Debian:12", format!("p{number}"))).collect();
        let names = names.iter().map(|(ecosystem, name)| (*ecosystem, name.as_str()));
        assert_eq!(store.images_with(names).await.unwrap(), BTreeSet::from([digest(1)]));
    });
}

#[test]
fn verdicts_are_kept_per_policy_and_tier() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, &[], at(1)).await;
        let verdict = |tier: &str, verdict: &str, expires| StoredVerdict {
            policy: "sha256:policy".to_owned(),
            tier: tier.to_owned(),
            verdict: verdict.to_owned(),
            detail: b"{\"reasons\":[]}".to_vec(),
            inputs: "{}".to_owned(),
            decided: at(2),
            expires,
        };
        let mut work = store.begin().await.unwrap();
        for one in
            [verdict("b", "warn", None), verdict("a", "admit", None), verdict("a", "deny", Some(at(9)))]
        {
            assert!(work.save_verdict(&digest(1), &one, 0).await.unwrap());
        }
        work.commit().await.unwrap();
        let stored = store.verdicts(&digest(1)).await.unwrap();
        assert_eq!(stored, [verdict("a", "deny", Some(at(9))), verdict("b", "warn", None)]);
        assert_eq!(store.verdict(&digest(1), "sha256:policy", "b").await.unwrap().as_ref(), stored.get(1));
        assert_eq!(store.verdict(&digest(1), "sha256:other", "b").await.unwrap(), None);
        assert_eq!(store.verdict(&digest(1), "sha256:policy", "c").await.unwrap(), None);
        assert!(stored[0].holds(at(8)) && !stored[0].holds(at(9)) && stored[1].holds(at(1_000_000)));
        let mut work = store.begin().await.unwrap();
        assert_eq!(work.forget_verdicts(&digest(1)).await.unwrap(), 2);
        work.commit().await.unwrap();
        assert_eq!(store.verdicts(&digest(1)).await.unwrap(), []);
    });
}

#[test]
fn a_shallower_look_hides_nothing_that_a_deeper_one_gave() {
    on_each(async |store| {
        let image = digest(1);
        let deep: &[(&str, &str, &[&str])] = &[("a", "1", &["CVE-1"]), ("b", "1", &["CVE-2"])];
        scan(&store, &image, Depth::Deep, deep, at(1)).await;
        let changes = scan(&store, &image, Depth::Fast, &[("a", "1", &["CVE-1"])], at(2)).await;
        assert_eq!(changes, FindingChanges::default());
        assert_eq!(store.images_affected("CVE-2", 0, 10).await.unwrap().len(), 1);
        assert_eq!(store.images_with([("PyPI", "b")]).await.unwrap(), BTreeSet::from([image]));
        assert_eq!(store.inventory(&image).await.unwrap().unwrap().packages.len(), 2);
        // Both reports are there, and the deeper one counts.
        assert_eq!(store.report(&image, Some(Depth::Fast)).await.unwrap().unwrap().created, at(2));
        assert_eq!(store.report_status(&image).await.unwrap().unwrap().created, at(1));
    });
}

#[test]
fn a_page_of_the_blast_radius_holds_whole_images() {
    on_each(async |store| {
        for number in 1..=3 {
            let packages: &[(&str, &str, &[&str])] =
                &[("a", "1", &["CVE-1"]), ("a", "2", &["CVE-1"]), ("a", "3", &[])];
            scan(&store, &digest(number), Depth::Fast, packages, at(1)).await;
        }
        let versions = |hits: Vec<assay_store::Hit>| {
            hits.into_iter().map(|hit| hit.version.unwrap()).collect::<Vec<_>>()
        };
        let first = store.images_containing(None, "a", 0, 1).await.unwrap();
        let after = first[0].id;
        assert_eq!(versions(first), ["1", "2", "3"]);
        assert_eq!(store.images_containing(None, "a", after, 9).await.unwrap().len(), 6);
        assert_eq!(store.images_affected("CVE-1", after, 1).await.unwrap()[0].digest, digest(2));
    });
}

#[test]
fn images_and_events_are_chosen_by_what_is_given() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, &[("a", "1", &["CVE-1"])], at(1)).await;
        let mut work = store.begin().await.unwrap();
        work.see(&digest(2), &Place { repository: "other".to_owned(), ..place(None) }, at(2)).await.unwrap();
        for kind in ["scanned", "tag-moved"] {
            work.record(kind, Some(&digest(2)), &serde_json::json!({}), at(2)).await.unwrap();
        }
        work.commit().await.unwrap();
        let text = |text: &str| Some(text.to_owned());
        let none = ImageFilter::default;
        for (filter, want) in [
            (none(), vec![digest(1), digest(2)]),
            (ImageFilter { registry: text("registry.example"), ..none() }, vec![digest(1), digest(2)]),
            (ImageFilter { registry: text("x.example"), ..none() }, vec![]),
            (ImageFilter { repository: text("other"), ..none() }, vec![digest(2)]),
            (ImageFilter { registry: text("x.example"), repository: text("other"), ..none() }, vec![]),
            (ImageFilter { scanned: Some(true), ..none() }, vec![digest(1)]),
            (ImageFilter { scanned: Some(false), ..none() }, vec![digest(2)]),
            (ImageFilter { severity: text("high"), ..none() }, vec![digest(1)]),
            (ImageFilter { severity: text("low"), ..none() }, vec![]),
        ] {
            let found = store.within(&Scope::Fleet).images_like(&filter, 0, 10).await.unwrap();
            assert_eq!(found.into_iter().map(|image| image.digest).collect::<Vec<_>>(), want, "{filter:?}");
        }
        let events = store
            .within(&Scope::Fleet)
            .events_like(Some(&digest(2)), Some("tag-moved"), 0, 10)
            .await
            .unwrap();
        assert_eq!(events.into_iter().map(|event| event.kind).collect::<Vec<_>>(), ["tag-moved"]);
        assert_eq!(store.within(&Scope::Fleet).events_like(None, Some("gone"), 0, 10).await.unwrap(), []);
    });
}
