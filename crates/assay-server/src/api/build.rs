//! How images were built: CI tells, and people ask. What is told is the word of who holds the token; no verdict rests on it.

use super::given::{Texts, moment, seconds};
use super::page::{After, Limit, List, Queried, Text, digest, number, text};
use super::{json, json_said, time};
use crate::body::read;
use crate::http::App;
use crate::problem::{Missing, Problem, Refused, Senseless, Unsent};
use assay_model::Digest;
use assay_model::digest::InvalidDigest;
use assay_store::{BuildFilter, BuildOutcome, Input, KnownBuild, Moment, RecordedBuild, Role, Scope};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

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

/// How a build ended.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It made an image.
    Success,
    /// It did not.
    Failure,
}

impl From<Outcome> for BuildOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Success,
            Outcome::Failure => Self::Failure,
        }
    }
}

/// A build that is to be recorded.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewBuild {
    /// The digest of the image that it made; one that failed needs none.
    #[schema(pattern = "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]
    pub digest: Option<String>,
    /// The image's name, without tag.
    #[schema(max_length = 500)]
    pub image: Option<String>,
    /// What it was built for, where one commit makes several images, such as `linux/arm64`.
    #[schema(max_length = 100)]
    pub platform: Option<String>,
    /// Where the source is.
    #[schema(max_length = 1000)]
    pub source: Option<String>,
    /// The commit that was built.
    #[schema(min_length = 1, max_length = 200)]
    pub recipe: String,
    /// What the image was made from besides: base images, builders, toolchains.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub inputs: Vec<BuildInput>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began.
    #[schema(format = DateTime)]
    pub started: String,
    /// How many seconds it took.
    #[schema(minimum = 0, maximum = 604800)]
    pub duration_seconds: f64,
    /// The address of the run.
    #[schema(max_length = 1000)]
    pub invocation: Option<String>,
    /// What it wrote, up to 2 MiB; of a longer log best the end.
    #[serde(default)]
    pub log: String,
}

/// What an image was made from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BuildInput {
    /// What it is called, such as `golang:1.22`.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Its digest.
    #[schema(pattern = "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")]
    pub digest: String,
}

/// A build that is recorded.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordedAs {
    /// Its number.
    pub id: i64,
}

