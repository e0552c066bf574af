//! Writes blobs and manifests: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push>.
//!
//! A blob goes in one piece, whatever its size, and is never whole in memory: the caller's thread reads it and hands chunks over to
//! the connection. Surprising: an upload that fails is begun anew from its first request, since what is left of a broken upload
//! differs from registry to registry; and the address for the upload, which the registry names, may be on another host, which then
//! gets no credentials.

use super::client::{Attempt, Client, Request};
use super::{RegistryError, RegistryErrorKind};
use crate::network::{Started, TimeUp};
use crate::verify::Verified;
use assay_model::Digest;
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION};
use reqwest::{Body, Method, Url};
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Chunks that are read ahead of the connection.
const QUEUE: usize = 8;
/// Bytes of a chunk.
const CHUNK: usize = 64 * 1024;

/// How a blob came to be in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transfer {
    /// It was there.
    Present,
    /// The registry took it over from another of its repositories.
    Mounted,
    /// It was sent.
    Sent,
}

/// Why a blob could not be pushed.
#[derive(Debug)]
pub(crate) enum PushError {
    /// The registry, or the way to it.
    Registry(RegistryError),
    /// What was to be pushed could not be read.
    Source(io::Error),
    TimeUp(TimeUp),
}

impl From<RegistryError> for PushError {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

impl From<TimeUp> for PushError {
    fn from(error: TimeUp) -> Self {
        Self::TimeUp(error)
    }
}

/// A blob to push: `open` gives its bytes, from the first on each time.
pub(crate) struct Upload<'a> {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) open: &'a dyn Fn() -> io::Result<Box<dyn Read + Send>>,
    /// A repository of the same registry that has it.
    pub(crate) mount_from: Option<&'a str>,
}

