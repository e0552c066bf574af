//! What was promoted, and what stays in incoming repositories and why.

use super::ask::Ask;
use super::error::PageError;
use super::render::View;
use super::table::{Cell, Table, columns, cut};
use super::{About, Page};
use assay_model::Digest;
use assay_report::escape::shorten;
use assay_store::{Promotion, Role, Staying};

pub(super) const PAGE: Page = Page {
    path: "/promotions",
    menu: Some("Promotions"),
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(view(ask)),
};

/// Characters of a reason that are shown.
const SHOWN: usize = 200;

async fn view(ask: &Ask) -> Result<View, PageError> {
    let (limit, seen) = (ask.rows(), ask.seen());
    let mut promotions = seen.newest_promotions(ask.number("before"), limit.saturating_add(1)).await?;
    let next = cut(&mut promotions, limit).then(|| promotions.last().map(|one| one.id)).flatten();
    let skip = ask.number("skip").unwrap_or(0).max(0);
    let mut staying = seen.staying(skip, limit.saturating_add(1)).await?;
    let more = cut(&mut staying, limit).then(|| skip.saturating_add(limit));
    // Counted over the whole fleet, and so told to who sees that.
    let moved = match ask.whole() {
        Ok(store) => store.promotion_counts().await?.moved,
        Err(_) => 0,
    };
    let sentences = match (&ask.app().promoter, moved) {
        (None, 0) => vec!["This server promotes nothing: it was started without `--promote`.".to_owned()],
        (_, 0) => Vec::new(),
        (_, moved) => vec![format!("Promoted tags that name something else now: {moved}.")],
    };
    let tables = vec![
        self::promotions(&promotions).paged(ask, "before", next),
        self::staying(&staying, ask.app().promoter.as_deref()).paged(ask, "skip", more),
    ];
    Ok(View::plain("Promotions", sentences, tables))
}

fn promotions(promotions: &[Promotion]) -> Table {
    let rows = promotions.iter().map(|one| {
        let moved = one.moved_to.as_deref().map(|moved| match moved.parse::<Digest>() {
            Ok(digest) => Cell::image(&digest),
            Err(_) => Cell::text(moved),
        });
        vec![
            Cell::time(Some(one.started)),
            Cell::time(one.finished),
            Cell::text(format!("{}/{}", one.from.registry, one.from.repository)),
            Cell::text(format!(
                "{}/{}:{}",
                one.to.registry,
                one.to.repository,
                one.to.tag.as_deref().unwrap_or_default()
            )),
            Cell::image(&one.digest),
            Cell::text(&one.verdict),
            Cell::text(&one.actor),
            moved.unwrap_or_default(),
            Cell::number(one.id),
        ]
    });
    Table {
        name: "promotions",
        title: "Promoted".to_owned(),
        caption: "The newest first".to_owned(),
        columns: columns([
            ("started", "Begun", ""),
            ("finished", "Done", ""),
            ("source", "From", "mono"),
            ("target", "To", "mono"),
            ("digest", "Image", "mono"),
            ("verdict", "Verdict", ""),
            ("actor", "By", ""),
            ("movedTo", "Moved to", "mono"),
            ("id", "Number", "number"),
        ]),
        rows: rows.collect(),
        empty: "Nothing was promoted.",
        next: None,
        first: None,
    }
}

fn staying(staying: &[Staying], promoter: Option<&crate::promote::Promoter>) -> Table {
    let rows = staying.iter().map(|one| {
        let tag = one.place.tag.as_deref().unwrap_or_default();
        vec![
            Cell::text(format!("{}/{}:{tag}", one.place.registry, one.place.repository)),
            Cell::image(&one.digest),
            Cell::text(one.state.name()),
            Cell::text(&one.reason).shown_as(shorten(&one.reason, SHOWN)),
            // What several repositories have in common says nothing of this one.
            Cell::text(
                promoter
                    .and_then(|promoter| promoter.destination(&one.place, &one.target))
                    .unwrap_or_else(|| one.target.clone()),
            ),
            Cell::time(Some(one.looked)),
        ]
    });
    Table {
        name: "staying",
        title: "What stays".to_owned(),
        caption: "Tags of incoming repositories that are not promoted".to_owned(),
        columns: columns([
            ("name", "Name", "mono"),
            ("digest", "Image", "mono"),
            ("state", "State", ""),
            ("reason", "Why", ""),
            ("target", "Would go to", "mono"),
            ("looked", "Judged", ""),
        ]),
        rows: rows.collect(),
        empty: "Nothing stays.",
        next: None,
        first: None,
    }
}
