//! Public keys, as `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7), and the signatures that they verify.
//!
//! ECDSA on P-256, P-384 and P-521 (RFC 5480), Ed25519 (RFC 8410) and RSA of 2048 to 4096 bits (RFC 3279). Weaker keys are
//! refused when read, so that nothing further on has to ask. A key's fingerprint is the SHA-256 of its DER, which is what
//! Sigstore calls a key's hint and a log's identifier.

use crate::der::{self, InvalidDer, Reader, tag};
use crate::encoding::hex;
use crate::pem;
use aws_lc_rs::digest as hashes;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use serde::{Deserialize, Serialize};
use sha2::digest;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::fmt;

const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// What a key computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyAlgorithm {
    /// ECDSA on NIST's P-256.
    EcdsaP256,
    /// ECDSA on NIST's P-384.
    EcdsaP384,
    /// ECDSA on NIST's P-521.
    EcdsaP521,
    /// Edwards-curve signatures, RFC 8032.
    Ed25519,
    /// RSA with a modulus of 2048 to 4096 bits.
    Rsa,
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::EcdsaP521 => "ecdsa-p521",
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa",
        })
    }
}

impl KeyAlgorithm {
    /// Returns the bytes of one number of an ECDSA signature, which are those of a coordinate; `None` for other keys.
    pub fn coordinate(self) -> Option<usize> {
        match self {
            Self::EcdsaP256 => Some(32),
            Self::EcdsaP384 => Some(48),
            Self::EcdsaP521 => Some(66),
            Self::Ed25519 | Self::Rsa => None,
        }
    }
}

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// Returns the hash of `bytes`.
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    /// Returns its length in bits, by which most names of algorithms tell it.
    pub fn bits(self) -> usize {
        match self {
            Self::Sha256 => 256,
            Self::Sha384 => 384,
            Self::Sha512 => 512,
        }
    }

    fn algorithm(self) -> &'static hashes::Algorithm {
        match self {
            Self::Sha256 => &hashes::SHA256,
            Self::Sha384 => &hashes::SHA384,
            Self::Sha512 => &hashes::SHA512,
        }
    }
}

/// How a signature is computed and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// ECDSA, written as DER of `r` and `s`: X.509, Sigstore, cosign.
    EcdsaDer(Hash),
    /// ECDSA, written as `r` and `s` of the curve's length: JWS and COSE.
    EcdsaFixed(Hash),
    /// Ed25519 of the message itself.
    Ed25519,
    /// Ed25519 of the message's SHA-512, without context: what cosign makes for Rekor.
    Ed25519ph,
    /// RSA with PKCS#1 v1.5 padding.
    RsaPkcs1(Hash),
    /// RSA with PSS padding, a salt as long as the hash, and MGF1 with the same hash.
    RsaPss(Hash),
}

impl Scheme {
    /// Returns the hash that is signed; `None` for Ed25519, which signs the message itself.
    pub fn hash(self) -> Option<Hash> {
        match self {
            Self::EcdsaDer(hash) | Self::EcdsaFixed(hash) | Self::RsaPkcs1(hash) | Self::RsaPss(hash) => {
                Some(hash)
            }
            Self::Ed25519ph => Some(Hash::Sha512),
            Self::Ed25519 => None,
        }
    }
}

/// Why a public key is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPublicKey {
    /// It is not PEM of a public key.
    #[error("not a public key in PEM: expected a block `PUBLIC KEY`")]
    Pem,
    /// It is not DER.
    #[error("the public key is not well-formed DER")]
    Der(#[from] InvalidDer),
    /// It is of another kind.
    #[error("keys of kind `{0}` are not supported: use ECDSA P-256, P-384 or P-521, Ed25519, or RSA")]
    Kind(String),
    /// It is too weak or too large.
    #[error("an RSA key of {0} bits is not accepted: use 2048 to 4096 bits")]
    Size(usize),
    /// Its numbers are no key.
    #[error("the public key's value is not a key of its kind")]
    Value,
}

