//! The audit log: who did what. Read only; who may judge findings may see it.

use super::{List, Page, full, time};
use crate::http::App;
use crate::problem::Problem;
use assay_store::Role;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Entry {
    sequence: i64,
    at: String,
    actor: String,
    action: String,
    subject: String,
    detail: serde_json::Value,
    previous: String,
    hash: String,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Security).await?;
    let limit = page.limit();
    let entries = app.store.audit_log(page.after, limit).await?;
    let next = entries.last().map(|entry| entry.sequence).filter(|_| full(entries.len(), limit));
    let items = entries.into_iter().map(|entry| Entry {
        sequence: entry.sequence,
        at: time(entry.at),
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
        detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
        previous: entry.previous,
        hash: entry.hash,
    });
    Ok(Json(List { items: items.collect(), next }).into_response())
}

/// The end of the log, in the form that `assay audit verify --checkpoint` reads. Kept elsewhere it tells later whether the log was cut.
pub(crate) async fn checkpoint(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    app.require(&headers, Role::Security).await?;
    let end = app.store.audit_end().await?;
    let body = serde_json::json!({
        "schema": "assay.audit-checkpoint/v1", "sequence": end.sequence, "hash": end.hash });
    Ok(Json(body).into_response())
}
