//! Where messages go: one file per kind of channel, each listed here.

mod alertmanager;
mod email;
mod slack;
mod webhook;

pub(crate) use alertmanager::{Alertmanager, Authentication};
pub(crate) use email::{Email, Security};
pub(crate) use slack::Slack;

use super::message::Message;
use super::url::NotifyUrl;
use assay_oci::{Network, NetworkOptions};
use assay_store::{Alert, Moment, Store};
use std::time::Duration;

/// How long one attempt may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// What of an answer that is not what was asked for is told.
const MAX_ANSWER: usize = 200;

/// A channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// What rules call it.
    pub(crate) name: String,
    /// What it is.
    pub(crate) target: Target,
}

/// What a channel is.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// JSON to an address.
    Webhook(NotifyUrl),
    /// An incoming webhook of Slack.
    Slack(Slack),
    /// Mail.
    Email(Box<Email>),
    /// Prometheus' Alertmanager.
    Alertmanager(Alertmanager),
}

/// What a channel needs besides.
pub(crate) struct Post<'a> {
    /// How others are reached.
    pub(crate) network: &'a NetworkOptions,
    /// What is known.
    pub(crate) store: &'a Store,
    /// What the channel is called in the database.
    pub(crate) sink: &'a str,
    /// When this is.
    pub(crate) now: Moment,
}

/// Why something was not told: either the database failed, or whoever is to be told.
pub(crate) enum NotSent {
    Store(assay_store::StoreError),
    Refused(String),
}

impl From<assay_store::StoreError> for NotSent {
    fn from(error: assay_store::StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<String> for NotSent {
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

impl Channel {
    /// Makes the channel of an address that was given on the command line.
    pub fn of_url(url: NotifyUrl) -> Self {
        Self { name: "notify".to_owned(), target: Target::Webhook(url) }
    }

    /// Returns what it is called in the database. Where it goes may change; what was told stays told.
    pub(crate) fn key(&self) -> String {
        match &self.target {
            Target::Webhook(url) if self.name == "notify" => url.key(),
            Target::Webhook(_) => format!("channel webhook {}", self.name),
            Target::Slack(_) => format!("channel slack {}", self.name),
            Target::Email(_) => format!("channel email {}", self.name),
            Target::Alertmanager(_) => format!("channel alertmanager {}", self.name),
        }
    }

    /// Says whether it keeps alerts, which must be told when they are over.
    pub(crate) fn is_alert_manager(&self) -> bool {
        matches!(self.target, Target::Alertmanager(_))
    }

    /// Sends a message.
    pub(crate) async fn send(&self, message: &Message, post: &Post<'_>) -> Result<(), NotSent> {
        match &self.target {
            Target::Webhook(url) => Ok(webhook::send(url, message, post).await?),
            Target::Slack(slack) => Ok(slack.send(message, post).await?),
            Target::Email(email) => Ok(email.send(message, post).await?),
            Target::Alertmanager(manager) => manager.send(message, post).await,
        }
    }

    /// Returns what is remembered of a piece of news as an alert.
    pub(crate) fn alert(&self, item: &super::message::Item) -> Alert {
        let labels = if self.is_alert_manager() { alertmanager::labels(item) } else { String::new() };
        Alert {
            subject: item.subject.clone(),
            digest: item.piece.about.digest.clone(),
            labels,
            summary: item.piece.title.clone(),
            starts: item.at,
        }
    }

    /// Tells again of what is still so, to whoever would forget it.
    pub(crate) async fn repeat(&self, post: &Post<'_>) -> Result<(), NotSent> {
        match &self.target {
            Target::Alertmanager(manager) => manager.repeat(post).await,
            Target::Webhook(_) | Target::Slack(_) | Target::Email(_) => Ok(()),
        }
    }
}

/// Posts JSON; the error says why it was not taken, without the address.
pub(crate) async fn post_json(
    post: &Post<'_>,
    url: &NotifyUrl,
    path: &str,
    headers: Vec<(&'static str, String)>,
    body: &impl serde::Serialize,
) -> Result<(), String> {
    let body = serde_json::to_vec(body).map_err(|error| error.to_string())?;
    let (options, url, host) = (post.network.clone(), url.clone(), url.host().to_owned());
    let address =
        format!("{}{path}", url.reveal().trim_end_matches(if path.is_empty() { '\0' } else { '/' }));
    let sent = tokio::task::spawn_blocking(move || {
        Network::new(options).with_public_client(&host, |client| async move {
            let mut request =
                client.post(address).header("content-type", "application/json").timeout(PATIENCE).body(body);
            for (name, value) in headers {
                request = request.header(name, value);
            }
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

/// Returns a text from outside as one line without anything that steers, and not too long.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let line: String = text.split(['\n', '\r']).collect::<Vec<_>>().join(" ");
    assay_report::escape::shorten(&assay_report::escape::visible(&line), most)
}

/// Returns the beginning of somebody's answer.
pub(crate) fn answer(text: &str) -> String {
    plain(text, MAX_ANSWER)
}
