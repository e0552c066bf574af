//! The one verifier of images: every candidate against every trust root, whatever format it has and wherever it was found.
//!
//! All candidates are tried before an image is called unsigned; what any of them proves counts, and for what none proves there is
//! the reason of each. A signature is a signature only when it says so: an attestation by the same signer, such as of a failed
//! scan, is not one.

use super::legacy::{self, Terms};
use super::notation::{Target, notation};
use super::outcome::{self, CandidateOutcome, Judgement, Outcome, RootOutcome};
use super::{
    Artifact, Candidate, Code, Format, IdentityPolicy, LogPolicy, NotationTrust, Refusal, Trust, TrustedKey,
    Verified, bundle,
};
use crate::bundle::{Bundle, Content, MAX_BYTES};
use crate::dsse::Envelope;
use crate::notation::NotationEnvelope;
use crate::statement::{SIGN, Statement};
use crate::trust::TrustedRoot;
use assay_model::{Digest, Timestamp};
use std::collections::BTreeMap;

/// The most candidates of one image that are looked at: whoever can push can add more.
pub const MAX_CANDIDATES: usize = 256;

/// Whom to trust, under a name.
#[derive(Debug, Clone)]
pub struct TrustRoot {
    /// What messages call it.
    pub name: String,
    /// Keys that are trusted.
    pub keys: Vec<TrustedKey>,
    /// What a log must say about signatures by the keys.
    pub key_log: LogPolicy,
    /// Identities that are trusted.
    pub keyless: Keyless,
    /// The instance of Sigstore whose logs and authorities are trusted.
    pub sigstore: TrustedRoot,
    /// What is trusted for Notary Project signatures.
    pub notation: Option<NotationTrust>,
}

/// Identities that are trusted.
#[derive(Debug, Clone)]
pub struct Keyless {
    /// One of them must fit; none are trusted when there are none.
    pub identities: Vec<IdentityPolicy>,
    /// What a log must say about their signatures.
    pub log: LogPolicy,
}

impl TrustRoot {
    /// Returns a trust root that trusts nobody yet.
    pub fn new(name: impl Into<String>, sigstore: TrustedRoot) -> Self {
        Self {
            name: name.into(),
            keys: Vec::new(),
            key_log: LogPolicy::WhenPresent,
            keyless: Keyless { identities: Vec::new(), log: LogPolicy::Required },
            sigstore,
            notation: None,
        }
    }
}

/// What evidence is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A signature.
    Signature,
    /// An attestation of one of these predicate types; of any when there are none.
    Attestation(Vec<String>),
    /// A signature or an attestation, to be told apart by whoever asks.
    Anything,
}

impl Wanted {
    /// Checks that what is proven is of the wanted kind; evidence without a statement is a signature.
    ///
    /// # Errors
    /// Fails when it claims something else.
    pub fn accept(&self, statement: Option<&Statement>) -> Result<(), Refusal> {
        let claimed = statement.map(|statement| statement.predicate_type.as_str());
        let wrong = |message: String| Err(Refusal::new(Code::WrongPredicate, message));
        match (self, claimed) {
            (Self::Anything, _) | (Self::Signature, None | Some(SIGN)) => Ok(()),
            (Self::Signature, Some(other)) => {
                wrong(format!("an attestation of `{}`, not a signature (`{SIGN}`)", shortened(other)))
            }
            (Self::Attestation(_), None | Some(SIGN)) => wrong("a signature, not an attestation".to_owned()),
            (Self::Attestation(types), Some(other)) => {
                if types.is_empty() || types.iter().any(|wanted| wanted == other) {
                    return Ok(());
                }
                let types: Vec<String> = types.iter().map(|wanted| format!("`{wanted}`")).collect();
                wrong(format!("an attestation of `{}`, not of {}", shortened(other), types.join(" or ")))
            }
        }
    }
}

/// Returns a text as far as people read it: anybody can write a megabyte into a predicate's type.
fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

