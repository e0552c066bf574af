//! Indicators of what is built and what runs: builds and rebuilds, bills of materials, the way into an environment, and what is weak there.

use crate::deployment::RUNNING;
use crate::error::StoreError;
use crate::indicator::{JUDGEABLE, SHORT_LIVED, milliseconds};
use crate::moment::Moment;
use crate::store::Store;
use sqlx::{AssertSqlSafe, Row as _};
use std::time::Duration;

/// Vulnerabilities of what runs in one environment, of one severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    /// The environment.
    pub environment: String,
    /// The severity.
    pub severity: String,
    /// How many findings there are that count, each once per image.
    pub findings: i64,
    /// How many services have any.
    pub services: i64,
}

/// Images that came to run in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The environment.
    pub environment: String,
    /// How many of those whose build is known.
    pub count: i64,
    /// How long it took from the end of their first successful build, together.
    pub together: Duration,
}

/// What the store says of builds and deployments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// Builds that began in the window: those that succeeded, and those that failed.
    pub builds: (i64, i64),
    /// How long the former took together.
    pub building: Duration,
    /// What was built more than once of the same commit and inputs, the last time in the window; and of that, what came out the same
    /// each time.
    pub rebuilt: (i64, i64),
    /// Images with a bill of materials that somebody gave.
    pub with_sbom: i64,
    /// Of those, the ones whose bill of materials was scored, and the sum of the best score of each, in percent.
    pub scored: (i64, i64),
    /// Services that run, by environment.
    pub services: Vec<(String, i64)>,
    /// What came to run in the window.
    pub arrived: Vec<Arrived>,
    /// Vulnerabilities of what runs.
    pub exposed: Vec<Exposed>,
}

/// When an image was first built with success, itself or as part of an index.
const BUILT: &str = "(SELECT MIN(b.started + b.duration) FROM builds b WHERE b.outcome = 'success' AND b.digest IN \
     (SELECT i.digest FROM images i WHERE i.id = d.image UNION SELECT p.digest FROM children c JOIN images p ON p.id = c.parent \
     WHERE c.child = d.image))";

impl Store {
    /// Works out the indicators of what is built and what runs; `since` is the beginning of the window.
    pub(crate) async fn delivery(&self, since: Moment) -> Result<Delivery, StoreError> {
        let builds = sqlx::query(
            "SELECT COALESCE(SUM(CASE WHEN outcome = 'success' THEN 1 ELSE 0 END), 0), \
             COALESCE(SUM(CASE WHEN outcome = 'failure' THEN 1 ELSE 0 END), 0), \
             CAST(COALESCE(SUM(CASE WHEN outcome = 'success' THEN duration ELSE 0 END), 0) AS BIGINT) FROM builds WHERE started >= $1",
        )
        .bind(since.0)
        .fetch_one(&self.pool)
        .await?;
        let rebuilt = sqlx::query(
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN results = 1 THEN 1 ELSE 0 END), 0) FROM \
             (SELECT COUNT(DISTINCT digest) AS results FROM builds WHERE given <> '' AND outcome = 'success' GROUP BY given \
             HAVING COUNT(*) > 1 AND MAX(started) >= $1) rebuilt",
        )
        .bind(since.0)
        .fetch_one(&self.pool)
        .await?;
        let sboms = format!(
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN packages > 0 THEN 1 ELSE 0 END), 0), \
             CAST(COALESCE(SUM(CASE WHEN packages > 0 THEN score ELSE 0 END), 0) AS BIGINT) FROM \
             (SELECT s.image, MAX(s.score) AS score, MAX(s.packages) AS packages FROM sboms s JOIN images i ON i.id = s.image \
             WHERE {JUDGEABLE} AND NOT ({SHORT_LIVED}) GROUP BY s.image) best",
        );
        let sboms = sqlx::query(AssertSqlSafe(sboms)).fetch_one(&self.pool).await?;
        let services = sqlx::query(
            "SELECT environment, COUNT(DISTINCT service) FROM deployments WHERE ended IS NULL GROUP BY environment ORDER BY environment",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Delivery {
            builds: (builds.try_get(0)?, builds.try_get(1)?),
            building: milliseconds(builds.try_get(2)?),
            rebuilt: (rebuilt.try_get(0)?, rebuilt.try_get(1)?),
            with_sbom: sboms.try_get(0)?,
            scored: (sboms.try_get(1)?, sboms.try_get(2)?),
            services: services
                .iter()
                .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                .collect::<Result<_, StoreError>>()?,
            arrived: self.arrived(since).await?,
            exposed: self.exposed().await?,
        })
    }

    /// A service that goes back to an image it ran before says nothing about the way there, so only the first time counts.
    async fn arrived(&self, since: Moment) -> Result<Vec<Arrived>, StoreError> {
        let sql = format!(
            "SELECT environment, COUNT(*), CAST(SUM(CASE WHEN since > built THEN since - built ELSE 0 END) AS BIGINT) FROM \
             (SELECT d.environment AS environment, d.since AS since, {BUILT} AS built FROM deployments d WHERE d.since >= $1 \
             AND NOT EXISTS (SELECT 1 FROM deployments e WHERE e.environment = d.environment AND e.service = d.service \
             AND e.image = d.image AND e.id < d.id)) came WHERE built IS NOT NULL GROUP BY environment ORDER BY environment"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(since.0).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Arrived {
                    environment: row.try_get(0)?,
                    count: row.try_get(1)?,
                    together: milliseconds(row.try_get(2)?),
                })
            })
            .collect()
    }

    async fn exposed(&self) -> Result<Vec<Exposed>, StoreError> {
        let sql = format!(
            "{RUNNING} SELECT r.environment, f.severity, COUNT(DISTINCT f.id), COUNT(DISTINCT r.service) FROM running r \
             JOIN findings f ON f.image = r.image WHERE f.kind = 'vulnerability' AND f.gone_at IS NULL AND f.suppressed = 0 \
             GROUP BY r.environment, f.severity ORDER BY r.environment, f.severity"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Exposed {
                    environment: row.try_get(0)?,
                    severity: row.try_get(1)?,
                    findings: row.try_get(2)?,
                    services: row.try_get(3)?,
                })
            })
            .collect()
    }
}
