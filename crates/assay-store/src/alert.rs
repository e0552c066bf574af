//! Alerts that somebody was told of and that are not over: an alert manager forgets what it is not told again.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::{Store, Work};
use crate::text::{clean, key};
use sqlx::Row as _;

/// What somebody was told is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What it is about.
    pub subject: String,
    /// The image, if it is about one.
    pub digest: Option<String>,
    /// What it is known by, as whoever tells of it wrote it. Several subjects may be one alert.
    pub labels: String,
    /// What is said about it.
    pub summary: String,
    /// Since when it is so.
    pub starts: Moment,
}

impl Work {
    /// Remembers an alert that somebody was told of.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn raise_alert(&mut self, sink: &str, alert: &Alert, now: Moment) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO alerts (sink, subject, digest, labels, summary, starts, sent) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (sink, subject) DO UPDATE SET labels = excluded.labels, summary = excluded.summary, sent = excluded.sent",
        )
        .bind(key(sink))
        .bind(key(&alert.subject))
        .bind(alert.digest.as_deref())
        .bind(clean(&alert.labels))
        .bind(clean(&alert.summary))
        .bind(alert.starts.0)
        .bind(now.0)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Forgets an alert that is over: when it begins again that is news.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn end_alert(&mut self, sink: &str, subject: &str) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM alerts WHERE sink = $1 AND subject = $2",
            "DELETE FROM told WHERE sink = $1 AND subject = $2",
        ] {
            sqlx::query(sql).bind(key(sink)).bind(key(subject)).execute(&mut *self.transaction).await?;
        }
        Ok(())
    }

    /// Notes that somebody was told again of all alerts with these labels.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn repeat_alert(&mut self, sink: &str, labels: &str, now: Moment) -> Result<(), StoreError> {
        sqlx::query("UPDATE alerts SET sent = $1 WHERE sink = $2 AND labels = $3")
            .bind(now.0)
            .bind(key(sink))
            .bind(clean(labels))
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Returns one alert.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn alert(&self, sink: &str, subject: &str) -> Result<Option<Alert>, StoreError> {
        let row = sqlx::query(
            "SELECT subject, digest, labels, summary, starts FROM alerts WHERE sink = $1 AND subject = $2",
        )
        .bind(key(sink))
        .bind(key(subject))
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(alert).transpose()
    }

    /// Returns the subjects of which alerts with these labels are.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn alerts_labelled(&self, sink: &str, labels: &str) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT subject FROM alerts WHERE sink = $1 AND labels = $2 ORDER BY subject")
            .bind(key(sink))
            .bind(clean(labels))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Returns alerts that were told of before a moment, one for all with the same labels, the earliest first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn alerts_to_repeat(
        &self,
        sink: &str,
        before: Moment,
        limit: i64,
    ) -> Result<Vec<Alert>, StoreError> {
        let rows = sqlx::query(
            "SELECT MIN(subject), MIN(digest), labels, MIN(summary), MIN(starts) FROM alerts WHERE sink = $1 AND sent <= $2 \
             GROUP BY labels ORDER BY MIN(sent), labels LIMIT $3",
        )
        .bind(key(sink))
        .bind(before.0)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(alert).collect()
    }

    /// Returns alerts about images that are no longer known, which nobody will say are over.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn alerts_of_nothing(&self, sink: &str, limit: i64) -> Result<Vec<Alert>, StoreError> {
        let rows = sqlx::query(
            "SELECT subject, digest, labels, summary, starts FROM alerts WHERE sink = $1 AND digest IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM images i WHERE i.digest = alerts.digest) ORDER BY subject LIMIT $2",
        )
        .bind(key(sink))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(alert).collect()
    }
}

fn alert(row: &sqlx::any::AnyRow) -> Result<Alert, StoreError> {
    Ok(Alert {
        subject: row.try_get(0)?,
        digest: row.try_get(1)?,
        labels: row.try_get(2)?,
        summary: row.try_get(3)?,
        starts: Moment(row.try_get(4)?),
    })
}
