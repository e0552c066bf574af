//! Bills of materials: of what was found in an image, written when it is asked for, and those that whoever built it gave.
//!
//! What was given is kept as it came, and counted by how complete it is. It is a claim: no finding and no verdict rests on it.

use super::image::Digests;
use super::page::{List, Pathed, Queried};
use super::time;
use crate::body::read as body;
use crate::http::App;
use crate::problem::{Missing, Problem, Refused, Senseless, Unsent};
use assay_model::Digest;
use assay_report::format::by_name;
use assay_sbom::Kind;
use assay_store::{NewSbom, Role, StoreError, StoredReport};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

/// The largest document that is taken; that of an image of 20 GB, with all files, has about 60 MB, and without them a tenth of that.
const MAX_SBOM: usize = 32 << 20;
/// Documents that are read at once: a document takes some ten times its size while it is.
static READERS: Semaphore = Semaphore::const_new(2);
/// How many seconds others are told to wait.
const RETRY_AFTER: u32 = 5;

/// A format of bills of materials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FormatName {
    #[default]
    Cyclonedx,
    CyclonedxXml,
    Spdx,
    SpdxTv,
    Spdx3,
    Syft,
}

impl FormatName {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::CycloneDxJson => Self::Cyclonedx,
            Kind::CycloneDxXml => Self::CyclonedxXml,
            Kind::SpdxJson => Self::Spdx,
            Kind::SpdxTagValue => Self::SpdxTv,
            Kind::Spdx3 => Self::Spdx3,
            Kind::Syft => Self::Syft,
        }
    }

    /// How it is asked for and kept.
    fn name(self) -> &'static str {
        match self {
            Self::Cyclonedx => "cyclonedx",
            Self::CyclonedxXml => "cyclonedx-xml",
            Self::Spdx => "spdx",
            Self::SpdxTv => "spdx-tv",
            Self::Spdx3 => "spdx3",
            Self::Syft => "syft",
        }
    }

    /// What clients are told it is.
    fn media_type(self) -> &'static str {
        match self {
            Self::Cyclonedx => "application/vnd.cyclonedx+json",
            Self::CyclonedxXml => "application/vnd.cyclonedx+xml",
            Self::Spdx => "application/spdx+json",
            Self::SpdxTv => "text/spdx",
            Self::Spdx3 => "application/ld+json",
            Self::Syft => "application/vnd.syft+json",
        }
    }
}

/// Which document is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Its format. What was found is written as `cyclonedx` (1.6) or `spdx` (2.3); others there are only of what was given.
    #[serde(default)]
    #[param(inline)]
    format: FormatName,
    /// The document that somebody gave, as it came, rather than what was found.
    #[serde(default)]
    given: bool,
}

/// Answers with a bill of materials: of what was found in an image, or one that somebody gave.
///
/// The same scan gives the same document.
#[utoipa::path(get, path = "/api/v1/images/{digest}/sbom", operation_id = "sbom", tag = "images",
    params(("digest" = inline(Digests), Path, description = "The digest of an image; an index has none of what was found."), Wanted),
    security(("token" = ["viewer"])),
    responses((status = 200, description = "The document.", content(
        (serde_json::Value = "application/vnd.cyclonedx+json"), (serde_json::Value = "application/spdx+json"),
        (serde_json::Value = "application/ld+json"), (serde_json::Value = "application/vnd.syft+json"),
        (String = "application/vnd.cyclonedx+xml"), (String = "text/spdx"))), Refused, Missing, Senseless))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    digest: Pathed<Digest>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let (seen, Path(digest)) = (app.seen_by(&holder), digest?);
    let Query(Wanted { format, given }) = wanted?;
    let document = if given {
        let document = seen.sbom(&digest, format.name()).await?;
        document.ok_or_else(|| {
            Problem::not_found("nobody gave a bill of materials of this image in this format")
        })?
    } else {
        if !matches!(format, FormatName::Cyclonedx | FormatName::Spdx) {
            return Err(Problem::senseless(
                "`format` is `cyclonedx` or `spdx`; others only with `given=true`",
            ));
        }
        let report = crate::report::shown(seen, &digest).await?;
        let report = report.ok_or_else(|| Problem::not_found("there is no report about this digest"))?;
        let damaged = StoreError::Damaged { what: "report", name: digest.to_string() };
        let written = tokio::task::spawn_blocking(move || written(&report, format.name())).await;
        written.map_err(|_| Problem::fault())?.ok_or(damaged)?
    };
    let kind = [(header::CONTENT_TYPE, format.media_type()), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((kind, document).into_response())
}

