//! Private keys held by this process: ECDSA on P-256, P-384 and P-521, Ed25519, and RSA.
//!
//! The key itself lives in AWS-LC, which wipes it when it is dropped; what passes through here on the way in or out is wiped too.
//! Read are PKCS#8 (<https://www.rfc-editor.org/rfc/rfc5958>), PKCS#1 for RSA and SEC 1 for elliptic curves; written is PKCS#8.

use super::{Hash, InvalidPublicKey, PublicKey, Scheme};
use crate::pem;
use crate::signer::{SignError, Signer, ecdsa};
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair,
};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// What kind of key is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NewKey {
    /// ECDSA on P-256 with SHA-256, which every verifier knows.
    #[default]
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384,
    /// Ed25519.
    Ed25519,
    /// RSA of 3072 bits.
    Rsa3072,
}

impl NewKey {
    /// All kinds, in the order they are offered.
    pub const ALL: [Self; 4] = [Self::EcdsaP256, Self::EcdsaP384, Self::Ed25519, Self::Rsa3072];

    /// Returns the name users write.
    pub fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Ed25519 => "ed25519",
            Self::Rsa3072 => "rsa-3072",
        }
    }
}

/// There is no such kind of key.
#[derive(Debug, thiserror::Error)]
#[error("expected ecdsa-p256, ecdsa-p384, ed25519 or rsa-3072")]
pub struct UnknownKind;

impl FromStr for NewKey {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(UnknownKind)
    }
}

/// Bytes are not a private key that can be used here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPrivateKey {
    /// There is no block of PEM with a private key.
    #[error("expected PEM with a private key in PKCS#8, PKCS#1 or SEC 1 form")]
    NotPem,
    /// It is encrypted by something other than cosign's format.
    #[error("the key is encrypted in a form that is not read here; decrypt it with `openssl pkey` first")]
    Encrypted,
    /// The structure is damaged, or of an algorithm that is not used for signing.
    #[error(
        "the private key is damaged, or of a kind other than ECDSA P-256, P-384 or P-521, Ed25519 and RSA"
    )]
    Unreadable,
    /// Its public half is not accepted by any verifier here.
    #[error("the private key cannot be used")]
    Public(#[from] InvalidPublicKey),
}

/// The machine's source of random numbers or the cryptographic library failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a key: the cryptographic library failed")]
pub struct CannotGenerate;

enum Pair {
    Ecdsa(EcdsaKeyPair, Curve),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

#[derive(Debug, Clone, Copy)]
enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            Self::P384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            Self::P521 => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        }
    }

    fn hash(self) -> Hash {
        match self {
            Self::P256 => Hash::Sha256,
            Self::P384 => Hash::Sha384,
            Self::P521 => Hash::Sha512,
        }
    }
}

/// A private key.
pub struct PrivateKey {
    pair: Pair,
    public: PublicKey,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// Fails when the machine gives no random numbers.
    pub fn generate(kind: NewKey) -> Result<Self, CannotGenerate> {
        let pair = match kind {
            NewKey::EcdsaP256 => ecdsa_pair(Curve::P256),
            NewKey::EcdsaP384 => ecdsa_pair(Curve::P384),
            NewKey::Ed25519 => Ed25519KeyPair::generate().ok().map(Pair::Ed25519),
            NewKey::Rsa3072 => RsaKeyPair::generate(KeySize::Rsa3072).ok().map(Pair::Rsa),
        };
        pair.and_then(|pair| Self::new(pair).ok()).ok_or(CannotGenerate)
    }

    fn new(pair: Pair) -> Result<Self, InvalidPrivateKey> {
        let der: PublicKeyX509Der<'_> = match &pair {
            Pair::Ecdsa(pair, _) => pair.public_key().as_der(),
            Pair::Ed25519(pair) => pair.public_key().as_der(),
            Pair::Rsa(pair) => pair.public_key().as_der(),
        }
        .map_err(|_| InvalidPrivateKey::Unreadable)?;
        let public = PublicKey::from_der(der.as_ref())?;
        Ok(Self { pair, public })
    }

    /// Reads an unencrypted private key in DER: PKCS#8, SEC 1 or PKCS#1, whichever it is.
    ///
    /// # Errors
    /// Fails when it is none of them, or of an algorithm that does not sign.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidPrivateKey> {
        for curve in Curve::ALL {
            if let Ok(pair) = EcdsaKeyPair::from_private_key_der(curve.signing(), der) {
                return Self::new(Pair::Ecdsa(pair, curve));
            }
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Self::new(Pair::Ed25519(pair));
        }
        let pair = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der));
        Self::new(Pair::Rsa(pair.map_err(|_| InvalidPrivateKey::Unreadable)?))
    }

    /// Reads an unencrypted private key in PEM.
    ///
    /// # Errors
    /// Fails when there is none, or it cannot be used.
    pub fn from_pem(text: &str) -> Result<Self, InvalidPrivateKey> {
        let blocks = pem::decode(text).map_err(|_| {
            // RFC 1421's headers, as OpenSSL once wrote them, are no base64.
            if text.contains("ENCRYPTED") { InvalidPrivateKey::Encrypted } else { InvalidPrivateKey::NotPem }
        })?;
        // OpenSSL writes `EC PARAMETERS` before the key.
        let labels = ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"];
        match blocks.iter().find(|block| labels.contains(&block.label.as_str())) {
            Some(block) => Self::from_der(&block.bytes),
            None if text.contains("ENCRYPTED") => Err(InvalidPrivateKey::Encrypted),
            None => Err(InvalidPrivateKey::NotPem),
        }
    }

    /// Returns the key in PKCS#8.
    ///
    /// # Errors
    /// Fails when the cryptographic library does.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CannotGenerate> {
        let copied = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        match &self.pair {
            Pair::Ecdsa(pair, _) => pair.to_pkcs8v1().map(|document| copied(document.as_ref())),
            // Version 2, with the public key in it, is refused by Go and older OpenSSL.
            Pair::Ed25519(pair) => pair.to_pkcs8v1().map(|document| copied(document.as_ref())),
            Pair::Rsa(pair) => pair.as_der().map(|document| copied(document.as_ref())),
        }
        .map_err(|_| CannotGenerate)
    }
}

