//! What would be forgotten now: the dry run of [`crate::retention`].

use super::page::{List, Queried, paged};
use super::time;
use crate::http::App;
use crate::problem::{Problem, Refused, Senseless};
use crate::retention::{MAX_DAYS, days};
use assay_store::Role;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// An image that would be forgotten.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forgettable {
    /// Its digest.
    pub digest: String,
    /// The registry it was first seen in.
    pub registry: String,
    /// The repository it was first seen in.
    pub repository: String,
    /// When it was last seen.
    #[schema(format = DateTime)]
    pub last_seen: String,
}

impl From<assay_store::Forgettable> for Forgettable {
    fn from(image: assay_store::Forgettable) -> Self {
        Self {
            digest: image.digest.to_string(),
            registry: image.registry,
            repository: image.repository,
            last_seen: time(image.last_seen),
        }
    }
}

paged! {
    /// After how many days is asked about.
    Wanted {
        /// What is not seen for so many days; without it, what the server forgets by itself, if it does.
        #[param(minimum = 1, maximum = 36500)]
        days: Option<u32>,
    }
}

/// Lists the images that would be forgotten now, and changes nothing.
#[utoipa::path(get, path = "/api/v1/retention", operation_id = "listForgettable", tag = "deployments", params(Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = List<Forgettable>), Refused, Senseless))]
pub(crate) async fn dry_run(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Forgettable>>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let store = app.whole(&holder)?;
    let Query(wanted) = wanted?;
    let (after, limit) = wanted.page();
    let keep = match wanted.days {
        None => app.keep.ok_or_else(|| {
            Problem::senseless(
                "the server forgets nothing by itself: say `days=N` for what `--keep-days N` would forget",
            )
        })?,
        Some(number) if (1..=MAX_DAYS).contains(&number) => days(number),
        Some(_) => return Err(Problem::invalid(format!("`days` is a number from 1 to {MAX_DAYS}"))),
    };
    let before = (app.clock)().minus(keep);
    let found = store.prunable(before, after, limit.0).await?;
    Ok(Json(List::of(found, limit, |image| image.id)))
}
