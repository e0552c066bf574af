//! Channels: how it stands with telling each of what happens. Their addresses are in nothing that the database has.

use super::page::{List, Paged, Queried};
use super::time;
use crate::http::App;
use crate::problem::{Problem, Refused};
use assay_store::{Role, Sink};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Somebody who is told of what happens.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// What it is called.
    pub name: String,
    /// How often in a row it was not told.
    pub failures: i64,
    /// When it is tried again, if it was not told.
    #[schema(format = DateTime, required)]
    pub retry_at: Option<String>,
    /// Why it was not told.
    #[schema(required)]
    pub error: Option<String>,
    /// How many pieces of news wait.
    pub pending: i64,
    /// How many alerts it was told of are not over.
    pub alerts: i64,
}

impl From<Sink> for Channel {
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

/// Lists the channels, by their names.
#[utoipa::path(get, path = "/api/v1/channels", operation_id = "listChannels", tag = "channels", params(Paged),
    security(("token" = ["security"])), responses((status = 200, body = List<Channel>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Queried<Paged>,
    headers: HeaderMap,
) -> Result<Json<List<Channel>>, Problem> {
    let holder = app.require(&headers, Role::Security).await?;
    let store = app.whole(&holder)?;
    let (after, limit) = wanted?.page();
    let sinks = store.sinks(after, limit.0).await?;
    Ok(Json(List::of(sinks, limit, |sink| sink.id)))
}
