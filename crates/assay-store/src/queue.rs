//! The job queue: a table of the same database, so that a job's result and its end are one transaction.
//!
//! That is why it is no library's queue. With one of those the result is written first and the job acknowledged afterwards, or the other
//! way round, and a process that is killed in between doubles or loses it. Limits per registry and one open job per digest would
//! have to be built on top as well.
//!
//! A job is taken for a limited time (a lease), which its worker renews (a heartbeat). When the worker dies the lease runs out and
//! [`Store::recover`] gives the job back. Each time a job is taken its attempt is counted up; whoever took it earlier and comes
//! back from a long pause has the wrong number, and nothing that it wrote in the same transaction is kept. Times come from the
//! processes, so their clocks must agree to well within a lease.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::store::{Lock, Store, Work};
use crate::text;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::time::Duration;

/// The kind of job that ordinary workers do not take: it writes to release repositories, and only who has the policy and the
/// credentials for that may do it.
pub const SET_APART: &str = "promote";

/// The wait after the first failure; it doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_secs(10);

/// The longest wait between two attempts.
const MAX_DELAY: Duration = Duration::from_secs(3600);

/// What of an error's text is kept.
const MAX_ERROR: usize = 4096;

/// A job to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What is to be done: `scan`, `rematch` …
    pub kind: String,
    /// What it is about, such as a digest. There is one open job per kind and name.
    pub name: String,
    /// The registry that it will ask, whose limit it counts towards; empty for none.
    pub registry: String,
    /// What else the worker must know.
    pub payload: String,
    /// The higher, the earlier.
    pub priority: i64,
    /// How often it is tried before it counts as failed.
    pub max_attempts: i64,
}

/// What became of a job that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It is new.
    New,
    /// The same is queued or running already. It has the higher of the two priorities now.
    Known,
    /// Too many are queued: it was not taken.
    Full,
}

/// A job that this worker holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// Which attempt this is, from 1: the proof that it is still ours.
    pub attempt: i64,
    /// What is to be done.
    pub kind: String,
    /// What it is about.
    pub name: String,
    /// The registry it asks.
    pub registry: String,
    /// What else there is to know.
    pub payload: String,
    /// How long it could have been done and was not.
    pub waited: Duration,
}

/// How jobs are chosen and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long a job is ours without a heartbeat.
    pub lease: Duration,
    /// How many jobs may ask one registry at a time, over all workers.
    pub per_registry: i64,
}

impl Default for Terms {
    fn default() -> Self {
        Self { lease: Duration::from_secs(60), per_registry: 4 }
    }
}

/// How many jobs of a kind are in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    /// The kind.
    pub kind: String,
    /// `queued`, `running`, `done` or `failed`.
    pub state: String,
    /// How many.
    pub jobs: i64,
    /// Since when the oldest of them could have been done.
    pub oldest: Moment,
}

/// What was done with jobs whose workers fell silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// How many are queued again.
    pub queued: u64,
    /// How many had no attempt left.
    pub failed: u64,
}

impl Work {
    /// Asks for a job, unless the same is queued or running.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn enqueue(&mut self, job: &NewJob, now: Moment) -> Result<Enqueued, StoreError> {
        let added = sqlx::query(
            "INSERT INTO jobs (kind, name, registry, payload, priority, state, max_attempts, created, run_at) \
             VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, $8) \
             ON CONFLICT (kind, name) WHERE state IN ('queued', 'running') DO NOTHING",
        )
        .bind(&job.kind)
        .bind(text::key(&job.name))
        .bind(text::clean(&job.registry))
        .bind(text::clean(&job.payload))
        .bind(job.priority)
        .bind(job.max_attempts.max(1))
        .bind(now.0)
        .bind(now.0)
        .execute(&mut *self.transaction)
        .await?;
        if added.rows_affected() == 1 {
            return Ok(Enqueued::New);
        }
        sqlx::query(
            "UPDATE jobs SET priority = $1 WHERE kind = $2 AND name = $3 AND state = 'queued' AND priority < $4",
        )
        .bind(job.priority)
        .bind(&job.kind)
        .bind(text::key(&job.name))
        .bind(job.priority)
        .execute(&mut *self.transaction)
        .await?;
        Ok(Enqueued::Known)
    }

    /// Asks for a job as [`Work::enqueue`] does, unless so many are queued that this one would only wait.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn enqueue_below(
        &mut self,
        job: &NewJob,
        limit: i64,
        now: Moment,
    ) -> Result<Enqueued, StoreError> {
        let full = sqlx::query("SELECT id FROM jobs WHERE state = 'queued' LIMIT 1 OFFSET $1")
            .bind(limit.saturating_sub(1).max(0))
            .fetch_optional(&mut *self.transaction)
            .await?;
        if full.is_some() {
            let known = sqlx::query(
                "SELECT id FROM jobs WHERE kind = $1 AND name = $2 AND state IN ('queued', 'running') LIMIT 1",
            )
            .bind(&job.kind)
            .bind(text::key(&job.name))
            .fetch_optional(&mut *self.transaction)
            .await?;
            if known.is_none() {
                return Ok(Enqueued::Full);
            }
        }
        self.enqueue(job, now).await
    }

    /// Ends a job that this worker holds; says whether it still did. If it did not, the caller must drop this transaction with
    /// all that it wrote: another worker has the job, or has done it.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn complete(&mut self, job: &Job, now: Moment) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE jobs SET state = 'done', finished = $1, lease_until = NULL, error = NULL \
             WHERE id = $2 AND attempt = $3 AND state = 'running'",
        )
        .bind(now.0)
        .bind(job.id)
        .bind(job.attempt)
        .execute(&mut *self.transaction)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

