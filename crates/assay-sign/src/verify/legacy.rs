//! cosign 2: a layer whose descriptor's annotations hold the signature, the certificate and the proofs.
//!
//! <https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>. Of an attestation the layer is a DSSE envelope, which
//! holds its signatures itself. The order of the steps is cosign's; the bytes that were signed are the layer as it is stored.

use super::bundle::{certificate_at, statement};
use super::identity::check_any;
use super::{Artifact, Code, LogPolicy, Refusal, Signer, Trust, TrustedKey, Verified, not_in_the_future};
use crate::bundle::{InclusionPromise, KindVersion, LogEntry, LogId};
use crate::certificate::{Certificate, fulcio};
use crate::dsse::Envelope;
use crate::encoding::{Base64, base64_decode, hex_decode};
use crate::rekor::body::{Expected, Signed, Signer as EntrySigner};
use crate::simple_signing::Payload;
use crate::trust::TrustedRoot;
use crate::{rekor, timestamp};
use assay_model::{Digest, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const BUNDLE: &str = "dev.sigstore.cosign/bundle";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// The most signatures of one envelope that are tried.
const MAX_SIGNATURES: usize = 16;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RekorBundle {
    signed_entry_timestamp: Base64,
    payload: RekorPayload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RekorPayload {
    body: Base64,
    integrated_time: i64,
    log_index: i64,
    #[serde(rename = "logID")]
    log_id: String,
}

#[derive(Deserialize)]
struct TimestampWire {
    #[serde(rename = "SignedRFC3161Timestamp")]
    signed: Base64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BodyKind {
    kind: String,
    api_version: String,
}

/// What is trusted and when, for one layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) trust: Trust<'a>,
    pub(super) root: &'a TrustedRoot,
    pub(super) log: LogPolicy,
    pub(super) now: Timestamp,
}

/// Verifies a layer of simple signing and returns its payload's annotations beside.
pub(super) fn simple_signing(
    bytes: &[u8],
    annotations: &BTreeMap<String, String>,
    subject: &Digest,
    terms: Terms<'_>,
) -> Result<(Verified, Payload), Refusal> {
    let signature = annotations.get(SIGNATURE).filter(|text| !text.is_empty());
    let signature = signature
        .ok_or_else(|| Refusal::new(Code::Malformed, format!("the layer has no annotation `{SIGNATURE}`")))?;
    let signature = base64_decode(signature).map_err(|error| Refusal::malformed(&error))?;
    let artifact = Artifact::from_bytes(bytes);
    let content = Signed::Message(&artifact);
    let verified = layer(annotations, &signature, content, terms, |key| artifact.verify(key, &signature))?;
    let payload = Payload::parse(bytes).map_err(|error| Refusal::malformed(&error))?;
    if payload.digest() != *subject {
        let message = format!("the signature is of `{}`", payload.digest());
        return Err(Refusal::new(Code::DigestMismatch, message));
    }
    identity(&verified, terms.trust)?;
    Ok((verified, payload))
}

/// Verifies a layer that is an envelope.
pub(super) fn envelope(
    envelope: &Envelope,
    annotations: &BTreeMap<String, String>,
    subject: &Digest,
    terms: Terms<'_>,
) -> Result<Verified, Refusal> {
    let pae = envelope.pae();
    let signed = Artifact::from_bytes(&pae);
    let mut result = Err(Refusal::new(Code::Malformed, "the envelope has no signature"));
    for signature in envelope.signatures.iter().take(MAX_SIGNATURES) {
        let signature = &signature.sig.0;
        let content = Signed::Envelope(envelope);
        result = layer(annotations, signature, content, terms, |key| signed.verify(key, signature));
        if result.is_ok() {
            break;
        }
    }
    let mut verified = result?;
    verified.statement = Some(statement(envelope, &Artifact::from_digest(subject))?);
    identity(&verified, terms.trust)?;
    Ok(verified)
}

fn identity(verified: &Verified, trust: Trust<'_>) -> Result<(), Refusal> {
    match (trust, &verified.signer) {
        (Trust::Identities(policies), Signer::Keyless(identity)) => check_any(identity, policies),
        _ => Ok(()),
    }
}

/// Verifies proofs and signature of a layer; what it says and who says it is left to the caller.
fn layer(
    annotations: &BTreeMap<String, String>,
    signature: &[u8],
    content: Signed<'_>,
    terms: Terms<'_>,
    verify: impl Fn(&crate::key::PublicKey) -> Result<(), Refusal>,
) -> Result<Verified, Refusal> {
    let certificates = certificates(annotations)?;
    let leaf = certificates.first();
    let mut times = Vec::new();
    if let Some(text) = annotations.get(TIMESTAMP).filter(|_| matches!(terms.trust, Trust::Identities(_))) {
        let wire: TimestampWire = serde_json::from_str(text).map_err(|error| Refusal::malformed(&error))?;
        times.push(timestamp::verify_response(&wire.signed.0, signature, &terms.root.timestamp_authorities)?);
    }
    let signer = match (terms.trust, leaf) {
        (Trust::Key(trusted), None) => EntrySigner::Key(&trusted.key),
        // A certificate beside a key is what the log was told.
        (Trust::Key(_) | Trust::Identities(_), Some(leaf)) => EntrySigner::Certificate(leaf.to_der()),
        (Trust::Identities(_), None) => {
            let message = "signed with a key, not with a certificate that names who signed";
            return Err(Refusal::new(Code::WrongIdentity, message));
        }
    };
    if let Trust::Key(trusted) = terms.trust {
        verify(&trusted.key).map_err(|refusal| other_key(refusal, leaf, trusted))?;
    }
    let mut log_index = None;
    match annotations.get(BUNDLE).filter(|text| !text.is_empty()) {
        Some(text) if terms.log != LogPolicy::Ignored => {
            let entry = entry(text)?;
            let expected = Expected { signer, signature, content };
            times.extend(rekor::verify(&entry, &expected, terms.root, &times, terms.now)?);
            log_index = Some(entry.log_index);
        }
        None if terms.log == LogPolicy::Required => {
            return Err(Refusal::new(Code::Log, "the signature has no entry of a transparency log"));
        }
        _ => {}
    }
    not_in_the_future(&times, terms.now)?;
    times.sort_unstable();
    let signed_at = times.first().copied();
    let signer = match (terms.trust, leaf) {
        (Trust::Key(trusted), _) => {
            trusted.check(&times, terms.now)?;
            Signer::Key { fingerprint: trusted.key.fingerprint_hex() }
        }
        (Trust::Identities(_), Some(leaf)) => {
            let now = [terms.now];
            let at = if times.is_empty() { now.as_slice() } else { times.as_slice() };
            // cosign adds the root to the chain; it proves nothing and is passed over.
            let others: Vec<Vec<u8>> = certificates
                .iter()
                .skip(1)
                .filter(|certificate| !certificate.is_self_issued())
                .map(|certificate| certificate.to_der().to_vec())
                .collect();
            let identity = certificate_at(leaf, &others, terms.root, at)?;
            verify(leaf.key().map_err(|error| Refusal::new(Code::Unsupported, error.to_string()))?)?;
            Signer::Keyless(identity)
        }
        (Trust::Identities(_), None) => {
            return Err(Refusal::new(Code::Certificate, "there is no certificate"));
        }
    };
    Ok(Verified { signer, signed_at, log_index, statement: None })
}

/// Says what is known of who signed instead.
fn other_key(refusal: Refusal, leaf: Option<&Certificate>, trusted: &TrustedKey) -> Refusal {
    if refusal.code != Code::BadSignature {
        return refusal;
    }
    let ours = trusted.key.fingerprint_hex();
    match leaf {
        Some(leaf) => {
            let who = fulcio::identity(leaf).map_or_else(|| leaf.subject_text(), |identity| identity.subject);
            Refusal::new(
                Code::WrongKey,
                format!("signed with a certificate of `{who}`, not with the key `{ours}`"),
            )
        }
        None => {
            Refusal::new(Code::BadSignature, format!("the signature does not verify with the key `{ours}`"))
        }
    }
}

fn certificates(annotations: &BTreeMap<String, String>) -> Result<Vec<Certificate>, Refusal> {
    let mut certificates = Vec::new();
    for name in [CERTIFICATE, CHAIN] {
        if let Some(text) = annotations.get(name).filter(|text| !text.trim().is_empty()) {
            certificates.extend(Certificate::from_pem(text).map_err(|error| Refusal::malformed(&error))?);
        } else if name == CERTIFICATE {
            break;
        }
    }
    certificates.truncate(crate::bundle::MAX_PROOFS);
    Ok(certificates)
}

fn entry(text: &str) -> Result<LogEntry, Refusal> {
    let bundle: RekorBundle = serde_json::from_str(text).map_err(|error| Refusal::malformed(&error))?;
    let kind: BodyKind =
        serde_json::from_slice(&bundle.payload.body.0).map_err(|error| Refusal::malformed(&error))?;
    let id = hex_decode(&bundle.payload.log_id)
        .ok_or_else(|| Refusal::new(Code::Malformed, "the log's identifier is not hexadecimal"))?;
    Ok(LogEntry {
        log_index: bundle.payload.log_index,
        log_id: LogId { key_id: Base64(id) },
        kind_version: KindVersion { kind: kind.kind, version: kind.api_version },
        integrated_time: bundle.payload.integrated_time,
        inclusion_promise: Some(InclusionPromise { signed_entry_timestamp: bundle.signed_entry_timestamp }),
        inclusion_proof: None,
        canonicalized_body: bundle.payload.body,
    })
}
