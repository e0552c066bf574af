//! The key file of cosign: a private key encrypted with a password, in PEM.
//!
//! PEM label `ENCRYPTED SIGSTORE PRIVATE KEY`, before cosign 2 `ENCRYPTED COSIGN PRIVATE KEY`; inside is the JSON of
//! <https://github.com/secure-systems-lab/go-securesystemslib/tree/main/encrypted>: scrypt (<https://www.rfc-editor.org/rfc/rfc7914>)
//! makes the key, NaCl's secretbox (XSalsa20 and Poly1305, <https://nacl.cr.yp.to/secretbox.html>) encrypts PKCS#8 with it. An empty
//! password is allowed. Surprising: only three costs of scrypt are accepted, because the file says how much memory and time is spent.

use super::private::{CannotGenerate, InvalidPrivateKey, PrivateKey};
use crate::encoding::{base64_decode, base64_encode};
use crate::pem;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

/// The label of files written here and by cosign since version 2.
const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// The label of older files.
const OLD_LABEL: &str = "ENCRYPTED COSIGN PRIVATE KEY";

/// The longest file that is read; one with an RSA key of 8192 bits has 10 kB.
pub const MAX_FILE: usize = 64 << 10;

/// The costs that cosign's library has ever written, as powers of two: 32, 64 and 128 MiB.
const COSTS: [(u64, u8); 3] = [(32_768, 15), (65_536, 16), (131_072, 17)];
/// The cost of new files, that of cosign.
const COST: u64 = 65_536;
const BLOCK: u32 = 8;
const PARALLEL: u32 = 1;

const KEY: usize = 32;
const SALT: usize = 32;
const NONCE: usize = 24;
const TAG: usize = 16;

