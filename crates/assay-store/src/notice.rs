//! Who is told of events, and how far: one process at a time tells somebody, and takes up where the last one stopped.
//!
//! What is to be told is in [`crate::News`], what was told is remembered here so that nothing comes twice.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::Store;
use crate::text::{clean, key};
use sqlx::Row as _;
use std::collections::BTreeSet;
use std::time::Duration;

/// The wait after the first failure; it doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_secs(5);

/// The longest wait between two attempts.
const MAX_DELAY: Duration = Duration::from_secs(3600);

/// What of an error's text is kept.
const MAX_ERROR: usize = 1000;

/// How it stands with telling somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// Its number in the order of the names, by which lists go on.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// How often in a row it was not told.
    pub failures: i64,
    /// When it is tried again, if it was not told.
    pub retry_at: Option<Moment>,
    /// Why it was not told.
    pub error: Option<String>,
    /// How many pieces of news wait.
    pub pending: i64,
    /// How many alerts it was told of are not over.
    pub alerts: i64,
}

impl Store {
    /// Takes it on to tell somebody of events for a while, and returns the number of the last event that was told; `None` while another
    /// process does it, or the last attempt failed not long ago. Who is new is told of what happens from now on.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn claim_sink(
        &self,
        name: &str,
        owner: &str,
        lease: Duration,
        now: Moment,
    ) -> Result<Option<i64>, StoreError> {
        sqlx::query(
            "INSERT INTO sinks (name, after, owner, lease_until) SELECT $1, COALESCE(MAX(id), 0), '', 0 FROM events WHERE 1 = 1 \
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(key(name))
        .execute(&self.pool)
        .await?;
        let row = sqlx::query(
            "UPDATE sinks SET owner = $1, lease_until = $2 WHERE name = $3 AND (lease_until <= $4 OR owner = $5) \
             AND retry_at <= $6 RETURNING after",
        )
        .bind(clean(owner))
        .bind(now.plus(lease).0)
        .bind(key(name))
        .bind(now.0)
        .bind(clean(owner))
        .bind(now.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Returns which of these subjects somebody was told of since a moment.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn told(
        &self,
        sink: &str,
        subjects: &BTreeSet<String>,
        since: Moment,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut told = BTreeSet::new();
        for subject in subjects {
            let row = sqlx::query("SELECT at FROM told WHERE sink = $1 AND subject = $2 AND at >= $3")
                .bind(key(sink))
                .bind(key(subject))
                .bind(since.0)
                .fetch_optional(&self.pool)
                .await?;
            if row.is_some() {
                told.insert(subject.clone());
            }
        }
        Ok(told)
    }

    /// Records that somebody could not be told, and that it is to be tried again later.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn sink_failed(
        &self,
        name: &str,
        owner: &str,
        error: &str,
        now: Moment,
    ) -> Result<(), StoreError> {
        let row = sqlx::query(
            "UPDATE sinks SET failures = failures + 1, error = $1 WHERE name = $2 AND owner = $3 RETURNING failures",
        )
        .bind(clean(error).chars().take(MAX_ERROR).collect::<String>())
        .bind(key(name))
        .bind(clean(owner))
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let doublings = u32::try_from(row.try_get::<i64, _>(0)?.saturating_sub(1)).unwrap_or(0).min(16);
        let delay = FIRST_DELAY.saturating_mul(1 << doublings).min(MAX_DELAY);
        sqlx::query("UPDATE sinks SET retry_at = $1 WHERE name = $2")
            .bind(now.plus(delay).0)
            .bind(key(name))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets what was told before a moment; returns how much.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn forget_told(&self, before: Moment) -> Result<u64, StoreError> {
        let gone = sqlx::query("DELETE FROM told WHERE at < $1").bind(before.0).execute(&self.pool).await?;
        Ok(gone.rows_affected())
    }

    /// Returns how it stands with telling each, those after a number in the order of their names.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn sinks(&self, after: i64, limit: i64) -> Result<Vec<Sink>, StoreError> {
        let rows = sqlx::query(
            "SELECT x.id, x.name, x.failures, x.retry_at, x.error, (SELECT COUNT(*) FROM pending p WHERE p.sink = x.name), \
             (SELECT COUNT(*) FROM alerts a WHERE a.sink = x.name) FROM (SELECT ROW_NUMBER() OVER (ORDER BY name) AS id, name, failures, \
             retry_at, error FROM sinks) x WHERE x.id > $1 ORDER BY x.id LIMIT $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let failures: i64 = row.try_get(2)?;
                Ok(Sink {
                    id: row.try_get(0)?,
                    name: row.try_get(1)?,
                    failures,
                    retry_at: if failures > 0 { Some(Moment(row.try_get(3)?)) } else { None },
                    error: row.try_get(4)?,
                    pending: row.try_get(5)?,
                    alerts: row.try_get(6)?,
                })
            })
            .collect()
    }
}
