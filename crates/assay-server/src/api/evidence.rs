//! What is attached to an image, piece by piece.

use super::image::Digests;
use super::page::{Paged, Pathed, Queried};
use super::time;
use crate::evidence::{Shown, shown};
use crate::http::App;
use crate::problem::{Missing, Problem, Refused};
use assay_model::Digest;
use assay_store::Role;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A piece of evidence, such as a signature.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Its digest.
    pub digest: String,
    /// The digest of the manifest that carries it.
    pub carrier: String,
    /// What it is, such as the type of an attestation's predicate.
    pub kind: String,
    /// The registry it is in.
    pub registry: String,
    /// The repository it is in, and counts in.
    pub repository: String,
    /// When it was first seen.
    #[schema(format = DateTime)]
    pub first_seen: String,
    /// When it was found to be gone.
    #[schema(format = DateTime, required)]
    pub gone_at: Option<String>,
    /// The trust roots of the policy by which it counts.
    pub verified: Vec<VerifiedBy>,
    /// Those by which it does not.
    pub refused: Vec<RefusedBy>,
}

/// A trust root by which something counts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VerifiedBy {
    /// Its name.
    pub root: String,
    /// Who signed.
    pub by: String,
}

/// A trust root by which something does not count.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RefusedBy {
    /// Its name.
    pub root: String,
    /// Why.
    pub why: String,
}

/// A repository that is asked what is attached to the image there.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskedRepository {
    /// The registry.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// When it last answered, if it ever did.
    #[schema(format = DateTime, required)]
    pub asked: Option<String>,
    /// Since when it does not answer.
    #[schema(format = DateTime, required)]
    pub failing_since: Option<String>,
    /// Why.
    #[schema(required)]
    pub error: Option<String>,
}

/// What is attached to an image.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EvidenceList {
    /// The pieces, in the order in which they were first seen.
    pub items: Vec<Evidence>,
    /// What `after` is for the page that follows; `null` at the end.
    #[schema(required)]
    pub next: Option<i64>,
    /// The repositories that are asked; the same on every page.
    pub repositories: Vec<AskedRepository>,
}

impl From<Shown> for Evidence {
    fn from(Shown { known, checks }: Shown) -> Self {
        let (mut verified, mut refused) = (Vec::new(), Vec::new());
        for (root, check) in checks {
            match check {
                Ok(by) => verified.push(VerifiedBy { root, by }),
                Err(why) => refused.push(RefusedBy { root, why }),
            }
        }
        Self {
            digest: known.seen.digest.to_string(),
            carrier: known.seen.carrier.to_string(),
            kind: known.seen.kind,
            registry: known.place.registry,
            repository: known.place.repository,
            first_seen: time(known.first_seen),
            gone_at: known.gone_at.map(time),
            verified,
            refused,
        }
    }
}

/// Lists what is or was attached to an image, and who signed it.
#[utoipa::path(get, path = "/api/v1/images/{digest}/evidence", operation_id = "listEvidence", tag = "images",
    params(("digest" = inline(Digests), Path, description = "The digest of an image or an index."), Paged),
    security(("token" = ["viewer"])), responses((status = 200, body = EvidenceList), Refused, Missing))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    digest: Pathed<Digest>,
    wanted: Queried<Paged>,
    headers: HeaderMap,
) -> Result<Json<EvidenceList>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let (seen, Path(digest)) = (app.seen_by(&holder), digest?);
    let (after, limit) = wanted?.page();
    if seen.image(&digest).await?.is_none() {
        return Err(Problem::not_found("no image of this digest was seen"));
    }
    let shown = shown(&app, seen, &digest, after, limit.0).await?;
    let next = shown.last().map(|one| one.known.id).filter(|_| limit.is_reached(shown.len()));
    let repositories = seen.gathered_in(&digest).await?.into_iter().map(|gathered| AskedRepository {
        registry: gathered.place.registry,
        repository: gathered.place.repository,
        asked: Some(gathered.asked).filter(|asked| asked.0 != i64::MIN).map(time),
        failing_since: gathered.failing.map(time),
        error: gathered.error,
    });
    let items = shown.into_iter().map(Evidence::from).collect();
    Ok(Json(EvidenceList { items, next, repositories: repositories.collect() }))
}
