//! Channels: how it stands with telling each of what happens. Their addresses are in nothing that the database has.

use super::{List, Page, full, time};
use crate::http::App;
use crate::problem::Problem;
use assay_store::{Role, Sink};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChannelEntry {
    name: String,
    failures: i64,
    retry_at: Option<String>,
    error: Option<String>,
    pending: i64,
    alerts: i64,
}

impl From<Sink> for ChannelEntry {
    fn from(sink: Sink) -> Self {
        Self {
            name: sink.name,
            failures: sink.failures,
            retry_at: sink.retry_at.map(time),
            error: sink.error,
            pending: sink.pending,
            alerts: sink.alerts,
        }
    }
}

/// Lists the channels.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Security).await?;
    let limit = page.limit();
    let sinks = app.store.sinks(page.after, limit).await?;
    let next = sinks.last().map(|sink| sink.id).filter(|_| full(sinks.len(), limit));
    Ok(Json(List { items: sinks.into_iter().map(ChannelEntry::from).collect(), next }).into_response())
}
