//! Notifications: what people should know, sent as JSON to an address of their choice.
//!
//! All that happened since the last message goes into one, grouped by image: an advisory that concerns a thousand images is one
//! message and not a thousand. What was told is not told again for a week. A message that was not taken is sent again; one that was
//! taken while this process died comes twice, with the same `id`.

use crate::metrics::Metrics;
use crate::worker::Clock;
use assay_model::{Digest, Severity};
use assay_oci::{Network, NetworkOptions};
use assay_store::{Event, Store, StoreError};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How often is looked whether there is something to tell.
pub(crate) const PERIOD: Duration = Duration::from_secs(5);
/// Events of one message at most.
const MAX_EVENTS: i64 = 500;
/// How long a message may take, until another process may send it.
const LEASE: Duration = Duration::from_secs(120);
/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// For how long what was told is not told again.
const REPEAT: Duration = Duration::from_secs(7 * 86_400);
/// The least severity of a new finding that is told.
const LEAST: Severity = Severity::High;

/// Where messages go. Its path may be a secret, so only the host is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct NotifyUrl(String);

/// A text is no address that messages may be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `https://…`, or `http://` on this machine")]
pub struct InvalidNotifyUrl;

impl std::str::FromStr for NotifyUrl {
    type Err = InvalidNotifyUrl;
    fn from_str(text: &str) -> Result<Self, InvalidNotifyUrl> {
        let url = Self(text.to_owned());
        let is_local = ["127.0.0.1", "[::1]", "localhost"].contains(&url.name());
        let is_safe = text.starts_with("https://") || (text.starts_with("http://") && is_local);
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !url.host().contains('@');
        if is_safe && is_plain && !url.host().is_empty() { Ok(url) } else { Err(InvalidNotifyUrl) }
    }
}

impl NotifyUrl {
    fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()
    }

    /// Returns the host without a port.
    fn name(&self) -> &str {
        let host = self.host();
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        }
    }

    /// Returns what it is called in the database, where the address itself does not belong.
    fn key(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.0.as_bytes());
        let short: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("webhook {} {short}", self.host())
    }
}

impl fmt::Debug for NotifyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotifyUrl({}/…)", self.host())
    }
}

/// Sends messages to one address.
#[derive(Clone)]
pub struct Notifier {
    /// What happened.
    pub store: Store,
    /// Where messages go.
    pub url: NotifyUrl,
    /// How it is reached.
    pub network: NetworkOptions,
    /// What this process is called in the database.
    pub owner: String,
    /// What tells the time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

#[derive(Serialize)]
struct Message {
    schema: &'static str,
    id: String,
    images: Vec<About>,
    others: Vec<Other>,
}

#[derive(Serialize, Default)]
struct About {
    digest: String,
    registry: String,
    repository: String,
    tags: Vec<String>,
    findings: Vec<serde_json::Value>,
    events: Vec<Other>,
}

#[derive(Serialize)]
struct Other {
    at: String,
    kind: String,
    detail: serde_json::Value,
}

impl Notifier {
    /// Tells of what happened since the last time, if it is this process's to do; says whether there may be more.
    ///
    /// # Errors
    /// Fails when the database does not answer. A message that is not taken is no error: it is sent again later.
    pub async fn step(&self) -> Result<bool, StoreError> {
        let (name, now) = (self.url.key(), (self.clock)());
        let Some(after) = self.store.claim_sink(&name, &self.owner, LEASE, now).await? else {
            return Ok(false);
        };
        let events = self.store.events(None, after, MAX_EVENTS).await?;
        let Some(last) = events.last().map(|event| event.id) else { return Ok(false) };
        let open = crate::triage::unsettled(&self.store, &events).await?;
        let wanted: BTreeMap<String, &Event> =
            open.into_iter().filter_map(|event| Some((subject(event)?, event))).collect();
        let subjects: BTreeSet<String> = wanted.keys().cloned().collect();
        let told = self.store.told(&name, &subjects, now.minus(REPEAT)).await?;
        let mut fresh: Vec<&Event> =
            wanted.iter().filter(|(subject, _)| !told.contains(*subject)).map(|(_, event)| *event).collect();
        fresh.sort_by_key(|event| event.id);
        if !fresh.is_empty() {
            let message = self.message(&fresh, format!("{after}-{last}")).await?;
            if let Err(error) = self.send(&message).await {
                self.metrics.notifications_failed.add(1);
                self.store.sink_failed(&name, &self.owner, &error, (self.clock)()).await?;
                return Ok(false);
            }
            self.metrics.notifications.add(1);
        }
        let new: BTreeSet<String> = subjects.difference(&told).cloned().collect();
        let mut work = self.store.begin().await?;
        if work.delivered(&name, &self.owner, last, &new, now).await? {
            work.commit().await?;
        }
        self.store.forget_told(now.minus(REPEAT)).await?;
        Ok(i64::try_from(events.len()).is_ok_and(|count| count >= MAX_EVENTS))
    }

