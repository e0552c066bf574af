//! The API under `/api/v1`: its own types, so that the store may change without it.
//!
//! Lists go on after the `next` of the page before. Times are RFC 3339.

use crate::http::App;
use crate::problem::Problem;
use assay_model::Digest;
use assay_store::{Hit, KnownImage, Moment, Role};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Entries of a page when nothing is said, and at most.
const PAGE: i64 = 100;
const MAX_PAGE: i64 = 1000;

#[derive(Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    after: i64,
    limit: Option<i64>,
}

impl Page {
    fn limit(&self) -> i64 {
        self.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE)
    }
}

fn time(moment: Moment) -> String {
    moment.timestamp().to_string()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageEntry {
    digest: String,
    registry: String,
    repository: String,
    first_seen: String,
    last_seen: String,
    findings: i64,
    scanned: Option<String>,
}

impl From<KnownImage> for ImageEntry {
    fn from(image: KnownImage) -> Self {
        Self {
            digest: image.digest.to_string(),
            registry: image.registry,
            repository: image.repository,
            first_seen: time(image.first_seen),
            last_seen: time(image.last_seen),
            findings: image.findings,
            scanned: image.scanned.map(time),
        }
    }
}

#[derive(Serialize)]
struct List<T> {
    items: Vec<T>,
    next: Option<i64>,
}

pub(crate) async fn images(
    State(app): State<Arc<App>>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let limit = page.limit();
    let images = app.store.images(page.after, limit).await?;
    let next = images.last().map(|image| image.id).filter(|_| full(images.len(), limit));
    Ok(Json(List { items: images.into_iter().map(ImageEntry::from).collect(), next }).into_response())
}

fn full(length: usize, limit: i64) -> bool {
    i64::try_from(length).is_ok_and(|length| length >= limit)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageDetail {
    #[serde(flatten)]
    image: ImageEntry,
    tags: Vec<TagEntry>,
    images: Vec<ChildEntry>,
    open: Vec<FindingEntry>,
    gone: Vec<FindingEntry>,
    scan: Option<ScanEntry>,
    job: Option<JobEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TagEntry {
    registry: String,
    repository: String,
    tag: Option<String>,
    first_seen: String,
    last_seen: String,
}

#[derive(Serialize)]
struct ChildEntry {
    digest: String,
    platform: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingEntry {
    id: String,
    kind: String,
    rule: String,
    severity: String,
    priority: Option<String>,
    package: Option<String>,
    version: Option<String>,
    fix: String,
    fixed_versions: Vec<String>,
    suppressed: bool,
    first_seen: String,
    gone_at: Option<String>,
    reopened: i64,
}

#[derive(Serialize)]
struct ScanEntry {
    depth: &'static str,
    database: String,
    created: String,
}

#[derive(Serialize)]
struct JobEntry {
    state: String,
    error: Option<String>,
}

fn digest(text: &str) -> Result<Digest, Problem> {
    text.parse().map_err(|error: assay_model::digest::InvalidDigest| Problem::invalid(error.to_string()))
}

fn versions(text: &str) -> Vec<String> {
    text.split(',').filter(|version| !version.is_empty()).map(str::to_owned).collect()
}

pub(crate) async fn image(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let digest = digest(&name)?;
    let image = app.store.image(&digest).await?;
    let image = image.ok_or_else(|| Problem::not_found("no image of this digest was seen"))?;
    let findings = app.store.findings(&digest).await?.into_iter().map(|finding| FindingEntry {
        id: finding.fingerprint,
        kind: finding.kind,
        rule: finding.rule,
        severity: finding.severity,
        priority: finding.priority,
        package: finding.package,
        version: finding.version,
        fix: finding.fix,
        fixed_versions: versions(&finding.fixed_versions),
        suppressed: finding.suppressed,
        first_seen: time(finding.first_seen),
        gone_at: finding.gone_at.map(time),
        reopened: finding.reopened,
    });
    let (open, gone) = findings.partition(|finding| finding.gone_at.is_none());
    let tags = app.store.tags(&digest).await?.into_iter().map(|period| TagEntry {
        registry: period.place.registry,
        repository: period.place.repository,
        tag: period.place.tag,
        first_seen: time(period.first_seen),
        last_seen: time(period.last_seen),
    });
    let children = app.store.children(&digest).await?.into_iter();
    let detail = ImageDetail {
        image: image.into(),
        tags: tags.collect(),
        images: children
            .map(|child| ChildEntry { digest: child.digest.to_string(), platform: child.platform })
            .collect(),
        open,
        gone,
        scan: app.store.report(&digest, None).await?.map(|report| ScanEntry {
            depth: report.depth.name(),
            database: time(report.database),
            created: time(report.created),
        }),
        job: app
            .store
            .job_state(crate::worker::SCAN, &digest.to_string())
            .await?
            .map(|(state, error)| JobEntry { state, error }),
    };
    Ok(Json(detail).into_response())
}

pub(crate) async fn report(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let report = app.store.report(&digest(&name)?, None).await?;
    let report = report.ok_or_else(|| Problem::not_found("there is no report about this digest"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], report.json).into_response())
}

#[derive(Deserialize)]
pub(crate) struct Blast {
    package: Option<String>,
    ecosystem: Option<String>,
    advisory: Option<String>,
    #[serde(default)]
    after: i64,
    limit: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HitEntry {
    digest: String,
    registry: String,
    repository: String,
    #[serde(rename = "match")]
    of: String,
    package: Option<String>,
    version: Option<String>,
    fixed_versions: Vec<String>,
    since: String,
    deployed: bool,
}

pub(crate) async fn blast_radius(
    State(app): State<Arc<App>>,
    Query(blast): Query<Blast>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let limit = blast.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE);
    // One more than asked for tells whether the last image of the page has more rows; a page ends between images.
    let hits: Vec<Hit> = match (&blast.package, &blast.advisory) {
        (Some(name), None) => {
            let ecosystem = blast.ecosystem.as_deref();
            app.store.images_containing(ecosystem, name, blast.after, limit.saturating_add(1)).await?
        }
        (None, Some(advisory)) => {
            app.store.images_affected(advisory, blast.after, limit.saturating_add(1)).await?
        }
        _ => return Err(Problem::invalid("ask for either `package` (with `ecosystem`) or `advisory`")),
    };
    let (hits, next) = page(hits, limit);
    let items = hits.into_iter().map(|hit| HitEntry {
        digest: hit.digest.to_string(),
        registry: hit.registry,
        repository: hit.repository,
        of: hit.of,
        package: hit.package,
        version: hit.version,
        fixed_versions: versions(&hit.fixed_versions),
        since: time(hit.since),
        deployed: hit.deployed,
    });
    Ok(Json(List { items: items.collect(), next }).into_response())
}

/// Cuts a page between two images, so that none is told of in halves. One image with more rows than a page gets a longer page's worth
/// cut off, which is said nowhere else: pages hold up to a thousand rows.
fn page(mut hits: Vec<Hit>, limit: i64) -> (Vec<Hit>, Option<i64>) {
    if i64::try_from(hits.len()).is_ok_and(|length| length <= limit) {
        return (hits, None);
    }
    let Some(last) = hits.pop().map(|hit| hit.id) else { return (hits, None) };
    if hits.first().is_some_and(|first| first.id != last) {
        hits.retain(|hit| hit.id != last);
    }
    let next = hits.last().map(|hit| hit.id);
    (hits, next)
}

#[derive(Deserialize)]
pub(crate) struct Events {
    digest: Option<String>,
    #[serde(default)]
    after: i64,
    limit: Option<i64>,
}

#[derive(Serialize)]
struct EventEntry {
    id: i64,
    at: String,
    kind: String,
    digest: Option<String>,
    detail: serde_json::Value,
}

pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Query(asked): Query<Events>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let of = asked.digest.as_deref().map(digest).transpose()?;
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE);
    let events = app.store.events(of.as_ref(), asked.after, limit).await?;
    let next = events.last().map(|event| event.id).filter(|_| full(events.len(), limit));
    let items = events.into_iter().map(|event| EventEntry {
        id: event.id,
        at: time(event.at),
        kind: event.kind,
        digest: event.digest,
        detail: serde_json::from_str(&event.detail).unwrap_or_default(),
    });
    Ok(Json(List { items: items.collect(), next }).into_response())
}