/// What is to be proven.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The digest of the manifest or index.
    pub subject: &'a Digest,
    /// Its media type, where it is known; Notary Project signatures name it.
    pub media_type: Option<&'a str>,
    /// Its size, where it is known.
    pub size: Option<u64>,
    /// What evidence counts.
    pub wanted: Wanted,
    /// Annotations that a signature must have.
    pub annotations: BTreeMap<String, String>,
    /// What the predicate must hold, by JSON pointers (RFC 6901).
    pub values: BTreeMap<String, String>,
    /// How many distinct signers there must be.
    pub threshold: usize,
}

impl<'a> Request<'a> {
    /// Returns a request for one signature.
    pub fn signature(subject: &'a Digest) -> Self {
        Self {
            subject,
            media_type: None,
            size: None,
            wanted: Wanted::Signature,
            annotations: BTreeMap::new(),
            values: BTreeMap::new(),
            threshold: 1,
        }
    }
}

/// Verifies the evidence for an image.
pub fn image(
    request: &Request<'_>,
    candidates: &[Candidate],
    roots: &[TrustRoot],
    now: Timestamp,
) -> Outcome {
    let judged: Vec<CandidateOutcome> = candidates
        .iter()
        .take(MAX_CANDIDATES)
        .map(|candidate| {
            let evidence = Evidence::read(candidate);
            CandidateOutcome {
                found: candidate.found.clone(),
                format: Format::of(&candidate.media_type),
                predicate_type: evidence.as_ref().ok().and_then(Evidence::predicate_type),
                roots: roots
                    .iter()
                    .map(|root| RootOutcome {
                        root: root.name.clone(),
                        judgement: match &evidence {
                            Ok(evidence) => judge(evidence, candidate, request, root, now).into(),
                            Err(refusal) => Judgement::Refused(refusal.clone()),
                        },
                    })
                    .collect(),
            }
        })
        .collect();
    outcome::conclude(request, judged, candidates.len().saturating_sub(MAX_CANDIDATES))
}

/// A candidate, read as what it is.
enum Evidence {
    Bundle(Box<Bundle>),
    SimpleSigning,
    Dsse(Box<Envelope>),
    Notation(Box<NotationEnvelope>),
}

impl Evidence {
    fn read(candidate: &Candidate) -> Result<Self, Refusal> {
        if candidate.bytes.len() > MAX_BYTES {
            return Err(Refusal::new(Code::Unsupported, format!("larger than {MAX_BYTES} bytes")));
        }
        let bytes = &candidate.bytes;
        let malformed = |error: &dyn std::error::Error| Refusal::malformed(error);
        Ok(match Format::of(&candidate.media_type) {
            Format::Bundle => {
                Self::Bundle(Box::new(Bundle::parse(bytes).map_err(|error| malformed(&error))?))
            }
            Format::SimpleSigning => Self::SimpleSigning,
            Format::Dsse => Self::Dsse(Box::new(Envelope::parse(bytes).map_err(|error| malformed(&error))?)),
            Format::NotationJws => Self::Notation(Box::new(
                NotationEnvelope::from_jws(bytes).map_err(|error| malformed(&error))?,
            )),
            Format::NotationCose => Self::Notation(Box::new(
                NotationEnvelope::from_cose(bytes).map_err(|error| malformed(&error))?,
            )),
            Format::Unknown => {
                let kind: String = candidate.media_type.chars().take(120).collect();
                return Err(Refusal::new(
                    Code::Unsupported,
                    format!("evidence of type `{kind}` is not known"),
                ));
            }
        })
    }

    /// Returns what it claims to claim, shortened: nobody vouches for it.
    fn predicate_type(&self) -> Option<String> {
        let payload = match self {
            Self::Bundle(bundle) => match &bundle.content {
                Content::Dsse(envelope) => &envelope.payload.0,
                Content::Message(_) => return None,
            },
            Self::Dsse(envelope) => &envelope.payload.0,
            Self::SimpleSigning | Self::Notation(_) => return None,
        };
        Statement::parse(payload).ok().map(|statement| shortened(&statement.predicate_type))
    }
}