    async fn message(&self, events: &[&Event], id: String) -> Result<Message, StoreError> {
        let mut images: BTreeMap<&str, About> = BTreeMap::new();
        let mut others = Vec::new();
        for event in events {
            let detail: serde_json::Value = serde_json::from_str(&event.detail).unwrap_or_default();
            let other = Other { at: event.at.timestamp().to_string(), kind: event.kind.clone(), detail };
            match event.digest.as_deref() {
                None => others.push(other),
                Some(digest) => {
                    let about = images.entry(digest).or_default();
                    if event.kind == APPEARED {
                        about.findings.push(other.detail);
                    } else {
                        about.events.push(other);
                    }
                }
            }
        }
        for (text, about) in &mut images {
            (*text).clone_into(&mut about.digest);
            let Ok(digest) = text.parse::<Digest>() else { continue };
            if let Some(image) = self.store.image(&digest).await? {
                about.registry = image.registry;
                about.repository = image.repository;
            }
            let tags = self.store.tags(&digest).await?.into_iter().filter_map(|period| {
                Some(format!("{}/{}:{}", period.place.registry, period.place.repository, period.place.tag?))
            });
            about.tags = tags.collect::<BTreeSet<_>>().into_iter().collect();
        }
        Ok(Message { schema: "assay.notification/v1", id, images: images.into_values().collect(), others })
    }

    /// Sends a message; the error says why it was not taken, without the address.
    async fn send(&self, message: &Message) -> Result<(), String> {
        let body = serde_json::to_vec(message).map_err(|error| error.to_string())?;
        let (options, url, host) = (self.network.clone(), self.url.clone(), self.url.host().to_owned());
        let sent = tokio::task::spawn_blocking(move || {
            Network::new(options).with_public_client(&host, |client| async move {
                let request = client
                    .post(url.0.as_str())
                    .header("content-type", "application/json")
                    .timeout(PATIENCE)
                    .body(body);
                match request.send().await {
                    Ok(response) if response.status().is_success() => Ok(()),
                    Ok(response) => Err(format!("{} answered {}", url.host(), response.status().as_u16())),
                    Err(error) => Err(format!("cannot reach {}: {}", url.host(), error.without_url())),
                }
            })
        });
        match sent.await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(crate::worker::fault(error)),
        }
    }
}

const APPEARED: &str = "finding-appeared";

/// Returns what an event is about, if somebody should know: two with one subject are one piece of news.
fn subject(event: &Event) -> Option<String> {
    let detail: serde_json::Value = serde_json::from_str(&event.detail).unwrap_or_default();
    let text = |name: &str| detail.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let digest = event.digest.as_deref().unwrap_or_default();
    match event.kind.as_str() {
        APPEARED => {
            let severity: Severity = text("severity").parse().ok()?;
            (severity >= LEAST).then(|| format!("finding {digest} {}", text("finding")))
        }
        "tag-moved" => {
            Some(format!("tag {}/{}:{} {digest}", text("registry"), text("repository"), text("tag")))
        }
        "watch-ended" => Some(format!("watch {digest} {}", text("image"))),
        _ => crate::triage::subject(event),
    }
}

/// Tells of what happens until the process ends.
pub(crate) async fn keep_telling(notifier: Notifier, note: Arc<dyn Fn(&str) + Send + Sync>) {
    loop {
        let one = notifier.clone();
        match tokio::spawn(async move { one.step().await }).await {
            Ok(Ok(true)) => continue,
            Ok(Ok(false)) => {}
            Ok(Err(_)) => notifier.metrics.store_errors.add(1),
            Err(error) => {
                note(&format!("the program failed while it told of events: {}", crate::worker::fault(error)));
            }
        }
        tokio::time::sleep(PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::Moment;

    #[test]
    fn messages_go_only_where_they_are_safe_and_the_address_is_not_shown() {
        for (text, host) in [
            ("https://hooks.example/services/SECRET", Some("hooks.example")),
            ("https://hooks.example:8443?x=1", Some("hooks.example:8443")),
            ("http://127.0.0.1:9/x", Some("127.0.0.1:9")),
            ("http://[::1]:9/x", Some("[::1]:9")),
            ("http://localhost", Some("localhost")),
            ("http://hooks.example/x", None),
            ("http://127.0.0.1@hooks.example/x", None),
            ("http://127.0.0.1.hooks.example/x", None),
            ("https://user:password@hooks.example/", None),
            ("https://", None),
            ("https://a b/", None),
            ("ftp://hooks.example", None),
            ("", None),
        ] {
            let url = text.parse::<NotifyUrl>();
            assert_eq!(url.as_ref().ok().map(NotifyUrl::host), host, "{text}");
            if let Ok(url) = url {
                assert!(!format!("{url:?} {}", url.key()).contains("SECRET"));
            }
        }
    }

    #[test]
    fn only_what_people_should_know_has_a_subject() {
        let event = |kind: &str, severity: &str| Event {
            id: 1,
            at: Moment(0),
            kind: kind.to_owned(),
            digest: Some("sha256:x".to_owned()),
            detail: serde_json::json!({ "severity": severity, "finding": "f", "image": "i" }).to_string(),
        };
        for (kind, severity, want) in [
            ("finding-appeared", "critical", Some("finding sha256:x f")),
            ("finding-appeared", "high", Some("finding sha256:x f")),
            ("finding-appeared", "medium", None),
            ("finding-appeared", "", None),
            ("finding-gone", "critical", None),
            ("scanned", "", None),
            ("watch-ended", "", Some("watch sha256:x i")),
        ] {
            assert_eq!(subject(&event(kind, severity)).as_deref(), want, "{kind} {severity}");
        }
    }
}
