//! How images were built: CI tells, and people ask. What is told is the word of who holds the token; no verdict rests on it.

use super::given::{Texts, json, moment, seconds};
use super::{List, digest, full, time};
use crate::body::read as body;
use crate::http::App;
use crate::problem::Problem;
use assay_model::Digest;
use assay_store::{Build, BuildFilter, BuildOutcome, Input, KnownBuild, Moment, RecordedBuild, Role};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// The longest log. What is longer is best cut to its end, as the command line does.
const MAX_LOG: usize = 2 << 20;
/// The largest record: a log in which every byte is written as `\u00XX`, and the rest.
const MAX_RECORD: usize = 6 * MAX_LOG + (1 << 20);
/// The most things an image is made from.
const MAX_INPUTS: usize = 200;
/// The longest build.
const MAX_DURATION: Duration = Duration::from_secs(7 * 86_400);
/// How much the clock of CI may be ahead.
const AHEAD: Duration = Duration::from_secs(300);
/// Builds of a page: each may have many inputs.
const MAX_PAGE: i64 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewBuild {
    digest: Option<String>,
    image: Option<String>,
    platform: Option<String>,
    source: Option<String>,
    recipe: String,
    #[serde(default)]
    inputs: Vec<NewInput>,
    outcome: String,
    started: String,
    duration_seconds: f64,
    invocation: Option<String>,
    #[serde(default)]
    log: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewInput {
    name: String,
    digest: String,
}

impl NewBuild {
    fn build(&self, now: Moment) -> Result<Build, Problem> {
        let text = |texts: &Texts, text: &Option<String>| texts.of(text.as_deref().unwrap_or_default());
        let outcome = BuildOutcome::parse(&self.outcome)
            .ok_or_else(|| Problem::invalid("`outcome` is `success` or `failure`"))?;
        let digest = self.digest.as_deref().map(digest).transpose()?;
        if digest.is_none() && outcome == BuildOutcome::Success {
            return Err(Problem::invalid("a build that succeeded has the `digest` of its image"));
        }
        if self.recipe.is_empty() {
            return Err(Problem::invalid("`recipe` is the commit that was built"));
        }
        if self.inputs.len() > MAX_INPUTS {
            return Err(Problem::invalid(format!("a build has up to {MAX_INPUTS} `inputs`")));
        }
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            if input.name.is_empty() {
                return Err(Problem::invalid("each of `inputs` has a `name`, such as `golang:1.22`"));
            }
            let of = input.digest.parse::<Digest>().map_err(|error| {
                Problem::invalid(format!("the input `{}` has no digest: {error}", short(&input.name)))
            })?;
            inputs.push(Input {
                name: Texts::new("a name of `inputs`", 200).of(&input.name)?,
                digest: of.to_string(),
            });
        }
        let duration = seconds("durationSeconds", self.duration_seconds, MAX_DURATION)?;
        let started = moment("started", &self.started)?;
        if started.plus(duration) > now.plus(AHEAD) {
            return Err(Problem::invalid(
                "the build ends in the future: check `started` and `durationSeconds`",
            ));
        }
        if self.log.len() > MAX_LOG {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                format!(
                    "`log` has more than {MAX_LOG} bytes: send the end of it, as `assay build record --log FILE` does"
                ),
            ));
        }
        Ok(Build {
            digest,
            image: text(&Texts::new("`image`", 500), &self.image)?,
            platform: text(&Texts::new("`platform`", 100), &self.platform)?,
            source: text(&Texts::new("`source`", 1000), &self.source)?,
            recipe: Texts::new("`recipe`", 200).of(&self.recipe)?,
            inputs,
            outcome,
            started,
            duration,
            invocation: text(&Texts::new("`invocation`", 1000), &self.invocation)?,
        })
    }
}

/// Returns the beginning of a text, for a message.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

pub(crate) async fn record(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let actor = app.require(&headers, Role::Developer).await?;
    let asked: NewBuild = json(&body(sent, MAX_RECORD).await?)?;
    let now = (app.clock)();
    let build = asked.build(now)?;
    let log = app.store.document("build log", &build.recipe, asked.log.as_bytes()).await?;
    let mut work = app.store.begin().await?;
    let (status, id) = match work.record_build(&build, &log, &actor.name, now).await? {
        RecordedBuild::Known(id) => (StatusCode::OK, id),
        RecordedBuild::New(id) => {
            let subject = build.digest.as_ref().map_or_else(|| build.recipe.clone(), ToString::to_string);
            let detail = serde_json::json!({
                "build": id, "outcome": build.outcome.name(), "recipe": build.recipe, "image": build.image,
                "invocation": build.invocation,
            });
            work.record("built", build.digest.as_ref(), &detail, now).await?;
            work.audit(&actor.name, "build.record", &subject, &detail, now).await?;
            (StatusCode::CREATED, id)
        }
    };
    work.commit().await?;
    Ok((status, Json(serde_json::json!({ "id": id }))).into_response())
}

/// Which builds are asked for; all that is given must fit.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    digest: Option<String>,
    image: Option<String>,
    recipe: Option<String>,
    outcome: Option<String>,
    #[serde(default)]
    after: i64,
    limit: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildEntry {
    id: i64,
    digest: Option<String>,
    image: String,
    platform: String,
    source: String,
    recipe: String,
    inputs: Vec<Input>,
    outcome: &'static str,
    started: String,
    duration_seconds: f64,
    invocation: String,
    recorded: String,
    recorder: String,
    log_bytes: i64,
}

impl From<KnownBuild> for BuildEntry {
    fn from(known: KnownBuild) -> Self {
        let build = known.build;
        Self {
            id: known.id,
            digest: build.digest.map(|digest| digest.to_string()),
            image: build.image,
            platform: build.platform,
            source: build.source,
            recipe: build.recipe,
            inputs: build.inputs,
            outcome: build.outcome.name(),
            started: time(build.started),
            duration_seconds: build.duration.as_secs_f64(),
            invocation: build.invocation,
            recorded: time(known.recorded),
            recorder: known.recorder,
            log_bytes: known.log_size,
        }
    }
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let outcome = match &wanted.outcome {
        None => None,
        Some(text) => Some(
            BuildOutcome::parse(text)
                .ok_or_else(|| Problem::invalid("`outcome` is `success` or `failure`"))?,
        ),
    };
    let filter = BuildFilter {
        digest: wanted.digest.as_deref().map(digest).transpose()?,
        image: wanted.image,
        recipe: wanted.recipe,
        outcome,
    };
    let limit = wanted.limit.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
    let builds = app.store.builds(&filter, wanted.after, limit).await?;
    let next = builds.last().map(|build| build.id).filter(|_| full(builds.len(), limit));
    Ok(Json(List { items: builds.into_iter().map(BuildEntry::from).collect(), next }).into_response())
}

/// Logs tell more than they should now and then, so who may read everything else may not read them.
pub(crate) async fn log(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Developer).await?;
    let log = app.store.build_log(id).await?;
    let log = log.ok_or_else(|| Problem::not_found("there is no build of this number"))?;
    let kind =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((kind, log).into_response())
}
