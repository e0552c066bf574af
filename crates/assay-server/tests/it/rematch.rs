//! Matching what changed gives what matching everything gives.

use crate::fixture::{BUILT, database, now, run};
use assay_advisories::Database;
use assay_match::match_inventory;
use assay_model::report::SourceKind;
use assay_model::{Digest, FindingKind, Image, Inventory, Package, PackageKind, Report, Timestamp};
use assay_server::{catch_up, index_entries, rematch_all};
use assay_store::{Address, Depth, Place, Scan, Store};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A small world in which everything meets everything.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const VERSIONS: [&str; 3] = ["1", "2", "3"];

type Advisories = Vec<(usize, usize, usize)>;

fn compiled(advisories: &Advisories, built: Timestamp) -> Database {
    let ids = ["CVE-2020-1", "CVE-2020-2", "CVE-2020-3", "CVE-2020-4", "CVE-2020-5"];
    let list: Vec<(&str, &str, &str)> =
        advisories.iter().map(|(id, name, version)| (ids[*id], NAMES[*name], VERSIONS[*version])).collect();
    database(&list, built)
}

fn inventory(packages: &[(usize, usize)]) -> Inventory {
    let mut packages: Vec<Package> = packages
        .iter()
        .map(|(name, version)| Package::new(PackageKind::Python, NAMES[*name], VERSIONS[*version]))
        .collect();
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    packages.dedup();
    Inventory { packages, ..Inventory::default() }
}

async fn store_scan(store: &Store, digest: &Digest, inventory: Inventory, database: &Database) {
    let image = Image { manifest_digest: Some(*digest), ..Image::default() };
    let options = assay_detect::Options { kinds: vec![FindingKind::Vulnerability], ..Default::default() };
    let statements = assay_model::context::Statements::default();
    let report: Report =
        assay_engine::assess(SourceKind::Registry, image, inventory, database, false, &statements, &options)
            .unwrap();
    let mut json = Vec::new();
    let format = assay_report::format::by_name("json").unwrap();
    format.write(&report, &assay_report::Options::default(), &mut json).unwrap();
    let index = index_entries(&report.inventory);
    let mut work = store.begin().await.unwrap();
    let place = Place { registry: "r.example".to_owned(), repository: "app".to_owned(), tag: None };
    work.see(digest, &place, now()).await.unwrap();
    let scan = Scan { digest, depth: Depth::Fast, report: &report, json: &json, index: &index };
    work.save_scan(&scan, now()).await.unwrap();
    work.commit().await.unwrap();
}

/// Returns what is open: the vulnerability, the package and the versions that fix it.
async fn open(store: &Store, digest: &Digest) -> BTreeSet<(String, String, String)> {
    let findings = store.findings(digest).await.unwrap().into_iter();
    let open = findings.filter(|finding| finding.gone_at.is_none());
    open.map(|one| {
        (one.rule, format!("{} {}", one.package.unwrap(), one.version.unwrap()), one.fixed_versions)
    })
    .collect()
}

fn full(inventory: &Inventory, database: &Database) -> BTreeSet<(String, String, String)> {
    let findings = match_inventory(inventory, database).unwrap().findings;
    findings
        .into_iter()
        .map(|finding| {
            let package = &inventory.packages[finding.package.unwrap() as usize];
            (finding.rule, format!("{} {}", package.name, package.version), finding.fixed_versions.join(","))
        })
        .collect()
}

