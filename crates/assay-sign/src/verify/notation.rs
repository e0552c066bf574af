//! One Notary Project signature, against trust stores and trusted identities.
//!
//! <https://github.com/notaryproject/specifications/blob/main/specs/trust-store-trust-policy.md>, level `strict`: integrity,
//! authenticity, the time where the certificate has expired since, expiry, and revocation by the lists that are given.

use super::{Code, Refusal, Signer, Verified, not_in_the_future};
use crate::certificate::crl::{Revocation, RevocationList};
use crate::certificate::{Certificate, name};
use crate::encoding::hex;
use crate::notation::{Descriptor, NotationEnvelope, NotationPayload, PAYLOAD_TYPE, SigningScheme, chain};
use crate::timestamp;
use crate::trust::{Authority, Validity};
use assay_model::{Digest, Timestamp};

/// What is trusted for Notary Project signatures.
#[derive(Debug, Clone, Default)]
pub struct NotationTrust {
    /// The trust store `ca`: authorities whose holders sign for themselves.
    pub authorities: Vec<Certificate>,
    /// The trust store `signingAuthority`: authorities that sign for others and are trusted with the time.
    pub signing_authorities: Vec<Certificate>,
    /// The trust store `tsa`: roots of timestamp authorities.
    pub timestamp_authorities: Vec<Certificate>,
    /// The trusted subjects.
    pub identities: Vec<NotationIdentity>,
    /// What was revoked.
    pub revocation_lists: Vec<RevocationList>,
}

/// A trusted subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotationIdentity {
    /// Whoever has a certificate of a trusted authority.
    Any,
    /// A subject with at least these attributes.
    Subject(Vec<(String, String)>),
}

/// A text is not a trusted identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a trusted identity: expected `*` or `x509.subject: C=…, O=…`")]
pub struct InvalidNotationIdentity(String);

impl std::str::FromStr for NotationIdentity {
    type Err = InvalidNotationIdentity;

    /// Reads `*` or `x509.subject: C=US, O=Acme`, with or without the prefix.
    fn from_str(text: &str) -> Result<Self, InvalidNotationIdentity> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self::Any);
        }
        let subject = text.strip_prefix("x509.subject:").unwrap_or(text);
        name::parse(subject).map(Self::Subject).ok_or_else(|| InvalidNotationIdentity(text.to_owned()))
    }
}

impl NotationIdentity {
    fn matches(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Any => true,
            Self::Subject(wanted) => {
                let have = name::attributes(&certificate.subject).unwrap_or_default();
                wanted.iter().all(|attribute| have.contains(attribute))
            }
        }
    }
}

/// What a signature must be about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) digest: &'a Digest,
    /// Checked where it is known.
    pub(super) media_type: Option<&'a str>,
    /// Checked where it is known.
    pub(super) size: Option<u64>,
}

/// Verifies an envelope.
pub(super) fn notation(
    envelope: &NotationEnvelope,
    target: Target<'_>,
    trust: &NotationTrust,
    now: Timestamp,
) -> Result<(Verified, Descriptor), Refusal> {
    let refuse = |code, message: String| Err(Refusal::new(code, message));
    if let Some(name) = envelope.unknown_critical.first() {
        let name: String = name.chars().take(120).collect();
        return refuse(
            Code::Unsupported,
            format!("the envelope marks `{name}` as critical, which is not known here"),
        );
    }
    if envelope.content_type != PAYLOAD_TYPE {
        return refuse(Code::Unsupported, "the envelope holds a payload of an unknown type".to_owned());
    }
    let Some(leaf) = envelope.chain.first() else {
        return refuse(Code::Certificate, "the envelope has no certificate".to_owned());
    };
    let key = leaf.key().map_err(|error| Refusal::new(Code::Unsupported, error.to_string()))?;
    envelope.verify_signature(key).map_err(|error| Refusal::new(Code::BadSignature, error.to_string()))?;
    chain::check(&envelope.chain)?;
    let store = match envelope.signing_scheme {
        SigningScheme::X509 => &trust.authorities,
        SigningScheme::SigningAuthority => &trust.signing_authorities,
    };
    if !envelope.chain.iter().any(|certificate| store.contains(certificate)) {
        let message = format!(
            "the certificate of `{}` leads to no certificate of the trust store",
            leaf.subject_text()
        );
        return refuse(Code::Certificate, message);
    }
    let signed_at = time(envelope, trust, now)?;
    revocation(envelope, trust, signed_at, now)?;
    if let Some(expiry) = envelope.expiry.filter(|expiry| *expiry < now) {
        return refuse(Code::Expired, format!("the signature expired at {expiry}"));
    }
    let payload = NotationPayload::parse(&envelope.payload).map_err(|error| Refusal::malformed(&error))?;
    let artifact = payload.target_artifact;
    about(&artifact, target)?;
    if !trust.identities.iter().any(|identity| identity.matches(leaf)) {
        let message = format!("signed by `{}`, which is none of the trusted identities", leaf.subject_text());
        return refuse(Code::WrongIdentity, message);
    }
    let signer = Signer::Certificate {
        subject: leaf.subject_text(),
        fingerprint: hex(&leaf.fingerprint()),
        key: key.fingerprint_hex(),
    };
    Ok((Verified { signer, signed_at, log_index: None, statement: None }, artifact))
}

