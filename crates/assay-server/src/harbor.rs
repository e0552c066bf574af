//! Harbor's pluggable scanner API 1.2, so that Harbor scans with Assay and shows what it finds.
//!
//! <https://github.com/goharbor/pluggable-scanner-spec/blob/master/api/spec/scanner-adapter-openapi-v1.2.yaml>, under `/harbor/api/v1`.
//! A request becomes the jobs that a push would have been: what Harbor names is resolved, of a registry that the operator named, and scanned
//! with the credentials that this server has. Surprising: the credentials in a request are not used, since workers on other machines would
//! have to be sent them through the database. The identifier of a request is what was asked for, so that any server on the same database
//! answers, also after a restart.

mod report;

use crate::http::App;
use crate::problem::Problem;
use crate::webhook::as_bearer;
use crate::worker::{ATTEMPTS, MAX_QUEUED, RESOLVE, RETRY_AFTER, SCAN};
use assay_model::Digest;
use assay_oci::Reference;
use assay_store::{NewJob, Role, Scope, StoreError};
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use report::{Kind, SBOMS, SbomType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

const METADATA: &str = "application/vnd.scanner.adapter.metadata+json; version=1.1";
const RESPONSE: &str = "application/vnd.scanner.adapter.scan.response+json; version=1.0";
const ERROR: &str = "application/vnd.scanner.adapter.error+json; version=1.0";
/// What can be scanned. Harbor asks for the images of an index one by one.
const CONSUMED: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
/// Seconds after which Harbor shall ask again for a report that is not there yet.
const REFRESH: u32 = 5;
/// The longest identifier of a request that is read.
const MAX_ID: usize = 2048;

/// Why a request was not answered, in the form that Harbor shows.
#[derive(Debug)]
enum Failure {
    Status(StatusCode, String),
    Problem(Problem),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}

fn failure(status: StatusCode, message: impl Into<String>) -> Failure {
    Failure::Status(status, message.into())
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Status(status, message) => {
                typed(status, ERROR, &json!({ "error": { "message": message } }))
            }
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

fn typed(status: StatusCode, media_type: &'static str, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, media_type)], body.to_string()).into_response()
}

/// Checks who asks, which speaks for a whole registry: Harbor sends a token as Bearer, or as the password of Basic authentication, as it is registered.
async fn require(app: &App, headers: &HeaderMap, role: Role) -> Result<(), Failure> {
    app.require_whole(&as_bearer(headers), role).await.map(drop)?;
    Ok(())
}

/// Answers what this scanner can do.
pub(crate) async fn metadata(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    metadata_or_failure(&app, &headers).await.unwrap_or_else(IntoResponse::into_response)
}

async fn metadata_or_failure(app: &App, headers: &HeaderMap) -> Result<Response, Failure> {
    require(app, headers, Role::Viewer).await?;
    let database = app.scanner.database.clone();
    // It is opened from a file.
    let built =
        tokio::task::spawn_blocking(move || database().map(|(database, _)| database.built_at())).await;
    let Ok(Ok(built)) = built else {
        return Err(failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the vulnerability database cannot be opened",
        ));
    };
    let produced: Vec<&str> = Kind::VULNERABILITIES.iter().map(|kind| kind.media_type()).collect();
    let sboms: Vec<&str> = SBOMS.iter().map(|sbom| sbom.media_type).collect();
    let body = json!({
        "scanner": report::SCANNER,
        "capabilities": [
            { "type": "vulnerability", "consumes_mime_types": CONSUMED, "produces_mime_types": produced },
            {
                "type": "sbom",
                "consumes_mime_types": CONSUMED,
                "produces_mime_types": [Kind::Sbom.media_type()],
                "additional_attributes": { "sbom_media_types": sboms },
            },
        ],
        "properties": {
            "harbor.scanner-adapter/scanner-type": "os-package-vulnerability",
            "harbor.scanner-adapter/vulnerability-database-updated-at": built.to_string(),
            // What Harbor sends is not used; a token that ends soon is the least it can send.
            "harbor.scanner-adapter/registry-authorization-type": "Bearer",
        },
    });
    Ok(typed(StatusCode::OK, METADATA, &body))
}

#[derive(Deserialize)]
struct ScanRequest {
    registry: Registry,
    artifact: Artifact,
    #[serde(default)]
    enabled_capabilities: Option<Vec<Capability>>,
}

#[derive(Deserialize)]
struct Registry {
    url: String,
}

#[derive(Deserialize)]
struct Artifact {
    repository: String,
    digest: String,
    tag: Option<String>,
    mime_type: Option<String>,
}

#[derive(Deserialize)]
struct Capability {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    produces_mime_types: Option<Vec<String>>,
    #[serde(default)]
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    sbom_media_types: Option<Vec<String>>,
}

/// Takes a request to scan.
pub(crate) async fn scan(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    scan_or_failure(&app, &headers, &body).await.unwrap_or_else(IntoResponse::into_response)
}

async fn scan_or_failure(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Response, Failure> {
    require(app, headers, Role::Developer).await?;
    let request: ScanRequest = serde_json::from_slice(body)
        .map_err(|error| failure(StatusCode::BAD_REQUEST, format!("it is no scan request: {error}")))?;
    check_capabilities(request.enabled_capabilities.as_deref().unwrap_or_default())?;
    let asked = Asked::read(app, request)?;
    if app.store.queued().await? >= MAX_QUEUED {
        return Err(Problem::busy(RETRY_AFTER).into());
    }
    app.store.enqueue(&asked.job(), (app.clock)()).await?;
    let id = json!({ "id": asked.id() });
    Ok(typed(StatusCode::ACCEPTED, RESPONSE, &id))
}

fn check_capabilities(enabled: &[Capability]) -> Result<(), Failure> {
    let unable = |what: &str| failure(StatusCode::NOT_IMPLEMENTED, format!("this scanner makes no {what}"));
    for capability in enabled {
        let kinds: &[Kind] = match capability.kind.as_str() {
            "vulnerability" => &Kind::VULNERABILITIES,
            "sbom" => &[Kind::Sbom],
            other => return Err(unable(&format!("reports of the type `{}`", shortened(other)))),
        };
        let wanted = capability.produces_mime_types.as_deref().unwrap_or_default();
        if let Some(other) = wanted.iter().find(|name| !kinds.iter().any(|kind| kind.is(name))) {
            return Err(unable(&format!("`{}`", shortened(other))));
        }
        let sboms =
            capability.parameters.as_ref().and_then(|parameters| parameters.sbom_media_types.as_deref());
        if let Some(other) = sboms.unwrap_or_default().iter().find(|name| SbomType::named(name).is_none()) {
            let message = format!("`sbom_media_types` has `{}`, which is not made here", shortened(other));
            return Err(failure(StatusCode::UNPROCESSABLE_ENTITY, message));
        }
    }
    Ok(())
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

/// What was asked for; the identifier of a request says nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    reference: Reference,
    digest: Digest,
    mime_type: Option<&'static str>,
}

impl Asked {
    fn read(app: &App, request: ScanRequest) -> Result<Self, Failure> {
        let invalid = |message: String| failure(StatusCode::UNPROCESSABLE_ENTITY, message);
        let Artifact { repository, digest, tag, mime_type } = request.artifact;
        let mime_type = match mime_type.filter(|name| !name.is_empty()) {
            None => None,
            Some(name) => match CONSUMED.into_iter().find(|one| *one == name) {
                Some(name) => Some(name),
                None => {
                    let message = format!("`{}` cannot be scanned", shortened(&name));
                    return Err(failure(StatusCode::NOT_IMPLEMENTED, message));
                }
            },
        };
        let host = host(&request.registry.url).ok_or_else(|| {
            invalid(format!("`{}` is no address of a registry", shortened(&request.registry.url)))
        })?;
        let digest: Digest =
            digest.parse().map_err(|_| invalid(format!("`{}` is no digest", shortened(&digest))))?;
        let tag = tag.filter(|tag| !tag.is_empty()).map(|tag| format!(":{tag}")).unwrap_or_default();
        // Also refuses registries that the operator did not name.
        let reference = app
            .scanner
            .reference(&format!("{host}/{repository}{tag}@{digest}"))
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Self { reference, digest, mime_type })
    }

    fn job(&self) -> NewJob {
        let place = format!("{}/{}", self.reference.registry(), self.reference.repository());
        NewJob {
            kind: RESOLVE.to_owned(),
            name: self.job_name(),
            registry: self.reference.registry().to_owned(),
            payload: format!("{place}@{}", self.digest),
            priority: 20,
            max_attempts: ATTEMPTS,
        }
    }

    fn job_name(&self) -> String {
        format!("harbor {}/{}@{}", self.reference.registry(), self.reference.repository(), self.digest)
    }

    fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{}", self.reference, self.mime_type.unwrap_or_default()))
    }

    fn of_id(id: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(Some(id).filter(|id| id.len() <= MAX_ID)?).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (reference, mime_type) = text.split_once('\n')?;
        let reference: Reference = reference.parse().ok()?;
        let digest = reference.digest()?;
        Some(Self { reference, digest, mime_type: CONSUMED.into_iter().find(|one| *one == mime_type) })
    }

    fn subject(&self) -> Subject {
        Subject {
            repository: self.reference.repository().to_owned(),
            digest: self.digest.to_string(),
            tag: self.reference.tag().map(str::to_owned),
            mime_type: self.mime_type,
        }
    }
}

