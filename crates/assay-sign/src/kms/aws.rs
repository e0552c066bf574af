//! AWS KMS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>, signed by Signature Version 4
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).
//!
//! Credentials are looked for as other AWS tools do: variables, the shared credentials file and the configuration beside it, a web
//! identity (EKS), a container's address (ECS, EKS), and last the instance's metadata service (IMDSv2). A profile that is named is the
//! one that is meant: without it nobody else signs instead.

use super::{Input, KmsError, Request, Surroundings, ask, base, bytes, escaped, form, host_of};
use crate::encoding::{base64_encode, hex};
use crate::key::{Hash, PublicKey, Scheme, ServiceKey};
use assay_model::Timestamp;
use aws_lc_rs::hmac;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const SERVICE: &str = "kms";
/// Bytes of a message that is signed without a hash.
pub(super) const LONGEST: usize = 4096;

/// The domains of services, by the start of the region's name; all others are in `amazonaws.com`
/// (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
const DOMAINS: &[(&str, &str)] = &[
    ("cn-", "amazonaws.com.cn"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
];

/// Returns the address of a service in a region.
fn endpoint(service: &str, region: &str) -> String {
    let found = DOMAINS.iter().find(|(prefix, _)| region.starts_with(prefix));
    format!("https://{service}.{region}.{}", found.map_or("amazonaws.com", |(_, domain)| domain))
}

/// Who asks.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
    #[serde(alias = "Token", default)]
    pub(super) session_token: Option<String>,
}

pub(super) struct Aws {
    url: String,
    region: String,
    credentials: Credentials,
    key: String,
}

/// Signs requests to other services of AWS, and to what speaks as they do.
pub struct AwsRequests {
    region: String,
    credentials: Credentials,
}

impl std::fmt::Debug for AwsRequests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsRequests").field("region", &self.region).finish_non_exhaustive()
    }
}

impl AwsRequests {
    /// Returns the address of a service in a region.
    pub fn endpoint(service: &str, region: &str) -> String {
        endpoint(service, region)
    }

    /// Looks for credentials where AWS's own tools do.
    ///
    /// # Errors
    /// Fails when there are none, or who gives them does not answer.
    pub fn new(region: &str, outside: &dyn Surroundings) -> Result<Self, KmsError> {
        Ok(Self { region: region.to_owned(), credentials: credentials(region, outside)? })
    }

    /// Says whether the credentials run out at some time.
    pub fn are_temporary(&self) -> bool {
        self.credentials.session_token.is_some()
    }

    /// Adds the header fields of a signature to a request without a query, whose path needs no escape.
    pub fn authorize(&self, request: &mut Request, service: &str, now: Timestamp) {
        authorize(request, &self.credentials, &self.region, service, now);
    }
}

impl Aws {
    pub(super) fn new(key: &ServiceKey, outside: &dyn Surroundings) -> Result<Self, KmsError> {
        let of_arn = key.name.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2)).map(str::to_owned);
        let region = of_arn
            .filter(|region| !region.is_empty())
            .or_else(|| outside.variable("AWS_REGION"))
            .or_else(|| outside.variable("AWS_DEFAULT_REGION"))
            .ok_or(KmsError::Setting {
                what: "the region of AWS",
                set: "`AWS_REGION`, or name the key by its ARN",
            })?;
        let url = if key.host.is_empty() {
            outside
                .variable("AWS_ENDPOINT_URL_KMS")
                .or_else(|| outside.variable("AWS_ENDPOINT_URL"))
                .unwrap_or_else(|| endpoint(SERVICE, &region))
        } else {
            key.host.clone()
        };
        let credentials = credentials(&region, outside)?;
        Ok(Self { url: base(&url), region, credentials, key: key.name.clone() })
    }

    fn request(&self, action: &str, body: &Value, now: Timestamp) -> Request {
        let mut request = Request {
            method: "POST",
            url: format!("{}/", self.url),
            headers: vec![
                ("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()),
                ("x-amz-target".to_owned(), format!("TrentService.{action}")),
            ],
            body: body.to_string().into_bytes(),
        };
        authorize(&mut request, &self.credentials, &self.region, SERVICE, now);
        request
    }

    pub(super) fn public_key(&self, outside: &dyn Surroundings) -> Result<PublicKey, KmsError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            public_key: String,
        }
        let what = "the request for the public key";
        let request = self.request("GetPublicKey", &json!({ "KeyId": self.key }), outside.now());
        let answer: Answer = ask(outside, &request, what, words)?;
        Ok(PublicKey::from_der(&bytes(&answer.public_key, &self.url, what)?)?)
    }

    pub(super) fn sign(
        &self,
        outside: &dyn Surroundings,
        scheme: Scheme,
        input: Input<'_>,
    ) -> Result<Vec<u8>, KmsError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            signature: String,
        }
        let what = "the request for a signature";
        let algorithm = match scheme {
            Scheme::EcdsaDer(hash) | Scheme::EcdsaFixed(hash) => format!("ECDSA_SHA_{}", hash.bits()),
            Scheme::RsaPkcs1(hash) => format!("RSASSA_PKCS1_V1_5_SHA_{}", hash.bits()),
            Scheme::RsaPss(hash) => format!("RSASSA_PSS_SHA_{}", hash.bits()),
            Scheme::Ed25519 | Scheme::Ed25519ph => "ED25519_SHA_512".to_owned(),
        };
        let (kind, message) = match input {
            Input::Digest(_, digest) => ("DIGEST", digest),
            Input::Message(message) => ("RAW", message),
        };
        let body = json!({
            "KeyId": self.key, "Message": base64_encode(message), "MessageType": kind, "SigningAlgorithm": algorithm,
        });
        let answer: Answer = ask(outside, &self.request("Sign", &body, outside.now()), what, words)?;
        bytes(&answer.signature, &self.url, what)
    }
}