/// Checks that the chain was valid when it counts, and returns the time that someone vouches for.
fn time(
    envelope: &NotationEnvelope,
    trust: &NotationTrust,
    now: Timestamp,
) -> Result<Option<Timestamp>, Refusal> {
    if envelope.signing_scheme == SigningScheme::SigningAuthority {
        let Some(time) = envelope.signing_time else {
            return Err(Refusal::new(Code::Timestamp, "the signing authority gives no time"));
        };
        not_in_the_future(&[time], now)?;
        chain::check_time(&envelope.chain, time)?;
        return Ok(Some(time));
    }
    let stamped = match &envelope.timestamp {
        Some(token) if !trust.timestamp_authorities.is_empty() => {
            let authorities: Vec<Authority> = trust
                .timestamp_authorities
                .iter()
                .map(|root| Authority { chain: vec![root.clone()], valid: Validity::default() })
                .collect();
            Some(timestamp::verify_token(token, &envelope.signature, &authorities)?)
        }
        _ => None,
    };
    not_in_the_future(stamped.as_slice(), now)?;
    // The signer's own word for the time is worth nothing: without a timestamp it must be valid now.
    chain::check_time(&envelope.chain, stamped.unwrap_or(now))?;
    Ok(stamped)
}

fn revocation(
    envelope: &NotationEnvelope,
    trust: &NotationTrust,
    signed_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Refusal> {
    for pair in envelope.chain.windows(2) {
        let [certificate, issuer] = pair else { continue };
        for list in &trust.revocation_lists {
            match list.status(certificate, issuer, now) {
                Revocation::Silent | Revocation::Good => {}
                // A timestamp from before the revocation keeps the signature good.
                Revocation::Revoked(since) if signed_at.is_some_and(|time| time < since) => {}
                Revocation::Revoked(since) => {
                    let message = format!(
                        "the certificate of `{}` is revoked since {since}",
                        certificate.subject_text()
                    );
                    return Err(Refusal::new(Code::Revoked, message));
                }
                Revocation::Stale(next) => {
                    let message =
                        format!("the revocation list for `{}` ran out at {next}", certificate.subject_text());
                    return Err(Refusal::new(Code::Revoked, message));
                }
            }
        }
    }
    Ok(())
}

fn about(artifact: &Descriptor, target: Target<'_>) -> Result<(), Refusal> {
    let mismatch = |message: String| Err(Refusal::new(Code::DigestMismatch, message));
    if artifact.digest != *target.digest {
        return mismatch(format!("the signature is of `{}`", artifact.digest));
    }
    if target.media_type.is_some_and(|known| known != artifact.media_type) {
        return mismatch(format!(
            "the signature is of a `{}`",
            artifact.media_type.chars().take(120).collect::<String>()
        ));
    }
    if target.size.is_some_and(|known| known != artifact.size) {
        return mismatch(format!("the signature is of {} bytes", artifact.size));
    }
    Ok(())
}
