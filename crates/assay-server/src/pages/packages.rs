//! What is in an image: its packages, which is also its bill of materials.

use super::ask::Ask;
use super::error::PageError;
use super::image::read;
use super::render::View;
use super::table::{Cell, Table, columns, image_address, package_address, short};
use super::{About, Page};
use crate::problem::Problem;
use crate::report::shown;
use assay_match::Subject;
use assay_model::{Os, Package, Usage};
use assay_report::summary;
use assay_store::Role;

pub(super) const PAGE: Page = Page {
    path: "/images/{digest}/packages",
    menu: None,
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(view(ask)),
};

/// Returns the ecosystem and name under which the index has a package; nothing where no advisory could be about it.
pub(super) fn indexed(package: &Package, os: Option<&Os>) -> Option<(String, String)> {
    let subject = Subject::new(package, os);
    let (ecosystem, names) = subject.lookups().next()?;
    Some((ecosystem.to_string(), (*names.first()?).to_owned()))
}

async fn view(ask: &Ask) -> Result<View, PageError> {
    let digest = ask.digest()?;
    let stored = shown(ask.seen(), &digest).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("there is no report about this digest"))?;
    let report = read(&digest, stored).await?;
    let (packages, os) = (&report.inventory.packages, report.inventory.os.as_ref());
    let mut findings = vec![0_u64; packages.len()];
    for index in summary::open(&report).filter_map(|finding| finding.package) {
        if let Some(count) = findings.get_mut(index as usize) {
            *count += 1;
        }
    }
    let (limit, page) = (ask.rows(), ask.page("page"));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let skip = usize::try_from(page - 1).unwrap_or(usize::MAX).saturating_mul(limit);
    let rows: Vec<Vec<Cell>> = packages
        .iter()
        .zip(&findings)
        .skip(skip)
        .take(limit)
        .map(|(package, findings)| {
            let usage = match package.usage {
                Usage::Used => "used",
                Usage::Unused => "unused",
                Usage::Unknown => "",
            };
            let shown = Cell::text(package.full_name());
            let place = package.locations.first().map(|location| location.path.clone());
            vec![
                match indexed(package, os) {
                    Some((ecosystem, name)) => shown.to(package_address(&ecosystem, &name)),
                    None => shown,
                },
                Cell::text(&package.version),
                Cell::text(package.kind.purl_type()),
                Cell::count(*findings),
                Cell::text(usage),
                Cell::list(&package.licenses),
                Cell::maybe(place),
                Cell::text(package.purl(report.inventory.os.as_ref()).to_string()),
            ]
        })
        .collect();
    let next = (skip.saturating_add(rows.len()) < packages.len()).then_some(page.saturating_add(1));
    let table = Table {
        name: "packages",
        title: summary::count(packages.len() as u64, "package"),
        caption: "In the order of the report".to_owned(),
        columns: columns([
            ("package", "Package", "mono"),
            ("version", "Version", "mono"),
            ("kind", "Kind", ""),
            ("findings", "Findings", "number"),
            ("usage", "Usage", ""),
            ("licenses", "Licences", ""),
            ("location", "Where", "mono"),
            ("purl", "Package URL", "mono"),
        ]),
        rows,
        empty: "No package was found in it.",
        next: None,
        first: None,
    };
    let title = format!("Packages of {}", short(&digest));
    let sentences = vec![format!("In the image {digest}.")];
    let mut view = View::plain(title, sentences, vec![table.paged(ask, "page", next)]);
    view.context = minijinja::context! { back => image_address(&digest), ..view.context };
    Ok(view)
}
