//! Promotion: what the policy admits of incoming repositories is copied by digest, with all that is attached, to release repositories.
//!
//! What is due is found by comparing what is stored, so a process that dies forgets nothing: a tag is looked at when it is new or names
//! another image, when anything changes that verdicts rest on, and from time to time. What is admitted becomes a job; the job judges
//! again, writes down that it begins, copies (what is there already is not sent again), and writes down that it is done. Surprising:
//! ordinary workers never take these jobs, for only this process has the policy and the credentials of release repositories.

mod job;
mod pair;

pub use pair::{InvalidPair, Pair};

use crate::admission::{Admission, Flights, Standing};
use crate::worker::{ATTEMPTS, Clock, MAX_QUEUED};
use assay_model::Digest;
use assay_oci::artifact::subject_of_tag;
use assay_oci::{InvalidReference, NetworkOptions, Reference};
use assay_policy::pattern;
use assay_store::{
    Candidate, CandidateState, Moment, NewJob, Place, PromotionCounts, ReleaseTag, SET_APART, Store,
    StoreError, Terms, Work,
};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often is looked whether something is to be promoted.
const LOOK: Duration = Duration::from_secs(2);
/// After what time something is judged again although nothing about it changed: exceptions end, and scans grow old.
const AGAIN: Duration = Duration::from_secs(600);
/// Tags of one pair of repositories that are judged at one look.
const MAX_LOOKS: i64 = 200;
/// Promotions that are carried out at once; copies wait for the network, not for the processor.
const AT_ONCE: usize = 2;
/// How long is waited when there is none.
const PAUSE: Duration = Duration::from_millis(500);
/// Before what is pushed, after what pods ask for.
const PRIORITY: i64 = 50;
/// Who promotes what nobody asked for.
const AUTOMATIC: &str = "assay serve";

/// Promotes images.
pub struct Promoter {
    /// What is known.
    pub store: Store,
    /// By what is judged, and how registries are read.
    pub admission: Admission,
    /// From where to where.
    pub pairs: Vec<Pair>,
    /// Patterns of tags that a promotion may move.
    pub moving: Vec<String>,
    /// How release repositories are written to.
    pub network: NetworkOptions,
    /// How jobs are kept.
    pub terms: Terms,
    /// What this process is called in the database.
    pub name: String,
    /// What tells the time.
    pub clock: Clock,
    /// One promotion to a tag at a time.
    pub flights: Flights,
}

/// What a job is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The image in its incoming repository, by tag and digest, or by digest alone.
    pub(crate) source: String,
    /// The release repository, with the tag.
    pub(crate) target: String,
    /// The pair's release, as the operator wrote it.
    pub(crate) pair: String,
    pub(crate) actor: String,
    pub(crate) moves: bool,
    /// Whether it holds only while the tag of the source still names the image.
    pub(crate) follows: bool,
    /// When it was asked for: what was promoted to the tag since must not be undone by an attempt that comes late.
    #[serde(default)]
    pub(crate) asked: i64,
}

impl Order {
    pub(crate) fn job(&self) -> Result<NewJob, InvalidReference> {
        let target: Reference = self.target.parse()?;
        Ok(NewJob {
            kind: SET_APART.to_owned(),
            name: format!("{} > {}", self.source, self.target),
            registry: target.registry().to_owned(),
            payload: serde_json::to_string(self).unwrap_or_default(),
            priority: PRIORITY,
            max_attempts: ATTEMPTS,
        })
    }
}

impl Promoter {
    /// Judges what is due, and asks for the promotion of what is admitted. Of several servers on one database any may.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn look(&self) -> Result<(), StoreError> {
        for pair in &self.pairs {
            let again = (self.clock)().minus(AGAIN);
            let policy = self.admission.judge.digest();
            for candidate in self.store.candidates(&pair.incoming(), policy, again, MAX_LOOKS).await? {
                match self.consider(pair, &candidate).await {
                    // One that cannot be judged must not stop the others.
                    Err(StoreError::Damaged { .. }) => {
                        self.settle(&candidate, CandidateState::Pending, "").await?;
                    }
                    done => done?,
                }
            }
        }
        Ok(())
    }

    async fn consider(&self, pair: &Pair, candidate: &Candidate) -> Result<(), StoreError> {
        let (place, digest) = (&candidate.place, candidate.digest);
        let tag = place.tag.as_deref().unwrap_or_default();
        let order = pair.target(&place.registry, &place.repository).map(|(registry, repository)| Order {
            source: format!("{}/{}:{tag}@{digest}", place.registry, place.repository),
            target: format!("{registry}/{repository}:{tag}"),
            pair: pair.release(),
            actor: AUTOMATIC.to_owned(),
            moves: pattern::any(&self.moving, tag),
            follows: true,
            asked: (self.clock)().0,
        });
        let job = order.as_ref().and_then(|order| order.job().ok());
        let (Some(order), Some(job), Ok(source)) =
            (&order, &job, order.as_ref().map_or("", |order| order.source.as_str()).parse::<Reference>())
        else {
            return self
                .settle(candidate, CandidateState::Refused, "it has no name that can be promoted")
                .await;
        };
        // Lists of signatures look like images of several platforms; they go with what they are attached to.
        if subject_of_tag(tag).is_some() {
            return self.settle(candidate, CandidateState::Pending, "").await;
        }
        match self.admission.promotable(&source, &digest).await? {
            Standing::Pending => self.settle(candidate, CandidateState::Pending, "").await,
            Standing::Denied(why) => self.settle(candidate, CandidateState::Denied, &why).await,
            Standing::Admitted(_) => {
                let now = (self.clock)();
                let mut work = self.store.begin().await?;
                if work.enqueue_below(job, MAX_QUEUED, now).await? != assay_store::Enqueued::Full {
                    let (state, policy) = (CandidateState::Admitted, self.admission.judge.digest());
                    work.decide_candidate(candidate, policy, (state, &order.target), now).await?;
                }
                work.commit().await
            }
        }
    }

    /// Writes down why something stays where it is, and tells of it when that is news.
    async fn settle(
        &self,
        candidate: &Candidate,
        state: CandidateState,
        why: &str,
    ) -> Result<(), StoreError> {
        let (now, policy) = ((self.clock)(), self.admission.judge.digest());
        let mut work = self.store.begin().await?;
        if work.decide_candidate(candidate, policy, (state, why), now).await? {
            stays(&mut work, candidate, state, why, now).await?;
        }
        work.commit().await
    }

    /// Finds the pair that a promotion goes by, and where it goes to.
    pub(crate) fn pair_of(
        &self,
        source: &Reference,
        target: Option<&str>,
    ) -> Option<(&Pair, String, String)> {
        self.pairs.iter().find_map(|pair| {
            let (registry, repository) = pair.target(source.registry(), source.repository())?;
            let is_meant = target.is_none_or(|target| target == format!("{registry}/{repository}"));
            is_meant.then_some((pair, registry, repository))
        })
    }

    /// Returns the name that an image of an incoming repository gets by a pair, whose release side is written like this.
    pub(crate) fn destination(&self, place: &Place, release: &str) -> Option<String> {
        let mut pairs = self.pairs.iter().filter(|pair| pair.release() == release);
        let (registry, repository) =
            pairs.find_map(|pair| pair.target(&place.registry, &place.repository))?;
        Some(format!("{registry}/{repository}:{}", place.tag.as_deref().unwrap_or_default()))
    }
}

