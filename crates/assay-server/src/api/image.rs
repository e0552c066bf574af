//! Images: the fleet, one of them in detail, and its report.

use super::admitted::AdmittedPlace;
use super::body;
use super::job::JobState;
use super::page::{List, Pathed, Queried, Text, digest, paged, text};
use super::reference::{self, Asked, NewImage};
use super::time;
use super::triage::Decision;
use crate::http::App;
use crate::problem::{Missing, Problem, Refused, Senseless, Unsent};
use assay_model::{Digest, Severity};
use assay_store::{ImageFilter, KnownFinding, KnownImage, Role, Triage};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// An image that was seen in a registry.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Its digest.
    pub digest: String,
    /// The registry it was first seen in.
    pub registry: String,
    /// The repository it was first seen in.
    pub repository: String,
    /// When it was first seen.
    #[schema(format = DateTime)]
    pub first_seen: String,
    /// When it was last seen.
    #[schema(format = DateTime)]
    pub last_seen: String,
    /// How many findings there are that count.
    pub findings: i64,
    /// When it was last scanned, if it was.
    #[schema(format = DateTime, required)]
    pub scanned: Option<String>,
}

impl From<KnownImage> for Image {
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

/// A severity by its name.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SeverityName {
    Critical,
    High,
    Medium,
    Low,
    Negligible,
    Unknown,
}

impl SeverityName {
    fn name(self) -> &'static str {
        match self {
            Self::Critical => Severity::Critical,
            Self::High => Severity::High,
            Self::Medium => Severity::Medium,
            Self::Low => Severity::Low,
            Self::Negligible => Severity::Negligible,
            Self::Unknown => Severity::Unknown,
        }
        .name()
    }
}

paged! {
    /// Which images are asked for; all that is given must fit.
    Wanted {
        /// Seen in this registry.
        #[param(inline)]
        registry: Option<Text>,
        /// Seen in this repository.
        #[param(inline)]
        repository: Option<Text>,
        /// Scanned, or not.
        scanned: Option<bool>,
        /// With a finding of this severity that counts.
        #[param(inline)]
        severity: Option<SeverityName>,
    }
}

/// Lists images, in the order in which they were first seen.
#[utoipa::path(get, path = "/api/v1/images", operation_id = "listImages", tag = "images", params(Wanted),
    security(("token" = ["viewer"])), responses((status = 200, body = List<Image>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<List<Image>>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let Query(wanted) = wanted?;
    let filter = ImageFilter {
        registry: text(&wanted.registry).map(str::to_owned),
        repository: text(&wanted.repository).map(str::to_owned),
        scanned: wanted.scanned,
        severity: wanted.severity.map(|severity| severity.name().to_owned()),
    };
    let (after, limit) = wanted.page();
    let images = app.seen_by(&holder).images_like(&filter, after, limit.0).await?;
    Ok(Json(List::of(images, limit, |image| image.id)))
}

/// Asks for an image to be looked at now: what its name stands for, and what is in it.
///
/// Only registries that the server was told to ask are; what is known already is not scanned again.
#[utoipa::path(post, path = "/api/v1/images", operation_id = "askForImage", tag = "images", request_body = NewImage,
    security(("token" = ["developer"])),
    responses((status = 202, description = "It will be looked at.", body = Asked), Refused, Unsent, Senseless))]
pub(crate) async fn ask(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let holder = app.require(&headers, Role::Developer).await?;
    let asked = reference::ask(&app, &holder, &body(&headers, &bytes)?).await?;
    Ok((StatusCode::ACCEPTED, Json(asked)))
}

/// An image in detail.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageDetail {
    /// The image.
    #[serde(flatten)]
    pub image: Image,
    /// The tags under which it was seen.
    pub tags: Vec<Tag>,
    /// The images of an index; none of an image.
    pub images: Vec<Child>,
    /// Findings that are there.
    pub open: Vec<Finding>,
    /// Findings that were there.
    pub gone: Vec<Finding>,
    /// Why it can never be judged, if it is known that it cannot.
    #[schema(required)]
    pub refused: Option<String>,
    /// When it was last pulled, as far as registries tell; at most a minute is between two times.
    #[schema(format = DateTime, required)]
    pub last_pulled: Option<String>,
    /// Where clusters have admitted it, the last first.
    pub admitted: Vec<AdmittedPlace>,
    /// Its report, in short.
    #[schema(required)]
    pub scan: Option<ScanState>,
    /// The last job that scans it.
    #[schema(required)]
    pub job: Option<JobState>,
    /// How many of its packages are vulnerable, each name and version once.
    pub vulnerable_packages: i64,
    /// What they weigh, each by its most severe finding: critical 10, high 5, medium 2, low and unknown 1, negligible 0.
    pub vulnerable_weight: i64,
}

/// A tag, and how long it named an image.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tag {
    /// The registry.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// The tag.
    #[schema(required)]
    pub tag: Option<String>,
    /// From when.
    #[schema(format = DateTime)]
    pub first_seen: String,
    /// Until when it is known to.
    #[schema(format = DateTime)]
    pub last_seen: String,
}

/// An image of an index.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Child {
    /// Its digest.
    pub digest: String,
    /// What it runs on, as `os/architecture[/variant]`; empty where the index does not say.
    pub platform: String,
}

