//! One package: which images contain it, in which versions.

use super::Page;
use super::ask::Ask;
use super::error::PageError;
use super::render::View;
use super::table::{Cell, Table, columns, image_address};
use crate::problem::Problem;
use assay_store::{Hit, Role};
use std::collections::BTreeSet;

pub(super) const PAGE: Page =
    Page { path: "/packages", menu: None, role: Role::Viewer, view: |ask| Box::pin(view(ask)) };

async fn view(ask: &Ask) -> Result<View, PageError> {
    let name = ask.text("name").ok_or_else(|| Problem::invalid("name a package: `?name=NAME`"))?;
    let ecosystem = ask.text("ecosystem");
    let limit = ask.rows().saturating_add(1);
    let after = ask.number("after").unwrap_or(0);
    let found = ask.app().store.images_containing(ecosystem, name, after, limit).await?;
    let sentence = match ecosystem {
        Some(ecosystem) => format!("Images that contain this package of {ecosystem}."),
        None => "Images that contain a package of this name, in any ecosystem.".to_owned(),
    };
    let table = hits(ask, found, false).await?;
    Ok(View::plain(name, vec![sentence], vec![table]))
}

/// Returns the images that were found, of which there may be one more than a page. A page ends between two images, so that none is told of
/// in halves.
pub(super) async fn hits(ask: &Ask, found: Vec<Hit>, of_advisory: bool) -> Result<Table, PageError> {
    let deployed = ask.app().store.knows_deployments().await?;
    let (found, next) = whole(found, ask.rows());
    let mut all = columns([
        ("image", "Image", "mono"),
        ("digest", "Digest", "mono"),
        ("package", "Package", "mono"),
        ("version", "Installed", "mono"),
        if of_advisory { ("fixedVersions", "Fixed in", "mono") } else { ("ecosystem", "Ecosystem", "") },
        ("since", "Since", ""),
        ("deployed", "Runs", ""),
    ]);
    if !deployed {
        all.pop();
    }
    let rows = found.iter().map(|hit| {
        let fixed: Vec<String> =
            hit.fixed_versions.split(',').filter(|version| !version.is_empty()).map(str::to_owned).collect();
        let mut row = vec![
            Cell::text(format!("{}/{}", hit.registry, hit.repository)).to(image_address(&hit.digest)),
            Cell::image(&hit.digest),
            Cell::maybe(hit.package.as_deref()),
            Cell::maybe(hit.version.as_deref()),
            if of_advisory { Cell::list(&fixed) } else { Cell::text(&hit.of) },
            Cell::time(Some(hit.since)),
        ];
        if deployed {
            row.push(Cell::text(if hit.deployed { "yes" } else { "no" }));
        }
        row
    });
    let caption = if deployed {
        "In the order in which they were first seen"
    } else {
        "In the order in which they were first seen; which of them run is not recorded"
    };
    let table = Table {
        name: "images",
        title: if of_advisory { "Blast radius" } else { "Images" }.to_owned(),
        caption: caption.to_owned(),
        columns: all,
        rows: rows.collect(),
        empty: "No image has it.",
        next: None,
        first: None,
    };
    Ok(table.paged(ask, "after", next))
}

/// Cuts off what is more than a page of images, each of which may have been found several times. Returns after which the list goes on.
fn whole(mut found: Vec<Hit>, limit: i64) -> (Vec<Hit>, Option<i64>) {
    let images: BTreeSet<i64> = found.iter().map(|hit| hit.id).collect();
    let Some(beyond) = usize::try_from(limit).ok().and_then(|limit| images.iter().nth(limit)) else {
        return (found, None);
    };
    found.retain(|hit| hit.id < *beyond);
    let next = found.last().map(|hit| hit.id);
    (found, next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::Digest;
    use assay_store::Moment;

    #[test]
    fn no_image_is_told_of_in_halves() {
        let check = |ids: &[i64], limit, want: usize, next| {
            let hit = |id: &i64| Hit {
                id: *id,
                digest: Digest::Sha256([0; 32]),
                registry: String::new(),
                repository: String::new(),
                of: String::new(),
                package: None,
                version: None,
                fixed_versions: String::new(),
                since: Moment(0),
                deployed: false,
            };
            let (found, after) = whole(ids.iter().map(hit).collect(), limit);
            assert_eq!((found.len(), after), (want, next), "{ids:?}");
        };
        check(&[], 2, 0, None);
        check(&[1, 2], 2, 2, None);
        check(&[1, 2, 3], 2, 2, Some(2));
        check(&[1, 2, 2], 2, 3, None);
        check(&[1, 1, 1], 2, 3, None);
        check(&[1, 1, 1, 2, 5, 5], 2, 4, Some(2));
    }
}
