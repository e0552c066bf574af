//! Errors as the plug-in protocol has them: a code that callers act on, and words for people.

use serde::Serialize;
use std::fmt;

/// Why there is no answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    error_code: &'static str,
    error_message: String,
}

impl Failure {
    /// Makes the error of a request that makes no sense.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self { error_code: "VALIDATION_ERROR", error_message: message.into() }
    }

    /// Makes the error of a request that cannot be read.
    pub(crate) fn request(error: impl fmt::Display) -> Self {
        Self::validation(format!("the request cannot be read: {error}"))
    }

    /// Makes the error of a caller that speaks another version.
    pub(crate) fn contract(message: impl Into<String>) -> Self {
        Self { error_code: "UNSUPPORTED_CONTRACT_VERSION", error_message: message.into() }
    }

    /// Makes the error of a token that may not be used.
    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self { error_code: "ACCESS_DENIED", error_message: message.into() }
    }

    /// Makes any other error.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self { error_code: "ERROR", error_message: message.into() }
    }

    /// Makes the error of something that the library did not do.
    pub(crate) fn library(doing: &str, error: &cryptoki::error::Error) -> Self {
        Self::other(format!("cannot {doing}: {error}"))
    }

    /// Returns the error as the protocol has it.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