/// Writes what was found, dated by the scan that found it: the same scan gives the same document.
fn written(report: &StoredReport, format: &str) -> Option<Vec<u8>> {
    let (read, _) = assay_report::format::read(&report.json).ok()?;
    let options = assay_report::Options {
        time: Some(report.created.timestamp()),
        version: env!("CARGO_PKG_VERSION"),
        ..assay_report::Options::default()
    };
    let mut bytes = Vec::new();
    by_name(format)?.write(&read, &options, &mut bytes).ok()?;
    Some(bytes)
}

/// A bill of materials that was taken.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TakenSbom {
    /// Its format.
    pub format: String,
    /// How complete it is, in percent.
    pub score: u64,
    /// How many packages it names.
    pub packages: u64,
}

/// Keeps a bill of materials that whoever built an image made, one of each format, of up to 32 MiB.
///
/// It is read first, and refused if it cannot be. It is a claim: no finding and no verdict rests on it.
#[utoipa::path(put, path = "/api/v1/images/{digest}/sbom", operation_id = "giveSbom", tag = "images",
    params(("digest" = inline(Digests), Path, description = "The digest of an image or an index.")),
    request_body(content = serde_json::Value, content_type = "*/*",
        description = "CycloneDX (JSON, XML), SPDX (JSON, tag-value, 3.0) or Syft's JSON; it is told by what it is, not by what it is said to be."),
    security(("token" = ["developer"])), responses((status = 200, body = TakenSbom), Refused, Unsent, Missing, Senseless))]
pub(crate) async fn give(
    State(app): State<Arc<App>>,
    digest: Pathed<Digest>,
    headers: HeaderMap,
    sent: Body,
) -> Result<Json<TakenSbom>, Problem> {
    let actor = app.require(&headers, Role::Developer).await?;
    let Path(digest) = digest?;
    let name = digest.to_string();
    let unknown =
        || Problem::not_found("no image of this digest was seen: push it, or tell of its push, first");
    app.seen_by(&actor).image(&digest).await?.ok_or_else(unknown)?;
    let bytes = body(sent, MAX_SBOM).await?;
    // Only now: who sends slowly keeps nobody waiting.
    let reader = READERS.try_acquire().map_err(|_| {
        Problem::busy_with("too many bills of materials are being read; try again later", RETRY_AFTER)
    })?;
    let document = bytes.clone();
    let read = tokio::task::spawn_blocking(move || {
        // Until it is read, whether or not anybody still waits.
        let _reader = reader;
        let read = assay_sbom::read(&document)?;
        Ok((assay_sbom::recognise(&document), assay_sbom::score(&read)))
    });
    let read: Result<_, assay_sbom::ReadSbomError> = read.await.map_err(|_| Problem::fault())?;
    let (kind, score) = read.map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Problem::senseless(format!("{error}{cause}"))
    })?;
    let kind = kind.ok_or_else(|| Problem::senseless("the format of the bill of materials is not known"))?;
    let format = FormatName::of(kind).name();
    let now = (app.clock)();
    let document = app.document("bill of materials", &name, &bytes).await?;
    let sbom = NewSbom { format, document: &document, score: score.total(), packages: score.packages };
    let mut work = app.begin().await?;
    work.keep_sbom(&digest, &sbom, now).await?;
    let detail = serde_json::json!({ "format": format, "score": score.total(), "packages": score.packages });
    work.record("sbom-given", Some(&digest), &detail, now).await?;
    work.audit(&actor.name, "sbom.give", &name, &detail, now).await?;
    work.commit().await?;
    Ok(Json(TakenSbom { format: format.to_owned(), score: sbom.score, packages: sbom.packages }))
}

/// A bill of materials that somebody gave.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct GivenSbom {
    /// Its format, as it is asked for.
    pub format: String,
    /// When it was given.
    #[schema(format = DateTime)]
    pub created: String,
    /// How complete it is, in percent.
    pub score: i64,
    /// How many packages it names.
    pub packages: i64,
}

/// Lists the bills of materials that somebody gave: one of each format at most, so there are no pages.
#[utoipa::path(get, path = "/api/v1/images/{digest}/sboms", operation_id = "listSboms", tag = "images",
    params(("digest" = inline(Digests), Path, description = "The digest of an image or an index.")),
    security(("token" = ["viewer"])), responses((status = 200, body = List<GivenSbom>), Refused))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    digest: Pathed<Digest>,
    headers: HeaderMap,
) -> Result<Json<List<GivenSbom>>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let Path(digest) = digest?;
    let items = app.seen_by(&holder).sboms(&digest).await?.into_iter().map(|found| GivenSbom {
        format: found.format,
        created: time(found.created),
        score: found.score,
        packages: found.packages,
    });
    Ok(Json(List { items: items.collect(), next: None }))
}
