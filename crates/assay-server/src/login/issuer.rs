//! Asking the identity provider: its description (OpenID Connect Discovery 1.0), its keys, and a token for a code (RFC 6749, section 4.1.3).
//!
//! Descriptions and keys are kept, and asked for again when they are old or a token names a key that is not among them; not more often than
//! every ten seconds, as anybody can make up names of keys. Keys hold for an hour after the provider was last there: longer, and one that was
//! withdrawn would let people in for as long as the provider is kept from being reached.

use super::LoginError;
use super::jose::Keys;
use crate::pages::encode;
use assay_oci::{Network, NetworkOptions};
use assay_store::Moment;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// The largest answer that is read.
const MAX_ANSWER: usize = 1 << 20;
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How old what is known may be until it is asked for again.
const FRESH: Duration = Duration::from_secs(300);
/// How old it may be when the provider is away.
const KEPT: Duration = Duration::from_secs(3600);
/// How long is waited between two requests at least.
const PAUSE: Duration = Duration::from_secs(10);

/// An address that may be asked: `https://`, or `http://` on this machine.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Url {
    text: String,
    host: String,
}

/// A text is no address that may be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `https://…`, nor `http://` on this machine")]
pub struct InvalidLoginUrl(String);

impl FromStr for Url {
    type Err = InvalidLoginUrl;
    fn from_str(text: &str) -> Result<Self, InvalidLoginUrl> {
        let wrong = || InvalidLoginUrl(text.chars().take(200).collect());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let is_local = ["127.0.0.1", "[::1]", "localhost"].contains(&name);
        let is_safe = scheme == "https" || (scheme == "http" && is_local);
        let is_plain =
            text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['#', '\\', '"', '<']);
        if is_safe && is_plain && !name.is_empty() && !host.contains('@') {
            return Ok(Self { text: text.to_owned(), host: host.to_owned() });
        }
        Err(wrong())
    }
}

impl Url {
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a provider says of itself.
#[derive(Deserialize)]
struct Description {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Debug)]
struct Known {
    authorization: Url,
    token: Url,
    secret_in_body: bool,
    keys: Arc<Keys>,
    at: Moment,
}

/// A provider, and what is known of it.
pub(super) struct Issuer {
    url: Url,
    client: String,
    secret: Option<String>,
    network: NetworkOptions,
    known: RwLock<Option<Arc<Known>>>,
    /// When it was last tried to ask. Held while the provider is asked, so that of many who wait one asks.
    tried: tokio::sync::Mutex<Option<Moment>>,
}

impl Issuer {
    pub(super) fn new(
        issuer: &str,
        client: String,
        secret: Option<String>,
        network: NetworkOptions,
    ) -> Result<Self, InvalidLoginUrl> {
        let (known, tried) = (RwLock::default(), tokio::sync::Mutex::default());
        Ok(Self { url: issuer.parse()?, client, secret, network, known, tried })
    }

    pub(super) fn name(&self) -> &str {
        &self.url.text
    }

    pub(super) fn host(&self) -> &str {
        &self.url.host
    }

    pub(super) fn client(&self) -> &str {
        &self.client
    }

    /// Returns the address at which people say who they are.
    pub(super) async fn authorization(
        &self,
        now: Moment,
        parameters: &[(&str, &str)],
    ) -> Result<String, LoginError> {
        let known = self.known(now, |_| true).await?;
        let separator = if known.authorization.text.contains('?') { '&' } else { '?' };
        Ok(format!("{}{separator}{}", known.authorization.text, form(parameters)))
    }

    /// Returns the keys, among which the named one is if the provider has it.
    pub(super) async fn keys(&self, now: Moment, name: Option<&str>) -> Result<Arc<Keys>, LoginError> {
        Ok(self.known(now, |known| known.keys.has(name)).await?.keys.clone())
    }

