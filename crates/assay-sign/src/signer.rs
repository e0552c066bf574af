//! What signs: a key in this process, in a key service, or behind a plug-in.

pub(crate) mod ecdsa;

use crate::key::{Hash, KeyAlgorithm, PublicKey, Scheme};
use crate::kms::KmsError;
use crate::plugin::PluginError;

/// Holds a private key, or knows who does.
///
/// Called once per signature, from the thread that makes it; it may wait for another machine or process.
pub trait Signer {
    /// Returns the public key that verifies what this signs.
    fn public_key(&self) -> &PublicKey;

    /// Returns the certificates in DER that come with the key, its own first; none where the key has none.
    fn certificates(&self) -> &[Vec<u8>] {
        &[]
    }

    /// Returns how this signs for Sigstore: as such keys usually do, unless the key was made for another way that verifiers know.
    fn scheme(&self) -> Scheme {
        usual_scheme(self.public_key())
    }

    /// Returns whether [`Self::sign_digest`] is known here, for schemes that sign a hash.
    fn signs_digests(&self) -> bool {
        false
    }

    /// Signs the whole `message`, hashing it as the scheme asks.
    ///
    /// # Errors
    /// Fails when the key cannot sign in that scheme, or its keeper does not answer.
    fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// Signs a message of which only the hash that the scheme asks for is at hand.
    ///
    /// # Errors
    /// Fails as [`Self::sign`] does, and with [`SignError::NeedsMessage`] when this signer wants to see the message.
    fn sign_digest(&self, scheme: Scheme, digest: &[u8]) -> Result<Vec<u8>, SignError> {
        let _ = (scheme, digest);
        Err(SignError::NeedsMessage)
    }
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The cryptographic library failed.
    #[error("the cryptographic library cannot sign with this key")]
    Library,
    /// The key, or who keeps it, does not know the scheme.
    #[error("the key cannot make signatures of the form that is asked for")]
    Scheme,
    /// The signer does not sign hashes.
    #[error("this key signs whole messages only, and the message is too large for that")]
    NeedsMessage,
    /// Notary has no such algorithm.
    #[error("Notary signatures cannot be made by keys of kind {0}; use ECDSA or RSA")]
    NotInNotary(KeyAlgorithm),
    /// A key service or plug-in signed, but the signature does not verify with the key it named.
    #[error("the signature that `{keeper}` made does not verify with its own public key")]
    Wrong {
        /// Who made it.
        keeper: String,
    },
    /// The key service did not sign.
    #[error("the key service did not sign")]
    Kms(#[from] KmsError),
    /// The plug-in did not sign.
    #[error("the signing plug-in did not sign")]
    Plugin(#[from] PluginError),
}

/// Returns the scheme of Sigstore signatures by such a key, which is also that of cosign 3.
pub fn usual_scheme(key: &PublicKey) -> Scheme {
    match key.algorithm() {
        KeyAlgorithm::EcdsaP256 => Scheme::EcdsaDer(Hash::Sha256),
        KeyAlgorithm::EcdsaP384 => Scheme::EcdsaDer(Hash::Sha384),
        KeyAlgorithm::EcdsaP521 => Scheme::EcdsaDer(Hash::Sha512),
        KeyAlgorithm::Ed25519 => Scheme::Ed25519,
        KeyAlgorithm::Rsa => Scheme::RsaPkcs1(Hash::Sha256),
    }
}

/// Returns `signature` if it verifies: what other machines and processes hand over is not trusted to fit.
pub(crate) fn checked(
    key: &PublicKey,
    scheme: Scheme,
    what: Signed<'_>,
    signature: Vec<u8>,
    keeper: &str,
) -> Result<Vec<u8>, SignError> {
    let verified = match what {
        Signed::Message(message) => key.verify(scheme, message, &signature),
        Signed::Digest(digest) => key.verify_digest(scheme, digest, &signature),
    };
    verified.map(|()| signature).map_err(|_| SignError::Wrong { keeper: keeper.to_owned() })
}

/// What was signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signed<'a> {
    /// The bytes themselves.
    Message(&'a [u8]),
    /// Their hash.
    Digest(&'a [u8]),
}
