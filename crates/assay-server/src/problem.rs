//! Errors as programs get them: `application/problem+json` of RFC 9457.

use assay_store::StoreError;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::openapi::{self, Content, Header, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// Why a request was not answered. The code is stable.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after: Option<u32>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None }
    }

    /// Returns what a person is told.
    pub(crate) fn told(&self) -> (StatusCode, &str) {
        (self.status, &self.detail)
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", detail)
    }

    /// What is spelled as it is described, and makes no sense here all the same (RFC 9110, section 15.5.21).
    pub(crate) fn senseless(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "send a valid token as `Authorization: Bearer TOKEN`",
        )
    }

    pub(crate) fn forbidden(role: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", format!("this takes the role `{role}`"))
    }

    /// What is said of the whole fleet, to somebody who is bound to teams.
    pub(crate) fn fleet_only() -> Self {
        let detail = "this is about the whole fleet: it takes a token that is bound to no teams";
        Self::new(StatusCode::FORBIDDEN, "fleet-only", detail)
    }

    /// What is none of somebody's teams.
    pub(crate) fn other_team(repository: &str) -> Self {
        let detail = format!("`{repository}` is owned by none of the teams that you are bound to");
        Self::new(StatusCode::FORBIDDEN, "other-team", detail)
    }

    pub(crate) fn too_often() -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-often",
                "too many requests; try again in a second",
            )
        }
    }

    pub(crate) fn fault() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", "the program failed at this request")
    }

    pub(crate) fn busy(seconds: u32) -> Self {
        Self::busy_with("too many jobs are queued; try again later", seconds)
    }

    pub(crate) fn busy_with(what: &str, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "queue-full", what) }
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid(rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::invalid(rejection.body_text())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // What the database says may name its address or its tables; it is no business of who asks.
        let detail = match &error {
            StoreError::Damaged { .. } | StoreError::TooLarge { .. } | StoreError::UnknownImage(_) => {
                error.to_string()
            }
            StoreError::Objects(_) | StoreError::NoObjects | StoreError::Gone { .. } => {
                "the object storage does not answer".to_owned()
            }
            _ => "the database does not answer".to_owned(),
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", detail)
    }
}

/// An error (RFC 9457).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// `about:blank`: the code tells errors from one another.
    #[serde(rename = "type")]
    pub kind: String,
    /// The phrase of the status.
    pub title: String,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// A word for it that stays the same, such as `not-found`.
    pub code: String,
    /// What is wrong, and what to do.
    pub detail: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = ProblemDocument {
            kind: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or_default().to_owned(),
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: self.detail,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Describes what every address that takes a token answers when it does not answer.
pub(crate) struct Refused;

impl IntoResponses for Refused {
    fn responses() -> Described {
        described(&[
            (400, "It is not spelled as it is described here."),
            (401, "There is no token, or none that lets in."),
            (403, "The token's role or teams do not allow it."),
            (429, "Too many requests, or too much is queued; `Retry-After` says when to come back."),
            (500, "The program failed."),
            (503, "The database does not answer, or the server was started without what it takes."),
        ])
    }
}

/// Describes the answer about something that is not there.
pub(crate) struct Missing;

impl IntoResponses for Missing {
    fn responses() -> Described {
        described(&[(404, "There is no such thing.")])
    }
}

/// Describes the answer to what is spelled well and makes no sense.
pub(crate) struct Senseless;

impl IntoResponses for Senseless {
    fn responses() -> Described {
        described(&[(422, "It is spelled as it should be, and makes no sense here.")])
    }
}

/// Describes the answers to a body that is not taken.
pub(crate) struct Unsent;

impl IntoResponses for Unsent {
    fn responses() -> Described {
        described(&[(413, "The body is too large."), (415, "The body is said to be no JSON.")])
    }
}

type Described = BTreeMap<String, RefOr<openapi::Response>>;

fn described(answers: &[(u16, &str)]) -> Described {
    let described = answers.iter().map(|(status, text)| {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        let mut response =
            ResponseBuilder::new().description(*text).content("application/problem+json", content);
        let header = match status {
            401 => Some(("WWW-Authenticate", "`Bearer`.")),
            429 => Some(("Retry-After", "Seconds.")),
            _ => None,
        };
        if let Some((name, text)) = header {
            let mut header = Header::default();
            header.description = Some(text.to_owned());
            response = response.header(name, header);
        }
        (status.to_string(), RefOr::T(response.build()))
    });
    described.collect()
}
