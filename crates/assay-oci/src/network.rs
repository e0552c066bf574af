//! One way to the network for everything in this crate: proxy, certificates, time limits, `--offline`.
//!
//! The runtime and the HTTP client start when they are first needed; scanning a local archive has neither. Nothing is
//! read from the environment: what `HTTPS_PROXY` and the like say is handed in by the caller. Redirects are followed in
//! `registry::client`, because no general policy knows to whom credentials belong.

use crate::credentials::CredentialSources;
use crate::registry::RegistryError;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Redirects followed for a public file; feeds are behind one or two.
const PUBLIC_REDIRECTS: usize = 5;

/// Longer than any upload; whoever sends one watches its progress.
const NEVER: Duration = Duration::from_secs(30 * 24 * 3600);

/// Settings for all connections.
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// Opens no socket to another machine; anything that needs one is an error.
    pub offline: bool,
    /// Allows plain HTTP to any registry, not only on this machine.
    pub plain_http: bool,
    /// Certificate authorities to trust besides the system's, as PEM.
    pub extra_certificates: Vec<Vec<u8>>,
    /// The proxy for `https` requests, as `HTTPS_PROXY` has it.
    pub https_proxy: Option<String>,
    /// The proxy for `http` requests, as `HTTP_PROXY` has it.
    pub http_proxy: Option<String>,
    /// Hosts that are reached directly, as `NO_PROXY` has them.
    pub no_proxy: String,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the next byte.
    pub idle_timeout: Duration,
    /// How long a manifest or token may take altogether.
    pub document_timeout: Duration,
    /// How often a request is repeated after 429, a server error or a broken connection.
    pub retries: u32,
    /// How long to wait before the first repetition; each further wait is twice as long.
    pub first_delay: Duration,
    /// Where credentials are.
    pub credentials: CredentialSources,
    /// Sockets of the Docker engine, in the order to try.
    pub docker_sockets: Vec<PathBuf>,
    /// Sockets of podman's service, in the order to try.
    pub podman_sockets: Vec<PathBuf>,
    /// Raised by the caller when its time is up: whatever is waited for is then given up.
    pub stop: Arc<AtomicBool>,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            offline: false,
            plain_http: false,
            extra_certificates: Vec::new(),
            https_proxy: None,
            http_proxy: None,
            no_proxy: String::new(),
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(60),
            document_timeout: Duration::from_secs(120),
            retries: 5,
            first_delay: Duration::from_millis(500),
            credentials: CredentialSources::default(),
            docker_sockets: Vec::new(),
            podman_sockets: Vec::new(),
            stop: Arc::default(),
        }
    }
}

/// The way to the network; cheap until it is used.
#[derive(Debug)]
pub struct Network {
    options: Arc<NetworkOptions>,
    started: Mutex<Option<Arc<Started>>>,
}

/// What runs once the network was needed.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) client: reqwest::Client,
}

/// How often it is looked whether the caller's time is up; nobody notices a tenth of a second.
const GLANCE: Duration = Duration::from_millis(100);

impl Started {
    /// Waits for `work`, but no longer than the caller has time.
    pub(crate) fn wait<T>(&self, stop: &AtomicBool, work: impl Future<Output = T>) -> Result<T, TimeUp> {
        self.runtime.block_on(async {
            let mut work = std::pin::pin!(work);
            while !stop.load(Ordering::Relaxed) {
                if let Ok(done) = tokio::time::timeout(GLANCE, work.as_mut()).await {
                    return Ok(done);
                }
            }
            Err(TimeUp)
        })
    }
}

/// The caller's time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time is up")]
#[non_exhaustive]
pub struct TimeUp;

impl Network {
    /// Prepares; starts nothing.
    pub fn new(options: NetworkOptions) -> Self {
        Self { options: Arc::new(options), started: Mutex::new(None) }
    }

    /// Returns the settings.
    pub fn options(&self) -> &Arc<NetworkOptions> {
        &self.options
    }

    /// Starts the runtime and the client, or returns those that run.
    pub(crate) fn start(&self) -> Result<Arc<Started>, RegistryError> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(started) = &*started {
            return Ok(Arc::clone(started));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2) // They only move bytes; hashing and inflating happen on the caller's threads.
            .thread_name("assay-network")
            .enable_all()
            .build()
            .map_err(RegistryError::Runtime)?;
        let client = self.client(reqwest::redirect::Policy::none)?;
        let new = Arc::new(Started { runtime, client });
        *started = Some(Arc::clone(&new));
        Ok(new)
    }

    /// Runs `work` with a client for public files, which follows redirects and carries no credentials.
    ///
    /// # Errors
    /// Fails when the network may not be used or cannot be started.
    pub fn with_public_client<F: Future>(
        &self,
        host: &str,
        work: impl FnOnce(reqwest::Client) -> F,
    ) -> Result<F::Output, RegistryError> {
        if self.options.offline {
            return Err(RegistryError::Offline { host: host.to_owned() });
        }
        let started = self.start()?;
        let client = self.client(public_redirects)?;
        Ok(started.runtime.block_on(work(client)))
    }

    /// Returns a client for uploads. The time between two reads, which others watch, runs while a body is sent, too.
    pub(crate) fn upload_client(&self) -> Result<reqwest::Client, RegistryError> {
        self.client_with(|builder| builder.read_timeout(NEVER))
    }

    fn client(&self, redirects: fn() -> reqwest::redirect::Policy) -> Result<reqwest::Client, RegistryError> {
        self.client_with(|builder| builder.redirect(redirects()))
    }

    fn client_with(
        &self,
        change: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<reqwest::Client, RegistryError> {
        let options = &self.options;
        let mut certificates = Vec::new();
        for pem in &options.extra_certificates {
            certificates.extend(reqwest::Certificate::from_pem_bundle(pem).map_err(RegistryError::Client)?);
        }
        let builder = || -> Result<reqwest::ClientBuilder, RegistryError> {
            let mut builder = change(client_builder(options).no_proxy());
            let exceptions = || reqwest::NoProxy::from_string(&options.no_proxy);
            for (proxy, make) in [
                (
                    &options.https_proxy,
                    reqwest::Proxy::https as fn(String) -> reqwest::Result<reqwest::Proxy>,
                ),
                (&options.http_proxy, reqwest::Proxy::http),
            ] {
                if let Some(url) = proxy {
                    let proxy = make(url.clone()).map_err(RegistryError::Client)?;
                    builder = builder.proxy(proxy.no_proxy(exceptions()));
                }
            }
            Ok(builder)
        };
        match builder()?.tls_certs_merge(certificates.clone()).build() {
            Ok(client) => Ok(client),
            // A machine without any certificates can still talk to a registry of its own, or to one whose authority
            // was handed in.
            Err(_) => builder()?.tls_certs_only(certificates).build().map_err(RegistryError::Client),
        }
    }
}

/// Follows a few redirects, but none that gives up TLS.
fn public_redirects() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let downgraded = attempt.url().scheme() == "http"
            && attempt.previous().last().is_some_and(|url| url.scheme() == "https");
        if downgraded {
            attempt.error("redirect from https to http")
        } else if attempt.previous().len() > PUBLIC_REDIRECTS {
            attempt.error("too many redirects")
        } else {
            attempt.follow()
        }
    })
}

/// Returns what all clients have in common.
pub(crate) fn client_builder(options: &NetworkOptions) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(options.connect_timeout)
        .read_timeout(options.idle_timeout)
}

/// Tells whether `host[:port]` is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_is_known_by_name_and_number() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:5000", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.evil.com", "127.0.0.1.nip.io", "10.0.0.1", "[::2]", "example.com:80"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
