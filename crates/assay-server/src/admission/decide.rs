//! What a workload may run: answered from what is stored, never by scanning while the cluster waits.
//!
//! A verdict is kept for a minute per image, policy and placement: long enough for the thousand pods of a roll-out, and short enough
//! that what depends on the time of day (exceptions, the age of a scan) is looked at again. A new scan drops it at once. Several
//! requests about one image are decided once.

use super::images::{ImageUse, image_uses};
use super::review::{Answer, Review};
use crate::metrics::Metrics;
use crate::scanner::Scanner;
use crate::worker::{ATTEMPTS, Clock, RESOLVE};
use assay_model::Digest;
use assay_oci::Reference;
use assay_policy::evaluate::select;
use assay_policy::facts::{Facts, ImageFacts, ImageReference, Placement};
use assay_policy::policy::Pending;
use assay_policy::{Decision, Effect, Policy, Problem, evaluate};
use assay_store::{Moment, NewJob, Place, Store, StoreError, StoredVerdict};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// How long a verdict is kept.
const KEPT: Duration = Duration::from_secs(60);
/// How often is looked whether a scan that is waited for has come.
const POLL: Duration = Duration::from_millis(150);
/// What pods asked for comes before what was pushed.
const PRIORITY: i64 = 100;
/// How long the resolution of a tag is waited for, so that other webhooks get their time.
const RESOLVE_WAIT: Duration = Duration::from_secs(3);

/// A policy, and what tells it from others.
#[derive(Debug)]
pub struct Judge {
    policy: Policy,
    digest: String,
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
        Ok(Self { policy, digest })
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

    /// Says whether the policy asks for signatures or attestations, which the server does not gather yet.
    pub fn needs_evidence(&self) -> bool {
        self.policy.needs_evidence()
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
}

/// One lock per thing that is being decided.
#[derive(Default)]
pub struct Flights(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Flights {
    fn of(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|_, flight| flight.strong_count() > 0);
        if let Some(flight) = flights.get(key).and_then(Weak::upgrade) {
            return flight;
        }
        let flight = Arc::new(tokio::sync::Mutex::new(()));
        flights.insert(key.to_owned(), Arc::downgrade(&flight));
        flight
    }
}

/// What is said of one image.
enum Said {
    Admit(Vec<String>),
    Deny(String),
    Pending,
}

impl Admission {
    /// Answers a validating request before `deadline`.
    pub async fn validate(&self, review: &Review, deadline: Instant) -> Answer {
        let answer = match tokio::time::timeout_at(deadline, self.decide(review, deadline)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                self.metrics.store_errors.add(1);
                denied("the images could not be judged: the database of Assay does not answer")
            }
            Err(_) => {
                self.metrics.late.add(1);
                denied("the images could not be judged in the time that the cluster gave; try again")
            }
        };
        let counter = if answer.allowed() { &self.metrics.admitted } else { &self.metrics.denied };
        counter.add(1);
        answer
    }

