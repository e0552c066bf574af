//! The addresses that the server answers at, who may ask what, and what is limited.

use crate::admission::{self, Admission, Answer, Review};
use crate::body;
use crate::credential::Vault;
use crate::harbor;
use crate::limits::Limits;
use crate::listen::Peer;
use crate::login::{self, Login, LoginError};
use crate::metrics::Metrics;
use crate::owners::Ownership;
use crate::pages;
use crate::problem::Problem;
use crate::promote::{self, Promoter};
use crate::scanner::Scanner;
use crate::trace::{self, Context, Parent, SpanKind};
use crate::webhook;
use crate::worker::{ATTEMPTS, Clock, MAX_QUEUED, RESOLVE, RETRY_AFTER};
use crate::{api, indicators};
use assay_sign::key::PrivateKey;
use assay_store::{Holder, NewJob, Role, Store, Token};
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router, middleware};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The largest request that is read, but for admission reviews.
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
    /// The credentials for registries that are kept.
    pub vault: Vault,
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
    /// Signs people in who are known to an identity provider.
    pub login: Option<Login>,
    /// What checkpoints of the audit log are signed by.
    pub audit_key: Option<Arc<PrivateKey>>,
    /// What registries prove by that an event is theirs.
    pub webhooks: webhook::Secrets,
    /// What promotes images, where there are repositories for that.
    pub promoter: Option<Arc<Promoter>>,
    /// How long what is not seen any more is kept; for ever, if nothing is said.
    pub keep: Option<Duration>,
    /// Who answers for which repositories.
    pub owners: Ownership,
}

/// Returns what answers requests.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/webhooks/{registry}", post(event))
        .route("/admission/validate", post(validate))
        .route("/admission/validate/{cluster}", post(validate))
        .route("/admission/mutate", post(mutate))
        .route("/admission/mutate/{cluster}", post(mutate))
        .merge(api::router().0)
        .route("/harbor/api/v1/metadata", get(harbor::metadata))
        .route("/harbor/api/v1/scan", post(harbor::scan))
        .route("/harbor/api/v1/scan/{id}/report", get(harbor::report))
        .merge(pages::routes(app.clone()))
        .fallback(async || Problem::not_found("there is nothing at this address"))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(read_in_time))
        .layer(middleware::from_fn_with_state(app.clone(), limited))
        .layer(middleware::from_fn_with_state(app.clone(), traced))
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
        self.settle(&holder).await?;
        Ok(holder)
    }

    /// Checks as [`App::require`] does that a request comes from somebody with that role, who sees everything.
    pub(crate) async fn require_whole(&self, headers: &HeaderMap, role: Role) -> Result<Holder, Problem> {
        let holder = self.require(headers, role).await?;
        self.whole(&holder)?;
        Ok(holder)
    }

    async fn holder(&self, headers: &HeaderMap, role: Role) -> Result<Holder, Problem> {
        let presented = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let holder = match (presented, &self.login) {
            (Some(token), Some(login)) if login::looks_like_one(token) => match login.bearer(token).await {
                Ok(holder) => Some(holder),
                Err(LoginError::Token(_)) => None,
                Err(error @ LoginError::Nobody(_)) => {
                    return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", error.to_string()));
                }
                Err(error) => {
                    let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, "provider-unavailable");
                    return Err(Problem::new(status, code, error.to_string()));
                }
            },
            (Some(token), _) => self.store.holder(&Token::presented(token), (self.clock)()).await?,
            (None, _) => None,
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
            let holder = self.holder(headers, Role::Viewer).await?;
            self.whole(&holder)?;
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

/// Addresses that are asked all the time, of which nobody wants to read.
const UNTRACED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Tells of each request, as a part of what its caller says it is a part of. Neither the query nor any other header is told: tokens and
/// secrets are in them.
async fn traced(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let traces = &app.metrics.traces;
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "nothing".to_owned());
    let header = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let parent = match header.map_or(Parent::None, Context::parse) {
        Parent::None => None,
        Parent::Recorded(context) => Some(context),
        Parent::Unrecorded => return next.run(request).await,
    };
    if UNTRACED.contains(&route.as_str()) {
        return next.run(request).await;
    }
    let Some(open) = traces.begin(&app.clock, parent) else { return next.run(request).await };
    let method = request.method().as_str().chars().take(16).collect::<String>();
    let response = trace::within(Some(open.context), next.run(request)).await;
    let status = response.status();
    let attributes = vec![
        ("http.request.method", method.clone()),
        ("http.route", route.clone()),
        ("http.response.status_code", status.as_u16().to_string()),
    ];
    let error = status.is_server_error().then(|| status.as_u16().to_string());
    traces.add(open.end(format!("{method} {route}"), SpanKind::Server, (app.clock)(), attributes, error));
    response
}

/// Tells of a decision.
fn decided(app: &App, open: Option<trace::Open>, review: &Review, answer: &Answer) {
    let Some(open) = open else { return };
    let attributes = vec![
        ("assay.admission.allowed", answer.allowed().to_string()),
        ("assay.admission.kind", review.kind.clone()),
        ("assay.admission.namespace", review.namespace.clone()),
        ("assay.admission.operation", review.operation.clone()),
    ];
    let span = open.end("admission decision", SpanKind::Internal, (app.clock)(), attributes, None);
    app.metrics.traces.add(span);
}

/// Says whether who answers at an address reads the body itself, which may be larger, once it is known who sends it.
fn reads_itself(path: &str) -> bool {
    let is_image = path.starts_with("/api/v1/images/");
    path.starts_with("/admission/") || path == "/api/v1/builds" || (is_image && path.ends_with("/sbom"))
}