/// A finding as it is kept of an image; the report has more about those that are there.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Its fingerprint.
    pub id: String,
    /// Its kind, such as `vulnerability`.
    pub kind: String,
    /// The vulnerability or rule.
    pub rule: String,
    /// Its severity.
    pub severity: String,
    /// Its priority.
    #[schema(required)]
    pub priority: Option<String>,
    /// The package, if it is about one.
    #[schema(required)]
    pub package: Option<String>,
    /// The package's version.
    #[schema(required)]
    pub version: Option<String>,
    /// Whether there is a fix.
    pub fix: String,
    /// The versions with it.
    pub fixed_versions: Vec<String>,
    /// Whether a statement takes it out of the count.
    pub suppressed: bool,
    /// When it was first seen.
    #[schema(format = DateTime)]
    pub first_seen: String,
    /// Since when it is gone.
    #[schema(format = DateTime, required)]
    pub gone_at: Option<String>,
    /// How often it came back.
    pub reopened: i64,
    /// What people decided about it, as far as that is in effect.
    #[schema(required)]
    pub triage: Option<Decision>,
}

impl Finding {
    /// Makes one of what is kept, with the decisions by their numbers.
    pub(super) fn new(finding: KnownFinding, decided: &BTreeMap<i64, Triage>) -> Self {
        Self {
            triage: finding.triage.and_then(|id| decided.get(&id).cloned()).map(Decision::from),
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
        }
    }
}

/// A report, in short.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ScanState {
    /// `fast` or `deep`.
    pub depth: String,
    /// When the vulnerability database was built by which it holds.
    #[schema(format = DateTime)]
    pub database: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it was last found to hold.
    #[schema(format = DateTime)]
    pub evaluated: String,
}

pub(super) fn versions(text: &str) -> Vec<String> {
    text.split(',').filter(|version| !version.is_empty()).map(str::to_owned).collect()
}

/// Answers with what is known of an image, or of an index.
#[utoipa::path(get, path = "/api/v1/images/{digest}", operation_id = "image", tag = "images",
    params(("digest" = inline(Digests), Path, description = "The digest of an image or an index.")),
    security(("token" = ["viewer"])), responses((status = 200, body = ImageDetail), Refused, Missing))]
pub(crate) async fn detail(
    State(app): State<Arc<App>>,
    digest: Pathed<Digest>,
    headers: HeaderMap,
) -> Result<Json<ImageDetail>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let (seen, Path(digest)) = (app.seen_by(&holder), digest?);
    let image = seen.image(&digest).await?;
    let image = image.ok_or_else(|| Problem::not_found("no image of this digest was seen"))?;
    let findings = seen.findings(&digest).await?;
    let decided = seen.triage_of(findings.iter().filter_map(|one| one.triage)).await?;
    let findings = findings.into_iter().map(|one| Finding::new(one, &decided));
    let (open, gone) = findings.partition(|finding| finding.gone_at.is_none());
    let tags = seen.tags(&digest).await?.into_iter().map(|period| Tag {
        registry: period.place.registry,
        repository: period.place.repository,
        tag: period.place.tag,
        first_seen: time(period.first_seen),
        last_seen: time(period.last_seen),
    });
    let children = seen.children(&digest).await?.into_iter();
    let (vulnerable_packages, vulnerable_weight) = seen.vulnerable_packages(&digest).await?;
    Ok(Json(ImageDetail {
        vulnerable_packages,
        vulnerable_weight,
        image: image.into(),
        tags: tags.collect(),
        images: children
            .map(|child| Child { digest: child.digest.to_string(), platform: child.platform })
            .collect(),
        open,
        gone,
        refused: seen.refused(&digest).await?,
        last_pulled: seen.last_pulled(&digest).await?.map(time),
        admitted: seen.admitted(&digest).await?.into_iter().map(AdmittedPlace::from).collect(),
        scan: seen.report_status(&digest).await?.map(|report| ScanState {
            depth: report.depth.name().to_owned(),
            database: time(report.database),
            created: time(report.created),
            evaluated: time(report.evaluated),
        }),
        job: seen
            .job_about(crate::worker::SCAN, &digest)
            .await?
            .map(|(state, error)| JobState { state, error }),
    }))
}

/// A digest in an address.
pub(crate) struct Digests;

impl utoipa::PartialSchema for Digests {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        digest()
    }
}

impl ToSchema for Digests {}

/// A report: `assay.report/v1`, which the manual describes field by field.
#[derive(Debug, ToSchema)]
pub struct ReportDocument {
    /// `assay.report/v1`.
    pub schema: String,
}

/// Answers with the report about an image.
#[utoipa::path(get, path = "/api/v1/images/{digest}/report", operation_id = "report", tag = "images",
    params(("digest" = inline(Digests), Path, description = "The digest of an image; an index has no report of its own.")),
    security(("token" = ["viewer"])), responses((status = 200, body = ReportDocument), Refused, Missing))]
pub(crate) async fn report(
    State(app): State<Arc<App>>,
    digest: Pathed<Digest>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let Path(digest) = digest?;
    let report = crate::report::shown(app.seen_by(&holder), &digest).await?;
    let report = report.ok_or_else(|| Problem::not_found("there is no report about this digest"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], report.json).into_response())
}