fn words(document: &Value) -> Option<&str> {
    let message = document.get("message").or_else(|| document.get("Message"))?.as_str();
    message.or_else(|| document.get("__type")?.as_str())
}

fn sts_words(document: &Value) -> Option<&str> {
    document.get("Error")?.get("Message")?.as_str()
}

fn credentials(region: &str, outside: &dyn Surroundings) -> Result<Credentials, KmsError> {
    if let (Some(access_key_id), Some(secret_access_key)) =
        (outside.variable("AWS_ACCESS_KEY_ID"), outside.variable("AWS_SECRET_ACCESS_KEY"))
    {
        let session_token = outside.variable("AWS_SESSION_TOKEN");
        return Ok(Credentials { access_key_id, secret_access_key, session_token });
    }
    if let Some(credentials) = of_file(outside)? {
        return Ok(credentials);
    }
    if let (Some(token), Some(role)) =
        (outside.variable("AWS_WEB_IDENTITY_TOKEN_FILE"), outside.variable("AWS_ROLE_ARN"))
    {
        return of_web_identity(region, &PathBuf::from(token), &role, outside);
    }
    if let Some(address) = container_address(outside) {
        let token = match outside.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(path) => {
                let path = PathBuf::from(path);
                Some(outside.file(&path).map_err(|source| KmsError::File { path, source })?.trim().to_owned())
            }
            None => outside.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        };
        let headers = token.map(|token| ("authorization".to_owned(), token)).into_iter().collect();
        let request = Request { method: "GET", url: address, headers, body: Vec::new() };
        return ask(outside, &request, "the request for credentials", words);
    }
    if outside.variable("AWS_EC2_METADATA_DISABLED").is_none_or(|value| value != "true")
        && let Ok(credentials) = of_instance(outside)
    {
        return Ok(credentials);
    }
    Err(KmsError::Setting {
        what: "who asks AWS",
        set: "`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or `AWS_PROFILE` and its file",
    })
}

fn container_address(outside: &dyn Surroundings) -> Option<String> {
    let relative = outside.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    relative
        .map(|path| format!("http://169.254.170.2{path}"))
        .or_else(|| outside.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"))
}

fn of_file(outside: &dyn Surroundings) -> Result<Option<Credentials>, KmsError> {
    let named = outside.variable("AWS_PROFILE").or_else(|| outside.variable("AWS_DEFAULT_PROFILE"));
    let profile = named.as_deref().unwrap_or("default");
    let in_configuration =
        if profile == "default" { "default".to_owned() } else { format!("profile {profile}") };
    let mut looked = Vec::new();
    for (variable, usual, section) in [
        ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", profile),
        ("AWS_CONFIG_FILE", ".aws/config", in_configuration.as_str()),
    ] {
        let given = outside.variable(variable).map(PathBuf::from);
        let usual = || outside.variable("HOME").map(|home| PathBuf::from(home).join(usual));
        let Some(path) = given.clone().or_else(usual) else { continue };
        looked.push(path.display().to_string());
        let text = match outside.file(&path) {
            Ok(text) => text,
            Err(_) if given.is_none() => continue,
            Err(source) => return Err(KmsError::File { path, source }),
        };
        if let Some(credentials) = of_profile(&text, section) {
            return Ok(Some(credentials));
        }
    }
    match named {
        // Another account's credentials would sign with another account's key.
        Some(profile) => Err(KmsError::Credentials {
            place: looked.join("` and `"),
            reason: format!("there is no access key of the profile `{profile}` in it"),
        }),
        None => Ok(None),
    }
}

/// Reads one profile of a shared credentials file.
fn of_profile(text: &str, profile: &str) -> Option<Credentials> {
    let mut inside = false;
    let (mut id, mut secret, mut token) = (None, None, None);
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = name.trim() == profile;
        } else if let Some((key, value)) =
            line.split_once('=').filter(|_| inside && !line.starts_with(['#', ';']))
        {
            let value = Some(value.trim().to_owned());
            match key.trim() {
                "aws_access_key_id" => id = value,
                "aws_secret_access_key" => secret = value,
                "aws_session_token" => token = value,
                _ => {}
            }
        }
    }
    Some(Credentials { access_key_id: id?, secret_access_key: secret?, session_token: token })
}

