//! What was admitted in a cluster stays admitted there when all that speaks against it is that its scan grew stale: a restarted node must
//! not be in trouble because a rescan is waited for. It is never silent: each time is a warning, the first an event of which people are
//! told until it is over.
//!
//! What was admitted by other tiers was not admitted by these. What is found out about an image denies it as ever, and then it is no more
//! an image that was admitted.

use super::decide::{Admission, Judged, Said, name, placement};
use super::review::Review;
use crate::http::App;
use assay_model::Digest;
use assay_oci::Reference;
use assay_policy::evaluate::select;
use assay_policy::facts::{Facts, ImageReference};
use assay_store::{Admitted, AdmittedIn, Moment, StaleAfter, Store, StoreError, StoredVerdict};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long it is known without asking that an admission was noted.
const NOTED_FOR: Duration = Duration::from_secs(300);
/// Admissions of which that is known at once.
const MAX_NOTED: usize = 100_000;
/// How long a note may take that a cluster waits for. What was not noted is with the next pod.
const NOTING: Duration = Duration::from_millis(100);
/// How often is looked what grew stale, how many are judged again then, and when each again.
const EVERY: Duration = Duration::from_secs(60);
const TOGETHER: i64 = 200;
const AGAIN: Duration = Duration::from_secs(240);
/// How often what is too old is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);
/// How often is looked whether the process ends.
const GLANCE: Duration = Duration::from_secs(1);
/// How long it is known that something was admitted of which no pod was created since.
const REMEMBERED: Duration = Duration::from_secs(400 * 86_400);
/// Bytes of labels by which a pod is judged again; one with more is not remembered.
const MAX_LABELS: usize = 16 << 10;
/// What stands in a verdict of which a reason is that a scan is waited for.
const STALE: &[u8] = br#""stale":true"#;
/// Why something stays that no scan is known of any more.
const FORGOTTEN: &str = "what a scan found is not known any more, and another has not ended yet";

/// What was noted lately: the place, and when.
#[derive(Default)]
pub(super) struct Noted(Mutex<HashMap<String, Moment>>);

impl Noted {
    fn is_new(&self, key: &str, now: Moment) -> bool {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get(key).is_none_or(|at| now.since(*at) >= NOTED_FOR)
    }

