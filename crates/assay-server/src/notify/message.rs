//! A message as every channel tells it: news in bundles, each about one image in one service, or about no image at all.

use super::rule::Urgency;
use assay_model::Severity;
use assay_store::{Batch, Moment, NewsState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A piece of news, as it is kept until it was told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Piece {
    /// The kind of the event.
    pub(crate) kind: String,
    /// What it is called as an alert.
    pub(crate) alert: String,
    /// How urgent it is: `page` or `ticket`.
    pub(crate) urgency: String,
    /// How bad it is.
    pub(crate) severity: String,
    /// What is said about it.
    pub(crate) title: String,
    /// All that is known of it.
    pub(crate) detail: serde_json::Value,
    /// What it is about.
    pub(crate) about: About,
}

/// What news is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct About {
    /// The image; nothing for what is about none.
    pub(crate) digest: Option<String>,
    /// The registry it was first seen in.
    pub(crate) registry: String,
    /// The repository it was first seen in.
    pub(crate) repository: String,
    /// The names it was seen under.
    pub(crate) tags: Vec<String>,
    /// Where the service that runs it runs.
    pub(crate) environment: String,
    /// The service that runs it.
    pub(crate) service: String,
    /// Whose it is.
    pub(crate) teams: Vec<String>,
}

/// News with what the store knows of it.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// What it is about: what the store knows it by.
    pub(crate) subject: String,
    /// What it says.
    pub(crate) state: NewsState,
    /// When it happened.
    pub(crate) at: Moment,
    /// The rest.
    pub(crate) piece: Piece,
}

/// What is told together.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// What it is about.
    pub(crate) about: About,
    /// The news, the earliest first.
    pub(crate) items: Vec<Item>,
}

/// A message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Its name, the same each time it is sent.
    pub(crate) id: String,
    /// What it tells.
    pub(crate) groups: Vec<Group>,
}

impl Group {
    /// Returns the highest urgency of it.
    pub(crate) fn urgency(&self) -> Urgency {
        self.items.iter().filter_map(|item| Urgency::parse(&item.piece.urgency)).max().unwrap_or_default()
    }

    /// Returns the highest severity of it.
    pub(crate) fn severity(&self) -> Severity {
        self.items.iter().filter_map(|item| item.piece.severity.parse().ok()).max().unwrap_or_default()
    }

    /// Returns what it is about in one line.
    pub(crate) fn name(&self) -> String {
        let about = &self.about;
        let image = match (about.tags.first(), &about.digest) {
            (Some(tag), _) => tag.clone(),
            (None, Some(digest)) => format!("{}/{}@{digest}", about.registry, about.repository),
            (None, None) => return "this installation of Assay".to_owned(),
        };
        if about.service.is_empty() {
            return image;
        }
        format!("{image} in {}/{}", about.environment, about.service)
    }
}

impl Item {
    /// Returns what is said about it, over or not.
    pub(crate) fn title(&self) -> String {
        match self.state {
            NewsState::Happened | NewsState::Firing => self.piece.title.clone(),
            NewsState::Cleared => format!("over: {}", self.piece.title),
        }
    }
}

impl Message {
    /// Reads what is to be told; what cannot be read, which nobody wrote, is left out.
    pub(crate) fn read(batch: &Batch) -> Self {
        let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
        let mut order = Vec::new();
        for news in &batch.news {
            let Ok(piece) = serde_json::from_str::<Piece>(&news.body) else { continue };
            let group = groups.entry(&news.bundle).or_insert_with(|| {
                order.push(news.bundle.as_str());
                Group { about: piece.about.clone(), items: Vec::new() }
            });
            group.items.push(Item { subject: news.subject.clone(), state: news.state, at: news.at, piece });
        }
        let groups = order.into_iter().filter_map(|bundle| groups.remove(bundle)).collect();
        Self { id: batch.message.clone(), groups }
    }

    /// Returns the highest urgency in it.
    pub(crate) fn urgency(&self) -> Urgency {
        self.groups.iter().map(Group::urgency).max().unwrap_or_default()
    }

    /// Returns what it is about in some words of its own: nothing in it comes from outside.
    pub(crate) fn subject(&self) -> String {
        let all: usize = self.groups.iter().map(|group| group.items.len()).sum();
        let images = self.groups.iter().filter(|group| group.about.digest.is_some()).count();
        let worst = self.groups.iter().map(Group::severity).max().unwrap_or_default();
        let news = if all == 1 { "one piece of news".to_owned() } else { format!("{all} pieces of news") };
        let about = match images {
            0 => String::new(),
            1 => " about one image".to_owned(),
            images => format!(" about {images} images"),
        };
        format!("{}: {news}{about}, {} at worst", self.urgency().name(), worst.name())
    }
}
