//! Answers a registry's challenge: Basic, or a token from the server it names.
//!
//! <https://distribution.github.io/distribution/spec/auth/token/> (GET, with user and password if there are any) and
//! <https://distribution.github.io/distribution/spec/auth/oauth/> (POST, with an identity token). Surprising: tokens are asked
//! for without credentials too, because public images need one as well.

use super::client::{BodyError, Client, has_user_info, host_of, read_body};
use super::{Access, RegistryError};
use crate::credentials::Credentials;
use crate::secret::Secret;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;

/// The largest answer of a token server; real tokens have up to about 10 KB.
const MAX_TOKEN: u64 = 1024 * 1024;
/// The longest challenge that is read.
const MAX_CHALLENGE: usize = 8 * 1024;

/// The value of an `Authorization` header.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Authorization(HeaderValue);

impl Authorization {
    fn new(scheme: &str, secret: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(&format!("{scheme} {secret}")).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// What a registry demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// In lower case.
    scheme: String,
    realm: String,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    /// Reads `Bearer realm="…",service="…",scope="…"` (RFC 9110, section 11.6.1), the first of a header.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.get(..text.len().min(MAX_CHALLENGE))?.trim();
        let (scheme, mut rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut challenge =
            Self { scheme: scheme.to_ascii_lowercase(), realm: String::new(), service: None, scope: None };
        while let Some((name, value)) = rest.split_once('=') {
            let name = name.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
            let mut parsed = String::new();
            if let Some(quoted) = value.trim_start().strip_prefix('"') {
                let mut chars = quoted.chars();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => parsed.push(chars.next()?),
                        c => parsed.push(c),
                    }
                }
                rest = chars.as_str();
            } else {
                let (token, behind) = value.split_once(',').unwrap_or((value, ""));
                token.trim().clone_into(&mut parsed);
                rest = behind;
            }
            match name.as_str() {
                "realm" => challenge.realm = parsed,
                "service" => challenge.service = Some(parsed),
                "scope" => challenge.scope = Some(parsed),
                _ => {}
            }
        }
        Some(challenge)
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
}

/// Returns what to send along from now on; `refused` is the error that stands if there is nothing to answer with.
pub(crate) async fn authorize(
    client: &Client,
    challenges: &[Challenge],
    refused: RegistryError,
) -> Result<Authorization, RegistryError> {
    let invalid = |reason| RegistryError::Invalid {
        host: client.host().to_owned(),
        what: "a token".to_owned(),
        reason,
    };
    let sources = client.options.credentials.clone();
    let reference = client.reference.clone();
    // Files and helpers block.
    let credentials = tokio::task::spawn_blocking(move || sources.find(&reference))
        .await
        .map_err(|_| invalid("the search for credentials was broken off"))?
        .map_err(|source| RegistryError::Credentials { host: client.host().to_owned(), source })?;
    if let Some(Credentials::Bearer(token)) = &credentials {
        return Authorization::new("Bearer", token.reveal()).ok_or(refused);
    }
    let by = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
    match (by("bearer"), by("basic"), credentials) {
        (Some(challenge), _, credentials) => {
            let token = token(client, challenge, credentials).await?;
            Authorization::new("Bearer", token.reveal()).ok_or_else(|| invalid("the token is no text"))
        }
        (None, Some(_), Some(Credentials::Password { user, password })) => {
            Authorization::new("Basic", &base64(&format!("{user}:{}", password.reveal()))).ok_or(refused)
        }
        _ => Err(refused),
    }
}

async fn token(
    client: &Client,
    challenge: &Challenge,
    credentials: Option<Credentials>,
) -> Result<Secret, RegistryError> {
    let what = || "a token".to_owned();
    let invalid = |reason| RegistryError::Invalid { host: client.host().to_owned(), what: what(), reason };
    let mut realm =
        Url::parse(&challenge.realm).map_err(|_| invalid("the token server's address is invalid"))?;
    let refused = |reason| RegistryError::Redirect { host: client.host().to_owned(), what: what(), reason };
    check_realm(&realm, client.is_plain(), client.allows(&realm)).map_err(refused)?;
    let scopes = scopes(challenge.scope.as_deref(), client.reference.repository(), client.access);
    let service = challenge.service.clone().unwrap_or_default();
    let host = host_of(&realm);
    let mut attempt = 0;
    let answer = loop {
        let builder = match &credentials {
            Some(Credentials::Identity(identity)) => {
                let mut form =
                    Url::parse("form:").map_err(|_| invalid("the token server's address is invalid"))?;
                form.query_pairs_mut()
                    .append_pair("grant_type", "refresh_token")
                    .append_pair("service", &service)
                    .append_pair("client_id", "assay")
                    .append_pair("scope", &scopes.join(" "))
                    .append_pair("refresh_token", identity.reveal());
                let body = form.query().unwrap_or_default().to_owned();
                client
                    .http
                    .post(realm.clone())
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(body)
            }
            credentials => {
                if attempt == 0 {
                    let mut query = realm.query_pairs_mut();
                    query.append_pair("service", &service);
                    for scope in &scopes {
                        query.append_pair("scope", scope);
                    }
                }
                let builder = client.http.get(realm.clone());
                match credentials {
                    Some(Credentials::Password { user, password }) => {
                        builder.basic_auth(user, Some(password.reveal()))
                    }
                    _ => builder,
                }
            }
        };
        let result = builder.timeout(client.options.document_timeout).send().await;
        let last = attempt >= client.options.retries;
        match result {
            Ok(answer) if !last && (answer.status().is_server_error() || answer.status().as_u16() == 429) => {
            }
            Ok(answer) => break answer,
            Err(error) => {
                let error = RegistryError::connection(&host, error);
                if last || matches!(error, RegistryError::Untrusted { .. }) {
                    return Err(error);
                }
            }
        }
        client.wait(attempt, None).await;
        attempt += 1;
    };
    let status = answer.status();
    if !status.is_success() {
        return Err(RegistryError::Status {
            host,
            status: status.as_u16(),
            what: what(),
            detail: String::new(),
        });
    }
    let body = match read_body(answer, MAX_TOKEN).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => {
            return Err(RegistryError::TooLarge { host, what: what(), limit: MAX_TOKEN });
        }
        Err(BodyError::Broken(source)) => {
            return Err(RegistryError::Interrupted {
                host,
                what: what(),
                source: Some(source.without_url()),
            });
        }
    };
    let answer: TokenAnswer =
        serde_json::from_slice(&body).map_err(|_| invalid("it is not the expected JSON"))?;
    let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
    token.map(Secret::new).ok_or_else(|| invalid("there is no token in it"))
}

