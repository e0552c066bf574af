//! What is known of evidence when somebody has to decide.

use assay_model::Digest;
use assay_store::{Moment, Place, Store, StoreError};
use std::time::Duration;

/// How long what a repository said holds while it does not answer: an outage of an hour stops no cluster, and a registry that is silent for
/// longer cannot keep a signature valid that was taken away.
const HOLDS: Duration = Duration::from_secs(3600);

/// What is known of what is attached to a manifest.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    /// What was found.
    Found {
        /// As it was kept.
        body: Vec<u8>,
        /// When it was asked for.
        asked: Moment,
        /// Until when that may be relied on, if the repository does not answer at present.
        until: Option<Moment>,
    },
    /// Nothing.
    Unknown {
        /// Why.
        why: String,
        /// Whether the repository was never asked.
        new: bool,
    },
}

/// Returns what is known of what is attached to a manifest in a repository.
pub(crate) async fn known(
    store: &Store,
    digest: &Digest,
    place: &Place,
    now: Moment,
) -> Result<Known, StoreError> {
    let Some(gathered) = store.gathered(digest, place).await? else {
        let why =
            format!("`{}/{}` was not asked yet; try again in a minute", place.registry, place.repository);
        return Ok(Known::Unknown { why, new: true });
    };
    let until = gathered.failing.map(|since| since.plus(HOLDS));
    Ok(match gathered.body {
        Some(body) if until.is_none_or(|until| now < until) => {
            Known::Found { body, asked: gathered.asked, until }
        }
        _ => Known::Unknown { why: gathered.error.unwrap_or_default(), new: false },
    })
}