    /// Answers a mutating request before `deadline`: names of a pod's images get the digest that they stand for. It never denies.
    pub async fn mutate(&self, review: &Review, deadline: Instant) -> Answer {
        let pinned = self.pin(review, deadline.min(Instant::now() + RESOLVE_WAIT));
        // What could not be pinned is for the validating webhook to judge.
        tokio::time::timeout_at(deadline, pinned).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    async fn pin(&self, review: &Review, until: Instant) -> Result<Answer, StoreError> {
        let mut answer = Answer::default();
        // Controllers keep what the user wrote: a pinned template would never see a new push, and jobs cannot be changed.
        if review.kind != "Pod" || !changes(review) {
            return Ok(answer);
        }
        for one in image_uses(review).unwrap_or_default() {
            let Ok(reference) = one.image.parse::<Reference>() else { continue };
            if reference.digest().is_some() {
                continue;
            }
            let place = place(&reference);
            let mut known = self.store.tagged(&place).await?;
            if known.is_none() && self.ask(review, &reference).await? {
                while known.is_none() && Instant::now() + POLL < until {
                    tokio::time::sleep(POLL).await;
                    known = self.store.tagged(&place).await?;
                }
            }
            if let Some(known) = known {
                let tag = if reference.tag().is_some() && one.image.ends_with(&suffix(&reference)) {
                    String::new()
                } else {
                    suffix(&reference)
                };
                answer
                    .audit
                    .push((format!("pinned-{}", answer.replacements.len()), known.digest.to_string()));
                answer.replacements.push((one.path, format!("{}{tag}@{}", one.image, known.digest)));
            }
        }
        Ok(answer)
    }

    async fn decide(&self, review: &Review, deadline: Instant) -> Result<Answer, StoreError> {
        let mut answer = Answer::default();
        if !changes(review) {
            return Ok(answer);
        }
        let Some(uses) = image_uses(review) else {
            if review.sub_resource.is_empty() {
                answer.warnings.push(format!(
                    "Assay knows no images in the kind {}; nothing of it was judged",
                    review.kind
                ));
            }
            return Ok(answer);
        };
        let mut done = BTreeSet::new();
        for ImageUse { image, .. } in &uses {
            if !done.insert(image) {
                continue;
            }
            match self.image(review, image, deadline).await? {
                Said::Admit(warnings) => answer.warnings.extend(warnings),
                Said::Deny(why) => answer.denied.push(why),
                // Only reached for controllers: their pods are judged when they come.
                Said::Pending => answer.warnings.push(format!("`{image}` has not been scanned yet")),
            }
        }
        answer.audit.push(("images".to_owned(), done.len().to_string()));
        Ok(answer)
    }

    async fn image(&self, review: &Review, image: &str, deadline: Instant) -> Result<Said, StoreError> {
        let Ok(reference) = image.parse::<Reference>() else {
            return Ok(Said::Deny(format!("`{image}` is no name of an image")));
        };
        let is_pod = review.kind == "Pod";
        let mut asked = false;
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
                None => Said::Pending,
            };
            if !matches!(said, Said::Pending) || !is_pod {
                return Ok(said);
            }
            if !asked {
                asked = true;
                if !self.ask(review, &reference).await?
                    && !self.scanner.registries.contains(reference.registry())
                {
                    return Ok(Said::Deny(format!(
                        "`{image}` is in a registry that Assay was not told to ask: start it with `--registry {}`",
                        reference.registry()
                    )));
                }
            }
            match self.pending(review, &reference) {
                Pending::Deny => {
                    return Ok(Said::Deny(format!(
                        "`{image}` has not been scanned yet; try again in a minute"
                    )));
                }
                Pending::AdmitAndWatch => {
                    if !review.dry_run {
                        let mut work = self.store.begin().await?;
                        let detail = serde_json::json!({
                            "image": image, "namespace": review.namespace, "user": review.user });
                        work.record("admitted-unseen", known.as_ref(), &detail, (self.clock)()).await?;
                        work.commit().await?;
                        self.metrics.watched.add(1);
                    }
                    return Ok(Said::Admit(vec![format!(
                        "`{image}` was admitted before it was scanned, as its tier allows"
                    )]));
                }
                Pending::Wait if Instant::now() + POLL * 2 < deadline => tokio::time::sleep(POLL).await,
                Pending::Wait => {
                    return Ok(Said::Deny(format!("the scan of `{image}` has not ended in time; try again")));
                }
            }
        }
    }

    /// Returns what the strictest of the tiers does with what was not scanned yet.
    fn pending(&self, review: &Review, reference: &Reference) -> Pending {
        let facts = Facts {
            reference: Some(name(reference)),
            source: reference.to_string(),
            placement: placement(review),
            ..Facts::default()
        };
        let tiers = select(&self.judge.policy, None, &facts);
        let has = |pending| tiers.iter().any(|tier| tier.on_pending == pending);
        if tiers.is_empty() || has(Pending::Deny) {
            Pending::Deny
        } else if has(Pending::Wait) {
            Pending::Wait
        } else {
            Pending::AdmitAndWatch
        }
    }

    /// Asks for an image to be looked at; says whether it will be. A dry run changes nothing.
    async fn ask(&self, review: &Review, reference: &Reference) -> Result<bool, StoreError> {
        if review.dry_run || !self.scanner.registries.contains(reference.registry()) {
            return Ok(false);
        }
        let job = NewJob {
            kind: RESOLVE.to_owned(),
            name: format!("pod {reference}"),
            registry: reference.registry().to_owned(),
            payload: reference.to_string(),
            priority: PRIORITY,
            max_attempts: ATTEMPTS,
        };
        self.store.enqueue(&job, (self.clock)()).await?;
        Ok(true)
    }

    async fn known(
        &self,
        review: &Review,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Said, StoreError> {
        let placement = placement(review);
        let key = key(reference, digest, &placement);
        if let Some(verdict) = self.stored(digest, &key).await? {
            return Ok(said(&verdict));
        }
        let flight = self.flights.of(&key);
        let _turn = flight.lock().await;
        if let Some(verdict) = self.stored(digest, &key).await? {
            return Ok(said(&verdict));
        }
        let children = self.store.children(digest).await?;
        let of: Vec<Digest> = match children.as_slice() {
            [] => vec![*digest],
            children => children.iter().map(|child| child.digest).collect(),
        };
        let mut reports = Vec::new();
        for one in of {
            // Every image that may run counts, whichever the node chooses.
            let Some(report) = self.store.report(&one, None).await? else { return Ok(Said::Pending) };
            reports.push((one, report));
        }
        let now = (self.clock)();
        let (judge, reference, index) =
            (self.judge.clone(), reference.clone(), children.is_empty().then_some(*digest));
        let digest = *digest;
        let verdict = tokio::task::spawn_blocking(move || {
            judged(&judge, &reference, (digest, index.is_none()), &reports, placement, now, key)
        })
        .await
        .map_err(|_| StoreError::Damaged { what: "report", name: digest.to_string() })??;
        self.metrics.verdicts.add(1);
        // A dry run may write this: it is what was computed, and no effect of the request.
        let mut work = self.store.begin().await?;
        work.save_verdict(&digest, &verdict).await?;
        work.commit().await?;
        Ok(said(&verdict))
    }

    async fn stored(&self, digest: &Digest, key: &str) -> Result<Option<StoredVerdict>, StoreError> {
        let now = (self.clock)();
        let verdicts = self.store.verdicts(digest).await?;
        Ok(verdicts
            .into_iter()
            .find(|one| one.policy == self.judge.digest && one.tier == key && one.holds(now)))
    }
}

