//! Signatures and attestations on the page of an image: who vouches for each, or why it does not count.

use super::ask::Ask;
use super::error::PageError;
use super::table::{Cell, Table, columns, cut, short};
use crate::evidence::{Shown, shown};
use assay_model::Digest;
use assay_report::escape::shorten;

/// The parameter by which the list goes on.
const PARAMETER: &str = "evidence-after";
/// Characters of a refusal that are shown.
const SHOWN: usize = 160;

/// Returns the evidence that there is or was for an image.
pub(super) async fn table(ask: &Ask, digest: &Digest) -> Result<Table, PageError> {
    let limit = ask.rows();
    let after = ask.number(PARAMETER).unwrap_or_default();
    let mut found = shown(ask.app(), ask.seen(), digest, after, limit.saturating_add(1)).await?;
    let next = cut(&mut found, limit).then(|| found.last().map(|one| one.known.id)).flatten();
    let table = Table {
        name: "evidence",
        title: "Signatures and attestations".to_owned(),
        caption: "What was seen attached to it, the earliest first, and what the trust roots of the policy make of it"
            .to_owned(),
        columns: columns([
            ("kind", "Kind", "mono"),
            ("verified", "Verified by", ""),
            ("refused", "Why not", ""),
            ("firstSeen", "Since", ""),
            ("goneAt", "Gone", ""),
            ("repository", "Repository", "mono"),
            ("digest", "Digest", "mono"),
            ("carrier", "Manifest", "mono"),
        ]),
        rows: found.iter().map(row).collect(),
        empty: "None is recorded.",
        next: None,
        first: None,
    };
    Ok(table.paged(ask, PARAMETER, next))
}

fn row(Shown { known, checks }: &Shown) -> Vec<Cell> {
    let verified: Vec<String> = checks
        .iter()
        .filter_map(|(root, check)| check.as_ref().ok().map(|by| format!("{root}: {by}")))
        .collect();
    let refused: Vec<String> = checks
        .iter()
        .filter_map(|(root, check)| check.as_ref().err().map(|why| format!("{root}: {why}")))
        .collect();
    let told = refused.join(", ");
    vec![
        Cell::text(&known.seen.kind).shown_as(shorten(&known.seen.kind, SHOWN)),
        Cell::list(&verified),
        Cell::list(&refused).shown_as(shorten(&told, SHOWN)),
        Cell::time(Some(known.first_seen)),
        Cell::time(known.gone_at),
        Cell::text(format!("{}/{}", known.place.registry, known.place.repository)),
        Cell::text(known.seen.digest.to_string()).shown_as(short(&known.seen.digest)),
        Cell::text(known.seen.carrier.to_string()).shown_as(short(&known.seen.carrier)),
    ]
}
