//! One Sigstore bundle, against one key or a set of identities.
//!
//! The steps follow Sigstore's client specification, section 4
//! (<https://github.com/sigstore/architecture-docs/blob/main/client-spec.md>): timestamps, log entries, the certificate at every
//! proven time, the signature, the content, and the identity last, so that what a refusal says about the identity is proven.

use super::identity::check_any;
use super::{Artifact, Code, IdentityPolicy, Refusal, Signer, TrustedKey, Verified, not_in_the_future};
use crate::bundle::{Bundle, Content, KeyMaterial};
use crate::certificate::chain::{self, NoPath, Wanted};
use crate::certificate::{CODE_SIGNING, Certificate, fulcio, sct};
use crate::dsse::{Envelope, IN_TOTO};
use crate::encoding::hex;
use crate::key::{Hash, PublicKey, Scheme};
use crate::rekor;
use crate::rekor::body::{Expected, Signed, Signer as EntrySigner};
use crate::statement::Statement;
use crate::timestamp;
use crate::trust::TrustedRoot;
use assay_model::Timestamp;

/// What a transparency log has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPolicy {
    /// There must be an entry, and every entry must hold.
    Required,
    /// There may be none; every entry must hold.
    WhenPresent,
    /// Entries are not looked at.
    Ignored,
}

