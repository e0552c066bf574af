//! The API under `/api/v1`: its own types, so that the store may change without it, and its description as OpenAPI 3.1
//! (<https://spec.openapis.org/oas/v3.1.1.html>).
//!
//! [`router`] is the one list of its addresses: what answers and what the document says come from the same line, so neither can be without
//! the other. Lists go on after the `next` of the page before. Times are RFC 3339. What is asked for must be spelled as it is described: a
//! parameter that nobody knows is refused, since a filter with a slip of the pen would otherwise answer with everything.

pub mod admitted;
pub mod audit;
pub mod blast;
pub mod build;
pub mod channel;
pub mod crawl;
pub mod credential;
pub mod deployment;
mod document;
pub mod event;
pub mod evidence;
mod finding;
mod given;
pub mod image;
pub mod job;
pub mod page;
pub mod promotion;
pub mod reference;
pub mod retention;
pub mod sbom;
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
    json_said(headers)?;
    if bytes.len() > MAX_BODY {
        let hint = format!("the body has more than {MAX_BODY} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", hint));
    }
    json(bytes)
}

/// Refuses a body that is said to be something else than JSON.
fn json_said(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    if essence.is_some_and(|kind| kind != "application/json") {
        let hint = "send JSON, with the header `Content-Type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", hint));
    }
    Ok(())
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::invalid(error.to_string()))
}
