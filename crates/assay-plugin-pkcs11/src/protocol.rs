//! The requests and answers of Notation's plug-in protocol, and what Assay adds to it: `publicKey` and `signsDigests` in the description
//! of a key, and in a request `signingAlgorithm`, and `digest` instead of `payload`.

use crate::failure::Failure;
use crate::token::{Key, Kind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::collections::BTreeMap;

/// RSA with PKCS#1 v1.5: the addition to the protocol that Assay asks for.
const PKCS1: &str = "RSASSA-PKCS1-v1_5";

/// What this plug-in is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    name: &'static str,
    description: &'static str,
    version: &'static str,
    url: &'static str,
    supported_contract_versions: [&'static str; 1],
    capabilities: [&'static str; 1],
}

impl Metadata {
    pub(crate) fn own() -> Self {
        Self {
            name: "pkcs11",
            description: "Signs with keys in PKCS#11 tokens",
            version: env!("CARGO_PKG_VERSION"),
            url: "https://github.com/assay/assay",
            supported_contract_versions: ["1.0"],
            capabilities: ["SIGNATURE_GENERATOR.RAW"],
        }
    }
}

/// What is asked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    #[serde(default)]
    contract_version: String,
    pub(crate) key_id: String,
    #[serde(default)]
    pub(crate) plugin_config: BTreeMap<String, String>,
    #[serde(default)]
    hash_algorithm: String,
    #[serde(default)]
    payload: String,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    signing_algorithm: String,
}

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub(crate) fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha2::Sha256::digest(message).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(message).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(message).to_vec(),
        }
    }

    fn bits(self) -> usize {
        match self {
            Self::Sha256 => 256,
            Self::Sha384 => 384,
            Self::Sha512 => 512,
        }
    }
}

/// How is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Ecdsa(Hash),
    Pss(Hash),
    Pkcs1(Hash),
}

impl Algorithm {
    /// Returns the hash that it signs.
    pub(crate) fn hash(self) -> Hash {
        match self {
            Self::Ecdsa(hash) | Self::Pss(hash) | Self::Pkcs1(hash) => hash,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Ecdsa(hash) => format!("ECDSA-SHA-{}", hash.bits()),
            Self::Pss(hash) => format!("RSASSA-PSS-SHA-{}", hash.bits()),
            Self::Pkcs1(hash) => format!("{PKCS1}-SHA-{}", hash.bits()),
        }
    }
}

impl Request {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let request: Self = serde_json::from_slice(bytes).map_err(Failure::request)?;
        if request.contract_version.split('.').next() != Some("1") {
            let message =
                format!("version `{}` of the protocol is not spoken here", request.contract_version);
            return Err(Failure::contract(message));
        }
        Ok(request)
    }

    /// Returns the hash to sign: of the payload, or as the caller computed it.
    pub(crate) fn digest(&self, hash: Hash) -> Result<Vec<u8>, Failure> {
        let decoded = |name: &str, text: &str| {
            STANDARD.decode(text).map_err(|_| Failure::validation(format!("`{name}` is no base64")))
        };
        if self.digest.is_empty() {
            return Ok(hash.of(&decoded("payload", &self.payload)?));
        }
        let digest = decoded("digest", &self.digest)?;
        if !self.payload.is_empty() || digest.len() * 8 != hash.bits() {
            return Err(Failure::validation("`digest` is no hash of that kind, or comes with a `payload`"));
        }
        Ok(digest)
    }

    /// Returns how is to be signed: as the kind of key asks, unless the request says otherwise.
    pub(crate) fn algorithm(&self, key: &Key) -> Result<Algorithm, Failure> {
        let hash = match self.hash_algorithm.as_str() {
            "SHA-256" => Hash::Sha256,
            "SHA-384" => Hash::Sha384,
            "SHA-512" => Hash::Sha512,
            other => return Err(Failure::validation(format!("`{other}` is no hash that is known here"))),
        };
        match (key.kind, self.signing_algorithm.as_str()) {
            (Kind::Ec { .. }, "") => Ok(Algorithm::Ecdsa(hash)),
            (Kind::Rsa { .. }, "") => Ok(Algorithm::Pss(hash)),
            (Kind::Rsa { .. }, PKCS1) => Ok(Algorithm::Pkcs1(hash)),
            (_, other) => Err(Failure::validation(format!("`{other}` cannot be done with this key"))),
        }
    }
}

/// What a key is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Described {
    key_id: String,
    key_spec: String,
    public_key: String,
    signs_digests: bool,
}

impl Described {
    pub(crate) fn new(request: &Request, key: &Key) -> Self {
        let key_spec = match key.kind {
            Kind::Ec { bits } => format!("EC-{bits}"),
            Kind::Rsa { bits } => format!("RSA-{bits}"),
        };
        Self {
            key_id: request.key_id.clone(),
            key_spec,
            public_key: STANDARD.encode(&key.public),
            signs_digests: true,
        }
    }
}

/// A signature.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Signed {
    key_id: String,
    signature: String,
    signing_algorithm: String,
    certificate_chain: Vec<String>,
}

impl Signed {
    pub(crate) fn new(request: &Request, algorithm: &Algorithm, signature: &[u8], chain: &[Vec<u8>]) -> Self {
        Self {
            key_id: request.key_id.clone(),
            signature: STANDARD.encode(signature),
            signing_algorithm: algorithm.name(),
            certificate_chain: chain.iter().map(|der| STANDARD.encode(der)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_stands_for_a_payload() {
        let request = |members: &str| {
            let text =
                format!(r#"{{"contractVersion":"1.0","keyId":"k","hashAlgorithm":"SHA-256"{members}}}"#);
            Request::parse(text.as_bytes()).map_err(|_| ()).unwrap()
        };
        let hash = STANDARD.encode(Hash::Sha256.of(b"content"));
        let of = |members: &str| request(members).digest(Hash::Sha256).ok();
        assert_eq!(of(r#","payload":"Y29udGVudA==""#), Some(Hash::Sha256.of(b"content")));
        assert_eq!(of(&format!(r#","digest":"{hash}""#)), Some(Hash::Sha256.of(b"content")));
        assert_eq!(of(&format!(r#","digest":"{hash}","payload":"Y29udGVudA==""#)), None);
        assert_eq!(of(r#","digest":"Y29udGVudA==""#), None);
        assert_eq!(of(r#","payload":"*""#), None);
        assert!(request(&format!(r#","digest":"{hash}""#)).digest(Hash::Sha384).is_err());
    }
}
