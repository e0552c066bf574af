//! JSON of our own (`assay.notification/v1`), for whoever reads it by program.

use super::{NotifyUrl, Post, post_json};
use crate::notify::message::{Group, Item, Message};
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    id: &'a str,
    urgency: &'static str,
    images: Vec<Image<'a>>,
    others: Vec<Other<'a>>,
}

#[derive(Serialize)]
struct Image<'a> {
    digest: &'a str,
    registry: &'a str,
    repository: &'a str,
    tags: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    environment: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    service: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    teams: &'a [String],
    urgency: &'static str,
    findings: Vec<&'a serde_json::Value>,
    events: Vec<Other<'a>>,
}

#[derive(Serialize)]
struct Other<'a> {
    at: String,
    kind: &'a str,
    state: &'static str,
    urgency: &'a str,
    title: &'a str,
    detail: &'a serde_json::Value,
}

/// Sends a message.
pub(super) async fn send(url: &NotifyUrl, message: &Message, post: &Post<'_>) -> Result<(), String> {
    post_json(post, url, "", Vec::new(), &document(message)).await
}

fn document(message: &Message) -> Document<'_> {
    let is_image = |group: &&Group| group.about.digest.is_some();
    Document {
        schema: "assay.notification/v1",
        id: &message.id,
        urgency: message.urgency().name(),
        images: message.groups.iter().filter(is_image).map(image).collect(),
        others: message
            .groups
            .iter()
            .filter(|group| !is_image(group))
            .flat_map(|group| &group.items)
            .map(other)
            .collect(),
    }
}

fn image(group: &Group) -> Image<'_> {
    let (findings, events): (Vec<&Item>, Vec<&Item>) =
        group.items.iter().partition(|item| item.piece.kind == "finding-appeared");
    Image {
        digest: group.about.digest.as_deref().unwrap_or_default(),
        registry: &group.about.registry,
        repository: &group.about.repository,
        tags: &group.about.tags,
        environment: &group.about.environment,
        service: &group.about.service,
        teams: &group.about.teams,
        urgency: group.urgency().name(),
        findings: findings.into_iter().map(|item| &item.piece.detail).collect(),
        events: events.into_iter().map(other).collect(),
    }
}

fn other(item: &Item) -> Other<'_> {
    Other {
        at: item.at.timestamp().to_string(),
        kind: &item.piece.kind,
        state: item.state.name(),
        urgency: &item.piece.urgency,
        title: &item.piece.title,
        detail: &item.piece.detail,
    }
}
