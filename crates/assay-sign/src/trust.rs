//! Sigstore's trusted root: the authorities and logs that an instance of Sigstore consists of, and when each was in use.
//!
//! <https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto>, in proto3's JSON form. The public
//! instance's is built in (`data/trusted_root.json`, as the Python package `sigstore` 4.5.1 carries it); a file replaces it. Both
//! ends of a validity belong to it, and one without a start is an error, not an open one. Entries with a kind of key that is not
//! known here are left out: what they sign does not verify.

use crate::certificate::{Certificate, InvalidCertificate};
use crate::encoding::Base64;
use crate::key::PublicKey;
use assay_model::Timestamp;
use serde::Deserialize;

/// The trusted root of the public instance of Sigstore.
const PUBLIC: &[u8] = include_bytes!("../data/trusted_root.json");
/// The largest document that is read.
const MAX_BYTES: usize = 4 << 20;

/// Everything that is trusted of an instance of Sigstore.
#[derive(Debug, Clone)]
pub struct TrustedRoot {
    pub(crate) logs: Vec<Log>,
    pub(crate) authorities: Vec<Authority>,
    pub(crate) certificate_logs: Vec<Log>,
    pub(crate) timestamp_authorities: Vec<Authority>,
}

/// A transparency log.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) id: Vec<u8>,
    /// How its checkpoints name the key; mostly the same.
    pub(crate) checkpoint_id: Vec<u8>,
    /// Its address without the scheme.
    pub(crate) address: String,
    pub(crate) key: PublicKey,
    pub(crate) valid: Validity,
}

/// An authority that issues certificates, or timestamps.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    /// The last is the root.
    pub(crate) chain: Vec<Certificate>,
    pub(crate) valid: Validity,
}

/// From when to when something is trusted, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
}

impl Log {
    /// Returns host and port of its address.
    pub(crate) fn host(&self) -> &str {
        self.address.split('/').next().unwrap_or(&self.address)
    }
}

impl Validity {
    /// Returns whether a time is inside.
    pub(crate) fn contains(&self, time: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time <= end)
    }
}

