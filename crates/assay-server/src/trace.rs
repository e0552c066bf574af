//! Traces: what this process did and how long it took, told to a collector by OTLP over HTTP in JSON:
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>, <https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md>.
//!
//! It is written here and not by the `opentelemetry` crates, which bring 18 more (prost, rand and others) for what is a queue and a document.
//! Telling never keeps work waiting: spans go into a queue of fixed length, from which a thread of its own sends; what does not fit or is
//! not taken is dropped and counted.

mod context;
mod document;

pub use context::Context;
pub(crate) use context::{Parent, current, within};

use crate::metrics::Counter;
use crate::notify::{InvalidNotifyUrl, NotifyUrl};
use crate::worker::Clock;
use assay_oci::{Network, NetworkOptions};
use assay_store::Moment;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Spans that wait to be sent. At some hundred bytes each that is less than a megabyte.
const QUEUE: usize = 4096;
/// Spans of one request.
const BATCH: usize = 512;
/// How long spans are gathered before they are sent.
const GATHER: Duration = Duration::from_secs(2);
/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last spans may take when the process ends.
const FAREWELL: Duration = Duration::from_secs(3);
/// Attributes of one span, and letters of each.
const MAX_ATTRIBUTES: usize = 16;
const MAX_TEXT: usize = 256;

/// Where spans are sent: the address of a collector, to which `/v1/traces` is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorUrl(NotifyUrl);

impl std::str::FromStr for CollectorUrl {
    type Err = InvalidCollectorUrl;
    fn from_str(text: &str) -> Result<Self, InvalidCollectorUrl> {
        // Collectors stand beside what they collect from, mostly without TLS.
        match NotifyUrl::parse_plain(text.trim_end_matches('/')) {
            Ok(url) if !text.contains(['?', '#']) => Ok(Self(url)),
            Ok(_) | Err(InvalidNotifyUrl) => Err(InvalidCollectorUrl),
        }
    }
}

/// A text is no address of a collector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an address such as `http://collector:4318`")]
pub struct InvalidCollectorUrl;

/// What a span is to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// A step of something.
    Internal,
    /// An answer to a request.
    Server,
    /// Work that was asked for earlier.
    Consumer,
}

/// A step that is over.
#[derive(Debug, Clone)]
pub struct Span {
    /// Which trace it belongs to, and by what it is known.
    pub context: Context,
    /// The span that it is a part of.
    pub parent: Option<[u8; 8]>,
    /// What was done.
    pub name: String,
    /// What it is to others.
    pub kind: SpanKind,
    /// When it began.
    pub start: Moment,
    /// When it ended.
    pub end: Moment,
    /// What else there is to know.
    pub attributes: Vec<(&'static str, String)>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

enum Task {
    Span(Box<Span>),
    Flush(SyncSender<()>),
}

/// Takes spans, where somebody wants to know of them.
#[derive(Debug, Default)]
pub struct Traces {
    queue: OnceLock<SyncSender<Task>>,
    /// Spans that were taken by the collector.
    pub sent: Arc<Counter>,
    /// Spans that were not.
    pub dropped: Arc<Counter>,
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Task")
    }
}

impl Traces {
    /// Begins to tell a collector; a second time changes nothing.
    ///
    /// # Errors
    /// Fails when the system gives no thread.
    pub fn start(&self, url: CollectorUrl, network: NetworkOptions, instance: &str) -> std::io::Result<()> {
        let (sender, receiver) = sync_channel(QUEUE);
        let exporter = Exporter {
            url,
            network: Network::new(NetworkOptions { retries: 0, ..network }),
            instance: instance.to_owned(),
            sent: self.sent.clone(),
            dropped: self.dropped.clone(),
        };
        std::thread::Builder::new().name("assay-traces".to_owned()).spawn(move || exporter.run(&receiver))?;
        let _ = self.queue.set(sender);
        Ok(())
    }

    /// Says whether anybody wants to know.
    pub fn is_on(&self) -> bool {
        self.queue.get().is_some()
    }

