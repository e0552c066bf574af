//! What was admitted before it was scanned, and since when: so that it ends.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::{Store, Work};
use crate::text;
use sqlx::Row as _;

impl Work {
    /// Records that something unscanned was admitted; the first time counts.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn watch(&mut self, name: &str, now: Moment) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO watched (name, since) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(text::key(name))
            .bind(now.0)
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// Records that it is admitted no more; says whether that is news.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn end_watch(&mut self, name: &str, now: Moment) -> Result<bool, StoreError> {
        let ended = sqlx::query("UPDATE watched SET ended = $1 WHERE name = $2 AND ended IS NULL")
            .bind(now.0)
            .bind(text::key(name))
            .execute(&mut *self.transaction)
            .await?;
        Ok(ended.rows_affected() > 0)
    }

    /// Forgets that something was admitted unscanned, because it is judged now, or known by another name.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn unwatch(&mut self, name: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM watched WHERE name = $1")
            .bind(text::key(name))
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Returns since when something has been admitted unscanned, if it was.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn watched_since(&self, name: &str) -> Result<Option<Moment>, StoreError> {
        let row = sqlx::query("SELECT since FROM watched WHERE name = $1")
            .bind(text::key(name))
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.map(Moment))
    }
}