async fn check(fleet: &[Vec<(usize, usize)>], before: &Advisories, after: &Advisories) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Address::File(folder.path().join("assay.db"))).await.unwrap();
    let (old, new) = (compiled(before, BUILT), compiled(after, Timestamp(BUILT.0 + 1)));
    let fleet: Vec<(Digest, Inventory)> = (0..)
        .zip(fleet)
        .map(|(number, packages)| (Digest::Sha256([number; 32]), inventory(packages)))
        .collect();
    for (digest, inventory) in &fleet {
        store_scan(&store, digest, inventory.clone(), &old).await;
    }
    let done = rematch_all(&store, &old, (&new, false), now()).await.unwrap();
    for (digest, inventory) in &fleet {
        assert_eq!(open(&store, digest).await, full(inventory, &new), "{before:?} {after:?}");
        let differs = full(inventory, &old) != full(inventory, &new);
        assert!(!differs || done.changed.contains(digest), "a change was not told");
        // Only what could be concerned was looked at again.
        if done.affected.contains(digest) {
            let said = |advisories: &Advisories, package: usize| {
                advisories.iter().filter(|one| one.1 == package).copied().collect::<BTreeSet<_>>()
            };
            let concerned = inventory.packages.iter().any(|package| {
                let index = NAMES.iter().position(|name| *name == package.name).unwrap();
                said(before, index) != said(after, index)
            });
            assert!(concerned, "an image was looked at again for nothing");
        }
        // The stored report is that of a full look, too.
        let stored = store.report(digest, None).await.unwrap().unwrap();
        let (report, _) = assay_report::format::read(&stored.json).unwrap();
        let rules: BTreeSet<String> = report.findings.into_iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, full(inventory, &new).into_iter().map(|(rule, _, _)| rule).collect());
    }
    store.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn delta_equals_full(
        fleet in prop::collection::vec(prop::collection::vec((0..4_usize, 0..3_usize), 0..5), 1..5),
        before in prop::collection::vec((0..5_usize, 0..4_usize, 0..3_usize), 0..5),
        after in prop::collection::vec((0..5_usize, 0..4_usize, 0..3_usize), 0..5),
    ) {
        run(check(&fleet, &before, &after));
    }
}

#[test]
fn an_inventory_of_another_revision_is_scanned_again() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("assay.db");
        let store = Store::open(&Address::File(file.clone())).await.unwrap();
        let old = compiled(&vec![], BUILT);
        let new = compiled(&vec![(0, 0, 2)], Timestamp(BUILT.0 + 1));
        let digest = Digest::Sha256([1; 32]);
        store_scan(&store, &digest, inventory(&[(0, 0)]), &old).await;
        assert!(store.forget_inventory(&digest).await.unwrap());
        let done = rematch_all(&store, &old, (&new, false), now()).await.unwrap();
        assert_eq!((done.rescans.len(), done.changed.len()), (1, 0));
        assert_eq!(store.job_state("scan", &digest.to_string()).await.unwrap().unwrap().0, "queued");
    });
}

/// Returns what the server says of an image that holds a package, after a database was replaced by another.
async fn replaced(
    old: &Database,
    new: &Database,
) -> (Store, tempfile::TempDir, Digest, assay_server::Rematched) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Address::File(folder.path().join("assay.db"))).await.unwrap();
    let digest = Digest::Sha256([1; 32]);
    store_scan(&store, &digest, inventory(&[(0, 0)]), old).await;
    // Not in the same millisecond.
    let at = now().plus(std::time::Duration::from_secs(1));
    let done = rematch_all(&store, old, (new, false), at).await.unwrap();
    (store, folder, digest, done)
}

#[test]
fn an_image_that_nothing_new_concerns_does_not_grow_old() {
    run(async {
        let later = Timestamp(BUILT.0 + 86_400);
        let (old, new) = (compiled(&vec![], BUILT), compiled(&vec![(0, 1, 2)], later));
        let (store, _folder, digest, done) = replaced(&old, &new).await;
        assert_eq!((done.affected.len(), done.advanced), (0, 1));
        let status = store.report_status(&digest).await.unwrap().unwrap();
        assert_eq!(status.database, later.into());
        assert!(status.evaluated > status.created);
        assert!(store.database_description(status.database).await.unwrap().unwrap().contains("PyPI"));
        assert_eq!(catch_up(&store, (&new, false), now()).await.unwrap().affected.len(), 0);
    });
}

