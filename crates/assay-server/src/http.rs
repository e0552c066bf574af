//! The addresses that the server answers at, who may ask what, and what is limited.

use crate::admission::{Admission, Answer, Review};
use crate::harbor;
use crate::limits::Limits;
use crate::listen::Peer;
use crate::metrics::Metrics;
use crate::owners::Owners;
use crate::pages;
use crate::problem::Problem;
use crate::scanner::Scanner;
use crate::webhook;
use crate::worker::{ATTEMPTS, Clock, MAX_QUEUED, RESOLVE, RETRY_AFTER};
use crate::{api, indicators};
use assay_store::{Holder, NewJob, Role, Store, Token};
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router, middleware};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The largest request that is read: an admission review holds an object twice, each up to 1.5 MB.
const MAX_BODY: usize = 4 << 20;
/// The longest text of an error of the framework.
const MAX_DETAIL: usize = 4096;
/// What Kubernetes gives a webhook when nothing is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// What is kept back of the caller's time, so that the answer is there before it gives up.
const MARGIN: Duration = Duration::from_millis(200);

/// The other end of a connection; nothing where a request comes from no listener of ours, as in tests.
type Caller = Extension<ConnectInfo<Peer>>;

/// What all requests share.
pub struct App {
    /// What is known.
    pub store: Store,
    /// Which registries may be asked.
    pub scanner: Arc<Scanner>,
    /// Admission, where there is a policy to judge by.
    pub admission: Option<Admission>,
    /// Whether admission answers also who shows neither token nor certificate: API servers do so unless they are told to.
    pub anonymous_admission: bool,
    /// What tells the time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How often who may ask.
    pub limits: Limits,
    /// What was last worked out about the fleet.
    pub indicators: indicators::Kept,
    /// What registries prove by that an event is theirs.
    pub webhooks: webhook::Secrets,
    /// Who answers for which repositories.
    pub owners: Owners,
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
        .merge(api::router().0)
        .route("/harbor/api/v1/metadata", get(harbor::metadata))
        .route("/harbor/api/v1/scan", post(harbor::scan))
        .route("/harbor/api/v1/scan/{id}/report", get(harbor::report))
        .merge(pages::routes(app.clone()))
        .fallback(async || Problem::not_found("there is nothing at this address"))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(app.clone(), limited))
        .layer(middleware::map_response(as_problem))
        .with_state(app)
}

impl App {
    /// Checks that a request comes from somebody with that role, who has not asked too often.
    pub(crate) async fn require(&self, headers: &HeaderMap, role: Role) -> Result<Holder, Problem> {
        let holder = self.holder(headers, role).await?;
        if !self.limits.request(&holder.name, (self.clock)()) {
            self.metrics.rate_limited.add(1);
            return Err(Problem::too_often());
        }
        Ok(holder)
    }

    async fn holder(&self, headers: &HeaderMap, role: Role) -> Result<Holder, Problem> {
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
            Some(holder) => Ok(holder),
        }
    }

    async fn admission(&self, headers: &HeaderMap, peer: Option<Caller>) -> Result<&Admission, Problem> {
        let certified = peer.is_some_and(|Extension(ConnectInfo(peer))| peer.certified);
        if !certified && !self.anonymous_admission {
            // Without a limit: a cluster that starts asks for everything at once.
            self.holder(headers, Role::Viewer).await?;
        }
        self.judging()
    }

    /// Returns admission, where there is a policy to judge by.
    pub(crate) fn judging(&self) -> Result<&Admission, Problem> {
        self.admission.as_ref().ok_or_else(|| {
            let hint = "the server has no policy to judge by: start it with `--policy FILE`";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-policy", hint)
        })
    }
}

/// Keeps who presents wrong tokens from having each looked up.
async fn limited(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    // What stands before the server may name another address in a header; anybody may.
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer.address.ip());
    let tries =
        request.headers().contains_key(header::AUTHORIZATION) || request.uri().path() == pages::SIGN_IN;
    if tries && !app.limits.may_try(peer, (app.clock)()) {
        app.metrics.rate_limited.add(1);
        return Problem::too_often().into_response();
    }
    let response = next.run(request).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        app.limits.failed(peer, (app.clock)());
    }
    response
}

/// Gives errors that the framework makes (a body too large, a parameter that is no number) the form of all others.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_plain = kind.is_none_or(|kind| kind.starts_with("text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !is_plain {
        return response;
    }
    // Which methods there are instead (RFC 9110, section 15.5.6).
    let allow = response.headers().get(header::ALLOW).cloned();
    let text = axum::body::to_bytes(response.into_body(), MAX_DETAIL).await.unwrap_or_default();
    let code = match status {
        StatusCode::METHOD_NOT_ALLOWED => "method-not-allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "too-large",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        _ if status.is_server_error() => "fault",
        _ => "invalid-request",
    };
    let mut response = Problem::new(status, code, String::from_utf8_lossy(&text).trim()).into_response();
    if let Some(allow) = allow {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
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
    let now = (app.clock)();
    let mut text = app.metrics.render(&depths, app.store.image_count().await?, now);
    text.push_str(&indicators::render(&app.indicators.read(&app.store, now).await?, now));
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

async fn event(
    State(app): State<Arc<App>>,
    Path(registry): Path<String>,
    Query(asked): Query<webhook::Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    webhook::authenticate(&app, &registry, &asked, &headers, &body).await?;
    let pushes = webhook::read(&registry, &asked, &headers, &body)?;
    if app.store.queued().await? >= MAX_QUEUED {
        app.metrics.webhook_rejected.add(1);
        return Err(Problem::busy(RETRY_AFTER));
    }
    let now = (app.clock)();
    let (mut taken, mut left_out) = (0_u64, 0_u64);
    let mut work = app.store.begin().await?;
    for push in pushes {
        // Also refuses what is no name at all, before it comes anywhere near a request.
        let Some(Ok(reference)) = push.image().map(|name| app.scanner.reference(&name)) else {
            left_out += 1;
            continue;
        };
        let job = NewJob {
            kind: RESOLVE.to_owned(),
            name: push.job(&reference, now),
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
    peer: Option<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let deadline = timeout.deadline();
    let admission = app.admission(&headers, peer).await?;
    let review = Review::parse(&body).map_err(|error| Problem::invalid(error.to_string()))?;
    let answer: Answer = admission.validate(&review, deadline).await;
    Ok(Json(answer.document(&review.uid)).into_response())
}

async fn mutate(
    State(app): State<Arc<App>>,
    Query(timeout): Query<Timeout>,
    peer: Option<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let deadline = timeout.deadline();
    let admission = app.admission(&headers, peer).await?;
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