impl Store {
    /// Asks for one job.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn enqueue(&self, job: &NewJob, now: Moment) -> Result<Enqueued, StoreError> {
        let mut work = self.begin().await?;
        let enqueued = work.enqueue(job, now).await?;
        work.commit().await?;
        Ok(enqueued)
    }

    /// Takes the most urgent job that may be done now, if there is one; none of a kind that is [`SET_APART`].
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn claim(&self, worker: &str, terms: &Terms, now: Moment) -> Result<Option<Job>, StoreError> {
        self.claim_where("kind <> $7", worker, terms, now).await
    }

    /// Takes the most urgent job of the kind that is [`SET_APART`], if there is one that may be done now.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn claim_set_apart(
        &self,
        worker: &str,
        terms: &Terms,
        now: Moment,
    ) -> Result<Option<Job>, StoreError> {
        self.claim_where("kind = $7", worker, terms, now).await
    }

    async fn claim_where(
        &self,
        kind: &'static str,
        worker: &str,
        terms: &Terms,
        now: Moment,
    ) -> Result<Option<Job>, StoreError> {
        // Most polls find nothing; they should not make writers wait.
        let sql = format!(
            "SELECT id FROM jobs WHERE state = 'queued' AND run_at <= $1 AND {} LIMIT 1",
            kind.replace("$7", "$2")
        );
        let waiting = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.0)
            .bind(SET_APART)
            .fetch_optional(&self.pool)
            .await?;
        if waiting.is_none() {
            return Ok(None);
        }
        let mut work = self.begin().await?;
        work.lock(Lock::Claims).await?;
        let sql = format!(
            "UPDATE jobs SET state = 'running', attempt = attempt + 1, worker = $1, lease_until = $2, started = $3, \
             waited = $4 - run_at WHERE id = (SELECT id FROM jobs WHERE state = 'queued' AND run_at <= $5 AND (registry = '' OR registry NOT IN \
             (SELECT registry FROM jobs WHERE state = 'running' GROUP BY registry HAVING COUNT(*) >= $6)) AND {kind} \
             ORDER BY priority DESC, run_at, id LIMIT 1) \
             RETURNING id, attempt, kind, name, registry, payload, run_at"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(worker)
            .bind(now.plus(terms.lease).0)
            .bind(now.0)
            .bind(now.0)
            .bind(now.0)
            .bind(terms.per_registry)
            .bind(SET_APART)
            .fetch_optional(&mut *work.transaction)
            .await?;
        let job = row.as_ref().map(|row| job(row, now)).transpose()?;
        work.commit().await?;
        Ok(job)
    }

    /// Keeps a job for another lease; says whether it is still ours.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn heartbeat(&self, job: &Job, terms: &Terms, now: Moment) -> Result<bool, StoreError> {
        let kept = sqlx::query(
            "UPDATE jobs SET lease_until = $1 WHERE id = $2 AND attempt = $3 AND state = 'running'",
        )
        .bind(now.plus(terms.lease).0)
        .bind(job.id)
        .bind(job.attempt)
        .execute(&self.pool)
        .await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Says that an attempt failed: the job is tried again later, or counts as failed when that was its last. Says whether it was
    /// still ours.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn fail(&self, job: &Job, error: &str, now: Moment) -> Result<bool, StoreError> {
        self.fail_over(job, error, (&job.registry, &job.payload), now).await
    }

    /// Says that an attempt failed, as [`Store::fail`] does, and that the next one is to ask another registry, with another payload.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn fail_over(
        &self,
        job: &Job,
        error: &str,
        (registry, payload): (&str, &str),
        now: Moment,
    ) -> Result<bool, StoreError> {
        let error: String = text::clean(error).chars().take(MAX_ERROR).collect();
        let failed = sqlx::query(
            "UPDATE jobs SET state = CASE WHEN attempt >= max_attempts THEN 'failed' ELSE 'queued' END, run_at = $1, error = $2, \
             lease_until = NULL, finished = CASE WHEN attempt >= max_attempts THEN CAST($3 AS BIGINT) END, \
             registry = $4, payload = $5 WHERE id = $6 AND attempt = $7 AND state = 'running'",
        )
        .bind(now.plus(delay(job.id, job.attempt)).0)
        .bind(error)
        .bind(now.0)
        .bind(text::clean(registry))
        .bind(text::clean(payload))
        .bind(job.id)
        .bind(job.attempt)
        .execute(&self.pool)
        .await?;
        Ok(failed.rows_affected() == 1)
    }

    /// Gives back the jobs whose workers fell silent. An image that kills every worker ends as failed, not as an endless loop.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn recover(&self, now: Moment) -> Result<Recovered, StoreError> {
        let rows = sqlx::query(
            "UPDATE jobs SET state = CASE WHEN attempt >= max_attempts THEN 'failed' ELSE 'queued' END, \
             finished = CASE WHEN attempt >= max_attempts THEN CAST($1 AS BIGINT) END, \
             lease_until = NULL, error = 'its worker fell silent' \
             WHERE state = 'running' AND lease_until < $2 RETURNING state",
        )
        .bind(now.0)
        .bind(now.0)
        .fetch_all(&self.pool)
        .await?;
        let mut recovered = Recovered::default();
        for row in rows {
            match row.try_get::<String, _>(0)?.as_str() {
                "failed" => recovered.failed += 1,
                _ => recovered.queued += 1,
            }
        }
        Ok(recovered)
    }

    /// Returns how many jobs of each kind are in each state.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn depths(&self) -> Result<Vec<Depth>, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, state, COUNT(*), MIN(run_at) FROM jobs GROUP BY kind, state ORDER BY kind, state",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Depth {
                    kind: row.try_get(0)?,
                    state: row.try_get(1)?,
                    jobs: row.try_get(2)?,
                    oldest: Moment(row.try_get(3)?),
                })
            })
            .collect()
    }

    /// Returns how many jobs are queued: what back-pressure goes by.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn queued(&self) -> Result<i64, StoreError> {
        let row =
            sqlx::query("SELECT COUNT(*) FROM jobs WHERE state = 'queued'").fetch_one(&self.pool).await?;
        Ok(row.try_get(0)?)
    }

    /// Returns the state of the newest job about something, and its last error.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn job_state(
        &self,
        kind: &str,
        name: &str,
    ) -> Result<Option<(String, Option<String>)>, StoreError> {
        let row = sqlx::query(
            "SELECT state, error FROM jobs WHERE kind = $1 AND name = $2 ORDER BY id DESC LIMIT 1",
        )
        .bind(kind)
        .bind(text::key(name))
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
    }

    /// Returns the number of the last job of a kind and name, if there is one.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn job_number(&self, kind: &str, name: &str) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query("SELECT id FROM jobs WHERE kind = $1 AND name = $2 ORDER BY id DESC LIMIT 1")
            .bind(kind)
            .bind(text::key(name))
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// Forgets jobs that ended before a moment; returns how many.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn forget_jobs(&self, before: Moment) -> Result<u64, StoreError> {
        let gone = sqlx::query("DELETE FROM jobs WHERE state IN ('done', 'failed') AND finished < $1")
            .bind(before.0)
            .execute(&self.pool)
            .await?;
        Ok(gone.rows_affected())
    }
}

