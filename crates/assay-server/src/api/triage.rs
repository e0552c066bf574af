//! Triage: what people decided about findings. Who may judge findings decides; everybody who may look sees it.

use super::body;
use super::page::{List, Queried, Text, number, paged, text};
use super::time;
use crate::http::App;
use crate::problem::{Missing, Problem, Refused, Senseless, Unsent};
use crate::triage::{self, Proposal};
use assay_store::{Role, Triage as Known, TriageFilter, TriageOrder, TriageScope, TriageState};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What was decided, by its name.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionState {
    /// It is not so.
    FalsePositive,
    /// It is so, and the risk is taken.
    Accepted,
    /// It is so, and is dealt with elsewhere until a day.
    Exception,
}

impl From<DecisionState> for TriageState {
    fn from(state: DecisionState) -> Self {
        match state {
            DecisionState::FalsePositive => Self::FalsePositive,
            DecisionState::Accepted => Self::Accepted,
            DecisionState::Exception => Self::Exception,
        }
    }
}

/// What is to be decided. It takes the place of what was decided about the same before.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTriage)]
pub struct NewDecision {
    /// The vulnerability by any identifier, or the rule of another finding.
    #[schema(min_length = 1, max_length = 1000)]
    pub advisory: String,
    /// The package, if it is about one only.
    #[schema(max_length = 1000)]
    pub package: Option<String>,
    /// The image in which it holds: either this or `repository`.
    pub digest: Option<String>,
    /// The repository in whose images it holds, with its registry, such as `registry.example/team/app`.
    pub repository: Option<String>,
    /// What was decided.
    pub state: DecisionState,
    /// Why.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
    /// Who answers for it; without it, who owns the repository as far as the server was told.
    #[schema(max_length = 200)]
    pub owner: Option<String>,
    /// When it ends, as a day or time; what is accepted or excepted must end within a year.
    pub expires: Option<String>,
}

/// A decision about findings.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Triage)]
pub struct Decision {
    /// Its number.
    pub id: i64,
    /// The vulnerability or rule, by the identifier that was decided about.
    pub advisory: String,
    /// The package, if it is about one only.
    #[schema(required)]
    pub package: Option<String>,
    /// The image in which it holds, if it is about one.
    #[schema(required)]
    pub digest: Option<String>,
    /// The repository in whose images it holds, if it is about one.
    #[schema(required)]
    pub repository: Option<String>,
    /// `false-positive`, `accepted` or `exception`.
    pub state: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who decided.
    pub decided_by: String,
    /// When.
    #[schema(format = DateTime)]
    pub decided: String,
    /// When it ends, if it does.
    #[schema(format = DateTime, required)]
    pub expires: Option<String>,
    /// When it ended, if it did.
    #[schema(format = DateTime, required)]
    pub ended: Option<String>,
    /// Why it ended: `expired`, `withdrawn` or `replaced`.
    #[schema(required)]
    pub ending: Option<String>,
}

impl From<Known> for Decision {
    fn from(known: Known) -> Self {
        let decision = known.decision;
        let (digest, repository) = match &decision.scope {
            TriageScope::Image(digest) => (Some(digest.to_string()), None),
            scope @ TriageScope::Repository { .. } => (None, Some(scope.to_string())),
        };
        Self {
            id: known.id,
            advisory: decision.advisory,
            package: decision.package,
            digest,
            repository,
            state: decision.state.name().to_owned(),
            reason: decision.reason,
            owner: decision.owner,
            decided_by: decision.decided_by,
            decided: time(known.decided),
            expires: decision.expires.map(time),
            ended: known.ended.map(|(at, _)| time(at)),
            ending: known.ended.map(|(_, why)| why.name().to_owned()),
        }
    }
}

paged! {
    /// Which decisions are asked for; all that is given must fit.
    Wanted {
        /// About this advisory or rule, by the identifier that was decided about.
        #[param(inline)]
        advisory: Option<Text>,
        /// Of this state.
        #[param(inline)]
        state: Option<DecisionState>,
        /// Answered for by somebody.
        #[param(inline)]
        owner: Option<Text>,
        /// Those that ended, or those that are in effect.
        ended: Option<bool>,
    }
}

/// Lists decisions about findings, in the order in which they were made.
#[utoipa::path(get, path = "/api/v1/triage", operation_id = "listTriage", tag = "triage", params(Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = List<Decision>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Decision>>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let Query(wanted) = wanted?;
    let (after, limit) = wanted.page();
    let filter = TriageFilter {
        advisory: text(&wanted.advisory),
        state: wanted.state.map(TriageState::from),
        owner: text(&wanted.owner),
        ended: wanted.ended,
    };
    let found = app.seen_by(&holder).triage_like(&filter, TriageOrder::Oldest(after), limit.0).await?;
    Ok(Json(List::of(found, limit, |triage| triage.id)))
}

/// Decides about findings.
///
/// It holds for every finding that fits, also of images that are pushed later, until it ends. Findings stay counted; a verdict changes only
/// where the policy says that such decisions count.
#[utoipa::path(post, path = "/api/v1/triage", operation_id = "decide", tag = "triage", request_body = NewDecision,
    security(("token" = ["security"])), responses((status = 201, body = Decision), Refused, Unsent, Missing, Senseless))]
pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Decision>), Problem> {
    let actor = app.require(&headers, Role::Security).await?;
    let asked: NewDecision = body(&headers, &bytes)?;
    let scope = match (&asked.digest, &asked.repository) {
        (Some(digest), None) if digest.contains(':') && !digest.contains('/') => triage::scope(digest)?,
        (None, Some(repository)) if repository.contains('/') => triage::scope(repository)?,
        _ => {
            return Err(Problem::senseless(
                "say where it holds: either `digest`, or `repository` with its registry, such as `registry.example/team/app`",
            ));
        }
    };
    let proposal = Proposal {
        advisory: &asked.advisory,
        package: asked.package.as_deref(),
        scope,
        state: asked.state.into(),
        reason: &asked.reason,
        owner: asked.owner.as_deref(),
        expires: asked.expires.as_deref(),
    };
    let made = triage::decide(&app, &actor, proposal).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Answers with a decision, also one that ended.
#[utoipa::path(get, path = "/api/v1/triage/{id}", operation_id = "triage", tag = "triage",
    params(("id" = i64, Path, minimum = 0, maximum = 9_007_199_254_740_991.0, description = "Its number.")),
    security(("token" = ["viewer"])), responses((status = 200, body = Decision), Refused, Missing))]
pub(crate) async fn detail(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Decision>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let found = app.seen_by(&holder).triage(number(&id)?).await?;
    let found = found.ok_or_else(|| Problem::not_found("there is no decision of this number"))?;
    Ok(Json(found.into()))
}

/// Takes a decision back: its findings are open again.
#[utoipa::path(delete, path = "/api/v1/triage/{id}", operation_id = "withdraw", tag = "triage",
    params(("id" = i64, Path, minimum = 0, maximum = 9_007_199_254_740_991.0, description = "Its number.")),
    security(("token" = ["security"])),
    responses((status = 204, description = "It holds no more."), Refused, Missing))]
pub(crate) async fn withdraw(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = app.require(&headers, Role::Security).await?;
    triage::withdraw(&app, &actor, number(&id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
