//! What is known of evidence when somebody has to decide.

use assay_engine::AttachedEvidence;
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
        Some(body) if until.is_none_or(|until| now < until) && AttachedEvidence::is_current(&body) => {
            Known::Found { body, asked: gathered.asked, until }
        }
        Some(_) if gathered.failing.is_none() => {
            let why = "what was found is from another version of the program, and asked for again".to_owned();
            Known::Unknown { why, new: false }
        }
        _ => Known::Unknown { why: gathered.error.unwrap_or_default(), new: false },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::Address;

    #[test]
    fn what_was_said_holds_for_an_hour_of_silence_and_not_a_moment_longer() {
        let runtime = crate::run::runtime().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&Address::File(folder.path().join("assay.db"))).await.unwrap();
            let digest: Digest = format!("sha256:{}", "1".repeat(64)).parse().unwrap();
            let place =
                Place { registry: "registry.example".to_owned(), repository: "app".to_owned(), tag: None };
            let at = |seconds: u64| Moment(0).plus(Duration::from_secs(seconds));
            let is_known = async |seconds| match known(&store, &digest, &place, at(seconds)).await.unwrap() {
                Known::Found { .. } => Ok(()),
                Known::Unknown { why, new } => Err((why, new)),
            };
            let body = b"assayev\x01".as_slice();
            let change = async |failed: Option<&str>, seconds| {
                let mut work = store.begin().await.unwrap();
                work.see(&digest, &place, at(1)).await.unwrap();
                match failed {
                    Some(why) => drop(work.fail_gathering(&digest, &place, why, at(seconds)).await.unwrap()),
                    None => drop(work.save_gathered(&digest, &place, body, at(seconds)).await.unwrap()),
                }
                work.commit().await.unwrap();
            };
            assert!(is_known(1).await.is_err_and(|(_, new)| new));
            change(Some("broken"), 2).await;
            assert_eq!(is_known(2).await, Err(("broken".to_owned(), false)));
            change(None, 10).await;
            assert_eq!(is_known(10_000_000).await, Ok(()));
            change(Some("away"), 100).await;
            change(Some("still away"), 2000).await;
            assert_eq!(is_known(100 + 3599).await, Ok(()));
            assert_eq!(is_known(100 + 3600).await, Err(("still away".to_owned(), false)));
            change(None, 5000).await;
            assert_eq!(is_known(5000).await, Ok(()));
            // What a former version of the program kept is not understood, and no reason to wait for a refresh.
            let mut work = store.begin().await.unwrap();
            work.save_gathered(&digest, &place, b"assayev\x00", at(6000)).await.unwrap();
            work.commit().await.unwrap();
            assert!(is_known(6000).await.is_err_and(|(why, new)| why.contains("another version") && !new));
        });
    }
}
