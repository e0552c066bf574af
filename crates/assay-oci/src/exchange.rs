//! One request and its answer, with services that are no registries: key services, and those that give tokens for them.
//!
//! They are told secrets, so no redirect is followed: the answer to one is an answer like any other.

use crate::network::{Network, is_loopback};
use crate::registry::RegistryError;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// What is sent.
#[derive(Clone)]
pub struct Exchange<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The address.
    pub url: &'a str,
    /// Header fields.
    pub headers: &'a [(String, String)],
    /// The body; empty for none.
    pub body: &'a [u8],
    /// The most bytes of the answer.
    pub limit: u64,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Exchanged {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Network {
    /// Sends a request once and waits for its answer.
    ///
    /// # Errors
    /// Fails when the network may not be used, nobody answers, or the answer is too long.
    pub fn exchange(&self, exchange: &Exchange<'_>) -> Result<Exchanged, RegistryError> {
        let url = reqwest::Url::parse(exchange.url).ok();
        let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or_default().to_owned();
        let what = || "the request".to_owned();
        let invalid = |reason| RegistryError::Invalid { host: host.clone(), what: what(), reason };
        let url = url.ok_or_else(|| invalid("its address is none"))?;
        let method =
            Method::from_bytes(exchange.method.as_bytes()).map_err(|_| invalid("its method is none"))?;
        if self.options().offline && !is_loopback(&host) {
            return Err(RegistryError::Offline { host });
        }
        let mut headers = HeaderMap::new();
        for (name, value) in exchange.headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("a header field has no name"))?;
            let mut value =
                HeaderValue::from_str(value).map_err(|_| invalid("a header field has no value"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let started = self.start()?;
        let patience = self.options().document_timeout;
        let request = started.client.request(method, url).headers(headers).timeout(patience);
        let request = if exchange.body.is_empty() { request } else { request.body(exchange.body.to_vec()) };
        started.runtime.block_on(async {
            let mut response =
                request.send().await.map_err(|error| RegistryError::connection(&host, error))?;
            let status = response.status().as_u16();
            let mut body = Vec::new();
            while let Some(chunk) =
                response.chunk().await.map_err(|error| RegistryError::connection(&host, error))?
            {
                body.extend_from_slice(&chunk);
                if u64::try_from(body.len()).unwrap_or(u64::MAX) > exchange.limit {
                    return Err(RegistryError::TooLarge { host, what: what(), limit: exchange.limit });
                }
            }
            Ok(Exchanged { status, body })
        })
    }
}
