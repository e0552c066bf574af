//! The body of an admission review: an object and its old form, each of which may be as large as a cluster keeps.
//!
//! API servers write `<`, `>` and `&` as six bytes each (Go's `encoding/json`), so that a review may be six times as large as what it says.
//! A review that is not read is a workload that is not judged, so all of that is taken; what is limited is what it says. Memory follows
//! that: escapes become one character each, and cannot be structure.

use super::review::{InvalidReview, Review};
use crate::problem::Problem;
use axum::body::Body;
use axum::http::StatusCode;

/// The most that a review may say: two objects of up to 1.5 MB, and who asks.
const MAX_SAID: usize = 4 << 20;
/// The largest body: every character of both objects as an escape.
const MAX_BODY: usize = 20 << 20;

/// Reads a review. The caller was checked before: nobody else has this much read.
///
/// # Errors
/// Fails when it is too large, ends early, or is no review.
pub(crate) async fn read(body: Body) -> Result<Review, Problem> {
    let too_large = |most: usize| {
        let message = format!("an admission review of more than {} MiB is not judged", most >> 20);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message)
    };
    let bytes = crate::body::read(body, MAX_BODY).await?;
    if bytes.len() > MAX_SAID && said(&bytes) > MAX_SAID {
        return Err(too_large(MAX_SAID));
    }
    Review::parse(&bytes).map_err(|error: InvalidReview| Problem::invalid(error.to_string()))
}

/// Returns how long a JSON text would be without escapes.
fn said(json: &[u8]) -> usize {
    let (mut length, mut bytes) = (0, json.iter());
    while let Some(byte) = bytes.next() {
        if *byte == b'\\' && bytes.next() == Some(&b'u') {
            bytes.nth(3);
        }
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_even_as_escapes_is_not_read() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let refused = runtime.block_on(read(Body::from("\\u003c".repeat(4 << 20)))).unwrap_err();
        let (status, told) = refused.told();
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(told, "the body could not be read, or has more than 20971520 bytes");
    }

    #[test]
    fn escapes_count_as_what_they_stand_for() {
        let check = |json: &str, want| assert_eq!(said(json.as_bytes()), want, "{json}");
        check("", 0);
        check(r#"{"a":"\u003c\u003c"}"#, 10);
        check(r#""\n\\u003c""#, 9);
        // Cut off: no review, but no reason to fail.
        check(r"\", 1);
        check(r"\u0", 1);
    }
}
