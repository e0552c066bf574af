//! Notifications: what people should know, told to whom they chose, by whichever [`Channel`].
//!
//! All that is to be told goes into one message, grouped by image and service: an advisory that concerns a thousand images is one
//! message and not a thousand. Of what was told is not spoken again for a while ([`Notifications::window`]), and the same is not told
//! again for a week. All of that is in the database, so that it holds for several servers and over restarts. A message that was
//! not taken is sent again; one that was taken while this process died comes twice, with the same `id`.

mod channel;
mod kind;
mod message;
mod rule;
mod secret;
mod settings;
mod url;

pub use channel::Channel;
pub use rule::{Rules, Urgency};
pub use settings::{Notifications, NotificationsError, ReadFile, Thresholds};
pub use url::{InvalidNotifyUrl, NotifyUrl};

use crate::metrics::Metrics;
use crate::worker::Clock;
use assay_model::Digest;
use assay_oci::NetworkOptions;
use assay_store::{Batch, Event, News, NewsState, Pace, Store, StoreError};
use channel::{NotSent, Post};
use kind::Told;
use message::{About, Message, Piece};
use rule::{Aspect, tells_end};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often is looked whether there is something to tell.
pub(crate) const PERIOD: Duration = Duration::from_secs(5);
/// Events that are looked at at once, and news of one message, at most.
const MAX_EVENTS: i64 = 500;
/// How long a message may take, until another process may send it.
const LEASE: Duration = Duration::from_secs(120);
/// For how long what was told is not told again.
const REPEAT: Duration = Duration::from_secs(7 * 86_400);
/// Names of an image that are told.
const MAX_TAGS: usize = 50;
/// Details of an event that are told. Longer ones are left out: what people need is in the title.
const MAX_DETAIL: usize = 8192;

/// Tells one channel.
#[derive(Clone)]
pub struct Notifier {
    /// What happened.
    pub store: Store,
    /// Who is told.
    pub channel: Channel,
    /// Of what.
    pub rules: Arc<Rules>,
    /// How long a bundle of which something was told is not spoken of again.
    pub window: Duration,
    /// How it is reached.
    pub network: NetworkOptions,
    /// What this process is called in the database.
    pub owner: String,
    /// What tells the time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Notifier {
    /// Tells of what happened since the last time, if it is this process's to do; says whether there may be more.
    ///
    /// # Errors
    /// Fails when the database does not answer. A message that is not taken is no error: it is sent again later.
    pub async fn step(&self) -> Result<bool, StoreError> {
        let (sink, now) = (self.channel.key(), (self.clock)());
        let Some(after) = self.store.claim_sink(&sink, &self.owner, LEASE, now).await? else {
            return Ok(false);
        };
        let pace = Pace { repeat: REPEAT, window: self.window, most: MAX_EVENTS };
        let events = self.store.events(None, after, MAX_EVENTS).await?;
        if let Some(last) = events.last() {
            let open = crate::triage::unsettled(&self.store, &events).await?;
            let news = self.news(&open).await?;
            let mut work = self.store.begin().await?;
            if !work.take_up(&sink, &self.owner, last.id, &news, (&pace, now)).await? {
                return Ok(false);
            }
            work.commit().await?;
        }
        let mut work = self.store.begin().await?;
        let batch = work.next_message(&sink, &pace, now).await?;
        work.commit().await?;
        let post = Post { network: &self.network, store: &self.store, sink: &sink, now };
        let told = match &batch {
            Some(batch) => self.tell(batch, &post).await,
            None => self.channel.repeat(&post).await.map(|()| false),
        };
        match told {
            Ok(more) => {
                self.store.forget_told(now.minus(REPEAT)).await?;
                Ok(more || i64::try_from(events.len()).is_ok_and(|count| count >= MAX_EVENTS))
            }
            Err(NotSent::Store(error)) => Err(error),
            Err(NotSent::Refused(why)) => {
                self.metrics.notifications_failed.add(1);
                self.store.sink_failed(&sink, &self.owner, &why, (self.clock)()).await?;
                Ok(false)
            }
        }
    }

    /// Sends a message, and notes that it was taken; says whether it was full, so that there may be another.
    async fn tell(&self, batch: &Batch, post: &Post<'_>) -> Result<bool, NotSent> {
        let message = Message::read(batch);
        self.channel.send(&message, post).await?;
        self.metrics.notifications.add(1);
        let mut work = self.store.begin().await?;
        if work.message_taken(post.sink, &self.owner, batch, post.now).await? {
            for item in message.groups.iter().flat_map(|group| &group.items) {
                match item.state {
                    NewsState::Happened => {}
                    NewsState::Firing => {
                        work.raise_alert(post.sink, &self.channel.alert(item), post.now).await?;
                    }
                    NewsState::Cleared => work.end_alert(post.sink, &item.subject).await?,
                }
            }
            work.commit().await?;
        }
        Ok(i64::try_from(batch.news.len()).is_ok_and(|count| count >= MAX_EVENTS))
    }

