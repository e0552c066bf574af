//! What a new vulnerability database changes: only images with a package about which it says something else are looked at again, and
//! none is pulled.
//!
//! Each image is one transaction: report, findings, verdicts and events. So a run that is cut short is simply run again; images that are
//! done have nothing to change then.

use crate::{index, report};
use assay_advisories::Database;
use assay_advisories::database::{CorruptDatabase, changed_between};
use assay_match::{FindingChange, Outcome, match_inventory, rematch};
use assay_model::{Digest, Finding};
use assay_store::{Moment, NewJob, Scan, Store, StoreError};
use std::collections::BTreeSet;

/// How many findings of one image are told one by one; the rest is counted.
const MAX_TOLD: usize = 100;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rematched {
    /// How many packages the databases say different things about.
    pub packages: usize,
    /// The images that have one of them.
    pub affected: BTreeSet<Digest>,
    /// Those whose findings are others now.
    pub changed: BTreeSet<Digest>,
    /// Those that must be scanned again, because what is in them is not known in a form that this program reads.
    pub rescans: BTreeSet<Digest>,
}

/// Why stored inventories could not be matched again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RematchError {
    /// The store failed.
    #[error("cannot use the stored inventories")]
    Store(#[from] StoreError),
    /// The vulnerability database is damaged.
    #[error("cannot compare the vulnerability databases")]
    Database(#[from] CorruptDatabase),
    /// A report could not be written.
    #[error("cannot write the report of `{digest}`")]
    Report {
        /// The image.
        digest: Digest,
        /// Why.
        source: std::io::Error,
    },
}

/// Matches every stored inventory again that the difference between two databases can concern.
///
/// # Errors
/// Fails when the store does not answer or a database is damaged. What was done until then stays.
pub async fn rematch_all(
    store: &Store,
    old: &Database,
    (new, built_in): (&Database, bool),
    now: Moment,
) -> Result<Rematched, RematchError> {
    let changes = changed_between(old, new)?;
    let names = changes.packages.keys().map(|(ecosystem, name)| (ecosystem.as_str(), name.as_str()));
    let affected = store.images_with(names).await?;
    let mut done = Rematched { packages: changes.packages.len(), ..Rematched::default() };
    for digest in affected {
        done.affected.insert(digest);
        let Some((inventory, stored)) = known(store, &digest).await? else {
            done.rescans.insert(digest);
            ask_for_scan(store, &digest, now).await?;
            continue;
        };
        let Ok((read, _)) = assay_report::format::read(&stored.json) else {
            done.rescans.insert(digest);
            ask_for_scan(store, &digest, now).await?;
            continue;
        };
        let before = match_inventory(&inventory, old)?;
        let delta = rematch(&inventory, &before.findings, &changes, new)?;
        let report = report::renew(read, inventory, delta.matched, new, built_in)?;
        let json = report::write(&report).map_err(|source| RematchError::Report { digest, source })?;
        let index = index::entries(&report.inventory);
        let scan = Scan { digest: &digest, depth: stored.depth, report: &report, json: &json, index: &index };
        let mut work = store.begin().await?;
        let changed = work.save_scan(&scan, now).await?;
        work.forget_verdicts(&digest).await?;
        // A run that was cut short has told some of it: what the findings show already is not told again.
        let told: Vec<&FindingChange> = delta
            .changes
            .iter()
            .filter(|change| match change.outcome {
                Outcome::Appeared => changed.appeared.contains(&change.finding.id),
                Outcome::Gone => changed.gone.contains(&change.finding.id),
                Outcome::Changed => stored.database < Moment::from(new.built_at()),
            })
            .collect();
        if !told.is_empty() {
            done.changed.insert(digest);
            for change in told.iter().take(MAX_TOLD) {
                let (kind, detail) = event(change);
                work.record(kind, Some(&digest), &detail, now).await?;
            }
            let detail = serde_json::json!({ "changes": told.len(), "database": new.built_at().to_string() });
            work.record("rematched", Some(&digest), &detail, now).await?;
        }
        work.commit().await?;
    }
    Ok(done)
}

async fn known(
    store: &Store,
    digest: &Digest,
) -> Result<Option<(assay_model::Inventory, assay_store::StoredReport)>, StoreError> {
    // What cannot be read is made again, so it is no reason to stop.
    let damaged = |error| match error {
        StoreError::Damaged { .. } => Ok(None),
        error => Err(error),
    };
    let inventory = store.inventory(digest).await.or_else(damaged)?;
    let report = match store.report(digest, None).await {
        Ok(report) => report,
        Err(StoreError::Damaged { .. }) => None,
        Err(error) => return Err(error),
    };
    Ok(inventory.zip(report))
}

async fn ask_for_scan(store: &Store, digest: &Digest, now: Moment) -> Result<(), StoreError> {
    let Some(image) = store.image(digest).await? else { return Ok(()) };
    store.enqueue(&scan_job(digest, &image.registry, &image.repository, 0), now).await?;
    Ok(())
}

/// Returns the job that scans an image.
pub(crate) fn scan_job(digest: &Digest, registry: &str, repository: &str, priority: i64) -> NewJob {
    NewJob {
        kind: crate::worker::SCAN.to_owned(),
        name: digest.to_string(),
        registry: registry.to_owned(),
        payload: repository.to_owned(),
        priority,
        max_attempts: crate::worker::ATTEMPTS,
    }
}

fn event(change: &FindingChange) -> (&'static str, serde_json::Value) {
    let Finding { id, rule, severity, .. } = &change.finding;
    let kind = match change.outcome {
        Outcome::Appeared => "finding-appeared",
        Outcome::Gone => "finding-gone",
        Outcome::Changed => "finding-changed",
    };
    let reasons: Vec<serde_json::Value> = change
        .reasons
        .iter()
        .map(|reason| {
            serde_json::json!({
                "feed": reason.feed,
                "advisory": reason.advisory,
                "what": reason.what.name(),
                "text": reason.what.to_string(),
            })
        })
        .collect();
    let detail = serde_json::json!({
        "finding": id,
        "rule": rule,
        "severity": severity.name(),
        "reasons": reasons,
    });
    (kind, detail)
}
