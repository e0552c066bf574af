//! Where an image was admitted, on its page: and whether it is so only because it was before.

use super::table::{Cell, Table, columns};
use assay_store::Admitted;

/// Returns the clusters and namespaces in which it was admitted.
pub(super) fn table(admitted: &[Admitted]) -> Table {
    Table {
        name: "admitted",
        title: "Admitted in clusters".to_owned(),
        caption: "Where a pod with it was admitted, the last first".to_owned(),
        columns: columns([
            ("cluster", "Cluster", ""),
            ("namespace", "Namespace", ""),
            ("tiers", "Tiers", ""),
            ("repository", "Repository", "mono"),
            ("since", "Since", ""),
            ("last", "Last", ""),
            ("stale", "Scan stale since", ""),
            ("why", "Why", ""),
        ]),
        rows: admitted
            .iter()
            .map(|one| {
                let place = &one.place;
                vec![
                    Cell::text(&place.cluster),
                    Cell::text(&place.namespace),
                    Cell::list(&place.tiers),
                    Cell::text(format!("{}/{}", place.registry, place.repository)),
                    Cell::time(Some(one.since)),
                    Cell::time(Some(one.last)),
                    Cell::time(one.stale),
                    Cell::maybe(one.why.as_deref()),
                ]
            })
            .collect(),
        empty: "No cluster has admitted it.",
        next: None,
        first: None,
    }
}

/// Returns in which clusters it stays admitted by a stale scan, and why.
pub(super) fn stale(admitted: &[Admitted]) -> Vec<(String, String)> {
    let stale = admitted.iter().filter(|one| one.stale.is_some());
    let mut all: Vec<(String, String)> =
        stale.map(|one| (one.place.cluster.clone(), one.why.clone().unwrap_or_default())).collect();
    all.sort();
    all.dedup();
    all
}
