//! Events: what happened, in order.

use super::page::{After, Limit, List, Text, digest, text};
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
use utoipa::{IntoParams, ToSchema};

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

/// Which events are asked for; all that is given must fit.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// About this image.
    #[param(schema_with = digest, required = false)]
    digest: Option<Digest>,
    /// Of this kind, such as `finding-appeared`.
    #[param(inline)]
    kind: Option<Text>,
    /// After this number: the `next` of the page before.
    #[serde(default)]
    #[param(inline)]
    after: After,
    /// How many at most.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// Lists what happened, in order.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "listEvents", tag = "events", params(Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = List<Event>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Event>>, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let Wanted { digest, kind, after, limit } = wanted;
    let events = app.store.events_like(digest.as_ref(), text(&kind), after.0, limit.0).await?;
    Ok(Json(List::of(events, limit, |event| event.id)))
}
