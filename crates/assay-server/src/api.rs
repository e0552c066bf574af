//! The API under `/api/v1`: its own types, so that the store may change without it.
//!
//! Lists go on after the `next` of the page before. Times are RFC 3339.

pub(crate) mod audit;
pub(crate) mod build;
pub(crate) mod channel;
pub(crate) mod deployment;
pub(crate) mod evidence;
mod given;
pub(crate) mod retention;
pub(crate) mod sbom;
pub(crate) mod token;

use crate::http::App;
use crate::problem::Problem;
use assay_model::{Digest, Ecosystem, Severity};
use assay_store::{Hit, ImageFilter, KnownImage, Moment, Role};
use assay_version::{InvalidRequirement, satisfies};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Entries of a page when nothing is said, and at most.
const PAGE: i64 = 100;
const MAX_PAGE: i64 = 1000;

#[derive(Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    pub(crate) after: i64,
    limit: Option<i64>,
}

impl Page {
    pub(crate) fn limit(&self) -> i64 {
        limit(self.limit)
    }
}

fn limit(asked: Option<i64>) -> i64 {
    asked.unwrap_or(PAGE).clamp(1, MAX_PAGE)
}

pub(crate) fn time(moment: Moment) -> String {
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
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<i64>,
}

/// Which images are asked for; all that is given must fit.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    registry: Option<String>,
    repository: Option<String>,
    scanned: Option<bool>,
    /// With a finding of this severity that counts.
    severity: Option<String>,
}

fn severity(text: &str) -> Result<String, Problem> {
    let severity: Severity =
        text.parse().map_err(|_| Problem::invalid(format!("`{text}` is no severity, such as `critical`")))?;
    Ok(severity.name().to_owned())
}

pub(crate) async fn images(
    State(app): State<Arc<App>>,
    Query(page): Query<Page>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let limit = page.limit();
    let filter = ImageFilter {
        registry: wanted.registry,
        repository: wanted.repository,
        scanned: wanted.scanned,
        severity: match wanted.severity {
            Some(text) => Some(severity(&text)?),
            None => None,
        },
    };
    let images = app.store.images_like(&filter, page.after, limit).await?;
    let next = images.last().map(|image| image.id).filter(|_| full(images.len(), limit));
    Ok(Json(List { items: images.into_iter().map(ImageEntry::from).collect(), next }).into_response())
}

pub(crate) fn full(length: usize, limit: i64) -> bool {
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
    refused: Option<String>,
    last_pulled: Option<String>,
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
    evaluated: String,
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
        refused: app.store.refused(&digest).await?,
        last_pulled: app.store.last_pulled(&digest).await?.map(time),
        scan: app.store.report_status(&digest).await?.map(|report| ScanEntry {
            depth: report.depth.name(),
            database: time(report.database),
            created: time(report.created),
            evaluated: time(report.evaluated),
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
    // A database that says nothing new about its packages dates a report anew, without writing it again.
    let json = match app.store.database_description(report.database).await? {
        Some(text) => {
            let dated = move || crate::report::dated(&report.json, &text).unwrap_or(report.json);
            tokio::task::spawn_blocking(dated).await.map_err(|_| Problem::fault())?
        }
        None => report.json,
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

#[derive(Deserialize)]
pub(crate) struct Blast {
    package: Option<String>,
    ecosystem: Option<String>,
    versions: Option<String>,
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
    /// Of a question about versions: whether it is inside, or `null` where its version cannot be compared.
    in_range: Option<bool>,
}

pub(crate) async fn blast_radius(
    State(app): State<Arc<App>>,
    Query(blast): Query<Blast>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let limit = limit(blast.limit);
    let range = match (&blast.versions, &blast.ecosystem) {
        (None, _) => None,
        (Some(range), Some(ecosystem)) if blast.package.is_some() => {
            let ecosystem: Ecosystem = ecosystem
                .parse()
                .map_err(|_| Problem::invalid(format!("`{ecosystem}` is no ecosystem, such as `Maven`")))?;
            // A range that cannot be read is said also when no image has the package.
            in_range(&ecosystem, "1.0.0", range)?;
            Some((ecosystem, range))
        }
        _ => {
            return Err(Problem::invalid(
                "`versions` takes `package` and `ecosystem`, whose way to write ranges it is in",
            ));
        }
    };
    let hits: Vec<Hit> = match (&blast.package, &blast.advisory) {
        (Some(name), None) => {
            app.store.images_containing(blast.ecosystem.as_deref(), name, blast.after, limit).await?
        }
        (None, Some(advisory)) => app.store.images_affected(advisory, blast.after, limit).await?,
        _ => return Err(Problem::invalid("ask for either `package` (with `ecosystem`) or `advisory`")),
    };
    let images: BTreeSet<i64> = hits.iter().map(|hit| hit.id).collect();
    let next = images.last().copied().filter(|_| full(images.len(), limit));
    let mut chosen = Vec::new();
    for hit in hits {
        let inside = match &range {
            Some((ecosystem, range)) => {
                in_range(ecosystem, hit.version.as_deref().unwrap_or_default(), range)?
            }
            None => None,
        };
        // What cannot be compared is not left out: it may be inside.
        if inside != Some(false) {
            chosen.push((hit, inside));
        }
    }
    let items = chosen.into_iter().map(|(hit, in_range)| HitEntry {
        in_range,
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

/// Says whether a version is in a range; nothing where that cannot be said.
fn in_range(ecosystem: &Ecosystem, version: &str, range: &str) -> Result<Option<bool>, Problem> {
    match satisfies(ecosystem.scheme(), version, range) {
        Ok(met) => Ok(Some(met)),
        Err(InvalidRequirement::Version(_)) => Ok(None),
        Err(error) => Err(Problem::invalid(error.to_string())),
    }
}

#[derive(Deserialize)]
pub(crate) struct Events {
    digest: Option<String>,
    kind: Option<String>,
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
    let limit = limit(asked.limit);
    let events = app.store.events_like(of.as_ref(), asked.kind.as_deref(), asked.after, limit).await?;
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
