//! What runs where: CI or whoever deploys tells, and people ask. It decides what is kept and what the indicators count; no verdict rests on it.

use super::given::Texts;
use super::page::{List, Pathed, Queried, Text, digest, paged, text};
use super::{body, reference, time};
use crate::http::App;
use crate::problem::{Missing, Problem, ProblemDocument, Refused, Senseless, Unsent};
use crate::rematch::scan_job;
use assay_model::Digest;
use assay_model::digest::InvalidDigest;
use assay_store::{DeploymentFilter, Holder, Place, Role, Scope, Service, StoreError};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The longest name of an environment, a service, an owner or a team.
const MAX_NAME: usize = 200;
/// How urgently what runs is scanned, if it was not: before what was only pushed.
const URGENCY: i64 = 30;

/// What a service runs from now on, or what is to be said of what it runs.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeployment {
    /// The image, if it was seen.
    #[schema(pattern = "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]
    pub digest: Option<String>,
    /// The image with the repository it is in, `registry.example/app@sha256:…`: it need not have been seen. Either this or `digest`.
    pub image: Option<String>,
    /// Whether it works: what is good is what to go back to.
    #[serde(default)]
    pub good: bool,
    /// Whose the service is; as before, if nothing is said.
    #[schema(min_length = 1, max_length = 200)]
    pub owner: Option<String>,
    /// Which team's it is.
    #[schema(min_length = 1, max_length = 200)]
    pub team: Option<String>,
}

/// What a service runs or ran.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Deployment {
    /// Its number.
    pub id: i64,
    /// The environment.
    pub environment: String,
    /// The service.
    pub service: String,
    /// The image.
    pub digest: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
    /// Until when, if it does not run any more.
    #[schema(format = DateTime, required)]
    pub ended: Option<String>,
    /// Whether somebody said that it works.
    pub good: bool,
    /// Whose the service is.
    #[schema(required)]
    pub owner: Option<String>,
    /// Which team's it is.
    #[schema(required)]
    pub team: Option<String>,
}

impl From<assay_store::Deployment> for Deployment {
    fn from(one: assay_store::Deployment) -> Self {
        Self {
            id: one.id,
            environment: one.environment,
            service: one.service,
            digest: one.digest.to_string(),
            since: time(one.since),
            ended: one.ended.map(time),
            good: one.good,
            owner: one.owner,
            team: one.team,
        }
    }
}

fn name(what: &'static str, text: &str) -> Result<String, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::senseless(format!("{what} is empty")));
    }
    Texts::new(what, MAX_NAME).of(text)
}

/// Reads `registry.example/app@sha256:…`.
fn place(app: &App, text: &str) -> Result<(Digest, Place), Problem> {
    let reference = reference::read(app, text)?;
    let digest = reference.digest().ok_or_else(|| {
        Problem::senseless(
            "`image` has no digest: what runs is `registry.example/app@sha256:…`, whatever its tag",
        )
    })?;
    let (registry, repository) = (reference.registry().to_owned(), reference.repository().to_owned());
    Ok((digest, Place { registry, repository, tag: None }))
}

/// Records what a service runs from now on, or says something of what it runs.
#[utoipa::path(put, path = "/api/v1/deployments/{environment}/{service}", operation_id = "setDeployment", tag = "deployments",
    params(("environment" = String, Path, description = "The environment, such as `production`."),
        ("service" = String, Path, description = "The service.")),
    request_body = NewDeployment, security(("token" = ["developer"])),
    responses((status = 201, description = "It runs another image than before.", body = Deployment),
        (status = 200, description = "It runs the same image.", body = Deployment), Refused, Unsent, Missing, Senseless,
        (status = 409, description = "It is not known to run anything.", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    path: Pathed<(String, String)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Deployment>), Problem> {
    let actor = app.require(&headers, Role::Developer).await?;
    let Path((environment, service)) = path?;
    let environment = name("the environment", &environment)?;
    let service_name = name("the service", &service)?;
    let asked: NewDeployment = body(&headers, &bytes)?;
    let owner = asked.owner.as_deref().map(|text| name("`owner`", text)).transpose()?;
    let team = asked.team.as_deref().map(|text| name("`team`", text)).transpose()?;
    let (image, seen) = match (&asked.digest, &asked.image) {
        (Some(_), Some(_)) => return Err(Problem::senseless("give either `digest` or `image`")),
        (Some(text), None) => {
            let digest = text.parse().map_err(|error: InvalidDigest| Problem::invalid(error.to_string()))?;
            (Some(digest), None)
        }
        (None, Some(text)) => {
            let (digest, place) = place(&app, text)?;
            (Some(digest), Some(place))
        }
        (None, None) => (None, None),
    };
    let now = (app.clock)();
    let filter = DeploymentFilter {
        environment: Some(environment.clone()),
        service: Some(service_name.clone()),
        running: Some(true),
        digest: None,
    };
    let (team, seen) = bound(&app, &actor, &filter, image.as_ref(), (team, seen)).await?;
    let service = Service { environment: &environment, name: &service_name };
    let subject = format!("{environment}/{service_name}");
    let mut work = app.begin().await?;
    if let (Some(digest), Some(place)) = (&image, &seen) {
        // In the order in which pruning takes the same.
        work.begin_deployment().await?;
        work.see(digest, place, now).await?;
        work.enqueue(&scan_job(digest, &place.registry, &place.repository, URGENCY), now).await?;
    }
    let mut changed = false;
    if let Some(digest) = &image {
        changed = work.deploy(&service, digest, now).await.map_err(|error| match error {
            StoreError::UnknownImage(_) => never_seen(),
            error => error.into(),
        })?;
    }
    if asked.good && !work.mark_good(&service).await? {
        return Err(nothing_runs());
    }
    work.own(&service, owner.as_deref(), team.as_deref()).await?;
    let detail = serde_json::json!({
        "environment": environment, "service": service_name, "digest": image.map(|digest| digest.to_string()),
        "good": asked.good, "owner": owner, "team": team,
    });
    if changed {
        work.record("deployed", image.as_ref(), &detail, now).await?;
    }
    work.audit(&actor.name, "deployment.set", &subject, &detail, now).await?;
    work.commit().await?;
    let running = app.seen_by(&actor).deployments(&filter, 0, 1).await?.into_iter().next();
    let running = running.ok_or_else(nothing_runs)?;
    let status = if changed { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(running.into())))
}

