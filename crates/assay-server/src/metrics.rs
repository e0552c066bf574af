//! What is counted, in the text format of Prometheus: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use crate::crawl::CrawlCounts;
use crate::trace::Traces;
use assay_store::{Moment, QueueDepth};
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A count since the process started.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Bounds of the buckets of waits, in seconds. The objective is 120.
const WAITS: [u64; 7] = [1, 5, 15, 60, 120, 600, 3600];

/// What this process counts, and the steps that it tells of.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Scans that were stored.
    pub scans: Counter,
    /// How long they took together.
    pub scan_milliseconds: Counter,
    /// How many bytes their layers had together.
    pub scan_bytes: Counter,
    /// Attempts that failed.
    pub failures: Counter,
    /// Jobs whose worker fell silent.
    pub orphans: Counter,
    /// Requests to the database that failed.
    pub store_errors: Counter,
    /// Events of registries that were taken.
    pub webhook_events: Counter,
    /// Requests of registries that were sent away, because the queue is full.
    pub webhook_rejected: Counter,
    /// Requests without a valid token.
    pub unauthenticated: Counter,
    /// Requests that were not answered because who sent them asks too often.
    pub rate_limited: Counter,
    /// Messages that were taken.
    pub notifications: Counter,
    /// Attempts at messages that failed.
    pub notifications_failed: Counter,
    /// Admission reviews that were allowed.
    pub admitted: Counter,
    /// Admission reviews that were denied.
    pub denied: Counter,
    /// Of those, the ones that could not be decided in time.
    pub late: Counter,
    /// Images that were admitted without a verdict, because their tier says so.
    pub watched: Counter,
    /// Images that were denied because they had been admitted without a verdict for as long as their tier allows.
    pub watches_ended: Counter,
    /// Images of pods that were not looked at, because the queue is full.
    pub admission_rejected: Counter,
    /// Images that were admitted only because they had been before: their scan is stale.
    pub stale_admitted: Counter,
    /// Denials that were admitted for somebody who may break the glass.
    pub broken_glass: Counter,
    /// Verdicts that were worked out, rather than found.
    pub verdicts: Counter,
    /// Deep scans that followed a fast one.
    pub deep_scans: Counter,
    /// Findings that they gave and the fast ones did not.
    pub deep_findings: Counter,
    /// Tells how long this process has kept processors busy, where somebody can tell.
    pub busy: OnceLock<fn() -> Option<Duration>>,
    /// Steps of what this process does, for whoever collects them.
    pub traces: Traces,
    /// What crawls found.
    pub crawls: CrawlCounts,
    waits: [Counter; 7],
    wait_milliseconds: Counter,
    wait_count: Counter,
}

impl Metrics {
    /// Counts how long a job waited.
    pub fn waited(&self, wait: Duration) {
        for (bound, bucket) in WAITS.iter().zip(&self.waits) {
            if wait <= Duration::from_secs(*bound) {
                bucket.add(1);
            }
        }
        self.wait_milliseconds.add(wait.as_millis().try_into().unwrap_or(u64::MAX));
        self.wait_count.add(1);
    }

