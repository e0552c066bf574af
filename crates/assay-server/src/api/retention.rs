//! What would be forgotten now: the dry run of [`crate::retention`].

use super::{List, full, time};
use crate::http::App;
use crate::problem::Problem;
use crate::retention::{MAX_DAYS, days};
use assay_store::Role;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Deserialize)]
pub(crate) struct Asked {
    days: Option<u32>,
    #[serde(default)]
    after: i64,
    limit: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    digest: String,
    registry: String,
    repository: String,
    last_seen: String,
}

pub(crate) async fn dry_run(
    State(app): State<Arc<App>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let keep = match asked.days {
        None => app.keep.ok_or_else(|| {
            Problem::invalid(
                "the server forgets nothing by itself: say `days=N` for what `--keep-days N` would forget",
            )
        })?,
        Some(number) if (1..=MAX_DAYS).contains(&number) => days(number),
        Some(_) => return Err(Problem::invalid(format!("`days` is a number from 1 to {MAX_DAYS}"))),
    };
    let limit = super::limit(asked.limit);
    let before = (app.clock)().minus(keep);
    let found = app.store.prunable(before, asked.after, limit).await?;
    let next = found.last().map(|image| image.id).filter(|_| full(found.len(), limit));
    let items = found.into_iter().map(|image| Entry {
        digest: image.digest.to_string(),
        registry: image.registry,
        repository: image.repository,
        last_seen: time(image.last_seen),
    });
    Ok(Json(List { items: items.collect(), next }).into_response())
}
