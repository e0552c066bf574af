//! What is deployed where, and what may be forgotten. Nothing that runs, and nothing that a service could be rolled back to.

use crate::error::StoreError;
use crate::image;
use crate::moment::Moment;
use crate::store::{Lock, Store, Work};
use crate::text::key;
use assay_model::Digest;
use sqlx::Row as _;

/// A service in an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service<'a> {
    /// The environment, such as `production`.
    pub environment: &'a str,
    /// The service.
    pub name: &'a str,
}

/// An image is kept while it was seen after the given moment, a service runs it, it is the newest image of a service that was known
/// to be good, or there is work to be done about it.
const FORGETTABLE: &str = "FROM images i WHERE i.last_seen < $1 \
     AND NOT EXISTS (SELECT 1 FROM deployments d WHERE d.image = i.id AND d.ended IS NULL) \
     AND NOT EXISTS (SELECT 1 FROM deployments d WHERE d.image = i.id AND d.good = 1 AND d.id = (SELECT MAX(g.id) \
     FROM deployments g WHERE g.environment = d.environment AND g.service = d.service AND g.good = 1)) \
     AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.name = i.digest AND j.state IN ('queued', 'running'))";

/// What is part of an index that is kept is kept with it: the same conditions, of the index.
const IN_KEPT_INDEX: &str = "AND NOT EXISTS (SELECT 1 FROM children x JOIN images p ON p.id = x.parent \
     WHERE x.child = i.id AND (p.last_seen >= $2 OR EXISTS (SELECT 1 FROM deployments d WHERE d.image = p.id AND (d.ended IS NULL \
     OR (d.good = 1 AND d.id = (SELECT MAX(g.id) FROM deployments g WHERE g.environment = d.environment \
     AND g.service = d.service AND g.good = 1))))))";

impl Work {
    /// Records that a service runs an image from now on, instead of the one it ran.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn deploy(
        &mut self,
        service: &Service<'_>,
        digest: &Digest,
        now: Moment,
    ) -> Result<(), StoreError> {
        self.lock(Lock::Deployments).await?;
        let image = self.image_id(digest).await?;
        let running = sqlx::query(
            "SELECT id, image FROM deployments WHERE environment = $1 AND service = $2 AND ended IS NULL ORDER BY id",
        )
        .bind(key(service.environment))
        .bind(key(service.name))
        .fetch_all(&mut *self.transaction)
        .await?;
        if let [row] = running.as_slice()
            && row.try_get::<i64, _>(1)? == image
        {
            return Ok(());
        }
        self.undeploy(service, now).await?;
        sqlx::query("INSERT INTO deployments (environment, service, image, since) VALUES ($1, $2, $3, $4)")
            .bind(key(service.environment))
            .bind(key(service.name))
            .bind(image)
            .bind(now.0)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// Records that a service runs no more.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn undeploy(&mut self, service: &Service<'_>, now: Moment) -> Result<(), StoreError> {
        self.lock(Lock::Deployments).await?;
        sqlx::query(
            "UPDATE deployments SET ended = $1 WHERE environment = $2 AND service = $3 AND ended IS NULL",
        )
        .bind(now.0)
        .bind(key(service.environment))
        .bind(key(service.name))
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Records that what a service runs works: it is what to go back to. Says whether it runs anything.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn mark_good(&mut self, service: &Service<'_>) -> Result<bool, StoreError> {
        self.lock(Lock::Deployments).await?;
        let marked = sqlx::query(
            "UPDATE deployments SET good = 1 WHERE environment = $1 AND service = $2 AND ended IS NULL",
        )
        .bind(key(service.environment))
        .bind(key(service.name))
        .execute(&mut *self.transaction)
        .await?;
        Ok(marked.rows_affected() > 0)
    }

    /// Forgets images that were last seen before a moment, with all that is known of them, and returns them. What is deployed, last
    /// known good, or has work to be done stays.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn prune(&mut self, before: Moment) -> Result<Vec<Digest>, StoreError> {
        self.lock(Lock::Deployments).await?;
        let sql = format!("SELECT i.id, i.digest {FORGETTABLE} {IN_KEPT_INDEX} ORDER BY i.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(before.0)
            .bind(before.0)
            .fetch_all(&mut *self.transaction)
            .await?;
        let mut gone = Vec::new();
        for row in rows {
            let id: i64 = row.try_get(0)?;
            // Deployments that ended are kept for as long as their image is.
            sqlx::query("DELETE FROM deployments WHERE image = $1")
                .bind(id)
                .execute(&mut *self.transaction)
                .await?;
            sqlx::query("DELETE FROM images WHERE id = $1").bind(id).execute(&mut *self.transaction).await?;
            gone.push(image::digest(&row, 1)?);
        }
        if !gone.is_empty() {
            sqlx::query(
                "DELETE FROM packages WHERE NOT EXISTS (SELECT 1 FROM image_packages x WHERE x.package = packages.id)",
            )
            .execute(&mut *self.transaction)
            .await?;
            sqlx::query(
                "DELETE FROM files WHERE NOT EXISTS (SELECT 1 FROM image_files x WHERE x.file = files.id)",
            )
            .execute(&mut *self.transaction)
            .await?;
        }
        Ok(gone)
    }
}

impl Store {
    /// Returns what [`Work::prune`] would forget.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn prunable(&self, before: Moment) -> Result<Vec<Digest>, StoreError> {
        let sql = format!("SELECT i.digest {FORGETTABLE} {IN_KEPT_INDEX} ORDER BY i.id");
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(before.0).bind(before.0).fetch_all(&self.pool).await?;
        rows.iter().map(|row| image::digest(row, 0)).collect()
    }

    /// Returns what a service can go back to: the newest image that was known to be good.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn last_known_good(&self, service: &Service<'_>) -> Result<Option<Digest>, StoreError> {
        let row = sqlx::query(
            "SELECT i.digest FROM deployments d JOIN images i ON i.id = d.image \
             WHERE d.environment = $1 AND d.service = $2 AND d.good = 1 ORDER BY d.id DESC LIMIT 1",
        )
        .bind(key(service.environment))
        .bind(key(service.name))
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(|row| image::digest(row, 0)).transpose()
    }
}
