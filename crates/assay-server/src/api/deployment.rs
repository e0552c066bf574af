//! What runs where: CI or whoever deploys tells, and people ask. It decides what is kept and what the indicators count; no verdict rests on it.

use super::given::{Texts, json};
use super::{List, digest, full, time};
use crate::body::read as body;
use crate::http::App;
use crate::problem::Problem;
use crate::rematch::scan_job;
use assay_model::Digest;
use assay_store::{Deployment, DeploymentFilter, Place, Role, Service, StoreError};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const MAX_BODY: usize = 64 << 10;
/// The longest name of an environment, a service, an owner or a team.
const MAX_NAME: usize = 200;
/// How urgently what runs is scanned, if it was not: before what was only pushed.
const URGENCY: i64 = 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deployed {
    /// The image, if it was seen.
    digest: Option<String>,
    /// The image with the repository it is in, `registry.example/app@sha256:…`: it need not have been seen.
    image: Option<String>,
    #[serde(default)]
    good: bool,
    owner: Option<String>,
    team: Option<String>,
}

#[derive(Serialize)]
struct DeploymentEntry {
    id: i64,
    environment: String,
    service: String,
    digest: String,
    since: String,
    ended: Option<String>,
    good: bool,
    owner: Option<String>,
    team: Option<String>,
}

impl From<Deployment> for DeploymentEntry {
    fn from(one: Deployment) -> Self {
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
        return Err(Problem::invalid(format!("{what} is empty")));
    }
    Texts::new(what, MAX_NAME).of(text)
}

/// Reads `registry.example/app@sha256:…`.
fn place(app: &App, text: &str) -> Result<(Digest, Place), Problem> {
    let reference = app.scanner.reference(text).map_err(|error| Problem::invalid(error.to_string()))?;
    let digest = reference.digest().ok_or_else(|| {
        Problem::invalid(
            "`image` has no digest: what runs is `registry.example/app@sha256:…`, whatever its tag",
        )
    })?;
    let (registry, repository) = (reference.registry().to_owned(), reference.repository().to_owned());
    Ok((digest, Place { registry, repository, tag: None }))
}

pub(crate) async fn set(
    State(app): State<Arc<App>>,
    Path((environment, service)): Path<(String, String)>,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let actor = app.require(&headers, Role::Developer).await?;
    let environment = name("the environment", &environment)?;
    let service_name = name("the service", &service)?;
    let asked: Deployed = json(&body(sent, MAX_BODY).await?)?;
    let owner = asked.owner.as_deref().map(|text| name("`owner`", text)).transpose()?;
    let team = asked.team.as_deref().map(|text| name("`team`", text)).transpose()?;
    let (image, seen) = match (&asked.digest, &asked.image) {
        (Some(_), Some(_)) => return Err(Problem::invalid("give either `digest` or `image`")),
        (Some(text), None) => (Some(digest(text)?), None),
        (None, Some(text)) => {
            let (digest, place) = place(&app, text)?;
            (Some(digest), Some(place))
        }
        (None, None) => (None, None),
    };
    let now = (app.clock)();
    let service = Service { environment: &environment, name: &service_name };
    let subject = format!("{environment}/{service_name}");
    let mut work = app.store.begin().await?;
    if let (Some(digest), Some(place)) = (&image, &seen) {
        work.see(digest, place, now).await?;
        work.enqueue(&scan_job(digest, &place.registry, &place.repository, URGENCY), now).await?;
    }
    let mut changed = false;
    if let Some(digest) = &image {
        changed = work.deploy(&service, digest, now).await.map_err(|error| match error {
            StoreError::UnknownImage(_) => Problem::not_found(
                "no image of this digest was seen: give it with its repository, as `\"image\": \"registry.example/app@sha256:…\"`",
            ),
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
    let filter = DeploymentFilter {
        environment: Some(environment.clone()),
        service: Some(service_name.clone()),
        running: Some(true),
        digest: None,
    };
    let running = app.store.deployments(&filter, 0, 1).await?.into_iter().next();
    let running = running.ok_or_else(nothing_runs)?;
    let status = if changed { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(DeploymentEntry::from(running))).into_response())
}

fn nothing_runs() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "nothing-runs",
        "the service is not known to run anything: give the `digest` of what it runs",
    )
}

pub(crate) async fn end(
    State(app): State<Arc<App>>,
    Path((environment, service)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let actor = app.require(&headers, Role::Developer).await?;
    let now = (app.clock)();
    let mut work = app.store.begin().await?;
    if !work.undeploy(&Service { environment: &environment, name: &service }, now).await? {
        return Err(Problem::not_found("the service is not known to run anything"));
    }
    let detail = serde_json::json!({ "environment": environment, "service": service });
    work.record("undeployed", None, &detail, now).await?;
    work.audit(&actor.name, "deployment.end", &format!("{environment}/{service}"), &detail, now).await?;
    work.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Which deployments are asked for; all that is given must fit.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    environment: Option<String>,
    service: Option<String>,
    digest: Option<String>,
    running: Option<bool>,
    #[serde(default)]
    after: i64,
    limit: Option<i64>,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let filter = DeploymentFilter {
        environment: wanted.environment,
        service: wanted.service,
        digest: wanted.digest.as_deref().map(digest).transpose()?,
        running: wanted.running,
    };
    let limit = super::limit(wanted.limit);
    let found = app.store.deployments(&filter, wanted.after, limit).await?;
    let next = found.last().map(|one| one.id).filter(|_| full(found.len(), limit));
    Ok(Json(List { items: found.into_iter().map(DeploymentEntry::from).collect(), next }).into_response())
}
