//! What a workload may run: answered from what is stored, never by scanning while the cluster waits.
//!
//! A verdict is kept for a minute per image, policy and placement: long enough for the thousand pods of a roll-out, and short enough
//! that what depends on the time of day (exceptions, the age of a scan) is looked at again. A new scan drops it at once. Several
//! requests about one image are decided once.

use super::case::{Case, judged};
use super::identity::Identities;
use super::images::{ImageUse, MAX_IMAGES, Workload, image_uses};
use super::namespaces::Namespaces;
use super::review::{Answer, Review};
use super::stays::{Noted, only_stale, stays};
use super::triaged::triaged;
use crate::evidence::Known;
use crate::metrics::Metrics;
use crate::scanner::Scanner;
use crate::worker::{ATTEMPTS, Clock, MAX_QUEUED, RESOLVE, RETRY_AFTER};
use assay_model::Digest;
use assay_oci::Reference;
use assay_policy::facts::{ImageReference, Placement};
use assay_policy::policy::Pending;
use assay_policy::{Policy, Problem};
use assay_sign::verify::TrustRoot;
use assay_store::{Depth, Enqueued, Moment, NewJob, Place, Store, StoreError, StoredReport, StoredVerdict};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How often is looked whether a scan that is waited for has come.
pub(super) const POLL: Duration = Duration::from_millis(150);
/// How long the record of a broken glass may take.
const RECORDING: Duration = Duration::from_millis(100);
/// What pods asked for comes before what was pushed.
pub(super) const PRIORITY: i64 = 100;
/// How old a scan that was not deep enough is before another is asked for: who scans may not have been told to scan deeply.
const RESCAN: Duration = Duration::from_secs(600);

/// Images that one name may stand for, through indexes of indexes.
const MAX_LEAVES: usize = 256;
/// Decisions that hold evidence at once: whoever can push can attach some hundred megabytes to an image.
const SEATS: usize = 2;
/// What is not known yet of an image, to follow its name.
const UNSCANNED: &str = "has not been scanned yet";
const UNGATHERED: &str = "was not looked up for signatures and attestations yet";
/// How often a verdict is worked out again because a scan ended meanwhile.
const MAX_DECIDED: usize = 3;

/// A policy, and what tells it from others.
#[derive(Debug)]
pub struct Judge {
    pub(super) policy: Policy,
    pub(super) digest: String,
    pub(super) roots: Vec<TrustRoot>,
    /// What tells the trust roots from others.
    pub(super) trust: String,
    /// The repositories whose images count as bases, each with its registry.
    pub(super) bases: Vec<String>,
}

/// A text is no policy.
#[derive(Debug, thiserror::Error)]
#[error("the policy has mistakes: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct LoadPolicyError(pub Vec<Problem>);

impl Judge {
    /// Reads a policy.
    ///
    /// # Errors
    /// Fails with everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, LoadPolicyError> {
        let policy = Policy::parse(text).map_err(LoadPolicyError)?;
        let digest = Digest::Sha256(Sha256::digest(text.as_bytes()).into()).to_string();
        Ok(Self { policy, digest, roots: Vec::new(), trust: String::new(), bases: Vec::new() })
    }

    /// Returns the policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the digest of its text, by which verdicts name it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Says whether the policy asks for deep scans.
    pub fn needs_deep_scan(&self) -> bool {
        self.policy.needs_deep_scan()
    }
}

/// Decides about workloads.
pub struct Admission {
    /// What is known.
    pub store: Store,
    /// By what is judged.
    pub judge: Arc<Judge>,
    /// Which registries may be asked.
    pub scanner: Arc<Scanner>,
    /// What tells the time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is being decided.
    pub flights: Flights,
    /// Who is not judged.
    pub identities: Identities,
    /// Kinds of custom resources that hold pods.
    pub workloads: Vec<Workload>,
    /// The labels of namespaces, where they may be asked for.
    pub namespaces: Option<Namespaces>,
}

