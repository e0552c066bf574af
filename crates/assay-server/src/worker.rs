//! Workers: they take jobs from the queue, ask registries and scan, and write the result with the end of the job in one transaction.

use crate::api::reference::PRIORITY;
use crate::crawl::{self, CRAWL, Crawled};
use crate::files;
use crate::metrics::Metrics;
use crate::rematch::scan_job;
use crate::scanner::{Content, ScanError, Scanned, Scanner};
use assay_model::Digest;
use assay_store::{Job, Moment, Place, Scan, Store, StoreError, TagState, Terms, Work};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The job that asks a registry what a name stands for.
pub(crate) const RESOLVE: &str = "resolve";
/// The job that scans an image by its digest.
pub(crate) const SCAN: &str = "scan";
/// How the name begins of a job that asks a registry about an image that somebody waits for.
pub(crate) const ASKED: &str = "ask ";
/// How often a job is tried.
pub(crate) const ATTEMPTS: i64 = 8;
/// How long jobs that ended can be looked up.
const KEPT: Duration = Duration::from_secs(7 * 86_400);
/// How long a worker with nothing to do waits.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a result is tried to be written before the job counts as failed: most failures are two writers in each other's way.
const WRITES: u32 = 3;
/// Jobs that may be queued before registries and clusters are told to wait.
pub(crate) const MAX_QUEUED: i64 = 10_000;
/// How many seconds they are told to wait.
pub(crate) const RETRY_AFTER: u32 = 30;

