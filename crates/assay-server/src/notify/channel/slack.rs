//! Slack's incoming webhooks, with Block Kit: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>,
//! <https://docs.slack.dev/reference/block-kit/blocks>.
//!
//! Whatever comes from outside is in objects of the type `plain_text`, in which Slack looks for no links, mentions or marks, and is
//! escaped besides: `&`, `<` and `>` are the three characters that mean something in every text.

use super::{NotifyUrl, Post, plain, post_json};
use crate::notify::message::{Group, Message};
use serde_json::{Value, json};

/// Slack takes 50 blocks of a message; two for each group, and two for the head and the rest.
const MAX_GROUPS: usize = 20;
/// Slack takes 3000 characters in a section, and 150 in a header, counted after they were escaped.
const MAX_SECTION: usize = 2900;
const MAX_HEADER: usize = 140;
/// News of one group that is written out.
const MAX_LINES: usize = 10;
/// What of one text from outside is shown.
const MAX_TEXT: usize = 200;

/// An incoming webhook. All of its address but the host is a secret.
#[derive(Debug, Clone)]
pub(crate) struct Slack {
    /// The address.
    pub(crate) url: NotifyUrl,
}

impl Slack {
    /// Sends a message.
    pub(super) async fn send(&self, message: &Message, post: &Post<'_>) -> Result<(), String> {
        post_json(post, &self.url, "", Vec::new(), &document(message)).await
    }
}

/// Escapes what means something to Slack.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn text(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

fn document(message: &Message) -> Value {
    let head = format!("Assay – {}", message.subject());
    let header: String = head.chars().take(MAX_HEADER).collect();
    let mut blocks = vec![json!({ "type": "header", "text": text(&header) })];
    for group in message.groups.iter().take(MAX_GROUPS) {
        blocks.push(json!({ "type": "section", "text": text(&section(group)) }));
        blocks.push(json!({ "type": "context", "elements": [text(&context(group))] }));
    }
    let left = message.groups.len().saturating_sub(MAX_GROUPS);
    if left > 0 {
        blocks.push(json!({ "type": "section", "text": text(&format!("… and {left} more")) }));
    }
    // What notifications of the system show. It is made of our own words.
    json!({ "text": head, "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

fn section(group: &Group) -> String {
    let mut lines = vec![escaped(&plain(&group.name(), MAX_TEXT))];
    lines.extend(
        group
            .items
            .iter()
            .take(MAX_LINES)
            .map(|item| format!("• {}", escaped(&plain(&item.title(), MAX_TEXT)))),
    );
    let left = group.items.len().saturating_sub(MAX_LINES);
    if left > 0 {
        lines.push(format!("… and {left} more"));
    }
    let mut section = String::new();
    for line in lines {
        if section.chars().count() + line.chars().count() > MAX_SECTION {
            section.push('…');
            break;
        }
        if !section.is_empty() {
            section.push('\n');
        }
        section.push_str(&line);
    }
    section
}

fn context(group: &Group) -> String {
    let mut parts = vec![group.urgency().name().to_owned()];
    if !group.about.teams.is_empty() {
        parts.push(format!("team {}", escaped(&plain(&group.about.teams.join(", "), MAX_TEXT))));
    }
    if let Some(digest) = &group.about.digest {
        parts.push(escaped(&plain(digest, MAX_TEXT)));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::message::{About, Item, Piece};
    use assay_store::{Moment, NewsState};

    fn group(title: &str, count: usize) -> Group {
        let about = About {
            digest: Some("sha256:00".to_owned()),
            tags: vec![format!("r.example/<!channel>:{title}")],
            ..About::default()
        };
        let piece = Piece {
            kind: "finding-appeared".to_owned(),
            alert: String::new(),
            urgency: "page".to_owned(),
            severity: "critical".to_owned(),
            title: title.to_owned(),
            detail: Value::Null,
            about: about.clone(),
        };
        let item = Item { subject: String::new(), state: NewsState::Happened, at: Moment(0), piece };
        Group { about, items: vec![item; count] }
    }

    #[test]
    fn what_images_say_neither_calls_anybody_nor_looks_like_a_link() {
        let title = "<!here> <https://evil.example|ok> & *bold*\n• forged \u{202e}";
        let message = Message { id: "1".to_owned(), groups: vec![group(title, 1)] };
        let document = document(&message);
        let shown = document["blocks"][1]["text"]["text"].as_str().unwrap();
        assert_eq!(document["blocks"][1]["text"]["type"], "plain_text");
        assert!(shown.contains("&lt;!here&gt; &lt;https://evil.example|ok&gt; &amp; *bold*"), "{shown}");
        assert!(!shown.contains(['<', '>', '\u{202e}']) && shown.lines().count() == 2, "{shown}");
        assert_eq!(document["text"], "Assay – page: one piece of news about one image, critical at worst");
        assert!(document["blocks"].as_array().unwrap().iter().all(|block| block["text"]["type"] != "mrkdwn"));
    }

    #[test]
    fn however_much_there_is_slack_takes_it() {
        let long = "&".repeat(5000);
        let message = Message { id: "1".to_owned(), groups: vec![group(&long, 500); 300] };
        let document = document(&message);
        let blocks = document["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50);
        for block in blocks {
            let length = block["text"]["text"].as_str().unwrap_or_default().chars().count();
            assert!(length <= if block["type"] == "header" { 150 } else { 3000 }, "{block}");
        }
        assert_eq!(blocks.last().unwrap()["text"]["text"], "… and 280 more");
    }
}
