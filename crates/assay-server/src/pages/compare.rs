//! Two images side by side: what changed from one to the other, by their stored reports.

use super::ask::{Ask, digest};
use super::error::PageError;
use super::image::read;
use super::render::View;
use super::table::{Cell, Table, advisory_address, columns, image_address, short};
use super::{About, Page};
use crate::problem::Problem;
use crate::report::shown;
use assay_model::{Digest, Report};
use assay_report::diff::{ChangedFinding, ChangedPackage, Difference, Side, SideKind, diff};
use assay_store::Role;

pub(super) const PAGE: Page = Page {
    path: "/images/{digest}/compare",
    menu: None,
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(view(ask)),
};

async fn report(ask: &Ask, digest: &Digest) -> Result<Report, PageError> {
    let stored = shown(ask.seen(), digest).await?;
    let stored = stored.ok_or_else(|| Problem::not_found(format!("there is no report about `{digest}`")))?;
    read(digest, stored).await
}

async fn view(ask: &Ask) -> Result<View, PageError> {
    let new = ask.digest()?;
    let old = ask.text("with").ok_or_else(|| Problem::invalid("name the older image: `?with=DIGEST`"))?;
    let old = digest(old)?;
    let (before, after) = (report(ask, &old).await?, report(ask, &new).await?);
    let compared = tokio::task::spawn_blocking(move || {
        let side = |report| Side { kind: SideKind::Report, report };
        diff(side(&before), side(&after))
    });
    let fault = |_| Problem::invalid("the two reports cannot be compared");
    let difference = compared.await.map_err(fault)?;
    let sentences = vec![format!("From {old}"), format!("to {new}.")];
    let tables = vec![findings(ask, &difference), packages(ask, &difference)];
    let mut view = View::plain(format!("{} compared with {}", short(&new), short(&old)), sentences, tables);
    view.context = minijinja::context! { back => image_address(&new), ..view.context };
    Ok(view)
}

/// Returns the rows of a page of a list, and the number of the next.
fn some<'a, T>(ask: &Ask, all: &'a [T], parameter: &str) -> (&'a [T], Option<i64>) {
    let (limit, page) = (ask.rows(), ask.page(parameter));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let begin = usize::try_from(page - 1).unwrap_or(usize::MAX).saturating_mul(limit).min(all.len());
    let end = begin.saturating_add(limit).min(all.len());
    (all.get(begin..end).unwrap_or_default(), (end < all.len()).then_some(page.saturating_add(1)))
}

fn findings(ask: &Ask, difference: &Difference) -> Table {
    let (rows, next) = some(ask, &difference.findings, "findings-page");
    let row = |one: &ChangedFinding| {
        vec![
            Cell::text(one.change.name()),
            Cell::word(one.severity.name()),
            Cell::text(&one.rule).to(advisory_address(&one.rule)),
            Cell::text(&one.subject),
            Cell::list(&one.details),
        ]
    };
    let table = Table {
        name: "findings",
        title: "Findings".to_owned(),
        caption: "New ones first, then what is fixed, then what changed".to_owned(),
        columns: columns([
            ("change", "Change", ""),
            ("severity", "Severity", ""),
            ("rule", "Finding", "mono"),
            ("subject", "Where", "mono"),
            ("details", "What is different", ""),
        ]),
        rows: rows.iter().map(row).collect(),
        empty: "Their findings are the same.",
        next: None,
        first: None,
    };
    table.paged(ask, "findings-page", next)
}

fn packages(ask: &Ask, difference: &Difference) -> Table {
    let (rows, next) = some(ask, &difference.packages, "packages-page");
    let row = |one: &ChangedPackage| {
        vec![
            Cell::text(one.change.name()),
            Cell::text(&one.name),
            Cell::text(one.kind),
            Cell::maybe(one.old.as_deref()),
            Cell::maybe(one.new.as_deref()),
        ]
    };
    let table = Table {
        name: "packages",
        title: "Packages".to_owned(),
        caption: "By what happened to them".to_owned(),
        columns: columns([
            ("change", "Change", ""),
            ("package", "Package", "mono"),
            ("kind", "Kind", ""),
            ("old", "Before", "mono"),
            ("new", "Now", "mono"),
        ]),
        rows: rows.iter().map(row).collect(),
        empty: "Their packages are the same.",
        next: None,
        first: None,
    };
    table.paged(ask, "packages-page", next)
}
