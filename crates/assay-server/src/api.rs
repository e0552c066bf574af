//! The API under `/api/v1`: its own types, so that the store may change without it, and its description as OpenAPI 3.1
//! (<https://spec.openapis.org/oas/v3.1.1.html>).
//!
//! [`router`] is the one list of its addresses: what answers and what the document says come from the same line, so neither can be without
//! the other. Lists go on after the `next` of the page before. Times are RFC 3339. What is asked for must be spelled as it is described: a
//! parameter that nobody knows is refused, since a filter with a slip of the pen would otherwise answer with everything.

pub mod audit;
pub mod blast;
pub(crate) mod build;
pub(crate) mod channel;
pub mod crawl;
pub(crate) mod deployment;
mod document;
pub mod event;
pub(crate) mod evidence;
mod finding;
mod given;
pub mod image;
pub mod job;
pub mod page;
pub mod reference;
pub(crate) mod retention;
pub(crate) mod sbom;
pub mod token;
pub mod triage;
pub mod verdict;

pub use crate::pages::encode;
pub use crate::problem::ProblemDocument;
pub(crate) use document::router;
pub use document::{document, operations};

use crate::problem::Problem;
use assay_store::Moment;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

/// The largest body of a request that is described here.
const MAX_BODY: usize = 64 << 10;

pub(crate) fn time(moment: Moment) -> String {
    moment.timestamp().to_string()
}

/// Reads the body of a request: JSON, and said to be if anything is said.
fn body<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    if essence.is_some_and(|kind| kind != "application/json") {
        let hint = "send JSON, with the header `Content-Type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", hint));
    }
    if bytes.len() > MAX_BODY {
        let hint = format!("the body has more than {MAX_BODY} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", hint));
    }
    serde_json::from_slice(bytes).map_err(|error| Problem::invalid(error.to_string()))
}

// SHIM until the lists below are described
pub(crate) use page::List;

#[derive(serde::Deserialize)]
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
    asked.unwrap_or(100).clamp(1, 1000)
}

pub(crate) fn full(length: usize, limit: i64) -> bool {
    i64::try_from(length).is_ok_and(|length| length >= limit)
}

fn digest(text: &str) -> Result<assay_model::Digest, Problem> {
    text.parse().map_err(|error: assay_model::digest::InvalidDigest| Problem::invalid(error.to_string()))
}
