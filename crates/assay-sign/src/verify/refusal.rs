//! Why evidence does not count.

use crate::certificate::chain::NoPath;
use crate::certificate::sct::NoSct;
use crate::rekor::InvalidEntry;
use crate::timestamp::InvalidTimestampToken;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of reason it is, for counting and for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// It cannot be read.
    Malformed,
    /// It is of a kind that is not known, or needs what was not given.
    Unsupported,
    /// Another key made it.
    WrongKey,
    /// The signature does not fit.
    BadSignature,
    /// Someone else signed.
    WrongIdentity,
    /// It claims something else than what is asked for.
    WrongPredicate,
    /// It is about another artifact.
    DigestMismatch,
    /// An annotation that is asked for is missing or different.
    WrongAnnotation,
    /// A key, certificate or signature was not valid at the time.
    Expired,
    /// A key or certificate was revoked.
    Revoked,
    /// The certificate is not trusted, or not for this.
    Certificate,
    /// The transparency log does not vouch for it.
    Log,
    /// No time is proven, or a timestamp does not hold.
    Timestamp,
}

impl Code {
    /// Returns the words of a summary: "2 wrong predicate".
    pub fn words(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unsupported => "not supported",
            Self::WrongKey => "wrong key",
            Self::BadSignature => "bad signature",
            Self::WrongIdentity => "wrong identity",
            Self::WrongPredicate => "wrong predicate",
            Self::DigestMismatch => "other artifact",
            Self::WrongAnnotation => "wrong annotation",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Certificate => "untrusted certificate",
            Self::Log => "no valid log entry",
            Self::Timestamp => "no valid timestamp",
        }
    }

    /// Returns how near to verified evidence with this problem was: of several refusals, people want that of the nearest.
    pub(crate) fn nearness(self) -> u8 {
        match self {
            Self::WrongAnnotation => 12,
            Self::WrongPredicate => 11,
            Self::WrongIdentity => 10,
            Self::Revoked => 9,
            Self::Expired => 8,
            Self::Timestamp => 7,
            Self::Log => 6,
            Self::DigestMismatch => 5,
            Self::Certificate => 4,
            Self::BadSignature => 3,
            Self::WrongKey => 2,
            Self::Unsupported => 1,
            Self::Malformed => 0,
        }
    }
}

/// Why a piece of evidence does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind of reason it is.
    pub code: Code,
    /// The reason for people.
    pub message: String,
}

impl Refusal {
    /// Returns a refusal.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Returns the refusal that came nearer to verified, the other of two that came equally near.
    #[must_use]
    pub fn or_nearer(self, other: Option<Self>) -> Self {
        other.filter(|other| other.code.nearness() >= self.code.nearness()).unwrap_or(self)
    }

    /// Returns a refusal of something that cannot be read, with the chain of causes.
    pub(crate) fn malformed(error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        Self::new(Code::Malformed, message)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<InvalidEntry> for Refusal {
    fn from(error: InvalidEntry) -> Self {
        Self::new(Code::Log, error.to_string())
    }
}

impl From<InvalidTimestampToken> for Refusal {
    fn from(error: InvalidTimestampToken) -> Self {
        Self::new(Code::Timestamp, error.to_string())
    }
}

impl From<NoSct> for Refusal {
    fn from(error: NoSct) -> Self {
        Self::new(Code::Certificate, error.to_string())
    }
}

impl From<NoPath> for Refusal {
    fn from(error: NoPath) -> Self {
        let code = if matches!(error, NoPath::Expired { .. }) { Code::Expired } else { Code::Certificate };
        Self::new(code, error.to_string())
    }
}