/// The artifact as reports repeat it.
#[derive(Debug, Serialize)]
struct Subject {
    repository: String,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'static str>,
}

/// Returns the host of an address, as references have it.
fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    Some(rest.trim_end_matches('/')).filter(|host| !host.is_empty() && !host.contains(['/', '@', '?', '#']))
}

#[derive(Deserialize)]
pub(crate) struct ReportQuery {
    sbom_media_type: Option<String>,
}

/// Answers with the report that was asked for, or when to ask again.
pub(crate) async fn report(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<ReportQuery>,
    headers: HeaderMap,
) -> Response {
    report_or_failure(&app, &id, &query, &headers).await.unwrap_or_else(IntoResponse::into_response)
}

async fn report_or_failure(
    app: &App,
    id: &str,
    query: &ReportQuery,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    require(app, headers, Role::Viewer).await?;
    let accept = headers.get(header::ACCEPT).map(|value| value.to_str().unwrap_or("?"));
    let kind = Kind::accepted(accept).ok_or_else(|| {
        failure(StatusCode::NOT_IMPLEMENTED, "this scanner makes no report of the type in `Accept`")
    })?;
    let sbom = match (kind, query.sbom_media_type.as_deref()) {
        (Kind::Sbom, name) => Some(name.and_then(SbomType::named).ok_or_else(|| {
            let names: Vec<&str> = SBOMS.iter().map(|sbom| sbom.media_type).collect();
            let message = format!("say with `sbom_media_type` which one is wanted: {}", names.join(", "));
            failure(StatusCode::BAD_REQUEST, message)
        })?),
        _ => None,
    };
    let unknown = || failure(StatusCode::NOT_FOUND, "there was no such scan request");
    let asked = Asked::of_id(id).ok_or_else(unknown)?;
    // The first job finds out what there is and asks for the second.
    let mut known = false;
    for (kind, name) in [(RESOLVE, asked.job_name()), (SCAN, asked.digest.to_string())] {
        match app.store.job_state(kind, &name).await? {
            None => {}
            Some((state, _)) if matches!(state.as_str(), "queued" | "running") => return Ok(later()),
            Some((state, error)) if state == "failed" => {
                let error = error.unwrap_or_else(|| "the scan failed".to_owned());
                return Err(failure(StatusCode::INTERNAL_SERVER_ERROR, error));
            }
            Some(_) => known = true,
        }
    }
    let Some(stored) = app.store.report(&asked.digest, None).await? else {
        let why = app.store.refused(&asked.digest).await?;
        return Err(match (known, why) {
            (_, Some(why)) => failure(StatusCode::INTERNAL_SERVER_ERROR, why),
            (true, None) => {
                failure(StatusCode::INTERNAL_SERVER_ERROR, "it is no image, so that nothing was scanned")
            }
            (false, None) => unknown(),
        });
    };
    let stored = crate::report::current(app.store.within(&Scope::Fleet), stored).await?;
    let inventory = match sbom {
        Some(_) => app.store.inventory(&asked.digest).await?,
        None => None,
    };
    // Large reports take the processor for long; other requests must not wait for it.
    let made =
        tokio::task::spawn_blocking(move || report::make(kind, sbom, &asked.subject(), &stored, inventory));
    let Ok(Ok(body)) = made.await else {
        return Err(failure(StatusCode::INTERNAL_SERVER_ERROR, "the stored report cannot be read"));
    };
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, kind.media_type())], body).into_response())
}