/// Judges one candidate by one root: by its keys, then its identities, then its trust stores. The nearest miss is told.
fn judge(
    evidence: &Evidence,
    candidate: &Candidate,
    request: &Request<'_>,
    root: &TrustRoot,
    now: Timestamp,
) -> Result<Verified, Refusal> {
    if let Evidence::Notation(envelope) = evidence {
        let Some(trust) = &root.notation else {
            let message = "a Notary Project signature, for which no trust store is given";
            return Err(Refusal::new(Code::Unsupported, message));
        };
        let target = Target { digest: request.subject, media_type: request.media_type, size: request.size };
        let (verified, artifact) = notation(envelope, target, trust, now)?;
        let annotations = artifact.annotations.into_iter().map(|(key, value)| (key, value.into())).collect();
        return wanted(verified, &annotations, request);
    }
    let keyless =
        (!root.keyless.identities.is_empty()).then_some(Trust::Identities(&root.keyless.identities));
    let mut nearest: Option<Refusal> = None;
    for trust in root.keys.iter().map(Trust::Key).chain(keyless) {
        let log = if matches!(trust, Trust::Key(_)) { root.key_log } else { root.keyless.log };
        let terms = Terms { trust, root: &root.sigstore, log, now };
        match judge_by(evidence, candidate, request, terms) {
            Ok(verified) => return Ok(verified),
            Err(refusal) => nearest = Some(refusal.or_nearer(nearest)),
        }
    }
    let nobody = || Refusal::new(Code::Unsupported, format!("`{}` trusts no key and no identity", root.name));
    Err(nearest.unwrap_or_else(nobody))
}

fn judge_by(
    evidence: &Evidence,
    candidate: &Candidate,
    request: &Request<'_>,
    terms: Terms<'_>,
) -> Result<Verified, Refusal> {
    match evidence {
        Evidence::Bundle(parsed) => {
            let artifact = Artifact::from_digest(request.subject);
            let verified = bundle(parsed, &artifact, terms.trust, terms.root, terms.log, terms.now)?;
            let annotations = verified
                .statement
                .iter()
                .flat_map(|statement| &statement.subject)
                .filter(|subject| subject.is(request.subject))
                .flat_map(|subject| subject.annotations.clone())
                .collect();
            wanted(verified, &annotations, request)
        }
        Evidence::SimpleSigning => {
            let (verified, payload) =
                legacy::simple_signing(&candidate.bytes, &candidate.annotations, request.subject, terms)?;
            let annotations =
                payload.annotations().map(|(key, value)| (key.to_owned(), value.clone())).collect();
            wanted(verified, &annotations, request)
        }
        Evidence::Dsse(envelope) => {
            let verified = legacy::envelope(envelope, &candidate.annotations, request.subject, terms)?;
            wanted(verified, &BTreeMap::new(), request)
        }
        Evidence::Notation(_) => Err(Refusal::new(Code::Unsupported, "a Notary Project signature")),
    }
}

/// Checks that what is proven is what was asked for.
fn wanted(
    verified: Verified,
    annotations: &BTreeMap<String, serde_json::Value>,
    request: &Request<'_>,
) -> Result<Verified, Refusal> {
    request.wanted.accept(verified.statement.as_ref())?;
    for (pointer, want) in &request.values {
        let predicate = verified.statement.as_ref().map(|statement| &statement.predicate);
        let have = predicate.and_then(|predicate| predicate.pointer(pointer)).map(text);
        if have.as_ref() != Some(want) {
            let have = have.map_or_else(|| "nothing".to_owned(), |have| format!("`{}`", shortened(&have)));
            let message = format!("the predicate's `{pointer}`: have {have}, want `{want}`");
            return Err(Refusal::new(Code::WrongPredicate, message));
        }
    }
    for (key, want) in &request.annotations {
        let have = annotations.get(key).map(text);
        if have.as_ref() != Some(want) {
            let have = have
                .map_or_else(|| "no such annotation".to_owned(), |have| format!("`{}`", shortened(&have)));
            return Err(Refusal::new(
                Code::WrongAnnotation,
                format!("annotation `{key}`: have {have}, want `{want}`"),
            ));
        }
    }
    Ok(verified)
}

fn text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
