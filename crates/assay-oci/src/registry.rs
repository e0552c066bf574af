//! A client of the distribution API, <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>.

pub(crate) mod auth;
pub(crate) mod blob;
pub(crate) mod client;
pub(crate) mod crawl;
pub(crate) mod push;
pub(crate) mod referrers;

use crate::credentials::CredentialError;
use std::io;

pub use crawl::{Crawler, Listing};
pub use referrers::next_page;

/// What is to be done with a repository; it decides which rights are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read from it only.
    Read,
    /// Read from it and write to it.
    Write,
}

/// Why a registry did not give what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The network may not be used.
    #[error("`{host}` cannot be asked while offline")]
    Offline {
        /// The registry.
        host: String,
    },
    /// The network cannot be started.
    #[error("cannot start the network threads")]
    Runtime(#[source] io::Error),
    /// The HTTP client cannot be set up: a certificate or proxy is wrong.
    #[error("cannot set up the network: a certificate or proxy setting is wrong")]
    Client(#[source] reqwest::Error),
    /// There is no connection.
    #[error("cannot reach `{host}`")]
    Unreachable {
        /// The registry.
        host: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The server's certificate is not trusted.
    #[error("the certificate of `{host}` is not trusted")]
    Untrusted {
        /// The registry.
        host: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The connection broke, and repeating did not help.
    #[error("the connection to `{host}` broke while reading {what}")]
    Interrupted {
        /// The registry.
        host: String,
        /// What was read.
        what: String,
        /// The cause.
        source: Option<reqwest::Error>,
    },
    /// It answers, but too slowly.
    #[error("`{host}` sends {what} too slowly")]
    TooSlow {
        /// The registry.
        host: String,
        /// What was read.
        what: String,
    },
    /// The answer was an error.
    #[error("registry `{host}` answered {status} to the request for {what}{}", in_parentheses(detail))]
    Status {
        /// The registry, or the server it redirected to.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What was asked for.
        what: String,
        /// The server's words, cleaned.
        detail: String,
    },
    /// A redirect that must not be followed.
    #[error("registry `{host}` redirects the request for {what} {reason}")]
    Redirect {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
        /// Why it was not followed.
        reason: &'static str,
    },
    /// The answer is larger than it may be.
    #[error("`{host}` sends more than {limit} bytes for {what}")]
    TooLarge {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// The answer is not what the specification says.
    #[error("`{host}` gives an invalid answer to the request for {what}: {reason}")]
    Invalid {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The credentials cannot be had.
    #[error("cannot get the credentials for `{host}`")]
    Credentials {
        /// The registry.
        host: String,
        /// The cause.
        source: CredentialError,
    },
}

/// What a [`RegistryError`] means for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryErrorKind {
    /// The network may not be used.
    Offline,
    /// The registry does not answer.
    Unreachable,
    /// Its certificate is not trusted.
    Untrusted,
    /// Credentials are missing or wrong.
    Unauthorised,
    /// The user may not read the image.
    Denied,
    /// There is no such image.
    NotFound,
    /// The registry asks to come back later.
    TooManyRequests,
    /// The registry is broken.
    Server,
    /// Something on this side is wrong.
    Local,
}

impl RegistryError {
    /// Returns what the error means, for hints.
    pub fn kind(&self) -> RegistryErrorKind {
        match self {
            Self::Offline { .. } => RegistryErrorKind::Offline,
            Self::Unreachable { .. } | Self::Interrupted { .. } | Self::TooSlow { .. } => {
                RegistryErrorKind::Unreachable
            }
            Self::Untrusted { .. } => RegistryErrorKind::Untrusted,
            Self::Status { status: 401, .. } => RegistryErrorKind::Unauthorised,
            Self::Status { status: 403, .. } => RegistryErrorKind::Denied,
            Self::Status { status: 404, .. } => RegistryErrorKind::NotFound,
            Self::Status { status: 429, .. } => RegistryErrorKind::TooManyRequests,
            Self::Status { .. } | Self::Redirect { .. } | Self::TooLarge { .. } | Self::Invalid { .. } => {
                RegistryErrorKind::Server
            }
            Self::Runtime(_) | Self::Client(_) | Self::Credentials { .. } => RegistryErrorKind::Local,
        }
    }

    /// Makes the error of a failed connection.
    pub(crate) fn connection(host: &str, source: reqwest::Error) -> Self {
        // The URL may carry a signature in its query, and the host is said anyway.
        let source = source.without_url();
        let mut cause: Option<&dyn std::error::Error> = Some(&source);
        while let Some(error) = cause {
            // rustls says `invalid peer certificate: UnknownIssuer`; its type is hidden below several boxes.
            if error.to_string().contains("certificate") {
                return Self::Untrusted { host: host.to_owned(), source };
            }
            cause = error.source();
        }
        Self::Unreachable { host: host.to_owned(), source }
    }
}

fn in_parentheses(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({detail})") }
}