    /// Exchanges a code for an ID token.
    pub(super) async fn redeem(
        &self,
        now: Moment,
        code: &str,
        verifier: &str,
        redirect: &str,
    ) -> Result<String, LoginError> {
        #[derive(Deserialize)]
        struct Answer {
            id_token: String,
        }
        let known = self.known(now, |_| true).await?;
        let mut parameters = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
            ("client_id", self.client.as_str()),
        ];
        let mut authorization = None;
        match &self.secret {
            Some(secret) if known.secret_in_body => parameters.push(("client_secret", secret)),
            // RFC 6749, section 2.3.1: both are written as in a form first.
            Some(secret) => {
                let pair = format!("{}:{}", encode(&self.client), encode(secret));
                authorization = Some(format!("Basic {}", STANDARD.encode(pair)));
            }
            None => {}
        }
        let body = Some((form(&parameters), authorization));
        let answer: Answer = self.ask(&known.token, body).await?;
        Ok(answer.id_token)
    }

    /// Returns what is known, and asks for it if it is old or does not serve.
    async fn known(&self, now: Moment, serves: impl Fn(&Known) -> bool) -> Result<Arc<Known>, LoginError> {
        let current = || self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let is_good = |known: &Arc<Known>| serves(known) && now.since(known.at) < FRESH;
        // What is good is had without waiting for whoever asks the provider just now.
        if let Some(known) = current().filter(is_good) {
            return Ok(known);
        }
        let mut tried = self.tried.lock().await;
        if let Some(known) = current().filter(is_good) {
            return Ok(known);
        }
        let mut failed = None;
        if tried.is_none_or(|tried| now.since(tried) >= PAUSE) {
            *tried = Some(now);
            match self.describe(now).await {
                Ok(known) => {
                    *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(known));
                }
                Err(error) => failed = Some(error),
            }
        }
        match (current().filter(|known| now.since(known.at) < KEPT), failed) {
            (Some(known), _) => Ok(known),
            (None, Some(error)) => Err(error),
            (None, None) => Err(LoginError::Provider(
                "it was not there a moment ago; try again in ten seconds".to_owned(),
            )),
        }
    }

    async fn describe(&self, now: Moment) -> Result<Known, LoginError> {
        let place = format!("{}/.well-known/openid-configuration", self.url.text.trim_end_matches('/'));
        let unsafe_place = |error: InvalidLoginUrl| LoginError::Provider(error.to_string());
        let description: Description = self.ask(&place.parse().map_err(unsafe_place)?, None).await?;
        if description.issuer != self.url.text {
            return Err(LoginError::Provider(
                "it names itself otherwise than `--oidc-issuer` does".to_owned(),
            ));
        }
        let keys: Keys = self.ask(&description.jwks_uri.parse().map_err(unsafe_place)?, None).await?;
        let methods = description.token_endpoint_auth_methods_supported.unwrap_or_default();
        let has = |name: &str| methods.iter().any(|method| method == name);
        Ok(Known {
            authorization: description.authorization_endpoint.parse().map_err(unsafe_place)?,
            token: description.token_endpoint.parse().map_err(unsafe_place)?,
            secret_in_body: has("client_secret_post") && !has("client_secret_basic"),
            keys: Arc::new(keys),
            at: now,
        })
    }

    /// Asks for JSON: with a form and an authorization, or without.
    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        url: &Url,
        form: Option<(String, Option<String>)>,
    ) -> Result<T, LoginError> {
        let (options, host, text) = (self.network.clone(), url.host.clone(), url.text.clone());
        let asked = tokio::task::spawn_blocking(move || {
            Network::new(options).with_public_client(&host, |client| async move {
                let request = match form {
                    None => client.get(&text),
                    Some((body, authorization)) => {
                        let request = client
                            .post(&text)
                            .header("content-type", "application/x-www-form-urlencoded")
                            .body(body);
                        match authorization {
                            Some(value) => request.header("authorization", value),
                            None => request,
                        }
                    }
                };
                let request = request.header("accept", "application/json").timeout(PATIENCE);
                let mut response = request.send().await.map_err(|error| error.without_url().to_string())?;
                let mut bytes = Vec::new();
                while let Some(chunk) =
                    response.chunk().await.map_err(|error| error.without_url().to_string())?
                {
                    bytes.extend_from_slice(&chunk);
                    if bytes.len() > MAX_ANSWER {
                        return Err("its answer is too long".to_owned());
                    }
                }
                if response.status().is_success() {
                    return Ok(bytes);
                }
                // Its reason may be long, and is the provider's own; the status is enough to look it up there.
                Err(format!("it answered {}", response.status().as_u16()))
            })
        });
        let bytes = match asked.await {
            Ok(Ok(answer)) => answer.map_err(LoginError::Provider)?,
            Ok(Err(error)) => return Err(LoginError::Provider(error.to_string())),
            Err(error) => return Err(LoginError::Provider(crate::worker::fault(error))),
        };
        serde_json::from_slice(&bytes)
            .map_err(|_| LoginError::Provider("its answer cannot be read".to_owned()))
    }
}

fn form(parameters: &[(&str, &str)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_asked_without_tls() {
        for (text, want) in [
            ("https://id.example/realms/a", true),
            ("http://127.0.0.1:9/x", true),
            ("http://localhost", true),
            ("http://id.example", false),
            ("http://127.0.0.1.id.example/", false),
            ("http://127.0.0.1@id.example/", false),
            ("https://a@id.example/", false),
            ("https:///x", false),
            ("https://id.example/#x", false),
            ("javascript:alert(1)", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<Url>().is_ok(), want, "{text}");
        }
    }
}
