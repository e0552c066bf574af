//! Google Cloud KMS: <https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.cryptoKeyVersions>.
//!
//! Credentials are looked for as other Google tools do: a token in a variable, the file of `GOOGLE_APPLICATION_CREDENTIALS` (of a service
//! account, or of a user), the file of `gcloud auth application-default login`, and last the instance's metadata service. Surprising: a
//! version of a key signs by one algorithm, padding and hash included, which was chosen when it was made.

use super::{Input, KmsError, Request, Surroundings, Token, ask, base, bytes, form, host_of, oauth_words};
use crate::encoding::base64_encode;
use crate::key::{Hash, PrivateKey, PublicKey, Scheme, ServiceKey};
use crate::signer::Signer as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Bytes of a message that is signed without a hash.
pub(super) const LONGEST: usize = 64 << 10;
const SCOPE: &str = "https://www.googleapis.com/auth/cloudkms";
/// How long the assertion of a service account is good for, in seconds.
const ASSERTION: i64 = 600;

pub(super) struct Google {
    url: String,
    token: String,
    /// The whole name of a version of a key.
    version: String,
}

#[derive(Deserialize)]
struct Version {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versions {
    #[serde(default)]
    crypto_key_versions: Vec<Version>,
}

impl Google {
    pub(super) fn new(key: &ServiceKey, outside: &dyn Surroundings) -> Result<Self, KmsError> {
        let url = outside
            .variable("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS")
            .map_or_else(|| "https://cloudkms.googleapis.com".to_owned(), |url| base(&url));
        let token = token(outside)?;
        let mut google = Self { url, token, version: String::new() };
        let name = key.name.replace("/versions/", "/cryptoKeyVersions/");
        google.version =
            if name.contains("/cryptoKeyVersions/") { name } else { google.newest(&name, outside)? };
        Ok(google)
    }

    fn get(&self, path: &str) -> Request {
        Request {
            method: "GET",
            url: format!("{}/v1/{path}", self.url),
            headers: vec![("authorization".to_owned(), format!("Bearer {}", self.token))],
            body: Vec::new(),
        }
    }

    /// Returns the enabled version with the highest number, as cosign chooses it.
    fn newest(&self, key: &str, outside: &dyn Surroundings) -> Result<String, KmsError> {
        let what = "the request for the versions of the key";
        let request = self.get(&format!("{key}/cryptoKeyVersions?filter=state%3DENABLED&pageSize=1000"));
        let versions: Versions = ask(outside, &request, what, words)?;
        let number =
            |version: &Version| version.name.rsplit('/').next().and_then(|number| number.parse::<u64>().ok());
        let newest = versions.crypto_key_versions.into_iter().max_by_key(number);
        newest.map(|version| version.name).ok_or_else(|| KmsError::Answer {
            host: host_of(&self.url),
            what,
            reason: "no version of the key is enabled".to_owned(),
        })
    }

    /// Returns the key, and how it signs: the name of the algorithm, and the scheme.
    pub(super) fn public_key(
        &self,
        outside: &dyn Surroundings,
    ) -> Result<(PublicKey, Option<(String, Scheme)>), KmsError> {
        #[derive(Deserialize)]
        struct Answer {
            pem: String,
            algorithm: String,
        }
        let what = "the request for the public key";
        let request = self.get(&format!("{}/publicKey", self.version));
        let Answer { pem, algorithm } = ask(outside, &request, what, words)?;
        let scheme = scheme_of(&algorithm).ok_or_else(|| KmsError::Answer {
            host: host_of(&self.url),
            what,
            reason: format!("keys for `{}` do not sign here", algorithm.chars().take(60).collect::<String>()),
        })?;
        Ok((PublicKey::from_pem(&pem)?, Some((algorithm, scheme))))
    }