fn of_web_identity(
    region: &str,
    token: &Path,
    role: &str,
    outside: &dyn Surroundings,
) -> Result<Credentials, KmsError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        assume_role_with_web_identity_response: Inner,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Inner {
        assume_role_with_web_identity_result: Outcome,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Outcome {
        credentials: Credentials,
    }
    let text = outside.file(token).map_err(|source| KmsError::File { path: token.to_owned(), source })?;
    let session = outside.variable("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "assay".to_owned());
    let url =
        outside.variable("AWS_ENDPOINT_URL_STS").map_or_else(|| endpoint("sts", region), |url| base(&url));
    let request = Request {
        method: "POST",
        url: format!("{url}/"),
        headers: vec![
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("accept".to_owned(), "application/json".to_owned()),
        ],
        body: form(&[
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("RoleSessionName", &session),
            ("WebIdentityToken", text.trim()),
        ]),
    };
    let answer: Answer = ask(outside, &request, "the request for credentials", sts_words)?;
    Ok(answer.assume_role_with_web_identity_response.assume_role_with_web_identity_result.credentials)
}

fn of_instance(outside: &dyn Surroundings) -> Result<Credentials, KmsError> {
    let root = outside
        .variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .map_or_else(|| "http://169.254.169.254".to_owned(), |url| base(&url));
    let text = |request: &Request| -> Result<String, KmsError> {
        let answer = outside.send(request)?;
        let what = "the request for credentials";
        if answer.status != 200 {
            let host = host_of(&request.url);
            return Err(KmsError::Refused { host, status: answer.status, what, message: String::new() });
        }
        String::from_utf8(answer.body).map_err(|error| KmsError::Answer {
            host: host_of(&request.url),
            what,
            reason: error.to_string(),
        })
    };
    let token = text(&Request {
        method: "PUT",
        url: format!("{root}/latest/api/token"),
        headers: vec![("x-aws-ec2-metadata-token-ttl-seconds".to_owned(), "60".to_owned())],
        body: Vec::new(),
    })?;
    let get = |path: String| Request {
        method: "GET",
        url: format!("{root}/latest/meta-data/iam/security-credentials/{path}"),
        headers: vec![("x-aws-ec2-metadata-token".to_owned(), token.clone())],
        body: Vec::new(),
    };
    let role = text(&get(String::new()))?;
    let role = role.lines().next().unwrap_or_default().trim().to_owned();
    ask(outside, &get(escaped(&role)), "the request for credentials", words)
}

/// Adds the header fields of Signature Version 4 to a request without a query.
pub(super) fn authorize(
    request: &mut Request,
    who: &Credentials,
    region: &str,
    service: &str,
    now: Timestamp,
) {
    let text = now.to_string();
    let compact: String = text.chars().filter(|c| !"-:".contains(*c)).collect();
    let date = compact.get(..8).unwrap_or_default().to_owned();
    request.headers.push(("host".to_owned(), host_of(&request.url)));
    request.headers.push(("x-amz-date".to_owned(), compact.clone()));
    if let Some(token) = &who.session_token {
        request.headers.push(("x-amz-security-token".to_owned(), token.clone()));
    }
    request.headers.sort();
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let fields: String =
        request.headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let path =
        request.url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let body = hex(&Hash::Sha256.of(&request.body));
    let canonical = format!("{}\n/{path}\n{query}\n{fields}\n{names}\n{body}", request.method);
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{compact}\n{scope}\n{}", hex(&Hash::Sha256.of(canonical.as_bytes())));
    let mut key = format!("AWS4{}", who.secret_access_key).into_bytes();
    for part in [date.as_str(), region, service, "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    let signature = hex(&mac(&key, to_sign.as_bytes()));
    let value = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        who.access_key_id
    );
    request.headers.push(("authorization".to_owned(), value));
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}
