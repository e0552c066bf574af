//! Workers: they take jobs from the queue, ask registries and scan, and write the result with the end of the job in one transaction.

use crate::api::reference::PRIORITY;
use crate::crawl::{self, CRAWL, Crawled};
use crate::deep;
use crate::evidence::{self, EVIDENCE, evidence_job};
use crate::files;
use crate::metrics::Metrics;
use crate::promote;
use crate::rematch::scan_job;
use crate::scanner::{Content, ScanError, Scanned, Scanner};
use crate::trace::{Context, Open, SpanKind};
use assay_model::Digest;
use assay_oci::artifact::subject_of_tag;
use assay_store::{Depth, Job, Moment, Place, Store, StoreError, TagState, Terms, Work};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The job that asks a registry what a name stands for.
pub(crate) const RESOLVE: &str = "resolve";
/// The job that scans an image by its digest.
pub(crate) const SCAN: &str = "scan";
/// The job that looks at an image deeply that was scanned before.
pub(crate) const DEEP_SCAN: &str = "deep-scan";
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
    Gathered(evidence::Answer),
}

/// Keeps a job while it is worked at, also while its result is written.
pub(crate) struct Pulse(tokio::task::JoinHandle<()>);

impl Pulse {
    pub(crate) fn start(store: &Store, terms: Terms, clock: &Clock, job: &Job) -> Self {
        let (store, clock, job) = (store.clone(), clock.clone(), job.clone());
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(terms.lease / 3).await;
                // Whether it is still ours is asked again when it is done; a scan cannot be called back.
                let _ = store.heartbeat(&job, &terms, clock()).await;
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
        let _pulse = Pulse::start(&self.store, self.terms, &self.clock, &job);
        let open = self.trace_begin(&job, begun);
        let within = open.map(|open| open.context);
        let (worker, at_hand) = (self.clone(), job.clone());
        let known = crawl::known(&self.store, &job).await?;
        if deep::is_done(&self.store, &job).await? {
            let mut work = self.store.begin().await?;
            if work.complete(&job, (self.clock)()).await? {
                work.commit().await?;
            }
            return Ok(true);
        }
        let doing = tokio::task::spawn_blocking(move || match at_hand.kind.as_str() {
            CRAWL => crawl::list(&worker.scanner, &at_hand, &known, begun).map(Outcome::Crawled),
            EVIDENCE => evidence::gather(&worker.scanner, &at_hand, begun).map(Outcome::Gathered),
            _ => worker.perform(&at_hand, within),
        });
        let error = match doing.await {
            Ok(Ok(outcome)) => match self.traced_write(&job, &outcome, within).await {
                Ok(ours) => {
                    self.trace_end(open, &job, None);
                    if ours && let Outcome::Scanned(scanned) = &outcome {
                        let layers = &scanned.report.image.layers;
                        // As manifests claim, which may be anything.
                        let size = layers.iter().filter_map(|layer| layer.size).fold(0, u64::saturating_add);
                        self.metrics.scan_bytes.add(size.min(assay_store::MAX_SIZE));
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
        self.trace_end(open, &job, Some(&error));
        self.metrics.failures.add(1);
        if job.kind == EVIDENCE {
            evidence::failed(&self.store, &job, &error, (begun, (self.clock)())).await?;
        }
        let place = self.next_place(&job).await?;
        self.store.fail_over(&job, &error, (&place.registry, &place.repository), (self.clock)()).await?;
        Ok(true)
    }

    /// Begins to tell of a job, and tells how long it waited.
    fn trace_begin(&self, job: &Job, begun: Moment) -> Option<Open> {
        let traces = &self.metrics.traces;
        let mut open = traces.begin(&self.clock, None)?;
        open.start = begun.minus(job.waited);
        if let Some(mut wait) = traces.begin(&self.clock, Some(open.context)) {
            wait.start = open.start;
            traces.add(wait.end("queue wait", SpanKind::Internal, begun, Vec::new(), None));
        }
        Some(open)
    }

    /// Tells of a job that is over.
    fn trace_end(&self, open: Option<Open>, job: &Job, error: Option<&str>) {
        let Some(open) = open else { return };
        let attributes = vec![
            ("assay.job.kind", job.kind.clone()),
            ("assay.job.name", job.name.clone()),
            ("assay.job.registry", job.registry.clone()),
            ("assay.job.attempt", job.attempt.to_string()),
        ];
        let span = open.end(
            format!("job {}", job.kind),
            SpanKind::Consumer,
            (self.clock)(),
            attributes,
            error.map(str::to_owned),
        );
        self.metrics.traces.add(span);
    }

    /// Does a step of a job, and tells of it.
    fn step_of<T>(
        &self,
        name: &'static str,
        within: Option<Context>,
        work: impl FnOnce() -> Result<T, ScanError>,
    ) -> Result<T, ScanError> {
        let open = within.and_then(|context| self.metrics.traces.begin(&self.clock, Some(context)));
        let result = work();
        if let Some(open) = open {
            let error = result.as_ref().err().map(|error| chain(error));
            self.metrics.traces.add(open.end(name, SpanKind::Internal, (self.clock)(), Vec::new(), error));
        }
        result
    }

    async fn traced_write(
        &self,
        job: &Job,
        outcome: &Outcome,
        within: Option<Context>,
    ) -> Result<bool, StoreError> {
        let open = within.and_then(|context| self.metrics.traces.begin(&self.clock, Some(context)));
        let result = self.write(job, outcome).await;
        if let Some(open) = open {
            let error = result.as_ref().err().map(|error| chain(error));
            self.metrics.traces.add(open.end("write", SpanKind::Internal, (self.clock)(), Vec::new(), error));
        }
        result
    }

    /// Returns where the next attempt at a job is to be made. An image that is gone from one repository may be in another.
    async fn next_place(&self, job: &Job) -> Result<Place, StoreError> {
        let own = Place { registry: job.registry.clone(), repository: job.payload.clone(), tag: None };
        if !matches!(job.kind.as_str(), SCAN | DEEP_SCAN) {
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

    fn perform(&self, job: &Job, within: Option<Context>) -> Result<Outcome, ScanError> {
        if job.kind == RESOLVE {
            let reference = self.scanner.reference(&job.payload)?;
            // Before the registry is asked: of two workers the one that asked later knows better.
            let asked = (self.clock)();
            let resolved = self.step_of("fetch", within, || self.scanner.resolve(&job.payload))?;
            let place = Place {
                registry: reference.registry().to_owned(),
                repository: reference.repository().to_owned(),
                // A name with a digest says nothing about what the tag beside it stands for.
                tag: reference.tag().filter(|_| reference.digest().is_none()).map(str::to_owned),
            };
            return Ok(Outcome::Resolved(place, resolved, asked));
        }
        let name = format!("{}/{}@{}", job.registry, job.payload, job.name);
        Ok(match self.step_of("fetch", within, || self.scanner.resolve(&name))?.content {
            Content::Index(children) => Outcome::Expanded(children),
            Content::Artifact => Outcome::Unjudgeable("it is no image".to_owned()),
            Content::Unjudgeable(why) => Outcome::Unjudgeable(why),
            Content::Image => {
                let is_deep = self.scanner.deep || job.kind == DEEP_SCAN;
                let depth = if is_deep { Depth::Deep } else { Depth::Fast };
                Outcome::Scanned(Box::new(self.step_of("scan", within, || self.scanner.scan(&name, depth))?))
            }
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
        // Before the transaction: what is large is written elsewhere, and nobody should wait for that.
        let documents = match outcome {
            Outcome::Scanned(scanned) => Some(self.store.scan_documents(&scanned.scan(&digest(job)?)).await?),
            _ => None,
        };
        // Also before it: who has the only right to write must not wait for a connection, as all others may be held by who waits to write.
        let is_scanned = match outcome {
            Outcome::Resolved(_, resolved, _) if job.name.starts_with(ASKED) => {
                self.is_scanned(&resolved.digest).await?
            }
            _ => false,
        };
        let mut work = self.store.begin().await?;
        let mut crawled = [0; 3];
        let mut found_deep = None;
        match outcome {
            Outcome::Crawled(listed) => {
                crawled = crawl::save(&mut work, &self.scanner, job, listed, now).await?;
            }
            Outcome::Resolved(place, resolved, asked) => {
                promote::check_release(&mut work, place, &resolved.digest, *asked).await?;
                let is_waited_for = job.name.starts_with(ASKED);
                let is_asked_for = is_waited_for || job.name.starts_with("pod ");
                // Signatures and charts are pushed as well; they matter only once somebody wants to run one.
                if is_asked_for || resolved.is_image() {
                    seen(&mut work, &resolved.digest, place, *asked).await?;
                    let priority = if is_waited_for { PRIORITY } else { 10 };
                    let scan = scan_job(&resolved.digest, &place.registry, &place.repository, priority);
                    if !is_scanned {
                        work.enqueue(&scan, now).await?;
                    }
                    ask_for_evidence(&mut work, &resolved.digest, place, ("image", 10), now).await?;
                    if self.scanner.wants_deep(place.tag.as_deref()) {
                        deep::ask(&mut work, &resolved.digest, place, now).await?;
                    }
                }
                // Whoever can push can attach: it is looked at, not believed.
                let of_tag = place.tag.as_deref().and_then(subject_of_tag);
                for subject in [resolved.subject, of_tag].into_iter().flatten() {
                    if work.is_known_in(&subject, place).await? {
                        let why = resolved.digest.to_string();
                        ask_for_evidence(&mut work, &subject, place, (&why, 20), now).await?;
                    }
                }
            }
            Outcome::Gathered(answer) => evidence::save(&mut work, job, answer, now).await?,
            Outcome::Unjudgeable(why) => work.refuse(&digest(job)?, why).await?,
            Outcome::Expanded(children) => {
                let index = digest(job)?;
                let place =
                    Place { registry: job.registry.clone(), repository: job.payload.clone(), tag: None };
                for child in children {
                    work.see(&child.digest, &place, now).await?;
                    if job.kind == DEEP_SCAN {
                        deep::ask(&mut work, &child.digest, &place, now).await?;
                    } else {
                        work.enqueue(&scan_job(&child.digest, &job.registry, &job.payload, 10), now).await?;
                        ask_for_evidence(&mut work, &child.digest, &place, ("image", 10), now).await?;
                    }
                }
                work.set_children(&index, children).await?;
                work.forget_verdicts(&index).await?;
            }
            Outcome::Scanned(scanned) => {
                let digest = digest(job)?;
                let scan = scanned.scan(&digest);
                // With the indexes that it is part of, whose verdicts are forgotten below: in the order in which all take them.
                work.hold_all(&[digest]).await?;
                let changes = match &documents {
                    Some(documents) => work.save_scan_with(&scan, documents, now).await?,
                    None => work.save_scan(&scan, now).await?,
                };
                if let Some(files) = files::indexed(&scanned.report.inventory, &scanned.report.findings) {
                    work.save_files(&digest, &files).await?;
                }
                found_deep = (job.kind == DEEP_SCAN).then_some(changes.appeared.len());
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
        if let Some(found) = found_deep {
            self.metrics.deep_scans.add(1);
            self.metrics.deep_findings.add(found.try_into().unwrap_or(u64::MAX));
        }
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
    let state = work.see(digest, place, now).await?;
    work.see_children(digest, place, now).await?;
    match state {
        TagState::New => work.record("tag-seen", Some(digest), &told(None), now).await,
        TagState::Moved { from } => work.record("tag-moved", Some(digest), &told(Some(from)), now).await,
        TagState::None | TagState::Same | TagState::Older => Ok(()),
    }
}

/// Asks for what is attached to a manifest.
async fn ask_for_evidence(
    work: &mut Work,
    digest: &Digest,
    place: &Place,
    why: (&str, i64),
    now: Moment,
) -> Result<(), StoreError> {
    let job = evidence_job(digest, &place.registry, &place.repository, why);
    work.enqueue(&job, now).await.map(drop)
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
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
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