impl NewBuild {
    fn build(&self, now: Moment) -> Result<assay_store::Build, Problem> {
        let text = |texts: &Texts, text: &Option<String>| texts.of(text.as_deref().unwrap_or_default());
        let outcome = BuildOutcome::from(self.outcome);
        let digest: Option<Digest> = self
            .digest
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|error: InvalidDigest| Problem::invalid(error.to_string()))?;
        if digest.is_none() && outcome == BuildOutcome::Success {
            return Err(Problem::senseless("a build that succeeded has the `digest` of its image"));
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
            return Err(Problem::senseless(
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
        Ok(assay_store::Build {
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

/// Records a build.
///
/// The very same record, sent again because the answer was lost, is one build.
#[utoipa::path(post, path = "/api/v1/builds", operation_id = "recordBuild", tag = "builds", request_body = NewBuild,
    security(("token" = ["developer"])),
    responses((status = 201, description = "It is recorded.", body = RecordedAs),
        (status = 200, description = "It was recorded before.", body = RecordedAs), Refused, Unsent, Senseless))]
pub(crate) async fn record(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    sent: Body,
) -> Result<(StatusCode, Json<RecordedAs>), Problem> {
    let actor = app.require(&headers, Role::Developer).await?;
    json_said(&headers)?;
    let asked: NewBuild = json(&read(sent, MAX_RECORD).await?)?;
    let now = (app.clock)();
    let build = asked.build(now)?;
    // What is built may not have been seen yet, so it is the name of the image that says whose it is.
    let place = build.image.split_once('/');
    if actor.scope != Scope::Fleet {
        let (registry, repository) = place.ok_or_else(|| {
            Problem::senseless(
                "`image` is the name of the image with its registry, for who is bound to teams",
            )
        })?;
        app.may_use(&actor, registry, repository)?;
    }
    let log = app.document("build log", &build.recipe, asked.log.as_bytes()).await?;
    let mut work = app.begin().await?;
    if let (Scope::Teams(_), Some((registry, repository))) = (&actor.scope, place) {
        work.note_repository(registry, repository).await?;
    }
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
    Ok((status, Json(RecordedAs { id })))
}

/// Which builds are asked for; all that is given must fit.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// That made this image.
    #[param(schema_with = digest, required = false)]
    digest: Option<Digest>,
    /// Of an image of this name.
    #[param(inline)]
    image: Option<Text>,
    /// Of this commit.
    #[param(inline)]
    recipe: Option<Text>,
    /// That ended so.
    #[param(inline)]
    outcome: Option<Outcome>,
    /// After this number: the `next` of the page before.
    #[serde(default)]
    #[param(inline)]
    after: After,
    /// How many at most; a page has up to 100.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// A build.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// Its number.
    pub id: i64,
    /// The digest of the image that it made.
    #[schema(required)]
    pub digest: Option<String>,
    /// The image's name; empty where it was not said, as all that follows.
    pub image: String,
    /// What it was built for.
    pub platform: String,
    /// Where the source is.
    pub source: String,
    /// The commit that was built.
    pub recipe: String,
    /// What the image was made from besides.
    pub inputs: Vec<BuildInput>,
    /// How it ended: `success` or `failure`.
    pub outcome: String,
    /// When it began.
    #[schema(format = DateTime)]
    pub started: String,
    /// How many seconds it took.
    pub duration_seconds: f64,
    /// The address of the run.
    pub invocation: String,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub recorded: String,
    /// By whom.
    pub recorder: String,
    /// How many bytes its log has.
    pub log_bytes: i64,
}

impl From<KnownBuild> for Build {
    fn from(known: KnownBuild) -> Self {
        let build = known.build;
        Self {
            id: known.id,
            digest: build.digest.map(|digest| digest.to_string()),
            image: build.image,
            platform: build.platform,
            source: build.source,
            recipe: build.recipe,
            inputs: build
                .inputs
                .into_iter()
                .map(|input| BuildInput { name: input.name, digest: input.digest })
                .collect(),
            outcome: build.outcome.name().to_owned(),
            started: time(build.started),
            duration_seconds: build.duration.as_secs_f64(),
            invocation: build.invocation,
            recorded: time(known.recorded),
            recorder: known.recorder,
            log_bytes: known.log_size,
        }
    }
}

/// Lists builds, in the order in which they were recorded.
#[utoipa::path(get, path = "/api/v1/builds", operation_id = "listBuilds", tag = "builds", params(Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = List<Build>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Build>>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let Query(wanted) = wanted?;
    let filter = BuildFilter {
        digest: wanted.digest,
        image: text(&wanted.image).map(str::to_owned),
        recipe: text(&wanted.recipe).map(str::to_owned),
        outcome: wanted.outcome.map(BuildOutcome::from),
    };
    let limit = Limit(wanted.limit.0.min(MAX_PAGE));
    let builds = app.seen_by(&holder).builds(&filter, wanted.after.0, limit.0).await?;
    Ok(Json(List::of(builds, limit, |build| build.id)))
}

/// Answers with what a build wrote.
///
/// Logs tell more than they should now and then, so who may read everything else may not read them.
#[utoipa::path(get, path = "/api/v1/builds/{id}/log", operation_id = "buildLog", tag = "builds",
    params(("id" = i64, Path, minimum = 0, maximum = 9_007_199_254_740_991.0, description = "The build's number.")),
    security(("token" = ["developer"])),
    responses((status = 200, description = "The log.", body = String, content_type = "text/plain; charset=utf-8"), Refused, Missing))]
pub(crate) async fn log(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let holder = app.require(&headers, Role::Developer).await?;
    let log = app.seen_by(&holder).build_log(number(&id)?).await?;
    let log = log.ok_or_else(|| Problem::not_found("there is no build of this number"))?;
    let kind =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((kind, log).into_response())
}
