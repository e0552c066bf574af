//! Fetches the feeds and builds the database from them.

use assay_advisories::FEEDS;
use assay_advisories::build::{BuildDatabaseError, BuildOptions, BuildSummary, build};
use assay_advisories::database::Database;
use assay_advisories::fetch::{FetchFeedsError, FetchOptions, FetchSummary, fetch};
use assay_oci::{Network, RegistryError};
use std::path::Path;

/// Why the feeds could not be fetched, or no database could be built from them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateDatabaseError {
    /// The network may not be used or cannot be started.
    #[error("cannot fetch the feeds")]
    Network(#[from] RegistryError),
    /// The download folder cannot be used.
    #[error("cannot keep the feeds")]
    Folder(#[from] FetchFeedsError),
    /// Not one file could be had.
    #[error("no feed could be fetched: {first}")]
    Nothing {
        /// What happened to the first of them.
        first: String,
    },
    /// The feeds were fetched, but give no database.
    #[error("cannot build the database from the feeds")]
    Build(#[from] BuildDatabaseError),
}

/// Fetches the feeds' files into `downloads`, where they changed.
///
/// # Errors
/// Fails when nothing at all could be fetched; the failures of single feeds are in the summary.
pub fn fetch_feeds(
    network: &Network,
    downloads: &Path,
    mirror: Option<String>,
) -> Result<FetchSummary, UpdateDatabaseError> {
    let host = mirror.clone().unwrap_or_else(|| "the feeds' publishers".to_owned());
    let options = FetchOptions { mirror, ..FetchOptions::default() };
    let fetched = network.with_public_client(&host, |client| async move {
        fetch(FEEDS, downloads, &client, &options).await
    })??;
    if !fetched.any() {
        let first = fetched.errors().into_iter().next();
        let first = first.map_or_else(|| "there is none at that address".to_owned(), |(_, message)| message);
        return Err(UpdateDatabaseError::Nothing { first });
    }
    Ok(fetched)
}

/// Builds the database at `target` from what was fetched into `downloads`.
///
/// Feeds that failed are noted in the database; their earlier files are used.
///
/// # Errors
/// Fails as [`build`] does; the database at `target` then stays as it was.
pub fn build_fetched(
    fetched: &FetchSummary,
    downloads: &Path,
    target: &Path,
    options: &BuildOptions<'_>,
) -> Result<BuildSummary, UpdateDatabaseError> {
    let errors = fetched.errors();
    let previous = Database::open(target).ok();
    let options = BuildOptions { errors: &errors, previous: previous.as_ref(), ..*options };
    Ok(build(&[downloads.to_owned()], target, &options)?)
}
