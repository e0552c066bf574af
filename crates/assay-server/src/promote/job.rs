//! One promotion: judged again, copied, written down. Cut short at any moment it is done again, to the same end.

use super::{Order, PAUSE, Promoter, stays};
use crate::admission::Standing;
use crate::worker::{Pulse, chain, fault};
use assay_oci::copy::{CopyOptions, copy};
use assay_oci::{Access, Network, Reference, Repository, RepositoryError, Selector};
use assay_store::{Candidate, CandidateState, Job, Moment, NewPromotion, Place, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why an attempt failed.
enum Failure {
    Store(StoreError),
    /// It is tried again.
    Told(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// An order, understood.
struct Read {
    order: Order,
    source: Reference,
    target: Place,
    candidate: Candidate,
}

impl Promoter {
    /// Carries out promotions until `stop` is raised. One at which the program fails is taken again when its lease is over, and must not be
    /// the last.
    pub(super) async fn carry_out(self: Arc<Self>, note: &(dyn Fn(&str) + Send + Sync), stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let one = self.clone();
            match tokio::spawn(async move { one.step().await }).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => tokio::time::sleep(PAUSE).await,
                Ok(Err(_)) => {
                    self.admission.metrics.store_errors.add(1);
                    tokio::time::sleep(PAUSE * 4).await;
                }
                Err(error) => {
                    note(&format!("the program failed at a promotion: {}", fault(error)));
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Carries out one promotion, if there is one.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn step(&self) -> Result<bool, StoreError> {
        let Some(job) = self.store.claim_set_apart(&self.name, &self.terms, (self.clock)()).await? else {
            return Ok(false);
        };
        self.admission.metrics.waited(job.waited);
        let _pulse = Pulse::start(&self.store, self.terms, &self.clock, &job);
        let error = match self.perform(&job).await {
            Ok(()) => return Ok(true),
            Err(Failure::Store(error)) => chain(&error),
            Err(Failure::Told(why)) => why,
        };
        self.admission.metrics.failures.add(1);
        self.store.fail(&job, &error, (self.clock)()).await?;
        Ok(true)
    }

    async fn perform(&self, job: &Job) -> Result<(), Failure> {
        let Some(mut read) = read(job) else {
            return Err(Failure::Told("what is to be promoted cannot be understood".to_owned()));
        };
        let aim = format!("{}/{}", read.target.registry, read.target.repository);
        if self.pair_of(&read.source, Some(&aim)).is_none() {
            return self
                .end(job, &read, CandidateState::Refused, "the server promotes nothing to there")
                .await;
        }
        let flight = self.flights.of(&read.order.target);
        let _turn = flight.lock().await;
        let digest = read.candidate.digest;
        if read.order.follows {
            let named = self.store.tagged(&read.candidate.place).await?;
            // A newer push has its own job, and must not be overtaken by this one.
            if named.is_none_or(|named| named.digest != digest) {
                return self.end(job, &read, CandidateState::Pending, "").await;
            }
        }
        if !read.order.follows
            && self.store.promoted_since(&read.target, &digest, Moment(read.order.asked)).await?
        {
            let why = "another image was promoted to the tag since";
            return self.end(job, &read, CandidateState::Refused, why).await;
        }
        read.candidate.generation = self.store.generation(&digest).await?.unwrap_or_default();
        let warnings = match self.admission.promotable(&read.source, &digest).await? {
            Standing::Pending => return Err(Failure::Told("it cannot be judged yet".to_owned())),
            Standing::Denied(why) => return self.end(job, &read, CandidateState::Denied, &why).await,
            Standing::Admitted(warnings) => warnings,
        };
        let verdict = if warnings.is_empty() { "admit" } else { "warn" };
        let from = Place { tag: None, ..read.candidate.place.clone() };
        let new = NewPromotion {
            from: &from,
            to: &read.target,
            digest,
            actor: &read.order.actor,
            verdict,
            policy: self.admission.judge.digest(),
        };
        let mut work = self.store.begin().await?;
        work.start_promotion(&new, (self.clock)()).await?;
        work.commit().await?;
        match self.copied(&read).await {
            Ok(artifacts) => self.done(job, &read, verdict, artifacts).await,
            Err(RepositoryError::TagTaken { digest, .. }) => {
                let why = format!("the tag names {digest} already");
                self.end(job, &read, CandidateState::Refused, &why).await
            }
            Err(error) => {
                let why = chain(&error);
                // The queue has the others.
                if job.attempt == 1 {
                    let detail = serde_json::json!({
                        "source": read.order.source, "target": read.order.target, "reason": why });
                    let mut work = self.store.begin().await?;
                    work.record("promotion-failed", Some(&digest), &detail, (self.clock)()).await?;
                    work.commit().await?;
                }
                Err(Failure::Told(why))
            }
        }
    }

    /// Copies the image with all that is attached to it, the tag last; returns how many artifacts that were.
    async fn copied(&self, read: &Read) -> Result<u64, RepositoryError> {
        let reading = self.admission.scanner.network.clone();
        let writing = self.network.clone();
        let (source, order, digest) = (read.source.clone(), read.order.clone(), read.candidate.digest);
        let target: Reference = order
            .target
            .parse()
            .map_err(|_| RepositoryError::NoRepository { place: order.target.clone() })?;
        let copying = tokio::task::spawn_blocking(move || {
            let from = Repository::registry(&source, Access::Read, &Network::new(reading))?;
            let to = Repository::registry(&target, Access::Write, &Network::new(writing))?;
            let options = CopyOptions {
                platform: None,
                artifacts: true,
                expected: Some(digest),
                keep_tag: !order.moves,
                whole: true,
            };
            copy(&from, Some(&Selector::Digest(digest)), &to, target.tag(), &options, &|_, _| {})
        });
        match copying.await {
            Ok(copied) => copied.map(|copied| copied.artifacts),
            Err(error) => Err(RepositoryError::Incomplete {
                place: read.order.target.clone(),
                problems: vec![fault(error)],
            }),
        }
    }

    /// Writes down that it is done.
    async fn done(&self, job: &Job, read: &Read, verdict: &str, artifacts: u64) -> Result<(), Failure> {
        let (digest, now, policy) = (read.candidate.digest, (self.clock)(), self.admission.judge.digest());
        let mut work = self.store.begin().await?;
        work.finish_promotion(&read.target, &digest, now).await?;
        // Clusters may ask for it at once, before any event of the release repository.
        work.see(&digest, &read.target, now).await?;
        // Under another tag than its own it is no promotion of that one.
        if read.candidate.place.tag == read.target.tag {
            work.decide_candidate(&read.candidate, policy, (CandidateState::Promoted, ""), now).await?;
        }
        let detail = serde_json::json!({
            "source": read.order.source, "target": read.order.target, "verdict": verdict,
            "artifacts": artifacts, "actor": read.order.actor,
        });
        work.record("promoted", Some(&digest), &detail, now).await?;
        work.audit(&read.order.actor, "promotion.done", &read.order.target, &detail, now).await?;
        if work.complete(job, now).await? {
            work.commit().await?;
        }
        Ok(())
    }

    /// Ends the job without a promotion.
    async fn end(&self, job: &Job, read: &Read, state: CandidateState, why: &str) -> Result<(), Failure> {
        let (now, policy) = ((self.clock)(), self.admission.judge.digest());
        let mut work = self.store.begin().await?;
        work.drop_promotion(&read.target, &read.candidate.digest).await?;
        if read.order.follows && state != CandidateState::Pending {
            work.decide_candidate(&read.candidate, policy, (state, why), now).await?;
        }
        stays(&mut work, &read.candidate, state, why, now).await?;
        if work.complete(job, now).await? {
            work.commit().await?;
        }
        Ok(())
    }
}

fn read(job: &Job) -> Option<Read> {
    let order: Order = serde_json::from_str(&job.payload).ok()?;
    let source: Reference = order.source.parse().ok()?;
    let target: Reference = order.target.parse().ok()?;
    let place = |reference: &Reference| Place {
        registry: reference.registry().to_owned(),
        repository: reference.repository().to_owned(),
        tag: reference.tag().map(str::to_owned),
    };
    let candidate = Candidate {
        place: place(&source),
        target: order.pair.clone(),
        digest: source.digest()?,
        generation: 0,
        before: None,
    };
    target.tag()?;
    Some(Read { source, target: place(&target), candidate, order })
}