/// Returns the rights to ask for: those the registry demands, and to write, where that is wanted.
///
/// A registry demands only what the request at hand needs, and some answer the first write with 403 instead of a new demand.
fn scopes(demanded: Option<&str>, repository: &str, access: Access) -> Vec<String> {
    let own = format!("repository:{repository}:");
    let pull = format!("{own}pull");
    let demanded = demanded.unwrap_or(&pull).split(' ').filter(|scope| !scope.is_empty());
    demanded
        .map(|scope| match access {
            Access::Write if scope == pull => format!("{own}pull,push"),
            Access::Write | Access::Read => scope.to_owned(),
        })
        .collect()
}

/// Tells whether a registry may name this token server, to which the password goes.
///
/// On which host it is, is the registry's business: token servers of the large registries have hosts of their own, and
/// [containerd], [skopeo] and Docker send the password there, too. What they do not all hold to: a registry that is reached by
/// TLS cannot have the password sent without. `allowed` says whether the scheme may be used with that host at all.
///
/// [containerd]: https://github.com/containerd/containerd/blob/main/core/remotes/docker/auth/fetch.go
/// [skopeo]: https://github.com/containers/image/blob/main/docker/docker_client.go
fn check_realm(realm: &Url, plain_registry: bool, allowed: bool) -> Result<(), &'static str> {
    if !allowed || (!plain_registry && realm.scheme() != "https") {
        return Err("to a token server without TLS");
    }
    if has_user_info(realm) {
        return Err("to a token server with a user name in its address");
    }
    Ok(())
}

/// Encodes standard base64, padded.
fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let byte = |at: usize| chunk.get(at).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..4_usize {
            let index = usize::try_from(bits >> (18 - 6 * position) & 63).unwrap_or(0);
            let letter = ALPHABET.get(index).copied().map_or('=', char::from);
            out.push(if position > chunk.len() { '=' } else { letter });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let text = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push",error="x\"y""#;
        let challenge = Challenge::parse(text).unwrap();
        assert_eq!(challenge.scheme, "bearer");
        assert_eq!(challenge.realm, "https://auth.docker.io/token");
        assert_eq!(challenge.service.as_deref(), Some("registry.docker.io"));
        assert_eq!(challenge.scope.as_deref(), Some("repository:a/b:pull,push"));
        assert_eq!(Challenge::parse("Basic realm=x").unwrap().realm, "x");
        assert_eq!(Challenge::parse("BASIC").unwrap().scheme, "basic");
        assert_eq!(Challenge::parse(r#"Bearer realm="open"#), None);
    }

    #[test]
    fn a_registry_with_tls_cannot_send_the_password_without() {
        let check = |realm: &str, plain_registry, allowed| {
            check_realm(&Url::parse(realm).unwrap(), plain_registry, allowed).is_ok()
        };
        assert!(check("https://auth.example/token", false, true), "another host is the registry's choice");
        assert!(check("https://auth.example/token", true, true));
        assert!(!check("http://auth.example/token", false, true), "not even where plain HTTP is allowed");
        assert!(check("http://auth.example/token", true, true));
        assert!(!check("http://auth.example/token", true, false));
        for realm in ["https://a:b@auth.example/token", "https://a@auth.example/", "https://:b@auth.example/"]
        {
            assert!(!check(realm, false, true), "{realm}");
        }
    }

    #[test]
    fn who_wants_to_write_asks_for_it_at_once() {
        assert_eq!(scopes(None, "a/b", Access::Read), ["repository:a/b:pull"]);
        assert_eq!(scopes(None, "a/b", Access::Write), ["repository:a/b:pull,push"]);
        let both = "repository:a/b:pull,push repository:c:pull";
        assert_eq!(scopes(Some(both), "a/b", Access::Write), both.split(' ').collect::<Vec<_>>());
        assert_eq!(scopes(Some("registry:catalog:*"), "a", Access::Write), ["registry:catalog:*"]);
    }

    #[test]
    fn base64_is_padded() {
        for (text, expected) in
            [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("user:pass", "dXNlcjpwYXNz")]
        {
            assert_eq!(base64(text), expected);
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
        #[test]
        fn parsing_is_total(text in r#"[a-zA-Z ,="\\é]{0,40}"#) {
            let _ = Challenge::parse(&text);
        }
    }
}
