//! The "simple signing" payload that cosign 2 signs: one line of JSON that names an image's digest.
//!
//! <https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>; the format is that of Red Hat's atomic signatures. The
//! signature is of the bytes as they are stored, so a payload is never written again to be verified. `docker-reference` is what
//! the signer said the image's name was; cosign does not check it, and nothing here trusts it.

use assay_model::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The media type of a layer that holds a payload.
pub const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The type that cosign writes into the payload.
pub const TYPE: &str = "cosign container image signature";

/// What is signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    critical: Critical,
    optional: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Identity {
    #[serde(default)]
    docker_reference: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Image {
    docker_manifest_digest: Digest,
}

/// Bytes are not a payload.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPayload {
    /// It is not JSON of the right shape.
    #[error("not a payload of simple signing")]
    Json(#[from] serde_json::Error),
    /// It is signed for something else than an image.
    #[error("the payload is of type `{0}`, not a signature of an image")]
    Kind(String),
}

impl Payload {
    /// Returns a payload for an image, with the name that the signer gives it and annotations.
    pub fn new(reference: impl Into<String>, digest: Digest, annotations: BTreeMap<String, String>) -> Self {
        let optional: BTreeMap<_, _> =
            annotations.into_iter().map(|(key, value)| (key, serde_json::Value::String(value))).collect();
        Self {
            critical: Critical {
                identity: Identity { docker_reference: reference.into() },
                image: Image { docker_manifest_digest: digest },
                kind: TYPE.to_owned(),
            },
            optional: (!optional.is_empty()).then_some(optional),
        }
    }

    /// Reads a payload.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidPayload> {
        let payload: Self = serde_json::from_slice(bytes)?;
        let kind = &payload.critical.kind;
        // The second is what Red Hat's tools write.
        if kind != TYPE && kind != "atomic container signature" {
            return Err(InvalidPayload::Kind(kind.chars().take(160).collect()));
        }
        Ok(payload)
    }

    /// Returns the payload as cosign writes it, which is what a new signature is of.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Returns the digest of the image.
    pub fn digest(&self) -> Digest {
        self.critical.image.docker_manifest_digest
    }

    /// Returns what the signer called the image.
    pub fn reference(&self) -> &str {
        &self.critical.identity.docker_reference
    }

    /// Returns the annotations.
    pub fn annotations(&self) -> impl Iterator<Item = (&str, &serde_json::Value)> {
        self.optional.iter().flatten().map(|(key, value)| (key.as_str(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cosign_writes_round_trips() {
        let digest = Digest::Sha256([0xab; 32]);
        for (annotations, optional) in
            [(BTreeMap::new(), "null"), (BTreeMap::from([("a".to_owned(), "b".to_owned())]), r#"{"a":"b"}"#)]
        {
            let text = format!(
                r#"{{"critical":{{"identity":{{"docker-reference":"r.test/app"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"{TYPE}"}},"optional":{optional}}}"#
            );
            let payload = Payload::parse(text.as_bytes()).unwrap();
            assert_eq!(payload.to_json(), text.as_bytes());
            assert_eq!((payload.digest(), payload.reference()), (digest, "r.test/app"));
            assert_eq!(Payload::new("r.test/app", digest, annotations), payload);
        }
    }

    #[test]
    fn other_documents_are_refused() {
        let text = r#"{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":"sha256:00"},"type":"t"}}"#;
        assert!(Payload::parse(text.as_bytes()).is_err());
        let text = text.replace("sha256:00", &Digest::Sha256([0; 32]).to_string());
        assert!(matches!(Payload::parse(text.as_bytes()), Err(InvalidPayload::Kind(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = Payload::parse(&bytes);
        }
    }
}