/// What tells the time.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// A worker.
#[derive(Clone)]
pub struct Worker {
    /// What it is called in the database.
    pub name: String,
    /// Where the jobs are.
    pub store: Store,
    /// How they are done.
    pub scanner: Arc<Scanner>,
    /// How they are chosen.
    pub terms: Terms,
    /// What tells the time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// What a job came to.
enum Outcome {
    Resolved(Place, crate::scanner::Resolved, Moment),
    Expanded(Vec<assay_store::Child>),
    Scanned(Box<Scanned>),
    Unjudgeable(String),
    Crawled(Crawled),
}

/// Keeps a job while it is worked at, also while its result is written.
struct Pulse(tokio::task::JoinHandle<()>);

impl Pulse {
    fn start(worker: &Worker, job: &Job) -> Self {
        let (worker, job) = (worker.clone(), job.clone());
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(worker.terms.lease / 3).await;
                // Whether it is still ours is asked again when it is done; a scan cannot be called back.
                let _ = worker.store.heartbeat(&job, &worker.terms, (worker.clock)()).await;
            }
        }))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Worker {
    /// Does jobs until `stop` is raised; the one at hand is finished.
    pub async fn run(self, stop: Arc<AtomicBool>) {
        let mut recovered = Moment::default();
        while !stop.load(Ordering::Relaxed) {
            let now = (self.clock)();
            if now.since(recovered) >= self.terms.lease / 2 {
                recovered = now;
                let _ = self.store.forget_jobs(now.minus(KEPT)).await;
                let _ = self.store.forget_expired_verdicts(now).await;
                if let Ok(orphans) = self.store.recover(now).await {
                    self.metrics.orphans.add(orphans.queued + orphans.failed);
                }
            }
            match self.step().await {
                Ok(true) => {}
                Ok(false) => tokio::time::sleep(PAUSE).await,
                Err(_) => {
                    // The database is away. The job's lease runs out, and somebody does it again.
                    self.metrics.store_errors.add(1);
                    tokio::time::sleep(PAUSE * 4).await;
                }
            }
        }
    }

    /// Does one job, if there is one.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn step(&self) -> Result<bool, StoreError> {
        let Some(job) = self.store.claim(&self.name, &self.terms, (self.clock)()).await? else {
            return Ok(false);
        };
        self.metrics.waited(job.waited);
        let begun = (self.clock)();
        let _pulse = Pulse::start(self, &job);
        let (worker, at_hand) = (self.clone(), job.clone());
        let known = crawl::known(&self.store, &job).await?;
        let doing = tokio::task::spawn_blocking(move || match at_hand.kind.as_str() {
            CRAWL => crawl::list(&worker.scanner, &at_hand, &known, begun).map(Outcome::Crawled),
            _ => worker.perform(&at_hand),
        });
        let error = match doing.await {
            Ok(Ok(outcome)) => match self.write(&job, &outcome).await {
                Ok(ours) => {
                    if ours && matches!(outcome, Outcome::Scanned(_)) {
                        let took = (self.clock)().since(begun);
                        self.metrics.scans.add(1);
                        self.metrics.scan_milliseconds.add(took.as_millis().try_into().unwrap_or(u64::MAX));
                    }
                    return Ok(true);
                }
                Err(error) => chain(&error),
            },
            Ok(Err(error)) => chain(&error),
            Err(error) => format!("the scan ended by a fault of the program: {}", fault(error)),
        };
        self.metrics.failures.add(1);
        let place = self.next_place(&job).await?;
        self.store.fail_over(&job, &error, (&place.registry, &place.repository), (self.clock)()).await?;
        Ok(true)
    }

    /// Returns where the next attempt at a job is to be made. An image that is gone from one repository may be in another.
    async fn next_place(&self, job: &Job) -> Result<Place, StoreError> {
        let own = Place { registry: job.registry.clone(), repository: job.payload.clone(), tag: None };
        if job.kind != SCAN {
            return Ok(own);
        }
        let Ok(digest) = digest(job) else { return Ok(own) };
        let mut places = self.store.places(&digest).await?;
        places.retain(|place| self.scanner.registries.contains(&place.registry));
        let next = places.iter().position(|place| *place == own).map_or(0, |at| at + 1);
        let next = if next < places.len() { next } else { 0 };
        Ok(places.into_iter().nth(next).unwrap_or(own))
    }

    /// Writes what a job came to, also when that does not work at once; says whether the job was still ours.
    async fn write(&self, job: &Job, outcome: &Outcome) -> Result<bool, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.finish(job, outcome, (self.clock)()).await {
                Err(StoreError::Database(_)) if attempt < WRITES => tokio::time::sleep(PAUSE * attempt).await,
                result => return result,
            }
        }
    }

    fn perform(&self, job: &Job) -> Result<Outcome, ScanError> {
        if job.kind == RESOLVE {
            let reference = self.scanner.reference(&job.payload)?;
            // Before the registry is asked: of two workers the one that asked later knows better.
            let asked = (self.clock)();
            let resolved = self.scanner.resolve(&job.payload)?;
            let place = Place {
                registry: reference.registry().to_owned(),
                repository: reference.repository().to_owned(),
                // A name with a digest says nothing about what the tag beside it stands for.
                tag: reference.tag().filter(|_| reference.digest().is_none()).map(str::to_owned),
            };
            return Ok(Outcome::Resolved(place, resolved, asked));
        }
        let name = format!("{}/{}@{}", job.registry, job.payload, job.name);
        Ok(match self.scanner.resolve(&name)?.content {
            Content::Index(children) => Outcome::Expanded(children),
            Content::Artifact => Outcome::Unjudgeable("it is no image".to_owned()),
            Content::Unjudgeable(why) => Outcome::Unjudgeable(why),
            Content::Image => Outcome::Scanned(Box::new(self.scanner.scan(&name)?)),
        })
    }

    /// Says whether there are reports about an image, or about all images of an index.
    async fn is_scanned(&self, digest: &Digest) -> Result<bool, StoreError> {
        let children = self.store.children(digest).await?;
        if children.is_empty() {
            return Ok(self.store.report_status(digest).await?.is_some());
        }
        for child in children {
            if self.store.report_status(&child.digest).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes what a job came to; says whether the job was still ours. If not, nothing is written.
    async fn finish(&self, job: &Job, outcome: &Outcome, now: Moment) -> Result<bool, StoreError> {
        let mut work = self.store.begin().await?;
        let mut crawled = [0; 3];
        match outcome {
            Outcome::Crawled(listed) => {
                crawled = crawl::save(&mut work, &self.scanner, job, listed, now).await?;
            }
            Outcome::Resolved(place, resolved, asked) => {
                let is_waited_for = job.name.starts_with(ASKED);
                let is_asked_for = is_waited_for || job.name.starts_with("pod ");
                // Signatures and charts are pushed as well; they matter only once somebody wants to run one.
                if is_asked_for || (resolved.content != Content::Artifact && !resolved.attached) {
                    seen(&mut work, &resolved.digest, place, *asked).await?;
                    let priority = if is_waited_for { PRIORITY } else { 10 };
                    let scan = scan_job(&resolved.digest, &place.registry, &place.repository, priority);
                    if !(is_waited_for && self.is_scanned(&resolved.digest).await?) {
                        work.enqueue(&scan, now).await?;
                    }
                }
            }
            Outcome::Unjudgeable(why) => work.refuse(&digest(job)?, why).await?,
            Outcome::Expanded(children) => {
                let index = digest(job)?;
                let place =
                    Place { registry: job.registry.clone(), repository: job.payload.clone(), tag: None };
                for child in children {
                    work.see(&child.digest, &place, now).await?;
                    work.enqueue(&scan_job(&child.digest, &job.registry, &job.payload, 10), now).await?;
                }
                work.set_children(&index, children).await?;
                work.forget_verdicts(&index).await?;
            }
            Outcome::Scanned(scanned) => {
                let digest = digest(job)?;
                let scan = Scan {
                    digest: &digest,
                    depth: scanned.depth,
                    report: &scanned.report,
                    json: &scanned.json,
                    index: &scanned.index,
                };
                let changes = work.save_scan(&scan, now).await?;
                if let Some(files) = files::indexed(&scanned.report.inventory, &scanned.report.findings) {
                    work.save_files(&digest, &files).await?;
                }
                work.forget_verdicts(&digest).await?;
                let detail = serde_json::json!({
                    "depth": scanned.depth.name(),
                    "findings": scanned.report.findings.len(),
                    "appeared": changes.appeared.len(),
                    "gone": changes.gone.len(),
                    "complete": scanned.report.complete(),
                });
                work.record("scanned", Some(&digest), &detail, now).await?;
            }
        }
        if !work.complete(job, now).await? {
            return Ok(false);
        }
        work.commit().await?;
        self.metrics.crawls.add(crawled);
        Ok(true)
    }
}

/// Records that an image was seen, and tells of what is new about it.
async fn seen(work: &mut Work, digest: &Digest, place: &Place, now: Moment) -> Result<(), StoreError> {
    let told = |from: Option<Digest>| {
        serde_json::json!({
            "registry": place.registry,
            "repository": place.repository,
            "tag": place.tag,
            "from": from.map(|digest| digest.to_string()),
        })
    };
    match work.see(digest, place, now).await? {
        TagState::New => work.record("tag-seen", Some(digest), &told(None), now).await,
        TagState::Moved { from } => work.record("tag-moved", Some(digest), &told(Some(from)), now).await,
        TagState::None | TagState::Same | TagState::Older => Ok(()),
    }
}

fn digest(job: &Job) -> Result<Digest, StoreError> {
    job.name.parse().map_err(|_| StoreError::Damaged { what: "job", name: job.name.clone() })
}

/// Returns what a thread that panicked said.
pub(crate) fn fault(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(said) => match said.downcast::<String>() {
            Ok(text) => *text,
            Err(said) => said.downcast_ref::<&str>().map_or("it did not say why", |text| *text).to_owned(),
        },
        Err(error) => error.to_string(),
    }
}

/// Returns an error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}
