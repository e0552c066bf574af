//! The transit engine of HashiCorp Vault and OpenBao: <https://developer.hashicorp.com/vault/api-docs/secret/transit#sign-data>.
//!
//! Surprising: a signature comes as `vault:v<version>:<base64>`, ECDSA as DER unless one asks for JWS, and the public key of an
//! Ed25519 key is bare base64 where all others are PEM.

use super::{Input, KmsError, Request, Surroundings, ask, base, bytes, host_of};
use crate::encoding::base64_encode;
use crate::key::{KeyAlgorithm, PublicKey, Scheme, ServiceKey};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(super) struct Vault {
    url: String,
    headers: Vec<(String, String)>,
    engine: String,
    key: String,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    latest_version: u64,
    #[serde(rename = "type", default)]
    kind: String,
    keys: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Signed {
    signature: String,
}

/// Bytes of a message that is signed without a hash: a listener takes requests of 32 MiB unless it is told otherwise.
pub(super) const LONGEST: usize = 16 << 20;

impl Vault {
    pub(super) fn new(key: &ServiceKey, outside: &dyn Surroundings) -> Result<Self, KmsError> {
        let first = |names: [&str; 2]| names.into_iter().find_map(|name| outside.variable(name));
        let url = first(["VAULT_ADDR", "BAO_ADDR"])
            .ok_or(KmsError::Setting { what: "the address of Vault", set: "`VAULT_ADDR`" })?;
        let of_file = || {
            let path = PathBuf::from(outside.variable("HOME")?).join(".vault-token");
            outside.file(&path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let token = first(["VAULT_TOKEN", "BAO_TOKEN"]).or_else(of_file).ok_or(KmsError::Setting {
            what: "who asks Vault",
            set: "`VAULT_TOKEN`, or run `vault login`",
        })?;
        let mut headers = vec![
            ("x-vault-token".to_owned(), token),
            // Proxies between agents and Vault refuse requests without it.
            ("x-vault-request".to_owned(), "true".to_owned()),
        ];
        headers.extend(
            first(["VAULT_NAMESPACE", "BAO_NAMESPACE"]).map(|name| ("x-vault-namespace".to_owned(), name)),
        );
        let engine = outside.variable("TRANSIT_SECRET_ENGINE_PATH").unwrap_or_else(|| "transit".to_owned());
        let engine = engine.trim_matches('/').to_owned();
        Ok(Self { url: base(&url), headers, engine, key: key.name.clone() })
    }

    fn request(&self, method: &'static str, path: &str, body: Vec<u8>) -> Request {
        let url = format!("{}/v1/{}/{path}", self.url, self.engine);
        Request { method, url, headers: self.headers.clone(), body }
    }

    pub(super) fn public_key(&self, outside: &dyn Surroundings) -> Result<PublicKey, KmsError> {
        let what = "the request for the public key";
        let request = self.request("GET", &format!("keys/{}", self.key), Vec::new());
        let Answer::<Key> { data } = ask(outside, &request, what, words)?;
        let unusable =
            |reason: &str| KmsError::Answer { host: host_of(&self.url), what, reason: reason.to_owned() };
        // A key that signs nothing has numbers here, when each version was made.
        let key =
            data.keys.get(&data.latest_version.to_string()).and_then(|key| key.get("public_key")?.as_str());
        let key = key.ok_or_else(|| unusable("it is no key that signs"))?;
        if data.kind == "ed25519" && !key.contains("BEGIN") {
            return Ok(PublicKey::from_value(KeyAlgorithm::Ed25519, &bytes(key, &self.url, what)?)?);
        }
        Ok(PublicKey::from_pem(key)?)
    }

    pub(super) fn sign(
        &self,
        outside: &dyn Surroundings,
        scheme: Scheme,
        input: Input<'_>,
    ) -> Result<Vec<u8>, KmsError> {
        let what = "the request for a signature";
        let (path, body) = match input {
            Input::Digest(hash, digest) => {
                let mut body = json!({ "input": base64_encode(digest), "prehashed": true });
                let mut set = |name: &str, value: &str| {
                    if let Some(fields) = body.as_object_mut() {
                        fields.insert(name.to_owned(), json!(value));
                    }
                };
                match scheme {
                    Scheme::RsaPkcs1(_) => set("signature_algorithm", "pkcs1v15"),
                    Scheme::RsaPss(_) => {
                        set("signature_algorithm", "pss");
                        // As long as the hash, which is what verifiers expect; Vault's own choice is the longest possible.
                        set("salt_length", "hash");
                    }
                    _ => set("marshaling_algorithm", "asn1"),
                }
                (format!("sign/{}/sha2-{}", self.key, hash.bits()), body)
            }
            Input::Message(message) => {
                (format!("sign/{}", self.key), json!({ "input": base64_encode(message) }))
            }
        };
        let mut request = self.request("POST", &path, body.to_string().into_bytes());
        request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        let Answer::<Signed> { data } = ask(outside, &request, what, words)?;
        let unusable =
            |reason: &str| KmsError::Answer { host: host_of(&self.url), what, reason: reason.to_owned() };
        let text = data.signature.strip_prefix("vault:v").and_then(|rest| rest.split_once(':'));
        let (_, text) = text.ok_or_else(|| unusable("it does not begin with `vault:v`"))?;
        bytes(text, &self.url, what)
    }
}

fn words(document: &Value) -> Option<&str> {
    document.get("errors")?.get(0)?.as_str()
}
