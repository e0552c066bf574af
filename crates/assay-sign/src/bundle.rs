//! The Sigstore bundle: a signature and everything needed to verify it offline, in one JSON document.
//!
//! <https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto>, in proto3's JSON form. Versions 0.1 to 0.3
//! are read, 0.3 is written. Surprising: an entry of the log has two indexes, one in the whole log and one in the shard's tree;
//! fields that are zero are left out; and which proofs are mandatory depends on the version.

use crate::dsse::Envelope;
use crate::encoding::{Base64, int64};
use serde::{Deserialize, Serialize};

/// The media type of what is written.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// What the media type of every version starts with.
pub const MEDIA_TYPE_PREFIX: &str = "application/vnd.dev.sigstore.bundle";

/// The most entries, timestamps or certificates a bundle may carry: the limit of Sigstore's own Go library, as each costs
/// signatures to verify.
pub const MAX_PROOFS: usize = 32;
/// The largest bundle that is read: attestations of whole bills of materials are some megabytes.
pub const MAX_BYTES: usize = 32 << 20;

/// A version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Entries carry a promise of inclusion.
    V0_1,
    /// Entries carry a proof of inclusion.
    V0_2,
    /// There is one certificate instead of a chain.
    V0_3,
}

/// A signature with what is needed to verify it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Bundle {
    /// The version that it was written in.
    pub version: Version,
    /// What identifies the signer.
    pub key: KeyMaterial,
    /// Entries of transparency logs.
    pub entries: Vec<LogEntry>,
    /// Timestamps of RFC 3161, each a `TimeStampResp` in DER.
    pub timestamps: Vec<Vec<u8>>,
    /// What is signed, and the signature.
    pub content: Content,
}

/// What identifies the signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// A key that the verifier has, with a hint which.
    PublicKey {
        /// Usually the base64 of the SHA-256 of the key's DER; proves nothing.
        hint: String,
    },
    /// A certificate in DER.
    Certificate(Vec<u8>),
    /// A certificate and its issuers in DER, the signer's first.
    Chain(Vec<Vec<u8>>),
}

/// What is signed, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An envelope, which holds the payload.
    Dsse(Envelope),
    /// The signature of an artifact that is elsewhere.
    Message(MessageSignature),
}

/// The signature of an artifact that is elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageSignature {
    /// Which artifact it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_digest: Option<MessageDigest>,
    /// The signature.
    pub signature: Base64,
}

/// The digest of a signed artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDigest {
    /// `SHA2_256`, `SHA2_384` or `SHA2_512`; cosign leaves both empty for keys of Ed25519.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub algorithm: String,
    /// The digest.
    #[serde(default)]
    pub digest: Base64,
}

/// An entry of a transparency log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// The index in the whole log, over all its shards.
    #[serde(default, with = "int64", skip_serializing_if = "is_zero")]
    pub log_index: i64,
    /// Which log.
    pub log_id: LogId,
    /// What the body is.
    pub kind_version: KindVersion,
    /// When the entry was added, in seconds since 1970; zero where the log does not say.
    #[serde(default, with = "int64", skip_serializing_if = "is_zero")]
    pub integrated_time: i64,
    /// The log's promise to add the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inclusion_promise: Option<InclusionPromise>,
    /// The proof that the entry is in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inclusion_proof: Option<InclusionProof>,
    /// The entry itself.
    #[serde(default)]
    pub canonicalized_body: Base64,
}

/// Names a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogId {
    /// The SHA-256 of the log's key.
    pub key_id: Base64,
}

/// The kind of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindVersion {
    /// Such as `hashedrekord`.
    pub kind: String,
    /// Such as `0.0.1`.
    pub version: String,
}

/// A log's promise to add an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InclusionPromise {
    /// The signature.
    pub signed_entry_timestamp: Base64,
}

/// A proof that an entry is in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InclusionProof {
    /// The index in the tree.
    #[serde(default, with = "int64", skip_serializing_if = "is_zero")]
    pub log_index: i64,
    /// The tree's root.
    #[serde(default)]
    pub root_hash: Base64,
    /// The number of entries in the tree.
    #[serde(default, with = "int64", skip_serializing_if = "is_zero")]
    pub tree_size: i64,
    /// The hashes beside the way from the entry to the root.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Base64>,
    /// The log's signature of the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
}

/// A log's signature of its root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// A signed note.
    pub envelope: String,
}

