//! By which database reports hold: an image about which a newer database says nothing new is as well known as one that was matched again.

use crate::error::StoreError;
use crate::image::{self, Place};
use crate::moment::Moment;
use crate::scan::{Depth, ROWS, ReportStatus, rows};
use crate::store::{Store, Work};
use crate::text::clean;
use assay_model::Digest;
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::BTreeSet;

/// A report as it stood when it was looked at: advancing it takes that nobody has written another meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    /// The image.
    pub digest: Digest,
    id: i64,
    depth: String,
    evaluated: i64,
}

/// The reports that count: the deepest of each image.
const DEEPEST: &str = "NOT EXISTS (SELECT 1 FROM reports d WHERE d.image = r.image AND \
     CASE d.depth WHEN 'deep' THEN 3 WHEN 'fast' THEN 2 ELSE 1 END > CASE r.depth WHEN 'deep' THEN 3 WHEN 'fast' THEN 2 ELSE 1 END)";

impl Work {
    /// Says that what is done from time to time is done now, unless it was after `before`: then another process did. Says which.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn take_turn(&mut self, name: &str, before: Moment, now: Moment) -> Result<bool, StoreError> {
        let taken = sqlx::query(
            "INSERT INTO looks (name, at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET at = excluded.at WHERE looks.at <= $3",
        )
        .bind(name)
        .bind(now.0)
        .bind(before.0)
        .execute(&mut *self.transaction)
        .await?;
        Ok(taken.rows_affected() > 0)
    }
}

impl Store {
    /// Returns images that were scanned and never looked at deeply, were seen since a moment, and where they can be had; the newest first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn shallow(&self, since: Moment, limit: i64) -> Result<Vec<(Digest, Place)>, StoreError> {
        let rows = sqlx::query(
            "SELECT i.digest, i.registry, i.repository FROM images i WHERE i.last_seen >= $1 \
             AND EXISTS (SELECT 1 FROM reports r WHERE r.image = i.id) \
             AND NOT EXISTS (SELECT 1 FROM reports r WHERE r.image = i.id AND r.depth = 'deep') ORDER BY i.id DESC LIMIT $2",
        )
        .bind(since.0)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let place = Place { registry: row.try_get(1)?, repository: row.try_get(2)?, tag: None };
                Ok((image::digest(row, 0)?, place))
            })
            .collect()
    }

    /// Returns the reports that were made by the database of a moment, or were found to hold by it.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn reports_of(&self, database: Moment) -> Result<Vec<Dated>, StoreError> {
        let rows = sqlx::query(
            "SELECT i.id, i.digest, r.depth, r.evaluated FROM reports r JOIN images i ON i.id = r.image WHERE r.database_date = $1",
        )
        .bind(database.0)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Dated {
                    digest: image::digest(row, 1)?,
                    id: row.try_get(0)?,
                    depth: row.try_get(2)?,
                    evaluated: row.try_get(3)?,
                })
            })
            .collect()
    }

    /// Records that reports also hold by a newer database; those that were written again meanwhile are left out. Returns how many.
    ///
    /// # Errors
    /// Fails when the database does not answer. What was recorded until then stays.
    pub async fn advance(
        &self,
        reports: &[Dated],
        from: Moment,
        to: Moment,
        now: Moment,
    ) -> Result<u64, StoreError> {
        let mut advanced = 0;
        for chunk in reports.chunks(ROWS) {
            // The three stand in one row: a scan that is being written is waited for, and then its row is another.
            let choice = rows(chunk.len(), 3, |at| {
                format!("(CAST(${} AS BIGINT), ${}, CAST(${} AS BIGINT))", at + 4, at + 5, at + 6)
            });
            let sql = format!(
                "UPDATE reports SET database_date = $1, evaluated = $2 WHERE database_date = $3 \
                 AND (image, depth, evaluated) IN (VALUES {choice})"
            );
            let mut query = sqlx::query(self.backend.with_many(sql)).bind(to.0).bind(now.0).bind(from.0);
            for one in chunk {
                query = query.bind(one.id).bind(&one.depth).bind(one.evaluated);
            }
            advanced += query.execute(&self.pool).await?.rows_affected();
        }
        Ok(advanced)
    }

    /// Returns images whose report was made by an older database than this and never compared with it: a scan that took long, or a
    /// worker whose database is old.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn behind(&self, database: Moment) -> Result<BTreeSet<Digest>, StoreError> {
        let sql = format!(
            "SELECT i.digest FROM reports r JOIN images i ON i.id = r.image WHERE r.database_date < $1 AND {DEEPEST}"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(database.0).fetch_all(&self.pool).await?;
        rows.iter().map(|row| image::digest(row, 0)).collect()
    }

    /// Records what a vulnerability database says of itself; the first time counts.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn describe_database(&self, built: Moment, description: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO databases (built, description) VALUES ($1, $2) ON CONFLICT (built) DO NOTHING",
        )
        .bind(built.0)
        .bind(clean(description))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns what a vulnerability database said of itself.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn database_description(&self, built: Moment) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT description FROM databases WHERE built = $1")
            .bind(built.0)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Returns the newest vulnerability database that was described, and what it says of itself.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn newest_database(&self) -> Result<Option<(Moment, String)>, StoreError> {
        let row = sqlx::query("SELECT built, description FROM databases ORDER BY built DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok((Moment(row.try_get(0)?), row.try_get(1)?))).transpose()
    }

    /// Returns depth and dates of the report that [`Store::report`] would return, without reading it.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn report_status(&self, digest: &Digest) -> Result<Option<ReportStatus>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.depth, r.database_date, r.created, r.evaluated FROM reports r JOIN images i ON i.id = r.image WHERE i.digest = $1",
        )
        .bind(digest.to_string())
        .fetch_all(&self.pool)
        .await?;
        let mut deepest: Option<ReportStatus> = None;
        for row in rows {
            let Some(depth) = Depth::parse(&row.try_get::<String, _>(0)?) else { continue };
            if deepest.is_none_or(|other| depth > other.depth) {
                deepest = Some(ReportStatus {
                    depth,
                    database: Moment(row.try_get(1)?),
                    created: Moment(row.try_get(2)?),
                    evaluated: Moment(row.try_get(3)?),
                });
            }
        }
        Ok(deepest)
    }
}
