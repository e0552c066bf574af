//! Blast radius, with all that somebody who must act needs: where an image is, who answers for it, what was decided about it, and which
//! newer image of the same repository is without it.

use crate::http::App;
use assay_store::{Hit, Question, StoreError, Successor, Triage, View, Whereabouts};
use std::collections::{BTreeMap, BTreeSet};

/// Repositories of one answer in which a newer image is looked for.
const REPOSITORIES: usize = 100;

/// An image that contains what was asked for, and what there is to say of it.
pub(crate) struct Placed {
    /// The image, and what is in it.
    pub(crate) hit: Hit,
    /// Where it is.
    pub(crate) at: Whereabouts,
    /// Who answers for it.
    pub(crate) owner: Option<String>,
    /// The newest image of its repository without it, if that is newer.
    pub(crate) fixed: Option<Successor>,
    /// What was decided about it.
    pub(crate) triage: Option<Triage>,
}

/// Says of each image that was found where it is, as somebody sees it. `counts` says which versions of a package are what was asked about.
pub(crate) async fn placed(
    app: &App,
    seen: View<'_>,
    hits: Vec<Hit>,
    question: Question<'_>,
    counts: impl Fn(&str) -> bool,
) -> Result<Vec<Placed>, StoreError> {
    let ids: BTreeSet<i64> = hits.iter().map(|hit| hit.id).collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let places = seen.whereabouts(&ids).await?;
    let decided = seen.triage_of(hits.iter().filter_map(|hit| hit.triage)).await?;
    let mut repositories: BTreeMap<(String, String), i64> = BTreeMap::new();
    for hit in &hits {
        let repository = (hit.registry.clone(), hit.repository.clone());
        if repositories.len() < REPOSITORIES || repositories.contains_key(&repository) {
            let oldest = repositories.entry(repository).or_insert(hit.id);
            *oldest = hit.id.min(*oldest);
        }
    }
    let newest = seen.newest_without(&repositories, question, &counts).await?;
    let mut owners: BTreeMap<(String, String), Option<String>> = BTreeMap::new();
    let mut placed = Vec::new();
    for hit in hits {
        let repository = (hit.registry.clone(), hit.repository.clone());
        let known = newest.get(&repository).cloned();
        let owner =
            owners.entry(repository).or_insert_with(|| app.owners.of(&hit.registry, &hit.repository)).clone();
        placed.push(Placed {
            at: places.get(&hit.id).cloned().unwrap_or_default(),
            owner,
            fixed: known.filter(|candidate| candidate.id > hit.id),
            triage: hit.triage.and_then(|id| decided.get(&id).cloned()),
            hit,
        });
    }
    Ok(placed)
}