/// Says whether a request brings something in.
fn changes(review: &Review) -> bool {
    matches!(review.operation.as_str(), "CREATE" | "UPDATE")
}

fn denied(why: &str) -> Answer {
    Answer { denied: vec![why.to_owned()], ..Answer::default() }
}

fn suffix(reference: &Reference) -> String {
    format!(":{}", reference.tag().unwrap_or("latest"))
}

fn place(reference: &Reference) -> Place {
    Place {
        registry: reference.registry().to_owned(),
        repository: reference.repository().to_owned(),
        tag: Some(reference.tag().unwrap_or("latest").to_owned()),
    }
}

fn name(reference: &Reference) -> ImageReference {
    ImageReference {
        registry: reference.registry().to_owned(),
        repository: reference.repository().to_owned(),
        tag: reference.tag().map(str::to_owned),
        digest: reference.digest(),
    }
}

/// Returns where it is to run, as far as the request says. The namespace's own labels are not in it.
fn placement(review: &Review) -> Placement {
    let labels = review.object.pointer("/metadata/labels").and_then(serde_json::Value::as_object);
    Placement {
        namespace: Some(review.namespace.clone()).filter(|namespace| !namespace.is_empty()),
        namespace_labels: BTreeMap::new(),
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
fn key(reference: &Reference, digest: &Digest, placement: &Placement) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    };
    add(&reference.to_string());
    add(&digest.to_string());
    add(placement.namespace.as_deref().unwrap_or_default());
    for (key, value) in &placement.labels {
        add(key);
        add(value);
    }
    let digest = Digest::Sha256(hash.finalize().into()).hex();
    format!("{} {digest}", placement.namespace.as_deref().unwrap_or("-"))
}

fn judged(
    judge: &Judge,
    reference: &Reference,
    (digest, is_index): (Digest, bool),
    reports: &[(Digest, assay_store::StoredReport)],
    placement: Placement,
    now: Moment,
    key: String,
) -> Result<StoredVerdict, StoreError> {
    let mut read = Vec::new();
    for (digest, stored) in reports {
        let (report, _) = assay_report::format::read(&stored.json)
            .map_err(|_| StoreError::Damaged { what: "report", name: digest.to_string() })?;
        read.push((*digest, report, stored.created));
    }
    let facts = Facts {
        reference: Some(ImageReference { digest: Some(digest), ..name(reference) }),
        source: reference.to_string(),
        index: is_index.then_some(digest),
        images: read
            .iter()
            .map(|(digest, report, created)| ImageFacts {
                digest: Some(*digest),
                platform: report.image.platform.clone(),
                report: Some(report),
                scanned_at: Some(created.timestamp()),
                scanned_by: Vec::new(),
            })
            .collect(),
        placement,
        ..Facts::default()
    };
    let verdict = evaluate(&judge.policy, None, &facts, now.timestamp());
    let mut lines: Vec<String> = Vec::new();
    let effect = match verdict.decision {
        Decision::Deny => Effect::Deny,
        Decision::Warn | Decision::Admit => Effect::Warn,
    };
    for reason in verdict.with(effect) {
        lines.push(format!("{} ({})", reason.message, reason.rule));
    }
    let detail = serde_json::json!({ "lines": lines, "verdict": verdict });
    let databases: Vec<String> =
        reports.iter().map(|(_, stored)| stored.database.timestamp().to_string()).collect();
    Ok(StoredVerdict {
        policy: judge.digest.clone(),
        tier: key,
        verdict: verdict.decision.name().to_owned(),
        detail: detail.to_string().into_bytes(),
        inputs: serde_json::json!({ "databases": databases, "tiers": verdict.tiers }).to_string(),
        decided: now,
        expires: Some(now.plus(KEPT)),
    })
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
