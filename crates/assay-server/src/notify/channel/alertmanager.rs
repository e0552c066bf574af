//! Prometheus' Alertmanager, by its API v2: <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>.
//!
//! It knows an alert by its labels and takes it for over once its `endsAt` has passed. So what is still so is told again long before,
//! and what is over is told with the time at which it was. Grouping, silences and whom to tell are its own business, by our labels.

use super::{NotSent, NotifyUrl, Post, plain, post_json};
use crate::notify::message::{Item, Message};
use crate::notify::secret::Secret;
use assay_store::{Alert, Moment, NewsState};
use base64::Engine as _;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long an alert holds without being told again: a server that is updated takes no longer.
const HOLDS: Duration = Duration::from_secs(30 * 60);
/// When an alert is told again.
const REPEAT: Duration = Duration::from_secs(5 * 60);
/// How long what happened once is shown.
const SHOWN: Duration = Duration::from_secs(3600);
/// Alerts in one request.
const MAX_ALERTS: i64 = 500;
/// What of one text from outside is shown.
const MAX_TEXT: usize = 200;
/// Titles in the description of an alert.
const MAX_LINES: usize = 10;

/// How requests are authenticated.
#[derive(Debug, Clone)]
pub(crate) enum Authentication {
    /// Not at all.
    None,
    /// With a name and a password.
    Basic(String, Secret),
    /// With a token.
    Bearer(Secret),
}

/// An Alertmanager.
#[derive(Debug, Clone)]
pub(crate) struct Alertmanager {
    /// Its address, to which the path of its API is added.
    pub(crate) url: NotifyUrl,
    /// How requests are authenticated.
    pub(crate) authentication: Authentication,
}

/// An alert as the API has it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    labels: serde_json::Value,
    annotations: BTreeMap<&'static str, String>,
    starts_at: String,
    ends_at: String,
}

impl Alertmanager {
    /// Sends a message.
    pub(super) async fn send(&self, message: &Message, post: &Post<'_>) -> Result<(), NotSent> {
        let items: Vec<&Item> = message.groups.iter().flat_map(|group| &group.items).collect();
        let over: BTreeSet<&str> = items
            .iter()
            .filter(|item| item.state == NewsState::Cleared)
            .map(|item| item.subject.as_str())
            .collect();
        let mut alerts: BTreeMap<String, Vec<&Item>> = BTreeMap::new();
        let mut posted = Vec::new();
        for item in &items {
            match item.state {
                NewsState::Happened | NewsState::Firing => alerts.entry(labels(item)).or_default().push(item),
                NewsState::Cleared => {
                    if let Some(alert) = self.over(item, &over, post).await? {
                        posted.push(alert);
                    }
                }
            }
        }
        // What began again is not over.
        posted.retain(|alert| !alerts.contains_key(&alert.labels.to_string()));
        posted.extend(alerts.iter().map(|(labels, items)| raised(labels, items, post.now)));
        Ok(self.post(post, &posted).await?)
    }

    /// Returns the alert that is over with a piece of news, if it is: other subjects may be the same alert.
    async fn over(
        &self,
        item: &Item,
        over: &BTreeSet<&str>,
        post: &Post<'_>,
    ) -> Result<Option<Posted>, NotSent> {
        let Some(alert) = post.store.alert(post.sink, &item.subject).await? else { return Ok(None) };
        let others = post.store.alerts_labelled(post.sink, &alert.labels).await?;
        let is_over = others.iter().all(|subject| over.contains(subject.as_str()));
        Ok(is_over.then(|| kept(&alert, post.now)))
    }

