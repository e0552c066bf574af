//! The fleet: all images, searched by name, severity and state.

use super::ask::Ask;
use super::error::PageError;
use super::render::View;
use super::table::{Cell, Table, columns, cut};
use super::{About, Page};
use assay_model::Severity;
use assay_store::{FleetImage, Role, Search};
use minijinja::context;

pub(super) const PAGE: Page = Page {
    path: "/images",
    menu: Some("Images"),
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(view(ask)),
};

async fn view(ask: &Ask) -> Result<View, PageError> {
    let limit = ask.rows();
    let text = ask.text("text").unwrap_or_default();
    let severity =
        ask.text("severity").and_then(|name| Severity::ALL.into_iter().find(|one| one.name() == name));
    let unscanned = ask.text("state") == Some("unscanned");
    let search = Search {
        text,
        severity: severity.map(Severity::name),
        unscanned,
        before: ask.number("before"),
        limit: limit.saturating_add(1),
    };
    let mut images = ask.seen().search_images(&search).await?;
    let more = cut(&mut images, limit);
    let next = images.last().map(|image| image.id).filter(|_| more);
    let table = table(&images, "The newest first").paged(ask, "before", next);
    let severities: Vec<&str> = Severity::ALL.into_iter().map(Severity::name).collect();
    let context = context! { text, severity => severity.map(Severity::name), severities, unscanned };
    Ok(View { title: "Images".to_owned(), template: "images.html", context, tables: vec![table] })
}

pub(super) fn table(images: &[FleetImage], caption: &str) -> Table {
    Table {
        name: "images",
        title: "Images".to_owned(),
        caption: caption.to_owned(),
        columns: columns([
            ("name", "Image", "mono"),
            ("digest", "Digest", "mono"),
            ("critical", "Critical", "number"),
            ("high", "High", "number"),
            ("findings", "All findings", "number"),
            ("scanned", "Scanned", ""),
            ("lastSeen", "Last seen", ""),
        ]),
        rows: images
            .iter()
            .map(|image| {
                let tag = image.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
                let digest = Cell::image(&image.digest);
                let scanned = image.scanned.map_or_else(
                    || Cell::default().shown_as("not yet".to_owned()),
                    |at| Cell::time(Some(at)),
                );
                vec![
                    Cell::text(format!("{}/{}{tag}", image.registry, image.repository))
                        .to(super::table::image_address(&image.digest)),
                    digest,
                    Cell::number(image.critical),
                    Cell::number(image.high),
                    Cell::number(image.findings),
                    scanned,
                    Cell::time(Some(image.last_seen)),
                ]
            })
            .collect(),
        empty: "No image is like that.",
        next: None,
        first: None,
    }
}
