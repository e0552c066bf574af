//! What is deployed where, and what may be forgotten. Nothing that runs, and nothing that a service could be rolled back to.

use crate::error::StoreError;
use crate::image;
use crate::moment::Moment;
use crate::scan::{ROWS, rows};
use crate::store::{Lock, Store, Work};
use crate::text::{clean, key};
use assay_model::Digest;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::BTreeSet;

/// A service in an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service<'a> {
    /// The environment, such as `production`.
    pub environment: &'a str,
    /// The service.
    pub name: &'a str,
}

/// An image that may be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgettable {
    /// Its number, by which lists go on.
    pub id: i64,
    /// Its digest.
    pub digest: Digest,
    /// The registry it was first seen in.
    pub registry: String,
    /// The repository it was first seen in.
    pub repository: String,
    /// When it was last seen.
    pub last_seen: Moment,
}

/// An image is kept while it was seen after the given moment, or a cluster admitted it after that, a service runs it, it is the newest image of a service that was known
/// to be good, it was promoted and the release tag not moved since, somebody wants it kept, or there is work to be done about it. So is an index of which a service runs, or could go back to, a
/// part; and what is part of an index that is kept, or of an index in one.
const KEPT: &str = "WITH RECURSIVE used (id) AS (SELECT d.image FROM deployments d WHERE d.ended IS NULL \
     OR (d.good = 1 AND d.id = (SELECT MAX(g.id) FROM deployments g WHERE g.environment = d.environment AND g.service = d.service \
     AND g.good = 1)) UNION SELECT c.parent FROM children c JOIN used u ON u.id = c.child), \
     kept (id) AS (SELECT id FROM used UNION SELECT i.id FROM images i WHERE i.last_seen >= $1 OR i.kept IS NOT NULL \
     OR i.digest IN (SELECT digest FROM promotions WHERE moved_to IS NULL) \
     OR i.digest IN (SELECT j.name FROM jobs j WHERE j.state IN ('queued', 'running')) \
     UNION SELECT i.id FROM images i JOIN admitted a ON a.digest = i.digest WHERE a.last >= $1 \
     UNION SELECT c.child FROM children c JOIN kept k ON k.id = c.parent) \
     SELECT i.id, i.digest, i.registry, i.repository, i.last_seen FROM images i \
     WHERE i.last_seen < $2 AND i.id > $3 AND i.id NOT IN (SELECT id FROM kept) ORDER BY i.id LIMIT $4";

fn forgettable(row: &AnyRow) -> Result<Forgettable, StoreError> {
    Ok(Forgettable {
        id: row.try_get(0)?,
        digest: image::digest(row, 1)?,
        registry: row.try_get(2)?,
        repository: row.try_get(3)?,
        last_seen: Moment(row.try_get(4)?),
    })
}

impl Work {
    /// Records that a service runs an image from now on, instead of the one it ran; says whether that is another.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn deploy(
        &mut self,
        service: &Service<'_>,
        digest: &Digest,
        now: Moment,
    ) -> Result<bool, StoreError> {
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
            return Ok(false);
        }
        self.undeploy(service, now).await?;
        sqlx::query("INSERT INTO deployments (environment, service, image, since) VALUES ($1, $2, $3, $4)")
            .bind(key(service.environment))
            .bind(key(service.name))
            .bind(image)
            .bind(now.0)
            .execute(&mut *self.transaction)
            .await?;
        Ok(true)
    }

    /// Records that a service runs no more; says whether it ran.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn undeploy(&mut self, service: &Service<'_>, now: Moment) -> Result<bool, StoreError> {
        self.lock(Lock::Deployments).await?;
        let ended = sqlx::query(
            "UPDATE deployments SET ended = $1 WHERE environment = $2 AND service = $3 AND ended IS NULL",
        )
        .bind(now.0)
        .bind(key(service.environment))
        .bind(key(service.name))
        .execute(&mut *self.transaction)
        .await?;
        Ok(ended.rows_affected() > 0)
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

    /// Keeps an image however long ago it was seen, and says why; or no longer.
    ///
    /// # Errors
    /// Fails when the database does not answer, or the image was never seen.
    pub async fn keep(&mut self, digest: &Digest, why: Option<&str>) -> Result<(), StoreError> {
        let image = self.image_id(digest).await?;
        sqlx::query("UPDATE images SET kept = $1 WHERE id = $2")
            .bind(why.map(clean))
            .bind(image)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// Forgets up to so many images that were last seen before a moment, with all that is known of them, and returns them. What is
    /// deployed, last known good, wanted, part of an index that stays, or has work to be done stays.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn prune(&mut self, before: Moment, limit: i64) -> Result<Vec<Forgettable>, StoreError> {
        self.lock(Lock::Deployments).await?;
        let rows = sqlx::query(KEPT)
            .bind(before.0)
            .bind(before.0)
            .bind(0_i64)
            .bind(limit)
            .fetch_all(&mut *self.transaction)
            .await?;
        let gone = rows.iter().map(forgettable).collect::<Result<Vec<_>, _>>()?;
        // Names that only these images have go with them; to look at all names there are for each few images took longer than the rest.
        let (mut packages, mut files) = (BTreeSet::new(), BTreeSet::new());
        for image in &gone {
            packages.extend(
                self.names_of("SELECT package FROM image_packages WHERE image = $1", image.id).await?,
            );
            files.extend(self.names_of("SELECT file FROM image_files WHERE image = $1", image.id).await?);
            // Deployments that ended are kept for as long as their image is.
            sqlx::query("DELETE FROM deployments WHERE image = $1")
                .bind(image.id)
                .execute(&mut *self.transaction)
                .await?;
            // That it was admitted is known on, but not if something was found out since that nobody judged.
            sqlx::query(
                "DELETE FROM admitted WHERE digest = $1 AND generation <> (SELECT generation FROM images WHERE id = $2)",
            )
            .bind(image.digest.to_string())
            .bind(image.id)
            .execute(&mut *self.transaction)
            .await?;
            sqlx::query("DELETE FROM images WHERE id = $1")
                .bind(image.id)
                .execute(&mut *self.transaction)
                .await?;
        }
        self.forget_unused("packages", "image_packages x WHERE x.package = packages.id", packages).await?;
        self.forget_unused("files", "image_files x WHERE x.file = files.id", files).await?;
        Ok(gone)
    }

    async fn names_of(&mut self, sql: &'static str, image: i64) -> Result<Vec<i64>, StoreError> {
        let rows = sqlx::query(sql).bind(image).fetch_all(&mut *self.transaction).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Deletes those of these names that nothing uses any more.
    async fn forget_unused(
        &mut self,
        table: &str,
        used: &str,
        names: BTreeSet<i64>,
    ) -> Result<(), StoreError> {
        let names: Vec<i64> = names.into_iter().collect();
        for chunk in names.chunks(ROWS) {
            let choice = rows(chunk.len(), 1, |at| format!("CAST(${} AS BIGINT)", at + 1));
            // Taken first: who is about to use a name keeps it, and is seen to use it by the statement after this one.
            for sql in [
                format!(
                    "SELECT id FROM {table} WHERE id IN ({choice}) ORDER BY id{}",
                    self.backend.take_rows()
                ),
                format!("DELETE FROM {table} WHERE id IN ({choice}) AND NOT EXISTS (SELECT 1 FROM {used})"),
            ] {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for id in chunk {
                    query = query.bind(*id);
                }
                query.execute(&mut *self.transaction).await?;
            }
        }
        Ok(())
    }
}