    pub(super) fn sign(&self, outside: &dyn Surroundings, input: Input<'_>) -> Result<Vec<u8>, KmsError> {
        #[derive(Deserialize)]
        struct Answer {
            signature: String,
        }
        let what = "the request for a signature";
        // How a key signs is settled when the version is made; the request only names the hash.
        let body = match input {
            Input::Digest(hash, digest) => {
                let name = format!("sha{}", hash.bits());
                json!({ "digest": { name: base64_encode(digest) } })
            }
            Input::Message(message) => json!({ "data": base64_encode(message) }),
        };
        let mut request = self.get(&format!("{}:asymmetricSign", self.version));
        request.method = "POST";
        request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
        request.body = body.to_string().into_bytes();
        let answer: Answer = ask(outside, &request, what, words)?;
        bytes(&answer.signature, &self.url, what)
    }
}

/// Reads the name of an algorithm:
/// <https://cloud.google.com/kms/docs/reference/rest/v1/CryptoKeyVersionAlgorithm>.
fn scheme_of(algorithm: &str) -> Option<Scheme> {
    if algorithm == "EC_SIGN_ED25519" {
        return Some(Scheme::Ed25519);
    }
    let (rest, hash) = algorithm.rsplit_once('_')?;
    let hash = match hash {
        "SHA256" => Hash::Sha256,
        "SHA384" => Hash::Sha384,
        "SHA512" => Hash::Sha512,
        _ => return None,
    };
    let is = |prefix: &str| rest.starts_with(prefix);
    if is("EC_SIGN_P") {
        Some(Scheme::EcdsaDer(hash))
    } else if is("RSA_SIGN_PKCS1_") {
        Some(Scheme::RsaPkcs1(hash))
    } else {
        is("RSA_SIGN_PSS_").then_some(Scheme::RsaPss(hash))
    }
}

fn words(document: &Value) -> Option<&str> {
    document.get("error")?.get("message")?.as_str()
}

#[derive(Deserialize)]
struct Account {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    client_email: String,
    #[serde(default)]
    private_key: String,
    #[serde(default)]
    token_uri: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
    #[serde(default)]
    refresh_token: String,
}

fn token(outside: &dyn Surroundings) -> Result<String, KmsError> {
    let given = ["GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"];
    if let Some(token) = given.into_iter().find_map(|name| outside.variable(name)) {
        return Ok(token);
    }
    let named = outside.variable("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
    let usual = || {
        let folder = outside.variable("CLOUDSDK_CONFIG").map(PathBuf::from);
        let home = || outside.variable("HOME").map(|home| PathBuf::from(home).join(".config/gcloud"));
        folder.or_else(home).map(|folder| folder.join("application_default_credentials.json"))
    };
    if let Some(path) = named.clone().or_else(usual) {
        match outside.file(&path) {
            Ok(text) => return of_account(&text, &path.display().to_string(), outside),
            Err(_) if named.is_none() => {}
            Err(source) => return Err(KmsError::File { path, source }),
        }
    }
    let host = outside.variable("GCE_METADATA_HOST").unwrap_or_else(|| "metadata.google.internal".to_owned());
    let request = Request {
        method: "GET",
        url: format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token"),
        headers: vec![("metadata-flavor".to_owned(), "Google".to_owned())],
        body: Vec::new(),
    };
    let token: Result<Token, KmsError> = ask(outside, &request, "the request for a token", oauth_words);
    token.map(|token| token.access_token).map_err(|_| KmsError::Setting {
        what: "who asks Google Cloud",
        set: "`GOOGLE_APPLICATION_CREDENTIALS`, or run `gcloud auth application-default login`",
    })
}

fn of_account(text: &str, place: &str, outside: &dyn Surroundings) -> Result<String, KmsError> {
    let unusable = |reason: String| KmsError::Credentials { place: place.to_owned(), reason };
    let account: Account = serde_json::from_str(text).map_err(|error| unusable(error.to_string()))?;
    let address =
        if account.token_uri.is_empty() { "https://oauth2.googleapis.com/token" } else { &account.token_uri };
    let body = match account.kind.as_str() {
        "service_account" => {
            let key =
                PrivateKey::from_pem(&account.private_key).map_err(|error| unusable(error.to_string()))?;
            let now = outside.now().0;
            let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let head = part(json!({ "alg": "RS256", "typ": "JWT" }));
            let claims = part(json!({
                "iss": account.client_email, "scope": SCOPE, "aud": address, "iat": now, "exp": now + ASSERTION,
            }));
            let message = format!("{head}.{claims}");
            let signature = key
                .sign(Scheme::RsaPkcs1(Hash::Sha256), message.as_bytes())
                .map_err(|error| unusable(error.to_string()))?;
            let assertion = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
            form(&[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)])
        }
        "authorized_user" => form(&[
            ("grant_type", "refresh_token"),
            ("client_id", &account.client_id),
            ("client_secret", &account.client_secret),
            ("refresh_token", &account.refresh_token),
        ]),
        other => return Err(unusable(format!("credentials of type `{other}` are not read here"))),
    };
    let request = Request {
        method: "POST",
        url: address.to_owned(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body,
    };
    let token: Token = ask(outside, &request, "the request for a token", oauth_words)?;
    Ok(token.access_token)
}
