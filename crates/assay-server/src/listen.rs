//! Listening: on this machine only, unless there is TLS.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

/// How long a client may take to begin TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections that have begun TLS and wait to be answered.
const WAITING: usize = 256;
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

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self { address: *stream.remote_addr(), certified: false }
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        // One that is shown and does not lead to an authority has ended the handshake.
        let certified = stream.io().get_ref().1.peer_certificates().is_some();
        Self { address: *stream.remote_addr(), certified }
    }
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

/// Answers connections with TLS. A client that is slow to begin keeps nobody else waiting.
pub struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    /// Starts to take connections.
    ///
    /// # Errors
    /// Fails when the listener has no address.
    pub fn start(listener: TcpListener, tls: Arc<Tls>) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while !sender.is_closed() {
                let Ok((stream, peer)) = listener.accept().await else {
                    // Out of file descriptors, most likely; trying again at once would only burn time.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                };
                let (acceptor, sender) = (TlsAcceptor::from(tls.config()), sender.clone());
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        let _ = sender.send((stream, peer)).await;
                    }
                });
            }
        });
        Ok(Self { ready, address })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(ready) => ready,
            // The task that takes connections ends only after this.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}