    /// Tells again of what is still so, and that what is about images that nobody knows any more is over.
    pub(super) async fn repeat(&self, post: &Post<'_>) -> Result<(), NotSent> {
        let gone = post.store.alerts_of_nothing(post.sink, MAX_ALERTS).await?;
        if !gone.is_empty() {
            self.post(post, &gone.iter().map(|alert| kept(alert, post.now)).collect::<Vec<_>>()).await?;
            let mut work = post.store.begin().await?;
            for alert in &gone {
                work.end_alert(post.sink, &alert.subject).await?;
            }
            work.commit().await?;
        }
        let due = post.store.alerts_to_repeat(post.sink, post.now.minus(REPEAT), MAX_ALERTS).await?;
        if due.is_empty() {
            return Ok(());
        }
        let again: Vec<Posted> = due.iter().map(|alert| kept(alert, post.now.plus(HOLDS))).collect();
        self.post(post, &again).await?;
        let mut work = post.store.begin().await?;
        for alert in &due {
            work.repeat_alert(post.sink, &alert.labels, post.now).await?;
        }
        work.commit().await?;
        Ok(())
    }

    async fn post(&self, post: &Post<'_>, alerts: &[Posted]) -> Result<(), String> {
        if alerts.is_empty() {
            return Ok(());
        }
        let headers = match &self.authentication {
            Authentication::None => Vec::new(),
            Authentication::Bearer(token) => vec![("authorization", format!("Bearer {}", token.reveal()))],
            Authentication::Basic(name, password) => {
                let pair = format!("{name}:{}", password.reveal());
                let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
                vec![("authorization", format!("Basic {encoded}"))]
            }
        };
        post_json(post, &self.url, "/api/v2/alerts", headers, &alerts).await
    }
}

/// Returns by what an alert is known: JSON, in the order of the names. The single finding is not in it, so that an image with a hundred
/// of them is one alert for each severity.
pub(super) fn labels(item: &Item) -> String {
    let (piece, about) = (&item.piece, &item.piece.about);
    let told = |name: &str| piece.detail.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let is_condition = about.digest.is_none();
    let mut labels: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in [
        ("alertname", piece.alert.as_str()),
        ("severity", &piece.severity),
        ("urgency", &piece.urgency),
        ("digest", about.digest.as_deref().unwrap_or_default()),
        ("registry", &about.registry),
        ("repository", &about.repository),
        ("environment", &about.environment),
        ("service", &about.service),
        ("team", &about.teams.join(",")),
        ("tag", if piece.kind == "tag-moved" { told("tag") } else { "" }),
        ("source", if is_condition { told("source") } else { "" }),
        ("feed", if is_condition { told("feed") } else { "" }),
        ("user", if is_condition { told("user") } else { "" }),
    ] {
        // A label without a value is none.
        if !value.is_empty() {
            labels.insert(name, plain(value, MAX_TEXT));
        }
    }
    serde_json::to_string(&labels).unwrap_or_default()
}

fn raised(labels: &str, items: &[&Item], now: Moment) -> Posted {
    let starts = items.iter().map(|item| item.at).min().unwrap_or(now);
    let is_lasting = items.iter().any(|item| item.state == NewsState::Firing);
    let titles: Vec<String> =
        items.iter().take(MAX_LINES).map(|item| plain(&item.piece.title, MAX_TEXT)).collect();
    let more = items.len().saturating_sub(1);
    let first = titles.first().cloned().unwrap_or_default();
    let mut description = titles.join("\n");
    if items.len() > MAX_LINES {
        description.push_str(&format!("\n… and {} more", items.len().saturating_sub(MAX_LINES)));
    }
    let summary = if more == 0 { first } else { format!("{first} and {more} more") };
    Posted {
        labels: serde_json::from_str(labels).unwrap_or_default(),
        annotations: [("summary", summary), ("description", description)].into(),
        starts_at: starts.timestamp().to_string(),
        ends_at: now.plus(if is_lasting { HOLDS } else { SHOWN }).timestamp().to_string(),
    }
}

/// Returns an alert that was told before, with another end.
fn kept(alert: &Alert, ends: Moment) -> Posted {
    Posted {
        labels: serde_json::from_str(&alert.labels).unwrap_or_default(),
        annotations: [("summary", plain(&alert.summary, MAX_TEXT))].into(),
        starts_at: alert.starts.timestamp().to_string(),
        ends_at: ends.timestamp().to_string(),
    }
}