    fn add(&self, key: String, now: Moment) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MAX_NOTED {
            noted.clear();
        }
        noted.insert(key, now);
    }

    fn remove(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Returns why a verdict denies, if all of it is that a scan is waited for.
pub(super) fn only_stale(verdict: &StoredVerdict) -> Option<String> {
    // Most denials have nothing to do with it, and what is said of them may be long.
    let mentions = verdict.detail.windows(STALE.len()).any(|part| part == STALE);
    if verdict.verdict != "deny" || !mentions {
        return None;
    }
    let detail: Value = serde_json::from_slice(&verdict.detail).unwrap_or_default();
    let reasons = detail.pointer("/verdict/reasons").and_then(Value::as_array)?;
    let denies = |reason: &&Value| reason.get("effect").and_then(Value::as_str) == Some("deny");
    let is_stale = |reason: &Value| reason.get("stale").and_then(Value::as_bool) == Some(true);
    let denying: Vec<&Value> = reasons.iter().filter(denies).collect();
    if denying.is_empty() || !denying.iter().all(|reason| is_stale(reason)) {
        return None;
    }
    let mut why: Vec<&str> =
        denying.iter().filter_map(|reason| reason.get("message").and_then(Value::as_str)).collect();
    why.dedup();
    Some(why.join("; "))
}

impl Admission {
    /// Returns what an image is admitted as, if a cluster asks.
    fn admitted_in(&self, review: &Review, reference: &Reference, digest: &Digest) -> Option<AdmittedIn> {
        let facts = Facts {
            reference: Some(ImageReference { digest: Some(*digest), ..name(reference) }),
            source: reference.to_string(),
            placement: placement(review),
            ..Facts::default()
        };
        let tiers = select(self.judge.policy(), None, &facts).iter().map(|tier| tier.name.clone()).collect();
        Some(AdmittedIn {
            cluster: review.cluster.clone()?,
            namespace: review.namespace.clone(),
            registry: reference.registry().to_owned(),
            repository: reference.repository().to_owned(),
            digest: *digest,
            tiers,
            policy: self.policy_and_trust(),
        })
    }

    fn policy_and_trust(&self) -> String {
        format!("{} {}", self.judge.digest(), self.judge.trust())
    }

    /// Returns since when an image has been admitted in the cluster that asks, by the same tiers.
    pub(super) async fn admitted_since(
        &self,
        review: &Review,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Option<Moment>, StoreError> {
        let Some(here) = self.admitted_in(review, reference, digest) else { return Ok(None) };
        let known = self.store.admitted(digest).await?;
        Ok(known.iter().filter(|one| is_alike(&one.place, &here)).map(|one| one.since).min())
    }

    /// Says of an image of which no scan is known whether it stays admitted: only in the very place where it was, by the same policy, since
    /// nothing can be judged now.
    pub(super) async fn stays_unknown(
        &self,
        review: &Review,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Option<Said>, StoreError> {
        let Some(here) = self.admitted_in(review, reference, digest) else { return Ok(None) };
        let known = self.store.admitted(digest).await?;
        Ok(known.iter().any(|one| one.place == here).then(|| stays(reference, FORGOTTEN, Vec::new())))
    }

    /// Notes what became of the images of a pod that is created. What the cluster does not wait for is noted with its next pod.
    pub(super) async fn note(&self, review: &Review, decided: &[(Reference, Option<String>)], allowed: bool) {
        let noting = async {
            for (reference, stale) in decided {
                let Some(digest) = reference.digest() else { continue };
                match (allowed, stale) {
                    (true, Some(why)) => self.note_stale(review, reference, &digest, why).await?,
                    (true, None) => self.note_admitted(review, reference, &digest).await?,
                    (false, _) => self.note_denied(review, reference, &digest).await?,
                }
            }
            Ok::<(), StoreError>(())
        };
        // That is kept back of the caller's time: an answer that comes too late admits nothing.
        if !matches!(tokio::time::timeout(NOTING, noting).await, Ok(Ok(()))) {
            self.metrics.store_errors.add(1);
        }
    }

    async fn note_admitted(
        &self,
        review: &Review,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<(), StoreError> {
        let Some(here) = self.admitted_in(review, reference, digest) else { return Ok(()) };
        let (key, now) = (memory_key(&here), (self.clock)());
        if !self.flights.noted.is_new(&key, now) {
            return Ok(());
        }
        // In this order: a verdict that is there after that was decided by what was so then, or by what came later.
        let Some(generation) = self.store.generation(digest).await? else { return Ok(()) };
        let verdict = self.stored(digest, &self.key(review, reference, digest)).await?;
        // What was admitted without a verdict, to be watched, was not found good.
        if verdict.is_none_or(|verdict| verdict.verdict == "deny") {
            return Ok(());
        }
        let placed = placed(review);
        if placed.len() > MAX_LABELS {
            return Ok(());
        }
        let mut work = self.store.begin().await?;
        work.admit(&here, &placed, generation, now).await?;
        work.commit().await?;
        self.flights.noted.add(key, now);
        Ok(())
    }

    async fn note_stale(
        &self,
        review: &Review,
        reference: &Reference,
        digest: &Digest,
        why: &str,
    ) -> Result<(), StoreError> {
        self.metrics.stale_admitted.add(1);
        let Some(here) = self.admitted_in(review, reference, digest) else { return Ok(()) };
        let known = self.store.admitted(digest).await?;
        // Where this very place is new, the one stands for it by which it stays.
        let same = known.iter().filter(|one| is_alike(&one.place, &here));
        let Some(known) = same.min_by_key(|one| one.place != here) else { return Ok(()) };
        let now = (self.clock)();
        let is_told = known.stale.is_some() && known.why.as_deref() == Some(why);
        if is_told && now.since(known.last) < NOTED_FOR {
            return Ok(());
        }
        let mut work = self.store.begin().await?;
        work.grown_stale(known, why, true, now).await?;
        work.commit().await
    }

    /// Forgets that an image was admitted that is denied now, for more than the age of its scan.
    async fn note_denied(
        &self,
        review: &Review,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<(), StoreError> {
        let Some(here) = self.admitted_in(review, reference, digest) else { return Ok(()) };
        // First what most have not.
        let known = self.store.admitted(digest).await?;
        let Some(known) = known
            .iter()
            .find(|one| one.place == AdmittedIn { policy: one.place.policy.clone(), ..here.clone() })
        else {
            return Ok(());
        };
        let verdict = self.stored(digest, &self.key(review, reference, digest)).await?;
        // Another image of the pod may be the one that is denied.
        if !verdict.is_some_and(|verdict| verdict.verdict == "deny" && only_stale(&verdict).is_none()) {
            return Ok(());
        }
        let mut work = self.store.begin().await?;
        work.admit_no_more(known.id, (self.clock)()).await?;
        work.commit().await?;
        self.flights.noted.remove(&memory_key(&here));
        Ok(())
    }

    /// Judges again what was admitted and may have grown stale, or be so no more; returns how much that was.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn look_after_admitted(&self) -> Result<usize, StoreError> {
        let (now, policy) = ((self.clock)(), self.policy_and_trust());
        let limit =
            self.judge.policy().stale_after().map(|seconds| u64::try_from(seconds).unwrap_or_default());
        let stale = StaleAfter {
            before: limit.map(|seconds| now.minus(Duration::from_secs(seconds))),
            shallow: self.judge.needs_deep_scan(),
        };
        let due = self.store.admitted_to_judge(&policy, stale, now.minus(AGAIN), TOGETHER).await?;
        for known in &due {
            self.judge_admitted(known, &policy).await?;
        }
        Ok(due.len())
    }

    async fn judge_admitted(&self, known: &Admitted, policy: &str) -> Result<(), StoreError> {
        let place = &known.place;
        let named = format!("{}/{}@{}", place.registry, place.repository, place.digest);
        let [labels, namespace_labels] = labels(&known.placement);
        let review = Review {
            kind: "Pod".to_owned(),
            namespace: place.namespace.clone(),
            namespace_labels,
            object: serde_json::json!({ "metadata": { "labels": labels } }),
            // Nobody asks to run it: it is only looked whether somebody may.
            dry_run: true,
            ..Review::default()
        };
        let generation = self.store.generation(&place.digest).await?;
        let judged = match named.parse::<Reference>() {
            Ok(reference) => Some(self.judge(&review, &reference, &place.digest).await?),
            Err(_) => None,
        };
        let now = (self.clock)();
        let mut work = self.store.begin().await?;
        match (judged, generation) {
            (Some(Judged::Verdict(verdict)), Some(generation)) => match only_stale(&verdict) {
                Some(why) => {
                    work.judged_again(known.id, policy, generation, now).await?;
                    work.grown_stale(known, &why, false, now).await?;
                }
                None if verdict.verdict == "deny" => {
                    work.admit_no_more(known.id, now).await?;
                    self.flights
                        .noted
                        .remove(&memory_key(&AdmittedIn { policy: policy.to_owned(), ..place.clone() }));
                }
                None => work.still_good(known.id, policy, generation, now).await?,
            },
            (Some(Judged::Unjudgeable(_)) | None, _) => work.admit_no_more(known.id, now).await?,
            (Some(Judged::Pending(_) | Judged::Verdict(_) | Judged::Stays(..)), _) => {
                work.looked_at_admitted(known.id, now).await?;
            }
        }
        work.commit().await
    }
}

/// Says that an image stays.
pub(super) fn stays(reference: &Reference, why: &str, mut warnings: Vec<String>) -> Said {
    warnings.insert(
        0,
        format!("`{reference}` stays admitted, as it was before, although its scan is stale: {why}"),
    );
    Said::Stays { warnings, why: why.to_owned() }
}

/// Says whether what was admitted in one place counts in another: in the same cluster, by the same tiers.
fn is_alike(one: &AdmittedIn, other: &AdmittedIn) -> bool {
    one.cluster == other.cluster && one.tiers == other.tiers
}

/// Returns what tells an admission from others, its policy included: another one is to be noted.
fn memory_key(place: &AdmittedIn) -> String {
    format!("{place:?}")
}

/// Returns the labels that a pod was judged by, to judge by them again.
fn placed(review: &Review) -> String {
    let placement = placement(review);
    serde_json::json!({ "labels": placement.labels, "namespaceLabels": placement.namespace_labels })
        .to_string()
}

/// Returns the labels of the pod and of its namespace.
fn labels(placement: &str) -> [BTreeMap<String, String>; 2] {
    let read: Value = serde_json::from_str(placement).unwrap_or_default();
    ["labels", "namespaceLabels"].map(|name| {
        let labels = read.get(name).and_then(Value::as_object).into_iter().flatten();
        labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
    })
}

/// Looks after what was admitted until the process ends.
pub(crate) async fn keep_looking_after(app: Arc<App>, stop: Arc<AtomicBool>) {
    let Some(admission) = &app.admission else { return };
    let (mut looked, mut forgot): (Option<Moment>, Option<Moment>) = (None, None);
    while !stop.load(Ordering::Relaxed) {
        let now = (app.clock)();
        let is_due = |last: Option<Moment>, every| last.is_none_or(|last| now.since(last) >= every);
        if is_due(looked, EVERY) {
            looked = Some(now);
            if admission.look_after_admitted().await.is_err() {
                app.metrics.store_errors.add(1);
            }
        }
        if is_due(forgot, FORGET_EVERY) {
            forgot = Some(now);
            if forget(&app.store, now).await.is_err() {
                app.metrics.store_errors.add(1);
            }
        }
        tokio::time::sleep(GLANCE).await;
    }
}

async fn forget(store: &Store, now: Moment) -> Result<(), StoreError> {
    let mut work = store.begin().await?;
    work.forget_admitted(now.minus(REMEMBERED)).await?;
    work.commit().await
}
