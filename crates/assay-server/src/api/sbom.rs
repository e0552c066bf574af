//! Bills of materials: of what was found in an image, written when it is asked for, and those that whoever built it gave.
//!
//! What was given is kept as it came, and counted by how complete it is. It is a claim: no finding and no verdict rests on it.

use super::{digest, time};
use crate::body::read as body;
use crate::http::App;
use crate::problem::Problem;
use assay_report::format::by_name;
use assay_sbom::Kind;
use assay_store::{NewSbom, Role, StoreError, StoredReport};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The largest document that is taken; that of an image of 20 GB, with all files, has about 60 MB, and without them a tenth of that.
const MAX_SBOM: usize = 32 << 20;
/// Documents that are read at once: a document takes some ten times its size while it is.
static READERS: Semaphore = Semaphore::const_new(2);
/// How many seconds others are told to wait.
const RETRY_AFTER: u32 = 5;

/// A format of given documents: how it is asked for and kept, and what clients are told it is.
fn kept_as(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::CycloneDxJson => ("cyclonedx", "application/vnd.cyclonedx+json"),
        Kind::CycloneDxXml => ("cyclonedx-xml", "application/vnd.cyclonedx+xml"),
        Kind::SpdxJson => ("spdx", "application/spdx+json"),
        Kind::SpdxTagValue => ("spdx-tv", "text/spdx"),
        Kind::Spdx3 => ("spdx3", "application/ld+json"),
        Kind::Syft => ("syft", "application/vnd.syft+json"),
    }
}

const KINDS: [Kind; 6] =
    [Kind::CycloneDxJson, Kind::CycloneDxXml, Kind::SpdxJson, Kind::SpdxTagValue, Kind::Spdx3, Kind::Syft];

#[derive(Deserialize)]
pub(crate) struct Wanted {
    format: Option<String>,
    #[serde(default)]
    given: bool,
}

pub(crate) async fn read(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let digest = digest(&name)?;
    let format = wanted.format.as_deref().unwrap_or("cyclonedx");
    let (media_type, document) = if wanted.given {
        let known = KINDS.into_iter().map(kept_as).find(|(name, _)| *name == format);
        let (format, media_type) = known.ok_or_else(|| {
            let names: Vec<String> = KINDS.iter().map(|kind| format!("`{}`", kept_as(*kind).0)).collect();
            Problem::invalid(format!("`format` is one of {}", names.join(", ")))
        })?;
        let document = app.store.sbom(&digest, format).await?;
        let missing = || Problem::not_found("nobody gave a bill of materials of this image in this format");
        (media_type, document.ok_or_else(missing)?)
    } else {
        let kind = match format {
            "cyclonedx" => Kind::CycloneDxJson,
            "spdx" => Kind::SpdxJson,
            _ => {
                return Err(Problem::invalid(
                    "`format` is `cyclonedx` or `spdx`; others only with `given=true`",
                ));
            }
        };
        let report = app.store.report(&digest, None).await?;
        let report = report.ok_or_else(|| Problem::not_found("there is no report about this digest"))?;
        let damaged = StoreError::Damaged { what: "report", name: digest.to_string() };
        let format = format.to_owned();
        let written = tokio::task::spawn_blocking(move || written(&report, &format)).await;
        (kept_as(kind).1, written.map_err(|_| Problem::fault())?.ok_or(damaged)?)
    };
    let kind = [(header::CONTENT_TYPE, media_type), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
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

pub(crate) async fn give(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Problem> {
    let actor = app.require(&headers, Role::Developer).await?;
    let digest = digest(&name)?;
    let unknown =
        || Problem::not_found("no image of this digest was seen: push it, or tell of its push, first");
    app.store.image(&digest).await?.ok_or_else(unknown)?;
    let bytes = body(sent, MAX_SBOM).await?;
    // Only now: who sends slowly keeps nobody waiting.
    let reader = READERS.try_acquire().map_err(|_| {
        Problem::busy_with("too many bills of materials are being read; try again later", RETRY_AFTER)
    })?;
    let document = bytes.clone();
    let read = tokio::task::spawn_blocking(move || {
        let read = assay_sbom::read(&document)?;
        Ok((assay_sbom::recognise(&document), assay_sbom::score(&read)))
    });
    let read: Result<_, assay_sbom::ReadSbomError> = read.await.map_err(|_| Problem::fault())?;
    drop(reader);
    let (kind, score) = read.map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Problem::invalid(format!("{error}{cause}"))
    })?;
    let kind = kind.ok_or_else(|| Problem::invalid("the format of the bill of materials is not known"))?;
    let (format, _) = kept_as(kind);
    let now = (app.clock)();
    let document = app.store.document("bill of materials", &name, &bytes).await?;
    let sbom = NewSbom { format, document: &document, score: score.total(), packages: score.packages };
    let mut work = app.store.begin().await?;
    work.keep_sbom(&digest, &sbom, now).await?;
    let detail = serde_json::json!({ "format": format, "score": score.total(), "packages": score.packages });
    work.record("sbom-given", Some(&digest), &detail, now).await?;
    work.audit(&actor.name, "sbom.give", &name, &detail, now).await?;
    work.commit().await?;
    Ok((StatusCode::OK, Json(detail)).into_response())
}

#[derive(Serialize)]
struct Given {
    format: String,
    created: String,
    score: i64,
    packages: i64,
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    // One of each format at most, so there are no pages.
    let items = app.store.sboms(&digest(&name)?).await?.into_iter().map(|found| Given {
        format: found.format,
        created: time(found.created),
        score: found.score,
        packages: found.packages,
    });
    Ok(Json(super::List { items: items.collect(), next: None }).into_response())
}
