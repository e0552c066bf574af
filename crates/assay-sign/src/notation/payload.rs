//! The payload of a Notary Project signature: the descriptor of what is signed.

use assay_model::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotationPayload {
    /// The manifest or index.
    pub target_artifact: Descriptor,
}

/// Names a manifest by type, digest and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Its media type.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What the signer says about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Bytes are not a payload.
#[derive(Debug, thiserror::Error)]
#[error("not a payload of a Notary Project signature")]
pub struct InvalidNotationPayload(#[from] serde_json::Error);

impl NotationPayload {
    /// Reads a payload.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidNotationPayload> {
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Returns the payload as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_round_trip() {
        let text = format!(
            r#"{{"targetArtifact":{{"mediaType":"m","digest":"{}","size":7,"annotations":{{"a":"b"}}}}}}"#,
            Digest::Sha256([1; 32])
        );
        let payload = NotationPayload::parse(text.as_bytes()).unwrap();
        assert_eq!(payload.to_json(), text.as_bytes());
        assert!(NotationPayload::parse(b"{}").is_err());
        assert!(NotationPayload::parse(text.replace("}}}", "}},\"x\":1}").as_bytes()).is_err());
    }
}
