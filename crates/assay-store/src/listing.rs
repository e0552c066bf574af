//! Lists as people read them: the newest or the worst first, a page at a time.

use crate::audit::AuditEntry;
use crate::error::StoreError;
use crate::event::{Event, Start};
use crate::moment::Moment;
use crate::scan::{KnownFinding, known_finding};
use crate::store::Store;
use crate::triage::{Triaged, decision};
use crate::view::View;
use assay_model::Digest;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::time::Duration;

/// A job, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    /// Its number, by which lists go on.
    pub id: i64,
    /// What is done.
    pub kind: String,
    /// What it is about.
    pub name: String,
    /// The registry it asks.
    pub registry: String,
    /// The repository, or the name of an image, that it is about.
    pub payload: String,
    /// `queued`, `running`, `done` or `failed`.
    pub state: String,
    /// Attempts so far, and at most.
    pub attempts: (i64, i64),
    /// When it was asked for.
    pub created: Moment,
    /// When it may be done, or was taken.
    pub run_at: Moment,
    /// How long it took, if it ended.
    pub took: Option<Duration>,
    /// Who has or had it.
    pub worker: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Whether findings are wanted that are there, or that were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They are there and count.
    Open,
    /// They are there, and a statement takes them out of the count.
    Suppressed,
    /// They were there.
    Gone,
}

impl Standing {
    fn condition(self) -> &'static str {
        match self {
            Self::Open => "f.gone_at IS NULL AND f.suppressed = 0",
            Self::Suppressed => "f.gone_at IS NULL AND f.suppressed <> 0",
            Self::Gone => "f.gone_at IS NOT NULL",
        }
    }
}

/// Which findings of an image are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingFilter {
    /// Whether they are there.
    pub standing: Standing,
    /// Whether something was decided about them.
    pub triage: Triaged,
    /// Only those that had been gone and came back.
    pub recurring: bool,
}

impl From<Standing> for FindingFilter {
    fn from(standing: Standing) -> Self {
        Self { standing, triage: Triaged::Either, recurring: false }
    }
}

const JOBS: &str = "SELECT id, kind, name, registry, state, attempt, max_attempts, created, run_at, started, finished, worker, \
     error, payload FROM jobs";

fn job_status(row: &AnyRow) -> Result<JobStatus, StoreError> {
    let started = row.try_get::<Option<i64>, _>(9)?.map(Moment);
    let finished = row.try_get::<Option<i64>, _>(10)?.map(Moment);
    Ok(JobStatus {
        id: row.try_get(0)?,
        kind: row.try_get(1)?,
        name: row.try_get(2)?,
        registry: row.try_get(3)?,
        payload: row.try_get(13)?,
        state: row.try_get(4)?,
        attempts: (row.try_get(5)?, row.try_get(6)?),
        created: Moment(row.try_get(7)?),
        run_at: Moment(row.try_get(8)?),
        took: started.zip(finished).map(|(started, finished)| finished.since(started)),
        worker: row.try_get(11)?,
        error: row.try_get(12)?,
    })
}

impl View<'_> {
    /// Returns findings of an image, the most severe first, from a place in the list on.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn findings_of(
        &self,
        digest: &Digest,
        filter: impl Into<FindingFilter>,
        skip: i64,
        limit: i64,
    ) -> Result<Vec<KnownFinding>, StoreError> {
        let filter = filter.into();
        let sql = format!(
            "SELECT f.fingerprint, f.kind, f.rule, f.severity, f.priority, f.package, f.version, f.fix, f.fixed_versions, \
             f.suppressed, f.first_seen, f.gone_at, f.reopened, {} FROM findings f JOIN images i ON i.id = f.image \
             WHERE i.digest = $1{} AND {} AND {} AND f.reopened >= $2 ORDER BY CASE f.severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 \
             WHEN 'low' THEN 3 WHEN 'negligible' THEN 4 ELSE 5 END, f.rule, f.package, f.fingerprint LIMIT $3 OFFSET $4",
            decision(self.scope, 5),
            self.scope.image("i.id", 5),
            filter.standing.condition(),
            filter.triage.condition(self.scope, 5)
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(digest.to_string())
            .bind(i64::from(filter.recurring))
            .bind(limit)
            .bind(skip);
        let rows = self.scope.bind(query).fetch_all(&self.store.pool).await?;
        rows.iter().map(known_finding).collect()
    }

    /// Returns events before a number, the newest first: all, those of a kind, or those about an image.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn newest_events(
        &self,
        kind: &str,
        digest: Option<&Digest>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        self.some_events(Start::Before(before.unwrap_or(i64::MAX)), kind, digest, limit).await
    }
}

impl Store {
    /// Returns findings of an image, as [`View::findings_of`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn findings_of(
        &self,
        digest: &Digest,
        filter: impl Into<FindingFilter>,
        skip: i64,
        limit: i64,
    ) -> Result<Vec<KnownFinding>, StoreError> {
        self.whole().findings_of(digest, filter, skip, limit).await
    }

    /// Returns events, as [`View::newest_events`] does.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn newest_events(
        &self,
        kind: &str,
        digest: Option<&Digest>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Event>, StoreError> {
        self.whole().newest_events(kind, digest, before, limit).await
    }

    /// Returns how many open findings of each severity an image has.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn severities_of(&self, digest: &Digest) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT f.severity, COUNT(*) FROM findings f JOIN images i ON i.id = f.image \
             WHERE i.digest = $1 AND f.gone_at IS NULL AND f.suppressed = 0 GROUP BY f.severity ORDER BY f.severity",
        )
        .bind(digest.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// Returns jobs before a number in a state, the newest first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn newest_jobs(
        &self,
        state: &str,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<JobStatus>, StoreError> {
        let sql = format!("{JOBS} WHERE state = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(state)
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(job_status).collect()
    }

    /// Returns a job by its number.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn job(&self, id: i64) -> Result<Option<JobStatus>, StoreError> {
        let sql = format!("{JOBS} WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(job_status).transpose()
    }

    /// Returns entries of the audit log before a number, the newest first.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn newest_audit(&self, before: Option<i64>, limit: i64) -> Result<Vec<AuditEntry>, StoreError> {
        let end = match before {
            Some(before) => before,
            None => {
                let row =
                    sqlx::query("SELECT COALESCE(MAX(sequence), 0) FROM audit").fetch_one(&self.pool).await?;
                row.try_get::<i64, _>(0)?.saturating_add(1)
            }
        };
        // Sequences have no gaps.
        let mut entries = self.audit_log(end.saturating_sub(limit.saturating_add(1)), limit).await?;
        entries.retain(|entry| entry.sequence < end);
        entries.reverse();
        Ok(entries)
    }
}