    /// Writes everything, with the depth of the queue now.
    pub fn render(&self, depths: &[QueueDepth], images: i64, now: Moment) -> String {
        let mut text = String::new();
        let counters = [
            ("assay_scans_total", "Scans that were stored by this process.", &self.scans),
            (
                "assay_scan_bytes_total",
                "Bytes of the layers of the images that were scanned.",
                &self.scan_bytes,
            ),
            ("assay_job_failures_total", "Attempts at jobs that failed in this process.", &self.failures),
            ("assay_job_orphans_total", "Jobs whose worker fell silent.", &self.orphans),
            ("assay_store_errors_total", "Requests to the database that failed.", &self.store_errors),
            (
                "assay_webhook_events_total",
                "Push events of registries that were taken.",
                &self.webhook_events,
            ),
            (
                "assay_webhook_rejected_total",
                "Webhook requests sent away because the queue is full.",
                &self.webhook_rejected,
            ),
            ("assay_unauthenticated_total", "Requests without a valid token.", &self.unauthenticated),
            ("assay_notifications_total", "Messages that were taken.", &self.notifications),
            (
                "assay_notification_failures_total",
                "Attempts at messages that failed.",
                &self.notifications_failed,
            ),
            ("assay_rate_limited_total", "Requests not answered, of who asks too often.", &self.rate_limited),
            ("assay_admission_allowed_total", "Admission reviews that were allowed.", &self.admitted),
            ("assay_admission_denied_total", "Admission reviews that were denied.", &self.denied),
            ("assay_admission_late_total", "Admission reviews denied because time was up.", &self.late),
            (
                "assay_verdicts_total",
                "Verdicts for admission that were worked out, rather than found.",
                &self.verdicts,
            ),
            ("assay_admission_watched_total", "Images admitted before their first scan.", &self.watched),
            (
                "assay_admission_watches_ended_total",
                "Images admitted unscanned for as long as their tier allows, and denied from then on.",
                &self.watches_ended,
            ),
            (
                "assay_admission_rejected_total",
                "Images of pods not looked at because the queue is full.",
                &self.admission_rejected,
            ),
            ("assay_deep_scans_total", "Deep scans that followed a fast one.", &self.deep_scans),
            (
                "assay_deep_findings_total",
                "Findings of deep scans that the fast ones before did not have.",
                &self.deep_findings,
            ),
            (
                "assay_admission_stale_total",
                "Images admitted only because they had been before, as their scan is stale.",
                &self.stale_admitted,
            ),
            ("assay_admission_break_glass_total", "Denials admitted in an emergency.", &self.broken_glass),
            ("assay_spans_total", "Spans that the collector of traces took.", &*self.traces.sent),
            ("assay_spans_dropped_total", "Spans that it did not take in time.", &*self.traces.dropped),
        ];
        for (name, help, counter) in counters {
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {}\n", counter.read());
        }
        self.crawls.render(&mut text);
        let seconds = |milliseconds: u64| format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        if let Some(busy) = self.busy.get().and_then(|busy| busy()) {
            let name = "process_cpu_seconds_total";
            let _ = write!(
                text,
                "# HELP {name} How long this process kept processors busy.\n# TYPE {name} counter\n{name} {}\n",
                busy.as_secs_f64()
            );
        }
        let name = "assay_scan_seconds";
        let _ = write!(
            text,
            "# HELP {name} How long scans took.\n# TYPE {name} summary\n{name}_sum {}\n{name}_count {}\n",
            seconds(self.scan_milliseconds.read()),
            self.scans.read()
        );
        let name = "assay_queue_wait_seconds";
        let _ = write!(
            text,
            "# HELP {name} How long jobs waited before they were taken.\n# TYPE {name} histogram\n"
        );
        for (bound, bucket) in WAITS.iter().zip(&self.waits) {
            let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {}", bucket.read());
        }
        let count = self.wait_count.read();
        let _ = write!(
            text,
            "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {}\n{name}_count {count}\n",
            seconds(self.wait_milliseconds.read())
        );
        let _ = write!(
            text,
            "# HELP assay_images Images that are known.\n# TYPE assay_images gauge\nassay_images {images}\n"
        );
        text.push_str("# HELP assay_jobs Jobs in the queue, by kind and state.\n# TYPE assay_jobs gauge\n");
        for depth in depths {
            let _ = writeln!(
                text,
                "assay_jobs{{kind=\"{}\",state=\"{}\"}} {}",
                depth.kind, depth.state, depth.jobs
            );
        }
        let name = "assay_queue_oldest_seconds";
        let _ = write!(
            text,
            "# HELP {name} Since when the oldest queued job could be done.\n# TYPE {name} gauge\n"
        );
        for depth in depths.iter().filter(|depth| depth.state == "queued") {
            let _ = writeln!(text, "{name}{{kind=\"{}\"}} {}", depth.kind, now.since(depth.oldest).as_secs());
        }
        text
    }
}
