//! Answering connections: how many at once, from one address, and how slow a client may be.
//!
//! A client that sends a byte now and then would hold its connection for ever (slow loris), and with enough of them everybody's. So there are as
//! many connections as fit, half of them from one address at most; the head of a request must be there in time, and so must its body (that is
//! read in `http`); and an answer must be taken, though it may take long as long as some of it goes through. A connection that waits for the next
//! request is one whose head is not there yet: it is closed as well, which clients that keep connections expect.

use super::{HANDSHAKE, Peer, Tls};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Sleep, sleep};
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

/// How patient the server is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Connections at once.
    pub connections: usize,
    /// How long the head of a request may take, and a connection may wait for the next one.
    pub head: Duration,
    /// How long nothing of an answer may be taken.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connections: 1000, head: Duration::from_secs(30), answer: Duration::from_secs(30) }
    }
}

/// Answers until `until` has come, and then what was begun.
pub async fn answer(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    router: Router,
    patience: Patience,
    until: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(patience.connections));
    let peers = Arc::new(Peers { most: (patience.connections / 2).max(1), open: Mutex::default() });
    let (stop, stopped) = watch::channel(());
    let mut until = pin!(until);
    loop {
        let accepted = async {
            // Before the connection is taken: those that have no place wait where the system keeps them.
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut until => break,
        };
        let (Ok((stream, address)), Ok(place)) = (accepted, place) else {
            // Out of file descriptors, most likely; trying again at once would only burn time.
            sleep(Duration::from_millis(200)).await;
            continue;
        };
        let Some(seat) = peers.seat(address.ip(), place) else { continue };
        let (router, tls, stopped) = (router.clone(), tls.clone(), stopped.clone());
        tokio::spawn(async move {
            let _seat = seat;
            match tls {
                None => converse(stream, Peer { address, certified: false }, router, patience, stopped).await,
                Some(tls) => {
                    let begun = TlsAcceptor::from(tls.config()).accept(stream);
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, begun).await {
                        // A certificate that is shown and does not lead to an authority has ended the handshake.
                        let certified = stream.get_ref().1.peer_certificates().is_some();
                        converse(stream, Peer { address, certified }, router, patience, stopped).await;
                    }
                }
            }
        });
    }
    drop((listener, stopped));
    let _ = stop.send(());
    stop.closed().await;
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    peer: Peer,
    router: Router,
    patience: Patience,
    mut stopped: watch::Receiver<()>,
) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        // A router is always ready.
        router.clone().call(request.map(Body::new))
    });
    let stream = TokioIo::new(Watched { stream, patience: patience.answer, waiting: None });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .serve_connection(stream, service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        // A client that goes away or is too slow is no fault of the server.
        _ = connection.as_mut() => true,
        _ = stopped.changed() => false,
    };
    if !ended {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// How many connections there are from each address.
struct Peers {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A place that is taken until this is dropped.
struct Seat {
    peers: Arc<Peers>,
    address: IpAddr,
    _place: OwnedSemaphorePermit,
}

impl Peers {
    fn seat(self: &Arc<Self>, address: IpAddr, place: OwnedSemaphorePermit) -> Option<Seat> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        // What stands before the server on the same machine brings everybody's connections.
        if *count >= self.most && !address.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Seat { peers: self.clone(), address, _place: place })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.peers.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// A stream that fails when nothing that is written goes through for too long.
struct Watched<S> {
    stream: S,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S: Unpin> Watched<S> {
    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        match waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(context, closed)
    }
}