/// What is known of an image of one repository, for who prunes the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// The image.
    pub digest: Digest,
    /// When it was first seen there.
    pub first_seen: Moment,
    /// When it was last pulled, from wherever, or a pod with it was admitted.
    pub last_pulled: Option<Moment>,
}

impl Store {
    /// Returns what runs and what a service can go back to, with every index that it is part of and every image of such an index.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn deployed(&self) -> Result<BTreeSet<Digest>, StoreError> {
        let rows = sqlx::query(
            "WITH RECURSIVE used (id) AS (SELECT d.image FROM deployments d WHERE d.ended IS NULL OR (d.good = 1 AND d.id = \
             (SELECT MAX(g.id) FROM deployments g WHERE g.environment = d.environment AND g.service = d.service AND g.good = 1)) \
             UNION SELECT CASE WHEN c.child = u.id THEN c.parent ELSE c.child END FROM children c \
             JOIN used u ON u.id = c.child OR u.id = c.parent) SELECT i.digest FROM used JOIN images i ON i.id = used.id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| image::digest(row, 0)).collect()
    }

    /// Returns what is known of the images of a repository.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn used(&self, registry: &str, repository: &str) -> Result<Vec<Used>, StoreError> {
        let rows = sqlx::query(
            "SELECT i.digest, MAX(t.first_seen), MAX(p.last_pulled), (SELECT MAX(a.last) FROM admitted a WHERE a.digest = i.digest \
             OR a.digest IN (SELECT k.digest FROM children c JOIN images k ON k.id = c.child WHERE c.parent = i.id)) \
             FROM tags t JOIN images i ON i.id = t.image LEFT JOIN pulls p ON p.image = i.id \
             WHERE t.registry = $1 AND t.repository = $2 GROUP BY i.id, i.digest",
        )
        .bind(registry)
        .bind(repository)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Used {
                    digest: image::digest(row, 0)?,
                    first_seen: Moment(row.try_get(1)?),
                    last_pulled: row
                        .try_get::<Option<i64>, _>(2)?
                        .max(row.try_get::<Option<i64>, _>(3)?)
                        .map(Moment),
                })
            })
            .collect()
    }

    /// Returns what [`Work::prune`] would forget, those after a number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn prunable(
        &self,
        before: Moment,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Forgettable>, StoreError> {
        let rows = sqlx::query(KEPT)
            .bind(before.0)
            .bind(before.0)
            .bind(after)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(forgettable).collect()
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

    /// Returns which services run an image now, or an index that it is part of, as environment and name.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn services_running(&self, digest: &Digest) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query(
            "WITH RECURSIVE whole (id) AS (SELECT id FROM images WHERE digest = $1 UNION SELECT c.parent FROM children c \
             JOIN whole w ON w.id = c.child) SELECT DISTINCT d.environment, d.service FROM whole w \
             JOIN deployments d ON d.image = w.id WHERE d.ended IS NULL ORDER BY d.environment, d.service",
        )
        .bind(digest.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}
