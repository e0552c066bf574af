//! What a registry lists: repositories, tags, and what it says they stand for.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags>; the list of repositories is not part of that
//! specification but of the Distribution registry (<https://distribution.github.io/distribution/spec/api/#listing-repositories>), and many
//! hosted registries have none. Surprising: some registries go on after the last name of the page before, others only where their `Link`
//! header leads; both are done.

use super::RegistryError;
use super::client::{Client, Request};
use super::referrers::next_link;
use crate::document::MAX_MANIFEST;
use crate::error::OpenError;
use crate::network::{Network, Started};
use crate::reference::{Reference, is_tag};
use crate::registry::Access;
use crate::registry::push::is_not_found;
use crate::source::registry::manifest_request;
use crate::verify;
use assay_model::Digest;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Names that are asked for at a time.
const PAGE: usize = 1000;
/// Pages that are asked for; some registries give a hundred names a page, whatever is asked.
const MAX_PAGES: usize = 200;
/// Bytes of one page: a thousand names of 255 bytes, and what is around them.
const MAX_PAGE_BYTES: u64 = 1 << 20;

/// Names that a registry listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The names.
    pub names: BTreeSet<String>,
    /// Whether they are all there are.
    pub complete: bool,
}

/// Asks a registry for lists.
#[derive(Debug)]
pub struct Crawler {
    started: Arc<Started>,
    client: Client,
}

#[derive(Deserialize)]
struct Page {
    #[serde(alias = "repositories")]
    tags: Option<Vec<String>>,
}

impl Crawler {
    /// Connects to the repository of `reference`; for a list of repositories any of the registry will do.
    ///
    /// # Errors
    /// Fails when the network may not be used or cannot be started.
    pub fn connect(reference: &Reference, network: &Network) -> Result<Self, OpenError> {
        if network.options().offline {
            return Err(RegistryError::Offline { host: reference.registry().to_owned() }.into());
        }
        let started = network.start()?;
        let connected = Client::connect(&started, network.options(), reference, Access::Read);
        let client = started.wait(&network.options().stop, connected)??;
        Ok(Self { started, client })
    }

    /// Lists the repositories of the registry, at most `most`.
    ///
    /// # Errors
    /// Fails when the registry does not answer as it should, or has no such list.
    pub fn repositories(&self, most: usize) -> Result<Listing, OpenError> {
        let listing = self.list("the list of repositories", "/v2/_catalog", most, &|_| true);
        Ok(self.started.wait(&self.client.options.stop, listing)??)
    }

    /// Lists the tags of the repository, at most `most`. A repository that is not there has none.
    ///
    /// # Errors
    /// Fails when the registry does not answer as it should.
    pub fn tags(&self, most: usize) -> Result<Listing, OpenError> {
        let repository = self.client.reference.repository();
        let (what, path) = (format!("the tags of `{repository}`"), format!("/v2/{repository}/tags/list"));
        let listing = self.list(&what, &path, most, &is_tag);
        match self.started.wait(&self.client.options.stop, listing)? {
            Err(error) if is_not_found(&error) => Ok(Listing { complete: true, ..Listing::default() }),
            listing => Ok(listing?),
        }
    }

    /// Returns what the registry says that a tag stands for: nothing that is to be believed, but enough to see that it changed.
    ///
    /// # Errors
    /// Fails when the registry does not answer as it should.
    pub fn digest_of(&self, tag: &str) -> Result<Option<Digest>, OpenError> {
        let request = Request { method: Method::HEAD, ..manifest_request(tag) };
        let told = async {
            let headers = match self.client.send(&request).await {
                Ok(answer) => answer.headers().clone(),
                Err(error) if is_not_found(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            if let Some(digest) = digest_header(&headers) {
                return Ok(Some(digest));
            }
            // Old registries do not say it; then it is worked out.
            match self.client.document(&manifest_request(tag), MAX_MANIFEST).await {
                Ok((bytes, _)) => Ok(Some(verify::sha256(&bytes))),
                Err(error) if is_not_found(&error) => Ok(None),
                Err(error) => Err(error),
            }
        };
        Ok(self.started.wait(&self.client.options.stop, told)??)
    }

    async fn list(
        &self,
        what: &str,
        path: &str,
        most: usize,
        wanted: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Listing, RegistryError> {
        let mut listing = Listing::default();
        let mut address = format!("{path}?n={PAGE}");
        for _ in 0..MAX_PAGES {
            let target = self.client.follow("", &address, what)?;
            // Only the list itself: a link elsewhere would have us fetch, with credentials, whatever the registry likes.
            if !self.client.is_home(&target) || target.path() != path {
                return Err(self.client.invalid(what, "its next page is elsewhere"));
            }
            let request = Request { what: what.to_owned(), address: Some(target), ..Request::default() };
            let (body, headers) = self.client.document(&request, MAX_PAGE_BYTES).await?;
            let page: Page = serde_json::from_slice(&body)
                .map_err(|_| self.client.invalid(what, "it is not the expected JSON"))?;
            let names = page.tags.unwrap_or_default();
            let (length, last) = (names.len(), names.last().cloned());
            let before = listing.names.len();
            for name in names.into_iter().filter(|name| wanted(name)) {
                if listing.names.len() >= most && !listing.names.contains(&name) {
                    return Ok(listing);
                }
                listing.names.insert(name);
            }
            let grew = listing.names.len() > before;
            address = match (next_link(&headers), last) {
                (Some(link), _) if grew => link,
                // It promises more and gives the same again.
                (Some(_), _) => return Ok(listing),
                (None, Some(last)) if grew && length >= PAGE && is_plain(&last) => {
                    format!("{path}?n={PAGE}&last={last}")
                }
                (None, _) => {
                    listing.complete = true;
                    return Ok(listing);
                }
            };
        }
        Ok(listing)
    }
}

fn digest_header(headers: &HeaderMap) -> Option<Digest> {
    headers.get("docker-content-digest")?.to_str().ok()?.trim().parse().ok()
}

/// Tells whether a name can be put into an address as it is.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/'))
}
