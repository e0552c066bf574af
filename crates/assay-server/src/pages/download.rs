//! The report of an image as a file, in every format that needs no more than the report.

use super::Pages;
use super::ask::digest;
use super::error::{PageError, unwritable};
use super::image::read;
use super::session::visitor;
use crate::problem::Problem;
use crate::report::shown;
use assay_report::format::by_name;
use assay_store::Role;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// A format: its name, how its file ends, and what browsers are told it is.
const FORMATS: &[(&str, &str, &str)] = &[
    ("json", "json", "application/json"),
    ("html", "html", "text/html; charset=utf-8"),
    ("cyclonedx", "cdx.json", "application/vnd.cyclonedx+json"),
    ("spdx", "spdx.json", "application/spdx+json"),
    ("sarif", "sarif", "application/sarif+json"),
    ("csv", "csv", "text/csv; charset=utf-8"),
    ("markdown", "md", "text/markdown; charset=utf-8"),
];

pub(super) fn names() -> Vec<&'static str> {
    FORMATS.iter().map(|(name, ..)| *name).collect()
}

pub(super) async fn download(
    State(pages): State<Arc<Pages>>,
    Path((of, format)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match written(&pages, &of, &format, &headers).await {
        Ok(response) => response,
        Err(error) => error.respond(&pages.templates, false, &uri, None),
    }
}

async fn written(pages: &Pages, of: &str, format: &str, headers: &HeaderMap) -> Result<Response, PageError> {
    let visitor = visitor(&pages.app, headers, Role::Viewer).await?;
    let of = digest(of)?;
    let unknown = || Problem::not_found("reports are not written in this format here");
    let (name, extension, media_type) =
        FORMATS.iter().find(|(name, ..)| *name == format).copied().ok_or_else(unknown)?;
    let writer = by_name(name).ok_or_else(unknown)?;
    let stored = shown(pages.app.seen_by(visitor.holder()), &of).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("there is no report about this digest"))?;
    let bytes = if name == "json" {
        stored.json
    } else {
        let report = read(&of, stored).await?;
        let written = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            let options = assay_report::Options {
                version: env!("CARGO_PKG_VERSION"),
                ..assay_report::Options::default()
            };
            writer.write(&report, &options, &mut bytes).map(|()| bytes)
        });
        match written.await {
            Ok(Ok(bytes)) => bytes,
            _ => return Ok(unwritable()),
        }
    };
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        // It is a file to be kept; should a browser show it all the same, it is nobody's page.
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let disposition =
        format!("attachment; filename=\"{}.{extension}\"", of.hex().get(..16).unwrap_or_default());
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok((headers, bytes).into_response())
}
