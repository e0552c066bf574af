//! What a new vulnerability database changes: only images with a package about which it says something else are looked at again, and
//! none is pulled.
//!
//! Most images that hold such a package have the same findings by the new database: that is found out by their inventories alone, and
//! only their dates are written. All that is written of one image (report, findings, verdicts, events) is in one transaction. So a
//! run that is cut short is simply run again; images that are done have nothing to change then.

use crate::{index, report};
use assay_advisories::Database;
use assay_advisories::database::{Changes, CorruptDatabase, changed_between};
use assay_match::{FindingChange, Outcome, match_inventory, rematch, what_changes};
use assay_model::{Digest, Finding, Inventory};
use assay_store::{Dated, FindingChanges, Moment, NewJob, Scan, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;

/// How many findings of one image are told one by one; the rest is counted.
const MAX_TOLD: usize = 100;
/// How many inventories are looked at together, and images written together.
const TOGETHER: usize = 32;
/// Bytes of reports that are written together at the most, but for the last.
const MAX_TOGETHER: usize = 8 << 20;
/// How often an image is judged again because something else was stored of it meanwhile, before it is left for the next time.
const MAX_TRIES: usize = 5;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rematched {
    /// How many packages the databases say different things about.
    pub packages: usize,
    /// The images that have one of them.
    pub affected: BTreeSet<Digest>,
    /// Those whose findings are others now.
    pub changed: BTreeSet<Digest>,
    /// How many reports hold by the newer database as well.
    pub advanced: u64,
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

/// How an image is judged again.
enum By<'a> {
    /// By what is different from the database that its report was made with.
    Delta { old: &'a Database, changes: &'a Changes },
    /// As a whole, because that database is not at hand.
    Whole,
}

/// What became of judging one image again.
enum Renewed {
    /// It is judged by another database already, or gone.
    Nothing,
    /// What is in it is not known in a form that can be read.
    Unreadable,
    Report(Box<NewReport>),
}

/// A report that is to be written, if nothing else was meanwhile.
struct NewReport {
    digest: Digest,
    generation: i64,
    depth: assay_store::Depth,
    before: BTreeMap<String, Finding>,
    changes: Option<Vec<FindingChange>>,
    report: assay_model::Report,
    json: Vec<u8>,
}

impl Rematched {
    fn join(&mut self, mut other: Self) {
        self.affected.append(&mut other.affected);
        self.changed.append(&mut other.changed);
        self.rescans.append(&mut other.rescans);
    }
}

/// Does something about parts of a list, as many at once as the runtime has threads.
///
/// Matching keeps a processor busy, so each part needs a thread of its own; requests are answered by those of the runtime meanwhile.
fn on_all_cores(
    digests: &BTreeSet<Digest>,
    work: impl AsyncFn(&[Digest]) -> Result<(), RematchError> + Sync,
) -> Result<(), RematchError> {
    let digests: Vec<Digest> = digests.iter().copied().collect();
    let chunks = Mutex::new(digests.chunks(TOGETHER));
    let runtime = Handle::current();
    let threads = runtime.metrics().num_workers();
    let first_error = Mutex::new(None);
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let next = chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some(chunk) = next else { break };
                        let failed = first_error.lock().unwrap_or_else(PoisonError::into_inner).is_some();
                        if failed {
                            break;
                        }
                        if let Err(error) = runtime.block_on(work(chunk)) {
                            first_error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        }
                    }
                });
            }
        });
    });
    match first_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// A database that images are judged by.
struct Judging<'a> {
    store: &'a Store,
    new: &'a Database,
    built_in: bool,
    now: Moment,
}

/// Matches every stored inventory again that the difference between two databases can concern, and records of all others that were
/// judged by the older one that they hold by the newer one as well.
///
/// # Errors
/// Fails when the store does not answer or a database is damaged. What was done until then stays.
pub async fn rematch_all(
    store: &Store,
    old: &Database,
    (new, built_in): (&Database, bool),
    now: Moment,
) -> Result<Rematched, RematchError> {
    let judging = Judging { store, new, built_in, now };
    let (from, to) = (Moment::from(old.built_at()), Moment::from(new.built_at()));
    store.describe_database(to, &report::describe(new, built_in)?).await?;
    let changes = changed_between(old, new)?;
    // Before the index is asked: what is written after this is left to `catch_up`.
    let dated = store.reports_of(from).await?;
    let names = changes.packages.keys().map(|(ecosystem, name)| (ecosystem.as_str(), name.as_str()));
    let affected = store.images_with(names).await?;
    let mut done = Rematched { packages: changes.packages.len(), ..Rematched::default() };
    let concerned = judging.concerned(&affected, old, &changes)?;
    done.join(judging.all_again(&concerned, &By::Delta { old, changes: &changes })?);
    let rest: Vec<Dated> = dated.into_iter().filter(|one| !concerned.contains(&one.digest)).collect();
    done.affected = affected;
    // What no feed speaks about any more is not clean by the newer database, so nothing can be taken over from the older one.
    if covered(old)? == covered(new)? {
        done.advanced = store.advance(&rest, from, to, now).await?;
        // How old the database is counts as well; verdicts are kept for a minute only, so all of them are soon made again.
        store.forget_expired_verdicts(Moment(i64::MAX)).await?;
    }
    Ok(done)
}

