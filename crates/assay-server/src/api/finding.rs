//! The findings of an image over time: since when each is known, whether it went and came back, and what was decided about it.

use super::image::{Digests, Finding};
use super::page::{After, Limit, List, Pathed, Queried};
use crate::http::App;
use crate::problem::{Missing, Problem, Refused};
use assay_model::Digest;
use assay_store::{FindingFilter, Role, Standing, Triaged};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Whether findings are there.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StandingName {
    #[default]
    Open,
    Suppressed,
    Gone,
}

/// Whether something was decided about findings.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TriagedName {
    Open,
    Settled,
}

pub(crate) fn triaged(name: Option<TriagedName>) -> Triaged {
    match name {
        None => Triaged::Either,
        Some(TriagedName::Open) => Triaged::Open,
        Some(TriagedName::Settled) => Triaged::Settled,
    }
}

/// Which findings are asked for; all that is given must fit.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Those that are there and count, those that a statement takes out of the count, or those that were there.
    #[serde(default)]
    #[param(inline)]
    standing: StandingName,
    /// Those about which nothing was decided, or something.
    #[param(inline)]
    triage: Option<TriagedName>,
    /// Only those that had been gone and came back.
    #[serde(default)]
    recurring: bool,
    /// After so many: the `next` of the page before.
    #[serde(default)]
    #[param(inline)]
    after: After,
    /// How many at most.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// Lists findings of an image, the most severe first.
#[utoipa::path(get, path = "/api/v1/images/{digest}/findings", operation_id = "listFindings", tag = "images",
    params(("digest" = inline(Digests), Path, description = "The digest of an image; an index has no findings of its own."), Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = List<Finding>), Refused, Missing))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    digest: Pathed<Digest>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Finding>>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let (seen, Path(digest)) = (app.seen_by(&holder), digest?);
    let Query(wanted) = wanted?;
    if seen.image(&digest).await?.is_none() {
        return Err(Problem::not_found("no image of this digest was seen"));
    }
    let filter = FindingFilter {
        standing: match wanted.standing {
            StandingName::Open => Standing::Open,
            StandingName::Suppressed => Standing::Suppressed,
            StandingName::Gone => Standing::Gone,
        },
        triage: triaged(wanted.triage),
        recurring: wanted.recurring,
    };
    let (after, limit) = (wanted.after.0, wanted.limit);
    let found = seen.findings_of(&digest, filter, after, limit.0).await?;
    let decided = seen.triage_of(found.iter().filter_map(|one| one.triage)).await?;
    let read = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let next = limit.is_reached(found.len()).then(|| after.saturating_add(read));
    Ok(Json(List { items: found.into_iter().map(|one| Finding::new(one, &decided)).collect(), next }))
}