/// Why a document is not a trusted root.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTrustedRoot {
    /// It is not JSON of the right shape.
    #[error("not a Sigstore trusted root")]
    Json(#[from] serde_json::Error),
    /// It is of a version that is not known.
    #[error("`{0}` is no known version of a trusted root")]
    MediaType(String),
    /// A validity has no start.
    #[error("the validity of {0} has no start")]
    NoStart(String),
    /// A log has no identifier, by which entries name it.
    #[error("the log `{0}` has no identifier")]
    NoLogId(String),
    /// A certificate cannot be read.
    #[error("a certificate of `{0}` cannot be read")]
    Certificate(String, #[source] InvalidCertificate),
    /// It is too large.
    #[error("the trusted root is larger than {MAX_BYTES} bytes")]
    TooLarge,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    media_type: String,
    #[serde(default)]
    tlogs: Vec<LogWire>,
    #[serde(default)]
    certificate_authorities: Vec<AuthorityWire>,
    #[serde(default)]
    ctlogs: Vec<LogWire>,
    #[serde(default)]
    timestamp_authorities: Vec<AuthorityWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogWire {
    #[serde(default)]
    base_url: String,
    public_key: KeyWire,
    log_id: Option<LogIdWire>,
    checkpoint_key_id: Option<LogIdWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyWire {
    raw_bytes: Base64,
    key_details: String,
    valid_for: Option<RangeWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogIdWire {
    key_id: Base64,
}

#[derive(Deserialize)]
struct RangeWire {
    start: Option<String>,
    end: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorityWire {
    #[serde(default)]
    uri: String,
    #[serde(default)]
    cert_chain: ChainWire,
    valid_for: Option<RangeWire>,
}

#[derive(Deserialize, Default)]
struct ChainWire {
    #[serde(default)]
    certificates: Vec<RawBytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBytes {
    raw_bytes: Base64,
}

impl TrustedRoot {
    /// Reads a trusted root.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidTrustedRoot> {
        if bytes.len() > MAX_BYTES {
            return Err(InvalidTrustedRoot::TooLarge);
        }
        let wire: Wire = serde_json::from_slice(bytes)?;
        const KNOWN: &[&str] = &[
            "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
            "application/vnd.dev.sigstore.trustedroot.v0.1+json",
            "application/vnd.dev.sigstore.trustedroot.v0.2+json",
        ];
        if !KNOWN.contains(&wire.media_type.as_str()) {
            return Err(InvalidTrustedRoot::MediaType(wire.media_type.chars().take(160).collect()));
        }
        Ok(Self {
            logs: logs(wire.tlogs)?,
            authorities: authorities(wire.certificate_authorities)?,
            certificate_logs: logs(wire.ctlogs)?,
            timestamp_authorities: authorities(wire.timestamp_authorities)?,
        })
    }

    /// Returns the trusted root of the public instance of Sigstore, as of when this was built.
    pub fn public() -> Result<Self, InvalidTrustedRoot> {
        Self::parse(PUBLIC)
    }
}

fn logs(wires: Vec<LogWire>) -> Result<Vec<Log>, InvalidTrustedRoot> {
    let mut logs = Vec::new();
    for wire in wires {
        let valid = validity(wire.public_key.valid_for, &wire.base_url)?;
        let bytes = &wire.public_key.raw_bytes.0;
        let key = if wire.public_key.key_details.starts_with("PKCS1_") {
            PublicKey::from_pkcs1(bytes)
        } else {
            PublicKey::from_der(bytes)
        };
        if let Ok(key) = key {
            // New roots may name a log by its checkpoints' identifier only.
            let (id, checkpoint_id) = match (wire.log_id, wire.checkpoint_key_id) {
                (Some(id), Some(checkpoint)) => (id.key_id.0, checkpoint.key_id.0),
                (Some(id), None) | (None, Some(id)) => (id.key_id.0.clone(), id.key_id.0),
                (None, None) => {
                    return Err(InvalidTrustedRoot::NoLogId(wire.base_url.chars().take(160).collect()));
                }
            };
            let address = wire.base_url.split_once("://").map_or(wire.base_url.as_str(), |(_, rest)| rest);
            let address = address.trim_end_matches('/').to_owned();
            logs.push(Log { id, checkpoint_id, address, key, valid });
        }
    }
    Ok(logs)
}

fn authorities(wires: Vec<AuthorityWire>) -> Result<Vec<Authority>, InvalidTrustedRoot> {
    let mut authorities = Vec::new();
    for wire in wires {
        // Optional for a key, but an authority's certificates alone do not say when it was in use.
        if wire.valid_for.is_none() {
            return Err(InvalidTrustedRoot::NoStart(wire.uri.chars().take(160).collect()));
        }
        let valid = validity(wire.valid_for, &wire.uri)?;
        let chain: Result<Vec<_>, _> =
            wire.cert_chain.certificates.iter().map(|raw| Certificate::from_der(&raw.raw_bytes.0)).collect();
        let chain = chain.map_err(|error| InvalidTrustedRoot::Certificate(wire.uri, error))?;
        authorities.push(Authority { chain, valid });
    }
    Ok(authorities)
}

fn validity(wire: Option<RangeWire>, of: &str) -> Result<Validity, InvalidTrustedRoot> {
    let Some(wire) = wire else { return Ok(Validity::default()) };
    let time = |text: String| -> Result<Timestamp, InvalidTrustedRoot> {
        text.parse().map_err(|error| InvalidTrustedRoot::Json(serde::de::Error::custom(error)))
    };
    let start = wire.start.ok_or_else(|| InvalidTrustedRoot::NoStart(of.chars().take(160).collect()))?;
    Ok(Validity { start: Some(time(start)?), end: wire.end.map(time).transpose()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_public_root_is_read() {
        let root = TrustedRoot::public().unwrap();
        assert_eq!((root.logs.len(), root.authorities.len()), (2, 2));
        assert_eq!((root.certificate_logs.len(), root.timestamp_authorities.len()), (2, 1));
        assert_eq!(root.logs[1].address, "log2025-1.rekor.sigstore.dev");
    }

    #[test]
    fn both_ends_of_a_validity_belong_to_it() {
        let range = |start, end| RangeWire { start, end };
        let text = |text: &str| Some(text.to_owned());
        let valid =
            validity(Some(range(text("2024-01-01T00:00:00Z"), text("2024-01-02T00:00:00.000Z"))), "x")
                .unwrap();
        let at = |text: &str| valid.contains(text.parse().unwrap());
        assert!(at("2024-01-01T00:00:00Z") && at("2024-01-02T00:00:00Z"));
        assert!(!at("2023-12-31T23:59:59Z") && !at("2024-01-02T00:00:01Z"));
        assert!(validity(Some(range(None, text("2024-01-02T00:00:00Z"))), "x").is_err());
    }

    #[test]
    fn a_log_is_named_by_either_identifier() {
        let mut root: serde_json::Value = serde_json::from_slice(PUBLIC).unwrap();
        let logs = |root: &serde_json::Value| {
            TrustedRoot::parse(root.to_string().as_bytes())
                .map(|read| read.logs.into_iter().map(|log| (log.id, log.checkpoint_id)).collect::<Vec<_>>())
        };
        let before = logs(&root).unwrap();
        let log = root["tlogs"][1].as_object_mut().unwrap();
        let id = log.remove("logId").unwrap();
        log.insert("checkpointKeyId".to_owned(), id);
        assert_eq!(logs(&root).unwrap(), before);
        root["tlogs"][1].as_object_mut().unwrap().remove("checkpointKeyId");
        assert!(matches!(logs(&root), Err(InvalidTrustedRoot::NoLogId(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = TrustedRoot::parse(&bytes);
        }
    }
}