/// Tells whether the repository has a blob.
pub(crate) async fn has_blob(client: &Client, digest: &Digest) -> Result<bool, RegistryError> {
    let request = Request {
        what: format!("blob `{}`", digest.short()),
        method: Method::HEAD,
        path: format!("blobs/{digest}"),
        ..Request::default()
    };
    match client.send(&request).await {
        Ok(_) => Ok(true),
        Err(RegistryError::Status { status: 404 | 405, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Pushes a blob, unless it is there.
pub(crate) fn push_blob(
    started: &Started,
    client: &Arc<Client>,
    upload: &Upload<'_>,
) -> Result<Transfer, PushError> {
    let stop = &client.options.stop;
    if started.wait(stop, has_blob(client, &upload.digest))?? {
        return Ok(Transfer::Present);
    }
    let mut attempt = 0;
    loop {
        // A mount that is refused is not asked for twice.
        let mount_from = upload.mount_from.filter(|_| attempt == 0);
        let error = match started.wait(stop, begin(client, &upload.digest, mount_from))?? {
            Begun::Mounted => return Ok(Transfer::Mounted),
            Begun::Session(address) => match send(started, client, upload, address)? {
                Sending::Done => return Ok(Transfer::Sent),
                Sending::Again(error) => error,
            },
        };
        if attempt >= client.options.retries {
            return Err(error.into());
        }
        started.wait(stop, client.wait(attempt, None))?;
        attempt += 1;
    }
}

enum Begun {
    Mounted,
    Session(Url),
}

async fn begin(client: &Client, digest: &Digest, mount_from: Option<&str>) -> Result<Begun, RegistryError> {
    let what = format!("the upload of blob `{}`", digest.short());
    let request = |path: String| Request {
        what: what.clone(),
        method: Method::POST,
        path,
        body: Some((Bytes::new(), "application/octet-stream".to_owned())),
        ..Request::default()
    };
    let mut path = "blobs/uploads/".to_owned();
    let response = match mount_from {
        Some(from) => {
            let mount = format!("blobs/uploads/?mount={digest}&from={from}");
            match client.send(&request(mount.clone())).await {
                Ok(response) => {
                    path = mount;
                    response
                }
                // Who may not read the other repository can still send the blob.
                Err(RegistryError::Status { status: 400..=499, .. }) => {
                    client.send(&request(path.clone())).await?
                }
                Err(error) => return Err(error),
            }
        }
        None => client.send(&request(path.clone())).await?,
    };
    if response.status().as_u16() == 201 && mount_from.is_some() {
        return Ok(Begun::Mounted);
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| client.invalid(&what, "it names no address for the upload"))?;
    let mut address = client.follow(&path, location, &what)?;
    // What the registry put into the address has to stay as it is.
    address.query_pairs_mut().append_pair("digest", &digest.to_string());
    Ok(Begun::Session(address))
}

enum Sending {
    Done,
    Again(RegistryError),
}

/// Sends the bytes from this thread to the connection.
fn send(
    started: &Started,
    client: &Arc<Client>,
    upload: &Upload<'_>,
    address: Url,
) -> Result<Sending, PushError> {
    let what = format!("the upload of blob `{}`", upload.digest.short());
    let source = (upload.open)().map_err(PushError::Source)?;
    // A registry must not be what finds out that the bytes are wrong.
    let mut source = Verified::new(source, Some(upload.digest), Some(upload.size));
    let (sender, receiver) = mpsc::channel(QUEUE);
    let body = Body::wrap(Chunks { receiver, left: upload.size });
    let request =
        Request { what: what.clone(), method: Method::PUT, address: Some(address), ..Request::default() };
    let (sending_client, stop) = (Arc::clone(client), &client.options.stop);
    let sending = started.runtime.spawn(async move { sending_client.attempt(&request, Some(body)).await });
    let too_slow = || RegistryError::TooSlow { host: client.host().to_owned(), what: what.clone() };
    let idle = client.options.idle_timeout;
    let fed = loop {
        let chunk = match next(&mut source) {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break Ok(()),
            Err(error) => break Err(PushError::Source(error)),
        };
        // The timer belongs to the runtime, so it has to be made inside.
        match started.wait(stop, async { tokio::time::timeout(idle, sender.send(Ok(chunk))).await }) {
            Ok(Ok(Ok(()))) => {}
            // Nobody takes any more: the answer is about to come.
            Ok(Ok(Err(_))) => break Ok(()),
            Ok(Err(_)) => break Err(too_slow().into()),
            Err(time_up) => break Err(time_up.into()),
        }
    };
    if let Err(error) = fed {
        // Before the end of the body, or the registry might take what came so far for all of it.
        sending.abort();
        return Err(error);
    }
    drop(sender);
    // The answer may take as long as the registry needs to hash and store what it got.
    let patience = client.options.document_timeout;
    let answer = started.wait(stop, async { tokio::time::timeout(patience, sending).await })?;
    match answer {
        Err(_) => Ok(Sending::Again(too_slow())),
        Ok(Err(_)) => Err(client.invalid(&what, "the upload was broken off").into()),
        Ok(Ok(Attempt::Good(_))) => Ok(Sending::Done),
        // A token may run out during a long upload: the next attempt begins with a request that gets a new one.
        Ok(Ok(Attempt::Unauthorised(_, error, _) | Attempt::Later(error, _))) => Ok(Sending::Again(error)),
        // The session is gone.
        Ok(Ok(Attempt::Bad(error @ RegistryError::Status { status: 404 | 416, .. }))) => {
            Ok(Sending::Again(error))
        }
        Ok(Ok(Attempt::Bad(error))) => Err(error.into()),
    }
}

fn next(source: &mut impl Read) -> io::Result<Option<Bytes>> {
    let mut chunk = Vec::with_capacity(CHUNK);
    let limit = u64::try_from(CHUNK).unwrap_or(u64::MAX);
    source.take(limit).read_to_end(&mut chunk)?;
    Ok((!chunk.is_empty()).then(|| Bytes::from(chunk)))
}

/// The body of an upload, of a size that is told beforehand: registries refuse one without `Content-Length`.
struct Chunks {
    receiver: mpsc::Receiver<Result<Bytes, io::Error>>,
    left: u64,
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, io::Error>>> {
        self.receiver.poll_recv(context).map(|chunk| {
            let chunk = chunk?;
            if let Ok(chunk) = &chunk {
                self.left = self.left.saturating_sub(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            }
            Some(chunk.map(http_body::Frame::data))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.left)
    }
}

/// On what a manifest's writing depends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    None,
    /// That there is none of that name.
    Absent,
    /// That the one of that name is still what it was.
    Unchanged(String),
}

impl Condition {
    fn header(&self) -> Option<(HeaderName, String)> {
        match self {
            Self::None => None,
            Self::Absent => Some((IF_NONE_MATCH, "*".to_owned())),
            Self::Unchanged(tag) => Some((IF_MATCH, tag.clone())),
        }
    }
}

/// What became of a manifest.
pub(crate) enum Written {
    /// It is there; with what the registry said.
    Done(HeaderMap),
    /// The condition did not hold.
    Changed,
}

/// Pushes a manifest under a tag or its digest.
pub(crate) async fn push_manifest(
    client: &Client,
    name: &str,
    media_type: &str,
    bytes: Bytes,
    condition: &Condition,
) -> Result<Written, RegistryError> {
    let request = Request {
        what: format!("the upload of manifest `{name}`"),
        method: Method::PUT,
        path: format!("manifests/{name}"),
        body: Some((bytes, media_type.to_owned())),
        headers: condition.header().into_iter().collect(),
        ..Request::default()
    };
    let mut attempt = 0;
    loop {
        match client.send(&request).await {
            Ok(response) => return Ok(Written::Done(response.headers().clone())),
            Err(RegistryError::Status { status: 409 | 412, .. }) if *condition != Condition::None => {
                return Ok(Written::Changed);
            }
            // It goes by its own digest or by a tag, so something else is meant: docker-registry says this when it reads the file that
            // links a blob, which others push as well, while that is being written.
            Err(RegistryError::Status { status: 400, detail, .. })
                if detail.contains("digest") && attempt < client.options.retries =>
            {
                client.wait(attempt, None).await;
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Deletes a manifest by its digest; tells whether it was there.
///
/// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#deleting-manifests>: by a tag registries delete the name
/// or the manifest, each as it likes; by a digest they agree.
pub(crate) async fn delete_manifest(client: &Client, digest: &Digest) -> Result<bool, RegistryError> {
    let request = Request {
        what: format!("the deletion of manifest `{}`", digest.short()),
        method: Method::DELETE,
        path: format!("manifests/{digest}"),
        ..Request::default()
    };
    match client.send(&request).await {
        Ok(_) => Ok(true),
        Err(error) if is_not_found(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Tells whether an error says that there is no such thing.
pub(crate) fn is_not_found(error: &RegistryError) -> bool {
    error.kind() == RegistryErrorKind::NotFound
}