/// Records why an image stays in its incoming repository.
async fn stays(
    work: &mut Work,
    candidate: &Candidate,
    state: CandidateState,
    why: &str,
    now: Moment,
) -> Result<(), StoreError> {
    let kind = match state {
        CandidateState::Denied => "promotion-denied",
        CandidateState::Refused => "promotion-refused",
        CandidateState::Pending | CandidateState::Admitted | CandidateState::Promoted => return Ok(()),
    };
    let place = &candidate.place;
    let detail = serde_json::json!({
        "registry": place.registry, "repository": place.repository, "tag": place.tag,
        "target": candidate.target, "reason": why,
    });
    work.record(kind, Some(&candidate.digest), &detail, now).await
}

/// Raises an alarm when a tag names something else than was promoted to it, whatever that is; once for each move.
pub(crate) async fn check_release(
    work: &mut Work,
    place: &Place,
    digest: &Digest,
    asked: Moment,
) -> Result<(), StoreError> {
    let detail = |promoted: Option<Digest>| {
        serde_json::json!({
            "registry": place.registry, "repository": place.repository, "tag": place.tag,
            "promoted": promoted.map(|digest| digest.to_string()),
        })
    };
    match work.check_release(place, digest, asked).await? {
        ReleaseTag::Fine => Ok(()),
        ReleaseTag::Moved { promoted } => {
            work.record("promoted-tag-moved", Some(digest), &detail(Some(promoted)), asked).await
        }
        ReleaseTag::Back => work.record("promoted-tag-back", Some(digest), &detail(None), asked).await,
    }
}

/// Writes the counts in the text format of Prometheus.
pub(crate) fn render(counts: &PromotionCounts) -> String {
    let mut text = String::new();
    for (name, kind, help, value) in [
        ("assay_promotions_total", "counter", "Promotions that are done.", counts.done),
        ("assay_promotions_open", "gauge", "Promotions that were begun and are not done.", counts.open),
        (
            "assay_promotion_candidates_denied",
            "gauge",
            "Tags of incoming repositories that the policy denies.",
            counts.denied,
        ),
        (
            "assay_promotion_candidates_refused",
            "gauge",
            "Tags that are not promoted because the release tag names another image.",
            counts.refused,
        ),
        (
            "assay_promoted_tag_moves_total",
            "counter",
            "Times that a promoted tag moved without a promotion.",
            counts.alarms,
        ),
        ("assay_promoted_tags_moved", "gauge", "Promoted tags that name something else now.", counts.moved),
    ] {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    }
    text
}

/// Promotes until `stop` is raised.
pub(crate) async fn keep_promoting(
    promoter: Arc<Promoter>,
    note: Arc<dyn Fn(&str) + Send + Sync>,
    stop: Arc<AtomicBool>,
) {
    let mut running: Vec<tokio::task::JoinHandle<()>> = Vec::new();
    for _ in 0..AT_ONCE {
        let (promoter, note, stop) = (promoter.clone(), note.clone(), stop.clone());
        running.push(tokio::spawn(async move { promoter.carry_out(&*note, &stop).await }));
    }
    let mut recovered = Moment::default();
    while !stop.load(Ordering::Relaxed) {
        let one = promoter.clone();
        match tokio::spawn(async move { one.look().await }).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => promoter.admission.metrics.store_errors.add(1),
            Err(error) => {
                let fault = crate::worker::fault(error);
                note(&format!("the program failed while it looked for what is to be promoted: {fault}"));
            }
        }
        // Where there are no workers nobody else does.
        let now = (promoter.clock)();
        if now.since(recovered) >= promoter.terms.lease / 2 {
            recovered = now;
            let _ = promoter.store.recover(now).await;
        }
        tokio::time::sleep(LOOK).await;
    }
    for one in running {
        let _ = one.await;
    }
}