/// One lock per thing that is being decided, a few seats for what takes much memory, and what needs no note as there is one.
pub struct Flights {
    one: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    seats: Arc<Semaphore>,
    pub(super) noted: Noted,
}

impl Default for Flights {
    fn default() -> Self {
        Self { one: Mutex::default(), seats: Arc::new(Semaphore::new(SEATS)), noted: Noted::default() }
    }
}

impl Flights {
    pub(crate) fn of(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|_, flight| flight.strong_count() > 0);
        if let Some(flight) = flights.get(key).and_then(Weak::upgrade) {
            return flight;
        }
        let flight = Arc::new(tokio::sync::Mutex::new(()));
        flights.insert(key.to_owned(), Arc::downgrade(&flight));
        flight
    }

    /// Waits for a seat, in which evidence may be held. It goes with the evidence: who asked may have gone while it is still judged.
    pub(crate) async fn seat(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        self.seats.clone().acquire_owned().await.ok()
    }
}

/// What is said of one image.
pub(super) enum Said {
    Admit(Vec<String>),
    /// It stays admitted because it was before, and why it would not be else.
    Stays {
        warnings: Vec<String>,
        why: String,
    },
    Deny(String),
    /// It is denied, but only because there is too much to do.
    Busy(String),
    /// Something is not known yet: what, to follow the image's name.
    Pending(&'static str),
}

/// What comes of judging an image.
pub(crate) enum Judged {
    /// Something is not known yet: what, to follow the image's name.
    Pending(&'static str),
    /// It never can be, which is a denial.
    Unjudgeable(String),
    /// It was.
    Verdict(StoredVerdict),
    /// It was, and is admitted only because it was before in the cluster that asks: why it would not be else.
    Stays(StoredVerdict, String),
}

/// What became of asking for an image to be looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Yes,
    /// Too many wait already.
    Full,
    /// Nothing may be changed, or its registry may not be asked.
    No,
}

/// The images that a digest stands for.
enum Images {
    Known(Vec<(Digest, StoredReport)>),
    Unknown,
    Unjudgeable(String),
}

impl Admission {
    /// Answers a validating request before `deadline`.
    pub async fn validate(&self, review: &Review, deadline: Instant) -> Answer {
        if self.identities.are_exempt(review) {
            return Answer { audit: vec![("exempt".to_owned(), review.user.clone())], ..Answer::default() };
        }
        let mut decided = Vec::new();
        let deciding = self.decide(review, deadline, &mut decided);
        let answer = match tokio::time::timeout_at(deadline, deciding).await {
            Ok(Ok(answer)) => {
                if review.kind == "Pod" && !review.dry_run {
                    self.note(review, &decided, answer.allowed()).await;
                }
                answer
            }
            Ok(Err(_)) => {
                self.metrics.store_errors.add(1);
                denied("the images could not be judged: the database of Assay does not answer")
            }
            Err(_) => {
                self.metrics.late.add(1);
                denied("the images could not be judged in the time that the cluster gave; try again")
            }
        };
        let answer = if !answer.allowed() && self.identities.break_glass(review) {
            self.broken_glass(review, answer).await
        } else {
            answer
        };
        let counter = if answer.allowed() { &self.metrics.admitted } else { &self.metrics.denied };
        counter.add(1);
        answer
    }

    /// Admits what was denied, and leaves traces of it: a warning, the cluster's audit log, an event, a count.
    async fn broken_glass(&self, review: &Review, denied: Answer) -> Answer {
        let mut answer = Answer { warnings: denied.warnings, audit: denied.audit, ..Answer::default() };
        answer.warnings.insert(0, format!("admitted for {} although it is denied", review.user));
        answer.audit.push(("break-glass".to_owned(), denied.denied.join("; ")));
        answer.warnings.extend(denied.denied.iter().cloned());
        if !review.dry_run {
            self.metrics.broken_glass.add(1);
            // In an emergency the database may be what is broken. The cluster's own log has it then.
            let record = self.record_broken_glass(review, &denied.denied);
            // The time that was kept back of the caller's: an answer that comes too late admits nothing.
            if !matches!(tokio::time::timeout(RECORDING, record).await, Ok(Ok(()))) {
                self.metrics.store_errors.add(1);
            }
        }
        answer
    }

