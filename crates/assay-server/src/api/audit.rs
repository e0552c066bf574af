//! The audit log: who did what. Read only; who may judge findings may see it.

use super::page::{After, Limit, List, Text, text};
use super::time;
use crate::http::App;
use crate::problem::{Problem, Refused};
use assay_store::{AuditEntry, Role};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// An entry of the audit log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct Entry {
    /// Its number, from 1 without a gap.
    pub sequence: i64,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who.
    pub actor: String,
    /// Did what, such as `token.create`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// The rest; what it has depends on the action.
    pub detail: serde_json::Value,
    /// The hash of the entry before; zeroes for the first.
    pub previous: String,
    /// The hash of this entry.
    pub hash: String,
}

impl From<AuditEntry> for Entry {
    fn from(entry: AuditEntry) -> Self {
        Self {
            sequence: entry.sequence,
            at: time(entry.at),
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
            previous: entry.previous,
            hash: entry.hash,
        }
    }
}

/// Which entries are asked for; all that is given must fit.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Of this actor.
    #[param(inline)]
    actor: Option<Text>,
    /// About this action, such as `token.create`.
    #[param(inline)]
    action: Option<Text>,
    /// After this number: the `next` of the page before.
    #[serde(default)]
    #[param(inline)]
    after: After,
    /// How many at most.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// Lists who did what, in order.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "listAudit", tag = "audit", params(Wanted),
    security(("token" = ["security"])), responses((status = 200, body = List<Entry>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Entry>>, Problem> {
    app.require(&headers, Role::Security).await?;
    let Wanted { actor, action, after, limit } = wanted;
    let entries = app.store.audit_like(text(&actor), text(&action), after.0, limit.0).await?;
    Ok(Json(List::of(entries, limit, |entry| entry.sequence)))
}

/// The end of the audit log at some moment, in the form that `assay audit verify --checkpoint` reads.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditCheckpoint)]
pub struct Checkpoint {
    /// `assay.audit-checkpoint/v1`.
    pub schema: String,
    /// The number of the last entry; 0 when there is none.
    pub sequence: i64,
    /// Its hash.
    pub hash: String,
}

/// Answers with the end of the audit log. Kept elsewhere it tells later whether the log was cut.
#[utoipa::path(get, path = "/api/v1/audit/checkpoint", operation_id = "auditCheckpoint", tag = "audit",
    security(("token" = ["security"])), responses((status = 200, body = Checkpoint), Refused))]
pub(crate) async fn checkpoint(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Checkpoint>, Problem> {
    app.require(&headers, Role::Security).await?;
    let end = app.store.audit_end().await?;
    Ok(Json(Checkpoint {
        schema: "assay.audit-checkpoint/v1".to_owned(),
        sequence: end.sequence,
        hash: end.hash,
    }))
}
