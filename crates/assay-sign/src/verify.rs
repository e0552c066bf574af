//! Verification: whether evidence holds for an artifact, by whom, since when, or why not.
//!
//! Everything is an argument: the evidence, the artifact or its digest, what is trusted, and the time. What comes out says
//! who signed, or gives one [`Refusal`] that a person can act on.

mod artifact;
mod bundle;
mod candidate;
pub mod conformance;
mod expiry;
mod identity;
mod image;
mod legacy;
mod notation;
mod outcome;
mod refusal;

pub use crate::certificate::fulcio::Identity;
pub use artifact::Artifact;
pub use bundle::{LogPolicy, Trust, bundle, needs_content};
pub use candidate::{Candidate, Format, Found};
pub use expiry::NOTICE;
pub use identity::{IdentityPolicy, InvalidPattern, Pattern};
pub use image::{Keyless, MAX_CANDIDATES, Request, TrustRoot, Wanted, image};
pub use notation::{InvalidNotationIdentity, NotationIdentity, NotationTrust};
pub use outcome::{CandidateOutcome, Judgement, Outcome, RootOutcome, distinct, people};
pub use refusal::{Code, Refusal};

use crate::key::PublicKey;
use crate::statement::Statement;
use assay_model::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a signature may lie in the future: clocks differ.
pub const CLOCK_SKEW: i64 = 300;

/// Checks that no proven time is later than `now`: who vouches for the future vouches for nothing.
fn not_in_the_future(times: &[Timestamp], now: Timestamp) -> Result<(), Refusal> {
    match times.iter().find(|time| time.0 > now.0.saturating_add(CLOCK_SKEW)) {
        Some(time) => Err(Refusal::new(Code::Timestamp, format!("signed at {time}, which is in the future"))),
        None => Ok(()),
    }
}

/// A key that is trusted, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// Since when signatures by it count.
    pub not_before: Option<Timestamp>,
    /// Until when signatures by it count; that second belongs to it.
    pub not_after: Option<Timestamp>,
    /// Whether nothing signed by it counts any more.
    pub revoked: bool,
}

impl TrustedKey {
    /// Returns a key that is trusted at any time.
    pub fn new(key: PublicKey) -> Self {
        Self { key, not_before: None, not_after: None, revoked: false }
    }

    /// Checks that signatures of these times count, or of now where none is proven.
    pub(crate) fn check(&self, times: &[Timestamp], now: Timestamp) -> Result<(), Refusal> {
        let name = self.key.fingerprint_hex();
        if self.revoked {
            return Err(Refusal::new(Code::Revoked, format!("the key `{name}` is revoked")));
        }
        let times = if times.is_empty() { std::slice::from_ref(&now) } else { times };
        for time in times {
            if let Some(start) = self.not_before.filter(|start| time < start) {
                let message =
                    format!("signed at {time}, but the key `{name}` is trusted from {start} on only");
                return Err(Refusal::new(Code::Expired, message));
            }
            if let Some(end) = self.not_after.filter(|end| time > end) {
                let message = format!("signed at {time}, but the key `{name}` is trusted until {end} only");
                return Err(Refusal::new(Code::Expired, message));
            }
        }
        Ok(())
    }
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Signer {
    /// The holder of a key.
    Key {
        /// The SHA-256 of the key's DER.
        fingerprint: String,
    },
    /// Someone to whom Fulcio gave a certificate.
    Keyless(Identity),
    /// The holder of a certificate of an authority that is trusted by name.
    Certificate {
        /// The subject.
        subject: String,
        /// The SHA-256 of the certificate.
        fingerprint: String,
        /// The SHA-256 of the key's DER.
        key: String,
    },
}

impl Signer {
    /// Returns what makes two signers one: any name in common.
    pub fn identifiers(&self) -> Vec<String> {
        match self {
            Self::Key { fingerprint } => vec![format!("key:{fingerprint}")],
            Self::Keyless(identity) => vec![format!("identity:{} {}", identity.issuer, identity.subject)],
            Self::Certificate { subject, key, .. } => vec![format!("x509:{subject}"), format!("key:{key}")],
        }
    }
}

impl std::fmt::Display for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key { fingerprint } => write!(f, "key {fingerprint}"),
            Self::Keyless(identity) => write!(f, "{} ({})", identity.subject, identity.issuer),
            Self::Certificate { subject, .. } => write!(f, "{subject}"),
        }
    }
}

/// Evidence that holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Who signed.
    pub signer: Signer,
    /// The earliest time that a log or a timestamp authority vouches for.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::encoding::time")]
    pub signed_at: Option<Timestamp>,
    /// The entry's index in the transparency log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<i64>,
    /// What is claimed, where it is more than a signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
}
