//! Signing plug-ins: programs that keep keys, in Notation's protocol
//! (<https://github.com/notaryproject/specifications/blob/main/specs/plugin-extensibility.md>).
//!
//! The program `notation-<name>` is started once for each command, which is its only argument; a request in JSON goes to its
//! standard input, the answer comes from its standard output, an error from its standard error. Surprising: the protocol tells the
//! public key only by the certificate that comes with a signature, so a text of no meaning is signed once to learn it; and it knows
//! ECDSA and RSA-PSS only. Assay's own plug-ins say more, in members that others ignore: `publicKey` and `signsDigests` in the
//! description of a key, `signingAlgorithm` in a request, for RSA with PKCS#1 v1.5, and `digest` instead of `payload`, so that files of
//! any size are signed.

mod process;
mod protocol;

pub use process::{Limits, PluginError, find};

use crate::certificate::Certificate;
use crate::encoding::{base64_decode, base64_encode};
use crate::key::{Hash, KeyAlgorithm, PluginKey, PublicKey, Scheme};
use crate::notation::scheme_of;
use crate::signer::{SignError, Signed, Signer, checked, ecdsa};
use protocol::{Described, Metadata, Request};
pub use protocol::{InvalidPluginSignature, PluginSignature};
use std::path::{Path, PathBuf};

/// The version of the protocol.
const CONTRACT: &str = "1.0";
/// What a plug-in must be able to do.
const CAPABILITY: &str = "SIGNATURE_GENERATOR.RAW";
/// What is signed to learn the key.
const PROBE: &[u8] = b"assay asks a signing plug-in for its certificate";

/// A key behind a plug-in.
#[derive(Debug)]
pub struct PluginSigner {
    program: PathBuf,
    limits: Limits,
    key: PluginKey,
    spec: String,
    public: PublicKey,
    /// Certificates that came with the key, the signer's own first; none from plug-ins that have none.
    chain: Vec<Vec<u8>>,
    /// The plug-in is one of Assay's.
    extended: bool,
    /// It signs what was hashed here.
    digests: bool,
}

impl PluginSigner {
    /// Asks the plug-in for its key.
    ///
    /// # Errors
    /// Fails when the program does not answer as the protocol says, or the key cannot be used here.
    pub fn open(program: PathBuf, key: PluginKey, limits: Limits) -> Result<Self, PluginError> {
        let base = Request {
            contract_version: CONTRACT,
            plugin_config: &key.options,
            key_id: None,
            key_spec: None,
            hash_algorithm: None,
            payload: None,
            digest: None,
            signing_algorithm: None,
        };
        let metadata: Metadata = process::call(&program, "get-plugin-metadata", &base, &limits)?;
        if !metadata.capabilities.iter().any(|capability| capability == CAPABILITY) {
            return Err(PluginError::Capability { plugin: key.plugin });
        }
        let major = |version: &String| version.starts_with("1.");
        if !metadata.supported_contract_versions.iter().any(major) {
            return Err(PluginError::Contract { plugin: key.plugin });
        }
        let request = Request { key_id: Some(&key.id), ..base.clone() };
        let described: Described = process::call(&program, "describe-key", &request, &limits)?;
        let unusable =
            |reason: &str| PluginError::Key { plugin: key.plugin.clone(), reason: reason.to_owned() };
        let (public, chain, extended) = match &described.public_key {
            Some(der) => {
                let der = base64_decode(der).map_err(|_| unusable("its public key is no base64"))?;
                let public = PublicKey::from_der(&der).map_err(|error| unusable(&error.to_string()))?;
                (public, Vec::new(), true)
            }
            None => {
                let hash =
                    hash_of_spec(&described.key_spec).ok_or_else(|| unusable("its kind is not known"))?;
                let payload = base64_encode(PROBE);
                let request = Request {
                    key_id: Some(&key.id),
                    key_spec: Some(&described.key_spec),
                    hash_algorithm: Some(name_of(hash)),
                    payload: Some(&payload),
                    ..base.clone()
                };
                let answer = generate(&program, &request, &limits)?;
                let chain = answer.chain;
                let leaf = chain.first().ok_or_else(|| unusable("it comes without a certificate"))?;
                let leaf = Certificate::from_der(leaf).map_err(|error| unusable(&error.to_string()))?;
                let public = leaf.key().map_err(|error| unusable(&error.to_string()))?.clone();
                (public, chain, false)
            }
        };
        if hash_of_spec(&described.key_spec) != scheme_of(&public).and_then(Scheme::hash) {
            return Err(unusable("its certificate is of another kind than its description"));
        }
        let digests = extended && described.signs_digests;
        Ok(Self { program, limits, spec: described.key_spec, public, chain, extended, digests, key })
    }

