//! Signed tokens: JWS in its compact form (RFC 7515), by keys of a JWK set (RFC 7517, RFC 7518, RFC 8037).
//!
//! Only signatures by a private key are known: neither `none` nor the `HS` family, whose key would be what everybody can read. Which key is
//! tried is the set's choice: what kind of key it is decides which algorithms it may verify.

use super::LoginError;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The longest token that is read. Those with many groups have some kilobytes.
const MAX_TOKEN: usize = 64 << 10;
/// Keys of a set that are looked at.
const MAX_KEYS: usize = 100;
/// The shortest modulus that is accepted, in bytes: 2048 bits.
const MIN_MODULUS: usize = 256;

/// A set of keys.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Keys {
    keys: Vec<Key>,
}

/// A key; what is in it depends on its kind.
#[derive(Debug, Clone, Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

/// A token that was taken apart, and is not believed yet.
pub(super) struct Token<'t> {
    header: Header,
    signed: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// Takes a token apart.
    pub(super) fn parse(text: &'t str) -> Result<Self, LoginError> {
        const MALFORMED: LoginError = LoginError::Token("it is no signed token");
        if text.len() > MAX_TOKEN {
            return Err(LoginError::Token("it is too long"));
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, payload) =
            signed.split_once('.').filter(|(_, rest)| !rest.contains('.')).ok_or(MALFORMED)?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| MALFORMED);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| MALFORMED)?;
        if header.crit.is_some() {
            return Err(LoginError::Token("it has an extension that is not known here"));
        }
        Ok(Self { header, signed, payload: decode(payload)?, signature: decode(signature)? })
    }

    /// Returns the name of the key that it says it was signed by.
    pub(super) fn key(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Returns what it says, if a key of the set signed that.
    pub(super) fn verify(
        &self,
        keys: &Keys,
    ) -> Result<serde_json::Map<String, serde_json::Value>, LoginError> {
        let algorithm = Algorithm::parse(&self.header.alg)
            .ok_or(LoginError::Token("its algorithm is not accepted: a private key must have signed it"))?;
        let fitting = keys
            .fitting(self.key())
            .filter(|key| key.alg.as_ref().is_none_or(|name| *name == self.header.alg));
        for key in fitting {
            if algorithm.verify(key, self.signed.as_bytes(), &self.signature).is_some() {
                return serde_json::from_slice(&self.payload)
                    .map_err(|_| LoginError::Token("what it says cannot be read"));
            }
        }
        Err(LoginError::Token("no key of the provider signed it"))
    }
}

impl Keys {
    /// Returns the keys that may verify a signature, by the name of one if there is one.
    fn fitting<'k>(&'k self, name: Option<&'k str>) -> impl Iterator<Item = &'k Key> {
        self.keys.iter().take(MAX_KEYS).filter(move |key| {
            key.usage.as_deref().is_none_or(|usage| usage == "sig")
                && name.is_none_or(|name| key.kid.as_deref() == Some(name))
        })
    }

    /// Says whether there is a key of this name, or any where no name is known.
    pub(super) fn has(&self, name: Option<&str>) -> bool {
        self.fitting(name).next().is_some()
    }
}

