//! What the server knows of images that are to be pruned: what runs, and how old they are.

use crate::error::CommandError;
use assay_model::{Digest, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Where to look that up.
#[derive(Debug, clap::Args)]
pub(super) struct KnownArgs {
    /// The server's folder: what its database calls deployed or last known good is never pruned.
    #[cfg(feature = "server")]
    #[arg(long, value_name = "DIR", value_parser = crate::command::path, conflicts_with = "database")]
    data: Option<std::path::PathBuf>,

    /// The server's database on PostgreSQL, for the same.
    #[cfg(feature = "server")]
    #[arg(long, value_name = "URL", env = "ASSAY_DATABASE", hide_env_values = true)]
    database: Option<assay_store::Address>,
}

/// What is known of one repository.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) deployed: BTreeSet<Digest>,
    pub(super) first_seen: BTreeMap<Digest, Timestamp>,
    pub(super) last_pulled: BTreeMap<Digest, Timestamp>,
}

impl KnownArgs {
    /// Looks up what is known of each repository, given as registry and name; nothing where no database is named.
    #[cfg(feature = "server")]
    pub(super) fn of(&self, repositories: &[(String, String)]) -> Result<Vec<Known>, CommandError> {
        let address = match (&self.data, &self.database) {
            (Some(folder), _) => {
                let path = folder.join("assay-server.db");
                let path = std::path::absolute(&path).unwrap_or(path);
                assay_store::Address::File(path)
            }
            (None, Some(address)) => address.clone(),
            (None, None) => return Ok(repositories.iter().map(|_| Known::default()).collect()),
        };
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            CommandError::work(format!("cannot tell from `{address}` what is deployed"), error)
                .hint("check `--data DIR` or `--database URL`, and start the server of this version once")
        };
        let (deployed, images) =
            assay_server::known_images(&address, repositories).map_err(|error| failed(error.into()))?;
        let known = images.into_iter().map(|images| {
            let mut known = Known { deployed: deployed.clone(), ..Known::default() };
            for used in images {
                known.first_seen.insert(used.digest, used.first_seen.timestamp());
                known.last_pulled.extend(used.last_pulled.map(|at| (used.digest, at.timestamp())));
            }
            known
        });
        Ok(known.collect())
    }

    /// A program without the server knows nothing.
    #[cfg(not(feature = "server"))]
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the interface of a program with the server"
    )]
    pub(super) fn of(&self, repositories: &[(String, String)]) -> Result<Vec<Known>, CommandError> {
        Ok(repositories.iter().map(|_| Known::default()).collect())
    }
}
