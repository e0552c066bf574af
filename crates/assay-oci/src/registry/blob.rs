//! Downloads a blob in the background and hands its bytes to a synchronous reader.
//!
//! The channel between them holds a few chunks, so a slow consumer slows the download and memory stays bounded. A broken
//! connection is taken up where it broke (`Range`); the digest is checked by the reader over the whole.

use super::RegistryError;
use super::client::{BodyError, Client, Request, read_body};
use crate::error::ReadLayerError;
use crate::network::Started;
use assay_model::Digest;
use bytes::{Buf, Bytes};
use reqwest::StatusCode;
use reqwest::header::CONTENT_RANGE;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Chunks that wait; the HTTP library makes them up to a few hundred kilobytes.
const QUEUE: usize = 8;
/// How often a broken download is taken up, however much each attempt brought.
const MAX_RESUMPTIONS: u32 = 20;
/// The least bytes a second, on average after the first minute of waiting: below it a server is holding us.
const MIN_RATE: u64 = 2 * 1024;

type Chunk = Result<Bytes, RegistryError>;

/// Starts the download of a blob.
pub(crate) fn start(
    started: &Arc<Started>,
    client: &Arc<Client>,
    digest: Digest,
    size: Option<u64>,
) -> BlobReader {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let (client, stop) = (Arc::clone(client), Arc::clone(&client.options.stop));
    started.runtime.spawn(async move {
        if let Err(error) = download(&client, digest, size, &sender).await {
            // A reader that was dropped does not want to know.
            let _ = sender.send(Err(error)).await;
        }
    });
    BlobReader { receiver, current: Bytes::new(), failed: false, started: Arc::clone(started), stop }
}

/// Asks for one range of a blob and waits for it.
///
/// A server that does not do ranges sends the whole blob: that is an error here, and its answer is not read.
pub(crate) fn part(
    started: &Started,
    client: &Client,
    digest: Digest,
    offset: u64,
    len: u64,
) -> Result<Vec<u8>, ReadLayerError> {
    let what = format!("a part of layer `{}`", digest.short());
    let host = || client.host().to_owned();
    let Some(last) = len.checked_sub(1).and_then(|more| offset.checked_add(more)) else {
        return Ok(Vec::new());
    };
    let path = format!("blobs/{digest}");
    let request = Request { what: what.clone(), path, from: offset, to: Some(last), ..Request::default() };
    let wanted = async {
        let mut attempt = 0;
        loop {
            let response = client.send(&request).await?;
            let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
            let is_it = range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-{last}/")));
            if response.status() != StatusCode::PARTIAL_CONTENT || !is_it {
                let reason = "it is not the range asked for";
                return Err(RegistryError::Invalid { host: host(), what: what.clone(), reason });
            }
            let source = match read_body(response, len).await {
                Ok(body) if u64::try_from(body.len()) == Ok(len) => return Ok(body),
                Ok(_) => None,
                Err(BodyError::Broken(source)) => Some(source.without_url()),
                Err(BodyError::TooLarge) => {
                    return Err(RegistryError::TooLarge { host: host(), what: what.clone(), limit: len });
                }
            };
            if attempt >= client.options.retries {
                return Err(RegistryError::Interrupted { host: host(), what: what.clone(), source });
            }
            client.wait(attempt, None).await;
            attempt += 1;
        }
    };
    let time = client.options.document_timeout;
    // The timer belongs to the runtime, so it has to be made inside.
    let answer = started.wait(&client.options.stop, async { tokio::time::timeout(time, wanted).await });
    match answer {
        Ok(Ok(body)) => Ok(body?),
        Ok(Err(_)) => Err(RegistryError::TooSlow { host: host(), what }.into()),
        Err(time_up) => Err(ReadLayerError::Read { what, source: io::Error::other(time_up) }),
    }
}

/// What the download sends, as a reader.
pub(crate) struct BlobReader {
    receiver: mpsc::Receiver<Chunk>,
    current: Bytes,
    failed: bool,
    /// The runtime must outlive the download.
    started: Arc<Started>,
    stop: Arc<AtomicBool>,
}

impl Read for BlobReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            // Mostly there is a chunk already; only an empty queue is waited for with an eye on the time.
            let next = match self.receiver.try_recv() {
                Ok(chunk) => Some(chunk),
                Err(_) => self.started.wait(&self.stop, self.receiver.recv()).map_err(io::Error::other)?,
            };
            match next {
                Some(Ok(chunk)) => self.current = chunk,
                Some(Err(error)) => {
                    self.failed = true;
                    return Err(io::Error::other(error));
                }
                // What failed once must not look like an end when it is asked again.
                None if self.failed => return Err(io::ErrorKind::BrokenPipe.into()),
                None => return Ok(0),
            }
        }
        let count = self.current.len().min(buf.len());
        let (Some(to), Some(from)) = (buf.get_mut(..count), self.current.get(..count)) else { return Ok(0) };
        to.copy_from_slice(from);
        self.current.advance(count);
        Ok(count)
    }
}

async fn download(
    client: &Client,
    digest: Digest,
    size: Option<u64>,
    sender: &mpsc::Sender<Chunk>,
) -> Result<(), RegistryError> {
    let what = format!("layer `{}`", digest.short());
    let host = || client.host().to_owned();
    let mut request = Request { what: what.clone(), path: format!("blobs/{digest}"), ..Request::default() };
    let mut waited = Duration::ZERO;
    let mut done = 0_u64;
    let mut resumptions = 0;
    loop {
        request.from = done;
        let mut response = client.send(&request).await?;
        // Bytes before the ones wanted, from a server that does not do ranges.
        let mut skip = 0;
        if done > 0 {
            if response.status() == StatusCode::PARTIAL_CONTENT {
                let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
                if range.is_none_or(|range| !range.starts_with(&format!("bytes {done}-"))) {
                    return Err(RegistryError::Invalid {
                        host: host(),
                        what,
                        reason: "it is not the range asked for",
                    });
                }
            } else {
                skip = done;
            }
        }
        let broken = loop {
            let before = Instant::now();
            let chunk = response.chunk().await;
            waited = waited.saturating_add(before.elapsed());
            if waited.as_secs().saturating_sub(60).saturating_mul(MIN_RATE) > done {
                return Err(RegistryError::TooSlow { host: host(), what });
            }
            match chunk {
                Ok(Some(mut chunk)) => {
                    let skipped = skip.min(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
                    skip -= skipped;
                    chunk.advance(usize::try_from(skipped).unwrap_or(usize::MAX));
                    if chunk.is_empty() {
                        continue;
                    }
                    done = done.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
                    if sender.send(Ok(chunk)).await.is_err() {
                        return Ok(());
                    }
                }
                // Without a length in the answer, a closed connection looks like an end.
                Ok(None) if size.is_some_and(|size| done < size) => break None,
                Ok(None) => return Ok(()),
                Err(error) => break Some(error),
            }
        };
        if resumptions >= MAX_RESUMPTIONS.min(client.options.retries.saturating_mul(4)) {
            return Err(RegistryError::Interrupted {
                host: host(),
                what,
                source: broken.map(reqwest::Error::without_url),
            });
        }
        client.wait(resumptions.min(4), None).await;
        resumptions += 1;
    }
}
