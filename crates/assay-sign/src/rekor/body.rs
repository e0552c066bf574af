//! The body of a log entry: which key signed what. It must name the key, the signature and the content that are at hand.
//!
//! <https://github.com/sigstore/rekor/tree/main/pkg/types>. Known are `hashedrekord` 0.0.1 and 0.0.2, `dsse` 0.0.1 and `intoto`
//! 0.0.2; Rekor 2 has the second only. Surprising: a `hashedrekord` of an envelope holds the hash of the envelope's encoding, and
//! `intoto` holds base64 of base64.

use crate::bundle::LogEntry;
use crate::dsse::Envelope;
use crate::encoding::{Base64, base64_decode, hex_decode};
use crate::key::{Hash, PublicKey};
use crate::pem;
use crate::verify::Artifact;
use serde::Deserialize;

/// What an entry must be about.
#[derive(Debug)]
pub(crate) struct Expected<'a> {
    /// The signer.
    pub(crate) signer: Signer<'a>,
    pub(crate) signature: &'a [u8],
    pub(crate) content: Signed<'a>,
}

/// Who signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signer<'a> {
    Key(&'a PublicKey),
    /// A certificate in DER.
    Certificate(&'a [u8]),
}

/// What was signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signed<'a> {
    Envelope(&'a Envelope),
    Message(&'a Artifact<'a>),
}

/// How an entry differs from what it should be about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyMismatch {
    /// It cannot be read.
    #[error("the log entry's body is malformed")]
    Malformed,
    /// It is of a kind that is not known.
    #[error("log entries of kind `{0}` are not known")]
    Kind(String),
    /// It is of another signature.
    #[error("the log entry is of another signature")]
    Signature,
    /// It is of another signer.
    #[error("the log entry is of another key or certificate")]
    Signer,
    /// It is of another content.
    #[error("the log entry is of another content")]
    Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    api_version: String,
    kind: String,
    spec: serde_json::Value,
}

#[derive(Deserialize)]
struct HashedRekord {
    data: HashedData,
    signature: SignatureWithKey,
}

#[derive(Deserialize)]
struct HashedData {
    hash: HashValue,
}

