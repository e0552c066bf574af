//! The search of the menu, what is it in: a digest of an image or a file, an identifier, a rule, a package or part of a name.

use super::ask::Ask;
use super::error::PageError;
use super::render::View;
use super::table::{Cell, Table, advisory_address, columns, cut, package_address};
use super::{About, Page};
use super::{file, images};
use crate::files::sha256;
use assay_store::{Role, Search, Where};
use minijinja::context;
use std::collections::BTreeSet;

pub(super) const PAGE: Page = Page {
    path: "/search",
    menu: None,
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(view(ask)),
};

async fn view(ask: &Ask) -> Result<View, PageError> {
    let seen = ask.seen();
    let limit = ask.rows();
    let text = ask.text("text").unwrap_or_default();
    let mut tables = Vec::new();
    if !text.is_empty() {
        let mut advisories = Vec::new();
        // Identifiers are known as their publishers write them, mostly in capitals.
        let capitals = text.to_uppercase();
        let mut spellings = vec![text];
        if capitals != text {
            spellings.push(&capitals);
        }
        for name in spellings {
            let spread = seen.spread(name).await?;
            if !spread.names.is_empty() {
                advisories.push(vec![
                    Cell::text(name).to(advisory_address(name)),
                    Cell::list(&spread.severities),
                    Cell::number(spread.images),
                ]);
            }
        }
        tables.push(Table {
            name: "advisories",
            title: "Vulnerabilities and rules".to_owned(),
            caption: "By their whole identifier".to_owned(),
            columns: columns([
                ("rule", "Finding", "mono"),
                ("severities", "Severity", ""),
                ("images", "Images that have it", "number"),
            ]),
            rows: advisories,
            empty: "No finding in the fleet has, or had, this identifier.",
            next: None,
            first: None,
        });
        if let Some(sha256) = sha256(text) {
            let found = seen.images_with_file(&Where::default(), &sha256, 0, limit).await?;
            let images: BTreeSet<i64> = found.iter().map(|hit| hit.id).collect();
            let rows = (!images.is_empty())
                .then(|| vec![Cell::text(text).to(file::address(&sha256)), Cell::count(images.len() as u64)]);
            tables.push(Table {
                name: "files",
                title: "Files".to_owned(),
                caption: "By the SHA-256 of their content, of images that had a deep scan".to_owned(),
                columns: columns([("sha256", "File", "mono"), ("images", "Images that have it", "number")]),
                rows: rows.into_iter().collect(),
                empty: "No image whose files are known has this file.",
                next: None,
                first: None,
            });
        }
        let search = Search { text, limit: limit.saturating_add(1), ..Search::default() };
        let mut found = seen.search_images(&search).await?;
        let more = cut(&mut found, limit);
        let mut table = images::table(&found, "The newest first");
        table.next = more.then(|| format!("/images?text={}", super::ask::encode(text)));
        tables.push(table);
        let packages = seen.packages_like(text, limit).await?;
        tables.push(Table {
            name: "packages",
            title: "Packages".to_owned(),
            caption: "Names that contain it, the shortest first; no more than one page".to_owned(),
            columns: columns([("package", "Package", "mono"), ("ecosystem", "Ecosystem", "")]),
            rows: packages
                .iter()
                .map(|(ecosystem, name)| {
                    vec![Cell::text(name).to(package_address(ecosystem, name)), Cell::text(ecosystem)]
                })
                .collect(),
            empty: "No image contains a package of this name.",
            next: None,
            first: None,
        });
    }
    Ok(View { title: "Search".to_owned(), template: "search.html", context: context! { text }, tables })
}