    /// Takes a span, or drops it.
    pub fn add(&self, mut span: Span) {
        let Some(queue) = self.queue.get() else { return };
        span.attributes.truncate(MAX_ATTRIBUTES);
        for (_, value) in &mut span.attributes {
            *value = assay_report::escape::shorten(value, MAX_TEXT);
        }
        span.error = span.error.map(|error| assay_report::escape::shorten(&error, MAX_TEXT));
        if queue.try_send(Task::Span(Box::new(span))).is_err() {
            self.dropped.add(1);
        }
    }

    /// Begins a step of what is being done, if that is traced.
    pub fn begin(&self, clock: &Clock, parent: Option<Context>) -> Option<Open> {
        if !self.is_on() {
            return None;
        }
        let (context, parent) = match parent {
            Some(parent) => (parent.child()?, Some(parent.span)),
            None => (Context::new()?, None),
        };
        Some(Open { context, parent, start: clock() })
    }

    /// Sends what is left, for as long as that may take. It blocks.
    pub fn finish(&self) {
        let Some(queue) = self.queue.get() else { return };
        let (sender, done) = sync_channel(1);
        if queue.try_send(Task::Flush(sender)).is_ok() {
            let _ = done.recv_timeout(FAREWELL);
        }
    }
}

/// A step that has begun.
#[derive(Debug, Clone, Copy)]
pub struct Open {
    /// By what it is known.
    pub context: Context,
    parent: Option<[u8; 8]>,
    /// When it began.
    pub start: Moment,
}

impl Open {
    /// Ends it.
    pub fn end(
        self,
        name: impl Into<String>,
        kind: SpanKind,
        end: Moment,
        attributes: Vec<(&'static str, String)>,
        error: Option<String>,
    ) -> Span {
        let Self { context, parent, start } = self;
        Span { context, parent, name: name.into(), kind, start, end, attributes, error }
    }
}

struct Exporter {
    url: CollectorUrl,
    network: Network,
    instance: String,
    sent: Arc<Counter>,
    dropped: Arc<Counter>,
}

impl Exporter {
    /// Sends spans until nobody can make any more.
    fn run(&self, queue: &Receiver<Task>) {
        let mut batch: Vec<Span> = Vec::new();
        let mut since = Instant::now();
        loop {
            let wait = if batch.is_empty() { GATHER } else { GATHER.saturating_sub(since.elapsed()) };
            match queue.recv_timeout(wait) {
                Ok(Task::Span(span)) => {
                    if batch.is_empty() {
                        since = Instant::now();
                    }
                    batch.push(*span);
                }
                Ok(Task::Flush(done)) => {
                    self.send(&mut batch);
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.send(&mut batch);
                    return;
                }
            }
            if batch.len() >= BATCH || since.elapsed() >= GATHER {
                self.send(&mut batch);
            }
        }
    }

    fn send(&self, batch: &mut Vec<Span>) {
        if batch.is_empty() {
            return;
        }
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let body = document::write(batch, &self.instance);
        batch.clear();
        let address = format!("{}/v1/traces", self.url.0.reveal());
        let sent = self.network.with_public_client(self.url.0.host(), |client| async move {
            let request = client
                .post(address)
                .header("content-type", "application/json")
                .timeout(PATIENCE)
                .body(body.to_string());
            request.send().await.is_ok_and(|response| response.status().is_success())
        });
        // Traces are of no use later: what is not taken now is not kept.
        if matches!(sent, Ok(true)) { self.sent.add(count) } else { self.dropped.add(count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collectors_are_named_by_the_beginning_of_their_address() {
        for text in ["http://collector:4318", "https://collector.example/otlp/"] {
            assert!(text.parse::<CollectorUrl>().is_ok(), "{text}");
        }
        for text in ["collector:4318", "http://", "http://user:secret@collector", "http://collector/?a=b"] {
            assert!(text.parse::<CollectorUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn without_a_collector_nothing_is_made_and_a_full_queue_keeps_nobody_waiting() {
        let traces = Traces::default();
        let clock: Clock = Arc::new(Moment::default);
        assert!(traces.begin(&clock, None).is_none());
        let (sender, _receiver) = sync_channel(1);
        traces.queue.set(sender).unwrap();
        for _ in 0..10 {
            let open = traces.begin(&clock, None).unwrap();
            traces.add(open.end("x", SpanKind::Internal, Moment(1), Vec::new(), None));
        }
        assert_eq!((traces.sent.read(), traces.dropped.read()), (0, 9));
    }
}
