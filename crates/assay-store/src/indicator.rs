//! Indicators of the whole fleet, worked out from what is stored: the same whichever process is asked.

use crate::deployment::RUNNING;
use crate::error::StoreError;
use crate::exposure::{Exposure, weighed};
use crate::image::CURRENT;
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

/// What images in use are like, together: those that a tag names now, or that a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// How many were scanned.
    pub images: i64,
    /// How old they are together: since they were built, as they claim, or since they were first seen if they claim what cannot be.
    pub age: Duration,
    /// How many bytes their layers have together.
    pub size: i64,
    /// How many packages they have together.
    pub packages: i64,
    /// How many packages with vulnerabilities that count.
    pub vulnerable: i64,
    /// What those weigh together, each by its most severe finding.
    pub weight: i64,
    /// How many vulnerabilities of severity medium that count.
    pub medium: i64,
    /// How many packages that could be removed, and in how many images that is known.
    pub removable: (i64, i64),
}

/// How long something took, of what ended in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spans {
    /// How many there were.
    pub count: i64,
    /// How long they took together.
    pub together: Duration,
    /// How long the slowest took once the slowest twentieth is left out.
    pub slow: Duration,
}

/// Findings that are open for longer than they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// The severity.
    pub severity: String,
    /// How many.
    pub findings: i64,
}

/// Findings in what runs in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The environment.
    pub environment: String,
    /// Images that run there.
    pub images: i64,
    /// Of those, the ones that were never scanned.
    pub unscanned: i64,
    /// Those with vulnerabilities of severity high or critical.
    pub high: i64,
    /// Secrets in them.
    pub secrets: i64,
}

/// What the store says of the fleet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Indicators {
    /// Images that could be judged: neither indexes, whose images count, nor what is no image, nor what was short-lived.
    pub images: i64,
    /// Of those, the ones that were scanned.
    pub scanned: i64,
    /// Of those, the ones with critical vulnerabilities.
    pub critical: i64,
    /// Images that are left out, because they were short-lived: none was ever deployed, and each of their tags named another image
    /// within a day, or was gone.
    pub short_lived: i64,
    /// Scanned images whose report is by an older database than the newest one known.
    pub behind: i64,
    /// What is admitted before its scan at the moment.
    pub watched: i64,
    /// How many images each cluster has admitted, and how many of them only because it had before.
    pub admitted: Vec<(String, i64, i64)>,
    /// Scans that ended in the window: those that came to something, and those that were given up.
    pub scans: (i64, i64),
    /// How long the former took, from the start of the last attempt.
    pub scanning: Spans,
    /// How long scans that ended had waited before their last attempt.
    pub waiting: Spans,
    /// Findings that count.
    pub findings: Vec<OpenFindings>,
    /// What was remediated in the window.
    pub remediated: Vec<Remediated>,
    /// What is built and what runs.
    pub delivery: crate::delivery::Delivery,
    /// Secrets that went away in the window.
    pub rotated: Vec<Remediated>,
    /// Vulnerabilities that should have been remediated, in images in use.
    pub overdue: Vec<Overdue>,
    /// What runs where.
    pub running: Vec<Running>,
    /// What images in use are like.
    pub shape: Shape,
    /// What is wrong with the installation, by kind.
    pub conditions: Vec<(String, i64)>,
    /// What came back, and what people made of findings.
    pub exposure: Exposure,
    /// The newest vulnerability database, and what it says of itself.
    pub database: Option<(Moment, String)>,
}

/// Claims of a build time before 2013, when there were no images, are those of builds that leave the time out.
const EARLIEST: i64 = 1_356_998_400_000;

/// An image that could be judged.
pub(crate) const JUDGEABLE: &str =
    "i.refused IS NULL AND NOT EXISTS (SELECT 1 FROM children c WHERE c.parent = i.id)";

/// An image that nobody used for long, as each build of a development branch makes one.
pub(crate) const SHORT_LIVED: &str = "i.id NOT IN (WITH RECURSIVE ran (image) AS (SELECT image FROM deployments \
     UNION SELECT c.child FROM children c JOIN ran r ON r.image = c.parent) SELECT image FROM ran) AND EXISTS (SELECT 1 FROM tags t WHERE t.image = i.id) AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.image = i.id \
     AND NOT EXISTS (SELECT 1 FROM tags n WHERE n.registry = t.registry AND n.repository = t.repository AND n.tag = t.tag \
     AND n.id > t.id AND n.first_seen < t.first_seen + 86400000) \
     AND NOT EXISTS (SELECT 1 FROM listed_tags l WHERE l.registry = t.registry AND l.repository = t.repository AND l.tag = t.tag \
     AND l.gone_at IS NOT NULL AND l.gone_at < t.first_seen + 86400000))";

/// Returns the condition that an image is one that a tag names now, or that a service runs, by itself or in an index. Whole sets, so
/// that they are worked out once and not for each image.
fn in_use() -> String {
    format!(
        "i.id IN (WITH RECURSIVE used (image) AS (SELECT d.image FROM deployments d WHERE d.ended IS NULL \
         UNION SELECT t.image FROM tags t WHERE {CURRENT} \
         UNION SELECT c.child FROM children c JOIN used u ON u.image = c.parent) SELECT image FROM used)"
    )
}

