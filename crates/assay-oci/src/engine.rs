//! The Docker Engine API over a Unix socket, as far as needed to export an image.
//!
//! <https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Image>; podman's service speaks it too. Addresses carry no
//! API version: engines refuse versions that are too new as well as those that are too old.

use crate::network::{NetworkOptions, client_builder};
use crate::reference::Reference;
use crate::registry::client::read_body;
use std::fmt;
use std::path::{Path, PathBuf};

/// Bytes of an engine's error message.
const MAX_ERROR_BODY: u64 = 64 * 1024;

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        })
    }
}

/// Why an engine did not give an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// None of the sockets is there.
    #[error("no {engine} socket was found{}", tried(paths))]
    NoSocket {
        /// The engine.
        engine: EngineKind,
        /// Where it was looked for.
        paths: Vec<PathBuf>,
    },
    /// The engine does not answer.
    #[error("cannot talk to {engine} at `{socket}`", socket = socket.display())]
    Connection {
        /// The engine.
        engine: EngineKind,
        /// Its socket.
        socket: PathBuf,
        /// The cause.
        source: reqwest::Error,
    },
    /// The engine does not have the image.
    #[error("{engine} has no image `{reference}`")]
    NoSuchImage {
        /// The engine.
        engine: EngineKind,
        /// The image.
        reference: String,
    },
    /// The engine answered with an error.
    #[error("{engine} answered {status} to the request for `{reference}`: {message}")]
    Status {
        /// The engine.
        engine: EngineKind,
        /// The image.
        reference: String,
        /// The HTTP status.
        status: u16,
        /// Its words, cleaned.
        message: String,
    },
}

fn tried(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    if names.is_empty() { String::new() } else { format!(" at {}", names.join(", ")) }
}

/// An engine that answers on a socket.
pub(crate) struct Engine {
    kind: EngineKind,
    socket: PathBuf,
    client: reqwest::Client,
}

impl Engine {
    /// Takes the first socket that is there.
    pub(crate) fn find(kind: EngineKind, options: &NetworkOptions) -> Result<Self, EngineError> {
        let sockets = match kind {
            EngineKind::Docker => &options.docker_sockets,
            EngineKind::Podman => &options.podman_sockets,
        };
        let socket = sockets.iter().find(|path| Path::exists(path));
        let socket =
            socket.ok_or_else(|| EngineError::NoSocket { engine: kind, paths: sockets.clone() })?.clone();
        // No TLS is spoken here, so no certificate of the system is needed either.
        let builder = client_builder(options).no_proxy().tls_certs_only([]).unix_socket(socket.clone());
        let client = builder.build();
        let client = client.map_err(|source| EngineError::Connection {
            engine: kind,
            socket: socket.clone(),
            source,
        })?;
        Ok(Self { kind, socket, client })
    }

    /// Asks for the image's archive.
    pub(crate) async fn export(&self, reference: &Reference) -> Result<reqwest::Response, EngineError> {
        // Asked first, because some engines begin the export of an image that is not there.
        self.get(reference, "json").await?;
        self.get(reference, "get").await
    }

    async fn get(&self, reference: &Reference, what: &str) -> Result<reqwest::Response, EngineError> {
        // The reference's grammar leaves nothing to be escaped but `@` and `:`, which may stand in a path.
        let url = format!("http://localhost/images/{reference}/{what}");
        let response = self.client.get(url).send().await.map_err(|source| EngineError::Connection {
            engine: self.kind,
            socket: self.socket.clone(),
            source: source.without_url(),
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let (engine, reference) = (self.kind, reference.to_string());
        if status.as_u16() == 404 {
            return Err(EngineError::NoSuchImage { engine, reference });
        }
        let body = read_body(response, MAX_ERROR_BODY).await.unwrap_or_default();
        let parsed: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
        let message =
            parsed.as_ref().and_then(|value| value.get("message")?.as_str()).unwrap_or("no reason given");
        let message = message.chars().filter(|c| !c.is_control()).take(200).collect();
        Err(EngineError::Status { engine, reference, status: status.as_u16(), message })
    }
}