    async fn record_broken_glass(&self, review: &Review, denied: &[String]) -> Result<(), StoreError> {
        let detail = serde_json::json!({
            "user": review.user, "namespace": review.namespace, "kind": review.kind, "denied": denied });
        let mut work = self.store.begin().await?;
        work.record("break-glass", None, &detail, (self.clock)()).await?;
        work.commit().await
    }

    /// Decides, and says of which images something was said, and why those stay that only were admitted before.
    async fn decide(
        &self,
        review: &Review,
        deadline: Instant,
        decided: &mut Vec<(Reference, Option<String>)>,
    ) -> Result<Answer, StoreError> {
        let mut answer = Answer::default();
        if !changes(review) {
            return Ok(answer);
        }
        let Some(uses) = image_uses(review, &self.workloads, &|name| self.judge.policy.judges_by_label(name))
        else {
            if review.sub_resource.is_empty() {
                answer.warnings.push(format!(
                    "Assay knows no images in the kind {}; nothing of it was judged",
                    review.kind
                ));
            }
            return Ok(answer);
        };
        let done: BTreeSet<&String> = uses.iter().map(|ImageUse { image, .. }| image).collect();
        if done.len() > MAX_IMAGES {
            answer.denied.push(format!(
                "it brings in {} images, and {MAX_IMAGES} is the most that are judged",
                done.len()
            ));
            return Ok(answer);
        }
        let labelled = match self.labelled(review).await {
            Ok(labelled) => labelled,
            // Which tiers hold is not known, so that none can be said to admit it.
            Err(why) => {
                answer.denied.push(why);
                return Ok(answer);
            }
        };
        let review = labelled.as_ref().unwrap_or(review);
        let (mut busy, mut stale) = (0, 0);
        for image in &done {
            let said = self.image(review, image, deadline).await?;
            if let Ok(reference) = image.parse::<Reference>() {
                let why = if let Said::Stays { why, .. } = &said { Some(why.clone()) } else { None };
                decided.push((reference, why));
            }
            match said {
                Said::Admit(warnings) => answer.warnings.extend(warnings),
                Said::Stays { warnings, .. } => {
                    stale += 1;
                    answer.warnings.extend(warnings);
                    answer.audit.push((format!("stale-{stale}"), (*image).clone()));
                }
                Said::Deny(why) => answer.denied.push(why),
                Said::Busy(why) => {
                    busy += 1;
                    answer.denied.push(why);
                }
                // Only reached for controllers: their pods are judged when they come.
                Said::Pending(what) => answer.warnings.push(format!("`{image}` {what}")),
            }
        }
        if busy > 0 && busy == answer.denied.len() {
            answer.retry_after = Some(RETRY_AFTER);
        }
        answer.audit.push(("images".to_owned(), done.len().to_string()));
        Ok(answer)
    }

