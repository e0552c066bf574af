//! Secrets of webhooks: what registries prove by that an event is theirs.
//!
//! A secret opens the webhook that it is for and nothing else, so that an address with one in it is worth little to who finds it in a log.
//! There may be several for one webhook, so that they can be changed without losing an event.

use super::{Proof, WEBHOOKS, Webhook, by_name};
use assay_model::contents::from_hex;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::fmt;

/// The shortest secret that is taken, in bytes. It must not be guessed over the network.
const SHORTEST: usize = 16;

/// A secret cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSecret {
    /// There is no such webhook.
    #[error("there is no webhook `{0}`: expected {names}", names = names())]
    UnknownWebhook(String),
    /// It can be guessed.
    #[error("the secret of the webhook `{0}` is shorter than {SHORTEST} bytes")]
    Short(String),
}

fn names() -> String {
    WEBHOOKS.iter().map(|webhook| webhook.name()).collect::<Vec<_>>().join(", ")
}

/// The secrets of all webhooks.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<&'static str, Vec<Vec<u8>>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    /// Adds a secret of the webhook of that name. Line ends behind it, as files have them, do not belong to it.
    ///
    /// # Errors
    /// Fails when there is no such webhook or the secret is too short.
    pub fn add(&mut self, webhook: &str, secret: &[u8]) -> Result<(), InvalidSecret> {
        let name = by_name(webhook).ok_or_else(|| InvalidSecret::UnknownWebhook(webhook.to_owned()))?.name();
        let secret = secret.trim_ascii_end();
        if secret.len() < SHORTEST {
            return Err(InvalidSecret::Short(name.to_owned()));
        }
        self.0.entry(name).or_default().push(secret.to_vec());
        Ok(())
    }

    /// Tells whether a request shows that it knows a secret of this webhook.
    pub(super) fn prove(
        &self,
        webhook: &dyn Webhook,
        headers: &HeaderMap,
        in_address: Option<&str>,
        body: &[u8],
    ) -> bool {
        let presented = presented(headers);
        let of_webhook = self.0.get(webhook.name());
        of_webhook.into_iter().flatten().any(|secret| {
            let same = |text: &str| equal(text.as_bytes(), secret);
            presented.as_deref().is_some_and(same)
                || match webhook.proof() {
                    Proof::Authorization => false,
                    Proof::Address => in_address.is_some_and(same),
                    Proof::Signature(header) => {
                        let given = headers.get(header).and_then(|value| value.to_str().ok());
                        given.is_some_and(|given| signs(given, secret, body))
                    }
                }
        })
    }
}

/// Returns the token of a request: behind `Bearer`, or the password of Basic authentication, whose user name says nothing.
pub(super) fn presented(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// Compares without telling by the time it takes where, or in length, the two differ.
fn equal(given: &[u8], secret: &[u8]) -> bool {
    let hash = |bytes| digest::digest(&digest::SHA256, bytes);
    verify_slices_are_equal(hash(given).as_ref(), hash(secret).as_ref()).is_ok()
}

fn signs(given: &str, secret: &[u8], body: &[u8]) -> bool {
    let Some(tag) = given.strip_prefix("sha256=").and_then(from_hex::<32>) else { return false };
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret), body, &tag).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const SECRET: &str = "It's a Secret to Everybody";
    /// The body and signature that GitHub documents to try an implementation with.
    const BODY: &[u8] = b"Hello, World!";
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn secrets(webhook: &str) -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add(webhook, b"an older secret, still good\n").unwrap();
        secrets.add(webhook, format!("{SECRET}\r\n").as_bytes()).unwrap();
        secrets
    }

    #[track_caller]
    fn check(webhook: &str, header: Option<(&'static str, &str)>, in_address: Option<&str>, want: bool) {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let secrets = secrets(webhook);
        assert_eq!(secrets.prove(by_name(webhook).unwrap(), &headers, in_address, BODY), want);
        // Of another webhook it opens nothing, and without a secret nothing is open.
        assert!(!secrets.prove(by_name("acr").unwrap(), &headers, in_address, BODY));
        assert!(!Secrets::default().prove(by_name(webhook).unwrap(), &headers, in_address, BODY));
    }

    #[test]
    fn a_signature_is_that_of_the_body() {
        let header = "x-hub-signature-256";
        check("github", Some((header, SIGNATURE)), None, true);
        check("github", Some((header, &SIGNATURE.to_uppercase().replace("SHA256", "sha256"))), None, true);
        check("github", Some((header, &SIGNATURE.replace("757", "758"))), None, false);
        for broken in ["", "sha256=", "sha256=7", "sha256=zz", SIGNATURE.trim_start_matches("sha256=")] {
            check("github", Some((header, broken)), None, false);
        }
        // What signs must not be sent itself in an address.
        check("github", None, Some(SECRET), false);
        check("harbor", Some((header, SIGNATURE)), None, false);
    }

    #[test]
    fn secrets_come_in_the_header_or_for_some_in_the_address() {
        let basic = format!("Basic {}", STANDARD.encode(format!("anyone:{SECRET}")));
        for header in [format!("Bearer {SECRET}"), format!("bearer  {SECRET}"), basic] {
            check("harbor", Some(("authorization", &header)), None, true);
            check("quay", Some(("authorization", &header)), None, true);
        }
        check("quay", None, Some(SECRET), true);
        check("docker-hub", None, Some("an older secret, still good"), true);
        check("quay", None, Some(&SECRET.to_lowercase()), false);
        check("harbor", None, Some(SECRET), false);
        for header in ["", "Bearer", "Basic !", "Digest x", "Basic YQ=="] {
            check("harbor", Some(("authorization", header)), None, false);
        }
    }

    #[test]
    fn secrets_that_are_none_are_refused() {
        let mut secrets = Secrets::default();
        assert_eq!(secrets.add("harbor", b"short\n"), Err(InvalidSecret::Short("harbor".to_owned())));
        let error = secrets.add("gitlab", SECRET.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("expected distribution, harbor, quay"), "{error}");
        secrets.add("harbor", SECRET.as_bytes()).unwrap();
        assert_eq!(format!("{secrets:?}"), r#"{"harbor"}"#);
    }
}
