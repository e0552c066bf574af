//! The addresses that the server answers at, who may ask what, and what is limited.

use crate::admission::{Admission, Answer, Review};
use crate::api;
use crate::metrics::Metrics;
use crate::pages;
use crate::problem::Problem;
use crate::scanner::Scanner;
use crate::webhook;
use crate::worker::{ATTEMPTS, Clock, RESOLVE};
use assay_store::{NewJob, Role, Store, Token};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The largest request that is read: an admission review holds an object twice, each up to 1.5 MB.
const MAX_BODY: usize = 4 << 20;
/// Jobs that may be queued before registries are told to wait.
const MAX_QUEUED: i64 = 10_000;
/// What Kubernetes gives a webhook when nothing is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// What is kept back of the caller's time, so that the answer is there before it gives up.
const MARGIN: Duration = Duration::from_millis(200);

/// What all requests share.
pub struct App {
    /// What is known.
    pub store: Store,
    /// Which registries may be asked.
    pub scanner: Arc<Scanner>,
    /// Admission, where there is a policy to judge by.
    pub admission: Option<Admission>,
    /// Whether admission answers also who has no token: API servers send none unless they are told to.
    pub anonymous_admission: bool,
    /// What tells the time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// Returns what answers requests.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/webhooks/{registry}", post(event))
        .route("/admission/validate", post(validate))
        .route("/admission/mutate", post(mutate))
        .route("/api/v1/images", get(api::images))
        .route("/api/v1/images/{digest}", get(api::image))
        .route("/api/v1/images/{digest}/report", get(api::report))
        .route("/api/v1/blast-radius", get(api::blast_radius))
        .route("/api/v1/events", get(api::events))
        .merge(pages::routes(app.clone()))
        .fallback(async || Problem::not_found("there is nothing at this address"))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(app)
}

impl App {
    /// Checks that a request comes from somebody with that role.
    pub(crate) async fn require(&self, headers: &HeaderMap, role: Role) -> Result<(), Problem> {
        let presented = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| Token::presented(token.trim()));
        let holder = match presented {
            Some(token) => self.store.holder(&token, (self.clock)()).await?,
            None => None,
        };
        match holder {
            None => {
                self.metrics.unauthenticated.add(1);
                Err(Problem::unauthenticated())
            }
            Some(holder) if holder.role < role => Err(Problem::forbidden(role.name())),
            Some(_) => Ok(()),
        }
    }

    async fn admission(&self, headers: &HeaderMap) -> Result<&Admission, Problem> {
        if !self.anonymous_admission {
            self.require(headers, Role::Viewer).await?;
        }
        self.admission.as_ref().ok_or_else(|| {
            let hint = "the server has no policy to judge by: start it with `--policy FILE`";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-policy", hint)
        })
    }
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.store.is_ready().await {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
}

async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let depths = app.store.depths().await?;
    let text = app.metrics.render(&depths, app.store.image_count().await?, (app.clock)());
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

async fn event(
    State(app): State<Arc<App>>,
    Path(registry): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Developer).await?;
    let webhook = webhook::by_name(&registry)
        .ok_or_else(|| Problem::not_found("there is no webhook for this kind of registry"))?;
    let pushes = webhook.pushes(&body).map_err(|error| Problem::invalid(error.to_string()))?;
    if app.store.queued().await? >= MAX_QUEUED {
        app.metrics.webhook_rejected.add(1);
        return Err(Problem::busy(30));
    }
    let now = (app.clock)();
    let (mut taken, mut left_out) = (0_u64, 0_u64);
    let mut work = app.store.begin().await?;
    for push in pushes {
        let name = match &push.tag {
            Some(tag) => format!("{}/{}:{tag}", push.registry, push.repository),
            None => format!("{}/{}@{}", push.registry, push.repository, push.digest),
        };
        // Also refuses what is no name at all, before it comes anywhere near a request.
        let Ok(reference) = app.scanner.reference(&name) else {
            left_out += 1;
            continue;
        };
        let job = NewJob {
            kind: RESOLVE.to_owned(),
            // With the digest: a push that comes while the one before is looked at must not count as known.
            name: format!("push {reference} {}", push.digest),
            registry: reference.registry().to_owned(),
            payload: reference.to_string(),
            priority: 20,
            max_attempts: ATTEMPTS,
        };
        work.enqueue(&job, now).await?;
        taken += 1;
    }
    work.commit().await?;
    app.metrics.webhook_events.add(taken);
    let body = serde_json::json!({ "taken": taken, "leftOut": left_out });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

#[derive(Deserialize)]
struct Timeout {
    timeout: Option<String>,
}

impl Timeout {
    /// Returns until when to answer. The API server writes its time as Go does: `10s`.
    fn deadline(&self) -> Instant {
        let given = self.timeout.as_deref().and_then(duration).unwrap_or(DEFAULT_TIMEOUT);
        let given = given.clamp(Duration::from_millis(400), Duration::from_secs(30));
        Instant::now() + given.saturating_sub(MARGIN)
    }
}

fn duration(text: &str) -> Option<Duration> {
    if let Some(number) = text.strip_suffix("ms") {
        return number.parse().ok().map(Duration::from_millis);
    }
    if let Some(number) = text.strip_suffix('m') {
        return number.parse::<u64>().ok().map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
    }
    text.strip_suffix('s')?.parse().ok().map(Duration::from_secs)
}

async fn validate(
    State(app): State<Arc<App>>,
    Query(timeout): Query<Timeout>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let deadline = timeout.deadline();
    let admission = app.admission(&headers).await?;
    let review = Review::parse(&body).map_err(|error| Problem::invalid(error.to_string()))?;
    let answer: Answer = admission.validate(&review, deadline).await;
    Ok(Json(answer.document(&review.uid)).into_response())
}

async fn mutate(
    State(app): State<Arc<App>>,
    Query(timeout): Query<Timeout>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let deadline = timeout.deadline();
    let admission = app.admission(&headers).await?;
    let review = Review::parse(&body).map_err(|error| Problem::invalid(error.to_string()))?;
    let answer = admission.mutate(&review, deadline).await;
    Ok(Json(answer.document(&review.uid)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_writes_them() {
        let check = |text: &str, want: Option<u64>| {
            assert_eq!(duration(text), want.map(Duration::from_millis), "{text}");
        };
        check("10s", Some(10_000));
        check("500ms", Some(500));
        check("1m", Some(60_000));
        for text in ["", "s", "10", "-1s", "1.5s", "99999999999999999999s", "ms"] {
            check(text, None);
        }
    }
}