    async fn image(&self, review: &Review, image: &str, deadline: Instant) -> Result<Said, StoreError> {
        let Ok(reference) = image.parse::<Reference>() else {
            return Ok(Said::Deny(format!("`{image}` is no name of an image")));
        };
        let is_pod = review.kind == "Pod";
        let mut asked = None;
        loop {
            let known = match reference.digest() {
                Some(digest) => Some(digest),
                None => self.store.tagged(&place(&reference)).await?.map(|known| known.digest),
            };
            let said = match known {
                Some(digest) if is_pod && reference.digest().is_none() => Said::Deny(format!(
                    "`{image}` has no digest, so another image may run than the one that was judged: name \
                     `{image}@{digest}`, or register the mutating webhook"
                )),
                Some(digest) => self.known(review, &reference, &digest).await?,
                None => Said::Pending(UNSCANNED),
            };
            let Said::Pending(what) = said else { return Ok(said) };
            if !is_pod {
                return Ok(said);
            }
            if asked.is_none() && what == UNSCANNED {
                asked = Some(self.ask(review, &reference).await?);
                if let Some(digest) = &known
                    && let Some(said) = self.stays_unknown(review, &reference, digest).await?
                {
                    return Ok(said);
                }
                if !self.scanner.registries.contains(reference.registry()) {
                    return Ok(Said::Deny(format!(
                        "`{image}` is in a registry that Assay was not told to ask: start it with `--registry {}`",
                        reference.registry()
                    )));
                }
            }
            match self.pending(review, &reference) {
                (Pending::Deny | Pending::Wait, _) if asked == Some(Asked::Full) => {
                    return Ok(Said::Busy(format!(
                        "`{image}` {what}, and too many images wait for it; try again later"
                    )));
                }
                (Pending::Deny, _) => {
                    return Ok(Said::Deny(format!("`{image}` {what}; try again in a minute")));
                }
                (Pending::AdmitAndWatch, limit) => {
                    return self.watch(review, &reference, known.as_ref(), limit).await;
                }
                (Pending::Wait, _) if Instant::now() + POLL * 2 < deadline => tokio::time::sleep(POLL).await,
                (Pending::Wait, _) if what == UNSCANNED => {
                    return Ok(Said::Deny(format!("the scan of `{image}` has not ended in time; try again")));
                }
                (Pending::Wait, _) => return Ok(Said::Deny(format!("`{image}` {what}; try again"))),
            }
        }
    }

    /// Asks for an image to be looked at. A dry run changes nothing.
    pub(super) async fn ask(&self, review: &Review, reference: &Reference) -> Result<Asked, StoreError> {
        if review.dry_run || !self.scanner.registries.contains(reference.registry()) {
            return Ok(Asked::No);
        }
        let job = NewJob {
            kind: RESOLVE.to_owned(),
            name: asking(reference),
            registry: reference.registry().to_owned(),
            payload: reference.to_string(),
            priority: PRIORITY,
            max_attempts: ATTEMPTS,
        };
        let mut work = self.store.begin().await?;
        let enqueued = work.enqueue_below(&job, MAX_QUEUED, (self.clock)()).await?;
        work.commit().await?;
        if enqueued == Enqueued::Full {
            self.metrics.admission_rejected.add(1);
            return Ok(Asked::Full);
        }
        Ok(Asked::Yes)
    }

    /// Returns the reports of every image that may run under a digest, whichever a node chooses.
    async fn images(&self, digest: &Digest) -> Result<Images, StoreError> {
        let (mut reports, mut seen, mut open) = (Vec::new(), BTreeSet::new(), vec![*digest]);
        while let Some(one) = open.pop() {
            if !seen.insert(one) {
                continue;
            }
            if seen.len() > MAX_LEAVES {
                return Ok(Images::Unjudgeable(format!("its indexes name more than {MAX_LEAVES} images")));
            }
            if let Some(why) = self.store.refused(&one).await? {
                return Ok(Images::Unjudgeable(if one == *digest { why } else { format!("{one}: {why}") }));
            }
            let children = self.store.children(&one).await?;
            if children.is_empty() {
                let Some(report) = self.store.report(&one, None).await? else { return Ok(Images::Unknown) };
                reports.push((one, report));
            }
            open.extend(children.into_iter().map(|child| child.digest));
        }
        Ok(Images::Known(reports))
    }

