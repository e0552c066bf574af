//! Keys that encrypt credentials: AES-256-GCM (NIST SP 800-38D) with random nonces of 96 bits, which are good for 2^32 secrets by one key.
//!
//! What a secret is for is bound to it as associated data: what was encrypted for one registry, repository, purpose or user cannot be
//! opened as that of another, whoever may write to the database. Surprising: of several keys the first encrypts, and all open, so that a key
//! can be replaced while servers and workers start again one after the other.

use assay_model::contents::{from_hex, hex};
use assay_oci::Secret;
use assay_store::{CredentialTerms, Sealed};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use zeroize::Zeroizing;

use crate::token::NoRandomness;

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes that encryption adds at the end.
const TAG: usize = 16;
/// Bytes of its hash by which a key is called.
const NAME: usize = 8;

/// A text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no key: expected {KEY} random bytes as hexadecimal or base64")]
pub struct InvalidCredentialKey;

/// A secret was not encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// There is nothing to encrypt it by.
    #[error("there is no key to encrypt it by")]
    NoKey,
    /// The cipher failed.
    #[error("it was not encrypted")]
    Failed,
}

/// A secret was not decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// The key is not there.
    #[error("it was encrypted by the key {0}, and this process was started without that")]
    NoKey(String),
    /// It is not what was encrypted, or not where it was.
    #[error("it was changed in the database, or put in the place of another")]
    Altered,
}

/// A key. What it is is never shown, but for what it is called by.
pub struct CredentialKey {
    name: String,
    key: RandomizedNonceKey,
}

impl fmt::Debug for CredentialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialKey({})", self.name)
    }
}

impl CredentialKey {
    /// Makes the text of a new key, for a file.
    ///
    /// # Errors
    /// Fails when the system gives no random bytes.
    pub fn generate() -> Result<Zeroizing<String>, NoRandomness> {
        let mut bytes = Zeroizing::new([0; KEY]);
        SystemRandom::new().fill(&mut *bytes).map_err(|_| NoRandomness)?;
        Ok(Zeroizing::new(hex(&*bytes)))
    }

    /// Reads a key as a file has it.
    ///
    /// # Errors
    /// Fails when it is no key.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidCredentialKey> {
        let text = std::str::from_utf8(bytes).map_err(|_| InvalidCredentialKey)?.trim();
        let mut key = Zeroizing::new([0; KEY]);
        match from_hex::<KEY>(text) {
            Some(read) => *key = read,
            None => {
                let read = Zeroizing::new(STANDARD.decode(text).map_err(|_| InvalidCredentialKey)?);
                *key = read.as_slice().try_into().map_err(|_| InvalidCredentialKey)?;
            }
        }
        let mut hash = Context::new(&SHA256);
        hash.update(b"the name of an assay credential key\0");
        hash.update(&*key);
        let name = hex(hash.finish().as_ref().get(..NAME).unwrap_or_default());
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*key).map_err(|_| InvalidCredentialKey)?;
        Ok(Self { name, key })
    }

    /// Returns what it is called in the database: a hash of it, which says nothing of it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The keys that a process was given: the first encrypts, and all decrypt.
#[derive(Debug, Default)]
pub struct Keyring(Vec<CredentialKey>);

impl Keyring {
    /// Makes one of keys in their order; of none, it neither encrypts nor decrypts.
    pub fn new(keys: Vec<CredentialKey>) -> Self {
        Self(keys)
    }

    /// Returns what the key that encrypts is called, if there is one.
    pub fn current(&self) -> Option<&str> {
        self.0.first().map(CredentialKey::name)
    }

    /// Encrypts a secret, bound to what it is for.
    ///
    /// # Errors
    /// Fails when there is no key, or no randomness.
    pub fn seal(&self, terms: &CredentialTerms, secret: &Secret) -> Result<Sealed, SealError> {
        let key = self.0.first().ok_or(SealError::NoKey)?;
        let plain = secret.reveal().as_bytes();
        // With room for the tag: what grows is copied, and the copy before stays in memory as it was.
        let mut text = Vec::with_capacity(plain.len().saturating_add(TAG));
        text.extend_from_slice(plain);
        let nonce = key
            .key
            .seal_in_place_append_tag(Aad::from(bound(terms)), &mut text)
            .map_err(|_| SealError::Failed)?;
        let bytes = [nonce.as_ref().as_slice(), &text].concat();
        Ok(Sealed { by: key.name.clone(), bytes })
    }

