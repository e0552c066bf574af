//! Bodies of requests, read once, bounded in size and time.

use crate::problem::Problem;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use std::time::Duration;

/// How long the body of a request may take: twice what four megabytes take at two megabits a second.
const TIME: Duration = Duration::from_secs(30);

/// Reads a body of at most so many bytes.
///
/// # Errors
/// Fails when it is larger, breaks off, or is not there in time.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match tokio::time::timeout(TIME, axum::body::to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => {
            let hint = format!("the body could not be read, or has more than {limit} bytes");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", hint))
        }
        Err(_) => {
            let hint = format!("the body was not there after {} seconds", TIME.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", hint))
        }
    }
}