/// A text is not a key file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeyFile {
    /// It has no block of PEM with an encrypted key.
    #[error("expected PEM with an encrypted private key as `assay key generate` and cosign write it")]
    NotPem,
    /// It is too long.
    #[error("the file has more than {MAX_FILE} bytes, which no key has")]
    TooLong,
    /// The JSON in it is damaged.
    #[error("the encrypted key is damaged")]
    Json(#[source] serde_json::Error),
    /// A salt, nonce or text has a wrong length or is no base64.
    #[error("the {0} of the encrypted key is damaged")]
    Field(&'static str),
    /// Another key derivation or cipher.
    #[error("the key is encrypted by `{0}`, which is not what cosign uses")]
    Algorithm(String),
    /// A cost that cosign does not write.
    #[error("the key asks for scrypt with N={cost}, r={block}, p={parallel}, which cosign never writes")]
    Cost {
        /// N.
        cost: u64,
        /// r.
        block: u32,
        /// p.
        parallel: u32,
    },
}

/// Why a key file does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenKeyError {
    /// The password is wrong, or the file was changed; the cipher cannot tell which.
    #[error("the password is wrong, or the file is damaged")]
    Password,
    /// What was encrypted is no private key.
    #[error("the file holds no usable private key")]
    Key(#[from] InvalidPrivateKey),
}

/// An encrypted key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    cost: u64,
    salt: Vec<u8>,
    nonce: [u8; NONCE],
    ciphertext: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Json {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Params {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

impl KeyFile {
    /// Tells whether `text` looks like a key file, whatever state it is in.
    pub fn is(text: &str) -> bool {
        [LABEL, OLD_LABEL].iter().any(|label| text.contains(&format!("-----BEGIN {label}-----")))
    }

    /// Reads a key file; nothing is decrypted.
    ///
    /// # Errors
    /// Fails when it is none, or asks for work that cosign never asks for.
    pub fn parse(text: &str) -> Result<Self, InvalidKeyFile> {
        if text.len() > MAX_FILE {
            return Err(InvalidKeyFile::TooLong);
        }
        let blocks = pem::decode(text).map_err(|_| InvalidKeyFile::NotPem)?;
        let block = blocks.iter().find(|block| [LABEL, OLD_LABEL].contains(&block.label.as_str()));
        let block = block.ok_or(InvalidKeyFile::NotPem)?;
        let json: Json = serde_json::from_slice(&block.bytes).map_err(InvalidKeyFile::Json)?;
        for (name, wanted) in [(json.kdf.name, "scrypt"), (json.cipher.name, "nacl/secretbox")] {
            if name != wanted {
                return Err(InvalidKeyFile::Algorithm(name));
            }
        }
        let Params { n: cost, r: block, p: parallel } = json.kdf.params;
        if !COSTS.iter().any(|(known, _)| *known == cost) || block != BLOCK || parallel != PARALLEL {
            return Err(InvalidKeyFile::Cost { cost, block, parallel });
        }
        let field = |name, text: &str| base64_decode(text).map_err(|_| InvalidKeyFile::Field(name));
        let salt = field("salt", &json.kdf.salt)?;
        if salt.is_empty() {
            return Err(InvalidKeyFile::Field("salt"));
        }
        let nonce = field("nonce", &json.cipher.nonce)?;
        let nonce = nonce.try_into().map_err(|_| InvalidKeyFile::Field("nonce"))?;
        let ciphertext = field("text", &json.ciphertext)?;
        if ciphertext.len() <= TAG {
            return Err(InvalidKeyFile::Field("text"));
        }
        Ok(Self { cost, salt, nonce, ciphertext })
    }

    /// Encrypts a key.
    ///
    /// # Errors
    /// Fails when the machine gives no random numbers.
    pub fn seal(key: &PrivateKey, password: &[u8]) -> Result<Self, CannotGenerate> {
        let (mut salt, mut nonce) = (vec![0; SALT], [0; NONCE]);
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| CannotGenerate)?;
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| CannotGenerate)?;
        let secret = derive(password, &salt, COST).ok_or(CannotGenerate)?;
        let ciphertext = seal(&secret, &nonce, &key.to_pkcs8()?);
        Ok(Self { cost: COST, salt, nonce, ciphertext })
    }

    /// Decrypts the key; takes about a quarter of a second and 64 MiB.
    ///
    /// # Errors
    /// Fails when the password is wrong, or what is inside is no key.
    pub fn open(&self, password: &[u8]) -> Result<PrivateKey, OpenKeyError> {
        let secret = derive(password, &self.salt, self.cost).ok_or(OpenKeyError::Password)?;
        let der = open(&secret, &self.nonce, &self.ciphertext).ok_or(OpenKeyError::Password)?;
        Ok(PrivateKey::from_der(&der)?)
    }

    /// Returns the cost of scrypt, N.
    pub fn cost(&self) -> u64 {
        self.cost
    }

    /// Returns the file's text.
    pub fn to_pem(&self) -> String {
        let json = Json {
            kdf: Kdf {
                name: "scrypt".to_owned(),
                params: Params { n: self.cost, r: BLOCK, p: PARALLEL },
                salt: base64_encode(&self.salt),
            },
            cipher: Cipher { name: "nacl/secretbox".to_owned(), nonce: base64_encode(&self.nonce) },
            ciphertext: base64_encode(&self.ciphertext),
        };
        // Texts and numbers always have a JSON form.
        pem::encode(LABEL, &serde_json::to_vec(&json).unwrap_or_default())
    }
}

fn derive(password: &[u8], salt: &[u8], cost: u64) -> Option<Zeroizing<[u8; KEY]>> {
    let (_, power) = COSTS.into_iter().find(|(known, _)| *known == cost)?;
    let params = scrypt::Params::new(power, BLOCK, PARALLEL).ok()?;
    let mut secret = Zeroizing::new([0; KEY]);
    scrypt::scrypt(password, salt, &params, secret.as_mut_slice()).ok()?;
    Some(secret)
}

/// NaCl's `crypto_secretbox`: the first 32 bytes of the key stream are the key of the authenticator, which stands before the text.
fn seal(secret: &[u8; KEY], nonce: &[u8; NONCE], message: &[u8]) -> Vec<u8> {
    let mut buffer = Zeroizing::new(vec![0; KEY]);
    buffer.extend_from_slice(message);
    XSalsa20::new(&(*secret).into(), &(*nonce).into()).apply_keystream(&mut buffer);
    let (stream, text) = buffer.split_at_checked(KEY).unwrap_or_default();
    [&tag(stream, text), text].concat()
}

fn open(secret: &[u8; KEY], nonce: &[u8; NONCE], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (stated, text) = sealed.split_at_checked(TAG)?;
    let mut buffer = Zeroizing::new(vec![0; KEY]);
    buffer.extend_from_slice(text);
    XSalsa20::new(&(*secret).into(), &(*nonce).into()).apply_keystream(&mut buffer);
    let (stream, message) = buffer.split_at_checked(KEY)?;
    verify_slices_are_equal(stated, &tag(stream, text)).ok()?;
    Some(Zeroizing::new(message.to_vec()))
}

fn tag(stream: &[u8], text: &[u8]) -> [u8; TAG] {
    let mut key = [0; KEY];
    for (to, from) in key.iter_mut().zip(stream) {
        *to = *from;
    }
    let tag = Poly1305::new(&key.into()).compute_unpadded(text);
    key.zeroize();
    tag.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::NewKey;
    use crate::signer::Signer as _;
    use proptest::prelude::*;

    #[test]
    fn secretbox_is_that_of_nacl() {
        // The test vector of NaCl's own `tests/secretbox.c`: its key, nonce, and the start of its output.
        let key = hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
        let nonce = hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
        let message = hex(
            "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705",
        );
        let sealed = hex(
            "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5",
        );
        let (key, nonce) = (key.try_into().unwrap(), nonce.try_into().unwrap());
        assert_eq!(seal(&key, &nonce, &message), sealed);
        assert_eq!(open(&key, &nonce, &sealed).unwrap()[..], message[..]);
        for at in [0, 15, 16, 80, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&key, &nonce, &changed).is_none(), "{at}");
        }
        assert!(open(&key, &nonce, &sealed[..15]).is_none());
    }

    fn hex(text: &str) -> Vec<u8> {
        crate::encoding::hex_decode(text).unwrap()
    }

    #[test]
    fn a_file_opens_with_its_password_only() {
        let key = PrivateKey::generate(NewKey::EcdsaP256).unwrap();
        let text = KeyFile::seal(&key, b"secret").unwrap().to_pem();
        assert!(KeyFile::is(&text));
        let file = KeyFile::parse(&text).unwrap();
        assert_eq!(file.open(b"secret").unwrap().public_key(), key.public_key());
        assert!(matches!(file.open(b"Secret"), Err(OpenKeyError::Password)));
        assert!(matches!(file.open(b""), Err(OpenKeyError::Password)));
        let old = text.replace(LABEL, OLD_LABEL);
        assert_eq!(KeyFile::parse(&old).unwrap(), file);
    }

    #[test]
    fn costs_that_cosign_does_not_write_are_refused() {
        let file = |n: u64, r: u32, p: u32, kdf: &str, cipher: &str, nonce: &str| {
            let json = format!(
                r#"{{"kdf":{{"name":"{kdf}","params":{{"N":{n},"r":{r},"p":{p}}},"salt":"c2FsdA=="}},"cipher":{{"name":"{cipher}","nonce":"{nonce}"}},"ciphertext":"{}"}}"#,
                base64_encode(&[7; 40])
            );
            KeyFile::parse(&pem::encode(LABEL, json.as_bytes()))
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        let nonce = base64_encode(&[1; 24]);
        for (n, _) in COSTS {
            assert_eq!(file(n, 8, 1, "scrypt", "nacl/secretbox", &nonce), Ok(()));
        }
        let check = |result: Result<(), String>, want: &str| {
            let error = result.unwrap_err();
            assert!(error.contains(want), "{error}");
        };
        check(file(1 << 30, 8, 1, "scrypt", "nacl/secretbox", &nonce), "N=1073741824");
        check(file(32_768, 8, 4096, "scrypt", "nacl/secretbox", &nonce), "p=4096");
        check(file(32_768, 9, 1, "scrypt", "nacl/secretbox", &nonce), "r=9");
        check(file(32_768, 8, 1, "argon2", "nacl/secretbox", &nonce), "argon2");
        check(file(32_768, 8, 1, "scrypt", "aes", &nonce), "aes");
        check(file(32_768, 8, 1, "scrypt", "nacl/secretbox", "AAAA"), "nonce");
        check(KeyFile::parse("hello").map(|_| ()).map_err(|error| error.to_string()), "expected PEM");
        check(
            KeyFile::parse(&" ".repeat(MAX_FILE + 1)).map(|_| ()).map_err(|e| e.to_string()),
            "65536 bytes",
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,80}") {
            let _ = KeyFile::parse(&text);
            let _ = KeyFile::parse(&pem::encode(LABEL, text.as_bytes()));
        }
    }
}
