//! Jobs: how far something that was asked for has come.

use super::page::number;
use super::time;
use crate::http::App;
use crate::problem::{Missing, Problem, Refused};
use assay_store::{JobStatus, Role};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// How far the last job about something has come.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct JobState {
    /// `queued`, `running`, `done` or `failed`.
    pub state: String,
    /// Why the last attempt failed.
    #[schema(required)]
    pub error: Option<String>,
}

/// A job, as it stands.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// What is done, such as `resolve` or `scan`.
    pub kind: String,
    /// The registry it asks; empty for none.
    pub registry: String,
    /// `queued`, `running`, `done` or `failed`.
    pub state: String,
    /// Attempts so far.
    pub attempts: i64,
    /// Attempts at most.
    pub max_attempts: i64,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it may be done, or was taken.
    #[schema(format = DateTime)]
    pub run_at: String,
    /// Why the last attempt failed.
    #[schema(required)]
    pub error: Option<String>,
}

impl From<JobStatus> for Job {
    fn from(job: JobStatus) -> Self {
        let (attempts, max_attempts) = job.attempts;
        Self {
            id: job.id,
            kind: job.kind,
            registry: job.registry,
            state: job.state,
            attempts,
            max_attempts,
            created: time(job.created),
            run_at: time(job.run_at),
            error: job.error,
        }
    }
}

/// Answers how far a job has come. Jobs that ended are remembered for a week.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", operation_id = "job", tag = "jobs",
    params(("id" = i64, Path, minimum = 0, maximum = 9_007_199_254_740_991.0, description = "The number of a job.")),
    security(("token" = ["viewer"])), responses((status = 200, body = Job), Refused, Missing))]
pub(crate) async fn job(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Job>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let job = app.job(&holder, number(&id)?).await?;
    Ok(Json(job.ok_or_else(|| Problem::not_found("there is no job of this number"))?.into()))
}