fn later() -> Response {
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert("refresh-after", HeaderValue::from(REFRESH));
    response
}

/// A scanner as reports name it.
#[derive(Debug, Clone, Copy, Serialize)]
struct Scanner {
    name: &'static str,
    vendor: &'static str,
    version: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_say_what_was_asked_for() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for (name, mime_type) in [
            (format!("harbor.example/team/app:1.0@{digest}"), Some(CONSUMED[0])),
            (format!("harbor.example:8443/app@{digest}"), None),
        ] {
            let reference: Reference = name.parse().unwrap();
            let asked = Asked { digest: reference.digest().unwrap(), reference, mime_type };
            let id = asked.id();
            assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{id}");
            assert_eq!(Asked::of_id(&id), Some(asked));
        }
        let plain = URL_SAFE_NO_PAD.encode("harbor.example/team/app:1.0\n");
        for id in ["", "x", "!", &plain, &"A".repeat(MAX_ID + 4)] {
            assert_eq!(Asked::of_id(id), None, "{id}");
        }
    }

    #[test]
    fn hosts_are_read_from_addresses() {
        let check = |url, want| assert_eq!(host(url), want, "{url}");
        check("https://core.harbor.example", Some("core.harbor.example"));
        check("http://core.harbor.example:8080/", Some("core.harbor.example:8080"));
        check("core.harbor.example", Some("core.harbor.example"));
        for url in
            ["", "https://", "https://user@host.example", "https://host.example/path", "ftp://host.example"]
        {
            check(url, None);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_identifier_is_read_or_refused(id in ".{0,80}", text in ".{0,80}") {
            let _ = Asked::of_id(&id);
            let _ = Asked::of_id(&URL_SAFE_NO_PAD.encode(text));
        }
    }
}
