//! The audit log: who did what. Read only; who may judge findings may see it.

use super::page::{List, Queried, Text, paged, text};
use super::time;
use crate::http::App;
use crate::problem::{Problem, Refused};
use assay_store::{AuditEntry, Role};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

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

paged! {
    /// Which entries are asked for; all that is given must fit.
    Wanted {
        /// Of this actor.
        #[param(inline)]
        actor: Option<Text>,
        /// About this action, such as `token.create`.
        #[param(inline)]
        action: Option<Text>,
    }
}

/// Lists who did what, in order.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "listAudit", tag = "audit", params(Wanted),
    security(("token" = ["security"])), responses((status = 200, body = List<Entry>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Entry>>, Problem> {
    let holder = app.require(&headers, Role::Security).await?;
    let store = app.whole(&holder)?;
    let Query(wanted) = wanted?;
    let (after, limit) = wanted.page();
    let entries = store.audit_like(text(&wanted.actor), text(&wanted.action), after, limit.0).await?;
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
    /// When this was so.
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// The fingerprint of the server's key: the SHA-256 of its DER.
    pub key: Option<String>,
    /// The signature in base64, of four lines: `schema`, `sequence`, `hash` and `at`, each with a newline at its end.
    pub signature: Option<String>,
}

/// Answers with the end of the audit log. Kept elsewhere it tells later whether the log was cut.
#[utoipa::path(get, path = "/api/v1/audit/checkpoint", operation_id = "auditCheckpoint", tag = "audit",
    security(("token" = ["security"])), responses((status = 200, body = Checkpoint), Refused))]
pub(crate) async fn checkpoint(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Checkpoint>, Problem> {
    let holder = app.require(&headers, Role::Security).await?;
    let end = app.whole(&holder)?.audit_end().await?;
    let document = crate::audit::document(end, (app.clock)(), app.audit_key.as_deref());
    Ok(Json(document.ok_or_else(Problem::fault)?))
}