/// Whose signature counts.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// That of a key.
    Key(&'a TrustedKey),
    /// That of someone to whom an instance of Sigstore gave a certificate.
    Identities(&'a [IdentityPolicy]),
}

/// Verifies a bundle.
pub fn bundle(
    bundle: &Bundle,
    artifact: &Artifact<'_>,
    trust: Trust<'_>,
    root: &TrustedRoot,
    log: LogPolicy,
    now: Timestamp,
) -> Result<Verified, Refusal> {
    let signature = bundle.signature();
    let leaf = match trust {
        Trust::Key(trusted) => {
            key_material(bundle, trusted)?;
            None
        }
        Trust::Identities(_) => Some(leaf(bundle)?),
    };
    let stamped = timestamps(bundle, root, log, leaf.is_some())?;
    let (integrated, log_index) = entries(bundle, artifact, trust, root, log, (&stamped, now))?;
    let mut times = stamped;
    times.extend(integrated);
    times.sort_unstable();
    not_in_the_future(&times, now)?;

    let (signer, identity) = match (trust, &leaf) {
        (Trust::Identities(_), Some(leaf)) => {
            let identity =
                certificate_at(leaf, bundle.certificates().get(1..).unwrap_or_default(), root, &times)?;
            let key = leaf.key().map_err(|error| Refusal::new(Code::Unsupported, error.to_string()))?;
            content_signature(bundle, artifact, key, signature)?;
            (Signer::Keyless(identity.clone()), Some(identity))
        }
        (Trust::Key(trusted), _) => {
            content_signature(bundle, artifact, &trusted.key, signature)?;
            trusted.check(&times, now)?;
            (Signer::Key { fingerprint: trusted.key.fingerprint_hex() }, None)
        }
        (Trust::Identities(_), None) => {
            return Err(Refusal::new(Code::Certificate, "the bundle has no certificate"));
        }
    };
    let statement = content(bundle, artifact)?;
    if let (Trust::Identities(policies), Some(identity)) = (trust, &identity) {
        check_any(identity, policies)?;
    }
    Ok(Verified { signer, signed_at: times.first().copied(), log_index, statement })
}

/// Tells whether the artifact itself is needed, not only its digests: for a signature that Ed25519 made of all of it.
pub fn needs_content(bundle: &Bundle, trust: Trust<'_>) -> bool {
    let whole = |key: &PublicKey| key.sigstore_schemes().contains(&Scheme::Ed25519);
    let signs = match trust {
        Trust::Key(trusted) => whole(&trusted.key),
        Trust::Identities(_) => leaf(bundle).is_ok_and(|leaf| leaf.key().is_ok_and(whole)),
    };
    signs && matches!(bundle.content, Content::Message(_))
}

/// Checks that the bundle is one that is verified with a key, and not plainly with another.
fn key_material(bundle: &Bundle, trusted: &TrustedKey) -> Result<(), Refusal> {
    match &bundle.key {
        KeyMaterial::PublicKey { hint } => {
            // A hint in the usual form that names another key saves a riddle: the signature would just not verify.
            let hinted = crate::encoding::base64_decode(hint).ok().filter(|bytes| bytes.len() == 32);
            match hinted {
                Some(hinted) if hinted != trusted.key.fingerprint() => {
                    let message = format!(
                        "signed with key `{}`, not with `{}`",
                        hex(&hinted),
                        trusted.key.fingerprint_hex()
                    );
                    Err(Refusal::new(Code::WrongKey, message))
                }
                _ => Ok(()),
            }
        }
        KeyMaterial::Certificate(_) | KeyMaterial::Chain(_) => {
            let who = leaf(bundle).ok().and_then(|leaf| fulcio::identity(&leaf));
            let who = who.map_or_else(String::new, |identity| format!(" of `{}`", identity.subject));
            Err(Refusal::new(Code::WrongKey, format!("signed with a certificate{who}, not with the key")))
        }
    }
}

fn leaf(bundle: &Bundle) -> Result<Certificate, Refusal> {
    let Some(der) = bundle.certificates().first() else {
        let message = "signed with a key, not with a certificate that names who signed";
        return Err(Refusal::new(Code::WrongIdentity, message));
    };
    Certificate::from_der(der).map_err(|error| Refusal::malformed(&error))
}

/// Verifies every timestamp: one that does not hold is a sign of tampering, whatever else is there.
fn timestamps(
    bundle: &Bundle,
    root: &TrustedRoot,
    log: LogPolicy,
    keyless: bool,
) -> Result<Vec<Timestamp>, Refusal> {
    // With a key alone nothing depends on the time, and the authority may be one's own.
    if !keyless && (log == LogPolicy::Ignored || root.timestamp_authorities.is_empty()) {
        return Ok(Vec::new());
    }
    let mut times = Vec::new();
    for (index, token) in bundle.timestamps.iter().enumerate() {
        if bundle.timestamps.iter().take(index).any(|other| other == token) {
            return Err(Refusal::new(Code::Timestamp, "the bundle holds the same timestamp twice"));
        }
        times.push(timestamp::verify_response(token, bundle.signature(), &root.timestamp_authorities)?);
    }
    Ok(times)
}

/// Verifies every log entry and returns the times that the logs vouch for, and the first index.
fn entries(
    bundle: &Bundle,
    artifact: &Artifact<'_>,
    trust: Trust<'_>,
    root: &TrustedRoot,
    log: LogPolicy,
    (stamped, now): (&[Timestamp], Timestamp),
) -> Result<(Vec<Timestamp>, Option<i64>), Refusal> {
    if log == LogPolicy::Ignored {
        return Ok((Vec::new(), None));
    }
    if bundle.entries.is_empty() && log == LogPolicy::Required {
        return Err(Refusal::new(Code::Log, "the bundle has no entry of a transparency log"));
    }
    let expected = Expected {
        signer: match trust {
            Trust::Key(trusted) => EntrySigner::Key(&trusted.key),
            Trust::Identities(_) => {
                EntrySigner::Certificate(bundle.certificates().first().map_or(&[], Vec::as_slice))
            }
        },
        signature: bundle.signature(),
        content: match &bundle.content {
            Content::Dsse(envelope) => Signed::Envelope(envelope),
            Content::Message(_) => Signed::Message(artifact),
        },
    };
    let mut times = Vec::new();
    for (index, entry) in bundle.entries.iter().enumerate() {
        let same = |other: &&crate::bundle::LogEntry| {
            other.log_id == entry.log_id && other.log_index == entry.log_index
        };
        if bundle.entries.iter().take(index).any(|other| same(&other)) {
            return Err(Refusal::new(Code::Log, "the bundle holds the same log entry twice"));
        }
        times.extend(rekor::verify(entry, &expected, root, stamped, now)?);
    }
    Ok((times, bundle.entries.first().map(|entry| entry.log_index)))
}

/// Verifies the certificate at every proven time and returns who it was given to.
pub(super) fn certificate_at(
    leaf: &Certificate,
    others: &[Vec<u8>],
    root: &TrustedRoot,
    times: &[Timestamp],
) -> Result<fulcio::Identity, Refusal> {
    let issuer = issuer(leaf, others, root, times)?;
    // An instance without a log of certificates cannot have its certificates logged, such as that of GitHub's attestations.
    if !root.certificate_logs.is_empty() || sct::is_logged(leaf) {
        sct::verify(leaf, &issuer, &root.certificate_logs)?;
    }
    fulcio::identity(leaf).ok_or_else(|| {
        Refusal::new(
            Code::Certificate,
            "the certificate does not name one signer and who vouches for the name",
        )
    })
}

/// Returns the certificate that issued `leaf`, on a path that was valid at every time.
fn issuer(
    leaf: &Certificate,
    others: &[Vec<u8>],
    root: &TrustedRoot,
    times: &[Timestamp],
) -> Result<Certificate, Refusal> {
    if times.is_empty() {
        let message = "nothing proves when it was signed: neither a log's promise nor a timestamp";
        return Err(Refusal::new(Code::Timestamp, message));
    }
    let mut given = Vec::new();
    for der in others {
        let certificate = Certificate::from_der(der).map_err(|error| Refusal::malformed(&error))?;
        if certificate.is_self_issued() {
            return Err(Refusal::new(Code::Certificate, "the bundle carries a root certificate"));
        }
        given.push(certificate);
    }
    let mut issuer = None;
    for &time in times {
        let mut problem: Refusal = NoPath::Untrusted(leaf.subject_text()).into();
        let mut found = None;
        for authority in &root.authorities {
            let Some(anchor) = authority.chain.last() else { continue };
            let intermediates: Vec<Certificate> = authority.chain.iter().chain(&given).cloned().collect();
            let wanted = Wanted {
                intermediates: &intermediates,
                anchors: std::slice::from_ref(anchor),
                time,
                purpose: CODE_SIGNING,
            };
            match chain::path(leaf, wanted) {
                Ok(_) if !authority.valid.contains(time) => {
                    let message =
                        format!("signed at {time}, when the certificate's authority was not trusted");
                    problem = Refusal::new(Code::Certificate, message);
                }
                Ok(path) => {
                    found = path.into_iter().nth(1);
                    break;
                }
                Err(NoPath::Untrusted(_)) => {}
                Err(error) => problem = error.into(),
            }
        }
        // A leaf that is an anchor itself has no issuer, and is none of Fulcio's.
        issuer = Some(found.ok_or(problem)?);
    }
    issuer.ok_or_else(|| Refusal::new(Code::Certificate, "the certificate has no issuer"))
}

fn content_signature(
    bundle: &Bundle,
    artifact: &Artifact<'_>,
    key: &PublicKey,
    signature: &[u8],
) -> Result<(), Refusal> {
    match &bundle.content {
        Content::Dsse(envelope) => envelope_signature(envelope, key, signature),
        Content::Message(message) => {
            if let Some(claimed) = &message.message_digest {
                let hash = match claimed.algorithm.as_str() {
                    "SHA2_256" => Hash::Sha256,
                    "SHA2_384" => Hash::Sha384,
                    "SHA2_512" => Hash::Sha512,
                    other => {
                        let message = format!(
                            "digests of kind `{}` are not known",
                            other.chars().take(40).collect::<String>()
                        );
                        return Err(Refusal::new(Code::Unsupported, message));
                    }
                };
                if artifact.digest(hash).is_some_and(|ours| ours != claimed.digest.0) {
                    return Err(Refusal::new(Code::DigestMismatch, "the signature is of another artifact"));
                }
            }
            artifact.verify(key, signature)
        }
    }
}

/// Verifies the signature of an envelope.
fn envelope_signature(envelope: &Envelope, key: &PublicKey, signature: &[u8]) -> Result<(), Refusal> {
    Artifact::from_bytes(&envelope.pae()).verify(key, signature)
}

/// Reads what was signed and checks that it is about the artifact.
fn content(bundle: &Bundle, artifact: &Artifact<'_>) -> Result<Option<Statement>, Refusal> {
    match &bundle.content {
        Content::Message(_) => Ok(None),
        Content::Dsse(envelope) => statement(envelope, artifact).map(Some),
    }
}

/// Reads the statement of an envelope and checks that it is about the artifact.
pub(super) fn statement(envelope: &Envelope, artifact: &Artifact<'_>) -> Result<Statement, Refusal> {
    if envelope.payload_type != IN_TOTO {
        let kind: String = envelope.payload_type.chars().take(120).collect();
        return Err(Refusal::new(Code::Unsupported, format!("payloads of type `{kind}` are not known")));
    }
    let statement = Statement::parse(&envelope.payload.0).map_err(|error| Refusal::malformed(&error))?;
    artifact.subject_of(&statement)?;
    Ok(statement)
}
