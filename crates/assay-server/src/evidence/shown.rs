//! Evidence for people: each piece with its history, and what the trust roots of the policy make of it now.

use crate::http::App;
use assay_engine::AttachedEvidence;
use assay_model::Digest;
use assay_store::{KnownEvidence, Place, StoreError, View};
use std::collections::{BTreeMap, BTreeSet};

/// A piece of evidence.
pub(crate) struct Shown {
    /// What is known of it.
    pub(crate) known: KnownEvidence,
    /// What each trust root says: who signed, or why it does not count. Nothing of what is gone, or where there is no policy.
    pub(crate) checks: BTreeMap<String, Result<String, String>>,
}

/// Returns the evidence that there is or was for an image as somebody sees it, in the order in which it was first seen, from after a number on.
pub(crate) async fn shown(
    app: &App,
    seen: View<'_>,
    digest: &Digest,
    after: i64,
    limit: i64,
) -> Result<Vec<Shown>, StoreError> {
    let pieces = seen.evidence(digest, after, limit).await?;
    let there = pieces.iter().filter(|piece| piece.gone_at.is_none());
    let places: BTreeSet<Place> = there.map(|piece| piece.place.clone()).collect();
    let admission = app.admission.as_ref().filter(|admission| !admission.judge.roots().is_empty());
    let mut checks = BTreeMap::new();
    if let Some(admission) = admission {
        let now = (app.clock)().timestamp();
        // One place after the other: each may hold as much as a verdict may.
        for place in places {
            let seat = admission.flights.seat().await;
            let body = seen.gathered(digest, &place).await?.and_then(|gathered| gathered.body);
            let Some(body) = body else { continue };
            let judge = admission.judge.clone();
            let judging = tokio::task::spawn_blocking(move || {
                let _seat = seat;
                let mut checks = Vec::new();
                let Ok(found) = AttachedEvidence::from_bytes(&body) else { return checks };
                drop(body);
                let (judged, _) = found.pieces(judge.roots(), now);
                for (candidate, judged) in found.candidates.iter().zip(judged) {
                    let judged = judged.map(|judged| judged.checks).unwrap_or_default();
                    checks.push(((place.clone(), found.identity(candidate)), judged));
                }
                checks
            });
            let damaged = |_| StoreError::Damaged { what: "evidence", name: digest.to_string() };
            checks.extend(judging.await.map_err(damaged)?);
        }
    }
    let shown = pieces.into_iter().map(|known| {
        let found = known.gone_at.is_none().then(|| (known.place.clone(), known.seen.digest));
        Shown { checks: found.and_then(|key| checks.remove(&key)).unwrap_or_default(), known }
    });
    Ok(shown.collect())
}
