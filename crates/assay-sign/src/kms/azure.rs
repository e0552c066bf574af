//! Azure Key Vault: <https://learn.microsoft.com/en-us/rest/api/keyvault/keys/sign/sign>.
//!
//! Credentials are looked for as Azure's libraries do: an application's secret in variables, a workload's token file (AKS), and last the
//! instance's metadata service. Surprising: keys come as JSON Web Keys, and ECDSA signatures as two numbers one after the other.

use super::{
    Input, KmsError, Request, Surroundings, Token, ask, base, bytes, escaped, form, host_of, oauth_words,
};
use crate::der::{self, tag};
use crate::key::{KeyAlgorithm, PublicKey, Scheme, ServiceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;

const VERSION: &str = "api-version=7.4";

pub(super) struct Azure {
    vault: String,
    token: String,
    /// The name of the key, with its version where there is one.
    key: String,
}

#[derive(Deserialize)]
struct Answer {
    key: WebKey,
}

#[derive(Deserialize)]
struct WebKey {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

impl Azure {
    pub(super) fn new(key: &ServiceKey, outside: &dyn Surroundings) -> Result<Self, KmsError> {
        // A bare name is a vault in Azure's public cloud.
        let host = if key.host.contains(['.', ':']) {
            key.host.clone()
        } else {
            format!("{}.vault.azure.net", key.host)
        };
        // Never where a variable points: a token would go to a vault that nobody named, and its key would sign.
        Ok(Self { vault: base(&host), token: token(&host, outside)?, key: key.name.clone() })
    }

    fn request(&self, method: &'static str, path: &str, body: Vec<u8>) -> Request {
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {}", self.token))];
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        Request { method, url: format!("{}/keys/{}{path}?{VERSION}", self.vault, self.key), headers, body }
    }

    pub(super) fn public_key(&self, outside: &dyn Surroundings) -> Result<PublicKey, KmsError> {
        let what = "the request for the public key";
        let Answer { key } = ask(outside, &self.request("GET", "", Vec::new()), what, words)?;
        let value = |text: &str| bytes(text, &self.vault, what);
        match key.kty.as_str() {
            "EC" | "EC-HSM" => {
                let curve = match key.crv.as_str() {
                    "P-256" => Some(KeyAlgorithm::EcdsaP256),
                    "P-384" => Some(KeyAlgorithm::EcdsaP384),
                    "P-521" => Some(KeyAlgorithm::EcdsaP521),
                    _ => None,
                };
                let unusable = |reason: &str| KmsError::Answer {
                    host: host_of(&self.vault),
                    what,
                    reason: reason.to_owned(),
                };
                let sized = curve.and_then(|curve| Some((curve, curve.coordinate()?)));
                let (curve, size) = sized.ok_or_else(|| unusable("its curve is not known"))?;
                let mut point = vec![4];
                for coordinate in [value(&key.x)?, value(&key.y)?] {
                    let zeros = size
                        .checked_sub(coordinate.len())
                        .ok_or_else(|| unusable("its point is too long"))?;
                    point.resize(point.len() + zeros, 0);
                    point.extend(coordinate);
                }
                Ok(PublicKey::from_value(curve, &point)?)
            }
            "RSA" | "RSA-HSM" => {
                let numbers = [der::encode_unsigned(&value(&key.n)?), der::encode_unsigned(&value(&key.e)?)];
                Ok(PublicKey::from_pkcs1(&der::encode(tag::SEQUENCE, &numbers.concat()))?)
            }
            other => Err(KmsError::Answer {
                host: host_of(&self.vault),
                what,
                reason: format!("keys of kind `{other}` do not sign"),
            }),
        }
    }

    pub(super) fn sign(
        &self,
        outside: &dyn Surroundings,
        scheme: Scheme,
        input: Input<'_>,
    ) -> Result<Vec<u8>, KmsError> {
        #[derive(Deserialize)]
        struct Signed {
            value: String,
        }
        let what = "the request for a signature";
        let Input::Digest(hash, digest) = input else {
            let host = host_of(&self.vault);
            return Err(KmsError::Answer { host, what, reason: "Azure has no keys of Ed25519".to_owned() });
        };
        let family = match scheme {
            Scheme::RsaPkcs1(_) => "RS",
            Scheme::RsaPss(_) => "PS",
            _ => "ES",
        };
        let body =
            json!({ "alg": format!("{family}{}", hash.bits()), "value": URL_SAFE_NO_PAD.encode(digest) });
        let request = self.request("POST", "/sign", body.to_string().into_bytes());
        let answer: Signed = ask(outside, &request, what, words)?;
        bytes(&answer.value, &self.vault, what)
    }
}

fn words(document: &Value) -> Option<&str> {
    document.get("error")?.get("message")?.as_str()
}

/// Returns the scope of tokens for the cloud that a vault is in: `vault.azure.net` for all vaults there.
fn resource(host: &str) -> String {
    let name = host.split(':').next().unwrap_or(host);
    match name.split_once('.') {
        Some((_, domain)) if domain.starts_with("vault.") || domain.starts_with("managedhsm.") => {
            format!("https://{domain}")
        }
        _ => "https://vault.azure.net".to_owned(),
    }
}

fn token(host: &str, outside: &dyn Surroundings) -> Result<String, KmsError> {
    let resource = resource(host);
    let variable = |name: &str| outside.variable(name);
    let what = "the request for a token";
    if let (Some(tenant), Some(client)) = (variable("AZURE_TENANT_ID"), variable("AZURE_CLIENT_ID")) {
        let authority = variable("AZURE_AUTHORITY_HOST")
            .map_or_else(|| "https://login.microsoftonline.com".to_owned(), |url| base(&url));
        let scope = format!("{resource}/.default");
        let mut fields =
            vec![("grant_type", "client_credentials"), ("client_id", &client), ("scope", &scope)];
        let (secret, assertion);
        if let Some(given) = variable("AZURE_CLIENT_SECRET") {
            secret = given;
            fields.push(("client_secret", &secret));
        } else if let Some(path) = variable("AZURE_FEDERATED_TOKEN_FILE") {
            let path = PathBuf::from(path);
            assertion =
                outside.file(&path).map_err(|source| KmsError::File { path, source })?.trim().to_owned();
            fields.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
            fields.push(("client_assertion", &assertion));
        } else {
            return Err(KmsError::Setting {
                what: "the secret of the application",
                set: "`AZURE_CLIENT_SECRET` or `AZURE_FEDERATED_TOKEN_FILE`",
            });
        }
        let request = Request {
            method: "POST",
            url: format!("{authority}/{}/oauth2/v2.0/token", escaped(&tenant)),
            headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
            body: form(&fields),
        };
        let token: Token = ask(outside, &request, what, oauth_words)?;
        return Ok(token.access_token);
    }
    let root = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST")
        .map_or_else(|| "http://169.254.169.254".to_owned(), |url| base(&url));
    let client =
        variable("AZURE_CLIENT_ID").map(|id| format!("&client_id={}", escaped(&id))).unwrap_or_default();
    let request = Request {
        method: "GET",
        url: format!(
            "{root}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={}{client}",
            escaped(&resource)
        ),
        headers: vec![("metadata".to_owned(), "true".to_owned())],
        body: Vec::new(),
    };
    let token: Result<Token, KmsError> = ask(outside, &request, what, oauth_words);
    token.map(|token| token.access_token).map_err(|_| KmsError::Setting {
        what: "who asks Azure",
        set: "`AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`",
    })
}
