//! What is attached to an image, piece by piece.

use super::{List, Page, digest, full, time};
use crate::evidence::{Shown, shown};
use crate::http::App;
use crate::problem::Problem;
use assay_store::Role;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EvidenceEntry {
    digest: String,
    carrier: String,
    kind: String,
    registry: String,
    repository: String,
    first_seen: String,
    gone_at: Option<String>,
    verified: Vec<Verified>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Verified {
    root: String,
    by: String,
}

#[derive(Serialize)]
struct Refused {
    root: String,
    why: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    registry: String,
    repository: String,
    /// When it last answered, if it ever did.
    asked: Option<String>,
    failing_since: Option<String>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Evidence {
    #[serde(flatten)]
    list: List<EvidenceEntry>,
    repositories: Vec<Repository>,
}

impl From<Shown> for EvidenceEntry {
    fn from(Shown { known, checks }: Shown) -> Self {
        let (mut verified, mut refused) = (Vec::new(), Vec::new());
        for (root, check) in checks {
            match check {
                Ok(by) => verified.push(Verified { root, by }),
                Err(why) => refused.push(Refused { root, why }),
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

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let (digest, limit) = (digest(&name)?, page.limit());
    if app.store.image(&digest).await?.is_none() {
        return Err(Problem::not_found("no image of this digest was seen"));
    }
    let shown = shown(&app, &digest, page.after, limit).await?;
    let next = shown.last().map(|one| one.known.id).filter(|_| full(shown.len(), limit));
    let repositories = app.store.gathered_in(&digest).await?.into_iter().map(|gathered| Repository {
        registry: gathered.place.registry,
        repository: gathered.place.repository,
        asked: Some(gathered.asked).filter(|asked| asked.0 != i64::MIN).map(time),
        failing_since: gathered.failing.map(time),
        error: gathered.error,
    });
    let list = List { items: shown.into_iter().map(EvidenceEntry::from).collect(), next };
    Ok(Json(Evidence { list, repositories: repositories.collect() }).into_response())
}
