//! Credentials for registries that are kept in the database, encrypted, for every server and worker on it.
//!
//! They are looked up each time a registry wants to know who asks, so what was changed or removed counts at once, in every process, and nothing
//! is kept in memory beyond the request. Only registries that the operator named are asked at all (`scanner.rs`); to whom a secret is sent is
//! for `assay-oci` to see to. A credential that cannot be opened fails whatever wanted it: to go on as nobody would look as if the registry
//! had nothing.

mod key;

pub use key::{CredentialKey, InvalidCredentialKey, Keyring, SealError, UnsealError};

use crate::worker::Clock;
use assay_oci::{CredentialLookup, CredentialSources, Credentials, Secret};
use assay_store::{
    CredentialKind, CredentialPurpose, CredentialTerms, KeptCredential, MAX_CREDENTIALS, Store, StoreError,
};
use std::sync::Arc;
use tokio::runtime::Handle;

/// A credential that is kept was not had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The database failed.
    #[error("the database was not asked for credentials")]
    Store(#[from] StoreError),
    /// It cannot be decrypted.
    #[error(transparent)]
    Shut(Shut),
}

/// A credential that cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the credential that is kept for `{place}` cannot be opened")]
pub struct Shut {
    /// For what it is.
    pub place: String,
    /// For what it is used.
    pub purpose: CredentialPurpose,
    /// Why.
    #[source]
    pub why: UnsealError,
}

/// The credentials in the database, and the keys that open them.
#[derive(Clone)]
pub struct Vault {
    store: Store,
    keyring: Arc<Keyring>,
    clock: Clock,
    runtime: Handle,
}

/// What encrypting everything by the first key came to.
pub(crate) struct Rotated {
    /// Those that were encrypted anew.
    pub(crate) done: Vec<String>,
    /// Those that cannot be opened, and stay as they are.
    pub(crate) shut: Vec<String>,
}

impl Vault {
    /// Opens it; `runtime` is where the database is asked.
    pub fn new(store: Store, keyring: Arc<Keyring>, clock: Clock, runtime: Handle) -> Self {
        Self { store, keyring, clock, runtime }
    }

    /// Adds what is kept for reading to what files say, which wins.
    pub fn reading(&self, sources: CredentialSources) -> CredentialSources {
        CredentialSources { after: Some(self.lookup(CredentialPurpose::Read)), ..sources }
    }

    /// Returns where credentials for writing are. With files of its own for that, those that scans have are not used: first the files, then
    /// what is kept for writing. Without, what is kept for writing wins over whatever is for reading.
    pub fn writing(&self, own: Option<CredentialSources>, reading: &CredentialSources) -> CredentialSources {
        let kept = Some(self.lookup(CredentialPurpose::Write));
        match own {
            Some(own) => CredentialSources { after: kept, ..own },
            None => CredentialSources { ahead: kept, ..reading.clone() },
        }
    }

    fn lookup(&self, purpose: CredentialPurpose) -> CredentialLookup {
        let vault = self.clone();
        CredentialLookup::new(move |reference| {
            let found = vault.find(reference.registry(), reference.repository(), purpose);
            Ok(vault.runtime.block_on(found)?)
        })
    }

    /// Returns the credentials for a repository, if there are any.
    async fn find(
        &self,
        registry: &str,
        repository: &str,
        purpose: CredentialPurpose,
    ) -> Result<Option<Credentials>, VaultError> {
        let Some(kept) = self.store.credential_for(registry, repository, purpose).await? else {
            return Ok(None);
        };
        let secret = self.open(&kept)?;
        let credentials = match kept.terms.kind {
            CredentialKind::Password => {
                Credentials::Password { user: kept.terms.account.clone(), password: secret }
            }
            CredentialKind::Identity => Credentials::Identity(secret),
            CredentialKind::Bearer => Credentials::Bearer(secret),
        };
        // Nobody waits for it, and nothing fails when it was not written.
        let (store, now) = (self.store.clone(), (self.clock)());
        self.runtime.spawn(async move { store.use_credential(&kept, now).await });
        Ok(Some(credentials))
    }

    fn open(&self, kept: &KeptCredential) -> Result<Secret, VaultError> {
        let opened = self.keyring.open(&kept.terms, &kept.sealed);
        let (place, purpose) = (kept.terms.place(), kept.terms.purpose);
        opened.map_err(|why| VaultError::Shut(Shut { place, purpose, why }))
    }

    /// Says whether a credential can be opened here.
    pub(crate) fn opens(&self, kept: &KeptCredential) -> bool {
        self.open(kept).is_ok()
    }

    /// Encrypts a secret for the database.
    pub(crate) fn seal(
        &self,
        terms: &CredentialTerms,
        secret: &Secret,
    ) -> Result<assay_store::Sealed, SealError> {
        self.keyring.seal(terms, secret)
    }

    /// Returns what the key that encrypts is called.
    pub(crate) fn current(&self) -> Option<&str> {
        self.keyring.current()
    }

    /// Returns the credentials that cannot be opened here, and why.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn shut(&self) -> Result<Vec<Shut>, StoreError> {
        let all = self.store.credentials(None, 0, MAX_CREDENTIALS).await?;
        let shut = all.into_iter().filter_map(|kept| {
            let why = self.keyring.open(&kept.terms, &kept.sealed).err()?;
            Some(Shut { place: kept.terms.place(), purpose: kept.terms.purpose, why })
        });
        Ok(shut.collect())
    }

    /// Encrypts by the first key whatever another encrypted.
    pub(crate) async fn rotate(&self, actor: &str) -> Result<Rotated, RotateError> {
        let current = self.current().ok_or(SealError::NoKey)?;
        let all = self.store.credentials(None, 0, MAX_CREDENTIALS).await?;
        let mut rotated = Rotated { done: Vec::new(), shut: Vec::new() };
        let mut work = self.store.begin().await?;
        for kept in all {
            let place = || format!("{} ({})", kept.terms.place(), kept.terms.purpose.name());
            let Ok(secret) = self.open(&kept) else {
                rotated.shut.push(place());
                continue;
            };
            // What somebody set meanwhile is encrypted by their first key, and stays.
            if kept.sealed.by != current
                && work.reseal_credential(&kept, &self.seal(&kept.terms, &secret)?).await?
            {
                rotated.done.push(place());
            }
        }
        let detail = serde_json::json!({ "encrypted": rotated.done, "unopened": rotated.shut });
        work.audit(actor, "credential.rotate", current, &detail, (self.clock)()).await?;
        work.commit().await?;
        Ok(rotated)
    }
}

/// Credentials were not encrypted anew.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RotateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Seal(#[from] SealError),
}