    /// Returns what of these events is to be told to this channel.
    async fn news(&self, events: &[&Event]) -> Result<Vec<News>, StoreError> {
        let mut images = BTreeMap::new();
        let mut news = Vec::new();
        for event in events {
            let Some(told) = kind::read(event) else { continue };
            if told.is_end && !tells_end(told.kind.course, self.channel.is_alert_manager()) {
                continue;
            }
            let image = match event.digest.as_deref() {
                None => &Image::default(),
                Some(digest) => {
                    if !images.contains_key(digest) {
                        images.insert(digest.to_owned(), self.image(digest).await?);
                    }
                    images.entry(digest.to_owned()).or_default()
                }
            };
            news.extend(image.services().filter_map(|service| self.piece(event, &told, image, service)));
        }
        Ok(news)
    }

    /// Returns news of an event for one service that runs the image, if this channel is to be told.
    fn piece(&self, event: &Event, told: &Told, image: &Image, service: (&str, &str)) -> Option<News> {
        let aspects = image.aspects(service);
        let urgency = self.rules.urgency(&self.channel.name, told, &aspects, event.at);
        if urgency == Urgency::None {
            return None;
        }
        let (environment, name) = service;
        let within = if name.is_empty() { String::new() } else { format!(" in {environment}/{name}") };
        let mut teams: Vec<String> =
            aspects.iter().flat_map(|aspect| self.rules.teams.of(aspect)).map(str::to_owned).collect();
        teams.sort();
        teams.dedup();
        let subject = format!("{}{within}", told.subject);
        let is_short = told.detail.to_string().len() <= MAX_DETAIL;
        let piece = Piece {
            kind: told.kind.name.to_owned(),
            alert: told.kind.alert.to_owned(),
            urgency: urgency.name().to_owned(),
            severity: told.severity.name().to_owned(),
            title: told.title.clone(),
            detail: if is_short { told.detail.clone() } else { serde_json::json!({ "truncated": true }) },
            about: About {
                digest: event.digest.clone(),
                environment: environment.to_owned(),
                service: name.to_owned(),
                teams,
                ..image.about.clone()
            },
        };
        let state = match (told.is_end, tells_end(told.kind.course, self.channel.is_alert_manager())) {
            (true, _) => NewsState::Cleared,
            (false, true) => NewsState::Firing,
            (false, false) => NewsState::Happened,
        };
        let bundle = match &event.digest {
            Some(digest) => format!("{digest}{within}"),
            None => subject.clone(),
        };
        Some(News { subject, state, bundle, at: event.at, body: serde_json::to_string(&piece).ok()? })
    }

    async fn image(&self, text: &str) -> Result<Image, StoreError> {
        let Ok(digest) = text.parse::<Digest>() else { return Ok(Image::default()) };
        let mut image = Image::default();
        if let Some(known) = self.store.image(&digest).await? {
            image.about.registry = known.registry;
            image.about.repository = known.repository;
        }
        for place in self.store.places(&digest).await? {
            image.places.push((format!("{}/{}", place.registry, place.repository), String::new()));
        }
        for period in self.store.tags(&digest).await? {
            let repository = format!("{}/{}", period.place.registry, period.place.repository);
            let tag = period.place.tag.unwrap_or_default();
            image.about.tags.push(format!("{repository}:{tag}"));
            image.places.retain(|(place, tag)| !tag.is_empty() || *place != repository);
            image.places.push((repository, tag));
        }
        image.about.tags.sort();
        image.about.tags.dedup();
        image.about.tags.truncate(MAX_TAGS);
        image.services = self.store.services_running(&digest).await?;
        Ok(image)
    }
}

/// What rules look at.
#[derive(Debug, Clone, Default)]
struct Image {
    about: About,
    /// Repositories with their registries, and the tag in each, if there is one.
    places: Vec<(String, String)>,
    /// Environments and services.
    services: Vec<(String, String)>,
}

impl Image {
    /// Returns the services that run it, or none that is called nothing.
    fn services(&self) -> impl Iterator<Item = (&str, &str)> {
        let none = self.services.is_empty().then_some(("", ""));
        self.services.iter().map(|(environment, name)| (environment.as_str(), name.as_str())).chain(none)
    }

    fn aspects(&self, (environment, service): (&str, &str)) -> Vec<Aspect> {
        let aspect = |repository: &str, tag: &str| Aspect {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            environment: environment.to_owned(),
            service: service.to_owned(),
        };
        if self.places.is_empty() {
            return vec![aspect("", "")];
        }
        self.places.iter().map(|(repository, tag)| aspect(repository, tag)).collect()
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
