//! What stands on a page that cannot be shown, and for programs the same as a problem.

use super::ask::encode;
use super::render::{Templates, see_other};
use super::session::Visitor;
use crate::problem::Problem;
use assay_store::StoreError;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

/// Why a page cannot be shown.
pub(super) enum PageError {
    /// Nobody is signed in.
    SignIn,
    /// Anything else.
    Problem(Problem),
}

impl From<Problem> for PageError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self::Problem(error.into())
    }
}

impl PageError {
    /// Answers: people are led to where they sign in, programs are told.
    pub(super) fn respond(
        self,
        templates: &Templates,
        for_program: bool,
        uri: &Uri,
        visitor: Option<&Visitor>,
    ) -> Response {
        match self {
            Self::SignIn if for_program => Problem::unauthenticated().into_response(),
            Self::SignIn => {
                let wanted = uri.path_and_query().map_or("/", |wanted| wanted.as_str());
                if wanted == "/" {
                    return see_other("/sign-in");
                }
                see_other(&format!("/sign-in?to={}", encode(wanted)))
            }
            Self::Problem(problem) if for_program => problem.into_response(),
            Self::Problem(problem) => {
                let (status, detail) = problem.told();
                templates.message(status, status.canonical_reason().unwrap_or("Error"), detail, visitor)
            }
        }
    }
}

/// Answers when a document cannot be written, which only a fault of the program could be the reason of.
pub(super) fn unwritable() -> Response {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the document could not be written")
        .into_response()
}
