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
}

/// A signature.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Signature {
    pub(super) signature: String,
    #[serde(default)]
    certificate_chain: Vec<String>,
}

/// The most certificates that are taken; chains have three or four.
const MAX_CHAIN: usize = 16;

impl Signature {
    /// Returns the certificates in DER, the signer's own first.
    pub(super) fn chain(&self) -> Option<Vec<Vec<u8>>> {
        self.certificate_chain.iter().take(MAX_CHAIN).map(|text| base64_decode(text).ok()).collect()
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
