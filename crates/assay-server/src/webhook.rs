//! Events of registries: one file per registry, and the list of them all.
//!
//! What an event says is a hint. It names what to look at; what is there is asked of the registry itself, and only of one that the
//! operator named. So a forged event can cost a question to such a registry, and nothing else.

use assay_model::Digest;
use assay_oci::Reference;
use assay_store::Moment;
use axum::http::HeaderMap;
use std::fmt::Write as _;

mod artifact_registry;
mod azure;
mod distribution;
mod docker_hub;
mod ecr;
mod github;
mod harbor;
mod intake;
mod quay;
mod secret;
mod zot;

#[cfg(test)]
mod testing;

pub(crate) use intake::{Asked, as_bearer, authenticate, read, read_pulls};
pub use secret::{InvalidSecret, Secrets};

/// Something that was pushed, as an event says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Push {
    /// The registry's host, as clients write it; empty if the event does not say.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// The tag, if it was pushed by one.
    pub tag: Option<String>,
    /// The digest, if the event says it.
    pub digest: Option<Digest>,
}

impl Push {
    /// Returns what to ask the registry for: the tag where there is one, else the digest. `None` if the event says neither.
    pub(crate) fn image(&self) -> Option<String> {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => Some(format!("{}/{}:{tag}", self.registry, self.repository)),
            (None, Some(digest)) => Some(format!("{}/{}@{digest}", self.registry, self.repository)),
            (None, None) => None,
        }
    }

    /// Returns the name of the job that looks at it. A push that comes while the one before is looked at must not count as known, so what
    /// tells them apart is in it: the digest, or else the time.
    pub(crate) fn job(&self, reference: &Reference, now: Moment) -> String {
        let mut name = format!("push {reference} ");
        let _ = match &self.digest {
            Some(digest) => write!(name, "{digest}"),
            None => write!(name, "{}", now.0),
        };
        name
    }
}

/// A body is none of this registry's events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no event of this kind of registry: {0}")]
pub struct InvalidPayload(pub String);

/// A request of a registry.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Its headers. Some registries say there what kind of event it is.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

impl Event<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, InvalidPayload> {
        serde_json::from_slice(self.body).map_err(|error| InvalidPayload(error.to_string()))
    }
}

/// How a registry can prove that a request is its own. A token in `Authorization` is believed from everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It sends an `Authorization` header that the operator wrote.
    Authorization,
    /// It can be given an address and nothing else, so that the secret has to be in that: `?token=SECRET`.
    Address,
    /// It signs the body: `sha256=` and the HMAC in hexadecimal digits, in a header of this name.
    Signature(&'static str),
}

/// Reads the events of one kind of registry.
///
/// It is called for requests that were authenticated, with at most some megabytes. It must not fetch anything, neither what the event
/// names nor an address that it asks to be called back, and must leave out what is no push of an image.
pub trait Webhook: Sync {
    /// The last part of its address: `/webhooks/<name>`.
    fn name(&self) -> &'static str;

    /// How it proves that an event is its own.
    fn proof(&self) -> Proof {
        Proof::Authorization
    }

    /// Tells whether its events say which registry they are of; if not, the address that they are sent to has to.
    fn names_registry(&self) -> bool {
        true
    }

    /// Reads what was pushed.
    ///
    /// # Errors
    /// Fails when the body is none of its events.
    fn pushes(&self, event: &Event<'_>) -> Result<Vec<Push>, InvalidPayload>;

    /// Reads which images were pulled, where the registry tells of that. It is called for what [`Webhook::pushes`] did not refuse.
    fn pulls(&self, event: &Event<'_>) -> Vec<Digest> {
        let _ = event;
        Vec::new()
    }
}

/// Every registry whose events are read.
pub const WEBHOOKS: &[&dyn Webhook] = &[
    &distribution::Distribution,
    &harbor::Harbor,
    &quay::Quay,
    &docker_hub::DockerHub,
    &github::Github,
    &artifact_registry::ArtifactRegistry,
    &ecr::Ecr,
    &azure::Azure,
    &zot::Zot,
];

/// Returns the webhook of that name.
pub fn by_name(name: &str) -> Option<&'static dyn Webhook> {
    WEBHOOKS.iter().copied().find(|webhook| webhook.name() == name)
}

/// What requests of this program say who sent them.
const OWN_AGENT: &str = "assay/";

/// What a push of something that can be run is announced as.
const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// Returns a tag, unless it is none: some registries put nothing or a digest in its place.
fn tag(text: Option<String>) -> Option<String> {
    text.filter(|tag| !tag.is_empty() && !tag.contains(':'))
}

/// Splits a name as clients write it into host and repository, without tag and digest.
fn place(name: &str) -> Option<(String, String)> {
    let name = name.split('@').next().unwrap_or(name);
    let (host, path) = name.split_once('/')?;
    let repository = path.split(':').next().unwrap_or(path);
    Some((host.to_owned(), repository.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let mut names: Vec<&str> = WEBHOOKS.iter().map(|webhook| webhook.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), WEBHOOKS.len());
        for name in names {
            assert!(by_name(name).is_some_and(|webhook| webhook.name() == name));
        }
        assert!(by_name("").is_none());
    }

    #[test]
    fn hosts_and_repositories_are_split() {
        let check = |name: &str, want: Option<(&str, &str)>| {
            let got = place(name);
            let got = got.as_ref().map(|(host, repository)| (host.as_str(), repository.as_str()));
            assert_eq!(got, want, "{name}");
        };
        check("registry.example/team/app:1.0", Some(("registry.example", "team/app")));
        check("registry.example:5000/app@sha256:ab", Some(("registry.example:5000", "app")));
        check("registry.example/app:1@sha256:ab", Some(("registry.example", "app")));
        check("app", None);
        check("", None);
    }
}
