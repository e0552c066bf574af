//! Events: what happened, in order.

use super::page::{List, Queried, Text, digest, paged, text};
use super::time;
use crate::http::App;
use crate::problem::{Problem, Refused};
use assay_model::Digest;
use assay_store::{Event as StoredEvent, Role};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Something that happened.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number; later events have higher ones.
    pub id: i64,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// What, such as `tag-moved`, `scanned` or `finding-appeared`.
    pub kind: String,
    /// The image it is about, if it is about one.
    #[schema(required)]
    pub digest: Option<String>,
    /// The rest; what it has depends on the kind.
    pub detail: serde_json::Value,
}

impl From<StoredEvent> for Event {
    fn from(event: StoredEvent) -> Self {
        Self {
            id: event.id,
            at: time(event.at),
            kind: event.kind,
            digest: event.digest,
            detail: serde_json::from_str(&event.detail).unwrap_or_default(),
        }
    }
}

paged! {
    /// Which events are asked for; all that is given must fit.
    Wanted {
        /// About this image.
        #[param(schema_with = digest, required = false)]
        digest: Option<Digest>,
        /// Of this kind, such as `finding-appeared`.
        #[param(inline)]
        kind: Option<Text>,
    }
}

/// Lists what happened, in order.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "listEvents", tag = "events", params(Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = List<Event>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Event>>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let Query(wanted) = wanted?;
    let (after, limit) = wanted.page();
    let seen = app.seen_by(&holder);
    let events = seen.events_like(wanted.digest.as_ref(), text(&wanted.kind), after, limit.0).await?;
    Ok(Json(List::of(events, limit, |event| event.id)))
}
