//! Fresh databases, and small reports to put in them.

use assay_model::report::{DatabaseStatus, SourceKind};
use assay_model::{
    Digest, Finding, FindingKind, FixState, Image, Inventory, Package, PackageKind, Report, Severity,
    Timestamp,
};
use assay_store::{Address, Depth, FindingChanges, IndexEntry, Moment, Place, Scan, Store};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// A database that nobody else uses.
pub(crate) struct Fresh {
    pub(crate) address: Address,
    _folder: TempDir,
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Makes a database of each kind there is.
pub(crate) async fn fresh() -> Vec<Fresh> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let folder = tempfile::tempdir().unwrap();
    let file = Address::File(folder.path().join("a b?#%.db"));
    let mut all = vec![Fresh { address: file, _folder: folder }];
    if let Ok(template) = std::env::var("ASSAY_TEST_POSTGRES") {
        let name = format!("assay_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        sqlx::any::install_default_drivers();
        let pool = sqlx::AnyPool::connect(&template.replace("{name}", "postgres")).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await.unwrap();
        pool.close().await;
        let address = template.replace("{name}", &name).parse().unwrap();
        all.push(Fresh { address, _folder: tempfile::tempdir().unwrap() });
    }
    all
}

/// Runs a test on each kind of database.
pub(crate) fn on_each(test: impl AsyncFn(Store)) {
    run(async {
        for fresh in fresh().await {
            println!("on {}", fresh.address);
            let store = Store::open(&fresh.address).await.unwrap();
            test(store.clone()).await;
            store.close().await;
        }
    });
}

pub(crate) fn digest(number: u8) -> Digest {
    Digest::Sha256([number; 32])
}

pub(crate) fn place(tag: Option<&str>) -> Place {
    Place {
        registry: "registry.example".to_owned(),
        repository: "team/app".to_owned(),
        tag: tag.map(str::to_owned),
    }
}

pub(crate) fn at(second: i64) -> Moment {
    Moment::from(Timestamp(second))
}

/// Returns a report of Python packages, some of which have findings: `[("a", "1", &["CVE-1", "GHSA-1"])]`.
pub(crate) fn report(packages: &[(&str, &str, &[&str])]) -> Report {
    let findings = (0..).zip(packages).filter_map(|(index, (name, _, ids))| {
        let (rule, aliases) = ids.split_first()?;
        Some(Finding {
            id: format!("{rule}-of-{name}"),
            kind: FindingKind::Vulnerability,
            rule: (*rule).to_owned(),
            aliases: aliases.iter().map(|&id| id.to_owned()).collect(),
            title: String::new(),
            severity: Severity::High,
            severity_source: String::new(),
            cvss: Vec::new(),
            epss: None,
            kev: None,
            exploit: false,
            priority: None,
            priority_path: Vec::new(),
            package: Some(index),
            fix: FixState::Fixed,
            fixed_versions: vec!["9".to_owned()],
            locations: Vec::new(),
            in_base: None,
            evidence: Vec::new(),
            details: Vec::new(),
            remediation: String::new(),
            suppression: None,
        })
    });
    Report {
        source: SourceKind::Registry,
        image: Image::default(),
        scanners: vec![FindingKind::Vulnerability],
        findings: findings.collect(),
        inventory: Inventory {
            packages: packages
                .iter()
                .map(|(name, version, _)| Package::new(PackageKind::Python, *name, *version))
                .collect(),
            ..Inventory::default()
        },
        database: DatabaseStatus { built_at: Some(Timestamp(1_700_000_000)), ..DatabaseStatus::default() },
        context: assay_model::Context::default(),
        coverage: Vec::new(),
        removable: Vec::new(),
    }
}

/// Sees an image and stores a scan of it.
pub(crate) async fn scan(
    store: &Store,
    image: &Digest,
    depth: Depth,
    packages: &[(&str, &str, &[&str])],
    now: Moment,
) -> FindingChanges {
    let index: Vec<IndexEntry> = packages
        .iter()
        .map(|(name, version, _)| IndexEntry {
            ecosystem: "PyPI".to_owned(),
            name: (*name).to_owned(),
            version: (*version).to_owned(),
        })
        .collect();
    let report = report(packages);
    let json = format!("{{\"of\":\"{image}\",\"depth\":\"{}\"}}", depth.name());
    let mut work = store.begin().await.unwrap();
    work.see(image, &place(None), now).await.unwrap();
    let scan = Scan { digest: image, depth, report: &report, json: json.as_bytes(), index: &index };
    let changes = work.save_scan(&scan, now).await.unwrap();
    work.commit().await.unwrap();
    changes
}