    pub(super) async fn known(
        &self,
        review: &Review,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Said, StoreError> {
        Ok(match self.judge(review, reference, digest).await? {
            Judged::Pending(what) => Said::Pending(what),
            Judged::Unjudgeable(why) => Said::Deny(format!("`{reference}` cannot be judged: {why}")),
            Judged::Verdict(verdict) => said(&verdict),
            Judged::Stays(verdict, why) => match said(&verdict) {
                Said::Admit(warnings) => stays(reference, &why, warnings),
                other => other,
            },
        })
    }

    /// Judges an image that is to run somewhere under a name. Where a cluster asks it counts what was admitted there before.
    pub(crate) async fn judge(
        &self,
        review: &Review,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Judged, StoreError> {
        let judged = self.judge_as(review, reference, digest, None).await?;
        let Judged::Verdict(verdict) = &judged else { return Ok(judged) };
        let Some(why) = only_stale(verdict) else { return Ok(judged) };
        let Some(since) = self.admitted_since(review, reference, digest).await? else { return Ok(judged) };
        // One verdict in all places: the same function says that it is a warning now.
        Ok(match self.judge_as(review, reference, digest, Some(since)).await? {
            Judged::Verdict(verdict) if verdict.verdict != "deny" => Judged::Stays(verdict, why),
            other => other,
        })
    }

    /// Returns the key of the verdict about something new.
    pub(super) fn key(&self, review: &Review, reference: &Reference, digest: &Digest) -> String {
        key(reference, digest, &placement(review), &self.judge.trust, false)
    }

    async fn judge_as(
        &self,
        review: &Review,
        reference: &Reference,
        digest: &Digest,
        admitted: Option<Moment>,
    ) -> Result<Judged, StoreError> {
        let placement = placement(review);
        let key = key(reference, digest, &placement, &self.judge.trust, admitted.is_some());
        if let Some(verdict) = self.stored(digest, &key).await? {
            return Ok(Judged::Verdict(verdict));
        }
        let flight = self.flights.of(&key);
        let _turn = flight.lock().await;
        if let Some(verdict) = self.stored(digest, &key).await? {
            return Ok(Judged::Verdict(verdict));
        }
        let mut attempt = 0;
        loop {
            attempt += 1;
            // Before anything is read that it is decided by.
            let Some(generation) = self.store.generation(digest).await? else {
                return Ok(Judged::Pending(UNSCANNED));
            };
            let reports = match self.images(digest).await? {
                Images::Known(reports) => reports,
                Images::Unknown => return Ok(Judged::Pending(UNSCANNED)),
                Images::Unjudgeable(why) => return Ok(Judged::Unjudgeable(why)),
            };
            let shallow = |report: &StoredReport| {
                report.depth < Depth::Deep && (self.clock)().since(report.created) >= RESCAN
            };
            // It was scanned before the policy asked for more, and what was scanned is not pushed again.
            if self.judge.needs_deep_scan() && reports.iter().any(|(_, report)| shallow(report)) {
                self.ask(review, reference).await?;
            }
            let mut databases = BTreeMap::new();
            for (_, report) in &reports {
                if let Some(text) = self.store.database_description(report.database).await? {
                    databases.insert(report.database, text);
                }
            }
            let bases = self.bases(&reports).await?;
            let seat = if self.judge.policy.needs_evidence() || self.judge.policy.needs_base_evidence() {
                self.flights.seat().await
            } else {
                None
            };
            let evidence = self.evidence(review, reference, digest, &reports, &bases).await?;
            let is_new = evidence.values().any(|known| matches!(known, Known::Unknown { new: true, .. }));
            if is_new && (review.kind != "Pod" || self.pending(review, reference).0 == Pending::Wait) {
                return Ok(Judged::Pending(UNGATHERED));
            }
            let triage = triaged(&self.store, &self.judge.policy, reference, &reports).await?;
            let case = Case {
                judge: self.judge.clone(),
                reference: reference.clone(),
                digest: *digest,
                reports,
                databases,
                evidence,
                bases,
                database: self.scanner.database.clone(),
                placement: placement.clone(),
                triage,
                admitted,
                now: (self.clock)(),
                key: key.clone(),
            };
            let judging = tokio::task::spawn_blocking(move || {
                let _seat = seat;
                judged(&case)
            });
            let verdict = judging
                .await
                .map_err(|_| StoreError::Damaged { what: "report", name: digest.to_string() })??;
            self.metrics.verdicts.add(1);
            // A dry run may write this: it is what was computed, and no effect of the request.
            let mut work = self.store.begin().await?;
            let kept = work.save_verdict(digest, &verdict, generation).await?;
            if kept && admitted.is_none() {
                work.unwatch(&digest.to_string()).await?;
            }
            work.commit().await?;
            // A scan that ended meanwhile may say otherwise.
            if kept || attempt == MAX_DECIDED {
                return Ok(Judged::Verdict(verdict));
            }
        }
    }

    pub(super) async fn stored(
        &self,
        digest: &Digest,
        key: &str,
    ) -> Result<Option<StoredVerdict>, StoreError> {
        let now = (self.clock)();
        let verdict = self.store.verdict(digest, &self.judge.digest, key).await?;
        Ok(verdict.filter(|verdict| verdict.holds(now)))
    }
}

/// Says whether a request brings something in.
pub(super) fn changes(review: &Review) -> bool {
    matches!(review.operation.as_str(), "CREATE" | "UPDATE")
}

fn denied(why: &str) -> Answer {
    Answer { denied: vec![why.to_owned()], ..Answer::default() }
}

pub(super) fn suffix(reference: &Reference) -> String {
    format!(":{}", reference.tag().unwrap_or("latest"))
}

/// Returns the name of the job that looks at what a pod names.
pub(super) fn asking(reference: &Reference) -> String {
    format!("pod {reference}")
}

pub(super) fn place(reference: &Reference) -> Place {
    Place {
        registry: reference.registry().to_owned(),
        repository: reference.repository().to_owned(),
        tag: Some(reference.tag().unwrap_or("latest").to_owned()),
    }
}

pub(super) fn name(reference: &Reference) -> ImageReference {
    ImageReference {
        registry: reference.registry().to_owned(),
        repository: reference.repository().to_owned(),
        tag: reference.tag().map(str::to_owned),
        digest: reference.digest(),
    }
}

/// Returns where it is to run, as far as is known.
pub(super) fn placement(review: &Review) -> Placement {
    let labels = review.object.pointer("/metadata/labels").and_then(serde_json::Value::as_object);
    Placement {
        namespace: Some(review.namespace.clone()).filter(|namespace| !namespace.is_empty()),
        namespace_labels: review.namespace_labels.clone(),
        service: None,
        team: None,
        labels: labels
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
    }
}

/// Returns what a verdict depends on besides image, policy and time. The name counts, as rules may be about it.
fn key(reference: &Reference, digest: &Digest, placement: &Placement, trust: &str, admitted: bool) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    };
    add(&reference.to_string());
    add(&digest.to_string());
    add(trust);
    // Verdicts about what is new stay where they were.
    if admitted {
        add("admitted");
    }
    add(placement.namespace.as_deref().unwrap_or_default());
    for labels in [&placement.namespace_labels, &placement.labels] {
        add(&labels.len().to_string());
        for (key, value) in labels {
            add(key);
            add(value);
        }
    }
    let digest = Digest::Sha256(hash.finalize().into()).hex();
    format!("{} {digest}", placement.namespace.as_deref().unwrap_or("-"))
}

fn said(verdict: &StoredVerdict) -> Said {
    let detail: serde_json::Value = serde_json::from_slice(&verdict.detail).unwrap_or_default();
    let lines: Vec<String> = detail
        .get("lines")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|line| line.as_str().map(str::to_owned))
        .collect();
    match verdict.verdict.as_str() {
        "admit" | "warn" => Said::Admit(lines),
        _ if lines.is_empty() => Said::Deny("the policy denies it".to_owned()),
        _ => Said::Deny(lines.join("; ")),
    }
}
