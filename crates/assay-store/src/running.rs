//! What runs, for who looks at every image of it: by what was told of deployments, and by what clusters have admitted.

use crate::error::StoreError;
use crate::image::{self, Place};
use crate::moment::Moment;
use crate::store::Store;
use assay_model::Digest;
use sqlx::Row as _;

impl Store {
    /// Returns the environment and the image of every service that runs, each service once.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn what_runs(&self) -> Result<Vec<(String, Digest)>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.environment, i.digest FROM deployments d JOIN images i ON i.id = d.image WHERE d.ended IS NULL ORDER BY d.id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, image::digest(row, 1)?))).collect()
    }

    /// Returns what each cluster has admitted since a moment, each image once for each repository that its pods named.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn what_is_admitted(&self, since: Moment) -> Result<Vec<(String, Digest, Place)>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT cluster, digest, registry, repository FROM admitted WHERE last >= $1 \
             ORDER BY cluster, digest, registry, repository",
        )
        .bind(since.0)
        .fetch_all(&self.pool)
        .await?;
        let place = |row: &sqlx::any::AnyRow| -> Result<Place, StoreError> {
            Ok(Place { registry: row.try_get(2)?, repository: row.try_get(3)?, tag: None })
        };
        rows.iter().map(|row| Ok((row.try_get(0)?, image::digest(row, 1)?, place(row)?))).collect()
    }
}
