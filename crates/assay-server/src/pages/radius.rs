//! The table of a blast radius: images, where they are, who answers for them, and what could take their place.

use super::ask::Ask;
use super::error::PageError;
use super::table::{Cell, Column, Table, columns, image_address};
use super::triage::{decided, why};
use crate::radius::{Placed, placed};
use assay_store::{Hit, Question};
use std::collections::BTreeSet;

/// Returns the images that were found. A page ends between two images, so that none is told of in halves.
pub(super) async fn hits(ask: &Ask, found: Vec<Hit>, question: Question<'_>) -> Result<Table, PageError> {
    let deployed = ask.seen().knows_deployments().await?;
    let (found, next) = whole(found, ask.rows());
    let found = placed(ask.app(), ask.seen(), found, question, |_| true).await?;
    let caption = if deployed {
        "In the order in which they were first seen"
    } else {
        "In the order in which they were first seen; which of them run is not recorded"
    };
    let table = Table {
        name: "images",
        title: if matches!(question, Question::Package(..)) { "Images" } else { "Blast radius" }.to_owned(),
        caption: caption.to_owned(),
        columns: heads(question, deployed),
        rows: found.iter().map(|one| row(one, question, deployed)).collect(),
        empty: "No image has it.",
        next: None,
        first: None,
    };
    Ok(table.paged(ask, "after", next))
}

fn heads(question: Question<'_>, deployed: bool) -> Vec<Column> {
    let mut all =
        columns([("image", "Image", "mono"), ("digest", "Digest", "mono"), ("tags", "Tags now", "mono")]);
    match question {
        Question::File(_) => all.extend(columns([("path", "Path", "mono")])),
        Question::Package(..) => all.extend(columns([
            ("package", "Package", "mono"),
            ("version", "Installed", "mono"),
            ("ecosystem", "Ecosystem", ""),
        ])),
        Question::Finding(..) => all.extend(columns([
            ("triage", "Triage", ""),
            ("package", "Package", "mono"),
            ("version", "Installed", "mono"),
            ("fixedVersions", "Fixed in", "mono"),
        ])),
    }
    all.extend(columns([("since", "Since", "")]));
    if deployed {
        all.extend(columns([("running", "Runs in", "")]));
    }
    all.extend(columns([("owner", "Owner", ""), ("fixedIn", "Newer image without it", "mono")]));
    if matches!(question, Question::Finding(..)) {
        all.extend(columns([("triageWhy", "Why", "reason")]));
    }
    all
}

fn row(one: &Placed, question: Question<'_>, deployed: bool) -> Vec<Cell> {
    let hit = &one.hit;
    let tags: Vec<String> = one.at.tags.clone();
    // The repository stands beside it; a tag of another one is told whole.
    let here = format!("{}/{}:", hit.registry, hit.repository);
    let short: Vec<&str> = tags.iter().map(|tag| tag.strip_prefix(&here).unwrap_or(tag)).collect();
    let short = short.join(", ");
    let mut cells = vec![
        Cell::text(format!("{}/{}", hit.registry, hit.repository)).to(image_address(&hit.digest)),
        Cell::image(&hit.digest),
        Cell::list(&tags).shown_as(short),
    ];
    match question {
        Question::File(_) => cells.push(Cell::maybe(hit.path.as_deref())),
        Question::Package(..) | Question::Finding(..) => {
            if matches!(question, Question::Finding(..)) {
                cells.push(decided(one.triage.as_ref()));
            }
            cells.extend([Cell::maybe(hit.package.as_deref()), Cell::maybe(hit.version.as_deref())]);
            cells.push(if matches!(question, Question::Finding(..)) {
                let fixed = hit.fixed_versions.split(',').filter(|version| !version.is_empty());
                Cell::list(&fixed.map(str::to_owned).collect::<Vec<_>>())
            } else {
                Cell::text(&hit.of)
            });
        }
    }
    cells.push(Cell::time(Some(hit.since)));
    if deployed {
        let running: Vec<String> =
            one.at.running.iter().map(|one| format!("{}/{}", one.environment, one.service)).collect();
        cells.push(Cell::list(&running));
    }
    cells.push(Cell::maybe(one.owner.as_deref()));
    cells.push(match &one.fixed {
        Some(image) => match &image.tag {
            Some(tag) => Cell::image(&image.digest).shown_as(tag.clone()),
            None => Cell::image(&image.digest),
        },
        None => Cell::default(),
    });
    if matches!(question, Question::Finding(..)) {
        cells.push(why(one.triage.as_ref()));
    }
    cells
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
                path: None,
                triage: None,
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
