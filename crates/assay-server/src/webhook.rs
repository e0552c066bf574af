//! Events of registries: one file per registry, and the list of them all.
//!
//! What an event says is a hint. It names what to look at; what is there is asked of the registry itself, and only of one that the
//! operator named.

use assay_model::Digest;

mod distribution;

/// Something that was pushed, as an event says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Push {
    /// The registry's host, as clients write it.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// The tag, if it was pushed by one.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Digest,
}

/// A body is none of this registry's events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no event of this kind of registry: {0}")]
pub struct InvalidPayload(pub String);

/// Reads the events of one kind of registry.
///
/// It is called for requests that were authenticated, with at most some megabytes. It must not fetch anything, and must leave out
/// what is no push of an image.
pub trait Webhook: Sync {
    /// The last part of its address: `/webhooks/<name>`.
    fn name(&self) -> &'static str;

    /// Reads what was pushed.
    ///
    /// # Errors
    /// Fails when the body is none of its events.
    fn pushes(&self, body: &[u8]) -> Result<Vec<Push>, InvalidPayload>;
}

/// Every registry whose events are read.
pub const WEBHOOKS: &[&dyn Webhook] = &[&distribution::Distribution];

/// Returns the webhook of that name.
pub fn by_name(name: &str) -> Option<&'static dyn Webhook> {
    WEBHOOKS.iter().copied().find(|webhook| webhook.name() == name)
}