fn job(row: &AnyRow, now: Moment) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.try_get(0)?,
        attempt: row.try_get(1)?,
        kind: row.try_get(2)?,
        name: row.try_get(3)?,
        registry: row.try_get(4)?,
        payload: row.try_get(5)?,
        waited: now.since(Moment(row.try_get(6)?)),
    })
}

/// Returns how long to wait after an attempt: twice as long each time, and up to a quarter more, so that what failed together (a
/// registry went down) does not come back together.
fn delay(id: i64, attempt: i64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let delay = FIRST_DELAY.saturating_mul(1 << doublings).min(MAX_DELAY);
    // Knuth's multiplicative hash spreads neighbouring numbers.
    let spread = id.wrapping_mul(2_654_435_761).wrapping_add(attempt).rem_euclid(1000);
    delay + delay.saturating_mul(u32::try_from(spread).unwrap_or(0)) / 4000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_differ_between_jobs() {
        let seconds = |id, attempt| delay(id, attempt).as_secs_f64();
        for id in 0..50 {
            for (attempt, least) in
                [(1, 10.0), (2, 20.0), (3, 40.0), (9, 2560.0), (10, 3600.0), (i64::MAX, 3600.0)]
            {
                assert!((least..=least * 1.25).contains(&seconds(id, attempt)), "{id} {attempt}");
            }
        }
        assert!((seconds(1, 1) - seconds(2, 1)).abs() > 0.01);
    }
}