/// What the indicators are measured against.
#[derive(Debug, Clone, Copy)]
pub struct Measures<'a> {
    /// When this is.
    pub now: Moment,
    /// How far those look back that are about a time.
    pub window: Duration,
    /// Within what time vulnerabilities of a severity should be remediated.
    pub remediation: &'a [(&'a str, Duration)],
}

impl Store {
    /// Works out the indicators.
    ///
    /// # Errors
    /// Fails when the database does not answer.
    pub async fn indicators(&self, measures: &Measures<'_>) -> Result<Indicators, StoreError> {
        let since = measures.now.minus(measures.window);
        let database = self.newest_database().await?;
        let newest = database.as_ref().map_or(Moment(i64::MIN), |(built, _)| *built);
        let sql = format!(
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 FROM reports r WHERE r.image = i.id) THEN 1 ELSE 0 END), 0), \
             COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 FROM reports r WHERE r.image = i.id) AND EXISTS (SELECT 1 FROM findings f \
             WHERE f.image = i.id AND f.kind = 'vulnerability' AND f.severity = 'critical' AND f.gone_at IS NULL \
             AND f.suppressed = 0) THEN 1 ELSE 0 END), 0) FROM images i WHERE {JUDGEABLE} AND NOT ({SHORT_LIVED})"
        );
        let images = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_one(&self.pool).await?;
        let watched = self
            .number(
                "SELECT COUNT(*) FROM watched w WHERE w.ended IS NULL AND NOT EXISTS (SELECT 1 FROM images i \
                 JOIN reports r ON r.image = i.id WHERE i.digest = w.name)",
            )
            .await?;
        let scans = sqlx::query(
            "SELECT COALESCE(SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END), 0), \
             COALESCE(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0) \
             FROM jobs WHERE kind = 'scan' AND state IN ('done', 'failed') AND finished >= $1",
        )
        .bind(since.0)
        .fetch_one(&self.pool)
        .await?;
        let mut overdue = Vec::new();
        for (severity, limit) in measures.remediation {
            overdue.extend(self.overdue(severity, measures.now.minus(*limit)).await?);
        }
        Ok(Indicators {
            images: images.try_get(0)?,
            scanned: images.try_get(1)?,
            critical: images.try_get(2)?,
            short_lived: self
                .number(&format!("SELECT COUNT(*) FROM images i WHERE {JUDGEABLE} AND {SHORT_LIVED}"))
                .await?,
            behind: i64::try_from(self.behind(newest).await?.len()).unwrap_or(i64::MAX),
            watched,
            admitted: self.admitted_counts().await?,
            scans: (scans.try_get(0)?, scans.try_get(1)?),
            scanning: self.spans("finished - started", since).await?,
            waiting: self.spans("waited", since).await?,
            findings: self.open_findings().await?,
            delivery: self.delivery(since).await?,
            remediated: self.remediated("vulnerability", since).await?,
            rotated: self.remediated("secret", since).await?,
            overdue,
            running: self.running().await?,
            shape: self.shape(measures.now).await?,
            conditions: self.condition_counts().await?,
            exposure: self.exposure(since).await?,
            database,
        })
    }

    async fn number(&self, sql: &str) -> Result<i64, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&self.pool).await?;
        Ok(row.try_get(0)?)
    }

    /// Returns how long scans that came to something took, in one way to look at it.
    async fn spans(&self, span: &'static str, since: Moment) -> Result<Spans, StoreError> {
        let ended = format!(
            "FROM jobs WHERE kind = 'scan' AND state = 'done' AND finished >= $1 AND {span} IS NOT NULL"
        );
        let sql = format!("SELECT COUNT(*), CAST(COALESCE(SUM({span}), 0) AS BIGINT) {ended}");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(since.0).fetch_one(&self.pool).await?;
        let (count, together): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        if count == 0 {
            return Ok(Spans::default());
        }
        // The nearest rank: of twenty the nineteenth, of one the first.
        let rank = count.saturating_mul(95).saturating_add(99).div_euclid(100).saturating_sub(1);
        let sql = format!("SELECT CAST({span} AS BIGINT) {ended} ORDER BY 1 LIMIT 1 OFFSET $2");
        let row =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(since.0).bind(rank).fetch_optional(&self.pool).await?;
        let slow = match row {
            Some(row) => milliseconds(row.try_get(0)?),
            None => Duration::ZERO,
        };
        Ok(Spans { count, together: milliseconds(together), slow })
    }

    async fn overdue(&self, severity: &str, before: Moment) -> Result<Option<Overdue>, StoreError> {
        let sql = format!(
            "SELECT COUNT(*) FROM findings f JOIN images i ON i.id = f.image WHERE f.kind = 'vulnerability' AND f.severity = $1 \
             AND f.gone_at IS NULL AND f.suppressed = 0 AND f.first_seen < $2 AND {}",
            in_use()
        );
        let row =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(severity).bind(before.0).fetch_one(&self.pool).await?;
        Ok(Some(Overdue { severity: severity.to_owned(), findings: row.try_get(0)? }))
    }

    async fn running(&self) -> Result<Vec<Running>, StoreError> {
        let open = "FROM findings f WHERE f.image = x.image AND f.gone_at IS NULL AND f.suppressed = 0";
        let sql = format!(
            "{RUNNING} SELECT x.environment, COUNT(*), \
             SUM(CASE WHEN EXISTS (SELECT 1 FROM reports r WHERE r.image = x.image) THEN 0 ELSE 1 END), \
             SUM(CASE WHEN EXISTS (SELECT 1 {open} AND f.kind = 'vulnerability' AND f.severity IN ('high', 'critical')) \
             THEN 1 ELSE 0 END), CAST(SUM((SELECT COUNT(*) {open} AND f.kind = 'secret')) AS BIGINT) FROM \
             (SELECT DISTINCT r.environment AS environment, i.id AS image FROM running r JOIN images i ON i.id = r.image \
             WHERE {JUDGEABLE}) x GROUP BY x.environment ORDER BY x.environment"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Running {
                    environment: row.try_get(0)?,
                    images: row.try_get(1)?,
                    unscanned: row.try_get(2)?,
                    high: row.try_get(3)?,
                    secrets: row.try_get(4)?,
                })
            })
            .collect()
    }

    async fn shape(&self, now: Moment) -> Result<Shape, StoreError> {
        // What an image claims is younger than when it was first seen cannot be.
        let age = format!(
            "CASE WHEN i.made IS NULL OR i.made < {EARLIEST} OR i.made > i.first_seen THEN i.first_seen ELSE i.made END"
        );
        let counted = format!("FROM images i WHERE i.packages IS NOT NULL AND {JUDGEABLE} AND {}", in_use());
        let sql = format!(
            "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN {age} < $1 THEN $2 - ({age}) ELSE 0 END), 0) AS BIGINT), \
             CAST(COALESCE(SUM(i.size), 0) AS BIGINT), CAST(COALESCE(SUM(i.packages), 0) AS BIGINT), \
             CAST(COALESCE(SUM(i.removable), 0) AS BIGINT), COUNT(i.removable) {counted}"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now.0).bind(now.0).fetch_one(&self.pool).await?;
        let sql = weighed(&format!("f.image IN (SELECT i.id {counted})"));
        let vulnerable = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_one(&self.pool).await?;
        let medium = self
            .number(&format!(
                "SELECT COUNT(*) FROM findings f WHERE f.kind = 'vulnerability' AND f.severity = 'medium' AND f.gone_at IS NULL \
                 AND f.suppressed = 0 AND f.image IN (SELECT i.id {counted})"
            ))
            .await?;
        Ok(Shape {
            medium,
            removable: (row.try_get(4)?, row.try_get(5)?),
            images: row.try_get(0)?,
            age: milliseconds(row.try_get(1)?),
            size: row.try_get(2)?,
            packages: row.try_get(3)?,
            vulnerable: vulnerable.try_get(0)?,
            weight: vulnerable.try_get(1)?,
        })
    }

    async fn condition_counts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sqlx::query("SELECT kind, COUNT(*) FROM conditions GROUP BY kind ORDER BY kind")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
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

    /// An image does not change, so what remediates is that a tag names another one, in which the finding is not. It counts from
    /// when it was first known of any image that the tag had named.
    async fn remediated(&self, kind: &str, since: Moment) -> Result<Vec<Remediated>, StoreError> {
        const OF_TAG: &str =
            "o.registry = n.registry AND o.repository = n.repository AND o.tag = n.tag AND o.id < n.id";
        let sql = format!(
            "SELECT severity, COUNT(*), CAST(SUM(CASE WHEN ended > begun THEN ended - begun ELSE 0 END) AS BIGINT) FROM \
             (SELECT f.severity AS severity, n.first_seen AS ended, (SELECT MIN(h.first_seen) FROM tags o JOIN findings h \
             ON h.image = o.image WHERE {OF_TAG} AND h.fingerprint = f.fingerprint) AS begun \
             FROM tags n JOIN tags p ON p.id = (SELECT MAX(o.id) FROM tags o WHERE {OF_TAG}) \
             JOIN findings f ON f.image = p.image AND f.kind = $1 AND f.suppressed = 0 AND f.gone_at IS NULL \
             WHERE n.first_seen >= $2 AND EXISTS (SELECT 1 FROM reports r WHERE r.image = n.image) \
             AND NOT EXISTS (SELECT 1 FROM findings g WHERE g.image = n.image AND g.fingerprint = f.fingerprint \
             AND g.gone_at IS NULL)) fixed GROUP BY severity ORDER BY severity"
        );
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(kind).bind(since.0).fetch_all(&self.pool).await?;
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

pub(crate) fn milliseconds(number: i64) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or_default())
}
