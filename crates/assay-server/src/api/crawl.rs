//! Crawls: what registries were asked for, and what came of it.

use super::page::{List, Queried, Text, paged, text};
use super::time;
use crate::crawl::CRAWL;
use crate::http::App;
use crate::problem::{Problem, Refused};
use assay_store::Role;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The last crawl of a repository, or of a registry's list of them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Crawl {
    /// The registry's host.
    pub registry: String,
    /// The repository; `null` for the list of repositories.
    #[schema(required)]
    pub repository: Option<String>,
    /// When it was last asked for.
    #[schema(format = DateTime)]
    pub asked: String,
    /// When it was last listed.
    #[schema(format = DateTime, required)]
    pub listed: Option<String>,
    /// Whether the list was whole.
    pub complete: bool,
    /// How many tags, or repositories, there were.
    pub tags: i64,
    /// How many of them were found to be new or moved.
    pub found: i64,
    /// How many were found to be gone.
    pub gone: i64,
    /// `queued`, `running`, `done` or `failed`; `null` when its job is forgotten.
    #[schema(required)]
    pub state: Option<String>,
    /// Why the last attempt failed.
    #[schema(required)]
    pub error: Option<String>,
}

paged! {
    /// Which crawls are asked for; all that is given must fit.
    Wanted {
        /// Of this registry.
        #[param(inline)]
        registry: Option<Text>,
        /// Of this repository.
        #[param(inline)]
        repository: Option<Text>,
    }
}

/// Lists the last crawl of every repository.
#[utoipa::path(get, path = "/api/v1/crawls", operation_id = "listCrawls", tag = "registries", params(Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = List<Crawl>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Crawl>>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let store = app.whole(&holder)?;
    let Query(wanted) = wanted?;
    let (after, limit) = wanted.page();
    let crawls = store.crawls_like(text(&wanted.registry), text(&wanted.repository), after, limit.0).await?;
    let next = crawls.last().map(|crawl| crawl.id).filter(|_| limit.is_reached(crawls.len()));
    let mut items = Vec::new();
    for crawl in crawls {
        let job = store.job_state(CRAWL, &format!("{}/{}", crawl.registry, crawl.repository)).await?;
        let (state, error) = job.map_or((None, None), |(state, error)| (Some(state), error));
        items.push(Crawl {
            registry: crawl.registry,
            repository: Some(crawl.repository).filter(|name| !name.is_empty()),
            asked: time(crawl.asked),
            listed: crawl.listed.map(time),
            complete: crawl.complete,
            tags: crawl.tags,
            found: crawl.found,
            gone: crawl.gone,
            state,
            error,
        });
    }
    Ok(Json(List { items, next }))
}
