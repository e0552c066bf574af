//! Listening: on this machine only, unless there is TLS.

mod answer;

pub use answer::{Patience, answer};

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// How long a client may take to begin TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Bytes of a file of certificates that are read.
const MAX_PEM: u64 = 1 << 20;

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// It would be reachable from outside without TLS.
    #[error("`{0}` can be reached from other machines, and there is no TLS")]
    Exposed(SocketAddr),
    /// A certificate or key cannot be used.
    #[error("cannot use `{path}` for TLS")]
    Tls {
        /// The file.
        path: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address cannot be had.
    #[error("cannot listen on `{address}`")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// Where certificate and key of the server are, and the authority of its clients.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate and those that lead to its authority (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// Authorities whose certificates clients may show (PEM); without it none is asked for.
    pub client_authorities: Option<PathBuf>,
}

/// How TLS is spoken, as the files said when they were read last.
pub struct Tls {
    files: TlsFiles,
    used: RwLock<Used>,
}

struct Used {
    /// What the files held, to see whether they have changed. A time of change would not do: Kubernetes replaces the folder.
    read: Vec<Vec<u8>>,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Fails when one cannot be read, or certificate and key do not belong together.
    pub fn read(files: TlsFiles) -> Result<Self, ListenError> {
        let read = files.read()?;
        let config = files.config(&read)?;
        Ok(Self { files, used: RwLock::new(Used { read, config }) })
    }

    /// Reads the files again, and says whether they have changed. Connections that are open stay as they are.
    ///
    /// # Errors
    /// Fails as [`Tls::read`] does; what was read before is used on.
    pub fn refresh(&self) -> Result<bool, ListenError> {
        let read = self.files.read()?;
        if self.used.read().unwrap_or_else(PoisonError::into_inner).read == read {
            return Ok(false);
        }
        let config = self.files.config(&read)?;
        *self.used.write().unwrap_or_else(PoisonError::into_inner) = Used { read, config };
        Ok(true)
    }

    fn config(&self) -> Arc<ServerConfig> {
        self.used.read().unwrap_or_else(PoisonError::into_inner).config.clone()
    }
}

impl TlsFiles {
    fn read(&self) -> Result<Vec<Vec<u8>>, ListenError> {
        let paths = [Some(&self.certificate), Some(&self.key), self.client_authorities.as_ref()];
        paths
            .into_iter()
            .flatten()
            .map(|path| read_bounded(path).map_err(|error| failed(path, error)))
            .collect()
    }

    fn config(&self, read: &[Vec<u8>]) -> Result<Arc<ServerConfig>, ListenError> {
        let [certificate, key, authorities @ ..] = read else {
            return Err(failed(&self.certificate, "not read"));
        };
        let chain = certificates(&self.certificate, certificate)?;
        let secret = PrivateKeyDer::from_pem_slice(key).map_err(|error| failed(&self.key, error))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&self.certificate, error))?;
        let config = match (&self.client_authorities, authorities.first()) {
            (Some(path), Some(pem)) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(path, pem)? {
                    roots.add(authority).map_err(|error| failed(path, error))?;
                }
                // Probes of the kubelet show none; who must show one is for the address to say.
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .allow_unauthenticated()
                    .build()
                    .map_err(|error| failed(path, error))?;
                config.with_client_cert_verifier(verifier)
            }
            _ => config.with_no_client_auth(),
        };
        let config =
            config.with_single_cert(chain, secret).map_err(|error| failed(&self.certificate, error))?;
        Ok(Arc::new(config))
    }
}

fn failed(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ListenError {
    ListenError::Tls { path: path.display().to_string(), source: source.into() }
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ListenError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(chain) if chain.is_empty() => Err(failed(path, "it holds no certificate")),
        Ok(chain) => Ok(chain),
        Err(error) => Err(failed(path, error)),
    }
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_PEM).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Where it is.
    pub address: SocketAddr,
    /// Whether it showed a certificate of an authority that is known.
    pub certified: bool,
}

/// Takes an address to listen on.
///
/// # Errors
/// Fails when it cannot be had, or would be reachable from other machines without TLS.
pub async fn bind(address: SocketAddr, tls: Option<&Tls>) -> Result<TcpListener, ListenError> {
    if tls.is_none() && !address.ip().is_loopback() {
        return Err(ListenError::Exposed(address));
    }
    TcpListener::bind(address).await.map_err(|source| ListenError::Bind { address, source })
}
