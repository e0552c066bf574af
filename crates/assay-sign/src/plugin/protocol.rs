//! The requests and answers of the plug-in protocol.

use crate::encoding::base64_decode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// RSA with PKCS#1 v1.5, which the protocol has no name for; only Assay's own plug-ins are asked for it.
pub(super) const PKCS1: &str = "RSASSA-PKCS1-v1_5";

/// A request of any command; each takes the members that it knows.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    pub(super) contract_version: &'a str,
    pub(super) plugin_config: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_spec: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash_algorithm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<&'a str>,
    /// The hash of what is signed, instead of it: an extension of Assay's own plug-ins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signing_algorithm: Option<&'a str>,
}

/// What a plug-in is and can do.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) supported_contract_versions: Vec<String>,
    #[serde(default)]
    pub(super) capabilities: Vec<String>,
}

/// What a key is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Described {
    pub(super) key_spec: String,
    /// The `SubjectPublicKeyInfo` in base64: an extension of Assay's own plug-ins.
    #[serde(default)]
    pub(super) public_key: Option<String>,
    /// Whether `digest` is understood in requests for signatures: another extension.
    #[serde(default)]
    pub(super) signs_digests: bool,
}

/// A signature, and the certificates that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSignature {
    /// The signature.
    pub signature: Vec<u8>,
    /// The certificates in DER, the signer's own first; none from plug-ins that have none.
    pub chain: Vec<Vec<u8>>,
}

/// Why an answer holds no signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPluginSignature {
    /// It is not JSON of the right shape.
    #[error("it is no answer of the protocol: {0}")]
    Json(serde_json::Error),
    /// A value is no base64.
    #[error("its {0} is no base64")]
    Base64(&'static str),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signature {
    signature: String,
    #[serde(default)]
    certificate_chain: Vec<String>,
}

/// The most certificates that are taken; chains have three or four.
const MAX_CHAIN: usize = 16;

impl PluginSignature {
    /// Reads the answer to `generate-signature`.
    ///
    /// # Errors
    /// Fails when it is none.
    pub fn parse(answer: &[u8]) -> Result<Self, InvalidPluginSignature> {
        use InvalidPluginSignature::{Base64, Json};
        let answer: Signature = serde_json::from_slice(answer).map_err(Json)?;
        let signature = base64_decode(&answer.signature).map_err(|_| Base64("signature"))?;
        let chain = answer.certificate_chain.iter().take(MAX_CHAIN).map(|text| base64_decode(text));
        Ok(Self { signature, chain: chain.collect::<Result<_, _>>().map_err(|_| Base64("certificate"))? })
    }
}

/// An error.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failure {
    #[serde(default)]
    pub(super) error_code: String,
    #[serde(default)]
    pub(super) error_message: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_answer_is_read(bytes: Vec<u8>, text in "\\{\"signature\":\"[A-Za-z0-9+/=]{0,9}\",\"certificateChain\":\\[(\"[a-z]{0,4}\")?\\]\\}") {
            let _ = PluginSignature::parse(&bytes);
            let _ = PluginSignature::parse(text.as_bytes());
            let _ = serde_json::from_slice::<Metadata>(&bytes);
            let _ = serde_json::from_slice::<Described>(&bytes);
            let _ = serde_json::from_slice::<Failure>(&bytes);
        }
    }
}