/// Bytes of bodies that are held at once of callers of whom nobody knows who they are yet, in units of [`UNIT`].
static HELD: Semaphore = Semaphore::const_new(1024);
/// What bodies are counted in: 64 KiB, so that they have 64 MiB together.
const UNIT: usize = 64 << 10;

/// Reads the body of a request, which must be there in time: whoever handles it finds all of it.
async fn read_in_time(request: Request, next: Next) -> Response {
    let mut response = if reads_itself(request.uri().path()) {
        next.run(request).await
    } else {
        read_whole(request, next).await.unwrap_or_else(IntoResponse::into_response)
    };
    if response.status() == StatusCode::REQUEST_TIMEOUT {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn read_whole(request: Request, next: Next) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    // Nobody else looks at one, so none is read.
    if !matches!(head.method, Method::POST | Method::PUT | Method::PATCH) {
        return Ok(next.run(Request::from_parts(head, Body::empty())).await);
    }
    let told = head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let units = told.unwrap_or(MAX_BODY).min(MAX_BODY) / UNIT + 1;
    let room = u32::try_from(units).ok().and_then(|units| HELD.try_acquire_many(units).ok());
    let _room = room.ok_or_else(|| Problem::busy(RETRY_AFTER))?;
    // One byte more than is allowed, so that the limits on bodies have something to refuse.
    let body = body::read(body, MAX_BODY + 1).await?;
    Ok(next.run(Request::from_parts(head, body.into())).await)
}

/// Keeps who presents wrong tokens from having each looked up.
async fn limited(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    // What stands before the server may name another address in a header; anybody may.
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer.address.ip());
    let path = request.uri().path();
    let shows_something = pages::tries(path)
        || path.starts_with("/webhooks/")
        || request.headers().contains_key(header::AUTHORIZATION);
    // Pods must not wait because somebody guesses from behind the same address as the API server.
    let tries = shows_something && !path.starts_with("/admission/");
    if tries && !app.limits.may_try(peer, (app.clock)()) {
        app.metrics.rate_limited.add(1);
        return Problem::too_often().into_response();
    }
    // Each begins an attempt that is kept, for whoever asks.
    let begins = request.uri().path() == pages::LOGIN;
    let response = next.run(request).await;
    if begins || response.status() == StatusCode::UNAUTHORIZED {
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
    app.require_whole(&headers, Role::Viewer).await?;
    let depths = app.store.depths().await?;
    let now = (app.clock)();
    let mut text = app.metrics.render(&depths, app.store.image_count().await?, now);
    text.push_str(&promote::render(&app.store.promotion_counts().await?));
    let shares = app.indicators.signed().read();
    text.push_str(&indicators::render(&app.indicators.read(&app.store, now).await?, &shares, now));
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
    let pulls = webhook::read_pulls(&registry, &headers, &body);
    if !pulls.is_empty() {
        let mut work = app.store.begin().await?;
        for digest in &pulls {
            work.pulled(digest, (app.clock)()).await?;
        }
        work.commit().await?;
    }
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

/// What a cluster is called that the address does not name.
const DEFAULT_CLUSTER: &str = "default";
/// The longest name of a cluster: a label of DNS, which is all that Kubernetes allows in the path of a webhook.
const MAX_CLUSTER: usize = 63;

/// Returns the name of the cluster that asks. Webhooks take no query, so that it is a part of the path.
pub(crate) fn cluster(named: Option<&str>) -> Result<String, Problem> {
    let Some(name) = named else { return Ok(DEFAULT_CLUSTER.to_owned()) };
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_edge = |byte: &u8| *byte != b'-';
    let bytes = name.as_bytes();
    let is_name = (1..=MAX_CLUSTER).contains(&bytes.len())
        && bytes.iter().copied().all(allowed)
        && [bytes.first(), bytes.last()].into_iter().flatten().all(is_edge);
    if is_name {
        return Ok(name.to_owned());
    }
    Err(Problem::invalid(
        "the name of a cluster has up to 63 of the characters a-z, 0-9 and `-`, not `-` first or last",
    ))
}

async fn validate(
    State(app): State<Arc<App>>,
    named: Option<Path<String>>,
    Query(timeout): Query<Timeout>,
    peer: Option<Caller>,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let deadline = timeout.deadline();
    let admission = app.admission(&headers, peer).await?;
    let cluster = cluster(named.as_deref().map(String::as_str))?;
    let review = Review { cluster: Some(cluster), ..admission::body::read(sent).await? };
    let open = app.metrics.traces.begin(&app.clock, trace::current());
    let answer: Answer = admission.validate(&review, deadline).await;
    decided(&app, open, &review, &answer);
    Ok(Json(answer.document(&review.uid)).into_response())
}

async fn mutate(
    State(app): State<Arc<App>>,
    named: Option<Path<String>>,
    Query(timeout): Query<Timeout>,
    peer: Option<Caller>,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let deadline = timeout.deadline();
    let admission = app.admission(&headers, peer).await?;
    let cluster = cluster(named.as_deref().map(String::as_str))?;
    let review = Review { cluster: Some(cluster), ..admission::body::read(sent).await? };
    let open = app.metrics.traces.begin(&app.clock, trace::current());
    let answer = admission.mutate(&review, deadline).await;
    decided(&app, open, &review, &answer);
    Ok(Json(answer.document(&review.uid)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_have_names_that_a_path_may_have() {
        assert_eq!(cluster(None).ok().as_deref(), Some("default"));
        for name in ["a", "prod-eu-1", &"x".repeat(63)] {
            assert_eq!(cluster(Some(name)).ok().as_deref(), Some(name));
        }
        for name in ["", "-a", "a-", "A", "a b", "a/b", "ä", &"x".repeat(64)] {
            assert!(cluster(Some(name)).is_err(), "{name}");
        }
    }

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