#[derive(Clone, Copy)]
enum Algorithm {
    Rsa(&'static RsaParameters),
    P256,
    P384,
    P521,
    Ed25519,
}

impl Algorithm {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            "RS384" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            "RS512" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            "PS256" => Self::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            "PS384" => Self::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            "PS512" => Self::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            "ES256" => Self::P256,
            "ES384" => Self::P384,
            "ES512" => Self::P521,
            "EdDSA" | "Ed25519" => Self::Ed25519,
            _ => return None,
        })
    }

    /// Verifies a signature by a key of the right kind; nothing when it is another kind or another signature.
    fn verify(self, key: &Key, message: &[u8], signed: &[u8]) -> Option<()> {
        let number = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
        let curve =
            |name: &str, kind: &str| (key.kty == kind && key.crv.as_deref() == Some(name)).then_some(());
        let point = |length: usize| {
            // The uncompressed form of SEC 1.
            let (x, y) = (number(&key.x)?, number(&key.y)?);
            (x.len() == length && y.len() == length).then(|| [&[4][..], &x, &y].concat())
        };
        match self {
            Self::Rsa(parameters) => {
                let (n, e) = (number(&key.n)?, number(&key.e)?);
                if key.kty != "RSA" || n.len() < MIN_MODULUS {
                    return None;
                }
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signed).ok()
            }
            Self::P256 => {
                curve("P-256", "EC")?;
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(32)?).verify(message, signed).ok()
            }
            Self::P384 => {
                curve("P-384", "EC")?;
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point(48)?).verify(message, signed).ok()
            }
            Self::P521 => {
                curve("P-521", "EC")?;
                UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point(66)?).verify(message, signed).ok()
            }
            Self::Ed25519 => {
                curve("Ed25519", "OKP")?;
                UnparsedPublicKey::new(&ED25519, number(&key.x)?).verify(message, signed).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // RFC 8037, appendix A.2 and A.4.
    const KEY: &str =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    const SIGNED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
        hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    fn keys(text: &str) -> Keys {
        serde_json::from_str(text).unwrap()
    }

    fn why(token: &str, set: &str) -> String {
        match Token::parse(token).and_then(|token| token.verify(&keys(set))) {
            Ok(_) => "taken".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_standards_own_signature_verifies() {
        // What is signed there is a sentence and no claims: that is what is wrong with it, and nothing else.
        assert!(why(SIGNED, KEY).ends_with("what it says cannot be read"));
        let changed = SIGNED.replace("RXhh", "RXhi");
        assert!(why(&changed, KEY).ends_with("no key of the provider signed it"));
        assert!(why(SIGNED, r#"{"keys":[]}"#).ends_with("no key of the provider signed it"));
        let other = KEY.replace("\"crv\"", "\"use\":\"enc\",\"crv\"");
        assert!(why(SIGNED, &other).ends_with("no key of the provider signed it"));
        let other = KEY.replace("\"crv\"", "\"alg\":\"ES256\",\"crv\"");
        assert!(why(SIGNED, &other).ends_with("no key of the provider signed it"));
    }

    #[test]
    fn no_algorithm_is_taken_that_needs_no_private_key() {
        for algorithm in ["none", "None", "HS256", "HS512", "", "RS1", "ES256K"] {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}"}}"#));
            for signature in ["", "AAAA"] {
                let said = why(&format!("{header}.e30.{signature}"), KEY);
                assert!(said.contains("its algorithm is not accepted"), "{algorithm}: {said}");
            }
        }
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","crit":["b64"]}"#);
        assert!(why(&format!("{header}.e30.AAAA"), KEY).contains("extension"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text: String, set in "(\\PC|\"){0,64}") {
            let keys = serde_json::from_str::<Keys>(&set).unwrap_or_default();
            let _ = Token::parse(&text).and_then(|token| token.verify(&keys));
        }

        #[test]
        fn any_key_is_used_or_refused(x in "[A-Za-z0-9_-]{0,90}", y in "[A-Za-z0-9_-]{0,90}", kind in 0..4_usize) {
            let (kty, crv, alg) = [("EC", "P-256", "ES256"), ("EC", "P-521", "ES512"), ("OKP", "Ed25519", "EdDSA"), ("RSA", "", "RS256")][kind];
            let set = format!(r#"{{"keys":[{{"kty":"{kty}","crv":"{crv}","x":"{x}","y":"{y}","n":"{x}","e":"{y}"}}]}}"#);
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}"}}"#));
            let said = why(&format!("{header}.e30.AAAA"), &set);
            prop_assert_ne!(said, "taken");
        }
    }
}