/// Matches every stored inventory again whose report was made by an older database than this one, and never compared with it.
///
/// # Errors
/// Fails when the store does not answer or the database is damaged. What was done until then stays.
pub async fn catch_up(
    store: &Store,
    (new, built_in): (&Database, bool),
    now: Moment,
) -> Result<Rematched, RematchError> {
    let to = Moment::from(new.built_at());
    let behind = store.behind(to).await?;
    if behind.is_empty() {
        return Ok(Rematched::default());
    }
    store.describe_database(to, &report::describe(new, built_in)?).await?;
    let judging = Judging { store, new, built_in, now };
    let done = judging.all_again(&behind, &By::Whole)?;
    Ok(Rematched { affected: behind, ..done })
}

/// Returns which feeds speak about which ecosystems.
fn covered(database: &Database) -> Result<Vec<(String, Vec<String>)>, CorruptDatabase> {
    Ok(database.coverages()?.into_iter().map(|(name, coverage)| (name, coverage.feeds)).collect())
}

impl Judging<'_> {
    /// Returns those of which the new database finds something else, or of which it is not known what is in them.
    fn concerned(
        &self,
        digests: &BTreeSet<Digest>,
        old: &Database,
        changes: &Changes,
    ) -> Result<BTreeSet<Digest>, RematchError> {
        let concerned = Mutex::new(BTreeSet::new());
        on_all_cores(digests, async |chunk| {
            let (mut same, mut damaged) = (BTreeSet::new(), None);
            let look = |digest, inventory: Inventory| match what_changes(&inventory, changes, old, self.new) {
                Ok(changes) if changes.is_empty() => drop(same.insert(digest)),
                Ok(_) => {}
                Err(error) => damaged = Some(error),
            };
            self.store.each_inventory(chunk, look).await?;
            if let Some(error) = damaged {
                return Err(error.into());
            }
            let others = chunk.iter().filter(|digest| !same.contains(digest));
            concerned.lock().unwrap_or_else(PoisonError::into_inner).extend(others);
            Ok(())
        })?;
        Ok(concerned.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Judges images again.
    fn all_again(&self, digests: &BTreeSet<Digest>, by: &By<'_>) -> Result<Rematched, RematchError> {
        let done = Mutex::new(Rematched::default());
        on_all_cores(digests, async |chunk| {
            let some = self.again(chunk, by).await?;
            done.lock().unwrap_or_else(PoisonError::into_inner).join(some);
            Ok(())
        })?;
        Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Judges images again. What is stored of one meanwhile is not written over: then it is judged once more.
    async fn again(&self, digests: &[Digest], by: &By<'_>) -> Result<Rematched, RematchError> {
        let mut done = Rematched::default();
        let mut left = digests.to_vec();
        for attempt in 1..=MAX_TRIES {
            let (mut renewed, mut bytes, mut again) = (Vec::new(), 0, Vec::new());
            for digest in std::mem::take(&mut left) {
                match self.renew(&digest, by).await? {
                    Renewed::Nothing => continue,
                    Renewed::Unreadable => {
                        done.rescans.insert(digest);
                        self.ask_for_scan(&digest).await?;
                        continue;
                    }
                    Renewed::Report(report) => {
                        bytes += report.json.len();
                        renewed.push(report);
                    }
                }
                if bytes >= MAX_TOGETHER {
                    again.append(&mut self.save(&renewed, attempt, &mut done).await?);
                    (renewed, bytes) = (Vec::new(), 0);
                }
            }
            again.append(&mut self.save(&renewed, attempt, &mut done).await?);
            if again.is_empty() {
                break;
            }
            left = again;
        }
        Ok(done)
    }

    /// Judges one image again; nothing is written.
    async fn renew(&self, digest: &Digest, by: &By<'_>) -> Result<Renewed, RematchError> {
        let Some(generation) = self.store.generation(digest).await? else { return Ok(Renewed::Nothing) };
        let read = match known(self.store, digest).await? {
            Some((inventory, stored)) => {
                assay_report::format::read(&stored.json).ok().map(|(report, _)| (inventory, stored, report))
            }
            None => None,
        };
        let Some((inventory, stored, read)) = read else { return Ok(Renewed::Unreadable) };
        let is_due = match by {
            By::Delta { old, .. } => stored.database == Moment::from(old.built_at()),
            By::Whole => stored.database < Moment::from(self.new.built_at()),
        };
        if !is_due {
            return Ok(Renewed::Nothing);
        }
        let before: BTreeMap<String, Finding> =
            read.findings.iter().map(|finding| (finding.id.clone(), finding.clone())).collect();
        let (matched, changes) = match by {
            By::Delta { old, changes } => {
                let before = match_inventory(&inventory, old)?;
                let delta = rematch(&inventory, &before.findings, changes, self.new)?;
                (delta.matched, Some(delta.changes))
            }
            By::Whole => (match_inventory(&inventory, self.new)?, None),
        };
        let report = report::renew(read, inventory, matched, self.new, self.built_in)?;
        let json =
            report::write(&report).map_err(|source| RematchError::Report { digest: *digest, source })?;
        let depth = stored.depth;
        Ok(Renewed::Report(Box::new(NewReport {
            digest: *digest,
            generation,
            depth,
            before,
            changes,
            report,
            json,
        })))
    }

    /// Writes reports; returns the images of which something else was stored meanwhile. All are tried once more where the database did
    /// not take them: of two transactions that wait for one another it ends one.
    async fn save(
        &self,
        renewed: &[Box<NewReport>],
        attempt: usize,
        done: &mut Rematched,
    ) -> Result<Vec<Digest>, RematchError> {
        match self.write(renewed, done).await {
            Err(StoreError::Database(_)) if attempt < MAX_TRIES => {
                Ok(renewed.iter().map(|one| one.digest).collect())
            }
            written => Ok(written?),
        }
    }

    async fn write(
        &self,
        renewed: &[Box<NewReport>],
        done: &mut Rematched,
    ) -> Result<Vec<Digest>, StoreError> {
        let mut left = Vec::new();
        if renewed.is_empty() {
            return Ok(left);
        }
        let mut written = Vec::new();
        for one in renewed {
            let index = index::entries(&one.report.inventory);
            let scan = Scan {
                digest: &one.digest,
                depth: one.depth,
                report: &one.report,
                json: &one.json,
                index: &index,
            };
            // Before the transaction: what is large is written elsewhere.
            let documents = self.store.scan_documents(&scan).await?;
            written.push((one, index, documents));
        }
        let mut different = BTreeSet::new();
        let mut work = self.store.begin().await?;
        work.hold_all(&renewed.iter().map(|one| one.digest).collect::<Vec<_>>()).await?;
        for (one, index, documents) in &written {
            let NewReport { digest, generation, depth, before, changes, report, json } = &***one;
            if !work.is_still(digest, *generation).await? {
                left.push(*digest);
                continue;
            }
            let scan = Scan { digest, depth: *depth, report, json, index };
            let changed = work.save_scan_with(&scan, documents, self.now).await?;
            work.forget_verdicts(digest).await?;
            let told: Vec<(&str, serde_json::Value)> = match changes {
                Some(changes) => changes.iter().map(event).collect(),
                None => differences(&changed, before, &report.findings),
            };
            if !told.is_empty() {
                different.insert(*digest);
                for (kind, detail) in told.iter().take(MAX_TOLD) {
                    work.record(kind, Some(digest), detail, self.now).await?;
                }
                let detail = serde_json::json!({
                    "changes": told.len(), "database": self.new.built_at().to_string() });
                work.record("rematched", Some(digest), &detail, self.now).await?;
            }
        }
        work.commit().await?;
        done.changed.append(&mut different);
        Ok(left)
    }

    /// Asks for an image to be looked at again, unless that has failed for good.
    async fn ask_for_scan(&self, digest: &Digest) -> Result<(), RematchError> {
        let Some(image) = self.store.image(digest).await? else { return Ok(()) };
        let state = self.store.job_state(crate::worker::SCAN, &digest.to_string()).await?;
        if state.is_none_or(|(state, _)| state != "failed") {
            let job = scan_job(digest, &image.registry, &image.repository, 0);
            self.store.enqueue(&job, self.now).await?;
        }
        Ok(())
    }
}

/// Tells of findings that came and went when nobody knows by which change of an advisory.
fn differences(
    changed: &FindingChanges,
    before: &BTreeMap<String, Finding>,
    after: &[Finding],
) -> Vec<(&'static str, serde_json::Value)> {
    let detail = |finding: &Finding| {
        serde_json::json!({
            "finding": finding.id, "rule": finding.rule, "severity": finding.severity.name(), "reasons": [] })
    };
    let appeared = after.iter().filter(|finding| changed.appeared.contains(&finding.id));
    let gone = changed.gone.iter().filter_map(|id| before.get(id));
    appeared
        .map(|finding| ("finding-appeared", detail(finding)))
        .chain(gone.map(|finding| ("finding-gone", detail(finding))))
        .collect()
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