#[derive(Deserialize)]
struct HashValue {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureWithKey {
    content: Base64,
    public_key: KeyContent,
}

#[derive(Deserialize)]
struct KeyContent {
    content: Base64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HashedRekord2 {
    hashed_rekord_v002: HashedRekord2Spec,
}

#[derive(Deserialize)]
struct HashedRekord2Spec {
    data: Data2,
    signature: Signature2,
}

#[derive(Deserialize)]
struct Data2 {
    algorithm: String,
    digest: Base64,
}

#[derive(Deserialize)]
struct Signature2 {
    content: Base64,
    verifier: Verifier2,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verifier2 {
    x509_certificate: Option<RawBytes>,
    public_key: Option<RawBytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBytes {
    raw_bytes: Base64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dsse {
    payload_hash: HashValue,
    signatures: Vec<DsseSignature>,
}

#[derive(Deserialize)]
struct DsseSignature {
    signature: Base64,
    verifier: Base64,
}

#[derive(Deserialize)]
struct InToto {
    content: InTotoContent,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InTotoContent {
    envelope: InTotoEnvelope,
    payload_hash: Option<HashValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InTotoEnvelope {
    payload: Option<Base64>,
    payload_type: String,
    signatures: Vec<InTotoSignature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InTotoSignature {
    sig: Base64,
    public_key: Base64,
}

/// Verifies that the body of an entry is about what is expected.
pub(super) fn verify(entry: &LogEntry, expected: &Expected<'_>) -> Result<(), BodyMismatch> {
    let body: Body =
        serde_json::from_slice(&entry.canonicalized_body.0).map_err(|_| BodyMismatch::Malformed)?;
    if body.kind != entry.kind_version.kind || body.api_version != entry.kind_version.version {
        return Err(BodyMismatch::Malformed);
    }
    match (body.kind.as_str(), body.api_version.as_str()) {
        ("hashedrekord", "0.0.1") => hashed_rekord(&read(body.spec)?, expected),
        ("hashedrekord", "0.0.2") => {
            hashed_rekord_2(&read::<HashedRekord2>(body.spec)?.hashed_rekord_v002, expected)
        }
        ("dsse", "0.0.1") => dsse(&read(body.spec)?, expected),
        ("intoto", "0.0.2") => in_toto(&read::<InToto>(body.spec)?.content, expected),
        (kind, version) => Err(BodyMismatch::Kind(format!("{kind} {version}").chars().take(80).collect())),
    }
}

fn read<T: serde::de::DeserializeOwned>(spec: serde_json::Value) -> Result<T, BodyMismatch> {
    serde_json::from_value(spec).map_err(|_| BodyMismatch::Malformed)
}

fn hashed_rekord(spec: &HashedRekord, expected: &Expected<'_>) -> Result<(), BodyMismatch> {
    same_signature(&spec.signature.content.0, expected)?;
    same_signer_pem(&spec.signature.public_key.content.0, expected)?;
    let (hash, digest) = hash_value(&spec.data.hash)?;
    same_hash(hash, &digest, expected)
}

fn hashed_rekord_2(spec: &HashedRekord2Spec, expected: &Expected<'_>) -> Result<(), BodyMismatch> {
    same_signature(&spec.signature.content.0, expected)?;
    let verifier = &spec.signature.verifier;
    let same = match (&verifier.x509_certificate, &verifier.public_key, expected.signer) {
        (Some(raw), None, Signer::Certificate(certificate)) => raw.raw_bytes.0 == certificate,
        (None, Some(raw), Signer::Key(key)) => raw.raw_bytes.0 == key.to_der(),
        _ => false,
    };
    if !same {
        return Err(BodyMismatch::Signer);
    }
    let hash = match spec.data.algorithm.as_str() {
        "SHA2_256" => Hash::Sha256,
        "SHA2_384" => Hash::Sha384,
        "SHA2_512" => Hash::Sha512,
        _ => return Err(BodyMismatch::Content),
    };
    same_hash(hash, &spec.data.digest.0, expected)
}

fn dsse(spec: &Dsse, expected: &Expected<'_>) -> Result<(), BodyMismatch> {
    let Signed::Envelope(envelope) = expected.content else { return Err(BodyMismatch::Content) };
    let [signature] = spec.signatures.as_slice() else { return Err(BodyMismatch::Signature) };
    same_signature(&signature.signature.0, expected)?;
    same_signer_pem(&signature.verifier.0, expected)?;
    same_payload(&spec.payload_hash, envelope)
}

fn in_toto(content: &InTotoContent, expected: &Expected<'_>) -> Result<(), BodyMismatch> {
    let Signed::Envelope(envelope) = expected.content else { return Err(BodyMismatch::Content) };
    let [signature] = content.envelope.signatures.as_slice() else { return Err(BodyMismatch::Signature) };
    same_signature(&unwrap_base64(&signature.sig.0, BodyMismatch::Signature)?, expected)?;
    same_signer_pem(&signature.public_key.0, expected)?;
    if content.envelope.payload_type != envelope.payload_type {
        return Err(BodyMismatch::Content);
    }
    if let Some(payload) = &content.envelope.payload
        && unwrap_base64(&payload.0, BodyMismatch::Content)? != envelope.payload.0
    {
        return Err(BodyMismatch::Content);
    }
    // The log keeps the payload's hash, and the payload only where it was small.
    match &content.payload_hash {
        Some(hash) => same_payload(hash, envelope),
        None if content.envelope.payload.is_some() => Ok(()),
        None => Err(BodyMismatch::Content),
    }
}

fn unwrap_base64(text: &[u8], mismatch: BodyMismatch) -> Result<Vec<u8>, BodyMismatch> {
    std::str::from_utf8(text).ok().and_then(|text| base64_decode(text).ok()).ok_or(mismatch)
}

fn same_payload(hash: &HashValue, envelope: &Envelope) -> Result<(), BodyMismatch> {
    let (hash, digest) = hash_value(hash)?;
    if hash.of(&envelope.payload.0) == digest { Ok(()) } else { Err(BodyMismatch::Content) }
}

fn same_hash(hash: Hash, digest: &[u8], expected: &Expected<'_>) -> Result<(), BodyMismatch> {
    let same = match expected.content {
        Signed::Envelope(envelope) => hash.of(&envelope.pae()) == digest,
        Signed::Message(artifact) => artifact.digest(hash).is_some_and(|known| known == digest),
    };
    if same { Ok(()) } else { Err(BodyMismatch::Content) }
}

fn hash_value(value: &HashValue) -> Result<(Hash, Vec<u8>), BodyMismatch> {
    let hash = match value.algorithm.as_str() {
        "sha256" => Hash::Sha256,
        "sha384" => Hash::Sha384,
        "sha512" => Hash::Sha512,
        _ => return Err(BodyMismatch::Content),
    };
    Ok((hash, hex_decode(&value.value).ok_or(BodyMismatch::Malformed)?))
}

fn same_signature(signature: &[u8], expected: &Expected<'_>) -> Result<(), BodyMismatch> {
    if signature == expected.signature { Ok(()) } else { Err(BodyMismatch::Signature) }
}

fn same_signer_pem(text: &[u8], expected: &Expected<'_>) -> Result<(), BodyMismatch> {
    let text = std::str::from_utf8(text).map_err(|_| BodyMismatch::Malformed)?;
    let blocks = pem::decode(text).map_err(|_| BodyMismatch::Malformed)?;
    let [block] = blocks.as_slice() else { return Err(BodyMismatch::Signer) };
    let same = match (block.label.as_str(), expected.signer) {
        ("CERTIFICATE", Signer::Certificate(certificate)) => block.bytes == certificate,
        ("PUBLIC KEY" | "RSA PUBLIC KEY", Signer::Key(key)) => PublicKey::from_pem(text).as_ref() == Ok(key),
        _ => false,
    };
    if same { Ok(()) } else { Err(BodyMismatch::Signer) }
}
