//! What happened, the newest first.

use super::ask::{Ask, digest};
use super::error::PageError;
use super::render::View;
use super::table::{Cell, Table, columns, cut, image_address, short};
use super::{About, Page};
use assay_report::escape::shorten;
use assay_store::{Event, Role};

pub(super) const PAGE: Page = Page {
    path: "/events",
    menu: Some("Events"),
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(view(ask)),
};

/// Characters of the detail that are shown.
const SHOWN: usize = 160;

async fn view(ask: &Ask) -> Result<View, PageError> {
    let limit = ask.rows();
    let of = ask.text("digest").map(digest).transpose()?;
    let kind = ask.text("kind").unwrap_or_default();
    let before = ask.number("before");
    let mut events = ask.seen().newest_events(kind, of.as_ref(), before, limit.saturating_add(1)).await?;
    let next = cut(&mut events, limit).then(|| events.last().map(|event| event.id)).flatten();
    let mut sentences = Vec::new();
    if !kind.is_empty() {
        sentences.push(format!("Only those of the kind {kind}."));
    }
    if let Some(of) = of {
        sentences.push(format!("Only those about {of}."));
    }
    let mut table = table(&events, "The newest first");
    table.title = "What happened".to_owned();
    Ok(View::plain("Events", sentences, vec![table.paged(ask, "before", next)]))
}

pub(super) fn table(events: &[Event], caption: &str) -> Table {
    let rows = events.iter().map(|event| {
        let image = match event.digest.as_deref().map(str::parse::<assay_model::Digest>) {
            Some(Ok(digest)) => {
                Cell::text(digest.to_string()).to(image_address(&digest)).shown_as(short(&digest))
            }
            _ => Cell::maybe(event.digest.as_deref()),
        };
        let said = said(&event.detail);
        vec![
            Cell::time(Some(event.at)),
            Cell::text(&event.kind).to(format!("/events?kind={}", super::ask::encode(&event.kind))),
            image,
            Cell::text(&said).shown_as(shorten(&said, SHOWN)),
            Cell::number(event.id),
        ]
    });
    Table {
        name: "events",
        title: "Events".to_owned(),
        caption: caption.to_owned(),
        columns: columns([
            ("at", "When", ""),
            ("kind", "What", ""),
            ("digest", "Image", "mono"),
            ("detail", "Detail", ""),
            ("id", "Number", "number"),
        ]),
        rows: rows.collect(),
        empty: "Nothing has happened.",
        next: None,
        first: None,
    }
}

/// Returns what an event says, as words: `tag 1.0, depth fast`.
fn said(detail: &str) -> String {
    let Ok(serde_json::Value::Object(detail)) = serde_json::from_str(detail) else {
        return detail.to_owned();
    };
    let mut words = Vec::new();
    for (name, value) in &detail {
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => words.push(format!("{name} {text}")),
            // Why a finding came or went.
            serde_json::Value::Array(items) => {
                let texts: Vec<String> = items
                    .iter()
                    .map(|item| {
                        item.get("text")
                            .and_then(|text| text.as_str())
                            .map_or_else(|| item.to_string(), str::to_owned)
                    })
                    .collect();
                words.push(format!("{name} {}", texts.join(" and ")));
            }
            other => words.push(format!("{name} {other}")),
        }
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn details_are_told_in_words() {
        assert_eq!(
            said(r#"{"from":null,"reasons":[{"text":"advisory added"}],"rule":"CVE-1","n":2}"#),
            "n 2, reasons advisory added, rule CVE-1"
        );
        assert_eq!(said("no JSON"), "no JSON");
    }
}