    /// Decrypts the secret of what it was encrypted for.
    ///
    /// # Errors
    /// Fails when the key is not there, and when anything is not as it was.
    pub fn open(&self, terms: &CredentialTerms, sealed: &Sealed) -> Result<Secret, UnsealError> {
        let key = self.0.iter().find(|key| key.name == sealed.by);
        let key = key.ok_or_else(|| UnsealError::NoKey(sealed.by.clone()))?;
        let (nonce, text) = sealed.bytes.split_at_checked(NONCE_LEN).ok_or(UnsealError::Altered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| UnsealError::Altered)?;
        let mut text = Zeroizing::new(text.to_vec());
        let plain = key
            .key
            .open_in_place(nonce, Aad::from(bound(terms)), &mut text)
            .map_err(|_| UnsealError::Altered)?;
        std::str::from_utf8(plain).map(Secret::new).map_err(|_| UnsealError::Altered)
    }
}

/// Returns what a secret is bound to. Each part has its length before it, so that no two different ones give the same bytes.
fn bound(terms: &CredentialTerms) -> Vec<u8> {
    let CredentialTerms { registry, repository, purpose, kind, account } = terms;
    let parts = ["assay credential 1", registry, repository, purpose.name(), kind.name(), account];
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::{CredentialKind, CredentialPurpose};

    fn terms() -> CredentialTerms {
        CredentialTerms {
            registry: "r.example".to_owned(),
            repository: "team/app".to_owned(),
            purpose: CredentialPurpose::Read,
            kind: CredentialKind::Password,
            account: "robot".to_owned(),
        }
    }

    fn key(byte: u8) -> CredentialKey {
        CredentialKey::parse(hex(&[byte; 32]).as_bytes()).unwrap()
    }

    #[test]
    fn keys_are_read_in_both_spellings_and_nothing_else() {
        let text = CredentialKey::generate().unwrap();
        assert_ne!(text, CredentialKey::generate().unwrap());
        let bytes = from_hex::<32>(&text).unwrap();
        let (first, second) = (CredentialKey::parse(text.as_bytes()), STANDARD.encode(bytes));
        let second = CredentialKey::parse(format!("{second}\n").as_bytes()).unwrap();
        assert_eq!(first.unwrap().name(), second.name());
        assert!(!format!("{second:?}").contains(&*text));
        for text in ["", "x", &"0".repeat(63), &"0".repeat(66), "AAAA", &STANDARD.encode([0; 31]), "\u{fffd}"]
        {
            assert!(CredentialKey::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(CredentialKey::parse(&[7; 32]).is_err());
    }

    #[test]
    fn a_secret_is_opened_by_its_key_for_what_it_was_encrypted_for_and_for_nothing_else() {
        let keys = Keyring::new(vec![key(1)]);
        let sealed = keys.seal(&terms(), &Secret::new("hunter2")).unwrap();
        assert_eq!(keys.open(&terms(), &sealed).unwrap().reveal(), "hunter2");
        assert!(!sealed.bytes.windows(7).any(|window| window == b"hunter2"));
        assert_ne!(keys.seal(&terms(), &Secret::new("hunter2")).unwrap(), sealed, "a nonce was used twice");
        let other = [
            CredentialTerms { registry: "s.example".to_owned(), ..terms() },
            CredentialTerms { repository: "team".to_owned(), ..terms() },
            CredentialTerms {
                registry: "r.examplet".to_owned(),
                repository: "eam/app".to_owned(),
                ..terms()
            },
            CredentialTerms { purpose: CredentialPurpose::Write, ..terms() },
            CredentialTerms { kind: CredentialKind::Bearer, ..terms() },
            CredentialTerms { account: "root".to_owned(), ..terms() },
        ];
        for other in other {
            assert_eq!(keys.open(&other, &sealed), Err(UnsealError::Altered), "{other:?}");
        }
        for place in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[place] ^= 1;
            assert_eq!(keys.open(&terms(), &changed), Err(UnsealError::Altered), "{place}");
            changed.bytes.truncate(place);
            assert_eq!(keys.open(&terms(), &changed), Err(UnsealError::Altered), "{place}");
        }
        let renamed = Sealed { by: key(2).name().to_owned(), ..sealed };
        assert_eq!(Keyring::new(vec![key(1), key(2)]).open(&terms(), &renamed), Err(UnsealError::Altered));
    }

    #[test]
    fn the_first_key_encrypts_and_each_decrypts() {
        let (old, both) = (Keyring::new(vec![key(1)]), Keyring::new(vec![key(2), key(1)]));
        let before = old.seal(&terms(), &Secret::new("")).unwrap();
        assert_eq!(both.open(&terms(), &before).unwrap().reveal(), "");
        let after = both.seal(&terms(), &Secret::new("ü")).unwrap();
        assert_eq!((after.by.as_str(), both.current()), (key(2).name(), Some(key(2).name())));
        assert_eq!(old.open(&terms(), &after), Err(UnsealError::NoKey(key(2).name().to_owned())));
        assert_eq!(Keyring::default().seal(&terms(), &Secret::new("x")), Err(SealError::NoKey));
    }
}
