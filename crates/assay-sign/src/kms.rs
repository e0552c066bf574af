//! Keys in key services: AWS KMS, Google Cloud KMS, Azure Key Vault, and the transit engine of HashiCorp Vault and OpenBao.
//!
//! Each is spoken to by its own REST interface. Requests are made and answers read here; who sends them is an argument, so that this
//! module opens no connection. References are those of cosign, and so are the variables with credentials. Only hashes are sent, but
//! for Ed25519, which has none; and what comes back is verified with the key that the service named.

mod aws;
mod azure;
mod google;
mod vault;

pub use aws::AwsRequests;

use crate::encoding::base64_decode;
use crate::key::{Hash, InvalidPublicKey, KeyAlgorithm, PublicKey, Scheme, Service, ServiceKey};
use crate::signer::{SignError, Signed, Signer, checked, ecdsa, usual_scheme};
use assay_model::Timestamp;
use serde::de::DeserializeOwned;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A request to a key service.
#[derive(Clone)]
pub struct Request {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// The address.
    pub url: String,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

// Headers carry tokens, bodies passwords, and addresses may carry a user's.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let path = rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or_default();
        write!(f, "{} {scheme}://{}{path}", self.method, host_of(&self.url))
    }
}

/// The answer of a key service.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, of at most [`MAX_ANSWER`] bytes.
    pub body: Vec<u8>,
}

/// Bytes of an answer: keys, tokens and signatures are small.
pub const MAX_ANSWER: u64 = 1 << 20;

/// A request was not answered at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot reach `{host}`")]
pub struct TransportError {
    /// Who was asked.
    pub host: String,
    /// The cause.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// What the outside gives: the network, the clock, variables and files.
pub trait Surroundings {
    /// Sends a request, follows no redirect, and returns the answer whatever its status is.
    ///
    /// # Errors
    /// Fails when there is no answer.
    fn send(&self, request: &Request) -> Result<Answer, TransportError>;

    /// Returns the time.
    fn now(&self) -> Timestamp;

    /// Returns a variable that is set and not empty.
    fn variable(&self, name: &str) -> Option<String>;

