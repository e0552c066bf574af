//! Indicators of the whole fleet, worked out from what is stored: the same whichever process is asked.

use crate::error::StoreError;
use crate::exposure::Exposure;
use crate::moment::Moment;
use crate::store::Store;
use sqlx::Row as _;
use std::time::Duration;

/// Findings of one kind and severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFindings {
    /// The kind.
    pub kind: String,
    /// The severity.
    pub severity: String,
    /// How many there are that count.
    pub findings: i64,
    /// Of those, how many had been gone and came back.
    pub recurring: i64,
    /// In how many images.
    pub images: i64,
}

/// How long it took until a tag no longer named an image with a vulnerability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remediated {
    /// The severity.
    pub severity: String,
    /// How many vulnerabilities went away.
    pub count: i64,
    /// How long they had been known, together.
    pub together: Duration,
}

/// What the store says of the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Indicators {
    /// Images that could be judged: neither indexes, whose images count, nor what is no image.
    pub images: i64,
    /// Of those, the ones that were scanned.
    pub scanned: i64,
    /// Scanned images whose report is by an older database than the newest one known.
    pub behind: i64,
    /// What is admitted before its scan at the moment.
    pub watched: i64,
    /// Scans that ended in the window: those that came to something, and those that were given up.
    pub scans: (i64, i64),
    /// How long the former took together, from the start of the last attempt.
    pub scanning: Duration,
    /// Findings that count.
    pub findings: Vec<OpenFindings>,
    /// What was remediated in the window.
    pub remediated: Vec<Remediated>,
    /// Vulnerable packages, what came back, and what people made of findings.
    pub exposure: Exposure,
    /// The newest vulnerability database, and what it says of itself.
    pub database: Option<(Moment, String)>,
}

impl Store {
    /// Works out the indicators; `since` is the beginning of the window of those that are about a time.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn indicators(&self, since: Moment) -> Result<Indicators, StoreError> {
        let database = sqlx::query("SELECT built, description FROM databases ORDER BY built DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        let database = match database {
            Some(row) => Some((Moment(row.try_get(0)?), row.try_get(1)?)),
            None => None,
        };
        let newest = database.as_ref().map_or(Moment(i64::MIN), |(built, _)| *built);
        let images = sqlx::query(
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 FROM reports r WHERE r.image = i.id) THEN 1 ELSE 0 END), 0) \
             FROM images i WHERE i.refused IS NULL AND NOT EXISTS (SELECT 1 FROM children c WHERE c.parent = i.id)",
        )
        .fetch_one(&self.pool)
        .await?;
        let watched =
            sqlx::query("SELECT COUNT(*) FROM watched WHERE ended IS NULL").fetch_one(&self.pool).await?;
        let scans = sqlx::query(
            "SELECT COALESCE(SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END), 0), \
             COALESCE(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0), \
             CAST(COALESCE(SUM(CASE WHEN state = 'done' THEN finished - started ELSE 0 END), 0) AS BIGINT) \
             FROM jobs WHERE kind = 'scan' AND state IN ('done', 'failed') AND finished >= $1",
        )
        .bind(since.0)
        .fetch_one(&self.pool)
        .await?;
        Ok(Indicators {
            images: images.try_get(0)?,
            scanned: images.try_get(1)?,
            behind: i64::try_from(self.behind(newest).await?.len()).unwrap_or(i64::MAX),
            watched: watched.try_get(0)?,
            scans: (scans.try_get(0)?, scans.try_get(1)?),
            scanning: milliseconds(scans.try_get(2)?),
            findings: self.open_findings().await?,
            remediated: self.remediated(since).await?,
            exposure: self.exposure(since).await?,
            database,
        })
    }

    async fn open_findings(&self) -> Result<Vec<OpenFindings>, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, severity, COUNT(*), COALESCE(SUM(CASE WHEN reopened > 0 THEN 1 ELSE 0 END), 0), COUNT(DISTINCT image) \
             FROM findings WHERE gone_at IS NULL AND suppressed = 0 GROUP BY kind, severity ORDER BY kind, severity",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(OpenFindings {
                    kind: row.try_get(0)?,
                    severity: row.try_get(1)?,
                    findings: row.try_get(2)?,
                    recurring: row.try_get(3)?,
                    images: row.try_get(4)?,
                })
            })
            .collect()
    }

    /// An image does not change, so what remediates is that a tag names another one, in which the vulnerability is not. It counts from
    /// when it was first known of any image that the tag had named.
    async fn remediated(&self, since: Moment) -> Result<Vec<Remediated>, StoreError> {
        const OF_TAG: &str =
            "o.registry = n.registry AND o.repository = n.repository AND o.tag = n.tag AND o.id < n.id";
        let sql = format!(
            "SELECT severity, COUNT(*), CAST(SUM(CASE WHEN ended > begun THEN ended - begun ELSE 0 END) AS BIGINT) FROM \
             (SELECT f.severity AS severity, n.first_seen AS ended, (SELECT MIN(h.first_seen) FROM tags o JOIN findings h \
             ON h.image = o.image WHERE {OF_TAG} AND h.fingerprint = f.fingerprint) AS begun \
             FROM tags n JOIN tags p ON p.id = (SELECT MAX(o.id) FROM tags o WHERE {OF_TAG}) \
             JOIN findings f ON f.image = p.image AND f.kind = 'vulnerability' AND f.suppressed = 0 AND f.gone_at IS NULL \
             WHERE n.first_seen >= $1 AND EXISTS (SELECT 1 FROM reports r WHERE r.image = n.image) \
             AND NOT EXISTS (SELECT 1 FROM findings g WHERE g.image = n.image AND g.fingerprint = f.fingerprint \
             AND g.gone_at IS NULL)) fixed GROUP BY severity ORDER BY severity"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(since.0).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Remediated {
                    severity: row.try_get(0)?,
                    count: row.try_get(1)?,
                    together: milliseconds(row.try_get(2)?),
                })
            })
            .collect()
    }
}

fn milliseconds(number: i64) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or_default())
}