#[test]
fn an_image_with_the_same_findings_by_what_is_new_is_not_written_again() {
    run(async {
        // Of the package that it has, at a version that neither concerns.
        let (old, new) =
            (compiled(&vec![(0, 0, 0)], BUILT), compiled(&vec![(1, 0, 0)], Timestamp(BUILT.0 + 60)));
        let (store, _folder, digest, done) = replaced(&old, &new).await;
        assert_eq!((done.affected, done.changed.len(), done.advanced), (BTreeSet::from([digest]), 0, 1));
        let status = store.report_status(&digest).await.unwrap().unwrap();
        assert_eq!(status.database, Timestamp(BUILT.0 + 60).into());
        assert!(status.evaluated > status.created, "the report was written again");
        assert!(store.events(Some(&digest), 0, 10).await.unwrap().is_empty());
    });
}

#[test]
fn what_no_feed_speaks_about_any_more_is_not_taken_over() {
    run(async {
        let later = Timestamp(BUILT.0 + 60);
        let mut compiler = assay_advisories::Compiler::new(false);
        compiler.feed("osv", "CC0-1.0");
        let new = Database::from_bytes(compiler.finish(later).unwrap()).unwrap();
        let (store, _folder, digest, done) = replaced(&compiled(&vec![], BUILT), &new).await;
        assert_eq!(done.advanced, 0);
        assert_eq!(catch_up(&store, (&new, false), now()).await.unwrap().affected.len(), 1);
        let stored = store.report(&digest, None).await.unwrap().unwrap();
        let (report, _) = assay_report::format::read(&stored.json).unwrap();
        assert!(report.coverage.iter().all(|one| one.state == assay_model::report::CoverageState::None));
    });
}

#[test]
fn a_scan_by_an_older_database_that_ends_late_is_corrected() {
    run(async {
        let (old, new) =
            (compiled(&vec![(1, 0, 1)], BUILT), compiled(&vec![(0, 0, 2)], Timestamp(BUILT.0 + 1)));
        let (store, _folder, first, _) = replaced(&old, &new).await;
        // A worker had begun with the database before.
        let late = Digest::Sha256([2; 32]);
        store_scan(&store, &late, inventory(&[(0, 0)]), &old).await;
        assert_ne!(open(&store, &late).await, open(&store, &first).await);
        let done = catch_up(&store, (&new, false), now()).await.unwrap();
        assert_eq!((done.affected, done.changed), (BTreeSet::from([late]), BTreeSet::from([late])));
        assert_eq!(open(&store, &late).await, open(&store, &first).await);
        let kinds = store.events(Some(&late), 0, 10).await.unwrap().into_iter().map(|event| event.kind);
        assert_eq!(kinds.collect::<Vec<_>>(), ["finding-appeared", "finding-gone", "rematched"]);
        assert_eq!(catch_up(&store, (&new, false), now()).await.unwrap().affected.len(), 0);
        // A worker whose database is newer than the server's knows better.
        assert_eq!(catch_up(&store, (&old, false), now()).await.unwrap().affected.len(), 0);
    });
}

#[test]
fn what_can_no_longer_be_scanned_is_not_asked_for_again_and_again() {
    run(async {
        let (old, new) = (compiled(&vec![], BUILT), compiled(&vec![], Timestamp(BUILT.0 + 1)));
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Address::File(folder.path().join("assay.db"))).await.unwrap();
        let digest = Digest::Sha256([1; 32]);
        store_scan(&store, &digest, inventory(&[(0, 0)]), &old).await;
        store.forget_inventory(&digest).await.unwrap();
        for want in [1, 0, 0] {
            assert_eq!(catch_up(&store, (&new, false), now()).await.unwrap().rescans.len(), 1);
            assert_eq!(store.queued().await.unwrap(), want);
            let terms = assay_store::Terms::default();
            let mut time = now();
            while let Some(job) = store.claim("w", &terms, time).await.unwrap() {
                store.fail(&job, "404", time).await.unwrap();
                time = time.plus(std::time::Duration::from_secs(5000));
            }
        }
    });
}
