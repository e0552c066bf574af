//! The audit log, the newest entry first, and its end for people to keep.

use super::ask::Ask;
use super::error::PageError;
use super::render::View;
use super::table::{Cell, Table, columns, cut};
use super::{About, Page};
use assay_store::Role;

pub(super) const PAGE: Page = Page {
    path: "/audit",
    menu: Some("Audit"),
    role: Role::Security,
    about: About::Fleet,
    view: |ask| Box::pin(view(ask)),
};

/// What is shown of a hash.
const SHOWN: usize = 16;

async fn view(ask: &Ask) -> Result<View, PageError> {
    let limit = ask.rows();
    let mut entries = ask.whole()?.newest_audit(ask.number("before"), limit.saturating_add(1)).await?;
    let next = cut(&mut entries, limit).then(|| entries.last().map(|entry| entry.sequence)).flatten();
    let mut sentences = Vec::new();
    if ask.text("before").is_none()
        && let Some(newest) = entries.first()
    {
        sentences.push(format!(
            "The log ends with entry {}, hash {}: whoever keeps these two can tell later whether it was cut or rewritten.",
            newest.sequence, newest.hash
        ));
    }
    let rows = entries.iter().map(|entry| {
        let hash: String = entry.hash.chars().take(SHOWN).collect();
        vec![
            Cell::number(entry.sequence),
            Cell::time(Some(entry.at)),
            Cell::text(&entry.actor),
            Cell::text(&entry.action),
            Cell::text(&entry.subject),
            Cell::text(&entry.detail),
            Cell::text(&entry.hash).shown_as(hash),
        ]
    });
    let table = Table {
        name: "audit",
        title: "Entries".to_owned(),
        caption: "The newest first; each holds the hash of the one before it".to_owned(),
        columns: columns([
            ("sequence", "Entry", "number"),
            ("at", "When", ""),
            ("actor", "Who", ""),
            ("action", "Did", ""),
            ("subject", "To what", ""),
            ("detail", "Detail", "mono"),
            ("hash", "Hash", "mono"),
        ]),
        rows: rows.collect(),
        empty: "Nothing is recorded.",
        next: None,
        first: None,
    };
    Ok(View::plain("Audit", sentences, vec![table.paged(ask, "before", next)]))
}