    fn ask(&self, scheme: Scheme, what: Signed<'_>) -> Result<Vec<u8>, SignError> {
        let hash = scheme.hash().ok_or(SignError::Scheme)?;
        let algorithm = match scheme {
            Scheme::EcdsaDer(_) | Scheme::EcdsaFixed(_) if self.public.algorithm() != KeyAlgorithm::Rsa => {
                None
            }
            Scheme::RsaPss(_) if self.public.algorithm() == KeyAlgorithm::Rsa => None,
            Scheme::RsaPkcs1(_) if self.extended => Some(protocol::PKCS1),
            _ => return Err(SignError::Scheme),
        };
        // Without an extension the protocol lets the key choose.
        if algorithm.is_none() && hash_of_spec(&self.spec) != Some(hash) {
            return Err(SignError::Scheme);
        }
        let (payload, digest) = match what {
            Signed::Message(message) => (Some(base64_encode(message)), None),
            Signed::Digest(digest) => (None, Some(base64_encode(digest))),
        };
        let request = Request {
            contract_version: CONTRACT,
            plugin_config: &self.key.options,
            key_id: Some(&self.key.id),
            key_spec: Some(&self.spec),
            hash_algorithm: Some(name_of(hash)),
            payload: payload.as_deref(),
            digest: digest.as_deref(),
            signing_algorithm: algorithm,
        };
        let signature = generate(&self.program, &request, &self.limits)?.signature;
        let (fixed, der) = match self.public.algorithm().coordinate() {
            // Plug-ins around libraries that write DER hand that over as it is.
            Some(size) => match ecdsa::to_fixed(&signature, size) {
                Some(fixed) if signature.len() != size * 2 => (fixed, signature),
                _ => {
                    let der = ecdsa::to_der(&signature).ok_or(SignError::Scheme)?;
                    (signature, der)
                }
            },
            None => (signature.clone(), signature),
        };
        let wanted = if matches!(scheme, Scheme::EcdsaDer(_)) { der } else { fixed };
        checked(&self.public, scheme, what, wanted, &self.key.plugin)
    }
}

impl Signer for PluginSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn certificates(&self) -> &[Vec<u8>] {
        &self.chain
    }

    fn signs_digests(&self) -> bool {
        self.digests
    }

    fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match scheme.hash() {
            Some(hash) if self.digests => self.ask(scheme, Signed::Digest(&hash.of(message))),
            _ => self.ask(scheme, Signed::Message(message)),
        }
    }

    fn sign_digest(&self, scheme: Scheme, digest: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.digests { self.ask(scheme, Signed::Digest(digest)) } else { Err(SignError::NeedsMessage) }
    }
}

fn generate(program: &Path, request: &Request<'_>, limits: &Limits) -> Result<PluginSignature, PluginError> {
    const COMMAND: &str = "generate-signature";
    let answer = process::ask(program, COMMAND, request, limits)?;
    PluginSignature::parse(&answer)
        .map_err(|error| PluginError::Answer { command: COMMAND, reason: error.to_string() })
}

/// Returns the hash that goes with a kind of key.
fn hash_of_spec(spec: &str) -> Option<Hash> {
    Some(match spec {
        "EC-256" | "RSA-2048" => Hash::Sha256,
        "EC-384" | "RSA-3072" => Hash::Sha384,
        "EC-521" | "RSA-4096" => Hash::Sha512,
        _ => return None,
    })
}

fn name_of(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha256 => "SHA-256",
        Hash::Sha384 => "SHA-384",
        Hash::Sha512 => "SHA-512",
    }
}
