//! A registry in this process that answers pulls, by the distribution specification:
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull>.

use super::image::{Image, MANIFEST, digest};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

type Content = Arc<RwLock<BTreeMap<String, Vec<u8>>>>;

/// A registry that runs until the process ends.
pub(super) struct Registry {
    address: SocketAddr,
    content: Content,
}

impl Registry {
    /// Starts one, on a free port of this machine that nobody else can reach.
    pub(super) fn start() -> io::Result<Self> {
        let content = Content::default();
        let router = Router::new()
            .route("/v2/", get(async || "{}"))
            .route("/v2/{*path}", get(answer))
            .with_state(content.clone());
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, router).await
            })
        });
        Ok(Self { address, content })
    }

    /// Returns its name in references.
    pub(super) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Takes an image under a tag; returns its digest.
    pub(super) fn push(&self, repository: &str, tag: &str, image: &Image) -> String {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        for blob in &image.blobs {
            content.insert(format!("{repository}/blobs/{}", digest(blob)), blob.clone());
        }
        let digest = digest(&image.manifest);
        for name in [tag, &digest] {
            content.insert(format!("{repository}/manifests/{name}"), image.manifest.clone());
        }
        digest
    }
}

async fn answer(State(content): State<Content>, Path(path): Path<String>) -> Response {
    let found = content.read().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
    let Some(bytes) = found else {
        let code = if path.contains("/manifests/") { "MANIFEST_UNKNOWN" } else { "BLOB_UNKNOWN" };
        let body = serde_json::json!({ "errors": [{ "code": code, "message": "it is not there" }] });
        return (StatusCode::NOT_FOUND, axum::Json(body)).into_response();
    };
    let kind = if path.contains("/manifests/") { MANIFEST } else { "application/octet-stream" };
    let name = digest(&bytes);
    ([(header::CONTENT_TYPE, kind), (header::HeaderName::from_static("docker-content-digest"), &name)], bytes)
        .into_response()
}