fn never_seen() -> Problem {
    Problem::not_found(
        "no image of this digest was seen: give it with its repository, as `\"image\": \"registry.example/app@sha256:…\"`",
    )
}

/// Checks what somebody who is bound to teams says of a service: of an image that is theirs, which must have been seen where it is, since what
/// is only said makes no image anybody's; and of a service that is theirs, or nobody's yet. Returns whose it is from now on.
async fn bound(
    app: &App,
    actor: &Holder,
    running: &DeploymentFilter,
    image: Option<&Digest>,
    (team, seen): (Option<String>, Option<Place>),
) -> Result<(Option<String>, Option<Place>), Problem> {
    let Some(teams) = actor.scope.teams() else { return Ok((team, seen)) };
    if let Some(place) = &seen {
        app.may_use(actor, &place.registry, &place.repository)?;
    }
    if let Some(digest) = image
        && !app.seen_by(actor).sees(digest).await?
    {
        return Err(Problem::not_found(
            "no image of this digest was seen in the repositories of your teams: push it, or ask for it with `POST /api/v1/images`",
        ));
    }
    if !may_change(app, actor, running).await? {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "other-team",
            "the service is none of the teams that you are bound to",
        ));
    }
    let own = match team {
        None if teams.len() == 1 => teams.first().cloned(),
        team => team,
    };
    match own {
        Some(team) if teams.contains(&team) => Ok((Some(team), None)),
        _ => Err(Problem::senseless("`team` is one of the teams that you are bound to")),
    }
}

/// Says whether somebody sees what a service runs, or it runs nothing.
async fn may_change(app: &App, actor: &Holder, running: &DeploymentFilter) -> Result<bool, StoreError> {
    if actor.scope == Scope::Fleet || !app.seen_by(actor).deployments(running, 0, 1).await?.is_empty() {
        return Ok(true);
    }
    app.runs_nothing(running).await
}

fn nothing_runs() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "nothing-runs",
        "the service is not known to run anything: give the `digest` of what it runs",
    )
}

fn no_such_service() -> Problem {
    Problem::not_found("the service is not known to run anything")
}

/// Records that a service runs no more.
#[utoipa::path(delete, path = "/api/v1/deployments/{environment}/{service}", operation_id = "endDeployment", tag = "deployments",
    params(("environment" = String, Path, description = "The environment, such as `production`."),
        ("service" = String, Path, description = "The service.")),
    security(("token" = ["developer"])),
    responses((status = 204, description = "It runs no more."), Refused, Missing, Senseless))]
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    path: Pathed<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = app.require(&headers, Role::Developer).await?;
    let Path((environment, service)) = path?;
    let environment = name("the environment", &environment)?;
    let service = name("the service", &service)?;
    let now = (app.clock)();
    let running = DeploymentFilter {
        environment: Some(environment.clone()),
        service: Some(service.clone()),
        running: Some(true),
        digest: None,
    };
    if !may_change(&app, &actor, &running).await? {
        return Err(no_such_service());
    }
    let mut work = app.begin().await?;
    if !work.undeploy(&Service { environment: &environment, name: &service }, now).await? {
        return Err(no_such_service());
    }
    let detail = serde_json::json!({ "environment": environment, "service": service });
    work.record("undeployed", None, &detail, now).await?;
    work.audit(&actor.name, "deployment.end", &format!("{environment}/{service}"), &detail, now).await?;
    work.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

paged! {
    /// Which deployments are asked for; all that is given must fit.
    Wanted {
        /// In this environment.
        #[param(inline)]
        environment: Option<Text>,
        /// Of this service.
        #[param(inline)]
        service: Option<Text>,
        /// Of this image.
        #[param(schema_with = digest, required = false)]
        digest: Option<Digest>,
        /// Those that run, or those that have ended.
        running: Option<bool>,
    }
}

/// Lists what services run and ran, in the order in which it was recorded.
#[utoipa::path(get, path = "/api/v1/deployments", operation_id = "listDeployments", tag = "deployments", params(Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = List<Deployment>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Deployment>>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let Query(wanted) = wanted?;
    let (after, limit) = wanted.page();
    let filter = DeploymentFilter {
        environment: text(&wanted.environment).map(str::to_owned),
        service: text(&wanted.service).map(str::to_owned),
        digest: wanted.digest,
        running: wanted.running,
    };
    let found = app.seen_by(&holder).deployments(&filter, after, limit.0).await?;
    Ok(Json(List::of(found, limit, |one| one.id)))
}