/// A signature does not fit, or the scheme is none of the key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// A public key.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: KeyAlgorithm,
    der: Vec<u8>,
    /// The point, the 32 bytes or the PKCS#1 structure, as the cryptographic library wants it.
    value: Vec<u8>,
    bits: usize,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.algorithm, self.fingerprint_hex())
    }
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo`.
    pub fn from_der(bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        let mut info = der::whole(bytes, tag::SEQUENCE)?;
        let mut kind = info.sequence()?;
        let value = info.bit_string()?;
        info.end()?;
        let oid = kind.oid()?;
        let (algorithm, length) = match oid {
            EC_PUBLIC_KEY => match kind.oid()? {
                P256 => (KeyAlgorithm::EcdsaP256, 65),
                P384 => (KeyAlgorithm::EcdsaP384, 97),
                P521 => (KeyAlgorithm::EcdsaP521, 133),
                curve => return Err(InvalidPublicKey::Kind(der::oid_text(curve))),
            },
            ED25519 => (KeyAlgorithm::Ed25519, 32),
            RSA => {
                // RFC 3279 wants NULL here; some encoders leave it out.
                if kind.optional(tag::NULL)?.is_some_and(|null| !null.content.is_empty()) {
                    return Err(InvalidPublicKey::Der(InvalidDer));
                }
                (KeyAlgorithm::Rsa, value.len())
            }
            other => return Err(InvalidPublicKey::Kind(der::oid_text(other))),
        };
        kind.end()?;
        // A compressed point would be a second spelling of the same key.
        let uncompressed =
            matches!(algorithm, KeyAlgorithm::Ed25519 | KeyAlgorithm::Rsa) || value.first() == Some(&4);
        if value.len() != length || !uncompressed {
            return Err(InvalidPublicKey::Value);
        }
        let bits = if algorithm == KeyAlgorithm::Rsa { rsa_bits(value)? } else { (length - 1) / 2 * 8 };
        if algorithm == KeyAlgorithm::Rsa && !(2048..=4096).contains(&bits) {
            return Err(InvalidPublicKey::Size(bits));
        }
        let key = Self { algorithm, der: bytes.to_vec(), value: value.to_vec(), bits };
        let probe = match algorithm {
            KeyAlgorithm::Ed25519 => Scheme::Ed25519,
            KeyAlgorithm::Rsa => Scheme::RsaPkcs1(Hash::Sha256),
            _ => Scheme::EcdsaDer(Hash::Sha256),
        };
        key.parsed(probe).map_err(|_| InvalidPublicKey::Value)?;
        Ok(key)
    }

    /// Reads an RSA key in the structure of PKCS#1, as PEM blocks `RSA PUBLIC KEY` and old trust roots hold it.
    pub fn from_pkcs1(bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        Self::from_value(KeyAlgorithm::Rsa, bytes)
    }

    /// Makes a key of what is inside its `SubjectPublicKeyInfo`: the point, the 32 bytes of Ed25519, or PKCS#1's structure.
    pub(crate) fn from_value(algorithm: KeyAlgorithm, value: &[u8]) -> Result<Self, InvalidPublicKey> {
        let oid = |oid: &[u8]| der::encode(tag::OID, oid);
        let kind = match algorithm {
            KeyAlgorithm::EcdsaP256 => [oid(EC_PUBLIC_KEY), oid(P256)].concat(),
            KeyAlgorithm::EcdsaP384 => [oid(EC_PUBLIC_KEY), oid(P384)].concat(),
            KeyAlgorithm::EcdsaP521 => [oid(EC_PUBLIC_KEY), oid(P521)].concat(),
            KeyAlgorithm::Ed25519 => oid(ED25519),
            KeyAlgorithm::Rsa => [oid(RSA), der::encode(tag::NULL, &[])].concat(),
        };
        let value = [&[0], value].concat();
        let info = [der::encode(tag::SEQUENCE, &kind), der::encode(tag::BIT_STRING, &value)].concat();
        Self::from_der(&der::encode(tag::SEQUENCE, &info))
    }

    /// Reads the first block of a PEM text, which must be a public key.
    pub fn from_pem(text: &str) -> Result<Self, InvalidPublicKey> {
        let blocks = pem::decode(text).map_err(|_| InvalidPublicKey::Pem)?;
        match blocks.first() {
            Some(block) if block.label == "PUBLIC KEY" => Self::from_der(&block.bytes),
            Some(block) if block.label == "RSA PUBLIC KEY" => Self::from_pkcs1(&block.bytes),
            _ => Err(InvalidPublicKey::Pem),
        }
    }

    /// Returns the `SubjectPublicKeyInfo`.
    pub fn to_der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the `SubjectPublicKeyInfo` as PEM.
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.der)
    }

    /// Returns what the key computes with.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// Returns the length of the modulus, or of the curve's coordinates rounded up to whole bytes.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// Returns the bytes inside the `SubjectPublicKeyInfo`: the point, the 32 bytes of Ed25519, or PKCS#1's structure.
    #[cfg(test)]
    pub(crate) fn value(&self) -> &[u8] {
        &self.value
    }

    /// Returns the SHA-256 of the `SubjectPublicKeyInfo`.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// Returns the fingerprint as hexadecimal digits.
    pub fn fingerprint_hex(&self) -> String {
        hex(&self.fingerprint())
    }

    /// Returns the schemes that cosign and Sigstore use with such a key, the usual one first.
    ///
    /// Old versions of cosign signed with Ed25519 itself, newer ones with Ed25519ph when they upload to Rekor; and a P-384 or
    /// P-521 key goes with SHA-256 in cosign's own key files, with its own hash in Fulcio's certificates.
    pub fn sigstore_schemes(&self) -> &'static [Scheme] {
        match self.algorithm {
            KeyAlgorithm::EcdsaP256 => &[Scheme::EcdsaDer(Hash::Sha256)],
            KeyAlgorithm::EcdsaP384 => &[Scheme::EcdsaDer(Hash::Sha384), Scheme::EcdsaDer(Hash::Sha256)],
            KeyAlgorithm::EcdsaP521 => &[Scheme::EcdsaDer(Hash::Sha512), Scheme::EcdsaDer(Hash::Sha256)],
            KeyAlgorithm::Ed25519 => &[Scheme::Ed25519, Scheme::Ed25519ph],
            KeyAlgorithm::Rsa => &[Scheme::RsaPkcs1(Hash::Sha256), Scheme::RsaPss(Hash::Sha256)],
        }
    }

    /// Verifies the signature of a message.
    pub fn verify(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match scheme {
            Scheme::Ed25519ph => self.verify_digest(scheme, &Hash::Sha512.of(message), signature),
            _ => {
                let signature = self.signature_der(scheme, signature)?;
                self.parsed(scheme)?.verify_sig(message, &signature).map_err(|_| BadSignature)
            }
        }
    }

    /// Verifies the signature of a message of which only the hash is known; [`Scheme::Ed25519`] cannot do that.
    pub fn verify_digest(&self, scheme: Scheme, digest: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let hash = match scheme {
            Scheme::EcdsaDer(hash)
            | Scheme::EcdsaFixed(hash)
            | Scheme::RsaPkcs1(hash)
            | Scheme::RsaPss(hash) => hash,
            Scheme::Ed25519 => return Err(BadSignature),
            Scheme::Ed25519ph => return self.verify_ed25519ph(digest, signature),
        };
        let digest = hashes::Digest::import_less_safe(digest, hash.algorithm()).map_err(|_| BadSignature)?;
        let signature = self.signature_der(scheme, signature)?;
        self.parsed(scheme)?.verify_digest_sig(&digest, &signature).map_err(|_| BadSignature)
    }

    fn verify_ed25519ph(&self, digest: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        use ed25519_dalek::{Signature, VerifyingKey};
        if self.algorithm != KeyAlgorithm::Ed25519 {
            return Err(BadSignature);
        }
        let key: &[u8; 32] = self.value.as_slice().try_into().map_err(|_| BadSignature)?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| BadSignature)?;
        let signature = Signature::from_slice(signature).map_err(|_| BadSignature)?;
        key.verify_prehashed_strict(Finished::new(digest)?, None, &signature).map_err(|_| BadSignature)
    }

    fn parsed(&self, scheme: Scheme) -> Result<ParsedPublicKey, BadSignature> {
        let algorithm = self.verification(scheme).ok_or(BadSignature)?;
        ParsedPublicKey::new(algorithm, &self.value).map_err(|_| BadSignature)
    }

    fn verification(&self, scheme: Scheme) -> Option<&'static dyn VerificationAlgorithm> {
        use KeyAlgorithm as Key;
        use Scheme::{EcdsaDer, EcdsaFixed, RsaPkcs1, RsaPss};
        Some(match (self.algorithm, scheme) {
            (Key::EcdsaP256, EcdsaDer(hash) | EcdsaFixed(hash)) => match hash {
                Hash::Sha256 => &signature::ECDSA_P256_SHA256_ASN1,
                Hash::Sha384 => &signature::ECDSA_P256_SHA384_ASN1,
                Hash::Sha512 => &signature::ECDSA_P256_SHA512_ASN1,
            },
            (Key::EcdsaP384, EcdsaDer(hash) | EcdsaFixed(hash)) => match hash {
                Hash::Sha256 => &signature::ECDSA_P384_SHA256_ASN1,
                Hash::Sha384 => &signature::ECDSA_P384_SHA384_ASN1,
                Hash::Sha512 => &signature::ECDSA_P384_SHA512_ASN1,
            },
            (Key::EcdsaP521, EcdsaDer(hash) | EcdsaFixed(hash)) => match hash {
                Hash::Sha256 => &signature::ECDSA_P521_SHA256_ASN1,
                Hash::Sha384 => &signature::ECDSA_P521_SHA384_ASN1,
                Hash::Sha512 => &signature::ECDSA_P521_SHA512_ASN1,
            },
            (Key::Ed25519, Scheme::Ed25519) => &signature::ED25519,
            (Key::Rsa, RsaPkcs1(hash)) => match hash {
                Hash::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                Hash::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                Hash::Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            },
            (Key::Rsa, RsaPss(hash)) => match hash {
                Hash::Sha256 => &signature::RSA_PSS_2048_8192_SHA256,
                Hash::Sha384 => &signature::RSA_PSS_2048_8192_SHA384,
                Hash::Sha512 => &signature::RSA_PSS_2048_8192_SHA512,
            },
            _ => return None,
        })
    }

    /// Returns the signature as the library wants it, which knows fixed lengths for some pairs of curve and hash only.
    fn signature_der<'a>(
        &self,
        scheme: Scheme,
        signature: &'a [u8],
    ) -> Result<std::borrow::Cow<'a, [u8]>, BadSignature> {
        let Scheme::EcdsaFixed(_) = scheme else { return Ok(signature.into()) };
        let coordinate = match self.algorithm {
            KeyAlgorithm::EcdsaP256 => 32,
            KeyAlgorithm::EcdsaP384 => 48,
            KeyAlgorithm::EcdsaP521 => 66,
            KeyAlgorithm::Ed25519 | KeyAlgorithm::Rsa => return Err(BadSignature),
        };
        let (r, s) = signature.split_at_checked(coordinate).ok_or(BadSignature)?;
        if s.len() != coordinate {
            return Err(BadSignature);
        }
        let numbers = [der::encode_unsigned(r), der::encode_unsigned(s)].concat();
        Ok(der::encode(tag::SEQUENCE, &numbers).into())
    }
}

fn rsa_bits(pkcs1: &[u8]) -> Result<usize, InvalidPublicKey> {
    let mut fields = der::whole(pkcs1, tag::SEQUENCE)?;
    let modulus = fields.unsigned()?;
    fields.unsigned()?;
    Reader::end(&fields)?;
    let first = modulus.first().copied().unwrap_or(0);
    Ok((modulus.len() * 8).saturating_sub(usize::try_from(first.leading_zeros()).unwrap_or(0)))
}

/// A SHA-512 that is already computed, in the form that Ed25519ph takes it: a hash function that was given its input before.
#[derive(Clone)]
struct Finished([u8; 64]);

impl Finished {
    fn new(digest: &[u8]) -> Result<Self, BadSignature> {
        digest.try_into().map(Self).map_err(|_| BadSignature)
    }
}

impl Default for Finished {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl digest::HashMarker for Finished {}

impl digest::OutputSizeUser for Finished {
    type OutputSize = digest::typenum::U64;
}

impl digest::Update for Finished {
    fn update(&mut self, _: &[u8]) {}
}

impl digest::FixedOutput for Finished {
    fn finalize_into(self, out: &mut digest::Output<Self>) {
        out.copy_from_slice(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

    fn ec_key(curve: &[u8], point: &[u8]) -> PublicKey {
        let kind = [der::encode(tag::OID, EC_PUBLIC_KEY), der::encode(tag::OID, curve)].concat();
        let value = der::encode(tag::BIT_STRING, &[&[0], point].concat());
        PublicKey::from_der(&der::encode(tag::SEQUENCE, &[der::encode(tag::SEQUENCE, &kind), value].concat()))
            .unwrap()
    }

    fn ed25519_key(value: &[u8]) -> PublicKey {
        let kind = der::encode(tag::SEQUENCE, &der::encode(tag::OID, ED25519));
        let value = der::encode(tag::BIT_STRING, &[&[0], value].concat());
        PublicKey::from_der(&der::encode(tag::SEQUENCE, &[kind, value].concat())).unwrap()
    }

    #[test]
    fn ecdsa_signatures_verify_in_both_forms_and_from_the_digest() {
        let random = SystemRandom::new();
        for (curve, hash, der_form, fixed_form) in [
            (
                P256,
                Hash::Sha256,
                &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
                &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            ),
            (
                P384,
                Hash::Sha384,
                &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
                &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            ),
            (
                P521,
                Hash::Sha512,
                &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
                &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
            ),
        ] {
            for (scheme, form) in [(Scheme::EcdsaDer(hash), der_form), (Scheme::EcdsaFixed(hash), fixed_form)]
            {
                let pair = EcdsaKeyPair::generate(form).unwrap();
                let key = ec_key(curve, pair.public_key().as_ref());
                let signed = pair.sign(&random, b"message").unwrap();
                assert_eq!(key.verify(scheme, b"message", signed.as_ref()), Ok(()));
                assert_eq!(key.verify_digest(scheme, &hash.of(b"message"), signed.as_ref()), Ok(()));
                assert_eq!(key.verify(scheme, b"massage", signed.as_ref()), Err(BadSignature));
                assert_eq!(key.verify(Scheme::Ed25519, b"message", signed.as_ref()), Err(BadSignature));
                assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
            }
        }
    }

    #[test]
    fn ed25519_signatures_verify() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = ed25519_key(pair.public_key().as_ref());
        let signed = pair.sign(b"message");
        assert_eq!(key.verify(Scheme::Ed25519, b"message", signed.as_ref()), Ok(()));
        assert_eq!(key.verify(Scheme::Ed25519ph, b"message", signed.as_ref()), Err(BadSignature));
        assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
    }

    /// RFC 8032, section 7.3.
    #[test]
    fn prehashed_ed25519_signatures_verify() {
        let bytes = |text: &str| crate::encoding::hex_decode(text).unwrap();
        let key = ed25519_key(&bytes("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf"));
        let signed = bytes(
            "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
        );
        assert_eq!(key.verify(Scheme::Ed25519ph, b"abc", &signed), Ok(()));
        assert_eq!(key.verify_digest(Scheme::Ed25519ph, &Hash::Sha512.of(b"abc"), &signed), Ok(()));
        assert_eq!(key.verify(Scheme::Ed25519ph, b"abd", &signed), Err(BadSignature));
    }

    #[test]
    fn rsa_signatures_verify_and_small_keys_are_refused() {
        use aws_lc_rs::encoding::AsDer as _;
        use aws_lc_rs::rsa::{KeyPair, KeySize};
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let public: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let key = PublicKey::from_der(public.as_ref()).unwrap();
        assert_eq!((key.algorithm(), key.bits()), (KeyAlgorithm::Rsa, 2048));
        for (scheme, form) in [
            (
                Scheme::RsaPkcs1(Hash::Sha256),
                &signature::RSA_PKCS1_SHA256 as &'static dyn signature::RsaEncoding,
            ),
            (Scheme::RsaPss(Hash::Sha384), &signature::RSA_PSS_SHA384),
        ] {
            let mut signed = vec![0; pair.public_modulus_len()];
            pair.sign(form, &SystemRandom::new(), b"message", &mut signed).unwrap();
            assert_eq!(key.verify(scheme, b"message", &signed), Ok(()));
            assert_eq!(key.verify(scheme, b"massage", &signed), Err(BadSignature));
        }
        assert_eq!(PublicKey::from_pkcs1(key.value()), Ok(key));
        let weak = [der::encode_unsigned(&[0xff; 128]), der::encode_unsigned(&[1, 0, 1])].concat();
        assert_eq!(
            PublicKey::from_pkcs1(&der::encode(tag::SEQUENCE, &weak)),
            Err(InvalidPublicKey::Size(1024))
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bytes in [&b""[..], b"0\0", &[0x30; 200]] {
            assert!(PublicKey::from_der(bytes).is_err());
        }
        assert_eq!(PublicKey::from_pem(&pem::encode("CERTIFICATE", b"x")), Err(InvalidPublicKey::Pem));
    }
}