    /// Reads a small text file.
    ///
    /// # Errors
    /// Fails when it cannot be read.
    fn file(&self, path: &Path) -> io::Result<String>;
}

/// Why a key service did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KmsError {
    /// Nothing says where it is, or who asks.
    #[error("{what} is not known: set {set}")]
    Setting {
        /// What is missing.
        what: &'static str,
        /// The variables or files it is looked for in.
        set: &'static str,
    },
    /// A file with credentials cannot be read.
    #[error("cannot read the credentials in `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file with credentials is damaged.
    #[error("the credentials in `{place}` cannot be used: {reason}")]
    Credentials {
        /// The file or variable.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// It cannot be reached.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It answered with an error.
    #[error("`{host}` answered {status} to {what}{}", in_parentheses(message))]
    Refused {
        /// Who was asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What was asked for.
        what: &'static str,
        /// Its words.
        message: String,
    },
    /// The answer is not what its documentation says.
    #[error("the answer of `{host}` to {what} cannot be used: {reason}")]
    Answer {
        /// Who was asked.
        host: String,
        /// What was asked for.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The key was made for another way of signing.
    #[error("the key was made to sign by `{0}` and nothing else, which this signature is not made by")]
    Algorithm(String),
    /// The key cannot be used.
    #[error("the key cannot be used")]
    Key(#[from] InvalidPublicKey),
}

fn in_parentheses(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}

/// A service, ready to be asked.
enum Client {
    Aws(aws::Aws),
    Google(google::Google),
    Azure(azure::Azure),
    Vault(vault::Vault),
}

/// A key in a key service.
pub struct KmsSigner {
    client: Client,
    surroundings: Box<dyn Surroundings>,
    name: String,
    public: PublicKey,
    /// How the key signs, where it was made for one way: its name at the service, and the scheme.
    only: Option<(String, Scheme)>,
}

impl fmt::Debug for KmsSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KmsSigner")
            .field("name", &self.name)
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl KmsSigner {
    /// Finds credentials and asks for the public key.
    ///
    /// # Errors
    /// Fails when there are none, or the service does not answer with a key that can be used.
    pub fn open(key: &ServiceKey, surroundings: Box<dyn Surroundings>) -> Result<Self, KmsError> {
        let outside = surroundings.as_ref();
        let client = match key.service {
            Service::Aws => Client::Aws(aws::Aws::new(key, outside)?),
            Service::Google => Client::Google(google::Google::new(key, outside)?),
            Service::Azure => Client::Azure(azure::Azure::new(key, outside)?),
            Service::Vault => Client::Vault(vault::Vault::new(key, outside)?),
        };
        let (public, only) = match &client {
            Client::Aws(client) => (client.public_key(outside)?, None),
            Client::Google(client) => client.public_key(outside)?,
            Client::Azure(client) => (client.public_key(outside)?, None),
            Client::Vault(client) => (client.public_key(outside)?, None),
        };
        Ok(Self { client, name: key.to_string(), public, only, surroundings })
    }

    fn ask(&self, scheme: Scheme, input: Input<'_>) -> Result<Vec<u8>, SignError> {
        if let Some((name, only)) = &self.only
            && !alike(*only, scheme)
        {
            return Err(KmsError::Algorithm(name.clone()).into());
        }
        let outside = self.surroundings.as_ref();
        let signature = match &self.client {
            Client::Aws(client) => client.sign(outside, scheme, input),
            Client::Google(client) => client.sign(outside, input),
            Client::Azure(client) => client.sign(outside, scheme, input),
            Client::Vault(client) => client.sign(outside, scheme, input),
        }?;
        // All but Azure answer with ECDSA signatures in DER.
        let converted = match (scheme, &self.client) {
            (Scheme::EcdsaDer(_), Client::Azure(_)) => ecdsa::to_der(&signature),
            (Scheme::EcdsaFixed(_), Client::Aws(_) | Client::Google(_) | Client::Vault(_)) => {
                self.public.algorithm().coordinate().and_then(|size| ecdsa::to_fixed(&signature, size))
            }
            _ => Some(signature),
        };
        converted.ok_or_else(|| SignError::Wrong { keeper: self.name.clone() })
    }

    /// Returns how long a message may be that the service signs without a hash.
    fn longest(&self) -> usize {
        match &self.client {
            Client::Aws(_) => aws::LONGEST,
            Client::Google(_) => google::LONGEST,
            Client::Azure(_) => 0,
            Client::Vault(_) => vault::LONGEST,
        }
    }
}

/// Tells whether two schemes differ by nothing but how the signature is written.
fn alike(one: Scheme, other: Scheme) -> bool {
    let plain = |scheme| if let Scheme::EcdsaFixed(hash) = scheme { Scheme::EcdsaDer(hash) } else { scheme };
    plain(one) == plain(other)
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
enum Input<'a> {
    /// The hash that the scheme asks for.
    Digest(Hash, &'a [u8]),
    /// The message itself, for Ed25519.
    Message(&'a [u8]),
}

impl Signer for KmsSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn scheme(&self) -> Scheme {
        let known = |scheme: &Scheme| self.public.sigstore_schemes().contains(scheme);
        let only = self.only.as_ref().map(|(_, scheme)| *scheme);
        only.filter(known).unwrap_or_else(|| usual_scheme(&self.public))
    }

    fn signs_digests(&self) -> bool {
        true
    }

    fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match scheme.hash() {
            Some(hash) => self.sign_digest(scheme, &hash.of(message)),
            None if self.public.algorithm() == KeyAlgorithm::Ed25519 => {
                if message.len() > self.longest() {
                    return Err(SignError::NeedsMessage);
                }
                let signature = self.ask(scheme, Input::Message(message))?;
                checked(&self.public, scheme, Signed::Message(message), signature, &self.name)
            }
            None => Err(SignError::Scheme),
        }
    }

    fn sign_digest(&self, scheme: Scheme, digest: &[u8]) -> Result<Vec<u8>, SignError> {
        let hash = scheme.hash().ok_or(SignError::NeedsMessage)?;
        let rsa = matches!(scheme, Scheme::RsaPkcs1(_) | Scheme::RsaPss(_));
        if rsa != (self.public.algorithm() == KeyAlgorithm::Rsa)
            || self.public.algorithm() == KeyAlgorithm::Ed25519
        {
            return Err(SignError::Scheme);
        }
        let signature = self.ask(scheme, Input::Digest(hash, digest))?;
        checked(&self.public, scheme, Signed::Digest(digest), signature, &self.name)
    }
}

/// Sends a request and reads the JSON of a good answer; of a bad one `words` finds the message.
fn ask<T: DeserializeOwned>(
    outside: &dyn Surroundings,
    request: &Request,
    what: &'static str,
    words: fn(&serde_json::Value) -> Option<&str>,
) -> Result<T, KmsError> {
    let host = host_of(&request.url);
    let answer = outside.send(request)?;
    if !(200..300).contains(&answer.status) {
        let document: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        let message = document.as_ref().and_then(words).unwrap_or_default();
        let message = message.chars().filter(|c| !c.is_control()).take(300).collect();
        return Err(KmsError::Refused { host, status: answer.status, what, message });
    }
    serde_json::from_slice(&answer.body).map_err(|error| KmsError::Answer {
        host,
        what,
        reason: error.to_string(),
    })
}

/// Returns the host and port of an address, without the user and password that may stand before them.
pub fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_owned()
}

/// Reads base64 of an answer.
fn bytes(text: &str, url: &str, what: &'static str) -> Result<Vec<u8>, KmsError> {
    base64_decode(text).map_err(|_| KmsError::Answer {
        host: host_of(url),
        what,
        reason: "it is no base64".to_owned(),
    })
}

/// Returns the address without a slash at its end.
fn base(url: &str) -> String {
    let url = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
    url.trim_end_matches('/').to_owned()
}

/// Encodes a text for a form or a path, leaving what RFC 3986 calls unreserved.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&crate::encoding::hex(&[byte]).to_ascii_uppercase());
        }
    }
    out
}

/// Returns the body of a form.
fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    let pairs: Vec<String> =
        fields.iter().map(|(key, value)| format!("{}={}", escaped(key), escaped(value))).collect();
    pairs.join("&").into_bytes()
}

/// A token of OAuth 2.0.
#[derive(serde::Deserialize)]
struct Token {
    access_token: String,
}

fn oauth_words(document: &serde_json::Value) -> Option<&str> {
    document.get("error_description").or_else(|| document.get("error"))?.as_str()
}

#[cfg(test)]
mod tests;
