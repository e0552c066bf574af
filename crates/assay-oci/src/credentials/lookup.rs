//! Credentials that somebody else keeps: a server has them in its database, and this crate knows no database.

use super::Credentials;
use crate::reference::Reference;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

type Find = dyn Fn(&Reference) -> Result<Option<Credentials>, Box<dyn Error + Send + Sync>> + Send + Sync;

/// Asks who keeps credentials. Called on a thread that may wait, each time a registry wants to know who asks.
#[derive(Clone)]
pub struct CredentialLookup(Arc<Find>);

/// Who keeps credentials could not say.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LookupError(Box<dyn Error + Send + Sync>);

impl CredentialLookup {
    /// Makes one of a function that returns the credentials for a reference, and `None` only when there are none: an error keeps the
    /// registry from being asked without any.
    pub fn new(
        find: impl Fn(&Reference) -> Result<Option<Credentials>, Box<dyn Error + Send + Sync>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Arc::new(find))
    }

    pub(super) fn find(&self, reference: &Reference) -> Result<Option<Credentials>, LookupError> {
        (self.0)(reference).map_err(LookupError)
    }
}

impl fmt::Debug for CredentialLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialLookup(…)")
    }
}
