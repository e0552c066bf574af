//! What a name stands for: as the server saw it last, and, where somebody asks for it, as its registry says now.

use super::page::{Queried, Text};
use super::time;
use crate::http::App;
use crate::problem::{Problem, Refused, Senseless};
use crate::scanner::ScanError;
use crate::worker::{ASKED, MAX_QUEUED, RESOLVE, RETRY_AFTER};
use assay_oci::Reference;
use assay_store::{Enqueued, Holder, NewJob, Place, Role};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// What somebody waits for comes before what was pushed, and after what a cluster is about to run.
pub(crate) const PRIORITY: i64 = 50;
/// Attempts at what somebody waits for: who asks can ask again, and should hear soon that a registry says no.
const ATTEMPTS: i64 = 2;

/// An image that is to be looked at.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImage {
    /// Its name with the registry's host, such as `registry.example/team/app:1.0`.
    #[schema(min_length = 1, max_length = 1000, example = "registry.example/team/app:1.0")]
    pub reference: String,
}

/// What was asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Asked {
    /// The whole name, as it was understood.
    pub reference: String,
    /// The number of the job that asks the registry; once it is done, `/api/v1/reference` says what the name stands for.
    pub job: i64,
}

/// What a name stands for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// The whole name, as it was understood.
    pub reference: String,
    /// The digest of the image or index; `null` where the server never saw it.
    #[schema(required)]
    pub digest: Option<String>,
    /// When the server last saw that this is so.
    #[schema(format = DateTime, required)]
    pub seen: Option<String>,
}

/// Reads the name of an image in a registry that the server may ask.
pub(super) fn read(app: &App, text: &str) -> Result<Reference, Problem> {
    app.scanner.reference(text).map_err(|error| match error {
        ScanError::UnknownRegistry(registry) => Problem::senseless(format!(
            "the registry `{registry}` is not one of those that the server was told to ask: start it with `--registry {registry}`"
        )),
        error => Problem::senseless(error.to_string()),
    })
}

/// Asks for a name to be resolved, and for a scan of what it stands for unless that is known.
pub(super) async fn ask(app: &App, holder: &Holder, wanted: &NewImage) -> Result<Asked, Problem> {
    let reference = read(app, &wanted.reference)?;
    app.may_use(holder, reference.registry(), reference.repository())?;
    let now = (app.clock)();
    let job = NewJob {
        kind: RESOLVE.to_owned(),
        // With the time: a job that runs already may have asked the registry before the push that is meant.
        name: format!("{ASKED}{reference} {}", now.0),
        registry: reference.registry().to_owned(),
        payload: reference.to_string(),
        priority: PRIORITY,
        max_attempts: ATTEMPTS,
    };
    let mut work = app.begin().await?;
    if work.enqueue_below(&job, MAX_QUEUED, now).await? == Enqueued::Full {
        return Err(Problem::busy(RETRY_AFTER));
    }
    work.audit(&holder.name, "image.ask", &reference.to_string(), &serde_json::json!({}), now).await?;
    work.commit().await?;
    let id = app.job_number(&job).await?;
    Ok(Asked { reference: reference.to_string(), job: id.ok_or_else(Problem::fault)? })
}

/// What is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// A name with the registry's host, such as `registry.example/team/app:1.0`.
    #[param(inline)]
    reference: Text,
}

/// Answers what a name stood for when the server saw it last.
#[utoipa::path(get, path = "/api/v1/reference", operation_id = "reference", tag = "images", params(Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = Named), Refused, Senseless))]
pub(crate) async fn reference(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<Named>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let seen = app.seen_by(&holder);
    let Query(Wanted { reference: Text(text) }) = wanted?;
    let reference = read(&app, &text)?;
    let known = match reference.digest() {
        Some(digest) => seen.image(&digest).await?.map(|image| (image.digest, image.last_seen)),
        None => {
            let place = Place {
                registry: reference.registry().to_owned(),
                repository: reference.repository().to_owned(),
                tag: Some(reference.tag().unwrap_or("latest").to_owned()),
            };
            seen.tagged(&place).await?.map(|period| (period.digest, period.last_seen))
        }
    };
    let (digest, seen) = known.unzip();
    Ok(Json(Named {
        reference: reference.to_string(),
        digest: digest.map(|digest| digest.to_string()),
        seen: seen.map(time),
    }))
}