impl PrivateKey {
    /// Returns the key in PEM, not encrypted: for a file that only its owner can read.
    ///
    /// # Errors
    /// Fails when the cryptographic library does.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, CannotGenerate> {
        Ok(Zeroizing::new(pem::encode("PRIVATE KEY", &self.to_pkcs8()?)))
    }
}

fn ecdsa_pair(curve: Curve) -> Option<Pair> {
    EcdsaKeyPair::generate(curve.signing()).ok().map(|pair| Pair::Ecdsa(pair, curve))
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match (&self.pair, scheme.hash()) {
            (Pair::Ed25519(pair), None) => {
                let signature = pair.try_sign(message).map_err(|_| SignError::Library)?;
                Ok(signature.as_ref().to_vec())
            }
            (_, Some(hash)) => self.sign_digest(scheme, &hash.of(message)),
            (_, None) => Err(SignError::Scheme),
        }
    }

    fn signs_digests(&self) -> bool {
        true
    }

    fn sign_digest(&self, scheme: Scheme, digest: &[u8]) -> Result<Vec<u8>, SignError> {
        let import = |hash: Hash| {
            let algorithm = match hash {
                Hash::Sha256 => &digest::SHA256,
                Hash::Sha384 => &digest::SHA384,
                Hash::Sha512 => &digest::SHA512,
            };
            Digest::import_less_safe(digest, algorithm).map_err(|_| SignError::Scheme)
        };
        match (&self.pair, scheme) {
            (Pair::Ecdsa(pair, curve), Scheme::EcdsaDer(hash) | Scheme::EcdsaFixed(hash)) => {
                if hash != curve.hash() {
                    return Err(SignError::Scheme);
                }
                let der = pair.sign_digest(&import(hash)?).map_err(|_| SignError::Library)?;
                if matches!(scheme, Scheme::EcdsaDer(_)) {
                    return Ok(der.as_ref().to_vec());
                }
                let size = self.public.algorithm().coordinate().ok_or(SignError::Library)?;
                ecdsa::to_fixed(der.as_ref(), size).ok_or(SignError::Library)
            }
            (Pair::Rsa(pair), Scheme::RsaPkcs1(hash) | Scheme::RsaPss(hash)) => {
                let pkcs1 = matches!(scheme, Scheme::RsaPkcs1(_));
                let encoding: &'static dyn RsaEncoding = match (hash, pkcs1) {
                    (Hash::Sha256, true) => &signature::RSA_PKCS1_SHA256,
                    (Hash::Sha384, true) => &signature::RSA_PKCS1_SHA384,
                    (Hash::Sha512, true) => &signature::RSA_PKCS1_SHA512,
                    (Hash::Sha256, false) => &signature::RSA_PSS_SHA256,
                    (Hash::Sha384, false) => &signature::RSA_PSS_SHA384,
                    (Hash::Sha512, false) => &signature::RSA_PSS_SHA512,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(encoding, &import(hash)?, &mut signature).map_err(|_| SignError::Library)?;
                Ok(signature)
            }
            _ => Err(SignError::Scheme),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::scheme_of;
    use crate::signer::usual_scheme;

    #[test]
    fn a_key_survives_its_written_form() {
        for kind in NewKey::ALL {
            let key = PrivateKey::generate(kind).unwrap();
            let again = PrivateKey::from_der(&key.to_pkcs8().unwrap()).unwrap();
            assert_eq!(key.public, again.public, "{}", kind.name());
            let text = pem::encode("PRIVATE KEY", &key.to_pkcs8().unwrap());
            assert_eq!(PrivateKey::from_pem(&text).unwrap().public, key.public);
            assert_eq!(kind.name().parse::<NewKey>().unwrap(), kind);
        }
    }

    #[test]
    fn what_is_signed_verifies() {
        for kind in NewKey::ALL {
            let key = PrivateKey::generate(kind).unwrap();
            for scheme in [usual_scheme(&key.public)].into_iter().chain(scheme_of(&key.public)) {
                let signature = key.sign(scheme, b"message").unwrap();
                assert!(key.public.verify(scheme, b"message", &signature).is_ok(), "{scheme:?}");
                assert!(key.public.verify(scheme, b"massage", &signature).is_err(), "{scheme:?}");
            }
            let other = if kind == NewKey::Ed25519 { Scheme::Ed25519ph } else { Scheme::Ed25519 };
            assert!(matches!(key.sign(other, b"message"), Err(SignError::Scheme)));
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_key() {
        let key = PrivateKey::generate(NewKey::EcdsaP256).unwrap();
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("PrivateKey {{ public: {:?}, .. }}", key.public));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let check = |text: &str, want: &str| {
            let error = PrivateKey::from_pem(text).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        };
        check("", "expected PEM");
        check(
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "encrypted",
        );
        check("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged");
        check("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "expected PEM");
    }
}