/// Why a document is not a bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBundle {
    /// It is not JSON of the right shape, or breaks a rule of its version.
    #[error("not a Sigstore bundle")]
    Json(#[from] serde_json::Error),
    /// It is larger than [`MAX_BYTES`].
    #[error("the bundle is larger than {MAX_BYTES} bytes")]
    TooLarge,
}

/// Which rule a document breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Broken {
    #[error("`{0}` is no known version of a bundle")]
    MediaType(String),
    #[error("the bundle needs exactly one of `messageSignature` and `dsseEnvelope`")]
    Content,
    #[error("the bundle needs exactly one of `certificate`, `x509CertificateChain` and `publicKey`")]
    Key,
    #[error("version 0.3 of a bundle holds one certificate, not a chain")]
    Chain,
    #[error("the chain has no certificate")]
    EmptyChain,
    #[error("the envelope has {0} signatures, a bundle's has one")]
    Signatures(usize),
    #[error("the bundle has more than {MAX_PROOFS} {0}")]
    TooMany(&'static str),
    #[error("an entry of the log has no inclusion promise, which version 0.1 of a bundle needs")]
    NoPromise,
    #[error("an entry of the log has no inclusion proof, which a bundle needs since version 0.2")]
    NoProof,
    #[error("an inclusion proof has no checkpoint")]
    NoCheckpoint,
    #[error("an entry of the log has no body")]
    NoBody,
    #[error("a `{0}` is empty")]
    Empty(&'static str),
}

impl Bundle {
    /// Reads a bundle.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidBundle> {
        if bytes.len() > MAX_BYTES {
            return Err(InvalidBundle::TooLarge);
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Returns the bundle as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Returns the signature.
    pub fn signature(&self) -> &[u8] {
        match &self.content {
            Content::Dsse(envelope) => envelope.signatures.first().map_or(&[], |signature| &signature.sig.0),
            Content::Message(message) => &message.signature.0,
        }
    }

    /// Returns the signer's certificate and what came with it, none for a key.
    pub fn certificates(&self) -> &[Vec<u8>] {
        match &self.key {
            KeyMaterial::PublicKey { .. } => &[],
            KeyMaterial::Certificate(certificate) => std::slice::from_ref(certificate),
            KeyMaterial::Chain(chain) => chain,
        }
    }
}

/// Returns whether a media type is that of a bundle, in any of its spellings.
pub fn is_media_type(media_type: &str) -> bool {
    version_of(media_type).is_some()
}

fn version_of(media_type: &str) -> Option<Version> {
    let rest = media_type.strip_prefix(MEDIA_TYPE_PREFIX)?;
    let version = match rest.strip_prefix("+json;version=") {
        Some(version) => version,
        None => rest.strip_prefix(".v")?.strip_suffix("+json")?,
    };
    match version {
        "0.1" => Some(Version::V0_1),
        "0.2" => Some(Version::V0_2),
        "0.3" => Some(Version::V0_3),
        _ => None,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the interface of `skip_serializing_if`")]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// The document as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    media_type: String,
    verification_material: Material,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_signature: Option<MessageSignature>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dsse_envelope: Option<Envelope>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<PublicKeyHint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<RawBytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x509_certificate_chain: Option<ChainWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tlog_entries: Option<Vec<LogEntry>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp_verification_data: Option<Timestamps>,
}

#[derive(Serialize, Deserialize)]
struct PublicKeyHint {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    hint: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBytes {
    raw_bytes: Base64,
}

#[derive(Serialize, Deserialize)]
struct ChainWire {
    #[serde(default)]
    certificates: Vec<RawBytes>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Timestamps {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rfc3161_timestamps: Option<Vec<TimestampWire>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TimestampWire {
    signed_timestamp: Base64,
}

impl TryFrom<Wire> for Bundle {
    type Error = Broken;

    fn try_from(wire: Wire) -> Result<Self, Broken> {
        let version = version_of(&wire.media_type)
            .ok_or_else(|| Broken::MediaType(wire.media_type.chars().take(160).collect()))?;
        let material = wire.verification_material;
        let key = match (material.public_key, material.certificate, material.x509_certificate_chain) {
            (Some(key), None, None) => KeyMaterial::PublicKey { hint: key.hint },
            (None, Some(certificate), None) => KeyMaterial::Certificate(certificate.raw_bytes.0),
            (None, None, Some(_)) if version >= Version::V0_3 => return Err(Broken::Chain),
            (None, None, Some(chain)) => {
                KeyMaterial::Chain(chain.certificates.into_iter().map(|bytes| bytes.raw_bytes.0).collect())
            }
            _ => return Err(Broken::Key),
        };
        let content = match (wire.dsse_envelope, wire.message_signature) {
            (Some(envelope), None) => Content::Dsse(envelope),
            (None, Some(mut message)) => {
                // cosign writes `{}` for signatures by Ed25519 keys, which proto3 reads like nothing.
                message.message_digest = message
                    .message_digest
                    .filter(|one| !(one.algorithm.is_empty() && one.digest.0.is_empty()));
                Content::Message(message)
            }
            _ => return Err(Broken::Content),
        };
        let timestamps = material.timestamp_verification_data.and_then(|data| data.rfc3161_timestamps);
        let bundle = Self {
            version,
            key,
            entries: material.tlog_entries.unwrap_or_default(),
            timestamps: timestamps
                .unwrap_or_default()
                .into_iter()
                .map(|time| time.signed_timestamp.0)
                .collect(),
            content,
        };
        bundle.check()?;
        Ok(bundle)
    }
}

impl Bundle {
    fn check(&self) -> Result<(), Broken> {
        if let KeyMaterial::Chain(chain) = &self.key {
            if chain.is_empty() {
                return Err(Broken::EmptyChain);
            }
            if chain.len() > MAX_PROOFS {
                return Err(Broken::TooMany("certificates"));
            }
        }
        if let Content::Dsse(envelope) = &self.content
            && envelope.signatures.len() != 1
        {
            return Err(Broken::Signatures(envelope.signatures.len()));
        }
        if self.signature().is_empty() {
            return Err(Broken::Empty("signature"));
        }
        if self.entries.len() > MAX_PROOFS {
            return Err(Broken::TooMany("entries of the log"));
        }
        if self.timestamps.len() > MAX_PROOFS {
            return Err(Broken::TooMany("timestamps"));
        }
        for entry in &self.entries {
            if entry.canonicalized_body.0.is_empty() {
                return Err(Broken::NoBody);
            }
            if self.version == Version::V0_1 {
                if entry.inclusion_promise.is_none() {
                    return Err(Broken::NoPromise);
                }
            } else {
                let proof = entry.inclusion_proof.as_ref().ok_or(Broken::NoProof)?;
                if proof.checkpoint.as_ref().is_none_or(|checkpoint| checkpoint.envelope.is_empty()) {
                    return Err(Broken::NoCheckpoint);
                }
            }
        }
        Ok(())
    }
}

impl From<Bundle> for Wire {
    fn from(bundle: Bundle) -> Self {
        let raw = |bytes| RawBytes { raw_bytes: Base64(bytes) };
        let (mut public_key, mut certificate, mut chain) = (None, None, None);
        match bundle.key {
            KeyMaterial::PublicKey { hint } => public_key = Some(PublicKeyHint { hint }),
            KeyMaterial::Certificate(bytes) => certificate = Some(raw(bytes)),
            KeyMaterial::Chain(bytes) => {
                chain = Some(ChainWire { certificates: bytes.into_iter().map(raw).collect() });
            }
        }
        let (mut message_signature, mut dsse_envelope) = (None, None);
        match bundle.content {
            Content::Dsse(envelope) => dsse_envelope = Some(envelope),
            Content::Message(message) => message_signature = Some(message),
        }
        let timestamps: Vec<_> = bundle
            .timestamps
            .into_iter()
            .map(|bytes| TimestampWire { signed_timestamp: Base64(bytes) })
            .collect();
        Self {
            media_type: match bundle.version {
                Version::V0_1 => "application/vnd.dev.sigstore.bundle+json;version=0.1".to_owned(),
                Version::V0_2 => "application/vnd.dev.sigstore.bundle+json;version=0.2".to_owned(),
                Version::V0_3 => MEDIA_TYPE.to_owned(),
            },
            verification_material: Material {
                public_key,
                certificate,
                x509_certificate_chain: chain,
                tlog_entries: (!bundle.entries.is_empty()).then_some(bundle.entries),
                timestamp_verification_data: (!timestamps.is_empty())
                    .then_some(Timestamps { rfc3161_timestamps: Some(timestamps) }),
            },
            message_signature,
            dsse_envelope,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsse::Signature;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn document(version: &str) -> Value {
        json!({
            "mediaType": format!("application/vnd.dev.sigstore.bundle+json;version={version}"),
            "verificationMaterial": {
                "certificate": {"rawBytes": "AQ=="},
                "tlogEntries": [{
                    "logIndex": "5", "logId": {"keyId": "AQ=="}, "integratedTime": 7,
                    "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
                    "inclusionPromise": {"signedEntryTimestamp": "AQ=="},
                    "inclusionProof": {"rootHash": "AQ==", "treeSize": "1", "checkpoint": {"envelope": "x"}},
                    "canonicalizedBody": "AQ=="
                }],
                "timestampVerificationData": {}
            },
            "messageSignature": {"messageDigest": {"algorithm": "SHA2_256", "digest": "AQ=="}, "signature": "AQ=="}
        })
    }

    fn parse(document: &Value) -> Result<Bundle, String> {
        Bundle::parse(document.to_string().as_bytes()).map_err(|error| match error {
            InvalidBundle::Json(error) => error.to_string(),
            error => error.to_string(),
        })
    }

    #[test]
    fn every_version_round_trips() {
        for version in ["0.1", "0.2", "0.3"] {
            let bundle = parse(&document(version)).unwrap();
            assert_eq!((bundle.entries[0].log_index, bundle.entries[0].integrated_time), (5, 7));
            assert_eq!(Bundle::parse(&bundle.to_json()).unwrap(), bundle);
        }
    }

    #[test]
    fn a_new_bundle_round_trips() {
        let signature = Signature { sig: Base64(vec![1]), keyid: String::new() };
        let envelope = Envelope {
            payload: Base64(b"{}".to_vec()),
            payload_type: crate::dsse::IN_TOTO.to_owned(),
            signatures: vec![signature],
        };
        let bundle = Bundle {
            version: Version::V0_3,
            key: KeyMaterial::PublicKey { hint: "abc".to_owned() },
            entries: Vec::new(),
            timestamps: vec![vec![1]],
            content: Content::Dsse(envelope),
        };
        let text = bundle.to_json();
        assert_eq!(Bundle::parse(&text).unwrap(), bundle);
        let value: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(value["mediaType"], MEDIA_TYPE);
        assert_eq!(value["verificationMaterial"].as_object().unwrap().len(), 2);
    }

    #[test]
    fn rules_of_the_versions_are_held() {
        let check = |version: &str, change: fn(&mut Value), want: &str| {
            let mut document = document(version);
            change(&mut document);
            let error = parse(&document).unwrap_err();
            assert!(error.contains(want), "{error}");
        };
        check("0.4", |_| {}, "no known version");
        check(
            "0.1",
            |v| drop(v["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"].take()),
            "no inclusion promise",
        );
        check(
            "0.2",
            |v| drop(v["verificationMaterial"]["tlogEntries"][0]["inclusionProof"].take()),
            "no inclusion proof",
        );
        check(
            "0.3",
            |v| drop(v["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"].take()),
            "no checkpoint",
        );
        check(
            "0.3",
            |v| v["dsseEnvelope"] = json!({"payload": "", "payloadType": "", "signatures": []}),
            "exactly one",
        );
        check("0.3", |v| drop(v["messageSignature"].take()), "exactly one");
        check("0.3", |v| v["verificationMaterial"]["publicKey"] = json!({}), "exactly one");
        check("0.3", |v| drop(v["verificationMaterial"]["certificate"].take()), "exactly one");
        check("0.3", |v| v["messageSignature"]["signature"] = json!(""), "empty");
        check(
            "0.3",
            |v| {
                v["verificationMaterial"]["certificate"].take();
                v["verificationMaterial"]["x509CertificateChain"] =
                    json!({"certificates": [{"rawBytes": "AQ=="}]});
            },
            "not a chain",
        );
        check(
            "0.3",
            |v| {
                let entry = v["verificationMaterial"]["tlogEntries"][0].clone();
                v["verificationMaterial"]["tlogEntries"] = Value::Array(vec![entry; MAX_PROOFS + 1]);
            },
            "more than",
        );
    }

    #[test]
    fn both_spellings_of_the_media_type_are_known() {
        assert!(is_media_type(MEDIA_TYPE));
        assert!(is_media_type("application/vnd.dev.sigstore.bundle+json;version=0.3"));
        assert!(!is_media_type("application/vnd.dev.sigstore.bundle.v1.0+json"));
        assert!(!is_media_type("application/json"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = Bundle::parse(&bytes);
        }
    }
}
