//! One case of the Sigstore client conformance suite, from the files of its folder.
//!
//! <https://github.com/sigstore/sigstore-conformance/tree/main/test/assets/bundle-verify>. A case is a bundle, an artifact, and
//! optionally an identity, its issuer, a key and a trust root. Its name says whether it must fail, and whether the suite passes
//! an identity beside a key, which is a contradiction.

use super::{Artifact, Code, IdentityPolicy, LogPolicy, Refusal, Trust, TrustedKey, Verified, bundle};
use crate::bundle::Bundle;
use crate::key::{Hash, PublicKey};
use crate::trust::TrustedRoot;
use assay_model::{Digest, Timestamp};

/// Who signs the suite's bundles when a case does not say.
const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
/// Who vouches for it.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The files of a case.
#[derive(Debug, Clone, Default)]
pub struct Case {
    /// The name of the folder.
    pub name: String,
    /// `bundle.sigstore.json`.
    pub bundle: Vec<u8>,
    /// `artifact`, or the suite's `a.txt`.
    pub artifact: Vec<u8>,
    /// `identity`.
    pub identity: Option<String>,
    /// `issuer`.
    pub issuer: Option<String>,
    /// `key.pub`.
    pub key: Option<String>,
    /// `trusted_root.json`.
    pub trusted_root: Option<Vec<u8>>,
}

/// How the artifact is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// By its bytes.
    Content,
    /// By its SHA-256.
    Digest,
}

impl Case {
    /// Returns whether verification must fail.
    pub fn must_fail(&self) -> bool {
        self.name.ends_with("_fail")
    }

    /// Verifies the case.
    pub fn verify(&self, by: By, now: Timestamp) -> Result<Verified, Refusal> {
        let malformed = |error: &dyn std::error::Error| Refusal::malformed(error);
        let root = match &self.trusted_root {
            Some(bytes) => TrustedRoot::parse(bytes),
            None => TrustedRoot::public(),
        };
        let root = root.map_err(|error| malformed(&error))?;
        let parsed = Bundle::parse(&self.bundle).map_err(|error| malformed(&error))?;
        let artifact = match by {
            By::Content => Artifact::from_bytes(&self.artifact),
            By::Digest => {
                let digest = Hash::Sha256.of(&self.artifact);
                let digest = digest.try_into().map(Digest::Sha256);
                Artifact::from_digest(&digest.map_err(|_| Refusal::new(Code::Malformed, "not a digest"))?)
            }
        };
        let Some(key) = &self.key else {
            let text = |given: &Option<String>, default: &str| {
                given.as_deref().map_or(default, str::trim).to_owned()
            };
            let policy = IdentityPolicy::exact(text(&self.issuer, ISSUER), text(&self.identity, IDENTITY));
            let trust = Trust::Identities(std::slice::from_ref(&policy));
            return bundle(&parsed, &artifact, trust, &root, LogPolicy::Required, now);
        };
        if self.name.contains("-and-client-identity") {
            return Err(Refusal::new(Code::Unsupported, "a key and an identity contradict each other"));
        }
        let key = PublicKey::from_pem(key).map_err(|error| malformed(&error))?;
        let trusted = TrustedKey::new(key);
        bundle(&parsed, &artifact, Trust::Key(&trusted), &root, LogPolicy::Required, now)
    }
}
